//! AIR: aviation.

use std::sync::Arc;

use jiff::civil::Date;

use super::prelude::*;
use crate::domain::rules::{Parameter, SiteRules};
use crate::geometry::measure::Prepared;
use crate::geometry::obstacle::{self, Ceiling, Dimensions, Runway, Section, Surface};
use crate::geometry::{Coord, Geometry, Grid};

/// What it reads.
pub const READS: &[Source] = &[Source::Reference(ReferenceKind::Runway)];

/// Whether the column is an obstacle to aircraft.
///
/// From 45 m above ground on, 45 m included, a column needs marking and consent to its height `[law: NĐ 32/2016 art. 7]`.
/// Round a runway its top, above the sea, stays below the obstacle limitation surfaces (ICAO Annex 14, Volume I, chapter 4,
/// `[check]`): the lowest of all runways counts, and at the surface itself it does not penetrate it. A runway of which the
/// class is not known, or is not in the rule pack, gets the figures that state no class: those of a precision approach
/// runway of code 4, the strictest of all. Without the height of the ground, or of the ends of the runway, above the sea
/// nobody can tell below a surface; and where the accuracy of the place reaches over what decides, neither. Of a runway that is
/// not drawn as a line from one threshold to the other ([`Runway::along`]), which nobody may send any more, nobody knows where
/// its surfaces are.
///
/// What is drawn is the ground under the surface that it was held against, or a runway whose heights nobody knows; of a column
/// that is marked for its height alone, where it may be.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    judged(subject, around, rules).unwrap_or_else(Finding::from)
}

/// The surfaces of a runway over the place.
struct Over<'n, 'a> {
    runway: &'n NearReference<'a>,
    line: Runway,
    dimensions: Dimensions,
    ceiling: Ceiling,
    /// The heights of both ends are known.
    known: bool,
    rule: Arc<Parameter>,
}

impl Over<'_, '_> {
    /// The ground under the surface, to draw; of what has none the runway.
    fn drawn(&self, at: Coord<f64>) -> Grid<Geometry<f64>> {
        let outline = obstacle::outline(&self.line, &self.dimensions, self.ceiling.surface, at).filter(|_| self.known);
        let runway = || Geometry::LineString(self.line.line());
        Grid(outline.map_or_else(runway, Geometry::Polygon))
    }
}

/// What a runway has over a place.
enum Has<'n, 'a> {
    Nothing,
    Surface(Box<Over<'n, 'a>>),
    /// It is drawn so that nobody can tell.
    Unclear,
}

fn judged(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Result<Finding, Missing> {
    let (mut all, mut missing, mut unjudged) = (Vec::new(), None, Vec::new());
    let (mut met, mut unclear) = (Vec::new(), None);
    for runway in around.of(ReferenceKind::Runway) {
        match over(subject, around.place.at, runway, rules) {
            Ok(Has::Nothing) => {}
            Ok(Has::Surface(over)) => {
                met.push(runway);
                all.push(*over);
            }
            Ok(Has::Unclear) => {
                met.push(runway);
                unclear = unclear.or(Some(runway));
            }
            Err(figure) => {
                missing = missing.or(Some(figure));
                unjudged.push(runway.facts.id);
            }
        }
    }
    let at = around.place.at;
    let top = subject.ground_amsl_m.map(|ground| ground + subject.height_agl_m);
    let finding = |verdict, message| {
        let consult = if verdict == Verdict::Pass { Vec::new() } else { vec![Consultee::Aviation] };
        Finding { consult, ..Finding::new(CheckCode::Air, verdict, message) }
    };
    let evidence = evidence(met);
    let lowest = |of: fn(&Ceiling) -> f64| {
        let known = all.iter().filter(|over| over.known);
        known.min_by(|a, b| of(&a.ceiling).total_cmp(&of(&b.ceiling)))
    };
    let (surely, maybe) = (lowest(|c| c.most_m), lowest(|c| c.least_m));
    if let Some(top) = top {
        // What is above a surface for sure is told before anything that is not known.
        let above = surely.filter(|over| top > over.ceiling.most_m).map(|o| (o, Verdict::Block, key::AIR_PENETRATES));
        let unsure = || maybe.filter(|over| top > over.ceiling.least_m);
        let above = above.or_else(|| unsure().map(|o| (o, Verdict::NeedsSurvey, key::AIR_UNSURE)));
        if let Some((over, verdict, key)) = above {
            let message = told(key, over).metres("top", top).metres("limit", over.ceiling.height_m);
            let (measured, limit) = (Some(Quantity::metres(top)), Some(Quantity::metres(over.ceiling.height_m)));
            let rule = Some(Arc::clone(&over.rule));
            let geometry = Some(over.drawn(at));
            return Ok(Finding { measured, limit, rule, evidence, geometry, ..finding(verdict, message) });
        }
    }
    if let Some(runway) = unclear {
        let message = Message::new(key::AIR_NO_LINE).text("runway", runway.called());
        let geometry = runway.shape.as_deref().map(outline).or_else(|| Some(place(subject, around)));
        return Ok(Finding { evidence, geometry, ..finding(Verdict::NeedsSurvey, message) });
    }
    if let Some(over) = all.iter().find(|over| !over.known) {
        let message = Message::new(key::AIR_NO_ELEVATION).text("runway", over.runway.called());
        return Ok(Finding { evidence, geometry: Some(over.drawn(at)), ..finding(Verdict::NeedsSurvey, message) });
    }
    if let (None, Some(over)) = (top, maybe) {
        let message = told(key::AIR_NO_GROUND, over).metres("limit", over.ceiling.height_m);
        let (limit, rule) = (Some(Quantity::metres(over.ceiling.height_m)), Some(Arc::clone(&over.rule)));
        let geometry = Some(over.drawn(at));
        return Ok(Finding { limit, rule, evidence, geometry, ..finding(Verdict::NeedsSurvey, message) });
    }
    if let Some(figure) = missing {
        // That a figure is missing tells that there is a runway.
        return Ok(Finding { rests_on: unjudged, ..figure.into() });
    }
    let marking = rules.get(CheckCode::Air, SiteKey::MarkingHeight)?;
    if subject.height_agl_m >= marking.value {
        let message = Message::new(key::AIR_MARKING).metres("height", subject.height_agl_m);
        let message = message.metres("limit", marking.value);
        let marked = finding(Verdict::Warn, message).by(marking, Some(subject.height_agl_m));
        return Ok(Finding { evidence, geometry: Some(place(subject, around)), ..marked });
    }
    let clear = finding(Verdict::Pass, Message::new(key::AIR_CLEAR));
    Ok(match top.zip(maybe) {
        Some((top, over)) => {
            let (measured, limit) = (Some(Quantity::metres(top)), Some(Quantity::metres(over.ceiling.height_m)));
            let (rule, geometry) = (Some(Arc::clone(&over.rule)), Some(over.drawn(at)));
            Finding { measured, limit, rule, evidence, geometry, ..clear }
        }
        None => clear.by(marking, Some(subject.height_agl_m)),
    })
}

fn told(key: &'static str, over: &Over<'_, '_>) -> Message {
    let surface = match over.ceiling.surface {
        Surface::Strip => "strip",
        Surface::Approach => "approach",
        Surface::Transitional => "transitional",
        Surface::InnerHorizontal => "inner_horizontal",
        Surface::Conical => "conical",
    };
    Message::new(key).words("surface", [surface]).text("runway", over.runway.called())
}

/// The surfaces of a runway over the place.
///
/// # Errors
/// A figure is missing.
fn over<'n, 'a>(
    subject: &Subject,
    at: Coord<f64>,
    near: &'n NearReference<'a>,
    rules: &Parameters<'_>,
) -> Result<Has<'n, 'a>, Missing> {
    let attributes = near.attributes();
    let class = attributes.class.as_deref().unwrap_or("");
    let heights = attributes.elevation_from_m.zip(attributes.elevation_to_m);
    let (from_m, to_m) = heights.unwrap_or((0.0, 0.0));
    let dimensions = dimensions(rules, class)?;
    let accuracy = subject.accuracy_m + near.accuracy_m;
    let drawn = match near.shape.as_deref().map(Prepared::geometry).as_deref() {
        Some(Geometry::LineString(line)) => Runway::along(line, [from_m, to_m]).ok(),
        _ => None,
    };
    let Some(runway) = drawn else {
        let is_near = near.distance_m <= dimensions.reach_m() + accuracy;
        return Ok(if is_near { Has::Unclear } else { Has::Nothing });
    };
    let Some(ceiling) = obstacle::over(&runway, &dimensions, at, accuracy) else { return Ok(Has::Nothing) };
    let rule = rules.of_class(
        CheckCode::Air,
        match ceiling.surface {
            Surface::Strip => SiteKey::ApproachInnerEdge,
            Surface::Approach => SiteKey::ApproachFirstSlope,
            Surface::Transitional => SiteKey::TransitionalSlope,
            Surface::InnerHorizontal => SiteKey::InnerHorizontalHeight,
            Surface::Conical => SiteKey::ConicalSlope,
        },
        class,
    )?;
    let (known, rule) = (heights.is_some(), Arc::clone(rule));
    Ok(Has::Surface(Box::new(Over { runway: near, line: runway, dimensions, ceiling, known, rule })))
}

/// The figures for a class of runways.
fn dimensions(rules: &Parameters<'_>, class: &str) -> Result<Dimensions, Missing> {
    let of = |key| rules.of_class(CheckCode::Air, key, class).map(|rule| rule.value);
    Ok(Dimensions {
        inner_radius_m: of(SiteKey::InnerHorizontalRadius)?,
        inner_height_m: of(SiteKey::InnerHorizontalHeight)?,
        conical_slope: of(SiteKey::ConicalSlope)?,
        conical_height_m: of(SiteKey::ConicalHeight)?,
        inner_edge_m: of(SiteKey::ApproachInnerEdge)?,
        from_threshold_m: of(SiteKey::ApproachFromThreshold)?,
        divergence: of(SiteKey::ApproachDivergence)?,
        first: Section { length_m: of(SiteKey::ApproachFirstLength)?, slope: of(SiteKey::ApproachFirstSlope)? },
        second: Section { length_m: of(SiteKey::ApproachSecondLength)?, slope: of(SiteKey::ApproachSecondSlope)? },
        horizontal_length_m: of(SiteKey::ApproachHorizontalLength)?,
        transitional_slope: of(SiteKey::TransitionalSlope)?,
    })
}

/// How far from a runway its obstacle surfaces reach, of whatever class, on any day, in metres.
#[must_use]
pub fn reach(ever: &SiteRules) -> f64 {
    let most = |key| ever.most(key);
    // A surface reaches the farther the less it rises.
    let least = |key| ever.least(key).unwrap_or(0.0);
    let farthest = Dimensions {
        inner_radius_m: most(SiteKey::InnerHorizontalRadius),
        inner_height_m: most(SiteKey::InnerHorizontalHeight),
        conical_slope: least(SiteKey::ConicalSlope),
        conical_height_m: most(SiteKey::ConicalHeight),
        inner_edge_m: most(SiteKey::ApproachInnerEdge),
        from_threshold_m: most(SiteKey::ApproachFromThreshold),
        divergence: most(SiteKey::ApproachDivergence),
        first: Section { length_m: most(SiteKey::ApproachFirstLength), slope: 0.0 },
        second: Section { length_m: most(SiteKey::ApproachSecondLength), slope: 0.0 },
        horizontal_length_m: most(SiteKey::ApproachHorizontalLength),
        transitional_slope: least(SiteKey::TransitionalSlope),
    };
    farthest.reach_m()
}

#[cfg(test)]
mod tests {
    use ::geo::Translate as _;

    use super::super::tests::support::*;
    use super::*;
    use crate::domain::reference::Attributes;

    /// A runway of 3 km to the east whose west threshold is at (`east`, `north`), 100 m above the sea.
    fn runway(scene: &mut Scene, east: f64, north: f64, class: Option<&str>) {
        let shape = line(&[(east, north), (east + 3_000.0, north)]);
        scene.reference(ReferenceKind::Runway, shape).named("09/27").with(|a| {
            (a.elevation_from_m, a.elevation_to_m) = (Some(100.0), Some(100.0));
            a.class = class.map(Into::into);
        });
    }

    /// A mast whose top is at some height above the sea.
    fn up_to(top: f64, accuracy_m: f64) -> Subject {
        Subject { ground_amsl_m: Some(top - 30.0), accuracy_m, ..mast() }
    }

    #[test]
    fn from_some_height_on_it_needs_marking() {
        let scene = Scene::default();
        for (height_agl_m, verdict) in [(44.999, Verdict::Pass), (45.0, Verdict::Warn), (45.001, Verdict::Warn)] {
            let found = judge(check, &Subject { height_agl_m, ..mast() }, &scene.around());
            assert_eq!((found.verdict, found.limit), (verdict, Some(Quantity::metres(45.0))), "{height_agl_m}");
            assert_eq!(found.consult == [Consultee::Aviation], verdict == Verdict::Warn, "{height_agl_m}");
        }
    }

    #[test]
    fn its_top_stays_below_every_surface() {
        // The west threshold, the top, accuracy, the surface and its height at the place.
        let table = [
            // 1 060 m before the threshold: the approach, risen by 20 m; 5 m nearer it is 0.1 m lower.
            (1_060.0, 0.0, 120.0, 0.0, Verdict::Pass, "", 120.0),
            (1_060.0, 0.0, 120.001, 0.0, Verdict::Block, "approach", 120.0),
            (1_060.0, 0.0, 119.9, 5.0, Verdict::Pass, "", 120.0),
            (1_060.0, 0.0, 119.901, 5.0, Verdict::NeedsSurvey, "approach", 120.0),
            (1_060.0, 0.0, 120.099, 5.0, Verdict::NeedsSurvey, "approach", 120.0),
            (1_060.0, 0.0, 120.101, 5.0, Verdict::Block, "approach", 120.0),
            // The other end.
            (-4_060.0, 0.0, 120.001, 0.0, Verdict::Block, "approach", 120.0),
            // Beside it.
            (-1_500.0, 2_000.0, 145.0, 5.0, Verdict::Pass, "", 145.0),
            (-1_500.0, 2_000.0, 145.001, 5.0, Verdict::Block, "inner_horizontal", 145.0),
            (-1_500.0, -5_000.0, 195.001, 0.0, Verdict::Block, "conical", 195.0),
            (-1_500.0, 250.0, 114.301, 0.0, Verdict::Block, "transitional", 114.3),
            (-1_500.0, 0.0, 100.001, 0.0, Verdict::Block, "strip", 100.0),
            // Far away.
            (-1_500.0, 7_000.0, 900.0, 5.0, Verdict::Pass, "", f64::NAN),
        ];
        for (east, north, top, accuracy, verdict, surface, height) in table {
            let mut scene = Scene::default();
            runway(&mut scene, east, north, None);
            let found = judge(check, &up_to(top, accuracy), &scene.around());
            assert_eq!(found.verdict, verdict, "{east} {north} {top}: {found:?}");
            if verdict != Verdict::Pass {
                assert_eq!(found.message.arguments[0], ("surface", Argument::Words(vec![surface.into()])));
                assert!((found.measured.unwrap().value - top).abs() < 1e-9, "{east} {top}");
            }
            if height.is_finite() {
                assert!((found.limit.unwrap().value - height).abs() < 1e-9, "{east} {top}");
                assert_eq!(names(&found), ["09/27"]);
            }
        }
    }

    #[test]
    fn without_heights_above_the_sea_nobody_can_tell() {
        let mut scene = Scene::default();
        runway(&mut scene, -1_500.0, 2_000.0, None);
        let found = judge(check, &mast(), &scene.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::NeedsSurvey, key::AIR_NO_GROUND));
        let mut far = Scene::default();
        runway(&mut far, -1_500.0, 7_000.0, None);
        assert_eq!(judge(check, &mast(), &far.around()).verdict, Verdict::Pass);
        let mut unknown = Scene::default();
        unknown.reference(ReferenceKind::Runway, line(&[(1_000.0, 0.0), (4_000.0, 0.0)]));
        let found = judge(check, &up_to(10.0, 5.0), &unknown.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::NeedsSurvey, key::AIR_NO_ELEVATION));
    }

    /// Where the thresholds of a runway are that is stored otherwise than as a line from one to the other, nobody can tell.
    #[test]
    fn under_what_is_drawn_as_no_line_from_end_to_end_nobody_can_tell() {
        let outline = [(0.0, 0.0), (3_000.0, 0.0), (3_000.0, 45.0), (0.0, 45.0), (0.0, 0.0)];
        let of = |east: f64, north: f64, top: f64, shape: &Geometry<f64>| {
            let mut scene = Scene::default();
            let set = |a: &mut Attributes| {
                (a.elevation_from_m, a.elevation_to_m) = (Some(100.0), Some(100.0));
                a.class = Some("4 PRECISION".into());
            };
            scene.reference(ReferenceKind::Runway, shape.translate(-east, -north)).named("09/27").with(set);
            let found = judge(check, &up_to(top, 0.0), &scene.around());
            (found.verdict, found.message.key, names(&found).len(), found.geometry.is_some())
        };
        let unknown = (Verdict::NeedsSurvey, key::AIR_NO_LINE, 1, true);
        // Under the true approach, which is 120 m there, at its side, and where the cone alone is.
        for (east, north, top) in [(4_060.0, 22.5, 121.0), (1_500.0, -200.0, 121.0), (1_500.0, 5_000.0, 121.0)] {
            for shape in [line(&outline), line(&outline[..4]), rectangle([0.0, 0.0], [3_000.0, 45.0])] {
                assert_eq!(of(east, north, top, &shape), unknown, "{east} {north} {shape:?}");
            }
        }
        let bent = line(&[(0.0, 0.0), (1_500.0, 200.0), (3_000.0, 0.0)]);
        assert_eq!(of(4_060.0, 0.0, 121.0, &bent), unknown);
        // Out of reach of all that it could have.
        assert_eq!(of(1_500.0, 16_000.0, 121.0, &line(&outline)).0, Verdict::Pass);
        // Points of a survey stand off a straight line by a little.
        let surveyed = line(&[(0.0, 0.0), (1_500.0, 0.5), (3_000.0, 0.0)]);
        assert_eq!(of(4_060.0, 0.0, 121.0, &surveyed).0, Verdict::Block);
    }

    #[test]
    fn what_is_drawn_is_the_ground_under_the_surface() {
        use crate::geometry::measure::Prepared;
        let here = Coord { x: 0.0, y: 0.0 };
        let drawn = |east: f64, north: f64, subject: &Subject| {
            let mut scene = Scene::default();
            runway(&mut scene, east, north, None);
            judge(check, subject, &scene.around()).geometry
        };
        for (east, north, corners) in
            [(-1_500.0, 0.0, 5), (1_060.0, 0.0, 5), (-1_500.0, 250.0, 9), (-1_500.0, 2_000.0, 51)]
        {
            for subject in [up_to(900.0, 0.0), up_to(50.0, 0.0), mast()] {
                let shape = drawn(east, north, &subject).unwrap();
                let Geometry::Polygon(area) = &shape.0 else { panic!("{shape:?}") };
                assert_eq!(area.exterior().0.len(), corners, "{east} {north}");
                assert!(Prepared::point(here).within(&Prepared::new(&shape), 0.0), "{east} {north}");
            }
        }
        assert_eq!(drawn(-1_500.0, 7_000.0, &up_to(50.0, 0.0)), None);
        let high = Subject { height_agl_m: 50.0, accuracy_m: 5.0, ..mast() };
        assert_eq!(drawn(-1_500.0, 7_000.0, &high), Some(circle(here, 5.0)));
        let mut unknown = Scene::default();
        unknown.reference(ReferenceKind::Runway, line(&[(1_000.0, 0.0), (4_000.0, 0.0)]));
        let found = judge(check, &up_to(10.0, 5.0), &unknown.around());
        assert_eq!(found.geometry, Some(Grid(line(&[(1_000.0, 0.0), (4_000.0, 0.0)]))));
    }

    #[test]
    fn the_figures_are_those_of_the_class() {
        let mut parameters: Vec<_> = VALUES.iter().map(|(key, value)| parameter(*key, None, *value)).collect();
        parameters.push(parameter(SiteKey::InnerHorizontalRadius, Some("1 NON-INSTRUMENT"), 2_000.0));
        parameters.push(parameter(SiteKey::ConicalHeight, Some("1 NON-INSTRUMENT"), 35.0));
        let rules = SiteRules::new(&parameters);
        let of = |class| {
            let mut scene = Scene::default();
            runway(&mut scene, -1_500.0, 2_100.0, class);
            let found = check(&up_to(150.1, 0.0), &scene.around(), &Parameters::on(&rules, DAY), DAY);
            (found.verdict, found.limit.unwrap().value)
        };
        assert_eq!(of(Some(" 1 non-instrument ")), (Verdict::Block, 150.0));
        for strictest in [None, Some("4 PRECISION"), Some("?")] {
            assert_eq!(of(strictest), (Verdict::Block, 145.0), "{strictest:?}");
        }
    }

    #[test]
    fn a_figure_that_is_missing_is_told_by_its_key() {
        let without: Vec<_> = VALUES.iter().filter(|(key, _)| *key != SiteKey::ConicalSlope).collect();
        let rules = SiteRules::new(&without.iter().map(|(key, v)| parameter(*key, None, *v)).collect::<Vec<_>>());
        let mut scene = Scene::default();
        runway(&mut scene, 0.0, 9_000.0, None);
        let found = check(&mast(), &scene.around(), &Parameters::on(&rules, DAY), DAY);
        assert_eq!((found.verdict, found.message.key), (Verdict::NotChecked, key::NO_RULE));
        assert_eq!(found.message.arguments, [("key", Argument::Text("site.air.conical.slope".into()))]);
        let runways = scene.around().of(ReferenceKind::Runway).map(|near| near.facts.id).collect::<Vec<_>>();
        assert_eq!((runways.len(), found.rests_on), (1, runways), "whoever hears of it was told of the runway");
    }

    #[test]
    fn what_is_missing_hides_no_surface_that_it_is_above() {
        let mut scene = Scene::default();
        runway(&mut scene, -1_500.0, 2_000.0, None);
        let of = |scene: &Scene, without: SiteKey, class: Option<&str>| {
            let of_class = |key: SiteKey, value| parameter(key, if key == without { class } else { None }, value);
            let all = VALUES.iter().filter(|(key, _)| *key != without || class.is_some());
            let all: Vec<_> = all.map(|(key, value)| of_class(*key, *value)).collect();
            let found = check(&up_to(145.001, 0.0), &scene.around(), &Parameters::on(&SiteRules::new(&all), DAY), DAY);
            (found.verdict, found.message.key)
        };
        assert_eq!(of(&scene, SiteKey::MarkingHeight, None), (Verdict::Block, key::AIR_PENETRATES));
        assert_eq!(of(&Scene::default(), SiteKey::MarkingHeight, None), (Verdict::NotChecked, key::NO_RULE));
        // A figure of one runway, which the other does not need.
        runway(&mut scene, -1_500.0, 6_500.0, Some("B"));
        assert_eq!(of(&scene, SiteKey::ConicalSlope, None), (Verdict::NotChecked, key::NO_RULE));
        let mut both = Scene::default();
        runway(&mut both, -1_500.0, 2_000.0, Some("A"));
        runway(&mut both, -1_500.0, 6_500.0, Some("B"));
        assert_eq!(of(&both, SiteKey::ConicalSlope, Some("A")), (Verdict::Block, key::AIR_PENETRATES));
        assert_eq!(of(&both, SiteKey::ConicalSlope, Some("B")), (Verdict::NotChecked, key::NO_RULE));
    }

    #[test]
    fn of_two_runways_the_one_is_named_whose_surface_it_is_above() {
        // The strip of one ends 3 m from the place, so within 5 m the top may be above it; the other one's approach is lower
        // than the top wherever within 5 m the place is.
        let mut scene = Scene::default();
        let mut add = |name: &str, from: (f64, f64), to: (f64, f64), height: f64| {
            scene.reference(ReferenceKind::Runway, line(&[from, to])).named(name).with(|a| {
                (a.elevation_from_m, a.elevation_to_m) = (Some(height), Some(height));
            });
        };
        add("A", (-1_500.0, 153.0), (1_500.0, 153.0), 100.0);
        add("B", (1_060.0, 0.0), (4_060.0, 0.0), 80.5);
        let found = judge(check, &up_to(100.7, 5.0), &scene.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::Block, key::AIR_PENETRATES));
        assert_eq!(found.message.arguments[1], ("runway", Argument::Text("B".into())));
        let found = judge(check, &up_to(100.3, 5.0), &scene.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::NeedsSurvey, key::AIR_UNSURE));
        assert_eq!(found.message.arguments[1], ("runway", Argument::Text("A".into())));
    }
}
