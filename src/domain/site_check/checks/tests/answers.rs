//! What the checks say of a thousand invented places, as one hash: whoever changes it raises [`ENGINE`], or nobody could tell why
//! an older run is answered otherwise today.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::support::*;
use crate::domain::audit::hex;
use crate::domain::conflict::Severity;
use crate::domain::coverage::Coverage;
use crate::domain::reference::{Attributes, Decision, ReferenceKind};
use crate::domain::rules::{Parameter, SiteRules};
use crate::domain::site_check::message::key;
use crate::domain::site_check::{
    Antenna, ENGINE, Finding, Gap, GapWhy, Parameters, Said, Source, Subject, Verdict, run, sources,
};
use crate::domain::word::Word;
use crate::domain::work::{ColumnClass, WorkFacts, WorkKind, WorkStatus};

/// The engine, and the hash of what it says. Both lines are changed together.
const ANSWERS: (i32, &str) = (4, "2d3c71162c47283a6c9df774019ef1b809cc70de9a062ec122d0ed73f1139936");

/// What is said now in the words of engine 3, by which the runs that it made are held against it. It said the same, but that EMF
/// passed where the share of the limit that matters had expired.
const EARLIER: (i32, &str) = (3, "0ebae7452d127293b126d1b081cfd0ef142d83121c94a429442c5685f84189b4");

/// Places that are looked at.
const PLACES: u32 = 1_000;

/// The same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    /// Whole quarters of a metre, up to so many metres on either side of 0.
    #[allow(clippy::cast_precision_loss)] // small
    fn metres(&mut self, most: u64) -> f64 {
        self.below(8 * most + 1) as f64 / 4.0 - most as f64
    }

    fn of<T: Copy>(&mut self, all: &[(T, &str)]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()].0
    }

    fn some<T>(&mut self, value: T) -> Option<T> {
        (self.below(3) > 0).then_some(value)
    }
}

fn attributes(n: &mut Numbers, kind: ReferenceKind) -> Attributes {
    let (quota, spacing, height) = (n.below(3), n.metres(300).abs(), n.metres(60).abs());
    Attributes {
        height_agl_m: n.some(height),
        half_width_m: n.some(5.0),
        elevation_from_m: n.some(600.0),
        elevation_to_m: Some(605.0),
        eirp_w: Some(1_000.0 + spacing),
        occupied: n.some(quota > 0),
        quota: n.some(u32::try_from(quota).unwrap()),
        spacing_m: n.some(spacing),
        height_max_m: n.some(height),
        sharing_required: n.below(4) == 0,
        column_classes: if n.below(2) == 0 { vec![ColumnClass::A2a] } else { Vec::new() },
        // Of some zones there is a plan.
        decision: (kind == ReferenceKind::Zone && quota > 0).then(|| {
            let (plan, number) = ("QH".into(), "QD-88".into());
            Arc::new(Decision { plan, version: 1, number, date: DAY, signer: Some("A".into()) })
        }),
        class: (kind == ReferenceKind::SiteRequest && n.below(2) == 0).then(|| "permitted".into()),
        ..Attributes::default()
    }
}

fn scene(n: &mut Numbers) -> Scene {
    let mut scene = Scene::default();
    for _ in 0..n.below(4) {
        let (kind, status) = (n.of(WorkKind::ALL), n.of(WorkStatus::ALL));
        let spare = n.below(3);
        let told = WorkFacts { kind, status, spare_capacity: i32::try_from(spare).ok(), ..column() };
        let (x, y, accuracy) = (n.metres(300), n.metres(300), n.metres(4).abs());
        let whose = if n.below(2) == 0 { "VT" } else { "MB" };
        scene.work(told, point(x, y)).of(whose).accurate(accuracy);
    }
    if n.below(3) == 0 {
        let severity = if n.below(2) == 0 { Severity::Blocks } else { Severity::Warns };
        let (x, y) = (n.metres(90), n.metres(90));
        scene.corridor(severity, 17.0, square(x, y, 20.0));
    }
    for _ in 0..n.below(7) {
        let kind = n.of(ReferenceKind::ALL);
        let (x, y, size) = (n.metres(200), n.metres(200), 1.0 + n.metres(300).abs());
        let shape = match kind {
            ReferenceKind::Road | ReferenceKind::PowerLine => line(&[(x, y), (x + size, y - 40.0)]),
            ReferenceKind::Runway => line(&[(20.0 * x, 20.0 * y), (20.0 * x + 1_500.0, 20.0 * y)]),
            ReferenceKind::SiteRequest | ReferenceKind::Transmitter | ReferenceKind::Monument => {
                point(x / 4.0, y / 4.0)
            }
            _ => square(x, y, size),
        };
        let known = attributes(n, kind);
        let whose = if n.below(2) == 0 { "VT" } else { "MB" };
        scene.reference(kind, shape).of(whose).with(|a| *a = known);
    }
    scene
}

fn subject(n: &mut Numbers) -> Subject {
    let (height, azimuth, frequency) = (1.0 + n.metres(50).abs(), n.metres(90).abs(), n.below(7_000));
    #[allow(clippy::cast_precision_loss)] // small
    let antenna = Antenna {
        frequency_mhz: frequency as f64,
        eirp_w: 500.0 + height,
        azimuth_deg: n.some(azimuth),
        height_agl_m: None,
        beamwidth_deg: n.some(65.0),
    };
    Subject {
        kind: n.of(WorkKind::ALL),
        column_class: {
            let class = n.of(ColumnClass::ALL);
            n.some(class)
        },
        height_agl_m: height,
        ground_amsl_m: n.some(590.0),
        accuracy_m: n.metres(6).abs(),
        organisation: n.some("VT".into()),
        antennas: n.some(antenna).into_iter().collect(),
        starts_on: n.some(DAY),
        ends_on: None,
        ..mast()
    }
}

/// What is asked of each place, and what is said of it.
fn findings(mut each: impl FnMut(&Finding)) {
    let (mut n, rules) = (Numbers(5), pack());
    for _ in 0..PLACES {
        let (scene, subject) = (scene(&mut n), subject(&mut n));
        let mut around = scene.around();
        if n.below(4) == 0 {
            let source = sources()[usize::try_from(n.below(sources().len() as u64)).unwrap()];
            around.coverage.insert(source, Coverage::Partial);
            around.lacks_in_zone(Gap { source: Source::Works, why: GapWhy::Hidden });
        }
        run(&subject, &around, &Parameters::on(&rules, DAY), DAY).iter().for_each(&mut each);
    }
    // Permits and columns close together in a zone, and lines, by rules that lack a limit, or of which one has expired.
    for _ in 0..PLACES / 4 {
        let (mut scene, subject) = (Scene::by(lacking(&mut n)), subject(&mut n));
        let quota = u32::try_from(1 + n.below(4)).unwrap();
        scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 300.0)).with(|a| a.quota = Some(quota));
        for _ in 0..n.below(4) {
            let (status, x, y) = (n.of(WorkStatus::ALL), n.metres(40), n.metres(4));
            scene.work(WorkFacts { status, ..column() }, point(x, y)).of("VT");
            let (x, y) = (n.metres(40), n.metres(4));
            let permit = scene.reference(ReferenceKind::SiteRequest, point(x, y)).of("VT");
            permit.with(|a| a.class = Some("permitted".into()));
        }
        let (kind, x) = (n.of(&[(ReferenceKind::Road, ""), (ReferenceKind::PowerLine, "")]), n.metres(60));
        scene.reference(kind, line(&[(x, -90.0), (x, 90.0)])).keeps(17.0, true);
        let rules = scene.by_rules();
        run(&subject, &scene.around(), &Parameters::on(&rules, DAY), DAY).iter().for_each(&mut each);
    }
}

/// The pack of the cases without some limits, or with some of which the last day has been.
fn lacking(n: &mut Numbers) -> SiteRules {
    let mut all = Vec::new();
    for (key, value) in VALUES {
        let stated = parameter(*key, None, *value);
        match n.below(12) {
            0 => {}
            1 => all.push(Arc::new(Parameter { valid_to: DAY.yesterday().ok(), ..stated.as_ref().clone() })),
            _ => all.push(stated),
        }
    }
    SiteRules::new(&all)
}

#[test]
fn who_changes_an_answer_raises_the_engine() {
    let (mut hash, mut earlier, mut said) = (Sha256::new(), Sha256::new(), BTreeSet::new());
    findings(|finding| {
        hash.update(Said::of(finding).digest);
        earlier.update(Said::by(finding, Some(EARLIER.0)).digest);
        said.insert(finding.message.key);
    });
    // Of most sentences there is a place of which it is said.
    let unsaid: Vec<_> = key::ALL.iter().filter(|key| !said.contains(*key)).collect();
    assert!(3 * said.len() > 2 * key::ALL.len(), "{unsaid:?}");
    assert_eq!(hex(&earlier.finalize()), EARLIER.1, "a run of engine {} would be answered otherwise", EARLIER.0);
    let answers = hex(&hash.finalize());
    assert_eq!(
        (ENGINE, answers.as_str()),
        ANSWERS,
        "the checks answer otherwise: raise ENGINE, which says so of every run, and write both down here"
    );
}

#[test]
fn whatever_stands_in_the_way_is_drawn() {
    findings(|finding| {
        let stands = matches!(finding.verdict, Verdict::Warn | Verdict::NeedsSurvey | Verdict::Block);
        assert!(!stands || finding.geometry.is_some(), "{finding:?}");
    });
}
