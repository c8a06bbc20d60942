//! What a company may bring in a second: one that floods must not take what the others need.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use delivery::Rate;
use domain::configuration::Configuration;
use domain::{CompanyId, Timestamp};

/// Most companies whose pace is remembered. Beyond it all are forgotten, which lets each bring one more second's worth.
const COMPANIES: usize = 10_000;

/// The pace of each company that has a quota, on this node.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    paces: Mutex<HashMap<CompanyId, (NonZeroU32, Rate)>>,
}

impl Quotas {
    /// Takes the events of one message or request, all or none; an error tells how long to wait.
    pub(crate) fn take(
        &self,
        companies: impl Iterator<Item = CompanyId>,
        configuration: &Configuration,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let wanted = counted(companies, configuration);
        // Nearly always: no quota is set, and no lock is taken.
        if wanted.is_empty() {
            return Ok(());
        }
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() + wanted.len() > COMPANIES {
            paces.clear();
        }
        let mut taken = Vec::with_capacity(wanted.len());
        for (company, (quota, count)) in wanted {
            let known = paces.get(&company).filter(|(rate, _)| *rate == quota);
            let mut pace = match known {
                Some((_, pace)) => pace.clone(),
                None => Rate::in_bunches(quota, now),
            };
            pace.take_many(count, now)
                .map_err(|until| until.since(now))?;
            taken.push((company, (quota, pace)));
        }
        paces.extend(taken);
        Ok(())
    }
}

/// How many events each company with a quota brings.
fn counted(
    companies: impl Iterator<Item = CompanyId>,
    configuration: &Configuration,
) -> HashMap<CompanyId, (NonZeroU32, u32)> {
    let mut wanted = HashMap::new();
    for id in companies {
        let quota = configuration.company(id).and_then(|company| company.quota);
        if let Some(quota) = quota {
            let (_, count) = wanted.entry(id).or_insert((quota.events_per_second, 0));
            *count += 1;
        }
    }
    wanted
}
