//! A rule pack: whatever is written in it is refused with what is wrong, or the table that checks look into says what a
//! search through its parameters says.
#![no_main]

use clearway_fuzz::domain::conflict::AccuracyDefaults;
use clearway_fuzz::domain::corridor::CorridorKind;
use clearway_fuzz::domain::rules::{LandKind, Parameter, RulePack, Ruling};
use clearway_fuzz::domain::word::Word;
use clearway_fuzz::domain::work::WorkKind;
use clearway_fuzz::formats::rules;
use jiff::civil::Date;
use libfuzzer_sys::fuzz_target;

/// So many values of each sort are asked for, that an input with many parameters is no slow one.
const ASKED_MAX: usize = 4;

/// It says something of this kind of land and this kind of work on that day.
fn speaks(p: &Parameter, day: Date, land: &LandKind, work: WorkKind) -> bool {
    p.in_force(day)
        && p.key == format!("corridor.{}.clearance_m", land.kind)
        && p.applies.work_kind.is_none_or(|kind| kind == work)
}

fn applies(p: &Parameter, land: &LandKind) -> bool {
    let a = &p.applies;
    let states_voltage = a.voltage_from_kv.or(a.voltage_to_kv).is_some();
    let in_range =
        |v: f64| a.voltage_from_kv.is_none_or(|low| low <= v) && a.voltage_to_kv.is_none_or(|high| v <= high);
    a.corridor_class.as_ref().is_none_or(|class| land.class.as_ref() == Some(class))
        && (!states_voltage || land.voltage_kv.is_some_and(in_range))
}

/// The clearance by a search: first what states most, then the class before the voltage before the kind of work; where
/// none applies, the widest, and of equals the first.
fn searched<'p>(pack: &'p RulePack, day: Date, land: &LandKind, work: WorkKind) -> Option<&'p Parameter> {
    let rank = |p: &&Parameter| {
        let a = &p.applies;
        let stated =
            [a.corridor_class.is_some(), a.voltage_from_kv.or(a.voltage_to_kv).is_some(), a.work_kind.is_some()];
        (stated.iter().filter(|s| **s).count(), stated)
    };
    let all = || pack.parameters.iter().map(AsRef::as_ref).filter(|p| speaks(p, day, land, work));
    let decides = all().filter(|p| applies(p, land)).max_by_key(rank);
    decides.or_else(|| all().rev().max_by(|a, b| a.value.total_cmp(&b.value)))
}

fn same_as_a_search(pack: &RulePack) {
    let ruling = Ruling::new(&pack.parameters, AccuracyDefaults::default());
    let all = || pack.parameters.iter();
    let days = all().flat_map(|p| [p.valid_from, p.valid_to, p.valid_to.and_then(|last| last.tomorrow().ok())]);
    let days: Vec<Date> = days.flatten().take(ASKED_MAX).chain([Date::MIN, Date::MAX]).collect();
    let classes = all().map(|p| p.applies.corridor_class.as_deref()).take(ASKED_MAX).chain([None, Some("other")]);
    let classes: Vec<Option<&str>> = classes.collect();
    let voltages = all().flat_map(|p| [p.applies.voltage_from_kv, p.applies.voltage_to_kv]).flatten();
    let voltages: Vec<Option<f64>> =
        voltages.flat_map(|v| [Some(v), Some(v / 2.0)]).take(ASKED_MAX).chain([None]).collect();
    for (kind, _) in CorridorKind::ALL {
        for (class, voltage) in classes.iter().flat_map(|class| voltages.iter().map(move |voltage| (class, voltage))) {
            let land = LandKind::new(*kind, *class, *voltage);
            let number = ruling.land(&land);
            let widest = ruling.clearance_max(number).get();
            for (day, (work, _)) in days.iter().flat_map(|day| WorkKind::ALL.iter().map(move |work| (day, work))) {
                let found = ruling.on(*day).clearance(number, Some(*work)).map(AsRef::as_ref);
                assert_eq!(found, searched(pack, *day, &land, *work), "{land:?} {day} {work}");
                let of_any = ruling.on(*day).clearance(number, None).map_or(0.0, |p| p.value);
                assert!(found.is_none_or(|p| p.value <= of_any && of_any <= widest), "{land:?} {day} {work}");
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    match rules::read(data) {
        Ok(pack) => same_as_a_search(&pack),
        Err(problems) => {
            assert!(!problems.is_empty() && problems.iter().all(|p| !p.detail.is_empty()), "{problems:?}");
            assert!(problems.len() <= data.len() + 300, "{} problems", problems.len());
        }
    }
});
