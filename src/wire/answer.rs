//! The answer of a conflict check as JSON, written straight from what was found.
//!
//! An answer has some tens of conflicts of some twenty members each. As a tree of JSON values it would cost more than
//! the check itself; here every member goes from where it is into the text.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::domain::conflict::{AccuracySource, Finding, LinearRun, Rule, Severity};
use crate::domain::layer::Layer;
use crate::domain::rules::Parameter;
use crate::domain::word::Word;
use crate::geometry::Metres;

/// A layer that was asked.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct CheckedRow<'a> {
    /// Whose.
    pub jurisdiction: &'a str,
    /// Which.
    pub layer: &'static str,
    /// Features that the asker sees.
    pub features: usize,
    /// How much of the ground the layer covers.
    pub coverage: &'static str,
}

/// How much of a subject's ground a layer answers for.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct LayerRow<'a> {
    /// Whose.
    pub jurisdiction: &'a str,
    /// Which.
    pub layer: &'static str,
    /// How much.
    pub coverage: &'static str,
}

/// What was found for one subject.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ResultRow<'a, C: Row> {
    /// How the asker calls it.
    pub subject: &'a str,
    /// How many conflicts there are, listed or not.
    pub conflict_count: usize,
    /// Not all of them are listed.
    pub truncated: bool,
    /// How much of its ground was checked.
    pub coverage: &'static str,
    /// What each layer asked says of it.
    pub layers: Vec<LayerRow<'a>>,
    /// Whether the subject counts on the day asked.
    pub counts: bool,
    /// The ground that was not checked.
    pub not_checked: Json,
    /// The conflicts.
    pub conflicts: Vec<C>,
}

/// A whole answer.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AnswerRow<'a, C: Row> {
    /// Which line of a batch it answers; left out of a single answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The revision of each jurisdiction asked.
    pub revision: &'a BTreeMap<String, i64>,
    /// The layers asked.
    pub checked: Vec<CheckedRow<'a>>,
    /// One result for each subject, in order.
    pub results: Vec<ResultRow<'a, C>>,
}

impl<C: Row> AnswerRow<'_, C> {
    /// The text.
    ///
    /// # Errors
    /// Never: every key is text and every member can be written.
    pub fn text(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = Vec::new();
        self.write(&mut text)?;
        Ok(text)
    }

    /// The text after what stands in `text` already.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn write(&self, text: &mut Vec<u8>) -> serde_json::Result<()> {
        let listed: usize = self.results.iter().map(|r| r.conflicts.len()).sum();
        text.reserve(1_024 + listed * C::BYTES);
        serde_json::to_writer(text, self)
    }
}

/// A conflict, as an answer lists it.
pub trait Row: Serialize {
    /// About how long it is as text, bytes.
    const BYTES: usize;
}

impl Row for FoundRow<'_> {
    const BYTES: usize = 160;
}

impl Row for ConflictRow<'_> {
    const BYTES: usize = 860;
}

/// Which feature is in conflict.
#[derive(Debug, Clone, Copy)]
pub struct FoundRow<'a> {
    /// The jurisdiction it was found in.
    pub jurisdiction: &'a str,
    /// The layer of the feature met.
    pub layer: Layer,
    /// The feature met.
    pub id: Uuid,
    /// Its code.
    pub code: &'a str,
    /// Its kind.
    pub kind: &'static str,
    /// What it means on the day asked.
    pub severity: Severity,
}

impl FoundRow<'_> {
    fn members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("jurisdiction", self.jurisdiction)?;
        map.serialize_entry("layer", self.layer.as_str())?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("code", self.code)?;
        map.serialize_entry("kind", self.kind)?;
        map.serialize_entry("severity", self.severity.as_str())
    }
}

impl Serialize for FoundRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.members(&mut map)?;
        map.end()
    }
}

/// One conflict with all that was measured; lengths in metres, areas in square metres.
#[derive(Debug, Clone, Copy)]
pub struct ConflictRow<'a> {
    /// Which feature.
    pub found: FoundRow<'a>,
    /// The clearance applied.
    pub clearance: Metres,
    /// Where that comes from.
    pub rule: &'a Rule,
    /// The accuracy of the work's position.
    pub accuracy: Metres,
    /// Where that comes from.
    pub accuracy_source: AccuracySource,
    /// The parameter of the rule pack, where it comes from there.
    pub accuracy_rule: Option<&'a Parameter>,
    /// What was measured.
    pub finding: &'a Finding,
}

/// A connected part of a work that is in conflict; lengths in metres.
#[derive(serde::Serialize)]
struct RunRow {
    chainage_from_m: f64,
    chainage_to_m: f64,
    offset_m: f64,
    side: Option<&'static str>,
    length_m: Option<f64>,
}

impl RunRow {
    fn of(run: &LinearRun) -> Self {
        Self {
            chainage_from_m: run.from_m,
            chainage_to_m: run.to_m,
            offset_m: run.offset_m,
            side: run.side.map(Word::as_str),
            length_m: run.length_m,
        }
    }
}

/// What gave a clearance.
struct RuleRow<'a>(&'a Rule);

impl Serialize for RuleRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let p = match self.0 {
            Rule::Parameter(parameter) => Some(parameter),
            Rule::Word(_) => None,
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("key", self.0.key())?;
        map.serialize_entry("value", &p.map(|p| p.value))?;
        map.serialize_entry("unit", &p.map(|p| p.unit.as_str()))?;
        map.serialize_entry("document", &p.map(|p| &p.document))?;
        map.serialize_entry("article", &p.map(|p| &p.article))?;
        map.serialize_entry("valid_from", &p.and_then(|p| p.valid_from).map(Day))?;
        map.serialize_entry("valid_to", &p.and_then(|p| p.valid_to).map(Day))?;
        map.serialize_entry("confidence", &p.map(|p| p.confidence.as_str()))?;
        map.end()
    }
}

/// A day, written without a text in between.
struct Day(jiff::civil::Date);

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for ConflictRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let f = self.finding;
        let line = f.linear.as_ref();
        let mut map = serializer.serialize_map(None)?;
        self.found.members(&mut map)?;
        map.serialize_entry("relation", f.relation.as_str())?;
        map.serialize_entry("verdict", f.verdict.as_str())?;
        map.serialize_entry("distance_m", &f.distance_m)?;
        map.serialize_entry("depth_m", &f.depth_m)?;
        map.serialize_entry("overlap_m", &f.overlap_m)?;
        map.serialize_entry("overlap_m2", &f.overlap_m2)?;
        map.serialize_entry("share", &f.share)?;
        map.serialize_entry("clearance_m", &self.clearance.get())?;
        map.serialize_entry("position_accuracy_m", &self.accuracy.get())?;
        map.serialize_entry("position_accuracy_from", self.accuracy_source.as_str())?;
        map.serialize_entry("position_accuracy_rule", &self.accuracy_rule.map(|p| p.key.as_str()))?;
        map.serialize_entry("chainage_from_m", &line.map(|l| l.from_m))?;
        map.serialize_entry("chainage_to_m", &line.map(|l| l.to_m))?;
        map.serialize_entry("offset_m", &line.map(|l| l.offset_m))?;
        map.serialize_entry("side", &line.and_then(|l| l.side).map(Word::as_str))?;
        map.serialize_entry("runs", &line.map_or_else(Vec::new, |l| l.runs.iter().map(RunRow::of).collect()))?;
        map.serialize_entry("rule", &RuleRow(self.rule))?;
        map.end()
    }
}
