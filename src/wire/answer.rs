//! The answer of a conflict check as JSON, written straight from what was found.
//!
//! An answer has some tens of conflicts of some twenty members each. As a tree of JSON values it would cost more than
//! the check itself; here every member goes from where it is into the text. Names of members and words of ours need no
//! escaping, so they go there as they are, which is several times cheaper than a serialiser that looks at every byte.

mod clearances;

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::domain::conflict::{AccuracySource, Applied, Finding, LinearRun, Rule, Severity, SideWord};
use crate::domain::layer::Layer;
use crate::domain::rules::Parameter;
use crate::domain::word::Word;
use crate::geometry::Metres;

pub use clearances::json as clearances_json;

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

/// What is said where something that the asker does not see may matter: that, and nothing else.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Notice {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub text: NoticeText,
}

/// A notice in both languages of the office.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct NoticeText {
    /// Vietnamese.
    pub vi: &'static str,
    /// English.
    pub en: &'static str,
}

impl Notice {
    /// Something restricted may stand here.
    pub const RESTRICTED: Self = Self {
        code: "restricted_work",
        text: NoticeText {
            vi: "Khu vực này có công trình hạn chế thông tin: đề nghị liên hệ cơ quan quản lý.",
            en: "Restricted work here: ask the office.",
        },
    };
}

/// What was found for one subject.
#[derive(Debug, Clone)]
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
    /// Something that the asker does not see may matter here.
    pub notice: bool,
    /// The ground that was not checked.
    pub not_checked: Json,
    /// What was kept free beside it.
    pub clearances: &'a [Applied],
    /// The conflicts.
    pub conflicts: Vec<C>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct AnswerRow<'a, C: Row> {
    /// Which line of a batch it answers; left out of a single answer.
    pub line: Option<u64>,
    /// The revision of each jurisdiction asked.
    pub revision: &'a BTreeMap<String, i64>,
    /// The moment at which this was known; left out of an answer of what is known now.
    pub as_of: Option<Timestamp>,
    /// The layers asked.
    pub checked: Vec<CheckedRow<'a>>,
    /// One result for each subject, in order.
    pub results: Vec<ResultRow<'a, C>>,
}

impl<C: Row> AnswerRow<'_, C> {
    /// The text.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        self.write(&mut text);
        text
    }

    /// The text after what stands in `text` already.
    pub fn write(&self, text: &mut Vec<u8>) {
        let listed: usize = self.results.iter().map(|r| r.conflicts.len()).sum();
        text.reserve(1_024 + listed * C::BYTES);
        text.push(b'{');
        if let Some(line) = self.line {
            member(text, "\"line\":", &line);
            text.push(b',');
        }
        member(text, "\"revision\":", self.revision);
        if let Some(moment) = self.as_of {
            member(text, ",\"as_of\":", &moment.to_string());
        }
        member(text, ",\"checked\":", &self.checked);
        text.extend_from_slice(b",\"results\":");
        let mut repeated = Repeated::default();
        list(text, &self.results, |result, text| result.write(text, &mut repeated));
        text.push(b'}');
    }
}

impl<C: Row> ResultRow<'_, C> {
    fn write(&self, text: &mut Vec<u8>, repeated: &mut Repeated) {
        member(text, "{\"subject\":", self.subject);
        member(text, ",\"conflict_count\":", &self.conflict_count);
        member(text, ",\"truncated\":", &self.truncated);
        word(text, ",\"coverage\":", self.coverage);
        member(text, ",\"layers\":", &self.layers);
        member(text, ",\"counts\":", &self.counts);
        member(text, ",\"notice\":", &self.notice.then_some(&Notice::RESTRICTED));
        member(text, ",\"not_checked\":", &self.not_checked);
        text.extend_from_slice(b",\"clearances\":");
        clearances::write(self.clearances, text, repeated);
        text.extend_from_slice(b",\"conflicts\":");
        list(text, &self.conflicts, |conflict, text| conflict.write(text, repeated));
        text.push(b'}');
    }
}

/// Where the last rule stands in the text: most conflicts of an answer have the rule of the one before, the first of a subject
/// that of its clearance, and a third of their text is what it says.
#[derive(Debug, Default)]
pub struct Repeated {
    /// The address of the parameter, which outlives the rows, and its text.
    rule: Option<(usize, Range<usize>)>,
}

/// A member of any value; `name` is its name with what stands round it.
fn member<T: Serialize + ?Sized>(text: &mut Vec<u8>, name: &str, value: &T) {
    text.extend_from_slice(name.as_bytes());
    // Bytes in memory can always be written, and every key here is text.
    let _ = serde_json::to_writer(text, value);
}

/// A member whose value is one of our own words, in which nothing has to be escaped.
fn word(text: &mut Vec<u8>, name: &str, value: &'static str) {
    text.extend_from_slice(name.as_bytes());
    text.push(b'"');
    text.extend_from_slice(value.as_bytes());
    text.push(b'"');
}

fn list<T>(text: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&T, &mut Vec<u8>)) {
    text.push(b'[');
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            text.push(b',');
        }
        write(item, text);
    }
    text.push(b']');
}

/// A conflict, as an answer lists it.
pub trait Row {
    /// About how long it is as text, bytes.
    const BYTES: usize;

    /// Its text, after what stands in `text` already; `repeated` is of the rows before in the same text.
    fn write(&self, text: &mut Vec<u8>, repeated: &mut Repeated);

    /// As a value, for a document that is not an answer.
    fn json(&self) -> Json {
        let mut text = Vec::with_capacity(Self::BYTES);
        self.write(&mut text, &mut Repeated::default());
        serde_json::from_slice(&text).unwrap_or_default()
    }
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
    /// Its members, without the end of the object.
    fn members(&self, text: &mut Vec<u8>) {
        member(text, "{\"jurisdiction\":", self.jurisdiction);
        word(text, ",\"layer\":", self.layer.as_str());
        text.extend_from_slice(b",\"id\":\"");
        text.extend_from_slice(self.id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
        member(text, "\",\"code\":", self.code);
        word(text, ",\"kind\":", self.kind);
        word(text, ",\"severity\":", self.severity.as_str());
    }
}

impl Row for FoundRow<'_> {
    const BYTES: usize = 160;

    fn write(&self, text: &mut Vec<u8>, _: &mut Repeated) {
        self.members(text);
        text.push(b'}');
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

/// A number or null.
fn optional(text: &mut Vec<u8>, name: &str, value: Option<f64>) {
    if let Some(number) = value {
        return member(text, name, &number);
    }
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"null");
}

/// The side, or null.
fn side(text: &mut Vec<u8>, side: Option<SideWord>) {
    match side {
        Some(side) => word(text, ",\"side\":", side.as_str()),
        None => text.extend_from_slice(b",\"side\":null"),
    }
}

/// What gave a clearance.
fn rule(rule: &Rule, text: &mut Vec<u8>, repeated: &mut Repeated) {
    let Rule::Parameter(p) = rule else {
        member(text, ",\"rule\":{\"key\":", rule.key());
        text.extend_from_slice(
            b",\"value\":null,\"unit\":null,\"document\":null,\"article\":null,\"valid_from\":null,\"valid_to\":null,\
              \"confidence\":null}",
        );
        return;
    };
    let address = std::ptr::from_ref::<Parameter>(p).addr();
    if let Some((_, written)) = repeated.rule.as_ref().filter(|(of, _)| *of == address) {
        return text.extend_from_within(written.clone());
    }
    let begun = text.len();
    member(text, ",\"rule\":{\"key\":", &p.key);
    member(text, ",\"value\":", &p.value);
    word(text, ",\"unit\":", p.unit.as_str());
    member(text, ",\"document\":", &p.document);
    member(text, ",\"article\":", &p.article);
    member(text, ",\"valid_from\":", &p.valid_from.map(Day));
    member(text, ",\"valid_to\":", &p.valid_to.map(Day));
    word(text, ",\"confidence\":", p.confidence.as_str());
    text.push(b'}');
    repeated.rule = Some((address, begun..text.len()));
}

/// A day, written without a text in between.
struct Day(jiff::civil::Date);

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A connected part of a work that is in conflict; lengths in metres.
fn run(run: &LinearRun, text: &mut Vec<u8>) {
    member(text, "{\"chainage_from_m\":", &run.from_m);
    member(text, ",\"chainage_to_m\":", &run.to_m);
    member(text, ",\"offset_m\":", &run.offset_m);
    side(text, run.side);
    optional(text, ",\"length_m\":", run.length_m);
    text.push(b'}');
}

impl Row for ConflictRow<'_> {
    const BYTES: usize = 860;

    fn write(&self, text: &mut Vec<u8>, repeated: &mut Repeated) {
        let f = self.finding;
        self.found.members(text);
        word(text, ",\"relation\":", f.relation.as_str());
        word(text, ",\"verdict\":", f.verdict.as_str());
        member(text, ",\"distance_m\":", &f.distance_m);
        optional(text, ",\"depth_m\":", f.depth_m);
        optional(text, ",\"overlap_m\":", f.overlap_m);
        optional(text, ",\"overlap_m2\":", f.overlap_m2);
        member(text, ",\"share\":", &f.share);
        member(text, ",\"clearance_m\":", &self.clearance.get());
        member(text, ",\"position_accuracy_m\":", &self.accuracy.get());
        word(text, ",\"position_accuracy_from\":", self.accuracy_source.as_str());
        member(text, ",\"position_accuracy_rule\":", &self.accuracy_rule.map(|p| p.key.as_str()));
        match &f.linear {
            Some(line) => {
                member(text, ",\"chainage_from_m\":", &line.from_m);
                member(text, ",\"chainage_to_m\":", &line.to_m);
                member(text, ",\"offset_m\":", &line.offset_m);
                side(text, line.side);
                text.extend_from_slice(b",\"runs\":");
                list(text, &line.runs, run);
            }
            None => text.extend_from_slice(
                b",\"chainage_from_m\":null,\"chainage_to_m\":null,\"offset_m\":null,\"side\":null,\"runs\":[]",
            ),
        }
        rule(self.rule, text, repeated);
        text.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::conflict::{LinearReference, RelationWord, RuleKey, Verdict};
    use serde_json::json;

    fn found() -> FoundRow<'static> {
        FoundRow {
            jurisdiction: "VN-72",
            layer: Layer::Works,
            id: Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_00ab),
            code: "Gia \"Nghĩa\"\n\u{1}",
            kind: "mast",
            severity: Severity::Blocks,
        }
    }

    /// What is written is JSON with every member once, in the order that clients see, whatever stands in a text.
    #[test]
    fn a_conflict_reads_back_as_what_was_found() {
        let run =
            |from_m: f64| LinearRun { from_m, to_m: from_m + 0.1, offset_m: 1e-300, side: None, length_m: Some(1e21) };
        let finding = Finding {
            relation: RelationWord::Crosses,
            verdict: Verdict::Certain,
            distance_m: 0.0,
            depth_m: Some(26.9),
            overlap_m: None,
            overlap_m2: Some(0.1 + 0.2),
            share: 1.0,
            linear: Some(LinearReference {
                from_m: 1204.2,
                to_m: 1204.25,
                offset_m: 3.1,
                side: Some(SideWord::Left),
                runs: vec![run(1.5), run(2.5)],
            }),
        };
        let accuracy = AccuracySource::Drawn;
        let metres = Metres::new(30.0).unwrap();
        let rule = Rule::Word(RuleKey::Request);
        let row = |finding| {
            let (rule, found) = (&rule, found());
            ConflictRow {
                found,
                clearance: metres,
                rule,
                accuracy: Metres::ZERO,
                accuracy_source: accuracy,
                accuracy_rule: None,
                finding,
            }
        };
        let a_run = |from: f64| json!({"chainage_from_m": from, "chainage_to_m": from + 0.1, "offset_m": 1e-300, "side": null, "length_m": 1e21});
        let mut expect = json!({
            "jurisdiction": "VN-72", "layer": "works", "id": "01920000-0000-7000-8000-0000000000ab",
            "code": "Gia \"Nghĩa\"\n\u{1}", "kind": "mast", "severity": "blocks", "relation": "crosses", "verdict": "certain",
            "distance_m": 0.0, "depth_m": 26.9, "overlap_m": null, "overlap_m2": 0.1 + 0.2, "share": 1.0, "clearance_m": 30.0,
            "position_accuracy_m": 0.0, "position_accuracy_from": accuracy.as_str(),
            "position_accuracy_rule": null, "chainage_from_m": 1204.2,
            "chainage_to_m": 1204.25, "offset_m": 3.1, "side": "left", "runs": [a_run(1.5), a_run(2.5)],
            "rule": {"key": RuleKey::Request.as_str(), "value": null, "unit": null, "document": null, "article": null,
                "valid_from": null, "valid_to": null, "confidence": null},
        });
        assert_eq!(row(&finding).json().to_string(), expect.to_string());
        for name in ["chainage_from_m", "chainage_to_m", "offset_m", "side"] {
            expect[name] = Json::Null;
        }
        expect["runs"] = json!([]);
        assert_eq!(row(&Finding { linear: None, ..finding }).json().to_string(), expect.to_string());
    }

    #[test]
    fn an_answer_has_its_line_where_it_answers_one() {
        let revision = BTreeMap::from([("VN-72".to_owned(), 118_i64)]);
        let result = ResultRow {
            subject: "a \"b\"",
            conflict_count: 2,
            truncated: true,
            coverage: "full",
            layers: vec![LayerRow { jurisdiction: "VN-72", layer: "works", coverage: "full" }],
            counts: true,
            notice: false,
            not_checked: Json::Null,
            clearances: &[],
            conflicts: vec![found(), found()],
        };
        let mut answer =
            AnswerRow { line: None, revision: &revision, as_of: None, checked: Vec::new(), results: vec![result] };
        let conflict = found().json();
        let single = format!(
            "\"revision\":{{\"VN-72\":118}},\"checked\":[],\"results\":[{{\"subject\":\"a \\\"b\\\"\",\"conflict_count\":2,\
             \"truncated\":true,\"coverage\":\"full\",\"layers\":[{{\"jurisdiction\":\"VN-72\",\"layer\":\"works\",\
             \"coverage\":\"full\"}}],\"counts\":true,\"notice\":null,\"not_checked\":null,\"clearances\":[],\"conflicts\":[{conflict},{conflict}]}}]}}"
        );
        assert_eq!(String::from_utf8(answer.text()).unwrap(), format!("{{{single}"));
        answer.line = Some(7);
        assert_eq!(String::from_utf8(answer.text()).unwrap(), format!("{{\"line\":7,{single}"));
        answer.as_of = Some("2026-03-01T00:00:00Z".parse().unwrap());
        let then = single.replace("},\"checked\"", "},\"as_of\":\"2026-03-01T00:00:00Z\",\"checked\"");
        assert_eq!(String::from_utf8(answer.text()).unwrap(), format!("{{\"line\":7,{then}"));
    }
}
