//! Features round the place (0, 0), a subject and a rule pack, for the tables of cases.

use std::sync::Arc;

use jiff::civil::{Date, date};
use uuid::Uuid;

use crate::domain::conflict::{Facts, Rule, RuleKey, Severity};
use crate::domain::corridor::{CorridorFacts, CorridorKind, CorridorStatus};
use crate::domain::coverage::Coverage;
use crate::domain::layer::{Layer, NounFacts};
use crate::domain::reference::{Attributes, ReferenceFacts, ReferenceKind};
use crate::domain::rules::{Applies, Confidence, Parameter, SiteRules};
use crate::domain::site_check::surroundings::Near;
use crate::domain::site_check::{
    Finding, NearCorridor, NearLine, Parameters, Place, Shape, SiteKey, Subject, Surroundings, is_drawn, no_width_of,
    sources, to_edge_of,
};
use crate::domain::word::{Visibility, Word};
use crate::domain::work::{ColumnClass, WorkFacts, WorkKind, WorkStatus};
use crate::geometry::measure::{self, Dimension, Prepared};
use crate::geometry::{Coord, Geometry, Grid, LineString, Metres, Point, Polygon};

/// The day asked.
pub const DAY: Date = date(2026, 3, 15);

/// The limits of the cases.
pub const VALUES: &[(SiteKey, f64)] = &[
    (SiteKey::OnlyA1Distance, 200.0),
    (SiteKey::FallFactor, 1.0),
    (SiteKey::RoadHalfWidth, 20.0),
    (SiteKey::PowerLineHalfWidth, 15.0),
    (SiteKey::ColumnHeight, 15.0),
    (SiteKey::SpacingUrban, 100.0),
    (SiteKey::SpacingElsewhere, 500.0),
    (SiteKey::MarkingHeight, 45.0),
    (SiteKey::InnerHorizontalRadius, 4_000.0),
    (SiteKey::InnerHorizontalHeight, 45.0),
    (SiteKey::ConicalSlope, 0.05),
    (SiteKey::ConicalHeight, 100.0),
    (SiteKey::ApproachInnerEdge, 300.0),
    (SiteKey::ApproachFromThreshold, 60.0),
    (SiteKey::ApproachDivergence, 0.15),
    (SiteKey::ApproachFirstLength, 3_000.0),
    (SiteKey::ApproachFirstSlope, 0.02),
    (SiteKey::ApproachSecondLength, 3_600.0),
    (SiteKey::ApproachSecondSlope, 0.025),
    (SiteKey::ApproachHorizontalLength, 8_400.0),
    (SiteKey::TransitionalSlope, 0.143),
    (SiteKey::ExposureLimit, 2.0),
    (SiteKey::ReflectionFactor, 4.0),
    (SiteKey::SideShare, 0.1),
    (SiteKey::DownShare, 0.05),
    (SiteKey::Beamwidth, 120.0),
    (SiteKey::ShoulderShare, 0.5),
    (SiteKey::RelevantShare, 0.05),
    (SiteKey::FrequencyFrom, 10.0),
    (SiteKey::FrequencyTo, 6_000.0),
    (SiteKey::CoSitedDistance, 50.0),
    (SiteKey::HeritageDistance, 100.0),
    (SiteKey::SensitiveDistance, 50.0),
    (SiteKey::DefenceDistance, 500.0),
    (SiteKey::DuplicateDistance, 30.0),
];

/// A parameter of a key, for a class or for all.
pub fn parameter(key: SiteKey, class: Option<&str>, value: f64) -> Arc<Parameter> {
    let applies = Applies { corridor_class: class.map(str::to_owned), ..Applies::default() };
    Arc::new(Parameter {
        key: key.as_str().into(),
        value,
        unit: key.unit(),
        applies,
        document: None,
        article: None,
        valid_from: None,
        valid_to: None,
        confidence: Confidence::Default,
        note: None,
    })
}

/// The pack of the cases.
pub fn pack() -> SiteRules {
    SiteRules::new(&VALUES.iter().map(|(key, value)| parameter(*key, None, *value)).collect::<Vec<_>>())
}

/// A pack without a limit.
pub fn empty_pack() -> SiteRules {
    SiteRules::default()
}

/// What a check says under the pack of the cases.
pub fn judge(
    check: fn(&Subject, &Surroundings<'_>, &Parameters<'_>, Date) -> Finding,
    subject: &Subject,
    around: &Surroundings<'_>,
) -> Finding {
    check(subject, around, &Parameters::on(&pack(), DAY), DAY)
}

/// A mast of 30 m of the carrier VT, at a place known to 5 m.
pub fn mast() -> Subject {
    Subject {
        kind: WorkKind::Mast,
        column_class: Some(ColumnClass::A2a),
        height_agl_m: 30.0,
        ground_amsl_m: None,
        accuracy_m: 5.0,
        organisation: Some("VT".into()),
        request: None,
        antennas: Vec::new(),
        starts_on: None,
        ends_on: None,
    }
}

/// A mast that stands.
pub fn column() -> WorkFacts {
    WorkFacts {
        kind: WorkKind::Mast,
        status: WorkStatus::InService,
        valid_from: None,
        valid_to: None,
        position_accuracy_m: None,
        capture_method: None,
        column_class: Some(ColumnClass::A2a),
        height_agl_m: Some(42.0),
        spare_capacity: None,
    }
}

/// A point.
pub fn point(x: f64, y: f64) -> Geometry<f64> {
    Geometry::Point(Point::new(x, y))
}

/// A line through points.
pub fn line(points: &[(f64, f64)]) -> Geometry<f64> {
    Geometry::LineString(LineString::from(points.to_vec()))
}

/// A square round its middle, with half its side.
pub fn square(x: f64, y: f64, half: f64) -> Geometry<f64> {
    rectangle([x - half, y - half], [x + half, y + half])
}

/// A rectangle between two corners.
pub fn rectangle([west, south]: [f64; 2], [east, north]: [f64; 2]) -> Geometry<f64> {
    let ring = vec![(west, south), (east, south), (east, north), (west, north), (west, south)];
    Geometry::Polygon(Polygon::new(LineString::from(ring), Vec::new()))
}

/// The names or codes of what a finding rests on.
pub fn names(finding: &Finding) -> Vec<&str> {
    finding.evidence.iter().map(|e| e.name.as_deref().unwrap_or(&e.code)).collect()
}

/// A feature of a scene.
pub struct Item<F> {
    facts: Facts,
    told: F,
    shape: Prepared,
    accuracy_m: f64,
    /// What stays free beside it; none: nobody knows. Whether that is of its class.
    keeps: Option<(f64, bool)>,
}

impl<F: Copy + Into<NounFacts>> Item<F> {
    fn new(number: usize, told: F, shape: Geometry<f64>) -> Self {
        let facts = Facts {
            id: Uuid::from_u128(number as u128),
            code: format!("F{number}").into(),
            organisation: "MB".into(),
            visibility: Visibility::Public,
            noun: told.into(),
            attributes: None,
        };
        Self { facts, told, shape: Prepared::new(&Grid(shape)), accuracy_m: 0.0, keeps: Some((0.0, true)) }
    }

    /// Of a carrier.
    pub fn of(&mut self, organisation: &str) -> &mut Self {
        self.facts.organisation = organisation.into();
        self
    }

    /// Seen by these.
    pub fn seen_by(&mut self, visibility: Visibility) -> &mut Self {
        self.facts.visibility = visibility;
        self
    }

    /// Known to so many metres.
    pub fn accurate(&mut self, metres: f64) -> &mut Self {
        self.accuracy_m = metres;
        self
    }

    /// So much stays free beside it; whether that is of its class.
    pub fn keeps(&mut self, metres: f64, is_of_its_class: bool) -> &mut Self {
        self.keeps = Some((metres, is_of_its_class));
        self
    }

    /// Nobody knows what stays free beside it.
    pub fn keeps_unknown(&mut self) -> &mut Self {
        self.keeps = None;
        self
    }

    fn clearance(&self) -> (Metres, Rule) {
        let word = if self.keeps.is_some() { RuleKey::Corridor } else { RuleKey::None };
        (Metres::new(self.keeps.map_or(0.0, |(metres, _)| metres)).unwrap(), Rule::Word(word))
    }

    /// What is known of it.
    pub fn with(&mut self, set: impl FnOnce(&mut Attributes)) -> &mut Self {
        set(Arc::make_mut(self.facts.attributes.get_or_insert_default()));
        self
    }

    /// What people call it.
    pub fn named(&mut self, name: &str) -> &mut Self {
        self.with(|a| a.name = Some(name.into()))
    }

    fn near(&self, layer: Layer) -> Near<'_, F> {
        let place = Prepared::point(Coord { x: 0.0, y: 0.0 });
        let distance_m = place.distance(&self.shape);
        let depth_m = (-measure::signed_distance(&place, &self.shape)).max(0.0);
        Near {
            layer,
            facts: &self.facts,
            told: self.told,
            shape: Some(Shape::There(&self.shape)),
            distance_m,
            depth_m,
            accuracy_m: self.accuracy_m,
        }
    }
}

impl Item<ReferenceFacts> {
    /// Valid on some days.
    pub fn valid(&mut self, from: Option<Date>, to: Option<Date>) -> &mut Self {
        (self.told.valid_from, self.told.valid_to) = (from, to);
        self
    }
}

/// What is round the place.
#[derive(Default)]
pub struct Scene {
    works: Vec<Item<WorkFacts>>,
    corridors: Vec<(Item<CorridorFacts>, Severity)>,
    references: Vec<Item<ReferenceFacts>>,
    /// The rules that say how wide a line is; none: the pack of the cases.
    rules: Option<SiteRules>,
}

impl Scene {
    /// Under rules that say how wide a line is.
    pub fn by(rules: SiteRules) -> Self {
        Self { rules: Some(rules), ..Self::default() }
    }

    /// The rules of it.
    pub fn by_rules(&self) -> SiteRules {
        self.rules.clone().unwrap_or_else(pack)
    }

    fn number(&self) -> usize {
        self.works.len() + self.corridors.len() + self.references.len() + 1
    }

    /// Adds a work.
    pub fn work(&mut self, told: WorkFacts, shape: Geometry<f64>) -> &mut Item<WorkFacts> {
        let item = Item::new(self.number(), told, shape);
        self.works.push(item);
        self.works.last_mut().unwrap()
    }

    /// Adds a corridor with a clearance.
    pub fn corridor(&mut self, severity: Severity, clearance: f64, shape: Geometry<f64>) -> &mut Item<CorridorFacts> {
        let told = CorridorFacts {
            kind: CorridorKind::Road,
            status: CorridorStatus::InForce,
            in_force_from: None,
            in_force_to: None,
            clearance_m: Some(clearance),
        };
        let item = Item::new(self.number(), told, shape);
        self.corridors.push((item, severity));
        self.corridors.last_mut().unwrap().0.keeps(clearance, true)
    }

    /// Adds a reference feature.
    pub fn reference(&mut self, kind: ReferenceKind, shape: Geometry<f64>) -> &mut Item<ReferenceFacts> {
        let item = Item::new(self.number(), ReferenceFacts { kind, valid_from: None, valid_to: None }, shape);
        self.references.push(item);
        self.references.last_mut().unwrap()
    }

    /// All of it, as seen from the place, with data of everything.
    pub fn around(&self) -> Surroundings<'_> {
        let place = Place {
            at: Coord { x: 0.0, y: 0.0 },
            inside: true,
            to_boundary_m: 10_000.0,
            boundary_at: None,
            hint: None,
        };
        let mut works: Vec<_> = self.works.iter().map(|item| item.near(Layer::Works)).collect();
        let mut corridors = Vec::new();
        for (item, severity) in &self.corridors {
            let (near, (clearance, rule)) = (item.near(Layer::Corridors), item.clearance());
            corridors.push(NearCorridor { near, severity: *severity, clearance, rule });
        }
        let (mut references, mut lines, stated) = (Vec::new(), Vec::new(), pack());
        for item in &self.references {
            let near = item.near(Layer::References);
            if !is_drawn(near.told.kind) {
                references.push(near);
                continue;
            }
            let is_line = item.shape.dimension() == Dimension::Line;
            let rules = self.rules.as_ref().unwrap_or(&stated);
            let to_edge_m = to_edge_of(near.told.kind, near.attributes(), is_line, rules, Some(DAY));
            let no_width = no_width_of(near.told.kind, near.attributes(), is_line, rules, DAY);
            let (clearance, rule) = item.clearance();
            let is_of_its_class = item.keeps.is_none_or(|(_, is)| is);
            lines.push(NearLine { near, to_edge_m, no_width, clearance, rule, is_of_its_class });
        }
        works.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
        corridors.sort_by(|a, b| a.near.distance_m.total_cmp(&b.near.distance_m));
        lines.sort_by(|a, b| a.near.distance_m.total_cmp(&b.near.distance_m));
        references.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
        let coverage = sources().iter().map(|source| (*source, Coverage::Full)).collect();
        Surroundings { place, works, corridors, lines, references, coverage, hidden: Vec::new(), in_zones: Vec::new() }
    }
}
