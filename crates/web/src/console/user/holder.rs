//! What the forms of a new user and of a new API key have alike.

use super::{POINTERS, roles};
use crate::console::form::Faults;
use crate::console::reach::Reach;
use crate::read::{Caller, Posted};

/// Who is to be let in: their name, their role and whose things they see.
#[derive(Debug)]
pub(in crate::console) struct Holder {
    pub(in crate::console) name: String,
    pub(in crate::console) role: String,
    pub(in crate::console) roles: [(String, String); 3],
    pub(in crate::console) reach: Reach,
    pub(in crate::console) faults: Faults,
}

impl Holder {
    /// The empty form, with this role chosen.
    pub(in crate::console) fn new(caller: &Caller, role: &str) -> Self {
        Self {
            name: String::new(),
            role: role.to_owned(),
            roles: roles(),
            reach: Reach::of(caller, None),
            faults: Faults::none(),
        }
    }

    /// The form with what was typed, and what is wrong with it.
    pub(in crate::console) fn posted(caller: &Caller, posted: &Posted, faults: Faults) -> Self {
        Self {
            name: posted.text("name").to_owned(),
            role: posted.text("role").to_owned(),
            roles: roles(),
            reach: Reach::posted(caller, posted),
            faults,
        }
    }

    /// What belongs to no field.
    pub(in crate::console) fn beside(&self) -> Vec<String> {
        self.faults.beside(POINTERS)
    }

    #[cfg(test)]
    pub(in crate::console) fn sample(is_all: bool, faults: Faults) -> Self {
        Self {
            name: "\"><script>alert(1)</script>".to_owned(),
            role: "viewer".to_owned(),
            roles: roles(),
            reach: Reach::sample(is_all),
            faults,
        }
    }
}
