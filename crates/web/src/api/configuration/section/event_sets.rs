use domain::EventSetId;
use domain::configuration::{Configuration, Parts, Removed};
use store::Change;

use crate::api::configuration::plan::{Names, Pair, Plan, written};
use crate::api::event_set::create::EventSetForm;

pub(in crate::api::configuration) fn export(configuration: &Configuration) -> Vec<EventSetForm> {
    let sets = configuration.event_sets();
    let mut forms: Vec<_> = sets.map(|set| EventSetForm::from(&**set)).collect();
    forms.sort_by(|one, other| one.name.cmp(&other.name));
    forms
}

pub(in crate::api::configuration) fn plan(plan: &mut Plan<'_>, forms: &[EventSetForm]) {
    let stored = plan.stored.clone();
    let mut names = Names::new(stored.event_sets().map(|set| (set.name.as_str(), set)));
    let mut put = Vec::with_capacity(forms.len());
    for (index, form) in forms.iter().enumerate() {
        if plan.fields.is_full() {
            return;
        }
        plan.fields.within(format!("/event_sets/{index}"));
        let known = names.take(&mut plan.fields, &form.name).map(|set| &**set);
        let (id, created_at) = match known {
            Some(set) => (set.id, set.created_at),
            None => (plan.app.fresh(EventSetId::new), plan.app.now()),
        };
        let kept = known.map_or(&[][..], |set| &set.events);
        let catalogue = plan.caller.configuration.catalogue();
        let Some(set) = form.parse(&mut plan.fields, (id, created_at), catalogue, kept) else {
            continue;
        };
        let pair = Pair {
            what: "event set",
            name: &set.name,
            old: known.map(|set| written(&EventSetForm::from(set))),
            new: written(&EventSetForm::from(&set)),
            secrets: Vec::new(),
        };
        if plan.show(pair) {
            plan.write(match known {
                Some(_) => Change::UpdateEventSet(set.clone()),
                None => Change::InsertEventSet(set.clone()),
            });
        }
        put.push(set);
    }
    let mut removed = Vec::new();
    if plan.prune {
        for set in names.left() {
            plan.remove("event set", &set.name, Change::RemoveEventSet(set.id));
            removed.push(set.id);
        }
    }
    plan.advance(
        Parts {
            event_sets: put,
            ..Parts::default()
        },
        Removed {
            event_sets: removed,
            ..Removed::default()
        },
    );
}
