//! Resolution and validation, as tables.

#![allow(clippy::unwrap_used, clippy::float_cmp)] // in a test a panic is the report; values are given, not computed

use jiff::civil::Date;

use super::*;
use crate::domain::conflict::{AccuracyDefaults, AccuracySource};
use crate::domain::fields::{Fields, Value};
use crate::domain::word::Word;
use crate::domain::work::{CaptureMethod, WorkFacts, WorkStatus};

/// `key = value` pairs; a value that is a number is one.
fn clause(place: &str, text: &str) -> Clause {
    let member = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        let value = value.trim();
        let value = value.parse().map_or_else(|_| Value::Text(value.into()), Value::Number);
        (name.trim().to_owned(), value)
    };
    let fields = text.split(',').filter(|p| !p.trim().is_empty()).map(member).collect();
    Clause { place: place.into(), fields: Fields(fields) }
}

fn pack_of(clauses: &[&str]) -> Result<RulePack, Vec<String>> {
    let head = clause("the head", "name=T, version=1-a");
    let clauses: Vec<Clause> = clauses.iter().zip(1..).map(|(text, n)| clause(&format!("line {n}"), text)).collect();
    RulePack::read(&head, &clauses)
        .map_err(|problems| problems.iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect())
}

const ROAD: &str = "key=corridor.road.clearance_m, unit=m, confidence=default";
const LINE: &str = "key=corridor.power_line.clearance_m, unit=m, confidence=default";

fn ruling(clauses: &[&str]) -> Ruling {
    Ruling::new(&pack_of(clauses).unwrap().parameters, AccuracyDefaults::default())
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn the_most_specific_in_force_decides() {
    let parameter = |more: &str| format!("{ROAD}, {more}");
    let all = [
        parameter("value=1"),
        parameter("value=2, corridor_class=III"),
        parameter("value=3, work_kind=mast"),
        parameter("value=4, corridor_class=III, work_kind=mast, valid_from=2020-01-01"),
        parameter("value=5, corridor_class= iv , valid_to=2019-12-31"),
        parameter("value=6, corridor_class=IV, valid_from=2020-01-02, valid_to=2020-01-31"),
        parameter("value=0, corridor_class=V"),
    ];
    let ruling = ruling(&all.each_ref().map(String::as_str));
    let mast = Some(WorkKind::Mast);
    let table: &[(&str, Option<&str>, Option<WorkKind>, f64)] = &[
        ("2019-06-01", None, Some(WorkKind::Pole), 1.0),
        ("2019-06-01", None, mast, 3.0),
        ("2019-06-01", Some("III"), Some(WorkKind::Pole), 2.0),
        // The class says more than the kind of work.
        ("2019-12-31", Some("III"), mast, 2.0),
        ("2020-01-01", Some("III"), mast, 4.0),
        ("2020-01-01", Some("  iii "), mast, 4.0),
        ("2019-12-31", Some("IV"), Some(WorkKind::Pole), 5.0),
        ("2020-01-01", Some("IV"), Some(WorkKind::Pole), 1.0),
        ("2020-01-02", Some("iv"), Some(WorkKind::Pole), 6.0),
        ("2020-01-31", Some("iv"), Some(WorkKind::Pole), 6.0),
        ("2020-02-01", Some("iv"), Some(WorkKind::Pole), 1.0),
        ("2020-02-01", Some("V"), mast, 0.0),
        // Classes that the pack does not name are as none, and nothing is guessed.
        ("2020-02-01", Some("class III"), Some(WorkKind::Pole), 1.0),
        ("2020-02-01", Some("3"), mast, 3.0),
        ("0001-01-01", Some("III"), mast, 2.0),
        ("9999-12-31", Some("III"), mast, 4.0),
        // A work of an unknown kind: the widest that any would get.
        ("2020-02-01", None, None, 3.0),
        ("2019-12-31", Some("III"), None, 2.0),
        ("2020-02-01", Some("III"), None, 4.0),
        ("2020-02-01", Some("V"), None, 0.0),
    ];
    for (on, class, work, expect) in table {
        let land = ruling.land(&LandKind::new(CorridorKind::Road, *class, None));
        let found = ruling.on(day(on)).clearance(land, *work).map(|p| p.value);
        assert_eq!(found, Some(*expect), "{on} {class:?} {work:?}");
        assert!(ruling.clearance_max(land).get() >= *expect, "{class:?}");
    }
    let max = |class| ruling.clearance_max(ruling.land(&LandKind::new(CorridorKind::Road, class, None))).get();
    assert_eq!((max(None), max(Some("III")), max(Some("IV")), max(Some("V"))), (3.0, 4.0, 6.0, 0.0));
    let canal = ruling.land(&LandKind::new(CorridorKind::Canal, Some("III"), None));
    assert_eq!(ruling.on(day("2020-01-01")).clearance(canal, mast), None, "a rule of roads");
    assert_eq!(ruling.clearance_max(canal), Metres::ZERO);
}

#[test]
fn lines_are_told_apart_by_voltage() {
    let parameter = |more: &str| format!("{LINE}, {more}");
    let all = [
        parameter("value=1, voltage_to_kv=22, corridor_class=COVERED"),
        parameter("value=2, voltage_to_kv=22"),
        parameter("value=3, voltage_kv=35"),
        parameter("value=4, voltage_from_kv=110, voltage_to_kv=220"),
        parameter("value=5, voltage_from_kv=500"),
    ];
    let ruling = ruling(&all.each_ref().map(String::as_str));
    // Where none applies, the widest of the kind does.
    let table: &[(Option<f64>, Option<&str>, f64)] = &[
        (None, None, 5.0),
        (None, Some("COVERED"), 5.0),
        (Some(0.4), None, 2.0),
        (Some(0.4), Some("Covered"), 1.0),
        (Some(22.0), Some("BARE"), 2.0),
        (Some(22.000_001), None, 5.0),
        (Some(34.999), None, 5.0),
        (Some(35.0), Some("COVERED"), 3.0),
        (Some(35.1), None, 5.0),
        (Some(109.9), None, 5.0),
        (Some(110.0), None, 4.0),
        (Some(150.0), None, 4.0),
        (Some(220.0), None, 4.0),
        (Some(220.1), None, 5.0),
        (Some(500.0), None, 5.0),
        (Some(1_150.0), None, 5.0),
    ];
    for (voltage, class, expect) in table {
        let land = ruling.land(&LandKind::new(CorridorKind::PowerLine, *class, *voltage));
        for work in [None, Some(WorkKind::Mast)] {
            let found = ruling.on(day("2020-01-01")).clearance(land, work).map(|p| p.value);
            assert_eq!(found, Some(*expect), "{voltage:?} {class:?} {work:?}");
        }
        assert!(ruling.clearance_max(land).get() >= *expect, "{voltage:?} {class:?}");
    }
}

/// Where the pack speaks of a kind of land and a kind of work, land that none of its parameters fits has the widest.
#[test]
fn where_none_applies_the_widest_of_the_kind_does() {
    type Case<'a> = (&'a str, Option<&'a str>, Option<WorkKind>, Option<&'a str>);
    let parameter = |more: &str| format!("{ROAD}, {more}");
    let all = [
        parameter("value=3, corridor_class=I, valid_from=2020-01-01"),
        parameter("value=7, corridor_class=II, work_kind=mast, valid_from=2020-01-01"),
        parameter("value=4, corridor_class=III, valid_to=2020-12-31"),
        parameter("value=4, corridor_class=IV, valid_from=2020-01-01"),
        parameter("value=9, corridor_class=V, work_kind=pole, valid_from=2021-01-01, valid_to=2021-01-01"),
        format!("{LINE}, value=0, voltage_kv=1"),
        format!("{LINE}, value=50, voltage_kv=2, work_kind=bts"),
    ];
    let ruling = ruling(&all.each_ref().map(String::as_str));
    let (mast, pole, duct) = (Some(WorkKind::Mast), Some(WorkKind::Pole), Some(WorkKind::Duct));
    // The class of the parameter that decides.
    let table: &[Case<'_>] = &[
        ("2019-12-31", None, mast, Some("III")),
        ("2019-12-31", Some("I"), None, Some("III")),
        // Of two as wide the one that stands first.
        ("2020-01-01", None, pole, Some("III")),
        ("2020-01-01", Some("IX"), duct, Some("III")),
        ("2020-01-01", Some("I"), duct, Some("I")),
        // One of another kind of work is none of this one.
        ("2020-01-01", Some("II"), duct, Some("III")),
        ("2020-01-01", Some("II"), mast, Some("II")),
        ("2020-01-01", Some("IX"), mast, Some("II")),
        ("2020-01-01", None, None, Some("II")),
        ("2021-01-01", Some("III"), pole, Some("V")),
        ("2021-01-01", Some("III"), None, Some("V")),
        ("2021-01-02", Some("III"), pole, Some("IV")),
    ];
    for (on, class, work, expect) in table {
        let land = ruling.land(&LandKind::new(CorridorKind::Road, *class, None));
        let found = ruling.on(day(on)).clearance(land, *work);
        assert_eq!(found.and_then(|p| p.applies.corridor_class.as_deref()), *expect, "{on} {class:?} {work:?}");
        assert!(found.is_none_or(|p| p.value <= ruling.clearance_max(land).get()), "{on} {class:?} {work:?}");
    }
    let max = |class| ruling.clearance_max(ruling.land(&LandKind::new(CorridorKind::Road, class, None))).get();
    assert_eq!(
        (max(None), max(Some("IX")), max(Some("I")), max(Some("V"))),
        (9.0, 9.0, 4.0, 9.0),
        "the widest of any day"
    );
    // What the pack says is 0 m is said, and what it says of no work of this kind is not.
    let line = ruling.land(&LandKind::new(CorridorKind::PowerLine, None, None));
    let of = |work| ruling.on(day("2020-01-01")).clearance(line, work).map(|p| p.value);
    assert_eq!((of(mast), of(Some(WorkKind::Bts)), of(None)), (Some(0.0), Some(50.0), Some(50.0)));
    let canal = ruling.land(&LandKind::new(CorridorKind::Canal, None, None));
    assert_eq!(ruling.on(day("2020-01-01")).clearance(canal, None), None, "the pack says nothing of canals");
    let only_masts = self::ruling(&[&parameter("value=2, corridor_class=I, work_kind=mast")]);
    let road = only_masts.land(&LandKind::new(CorridorKind::Road, None, None));
    let of = |work| only_masts.on(day("2020-01-01")).clearance(road, work).map(|p| p.value);
    assert_eq!((of(mast), of(pole), of(None)), (Some(2.0), None, Some(2.0)));
}

/// Every resolution of random packs equals a search through all parameters.
#[test]
fn the_table_is_a_search_through_all() {
    let mut state = 7_u64;
    let mut dice = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let (mut packs, mut met) = (0, [0, 0]);
    while packs < 60 {
        let mut texts: Vec<String> = Vec::new();
        for _ in 0..=dice(12) {
            let mut text = vec![format!("{LINE}, value={}", dice(50))];
            if dice(2) == 0 {
                text.push(format!("corridor_class={}", ["A", "B"][usize::try_from(dice(2)).unwrap()]));
            }
            match dice(4) {
                0 => text.push(format!("voltage_kv={}", 10 * (1 + dice(3)))),
                1 => text.push(format!("voltage_from_kv={}", 10 * (1 + dice(3)))),
                2 => text.push(format!("voltage_from_kv=5, voltage_to_kv={}", 10 * (1 + dice(3)))),
                _ => {}
            }
            if dice(3) == 0 {
                text.push("work_kind=mast".into());
            }
            if dice(2) == 0 {
                text.push(format!("valid_from=2020-01-0{}", 1 + dice(5)));
            }
            if dice(2) == 0 {
                text.push(format!("valid_to=2020-01-0{}", 5 + dice(4)));
            }
            texts.push(text.join(", "));
            // What overlaps is refused, and left out.
            if pack_of(&texts.iter().map(String::as_str).collect::<Vec<_>>()).is_err() {
                texts.pop();
            }
        }
        if texts.is_empty() {
            continue;
        }
        packs += 1;
        let pack = pack_of(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let ruling = Ruling::new(&pack.parameters, AccuracyDefaults::default());
        for n in 1..=10 {
            let on = Date::new(2020, 1, n).unwrap();
            for class in [None, Some("A"), Some("B"), Some("C")] {
                for voltage in [None, Some(1.0), Some(5.0), Some(10.0), Some(15.0), Some(20.0), Some(30.0), Some(31.0)]
                {
                    for work in [WorkKind::Mast, WorkKind::Pole] {
                        let of_kind =
                            |p: &&Arc<Parameter>| p.in_force(on) && p.applies.work_kind.is_none_or(|k| k == work);
                        let fits = |p: &&Arc<Parameter>| {
                            let a = &p.applies;
                            a.corridor_class.as_deref().is_none_or(|c| Some(c) == class)
                                && a.voltage_from_kv.is_none_or(|low| voltage.is_some_and(|v| low <= v))
                                && a.voltage_to_kv.is_none_or(|high| voltage.is_some_and(|v| v <= high))
                        };
                        let all = || pack.parameters.iter().filter(of_kind);
                        let decides = all().filter(fits).max_by_key(|p| p.applies.rank());
                        // The last of equals is the first of the pack.
                        let expect = decides.or_else(|| all().rev().max_by(|a, b| a.value.total_cmp(&b.value)));
                        let land = ruling.land(&LandKind::new(CorridorKind::PowerLine, class, voltage));
                        let found = ruling.on(on).clearance(land, Some(work));
                        assert_eq!(found, expect, "{on} {class:?} {voltage:?} {work} of {texts:#?}");
                        met[usize::from(decides.is_none())] += usize::from(found.is_some());
                        let widest = ruling.on(on).clearance(land, None).map_or(0.0, |p| p.value);
                        assert!(widest >= found.map_or(0.0, |p| p.value) && ruling.clearance_max(land).get() >= widest);
                    }
                }
            }
        }
    }
    assert!(met.iter().all(|n| *n > 5_000), "too few to mean anything: {met:?}");
}

#[test]
fn no_feature_reaches_further_than_it_may_state_or_is_configured() {
    assert!(Ruling::default().reach_max().get() >= 10_000.0);
    let defaults = AccuracyDefaults { estimated: Metres::constant(120_000.0), ..AccuracyDefaults::default() };
    assert_eq!(Ruling::new(&[], defaults).reach_max().get(), 120_000.0);
}

#[test]
fn accuracies_come_from_the_record_the_pack_or_the_configuration() {
    use AccuracySource::{Default, Recorded, Rule};
    type Case<'a> = (&'a Ruling, &'a str, Option<f64>, Option<CaptureMethod>, f64, AccuracySource, f64);
    let pack = [
        "key=position_accuracy.record_m, value=30, unit=m, confidence=default, valid_to=2020-12-31",
        "key=position_accuracy.record_m, value=8, unit=m, confidence=default, valid_from=2021-01-01",
        "key=position_accuracy.unknown_m, value=25, unit=m, confidence=check, valid_from=2021-01-01",
    ];
    let with = ruling(&pack);
    let without = Ruling::default();
    let facts = |recorded, method| WorkFacts {
        kind: WorkKind::Mast,
        status: WorkStatus::InService,
        valid_from: None,
        valid_to: None,
        position_accuracy_m: recorded,
        capture_method: method,
        column_class: None,
        height_agl_m: None,
        spare_capacity: None,
    };
    let table: &[Case<'_>] = &[
        (&with, "2020-12-31", Some(1.5), Some(CaptureMethod::Record), 1.5, Recorded, 1.5),
        (&with, "2020-12-31", None, Some(CaptureMethod::Record), 30.0, Rule, 30.0),
        (&with, "2021-01-01", None, Some(CaptureMethod::Record), 8.0, Rule, 30.0),
        (&with, "2020-12-31", None, None, 20.0, Default, 25.0),
        (&with, "2021-01-01", None, None, 25.0, Rule, 25.0),
        (&with, "2021-01-01", None, Some(CaptureMethod::Gnss), 5.0, Default, 5.0),
        (&without, "2021-01-01", None, Some(CaptureMethod::Record), 20.0, Default, 20.0),
    ];
    for (ruling, on, recorded, method, metres, source, ever) in table {
        let facts = facts(*recorded, *method).into();
        let found = ruling.on(day(on)).accuracy(&facts);
        assert_eq!((found.metres.get(), found.source), (*metres, *source), "{on} {recorded:?} {method:?}");
        assert_eq!(found.rule.is_some(), *source == Rule);
        assert_eq!(ruling.accuracy_max(&facts).get(), *ever, "{method:?}");
    }
}

#[test]
fn keys_that_nobody_reads_are_kept_and_decide_nothing() {
    let pack = pack_of(&[
        "key=zone.spacing_m, value=100, unit=m, corridor_class=URBAN, confidence=law, document=Decision 1",
        "key=emf.power_density_max, value=2, unit=w_m2, confidence=law, document=QCVN 8:2022/BTTTT",
        "key=balance.offset, value=-3, unit=ratio, confidence=check",
    ])
    .unwrap();
    assert_eq!(pack.parameters.len(), 3);
    assert!(pack.parameters.iter().all(|p| !is_read(&p.key)));
    assert_eq!(Ruling::new(&pack.parameters, AccuracyDefaults::default()).parameters().len(), 0);
}

#[test]
fn every_problem_is_told_with_its_place() {
    let road = |more: &str| format!("{ROAD}, {more}");
    let table: &[(&[&str], &[&str])] = &[
        (&[], &["the head: parameter is missing: the pack has no parameter"]),
        (
            &["key=corridor.road.clearance_m"],
            &["line 1: value is missing", "line 1: unit is missing", "line 1: confidence is missing"],
        ),
        (&[&road("value=-3")], &["line 1: value is -3; it must lie between 0 and 5000"]),
        (&[&road("value=wide")], &["line 1: value is the text «wide»; a number belongs here"]),
        (
            &["key=corridor.raod.clearance_m, value=3, unit=m, confidence=default"],
            &["line 1: key «raod» is not a kind of corridor; known are road, railway, power_line, canal, reservoir, \
               pipeline, airport, urban, mining, defence, other"],
        ),
        (
            &["key=corridor.road.clearence_m, value=3, unit=m, confidence=default"],
            &[
                "line 1: key «corridor.road.clearence_m» is not a key of corridors; known is corridor.<kind>.clearance_m",
            ],
        ),
        (
            &["key=position_accuracy.gps_m, value=3, unit=m, confidence=default"],
            &["line 1: key «position_accuracy.gps_m» is not a key of accuracies; known are \
               position_accuracy.gnss_rtk_m, position_accuracy.gnss_m, position_accuracy.digitised_m, \
               position_accuracy.record_m, position_accuracy.estimated_m, position_accuracy.unknown_m"],
        ),
        (
            &["key=Spacing, value=3, unit=m, confidence=default"],
            &["line 1: key «Spacing» is not a key: at least two words of a-z, 0-9 and _ with dots between them, \
               80 characters in all"],
        ),
        (
            &["key=corridor.road.clearance_m, value=3, unit=km, confidence=default"],
            &["line 1: unit is km; checks read this key in m"],
        ),
        (
            &["key=a.b, value=3, unit=feet, confidence=sure"],
            &[
                "line 1: unit «feet» is not known here; known are m, km, m2, deg, kv, w, w_m2, mhz, vnd, minute, day, \
                 working_day, month, year, count, ratio",
                "line 1: confidence «sure» is not known here; known are law, default, check",
            ],
        ),
        (
            &[&road("value=3, corridor_kind=canal, work_kind=tower, colour=red")],
            &[
                "line 1: colour is not a member of a parameter; known are key, value, unit, corridor_kind, \
                 corridor_class, voltage_kv, voltage_from_kv, voltage_to_kv, work_kind, document, article, valid_from, \
                 valid_to, confidence, note",
                "line 1: work_kind «tower» is not known here; known are bts, mast, rooftop_mast, station_house, exchange, \
                 cabinet, pole, manhole, duct, aerial_cable, buried_cable, public_access_point",
                "line 1: corridor_kind is canal, but the key is of road",
            ],
        ),
        (
            &[&road("value=3, valid_from=2020-01-02, valid_to=2020-01-01"), &road("value=3, valid_from=2020")],
            &[
                "line 1: valid_to 2020-01-01 is before valid_from 2020-01-02",
                "line 2: valid_from is the number 2020; text belongs here",
            ],
        ),
        (
            &[&road("value=3, voltage_kv=5, voltage_to_kv=4"), &road("value=3, voltage_from_kv=5, voltage_to_kv=4")],
            &[
                "line 1: voltage_kv stands beside voltage_from_kv or voltage_to_kv: state the one voltage, or the range",
                "line 2: voltage_to_kv 4 is below voltage_from_kv 5",
            ],
        ),
        (
            &["key=corridor.road.clearance_m, value=3, unit=m, confidence=law, article=11"],
            &[
                "line 1: article is the number 11; text belongs here",
                "line 1: document is missing: what is law stands in a document",
            ],
        ),
        (
            &["key=position_accuracy.gnss_m, value=3, unit=m, confidence=default, work_kind=mast"],
            &["line 1: key an accuracy depends on the capture method alone: nothing else can be stated of it"],
        ),
    ];
    for (clauses, expect) in table {
        assert_eq!(pack_of(clauses).unwrap_err(), *expect, "{clauses:?}");
    }
    let head = clause("the head", "name= , version=1-a, colour=red");
    let problems = RulePack::read(&head, &[clause("line 1", &road("value=3"))]).unwrap_err();
    let said: Vec<String> = problems.iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect();
    assert_eq!(
        said,
        [
            "the head: colour is not a member of a rule pack, besides its parameters; known are name, version, note",
            "the head: name is missing",
        ]
    );
}

#[test]
fn two_that_decide_the_same_are_refused_naming_both() {
    let road = |more: &str| format!("{ROAD}, {more}");
    let table: &[(&[&str], &[&str])] = &[
        (
            &[
                &road("value=3, corridor_class=III, valid_from=2014-01-01, valid_to=2024-12-31"),
                &road("value=3, corridor_class=iii, valid_from=2024-12-31"),
                &road("value=3, corridor_class=III, valid_from=2030-01-01, work_kind=mast"),
            ],
            &["line 2: key corridor.road.clearance_m for class III, in force from 2024-12-31, meets the same \
               corridor.road.clearance_m of line 1, in force from 2014-01-01 to 2024-12-31: of two that are equally \
               specific only one may be in force on a day"],
        ),
        (
            &[&road("value=3"), &road("value=3")],
            &[
                "line 2: key corridor.road.clearance_m for all, always in force, meets the same corridor.road.clearance_m \
               of line 1, always in force: of two that are equally specific only one may be in force on a day",
            ],
        ),
        (
            &[&road("value=3, voltage_to_kv=22"), &road("value=4, voltage_from_kv=22, voltage_to_kv=35")],
            &["line 2: key corridor.road.clearance_m for 22 to 35 kV, always in force, meets the same \
               corridor.road.clearance_m of line 1, always in force: of two that are equally specific only one may be \
               in force on a day"],
        ),
    ];
    for (clauses, expect) in table {
        assert_eq!(pack_of(clauses).unwrap_err(), *expect, "{clauses:?}");
    }
}

#[test]
fn a_pack_has_a_limit() {
    let many: Vec<String> = (0..=PARAMETERS_MAX).map(|n| format!("{ROAD}, value=1, corridor_class=C{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(pack_of(&many).unwrap_err(), ["the head: parameter stands 5001 times; the limit is 5000"]);
    let wide: Vec<String> = (0..900)
        .map(|n| {
            let from = Date::new(2000, 1, 1).unwrap().checked_add(jiff::Span::new().days(n)).unwrap();
            format!("{LINE}, value=1, corridor_class=C{n}, voltage_kv={}, valid_from={from}", n + 1)
        })
        .collect();
    let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
    let problems = pack_of(&wide).unwrap_err();
    assert!(problems[0].starts_with("the head: parameter makes "), "{problems:?}");
    assert_eq!(LandKind::new(CorridorKind::Road, Some(" "), None).class, None);
    assert_eq!(CorridorKind::ALL.len(), 11);
}
