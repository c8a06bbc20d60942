use domain::CompanyId;
use domain::configuration::{Configuration, Parts, Removed};
use store::Change;

use crate::api::company::create::CompanyForm;
use crate::api::configuration::plan::{Names, Pair, Plan, written};

pub(in crate::api::configuration) fn export(configuration: &Configuration) -> Vec<CompanyForm> {
    let companies = configuration.companies();
    let mut forms: Vec<_> = companies
        .map(|company| CompanyForm::from(&**company))
        .collect();
    forms.sort_by(|one, other| one.name.cmp(&other.name));
    forms
}

pub(in crate::api::configuration) fn plan(plan: &mut Plan<'_>, forms: &[CompanyForm]) {
    let stored = plan.stored.clone();
    let mut names = Names::new(
        stored
            .companies()
            .map(|company| (company.name.as_str(), company)),
    );
    let mut put = Vec::with_capacity(forms.len());
    for (index, form) in forms.iter().enumerate() {
        if plan.fields.is_full() {
            return;
        }
        plan.fields.within(format!("/companies/{index}"));
        let known = names.take(&mut plan.fields, &form.name);
        let (id, created_at) = match known {
            Some(company) => (company.id, company.created_at),
            None => (plan.app.fresh(CompanyId::new), plan.app.now()),
        };
        let Some(company) = form.parse(&mut plan.fields, id, created_at) else {
            continue;
        };
        let pair = Pair {
            what: "company",
            name: &company.name,
            old: known.map(|company| written(&CompanyForm::from(&**company))),
            new: written(&CompanyForm::from(&company)),
            secrets: Vec::new(),
        };
        if plan.show(pair) {
            plan.write(match known {
                Some(_) => Change::UpdateCompany(company.clone()),
                None => Change::InsertCompany(company.clone()),
            });
        }
        put.push(company);
    }
    let mut removed = Vec::new();
    if plan.prune {
        for company in names.left() {
            plan.remove("company", &company.name, Change::RemoveCompany(company.id));
            removed.push(company.id);
        }
    }
    plan.advance(
        Parts {
            companies: put,
            ..Parts::default()
        },
        Removed {
            companies: removed,
            ..Removed::default()
        },
    );
}
