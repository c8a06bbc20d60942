use domain::configuration::Configuration;
use store::Change;

use crate::api::configuration::plan::{Names, Pair, Plan, written};
use crate::api::source::changed_secrets;
use crate::api::source::create::SourceForm;

pub(in crate::api::configuration) fn export(configuration: &Configuration) -> Vec<SourceForm> {
    let call = |id| match configuration.company(id) {
        Some(company) => company.name.clone(),
        None => id.to_string(),
    };
    let sources = configuration.sources();
    let mut forms: Vec<_> = sources.map(|source| SourceForm::of(source, call)).collect();
    forms.sort_by(|one, other| one.name.cmp(&other.name));
    forms
}

/// Nothing refers to a source, so the plan need not know the new ones.
pub(in crate::api::configuration) fn plan(plan: &mut Plan<'_>, forms: &[SourceForm]) {
    let stored = plan.stored.clone();
    let mut names = Names::new(
        stored
            .sources()
            .map(|source| (source.name.as_str(), source)),
    );
    for (index, form) in forms.iter().enumerate() {
        if plan.fields.is_full() {
            return;
        }
        plan.fields.within(format!("/sources/{index}"));
        let known = names
            .take(&mut plan.fields, &form.name)
            .map(|source| &**source);
        let Some(source) = form.parse(&mut plan.fields, plan.app, &plan.caller, known) else {
            continue;
        };
        let form = |source| written(&SourceForm::of(source, |id| plan.call(id)));
        let pair = Pair {
            what: "source",
            name: &source.name,
            old: known.map(form),
            new: form(&source),
            secrets: known
                .map(|known| changed_secrets(&known.authentication, &source.authentication))
                .unwrap_or_default(),
        };
        if plan.show(pair) {
            plan.write(match known {
                Some(_) => Change::UpdateSource(source),
                None => Change::InsertSource(source),
            });
        }
    }
    if plan.prune {
        for source in names.left() {
            plan.remove("source", &source.name, Change::RemoveSource(source.id));
        }
    }
}
