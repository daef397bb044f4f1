//! A day that comes may change what counts, and nobody writes anything: whoever listens is told to read again.

use clearway::actions::changes::{self, Heard, Listening, Notice, Wish};
use clearway::actions::{Context, refresh};
use clearway::domain::actor::Actor;
use clearway::domain::change::Resync;
use clearway::domain::corridor::Corridor;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::world::{HERE, World, corridor_props, text};

fn listen(actor: &Actor, context: &Context, heard: Vec<Heard>) -> Listening {
    changes::listen(context, actor, Wish { heard, ..Wish::default() }).unwrap().0
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

/// Whoever was told of a day only where it changes something would hear of the first day of what is hidden.
#[test]
fn a_day_that_comes_is_told_whatever_it_changes() {
    for has_hidden in [false, true] {
        let world = World::new();
        // By the clock of the service, which may come to midnight while this runs.
        let public = Actor::public();
        let today = listen(&public, &world.database.context(), Vec::new()).heard()[0].day.unwrap();
        let tomorrow = today.tomorrow().unwrap();
        if has_hidden {
            let own = vec![("in_force_from", text(&tomorrow.to_string())), ("visibility", text("restricted"))];
            let ground = geo_types::Rect::new(HERE, (HERE.0 + 50.0, HERE.1 + 50.0)).to_polygon();
            world.create::<Corridor>(&[corridor_props("C"), own].concat(), ground.into());
        }
        let context = world.database.context();
        let mut listening = listen(&public, &context, Vec::new());
        let before = listening.heard();
        refresh::turn_days(&context, noon(today));
        assert_eq!(again(&mut listening), [], "{has_hidden}: the same day");
        refresh::turn_days(&context, noon(tomorrow));
        assert_eq!(again(&mut listening), [Resync::Day], "{has_hidden}: the next day");
        refresh::turn_days(&context, noon(tomorrow));
        assert_eq!(again(&mut listening), [], "{has_hidden}: told once");
        // Who was away when the day came, by what he had heard before; and who comes with what he heard after it.
        assert_eq!(again(&mut listen(&public, &context, before.clone())), [Resync::Day], "{has_hidden}: away");
        assert_eq!(again(&mut listen(&public, &context, listening.heard())), [], "{has_hidden}: was there");
        // An instance that began on this day does not know what an earlier one changed.
        let yesterday = |heard: &Heard| Heard { day: today.yesterday().ok(), ..heard.clone() };
        let began = world.database.context();
        let heard = before.iter().map(yesterday).collect();
        assert_eq!(again(&mut listen(&public, &began, heard)), [Resync::Day], "{has_hidden}");
        assert_eq!(again(&mut listen(&public, &began, before)), [], "{has_hidden}: of the same day");
    }
}
