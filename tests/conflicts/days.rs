//! A day that comes changes what counts, and nobody writes anything: whoever listens is told to read again.

use clearway::actions::changes::{self, Heard, Listening, Notice, Wish};
use clearway::actions::{Context, refresh, rules};
use clearway::domain::change::Resync;
use clearway::domain::corridor::Corridor;
use clearway::domain::work::Work;
use clearway::formats::rules as file;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::world::{HERE, Props, World, corridor_props, text, work_props};

fn listen(world: &World, context: &Context, heard: Vec<Heard>) -> Listening {
    changes::listen(context, &world.actor, Wish { heard, ..Wish::default() }).unwrap().0
}

/// The reasons to read again; whatever else is told is none.
fn again(listening: &mut Listening) -> Vec<Resync> {
    let reason = |notice: Notice| match notice {
        Notice::Resync { why, .. } => Some(why),
        Notice::Event(_) => None,
    };
    listening.pull().into_iter().filter_map(reason).collect()
}

/// Noon of a day in Đắk Nông.
fn noon(day: Date) -> Timestamp {
    day.at(12, 0, 0, 0).in_tz("Asia/Ho_Chi_Minh").unwrap().timestamp()
}

/// What stands in a register that a test begins with.
enum Dated {
    Work(Props),
    Corridor(Props),
    Rules(String),
}

#[test]
fn a_day_that_changes_what_counts_is_told() {
    // By the clock of the service, which may come to midnight while this runs.
    let empty = World::new();
    let today = listen(&empty, &empty.database.context(), Vec::new()).heard()[0].day.unwrap();
    let (tomorrow, later) = (today.tomorrow().unwrap(), today.saturating_add(jiff::Span::new().days(30)));
    let day = |day: Date| text(&day.to_string());
    let work = |name, date| Dated::Work([work_props("W"), vec![(name, day(date))]].concat());
    let corridor = |name, date| Dated::Corridor([corridor_props("C"), vec![(name, day(date))]].concat());
    let pack = |from: Date| {
        Dated::Rules(format!(
            "name = \"T\"\nversion = \"1\"\n[[parameter]]\nkey = \"corridor.road.clearance_m\"\nvalue = 9.0\n\
             unit = \"m\"\nconfidence = \"default\"\nvalid_from = {from}\n"
        ))
    };
    for (n, (dated, differs)) in [
        (work("valid_from", tomorrow), true),
        (work("valid_to", today), true),
        (work("valid_to", later), false),
        (corridor("in_force_from", tomorrow), true),
        (corridor("in_force_to", today), true),
        (corridor("in_force_to", tomorrow), false),
        (pack(tomorrow), true),
        (pack(later), false),
    ]
    .into_iter()
    .enumerate()
    {
        let world = World::new();
        let at = geo_types::Point::new(HERE.0, HERE.1);
        match dated {
            Dated::Work(props) => drop(world.create::<Work>(&props, at.into())),
            Dated::Corridor(props) => drop(world.create::<Corridor>(
                &props,
                geo_types::Rect::new(HERE, (HERE.0 + 50.0, HERE.1 + 50.0)).to_polygon().into(),
            )),
            Dated::Rules(text) => {
                let pack = file::read(text.as_bytes()).unwrap();
                rules::import(&world.context, world.witness(), &["VN-72".to_owned()], &pack, "00").unwrap();
            }
        }
        let context = world.database.context();
        let mut listening = listen(&world, &context, Vec::new());
        let before = listening.heard();
        refresh::turn_days(&context, noon(today));
        assert_eq!(again(&mut listening), [], "{n}: the same day");
        refresh::turn_days(&context, noon(tomorrow));
        let expect = if differs { vec![Resync::Day] } else { vec![] };
        assert_eq!(again(&mut listening), expect, "{n}: the next day");
        refresh::turn_days(&context, noon(tomorrow));
        assert_eq!(again(&mut listening), [], "{n}: told once");
        // Who was away when the day came, by what he had heard before; and who comes with what he heard after it.
        assert_eq!(again(&mut listen(&world, &context, before.clone())), expect, "{n}: away");
        assert_eq!(again(&mut listen(&world, &context, listening.heard())), [], "{n}: was there");
        // An instance that began on this day does not know what an earlier one changed.
        let yesterday = |heard: &Heard| Heard { day: today.yesterday().ok(), ..heard.clone() };
        let began = world.database.context();
        assert_eq!(again(&mut listen(&world, &began, before.iter().map(yesterday).collect())), [Resync::Day], "{n}");
        assert_eq!(again(&mut listen(&world, &began, before)), [], "{n}: of the same day");
    }
}
