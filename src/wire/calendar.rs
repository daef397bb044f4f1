//! Calendars as JSON.

use serde_json::{Value as Json, json};

use crate::domain::calendar::{NamedDay, RegisteredCalendar};
use crate::domain::word::Word;

/// A calendar with every day of which it says something.
#[must_use]
pub fn write(registered: &RegisteredCalendar) -> Json {
    let content = registered.calendar.content();
    json!({
        "jurisdiction": registered.jurisdiction,
        "name": content.name,
        "version": content.version,
        "sha256": registered.digest,
        "revision": registered.revision,
        "recorded_at": registered.recorded_at.to_string(),
        "first_year": content.first_year,
        "last_year": content.last_year,
        "weekly_days_off": content.weekly_days_off.iter().map(|day| day.as_str()).collect::<Vec<_>>(),
        "days": content.days.iter().map(day).collect::<Vec<_>>(),
    })
}

fn day(day: &NamedDay) -> Json {
    json!({
        "date": day.date.to_string(),
        "working": day.working,
        "name_vi": day.name_vi,
        "name_en": day.name_en,
        "document": day.document,
        "article": day.article,
        "confidence": day.confidence.as_str(),
        "note": day.note,
    })
}
