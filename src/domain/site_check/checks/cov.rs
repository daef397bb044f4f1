//! COV: what nobody has data of.

use jiff::civil::Date;

use super::super::{asked_within, reach_of, reach_round, sources};
use super::prelude::*;
use crate::domain::word::Visibility;
use crate::geometry::{Bounds, Coord};

/// Which of all that checks read does not answer for the place.
///
/// That nothing was found means that nothing is there only where the layer declares that it holds all there is
/// `[default]`, and in no law or article: each other check says so of what it reads, and this one of everything at once. What is drawn is the ground of
/// which that was asked, as far as it was asked of any of them.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    let mut gaps: Vec<_> = sources().iter().filter_map(|source| around.gap(*source)).collect();
    for gap in &around.in_zones {
        gap.join(&mut gaps);
    }
    if gaps.is_empty() {
        return Finding::new(CheckCode::Cov, Verdict::Pass, Message::new(key::COV_FULL));
    }
    let message = Message::new(key::COV_GAPS).words("sources", gaps.iter().map(|gap| gap.source.to_string()));
    let looked = reach_round(subject, rules);
    let asked = |source: Source| {
        let own = source.kind().map_or(0.0, |kind| reach_of(kind, rules.ever()));
        let within = asked_within(source, own, subject, looked);
        if source == BUILDINGS { within.max(super::emf::looked(subject, around, rules)) } else { within }
    };
    let farthest = gaps.iter().map(|gap| asked(gap.source)).fold(0.0, f64::max);
    // Of a zone with a quota all of its ground is asked. Where one ends that not everybody sees, no circle tells.
    let zones = around.of(ReferenceKind::Zone).filter(|_| !around.in_zones.is_empty());
    let zones = zones.filter(|zone| zone.attributes().quota.is_some() && zone.distance_m <= subject.accuracy_m);
    let zones: Vec<_> = zones.collect();
    let farthest = zones
        .iter()
        .filter(|zone| zone.facts.visibility == Visibility::Public)
        .filter_map(|zone| zone.shape.as_deref())
        .fold(farthest, |farthest, zone| farthest.max(farthest_of(&zone.bounds(), around.place.at)));
    let (geometry, mut rests_on) = (Some(circle(around.place.at, farthest)), ids(zones));
    if gaps.iter().any(|gap| gap.source == BUILDINGS) {
        rests_on.extend(super::emf::looked_by(subject, around, rules));
    }
    Finding { gaps, geometry, rests_on, ..Finding::new(CheckCode::Cov, Verdict::NotChecked, message) }
}

/// What is asked of farther round, where what is co-sited radiates much.
const BUILDINGS: Source = Source::Reference(ReferenceKind::Building);

/// From a place to the farthest corner of a box.
fn farthest_of(bounds: &Bounds, at: Coord<f64>) -> f64 {
    let [x, y] = [at.x, at.y];
    let far = |from: f64, to: f64, at: f64| (from - at).abs().max((to - at).abs());
    far(bounds.min[0], bounds.max[0], x).hypot(far(bounds.min[1], bounds.max[1], y))
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;
    use crate::domain::coverage::Coverage;
    use crate::domain::site_check::{Gap, GapWhy, run};

    #[test]
    fn every_gap_is_listed_once_and_kept() {
        let scene = Scene::default();
        let mut around = scene.around();
        assert_eq!(judge(check, &mast(), &around).verdict, Verdict::Pass);
        let (works, roads) = (Source::Works, Source::Reference(ReferenceKind::Road));
        let army = Source::Reference(ReferenceKind::DefenceArea);
        around.coverage.insert(roads, Coverage::Partial);
        around.coverage.remove(&Source::Corridors);
        // Of what hides a defence area nobody hears.
        around.hidden = vec![works, army];
        let rules = pack();
        let all = run(&mast(), &around, &Parameters::on(&rules, DAY), DAY);
        let found = all.iter().find(|finding| finding.code == CheckCode::Cov).unwrap();
        assert_eq!((found.verdict, found.message.key), (Verdict::NotChecked, key::COV_GAPS));
        let gap = |source, why| Gap { source, why };
        let corridors = gap(Source::Corridors, GapWhy::Undeclared);
        let expect = [gap(works, GapWhy::Hidden), corridors, gap(roads, GapWhy::NotCovered)];
        assert_eq!(found.gaps, expect);
        let drawn = |around: &Surroundings<'_>| judge(check, &Subject { accuracy_m: 5.0, ..mast() }, around).geometry;
        let round = |radius| Some(circle(around.place.at, radius));
        // Columns matter as far as the widest spacing.
        assert_eq!(drawn(&around), round(505.0));
        let only = |kind| {
            let mut around = scene.around();
            around.coverage.insert(Source::Reference(kind), Coverage::Partial);
            drawn(&around)
        };
        assert_eq!(only(ReferenceKind::School), round(55.0));
        assert_eq!(only(ReferenceKind::Runway), round(5.0));
        around.coverage.insert(army, Coverage::None);
        assert_eq!(judge(check, &mast(), &around).gaps.last(), Some(&gap(army, GapWhy::NotCovered)));
    }

    #[test]
    fn what_a_layer_declares_is_what_is_told() {
        use Coverage::{Full, None as Nothing, Partial, Undeclared};
        let roads = Source::Reference(ReferenceKind::Road);
        // What the layer of roads declares, whether one is hidden, and what comes of it.
        let table = [
            (Full, false, Verdict::Pass, None),
            (Full, true, Verdict::NotChecked, Some(GapWhy::Hidden)),
            (Partial, false, Verdict::NotChecked, Some(GapWhy::NotCovered)),
            (Partial, true, Verdict::NotChecked, Some(GapWhy::Hidden)),
            (Nothing, false, Verdict::NotChecked, Some(GapWhy::NotCovered)),
            (Undeclared, false, Verdict::NotChecked, Some(GapWhy::Undeclared)),
        ];
        for (declared, hidden, verdict, why) in table {
            let scene = Scene::default();
            let mut around = scene.around();
            around.coverage.insert(roads, declared);
            around.hidden.extend(hidden.then_some(roads));
            let found = judge(check, &mast(), &around);
            let gaps: Vec<Gap> = why.into_iter().map(|why| Gap { source: roads, why }).collect();
            assert_eq!((found.verdict, found.gaps), (verdict, gaps), "{declared} {hidden}");
        }
    }

    #[test]
    fn what_is_asked_of_a_zone_is_drawn_as_far_as_the_zone() {
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Zone, square(1_000.0, 0.0, 2_000.0)).with(|a| a.quota = Some(1));
        scene.reference(ReferenceKind::Zone, square(1_000.0, 0.0, 9_000.0));
        let mut around = scene.around();
        assert_eq!(judge(check, &mast(), &around).verdict, Verdict::Pass);
        around.lacks_in_zone(Gap { source: Source::Works, why: GapWhy::Hidden });
        let found = judge(check, &mast(), &around);
        assert_eq!(found.geometry, Some(circle(around.place.at, 3_000_f64.hypot(2_000.0))));
        assert_eq!(found.rests_on, ids(around.of(ReferenceKind::Zone).take(1)));
    }

    /// How far buildings are looked for tells how much a transmitter radiates: that it was looked at is known.
    #[test]
    fn transmitters_by_which_the_circle_is_wider_are_known() {
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Transmitter, point(10.0, 0.0)).with(|a| a.eirp_w = Some(9e6));
        let antenna = crate::domain::site_check::Antenna {
            frequency_mhz: 900.0,
            eirp_w: 9.0,
            azimuth_deg: None,
            height_agl_m: None,
            beamwidth_deg: None,
        };
        let (with, mut around) = (Subject { antennas: vec![antenna], ..mast() }, scene.around());
        around.coverage.insert(BUILDINGS, Coverage::Partial);
        let (far, near) = (judge(check, &with, &around), judge(check, &mast(), &around));
        assert_ne!(far.geometry, near.geometry);
        assert_eq!((far.rests_on.len(), near.rests_on.len()), (1, 0));
    }

    /// Wherever one asks in a zone that not everybody sees, the circle is the same: bisecting finds no edge of it.
    #[test]
    fn where_a_restricted_zone_ends_no_circle_tells() {
        let drawn = |west: f64, visibility: Visibility| {
            let mut scene = Scene::default();
            let zone = scene.reference(ReferenceKind::Zone, square(west, 0.0, 2_000.0));
            zone.with(|a| a.quota = Some(1)).seen_by(visibility);
            let mut around = scene.around();
            around.lacks_in_zone(Gap { source: Source::Works, why: GapWhy::Hidden });
            let found = judge(check, &mast(), &around);
            (found.geometry, found.rests_on)
        };
        for visibility in [Visibility::Restricted, Visibility::Government] {
            assert_eq!(drawn(0.0, visibility), drawn(1_500.0, visibility), "{visibility}");
            assert_eq!(drawn(0.0, visibility).1.len(), 1, "that it was looked at is known");
        }
        assert_ne!(drawn(0.0, Visibility::Public).0, drawn(1_500.0, Visibility::Public).0);
    }
}
