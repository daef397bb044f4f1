//! TIM: freeze windows.

use jiff::civil::Date;

use super::prelude::*;
use crate::geometry::{Geometry, Grid, MultiPolygon};

/// What it reads.
pub const READS: &[Source] = &[Source::Reference(ReferenceKind::FreezeWindow)];

/// Whether nothing is built here on a day of building.
///
/// A window is an order of the office with its days, which is its law; no article is known here on which it rests `[default]`. It stands against building
/// where it holds the place and has a day in common with the days of building, first and last days included. Of an
/// end alone the period begins on the day asked, and a beginning alone has no end. Where none is stated, a window that is running on the day asked is
/// something to look at. Of several windows all that hold the place are told and drawn, until the last day of the last of them;
/// those at whose edge it lies are told where none holds it. What is kept on another grid is drawn as where the place may be.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, _: &Parameters<'_>, day: Date) -> Finding {
    let stated = subject.starts_on.is_some() || subject.ends_on.is_some();
    let begins = subject.starts_on.or(subject.ends_on.map(|ends_on| ends_on.min(day)));
    let [first, last] = if stated { [begins, subject.ends_on] } else { [Some(day); 2] };
    let begun = |from: Option<Date>, to: Option<Date>| from.zip(to).is_none_or(|(from, to)| from <= to);
    let running =
        |window: &NearReference<'_>| begun(window.told.valid_from, last) && begun(first, window.told.valid_to);
    let windows = around.of(ReferenceKind::FreezeWindow).filter(|window| running(window));
    let (inside, windows) = reached(windows, 0.0, subject.accuracy_m);
    let holds = |window: &NearReference<'_>| {
        Sure::within(window.signed_m(), 0.0, subject.accuracy_m + window.accuracy_m) == inside
    };
    let deciding: Vec<_> = windows.iter().copied().filter(|window| holds(window)).collect();
    let until =
        deciding.iter().map(|window| window.told.valid_to).max_by_key(|last| last.unwrap_or(Date::MAX)).flatten();
    let (verdict, message) = match (inside, stated, until) {
        (Sure::No, ..) => (Verdict::Pass, Message::new(key::TIM_FREE)),
        (Sure::Maybe, ..) => (Verdict::NeedsSurvey, Message::new(key::TIM_EDGE)),
        (Sure::Yes, false, _) => (Verdict::Warn, Message::new(key::TIM_RUNNING)),
        (Sure::Yes, true, Some(_)) => (Verdict::Block, Message::new(key::TIM_FROZEN)),
        (Sure::Yes, true, None) => (Verdict::Block, Message::new(key::TIM_FROZEN_OPEN)),
    };
    let called: Vec<&str> = deciding.iter().map(|window| window.called()).collect();
    let message = if called.is_empty() { message } else { message.text("window", called.join(", ")) };
    let message = until.into_iter().fold(message, |m, until| m.with("until", Argument::Day(until)));
    let mut finding = Finding::new(CheckCode::Tim, verdict, message);
    if verdict != Verdict::Pass {
        finding.consult.push(Consultee::Office);
        let drawn: Option<Vec<_>> = deciding.iter().map(|window| window.shape.as_deref().map(outline)).collect();
        finding.geometry = Some(drawn.map_or_else(|| place(subject, around), together));
    }
    finding.evidence = evidence(windows);
    finding
}

/// Areas as one.
fn together(areas: Vec<Grid<Geometry<f64>>>) -> Grid<Geometry<f64>> {
    let mut all = Vec::new();
    for area in areas {
        match area.0 {
            Geometry::Polygon(polygon) => all.push(polygon),
            Geometry::MultiPolygon(polygons) => all.extend(polygons),
            // A window is an area.
            _ => {}
        }
    }
    match <[_; 1]>::try_from(all) {
        Ok([one]) => Grid(Geometry::Polygon(one)),
        Err(all) => Grid(Geometry::MultiPolygon(MultiPolygon(all))),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::tests::support::*;
    use super::*;
    use crate::geometry::{Coord, Polygon};

    fn window(scene: &mut Scene, east: f64, from: Option<Date>, to: Option<Date>) {
        scene.reference(ReferenceKind::FreezeWindow, square(east, 0.0, 100.0)).valid(from, to);
    }

    #[test]
    fn a_day_in_common_stands_against_it() {
        let (june, july) = (Some(date(2026, 6, 1)), Some(date(2026, 7, 31)));
        let on = |month, day| Some(date(2026, month, day));
        // Days of building, of a window from 1 June to 31 July; the day asked is in March.
        let table = [
            (on(5, 1), on(5, 31), Verdict::Pass),
            (on(5, 1), on(6, 1), Verdict::Block),
            (on(6, 10), on(6, 12), Verdict::Block),
            (on(7, 31), on(8, 31), Verdict::Block),
            (on(8, 1), on(8, 31), Verdict::Pass),
            (on(5, 1), None, Verdict::Block),
            (on(8, 1), None, Verdict::Pass),
            (None, on(6, 1), Verdict::Block),
            (None, on(5, 31), Verdict::Pass),
            // What was to be over before the day asked, and a window that was over before that.
            (None, on(3, 1), Verdict::Pass),
            (None, None, Verdict::Pass),
        ];
        let mut scene = Scene::default();
        window(&mut scene, 0.0, june, july);
        for (starts_on, ends_on, verdict) in table {
            let found = judge(check, &Subject { starts_on, ends_on, ..mast() }, &scene.around());
            assert_eq!(found.verdict, verdict, "{starts_on:?} {ends_on:?}");
            let until = found.message.arguments.iter().find(|(name, _)| *name == "until");
            let expect = (verdict == Verdict::Block).then(|| ("until", Argument::Day(date(2026, 7, 31))));
            assert_eq!(until, expect.as_ref());
            let drawn = (verdict == Verdict::Block).then(|| Grid(square(0.0, 0.0, 100.0)));
            assert_eq!(found.geometry, drawn, "{starts_on:?} {ends_on:?}");
        }
    }

    #[test]
    fn a_window_that_was_over_before_the_day_asked_stands_against_nobody_who_states_an_end_alone() {
        let mut scene = Scene::default();
        window(&mut scene, 0.0, Some(date(2020, 5, 1)), Some(date(2020, 5, 31)));
        let of = |starts_on, ends_on| judge(check, &Subject { starts_on, ends_on, ..mast() }, &scene.around()).verdict;
        assert_eq!(of(None, Some(date(2027, 6, 30))), Verdict::Pass);
        assert_eq!(of(None, Some(date(2020, 5, 15))), Verdict::Block, "it was to be over in it");
        assert_eq!(of(Some(date(2020, 4, 1)), Some(date(2027, 6, 30))), Verdict::Block);
    }

    #[test]
    fn of_a_window_with_many_corners_its_box_is_drawn() {
        let many: Vec<(f64, f64)> =
            (0..200).map(|n| (f64::from(n) / 200.0 * std::f64::consts::TAU).sin_cos()).collect();
        let ring = many.iter().chain(&many[..1]).map(|(sin, cos)| Coord { x: 300.0 * cos, y: 300.0 * sin });
        let mut scene = Scene::default();
        let shape = Geometry::Polygon(Polygon::new(ring.collect(), Vec::new()));
        scene.reference(ReferenceKind::FreezeWindow, shape).valid(None, None);
        let Some(Grid(Geometry::Polygon(drawn))) = judge(check, &mast(), &scene.around()).geometry else { panic!() };
        let of =
            |way: fn(f64, f64) -> f64| drawn.exterior().0.iter().fold([0.0; 2], |[x, y], c| [way(x, c.x), way(y, c.y)]);
        assert_eq!((drawn.exterior().0.len(), of(f64::min), of(f64::max)), (5, [-300.0; 2], [300.0; 2]));
    }

    #[test]
    fn of_several_windows_those_that_hold_the_place_are_told() {
        let stated = Subject { starts_on: Some(DAY), accuracy_m: 5.0, ..mast() };
        let mut scene = Scene::default();
        // At the edge of the first, until the end of the year; in the two others.
        window(&mut scene, 98.0, None, Some(date(2026, 12, 31)));
        window(&mut scene, 10.0, None, Some(date(2026, 6, 30)));
        window(&mut scene, 20.0, None, Some(date(2026, 7, 31)));
        let found = judge(check, &stated, &scene.around());
        let told =
            ["window", "until"].map(|name| found.message.arguments.iter().find(|(n, _)| *n == name).unwrap().1.clone());
        assert_eq!(told, [Argument::Text("F2, F3".into()), Argument::Day(date(2026, 7, 31))]);
        assert_eq!((found.verdict, found.evidence.len()), (Verdict::Block, 3));
        let Some(Grid(Geometry::MultiPolygon(drawn))) = found.geometry else { panic!("{:?}", found.geometry) };
        let square_of = |east| match square(east, 0.0, 100.0) {
            Geometry::Polygon(polygon) => polygon,
            other => panic!("{other:?}"),
        };
        assert_eq!(drawn.0, [square_of(10.0), square_of(20.0)]);
    }

    #[test]
    fn without_stated_days_one_that_runs_is_told() {
        let table = [
            (None, Some(DAY), Verdict::Warn),
            (Some(DAY), None, Verdict::Warn),
            (None, Some(DAY.yesterday().unwrap()), Verdict::Pass),
            (Some(DAY.tomorrow().unwrap()), None, Verdict::Pass),
        ];
        for (from, to, verdict) in table {
            let mut scene = Scene::default();
            window(&mut scene, 0.0, from, to);
            assert_eq!(judge(check, &mast(), &scene.around()).verdict, verdict, "{from:?} {to:?}");
        }
    }

    #[test]
    fn the_last_of_several_days_is_told_and_the_edge_is_for_a_survey() {
        let stated = Subject { starts_on: Some(DAY), ..mast() };
        let mut scene = Scene::default();
        window(&mut scene, 0.0, None, Some(date(2026, 12, 31)));
        window(&mut scene, 10.0, None, None);
        let found = judge(check, &stated, &scene.around());
        assert_eq!((found.verdict, found.message.key), (Verdict::Block, key::TIM_FROZEN_OPEN));
        assert_eq!(found.evidence.len(), 2);
        // The west edge is at 0; accuracy 5 m.
        for (east, verdict) in [
            (94.999, Verdict::Block),
            (95.0, Verdict::Block),
            (95.001, Verdict::NeedsSurvey),
            (105.0, Verdict::NeedsSurvey),
            (105.001, Verdict::Pass),
        ] {
            let mut scene = Scene::default();
            window(&mut scene, east, None, None);
            let found = judge(check, &Subject { accuracy_m: 5.0, ..stated.clone() }, &scene.around());
            assert_eq!(found.verdict, verdict, "{east}");
        }
    }
}
