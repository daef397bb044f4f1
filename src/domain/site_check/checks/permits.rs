//! Which column is that of which permit: each is counted once, and a permit is in no way of its own.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

use super::prelude::*;
use crate::domain::site_check::SAME_PLACE_M;
use crate::domain::work::WorkStatus;
use crate::geometry::measure::Prepared;

/// How many columns stand or may be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// At least.
    pub(super) least: u32,
    /// At most.
    pub(super) most: u32,
    /// What nobody states, where by that it may be more than the least.
    pub(super) missing: Option<Missing>,
}

impl Count {
    /// None at all.
    pub(super) const NONE: Self = Self { least: 0, most: 0, missing: None };
}

/// A column of a carrier, so far from the place of a permit of his, is that of the permit: one to come within `one` metres, as near
/// as requests of one carrier are one; and any at the place itself, for whoever registers what he built does not wait until it is
/// verified. One that stands farther away stood there before.
fn is_its_own(work: &NearWork<'_>, metres: f64, one: Option<f64>) -> bool {
    metres <= SAME_PLACE_M || is_to_come(work) && one.is_some_and(|one| metres <= one)
}

fn is_to_come(work: &NearWork<'_>) -> bool {
    matches!(work.told.status, WorkStatus::Planned | WorkStatus::Permitted | WorkStatus::UnderConstruction)
}

/// How many columns these are: of a permit and its column ([`is_its_own`]) one. Where a column may be that of several permits, or
/// several that of one, as many are paired as can be, so that it does not matter from where they are looked at.
pub(super) fn count(
    code: CheckCode,
    works: &[&NearWork<'_>],
    permits: &[&NearReference<'_>],
    rules: &Parameters<'_>,
) -> Count {
    let all = works.len() + permits.len();
    let but = |one: Option<f64>| u32::try_from(all - paired(&pairs(works, permits, one))).unwrap_or(u32::MAX);
    match rules.get(code, SiteKey::DuplicateDistance) {
        Ok(rule) => {
            let sure = but(Some(rule.value));
            Count { least: sure, most: sure, missing: None }
        }
        Err(missing) => {
            let (least, most) = (but(Some(f64::INFINITY)), but(None));
            Count { least, most, missing: (least < most).then_some(missing) }
        }
    }
}

/// Of each permit the works that may be its column.
fn pairs(works: &[&NearWork<'_>], permits: &[&NearReference<'_>], one: Option<f64>) -> Vec<Vec<usize>> {
    // Of each carrier by their western ends: a zone may hold thousands.
    let mut of_carrier: HashMap<&str, Vec<(f64, usize)>> = HashMap::new();
    if permits.is_empty() {
        return Vec::new();
    }
    for (number, work) in works.iter().enumerate() {
        let Some(shape) = work.shape.as_deref() else { continue };
        of_carrier.entry(&work.facts.organisation).or_default().push((shape.bounds().min[0], number));
    }
    for all in of_carrier.values_mut() {
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let widest = works.iter().filter_map(|work| work.shape.as_deref()).map(Prepared::bounds);
    let widest = widest.map(|bounds| bounds.max[0] - bounds.min[0]).fold(0.0, f64::max);
    let far = one.unwrap_or(0.0).max(SAME_PLACE_M);
    let of = |permit: &&NearReference<'_>| -> Vec<usize> {
        let Some((place, all)) = permit.shape.as_deref().zip(of_carrier.get(&*permit.facts.organisation)) else {
            return Vec::new();
        };
        let bounds = place.bounds();
        let first = all.partition_point(|(west, _)| *west < bounds.min[0] - far - widest);
        let near = all[first..].iter().take_while(|(west, _)| *west <= bounds.max[0] + far);
        let is = |number: &usize| {
            let shape = works[*number].shape.as_deref();
            shape.is_some_and(|shape| is_its_own(works[*number], shape.distance(place), one))
        };
        near.map(|(_, number)| *number).filter(is).collect()
    };
    permits.iter().map(of).collect()
}

/// How many pairs there can be, in which nothing is twice: by ways on which one pair more is found (Berge 1957), each the shortest.
fn paired(pairs: &[Vec<usize>]) -> usize {
    let mut of_work: HashMap<usize, usize> = HashMap::new();
    let mut of_permit: Vec<Option<usize>> = vec![None; pairs.len()];
    for permit in 0..pairs.len() {
        let (mut reached, mut queue) = (HashMap::new(), VecDeque::from([permit]));
        let mut free = None;
        'way: while let Some(from) = queue.pop_front() {
            for work in &pairs[from] {
                if reached.contains_key(work) {
                    continue;
                }
                reached.insert(*work, from);
                let Some(other) = of_work.get(work) else {
                    free = Some(*work);
                    break 'way;
                };
                queue.push_back(*other);
            }
        }
        // Along the way each permit leaves its work to the one before.
        while let Some(work) = free {
            let Some(permit) = reached.get(&work).copied() else { break };
            of_work.insert(work, permit);
            free = of_permit[permit].replace(work);
        }
    }
    of_work.len()
}

/// The column of a permit that is asked about, where its carrier has registered it (`is_its_own`): the nearest to the place that
/// was permitted, of those to come before those that stand.
#[must_use]
pub fn own_column(subject: &Subject, place: &Prepared, works: &[NearWork<'_>], rules: &Parameters<'_>) -> Option<Uuid> {
    let one = rules.get(CheckCode::Dup, SiteKey::DuplicateDistance).ok().map(|rule| rule.value);
    let carrier = subject.organisation.as_deref()?;
    let of_carrier = works.iter().filter(|work| is_column(work.told.kind, work.told.column_class));
    let of_carrier = of_carrier.filter(|work| &*work.facts.organisation == carrier);
    let own = of_carrier.filter_map(|work| {
        let metres = place.distance(work.shape.as_deref()?);
        is_its_own(work, metres, one).then_some((!is_to_come(work), metres, work.facts.id))
    });
    let by = |a: &(bool, f64, Uuid), b: &(bool, f64, Uuid)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2));
    own.min_by(by).map(|(_, _, id)| id)
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::super::zon;
    use super::*;
    use crate::domain::rules::SiteRules;
    use crate::domain::work::{WorkFacts, WorkKind};

    const TO_COME: WorkStatus = WorkStatus::Permitted;

    #[test]
    fn the_column_of_a_permit_is_its_carriers_nearest_of_those_to_come_first() {
        let with = |status: WorkStatus| WorkFacts { status, ..column() };
        // Of a permit 3 m to the east.
        let own = |works: &[(&str, WorkStatus, f64)], subject: &Subject, rules: &SiteRules| {
            let mut scene = Scene::default();
            for (whose, status, east) in works {
                scene.work(with(*status), point(*east, 0.0)).of(whose);
            }
            let place = Prepared::point(crate::geometry::Coord { x: 3.0, y: 0.0 });
            let around = scene.around();
            let id = own_column(subject, &place, &around.works, &Parameters::on(rules, DAY))?;
            around.works.iter().find(|work| work.facts.id == id).map(|work| work.distance_m)
        };
        let stands = WorkStatus::InService;
        let all = [("VT", stands, 4.0), ("VT", TO_COME, 20.0), ("MB", TO_COME, 3.0), ("VT", TO_COME, 33.001)];
        assert_eq!(own(&all, &mast(), &pack()), Some(20.0));
        assert_eq!(own(&all, &mast(), &SiteRules::default()), Some(4.0), "nobody says how near is one");
        assert_eq!(own(&all, &Subject { organisation: None, ..mast() }, &pack()), None);
        for (status, east, is) in [
            (stands, 8.0, true),
            (stands, 8.001, false),
            (stands, -2.0, true),
            (stands, -2.001, false),
            (TO_COME, 33.0, true),
            (TO_COME, 33.001, false),
            (WorkStatus::UnderConstruction, 33.0, true),
        ] {
            assert_eq!(own(&[("VT", status, east)], &mast(), &pack()).is_some(), is, "{status} {east}");
        }
        let mut scene = Scene::default();
        scene
            .work(WorkFacts { kind: WorkKind::Cabinet, column_class: None, ..with(TO_COME) }, point(0.0, 0.0))
            .of("VT");
        let place = Prepared::point(crate::geometry::Coord { x: 0.0, y: 0.0 });
        assert_eq!(own_column(&mast(), &place, &scene.around().works, &Parameters::on(&pack(), DAY)), None);
    }

    /// In a row each column is between two permits: as many are paired as can be, from wherever somebody looks, and in whatever order.
    #[test]
    fn the_count_is_the_same_from_every_place() {
        // Permits at 0 and 50, columns to come at -20 and 25: by turns each may take the one that the other needs.
        for (works, permits, columns) in [
            (&[-20.0, 25.0] as &[f64], &[0.0, 50.0] as &[f64], 2),
            (&[25.0], &[0.0, 50.0], 2),
            (&[-20.0, 25.0, 75.0, 125.0], &[0.0, 50.0, 100.0], 4),
            (&[25.0, 75.0, 125.0], &[0.0, 50.0, 100.0], 3),
            (&[25.0, 26.0, 27.0], &[0.0], 3),
            (&[], &[0.0, 50.0], 2),
        ] {
            for from in [-200.0, -10.0, 0.0, 10.0, 24.0, 26.0, 60.0, 200.0] {
                let mut scene = Scene::default();
                let zone = scene.reference(ReferenceKind::Zone, square(-from, 0.0, 400.0));
                zone.with(|a| a.quota = Some(1));
                for east in works {
                    scene.work(WorkFacts { status: TO_COME, ..column() }, point(east - from, 0.0)).of("VT");
                }
                for east in permits {
                    let permit = scene.reference(ReferenceKind::SiteRequest, point(east - from, 0.0)).of("VT");
                    permit.with(|a| a.class = Some("permitted".into()));
                }
                let found = judge(zon::check, &mast(), &scene.around());
                assert_eq!(
                    found.measured,
                    Some(Quantity { value: f64::from(columns), unit: COUNT }),
                    "{from} {works:?}"
                );
            }
        }
    }

    const COUNT: crate::domain::rules::Unit = crate::domain::rules::Unit::Count;

    proptest::proptest! {
        /// As many pairs as by trying all of them.
        #[test]
        fn as_many_are_paired_as_can_be(pairs in proptest::collection::vec(proptest::collection::vec(0..6_usize, 0..4), 0..7)) {
            fn most(pairs: &[Vec<usize>], taken: u32) -> usize {
                let Some((first, rest)) = pairs.split_first() else { return 0 };
                let with = first.iter().filter(|work| taken & (1 << **work) == 0);
                let with = with.map(|work| 1 + most(rest, taken | 1 << work)).max();
                with.unwrap_or(0).max(most(rest, taken))
            }
            proptest::prop_assert_eq!(paired(&pairs), most(&pairs, 0));
        }
    }
}
