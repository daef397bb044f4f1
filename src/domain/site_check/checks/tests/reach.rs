//! Nothing that is farther away than what the index looks for changes any finding.

use proptest::prelude::*;

use super::super::emf;
use super::support::*;
use crate::domain::conflict::Severity;
use crate::domain::reference::{Attributes, ReferenceKind};
use crate::domain::rules::SiteRules;
use crate::domain::site_check::{
    Antenna, Finding, Parameters, Subject, is_drawn, reach_of, reach_round, run, to_edge_of,
};
use crate::domain::word::Word;
use crate::domain::work::{WorkFacts, WorkStatus};
use crate::geometry::Geometry;

/// What stays free beside a road or a line.
const CLEARANCE_M: f64 = 17.0;

/// What can be round a place.
#[derive(Debug, Clone, Copy)]
enum What {
    Work,
    Corridor(f64),
    Reference(ReferenceKind),
}

fn what() -> impl Strategy<Value = What> {
    let kinds: Vec<ReferenceKind> = ReferenceKind::ALL.iter().map(|(kind, _)| *kind).collect();
    let reference = prop::sample::select(kinds).prop_map(What::Reference);
    prop_oneof![1 => Just(What::Work), 1 => (0.0..50.0).prop_map(What::Corridor), 5 => reference]
}

/// A shape whose nearest point is `away` metres to one of four sides.
fn shape(what: What, away: f64, side: u8) -> Geometry<f64> {
    let (dx, dy) = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][usize::from(side % 4)];
    let at = |along: f64| (dx * along, dy * along);
    let (near, far) = (at(away), at(away + 1_000.0));
    match what {
        What::Reference(ReferenceKind::Runway | ReferenceKind::Road | ReferenceKind::PowerLine) => line(&[near, far]),
        What::Reference(
            ReferenceKind::Zone
            | ReferenceKind::Boundary
            | ReferenceKind::UrbanArea
            | ReferenceKind::FreezeWindow
            | ReferenceKind::Heritage
            | ReferenceKind::DefenceArea
            | ReferenceKind::Building,
        )
        | What::Corridor(_) => {
            let (x, y) = at(away + 20.0);
            square(x, y, 20.0)
        }
        What::Work | What::Reference(_) => point(near.0, near.1),
    }
}

/// Adds something, `away` metres from the place.
fn add(scene: &mut Scene, what: What, away: f64, side: u8, accuracy: f64, attributes: &Attributes) {
    let shape = shape(what, away, side);
    match what {
        What::Work => {
            let told = WorkFacts { status: WorkStatus::Planned, spare_capacity: Some(1), ..column() };
            scene.work(told, shape).of("VT").accurate(accuracy);
        }
        What::Corridor(clearance) => {
            scene.corridor(Severity::Blocks, clearance, shape);
        }
        What::Reference(kind) => {
            let item = scene.reference(kind, shape).of("VT").with(|a| *a = attributes.clone());
            item.keeps(CLEARANCE_M, true);
        }
    }
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let spacing = prop::option::of(10.0..400.0_f64);
    let half = prop::option::of(0.0..60.0_f64);
    (half, 0.0..60.0_f64, 0.0..20_000.0_f64, spacing).prop_map(|(half_width_m, height, eirp, spacing_m)| Attributes {
        half_width_m,
        height_agl_m: Some(height),
        elevation_from_m: Some(0.0),
        elevation_to_m: Some(5.0),
        eirp_w: Some(eirp),
        spacing_m,
        quota: Some(1),
        ..Attributes::default()
    })
}

fn subjects() -> impl Strategy<Value = Subject> {
    (1.0..120.0_f64, 0.0..60.0_f64, 0.0..60_000.0_f64).prop_map(|(height_agl_m, accuracy_m, eirp_w)| {
        let antenna =
            Antenna { frequency_mhz: 900.0, eirp_w, azimuth_deg: None, height_agl_m: None, beamwidth_deg: None };
        Subject { height_agl_m, accuracy_m, ground_amsl_m: Some(100.0), antennas: vec![antenna], ..mast() }
    })
}

/// How far what is not known to the subject is looked for: as the index does it.
fn looked(what: What, subject: &Subject, rules: &SiteRules, accuracy: f64, attributes: &Attributes) -> f64 {
    let own = match what {
        What::Work => accuracy,
        What::Corridor(clearance) => clearance,
        What::Reference(kind) if is_drawn(kind) => to_edge_of(kind, attributes, true, rules, None)[1] + CLEARANCE_M,
        What::Reference(kind) => reach_of(kind, rules),
    };
    own + reach_round(subject, &Parameters::on(rules, DAY))
}

fn judged(subject: &Subject, scene: &Scene, rules: &SiteRules) -> Vec<Finding> {
    run(subject, &scene.around(), &Parameters::on(rules, DAY), DAY)
}

proptest! {
    #[test]
    fn beyond_the_reach_nothing_matters(
        subject in subjects(),
        near in prop::collection::vec((what(), 0.0..300.0_f64, any::<u8>(), 0.0..30.0_f64, attributes()), 0..6),
        far in (what(), any::<u8>(), 0.0..30.0_f64, attributes()),
        beyond in prop_oneof![Just(0.001), 0.001..1_000.0_f64],
    ) {
        let rules = pack();
        let mut scene = Scene::default();
        for (what, away, side, accuracy, attributes) in &near {
            add(&mut scene, *what, *away, *side, *accuracy, attributes);
        }
        let expect = judged(&subject, &scene, &rules);
        let (what, side, accuracy, attributes) = &far;
        let co_sited = emf::looked(&subject, &scene.around(), &Parameters::on(&rules, DAY));
        let co_sited = if matches!(what, What::Reference(ReferenceKind::Building)) { co_sited } else { 0.0 };
        let away = looked(*what, &subject, &rules, *accuracy, attributes).max(co_sited) + beyond;
        add(&mut scene, *what, away, *side, *accuracy, attributes);
        prop_assert_eq!(judged(&subject, &scene, &rules), expect);
    }
}

/// A runway of another class whose surfaces reach farther than those of all others is found as well.
#[test]
fn the_farthest_class_counts() {
    use crate::domain::site_check::SiteKey;
    let mut all: Vec<_> = VALUES.iter().map(|(key, value)| parameter(*key, None, *value)).collect();
    let before = reach_of(ReferenceKind::Runway, &SiteRules::new(&all));
    all.push(parameter(SiteKey::ConicalSlope, Some("FLAT"), 0.005));
    let after = reach_of(ReferenceKind::Runway, &SiteRules::new(&all));
    assert!(before > 15_060.0 && after >= 4_000.0 + 20_000.0, "{before} {after}");
}
