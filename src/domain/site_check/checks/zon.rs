//! ZON: zones for stations.

use jiff::civil::Date;
use uuid::Uuid;

use super::permits::{Count, count};
use super::prelude::*;
use crate::domain::rules::Unit;
use crate::domain::site_check::reach_round;
use crate::domain::word::Word;
use crate::domain::work::ColumnClass;
use crate::geometry::measure::{Prepared, depth_inside};
use crate::geometry::{Geometry, Grid};

/// What it reads. Of a zone with a quota it asks of all its ground which columns stand and are permitted there
/// ([`Surroundings::in_zones`]).
pub const READS: &[Source] = &[
    Source::Reference(ReferenceKind::Zone),
    Source::Works,
    Source::Reference(ReferenceKind::Monument),
    Source::Reference(ReferenceKind::GovernmentFront),
];

/// Whether a zone in force admits the column.
///
/// Where stations may stand is a plan of the province: Luật Viễn thông 41/2009/QH12 and TT 14/2013/TT-BTTTT, of which no article
/// is known here `[check]`. A place is inside a published zone, which may state the classes it admits, a height, how many columns, and that they are
/// shared; every zone that holds the place has to admit it. A place in none is for the office to decide; where nobody
/// says that all zones are there it is not known. Round monuments
/// and the fronts of government buildings only columns of class A1 stand: 200 m `[law: one province]` (the article of its decision is not known
/// here), at the distance itself as well. A height that equals the limit is admitted; a zone is full with as many columns as its quota: those that
/// are registered in it, and those that may be built by a permit ([`columns_in`]). Where it is that only if a column at its edge stands
/// inside, which its accuracy leaves open, a survey has to tell. What is drawn
/// is the nearest zone, unless that admits it, or the distance from a monument.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    match is_for_column(CheckCode::Zon, subject, rules) {
        Ok(true) => {}
        Ok(false) => return Finding::new(CheckCode::Zon, Verdict::NotApplicable, Message::new(key::NO_COLUMN)),
        Err(missing) => return missing.into(),
    }
    let only_a1 = match only_a1(subject, around, rules) {
        Ok(finding) => finding,
        Err(missing) => Some(missing.into()),
    };
    let zones = zones(subject, around, rules);
    let finding = match only_a1 {
        // Of two that weigh the same the area round a monument is told: no zone can change it.
        Some(finding) if finding.verdict >= zones.verdict => {
            // That a zone wants columns shared stands all the same.
            Finding { rests_on: zones.ground().collect(), outcome: zones.outcome, ..finding }
        }
        Some(finding) => {
            Finding { rests_on: zones.rests_on.iter().copied().chain(finding.ground()).collect(), ..zones }
        }
        None => zones,
    };
    Finding { gaps: around.in_zones.clone(), ..finding }
}

/// What stands against a column of another class near a monument or a government front; none where nothing does.
fn only_a1(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Result<Option<Finding>, Missing> {
    let rule = rules.get(CheckCode::Zon, SiteKey::OnlyA1Distance)?;
    let fits = |class| matches!(class, ColumnClass::A1a | ColumnClass::A1b);
    if subject.column_class.is_some_and(fits) {
        return Ok(None);
    }
    let of_a1 = |kind| matches!(kind, ReferenceKind::Monument | ReferenceKind::GovernmentFront);
    let all = around.references.iter().filter(|near| of_a1(near.told.kind));
    let (near, found) = reached(all, rule.value, subject.accuracy_m);
    let Some(first) = found.first() else { return Ok(None) };
    let (refused, key) = match subject.column_class {
        Some(_) => (Verdict::Block, key::ZON_ONLY_A1),
        None => (Verdict::Warn, key::ZON_ONLY_A1_NOT_STATED),
    };
    let sure = if near == Sure::Yes { refused } else { Verdict::Pass };
    let message = Message::new(key).text("feature", first.called()).metres("distance", first.distance_m);
    let message = message.metres("limit", rule.value);
    let finding = Finding::new(CheckCode::Zon, settled(sure, refused), message).by(rule, Some(first.distance_m));
    let geometry = Some(circle(around.place.at, rule.value));
    Ok(Some(Finding { consult: vec![Consultee::Office], evidence: evidence(found), geometry, ..finding }))
}

/// What the zones round the place say.
fn zones(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Finding {
    let (inside, held) = reached(around.of(ReferenceKind::Zone), 0.0, subject.accuracy_m);
    if held.is_empty() {
        // How far others are looked for is far enough for this as well.
        let looked = reach_round(subject, rules);
        let nearest = around.of(ReferenceKind::Zone).next().filter(|zone| zone.distance_m <= looked);
        let finding = match around.gap(Source::Reference(ReferenceKind::Zone)) {
            Some(gap) => Finding::not_known(CheckCode::Zon, gap),
            None => Finding::new(CheckCode::Zon, Verdict::Warn, Message::new(key::ZON_OUTSIDE)),
        };
        let geometry = nearest.and_then(drawn).or_else(|| Some(place(subject, around)));
        return Finding { consult: vec![Consultee::Office], evidence: evidence(nearest), geometry, ..finding };
    }
    // The worst of what the zones say, and the worst of what those say that hold the place for sure.
    let outside = Finding::new(CheckCode::Zon, Verdict::Warn, Message::new(key::ZON_OUTSIDE));
    let mut worst = if inside == Sure::Yes { None } else { Some(outside.clone()) };
    let (mut sure, mut rests_on) = (None, Vec::new());
    let graver = |kept: &mut Option<Finding>, said: &Finding| {
        let weight = |finding: &Finding| (finding.verdict, finding.outcome.is_some());
        if kept.as_ref().is_none_or(|kept| weight(kept) < weight(said)) {
            *kept = Some(said.clone());
        }
    };
    for zone in &held {
        let said = said(subject, around, rules, zone);
        rests_on.extend_from_slice(&said.rests_on);
        graver(&mut worst, &said);
        if Sure::within(zone.signed_m(), 0.0, subject.accuracy_m + zone.accuracy_m) == Sure::Yes {
            graver(&mut sure, &said);
        }
    }
    let (sure, worst) = (sure.unwrap_or(outside.clone()), worst.unwrap_or(outside));
    // In no zone for sure, a place may also lie in one that says less.
    let unsure = inside != Sure::Yes || sure.verdict != worst.verdict;
    let mut finding = worst;
    if unsure {
        let first = held.first().map_or("", |zone| zone.called());
        let message = Message::new(key::ZON_EDGE).text("zone", first);
        finding = Finding::new(CheckCode::Zon, Verdict::NeedsSurvey, message);
        finding.decided = held.first().copied().and_then(Decided::of);
    }
    if finding.verdict != Verdict::Pass && !finding.consult.contains(&Consultee::Carrier) {
        finding.consult.push(Consultee::Office);
    }
    if finding.verdict != Verdict::Pass {
        finding.geometry = held.first().copied().and_then(drawn);
    }
    finding.rests_on = rests_on;
    finding.evidence = evidence(held);
    finding
}

/// A zone, to draw.
fn drawn(zone: &NearReference<'_>) -> Option<Grid<Geometry<f64>>> {
    zone.shape.as_deref().map(outline)
}

/// What a zone says of the column.
fn said(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, zone: &NearReference<'_>) -> Finding {
    let asked = zone.attributes();
    let say = |key: &'static str| Message::new(key).text("zone", zone.called());
    let decided = Decided::of(zone);
    let finding =
        |verdict, message| Finding { decided: decided.clone(), ..Finding::new(CheckCode::Zon, verdict, message) };
    let classes = || asked.column_classes.iter().map(|class| class.as_str());
    let admits = |class| asked.column_classes.is_empty() || asked.column_classes.contains(&class);
    if let Some(class) = subject.column_class.filter(|class| !admits(*class)) {
        return finding(Verdict::Block, say(key::ZON_CLASS).text("class", class.as_str()).words("classes", classes()));
    }
    if let Some(limit) = asked.height_max_m.filter(|limit| subject.height_agl_m > *limit) {
        let message = say(key::ZON_HEIGHT).metres("height", subject.height_agl_m).metres("limit", limit);
        let (measured, limit) = (Some(Quantity::metres(subject.height_agl_m)), Some(Quantity::metres(limit)));
        return Finding { measured, limit, ..finding(Verdict::Block, message) };
    }
    let outcome = asked.sharing_required.then_some(Outcome::SharingRequired);
    // How many columns there are is told, or that there is room for one.
    let mut rests_on = Vec::new();
    if let Some(quota) = asked.quota {
        let ([inside, may_be], of) = columns_in(around, rules, zone);
        rests_on = of;
        let full = |columns: u32, verdict, key| {
            let count = |n: u32| Argument::Number(n.into(), 0);
            let message = say(key).with("columns", count(columns)).with("quota", count(quota));
            let of = |n: u32| Some(Quantity { value: n.into(), unit: Unit::Count });
            Finding { measured: of(columns), limit: of(quota), ..finding(verdict, message) }
        };
        if inside.least >= quota {
            return Finding { rests_on, ..full(inside.least, Verdict::Block, key::ZON_QUOTA) };
        }
        if may_be.least >= quota {
            return Finding { outcome, rests_on, ..full(may_be.least, Verdict::NeedsSurvey, key::ZON_QUOTA_UNSURE) };
        }
        if let Some(missing) = may_be.missing.filter(|_| may_be.most >= quota) {
            return Finding { outcome, rests_on, ..missing.into() };
        }
    }
    if subject.column_class.is_none() && !asked.column_classes.is_empty() {
        let message = say(key::ZON_CLASS_NOT_STATED).words("classes", classes());
        return Finding { outcome, rests_on, ..finding(Verdict::Warn, message) };
    }
    if asked.sharing_required {
        let consult = vec![Consultee::Carrier];
        return Finding { consult, outcome, rests_on, ..finding(Verdict::Warn, say(key::ZON_SHARED)) };
    }
    Finding { rests_on, ..finding(Verdict::Pass, say(key::ZON_ADMITTED)) }
}

/// How many columns a zone holds for sure, and may hold, and what says so: those registered in it, and the requests in it that were
/// permitted.
fn columns_in(around: &Surroundings<'_>, rules: &Parameters<'_>, zone: &NearReference<'_>) -> ([Count; 2], Vec<Uuid>) {
    let Some(ground) = zone.shape.as_deref() else { return ([Count::NONE; 2], Vec::new()) };
    let is_in = |shape: Option<&Prepared>, accuracy: f64| {
        shape.map_or(Sure::No, |shape| in_zone(shape, ground, accuracy + zone.accuracy_m))
    };
    let [sure, may_be] = [Sure::Yes, Sure::Maybe].map(|least| {
        let (works, permits) = columns(around, |shape, _, accuracy| is_in(shape, accuracy) >= least);
        (count(CheckCode::Zon, &works, &permits, rules), ids(works).into_iter().chain(ids(permits)))
    });
    ([sure.0, may_be.0], may_be.1.collect())
}

/// How sure it is that something stands in a zone, on its edge included.
fn in_zone(shape: &Prepared, zone: &Prepared, accuracy: f64) -> Sure {
    if !shape.within(zone, accuracy) {
        return Sure::No;
    }
    let signed = || shape.distance(zone) - depth_inside(shape, zone);
    // Of most it is enough that they meet it.
    if accuracy > 0.0 { Sure::within(signed(), 0.0, accuracy).max(Sure::Maybe) } else { Sure::Yes }
}

/// The columns that are registered, and the requests of which the column may be built, where one of such a shape, so far from
/// the place, so accurate, is `inside`.
pub(super) fn columns<'n, 'a>(
    around: &'n Surroundings<'a>,
    inside: impl Fn(Option<&Prepared>, f64, f64) -> bool,
) -> (Vec<&'n NearWork<'a>>, Vec<&'n NearReference<'a>>) {
    let works = around.works.iter().filter(|work| is_column(work.told.kind, work.told.column_class));
    let permits = around.of(ReferenceKind::SiteRequest).filter(|request| request.attributes().is_permitted());
    let works = works.filter(|work| inside(work.shape.as_deref(), work.distance_m, work.accuracy_m)).collect();
    (works, permits.filter(|one| inside(one.shape.as_deref(), one.distance_m, one.accuracy_m)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;
    use crate::domain::reference::Attributes;
    use crate::domain::rules::SiteRules;
    use crate::domain::site_check::Antenna;
    use crate::domain::work::{WorkFacts, WorkKind, WorkStatus};

    fn in_zone(subject: &Subject, set: impl FnOnce(&mut Attributes)) -> Finding {
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 300.0)).with(set);
        // Two columns inside, one on the edge, one outside, and what is no column.
        for x in [100.0, 200.0, 300.0, 300.001] {
            scene.work(column(), point(x, 0.0));
        }
        scene.work(WorkFacts { kind: WorkKind::Cabinet, column_class: None, ..column() }, point(1.0, 1.0));
        judge(check, subject, &scene.around())
    }

    #[test]
    fn a_zone_admits_or_refuses() {
        use ColumnClass::{A1a, A2a, A2b};
        let no_class = Subject { column_class: None, ..mast() };
        let of = |set: &dyn Fn(&mut Attributes), subject: &Subject| {
            let found = in_zone(subject, |a| set(a));
            (found.verdict, found.message.key)
        };
        let m = mast();
        assert_eq!(of(&|_| {}, &m), (Verdict::Pass, key::ZON_ADMITTED));
        assert_eq!(of(&|a| a.column_classes = vec![A2a, A2b], &m), (Verdict::Pass, key::ZON_ADMITTED));
        assert_eq!(of(&|a| a.column_classes = vec![A1a, A2b], &m), (Verdict::Block, key::ZON_CLASS));
        assert_eq!(of(&|a| a.column_classes = vec![A1a], &no_class), (Verdict::Warn, key::ZON_CLASS_NOT_STATED));
        assert_eq!(of(&|_| {}, &no_class), (Verdict::Pass, key::ZON_ADMITTED));
        assert_eq!(of(&|a| a.height_max_m = Some(30.001), &m), (Verdict::Pass, key::ZON_ADMITTED));
        assert_eq!(of(&|a| a.height_max_m = Some(30.0), &m), (Verdict::Pass, key::ZON_ADMITTED));
        assert_eq!(of(&|a| a.height_max_m = Some(29.999), &m), (Verdict::Block, key::ZON_HEIGHT));
        assert_eq!(of(&|a| a.quota = Some(4), &m), (Verdict::Pass, key::ZON_ADMITTED));
        assert_eq!(of(&|a| a.quota = Some(3), &m), (Verdict::Block, key::ZON_QUOTA));
        assert_eq!(of(&|a| a.quota = Some(0), &m), (Verdict::Block, key::ZON_QUOTA));
        assert_eq!(of(&|a| a.sharing_required = true, &m), (Verdict::Warn, key::ZON_SHARED));
        let full = in_zone(&m, |a| a.quota = Some(3));
        let count = |value| Some(Quantity { value, unit: Unit::Count });
        assert_eq!((full.measured, full.limit), (count(3.0), count(3.0)));
        // What is asked for is a column by what it is, not by what it is called.
        let antenna =
            Antenna { frequency_mhz: 900.0, eirp_w: 9.0, azimuth_deg: None, height_agl_m: None, beamwidth_deg: None };
        for kind in [WorkKind::Duct, WorkKind::Pole, WorkKind::Cabinet] {
            let low = Subject { kind, column_class: None, height_agl_m: 14.999, ..mast() };
            assert_eq!(of(&|a| a.quota = Some(0), &low), (Verdict::NotApplicable, key::NO_COLUMN));
            let high = Subject { height_agl_m: 15.0, ..low.clone() };
            let sends = Subject { antennas: vec![antenna], ..low };
            for column in [high, sends] {
                assert_eq!(of(&|a| a.quota = Some(0), &column), (Verdict::Block, key::ZON_QUOTA), "{column:?}");
            }
        }
    }

    /// A column at the edge of a zone counts as surely as its position is known.
    #[test]
    fn a_column_at_the_edge_counts_as_surely_as_it_is_known() {
        // How far east of the middle of a zone that ends after 300 m a column stands, and how accurate that is.
        let table = [
            (279.999, 20.0, Verdict::Block),
            (280.001, 20.0, Verdict::NeedsSurvey),
            (299.0, 20.0, Verdict::NeedsSurvey),
            (301.0, 20.0, Verdict::NeedsSurvey),
            (319.999, 20.0, Verdict::NeedsSurvey),
            (320.001, 20.0, Verdict::Pass),
            (299.0, 0.0, Verdict::Block),
            (300.0, 0.0, Verdict::Block),
            (300.001, 0.0, Verdict::Pass),
        ];
        for (east, accuracy, verdict) in table {
            for is_permit in [false, true] {
                let mut scene = Scene::default();
                scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 300.0)).with(|a| a.quota = Some(1));
                if is_permit {
                    let permit = scene.reference(ReferenceKind::SiteRequest, point(east, 0.0)).accurate(accuracy);
                    permit.with(|a| a.class = Some("permitted".into()));
                } else {
                    scene.work(column(), point(east, 0.0)).accurate(accuracy);
                }
                let found = judge(check, &mast(), &scene.around());
                assert_eq!(found.verdict, verdict, "{east} {accuracy} {is_permit}");
                assert_eq!(found.rests_on.len(), usize::from(verdict != Verdict::Pass), "{east} {accuracy}");
                let count = Some(Quantity { value: 1.0, unit: Unit::Count });
                assert_eq!(found.measured, count.filter(|_| verdict != Verdict::Pass), "{east} {accuracy}");
            }
        }
    }

    #[test]
    fn a_permit_in_the_zone_counts_until_its_column_is_registered() {
        use WorkStatus::{InService, Permitted, Planned, UnderConstruction};
        // A zone with a quota of 2, one column in it, and a request of VT 100 m to the east: what it is, and a work of a
        // carrier with a status so many metres beside it.
        let granted = Some("permitted");
        let table = [
            (None, None, 1),
            (Some("requested"), None, 1),
            (granted, None, 2),
            (Some(" PERMITTED "), None, 2),
            (granted, Some(("VT", Planned, 0.0)), 2),
            (granted, Some(("VT", Permitted, 30.0)), 2),
            (granted, Some(("VT", UnderConstruction, 30.0)), 2),
            (granted, Some(("VT", Permitted, 30.001)), 3),
            (granted, Some(("MB", Permitted, 0.0)), 3),
            (granted, Some(("VT", InService, 5.0)), 2),
            (granted, Some(("VT", InService, 5.001)), 3),
            (granted, Some(("MB", InService, 0.0)), 3),
            (None, Some(("VT", Permitted, 0.0)), 2),
        ];
        for (class, beside, columns) in table {
            let mut scene = Scene::default();
            scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 300.0)).with(|a| a.quota = Some(2));
            scene.work(column(), point(-100.0, 0.0));
            let request = scene.reference(ReferenceKind::SiteRequest, point(100.0, 0.0)).of("VT");
            request.with(|a| a.class = class.map(Into::into));
            if let Some((whose, status, metres)) = beside {
                scene.work(WorkFacts { status, ..column() }, point(100.0, metres)).of(whose);
            }
            // One outside says nothing.
            let outside = scene.reference(ReferenceKind::SiteRequest, point(300.001, 0.0)).of("VT");
            outside.with(|a| a.class = granted.map(Into::into));
            let found = judge(check, &mast(), &scene.around());
            let full = if columns >= 2 { (Verdict::Block, Some(columns)) } else { (Verdict::Pass, None) };
            #[allow(clippy::cast_possible_truncation)] // few columns
            let told = (found.verdict, found.measured.map(|measured| measured.value as i32));
            assert_eq!(told, full, "{class:?} {beside:?}");
        }
    }

    /// Where nobody says how near requests of one carrier are one, what is sure whichever column is that of a permit is said.
    #[test]
    fn without_a_distance_what_is_sure_is_said_of_a_quota() {
        use WorkStatus::{InService, Permitted};
        let stated = VALUES.iter().filter(|(key, _)| *key != SiteKey::DuplicateDistance);
        let rules = SiteRules::new(&stated.map(|(key, value)| parameter(*key, None, *value)).collect::<Vec<_>>());
        // Whose column stands or is to come so far beside a permit of VT; the quota.
        for (whose, status, metres, quota, verdict, key) in [
            ("VT", Permitted, 10.0, 1, Verdict::Block, key::ZON_QUOTA),
            ("VT", Permitted, 10.0, 2, Verdict::NotChecked, key::NO_RULE),
            ("VT", Permitted, 10.0, 3, Verdict::Warn, key::ZON_SHARED),
            ("VT", Permitted, 200.0, 2, Verdict::NotChecked, key::NO_RULE),
            ("VT", Permitted, 5.0, 2, Verdict::Warn, key::ZON_SHARED),
            ("VT", InService, 5.0, 2, Verdict::Warn, key::ZON_SHARED),
            ("VT", InService, 5.001, 2, Verdict::Block, key::ZON_QUOTA),
            ("MB", Permitted, 0.0, 2, Verdict::Block, key::ZON_QUOTA),
            ("MB", Permitted, 0.0, 3, Verdict::Warn, key::ZON_SHARED),
        ] {
            let mut scene = Scene::default();
            let zone = scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 300.0));
            zone.with(|a| (a.quota, a.sharing_required) = (Some(quota), true));
            scene.work(WorkFacts { status, ..column() }, point(100.0, metres)).of(whose);
            let permit = scene.reference(ReferenceKind::SiteRequest, point(100.0, 0.0)).of("VT");
            permit.with(|a| a.class = Some("permitted".into()));
            let found = check(&mast(), &scene.around(), &Parameters::on(&rules, DAY), DAY);
            assert_eq!((found.verdict, found.message.key), (verdict, key), "{whose} {status} {metres} {quota}");
            assert_eq!(found.rests_on.len(), 2, "{whose} {quota}");
            let shares = (verdict != Verdict::Block).then_some(Outcome::SharingRequired);
            assert_eq!(found.outcome, shares, "{whose} {status} {metres} {quota}");
        }
    }

    #[test]
    fn one_work_is_the_column_of_one_permit() {
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 300.0)).with(|a| a.quota = Some(2));
        scene.work(WorkFacts { status: WorkStatus::Permitted, ..column() }, point(100.0, 0.0)).of("VT");
        for north in [1.0, 2.0] {
            let permit = scene.reference(ReferenceKind::SiteRequest, point(100.0, north)).of("VT");
            permit.with(|a| a.class = Some("permitted".into()));
        }
        let found = judge(check, &mast(), &scene.around());
        let count = Some(Quantity { value: 2.0, unit: Unit::Count });
        assert_eq!((found.verdict, found.measured, found.rests_on.len()), (Verdict::Block, count, 3));
    }

    #[test]
    fn what_nobody_knows_of_the_zone_is_no_pass() {
        use crate::domain::site_check::{Gap, GapWhy};
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 300.0)).with(|a| a.quota = Some(2));
        let mut around = scene.around();
        let gap = |source, why| Gap { source, why };
        let requests = Source::Reference(ReferenceKind::SiteRequest);
        around.lacks_in_zone(gap(requests, GapWhy::Undeclared));
        around.lacks_in_zone(gap(requests, GapWhy::Hidden));
        around.lacks_in_zone(gap(requests, GapWhy::NotCovered));
        around.lacks_in_zone(gap(Source::Works, GapWhy::NotCovered));
        let rules = pack();
        let all = super::super::super::run(&mast(), &around, &Parameters::on(&rules, DAY), DAY);
        let of = |code| all.iter().find(|finding| finding.code == code).unwrap();
        let gaps = [gap(Source::Works, GapWhy::NotCovered), gap(requests, GapWhy::Hidden)];
        assert_eq!((of(CheckCode::Zon).verdict, of(CheckCode::Zon).gaps.as_slice()), (Verdict::NotChecked, &gaps[..]));
        assert_eq!((of(CheckCode::Cov).verdict, of(CheckCode::Cov).gaps.as_slice()), (Verdict::NotChecked, &gaps[..]));
        // It says nothing of what others look at, which is near the place.
        assert_eq!((of(CheckCode::Spc).verdict, of(CheckCode::Dup).verdict), (Verdict::Pass, Verdict::Pass));
    }

    #[test]
    fn outside_every_zone_the_office_decides_and_at_an_edge_a_survey() {
        // The west edge of the zone to the east, whether it admits the column; accuracy 5 m.
        let table = [
            (-5.0, true, Verdict::Pass),
            (-5.0, false, Verdict::Block),
            (-4.999, true, Verdict::NeedsSurvey),
            (-4.999, false, Verdict::NeedsSurvey),
            (5.0, true, Verdict::NeedsSurvey),
            (5.001, true, Verdict::Warn),
            (5.001, false, Verdict::Warn),
        ];
        for (west, admits, verdict) in table {
            let mut scene = Scene::default();
            let zone = scene.reference(ReferenceKind::Zone, square(west + 50.0, 0.0, 50.0)).named("V1");
            zone.with(|a| a.height_max_m = Some(if admits { 50.0 } else { 10.0 }));
            let found = judge(check, &mast(), &scene.around());
            assert_eq!(found.verdict, verdict, "{west} {admits}");
            assert_eq!(names(&found), ["V1"], "{west}");
            let zone = (verdict != Verdict::Pass).then(|| Grid(square(west + 50.0, 0.0, 50.0)));
            assert_eq!(found.geometry, zone, "{west}");
        }
        let nothing = Scene::default();
        let found = judge(check, &mast(), &nothing.around());
        assert_eq!(found.message.key, key::ZON_OUTSIDE);
        assert_eq!(found.geometry, Some(circle(nothing.around().place.at, 5.0)), "where the place may be");
        // In no zone that is known, where nobody says that all are.
        let mut around = nothing.around();
        around.coverage.insert(Source::Reference(ReferenceKind::Zone), crate::domain::coverage::Coverage::Undeclared);
        let found = judge(check, &mast(), &around);
        assert_eq!((found.verdict, found.message.key), (Verdict::NotChecked, key::NO_DATA));
        assert_eq!(found.consult, [Consultee::Office]);
    }

    #[test]
    fn of_several_zones_each_has_to_admit_it() {
        // The west edge of a second zone that refuses, in one that admits.
        for (west, verdict) in [(-10.0, Verdict::Block), (3.0, Verdict::NeedsSurvey), (6.0, Verdict::Pass)] {
            let mut scene = Scene::default();
            scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 300.0));
            scene.reference(ReferenceKind::Zone, square(west + 50.0, 0.0, 50.0)).with(|a| a.quota = Some(0));
            assert_eq!(judge(check, &mast(), &scene.around()).verdict, verdict, "{west}");
        }
    }

    #[test]
    fn that_a_zone_wants_columns_shared_is_said_whatever_else_is() {
        let mut scene = Scene::default();
        scene
            .reference(ReferenceKind::Zone, square(0.0, 0.0, 300.0))
            .with(|a| a.column_classes = vec![ColumnClass::A2a]);
        scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 400.0)).with(|a| a.sharing_required = true);
        let of = |scene: &Scene, subject: &Subject| {
            let found = judge(check, subject, &scene.around());
            (found.verdict, found.outcome)
        };
        let shared = (Verdict::Warn, Some(Outcome::SharingRequired));
        let no_class = Subject { column_class: None, ..mast() };
        assert_eq!([of(&scene, &mast()), of(&scene, &no_class)], [shared; 2]);
        scene.reference(ReferenceKind::Monument, point(100.0, 0.0));
        assert_eq!(of(&scene, &no_class), shared);
    }

    #[test]
    fn round_monuments_only_class_a1_stands() {
        use ReferenceKind::{GovernmentFront, Monument, School};
        let (a1, a2) = (Some(ColumnClass::A1b), Some(ColumnClass::A2a));
        // What is to the east, the class, accuracy; 200 m.
        let table = [
            (Monument, 200.001, a2, 0.0, Verdict::Pass),
            (Monument, 200.0, a2, 0.0, Verdict::Block),
            (Monument, 199.999, a2, 0.0, Verdict::Block),
            (GovernmentFront, 195.0, a2, 5.0, Verdict::Block),
            (GovernmentFront, 195.001, a2, 5.0, Verdict::NeedsSurvey),
            (GovernmentFront, 205.0, a2, 5.0, Verdict::NeedsSurvey),
            (GovernmentFront, 205.001, a2, 5.0, Verdict::Pass),
            (GovernmentFront, 10.0, a1, 5.0, Verdict::Pass),
            (GovernmentFront, 10.0, None, 5.0, Verdict::Warn),
            (School, 10.0, a2, 5.0, Verdict::Pass),
        ];
        for (kind, east, column_class, accuracy_m, verdict) in table {
            let mut scene = Scene::default();
            scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 1_000.0));
            scene.reference(kind, point(east, 0.0));
            let found = judge(check, &Subject { column_class, accuracy_m, ..mast() }, &scene.around());
            assert_eq!(found.verdict, verdict, "{kind} {east} {column_class:?} {accuracy_m}");
        }
        // The zone says more, where it refuses and the other can only not tell.
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 1_000.0)).with(|a| a.quota = Some(0));
        scene.reference(Monument, point(200.0, 0.0));
        assert_eq!(judge(check, &mast(), &scene.around()).message.key, key::ZON_QUOTA);
    }
}
