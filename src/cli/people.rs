//! Whom the demo knows: tokens for some roles, and for every role an account with a password of its own. Both are made
//! once and kept in its folder.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Failed;
use super::demo::private_file;
use crate::actions::{Context, Witness, account, organisation, password};
use crate::config::{Secret, TokenSetting};
use crate::domain::account::{AccountDraft, Scope};
use crate::domain::actor::{Actor, Role};
use crate::domain::organisation::{Organisation, OrganisationKind};
use crate::domain::word::Word;
use crate::error::Error;

/// The file of the folder in which they are kept.
pub(super) const FILE: &str = "tokens.toml";

/// Whom the tokens stand for: name, organisation, role.
const TOKENS: [(&str, Option<&str>, &str); 4] = [
    ("administrator", None, "administrator"),
    ("officer", Some("office"), "officer"),
    ("planner", Some("office"), "planner"),
    ("carrier", Some("viettel"), "carrier"),
];

/// Organisations: code, name, kind. Owners of the invented features are among them.
const ORGANISATIONS: [(&str, &str, OrganisationKind); 7] = [
    ("office", "Telecommunications office", OrganisationKind::Office),
    ("committee", "Provincial committee", OrganisationKind::Committee),
    ("viettel", "Viettel", OrganisationKind::Carrier),
    ("vnpt", "VNPT", OrganisationKind::Carrier),
    ("mobifone", "MobiFone", OrganisationKind::Carrier),
    ("roads-board", "Roads project board", OrganisationKind::ProjectOwner),
    ("army", "Military command", OrganisationKind::Consultee),
];

/// The organisation of the account of each role; the account has the name of the role.
const ACCOUNTS: [(Role, &str); 9] = [
    (Role::Carrier, "viettel"),
    (Role::Planner, "office"),
    (Role::Officer, "office"),
    (Role::Approver, "committee"),
    (Role::ProjectOwner, "roads-board"),
    (Role::Consultee, "army"),
    (Role::Inspector, "office"),
    (Role::Auditor, "office"),
    (Role::Administrator, "office"),
];

/// Whom the demo knows.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct People {
    /// Bearer tokens.
    pub(super) tokens: Vec<TokenSetting>,
    /// Accounts and the passwords they began with.
    #[serde(default)]
    accounts: Vec<Person>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Person {
    name: String,
    password: Secret,
}

impl People {
    /// Those of this folder; made the first time.
    pub(super) fn of(folder: &Path) -> Result<Self, Failed> {
        let file = folder.join(FILE);
        let mut people = match fs::read_to_string(&file) {
            Err(_) => Self::default(),
            Ok(text) => toml::from_str(&text)
                .map_err(|e| format!("{}: {}; delete it to get new tokens", file.display(), e.message()))?,
        };
        if !people.tokens.is_empty() && !people.accounts.is_empty() {
            return Ok(people);
        }
        if people.tokens.is_empty() {
            people.tokens = TOKENS.iter().map(|t| token(t)).collect::<Result<_, _>>()?;
        }
        for (role, _) in ACCOUNTS {
            let password = Secret(password::generated()?);
            people.accounts.push(Person { name: role.as_str().into(), password });
        }
        private_file(&file, &toml::to_string(&people).map_err(|e| e.to_string())?)?;
        Ok(people)
    }

    /// Registers them, where they are not: done twice it is as done once.
    pub(super) fn register(&self, context: &Context) -> Result<(), Failed> {
        let actor = Actor::operator();
        let witness = Witness::new(&actor, "demo");
        let known = organisation::list(context, &actor)?;
        for (code, name, kind) in ORGANISATIONS.iter().filter(|(code, ..)| known.iter().all(|o| o.code != *code)) {
            let new = Organisation::new(code, name, *kind).map_err(Error::Invalid)?;
            organisation::add(context, witness, &new)?;
        }
        for (role, organisation) in ACCOUNTS {
            let Some(person) = self.accounts.iter().find(|p| p.name == role.as_str()) else { continue };
            let draft = AccountDraft {
                name: person.name.clone(),
                organisation: organisation.into(),
                scope: Scope { roles: vec![role], jurisdictions: None },
                password: Some(person.password.0.clone()),
            };
            match account::by_name(context, &actor, &person.name) {
                Err(Error::NotFound(_)) => drop(account::add(context, witness, draft)?),
                found => drop(found?),
            }
        }
        Ok(())
    }

    /// Prints them.
    pub(super) fn announce(&self) {
        println!("\nTokens (Authorization: Bearer …)");
        for t in &self.tokens {
            let of = t.organisation.as_ref().map(|o| format!(" of {o}")).unwrap_or_default();
            println!("  {:<28} {}", format!("{}{of}", t.name), t.token.0);
        }
        println!("\nAccounts (POST /api/sessions), and the passwords they began with");
        for p in &self.accounts {
            println!("  {:<28} {}", p.name, p.password.0);
        }
    }
}

fn token((name, organisation, role): &(&str, Option<&str>, &str)) -> Result<TokenSetting, Failed> {
    let mut halves = [0_u8; 32];
    getrandom::fill(&mut halves).map_err(|e| format!("no random numbers: {e}"))?;
    let (first, second) = halves.split_at(16);
    let number = |half: &[u8]| half.iter().fold(0_u128, |all, byte| (all << 8) | u128::from(*byte));
    Ok(TokenSetting {
        token: Secret(format!("{:032x}{:032x}", number(first), number(second))),
        name: (*name).into(),
        organisation: organisation.map(str::to_owned),
        roles: vec![(*role).into()],
        jurisdictions: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_an_account_of_an_organisation_that_there_is() {
        for (role, text) in Role::ALL {
            let of: Vec<&str> = ACCOUNTS.iter().filter(|(r, _)| r == role).map(|(_, o)| *o).collect();
            assert!(of.len() == 1 && ORGANISATIONS.iter().any(|(code, ..)| *code == of[0]), "{text}: {of:?}");
        }
    }
}
