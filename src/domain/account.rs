//! Accounts: who may sign in, with which password, and what an account may hand on. Pure rules; passwords are hashed
//! and compared in `actions/password.rs`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::actor::{Actor, Role};
use super::organisation::wrong_name;
use super::word::Language;
use crate::geometry::Problem;

/// Shortest password, characters: NIST SP 800-63B-4, 3.1.1.2, for a password that is the only factor.
pub const PASSWORD_MIN: usize = 15;

/// Longest password, characters: the same source asks for at least 64; beyond this nobody types.
pub const PASSWORD_MAX: usize = 128;

/// Fewest different characters of a password: no single key held down, no `abababab…`.
pub const PASSWORD_DIFFERENT_MIN: usize = 5;

/// Shortest name that a password must not contain, bytes: shorter ones stand in words by chance.
const NAME_IN_PASSWORD_MIN: usize = 4;

/// Wrong passwords that cost nothing but the answer: slips of the pen.
pub const FAILURES_FREE: u32 = 5;

/// First pause after them; each further wrong password doubles it.
pub const LOCKOUT_FIRST: Duration = Duration::from_secs(30);

/// Longest pause: about a hundred guesses a day, while whoever is locked out by somebody else is not for long.
pub const LOCKOUT_MAX: Duration = Duration::from_mins(15);

/// Wrong passwords are forgotten after so much time without another.
pub const FAILURES_FORGOTTEN: Duration = Duration::from_hours(24);

/// Names that the audit trail gives to nobody's account.
const RESERVED: &[&str] = &["public", "operator"];

/// How long nobody may try again after so many wrong passwords in a row.
#[must_use]
pub fn lockout(failures: u32) -> Duration {
    match failures.checked_sub(FAILURES_FREE) {
        None => Duration::ZERO,
        Some(beyond) => LOCKOUT_FIRST.saturating_mul(2_u32.saturating_pow(beyond)).min(LOCKOUT_MAX),
    }
}

/// Wrong passwords in a row, for a name that there is or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last one was given.
    pub last: Timestamp,
}

impl Failures {
    /// How long to wait from `now` on; none: not at all.
    #[must_use]
    pub fn locked_for(&self, now: Timestamp) -> Option<Duration> {
        let until = lockout(self.count);
        let since = Duration::try_from(now.duration_since(self.last)).unwrap_or_default();
        until.checked_sub(since).filter(|left| !left.is_zero())
    }

    /// These and one more at `now`.
    #[must_use]
    pub fn and_one(before: Option<Self>, now: Timestamp) -> Self {
        let counts =
            |f: &Self| now.duration_since(f.last) < SignedDuration::try_from(FAILURES_FORGOTTEN).unwrap_or_default();
        let count = before.filter(counts).map_or(0, |f| f.count);
        Self { count: count.saturating_add(1), last: now }
    }
}

/// What is wrong with a password for the account `name`; never with the password in it.
#[must_use]
pub fn wrong_password(password: &str, name: &str) -> Option<String> {
    let length = password.chars().count();
    if !(PASSWORD_MIN..=PASSWORD_MAX).contains(&length) {
        return Some(format!("has {length} characters; it must have {PASSWORD_MIN} to {PASSWORD_MAX}"));
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < PASSWORD_DIFFERENT_MIN {
        return Some(format!("must have {PASSWORD_DIFFERENT_MIN} different characters or more"));
    }
    if name.len() >= NAME_IN_PASSWORD_MIN && password.to_lowercase().contains(&name.to_lowercase()) {
        return Some("must not contain the name of the account".into());
    }
    None
}

/// What somebody may be, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The roles.
    pub roles: Vec<Role>,
    /// The jurisdictions in which they hold; `None`: all.
    pub jurisdictions: Option<Vec<String>>,
}

impl Scope {
    /// What of this is also in `other`.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        let roles = self.roles.iter().copied().filter(|r| other.roles.contains(r)).collect();
        let jurisdictions = match (&self.jurisdictions, &other.jurisdictions) {
            (None, theirs) => theirs.clone(),
            (ours, None) => ours.clone(),
            (Some(ours), Some(theirs)) => Some(ours.iter().filter(|j| theirs.contains(j)).cloned().collect()),
        };
        Self { roles, jurisdictions }
    }

    /// What is in this and not in `other`, a problem each.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (i, role) in self.roles.iter().enumerate().filter(|(_, r)| !other.roles.contains(r)) {
            problems.push(Problem::new(format!("/roles/{i}"), format!("{role} is no role of yours")));
        }
        match (&self.jurisdictions, &other.jurisdictions) {
            (_, None) => {}
            (None, Some(_)) => problems.push(Problem::new("/jurisdictions", "all of them are more than yours")),
            (Some(ours), Some(theirs)) => {
                for (i, code) in ours.iter().enumerate().filter(|(_, code)| !theirs.contains(code)) {
                    problems.push(Problem::new(format!("/jurisdictions/{i}"), format!("{code} is none of yours")));
                }
            }
        }
        problems
    }
}

/// Longest address of mail, characters: RFC 5321, 4.5.3.1.3, without the brackets.
pub const ADDRESS_MAX: usize = 254;

/// Longest part before the sign, characters: RFC 5321, 4.5.3.1.1.
const LOCAL_PART_MAX: usize = 64;

/// How somebody is told by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Where.
    pub address: Option<String>,
    /// In which language.
    pub language: Language,
    /// He wants to be.
    pub wanted: bool,
}

impl Default for Mail {
    fn default() -> Self {
        Self { address: None, language: Language::Vietnamese, wanted: false }
    }
}

impl Mail {
    /// What is wrong with it.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let wrong = self.address.as_deref().and_then(wrong_address);
        let nowhere = (self.wanted && self.address.is_none()).then(|| "cannot be sent without an address".to_owned());
        let problems = [("/email", wrong), ("/mail", nowhere)];
        problems.into_iter().filter_map(|(at, why)| why.map(|why| Problem::new(at, why))).collect()
    }
}

/// What is wrong with an address: only plain ones are taken (RFC 5321, 4.1.2, without quoted ones), so that nothing in them
/// means anything to a program of mail.
fn wrong_address(address: &str) -> Option<String> {
    let is_atom = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    let plain = |(local, domain): (&str, &str)| {
        local.len() <= LOCAL_PART_MAX
            && local.split('.').all(|part| is_atom(part, b"!#$%&'*+-/=?^_`{|}~"))
            && domain.split('.').all(|part| is_atom(part, b"-") && !part.starts_with('-') && !part.ends_with('-'))
    };
    let is_plain = address.len() <= ADDRESS_MAX && address.rsplit_once('@').is_some_and(plain);
    (!is_plain).then(|| "is no plain address of mail, such as nga@so.example".to_owned())
}

/// An account to be.
pub struct AccountDraft {
    /// Its name.
    pub name: String,
    /// Code of its organisation.
    pub organisation: String,
    /// What it may be, and where.
    pub scope: Scope,
    /// Its password; without one, one is made.
    pub password: Option<String>,
}

/// What is to be otherwise; what is not named stays.
#[derive(Default)]
pub struct AccountChange {
    /// Another organisation.
    pub organisation: Option<String>,
    /// Other roles.
    pub roles: Option<Vec<Role>>,
    /// Other jurisdictions; `Some(None)`: all.
    pub jurisdictions: Option<Option<Vec<String>>>,
    /// May it sign in?
    pub disabled: Option<bool>,
    /// Another password, which ends every session.
    pub password: Option<String>,
    /// Another address of mail; `Some(None)`: none.
    pub email: Option<Option<String>>,
    /// Another language of mail.
    pub language: Option<Language>,
    /// Wants mail, or does not.
    pub mail: Option<bool>,
}

/// An account. Its password is known to the store alone, and there as a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// Its name, for signing in and for the audit trail; it never changes and is never given to another.
    pub name: String,
    /// Code of its organisation.
    pub organisation: String,
    /// What it may be, and where.
    pub scope: Scope,
    /// May not sign in, and what it signed in with before is worth nothing.
    pub disabled: bool,
    /// How it is told by mail what happens.
    pub mail: Mail,
    /// Counts its changes.
    pub version: i32,
    /// When it was changed last.
    pub recorded_at: Timestamp,
}

impl Account {
    /// What can be wrong with an account to be.
    #[must_use]
    pub fn problems(name: &str, scope: &Scope) -> Vec<Problem> {
        let mut problems = Vec::new();
        if RESERVED.contains(&name) {
            problems.push(Problem::new("/name", format!("«{name}» is kept for the audit trail")));
        }
        problems.extend(wrong_name(name).map(|detail| Problem::new("/name", detail)));
        if scope.roles.is_empty() {
            problems.push(Problem::new("/roles", "is empty; an account has a role"));
        }
        problems
    }

    /// May sign in and keep every account: an administrator of all jurisdictions.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        !self.disabled && self.actor(&self.scope).may_keep_organisations()
    }

    /// Who acts when this account does, with so much of its scope.
    #[must_use]
    pub fn actor(&self, scope: &Scope) -> Actor {
        let Scope { roles, jurisdictions } = scope.within(&self.scope);
        Actor { name: self.name.clone(), organisation: Some(self.organisation.clone()), roles, jurisdictions }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // in a test a panic is the report
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_limit() {
        let seconds: Vec<u64> = [0, 4, 5, 6, 7, 8, 9, 10, 11, 100, u32::MAX].map(|n| lockout(n).as_secs()).to_vec();
        assert_eq!(seconds, [0, 0, 30, 60, 120, 240, 480, 900, 900, 900, 900]);
    }

    #[test]
    fn failures_lock_and_are_forgotten() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let mut failures = None;
        for n in 1..=5 {
            assert_eq!(failures.and_then(|f: Failures| f.locked_for(at(n))), None);
            failures = Some(Failures::and_one(failures, at(n)));
        }
        let locked = failures.unwrap();
        assert_eq!(locked.count, 5);
        assert_eq!(locked.locked_for(at(5)), Some(Duration::from_secs(30)));
        assert_eq!(locked.locked_for(at(34)), Some(Duration::from_secs(1)));
        assert_eq!(locked.locked_for(at(35)), None);
        // A clock that went back must not unlock.
        assert_eq!(locked.locked_for(at(0)), Some(Duration::from_secs(30)));
        assert_eq!(Failures::and_one(failures, at(40)).count, 6);
        assert_eq!(Failures::and_one(failures, at(5 + 24 * 3_600)).count, 1);
    }

    #[test]
    fn passwords_are_long_and_not_silly() {
        let check = |password: &str, ok: bool| {
            let wrong = wrong_password(password, "nga.t");
            assert_eq!(wrong.is_none(), ok, "{password}");
            assert!(wrong.is_none_or(|text| password.is_empty() || !text.contains(password)));
        };
        check("", false);
        check("fourteen-chars", false);
        check("fifteen--chars!", true);
        check("Tường lửa đỏ rực", true);
        check(&"x".repeat(20), false);
        check("abababababababab", false);
        check("correct horse NGA.T staple", false);
        check("correct horse NGA staple", true);
        check(&"abcdefgh".repeat(16), true);
        check(&"abcdefghi".repeat(16), false);
    }

    fn scope(roles: &[Role], jurisdictions: Option<&[&str]>) -> Scope {
        Scope {
            roles: roles.to_vec(),
            jurisdictions: jurisdictions.map(|all| all.iter().map(|j| (*j).to_owned()).collect()),
        }
    }

    #[test]
    fn nothing_is_handed_on_that_one_has_not() {
        use Role::{Carrier, Officer};
        let check = |asked: Scope, held: Scope, got: Scope, wrong: &[&str]| {
            assert_eq!(asked.within(&held), got, "{asked:?} {held:?}");
            let beyond = asked.beyond(&held);
            assert_eq!(beyond.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), wrong, "{asked:?} {held:?}");
        };
        let s = scope;
        check(s(&[Officer], None), s(&[Officer, Carrier], None), s(&[Officer], None), &[]);
        check(s(&[Officer], None), s(&[Carrier], None), s(&[], None), &["/roles/0"]);
        check(
            s(&[Officer], None),
            s(&[Officer], Some(&["VN-72"])),
            s(&[Officer], Some(&["VN-72"])),
            &["/jurisdictions"],
        );
        check(s(&[Officer], Some(&["VN-72"])), s(&[Officer], None), s(&[Officer], Some(&["VN-72"])), &[]);
        check(
            s(&[Carrier, Officer], Some(&["VN-72", "VN-35"])),
            s(&[Carrier], Some(&["VN-72"])),
            s(&[Carrier], Some(&["VN-72"])),
            &["/roles/1", "/jurisdictions/1"],
        );
    }

    #[test]
    fn an_address_of_mail_is_plain() {
        for good in ["nga@so.example", "nga.t+cw@mail.so.example", "o'brien@a", "x@127-0-0-1.example"] {
            assert_eq!(wrong_address(good), None, "{good}");
        }
        for bad in [
            "",
            "nga",
            "@so.example",
            "nga@",
            "nga@so..example",
            ".nga@so.example",
            "nga@-so.example",
            "nga@so.example\r\nBcc: x@y.example",
            "nga@so.example\n",
            "nga @so.example",
            "Nga <nga@so.example>",
            "nga@so.example, x@y.example",
            "\"nga\"@so.example",
            "nga@[127.0.0.1]",
            "ngã@so.example",
            &format!("{}@so.example", "x".repeat(65)),
            &format!("x@{}", "x.".repeat(130)),
        ] {
            assert!(wrong_address(bad).is_some(), "{bad}");
        }
        let wanted = Mail { wanted: true, ..Mail::default() };
        assert_eq!(wanted.problems().len(), 1);
    }

    #[test]
    fn an_account_has_a_name_of_its_own_and_a_role() {
        let check = |name: &str, roles: &[Role], expect: &[&str]| {
            let problems = Account::problems(name, &scope(roles, None));
            assert_eq!(problems.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), expect, "{name}");
        };
        check("nga@office", &[Role::Officer], &[]);
        check("operator", &[], &["/name", "/roles"]);
        check("Nga", &[Role::Officer], &["/name"]);
    }
}
