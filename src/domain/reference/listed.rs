//! The reference layers there are: what is said of all features of one name and kind.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ReferenceKind;
use crate::domain::word::Visibility;

/// A reference layer: the features of one name and kind in a jurisdiction.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceLayer {
    /// The jurisdiction.
    pub jurisdiction: String,
    /// Its name.
    pub dataset: String,
    /// What its features are.
    pub kind: ReferenceKind,
    /// How many there are.
    pub features: i64,
    /// Where they come from.
    pub sources: Vec<String>,
    /// Under which licences.
    pub licences: Vec<String>,
    /// Who may see them.
    pub visibilities: Vec<Visibility>,
    /// The day of the oldest source; none where a feature states none.
    pub oldest: Option<Date>,
    /// The day of the newest one.
    pub newest: Option<Date>,
}

impl ReferenceLayer {
    /// Days since the oldest of its sources, by the calendar of `zone`; none where one of its features states no day.
    #[must_use]
    pub fn age_days(&self, now: Timestamp, zone: TimeZone) -> Option<i64> {
        let oldest = self.oldest?;
        oldest.until(now.to_zoned(zone).date()).ok().map(|span| i64::from(span.get_days()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_ages_by_the_days_of_its_jurisdiction() {
        let layer = |oldest: Option<&str>| ReferenceLayer {
            jurisdiction: "VN-72".into(),
            dataset: "schools".into(),
            kind: ReferenceKind::School,
            features: 1,
            sources: Vec::new(),
            licences: Vec::new(),
            visibilities: vec![Visibility::Public],
            oldest: oldest.map(|day| day.parse().unwrap()),
            newest: None,
        };
        let there = || TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        // Seven hours before midnight in UTC a day begins there.
        for (oldest, now, zone, days) in [
            (Some("2026-05-31"), "2026-05-31T16:59:59Z", there(), Some(0)),
            (Some("2026-05-31"), "2026-05-31T17:00:00Z", there(), Some(1)),
            (Some("2026-05-31"), "2026-05-31T17:00:00Z", TimeZone::UTC, Some(0)),
            (Some("2025-05-31"), "2026-05-31T17:00:00Z", there(), Some(366)),
            // Somebody dates it later than today.
            (Some("2026-06-03"), "2026-05-31T17:00:00Z", there(), Some(-2)),
            (None, "2026-05-31T17:00:00Z", there(), None),
        ] {
            assert_eq!(layer(oldest).age_days(now.parse().unwrap(), zone), days, "{oldest:?} {now}");
        }
    }
}
