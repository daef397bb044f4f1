//! What it costs that not everybody sees everything.

use std::collections::BTreeSet;

use clearway::actions::site_check::{self, SiteCheck};
use clearway::actions::{Context, refresh};
use clearway::config::Settings;
use clearway::domain::actor::{Actor, Role};
use clearway::domain::site_check::GapWhy;
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use uuid::Uuid;

use crate::places::Places;
use crate::report::{Comparison, Report, Side, Times};
use crate::run::Failed;
use crate::{BLOCK, question};

/// The rate of a check with the filter, of that without.
const TARGET: f64 = 0.9;

/// Of so many works, and of so many reference features, one is restricted: enough that nearly every place meets a cell with one.
const ONE_OF: usize = 50;

/// The same in a quick run, which would meet none.
const ONE_OF_FEW: usize = 5;

/// A run of fewer places is a quick one.
const FEW: usize = 100;

/// The same places checked by a carrier who does not see some features, and by the operator where nothing is hidden from anybody:
/// `open` stays as it is, for nobody follows it.
pub fn compare(
    report: &mut Report,
    open: &Context,
    settings: Settings,
    conn: &mut PgConnection,
    (places, count): (&Places, usize),
) -> Result<(), Failed> {
    let one_of = if count < FEW { ONE_OF_FEW } else { ONE_OF };
    // In a zone with a quota that somebody does not see he looks for no columns far away.
    for (table, but) in [("works", ""), ("reference_features", " AND kind <> 'defence_area' AND quota IS NULL")] {
        conn.batch_execute(&format!(
            "UPDATE {table} SET visibility = 'restricted' WHERE abs(hashtext(id::text)) % {one_of} = 0{but}"
        ))?;
    }
    let unseen: BTreeSet<Uuid> = ids(conn, "visibility <> 'public'")?;
    // Of these everybody hears the same, so that one is hidden is no gap.
    let told_alike = ids(conn, "kind = 'defence_area'")?;
    // The limit of notices would answer for the cells.
    let context = Context::connect(Settings { notice_cells_per_hour: 1_000_000, ..settings })?;
    refresh::catch_up_all(&context)?;
    let carrier = Actor {
        name: "carrier".into(),
        organisation: Some("another".into()),
        roles: vec![Role::Carrier],
        jurisdictions: None,
    };
    let office = Actor::operator();
    let question = question();
    let check = |context: &Context, actor: &Actor, n: usize| -> Result<SiteCheck, Failed> {
        let checked = site_check::check(context, actor, std::slice::from_ref(&places.asked[n]), &question)?;
        Ok(checked.into_iter().next().ok_or("no answer")?)
    };
    for n in 0..count.min(BLOCK) {
        check(open, &office, n)?;
        check(&context, &carrier, n)?;
    }
    let (mut ours, mut peer, mut equal) = (Times::default(), Times::default(), true);
    let (mut told, mut hidden) = (0, 0);
    for first in (0..count).step_by(BLOCK) {
        let block = first..(first + BLOCK).min(count);
        for n in block.clone() {
            peer.of(|| check(open, &office, n))?;
        }
        let mut of_carrier = Vec::with_capacity(BLOCK);
        for n in block.clone() {
            of_carrier.push(ours.of(|| check(&context, &carrier, n))?);
        }
        for (n, seen) in block.zip(of_carrier) {
            let found = |context: &Context, actor: &Actor| -> Result<BTreeSet<Uuid>, Failed> {
                let facts = site_check::facts(context, actor, &places.asked[n], &question)?;
                Ok(facts.into_iter().map(|fact| fact.id).collect())
            };
            let (all, of_carrier) = (found(open, &office)?, found(&context, &carrier)?);
            let is_told = seen.findings.iter().flat_map(|f| &f.gaps).any(|gap| gap.why == GapWhy::Hidden);
            // All of it but what is hidden; and what is hidden and matters is never passed over.
            equal &= of_carrier == all.difference(&unseen).copied().collect();
            let matters = all.difference(&of_carrier).any(|id| !told_alike.contains(id));
            equal &= is_told || !matters;
            told += usize::from(is_told);
            hidden += all.len() - of_carrier.len();
        }
    }
    report.note(format!(
        "visibility: {told} of {count} places are told of something hidden; {hidden} facts are not seen"
    ));
    report.add(Comparison {
        name: "site-check-visibility",
        ours: Side::rate("a carrier who does not see one work or reference of fifty", &ours),
        peer: Some(Side::rate("the same checks where nothing is hidden", &peer)),
        target: Some(TARGET),
        equal: Some(equal),
    });
    Ok(())
}

/// Works and reference features of which something holds.
fn ids(conn: &mut PgConnection, what: &str) -> Result<BTreeSet<Uuid>, Failed> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let sql = format!("SELECT id FROM works WHERE {what} UNION ALL SELECT id FROM reference_features WHERE {what}");
    let rows: Vec<Row> = diesel::sql_query(sql).load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
