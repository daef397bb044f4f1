//! Finds what was changed, left out or put elsewhere in a chain of events.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::access::Amiss;
use super::event::{Digest, Head, RecordedEvent, ZEROS, digest_of};
use super::fault::Fault;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Events looked at.
    pub events: u64,
    /// Those of them that are older than the chain and have no hash.
    pub unhashed: u64,
    /// Those of them that are signed.
    pub signed: u64,
    /// Those that are not, though one before them is: somebody wrote without the key.
    pub unsigned: u64,
    /// The last revision, and the hash of its event.
    pub last: Option<(i64, Option<Digest>)>,
    /// What is wrong, in the order of the chain.
    pub faults: Vec<Fault>,
}

/// Where a chain stands, as its counter in the database says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The chain.
    pub chain: String,
    /// The revision of its last event.
    pub revision: i64,
    /// The hash of that event; none where it is older than the chain of hashes.
    pub hash: Option<Digest>,
    /// There is no such counter, though there is something of the chain: it is made of the last event.
    pub missing: bool,
}

/// What was kept elsewhere than in the trail.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kept<'k> {
    /// Heads that were signed.
    pub heads: &'k [Head],
    /// The public keys of those who sign, in hexadecimal. Where there are none, signatures are held against the keys that are stored
    /// with them.
    pub keys: &'k [String],
}

/// Goes through one chain event by event, in the order in which it is kept.
#[derive(Debug)]
pub struct Verifier {
    chain: String,
    heads: BTreeMap<i64, (Digest, Timestamp)>,
    keys: Vec<String>,
    /// The first revision that is looked at.
    from: i64,
    /// An event with a hash was seen.
    hashed: bool,
    /// The revision before the next.
    behind: i64,
    /// The hash before the next, where it is known.
    hash: Option<Digest>,
    report: Report,
}

impl Verifier {
    /// For the events of `chain` from the revision `from` on.
    #[must_use]
    pub fn new(chain: &str, from: i64, kept: Kept<'_>) -> Self {
        let ours = kept.heads.iter().filter(|h| h.chain == chain);
        Self {
            chain: chain.to_owned(),
            heads: ours.map(|h| (h.revision, (h.hash, h.signed_at))).collect(),
            keys: kept.keys.iter().map(|key| key.to_ascii_lowercase()).collect(),
            from: from.max(1),
            hashed: false,
            behind: from.max(1) - 1,
            hash: (from <= 1).then_some(ZEROS),
            report: Report { events: 0, unhashed: 0, signed: 0, unsigned: 0, last: None, faults: Vec::new() },
        }
    }

    /// Takes the next event.
    pub fn take(&mut self, recorded: &RecordedEvent) {
        let event = &recorded.event;
        let revision = event.revision;
        self.report.events += 1;
        let faults = &mut self.report.faults;
        if event.chain != self.chain {
            faults.push(Fault::Stranger { revision, chain: event.chain.clone() });
            return;
        }
        let follows = revision == self.behind + 1;
        if revision <= self.behind {
            faults.push(Fault::Order { revision, behind: self.behind });
        } else if !follows {
            faults.push(Fault::Missing { from: self.behind + 1, to: revision - 1 });
        }
        match recorded.hash {
            // Only events that are older than the chain have none, and those stand before all others.
            None if self.hashed => faults.push(Fault::Unhashed { revision }),
            None => {
                self.report.unhashed += 1;
                self.hash = Some(ZEROS);
            }
            Some(hash) => {
                if event.hash() != hash {
                    faults.push(Fault::Changed { revision });
                }
                if follows && self.hash.is_some_and(|before| event.previous != Some(before)) {
                    faults.push(Fault::Unlinked { revision });
                }
                self.hashed = true;
                self.hash = Some(hash);
            }
        }
        if self.heads.get(&revision).is_some_and(|(head, _)| recorded.hash != Some(*head)) {
            faults.push(Fault::OtherHead { revision });
        }
        self.signature(recorded);
        self.behind = self.behind.max(revision);
        self.report.last = Some((revision, recorded.hash));
    }

    /// Looks at the signature that is stored with an event.
    fn signature(&mut self, recorded: &RecordedEvent) {
        let revision = recorded.event.revision;
        let faults = &mut self.report.faults;
        let Some((key, _)) = &recorded.signed else {
            // A head of the moment of the event was signed with it.
            if self.heads.get(&revision).is_some_and(|(_, at)| *at == recorded.event.recorded_at) {
                faults.push(Fault::Unsigned { revision });
            }
            // Else it may have been written where the key was not named: that is said, and is no fault.
            self.report.unsigned += u64::from(self.report.signed > 0);
            return;
        };
        self.report.signed += 1;
        if !self.keys.is_empty() && !self.keys.contains(key) {
            faults.push(Fault::OtherSigner { revision, key: key.clone() });
        } else if !recorded.signed_head().is_some_and(|head| head.holds()) {
            faults.push(Fault::Signature { revision });
        }
    }

    /// Takes the next event, read from a line of an exported log: whatever in the line is in no hash shows.
    pub fn line(&mut self, recorded: &RecordedEvent, line: &str) {
        self.take(recorded);
        if recorded.line() != line {
            self.report.faults.push(Fault::Line { revision: recorded.event.revision });
        }
    }

    /// Looks at what is stored of the versions that an event ended and began, as one digest of each.
    pub fn versions(&mut self, recorded: &RecordedEvent, ended: Option<Digest>, began: Option<Digest>) {
        // An event that is older than the chain says nothing of them.
        if recorded.hash.is_none() {
            return;
        }
        let revision = recorded.event.revision;
        if recorded.event.after != began {
            self.report.faults.push(Fault::Versions { revision, began: true });
        }
        if recorded.event.before != ended {
            self.report.faults.push(Fault::Versions { revision, began: false });
        }
    }

    /// Something is stored that says it is of a revision which there is not.
    pub fn beyond(&mut self, revision: i64) {
        self.report.faults.push(Fault::Versions { revision, began: true });
    }

    /// Looks whether the last event, which was taken, is the one that the counter names. Where it was not reached,
    /// [`end`](Self::end) tells.
    pub fn counter(&mut self, counter: &Counter) {
        if counter.missing {
            self.report.faults.push(Fault::NoCounter);
        }
        let Some((last, hash)) = self.report.last else { return };
        if last > counter.revision || (last == counter.revision && hash != counter.hash) {
            self.report.faults.push(Fault::Counter { revision: counter.revision });
        }
    }

    /// What these revisions began (true) or ended is stored with other moments than those of their events.
    pub fn moments(&mut self, other: impl IntoIterator<Item = (i64, bool)>) {
        let fault = |(revision, began)| Fault::Moment { revision, began };
        self.report.faults.extend(other.into_iter().map(fault));
    }

    /// Something of the chain of access is not what the events say.
    pub fn amiss(&mut self, amiss: impl IntoIterator<Item = Amiss>) {
        self.report.faults.extend(amiss.into_iter().map(Fault::Access));
    }

    /// What came of it. `known` is the last revision that the chain must have reached, as its counter says.
    #[must_use]
    pub fn end(mut self, known: Option<i64>) -> Report {
        let last = self.behind;
        let head = self.heads.last_key_value().map(|(revision, _)| *revision);
        if let Some(known) = known.max(head).filter(|known| *known > last) {
            self.report.faults.push(Fault::CutOff { last, known });
        } else if self.report.events == 0 && self.from > 1 {
            self.report.faults.push(Fault::Nothing { from: self.from });
        }
        self.report
    }
}

/// A version of something registered, as far as its chain is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionDigest {
    /// Of what.
    pub id: Uuid,
    /// The revision that began it.
    pub revision: i64,
    /// The revision that ended it.
    pub ended: Option<i64>,
    /// What it says.
    pub digest: Digest,
}

/// For each revision one digest of the versions that it ended, and one of those that it began.
pub type Sums = BTreeMap<i64, (Option<Digest>, Option<Digest>)>;

/// The sums of these versions.
#[must_use]
pub fn versions_of(all: &[VersionDigest]) -> Sums {
    let mut by_revision: BTreeMap<i64, [Vec<(Uuid, Digest)>; 2]> = BTreeMap::new();
    for version in all {
        by_revision.entry(version.revision).or_default()[1].push((version.id, version.digest));
        if let Some(ended) = version.ended {
            by_revision.entry(ended).or_default()[0].push((version.id, version.digest));
        }
    }
    let sum = |(revision, [mut ended, mut began]): (i64, [Vec<(Uuid, Digest)>; 2])| {
        (revision, (digest_of(&mut ended), digest_of(&mut began)))
    };
    by_revision.into_iter().map(sum).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // in a test a panic is the report
    use super::super::event::AuditEvent;
    use super::super::signature::{Key, SignedHead};
    use super::*;

    /// A chain of `count` events, the first `old` of them without hashes.
    fn chain(count: i64, old: i64) -> Vec<RecordedEvent> {
        let mut previous = ZEROS;
        let mut events = Vec::new();
        for revision in 1..=count {
            let event = AuditEvent {
                chain: "VN-72".into(),
                revision,
                recorded_at: Timestamp::UNIX_EPOCH,
                actor: "a".into(),
                organisation: None,
                on_behalf_of: None,
                request_id: "r".into(),
                reason: None,
                deed: "create".into(),
                layer: None,
                subject: None,
                detail: BTreeMap::new(),
                before: None,
                after: None,
                previous: (revision > old).then_some(previous),
            };
            let hash = (revision > old).then(|| event.hash());
            previous = hash.unwrap_or(previous);
            events.push(RecordedEvent { event, hash, signed: None });
        }
        events
    }

    fn head(of: &RecordedEvent) -> Head {
        let hash = of.hash.unwrap();
        Head { chain: "VN-72".into(), revision: of.event.revision, hash, signed_at: Timestamp::MAX }
    }

    fn faults(events: &[RecordedEvent], from: i64, heads: &[Head]) -> Vec<Fault> {
        let mut verifier = Verifier::new("VN-72", from, Kept { heads, keys: &[] });
        for event in events {
            verifier.take(event);
        }
        verifier.end(None).faults
    }

    #[test]
    fn a_chain_that_nobody_touched_has_no_fault() {
        let whole = chain(5, 0);
        assert_eq!(faults(&whole, 1, &[head(&whole[2]), head(&whole[4])]), []);
        assert_eq!(faults(&whole[2..], 3, &[head(&whole[4])]), [], "from the middle on");
        assert_eq!(faults(&chain(5, 2), 1, &[]), [], "older events have no hashes");
        assert_eq!(faults(&[], 1, &[]), []);
        assert_eq!(faults(&[], 2, &[]), [Fault::Nothing { from: 2 }], "who asks for a part is told that there is none");
    }

    #[test]
    fn every_way_of_tampering_is_named() {
        type Tamper = fn(&mut Vec<RecordedEvent>);
        let cases: &[(Tamper, &[Fault])] = &[
            (|e| e[2].event.actor = "b".into(), &[Fault::Changed { revision: 3 }]),
            (
                |e| {
                    e[2].event.actor = "b".into();
                    e[2].hash = Some(e[2].event.hash());
                },
                &[Fault::Unlinked { revision: 4 }],
            ),
            (|e| drop(e.remove(2)), &[Fault::Missing { from: 3, to: 3 }]),
            (|e| drop(e.drain(0..2)), &[Fault::Missing { from: 1, to: 2 }]),
            (
                |e| e.swap(1, 2),
                &[
                    Fault::Missing { from: 2, to: 2 },
                    Fault::Order { revision: 2, behind: 3 },
                    Fault::Unlinked { revision: 4 },
                ],
            ),
            (|e| e.insert(2, e[1].clone()), &[Fault::Order { revision: 2, behind: 2 }]),
            (
                |e| e[3].event.chain = "VN-35".into(),
                &[Fault::Stranger { revision: 4, chain: "VN-35".into() }, Fault::Missing { from: 4, to: 4 }],
            ),
            (|e| e.truncate(4), &[Fault::CutOff { last: 4, known: 5 }]),
            (Vec::clear, &[Fault::CutOff { last: 0, known: 5 }]),
            (
                |e| (e[4].hash, e[4].event.previous) = (None, None),
                &[Fault::Unhashed { revision: 5 }, Fault::OtherHead { revision: 5 }],
            ),
            (
                // All of it anew, hashes and links too: only the head that was kept elsewhere tells.
                |e| {
                    let mut previous = ZEROS;
                    for recorded in e.iter_mut() {
                        recorded.event.actor = "b".into();
                        recorded.event.previous = Some(previous);
                        previous = recorded.event.hash();
                        recorded.hash = Some(previous);
                    }
                },
                &[Fault::OtherHead { revision: 5 }],
            ),
        ];
        for (number, (tamper, expect)) in cases.iter().enumerate() {
            let mut events = chain(5, 0);
            let kept = head(&events[4]);
            tamper(&mut events);
            assert_eq!(faults(&events, 1, &[kept]), *expect, "case {number}");
        }
    }

    type Tamper<'t> = &'t dyn Fn(&mut [RecordedEvent]);

    /// What is found with nothing but the trail, with the key, and with a head that was printed.
    type Found = [Vec<Fault>; 3];

    #[test]
    fn stored_signatures_are_held_against_the_keys_that_were_kept() {
        let [key, other] = ["1f", "2e"].map(|byte| Key::of_seed(&byte.repeat(32)).unwrap());
        // Signing began with the third event.
        let signed = || {
            let mut all = chain(5, 0);
            for recorded in &mut all[2..] {
                let of = Head { signed_at: recorded.event.recorded_at, ..head(recorded) };
                let SignedHead { key, signature, .. } = key.sign(of);
                recorded.signed = Some((key, signature));
            }
            all
        };
        let at_its_moment = |of: &RecordedEvent| Head { signed_at: of.event.recorded_at, ..head(of) };
        let printed = [at_its_moment(&signed()[2])];
        let keys = [key.public().to_uppercase()];
        let unsigned = |all: &[i64]| all.iter().map(|&revision| Fault::Unsigned { revision }).collect::<Vec<_>>();
        let signature = vec![Fault::Signature { revision: 4 }];
        let foreign = other.sign(at_its_moment(&signed()[3]));
        let another = vec![Fault::OtherSigner { revision: 4, key: other.public() }];
        let taken_over = || Some((foreign.key.clone(), foreign.signature.clone()));
        let cases: &[(Tamper<'_>, Found)] = &[
            (&|_| {}, [vec![], vec![], vec![]]),
            (&|e| e[3].signed = None, [vec![], vec![], vec![]]),
            (&|e| e.iter_mut().for_each(|e| e.signed = None), [vec![], vec![], unsigned(&[3])]),
            (&|e| e[3].signed = e[2].signed.clone(), [signature.clone(), signature.clone(), signature.clone()]),
            (&|e| e[3].signed.as_mut().unwrap().1.clear(), [signature.clone(), signature.clone(), signature.clone()]),
            (&|e| e[3].signed.as_mut().unwrap().0 = other.public(), [signature.clone(), another.clone(), signature]),
            (&|e| e[3].signed = taken_over(), [vec![], another, vec![]]),
        ];
        let check = |tamper: Tamper<'_>, kept: Kept<'_>| {
            let (mut verifier, mut events) = (Verifier::new("VN-72", 1, kept), signed());
            tamper(&mut events);
            for event in &events {
                verifier.take(event);
            }
            verifier.end(None).faults
        };
        for (number, (tamper, [alone, with_key, with_head])) in cases.iter().enumerate() {
            assert_eq!(check(*tamper, Kept::default()), *alone, "case {number}: nothing was kept");
            assert_eq!(check(*tamper, Kept { keys: &keys, heads: &[] }), *with_key, "case {number}: the key was kept");
            assert_eq!(check(*tamper, Kept { heads: &printed, keys: &[] }), *with_head, "case {number}: a head was");
        }
        let none: Tamper<'_> = &|e| e.iter_mut().for_each(|e| e.signed = None);
        assert_eq!(check(none, Kept { heads: &printed, keys: &keys }), unsigned(&[3]), "both were");
        let count = |tamper: Tamper<'_>| {
            let (mut verifier, mut events) = (Verifier::new("VN-72", 1, Kept::default()), signed());
            tamper(&mut events);
            for event in &events {
                verifier.take(event);
            }
            let report = verifier.end(None);
            (report.signed, report.unsigned)
        };
        assert_eq!([count(&|_| {}), count(&|e| e[3].signed = None), count(none)], [(3, 0), (2, 1), (0, 0)]);
    }

    #[test]
    fn a_cut_is_seen_by_the_counter_too() {
        let mut verifier = Verifier::new("VN-72", 1, Kept::default());
        for event in &chain(4, 0) {
            verifier.take(event);
        }
        assert_eq!(verifier.end(Some(5)).faults, [Fault::CutOff { last: 4, known: 5 }]);
    }

    #[test]
    fn the_counter_names_the_last_event() {
        let counter = |revision, hash| Counter { chain: "VN-72".into(), revision, hash, missing: false };
        let whole = chain(4, 0);
        let (last, before) = (whole[3].hash, whole[2].hash);
        let check = |events: &[RecordedEvent], counter: &Counter, expect: &[Fault]| {
            let mut verifier = Verifier::new("VN-72", 1, Kept::default());
            for event in events {
                verifier.take(event);
            }
            verifier.counter(counter);
            assert_eq!(verifier.end(None).faults, expect, "{counter:?}");
        };
        check(&whole, &counter(4, last), &[]);
        check(&chain(4, 4), &counter(4, None), &[]);
        check(&[], &counter(0, None), &[]);
        let wrong = |revision| [Fault::Counter { revision }];
        check(&whole, &counter(4, before), &wrong(4));
        check(&whole, &counter(4, None), &wrong(4));
        check(&chain(4, 4), &counter(4, last), &wrong(4));
        check(&whole, &counter(3, before), &wrong(3));
        let missing = |revision, hash| Counter { missing: true, ..counter(revision, hash) };
        check(&whole, &missing(4, last), &[Fault::NoCounter]);
        check(&[], &missing(0, None), &[Fault::NoCounter]);
    }

    #[test]
    fn versions_are_summed_by_the_revision_that_ends_and_begins_them() {
        let id = Uuid::from_u128;
        let version = |n, revision, ended, byte| VersionDigest { id: id(n), revision, ended, digest: [byte; 32] };
        let all = [version(2, 1, Some(2), 1), version(1, 1, None, 2), version(2, 2, None, 3)];
        let sums = versions_of(&all);
        assert_eq!(sums[&1], (None, digest_of(&mut [(id(1), [2; 32]), (id(2), [1; 32])])));
        assert_eq!(sums[&2], (digest_of(&mut [(id(2), [1; 32])]), digest_of(&mut [(id(2), [3; 32])])));
    }
}
