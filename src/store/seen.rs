//! The second wall: a transaction says whose it is, and the database shows it what he sees and nothing else. It says so by a
//! setting that the policies of the tables read (PostgreSQL, "Row Security Policies"); where it is unset there are no features.
//!
//! This is a wall against a forgotten condition, not against foreign SQL: whoever sends statements as the service can set
//! the setting, too.

use std::time::Duration;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Text};

use super::Stored;
use super::prepared::{PLANNED_ONCE, prepared};
use crate::domain::actor::Actor;
use crate::domain::word::Word;
use crate::error::{Error, Result};

/// Makes the rest of this transaction see what `actor` sees.
///
/// # Errors
/// The database's.
pub fn see(conn: &mut PgConnection, actor: &Actor) -> Stored<()> {
    let statement = sql_query("SELECT set_config('clearway.sees', $1::text, true)");
    prepared(statement.bind::<Array<Text>, _>(words(actor))).execute(conn)?;
    Ok(())
}

/// The same, and lets each statement of this transaction take `longest`, or as long as it needs.
pub(super) fn see_at_leisure(conn: &mut PgConnection, actor: &Actor, longest: Option<Duration>) -> Stored<()> {
    let statement =
        sql_query("SELECT set_config('clearway.sees', $1::text, true), set_config('statement_timeout', $2, true)");
    let statement = statement.bind::<Array<Text>, _>(words(actor)).bind::<Text, _>(milliseconds(longest).to_string());
    prepared(statement).execute(conn)?;
    Ok(())
}

/// The beginning of a read-only transaction that sees one state of the database, and every feature, in one message.
pub(super) fn begin_snapshot() -> String {
    let words = words(&Actor::operator()).join("\",\"");
    format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL clearway.sees = '{{\"{words}\"}}'")
}

/// The same of one that lets each statement
/// take `longest`, or as long as it needs, and plans each once. In one message, for every commit is followed by it.
pub(super) fn begin_seeing_all(longest: Option<Duration>) -> String {
    format!("{}; SET LOCAL statement_timeout = {}; {PLANNED_ONCE}", begin_snapshot(), milliseconds(longest))
}

/// How long a statement may take, as the database wants it: no limit is 0, so the least is 1.
fn milliseconds(longest: Option<Duration>) -> u128 {
    longest.map_or(0, |longest| longest.as_millis().max(1))
}

/// What an actor sees, as the function `seen` of the database has it.
fn words(actor: &Actor) -> Vec<String> {
    let everywhere = actor.sight_everywhere();
    let mut words: Vec<String> = everywhere.visibilities.iter().map(|v| format!("* {}", v.as_str())).collect();
    words.extend(everywhere.organisation.iter().map(|owner| format!("* @{owner}")));
    // What an organisation is asked about those of its people see who serve there.
    let served = actor.jurisdictions.as_ref().map_or_else(|| vec!["*"], |all| all.iter().map(String::as_str).collect());
    let asked = everywhere.organisation.iter().flat_map(|own| served.iter().map(move |code| format!("{code} ?{own}")));
    words.extend(asked);
    for code in actor.jurisdictions.iter().flatten() {
        let more = actor.sight(code).visibilities.into_iter().filter(|v| !everywhere.visibilities.contains(v));
        words.extend(more.map(|v| format!("{code} {}", v.as_str())));
    }
    words
}

/// Refuses a connection for which there is no wall: a superuser's, that of the role that owns the tables, or that of a member of
/// such a role, for whatever one is a member of one may become.
///
/// # Errors
/// [`Error::Internal`] with what to do, and the database's.
pub(super) fn require_wall(conn: &mut PgConnection) -> Stored<Result<()>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Bool)]
        bypasses: bool,
        #[diesel(sql_type = Bool)]
        owns: bool,
        #[diesel(sql_type = Bool)]
        creates: bool,
    }
    let row: Row = sql_query(
        "SELECT r.rolname::text AS name, bool_or(
             m.rolsuper OR m.rolbypassrls
             OR m.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
         ) AS bypasses, EXISTS (
             SELECT FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
                 AND pg_has_role(r.oid, c.relowner, 'MEMBER')
         ) AS owns, bool_or(
             m.rolcreaterole OR coalesce(has_schema_privilege(m.oid, current_schema(), 'CREATE'), false)
         ) AS creates
         FROM pg_roles AS r JOIN pg_roles AS m ON pg_has_role(r.oid, m.oid, 'MEMBER')
         WHERE r.rolname = session_user GROUP BY r.oid, r.rolname",
    )
    .get_result(conn)?;
    let why = match row {
        Row { bypasses: true, .. } => {
            "is a superuser or has BYPASSRLS or the files of the server, or may become a role that does,"
        }
        Row { owns: true, .. } => "owns the tables, or may become the role that does",
        Row { creates: true, .. } => {
            "may create roles, or functions in the schema of the tables, or become a role that may"
        }
        _ => return Ok(Ok(())),
    };
    Ok(Err(Error::Internal(format!(
        "the role «{}» of DATABASE_URL {why}, so row-level security would not hold it: connect as clearway_service or as a \
         member of it, and give the other address to «clearway migrate» alone, as MIGRATION_DATABASE_URL",
        row.name
    ))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::actor::Role;

    #[test]
    fn words_are_those_of_the_sight() {
        let actor = |role, jurisdictions: Option<&[&str]>| Actor {
            name: "someone".into(),
            organisation: Some("vnpt".into()),
            roles: vec![role],
            jurisdictions: jurisdictions.map(|all| all.iter().map(|&code| code.to_owned()).collect()),
        };
        let check = |actor: &Actor, expect: &[&str]| assert_eq!(words(actor), expect, "{actor:?}");
        check(&Actor::public(), &["* public"]);
        check(&Actor::operator(), &["* public", "* carriers", "* government", "* restricted"]);
        check(&actor(Role::Carrier, None), &["* public", "* carriers", "* @vnpt", "* ?vnpt"]);
        check(
            &actor(Role::Carrier, Some(&["VN-72", "VN-35"])),
            &["* public", "* @vnpt", "VN-72 ?vnpt", "VN-35 ?vnpt", "VN-72 carriers", "VN-35 carriers"],
        );
        check(&actor(Role::ProjectOwner, Some(&["VN-72"])), &["* public", "* @vnpt", "VN-72 ?vnpt"]);
    }
}
