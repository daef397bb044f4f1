//! COR: corridors, and what a falling column reaches.

use std::sync::Arc;

use jiff::civil::Date;

use super::prelude::*;
use crate::domain::conflict::{Rule, Severity};
use crate::domain::rules::Parameter;
use crate::domain::site_check::{Evidence, NearCorridor, half_width_of};

/// What it reads.
pub const READS: &[Source] =
    &[Source::Corridors, Source::Reference(ReferenceKind::Road), Source::Reference(ReferenceKind::PowerLine)];

/// Whether it stands in a corridor, or would fall on one.
///
/// The clearance beside a corridor comes from NĐ 100/2013 (roads) and NĐ 14/2014 art. 11 (power lines) `[law]`, replaced in
/// 2025 `[check]`, where the corridor does not state its own; a corridor in force blocks, an announced one warns. At the
/// clearance itself it is too near, as in the conflict check. A column falls as far as its height times a factor
/// `[default]`: what it reaches of a corridor, a road or a power line is something to look at, and for its owner.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    let factor = rules.get(CheckCode::Cor, SiteKey::FallFactor);
    let mut hits: Vec<Hit<'_>> = around.corridors.iter().filter_map(|near| landed(subject, near)).collect();
    let known = factor.as_ref().ok().copied();
    let fall = known.map(|factor| factor.value * subject.height_agl_m);
    if let Some((fall, rule)) = fall.zip(known) {
        hits.extend(falls(subject, around, fall, rule));
    }
    let most = |of: fn(&Hit<'_>) -> Verdict| hits.iter().map(of).max().unwrap_or(Verdict::Pass);
    let (sure, worst) = (most(|hit| hit.sure), most(|hit| hit.worst));
    let verdict = settled(sure, worst);
    // The first that is as grave as the answer: one in whose land it stands before one that it falls on.
    let head =
        hits.iter().find(|hit| if verdict == Verdict::NeedsSurvey { hit.worst == worst } else { hit.sure == sure });
    let Some(head) = head else {
        return factor.map_or_else(Finding::from, |rule| {
            let (limit, rule) = (fall.map(Quantity::metres), Some(Arc::clone(rule)));
            Finding { limit, rule, ..Finding::new(CheckCode::Cor, Verdict::Pass, Message::new(key::COR_CLEAR)) }
        });
    };
    let key = if verdict == Verdict::NeedsSurvey { key::COR_UNSURE } else { head.key };
    let message = match key {
        key::COR_UNSURE => Message::new(key).text("feature", head.called),
        key::COR_FALLS => {
            let message = Message::new(key).text("feature", head.called).metres("distance", head.distance_m);
            message.metres("fall", head.limit_m)
        }
        _ => Message::new(key).text("corridor", head.called).metres("clearance", head.limit_m),
    };
    let mut finding = Finding::new(CheckCode::Cor, verdict, message);
    finding.measured = Some(Quantity::metres(head.distance_m));
    finding.limit = Some(Quantity::metres(head.limit_m));
    finding.rule = head.rule.map(Arc::clone);
    finding.consult.push(Consultee::CorridorOwner);
    finding.geometry = Some(circle(around.place.at, fall.unwrap_or(head.limit_m)));
    for hit in &hits {
        if finding.evidence.iter().all(|known| known.id != hit.evidence.id) {
            finding.evidence.push(hit.evidence.clone());
        }
    }
    finding.evidence.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
    finding
}

/// Something in the way.
struct Hit<'a> {
    sure: Verdict,
    worst: Verdict,
    key: &'static str,
    called: &'a str,
    distance_m: f64,
    limit_m: f64,
    rule: Option<&'a Arc<Parameter>>,
    evidence: Evidence,
}

/// What is so for sure, where `verdict` follows from it.
fn for_sure(is: Sure, verdict: Verdict) -> Verdict {
    if is == Sure::Yes { verdict } else { Verdict::Pass }
}

/// It stands in the land of a corridor, or in what must stay free beside it.
fn landed<'a>(subject: &Subject, corridor: &'a NearCorridor<'_>) -> Option<Hit<'a>> {
    let near = &corridor.near;
    let limit_m = corridor.clearance.get();
    let is = Sure::within(near.signed_m(), limit_m, subject.accuracy_m + near.accuracy_m);
    let (worst, key) = match corridor.severity {
        Severity::Blocks => (Verdict::Block, key::COR_BLOCKED),
        Severity::Warns => (Verdict::Warn, key::COR_ANNOUNCED),
    };
    let rule = match &corridor.rule {
        Rule::Parameter(rule) => Some(rule),
        Rule::Word(_) => None,
    };
    (is != Sure::No).then(|| Hit {
        sure: for_sure(is, worst),
        worst,
        key,
        called: near.called(),
        distance_m: near.distance_m,
        limit_m,
        rule,
        evidence: near.evidence(),
    })
}

/// What it reaches where it falls as far as `fall` metres.
fn falls<'a>(
    subject: &'a Subject,
    around: &'a Surroundings<'_>,
    fall: f64,
    rule: &'a Arc<Parameter>,
) -> impl Iterator<Item = Hit<'a>> {
    let hit = move |distance_m: f64, accuracy: f64, called: &'a str, evidence: Evidence| {
        let is = Sure::within(distance_m, fall, accuracy);
        let (sure, worst) = (for_sure(is, Verdict::Warn), Verdict::Warn);
        let key = key::COR_FALLS;
        (is != Sure::No).then_some(Hit {
            sure,
            worst,
            key,
            called,
            distance_m,
            limit_m: fall,
            rule: Some(rule),
            evidence,
        })
    };
    let corridors = around.corridors.iter().map(|corridor| &corridor.near).filter_map(move |near| {
        hit(near.distance_m, subject.accuracy_m + near.accuracy_m, near.called(), near.evidence())
    });
    let drawn = around.references.iter().filter(|near| is_drawn(near.told.kind)).filter_map(move |near| {
        // The edge of what is drawn as a line is half its width nearer.
        let edge = (near.distance_m - half_width_of(near.told.kind, near.attributes())).max(0.0);
        hit(edge, subject.accuracy_m + near.accuracy_m, near.called(), near.evidence())
    });
    corridors.chain(drawn)
}

fn is_drawn(kind: ReferenceKind) -> bool {
    matches!(kind, ReferenceKind::Road | ReferenceKind::PowerLine)
}

/// How far round a column corridors, roads and lines matter, in metres.
#[must_use]
pub fn reach(subject: &Subject, rules: &Parameters<'_>) -> f64 {
    subject.height_agl_m * rules.most(SiteKey::FallFactor)
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;

    #[test]
    fn in_a_corridor_or_its_clearance() {
        use Severity::{Blocks, Warns};
        // The west edge of a corridor with a clearance of 17 m, accuracy; the mast has a height of 5 m.
        let table = [
            (Blocks, -10.0, 5.0, Verdict::Block),
            (Blocks, 12.0, 5.0, Verdict::Block),
            (Blocks, 12.001, 5.0, Verdict::NeedsSurvey),
            (Blocks, 16.999, 0.0, Verdict::Block),
            (Blocks, 17.0, 0.0, Verdict::Block),
            (Blocks, 17.001, 0.0, Verdict::Pass),
            (Blocks, 22.0, 5.0, Verdict::NeedsSurvey),
            (Blocks, 22.001, 5.0, Verdict::Pass),
            (Warns, -10.0, 5.0, Verdict::Warn),
            (Warns, 17.0, 0.0, Verdict::Warn),
            (Warns, 17.001, 0.0, Verdict::Pass),
            (Warns, 12.001, 5.0, Verdict::NeedsSurvey),
        ];
        for (severity, west, accuracy_m, verdict) in table {
            let mut scene = Scene::default();
            scene.corridor(severity, 17.0, square(west + 50.0, 0.0, 50.0));
            let low = Subject { accuracy_m, height_agl_m: 5.0, ..mast() };
            let found = judge(check, &low, &scene.around());
            assert_eq!(found.verdict, verdict, "{severity} {west} {accuracy_m}");
            let asked = verdict != Verdict::Pass;
            assert_eq!(found.consult == [Consultee::CorridorOwner], asked, "{west}");
            assert_eq!(found.evidence.len(), usize::from(asked), "{west}");
        }
    }

    #[test]
    fn what_it_falls_on_is_told() {
        use ReferenceKind::{Building, PowerLine, Road};
        // A line to the east, its half-width, accuracy; the mast has a height of 30 m.
        let table = [
            (Road, 30.0, None, 0.0, Verdict::Warn),
            (Road, 29.999, None, 0.0, Verdict::Warn),
            (Road, 30.001, None, 0.0, Verdict::Pass),
            (PowerLine, 34.0, Some(4.0), 0.0, Verdict::Warn),
            (PowerLine, 34.001, Some(4.0), 0.0, Verdict::Pass),
            (PowerLine, 3.0, Some(4.0), 0.0, Verdict::Warn),
            (Road, 25.001, None, 5.0, Verdict::NeedsSurvey),
            (Road, 35.0, None, 5.0, Verdict::NeedsSurvey),
            (Road, 35.001, None, 5.0, Verdict::Pass),
            (Building, 1.0, None, 5.0, Verdict::Pass),
        ];
        for (kind, east, half_width, accuracy_m, verdict) in table {
            let mut scene = Scene::default();
            scene.reference(kind, line(&[(east, -100.0), (east, 100.0)])).with(|a| a.half_width_m = half_width);
            let found = judge(check, &Subject { accuracy_m, ..mast() }, &scene.around());
            assert_eq!(found.verdict, verdict, "{kind} {east} {half_width:?} {accuracy_m}");
            assert_eq!(found.limit, Some(Quantity::metres(30.0)), "{kind} {east}");
        }
        // On a corridor, beyond its clearance.
        let mut scene = Scene::default();
        scene.corridor(Severity::Blocks, 10.0, square(71.0, 0.0, 50.0));
        assert_eq!(judge(check, &mast(), &scene.around()).message.key, key::COR_FALLS);
    }

    #[test]
    fn the_gravest_is_told_and_each_thing_once() {
        let mut scene = Scene::default();
        scene.corridor(Severity::Warns, 10.0, square(0.0, 0.0, 50.0));
        scene.corridor(Severity::Blocks, 10.0, square(62.0, 0.0, 50.0));
        let sure = Subject { accuracy_m: 0.0, ..mast() };
        let found = judge(check, &sure, &scene.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::Warn, key::COR_ANNOUNCED));
        assert_eq!(
            found.message.arguments,
            [("corridor", Argument::Text("F1".into())), ("clearance", Argument::Number(10.0, 2))]
        );
        assert_eq!(names(&found), ["F1", "F2"]);
        // The second may reach here: then it would be refused.
        let found = judge(check, &mast(), &scene.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::NeedsSurvey, key::COR_UNSURE));
        assert_eq!(found.message.arguments[0], ("feature", Argument::Text("F2".into())));
        scene.corridor(Severity::Blocks, 10.0, square(0.0, 0.0, 60.0));
        assert_eq!(judge(check, &mast(), &scene.around()).verdict, Verdict::Block);
    }

    #[test]
    fn without_a_factor_a_corridor_still_blocks() {
        let mut scene = Scene::default();
        let without = |scene: &Scene| check(&mast(), &scene.around(), &Parameters::on(&empty_pack(), DAY), DAY);
        assert_eq!(without(&scene).message.key, key::NO_RULE);
        scene.corridor(Severity::Blocks, 10.0, square(0.0, 0.0, 50.0));
        assert_eq!(without(&scene).verdict, Verdict::Block);
    }
}
