//! What is told of a case when something happens in it: what a notice says, and whom it is for. Pure: who asks for it writes it
//! in the transaction that makes it happen ([`WriteTx::notify`](crate::store::WriteTx::notify)), and others deliver it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::account::Account;
use super::actor::{PERMISSIONS, Role};
use super::organisation::OrganisationKind;
use super::site_request::words::Event;
use super::word::{Visibility, Word};

/// What happened in a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notice {
    /// What the case is: `site_check`, `plan`, `site_request`.
    pub noun: String,
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub code: String,
    /// What happened: a word of the noun.
    pub event: String,
    /// The state that it came to, where the noun has states.
    pub state: Option<String>,
    /// Codes of the organisations whom it concerns. Of these, who may not see it is not told.
    pub organisations: Vec<String>,
    /// Whose case it is: he sees it, whatever is hidden.
    pub owner: Option<String>,
    /// Of these organisations, those who see it because they are asked about it, whatever is hidden.
    pub asked: Vec<String>,
    /// The visibilities that everybody else has to see; none: it is no secret among those whom it concerns.
    pub needs: Vec<Visibility>,
    /// The jurisdictions in which he has to see them, besides the one in which it happened.
    pub places: Vec<String>,
    /// The day by which the organisations have something to do.
    pub due: Option<Date>,
    /// What else is to be known; nothing that anybody of those who are told may not see.
    pub detail: BTreeMap<String, String>,
}

/// A notice as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The id of the event: the same however often it is told, and to whomever.
    pub id: Uuid,
    /// Where it happened.
    pub jurisdiction: String,
    /// Counts what an organisation is told of the case, from 1 without gaps.
    pub number: i32,
    /// When it happened.
    pub recorded_at: Timestamp,
    /// What it says.
    pub notice: Notice,
}

/// What organisations of a kind do, and so what they see when they are told as a whole.
fn role_of(kind: OrganisationKind) -> Option<Role> {
    match kind {
        OrganisationKind::Carrier => Some(Role::Carrier),
        OrganisationKind::Office => Some(Role::Officer),
        OrganisationKind::Committee => Some(Role::Approver),
        OrganisationKind::ProjectOwner => Some(Role::ProjectOwner),
        OrganisationKind::Consultee => Some(Role::Consultee),
        OrganisationKind::PublicBody => None,
    }
}

impl Notice {
    /// The type of the event: what it is of, and what happened.
    #[must_use]
    pub fn kind(&self) -> String {
        format!("{}.{}", self.noun, self.event)
    }

    /// As it is told to an organisation. Whoever is asked about a case hears what it is called and how far it has come; what
    /// he is asked, and until when, with it. As his door shows it, nothing of the numbers that it has besides.
    #[must_use]
    pub fn told_to(self, organisation: &str) -> Self {
        let is_asked = self.asked.iter().any(|code| code == organisation);
        match self.event == Event::Consult.as_str() {
            // The day is of those who are asked, of whom not everybody knows.
            true if !is_asked => Self { due: None, ..self },
            false if is_asked => Self { due: None, detail: BTreeMap::new(), ..self },
            _ => self,
        }
    }

    fn concerns(&self, organisation: &str) -> bool {
        self.organisations.iter().any(|code| code == organisation)
    }

    /// It is its own, or it is asked.
    fn is_open_to(&self, organisation: &str) -> bool {
        self.owner.as_deref() == Some(organisation) || self.asked.iter().any(|code| code == organisation)
    }

    /// The jurisdictions in which it has to be seen, of one that happened in `jurisdiction`.
    pub fn places<'a>(&'a self, jurisdiction: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::once(jurisdiction).chain(self.places.iter().map(String::as_str))
    }

    /// An organisation may be told as a whole: by whoever listens to its address.
    #[must_use]
    pub fn is_for(&self, organisation: &str, kind: OrganisationKind) -> bool {
        let role = role_of(kind);
        let row = PERMISSIONS.iter().find(|p| Some(p.role) == role);
        let seen = |v: &Visibility| *v == Visibility::Public || row.is_some_and(|p| p.sees.contains(v));
        self.concerns(organisation) && (self.is_open_to(organisation) || self.needs.iter().all(seen))
    }

    /// Somebody may be told for himself, of what happened in `jurisdiction`: he may sign in there, and would see it.
    #[must_use]
    pub fn is_for_account(&self, account: &Account, jurisdiction: &str) -> bool {
        let actor = account.actor(&account.scope);
        let serves = |code: &str| actor.roles.iter().any(|role| actor.acts_as(*role, code));
        let sees_in = |code: &str| {
            let seen = actor.sight(code).visibilities;
            self.needs.iter().all(|v| seen.contains(v))
        };
        !account.disabled
            && self.concerns(&account.organisation)
            && serves(jurisdiction)
            && (self.is_open_to(&account.organisation) || self.places(jurisdiction).all(sees_in))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Mail, Scope};

    fn notice(needs: &[Visibility], owner: Option<&str>) -> Notice {
        Notice {
            organisations: vec!["vnpt".into(), "office".into()],
            owner: owner.map(str::to_owned),
            needs: needs.to_vec(),
            ..Notice::default()
        }
    }

    #[test]
    fn whoever_is_asked_is_told_when_he_is_and_no_number_later() {
        let of = |event: &str| Notice {
            event: event.into(),
            asked: vec!["vnpt".into()],
            due: Some(jiff::civil::date(2026, 12, 1)),
            detail: BTreeMap::from([("receipt".into(), "7".into())]),
            ..notice(&[], None)
        };
        let told = |event: &str, organisation: &str| {
            let told = of(event).told_to(organisation);
            (told.due.is_some(), !told.detail.is_empty())
        };
        let table = [
            (("consult", "vnpt"), (true, true)),
            (("consult", "office"), (false, true)),
            (("refuse", "vnpt"), (false, false)),
            (("refuse", "office"), (true, true)),
        ];
        for ((event, organisation), expect) in table {
            assert_eq!(told(event, organisation), expect, "{event} {organisation}");
        }
    }

    #[test]
    fn an_organisation_is_told_what_concerns_it_and_what_it_may_see() {
        use OrganisationKind::{Carrier, Office, PublicBody};
        use Visibility::{Carriers, Government, Public, Restricted};
        let check = |notice: &Notice, organisation: &str, kind, expect: bool| {
            assert_eq!(notice.is_for(organisation, kind), expect, "{organisation} {notice:?}");
        };
        check(&notice(&[], None), "vnpt", Carrier, true);
        check(&notice(&[], None), "viettel", Carrier, false);
        check(&notice(&[Public, Carriers], None), "vnpt", Carrier, true);
        check(&notice(&[Government], None), "vnpt", Carrier, false);
        check(&notice(&[Restricted], None), "vnpt", Carrier, false);
        check(&notice(&[Restricted], Some("vnpt")), "vnpt", Carrier, true);
        let asked = Notice { asked: vec!["vnpt".into()], ..notice(&[Government], Some("viettel")) };
        check(&asked, "vnpt", Carrier, true);
        check(&Notice { asked: vec!["roads".into()], ..asked.clone() }, "vnpt", Carrier, false);
        check(&notice(&[Restricted], Some("viettel")), "vnpt", Carrier, false);
        check(&notice(&[Restricted], Some("viettel")), "viettel", Carrier, false);
        check(&notice(&[Restricted], None), "office", Office, true);
        check(&notice(&[Public], None), "office", PublicBody, true);
        check(&notice(&[Carriers], None), "office", PublicBody, false);
    }

    #[test]
    fn a_person_is_told_where_his_roles_hold_and_what_they_see() {
        use Visibility::{Carriers, Restricted};
        let account = |role: Role, organisation: &str, jurisdictions: Option<&[&str]>| Account {
            id: Uuid::nil(),
            name: "nga".into(),
            organisation: organisation.into(),
            scope: Scope {
                roles: vec![role],
                jurisdictions: jurisdictions.map(|all| all.iter().map(|code| (*code).to_owned()).collect()),
            },
            disabled: false,
            mail: Mail::default(),
            version: 1,
            recorded_at: Timestamp::UNIX_EPOCH,
        };
        let check = |notice: &Notice, account: &Account, expect: bool| {
            assert_eq!(notice.is_for_account(account, "VN-72"), expect, "{account:?} {notice:?}");
        };
        let carrier = account(Role::Carrier, "vnpt", None);
        check(&notice(&[Carriers], None), &carrier, true);
        check(&notice(&[Restricted], None), &carrier, false);
        check(&notice(&[Restricted], Some("vnpt")), &carrier, true);
        check(&notice(&[Carriers], None), &Account { disabled: true, ..carrier }, false);
        let local = account(Role::Officer, "office", Some(&["VN-72"]));
        check(&notice(&[Restricted], None), &local, true);
        check(&Notice { places: vec!["VN-35".into()], ..notice(&[Restricted], None) }, &local, false);
        check(&notice(&[], None), &account(Role::Officer, "office", Some(&["VN-35"])), false);
        check(&notice(&[Restricted], None), &account(Role::Inspector, "office", None), false);
    }
}
