//! What the events of the chain `access` changed: organisations, accounts, API tokens, sessions, each as one digest; and
//! which of them are not what the events say.

use std::collections::BTreeMap;
use std::fmt;

use super::event::{Digest, digest_of};
use super::verify::Sums;
use crate::domain::word::words;

words! {
    /// What the chain of access tells of.
    Thing {
        Organisation = "organisation",
        Account = "account",
        ApiToken = "api_token",
        /// With the credentials that were issued on the strength of it.
        Session = "session",
        Webhook = "webhook",
    }
}

/// What an event changed of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessVersion {
    /// The revision of the event; 0: it was there before digests were taken.
    pub revision: i64,
    /// What it is.
    pub what: String,
    /// The code of an organisation, else the id.
    pub key: String,
    /// What it was; none where it was not there.
    pub before: Option<Digest>,
    /// What it came to be; none where it is not there any more.
    pub after: Option<Digest>,
}

/// A thing as it is stored now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPresent {
    /// What it is.
    pub what: String,
    /// The code of an organisation, else the id.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it says.
    pub digest: Digest,
}

/// For each revision one digest of what there was before, and one of what there was after it.
#[must_use]
pub fn sums_of(versions: &[AccessVersion]) -> Sums {
    type Sides<'a> = [Vec<((&'a str, &'a str), Digest)>; 2];
    let mut by_revision: BTreeMap<i64, Sides<'_>> = BTreeMap::new();
    for version in versions.iter().filter(|v| v.revision > 0) {
        let sides = by_revision.entry(version.revision).or_default();
        for (side, digest) in sides.iter_mut().zip([version.before, version.after]) {
            side.extend(digest.map(|digest| ((version.what.as_str(), version.key.as_str()), digest)));
        }
    }
    let sum = |(revision, [mut before, mut after]): (i64, Sides<'_>)| {
        (revision, (digest_of(&mut before), digest_of(&mut after)))
    };
    by_revision.into_iter().map(sum).collect()
}

/// Something that is not what the events say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amiss {
    /// What it is, with its name, where that is known, and its key.
    pub what: String,
    /// What there is of it before, and after it happened.
    pub there: [bool; 2],
    /// The last revision that knows it as it was before.
    pub after: Option<i64>,
    /// The first that found it otherwise.
    pub before: Option<i64>,
}

impl fmt::Display for Amiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let happened = match self.there {
            [false, _] => "added",
            [true, true] => "changed",
            [true, false] => "deleted",
        };
        write!(f, "the {} was {happened} without an event", self.what)?;
        match (self.after, self.before) {
            (Some(after), Some(before)) => write!(f, " between revisions {after} and {before}"),
            (Some(after), None) => write!(f, " after revision {after}"),
            (None, Some(before)) => write!(f, " before revision {before}"),
            (None, None) => Ok(()),
        }
    }
}

/// Whatever was changed, added or deleted without an event, by what it is. `versions` are those of all revisions.
#[must_use]
pub fn misfits(versions: &[AccessVersion], present: &[AccessPresent]) -> Vec<Amiss> {
    /// What is known of one: the digest it had last, and since when; and as it is stored now.
    #[derive(Default)]
    struct Known<'a> {
        last: Option<Digest>,
        since: Option<i64>,
        name: Option<&'a str>,
        now: Option<Digest>,
        found: Vec<([bool; 2], Option<i64>, Option<i64>)>,
    }
    let mut all: BTreeMap<(&str, &str), Known<'_>> = BTreeMap::new();
    let mut in_order: Vec<&AccessVersion> = versions.iter().collect();
    in_order.sort_by_key(|v| v.revision);
    for version in in_order {
        let known = all.entry((&version.what, &version.key)).or_default();
        if known.last != version.before && version.revision > 0 {
            let there = [known.last.is_some(), version.before.is_some()];
            known.found.push((there, known.since, Some(version.revision)));
        }
        (known.last, known.since) = (version.after, Some(version.revision));
    }
    for thing in present {
        let known = all.entry((&thing.what, &thing.key)).or_default();
        (known.name, known.now) = (Some(thing.name.as_str()), Some(thing.digest));
    }
    let mut amiss = Vec::new();
    for ((what, key), mut known) in all {
        if known.last != known.now {
            known.found.push(([known.last.is_some(), known.now.is_some()], known.since, None));
        }
        let name =
            known.name.filter(|name| *name != key).map_or_else(|| key.to_owned(), |name| format!("{name} ({key})"));
        let one =
            |(there, after, before)| Amiss { what: format!("{} {name}", what.replace('_', " ")), there, after, before };
        amiss.extend(known.found.into_iter().map(one));
    }
    amiss
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(revision: i64, key: &str, before: u8, after: u8) -> AccessVersion {
        let digest = |byte: u8| (byte > 0).then_some([byte; 32]);
        let (before, after) = (digest(before), digest(after));
        AccessVersion { revision, what: "account".into(), key: key.into(), before, after }
    }

    fn present(key: &str, digest: u8) -> AccessPresent {
        AccessPresent { what: "account".into(), key: key.into(), name: "nga".into(), digest: [digest; 32] }
    }

    #[test]
    fn whatever_is_not_what_the_events_say_is_named() {
        let check = |versions: &[AccessVersion], now: &[AccessPresent], expect: &[&str]| {
            let found: Vec<String> = misfits(versions, now).iter().map(ToString::to_string).collect();
            assert_eq!(found, expect, "{versions:?} {now:?}");
        };
        let born = || version(3, "k", 0, 1);
        check(&[], &[], &[]);
        check(&[born()], &[present("k", 1)], &[]);
        check(&[version(5, "k", 1, 2), born()], &[present("k", 2)], &[]);
        check(&[born(), version(5, "k", 1, 0)], &[], &[]);
        check(&[version(0, "k", 0, 1)], &[present("k", 1)], &[]);
        check(
            &[version(0, "k", 0, 1)],
            &[present("k", 2)],
            &["the account nga (k) was changed without an event after revision 0"],
        );
        check(&[born()], &[present("k", 2)], &["the account nga (k) was changed without an event after revision 3"]);
        check(&[born()], &[], &["the account k was deleted without an event after revision 3"]);
        check(&[], &[present("k", 2)], &["the account nga (k) was added without an event"]);
        check(
            &[born(), version(5, "k", 1, 0)],
            &[present("k", 1)],
            &["the account nga (k) was added without an event after revision 5"],
        );
        // A write that came later does not make it good.
        check(
            &[born(), version(5, "k", 9, 2)],
            &[present("k", 2)],
            &["the account nga (k) was changed without an event between revisions 3 and 5"],
        );
        check(
            &[version(5, "k", 9, 2)],
            &[present("k", 2)],
            &["the account nga (k) was added without an event before revision 5"],
        );
    }

    #[test]
    fn an_event_sums_up_what_it_changed() {
        let versions = [version(1, "b", 0, 1), version(1, "a", 2, 3), version(2, "a", 3, 0), version(0, "c", 0, 4)];
        let sums = sums_of(&versions);
        let sum = |digests: &mut [(u8, Digest)]| digest_of(digests);
        assert_eq!(sums[&1], (sum(&mut [(0, [2; 32])]), sum(&mut [(0, [3; 32]), (1, [1; 32])])));
        assert_eq!(sums[&2], (sum(&mut [(0, [3; 32])]), None));
        assert_eq!(sums.len(), 2, "what was there before digests were taken is in no event");
    }
}
