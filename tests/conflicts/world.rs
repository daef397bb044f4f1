//! A database with works and corridors, the real actions on it, and the two judges.

use std::collections::{BTreeMap, BTreeSet};

use clearway::actions::conflict_check::{self, Answer, Conflict, Drawn, Question, SubjectResult};
use clearway::actions::import::{ImportOptions, OnError, Row, import};
use clearway::actions::{Context, Witness, feature, refresh};
use clearway::config::Settings;
use clearway::domain::actor::Actor;
use clearway::domain::corridor::Corridor;
use clearway::domain::feature::Registered;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::rules::DrawnKind;
use clearway::domain::work::Work;
use clearway::geometry::{Epsg, Geometry, Metres};
use clearway::store::records::Records;
use clearway::store::schema::sql_types;
use clearway::store::shape::Shape;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text, Uuid as SqlUuid};
use jiff::Timestamp;
use uuid::Uuid;

use crate::support::{Database, Strict};

/// The grid of VN-72: shapes delivered in it keep their coordinates bit for bit.
pub const GRID: Epsg = Epsg(9218);

/// A moment whose day differs between UTC and the jurisdiction: 1 June 2026, 02:00 there.
pub const AT: &str = "2026-05-31T19:00:00Z";

/// A place in the middle of VN-72, whole metres.
pub const HERE: (f64, f64) = (430_000.0, 1_340_000.0);

/// Distances from a threshold that are no difference, metres.
pub const HAIR_M: f64 = 1e-6;

/// Properties of a feature to be.
pub type Props = Vec<(&'static str, Value)>;

/// Features to be: properties and shapes.
pub type Rows = Vec<(Props, Geometry<f64>)>;

/// Pairs of a work and a corridor.
pub type Pairs = BTreeSet<(Uuid, Uuid)>;

/// What an index found of each pair.
pub type Found = BTreeMap<(Uuid, Uuid), Conflict>;

pub fn text(t: &str) -> Value {
    Value::Text(t.to_owned())
}

pub fn work_props(code: &str) -> Props {
    vec![("code", text(code)), ("kind", text("mast")), ("organisation", text("viettel"))]
}

pub fn corridor_props(code: &str) -> Props {
    vec![("code", text(code)), ("kind", text("road")), ("status", text("in_force")), ("organisation", text("roads"))]
}

/// A database with its context.
pub struct World {
    pub database: Database,
    pub context: Context,
    pub actor: Actor,
}

pub fn fields(props: &Props) -> Fields {
    Fields(props.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect())
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// With settings changed by `change`.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let database = Database::vn72();
        let mut settings = database.settings();
        change(&mut settings);
        let context = Context::connect(settings).unwrap();
        refresh::catch_up_all(&context).unwrap();
        Self { database, context, actor: Actor::operator() }
    }

    pub fn witness(&self) -> Witness<'_> {
        Witness::new(&self.actor, "conflicts")
    }

    /// Imports features in one transaction, as `clearway import` does.
    pub fn import<T: Records>(&self, all: Rows) {
        let options = ImportOptions {
            jurisdiction: Some("VN-72".into()),
            organisation: None,
            on_error: OnError::Stop,
            outside_skips: false,
            dry_run: false,
        };
        let count = all.len();
        let mut rows = all.into_iter().zip(1_i64..).map(|((props, shape), number)| Row {
            number,
            place: format!("row {number}"),
            shape_at: "/geometry",
            filled: Vec::new(),
            content: Ok((fields(&props), Ok(Delivered { shape, crs: GRID }))),
        });
        let report = import::<T>(&self.context, self.witness(), &options, &mut rows, &mut Strict).unwrap();
        assert!(report.stored && report.rejected == 0 && report.read == count as u64, "{report:?}");
    }

    pub fn draft(props: &Props, shape: Geometry<f64>) -> feature::Draft {
        let delivered = Some(Delivered { shape, crs: GRID });
        feature::Draft { fields: fields(props), jurisdiction: Some("VN-72".into()), delivered }
    }

    pub fn create<T: Records>(&self, props: &Props, shape: Geometry<f64>) -> Registered<T> {
        feature::create(&self.context, self.witness(), &Self::draft(props, shape)).unwrap()
    }

    pub fn replace<T: Records>(&self, id: Uuid, props: &Props, shape: Geometry<f64>) {
        feature::replace::<T>(&self.context, self.witness(), id, None, &Self::draft(props, shape)).unwrap();
    }

    pub fn delete<T: Records>(&self, id: Uuid) {
        feature::delete::<T>(&self.context, self.witness(), id, None).unwrap();
    }

    pub fn ids(&self, layer: Layer) -> Vec<Uuid> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = SqlUuid)]
            id: Uuid,
        }
        let sql = format!("SELECT id FROM {layer} ORDER BY id");
        let rows: Vec<Row> = self.database.ask(|conn| diesel::sql_query(sql).load(conn)).unwrap();
        rows.into_iter().map(|r| r.id).collect()
    }
}

/// Asks about `against` at [`AT`].
pub fn question(against: Layer, clearance: Option<f64>) -> Question {
    Question {
        against: vec![against],
        clearance: clearance.map(|m| Metres::new(m).unwrap()),
        at: AT.parse::<Timestamp>().unwrap(),
        limit: usize::MAX,
        as_of: None,
        min_revision: Vec::new(),
    }
}

pub fn drawn(shape: &Geometry<f64>, accuracy: f64, clearance_m: Option<f64>) -> Drawn {
    Drawn {
        name: "drawn".into(),
        pointer: String::new(),
        delivered: Delivered { shape: shape.clone(), crs: GRID },
        accuracy: Metres::new(accuracy).unwrap(),
        clearance_m,
        kind: DrawnKind::Unknown,
    }
}

/// Every pair (work, corridor) that the index finds, asked from the corridors' side or from the works'.
pub fn by_index(context: &Context, world: &World, from: Layer, clearance: Option<f64>) -> Found {
    let mut found = BTreeMap::new();
    for id in world.ids(from) {
        let answer: Answer = match from {
            Layer::Corridors => {
                conflict_check::check_stored::<Corridor>(context, &world.actor, id, &question(Layer::Works, clearance))
            }
            Layer::Works => {
                conflict_check::check_stored::<Work>(context, &world.actor, id, &question(Layer::Corridors, clearance))
            }
            Layer::References => unreachable!("reference features are in no pair"),
        }
        .unwrap();
        let [result] = answer.results.as_slice() else { panic!("one subject, one result") };
        let set: Answer<conflict_check::Found> = match from {
            Layer::Corridors => {
                let question = question(Layer::Works, clearance);
                conflict_check::check_stored_as::<Corridor, _>(context, &world.actor, id, &question)
            }
            Layer::Works => {
                let question = question(Layer::Corridors, clearance);
                conflict_check::check_stored_as::<Work, _>(context, &world.actor, id, &question)
            }
            Layer::References => unreachable!("reference features are in no pair"),
        }
        .unwrap();
        same_set(result, &set.results[0]);
        assert_eq!(result.conflict_count, result.conflicts.len());
        for c in &result.conflicts {
            let pair = if from == Layer::Corridors { (c.id, id) } else { (id, c.id) };
            assert!(found.insert(pair, c.clone()).is_none(), "{pair:?} twice");
        }
    }
    found
}

/// The set alone is the same set.
pub fn same_set(complete: &SubjectResult, set: &SubjectResult<conflict_check::Found>) {
    let mut expect: Vec<Uuid> = complete.conflicts.iter().map(|c| c.id).collect();
    expect.sort_unstable();
    let found: Vec<Uuid> = set.conflicts.iter().map(|c| c.id).collect();
    assert_eq!(found, expect, "by id");
    assert_eq!(set.conflict_count, complete.conflict_count);
    assert_eq!((&set.clearances, set.coverage), (&complete.clearances, complete.coverage));
}

/// What PostGIS says of one pair.
#[derive(Debug, Clone, QueryableByName)]
pub struct Judged {
    #[diesel(sql_type = SqlUuid)]
    pub work: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub corridor: Uuid,
    #[diesel(sql_type = Bool)]
    pub meets: bool,
    #[diesel(sql_type = Text)]
    pub relation: String,
    #[diesel(sql_type = Double)]
    pub distance: f64,
    #[diesel(sql_type = Double)]
    pub clearance: f64,
    #[diesel(sql_type = Double)]
    pub accuracy: f64,
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// Of points: distance to the edge of the land. Of others: the greatest of their vertices inside.
    #[diesel(sql_type = Nullable<Double>)]
    pub depth: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub overlap: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    pub size: Option<f64>,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pub dimension: i32,
    #[diesel(sql_type = Text)]
    pub shapes: String,
}

/// What PostGIS decides of one pair.
#[derive(Debug, Clone, QueryableByName)]
pub struct Decided {
    #[diesel(sql_type = SqlUuid)]
    pub work: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub corridor: Uuid,
    #[diesel(sql_type = Bool)]
    pub meets: bool,
    /// How much farther apart they are than the threshold.
    #[diesel(sql_type = Double)]
    pub beyond: f64,
}

impl Decided {
    /// Within a hair of the threshold.
    pub fn doubtful(&self) -> bool {
        self.beyond.abs() <= HAIR_M
    }
}

/// Today's works with their accuracy, today's corridors with their severity: DOMAIN's rules in SQL.
/// $1: the moment; $2 to $7: the configured accuracies; $8: the clearance asked, or null.
const TODAY: &str = "
WITH today AS (SELECT ($1::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day),
w AS (
    SELECT id, geom_grid AS g, coalesce(position_accuracy_m, CASE capture_method
        WHEN 'gnss_rtk' THEN $2 WHEN 'gnss' THEN $3 WHEN 'digitised' THEN $4 WHEN 'record' THEN $5
        WHEN 'estimated' THEN $6 ELSE $7 END) AS accuracy
    FROM works, today
    WHERE status NOT IN ('dismantled', 'relocated', 'abandoned')
        AND coalesce(valid_from <= day, true) AND coalesce(valid_to >= day, true)
),
c AS (
    SELECT id, geom_grid AS g, coalesce($8, clearance_m, 0) AS clearance, CASE
        WHEN status IN ('in_force', 'handed_over') AND coalesce(in_force_from <= day, true) THEN 'blocks'
        ELSE 'warns' END AS severity
    FROM corridors, today
    WHERE status IN ('in_force', 'handed_over', 'announced', 'surveyed', 'approved', 'suspended')
        AND coalesce(in_force_to >= day, true)
)";

/// The words, sizes and depths of a pair of `w` and `c`.
const MEASURED: &str = "
SELECT w.id AS work, c.id AS corridor, ST_DWithin(w.g, c.g, c.clearance + w.accuracy) AS meets,
    CASE WHEN ST_Within(w.g, c.g) THEN 'inside' WHEN ST_Touches(w.g, c.g) THEN 'touches'
        WHEN ST_Intersects(w.g, c.g) THEN 'crosses' ELSE 'near' END AS relation,
    ST_Distance(w.g, c.g) AS distance, c.clearance::float8, w.accuracy::float8, c.severity,
    CASE WHEN ST_Intersects(w.g, c.g) AND ST_Dimension(c.g) = 2 THEN (
        SELECT coalesce(max(ST_Distance(d.geom, ST_Boundary(c.g))) FILTER (WHERE ST_Intersects(d.geom, c.g)), 0)
        FROM ST_DumpPoints(w.g) AS d) END AS depth,
    CASE WHEN ST_Dimension(c.g) < 2 THEN NULL WHEN ST_Dimension(w.g) = 1 THEN ST_Length(ST_Intersection(w.g, c.g))
        WHEN ST_Dimension(w.g) = 2 THEN ST_Area(ST_Intersection(w.g, c.g)) END AS overlap,
    CASE ST_Dimension(w.g) WHEN 1 THEN ST_Length(ST_UnaryUnion(w.g)) WHEN 2 THEN ST_Area(w.g) END AS size,
    ST_Dimension(w.g) AS dimension,
    ST_AsText(w.g, 17) || ' ~ ' || ST_AsText(c.g, 17) AS shapes
FROM w, c";

impl World {
    /// Every pair that PostGIS finds in conflict, and every pair within a hair of it.
    pub fn by_postgis(&self, clearance: Option<f64>) -> Vec<Judged> {
        let sql = format!("{TODAY} {MEASURED} WHERE ST_DWithin(w.g, c.g, c.clearance + w.accuracy + {HAIR_M})");
        self.judge(&sql, clearance)
    }

    /// Every pair in one join: those in conflict, and those within a hair of it; all others are not.
    pub fn decided_by_postgis(&self, clearance: Option<f64>) -> Vec<Decided> {
        self.judge(
            &format!(
                "{TODAY} SELECT w.id AS work, c.id AS corridor, ST_DWithin(w.g, c.g, c.clearance + w.accuracy) AS meets,
                    (ST_Distance(w.g, c.g) - (c.clearance + w.accuracy))::float8 AS beyond
                 FROM w JOIN c ON ST_DWithin(w.g, c.g, c.clearance + w.accuracy + {HAIR_M})"
            ),
            clearance,
        )
    }

    /// How many pairs there are to decide.
    pub fn pairs_in_postgis(&self) -> usize {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            pairs: i64,
        }
        let rows: Vec<Row> = self.judge(&format!("{TODAY} SELECT count(*) AS pairs FROM w, c"), None);
        usize::try_from(rows[0].pairs).unwrap()
    }

    fn judge<T: QueryableByName<diesel::pg::Pg> + 'static>(&self, sql: &str, clearance: Option<f64>) -> Vec<T> {
        let s = &self.context.settings;
        let query = diesel::sql_query(sql)
            .bind::<Text, _>(AT)
            .bind::<Double, _>(s.accuracy_gnss_rtk_m)
            .bind::<Double, _>(s.accuracy_gnss_m)
            .bind::<Double, _>(s.accuracy_digitised_m)
            .bind::<Double, _>(s.accuracy_record_m)
            .bind::<Double, _>(s.accuracy_estimated_m)
            .bind::<Double, _>(s.accuracy_unknown_m)
            .bind::<Nullable<Double>, _>(clearance);
        self.database.ask(|conn| query.load(conn)).unwrap()
    }

    /// Drawn shapes against the works: they stand for corridors, each with its clearance.
    pub fn drawn_land_by_postgis(&self, shapes: &[Geometry<f64>], clearance: f64) -> Vec<Judged> {
        let sql = format!(
            "{TODAY}, dr AS (SELECT * FROM unnest($9::bigint[], $10::geometry[]) AS d(n, g)) {}
             WHERE ST_DWithin(w.g, c.g, c.clearance + w.accuracy + {HAIR_M})",
            MEASURED.replace(
                "FROM w, c",
                "FROM w, (SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid AS id, g, \
                 $8::float8 AS clearance, 'blocks' AS severity FROM dr) AS c"
            )
        );
        self.judge_drawn(&sql, Some(clearance), shapes)
    }

    /// Drawn shapes against the corridors: they stand for works, all with one accuracy.
    pub fn drawn_works_by_postgis(
        &self,
        shapes: &[Geometry<f64>],
        clearance: Option<f64>,
        accuracy: f64,
    ) -> Vec<Judged> {
        let sql = format!(
            "{TODAY}, dr AS (SELECT * FROM unnest($9::bigint[], $10::geometry[]) AS d(n, g)) {}
             WHERE ST_DWithin(w.g, c.g, c.clearance + w.accuracy + {HAIR_M})",
            MEASURED.replace(
                "FROM w, c",
                &format!(
                    "FROM (SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid AS id, g, \
                     {accuracy}::float8 AS accuracy FROM dr) AS w, c"
                )
            )
        );
        self.judge_drawn(&sql, clearance, shapes)
    }

    fn judge_drawn(&self, sql: &str, clearance: Option<f64>, shapes: &[Geometry<f64>]) -> Vec<Judged> {
        let s = &self.context.settings;
        let numbers: Vec<i64> = (0_i64..).take(shapes.len()).collect();
        let shapes: Vec<Shape> = shapes.iter().map(|g| Shape::new(g.clone(), GRID)).collect();
        let query = diesel::sql_query(sql)
            .bind::<Text, _>(AT)
            .bind::<Double, _>(s.accuracy_gnss_rtk_m)
            .bind::<Double, _>(s.accuracy_gnss_m)
            .bind::<Double, _>(s.accuracy_digitised_m)
            .bind::<Double, _>(s.accuracy_record_m)
            .bind::<Double, _>(s.accuracy_estimated_m)
            .bind::<Double, _>(s.accuracy_unknown_m)
            .bind::<Nullable<Double>, _>(clearance)
            .bind::<Array<BigInt>, _>(numbers)
            .bind::<Array<sql_types::Geometry>, _>(shapes);
        self.database.ask(|conn| query.load(conn)).unwrap()
    }

    /// All that PostGIS calls invalid, of either table.
    pub fn invalid_in_postgis(&self) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            what: String,
        }
        let one = |t| {
            format!(
                "SELECT code || ': ' || ST_IsValidReason(geom_grid) AS what FROM {t} WHERE NOT ST_IsValid(geom_grid)"
            )
        };
        let sql = format!("{} UNION ALL {}", one("works"), one("corridors"));
        let rows: Vec<Row> = self.database.ask(|conn| diesel::sql_query(sql).load(conn)).unwrap();
        rows.into_iter().map(|r| r.what).collect()
    }
}

/// The pairs of a judgement that are in conflict, and those within a hair of the threshold.
pub fn split(judged: &[Judged]) -> (Pairs, Pairs) {
    let pair = |j: &Judged| (j.work, j.corridor);
    let doubtful = |j: &&Judged| (j.distance - (j.clearance + j.accuracy)).abs() <= HAIR_M;
    (judged.iter().filter(|j| j.meets).map(pair).collect(), judged.iter().filter(doubtful).map(pair).collect())
}
