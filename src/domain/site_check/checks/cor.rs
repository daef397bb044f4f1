//! COR: corridors, roads and power lines, and what a falling column reaches.

use std::sync::Arc;

use jiff::civil::Date;

use super::prelude::*;
use crate::domain::conflict::{Facts, Rule, RuleKey, Severity};
use crate::domain::layer::Layer;
use crate::domain::rules::Parameter;
use crate::domain::site_check::{Evidence, Near, NearCorridor, NearLine, reach_round};
use crate::domain::word::Word;

/// What it reads.
pub const READS: &[Source] =
    &[Source::Corridors, Source::Reference(ReferenceKind::Road), Source::Reference(ReferenceKind::PowerLine)];

/// Whether it stands in a corridor, beside a road or a power line, or would fall on one.
///
/// The clearance beside a corridor comes from NĐ 100/2013 (roads; the article was not read) and NĐ 14/2014 art. 11 (power lines)
/// `[law]`, replaced in 2025 `[check]`, where the corridor does not state its own; a corridor in force blocks, an announced one warns. At the
/// clearance itself it is too near, as in the conflict check. Where nobody says what must stay free, nobody can tell whether
/// anything does: not checked.
///
/// A road or a power line that stands has the same clearance by its class or voltage, from its outer edge: nothing is built
/// in it `[law]`, so it blocks, whether somebody registered a corridor there or not. Where the class or the voltage is not
/// known, or the width of what is drawn as a line, and that decides, a survey has to tell: such a line may be as wide as the
/// rule pack says `[default]`.
///
/// A column falls as far as its height times a factor `[default]`: what it reaches of a corridor, a road or a power line is
/// something to look at, and for its owner.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    let factor = rules.get(CheckCode::Cor, SiteKey::FallFactor);
    let mut hits = in_the_way(subject, around, rules);
    let known = factor.as_ref().ok().copied();
    let fall = known.map(|factor| factor.value * subject.height_agl_m);
    if let Some((fall, rule)) = fall.zip(known) {
        hits.extend(falls(subject, around, fall, rule));
    }
    answer(&hits, around, fall).unwrap_or_else(|| {
        factor.map_or_else(Finding::from, |rule| {
            let (limit, rule) = (fall.map(Quantity::metres), Some(Arc::clone(rule)));
            Finding { limit, rule, ..Finding::new(CheckCode::Cor, Verdict::Pass, Message::new(key::COR_CLEAR)) }
        })
    })
}

/// The same of an area in which columns are to be admitted: what it meets, whatever falls where.
pub(super) fn of_area(column: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Finding {
    let clear = || Finding::new(CheckCode::Cor, Verdict::Pass, Message::new(key::COR_CLEAR_AREA));
    answer(&in_the_way(column, around, rules), around, None).unwrap_or_else(clear)
}

/// What lies in the land of something, or in what must stay free beside it.
fn in_the_way<'a>(subject: &Subject, around: &'a Surroundings<'_>, rules: &Parameters<'_>) -> Vec<Hit<'a>> {
    // How far all is looked for is far enough for what nobody knows.
    let looked = reach_round(subject, rules);
    let mut hits: Vec<Hit<'_>> = around.corridors.iter().filter_map(|near| landed(subject, near)).collect();
    hits.extend(around.lines.iter().filter_map(|line| beside(subject, line)));
    let corridors = around.corridors.iter().map(|corridor| (&corridor.rule, Thing::of(&corridor.near)));
    let lines = around.lines.iter().map(|line| (&line.rule, Thing::of(&line.near)));
    hits.extend(corridors.chain(lines).filter_map(|(rule, thing)| unknown(rule, thing, looked)));
    hits
}

/// The answer, by the gravest; none where nothing is in the way.
fn answer(hits: &[Hit<'_>], around: &Surroundings<'_>, fall: Option<f64>) -> Option<Finding> {
    let most = |of: fn(&Hit<'_>) -> Verdict| hits.iter().map(of).max().unwrap_or(Verdict::Pass);
    let (sure, worst) = (most(|hit| hit.sure), most(|hit| hit.worst));
    let verdict = settled(sure, worst);
    // The first that is as grave as the answer: one in whose land it stands before one that it falls on. Of those that a survey
    // has to tell of one of which a rule would say how wide it is, and has expired.
    let unsure = verdict == Verdict::NeedsSurvey;
    let expired = hits.iter().find(|hit| unsure && hit.worst == worst && hit.expired().is_some());
    let as_grave = |hit: &&Hit<'_>| if unsure { hit.worst == worst } else { hit.sure == sure };
    let head = expired.or_else(|| hits.iter().find(as_grave))?;
    let expired = expired.and_then(Hit::expired);
    let key = match expired {
        Some(_) => key::COR_WIDTH_NOT_IN_FORCE,
        None if unsure => key::COR_UNSURE,
        None => head.key,
    };
    let feature = |name| Message::new(key).text(name, head.thing.called);
    let limit = |message: Message, name| head.limit_m.into_iter().fold(message, |m, limit| m.metres(name, limit));
    let message = match key {
        key::COR_UNSURE => feature("feature"),
        key::COR_WIDTH_NOT_IN_FORCE => {
            expired.into_iter().fold(feature("feature"), |m, key| m.text("key", key.as_str()))
        }
        key::COR_CLEARANCE_UNKNOWN => feature("feature").metres("distance", head.distance_m),
        key::COR_FALLS => limit(feature("feature").metres("distance", head.distance_m), "fall"),
        key::COR_BESIDE => limit(feature("feature"), "clearance"),
        _ => limit(feature("corridor"), "clearance"),
    };
    let mut finding = Finding::new(CheckCode::Cor, verdict, message);
    finding.measured = Some(Quantity::metres(head.distance_m));
    finding.limit = head.limit_m.map(Quantity::metres);
    finding.rule = head.rule.map(Arc::clone);
    finding.consult.push(Consultee::CorridorOwner);
    finding.geometry = fall.or(head.limit_m).map(|radius| circle(around.place.at, radius));
    for hit in hits {
        if finding.evidence.iter().all(|known| known.id != hit.thing.facts.id) {
            finding.evidence.push(Evidence::of(hit.thing.layer, hit.thing.facts, hit.thing.distance_m));
        }
    }
    finding.evidence.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
    Some(finding)
}

/// Something beside which it would stand.
struct Thing<'a> {
    called: &'a str,
    layer: Layer,
    facts: &'a Facts,
    is_met: bool,
    distance_m: f64,
}

impl<'a> Thing<'a> {
    fn of<F>(near: &'a Near<'_, F>) -> Self {
        let Near { layer, facts, distance_m, .. } = *near;
        Self { called: near.called(), layer, facts, is_met: near.holds_place(), distance_m }
    }
}

/// Something in the way.
struct Hit<'a> {
    sure: Verdict,
    worst: Verdict,
    key: &'static str,
    thing: Thing<'a>,
    distance_m: f64,
    limit_m: Option<f64>,
    rule: Option<&'a Arc<Parameter>>,
    /// The rule of how wide it is at most, where that is not in force.
    no_width: Option<Missing>,
}

impl Hit<'_> {
    /// The rule by which it would be surer, of other days.
    fn expired(&self) -> Option<SiteKey> {
        let missing = self.no_width.filter(|missing| missing.is_of_other_days && self.sure < self.worst)?;
        Some(missing.key)
    }
}

/// What is so for sure, where `verdict` follows from it.
fn for_sure(is: Sure, verdict: Verdict) -> Verdict {
    if is == Sure::Yes { verdict } else { Verdict::Pass }
}

fn parameter(rule: &Rule) -> Option<&Arc<Parameter>> {
    match rule {
        Rule::Parameter(rule) => Some(rule),
        Rule::Word(_) => None,
    }
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
    (is != Sure::No).then(|| Hit {
        sure: for_sure(is, worst),
        worst,
        key,
        thing: Thing::of(near),
        distance_m: near.distance_m,
        limit_m: Some(limit_m),
        rule: parameter(&corridor.rule),
        no_width: None,
    })
}

/// It stands on a road or under a power line, or in what must stay free beside it.
fn beside<'a>(subject: &Subject, line: &'a NearLine<'_>) -> Option<Hit<'a>> {
    let near = &line.near;
    let (accuracy, clearance) = (subject.accuracy_m + near.accuracy_m, line.clearance.get());
    let [narrow, wide] = line.to_edge_m;
    // Of a class that nobody stated the clearance may be less.
    let certain = if line.is_of_its_class { clearance } else { 0.0 };
    let sure = Sure::within(near.signed_m() - narrow, certain, accuracy);
    let may_be = Sure::within(near.signed_m() - wide, clearance, accuracy);
    (may_be != Sure::No).then(|| Hit {
        sure: for_sure(sure, Verdict::Block),
        worst: Verdict::Block,
        key: key::COR_BESIDE,
        thing: Thing::of(near),
        distance_m: (near.distance_m - narrow).max(0.0),
        limit_m: Some(clearance),
        rule: parameter(&line.rule),
        no_width: line.no_width,
    })
}

/// Nobody says what must stay free beside it, and it is not far.
fn unknown<'a>(rule: &Rule, thing: Thing<'a>, looked: f64) -> Option<Hit<'a>> {
    let is = *rule == Rule::Word(RuleKey::None) && !thing.is_met && thing.distance_m <= looked;
    is.then_some(Hit {
        sure: Verdict::NotChecked,
        worst: Verdict::NotChecked,
        key: key::COR_CLEARANCE_UNKNOWN,
        distance_m: thing.distance_m,
        thing,
        limit_m: None,
        rule: None,
        no_width: None,
    })
}

/// What it reaches where it falls as far as `fall` metres.
fn falls<'a>(
    subject: &'a Subject,
    around: &'a Surroundings<'_>,
    fall: f64,
    rule: &'a Arc<Parameter>,
) -> impl Iterator<Item = Hit<'a>> {
    // The edge of what is drawn as a line is half its width nearer.
    let hit = move |thing: Thing<'a>, accuracy: f64, [narrow, wide]: [f64; 2], no_width: Option<Missing>| {
        let edge = |half: f64| (thing.distance_m - half).max(0.0);
        let is = |half: f64| Sure::within(edge(half), fall, accuracy);
        let (sure, worst) = (for_sure(is(narrow), Verdict::Warn), Verdict::Warn);
        let (is_reached, distance_m) = (is(wide) != Sure::No, edge(narrow));
        let (key, limit_m) = (key::COR_FALLS, Some(fall));
        is_reached.then_some(Hit { sure, worst, key, thing, distance_m, limit_m, rule: Some(rule), no_width })
    };
    let corridors = around.corridors.iter().map(|corridor| &corridor.near);
    let corridors =
        corridors.filter_map(move |near| hit(Thing::of(near), subject.accuracy_m + near.accuracy_m, [0.0; 2], None));
    let lines = around.lines.iter().filter_map(move |line| {
        hit(Thing::of(&line.near), subject.accuracy_m + line.near.accuracy_m, line.to_edge_m, line.no_width)
    });
    corridors.chain(lines)
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
    use crate::domain::rules::SiteRules;

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
            (Road, 30.0, Some(0.0), 0.0, Verdict::Warn),
            (Road, 29.999, Some(0.0), 0.0, Verdict::Warn),
            (Road, 30.001, Some(0.0), 0.0, Verdict::Pass),
            (PowerLine, 34.0, Some(4.0), 0.0, Verdict::Warn),
            (PowerLine, 34.001, Some(4.0), 0.0, Verdict::Pass),
            (Road, 25.001, Some(0.0), 5.0, Verdict::NeedsSurvey),
            (Road, 35.0, Some(0.0), 5.0, Verdict::NeedsSurvey),
            (Road, 35.001, Some(0.0), 5.0, Verdict::Pass),
            // Nobody knows how wide: a road up to 20 m to each side, a line up to 15 m.
            (Road, 30.0, None, 0.0, Verdict::Warn),
            (Road, 30.001, None, 0.0, Verdict::NeedsSurvey),
            (Road, 50.0, None, 0.0, Verdict::NeedsSurvey),
            (Road, 50.001, None, 0.0, Verdict::Pass),
            (PowerLine, 45.001, None, 0.0, Verdict::Pass),
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
    fn beside_a_road_and_under_a_line_nothing_is_built() {
        use ReferenceKind::{PowerLine, Road};
        // A line to the east, half its width, accuracy, whether its class is known; 17 m stay free. The mast has a height of 5 m.
        let table = [
            (Road, 23.0, Some(6.0), 0.0, true, Verdict::Block),
            (Road, 23.001, Some(6.0), 0.0, true, Verdict::Pass),
            (Road, 18.0, Some(6.0), 5.0, true, Verdict::Block),
            (Road, 18.001, Some(6.0), 5.0, true, Verdict::NeedsSurvey),
            (Road, 28.0, Some(6.0), 5.0, true, Verdict::NeedsSurvey),
            (Road, 28.001, Some(6.0), 5.0, true, Verdict::Pass),
            (PowerLine, 17.0, Some(0.0), 0.0, true, Verdict::Block),
            // Of no known class less may be enough, but on it itself nothing is.
            (Road, 23.0, Some(6.0), 0.0, false, Verdict::NeedsSurvey),
            (Road, 6.001, Some(6.0), 0.0, false, Verdict::NeedsSurvey),
            (Road, 6.0, Some(6.0), 0.0, false, Verdict::Block),
            // Nobody knows how wide it is.
            (Road, 17.0, None, 0.0, true, Verdict::Block),
            (Road, 17.001, None, 0.0, true, Verdict::NeedsSurvey),
            (Road, 37.0, None, 0.0, true, Verdict::NeedsSurvey),
            (Road, 37.001, None, 0.0, true, Verdict::Pass),
            (PowerLine, 32.0, None, 0.0, true, Verdict::NeedsSurvey),
            (PowerLine, 32.001, None, 0.0, true, Verdict::Pass),
        ];
        for (kind, east, half_width, accuracy_m, known, verdict) in table {
            let mut scene = Scene::default();
            let line = scene.reference(kind, line(&[(east, -100.0), (east, 100.0)]));
            line.with(|a| a.half_width_m = half_width).keeps(17.0, known);
            let found = judge(check, &Subject { accuracy_m, height_agl_m: 5.0, ..mast() }, &scene.around());
            assert_eq!(found.verdict, verdict, "{kind} {east} {half_width:?} {accuracy_m} {known}");
            if verdict == Verdict::Block {
                assert_eq!((found.message.key, found.limit), (key::COR_BESIDE, Some(Quantity::metres(17.0))));
                assert_eq!(found.consult, [Consultee::CorridorOwner]);
            }
        }
        // What is drawn as an area has its edges where they are drawn.
        for (west, verdict) in [(17.0, Verdict::Block), (17.001, Verdict::Pass), (-1.0, Verdict::Block)] {
            let mut scene = Scene::default();
            scene.reference(Road, square(west + 50.0, 0.0, 50.0)).keeps(17.0, true);
            let low = Subject { accuracy_m: 0.0, height_agl_m: 5.0, ..mast() };
            assert_eq!(judge(check, &low, &scene.around()).verdict, verdict, "{west}");
        }
    }

    #[test]
    fn of_a_line_of_which_no_rule_says_how_wide_it_is_a_survey_has_to_tell_and_one_that_expired_is_named() {
        use ReferenceKind::{PowerLine, Road};
        let keys = [(Road, SiteKey::RoadHalfWidth), (PowerLine, SiteKey::PowerLineHalfWidth)];
        for (kind, width) in keys {
            for (expired, key) in [(true, key::COR_WIDTH_NOT_IN_FORCE), (false, key::COR_UNSURE)] {
                let stated = super::super::tests::support::parameter(width, None, 7.0).as_ref().clone();
                let old = Arc::new(Parameter { valid_to: DAY.yesterday().ok(), ..stated });
                let rules = SiteRules::new(if expired { std::slice::from_ref(&old) } else { &[] });
                // Stated, nobody asks for a rule; else it may reach here from wherever it was found.
                for (half_width, found) in [(None, Some(key)), (Some(3.0), None)] {
                    let mut scene = Scene::by(rules.clone());
                    let drawn = scene.reference(kind, line(&[(300.0, -100.0), (300.0, 100.0)])).named("QL14");
                    drawn.with(|a| a.half_width_m = half_width).keeps(17.0, true);
                    let finding = judge(check, &Subject { accuracy_m: 0.0, ..mast() }, &scene.around());
                    let said = (finding.verdict == Verdict::NeedsSurvey).then_some(finding.message.key);
                    assert_eq!(said, found, "{kind} {expired} {half_width:?}");
                    let named = |m: &Message| m.arguments.contains(&("key", Argument::Text(width.as_str().into())));
                    assert_eq!(named(&finding.message), expired && half_width.is_none(), "{kind} {expired}");
                }
            }
        }
        // What is so whatever its width says nothing of a rule.
        let stated = super::super::tests::support::parameter(SiteKey::RoadHalfWidth, None, 7.0).as_ref().clone();
        let rules = SiteRules::new(&[Arc::new(Parameter { valid_to: DAY.yesterday().ok(), ..stated })]);
        let mut scene = Scene::by(rules);
        scene.reference(Road, line(&[(10.0, -100.0), (10.0, 100.0)])).keeps(17.0, true);
        let finding = judge(check, &Subject { accuracy_m: 0.0, ..mast() }, &scene.around());
        assert_eq!((finding.verdict, finding.message.key), (Verdict::Block, key::COR_BESIDE));
    }

    #[test]
    fn what_nobody_knows_the_clearance_of_is_not_checked() {
        let low = Subject { accuracy_m: 0.0, height_agl_m: 5.0, ..mast() };
        // The west edge of a corridor; all is looked for within 500 m.
        let table = [
            (-10.0, Verdict::Block, key::COR_BLOCKED),
            (0.001, Verdict::NotChecked, key::COR_CLEARANCE_UNKNOWN),
            (500.0, Verdict::NotChecked, key::COR_CLEARANCE_UNKNOWN),
            (500.001, Verdict::Pass, key::COR_CLEAR),
        ];
        for (west, verdict, expect) in table {
            let mut scene = Scene::default();
            scene.corridor(Severity::Blocks, 0.0, square(west + 50.0, 0.0, 50.0)).keeps_unknown();
            let found = judge(check, &low, &scene.around());
            assert_eq!((found.verdict, found.message.key), (verdict, expect), "{west}");
        }
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Road, square(100.0, 0.0, 50.0)).keeps_unknown();
        let found = judge(check, &low, &scene.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::NotChecked, key::COR_CLEARANCE_UNKNOWN));
        assert_eq!((found.measured, found.limit, names(&found)), (Some(Quantity::metres(50.0)), None, vec!["F1"]));
        // What stands against it for sure is graver.
        scene.corridor(Severity::Blocks, 10.0, square(0.0, 0.0, 5.0));
        assert_eq!(judge(check, &low, &scene.around()).message.key, key::COR_BLOCKED);
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
