//! Made-up works and corridors: every status, period, accuracy and clearance that decides who counts.

use clearway::domain::fields::Value;

use crate::shapes::{Dice, Lattice};
use crate::world::{Props, Rows, corridor_props, text, work_props};

/// A work and a corridor of every kind that matters to who counts.
pub fn random_features(
    dice: &mut Dice,
    prefix: &str,
    lattice: Lattice,
    works: usize,
    corridors: usize,
) -> (Rows, Rows) {
    let metres = [0.0, 1.0, 2.0, 3.0, 5.0].map(|k| k * lattice.step);
    let dates = ["2020-01-01", "2026-05-31", "2026-06-01", "2026-06-02", "2030-01-01"];
    let mut made_works = Vec::new();
    for n in 0..works {
        let mut props = work_props(&format!("{prefix}-W{n}"));
        if dice.draw(0..3) > 0 {
            props.push(("position_accuracy_m", Value::Number(dice.pick(&metres))));
        }
        if dice.draw(0..2) > 0 {
            let method = dice.pick(&["gnss_rtk", "gnss", "digitised", "record", "estimated"]);
            props.push(("capture_method", text(method)));
        }
        if dice.draw(0..5) == 0 {
            let all = [
                "planned",
                "permitted",
                "under_construction",
                "suspended",
                "relocating",
                "relocated",
                "dismantled",
                "abandoned",
            ];
            props.push(("status", text(dice.pick(&all))));
        }
        period(dice, &mut props, ["valid_from", "valid_to"], &dates);
        made_works.push((props, dice.draw(lattice.any())));
    }
    let mut made_corridors = Vec::new();
    for n in 0..corridors {
        let mut props = corridor_props(&format!("{prefix}-C{n}"));
        if dice.draw(0..3) == 0 {
            let all = [
                "announced",
                "surveyed",
                "approved",
                "handed_over",
                "completed",
                "suspended",
                "cancelled",
                "realigned",
            ];
            props[2].1 = text(dice.pick(&all));
        }
        if dice.draw(0..2) == 0 {
            props.push(("clearance_m", Value::Number(dice.pick(&metres))));
        }
        period(dice, &mut props, ["in_force_from", "in_force_to"], &dates);
        made_corridors.push((props, dice.draw(lattice.area())));
    }
    (made_works, made_corridors)
}

fn period(dice: &mut Dice, props: &mut Props, [from, to]: [&'static str; 2], dates: &[&'static str]) {
    if dice.draw(0..5) == 0 {
        let (a, b) = (dice.pick(dates), dice.pick(dates));
        props.push((from, text(a.min(b))));
        if dice.draw(0..2) == 0 {
            props.push((to, text(a.max(b))));
        }
    }
}
