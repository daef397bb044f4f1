//! What the checks say of an area in which columns are to be admitted: a zone that is drawn. What is measured is measured from the
//! area: at 0 m something meets it.
//!
//! Exposure and duplicates are asked of a place and of a column, so nothing is said of them here.

use jiff::civil::Date;

use super::permits::count;
use super::prelude::*;
use super::{cor, cov, def, her, sen, tim, zon};
use crate::domain::work::ColumnClass;

/// An area, by what it is to admit.
#[derive(Debug, Clone)]
pub struct Area {
    /// The column that is hardest to admit: as high as may be, and of a class that is not told apart.
    pub column: Subject,
    /// How many columns it is to admit; none: any number.
    pub quota: Option<u32>,
}

/// What says which columns stand in it, and of those that may be built for a quota.
const COLUMNS: &[Source] = &[Source::Works, Source::Reference(ReferenceKind::SiteRequest)];

/// Neighbours share an edge; they overlap only where they reach deeper into each other than this, m.
const OVERLAP_MIN_M: f64 = 0.01;

/// One finding for each check that says something of an area, in the order in which they are answered.
#[must_use]
pub fn run(area: &Area, around: &Surroundings<'_>, rules: &Parameters<'_>, day: Date) -> Vec<Finding> {
    let column = &area.column;
    let all = [
        (zon::READS, zones(column, around, rules)),
        (cor::READS, cor::of_area(column, around, rules)),
        (if area.quota.is_some() { COLUMNS } else { &COLUMNS[..1] }, columns(area, around, rules)),
        (&[Source::Reference(ReferenceKind::Runway)] as &[Source], aviation(column, around, rules)),
        (her::READS, her::check(column, around, rules, day)),
        (def::READS, def::check(column, around, rules, day)),
        (sen::READS, sen::check(column, around, rules, day)),
        (tim::READS, tim::check(column, around, rules, day)),
        (&[] as &[Source], cov::check(column, around, rules, day)),
    ];
    // A circle round a place is no drawing of an area.
    let drawn = |finding: Finding| Finding { geometry: None, ..finding };
    all.into_iter().map(|(reads, finding)| drawn(finding.qualified(reads, around))).collect()
}

/// ZON: whether it overlaps a zone in force, and whether columns are admitted where only those of class A1 stand.
fn zones(column: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Finding {
    let only_a1 = rules.get(CheckCode::Zon, SiteKey::OnlyA1Distance);
    let of_a1 = |kind| matches!(kind, ReferenceKind::Monument | ReferenceKind::GovernmentFront);
    let fits = column.column_class.is_some_and(|class| matches!(class, ColumnClass::A1a | ColumnClass::A1b));
    if let Ok(rule) = &only_a1
        && !fits
    {
        let (_, found) = reached(around.references.iter().filter(|near| of_a1(near.told.kind)), rule.value, 0.0);
        if let Some(first) = found.first() {
            let message = Message::new(key::ZON_ONLY_A1).text("feature", first.called());
            let message = message.metres("distance", first.distance_m).metres("limit", rule.value);
            let finding = Finding::new(CheckCode::Zon, Verdict::Warn, message).by(rule, Some(first.distance_m));
            return Finding { consult: vec![Consultee::Office], evidence: evidence(found), ..finding };
        }
    }
    let overlapping: Vec<_> = around.of(ReferenceKind::Zone).filter(|zone| zone.depth_m > OVERLAP_MIN_M).collect();
    if let Some(first) = overlapping.first() {
        let message = Message::new(key::ZON_OVERLAPS).text("zone", first.called());
        let finding = Finding::new(CheckCode::Zon, Verdict::Warn, message);
        let (decided, evidence) = (Decided::of(first), evidence(overlapping));
        return Finding { consult: vec![Consultee::Office], evidence, decided, ..finding };
    }
    match only_a1 {
        Err(missing) if !fits => missing.into(),
        _ => Finding::new(CheckCode::Zon, Verdict::Pass, Message::new(key::ZON_ALONE)),
    }
}

/// SPC: how many columns stand in it already, or may be built.
fn columns(area: &Area, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Finding {
    let (works, permits) = zon::columns(around, |_, distance_m, _| distance_m <= 0.0);
    let held = count(CheckCode::Spc, &works, &permits, rules);
    let count = held.least;
    let mut inside = evidence(works);
    inside.extend(evidence(permits));
    let number = |n: u32| Argument::Number(f64::from(n), 0);
    if let Some(quota) = area.quota.filter(|quota| *quota <= count && count > 0) {
        let message = Message::new(key::SPC_ZONE_FULL).with("columns", number(count)).with("quota", number(quota));
        let finding = Finding::new(CheckCode::Spc, Verdict::Warn, message);
        return Finding { consult: vec![Consultee::Carrier], evidence: inside, ..finding };
    }
    if let Some(missing) = held.missing {
        return Finding { evidence: inside, ..missing.into() };
    }
    Finding::new(CheckCode::Spc, Verdict::Pass, Message::new(key::SPC_ZONE).with("columns", number(count)))
}

/// AIR: whether what it admits needs marking, and whether surfaces of a runway may lie over it.
fn aviation(column: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Finding {
    let marking = match rules.get(CheckCode::Air, SiteKey::MarkingHeight) {
        Ok(marking) => marking,
        Err(missing) => return missing.into(),
    };
    let runways: Vec<_> = around.of(ReferenceKind::Runway).collect();
    let finding = match runways.first() {
        Some(runway) => {
            let message = Message::new(key::AIR_ZONE).text("runway", runway.called());
            Finding::new(CheckCode::Air, Verdict::Warn, message.metres("distance", runway.distance_m))
        }
        None if column.height_agl_m >= marking.value => {
            let message = Message::new(key::AIR_MARKING).metres("height", column.height_agl_m);
            let message = message.metres("limit", marking.value);
            Finding::new(CheckCode::Air, Verdict::Warn, message).by(marking, Some(column.height_agl_m))
        }
        None => return Finding::new(CheckCode::Air, Verdict::Pass, Message::new(key::AIR_CLEAR)),
    };
    Finding { consult: vec![Consultee::Aviation], evidence: evidence(runways), ..finding }
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;

    fn found(scene: &Scene, area: &Area, code: CheckCode) -> (Verdict, &'static str) {
        let rules = pack();
        let all = run(area, &scene.around(), &Parameters::on(&rules, DAY), DAY);
        let finding = all.into_iter().find(|finding| finding.code == code).unwrap();
        (finding.verdict, finding.message.key)
    }

    fn area(height_agl_m: f64, quota: Option<u32>) -> Area {
        Area { column: Subject { height_agl_m, accuracy_m: 0.0, ..mast() }, quota }
    }

    #[test]
    fn each_check_says_what_it_means_for_an_area() {
        use ReferenceKind::{Heritage, Monument, School};
        let check = |scene: &Scene, area: &Area, code, expect| assert_eq!(found(scene, area, code), expect, "{code}");
        let nothing = Scene::default();
        for (code, key) in [
            (CheckCode::Zon, key::ZON_ALONE),
            (CheckCode::Cor, key::COR_CLEAR_AREA),
            (CheckCode::Spc, key::SPC_ZONE),
            (CheckCode::Air, key::AIR_CLEAR),
            (CheckCode::Her, key::HER_FREE),
            (CheckCode::Sen, key::SEN_FREE),
            (CheckCode::Tim, key::TIM_FREE),
        ] {
            check(&nothing, &area(30.0, None), code, (Verdict::Pass, key));
        }
        check(&nothing, &area(45.0, None), CheckCode::Air, (Verdict::Warn, key::AIR_MARKING));
        let mut scene = Scene::default();
        scene.reference(Heritage, square(0.0, 0.0, 10.0));
        scene.reference(School, point(0.0, 0.0));
        check(&scene, &area(30.0, None), CheckCode::Her, (Verdict::Warn, key::HER_NEAR));
        check(&scene, &area(30.0, None), CheckCode::Sen, (Verdict::Warn, key::SEN_NEAR));
        let mut scene = Scene::default();
        scene.reference(Monument, point(150.0, 0.0));
        check(&scene, &area(30.0, None), CheckCode::Zon, (Verdict::Warn, key::ZON_ONLY_A1));
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 10.0));
        check(&scene, &area(30.0, None), CheckCode::Zon, (Verdict::Warn, key::ZON_OVERLAPS));
        let mut scene = Scene::default();
        scene.work(column(), point(0.0, 0.0));
        check(&scene, &area(30.0, None), CheckCode::Spc, (Verdict::Pass, key::SPC_ZONE));
        check(&scene, &area(30.0, Some(1)), CheckCode::Spc, (Verdict::Warn, key::SPC_ZONE_FULL));
        check(&scene, &area(30.0, Some(2)), CheckCode::Spc, (Verdict::Pass, key::SPC_ZONE));
        let permit = scene.reference(ReferenceKind::SiteRequest, point(0.0, 0.0));
        permit.of("VT").with(|a| a.class = Some("permitted".into()));
        check(&scene, &area(30.0, Some(2)), CheckCode::Spc, (Verdict::Warn, key::SPC_ZONE_FULL));
        check(&scene, &area(30.0, Some(3)), CheckCode::Spc, (Verdict::Pass, key::SPC_ZONE));
    }
}
