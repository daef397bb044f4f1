//! Bulk: what an import does in the database once its rows are staged. The names in these statements are constants
//! of the program; every value is bound.

mod led;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use jiff_diesel::ToDiesel;
use uuid::Uuid;

use self::led::take_out_led;
use super::{Stored, WriteTx};
use crate::domain::audit::{Change, ChangeKind};
use crate::domain::layer::Layer;
use crate::geometry::Problem;

/// A row on its way into a bulk import.
#[derive(Debug, Clone)]
pub struct Incoming<T> {
    /// Which record of the file it was.
    pub number: i64,
    /// Where it stands there, for a person.
    pub place: String,
    /// Where it belongs.
    pub jurisdiction: String,
    /// Its code was made of its content, for it brings none.
    pub made: bool,
    /// Properties that it does not state: where its code is known, they stay as they are.
    pub kept: Vec<&'static str>,
    /// A new id; kept only where the code is new.
    pub id: Uuid,
    /// The noun.
    pub body: T,
}

/// A record whose code stands in an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The code.
    pub code: String,
    /// Which record of the file it is.
    pub number: i64,
    /// Where it stands.
    pub place: String,
    /// Where the first record with the code stands.
    pub first: String,
    /// Both codes were made of their records: they say the same.
    pub repeated: bool,
}

/// A record taken out of an import because of the feature with its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOut {
    /// The code.
    pub code: String,
    /// Which record of the file it is.
    pub number: i64,
    /// Where it stands.
    pub place: String,
    /// Why.
    pub problem: Problem,
}

/// Whose features a writer does not change, and in which states.
pub struct Refusals<'a> {
    /// Whether he may write features of an organisation.
    pub may_write: &'a dyn Fn(&str) -> bool,
    /// Why he may not write a feature in a state, if so.
    pub decided: &'a dyn Fn(&str) -> Option<String>,
}

/// What a bulk import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merged {
    /// New features.
    pub inserted: i64,
    /// Features that were there and have a new version.
    pub updated: i64,
    /// The organisations that some of these were of before and are not now, in order.
    pub taken_from: Vec<String>,
}

/// Why a writer may not hide a feature from himself: what he sees all of tells him nothing by a code that is taken.
pub const UNSEEN: &str = "is one that you do not see of this organisation";

/// Columns that a merge sets by itself.
const OWN: &[&str] = &["jurisdiction", "id", "version", "revision", "recorded_at"];

#[derive(QueryableByName)]
struct DuplicateRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    first: String,
    #[diesel(sql_type = Bool)]
    repeated: bool,
}

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = Text)]
    organisation: String,
    #[diesel(sql_type = Text)]
    status: String,
}

#[derive(QueryableByName)]
struct OwnerRow {
    #[diesel(sql_type = Text)]
    organisation: String,
}

#[derive(QueryableByName)]
struct TakenOutRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    place: String,
}

#[derive(QueryableByName)]
struct ReversedRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    first: String,
    #[diesel(sql_type = Text)]
    last: String,
    #[diesel(sql_type = Bool)]
    states_first: bool,
}

#[derive(QueryableByName)]
struct MergedRow {
    #[diesel(sql_type = BigInt)]
    inserted: i64,
    #[diesel(sql_type = BigInt)]
    updated: i64,
}

/// That a feature `t` which the writer sees is the one that a staged row `s` means: it has its code and, where several have, its
/// owner. Features that he does not see keep no code from him.
fn meant(table: &str) -> String {
    format!(
        "t.jurisdiction = s.jurisdiction AND t.code = s.code AND (t.organisation = s.organisation OR NOT EXISTS (
             SELECT FROM {table} AS o
             WHERE o.jurisdiction = s.jurisdiction AND o.code = s.code AND o.organisation = s.organisation
         ))"
    )
}

/// Records whose code stands in an earlier one, in their order. All are staged.
pub(super) fn duplicates(tx: &mut WriteTx<'_>, staging: &'static str) -> Stored<Vec<Duplicate>> {
    // Of what it knows nothing of, the planner expects little: it would go through all that is staged for each feature.
    sql_query(format!("ANALYZE {staging} (jurisdiction, code)")).execute(tx.conn)?;
    let rows: Vec<DuplicateRow> = sql_query(format!(
        "SELECT code, number, place, first, repeated FROM (
             SELECT code, number, place, first_value(place) OVER same AS first, row_number() OVER same AS nth,
                 made AND first_value(made) OVER same AS repeated
             FROM {staging} WINDOW same AS (PARTITION BY jurisdiction, code ORDER BY number)
         ) AS numbered WHERE nth > 1 ORDER BY number"
    ))
    .load(tx.conn)?;
    let duplicate = |r: DuplicateRow| {
        let DuplicateRow { code, number, place, first, repeated } = r;
        Duplicate { code, number, place, first, repeated }
    };
    Ok(rows.into_iter().map(duplicate).collect())
}

/// Keeps the first record of each code.
pub(super) fn drop_duplicates(tx: &mut WriteTx<'_>, staging: &'static str) -> Stored<()> {
    sql_query(format!(
        "DELETE FROM {staging} AS d USING (
             SELECT jurisdiction, code, min(number) AS first FROM {staging} GROUP BY jurisdiction, code
         ) AS kept
         WHERE d.jurisdiction = kept.jurisdiction AND d.code = kept.code AND d.number > kept.first"
    ))
    .execute(tx.conn)?;
    Ok(())
}

/// Locks the features of a jurisdiction whose codes are staged, raises its revision, and takes out of the staging
/// table the rows that could mean several features or have the code of another one by `apart`, those of features that the writer
/// may not write, those that he would not see himself, and those that would turn a `period` round. `state` is the column of how far a feature
/// has come, if that matters.
pub(super) fn take_out(
    tx: &mut WriteTx<'_>,
    (table, staging): (&'static str, &'static str),
    (period, state, apart): ([&'static str; 2], Option<&'static str>, &[&'static str]),
    led: &[(&'static str, &'static str)],
    jurisdiction: &str,
    refusals: &Refusals<'_>,
) -> Stored<Vec<TakenOut>> {
    // Features first, then the revision: the order in which every write locks, so that two cannot wait for each other.
    sql_query(format!(
        "SELECT 1 FROM {table} AS t JOIN {staging} AS s USING (jurisdiction, code)
         WHERE jurisdiction = $1 ORDER BY t.id FOR UPDATE OF t"
    ))
    .bind::<Text, _>(jurisdiction)
    .execute(tx.conn)?;
    tx.raise(jurisdiction)?;
    // From here on nobody else writes: what is decided now holds for features that came a moment ago, too.
    let meant = meant(table);
    let mut taken_out = take_out_ambiguous(tx, table, staging, jurisdiction)?;
    if !led.is_empty() {
        taken_out.extend(take_out_led(tx, table, staging, led, jurisdiction)?);
    }
    for column in apart {
        taken_out.extend(take_out_another(tx, table, staging, column, jurisdiction)?);
    }
    let pointer_to_state = format!("/properties/{}", state.unwrap_or("status"));
    let state = state.map_or_else(|| "''::text".to_owned(), |column| format!("t.{column}"));
    let found: Vec<FoundRow> = sql_query(format!(
        "SELECT DISTINCT t.organisation, {state} AS status FROM {table} AS t JOIN {staging} AS s ON {meant} WHERE t.jurisdiction = $1"
    ))
    .bind::<Text, _>(jurisdiction)
    .load(tx.conn)?;
    let mut refused = Vec::new();
    for FoundRow { organisation, status } in found {
        let (pointer, why) = if !(refusals.may_write)(&organisation) {
            // Who the other is, is not said: a code is no way to change, or to learn, what is another's.
            ("/properties/code", None)
        } else if let Some(why) = (refusals.decided)(&status) {
            (pointer_to_state.as_str(), Some(why))
        } else {
            continue;
        };
        let rows: Vec<TakenOutRow> = sql_query(format!(
            "WITH gone AS (
                 DELETE FROM {staging} AS s USING {table} AS t
                 WHERE t.jurisdiction = $1 AND t.organisation = $2 AND {state} = $3 AND {meant}
                 RETURNING s.code, s.number, s.place
             )
             SELECT code, number, place FROM gone ORDER BY number"
        ))
        .bind::<Text, _>(jurisdiction)
        .bind::<Text, _>(organisation)
        .bind::<Text, _>(status)
        .load(tx.conn)?;
        let detail = |code: &str| why.clone().unwrap_or_else(|| format!("«{code}» belongs to another organisation"));
        refused.extend(rows.into_iter().map(|row| row.because(pointer, detail)));
    }
    refused.sort_by_key(|out| out.number);
    taken_out.extend(refused);
    taken_out.extend(take_out_unseen(tx, table, staging, jurisdiction)?);
    taken_out.extend(take_out_reversed(tx, table, staging, period, jurisdiction)?);
    Ok(taken_out)
}

impl TakenOutRow {
    fn because(self, pointer: &str, detail: impl Fn(&str) -> String) -> TakenOut {
        let Self { code, number, place } = self;
        let problem = Problem::new(pointer, detail(&code));
        TakenOut { code, number, place, problem }
    }
}

/// Takes the rows out of the staging table whose code is that of several features, of which none or more than one has the owner
/// of the row: features that were hidden from each other's writers may have one code.
fn take_out_ambiguous(
    tx: &mut WriteTx<'_>,
    table: &'static str,
    staging: &'static str,
    jurisdiction: &str,
) -> Stored<Vec<TakenOut>> {
    let meant = meant(table);
    let rows: Vec<TakenOutRow> = sql_query(format!(
        "WITH gone AS (
             DELETE FROM {staging} WHERE number IN (
                 SELECT s.number FROM {staging} AS s JOIN {table} AS t ON {meant}
                 WHERE t.jurisdiction = $1 GROUP BY s.number HAVING count(*) > 1
             )
             RETURNING code, number, place
         )
         SELECT code, number, place FROM gone ORDER BY number"
    ))
    .bind::<Text, _>(jurisdiction)
    .load(tx.conn)?;
    let several = |code: &str| format!("«{code}» is the code of several features here; change each by its id");
    Ok(rows.into_iter().map(|row| row.because("/properties/code", several)).collect())
}

/// Takes the rows out of the staging table whose code is that of a feature with another value in a column by which features are
/// told apart: two files that count their records alike would overwrite each other.
fn take_out_another(
    tx: &mut WriteTx<'_>,
    table: &'static str,
    staging: &'static str,
    column: &'static str,
    jurisdiction: &str,
) -> Stored<Vec<TakenOut>> {
    let (meant, merged) = (meant(table), merged_value(column));
    let rows: Vec<TakenOutRow> = sql_query(format!(
        "WITH gone AS (
             DELETE FROM {staging} AS s USING {table} AS t WHERE t.jurisdiction = $1 AND {meant} AND {merged} <> t.{column}
             RETURNING s.code, s.number, s.place
         )
         SELECT code, number, place FROM gone ORDER BY number"
    ))
    .bind::<Text, _>(jurisdiction)
    .load(tx.conn)?;
    let another = |code: &str| {
        format!("«{code}» is the code of a feature with another {column}; give this one a code of its own")
    };
    Ok(rows.into_iter().map(|row| row.because("/properties/code", another)).collect())
}

/// Takes the rows out of the staging table that would leave a feature which the writer does not see.
fn take_out_unseen(
    tx: &mut WriteTx<'_>,
    table: &'static str,
    staging: &'static str,
    jurisdiction: &str,
) -> Stored<Vec<TakenOut>> {
    let (meant, visibility) = (meant(table), merged_value("visibility"));
    let rows: Vec<TakenOutRow> = sql_query(format!(
        "WITH gone AS (
             DELETE FROM {staging} WHERE (SELECT sees_all()) IS NOT TRUE AND number IN (
                 SELECT s.number FROM {staging} AS s LEFT JOIN {table} AS t ON {meant}
                 WHERE s.jurisdiction = $1 AND sees(s.jurisdiction, {visibility}, s.organisation) IS NOT TRUE
             )
             RETURNING code, number, place
         )
         SELECT code, number, place FROM gone ORDER BY number"
    ))
    .bind::<Text, _>(jurisdiction)
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.because("/properties/visibility", |_| UNSEEN.to_owned())).collect())
}

/// The value that a property has after the merge, `s` being the staged row and `t` the feature with its code: what is
/// not stated stays.
fn merged_value(column: &str) -> String {
    format!("CASE WHEN t.id IS NOT NULL AND '{column}' = ANY (s.kept) THEN t.{column} ELSE s.{column} END")
}

/// Takes the rows out of the staging table that would leave a feature with a last day before its first one. The door has
/// looked at the days of one record already; here one of the two is that of the register.
fn take_out_reversed(
    tx: &mut WriteTx<'_>,
    table: &'static str,
    staging: &'static str,
    [from, to]: [&'static str; 2],
    jurisdiction: &str,
) -> Stored<Vec<TakenOut>> {
    let (first, last, meant) = (merged_value(from), merged_value(to), meant(table));
    let rows: Vec<ReversedRow> = sql_query(format!(
        "WITH gone AS (
             DELETE FROM {staging} AS s USING {table} AS t WHERE t.jurisdiction = $1 AND {meant} AND {last} < {first}
             RETURNING s.code, s.number, s.place, ({first})::text AS first, ({last})::text AS last,
                 '{from}' <> ALL (s.kept) AS states_first
         )
         SELECT * FROM gone ORDER BY number"
    ))
    .bind::<Text, _>(jurisdiction)
    .load(tx.conn)?;
    let reversed = |row: ReversedRow| {
        let ReversedRow { code, number, place, first, last, states_first } = row;
        let (wrong, detail) = if states_first {
            (from, format!("{first} is after {to} {last}"))
        } else {
            (to, format!("{last} is before {from} {first}"))
        };
        let detail = format!("{detail}, which is registered and not stated here");
        TakenOut { code, number, place, problem: Problem::new(format!("/properties/{wrong}"), detail) }
    };
    Ok(rows.into_iter().map(reversed).collect())
}

/// Brings the staged rows of one jurisdiction into the table, with one bulk change. Of the columns in `properties` a
/// known feature keeps those that its row does not state.
pub(super) fn merge(
    tx: &mut WriteTx<'_>,
    layer: Layer,
    (table, staging): (&'static str, &'static str),
    columns: &[&'static str],
    properties: &[&str],
    jurisdiction: &str,
) -> Stored<Merged> {
    let (revision, recorded_at) = tx.raise(jurisdiction)?;
    let meant = meant(table);
    let taken: Vec<&str> = columns.iter().copied().filter(|c| !OWN.contains(c)).collect();
    let list = taken.join(", ");
    let value = |c: &&str| if properties.contains(c) { merged_value(c) } else { format!("s.{c}") };
    let values = taken.iter().map(value).collect::<Vec<_>>().join(", ");
    let set = taken.iter().map(|c| format!("{c} = EXCLUDED.{c}")).collect::<Vec<_>>().join(", ");
    let differs =
        taken.iter().map(|c| format!("old.{c} IS DISTINCT FROM EXCLUDED.{c}")).collect::<Vec<_>>().join(" OR ");
    let taken_from: Vec<OwnerRow> = sql_query(format!(
        "SELECT DISTINCT t.organisation FROM {table} AS t JOIN {staging} AS s ON {meant}
         WHERE t.jurisdiction = $1 AND t.organisation <> s.organisation ORDER BY t.organisation"
    ))
    .bind::<Text, _>(jurisdiction)
    .load(tx.conn)?;
    // The features were locked and the revision raised when the rows of others were taken out, so what is read of a
    // feature here is what stands there still when its row is written.
    let row: MergedRow = sql_query(format!(
        "WITH merged AS (
             INSERT INTO {table} AS old (jurisdiction, id, version, revision, recorded_at, {list})
             SELECT s.jurisdiction, coalesce(t.id, s.id), 1, $1, $2, {values}
             FROM {staging} AS s LEFT JOIN {table} AS t ON {meant}
             WHERE s.jurisdiction = $3 ORDER BY s.number
             ON CONFLICT (jurisdiction, id) DO UPDATE
             SET version = old.version + 1, revision = EXCLUDED.revision, recorded_at = EXCLUDED.recorded_at, {set}
             WHERE {differs}
             RETURNING (old.xmax = 0) AS is_new
         )
         SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged"
    ))
    .bind::<BigInt, _>(revision)
    .bind::<Timestamptz, _>(recorded_at.to_diesel())
    .bind::<Text, _>(jurisdiction)
    .get_result(tx.conn)?;
    tx.changed(jurisdiction, Change { layer, kind: ChangeKind::Bulk, id: None })?;
    let taken_from = taken_from.into_iter().map(|row| row.organisation).collect();
    Ok(Merged { inserted: row.inserted, updated: row.updated, taken_from })
}
