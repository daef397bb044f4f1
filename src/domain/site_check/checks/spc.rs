//! SPC: spacing to other columns, and who could share.

use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use super::prelude::*;
use crate::domain::conflict::Facts;
use crate::domain::layer::Layer;
use crate::domain::rules::{Parameter, SiteRules};
use crate::domain::site_check::{Evidence, Near};

/// What it reads.
pub const READS: &[Source] = &[
    Source::Works,
    Source::Reference(ReferenceKind::SiteRequest),
    Source::Reference(ReferenceKind::UrbanArea),
    Source::Reference(ReferenceKind::Zone),
];

/// Whether another column stands, is permitted, planned or asked for nearer than the spacing.
///
/// The spacing is 100 m in urban areas and 500 m elsewhere `[law: one province]` (the article of its decision is not known here),
/// unless a zone that holds the place states
/// its own; of several the widest. Whose column it is does not matter. At the spacing itself there is room. Too near is no
/// refusal: one of the columns is to be shared (Luật Viễn thông 41/2009/QH12 art. 45 `[check]`), and those that have places left
/// are named. Where the accuracy of the place
/// and of the column, or the edge of an urban area or a zone, leaves open whether there is room, a survey has to tell.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    match is_for_column(CheckCode::Spc, subject, rules) {
        Ok(true) => {}
        Ok(false) => return Finding::new(CheckCode::Spc, Verdict::NotApplicable, Message::new(key::NO_COLUMN)),
        Err(missing) => return missing.into(),
    }
    judged(subject, around, rules).unwrap_or_else(Finding::from)
}

/// A spacing, and the parameter or the zone that asks for it.
struct Spacing<'a> {
    metres: f64,
    rule: Option<&'a Arc<Parameter>>,
    zone: Option<&'a NearReference<'a>>,
}

fn judged(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Result<Finding, Missing> {
    let (spacings, rests_on) = spacings(subject, around, rules)?;
    let least = spacings.iter().map(|s| s.metres).fold(f64::INFINITY, f64::min);
    let Some(widest) = spacings.iter().max_by(|a, b| a.metres.total_cmp(&b.metres)) else {
        return Ok(Finding::new(CheckCode::Spc, Verdict::NotApplicable, Message::new(key::NO_COLUMN)));
    };
    let columns = columns(around);
    let near =
        |limit: f64| columns.iter().map(move |c| Sure::below(c.distance_m, limit, subject.accuracy_m + c.accuracy_m));
    let too_near = |is: bool| if is { Verdict::Warn } else { Verdict::Pass };
    let sure = too_near(near(least).any(|is| is == Sure::Yes));
    let worst = too_near(near(widest.metres).any(|is| is != Sure::No));
    let verdict = settled(sure, worst);
    let found: Vec<Evidence> =
        near(widest.metres).zip(&columns).filter(|(is, _)| *is != Sure::No).map(|(_, c)| c.evidence()).collect();
    let first = found.first();
    // Beyond this nobody looked.
    let looked = reach(rules.ever());
    let unseen = verdict == Verdict::Pass && widest.metres > looked;
    let message = match verdict {
        _ if unseen => Message::new(key::SPC_TOO_FAR)
            .text("zone", widest.zone.map_or("", |zone| zone.called()))
            .metres("looked", looked),
        Verdict::Pass => Message::new(key::SPC_FREE),
        Verdict::Warn => {
            let with_capacity = found.iter().filter(|e| e.spare_capacity.is_some_and(|places| places > 0));
            let with_capacity: Vec<&str> = with_capacity.map(|e| e.code.as_str()).collect();
            let count = f64::from(u32::try_from(found.len()).unwrap_or(u32::MAX));
            let message = |key| Message::new(key).with("count", Argument::Number(count, 0));
            if with_capacity.is_empty() {
                message(key::SPC_SHARE_FULL)
            } else {
                message(key::SPC_SHARE).words("with_capacity", with_capacity)
            }
        }
        _ => Message::new(key::SPC_UNSURE).text("feature", first.map_or("", |e| e.code.as_str())),
    };
    let verdict = if unseen { Verdict::NotChecked } else { verdict };
    let mut finding = Finding::new(CheckCode::Spc, verdict, message.metres("limit", widest.metres));
    finding.measured = first.map(|e| Quantity::metres(e.distance_m));
    finding.limit = Some(Quantity::metres(widest.metres));
    finding.rule = widest.rule.map(Arc::clone);
    finding.decided = widest.zone.and_then(Decided::of);
    if verdict == Verdict::Warn {
        finding.outcome = Some(Outcome::SharingRequired);
    }
    if first.is_some() {
        finding.consult.push(Consultee::Carrier);
        finding.geometry = Some(circle(around.place.at, widest.metres));
    }
    finding.evidence = found;
    finding.rests_on = rests_on;
    Ok(finding)
}

/// The spacings that may hold at the place: more than one where the accuracy leaves open in which area it lies; and the zones
/// and urban areas that say so.
fn spacings<'a>(
    subject: &Subject,
    around: &'a Surroundings<'_>,
    rules: &'a Parameters<'_>,
) -> Result<(Vec<Spacing<'a>>, Vec<Uuid>), Missing> {
    let (mut may, mut widest, mut decided) = (Vec::new(), None::<Spacing<'a>>, false);
    let mut rests_on = Vec::new();
    for zone in around.of(ReferenceKind::Zone) {
        let Some(metres) = zone.attributes().spacing_m else { continue };
        let spacing = Spacing { metres, rule: None, zone: Some(zone) };
        let holds = Sure::within(zone.signed_m(), 0.0, subject.accuracy_m + zone.accuracy_m);
        rests_on.extend((holds != Sure::No).then_some(zone.facts.id));
        match holds {
            Sure::No => {}
            Sure::Maybe => may.push(spacing),
            Sure::Yes => {
                decided = true;
                if widest.as_ref().is_none_or(|widest| widest.metres < metres) {
                    widest = Some(spacing);
                }
            }
        }
    }
    if !decided {
        let (urban, areas) = reached(around.of(ReferenceKind::UrbanArea), 0.0, subject.accuracy_m);
        rests_on.extend(ids(areas));
        let of = |key| {
            let rule = rules.get(CheckCode::Spc, key)?;
            Ok(Spacing { metres: rule.value, rule: Some(rule), zone: None })
        };
        if urban != Sure::No {
            may.push(of(SiteKey::SpacingUrban)?);
        }
        if urban != Sure::Yes {
            may.push(of(SiteKey::SpacingElsewhere)?);
        }
    }
    // A zone that may hold the place beside one that does can only ask for more.
    let least = widest.as_ref().map_or(0.0, |widest| widest.metres);
    may.retain(|spacing| spacing.metres > least || !decided);
    may.extend(widest);
    Ok((may, rests_on))
}

/// Something to keep the spacing from.
struct Column<'a> {
    layer: Layer,
    facts: &'a Facts,
    distance_m: f64,
    accuracy_m: f64,
    spare_capacity: Option<u32>,
}

impl<'a> Column<'a> {
    fn of<F>(near: &Near<'a, F>, spare_capacity: Option<u32>) -> Self {
        let Near { layer, facts, distance_m, accuracy_m, .. } = *near;
        Self { layer, facts, distance_m, accuracy_m, spare_capacity }
    }

    fn evidence(&self) -> Evidence {
        Evidence { spare_capacity: self.spare_capacity, ..Evidence::of(self.layer, self.facts, self.distance_m) }
    }
}

/// All columns, the nearest first.
fn columns<'a>(around: &Surroundings<'a>) -> Vec<Column<'a>> {
    let works = around.works.iter().filter(|work| is_column(work.told.kind, work.told.column_class));
    let works =
        works.map(|work| Column::of(work, work.told.spare_capacity.and_then(|places| u32::try_from(places).ok())));
    let requests = around.of(ReferenceKind::SiteRequest).map(|near| Column::of(near, None));
    let mut all: Vec<Column<'a>> = works.chain(requests).collect();
    all.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
    all
}

/// How far round a column spacing looks, on any day, in metres; a zone that asks for more is told as such.
#[must_use]
pub fn reach(ever: &SiteRules) -> f64 {
    ever.most(SiteKey::SpacingUrban).max(ever.most(SiteKey::SpacingElsewhere))
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;
    use crate::domain::work::{WorkFacts, WorkKind, WorkStatus};

    fn with_column(east: f64, accuracy: f64, urban: bool) -> Scene {
        let mut scene = Scene::default();
        scene.work(column(), point(east, 0.0)).accurate(accuracy);
        if urban {
            scene.reference(ReferenceKind::UrbanArea, square(0.0, 0.0, 5_000.0));
        }
        scene
    }

    #[test]
    fn at_the_spacing_there_is_room() {
        // Where the column is, how accurate both are, in an urban area.
        let table = [
            (500.0, 0.0, 0.0, false, Verdict::Pass),
            (499.999, 0.0, 0.0, false, Verdict::Warn),
            (500.001, 0.0, 0.0, false, Verdict::Pass),
            (100.0, 0.0, 0.0, true, Verdict::Pass),
            (99.999, 0.0, 0.0, true, Verdict::Warn),
            (484.999, 5.0, 10.0, false, Verdict::Warn),
            (485.0, 5.0, 10.0, false, Verdict::NeedsSurvey),
            (514.999, 5.0, 10.0, false, Verdict::NeedsSurvey),
            (515.0, 5.0, 10.0, false, Verdict::Pass),
        ];
        for (east, accuracy_m, accuracy, urban, verdict) in table {
            let scene = with_column(east, accuracy, urban);
            let found = judge(check, &Subject { accuracy_m, ..mast() }, &scene.around());
            assert_eq!(found.verdict, verdict, "{east} {accuracy_m} {accuracy} {urban}");
            let sharing = (verdict == Verdict::Warn).then_some(Outcome::SharingRequired);
            assert_eq!(found.outcome, sharing, "{east}");
            assert_eq!(found.consult == [Consultee::Carrier], verdict != Verdict::Pass, "{east}");
        }
    }

    #[test]
    fn candidates_are_told_the_nearest_first_and_those_with_places_are_named() {
        let mut scene = Scene::default();
        scene.work(WorkFacts { spare_capacity: Some(0), ..column() }, point(50.0, 0.0)).of("VT");
        scene.work(WorkFacts { spare_capacity: Some(2), status: WorkStatus::Planned, ..column() }, point(300.0, 0.0));
        scene.work(WorkFacts { spare_capacity: Some(1), kind: WorkKind::RooftopMast, ..column() }, point(200.0, 0.0));
        scene.work(WorkFacts { kind: WorkKind::Manhole, column_class: None, ..column() }, point(1.0, 0.0));
        scene.reference(ReferenceKind::SiteRequest, point(100.0, 0.0));
        scene.work(column(), point(900.0, 0.0));
        let found = judge(check, &mast(), &scene.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::Warn, key::SPC_SHARE));
        assert_eq!(names(&found), ["F1", "F5", "F3", "F2"]);
        let places: Vec<_> = found.evidence.iter().map(|e| e.spare_capacity).collect();
        assert_eq!(places, [Some(0), None, Some(1), Some(2)]);
        let (count, named) = (Argument::Number(4.0, 0), Argument::Words(vec!["F3".into(), "F2".into()]));
        assert_eq!(found.message.arguments[..2], [("count", count), ("with_capacity", named)]);
        assert_eq!((found.measured, found.limit), (Some(Quantity::metres(50.0)), Some(Quantity::metres(500.0))));
        let full = judge(check, &mast(), &with_column(50.0, 0.0, false).around());
        assert_eq!((full.verdict, full.message.key), (Verdict::Warn, key::SPC_SHARE_FULL));
        let duct = Subject { kind: WorkKind::Duct, column_class: None, height_agl_m: 2.0, ..mast() };
        assert_eq!(judge(check, &duct, &scene.around()).verdict, Verdict::NotApplicable);
        let high = Subject { kind: WorkKind::Pole, height_agl_m: 15.0, ..duct };
        assert_eq!(judge(check, &high, &scene.around()).verdict, Verdict::Warn);
    }

    #[test]
    fn a_zone_states_its_own_and_edges_leave_it_open() {
        // The spacing of a zone, its west edge, a column to the west; accuracy 5 m.
        let table = [
            (Some(50.0), -100.0, 80.0, Verdict::Pass),
            (Some(50.0), -100.0, 40.0, Verdict::Warn),
            (Some(400.0), -100.0, 380.0, Verdict::Warn),
            (None, -100.0, 380.0, Verdict::Warn),
            (None, -100.0, 600.0, Verdict::Pass),
            // The place may lie in it: then 80 m are enough.
            (Some(50.0), 3.0, 80.0, Verdict::NeedsSurvey),
            (Some(50.0), 3.0, 40.0, Verdict::Warn),
            (Some(50.0), 3.0, 600.0, Verdict::Pass),
            (Some(50.0), 6.0, 80.0, Verdict::Warn),
        ];
        for (spacing, west, column, verdict) in table {
            let mut scene = with_column(-column, 0.0, false);
            scene.reference(ReferenceKind::Zone, square(west + 500.0, 0.0, 500.0)).with(|a| a.spacing_m = spacing);
            assert_eq!(judge(check, &mast(), &scene.around()).verdict, verdict, "{spacing:?} {west} {column}");
        }
        for (edge, column, verdict) in [
            (3.0, 300.0, Verdict::NeedsSurvey),
            (3.0, 50.0, Verdict::Warn),
            (6.0, 300.0, Verdict::Warn),
            (-6.0, 300.0, Verdict::Pass),
        ] {
            let mut scene = with_column(-column, 0.0, false);
            scene.reference(ReferenceKind::UrbanArea, square(edge + 500.0, 0.0, 500.0));
            assert_eq!(judge(check, &mast(), &scene.around()).verdict, verdict, "{edge} {column}");
        }
    }

    #[test]
    fn the_widest_of_several_zones_holds_and_beyond_what_was_looked_at_is_no_pass() {
        let with = |spacings: &[f64]| {
            let mut scene = with_column(200.0, 0.0, false);
            for metres in spacings {
                scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 50.0)).with(|a| a.spacing_m = Some(*metres));
            }
            let found = judge(check, &mast(), &scene.around());
            (found.verdict, found.limit.map(|limit| limit.value))
        };
        assert_eq!(with(&[100.0, 50.0]), (Verdict::Pass, Some(100.0)));
        assert_eq!(with(&[100.0, 250.0]), (Verdict::Warn, Some(250.0)));
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Zone, square(0.0, 0.0, 50.0)).with(|a| a.spacing_m = Some(501.0));
        let found = judge(check, &mast(), &scene.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::NotChecked, key::SPC_TOO_FAR));
    }
}
