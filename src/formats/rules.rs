//! A rule pack in TOML: a head, and one table `[[parameter]]` after the other.

use super::clauses;
use crate::domain::rules::RulePack;
use crate::geometry::Problem;

pub use clauses::BYTES_MAX;

/// Reads a rule pack.
///
/// # Errors
/// Every problem, each with the line it stands in; of very many the rest is only counted.
pub fn read(bytes: &[u8]) -> Result<RulePack, Vec<Problem>> {
    let written = clauses::read(bytes, &["parameter"])?;
    let pack = RulePack::read(&written.head, &written.tables[0]);
    written.finish(pack)
}
