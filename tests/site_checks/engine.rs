//! What is answered on the data of the fixtures, as one hash: whoever changes it, in a check or in what looks round a place,
//! raises [`ENGINE`], or nobody could tell why an older run is answered otherwise today.

use std::fmt::Write as _;
use std::path::Path;

use clearway::actions::site_check::{self, Asked, Question};
use clearway::actions::{Witness, coverage, refresh};
use clearway::domain::actor::Actor;
use clearway::domain::audit::hex;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::reference::ReferenceKind;
use clearway::domain::site_check::{Antenna, Argument, ENGINE, Finding, Quantity, Subject};
use clearway::domain::word::Word;
use clearway::domain::work::{ColumnClass, WorkKind};
use clearway::geometry::{Epsg, Geometry};
use sha2::{Digest as _, Sha256};

use crate::marked::Chance;
use crate::support::{Database, vn72_draft};
use crate::world::{ORIGIN, load, program};

/// The engine, and the hash of what it answers. Both are changed together.
const ANSWERS: (i32, &str) = (1, "2de0f0e4e9404d0dc842b0f30cd9a9bbaecd27a9fb09df95e7908b3db0f8dc10");

/// Places that are looked at.
const PLACES: usize = 800;

/// The data of the fixtures, of which all kinds are declared to be whole but schools.
fn fixtures() -> Database {
    let database = Database::vn72();
    load(&database, include_str!("../../fixtures/rules/VN-2027-01.toml"));
    let import = |noun: &str, name: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
        if file.is_file() {
            let done = program(&database, &["import", noun, "--jurisdiction", "VN-72", file.to_str().unwrap()]);
            assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        }
    };
    import("corridors", "corridor/corridors.geojson");
    for name in ["viettel", "vnpt", "mobifone"] {
        import("works", &format!("work/{name}.geojson"));
    }
    let context = database.context();
    let whole = |layer, kind| {
        let as_of = Some("2026-03-01".parse().unwrap());
        let draft = CoverageDraft { layer, kind, source: "survey".into(), as_of, boundary: vn72_draft().boundary };
        coverage::declare(&context, Witness::new(&Actor::operator(), "test"), "VN-72", draft).unwrap();
    };
    whole(Layer::Works, None);
    whole(Layer::Corridors, None);
    for (kind, name) in ReferenceKind::ALL {
        import("references", &format!("reference/{name}.geojson"));
        if *kind != ReferenceKind::School {
            whole(Layer::References, Some(*kind));
        }
    }
    database
}

/// All that a finding says, with codes in place of ids, to the centimetre.
fn told(finding: &Finding) -> String {
    let mut text = format!("{} {} {}", finding.code, finding.verdict, finding.message.key);
    for (name, argument) in &finding.message.arguments {
        match argument {
            Argument::Number(number, _) => write!(text, " {name} {number:.2}").unwrap(),
            other => write!(text, " {name} {other:?}").unwrap(),
        }
    }
    let quantity = |of: Option<Quantity>| of.map(|q| format!("{:.2} {}", q.value, q.unit));
    let rule = finding.rule.as_ref().map(|rule| (&rule.key, rule.valid_from));
    write!(text, " {:?} {:?} {rule:?}", quantity(finding.measured), quantity(finding.limit)).unwrap();
    let mut evidence: Vec<String> =
        finding.evidence.iter().map(|e| format!("{} {:.2} {:?}", e.code, e.distance_m, e.spare_capacity)).collect();
    evidence.sort();
    let consult: Vec<&str> = finding.consult.iter().map(|who| who.as_str()).collect();
    let gaps: Vec<String> = finding.gaps.iter().map(|gap| format!("{} {}", gap.source, gap.why)).collect();
    writeln!(text, " {evidence:?} {consult:?} {:?} {gaps:?}", finding.outcome.map(Word::as_str)).unwrap();
    text
}

#[test]
fn who_changes_what_is_answered_on_the_fixtures_raises_the_engine() {
    let database = fixtures();
    let context = database.context();
    refresh::catch_up_all(&context).unwrap();
    let mut chance = Chance(5);
    let asked: Vec<Asked> = (0..PLACES)
        .map(|n| {
            let mut at = |origin: f64| origin + chance.metres(12_000) - 6_000.0;
            let at = [at(ORIGIN[0]), at(ORIGIN[1])];
            let antenna = Antenna {
                frequency_mhz: 1_800.0,
                eirp_w: 2_000.0,
                azimuth_deg: None,
                height_agl_m: None,
                beamwidth_deg: None,
            };
            let subject = Subject {
                kind: WorkKind::Mast,
                column_class: [None, Some(ColumnClass::A1a), Some(ColumnClass::A2a)][n % 3],
                height_agl_m: [18.0, 30.0, 47.0, 60.0][n % 4],
                ground_amsl_m: Some(620.0),
                accuracy_m: [0.0, 5.0, 60.0][n / 3 % 3],
                organisation: Some("viettel".into()),
                request: None,
                antennas: vec![antenna; n % 2],
                starts_on: Some("2026-05-04".parse().unwrap()),
                ends_on: None,
            };
            let delivered = Delivered { shape: Geometry::Point(at.into()), crs: Epsg(9218) };
            Asked { name: n.to_string(), pointer: String::new(), delivered, subject }
        })
        .collect();
    let question = Question { at: "2026-05-01T00:00:00Z".parse().unwrap(), min_revision: Vec::new() };
    let checks = site_check::check(&context, &Actor::operator(), &asked, &question).unwrap();
    let all: String = checks.iter().flat_map(|check| &check.findings).map(told).collect();
    let verdicts = ["pass", "warn", "not_checked", "needs_survey", "block"];
    let counts = verdicts.map(|verdict| all.matches(&format!(" {verdict} ")).count());
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
    let answers = hex(&Sha256::digest(&all));
    assert_eq!(
        (ENGINE, answers.as_str()),
        ANSWERS,
        "it is answered otherwise: raise ENGINE, which says so of every run, and write both down here"
    );
}
