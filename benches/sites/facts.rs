//! The facts of a site check by SQL: every feature near enough to matter, its distance, and how deep the place lies in it; the
//! obstacle surface over the place; what all antennas together radiate; the spacing that holds there, and which columns are
//! nearer; how many columns the zones that hold it have.

use std::fmt::Write as _;

use clearway::actions::site_check::{Fact, SiteCheck};
use clearway::actions::{Context, site_check};
use clearway::clock;
use clearway::domain::reference::{Attributes, ReferenceKind};
use clearway::domain::rules::{Ruling, Unit};
use clearway::domain::site_check::message::key;
use clearway::domain::site_check::{
    Argument, CheckCode, Finding, Parameters, SiteKey, Verdict, is_drawn, land_of, reach_round, to_edge_of,
};
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
    /// How badly the place is known, metres.
    accuracy: f64,
    /// The surfaces of runways, by their class.
    surfaces: Vec<Surfaces>,
    /// Spacing of columns in urban areas, and elsewhere, metres.
    spacing: [f64; 2],
    /// As far away transmitters are co-sited, metres.
    co_sited: f64,
    /// What the antennas of the column radiate, W.
    eirp: f64,
    /// The square of a compliance distance of 1 W, m².
    field: f64,
}

/// The figures of the surfaces round runways of one class.
struct Surfaces {
    /// Which rows these are.
    is: String,
    /// Each figure, by its name in the statement.
    figures: Vec<(&'static str, f64)>,
}

/// The figures that the statement names.
const FIGURES: [(&str, SiteKey); 13] = [
    ("inner_radius", SiteKey::InnerHorizontalRadius),
    ("inner_height", SiteKey::InnerHorizontalHeight),
    ("conical_slope", SiteKey::ConicalSlope),
    ("conical_height", SiteKey::ConicalHeight),
    ("inner_edge", SiteKey::ApproachInnerEdge),
    ("threshold", SiteKey::ApproachFromThreshold),
    ("divergence", SiteKey::ApproachDivergence),
    ("first_length", SiteKey::ApproachFirstLength),
    ("first_slope", SiteKey::ApproachFirstSlope),
    ("second_length", SiteKey::ApproachSecondLength),
    ("second_slope", SiteKey::ApproachSecondSlope),
    ("level_length", SiteKey::ApproachHorizontalLength),
    ("sideways", SiteKey::TransitionalSlope),
];

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
        let on = Parameters::on(rules.site(), today);
        let round = reach_round(subject, &on);
        let value = |code, key| on.value(code, key).map_err(|missing| format!("no rule: {missing:?}"));
        let spacing = |key| value(CheckCode::Spc, key);
        let kinds = ReferenceKind::ALL.iter().map(|(kind, _)| (*kind, rules.site_reach(*kind).get()));
        let mut all = lines(conn, &rules, ReferenceKind::Road)?;
        all.extend(lines(conn, &rules, ReferenceKind::PowerLine)?);
        Ok(Self {
            round,
            kinds: kinds.collect(),
            lines: all,
            accuracy: subject.accuracy_m,
            surfaces: surfaces(conn, &on)?,
            spacing: [spacing(SiteKey::SpacingUrban)?, spacing(SiteKey::SpacingElsewhere)?],
            co_sited: value(CheckCode::Emf, SiteKey::CoSitedDistance)?,
            eirp: subject.antennas.iter().map(|antenna| antenna.eirp_w).sum(),
            field: value(CheckCode::Emf, SiteKey::ReflectionFactor)?
                / (4.0 * std::f64::consts::PI * value(CheckCode::Emf, SiteKey::ExposureLimit)?),
        })
    }
}

/// The figures of each class of runways that there is.
fn surfaces(conn: &mut PgConnection, rules: &Parameters<'_>) -> Result<Vec<Surfaces>, Failed> {
    let all = "SELECT DISTINCT class, NULL::float8 AS voltage_kv FROM reference_features WHERE kind = 'runway'";
    let classes: Vec<Class> = diesel::sql_query(all).load(conn)?;
    let of_class = |Class { class, .. }: Class| {
        let figure = |(name, key): (&'static str, SiteKey)| {
            let rule = rules.of_class(CheckCode::Air, key, class.as_deref().unwrap_or(""));
            rule.map(|rule| (name, rule.value)).map_err(|missing| format!("no rule: {missing:?}"))
        };
        let figures = FIGURES.into_iter().map(figure).collect::<Result<Vec<_>, _>>()?;
        let text = class.as_ref().map_or("NULL".into(), |text| format!("'{}'", text.replace('\'', "''")));
        Ok(Surfaces { is: format!("class IS NOT DISTINCT FROM {text}"), figures })
    };
    classes.into_iter().map(of_class).collect()
}

impl Surfaces {
    /// The lowest surface of each of these runways over the place, by ICAO Annex 14 as `geometry::obstacle` has it.
    fn sql(&self, reach: f64) -> String {
        let figures: Vec<String> =
            self.figures.iter().map(|(name, value)| format!("{value}::float8 AS {name}")).collect();
        // How high an approach is over something that lies so far beyond its threshold, where it is there at all.
        let approach = |outward: &str, from: &str| {
            format!(
                "(SELECT CASE WHEN n BETWEEN 0 AND first_length + second_length + level_length \
                 AND (aside <= 0 OR h <= ceiling) THEN h END FROM (SELECT {outward} - threshold AS n) AS a, \
                 LATERAL (SELECT across - (inner_edge / 2 + divergence * n) AS aside) AS b, \
                 LATERAL (SELECT {from} + least(n, first_length) * first_slope \
                 + least(greatest(n - first_length, 0), second_length) * second_slope \
                 + greatest(aside, 0) * sideways AS h) AS c)"
            )
        };
        format!(
            "SELECT 'surface', id, height, 0 FROM (SELECT id, least(\
             CASE WHEN away <= inner_radius + conical_height / conical_slope \
             THEN ceiling + greatest(away - inner_radius, 0) * conical_slope END, \
             CASE WHEN along BETWEEN -threshold AND length + threshold \
             AND (across <= inner_edge / 2 OR strip <= ceiling) THEN strip END, {}, {}) AS height \
             FROM (SELECT {}) AS figures, \
             LATERAL (SELECT id, elevation_from_m AS z0, elevation_to_m AS z1, \
             ST_X(ST_StartPoint(geom_grid)) AS x0, ST_Y(ST_StartPoint(geom_grid)) AS y0, \
             ST_X(ST_EndPoint(geom_grid)) AS x1, ST_Y(ST_EndPoint(geom_grid)) AS y1, \
             ST_X($2) AS x, ST_Y($2) AS y \
             FROM reference_features WHERE jurisdiction = $1 AND kind = 'runway' AND {} \
             AND ST_DWithin(geom_grid, $2, {reach})) AS runway, \
             LATERAL (SELECT sqrt((x1 - x0) ^ 2 + (y1 - y0) ^ 2) AS length, least(z0, z1) + inner_height AS ceiling) AS l, \
             LATERAL (SELECT ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length AS along, \
             abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / length AS across) AS p, \
             LATERAL (SELECT sqrt(greatest(along - length, -along, 0) ^ 2 + across ^ 2) AS away, \
             z0 + (z1 - z0) * least(greatest(along / length, 0), 1) + greatest(across - inner_edge / 2, 0) * sideways \
             AS strip) AS q) AS over WHERE height IS NOT NULL",
            approach("-along", "z0"),
            approach("along - length", "z1"),
            figures.join(", "),
            self.is,
        )
    }
}

/// The id of what is of no feature.
const NOTHING: Uuid = Uuid::nil();

/// A kind of works that is an antenna column, or a work with the class of one.
const IS_COLUMN: &str = "(kind IN ('bts', 'mast', 'rooftop_mast') OR column_class IS NOT NULL)";

/// The statement, with every limit in it as a constant.
pub struct Statement {
    sql: String,
    /// The spacing that holds where nothing else is said, metres.
    spacing_elsewhere: f64,
}

/// Layer, id, distance, depth; or another fact by its name, with two numbers: the height of a surface; the columns in a zone and
/// its quota; the spacing; the distance of a column that is nearer; the compliance distance of all antennas together, and how
/// many transmitters are co-sited.
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
        let Reaches { round, accuracy, spacing: [urban, elsewhere], co_sited, eirp, field, .. } = reaches;
        let widest = round + ACCURACY_M[1];
        // What several facts rest on is found once: works near the place, and the zones that may hold it.
        let mut sql = format!(
            "WITH near AS MATERIALIZED (SELECT id, geom_grid, position_accuracy_m AS accuracy, {IS_COLUMN} AS is_column, \
             ST_Distance(geom_grid, $2) AS distance FROM works WHERE jurisdiction = $1 \
             AND ST_DWithin(geom_grid, $2, {widest}) AND ST_DWithin(geom_grid, $2, {round} + position_accuracy_m)), \
             zones AS MATERIALIZED (SELECT id, geom_grid, quota, spacing_m, ST_Intersects(geom_grid, $2) \
             AND ST_Distance(ST_Boundary(geom_grid), $2) >= {accuracy} AS surely FROM reference_features \
             WHERE jurisdiction = $1 AND kind = 'zone' AND ST_DWithin(geom_grid, $2, {accuracy})), \
             in_zones AS MATERIALIZED (SELECT zones.id AS zone, zones.quota, works.id, works.geom_grid, {IS_COLUMN} AS is_column \
             , ST_Intersects(works.geom_grid, zones.geom_grid) AND (position_accuracy_m = 0 \
             OR ST_Distance(ST_Boundary(zones.geom_grid), works.geom_grid) >= position_accuracy_m) AS in_it \
             FROM zones JOIN works ON works.jurisdiction = $1 AND ST_DWithin(works.geom_grid, zones.geom_grid, {}) \
             AND ST_DWithin(works.geom_grid, zones.geom_grid, position_accuracy_m) WHERE quota IS NOT NULL), \
             urban AS MATERIALIZED (SELECT bool_or(ST_Intersects(geom_grid, $2) \
             AND ST_Distance(ST_Boundary(geom_grid), $2) >= {accuracy}) AS surely, count(*) > 0 AS maybe \
             FROM reference_features WHERE jurisdiction = $1 AND kind = 'urban_area' \
             AND ST_DWithin(geom_grid, $2, {accuracy})), \
             spacing AS MATERIALIZED (SELECT greatest(max(spacing_m), \
             CASE WHEN bool_or(surely AND spacing_m IS NOT NULL) THEN NULL \
             WHEN (SELECT surely FROM urban) THEN {urban} \
             WHEN (SELECT maybe FROM urban) THEN greatest({urban}, {elsewhere}) ELSE {elsewhere} END) AS metres FROM zones) ",
            ACCURACY_M[1]
        );
        write!(
            sql,
            "SELECT 'works'::text, id, distance, CASE WHEN ST_Dimension(geom_grid) = 2 AND distance = 0 \
             THEN ST_Distance(ST_Boundary(geom_grid), $2) ELSE 0 END FROM near"
        )?;
        // All that stands in a zone that admits so many columns is looked at, however far away.
        write!(
            sql,
            " UNION ALL (SELECT DISTINCT ON (id) 'works', id, ST_Distance(geom_grid, $2), 0 FROM in_zones \
             WHERE NOT EXISTS (SELECT 1 FROM near WHERE near.id = in_zones.id))"
        )?;
        write!(
            sql,
            " UNION ALL SELECT 'zone', zones.id, count(in_zones.id) FILTER (WHERE is_column), zones.quota \
             FROM zones LEFT JOIN in_zones ON in_zones.zone = zones.id WHERE zones.quota IS NOT NULL \
             GROUP BY zones.id, zones.quota"
        )?;
        // Those of them that hold the place for sure and are full for sure.
        write!(
            sql,
            " UNION ALL SELECT 'full', zones.id, count(in_zones.id) FILTER (WHERE is_column AND in_it), zones.quota \
             FROM zones LEFT JOIN in_zones ON in_zones.zone = zones.id WHERE zones.quota IS NOT NULL AND zones.surely \
             GROUP BY zones.id, zones.quota HAVING count(in_zones.id) FILTER (WHERE is_column AND in_it) >= zones.quota"
        )?;
        write!(sql, " UNION ALL SELECT 'spacing', '{NOTHING}', metres, 0 FROM spacing")?;
        // Whoever asks is built of what stands nearer than the spacing, or may by how badly both are known.
        write!(
            sql,
            " UNION ALL SELECT 'column', id, distance, 0 FROM near, spacing \
             WHERE is_column AND distance - ({accuracy} + accuracy) < metres \
             UNION ALL SELECT 'column', id, ST_Distance(geom_grid, $2), 0 FROM reference_features, spacing \
             WHERE jurisdiction = $1 AND kind = 'site_request' AND ST_DWithin(geom_grid, $2, {round}) \
             AND ST_Distance(geom_grid, $2) - {accuracy} < metres"
        )?;
        write!(
            sql,
            " UNION ALL SELECT 'field', '{NOTHING}', sqrt(({eirp} + coalesce(sum(eirp_w), 0)) * {field}), count(*) \
             FROM reference_features WHERE jurisdiction = $1 AND kind = 'transmitter' AND ST_DWithin(geom_grid, $2, {})",
            co_sited + accuracy
        )?;
        let far = |kind| reaches.kinds.iter().find(|(of, _)| *of == kind).map_or(0.0, |(_, reach)| *reach);
        for surfaces in &reaches.surfaces {
            write!(sql, " UNION ALL {}", surfaces.sql(round + far(ReferenceKind::Runway)))?;
        }
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
        Ok(Self { sql, spacing_elsewhere: *elsewhere })
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

/// Features by SQL, as far away and as deep.
fn same_features(found: &[Fact], expect: &[&Row]) -> bool {
    let (mut found, mut expect) = (found.iter().collect::<Vec<_>>(), expect.to_vec());
    found.sort_by_key(|fact| fact.id);
    expect.sort_by_key(|row| row.1);
    found.len() == expect.len()
        && found.iter().zip(&expect).all(|(fact, (layer, id, distance, depth))| {
            fact.layer.as_str() == layer
                && fact.id == *id
                && near(fact.distance_m, *distance)
                && near(fact.depth_m, *depth)
        })
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < SAME_M
}

/// How many places have what has to be compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Met {
    /// Features in all.
    pub features: usize,
    /// Places under a surface of a runway.
    pub surfaces: usize,
    /// Places in a zone that admits so many columns.
    pub quotas: usize,
    /// Those of them where one is full.
    pub full: usize,
    /// Places in a zone with a spacing of its own, or in an urban area.
    pub spacings: usize,
    /// Places with columns nearer than the spacing.
    pub columns: usize,
    /// Places beside a transmitter.
    pub co_sited: usize,
}

impl Met {
    /// Each has to be there for so many places of a hundred that are compared.
    pub fn is_enough(&self, compared: usize) -> bool {
        let each = [self.surfaces, self.quotas, self.full, self.spacings, self.columns, self.co_sited];
        each.iter().all(|places| places * 100 >= compared)
    }
}

/// What a check and SQL have of a place, held against each other.
pub struct Compared<'s> {
    statement: &'s Statement,
    /// How many places had what.
    pub met: Met,
    /// The first difference.
    pub differs: Option<String>,
}

impl<'s> Compared<'s> {
    /// Nothing yet.
    pub fn by(statement: &'s Statement) -> Self {
        Self { statement, met: Met::default(), differs: None }
    }

    /// The features that were looked at are the same; and what the findings of the check say of surfaces, columns, spacing and
    /// field is what SQL has.
    pub fn place(&mut self, n: usize, features: &[Fact], check: &SiteCheck, rows: &[Row]) -> Result<(), Failed> {
        let is_feature = |row: &&Row| ["works", "corridors", "references"].contains(&row.0.as_str());
        let of = |name: &'static str| rows.iter().filter(move |row| row.0 == name);
        let expect: Vec<&Row> = rows.iter().filter(is_feature).collect();
        self.met.features += expect.len();
        let mut differ = |what: &str, is: String, by_sql: String| {
            self.differs.get_or_insert_with(|| format!("place {n}, {what}: {is} is by SQL {by_sql}"));
        };
        if !same_features(features, &expect) {
            differ("features", format!("{features:?}"), format!("{expect:?}"));
        }
        let finding = |code| -> Result<&Finding, Failed> {
            Ok(check.findings.iter().find(|finding| finding.code == code).ok_or("a check said nothing")?)
        };
        let limit = |finding: &Finding| finding.limit.map(|limit| limit.value);

        let air = finding(CheckCode::Air)?;
        let is_of_surface = air.rule.as_ref().is_some_and(|rule| rule.key != SiteKey::MarkingHeight.as_str());
        let surface = limit(air).filter(|_| is_of_surface);
        let lowest = of("surface").map(|row| row.2).min_by(f64::total_cmp);
        self.met.surfaces += usize::from(lowest.is_some());
        if surface.is_some() != lowest.is_some() || !surface.zip(lowest).is_none_or(|(a, b)| near(a, b)) {
            differ("obstacle surface", format!("{surface:?}"), format!("{lowest:?}"));
        }

        let zon = finding(CheckCode::Zon)?;
        let counted: f64 = of("zone").map(|row| row.2).sum();
        // By positions as they are known a zone may be full; and one that holds the place for sure is.
        let is_full = of("zone").any(|(.., columns, quota)| columns >= quota);
        let surely = of("full").next().is_some();
        self.met.quotas += usize::from(of("zone").next().is_some());
        self.met.full += usize::from(is_full);
        let told = zon.measured.zip(zon.limit).filter(|(measured, _)| measured.unit == Unit::Count);
        let told = told.map(|(measured, limit)| (measured.value, limit.value));
        let name = if zon.verdict == Verdict::Block { "full" } else { "zone" };
        let is_told = |(columns, quota)| of(name).any(|row| near(row.2, columns) && near(row.3, quota));
        // What stands round a monument blocks as well, and is told before.
        let is_blocked = zon.verdict == Verdict::Block && (told.is_some() || zon.message.key == key::ZON_ONLY_A1);
        if !near(zon.rests_on.len() as f64, counted)
            || told.is_some_and(|told| !is_full || !is_told(told))
            || surely && !is_blocked
        {
            differ(
                "columns in zones",
                format!("{told:?}, {}", zon.rests_on.len()),
                format!("{:?}", of("zone").collect::<Vec<_>>()),
            );
        }

        let spc = finding(CheckCode::Spc)?;
        let spacing = of("spacing").map(|row| row.2).next().ok_or("SQL gave no spacing")?;
        self.met.spacings += usize::from(!near(spacing, self.statement.spacing_elsewhere));
        if !limit(spc).is_some_and(|limit| near(limit, spacing)) {
            differ("spacing", format!("{:?}", limit(spc)), spacing.to_string());
        }
        let mut columns: Vec<(Uuid, f64)> = of("column").map(|row| (row.1, row.2)).collect();
        let mut shown: Vec<(Uuid, f64)> = spc.evidence.iter().map(|column| (column.id, column.distance_m)).collect();
        self.met.columns += usize::from(!columns.is_empty());
        columns.sort_by_key(|(id, _)| *id);
        shown.sort_by_key(|(id, _)| *id);
        let same = |((a, far), (b, away)): (&(Uuid, f64), &(Uuid, f64))| a == b && near(*far, *away);
        if columns.len() != shown.len() || !columns.iter().zip(&shown).all(same) {
            differ("columns nearer than the spacing", format!("{shown:?}"), format!("{columns:?}"));
        }

        let emf = finding(CheckCode::Emf)?;
        let summed = emf.message.arguments.iter().find(|(name, _)| *name == "summed");
        let Some((_, Argument::Number(summed, _))) = summed else { return Err(format!("no field: {emf:?}").into()) };
        let (.., field, transmitters) = of("field").next().ok_or("SQL gave no field")?;
        self.met.co_sited += usize::from(*transmitters > 0.0);
        if !near(*summed, *field) {
            differ("compliance distance of all antennas", summed.to_string(), field.to_string());
        }
        Ok(())
    }
}
