//! What is answered on the data of the fixtures, as one hash: whoever changes it, in a check or in what looks round a place,
//! raises [`ENGINE`], or nobody could tell why an older run is answered otherwise today.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use clearway::actions::feature::{self, Draft};
use clearway::actions::site_check::{self, Asked, Question};
use clearway::actions::{Context, Witness, coverage, jurisdiction, refresh};
use clearway::domain::actor::{Actor, Role};
use clearway::domain::audit::hex;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::reference::{Reference, ReferenceKind};
use clearway::domain::site_check::{Antenna, Argument, Compliance, ENGINE, Finding, Quantity, Sector, Subject};
use clearway::domain::word::Word;
use clearway::domain::work::{ColumnClass, Work, WorkKind};
use clearway::geometry::encoding::geojson;
use clearway::geometry::{Epsg, Geometry};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::border::{area, at, spot};
use crate::marked::Chance;
use crate::support::{Database, vn35_draft, vn72_draft};
use crate::world::{ORIGIN, SIDES, load, load_in, program, settings};

/// The engine, and the hash of what it answers. Both are changed together.
const ANSWERS: (i32, &str) = (4, "6ea97511904eb6218dd2d4fbe636d827c6637fde72048bf10c516bc6de1ceb3d");

/// The moment asked about, and an earlier one, by other rules.
const DAY: &str = "2026-05-01T00:00:00Z";
const EARLIER: &str = "2023-05-01T00:00:00Z";

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
    let decided = finding.decided.as_ref().map(|decided| (&decided.zone, &decided.decision.number, decided.valid_from));
    write!(text, " {:?} {:?} {rule:?} {decided:?}", quantity(finding.measured), quantity(finding.limit)).unwrap();
    let mut evidence: Vec<String> =
        finding.evidence.iter().map(|e| format!("{} {:.2} {:?}", e.code, e.distance_m, e.spare_capacity)).collect();
    evidence.sort();
    let consult: Vec<&str> = finding.consult.iter().map(|who| who.as_str()).collect();
    let gaps: Vec<String> = finding.gaps.iter().map(|gap| format!("{} {}", gap.source, gap.why)).collect();
    if let Some(Compliance { sectors, summed_m, summed_below_m }) = &finding.compliance {
        let all = |s: &Sector| {
            [s.front_m, s.shoulder_m, s.side_m, s.below_m, s.summed_m, s.summed_side_m].map(|m| format!("{m:.2}"))
        };
        let sectors: Vec<_> = sectors.iter().map(all).collect();
        write!(text, " {sectors:?} {summed_m:.2} {summed_below_m:.2}").unwrap();
    }
    writeln!(text, " {evidence:?} {consult:?} {:?} {gaps:?}", finding.outcome.map(Word::as_str)).unwrap();
    text
}

/// A neighbour, a zone across the border, and requests on both sides with columns beside them: a permit and one that is pending, each
/// with what is registered so far to the east. The requests, with their places from the corner of the border.
fn requests(database: &Database) -> Vec<(Uuid, (f64, f64))> {
    let (context, operator) = (database.context(), Actor::operator());
    jurisdiction::register(&context, Witness::new(&operator, "test"), vn35_draft()).unwrap();
    load_in(database, SIDES[1], include_str!("../../fixtures/rules/VN-2027-01.toml"));
    let text = |text: &str| Value::Text(text.into());
    let properties = |all: &[(&str, Value)]| -> Vec<(String, Value)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let draft = |side: &str, code: String, geometry: &Json, more: Vec<(String, Value)>| {
        let shape = geojson::geometry(geometry, usize::MAX).unwrap();
        let delivered = Some(Delivered { shape, crs: Epsg(9218) });
        let fields = properties(&[("code", Value::Text(code))]).into_iter().chain(more).collect();
        Draft { fields: Fields(fields), jurisdiction: Some(side.into()), delivered }
    };
    let witness = || Witness::new(&operator, "test");
    let reference = |side: &str, code: String, geometry: &Json, more| {
        feature::create::<Reference>(&context, witness(), &draft(side, code, geometry, more)).unwrap().id
    };
    let zone = [
        ("kind", text("zone")),
        ("organisation", text("office")),
        ("quota", Value::Number(20.0)),
        // As a plan shows its zones.
        ("dataset", text("QH")),
        ("source", text("QD-88/2026")),
        ("source_date", text("2026-01-01")),
    ];
    reference(SIDES[0], "QH/1/ZB".into(), &area(0.0, 0.0, 1_500.0), properties(&zone));
    let hidden = [("kind", text("school")), ("organisation", text("army")), ("visibility", text("restricted"))];
    reference(SIDES[1], "HB".into(), &spot(0.0, -4_000.0), properties(&hidden));
    let mut all = Vec::new();
    for (n, east) in (0..8_u32).zip([0.0, 3.0, 12.0, 29.0, 31.0, 0.0, 4.0, 12.0]) {
        for (side, north) in SIDES.iter().zip([700.0, -700.0]) {
            let place = (f64::from(n) * 300.0 - 1_050.0, north + 150.0 * f64::from(n % 2));
            let class = if n % 4 == 3 { Value::Null } else { text("permitted") };
            let request = [
                ("kind", text("site_request")),
                ("organisation", text("viettel")),
                ("visibility", text("government")),
                ("class", class),
            ];
            let id = reference(side, format!("RB-{n}"), &spot(place.0, place.1), properties(&request));
            all.push((id, place));
            let status = if n < 5 { "permitted" } else { "in_service" };
            let mast = [("kind", text("mast")), ("organisation", text("viettel")), ("status", text(status))];
            let mast = draft(side, format!("MB-{n}"), &spot(place.0 + east, place.1), properties(&mast));
            feature::create::<Work>(&context, witness(), &mast).unwrap();
        }
    }
    all
}

/// A column of whatever sort, at a place on the grid of VN-72.
fn asked(n: usize, at: [f64; 2], request: Option<Uuid>) -> Asked {
    let antenna =
        Antenna { frequency_mhz: 1_800.0, eirp_w: 2_000.0, azimuth_deg: None, height_agl_m: None, beamwidth_deg: None };
    let subject = Subject {
        kind: WorkKind::Mast,
        column_class: [None, Some(ColumnClass::A1a), Some(ColumnClass::A2a)][n % 3],
        height_agl_m: [18.0, 30.0, 47.0, 60.0][n % 4],
        ground_amsl_m: Some(620.0),
        accuracy_m: [0.0, 5.0, 60.0][n / 3 % 3],
        organisation: Some("viettel".into()),
        request,
        antennas: vec![antenna; n % 2],
        starts_on: Some("2026-05-04".parse().unwrap()),
        ends_on: None,
    };
    let delivered = Delivered { shape: Geometry::Point(at.into()), crs: Epsg(9218) };
    Asked { name: n.to_string(), pointer: String::new(), delivered, subject }
}

/// What is answered: of places all over VN-72; of places at its border, and at requests there, by whoever has them; to whoever sees
/// all, and to a carrier, of whom something is hidden; on two days.
#[test]
fn who_changes_what_is_answered_on_the_fixtures_raises_the_engine() {
    let database = fixtures();
    let requests = requests(&database);
    let context = Context::connect(settings(&database)).unwrap();
    refresh::catch_up_all(&context).unwrap();
    let mut chance = Chance(5);
    let mut places = |count: usize, [east, north]: [f64; 2], side: u32| -> Vec<Asked> {
        let mut near = |origin: f64| origin + chance.metres(side.into()) - f64::from(side) / 2.0;
        (0..count).map(|n| asked(n, [near(east), near(north)], None)).collect()
    };
    let on_grid = |(east, north): (f64, f64)| [ORIGIN[0] + east, ORIGIN[1] + north];
    let anywhere = places(PLACES, ORIGIN, 12_000);
    let mut limited = places(PLACES / 4, ORIGIN, 12_000);
    limited.extend(places(PLACES / 8, on_grid(at(0.0, 0.0)), 8_000));
    for (n, (id, (east, north))) in requests.iter().enumerate() {
        // At its place, as near as that, and farther.
        for away in [0.0, 4.0, 6.0, 40.0] {
            limited.push(asked(n, on_grid(at(east - away, *north)), Some(*id)));
        }
    }
    let carrier = Actor {
        name: "carrier".into(),
        organisation: Some("viettel".into()),
        roles: vec![Role::Carrier],
        jurisdictions: None,
    };
    let (mut all, mut each) = (String::new(), Vec::new());
    for (actor, asked, at) in [
        (Actor::operator(), &anywhere, DAY),
        (Actor::operator(), &limited, DAY),
        (carrier.clone(), &limited, DAY),
        (carrier, &limited, EARLIER),
    ] {
        let question = Question { at: at.parse().unwrap(), min_revision: Vec::new() };
        let checks = site_check::check(&context, &actor, asked, &question).unwrap();
        let told: String = checks.iter().flat_map(|check| &check.findings).map(told).collect();
        // On which sides somebody looked is part of the answer.
        let sides: Vec<String> = checks.iter().map(|check| format!("{:?}", check.revisions.keys())).collect();
        let sides = sides.concat();
        each.push(format!("{told}{sides}"));
        all.push_str(&told);
        all.push_str(&sides);
    }
    // To no two of them the same, nor on another day.
    let different: BTreeSet<&String> = each.iter().collect();
    assert_eq!(different.len(), 4);
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
