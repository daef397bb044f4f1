//! Organisations in rows.

use diesel::dsl::exists;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Text};

use super::prepared::prepared;
use super::records::word;
use super::schema::organisations;
use super::{Stored, WriteTx, access};
use crate::domain::audit::Thing;
use crate::domain::organisation::{Organisation, OrganisationKind};
use crate::domain::word::Word;

type Row = (String, String, String);

/// Every organisation, by code.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection) -> Stored<Vec<Organisation>> {
    let rows: Vec<Row> = organisations::table.order(organisations::code.asc()).load(conn)?;
    rows.into_iter().map(of).collect()
}

/// There is an organisation of this code.
///
/// # Errors
/// The database's.
pub fn is_registered(conn: &mut PgConnection, code: &str) -> Stored<bool> {
    Ok(diesel::select(exists(organisations::table.find(code))).get_result(conn)?)
}

/// Codes of the organisations of these kinds that serve a jurisdiction, inside a write: those of whose accounts one is for it, and
/// those that have none, whose people sign in elsewhere.
///
/// # Errors
/// The database's.
pub fn serving(tx: &mut WriteTx<'_>, kinds: &[OrganisationKind], jurisdiction: &str) -> Stored<Vec<String>> {
    #[derive(QueryableByName)]
    struct CodeRow {
        #[diesel(sql_type = Text)]
        code: String,
    }
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let statement = sql_query(
        "SELECT o.code FROM organisations AS o WHERE o.kind = ANY ($1)
             AND (NOT EXISTS (SELECT FROM accounts AS a WHERE a.organisation = o.code)
                 OR EXISTS (SELECT FROM accounts AS a WHERE a.organisation = o.code AND NOT a.disabled
                     AND (a.jurisdictions IS NULL OR $2 = ANY (a.jurisdictions))))
         ORDER BY o.code",
    )
    .bind::<Array<Text>, _>(kinds)
    .bind::<Text, _>(jurisdiction);
    let rows: Vec<CodeRow> = prepared(statement).load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.code).collect())
}

/// One organisation, inside a write.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut WriteTx<'_>, code: &str) -> Stored<Option<Organisation>> {
    let row: Option<Row> = organisations::table.find(code).first(tx.conn).optional()?;
    row.map(of).transpose()
}

/// Adds an organisation.
///
/// # Errors
/// [`Error::Taken`](crate::error::Error::Taken), and the database's.
pub fn insert(tx: &mut WriteTx<'_>, organisation: &Organisation) -> Stored<()> {
    access::touch(tx, Thing::Organisation, &organisation.code)?;
    diesel::insert_into(organisations::table)
        .values((
            organisations::code.eq(&organisation.code),
            organisations::name.eq(&organisation.name),
            organisations::kind.eq(organisation.kind.as_str()),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Writes name and kind of an organisation.
///
/// # Errors
/// The database's.
pub fn update(tx: &mut WriteTx<'_>, organisation: &Organisation) -> Stored<()> {
    access::touch(tx, Thing::Organisation, &organisation.code)?;
    diesel::update(organisations::table.find(&organisation.code))
        .set((organisations::name.eq(&organisation.name), organisations::kind.eq(organisation.kind.as_str())))
        .execute(tx.conn)?;
    Ok(())
}

fn of((code, name, kind): Row) -> Stored<Organisation> {
    Ok(Organisation { code, name, kind: word(&kind)? })
}
