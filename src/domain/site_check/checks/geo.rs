//! GEO: the place lies in the jurisdiction.

use jiff::civil::Date;

use super::prelude::*;
use crate::domain::place::OtherReading;
use crate::geometry::{Geometry, Grid, LineString};

/// Whether the place lies in the jurisdiction, and in which communes.
///
/// Whose place it is to decide follows from the boundary of the jurisdiction, so no article is named `[default]`. The
/// districts and communes that hold the place are evidence. A place outside is refused, with the other reading of its
/// coordinates that would fit (swapped axes, another meridian) where there is one. Less than its accuracy away from the
/// boundary nobody can tell on which side it lies. What is drawn is where the place may be, or of one outside the way to the
/// nearest boundary.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, _: &Parameters<'_>, _: Date) -> Finding {
    let place = &around.place;
    let finding = |verdict, message| Finding::new(CheckCode::Geo, verdict, message);
    let to_boundary = || place.boundary_at.map(|there| Grid(Geometry::LineString(LineString(vec![place.at, there]))));
    let boundary = Some(Quantity::metres(place.to_boundary_m)).filter(|q| q.value.is_finite());
    if place.to_boundary_m < subject.accuracy_m {
        let message = Message::new(key::GEO_BOUNDARY).metres("distance", place.to_boundary_m);
        let limit = Some(Quantity::metres(subject.accuracy_m));
        let message = message.metres("accuracy", subject.accuracy_m);
        let geometry = to_boundary().or_else(|| place.inside.then(|| super::place(subject, around)));
        return Finding { measured: boundary, limit, geometry, ..finding(Verdict::NeedsSurvey, message) };
    }
    if !place.inside {
        let message = match &place.hint {
            Some(OtherReading::Swapped(code)) => {
                Message::new(key::GEO_OUTSIDE_SWAPPED).text("jurisdiction", code.as_str())
            }
            Some(OtherReading::Systems { jurisdiction, systems }) => {
                let turned = |turned: bool| if turned { "; X = northing" } else { "" };
                let systems = systems.iter().map(|(epsg, name, t)| format!("{epsg} ({name}{})", turned(*t)));
                Message::new(key::GEO_OUTSIDE_SYSTEM)
                    .text("jurisdiction", jurisdiction.as_str())
                    .words("systems", systems)
            }
            None => Message::new(key::GEO_OUTSIDE),
        };
        let message = boundary.iter().fold(message, |m, q| m.metres("distance", q.value));
        return Finding { measured: boundary, geometry: to_boundary(), ..finding(Verdict::Block, message) };
    }
    let communes: Vec<&NearReference<'_>> =
        around.of(ReferenceKind::Boundary).filter(|near| near.holds_place()).collect();
    let message = Message::new(key::GEO_INSIDE).words("communes", communes.iter().map(|near| near.called()));
    Finding { measured: boundary, evidence: evidence(communes), ..finding(Verdict::Pass, message) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;
    use crate::domain::site_check::Place;
    use crate::geometry::Coord;

    #[test]
    fn inside_outside_and_too_near_the_boundary_to_tell() {
        let scene = Scene::default();
        // Inside, metres to the boundary, accuracy.
        let table = [
            (true, 100.0, 5.0, Verdict::Pass, key::GEO_INSIDE),
            (true, 5.0, 5.0, Verdict::Pass, key::GEO_INSIDE),
            (true, 4.999, 5.0, Verdict::NeedsSurvey, key::GEO_BOUNDARY),
            (true, 0.0, 0.0, Verdict::Pass, key::GEO_INSIDE),
            (false, 4.999, 5.0, Verdict::NeedsSurvey, key::GEO_BOUNDARY),
            (false, 5.001, 5.0, Verdict::Block, key::GEO_OUTSIDE),
            (false, f64::INFINITY, 5.0, Verdict::Block, key::GEO_OUTSIDE),
        ];
        for (inside, to_boundary_m, accuracy_m, verdict, message) in table {
            let mut around = scene.around();
            around.place.inside = inside;
            around.place.to_boundary_m = to_boundary_m;
            let found = judge(check, &Subject { accuracy_m, ..mast() }, &around);
            assert_eq!((found.verdict, found.message.key), (verdict, message), "{inside} {to_boundary_m} {accuracy_m}");
        }
    }

    #[test]
    fn what_is_drawn_shows_the_boundary_or_where_the_place_may_be() {
        let scene = Scene::default();
        let drawn = |inside, to_boundary_m, boundary_at| {
            let mut around = scene.around();
            around.place = Place { inside, to_boundary_m, boundary_at, ..around.place };
            judge(check, &Subject { accuracy_m: 5.0, ..mast() }, &around).geometry
        };
        let there = Coord { x: 3.0, y: 4.0 };
        let way = Some(Grid(Geometry::LineString(LineString(vec![Coord { x: 0.0, y: 0.0 }, there]))));
        assert_eq!(drawn(true, 100.0, None), None);
        assert_eq!(drawn(true, 4.0, None), Some(circle(Coord { x: 0.0, y: 0.0 }, 5.0)));
        assert_eq!(drawn(false, 4.0, Some(there)), way);
        assert_eq!(drawn(false, 10.0, Some(there)), way);
        assert_eq!(drawn(false, f64::INFINITY, None), None);
    }

    #[test]
    fn another_reading_is_told_and_communes_are_named() {
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::Boundary, square(0.0, 0.0, 500.0)).named("Nhân Cơ");
        scene.reference(ReferenceKind::Boundary, square(2_000.0, 0.0, 500.0)).named("Kiến Đức");
        let mut around = scene.around();
        let found = judge(check, &mast(), &around);
        assert_eq!(found.message.arguments, [("communes", Argument::Words(vec!["Nhân Cơ".into()]))]);
        assert_eq!(names(&found), ["Nhân Cơ"]);
        around.place.inside = false;
        around.place.hint = Some(OtherReading::Swapped("VN-72".into()));
        let found = judge(check, &mast(), &around);
        assert_eq!((found.verdict, found.message.key), (Verdict::Block, key::GEO_OUTSIDE_SWAPPED));
        assert_eq!(found.message.arguments[0], ("jurisdiction", Argument::Text("VN-72".into())));
    }
}
