//! What works and corridors share in the database: list, find, lock, insert, update, delete, and rows for the index.
//! The two nouns differ in their columns alone; `records!` writes the queries for each table.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as UuidSql};
use uuid::Uuid;

use super::followed::Followed;
use super::import::{Duplicate, Incoming, Merged, Refusals, TakenOut};
use super::schema::sql_types::Geometry as GeometrySql;
use super::shape::Shape;
use super::version::Versions;
use super::{Failure, Stored, WriteTx};
use crate::domain::actor::Sight;
use crate::domain::conflict::Facts;
use crate::domain::feature::Registered;
use crate::domain::rules::LandKind;
use crate::domain::word::Word;
use crate::error::Error;
use crate::geometry::{Bounds, Coord, Epsg, Geometry, Grid, MultiLineString};

/// Which features a list asks for.
#[derive(Debug, Clone)]
pub struct ListFilter {
    /// What the asker sees, by jurisdictions; features of others are not listed.
    pub sights: Vec<(Vec<String>, Sight)>,
    /// Boxes in WGS 84, one of which the shape must meet; none: everywhere.
    pub boxes: Vec<Bounds>,
    /// Only ids after this one.
    pub after: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

impl ListFilter {
    /// The boxes as shapes. One without width or height is a line or a point: as a polygon it would be invalid, and
    /// meet nothing.
    #[must_use]
    pub fn areas(&self) -> Vec<Shape> {
        let shape = |b: &Bounds| {
            let (min, max) = (Coord { x: b.min[0], y: b.min[1] }, Coord { x: b.max[0], y: b.max[1] });
            let geometry = match (min.x < max.x, min.y < max.y) {
                (true, true) => Geometry::Polygon(geo_types::Rect::new(min, max).to_polygon()),
                (false, false) => Geometry::Point(min.into()),
                _ => Geometry::LineString(vec![min, max].into()),
            };
            Shape::new(geometry, Epsg::WGS84)
        };
        self.boxes.iter().map(shape).collect()
    }
}

/// Ids of the features that the transaction sees and whose shape meets one of the boxes, in their order. The database finds
/// them by a function of its own: a policy keeps what is no function of PostgreSQL from an index.
pub(super) fn meeting(conn: &mut PgConnection, table: &'static str, filter: &ListFilter) -> Stored<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = UuidSql)]
        id: Uuid,
    }
    let places: Vec<&String> = filter.sights.iter().flat_map(|(codes, _)| codes).collect();
    let rows: Vec<Row> = sql_query("SELECT id FROM features_meeting($1, $2, $3, $4, $5) AS id")
        .bind::<Text, _>(table)
        .bind::<Array<Text>, _>(places)
        .bind::<Array<GeometrySql>, _>(filter.areas())
        .bind::<Nullable<UuidSql>, _>(filter.after)
        .bind::<BigInt, _>(filter.limit)
        .load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// What the index needs of a row.
#[derive(Debug, Clone)]
pub struct IndexRow {
    /// What a check needs to know.
    pub facts: Facts,
    /// The shape on the working grid.
    pub grid: Grid<Geometry<f64>>,
    /// The line it was drawn by.
    pub centreline: Option<Grid<MultiLineString<f64>>>,
    /// What rules ask of it where it is land.
    pub land: Option<LandKind>,
}

/// A noun with a table.
pub trait Records: Versions + Followed {
    /// Features by ascending id.
    ///
    /// # Errors
    /// The database's.
    fn list(conn: &mut PgConnection, filter: &ListFilter) -> Stored<Vec<Registered<Self>>>;

    /// One feature.
    ///
    /// # Errors
    /// The database's.
    fn find(conn: &mut PgConnection, id: Uuid) -> Stored<Option<Registered<Self>>>;

    /// Several features; those that are not there are left out.
    ///
    /// # Errors
    /// The database's.
    fn find_many(conn: &mut PgConnection, ids: &[Uuid]) -> Stored<Vec<Registered<Self>>>;

    /// One feature of a jurisdiction, locked until the transaction ends.
    ///
    /// # Errors
    /// The database's.
    fn lock(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid) -> Stored<Option<Registered<Self>>>;

    /// Stores a new feature as version 1.
    ///
    /// # Errors
    /// [`Error::CodeTaken`], and the database's.
    fn insert(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid, body: Self) -> Stored<Registered<Self>>;

    /// Stores `body` as the next version of `old`, if that is still the present one.
    ///
    /// # Errors
    /// [`Error::Changed`], [`Error::CodeTaken`], and the database's.
    fn update(tx: &mut WriteTx<'_>, old: &Registered<Self>, body: Self) -> Stored<Registered<Self>>;

    /// Deletes `old`, if that is still the present version.
    ///
    /// # Errors
    /// [`Error::Changed`], and the database's.
    fn delete(tx: &mut WriteTx<'_>, old: &Registered<Self>) -> Stored<()>;

    /// Makes the staging table of an import; it ends with the transaction.
    ///
    /// # Errors
    /// The database's.
    fn stage(tx: &mut WriteTx<'_>) -> Stored<()>;

    /// Copies rows into the staging table.
    ///
    /// # Errors
    /// The database's.
    fn copy(tx: &mut WriteTx<'_>, rows: Vec<Incoming<Self>>) -> Stored<()>;

    /// Records of the staging table whose code stands in an earlier one.
    ///
    /// # Errors
    /// The database's.
    fn duplicates(tx: &mut WriteTx<'_>) -> Stored<Vec<Duplicate>>;

    /// Drops all but the first of each code from the staging table.
    ///
    /// # Errors
    /// The database's.
    fn drop_duplicates(tx: &mut WriteTx<'_>) -> Stored<()>;

    /// The jurisdictions in the staging table, in order.
    ///
    /// # Errors
    /// The database's.
    fn staged_jurisdictions(tx: &mut WriteTx<'_>) -> Stored<Vec<String>>;

    /// The organisations of the staged rows of a jurisdiction, in order, the first `limit` of them.
    ///
    /// # Errors
    /// The database's.
    fn staged_organisations(tx: &mut WriteTx<'_>, jurisdiction: &str, limit: u32) -> Stored<Vec<String>>;

    /// Locks the features of a jurisdiction whose codes are staged, raises its revision, and takes out of the staging
    /// table what would change a feature that the writer may not write, or leave one with a period that ends before it begins.
    ///
    /// # Errors
    /// The database's.
    fn take_out(tx: &mut WriteTx<'_>, jurisdiction: &str, refusals: &Refusals<'_>) -> Stored<Vec<TakenOut>>;

    /// Brings the staged rows of one jurisdiction, after [`Records::take_out`], into the table. Features with a known code
    /// become a new version, with what a row does not state as it was; equal ones stay as they are.
    ///
    /// # Errors
    /// The database's.
    fn merge(tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<Merged>;
}

/// The word in a text column.
pub(super) fn word<W: Word>(text: &str) -> Stored<W> {
    W::parse(text).ok_or_else(|| Failure::Ours(Error::Internal(format!("«{text}» is not a word we store"))))
}

/// The word in a nullable text column.
pub(super) fn optional_word<W: Word>(text: Option<&str>) -> Stored<Option<W>> {
    text.map(word).transpose()
}

/// A `MultiLineString` out of a row.
pub(super) fn lines(shape: Shape) -> Stored<MultiLineString<f64>> {
    match shape.geometry {
        Geometry::MultiLineString(m) => Ok(m),
        Geometry::LineString(l) => Ok(MultiLineString(vec![l])),
        _ => Err(Failure::Ours(Error::Internal("a centreline that is no line".into()))),
    }
}

/// An EPSG code out of an integer column.
pub(super) fn epsg(code: i32) -> Stored<Epsg> {
    u32::try_from(code).map(Epsg).map_err(|_| Failure::Ours(Error::Internal(format!("EPSG:{code} in a row"))))
}

/// An EPSG code for an integer column.
pub(super) fn srid(code: Epsg) -> i32 {
    i32::try_from(code.0).unwrap_or(0)
}

/// Declares the row of a table twice: for the table itself, whose history has the same columns, and for the staging table
/// of an import.
macro_rules! rows {
    ($table:ident, $Row:ident; $history:ident; $staging:ident, $Staged:ident { $($field:ident: $ty:ty,)+ }) => {
        #[derive(diesel::Queryable, diesel::Selectable, diesel::Insertable, diesel::AsChangeset)]
        #[diesel(table_name = $table, treat_none_as_null = true, treat_none_as_default_value = false)]
        #[diesel(check_for_backend(diesel::pg::Pg))]
        struct $Row { $($field: $ty,)+ }

        #[derive(diesel::Insertable)]
        #[diesel(table_name = $staging, treat_none_as_default_value = false)]
        struct $Staged { number: i64, place: String, made: bool, kept: Vec<&'static str>, $($field: $ty,)+ }

        impl $Staged {
            fn new(number: i64, place: String, made: bool, kept: Vec<&'static str>, row: $Row) -> Self {
                Self { number, place, made, kept, $($field: row.$field,)+ }
            }
        }

        fn ended_columns() -> ($($history::$field,)+) {
            ($($history::$field,)+)
        }

        /// The columns that an import takes from the staging table as they are.
        const COLUMNS: &[&str] = &[$(stringify!($field)),+];
    };
}
pub(super) use rows;

/// Writes [`Records`] for a noun whose file has `to_row`, `to_feature`, `INDEX_COLUMNS`-like `index_row` at hand.
macro_rules! records {
    ($Noun:ty, $table:ident, $Row:ident, $staging:ident, $Staged:ident) => {
        /// Another feature that the writer sees has the code of this one; after the revision was raised, so that it stays true.
        fn code_is_taken(tx: &mut WriteTx<'_>, row: &$Row) -> Stored<bool> {
            let others = $table::table
                .filter($table::jurisdiction.eq(&row.jurisdiction).and($table::code.eq(&row.code)))
                .filter($table::id.ne(row.id));
            Ok(diesel::select(diesel::dsl::exists(others)).get_result(tx.conn)?)
        }

        impl Records for $Noun {
            fn list(conn: &mut PgConnection, filter: &ListFilter) -> Stored<Vec<Registered<Self>>> {
                let mut query = $table::table.select($Row::as_select()).into_boxed::<Pg>();
                let mut visible: Option<Box<dyn BoxableExpression<$table::table, Pg, SqlType = Bool>>> = None;
                for (jurisdictions, sight) in &filter.sights {
                    let words: Vec<&'static str> = sight.visibilities.iter().map(|v| v.as_str()).collect();
                    let owner = sight.organisation.clone().unwrap_or_default();
                    let these = $table::jurisdiction
                        .eq_any(jurisdictions.clone())
                        .and($table::visibility.eq_any(words).or($table::organisation.eq(owner)));
                    visible = Some(match visible {
                        None => Box::new(these),
                        Some(others) => Box::new(others.or(these)),
                    });
                }
                let Some(visible) = visible else { return Ok(Vec::new()) };
                query = query.filter(visible);
                if !filter.boxes.is_empty() {
                    query = query.filter($table::id.eq_any(records::meeting(conn, stringify!($table), filter)?));
                }
                if let Some(after) = filter.after {
                    query = query.filter($table::id.gt(after));
                }
                let rows = query.order($table::id.asc()).limit(filter.limit).load(conn)?;
                rows.into_iter().map(to_feature).collect()
            }

            fn find(conn: &mut PgConnection, id: Uuid) -> Stored<Option<Registered<Self>>> {
                let row = $table::table.filter($table::id.eq(id)).select($Row::as_select()).first(conn).optional()?;
                row.map(to_feature).transpose()
            }

            fn find_many(conn: &mut PgConnection, ids: &[Uuid]) -> Stored<Vec<Registered<Self>>> {
                let rows = $table::table.filter($table::id.eq_any(ids)).select($Row::as_select()).load(conn)?;
                rows.into_iter().map(to_feature).collect()
            }

            fn lock(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid) -> Stored<Option<Registered<Self>>> {
                let row = $table::table
                    .find((jurisdiction, id))
                    .select($Row::as_select())
                    .for_update()
                    .first(tx.conn)
                    .optional()?;
                row.map(to_feature).transpose()
            }

            fn insert(tx: &mut WriteTx<'_>, jurisdiction: &str, id: Uuid, body: Self) -> Stored<Registered<Self>> {
                let (revision, recorded_at) = tx.raise(jurisdiction)?;
                let new =
                    Registered { jurisdiction: jurisdiction.to_owned(), id, version: 1, revision, recorded_at, body };
                let row = to_row(&new);
                if code_is_taken(tx, &row)? {
                    return Err(Error::CodeTaken(row.code).into());
                }
                let insert = diesel::insert_into($table::table)
                    .values(row)
                    .returning((audit::present_digest(stringify!($table)), index_columns()));
                let (began, row): (Vec<u8>, _) = prepared(insert).get_result(tx.conn)?;
                tx.versions(jurisdiction, id, None, Some(audit::digest(&began)?))?;
                tx.changed_one(jurisdiction, (Self::LAYER, ChangeKind::Insert, id), Some(index_row(row)?))?;
                Ok(new)
            }

            fn update(tx: &mut WriteTx<'_>, old: &Registered<Self>, body: Self) -> Stored<Registered<Self>> {
                let (revision, recorded_at) = tx.raise(&old.jurisdiction)?;
                let new = Registered {
                    jurisdiction: old.jurisdiction.clone(),
                    id: old.id,
                    version: old.version + 1,
                    revision,
                    recorded_at,
                    body,
                };
                let row = to_row(&new);
                // Of another owner or visibility it may be among others, who have that code.
                let among = |of: &Registered<Self>| {
                    let props = of.body.props();
                    let (code, owner) = (<$Noun>::code(props), <$Noun>::organisation(props));
                    (code.map(str::to_owned), owner.to_owned(), <$Noun>::visibility(props))
                };
                if among(old) != among(&new) && code_is_taken(tx, &row)? {
                    return Err(Error::CodeTaken(row.code).into());
                }
                let target = $table::table.find((&old.jurisdiction, old.id)).filter($table::version.eq(old.version));
                let update = diesel::update(target)
                    .set(row)
                    .returning((audit::present_digest(stringify!($table)), index_columns()));
                let began: Option<(Vec<u8>, _)> = prepared(update).get_result(tx.conn).optional()?;
                let Some((began, row)) = began else {
                    return Err(Error::Changed("the feature was changed meanwhile".into()).into());
                };
                let ended = audit::ended_digest(tx.conn, stringify!($table), &old.jurisdiction, old.id, old.version)?;
                tx.versions(&old.jurisdiction, old.id, Some(ended), Some(audit::digest(&began)?))?;
                let change = (Self::LAYER, ChangeKind::Update, old.id);
                tx.changed_one(&old.jurisdiction, change, Some(index_row(row)?))?;
                Ok(new)
            }

            fn delete(tx: &mut WriteTx<'_>, old: &Registered<Self>) -> Stored<()> {
                tx.raise(&old.jurisdiction)?;
                let target = $table::table.find((&old.jurisdiction, old.id)).filter($table::version.eq(old.version));
                let delete = diesel::delete(target).returning(audit::present_digest(stringify!($table)));
                let ended: Option<Vec<u8>> = prepared(delete).get_result(tx.conn).optional()?;
                let Some(ended) = ended else {
                    return Err(Error::Changed("the feature was changed meanwhile".into()).into());
                };
                tx.versions(&old.jurisdiction, old.id, Some(audit::digest(&ended)?), None)?;
                tx.changed_one(&old.jurisdiction, (Self::LAYER, ChangeKind::Delete, old.id), None)
            }

            fn stage(tx: &mut WriteTx<'_>) -> Stored<()> {
                tx.conn.batch_execute(concat!(
                    "SET LOCAL statement_timeout = 0; CREATE TEMP TABLE ",
                    stringify!($staging),
                    " (number bigint NOT NULL, place text NOT NULL, made boolean NOT NULL, kept text[] NOT NULL, LIKE ",
                    stringify!($table),
                    ") ON COMMIT DROP"
                ))?;
                Ok(())
            }

            fn copy(tx: &mut WriteTx<'_>, rows: Vec<Incoming<Self>>) -> Stored<()> {
                let rows: Vec<$Staged> = rows
                    .into_iter()
                    .map(|Incoming { number, place, made, kept, jurisdiction, id, body }| {
                        let (version, revision, recorded_at) = (1, 0, jiff::Timestamp::UNIX_EPOCH);
                        let feature = Registered { jurisdiction, id, version, revision, recorded_at, body };
                        $Staged::new(number, place, made, kept, to_row(&feature))
                    })
                    .collect();
                diesel::copy_from($staging::table).from_insertable(rows).execute(tx.conn)?;
                Ok(())
            }

            fn duplicates(tx: &mut WriteTx<'_>) -> Stored<Vec<crate::store::import::Duplicate>> {
                import::duplicates(tx, stringify!($staging))
            }

            fn drop_duplicates(tx: &mut WriteTx<'_>) -> Stored<()> {
                import::drop_duplicates(tx, stringify!($staging))
            }

            fn staged_jurisdictions(tx: &mut WriteTx<'_>) -> Stored<Vec<String>> {
                Ok($staging::table
                    .select($staging::jurisdiction)
                    .distinct()
                    .order($staging::jurisdiction.asc())
                    .load(tx.conn)?)
            }

            fn staged_organisations(tx: &mut WriteTx<'_>, jurisdiction: &str, limit: u32) -> Stored<Vec<String>> {
                let (of, all) =
                    ($staging::organisation, $staging::table.filter($staging::jurisdiction.eq(jurisdiction)));
                Ok(all.select(of).distinct().order(of.asc()).limit(i64::from(limit)).load(tx.conn)?)
            }

            fn take_out(
                tx: &mut WriteTx<'_>,
                jurisdiction: &str,
                refusals: &crate::store::import::Refusals<'_>,
            ) -> Stored<Vec<crate::store::import::TakenOut>> {
                let tables = (stringify!($table), stringify!($staging));
                let state = Self::OWNERS_STATES.map(|_| Self::STATE);
                import::take_out(
                    tx,
                    tables,
                    (Self::PERIOD, state, Self::TOLD_APART_BY),
                    Self::LED,
                    jurisdiction,
                    refusals,
                )
            }

            fn merge(tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<Merged> {
                let tables = (stringify!($table), stringify!($staging));
                import::merge(tx, Self::LAYER, tables, COLUMNS, Self::KNOWN, jurisdiction)
            }
        }
    };
}
pub(super) use records;
