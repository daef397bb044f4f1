//! A large import against a plain COPY.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use clearway::domain::jurisdiction::Jurisdiction;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::report::{Comparison, Report, Side};
use crate::setup::{Database, Folder};
use crate::{Failed, Size};

/// How much of the speed of a plain COPY an import has to reach: it checks, projects and stages as well.
const TARGET: f64 = 0.25;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Imports the works, then copies the same rows into a table like theirs.
pub fn compare(
    report: &mut Report,
    database: &Database,
    conn: &mut PgConnection,
    folder: &Folder,
    file: &Path,
    jurisdiction: &Jurisdiction,
    size: Size,
) -> Result<(), Failed> {
    let ours = database.import("works", file, jurisdiction)?;
    // The database writes the file, as another user.
    let exchange = folder.0.join("exchange");
    fs::create_dir_all(&exchange)?;
    fs::set_permissions(&exchange, fs::Permissions::from_mode(0o777))?;
    let rows = exchange.join("works.bin");
    conn.batch_execute(&format!("COPY works TO '{}' (FORMAT binary)", rows.display()))?;
    conn.batch_execute("CREATE TABLE copied (LIKE works INCLUDING ALL)")?;
    conn.batch_execute("ALTER TABLE copied ADD FOREIGN KEY (jurisdiction) REFERENCES jurisdictions (code)")?;
    let begun = Instant::now();
    conn.batch_execute(&format!("COPY copied FROM '{}' (FORMAT binary)", rows.display()))?;
    let peer = begun.elapsed().as_secs_f64();
    let copied: Count = diesel::sql_query("SELECT count(*) AS count FROM copied").get_result(conn)?;
    conn.batch_execute("DROP TABLE copied")?;
    fs::remove_dir_all(&exchange)?;
    report.add(Comparison {
        name: "scale-import",
        ours: Side::figure("clearway import, from the file to the commit", ours * 1e3, "ms"),
        peer: Some(Side::figure("COPY of the same rows, the same indexes", peer * 1e3, "ms")),
        target: Some(TARGET),
        equal: Some(copied.count == i64::try_from(size.works)?),
    });
    Ok(())
}
