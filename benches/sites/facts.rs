//! The facts of a site check by SQL: every feature near enough to matter, its distance, and how deep the place lies in it.

use std::fmt::Write as _;

use clearway::actions::site_check::Fact;
use clearway::actions::{Context, site_check};
use clearway::clock;
use clearway::domain::reference::{Attributes, ReferenceKind};
use clearway::domain::rules::Ruling;
use clearway::domain::site_check::{Parameters, is_drawn, land_of, reach_round, to_edge_of};
use clearway::domain::word::Word;
use clearway::store::schema::sql_types::Geometry as SqlGeometry;
use clearway::store::shape::Shape;
use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Double, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::data::{ACCURACY_M, CLEARANCE_M};
use crate::places::Places;
use crate::report::Times;
use crate::run::Failed;

/// Distances computed in another order may differ by less than this, metres.
const SAME_M: f64 = 1e-6;

/// Half the width of the widest road here, metres, stated or not.
const HALF_WIDTH_MAX_M: f64 = 20.0;

/// How far things matter.
pub struct Reaches {
    /// What the column brings, metres.
    round: f64,
    /// What features of a kind bring, metres.
    kinds: Vec<(ReferenceKind, f64)>,
    /// What roads and power lines bring besides.
    lines: Vec<Line>,
}

/// Roads or power lines of one class and voltage.
struct Line {
    kind: ReferenceKind,
    /// Which rows these are.
    is: String,
    /// What must stay free beside them, metres.
    clearance: f64,
    /// Half the width of what is drawn as a line and states none, metres.
    half_width: f64,
}

#[derive(QueryableByName)]
struct Class {
    #[diesel(sql_type = Nullable<Text>)]
    class: Option<String>,
    #[diesel(sql_type = Nullable<Double>)]
    voltage_kv: Option<f64>,
}

/// Those that there are of a kind.
fn lines(conn: &mut PgConnection, rules: &Ruling, kind: ReferenceKind) -> Result<Vec<Line>, Failed> {
    let all = format!("SELECT DISTINCT class, voltage_kv FROM reference_features WHERE kind = '{kind}'");
    let classes: Vec<Class> = diesel::sql_query(all).load(conn)?;
    let line = |class: Class| {
        let attributes = Attributes {
            class: class.class.as_deref().map(Into::into),
            voltage_kv: class.voltage_kv,
            ..Attributes::default()
        };
        let land = land_of(kind, &attributes)?;
        let text = class.class.map_or("NULL".into(), |text| format!("'{}'", text.replace('\'', "''")));
        let voltage = class.voltage_kv.map_or("NULL".into(), |kv| kv.to_string());
        let is = format!("class IS NOT DISTINCT FROM {text} AND voltage_kv IS NOT DISTINCT FROM {voltage}::float8");
        let clearance = rules.clearance_max(rules.land(&land)).get();
        let [_, half_width] = to_edge_of(kind, &attributes, true, rules.site(), None);
        Some(Line { kind, is, clearance, half_width })
    };
    Ok(classes.into_iter().filter_map(line).collect())
}

impl Reaches {
    /// By the rules that are loaded.
    pub fn of(context: &Context, conn: &mut PgConnection, places: &Places) -> Result<Self, Failed> {
        let rules = site_check::rules(context, &places.jurisdiction)?;
        let subject = &places.asked.first().ok_or("no place")?.subject;
        let today = clock::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let round = reach_round(subject, &Parameters::on(rules.site(), today));
        let kinds = ReferenceKind::ALL.iter().map(|(kind, _)| (*kind, rules.site_reach(*kind).get()));
        let mut all = lines(conn, &rules, ReferenceKind::Road)?;
        all.extend(lines(conn, &rules, ReferenceKind::PowerLine)?);
        Ok(Self { round, kinds: kinds.collect(), lines: all })
    }
}

/// The statement, with every limit in it as a constant.
pub struct Statement {
    sql: String,
}

/// Layer, id, distance, depth.
type Row = (String, Uuid, f64, f64);

impl Statement {
    /// Made for these rules.
    pub fn new(reaches: &Reaches) -> Result<Self, Failed> {
        let facts = |layer: &str, table: &str| {
            format!(
                "SELECT '{layer}'::text, id, ST_Distance(geom_grid, $2), CASE WHEN ST_Dimension(geom_grid) = 2 \
                 AND ST_Intersects(geom_grid, $2) THEN ST_Distance(ST_Boundary(geom_grid), $2) ELSE 0 END \
                 FROM {table} WHERE jurisdiction = $1"
            )
        };
        let round = reaches.round;
        let widest = round + ACCURACY_M[1];
        let mut sql = facts("works", "works");
        // The constant radius comes first: one that differs from row to row cannot use the index.
        write!(
            sql,
            " AND ST_DWithin(geom_grid, $2, {widest}) AND ST_DWithin(geom_grid, $2, {round} + position_accuracy_m)"
        )?;
        write!(sql, " UNION ALL {}", facts("corridors", "corridors"))?;
        write!(sql, " AND ST_DWithin(geom_grid, $2, {})", round + CLEARANCE_M)?;
        for (kind, reach) in &reaches.kinds {
            if is_drawn(*kind) {
                continue;
            }
            write!(sql, " UNION ALL {}", facts("references", "reference_features"))?;
            write!(sql, " AND kind = '{kind}' AND ST_DWithin(geom_grid, $2, {})", round + reach)?;
        }
        // A road and a line reach farther by half their width, and by what must stay free beside them.
        for Line { kind, is, clearance, half_width } in &reaches.lines {
            let near = round + clearance;
            write!(sql, " UNION ALL {}", facts("references", "reference_features"))?;
            write!(sql, " AND kind = '{kind}' AND {is} AND ST_DWithin(geom_grid, $2, {})", near + HALF_WIDTH_MAX_M)?;
            write!(
                sql,
                " AND ST_DWithin(geom_grid, $2, {near} + coalesce(half_width_m, \
                 CASE WHEN ST_Dimension(geom_grid) = 1 THEN {half_width} ELSE 0 END))"
            )?;
        }
        Ok(Self { sql })
    }

    /// The facts of a place.
    pub fn facts(&self, conn: &mut PgConnection, places: &Places, n: usize) -> QueryResult<Vec<Row>> {
        let shape = Shape::new(places.at(n).clone(), places.grid);
        Ask { sql: &self.sql, jurisdiction: &places.jurisdiction, shape: &shape }.load(conn)
    }

    /// Gives the session the faster of custom and generic plans, and makes sure that it uses the indexes.
    pub fn choose_plan(&self, conn: &mut PgConnection, places: &Places, count: usize) -> Result<String, Failed> {
        let mut best: Option<(f64, &str)> = None;
        for mode in ["force_custom_plan", "force_generic_plan"] {
            conn.batch_execute(&format!("SET plan_cache_mode = {mode}"))?;
            let mut times = Times::default();
            for n in 0..count.min(200) {
                times.of(|| self.facts(conn, places, n))?;
            }
            if best.is_none_or(|(rate, _)| rate < times.per_second()) {
                best = Some((times.per_second(), mode));
            }
        }
        let mode = best.map_or("auto", |(_, mode)| mode);
        conn.batch_execute(&format!("SET plan_cache_mode = {mode}"))?;
        let plan = self.plan(conn, places)?;
        // Few rows need no index; the full run has to use it.
        let uses = |index: &str| plan.contains(index);
        if count >= 100
            && !(uses("works_geom_grid_idx") && (uses("by_kind") || uses("reference_features_geom_grid_idx")))
        {
            return Err(format!("the peer's plan does not use the indexes, so it is no peer:\n{plan}").into());
        }
        Ok(format!("the peer has its faster plan ({mode}), index scans on works_geom_grid_idx and by_kind"))
    }

    fn plan(&self, conn: &mut PgConnection, places: &Places) -> Result<String, Failed> {
        use wkt::ToWkt as _;
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
            line: String,
        }
        conn.batch_execute(&format!("PREPARE explained (text, geometry) AS {}", self.sql))?;
        let point = format!("'SRID={};{}'", places.grid.0, places.at(0).wkt_string());
        let ask = format!("EXPLAIN EXECUTE explained ('{}', {point})", places.jurisdiction);
        let lines: Vec<Line> = diesel::sql_query(ask).load(conn)?;
        conn.batch_execute("DEALLOCATE explained")?;
        Ok(lines.into_iter().map(|l| l.line + "\n").collect())
    }
}

struct Ask<'a> {
    sql: &'a str,
    jurisdiction: &'a str,
    shape: &'a Shape,
}

impl QueryId for Ask<'_> {
    type QueryId = ();
    // Found again by its text, and so prepared once.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Ask<'_> {
    type SqlType = (Text, SqlUuid, Double, Double);
}

impl RunQueryDsl<PgConnection> for Ask<'_> {}

impl QueryFragment<Pg> for Ask<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Each bind stands once, in a condition that is always true; the text names it again by its number.
        out.push_sql("SELECT * FROM (");
        out.push_sql(self.sql);
        out.push_sql(") AS facts WHERE ");
        out.push_bind_param::<Text, _>(self.jurisdiction)?;
        out.push_sql(" IS NOT NULL AND ");
        out.push_bind_param::<SqlGeometry, _>(self.shape)?;
        out.push_sql(" IS NOT NULL");
        Ok(())
    }
}

/// The same features, as far away and as deep.
pub fn same(found: &[Fact], mut expect: Vec<Row>) -> bool {
    let mut found: Vec<&Fact> = found.iter().collect();
    found.sort_by_key(|fact| fact.id);
    expect.sort_by_key(|row| row.1);
    let near = |a: f64, b: f64| (a - b).abs() < SAME_M;
    found.len() == expect.len()
        && found.iter().zip(&expect).all(|(fact, (layer, id, distance, depth))| {
            fact.layer.as_str() == layer
                && fact.id == *id
                && near(fact.distance_m, *distance)
                && near(fact.depth_m, *depth)
        })
}
