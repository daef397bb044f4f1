//! Site checks: a document to the columns asked about, and what the checks say as JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::document::{Reading, delivered, fields, object};
use super::message::{Language, sentence};
use super::rules::parameter;
use crate::domain::fields::{Fields, Value};
use crate::domain::place::Delivered;
use crate::domain::site_check::{
    Antenna, Compliance, Decided, Evidence, Finding, Gap, GapWhy, Message, Quantity, Sector, Subject, Verdict, circle,
};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::geometry::encoding::geojson::{self, GeometryValue};
use crate::geometry::{Epsg, Geometry, Grid, LonLat, Point, Problem, crs};

/// A column somebody asks about.
#[derive(Debug, Clone)]
pub struct AskedSubject {
    /// How the answer calls it: the id of the feature, else its place in the document, from 0.
    pub name: String,
    /// Where its geometry stands in the document.
    pub pointer: String,
    /// The place.
    pub delivered: Delivered,
    /// The column.
    pub subject: Subject,
}

/// Reads a Feature or a `FeatureCollection` of points.
///
/// # Errors
/// [`Error::Invalid`] with every problem of every column, [`Error::TooLarge`] with more than `subjects_max`.
pub fn subjects(value: &Json, reading: Reading, subjects_max: usize) -> Result<Vec<AskedSubject>> {
    let document = object(value, "").map_err(|p| Error::Invalid(vec![p]))?;
    let mut problems = Vec::new();
    let mut found = Vec::new();
    if document.get("type").and_then(Json::as_str) != Some("FeatureCollection") {
        read_one(value, 0, "", reading, &mut found, &mut problems)?;
        return if problems.is_empty() { Ok(found) } else { Err(Error::Invalid(problems)) };
    }
    if let Some(Err(problem)) = document.get("crs").map(geojson::crs_member) {
        problems.push(problem.under("/crs"));
    }
    let Some(features) = document.get("features").and_then(Json::as_array) else {
        return Err(Error::invalid("/features", "is missing; a list of features belongs here"));
    };
    if features.len() > subjects_max {
        return Err(Error::TooLarge {
            what: "the collection".into(),
            found: format!("{} features", features.len()),
            limit: format!("{subjects_max} features"),
        });
    }
    if features.is_empty() {
        problems.push(Problem::new("/features", "is empty; there is nothing to check"));
    }
    for (n, feature) in features.iter().enumerate() {
        read_one(feature, n, &format!("/features/{n}"), reading, &mut found, &mut problems)?;
    }
    if problems.is_empty() { Ok(found) } else { Err(Error::Invalid(problems)) }
}

fn read_one(
    value: &Json,
    number: usize,
    pointer: &str,
    reading: Reading,
    found: &mut Vec<AskedSubject>,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let feature = match object(value, pointer) {
        Ok(feature) => feature,
        Err(problem) => {
            problems.push(problem);
            return Ok(());
        }
    };
    if feature.get("type").and_then(Json::as_str) != Some("Feature") {
        problems.push(Problem::new(format!("{pointer}/type"), "must be \"Feature\": a column is more than a place"));
        return Ok(());
    }
    if let Some(Err(problem)) = feature.get("crs").map(geojson::crs_member) {
        problems.push(problem.under("/crs").under(pointer));
    }
    let empty = Map::new();
    let properties = match feature.get("properties") {
        None | Some(Json::Null) => &empty,
        Some(value) => object(value, &format!("{pointer}/properties")).unwrap_or_else(|problem| {
            problems.push(problem);
            &empty
        }),
    };
    let subject = read_subject(properties).map_err(|more| problems.extend(more.into_iter().map(|p| p.under(pointer))));
    let at = format!("{pointer}/geometry");
    let shape = match feature.get("geometry") {
        None | Some(Json::Null) => {
            problems.push(Problem::new(at, "is missing or null: a column stands somewhere"));
            return Ok(());
        }
        Some(geometry) => delivered(geometry, reading, &at),
    };
    let delivered = match shape {
        Ok(delivered) => delivered,
        Err(Error::Invalid(more)) => {
            problems.extend(more);
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    if !matches!(delivered.shape, Geometry::Point(_)) {
        problems.push(Problem::new(format!("{at}/type"), "must be \"Point\": a column stands at one place"));
    }
    let name = match feature.get("id") {
        Some(Json::String(id)) => id.clone(),
        Some(Json::Number(id)) => id.to_string(),
        _ => number.to_string(),
    };
    if let Ok(subject) = subject {
        found.push(AskedSubject { name, pointer: at, delivered, subject });
    }
    Ok(())
}

/// Reads what the properties say of a column.
///
/// # Errors
/// Every problem, at `/properties/…`.
pub fn read_subject(properties: &Map<String, Json>) -> std::result::Result<Subject, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut antennas = Vec::new();
    match properties.get("antennas") {
        None | Some(Json::Null) => {}
        Some(Json::Array(items)) => {
            for (n, item) in items.iter().enumerate() {
                let at = format!("/properties/antennas/{n}");
                match object(item, &at) {
                    Ok(item) => match Antenna::read(&fields(item)) {
                        Ok(antenna) => antennas.push(antenna),
                        Err(more) => problems.extend(more.into_iter().map(|p| p.under(&at))),
                    },
                    Err(problem) => problems.push(problem),
                }
            }
        }
        Some(other) => {
            let detail = format!("is {}; a list of antennas belongs here", geojson::describe(other));
            problems.push(Problem::new("/properties/antennas", detail));
        }
    }
    match Subject::read(&fields(properties), antennas) {
        Ok(subject) if problems.is_empty() => Ok(subject),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// A column as the properties of a feature: what [`read_subject`] reads.
#[must_use]
pub fn subject_json(subject: &Subject) -> Json {
    let mut all = members(&subject.fields());
    let antennas = subject.antennas.iter().map(|antenna| Json::Object(members(&antenna.fields())));
    all.insert("antennas".into(), antennas.collect());
    Json::Object(all)
}

/// The members of an object, of texts and numbers alone.
fn members(fields: &Fields) -> Map<String, Json> {
    let value = |value: &Value| match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Number(number) => Json::from(*number),
        _ => Json::Null,
    };
    fields.0.iter().map(|(name, of)| (name.clone(), value(of))).collect()
}

/// What the checks say of a column.
#[derive(Debug, Clone, Copy)]
pub struct CheckedRow<'a> {
    /// The run that is kept.
    pub id: Option<Uuid>,
    /// How the asker calls it.
    pub name: &'a str,
    /// The place as it was delivered.
    pub delivered: &'a Delivered,
    /// The place in WGS 84.
    pub lonlat: &'a LonLat<Point<f64>>,
    /// The column.
    pub subject: &'a Subject,
    /// Where it lies.
    pub jurisdiction: Option<&'a str>,
    /// The revision of each jurisdiction that was looked at.
    pub revisions: &'a BTreeMap<String, i64>,
    /// The moment at which dates were looked at.
    pub at: Timestamp,
    /// The day of that.
    pub day: Date,
    /// The worst of all findings.
    pub verdict: Verdict,
    /// On which findings are drawn.
    pub grid: Epsg,
    /// One finding for each check.
    pub findings: &'a [Finding],
}

impl CheckedRow<'_> {
    /// Its text, after what stands in `text` already.
    ///
    /// # Errors
    /// [`Error::Internal`], by a fault of ours alone.
    pub fn write(&self, text: &mut Vec<u8>) -> Result<()> {
        #[derive(Serialize)]
        struct Row<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<Uuid>,
            subject: Column<'a>,
            jurisdiction: Option<&'a str>,
            revision: &'a BTreeMap<String, i64>,
            at: String,
            day: String,
            verdict: &'static str,
            findings: Vec<FindingRow<'a>>,
        }
        #[derive(Serialize)]
        struct Column<'a> {
            r#type: &'static str,
            geometry: GeometryValue,
            properties: Json,
            id: &'a str,
        }
        let place = place_text(self.delivered, self.lonlat, self.subject.accuracy_m, self.grid)?;
        let row = Row {
            id: self.id,
            subject: Column {
                r#type: "Feature",
                geometry: GeometryValue::from(&Geometry::Point(self.lonlat.0)),
                properties: subject_json(self.subject),
                id: self.name,
            },
            jurisdiction: self.jurisdiction,
            revision: self.revisions,
            at: self.at.to_string(),
            day: self.day.to_string(),
            verdict: self.verdict.as_str(),
            findings: self.findings.iter().map(|f| FindingRow::new(f, self.grid, Some(&place))).collect(),
        };
        serde_json::to_writer(text, &row)
            .map_err(|e| Error::Internal(format!("a site check could not be written: {e}")))
    }
}

/// Where a column may be, written once for all findings that show it: a point, or what is within the accuracy of its place. Of a
/// place that cannot be brought to the grid, or that nobody looks after and so has none, the point.
///
/// # Errors
/// [`Error::Internal`], by a fault of ours alone.
fn place_text(
    delivered: &Delivered,
    lonlat: &LonLat<Point<f64>>,
    accuracy_m: f64,
    grid: Epsg,
) -> Result<Box<RawValue>> {
    let on_grid = Some(grid).filter(|grid| accuracy_m > 0.0 && *grid != Epsg::WGS84);
    let on_grid = on_grid.and_then(|grid| crs::project(&delivered.shape, delivered.crs, grid).ok());
    let round = match on_grid {
        Some(Geometry::Point(at)) => drawn(&circle(at.0, accuracy_m), grid),
        _ => None,
    };
    let shape = round.unwrap_or_else(|| GeometryValue::from(&Geometry::Point(lonlat.0)));
    serde_json::value::to_raw_value(&shape).map_err(|e| Error::Internal(format!("a place could not be written: {e}")))
}

/// A finding, written straight from what was found: as a tree of values its text would cost several times the check itself.
#[derive(Serialize)]
struct FindingRow<'a> {
    code: &'static str,
    verdict: &'static str,
    key: &'static str,
    message: Said<'a>,
    measured: Option<QuantityRow>,
    limit: Option<QuantityRow>,
    rule: Option<Json>,
    compliance: Option<Json>,
    evidence: Vec<EvidenceRow<'a>>,
    restricted: bool,
    consult: Vec<&'static str>,
    outcome: Option<&'static str>,
    gaps: Vec<GapRow>,
    geometry: Option<Shown<'a>>,
}

impl<'a> FindingRow<'a> {
    /// Of a finding; what it draws lies on the grid `grid`. What passes and draws nothing of its own shows the `place`.
    fn new(finding: &'a Finding, grid: Epsg, place: Option<&'a RawValue>) -> Self {
        let of_place = || place.filter(|_| finding.verdict == Verdict::Pass).map(Shown::Place);
        let quantity = |q: Option<Quantity>| q.map(|q| QuantityRow { value: q.value, unit: q.unit.as_str() });
        Self {
            code: finding.code.as_str(),
            verdict: finding.verdict.as_str(),
            key: finding.message.key,
            message: Said(&finding.message),
            measured: quantity(finding.measured),
            limit: quantity(finding.limit),
            rule: finding.rule.as_deref().map(parameter).or_else(|| finding.decided.as_ref().map(decided_json)),
            compliance: finding.compliance.as_ref().map(compliance_json),
            evidence: finding.evidence.iter().map(EvidenceRow::new).collect(),
            restricted: finding.gaps.iter().any(|gap| gap.why == GapWhy::Hidden),
            consult: finding.consult.iter().map(|who| who.as_str()).collect(),
            outcome: finding.outcome.map(Word::as_str),
            gaps: finding.gaps.iter().copied().map(GapRow::new).collect(),
            geometry: finding.geometry.as_ref().and_then(|s| drawn(s, grid)).map(Shown::Own).or_else(of_place),
        }
    }
}

/// A sentence in each language.
struct Said<'a>(&'a Message);

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer
            .collect_map(Language::ALL.iter().map(|(language, _)| (language.as_str(), sentence(self.0, *language))))
    }
}

#[derive(Serialize)]
struct QuantityRow {
    value: f64,
    unit: &'static str,
}

#[derive(Serialize)]
struct GapRow {
    source: String,
    reason: &'static str,
}

impl GapRow {
    fn new(gap: Gap) -> Self {
        Self { source: gap.source.to_string(), reason: gap.why.as_str() }
    }
}

/// What is drawn.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Own(GeometryValue),
    Place(&'a RawValue),
}

#[derive(Serialize)]
struct EvidenceRow<'a> {
    layer: &'static str,
    id: Uuid,
    code: &'a str,
    kind: &'static str,
    name: Option<&'a str>,
    organisation: &'a str,
    distance_m: f64,
    spare_capacity: Option<u32>,
}

impl<'a> EvidenceRow<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        Self {
            layer: evidence.layer.as_str(),
            id: evidence.id,
            code: evidence.code.as_str(),
            kind: evidence.kind,
            name: evidence.name.as_deref(),
            organisation: &evidence.organisation,
            distance_m: evidence.distance_m,
            spare_capacity: evidence.spare_capacity,
        }
    }
}

/// A finding as a value, for a document that says more.
///
/// # Errors
/// [`Error::Internal`], by a fault of ours alone.
pub fn finding_json(finding: &Finding, grid: Epsg) -> Result<Json> {
    let written = serde_json::to_value(FindingRow::new(finding, grid, None));
    written.map_err(|e| Error::Internal(format!("a finding could not be written: {e}")))
}

/// What a zone was decided by.
fn decided_json(Decided { zone, decision, valid_from, valid_to }: &Decided) -> Json {
    json!({
        "zone": zone.as_str(),
        "plan": &*decision.plan,
        "plan_version": decision.version,
        "document": &*decision.number,
        "date": decision.date.to_string(),
        "signer": decision.signer.as_deref(),
        "valid_from": valid_from.map(|day| day.to_string()),
        "valid_to": valid_to.map(|day| day.to_string()),
    })
}

fn compliance_json(Compliance { sectors, summed_m, summed_below_m }: &Compliance) -> Json {
    let sector = |of: &Sector| {
        json!({
            "azimuth_deg": of.azimuth_deg,
            "beamwidth_deg": of.beamwidth_deg,
            "eirp_w": of.eirp_w,
            "front_m": of.front_m,
            "shoulder_m": of.shoulder_m,
            "side_m": of.side_m,
            "below_m": of.below_m,
            "summed_m": of.summed_m,
            "summed_side_m": of.summed_side_m,
        })
    };
    json!({
        "sectors": sectors.iter().map(sector).collect::<Vec<_>>(),
        "summed_m": summed_m,
        "summed_below_m": summed_below_m,
    })
}

/// A shape on a grid in WGS 84; none where it cannot be brought there.
fn drawn(shape: &Grid<Geometry<f64>>, grid: Epsg) -> Option<GeometryValue> {
    crs::project(&shape.0, grid, Epsg::WGS84).ok().map(|shape| GeometryValue::from(&shape))
}
