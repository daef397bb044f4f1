//! Stored corridors, whose conflicts are kept up to date, against the join in SQL.

use std::collections::BTreeSet;

use clearway::actions::conflict_check::{self, Conflict, Detail, Found, Question};
use clearway::actions::feature::{self, Draft};
use clearway::actions::{Context, Witness};
use clearway::domain::actor::Actor;
use clearway::domain::corridor::Corridor;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::place::Delivered;
use clearway::domain::work::Work;
use clearway::geometry::{Geometry, Point};
use clearway::store::schema::corridors;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use uuid::Uuid;

use crate::Failed;
use crate::checks::{CLEARANCE_M, LIMIT, Subjects, blocks, choose_plan, question};
use crate::data::corridor_code;
use crate::report::{Comparison, Report, Side, Times};
use crate::requests::ids;
use crate::setup::Serving;
use crate::sql;
use crate::web::{Client, get};

/// How many times faster the kept set has to be than the join that finds it.
const TARGET: f64 = 1_000.0;

/// Works that move between two rounds: each is taken out of one list and put into another.
const MOVES: usize = 50;

/// Compares all of it. The corridors have a clearance of their own, [`CLEARANCE_M`].
pub fn all(report: &mut Report, serving: &Serving, conn: &mut PgConnection, subjects: &Subjects) -> Result<(), Failed> {
    let stored = Stored { context: &serving.context, subjects, ids: found(conn, subjects)? };
    if let Some(first) = stored.ids.first() {
        let bound: Vec<sql::Subject> = stored.ids.iter().copied().map(sql::Subject::Stored).collect();
        let asks: Vec<sql::Ask<'_>> = bound.iter().map(|id| subjects.ask_about(sql::STORED, id)).collect();
        let named = ("join of one corridor", subjects.jurisdiction.as_str());
        choose_plan(report, conn, named, &asks, ["uuid", &format!("'{first}'")])?;
    }
    stored.compare::<Found>(report, conn, ["stored-conflicts", "kept, the set only"], Some(TARGET))?;
    stored.compare::<Conflict>(report, conn, ["stored-conflicts-measured", "kept, complete answer"], None)?;
    stored.over_http(report, &serving.address, conn)
}

/// The stored corridors that are the subjects.
fn found(conn: &mut PgConnection, subjects: &Subjects) -> Result<Vec<Uuid>, Failed> {
    let codes: Vec<String> = (0..subjects.len()).map(corridor_code).collect();
    Ok(corridors::table
        .filter(corridors::jurisdiction.eq(&subjects.jurisdiction).and(corridors::code.eq_any(codes)))
        .order(corridors::code.asc())
        .select(corridors::id)
        .load(conn)?)
}

struct Stored<'a> {
    context: &'a Context,
    subjects: &'a Subjects,
    ids: Vec<Uuid>,
}

impl Stored<'_> {
    /// Two rounds, and between them works move.
    fn compare<C: Detail>(
        &self,
        report: &mut Report,
        conn: &mut PgConnection,
        [name, ours_is]: [&'static str; 2],
        target: Option<f64>,
    ) -> Result<(), Failed> {
        let question = Question { clearance: None, limit: LIMIT, ..question()? };
        let actor = Actor::public();
        let ask = |id: &Uuid| conflict_check::check_stored_as::<Corridor, C>(self.context, &actor, *id, &question);
        for id in &self.ids {
            ask(id)?;
        }
        let (mut ours, mut peer, mut equal) = (Times::default(), Times::default(), true);
        for round in 0..2 {
            for block in blocks(self.ids.len()) {
                let mut expect = Vec::new();
                for id in &self.ids[block.clone()] {
                    expect.push(peer.of(|| self.join(conn, id))?);
                }
                for (id, expect) in self.ids[block].iter().zip(expect) {
                    let answer = ours.of(|| ask(id))?;
                    let met: BTreeSet<Uuid> =
                        answer.results.iter().flat_map(|r| &r.conflicts).map(|c| c.feature().1).collect();
                    equal &= met == expect;
                }
            }
            if round == 0 {
                self.move_works()?;
            }
        }
        report.add(Comparison {
            name,
            ours: Side::rate(ours_is, &ours),
            peer: Some(Side::rate("PostGIS, prepared, join of one corridor, ids only", &peer)),
            target,
            equal: Some(equal),
        });
        Ok(())
    }

    fn join(&self, conn: &mut PgConnection, id: &Uuid) -> Result<BTreeSet<Uuid>, Failed> {
        let subject = sql::Subject::Stored(*id);
        Ok(self.subjects.ask_about(sql::STORED, &subject).ids(conn)?.into_iter().collect())
    }

    /// Moves a work of each of the first corridors to a corner of the next.
    fn move_works(&self) -> Result<(), Failed> {
        let actor = Actor::operator();
        let witness = Witness::new(&actor, "bench");
        let question = Question { clearance: None, ..question()? };
        for (n, id) in self.ids.iter().enumerate().take(MOVES) {
            let answer = conflict_check::check_stored_as::<Corridor, Found>(self.context, &actor, *id, &question)?;
            let next = &self.subjects.shapes[(n + 1) % self.subjects.len()];
            let (Some(met), Geometry::Polygon(land)) = (answer.results[0].conflicts.first(), next) else { continue };
            let text = |text: &str| Value::Text(text.to_owned());
            let fields = vec![
                ("code".into(), text(&met.code)),
                ("kind".into(), text("mast")),
                ("organisation".into(), text("invented")),
                ("position_accuracy_m".into(), Value::Number(1.0)),
            ];
            let shape = Geometry::Point(Point(land.exterior().0[0]));
            let delivered = Some(Delivered { shape, crs: self.subjects.grid });
            let jurisdiction = Some(self.subjects.jurisdiction.clone());
            let draft = Draft { fields: Fields(fields), jurisdiction, delivered };
            feature::replace::<Work>(self.context, witness, met.id, None, &draft)?;
        }
        Ok(())
    }

    fn over_http(&self, report: &mut Report, address: &str, conn: &mut PgConnection) -> Result<(), Failed> {
        let mut client = Client::connect(address)?;
        let request = |id: &Uuid| get(&format!("/api/corridors/{id}/conflicts?limit={LIMIT}"));
        for id in self.ids.iter().take(200) {
            client.send(&request(id))?;
        }
        let (mut ours, mut peer, mut equal) = (Times::default(), Times::default(), true);
        for block in blocks(self.ids.len()) {
            let (mut expect, mut answers) = (Vec::new(), Vec::new());
            for id in &self.ids[block.clone()] {
                expect.push(peer.of(|| self.join(conn, id))?);
            }
            for id in &self.ids[block] {
                let request = request(id);
                answers.push(ours.of(|| client.send(&request))?);
            }
            for (answer, expect) in answers.iter().zip(expect) {
                equal &= ids(answer)? == expect;
            }
        }
        report.add(Comparison {
            name: "stored-corridor",
            ours: Side::rate(format!("GET /api/corridors/{{id}}/conflicts, {CLEARANCE_M} m its own"), &ours),
            peer: Some(Side::rate("PostGIS, prepared, join of one corridor, ids only", &peer)),
            target: None,
            equal: Some(equal),
        });
        Ok(())
    }
}
