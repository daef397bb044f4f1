//! Due dates as a calendar (iCalendar, RFC 5545): one event of a whole day for each case that has one.

use icalendar::{Calendar, Component, Event, Property};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::site_request::{Filed, WORD};
use crate::domain::word::Word;

/// How often those who follow the calendar look again (RFC 7986, section 5.7).
const REFRESH: &str = "PT1H";

fn moment(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The days on which requests are due. `base` is the address of the server.
#[must_use]
pub fn due_dates<'f>(filed: impl Iterator<Item = (&'f Filed, Date)>, base: &str) -> String {
    let mut calendar = Calendar::new();
    calendar
        .name("Clearway")
        .append_property(Property::new("REFRESH-INTERVAL", REFRESH).append_parameter(("VALUE", "DURATION")).done());
    for (request, due) in filed {
        let props = &request.body.props;
        let called = props.code.clone().unwrap_or_else(|| request.id.to_string());
        let receipt = request.receipt.as_ref().map(|receipt| format!("{receipt}\n")).unwrap_or_default();
        let day =
            Property::new("DTSTART", due.strftime("%Y%m%d").to_string()).append_parameter(("VALUE", "DATE")).done();
        let event = Event::new()
            .uid(&format!("{}@{}", request.id, request.jurisdiction))
            .summary(&format!("{called}: {}", request.state.as_str()))
            .description(&format!("{receipt}{WORD} of {} in {}", props.organisation, request.jurisdiction))
            .url(&format!("{base}/ogc/collections/site-requests/items/{}", request.id))
            .sequence(request.version.unsigned_abs())
            .add_property("DTSTAMP", moment(request.recorded_at))
            .add_property("LAST-MODIFIED", moment(request.recorded_at))
            .add_property("TRANSP", "TRANSPARENT")
            .append_property(day)
            .done();
        calendar.push(event);
    }
    calendar.to_string()
}
