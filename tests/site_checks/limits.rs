//! Site checks have the time of a request, and no more.

use clearway::actions::site_check::search::{self, Pattern, Wanted};
use clearway::actions::site_check::{self, Asked, Question};
use clearway::actions::{Context, refresh};
use clearway::clock;
use clearway::config::Settings;
use clearway::domain::actor::Actor;
use clearway::domain::place::Delivered;
use clearway::domain::site_check::Subject;
use clearway::domain::work::WorkKind;
use clearway::error::Error;
use clearway::geometry::{Epsg, Geometry};

use crate::support::Database;
use crate::world::{load, pack};

#[test]
fn what_takes_longer_than_a_request_may_is_too_large() {
    let database = Database::vn72();
    load(&database, &pack("1", 500.0));
    let subject = Subject {
        kind: WorkKind::Mast,
        column_class: None,
        height_agl_m: 30.0,
        ground_amsl_m: None,
        accuracy_m: 1.0,
        organisation: None,
        request: None,
        antennas: Vec::new(),
        starts_on: None,
        ends_on: None,
    };
    let delivered = Delivered { shape: Geometry::Point([411_600.0, 1_327_600.0].into()), crs: Epsg(9218) };
    let asked =
        Asked { name: "1".into(), pointer: String::new(), delivered: delivered.clone(), subject: subject.clone() };
    let wanted = Wanted {
        area: delivered,
        radius_m: 100.0,
        subject,
        pattern: Pattern::Square,
        spacing_m: Some(20.0),
        limit: 3,
        at: clock::now(),
        min_revision: Vec::new(),
    };
    let question = Question { at: clock::now(), min_revision: Vec::new() };
    let office = Actor::operator();
    for (request_timeout_s, in_time) in [(30, true), (0, false)] {
        let context = Context::connect(Settings { request_timeout_s, ..database.settings() }).unwrap();
        refresh::catch_up_all(&context).unwrap();
        let checked = site_check::check(&context, &office, std::slice::from_ref(&asked), &question).map(drop);
        let found = search::search(&context, &office, &wanted).map(drop);
        for outcome in [checked, found] {
            match outcome {
                Ok(()) => assert!(in_time),
                Err(Error::TooLarge { limit, .. }) => assert_eq!((in_time, limit.as_str()), (false, "0 s")),
                Err(other) => panic!("{other}"),
            }
        }
    }
}
