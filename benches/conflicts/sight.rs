//! What it costs that not everybody sees everything, and that it is written down who was shown what is restricted.

use std::collections::BTreeSet;

use clearway::actions::restricted_read::Writing;
use clearway::actions::{Context, refresh};
use clearway::config::Settings;
use clearway::domain::actor::{Actor, Role};
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;

use crate::Failed;
use crate::checks::{Subjects, blocks, complete};
use crate::report::{Comparison, Report, Side, Times};
use crate::{reads, sql};

/// The rate of a check with the filter, of that without.
const TARGET: f64 = 0.9;

/// Of so many works one is restricted: enough that nearly every road meets a cell with one.
const ONE_OF: usize = 50;

/// The same in a quick run, which would meet none.
const ONE_OF_FEW: usize = 5;

/// A run of fewer checks is a quick one.
const FEW: usize = 100;

/// Checks by a carrier who does not see some works against the same checks where nothing is hidden from anybody, and so nothing
/// is noted.
pub fn all(
    report: &mut Report,
    settings: Settings,
    conn: &mut PgConnection,
    subjects: &Subjects,
) -> Result<(), Failed> {
    // As it was before anything was hidden, and as nobody follows it, as it stays.
    let open = Context::connect(settings.clone())?;
    refresh::catch_up_all(&open)?;
    let one_of = if subjects.len() < FEW { ONE_OF_FEW } else { ONE_OF };
    conn.batch_execute(&format!(
        "UPDATE works SET visibility = 'restricted' WHERE abs(hashtext(id::text)) % {one_of} = 0"
    ))?;
    conn.batch_execute("VACUUM (ANALYZE) works")?;
    // The limit of notices would answer for the cells.
    let context = Context::connect(Settings { notice_cells_per_hour: 1_000_000, ..settings })?;
    refresh::catch_up_all(&context)?;
    // Or the office would write its rows one by one.
    let writing = Writing::begin(&context)?;
    let carrier = Actor {
        name: "carrier".into(),
        organisation: Some("another".into()),
        roles: vec![Role::Carrier],
        jurisdictions: None,
    };
    let office = Actor::operator();
    let (mut ours, mut peer, mut equal) = (Times::default(), Times::default(), true);
    let (mut told, mut hidden) = (0, 0);
    for n in 0..subjects.len().min(400) {
        subjects.check_as(&open, &office, n)?;
        subjects.check_as(&context, &carrier, n)?;
    }
    for block in blocks(subjects.len()) {
        let mut of_office = Vec::new();
        for n in block.clone() {
            of_office.push(peer.of(|| subjects.check_as(&open, &office, n))?);
        }
        let mut of_carrier = Vec::new();
        for n in block.clone() {
            of_carrier.push(ours.of(|| subjects.check_as(&context, &carrier, n))?);
        }
        for ((n, seen), all) in block.zip(of_carrier).zip(of_office) {
            let ids = |sql, conn: &mut PgConnection| -> Result<BTreeSet<_>, Failed> {
                Ok(subjects.ask(sql, n).ids(conn)?.into_iter().collect())
            };
            equal &= complete(&seen) == ids(sql::IDS_SEEN, conn)? && complete(&all) == ids(sql::IDS, conn)?;
            let (of_all, of_seen) = (complete(&all).len(), complete(&seen).len());
            // What is hidden and matters is never passed over.
            equal &= seen.results[0].notice || of_all == of_seen;
            equal &= !all.results[0].notice;
            told += usize::from(seen.results[0].notice);
            hidden += of_all - of_seen;
        }
    }
    report.note(format!(
        "visibility: {told} of {} answers have the notice; {hidden} conflicts are not seen",
        subjects.len()
    ));
    report.add(Comparison {
        name: "conflict-check-visibility",
        ours: Side::rate("a carrier who does not see one work of fifty", &ours),
        peer: Some(Side::rate("the same checks where nothing is hidden", &peer)),
        target: Some(TARGET),
        equal: Some(equal),
    });
    writing.end()?;
    reads::compare(report, [&context, &open], conn, subjects)
}
