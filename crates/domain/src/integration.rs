//! A configured destination, and how it wants its deliveries.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{format_duration, parse_duration};
use crate::{CompanyId, IntegrationId, Secret, Timestamp};

/// Most companies that one integration may list; more means: associate all.
pub const COMPANIES: usize = 10_000;

/// Non-secret credential fields by name (`webhook_url`, `username`, `header_key`, …), as the connector's own parser left them.
pub type Fields = serde_json::Map<String, serde_json::Value>;

/// Secret credential fields by name (`password`, `header_value`, `signing_secret`, …).
pub type Secrets = BTreeMap<String, Secret<String>>;

/// A configured destination. Its secrets are not here: `store` keeps them sealed and hands them out for sending alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Integration {
    pub id: IntegrationId,
    /// Connector kind: `webhook`, …
    pub connector: String,
    pub name: String,
    /// Associated companies; empty means all, those added later included.
    pub companies: Vec<CompanyId>,
    /// A person's switch. The machine's own is the gate.
    pub enabled: bool,
    /// When the credentials were last saved *and* found good; cleared by each change of a URL or of the credentials.
    pub authenticated_at: Option<Timestamp>,
    /// When the credentials were last checked at all.
    pub checked_at: Option<Timestamp>,
    pub fields: Fields,
    /// Names of the secrets that are set, with the last four characters of each.
    pub secrets_set: BTreeMap<String, String>,
    pub delivery: DeliverySettings,
    /// The report of the last check, as the API answered it.
    pub last_check: Option<serde_json::Value>,
    pub created_at: Timestamp,
    /// Raised by each change of the row's configuration: who works the integration reads it anew when it moved.
    pub version: u64,
}

impl Integration {
    /// Whether events of `company` may go here. Unassigned events go nowhere.
    #[must_use]
    pub fn serves(&self, company: CompanyId) -> bool {
        self.companies.is_empty() || self.companies.contains(&company)
    }
}

/// The waits before each attempt, 1 to 64 of them; after the last one the delivery is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Schedule {
    pub const MOST: usize = 64;
    /// No single wait is longer (decisions.md 15: a due time beyond it is clamped).
    pub const LONGEST_WAIT: Duration = Duration::from_secs(7 * 24 * 3_600);

    pub fn new(waits: Vec<Duration>) -> Result<Self, SettingError> {
        if waits.is_empty() || waits.len() > Self::MOST {
            return Err(SettingError::new(
                "schedule",
                "has 1 to 64 waits, one before each attempt",
            ));
        }
        if waits.iter().any(|wait| *wait > Self::LONGEST_WAIT) {
            return Err(SettingError::new("schedule", "has no wait longer than 7d"));
        }
        Ok(Self(waits))
    }

    #[must_use]
    pub fn waits(&self) -> &[Duration] {
        &self.0
    }
}

impl Default for Schedule {
    /// 0, 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: the example of Standard Webhooks 1.0.0.
    fn default() -> Self {
        const SECONDS: [u64; 10] = [
            0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
        ];
        Self(SECONDS.into_iter().map(Duration::from_secs).collect())
    }
}

/// How an integration wants its deliveries. Every part has a default.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliverySettings {
    pub schedule: Schedule,
    /// Over the whole exchange: name look-up to the last byte of the answer.
    pub timeout: Duration,
    /// Requests in flight at once.
    pub concurrency: NonZeroU16,
    /// Requests begun in a second; none means no limit.
    pub rate_per_second: Option<NonZeroU32>,
    /// How long a joined alert waits for further events (*Notify By* other than event).
    pub group_window: Duration,
}

impl DeliverySettings {
    pub const MOST_CONCURRENCY: u16 = 256;
    pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(120);
    pub const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 3_600);
    pub const MOST_RATE: u32 = 1_000_000;
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            schedule: Schedule::default(),
            timeout: Duration::from_secs(15),
            concurrency: NonZeroU16::new(8).expect("8 is not zero"),
            rate_per_second: None,
            group_window: Duration::from_secs(60),
        }
    }
}

/// A delivery setting that broke its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct SettingError {
    /// The key, as the API writes it.
    pub field: String,
    /// The rule, and so what to do.
    pub rule: String,
}

impl SettingError {
    fn new(field: &str, rule: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            rule: rule.into(),
        }
    }
}

/// The `delivery` object of the API, every key optional.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_window: Option<String>,
}

impl DeliveryForm {
    /// The settings, defaults filled in; or every rule that was broken.
    pub fn parse(&self) -> Result<DeliverySettings, Vec<SettingError>> {
        let mut settings = DeliverySettings::default();
        let mut errors = Vec::new();
        let mut keep = |result: Result<(), SettingError>| errors.extend(result.err());
        keep(self.read_schedule(&mut settings));
        keep(self.read_times(&mut settings));
        keep(self.read_limits(&mut settings));
        if errors.is_empty() {
            Ok(settings)
        } else {
            Err(errors)
        }
    }

    fn read_schedule(&self, settings: &mut DeliverySettings) -> Result<(), SettingError> {
        let Some(waits) = &self.schedule else {
            return Ok(());
        };
        let waits = waits
            .iter()
            .map(|wait| {
                parse_duration(wait)
                    .map_err(|error| SettingError::new("schedule", error.to_string()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        settings.schedule = Schedule::new(waits)?;
        Ok(())
    }

    fn read_times(&self, settings: &mut DeliverySettings) -> Result<(), SettingError> {
        let read = |field: &str, text: &Option<String>, least: Duration, most: Duration| match text
        {
            None => Ok(None),
            Some(text) => match parse_duration(text) {
                Err(error) => Err(SettingError::new(field, error.to_string())),
                Ok(time) if time < least || time > most => Err(SettingError::new(
                    field,
                    format!(
                        "is from {} to {}",
                        format_duration(least),
                        format_duration(most)
                    ),
                )),
                Ok(time) => Ok(Some(time)),
            },
        };
        let second = Duration::from_secs(1);
        let timeout = read(
            "timeout",
            &self.timeout,
            second / 10,
            DeliverySettings::LONGEST_TIMEOUT,
        )?;
        settings.timeout = timeout.unwrap_or(settings.timeout);
        let window = read(
            "group_window",
            &self.group_window,
            Duration::ZERO,
            DeliverySettings::LONGEST_WINDOW,
        )?;
        settings.group_window = window.unwrap_or(settings.group_window);
        Ok(())
    }

    fn read_limits(&self, settings: &mut DeliverySettings) -> Result<(), SettingError> {
        if let Some(number) = self.concurrency {
            settings.concurrency = u16::try_from(number)
                .ok()
                .filter(|number| *number <= DeliverySettings::MOST_CONCURRENCY)
                .and_then(NonZeroU16::new)
                .ok_or_else(|| {
                    SettingError::new("concurrency", "is a whole number from 1 to 256")
                })?;
        }
        if let Some(number) = self.rate_per_second {
            let rate = u32::try_from(number)
                .ok()
                .filter(|number| *number <= DeliverySettings::MOST_RATE)
                .and_then(NonZeroU32::new)
                .ok_or_else(|| {
                    SettingError::new("rate_per_second", "is a whole number from 1 to 1000000")
                })?;
            settings.rate_per_second = Some(rate);
        }
        Ok(())
    }
}

impl From<&DeliverySettings> for DeliveryForm {
    fn from(settings: &DeliverySettings) -> Self {
        Self {
            schedule: Some(
                settings
                    .schedule
                    .waits()
                    .iter()
                    .map(|wait| format_duration(*wait))
                    .collect(),
            ),
            timeout: Some(format_duration(settings.timeout)),
            concurrency: Some(settings.concurrency.get().into()),
            rate_per_second: settings.rate_per_second.map(|rate| rate.get().into()),
            group_window: Some(format_duration(settings.group_window)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_their_written_form() {
        let form = DeliveryForm {
            schedule: Some(vec!["0s".into(), "250ms".into(), "2h".into()]),
            timeout: Some("3s".into()),
            concurrency: Some(64),
            rate_per_second: Some(10),
            group_window: Some("0s".into()),
        };
        let settings = form.parse().unwrap();
        assert_eq!(DeliveryForm::from(&settings).parse(), Ok(settings));
        assert_eq!(
            DeliveryForm::default().parse(),
            Ok(DeliverySettings::default())
        );
    }

    #[test]
    fn a_broken_rule_is_named() {
        let form = DeliveryForm {
            schedule: Some(vec![]),
            timeout: Some("1h".into()),
            concurrency: Some(0),
            ..DeliveryForm::default()
        };
        let fields: Vec<_> = form
            .parse()
            .unwrap_err()
            .into_iter()
            .map(|error| error.field)
            .collect();
        assert_eq!(fields, ["schedule", "timeout", "concurrency"]);
    }
}
