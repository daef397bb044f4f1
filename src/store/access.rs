//! How what is known of credentials follows the database.

use diesel::dsl::exists;
use diesel::pg::PgConnection;
use diesel::prelude::*;

use super::schema::audit_events;
use super::{Stored, changes};
use crate::domain::audit::{ACCESS, Deed};
use crate::domain::word::Word;

/// The revision of the chain of access, and whether anybody may less since `after`.
///
/// # Errors
/// The database's.
pub fn since(conn: &mut PgConnection, after: i64) -> Stored<(i64, bool)> {
    let revision = changes::revision(conn, ACCESS)?.unwrap_or(0);
    if revision == after {
        return Ok((revision, false));
    }
    let harmless: Vec<&str> = Deed::TAKES_NOTHING.iter().map(|d| d.as_str()).collect();
    let takes = audit_events::table
        .filter(audit_events::jurisdiction.eq(ACCESS).and(audit_events::revision.gt(after)))
        .filter(audit_events::deed.ne_all(harmless));
    let any: bool = diesel::select(exists(takes)).get_result(conn)?;
    // A database that went back is another one.
    Ok((revision, any || revision < after))
}
