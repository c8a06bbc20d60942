use domain::EventKindId;
use domain::catalogue::Entry;
use domain::configuration::{Configuration, Parts, Removed};
use domain::event_kind::{Adds, ENTRIES};
use store::Change;

use crate::api::configuration::plan::{Names, Pair, Plan, written};
use crate::api::event_kind::create::{EventKindForm, Origin};

pub(in crate::api::configuration) fn export(configuration: &Configuration) -> Vec<EventKindForm> {
    let mut kinds: Vec<_> = configuration.event_kinds().collect();
    // Kinds before wordings, which may be for them.
    kinds.sort_by_key(|kind| (kind.adds, &kind.code));
    kinds
        .into_iter()
        .map(|kind| EventKindForm::from(&**kind))
        .collect()
}

/// Each entry is checked beside the stored ones and those before it in the document.
pub(in crate::api::configuration) fn plan(plan: &mut Plan<'_>, forms: &[EventKindForm]) {
    plan.fields.within("");
    plan.fields.at_most("/event_kinds", forms.len(), ENTRIES);
    let stored = plan.stored.clone();
    let stored: Vec<_> = stored
        .event_kinds()
        .map(|kind| (kind.name(), kind))
        .collect();
    let mut names = Names::new(stored.iter().map(|(name, kind)| (name.as_str(), *kind)));
    for (index, form) in forms.iter().enumerate().take(ENTRIES) {
        if plan.fields.is_full() {
            return;
        }
        plan.fields.within(format!("/event_kinds/{index}"));
        // What does not even read is told when it is parsed.
        let known = name(form).and_then(|name| names.take(&mut plan.fields, &name));
        let origin = match known {
            Some(kind) => Origin {
                id: kind.id,
                author: kind.author.clone(),
                created_at: kind.created_at,
            },
            None => Origin {
                id: plan.app.fresh(EventKindId::new),
                author: plan.caller.actor(),
                created_at: plan.app.now(),
            },
        };
        let same = known.is_some_and(|kind| kind.file == form.file);
        let configuration = plan.caller.configuration.clone();
        let kind = match known {
            Some(kind) if same => (**kind).clone(),
            _ => match form.parse(&mut plan.fields, origin, &configuration) {
                Some(kind) => kind,
                None => continue,
            },
        };
        let pair = Pair {
            what: "event kind",
            name: &kind.name(),
            old: known.map(|kind| written(&EventKindForm::from(&**kind))),
            new: written(form),
            secrets: Vec::new(),
        };
        if plan.show(pair) {
            plan.write(match known {
                Some(_) => Change::UpdateEventKind(kind.clone()),
                None => Change::InsertEventKind(kind.clone()),
            });
            plan.advance(
                Parts {
                    event_kinds: vec![kind],
                    ..Parts::default()
                },
                Removed::default(),
            );
        }
    }
    let mut removed = Vec::new();
    if plan.prune {
        for kind in names.left() {
            plan.remove("event kind", &kind.name(), Change::RemoveEventKind(kind.id));
            removed.push(kind.id);
        }
    }
    plan.advance(
        Parts::default(),
        Removed {
            event_kinds: removed,
            ..Removed::default()
        },
    );
}

fn name(form: &EventKindForm) -> Option<String> {
    let entry = Entry::read("file", &form.file).ok()?;
    Some(
        match entry.extends {
            true => Adds::Wordings,
            false => Adds::Kind,
        }
        .name_of(&entry.code),
    )
}
