//! Statements that a connection prepares once. diesel prepares anew whatever is plain SQL or an update, for it cannot know
//! how many different texts there will be; ours are constants of the program, and planning them costs more than running them.

use diesel::deserialize::{self, QueryableByName};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::LoadQuery;
use diesel::row::NamedRow;

/// Has the rest of a transaction plan each prepared statement once for a connection. Without it the database plans a statement
/// anew for the values of its first five runs, and for ever where it takes the value to matter; so it is for statements that
/// find rows by their keys, which no value makes slower than another. They go by an index whatever they find: a plan that was
/// made while a table was small would read all of it for as long as nobody analyses that.
pub(super) const PLANNED_ONCE: &str = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off";

/// Has the rest of a transaction plan each statement anew for its values, and read a whole table where that is faster.
pub(super) const PLANNED_BY_VALUES: &str =
    "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = on";

/// A statement whose text is one of few.
#[derive(Debug, Clone, Copy)]
pub struct Prepared<Q>(Q);

/// The statement, prepared once for a connection. Its text must not be made of values.
pub fn prepared<Q>(statement: Q) -> Prepared<Q> {
    Prepared(statement)
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// It is known by its text.
impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Conn> RunQueryDsl<Conn> for Prepared<Q> {}

/// A row that nobody looks at.
#[derive(Debug)]
pub struct Ignored;

impl QueryableByName<Pg> for Ignored {
    fn build<'a>(_: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        Ok(Self)
    }
}

impl<Q> Prepared<Q> {
    /// Runs a statement whose rows say nothing. What diesel has under this name would prepare it anew: it goes by a reference,
    /// which does not pass on what is said here.
    ///
    /// # Errors
    /// The database's.
    pub fn execute<'q>(self, conn: &mut PgConnection) -> QueryResult<()>
    where
        Self: LoadQuery<'q, PgConnection, Ignored>,
    {
        self.load::<Ignored>(conn).map(drop)
    }
}
