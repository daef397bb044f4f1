//! By what cases are judged and counted: read again only where another calendar was set or another pack loaded since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::prepared::prepared;
use super::{Stored, WriteTx, calendar, rules};
use crate::domain::calendar::{Calendar, RegisteredCalendar};
use crate::domain::rules::Parameter;

/// By what the cases of a jurisdiction are judged and counted.
#[derive(Debug, Clone, Default)]
pub struct CaseRules {
    /// The days on which its offices work, where a calendar is set.
    pub calendar: Option<RegisteredCalendar>,
    /// The parameters of cases in its pack.
    pub parameters: Vec<Arc<Parameter>>,
}

impl CaseRules {
    /// The days that are counted, where a calendar says them.
    #[must_use]
    pub fn days(&self) -> Option<&Calendar> {
        self.calendar.as_ref().map(|set| &set.calendar)
    }
}

/// What was read last, by jurisdiction.
#[derive(Default)]
pub struct KeptCaseRules(Mutex<HashMap<String, (Stamp, Arc<CaseRules>)>>);

/// Which calendar and which pack: a file in a revision, which a database that was restored may have given twice, at a moment, which
/// it has not. Days and parameters change with their calendar and pack alone: whatever changes them otherwise, a migration, say, has to
/// move the moment of these, too.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
struct Stamp {
    #[diesel(sql_type = Nullable<Text>)]
    calendar_digest: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    calendar_revision: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    calendar_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    pack_digest: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pack_revision: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pack_at: Option<jiff_diesel::Timestamp>,
}

impl KeptCaseRules {
    /// Those by which a jurisdiction judges and counts, as the transaction sees it: both are read in one state of the database only
    /// inside one that keeps to it, or that has raised the revision of the jurisdiction.
    ///
    /// # Errors
    /// The database's.
    pub fn of(&self, conn: &mut PgConnection, jurisdiction: &str) -> Stored<Arc<CaseRules>> {
        let statement = sql_query(
            "SELECT c.digest AS calendar_digest, c.revision AS calendar_revision, c.recorded_at AS calendar_at,
                 p.digest AS pack_digest, p.revision AS pack_revision, p.recorded_at AS pack_at
             FROM (VALUES ($1)) AS asked (jurisdiction)
             LEFT JOIN calendars AS c USING (jurisdiction) LEFT JOIN rule_packs AS p USING (jurisdiction)",
        )
        .bind::<Text, _>(jurisdiction);
        let stamp: Stamp = prepared(statement).get_result(conn)?;
        if let Some((_, kept)) = self.kept().get(jurisdiction).filter(|(of, _)| *of == stamp) {
            return Ok(Arc::clone(kept));
        }
        let calendar = calendar::list(conn, Some(jurisdiction))?.pop();
        let read = Arc::new(CaseRules { calendar, parameters: rules::of_cases(conn, jurisdiction)? });
        self.kept().insert(jurisdiction.to_owned(), (stamp, Arc::clone(&read)));
        Ok(read)
    }

    /// The same inside a write.
    ///
    /// # Errors
    /// The database's.
    pub fn of_in(&self, tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<Arc<CaseRules>> {
        self.of(tx.conn, jurisdiction)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, (Stamp, Arc<CaseRules>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
