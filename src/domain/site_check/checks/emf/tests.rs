//! Cases of exposure: front, side, back and below, sums, and what is not known.

#![allow(clippy::unwrap_used, clippy::float_cmp)] // in a test a panic is the report; values are given, not computed

use super::super::tests::support::*;
use super::*;
use crate::domain::site_check::Antenna;
use crate::domain::word::Word;
use crate::domain::work::WorkKind;
use crate::geometry::Geometry;

/// The compliance distance of 1 kW in the beam, with reflections: √(1000 · 4 / (4π · 2)).
const R_M: f64 = 12.615_662_610_100_803;

fn antenna(eirp_w: f64, azimuth_deg: Option<f64>) -> Antenna {
    Antenna { frequency_mhz: 1_800.0, eirp_w, azimuth_deg, height_agl_m: None, beamwidth_deg: None }
}

/// A mast of 30 m with antennas at its top, at a place known to the accuracy.
fn with(antennas: &[Antenna], accuracy_m: f64) -> Subject {
    Subject { antennas: antennas.to_vec(), accuracy_m, ..mast() }
}

/// A building of some height.
fn building(shape: Geometry<f64>, height: Option<f64>) -> Scene {
    let mut scene = Scene::default();
    scene.reference(ReferenceKind::Building, shape).named("School").with(|a| a.height_agl_m = height);
    scene
}

fn at(east: f64, subject: &Subject) -> Verdict {
    judge(check, subject, &building(point(east, 0.0), Some(30.0)).around()).verdict
}

#[test]
fn the_compliance_distances_of_the_law() {
    // 1 kW: 6.3 m in free space, 12.6 m with reflections.
    let compliance = |f: f64| (1_000.0 * f / (4.0 * PI * 2.0)).sqrt();
    assert!((compliance(1.0) - 6.3).abs() < 0.05 && (compliance(4.0) - 12.6).abs() < 0.05);
    assert!((compliance(4.0) - R_M).abs() < 1e-9);
    let found = judge(check, &with(&[antenna(1_000.0, None), antenna(3_000.0, None)], 0.0), &Scene::default().around());
    let argument = |name| found.message.arguments.iter().find(|(known, _)| *known == name).map(|(_, a)| a.clone());
    let Some(Argument::Number(strongest, _)) = argument("distance") else { panic!("{found:?}") };
    let Some(Argument::Number(summed, _)) = argument("summed") else { panic!("{found:?}") };
    assert!((strongest - R_M * 3_f64.sqrt()).abs() < 1e-9 && (summed - 2.0 * R_M).abs() < 1e-9);
    assert_eq!((found.verdict, found.measured.unwrap().value), (Verdict::Pass, 0.0));
    assert_eq!(found.limit.unwrap().value, 2.0);
}

/// By hand: √(EIRP·share·4 / (4π·2)), where 1 kW gives √159.155 = 12.62 m, the half of it 8.92 m, a tenth 3.99 m and a twentieth 2.82 m.
#[test]
fn each_sector_has_its_distances_and_all_of_them_one() {
    // The antennas, and the azimuth of 1 kW that is co-sited; of each in front, beside its beam, at its back, below, and with the
    // others; all together, and below all of them.
    type Case<'c> = (&'c [Antenna], Option<f64>, &'c [[f64; 5]], [f64; 2]);
    let of = |eirp_w, azimuth, beamwidth_deg| Antenna { beamwidth_deg, ..antenna(eirp_w, azimuth) };
    let kilowatt = |azimuth: f64| of(1_000.0, Some(azimuth), None);
    let table: [Case<'_>; 8] = [
        (&[kilowatt(90.0)], None, &[[12.62, 8.92, 3.99, 2.82, 12.62]], [12.62, 2.82]),
        // Where two beams meet the third sends a tenth: 2.1 kW.
        (
            &[kilowatt(0.0), kilowatt(120.0), kilowatt(240.0)],
            None,
            &[[12.62, 8.92, 3.99, 2.82, 18.28]; 3],
            [21.85, 4.89],
        ),
        // Back to back: 1.1 kW.
        (
            &[of(1_000.0, Some(0.0), Some(65.0)), of(1_000.0, Some(180.0), Some(65.0))],
            None,
            &[[12.62, 8.92, 3.99, 2.82, 13.23]; 2],
            [17.84, 3.99],
        ),
        // All round, and half as much to the east: 1.5 kW there.
        (
            &[of(1_000.0, None, None), of(500.0, Some(90.0), None)],
            None,
            &[[12.62, 12.62, 12.62, 2.82, 15.45], [8.92, 6.31, 2.82, 1.99, 15.45]],
            [15.45, 3.45],
        ),
        // So wide that it has no back, and reaches straight down; and one that sends all round.
        (&[of(1_000.0, Some(10.0), Some(200.0))], None, &[[12.62, 8.92, 8.92, 12.62, 12.62]], [12.62, 12.62]),
        (&[of(1_000.0, Some(10.0), Some(360.0))], None, &[[12.62, 12.62, 12.62, 12.62, 12.62]], [12.62, 12.62]),
        // What is co-sited sends the same way, or the other: half of it beside its beam, where that of the column ends.
        (&[kilowatt(350.0)], Some(10.0), &[[12.62, 8.92, 3.99, 2.82, 17.84]], [17.84, 3.99]),
        (&[kilowatt(90.0)], Some(270.0), &[[12.62, 8.92, 3.99, 2.82, 15.45]], [17.84, 3.99]),
    ];
    for (n, (antennas, co_sited, sectors, summed)) in table.into_iter().enumerate() {
        let mut scene = Scene::default();
        if let Some(azimuth) = co_sited {
            let transmitter = scene.reference(ReferenceKind::Transmitter, point(3.0, 0.0));
            transmitter.with(|a| (a.eirp_w, a.azimuth_deg) = (Some(1_000.0), Some(azimuth)));
        }
        let found = judge(check, &with(antennas, 0.0), &scene.around()).compliance.unwrap();
        let told: Vec<_> = found
            .sectors
            .iter()
            .map(|s| [s.front_m, s.shoulder_m, s.side_m, s.below_m, s.summed_m].map(|m| (m * 100.0).round() / 100.0))
            .collect();
        assert_eq!(told, sectors, "case {n}");
        let of_all = [found.summed_m, found.summed_below_m].map(|m| (m * 100.0).round() / 100.0);
        assert_eq!(of_all, summed, "case {n}");
        let asked = antennas.iter().map(|a| (a.azimuth_deg, a.beamwidth_deg.unwrap_or(120.0), a.eirp_w));
        let named = found.sectors.iter().map(|s| (s.azimuth_deg, s.beamwidth_deg, s.eirp_w));
        assert!(asked.eq(named), "case {n}");
    }
    // Of what has no antennas, or states none, nothing is told; of frequencies beyond the limit it is.
    assert_eq!(judge(check, &mast(), &Scene::default().around()).compliance, None);
    let beyond = Antenna { frequency_mhz: 7_000.0, ..antenna(1_000.0, None) };
    assert!(judge(check, &with(&[beyond], 0.0), &Scene::default().around()).compliance.is_some());
}

/// No building in a beam is told to be farther away than it may be: at the distance of a sector it gets the limit, and nowhere in its
/// beam more beyond the summed one.
#[test]
fn the_distances_are_those_at_which_buildings_get_the_limit() {
    let sectors = [antenna(1_000.0, Some(0.0)), antenna(700.0, Some(100.0)), antenna(300.0, Some(200.0))];
    let found = judge(check, &with(&sectors, 0.0), &Scene::default().around()).compliance.unwrap();
    for (own, sector) in sectors.iter().zip(&found.sectors) {
        let mut nearest = f64::INFINITY;
        for step in -60..=60_i32 {
            let azimuth = (own.azimuth_deg.unwrap() + f64::from(step)).to_radians();
            let at = |metres: f64, subject: &Subject| {
                let scene = building(point(metres * azimuth.sin(), metres * azimuth.cos()), Some(30.0));
                judge(check, subject, &scene.around()).measured.unwrap().value
            };
            let beyond = at(sector.summed_m + 0.001, &with(&sectors, 0.0));
            nearest = nearest.min(2.0 - beyond);
            assert!(beyond < 2.0, "{step} {sector:?}");
            if step.abs() < 60 {
                assert!((at(sector.front_m, &with(&[*own], 0.0)) - 2.0).abs() < 1e-9, "{step} {sector:?}");
            }
        }
        assert!(nearest < 0.01, "it is no more than is needed: {sector:?}");
    }
}

#[test]
fn in_the_beam_beside_it_and_behind() {
    // The azimuth, and the share that a building to the east gets; the beam is 120° wide.
    let table = [
        (None, 1.0),
        (Some(90.0), 1.0),
        (Some(30.0), 1.0),
        (Some(150.0), 1.0),
        (Some(29.9), 0.5),
        (Some(330.1), 0.5),
        (Some(329.9), 0.1),
        (Some(270.0), 0.1),
    ];
    for (azimuth, share) in table {
        let subject = with(&[antenna(1_000.0, azimuth)], 0.0);
        let limit = R_M * f64::sqrt(share);
        assert_eq!(at(limit - 0.001, &subject), Verdict::Block, "{azimuth:?}");
        assert_eq!(at(limit + 0.001, &subject), Verdict::Pass, "{azimuth:?}");
    }
    // A narrower beam of its own.
    let narrow = Antenna { beamwidth_deg: Some(60.0), ..antenna(1_000.0, Some(30.0)) };
    assert_eq!(at(R_M - 0.001, &with(&[narrow], 0.0)), Verdict::Pass);
    assert_eq!(at(R_M * f64::sqrt(0.5) - 0.001, &with(&[narrow], 0.0)), Verdict::Block);
}

#[test]
fn below_the_beam_little_arrives_and_where_it_enters_all_does() {
    let subject = with(&[antenna(1_000.0, Some(90.0))], 0.0);
    let of = |shape, height| {
        let found = judge(check, &subject, &building(shape, Some(height)).around());
        (found.verdict, found.measured.unwrap().value)
    };
    let density = |share: f64, r2: f64| 1_000.0 * share * 4.0 / (4.0 * PI * r2);
    let near = |found: (Verdict, f64), verdict, expect: f64| {
        assert!(found.0 == verdict && (found.1 - expect).abs() < 1e-9, "{found:?} {expect}");
    };
    // 10 m below the antenna the beam starts at 10 / tan 60° = 5.77 m.
    near(of(point(5.0, 0.0), 20.0), Verdict::Pass, density(0.05, 125.0));
    near(of(point(5.774, 0.0), 20.0), Verdict::Block, density(1.0, 5.774 * 5.774 + 100.0));
    let enters = 10.0 / 60_f64.to_radians().tan();
    near(of(rectangle([4.0, -1.0], [10.0, 1.0]), 20.0), Verdict::Block, density(1.0, enters * enters + 100.0));
    // Under the antenna itself: 1 m below it is too much, 3 m below it is not.
    near(of(square(0.0, 0.0, 0.2), 29.0), Verdict::Block, density(0.05, 1.0).max(0.0));
    near(of(square(0.0, 0.0, 0.2), 27.0), Verdict::Pass, density(0.05, 9.0));
}

#[test]
fn all_antennas_are_added_with_those_that_are_co_sited() {
    let two = [antenna(600.0, Some(90.0)), antenna(600.0, None)];
    let limit = R_M * 1.2_f64.sqrt();
    assert_eq!(at(limit - 0.001, &with(&two, 0.0)), Verdict::Block);
    assert_eq!(at(limit + 0.001, &with(&two, 0.0)), Verdict::Pass);
    // A transmitter to the west, as far from the building as the rest is.
    let of = |east: f64, azimuth: Option<f64>, accuracy: f64| {
        let mut scene = building(point(12.0, 0.0), Some(30.0));
        let transmitter = scene.reference(ReferenceKind::Transmitter, point(east, 0.0)).accurate(accuracy);
        transmitter.with(|a| (a.eirp_w, a.azimuth_deg, a.height_agl_m) = (Some(20_000.0), azimuth, Some(30.0)));
        judge(check, &with(&two[..1], 0.0), &scene.around()).verdict
    };
    assert_eq!(of(0.0, Some(90.0), 0.0), Verdict::Block);
    assert_eq!(of(-30.0, Some(90.0), 0.0), Verdict::Block);
    assert_eq!(of(-30.0, Some(270.0), 0.0), Verdict::Pass);
    assert_eq!(of(50.001, None, 0.0), Verdict::Pass, "not co-sited");
    assert_eq!(of(50.0, None, 0.0), Verdict::Block);
    assert_eq!(of(50.001, None, 1.0), Verdict::NeedsSurvey);
}

/// A weak antenna on a column does not make those beside it weaker.
#[test]
fn what_is_co_sited_is_told_of_a_weak_antenna_too() {
    let weak = with(&[antenna(1.0, None)], 0.0);
    let of = |east: f64| {
        let mut scene = building(point(east, 0.0), Some(30.0));
        let transmitter = scene.reference(ReferenceKind::Transmitter, point(0.0, 0.0));
        transmitter.with(|a| (a.eirp_w, a.height_agl_m) = (Some(20_000.0), Some(30.0)));
        let found = judge(check, &weak, &scene.around());
        let (named, _) = found.message.arguments.iter().find(|(name, _)| *name == "summed").unwrap();
        let Argument::Number(summed, _) = &found.message.arguments.iter().find(|(n, _)| n == named).unwrap().1 else {
            panic!("{found:?}")
        };
        assert!((summed - R_M * 20.001_f64.sqrt()).abs() < 1e-9, "{summed}");
        (found.verdict, found.measured.unwrap().value > 0.0)
    };
    // The field of the 20 kW is above the limit for 56.4 m.
    assert_eq!(of(56.0), (Verdict::Block, true));
    assert_eq!(of(57.0), (Verdict::Pass, true));
    assert_eq!(of(240.0), (Verdict::Pass, true));
    assert_eq!(of(600.0), (Verdict::Pass, false));
}

/// Buildings are looked at as far as all that radiates together matters, and from what is co-sited.
#[test]
fn what_is_co_sited_is_looked_at_as_far_as_it_matters() {
    // How strong a transmitter 40 m to the east is, where a building is, and what comes of it; the column has 1 W.
    let table = [
        // 10 m from the transmitter, which alone is too much there: the field of the two matters for 56.4 m.
        (1_000.0, 50.0, Verdict::Block),
        (1_000.0, 52.0, Verdict::Block),
        (1_000.0, 53.0, Verdict::Pass),
        (20.0, 41.0, Verdict::Block),
        // Farther than a column of 1 W looks for anything: 20 MW are too much for 1 784 m.
        (20_000_000.0, 1_800.0, Verdict::Block),
        (20_000_000.0, 1_830.0, Verdict::Pass),
    ];
    for (eirp_w, east, verdict) in table {
        let mut scene = building(point(east, 0.0), Some(30.0));
        let transmitter = scene.reference(ReferenceKind::Transmitter, point(40.0, 0.0));
        transmitter.with(|a| (a.eirp_w, a.height_agl_m) = (Some(eirp_w), Some(30.0)));
        let found = judge(check, &with(&[antenna(1.0, None)], 0.0), &scene.around());
        assert_eq!(found.verdict, verdict, "{eirp_w} {east}");
    }
}

#[test]
fn what_a_pack_states_of_beams_frequencies_and_relevance_holds_and_an_older_one_means_what_held_then() {
    use crate::domain::rules::{Parameter, SiteRules};
    let new = [SiteKey::ShoulderShare, SiteKey::RelevantShare, SiteKey::FrequencyFrom, SiteKey::FrequencyTo];
    let of = |stated: &[(SiteKey, f64)], subject: &Subject, east: f64| {
        let known = VALUES.iter().filter(|(key, _)| !new.contains(key)).chain(stated);
        let rules = SiteRules::new(&known.map(|(key, value)| parameter(*key, None, *value)).collect::<Vec<_>>());
        let scene = building(point(east, 0.0), Some(30.0));
        let found = check(subject, &scene.around(), &Parameters::on(&rules, DAY), DAY);
        (found.verdict, found.measured.map_or(0.0, |measured| measured.value))
    };
    // In the shoulder of a beam.
    let aside = with(&[antenna(1_000.0, Some(25.0))], 0.0);
    let density = |share: f64| 1_000.0 * share * 4.0 / (4.0 * PI * 100.0);
    let near = |found: (Verdict, f64), share: f64| (found.1 - density(share)).abs() < 1e-9;
    assert!(near(of(&[], &aside, 10.0), 0.5) && near(of(&[(SiteKey::ShoulderShare, 0.8)], &aside, 10.0), 0.8));
    assert!(near(of(&[(SiteKey::ShoulderShare, 0.01)], &aside, 10.0), 0.1), "no less than beside and behind");
    // How far is looked: 56.4 m where 5 % are relevant, 39.9 m where 10 % are.
    let round = with(&[antenna(1_000.0, None)], 0.0);
    for (stated, east, is_seen) in
        [(None, 56.0, true), (None, 57.0, false), (Some(0.1), 39.0, true), (Some(0.1), 40.0, false)]
    {
        let stated: Vec<_> = stated.into_iter().map(|share| (SiteKey::RelevantShare, share)).collect();
        assert_eq!(of(&stated, &round, east).1 > 0.0, is_seen, "{stated:?} {east}");
    }
    // Which frequencies the limit is of.
    let at = |frequency_mhz| with(&[Antenna { frequency_mhz, ..antenna(10.0, None) }], 0.0);
    let range = [(SiteKey::FrequencyFrom, 100.0), (SiteKey::FrequencyTo, 200.0)];
    for (frequency, old, stated) in [
        (99.9, Verdict::Pass, Verdict::Warn),
        (150.0, Verdict::Pass, Verdict::Pass),
        (9.9, Verdict::Warn, Verdict::Warn),
    ] {
        assert_eq!(
            (of(&[], &at(frequency), 300.0).0, of(&range, &at(frequency), 300.0).0),
            (old, stated),
            "{frequency}"
        );
    }
    // What was stated and has expired is no older pack: nobody knows how far to look.
    for key in new {
        let known = VALUES.iter().filter(|(other, _)| *other != key);
        let known = known.map(|(key, value)| parameter(*key, None, *value));
        let over = Parameter { valid_to: Some(jiff::civil::date(2020, 1, 1)), ..(*parameter(key, None, 0.05)).clone() };
        let rules = SiteRules::new(&known.chain([over.into()]).collect::<Vec<_>>());
        let scene = building(point(5.0, 0.0), Some(30.0));
        let found = check(&round, &scene.around(), &Parameters::on(&rules, DAY), DAY);
        assert_eq!(found.verdict, Verdict::NotChecked, "{key:?}");
    }
    // A pack may say that nothing is too little to matter: then it is looked as far as for anything.
    assert!(of(&[(SiteKey::RelevantShare, 0.0)], &round, 400.0).1 > 0.0);
}

#[test]
fn what_is_not_known_is_for_a_survey() {
    let subject = with(&[antenna(1_000.0, Some(90.0))], 5.0);
    for (east, verdict) in [
        (R_M - 5.001, Verdict::Block),
        (R_M - 4.999, Verdict::NeedsSurvey),
        (R_M + 4.999, Verdict::NeedsSurvey),
        (R_M + 5.001, Verdict::Pass),
    ] {
        assert_eq!(at(east, &subject), verdict, "{east}");
    }
    let found = |height, occupied| {
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Building, point(5.0, 0.0)).with(|a| {
            (a.height_agl_m, a.occupied) = (height, occupied);
        });
        judge(check, &with(&[antenna(1_000.0, Some(90.0))], 0.0), &scene.around()).verdict
    };
    assert_eq!(found(None, None), Verdict::NeedsSurvey, "it may be as high as the antenna");
    assert_eq!(found(Some(3.0), None), Verdict::Pass);
    assert_eq!(found(Some(30.0), Some(true)), Verdict::Block);
    assert_eq!(found(Some(30.0), Some(false)), Verdict::Pass, "nobody is in it");
}

#[test]
fn antennas_that_are_not_stated_and_frequencies_without_a_limit() {
    let scene = building(point(30.0, 0.0), Some(30.0));
    let of = |subject: &Subject| {
        let found = judge(check, subject, &scene.around());
        (found.verdict, found.message.key)
    };
    assert_eq!(of(&mast()), (Verdict::Warn, key::EMF_NOT_STATED));
    let cabinet = Subject { kind: WorkKind::Cabinet, column_class: None, height_agl_m: 2.0, ..mast() };
    assert_eq!(of(&cabinet), (Verdict::NotApplicable, key::EMF_NO_ANTENNAS));
    assert_eq!(of(&Subject { height_agl_m: 15.0, ..cabinet }).0, Verdict::Warn, "as high as a column");
    let at = |frequency_mhz| with(&[Antenna { frequency_mhz, ..antenna(10.0, None) }], 0.0);
    for (frequency, verdict) in [(9.999, Verdict::Warn), (10.0, Verdict::Pass), (6_000.0, Verdict::Pass)] {
        assert_eq!(of(&at(frequency)).0, verdict, "{frequency}");
    }
    assert_eq!(of(&at(6_000.001)), (Verdict::Warn, key::EMF_FREQUENCY));
    // It names the limit that it is beyond, and draws something.
    for (frequency, of, limit) in [(9.999, SiteKey::FrequencyFrom, 10.0), (6_000.001, SiteKey::FrequencyTo, 6_000.0)] {
        let found = judge(check, &at(frequency), &scene.around());
        let megahertz = |value| Some(Quantity { value, unit: of.unit() });
        assert_eq!(found.rule.as_ref().map(|rule| rule.key.as_str()), Some(of.as_str()), "{frequency}");
        assert_eq!((found.measured, found.limit), (megahertz(frequency), megahertz(limit)));
        assert!(found.geometry.is_some(), "{frequency}");
    }
    let not_stated = judge(check, &mast(), &scene.around());
    assert_eq!(not_stated.geometry, Some(circle(scene.around().place.at, 5.0)));
    assert_eq!(of(&Subject { kind: WorkKind::Cabinet, ..with(&[antenna(5_000.0, None)], 0.0) }).0, Verdict::Pass);
}
