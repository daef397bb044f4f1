//! A calendar in TOML: a head, a table `[[holiday]]` for each time off, and a table `[[working_day]]` for each day that is
//! worked on though it would be off.

use super::clauses;
use crate::domain::calendar::Calendar;
use crate::geometry::Problem;

/// Reads a calendar.
///
/// # Errors
/// Every problem, each with the line it stands in; of very many the rest is only counted.
pub fn read(bytes: &[u8]) -> Result<Calendar, Vec<Problem>> {
    let written = clauses::read(bytes, &["holiday", "working_day"])?;
    let calendar = Calendar::read(&written.head, &written.tables[0], &written.tables[1]);
    written.finish(calendar)
}
