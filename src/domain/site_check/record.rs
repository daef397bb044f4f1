//! A check run as it is kept: what was asked, by whom, on which state, and what was said. All of it goes into one hash, and
//! each finding into a digest of its own, so that the same answer is known as the same.
//!
//! The canonical text has a line for each thing: its name, the length of its value in bytes, and the value. Numbers are
//! written as the bits of their IEEE 754 form, so that equal means equal.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::finding::{Compliance, Decided, Evidence, Finding, Quantity, Verdict};
use super::message::Argument;
use super::{CheckCode, Subject};
use crate::domain::actor::Actor;
use crate::domain::audit::{Digest, hex};
use crate::domain::conflict::AccuracyDefaults;
use crate::domain::layer::Layer;
use crate::domain::rules::Parameter;
use crate::domain::word::{Visibility, Word};
use crate::geometry::cells::Cell;
use crate::geometry::{Coord, Epsg};

/// The version of the checks and of what looks round a place for them: raised whenever the same question on the same state may
/// be answered otherwise than before. `checks/tests/answers.rs`
/// holds it to what the checks say, `tests/site_checks/engine.rs` to what is answered on the data of the fixtures.
pub const ENGINE: i32 = 4;

/// The first whose digests hold how far people keep from each antenna, who signed the decision of a plan, whose features are and how
/// a rule stands.
const TELLS_MORE: i32 = 4;

/// A rule pack, as a run names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file.
    pub digest: String,
}

/// What a check said, as far as two answers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// The check.
    pub code: CheckCode,
    /// What it came to.
    pub verdict: Verdict,
    /// All that it says.
    pub digest: Digest,
}

impl Said {
    /// Of a finding.
    #[must_use]
    pub fn of(finding: &Finding) -> Self {
        Self::by(finding, Some(ENGINE))
    }

    /// Of a finding, to be held against what an engine said; none: one older than is known. What that one told nobody yet is no
    /// difference.
    #[must_use]
    pub fn by(finding: &Finding, engine: Option<i32>) -> Self {
        let digest = Sha256::digest(text_of(finding, engine.unwrap_or(0))).into();
        Self { code: finding.code, verdict: finding.verdict, digest }
    }
}

/// A finding that tells of hidden features, as the answer of a run has it.
const TELLS_OF_HIDDEN: &str = "\"restricted\":true";

/// A feature that an answer rests on: its layer, its jurisdiction and its id.
pub type Ground = (Layer, String, Uuid);

/// Cells in which something is hidden from whoever asked, and of which an answer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenCells {
    /// Of which jurisdiction.
    pub jurisdiction: String,
    /// A layer, or a kind of features.
    pub source: String,
    /// The cells.
    pub cells: Vec<Cell>,
}

/// A check run that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// The jurisdiction in which the place lies.
    pub jurisdiction: String,
    /// How the asker calls the column.
    pub name: String,
    /// The place, WGS 84.
    pub lonlat: Coord<f64>,
    /// The working grid.
    pub grid: Epsg,
    /// The place on it.
    pub on_grid: Coord<f64>,
    /// How far round the place was looked for what brings no reach of its own, m.
    pub reach_m: f64,
    /// The column.
    pub subject: Subject,
    /// The moment at which dates were looked at, to the microsecond.
    pub at: Timestamp,
    /// The day of that in the jurisdiction.
    pub day: Date,
    /// When it was kept.
    pub recorded_at: Timestamp,
    /// The revision that keeps it.
    pub revision: i64,
    /// The revision of each jurisdiction that was looked at.
    pub revisions: BTreeMap<String, i64>,
    /// The rule pack of the jurisdiction then.
    pub pack: Option<PackName>,
    /// The [`ENGINE`] that made it; none where it was kept before that was known.
    pub engine: Option<i32>,
    /// How accurate what states nothing was taken to be; none where it was kept before that was known.
    pub accuracies: Option<AccuracyDefaults>,
    /// Who asked, with his rights then.
    pub asker: Actor,
    /// Where he was told that something is hidden only because he had asked too much: jurisdiction, source and what was
    /// asked of it.
    pub told_by_budget: Vec<String>,
    /// What each check said.
    pub said: Vec<Said>,
    /// The restricted features that he was shown.
    pub shown: Vec<Ground>,
    /// Every feature that the findings rest on, listed or not; none where it was kept before that was known.
    pub ground: Option<Vec<Ground>>,
    /// The answer as it was given.
    pub document: String,
}

impl Run {
    /// SHA-256 over the canonical text of all of it.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Sha256::digest(self.canonical()).into()
    }

    fn canonical(&self) -> String {
        let mut text = Text::default();
        text.line("id", &self.id.to_string());
        text.line("jurisdiction", &self.jurisdiction);
        text.line("name", &self.name);
        for number in [self.lonlat.x, self.lonlat.y, self.on_grid.x, self.on_grid.y, self.reach_m] {
            text.number("place", number);
        }
        text.line("grid", &self.grid.0.to_string());
        text.subject(&self.subject);
        text.line("at", &format!("{:.6}", self.at));
        text.line("day", &self.day.to_string());
        text.line("recorded_at", &format!("{:.6}", self.recorded_at));
        text.line("revision", &self.revision.to_string());
        for (code, revision) in &self.revisions {
            text.line("revisions", &format!("{code} {revision}"));
        }
        if let Some(pack) = &self.pack {
            text.line("pack", &pack.name);
            text.line("version", &pack.version);
            text.line("digest", &pack.digest);
        }
        text.optional("engine", self.engine.map(|engine| engine.to_string()).as_deref());
        for metres in self.accuracies.iter().flat_map(|accuracies| accuracies.all()) {
            text.number("accuracies", metres.get());
        }
        text.line("actor", &self.asker.name);
        text.optional("organisation", self.asker.organisation.as_deref());
        text.all("role", self.asker.roles.iter().map(|role| role.as_str()));
        match &self.asker.jurisdictions {
            None => text.line("everywhere", ""),
            Some(codes) => text.all("where", codes.iter().map(String::as_str)),
        }
        text.all("told_by_budget", self.told_by_budget.iter().map(String::as_str));
        for said in &self.said {
            text.line("said", &format!("{} {} {}", said.code, said.verdict, hex(&said.digest)));
        }
        for (layer, code, id) in &self.shown {
            text.line("shown", &format!("{layer} {code} {id}"));
        }
        for (layer, code, id) in self.ground.iter().flatten() {
            text.line("ground", &format!("{layer} {code} {id}"));
        }
        text.line("document", &self.document);
        text.0
    }

    /// By his rights somebody may see the run, and what came of it where these jurisdictions were looked at `later`: the
    /// organisation that asked, where he sees in every jurisdiction what the asker saw; and whoever sees everything in each, for
    /// the asker saw what is his own, too. Where nobody knows what it rests on, only the latter.
    #[must_use]
    pub fn is_seen_by<'c>(&self, actor: &Actor, mut later: impl Iterator<Item = &'c String>) -> bool {
        let is_own = actor.organisation.is_some() && actor.organisation == self.asker.organisation;
        let sees_as_much = |code: &String| {
            let sight = actor.sight(code);
            let as_the_asker = || self.asker.sight(code).visibilities.iter().all(|v| sight.visibilities.contains(v));
            sight.sees_all() || is_own && self.ground.is_some() && as_the_asker()
        };
        sees_as_much(&self.jurisdiction) && self.revisions.keys().all(sees_as_much) && later.all(sees_as_much)
    }

    /// The answer as it was given tells of something hidden, or of something restricted.
    #[must_use]
    pub fn tells_of_hidden(&self) -> bool {
        !self.shown.is_empty() || self.document.is_empty() || self.document.contains(TELLS_OF_HIDDEN)
    }

    /// What somebody has to see, where the run looked, to be told of it: what the asker saw.
    #[must_use]
    pub fn needs(&self) -> Vec<Visibility> {
        let mut needs: Vec<Visibility> =
            self.revisions.keys().flat_map(|code| self.asker.sight(code).visibilities).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// What a check said.
    #[must_use]
    pub fn said(&self, code: CheckCode) -> Option<Said> {
        self.said.iter().copied().find(|said| said.code == code)
    }
}

/// Where a later answer is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The check.
    pub code: CheckCode,
    /// What it came to first; none where there was no such check.
    pub before: Option<Verdict>,
    /// What it comes to now, with all that it says; none where there is no such check any more.
    pub after: Option<(Verdict, Digest)>,
}

impl Difference {
    /// What is said now is worse than what was said, or something else that does not pass and is no better: by something else.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let now = self.after.map(|(now, _)| now).filter(|now| *now > Verdict::Pass);
        now.is_some_and(|now| self.before.is_none_or(|then| then <= now))
    }
}

/// Where two answers differ, in the order of the checks.
#[must_use]
pub fn differences(before: &[Said], after: &[Said]) -> Vec<Difference> {
    let find = |all: &[Said], code| all.iter().copied().find(|said| said.code == code);
    let of = |code: CheckCode| {
        let (was, is) = (find(before, code), find(after, code));
        let differ = was.map(|s| (s.verdict, s.digest)) != is.map(|s| (s.verdict, s.digest));
        differ.then(|| Difference { code, before: was.map(|s| s.verdict), after: is.map(|s| (s.verdict, s.digest)) })
    };
    CheckCode::ALL.iter().filter_map(|(code, _)| of(*code)).collect()
}

/// The canonical text of a finding: all that an engine says but its drawing.
fn text_of(finding: &Finding, engine: i32) -> String {
    let tells_more = engine >= TELLS_MORE;
    let is_new = |name| finding.code == CheckCode::Emf && matches!(name, "side" | "below");
    let mut text = Text::default();
    text.line("code", finding.code.as_str());
    text.line("verdict", finding.verdict.as_str());
    text.line("key", finding.message.key);
    for (name, argument) in finding.message.arguments.iter().filter(|(name, _)| tells_more || !is_new(*name)) {
        text.line("argument", name);
        match argument {
            Argument::Number(number, decimals) => {
                text.number("number", *number);
                text.line("decimals", &decimals.to_string());
            }
            Argument::Text(said) => text.line("text", said),
            Argument::Words(words) => text.all("word", words.iter().map(String::as_str)),
            Argument::Day(day) => text.line("day", &day.to_string()),
        }
    }
    text.quantity("measured", finding.measured);
    text.quantity("limit", finding.limit);
    if let Some(rule) = finding.rule.as_deref() {
        text.rule(rule);
        if tells_more {
            text.rest_of(rule);
        }
    }
    if let Some(decided) = &finding.decided {
        text.decided(decided);
        if tells_more {
            text.line("plan", &format!("{} {}", decided.decision.version, decided.decision.plan));
            text.optional("signer", decided.decision.signer.as_deref());
        }
    }
    if let Some(compliance) = finding.compliance.as_ref().filter(|_| tells_more) {
        text.compliance(compliance);
    }
    for evidence in &finding.evidence {
        text.evidence(evidence);
        if tells_more {
            text.called(evidence);
        }
    }
    text.all("consult", finding.consult.iter().map(|who| who.as_str()));
    text.optional("outcome", finding.outcome.map(Word::as_str));
    for gap in &finding.gaps {
        text.line("gap", &format!("{} {}", gap.source, gap.why));
    }
    text.0
}

/// What somebody asks for as canonical text, for whatever is hashed and speaks of it.
#[must_use]
pub fn text_of_subject(subject: &Subject) -> String {
    let mut text = Text::default();
    text.subject(subject);
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.0, "{name} {}:{value}", value.len());
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.line(name, value);
        }
    }

    fn all<'t>(&mut self, name: &str, values: impl Iterator<Item = &'t str>) {
        values.for_each(|value| self.line(name, value));
    }

    fn number(&mut self, name: &str, number: f64) {
        self.line(name, &format!("{:016x}", number.to_bits()));
    }

    fn numbers(&mut self, named: &[(&str, Option<f64>)]) {
        for (name, number) in named {
            if let Some(number) = number {
                self.number(name, *number);
            }
        }
    }

    fn quantity(&mut self, name: &str, quantity: Option<Quantity>) {
        if let Some(Quantity { value, unit }) = quantity {
            self.number(name, value);
            self.line("unit", unit.as_str());
        }
    }

    fn rule(&mut self, rule: &Parameter) {
        self.line("rule", &rule.key);
        self.number("value", rule.value);
        self.optional("document", rule.document.as_deref());
        self.optional("article", rule.article.as_deref());
        self.optional("from", rule.valid_from.map(|day| day.to_string()).as_deref());
        self.optional("to", rule.valid_to.map(|day| day.to_string()).as_deref());
    }

    /// What else an answer tells of a rule.
    fn rest_of(&mut self, rule: &Parameter) {
        let applies = &rule.applies;
        self.line("unit", rule.unit.as_str());
        self.optional("corridor_kind", applies.corridor_kind.map(Word::as_str));
        self.optional("corridor_class", applies.corridor_class.as_deref());
        self.numbers(&[("voltage_from_kv", applies.voltage_from_kv), ("voltage_to_kv", applies.voltage_to_kv)]);
        self.optional("work_kind", applies.work_kind.map(Word::as_str));
        self.line("confidence", rule.confidence.as_str());
        self.optional("note", rule.note.as_deref());
    }

    fn decided(&mut self, Decided { zone, decision, valid_from, valid_to }: &Decided) {
        self.line("zone", zone);
        self.line("decision", &decision.number);
        self.line("date", &decision.date.to_string());
        self.optional("from", valid_from.map(|day| day.to_string()).as_deref());
        self.optional("to", valid_to.map(|day| day.to_string()).as_deref());
    }

    fn compliance(&mut self, compliance: &Compliance) {
        for sector in &compliance.sectors {
            self.numbers(&[
                ("azimuth", sector.azimuth_deg),
                ("beamwidth", Some(sector.beamwidth_deg)),
                ("eirp", Some(sector.eirp_w)),
                ("front", Some(sector.front_m)),
                ("shoulder", Some(sector.shoulder_m)),
                ("side", Some(sector.side_m)),
                ("below", Some(sector.below_m)),
                ("summed", Some(sector.summed_m)),
                ("summed_side", Some(sector.summed_side_m)),
            ]);
        }
        self.number("summed", compliance.summed_m);
        self.number("summed_below", compliance.summed_below_m);
    }

    fn evidence(&mut self, evidence: &Evidence) {
        self.line("evidence", &format!("{} {}", evidence.layer, evidence.id));
        self.number("distance", evidence.distance_m);
        self.optional("spare", evidence.spare_capacity.map(|n| n.to_string()).as_deref());
    }

    /// What else an answer tells of a feature.
    fn called(&mut self, evidence: &Evidence) {
        self.line("code", &evidence.code);
        self.line("kind", evidence.kind);
        self.optional("name", evidence.name.as_deref());
        self.line("organisation", &evidence.organisation);
    }

    fn subject(&mut self, subject: &Subject) {
        self.line("kind", subject.kind.as_str());
        self.optional("column_class", subject.column_class.map(Word::as_str));
        self.numbers(&[
            ("height_agl_m", Some(subject.height_agl_m)),
            ("ground_amsl_m", subject.ground_amsl_m),
            ("accuracy_m", Some(subject.accuracy_m)),
        ]);
        self.optional("carrier", subject.organisation.as_deref());
        self.optional("request", subject.request.map(|id| id.to_string()).as_deref());
        for antenna in &subject.antennas {
            self.numbers(&[
                ("frequency_mhz", Some(antenna.frequency_mhz)),
                ("eirp_w", Some(antenna.eirp_w)),
                ("azimuth_deg", antenna.azimuth_deg),
                ("height_agl_m", antenna.height_agl_m),
                ("beamwidth_deg", antenna.beamwidth_deg),
            ]);
        }
        self.optional("starts_on", subject.starts_on.map(|day| day.to_string()).as_deref());
        self.optional("ends_on", subject.ends_on.map(|day| day.to_string()).as_deref());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::super::SiteKey;
    use super::super::checks::tests::support::parameter;
    use super::super::message::{Message, key};
    use super::*;
    use crate::domain::corridor::CorridorKind;
    use crate::domain::reference::Decision;
    use crate::domain::rules::{Confidence, Unit};
    use crate::domain::work::WorkKind;

    fn decision(signer: Option<Arc<str>>) -> Arc<Decision> {
        let (plan, number, date) = ("QH".into(), "QD-88".into(), jiff::civil::date(2026, 1, 1));
        Decision { plan, version: 1, number, date, signer }.into()
    }

    #[test]
    fn whatever_a_finding_says_is_in_its_digest() {
        let finding = || Finding::new(CheckCode::Spc, Verdict::Pass, Message::new(key::NO_DATA));
        let first = Said::of(&finding());
        assert_eq!(first, Said::of(&finding()));
        let evidence = || Evidence {
            layer: Layer::Works,
            id: Uuid::from_u128(1),
            code: "M-1".into(),
            kind: "mast",
            name: None,
            organisation: "viettel".into(),
            distance_m: 10.0,
            spare_capacity: None,
            restricted: false,
        };
        let rule = || (*parameter(SiteKey::SpacingElsewhere, None, 300.0)).clone();
        let others: [fn(&mut Finding); 9] = [
            |f| f.verdict = Verdict::Block,
            |f| f.message.key = key::HIDDEN,
            |f| f.message.arguments.push(("a", Argument::Number(1.0, 2))),
            |f| f.measured = Some(Quantity::metres(-0.0)),
            |f| f.limit = Some(Quantity::metres(0.0)),
            |f| {
                let decision = decision(None);
                f.decided = Some(Decided { zone: "QH/1/Z".into(), decision, valid_from: None, valid_to: None });
            },
            |f| {
                let decision = decision(Some("A".into()));
                f.decided = Some(Decided { zone: "QH/1/Z".into(), decision, valid_from: None, valid_to: None });
            },
            |f| f.compliance = Some(Compliance { sectors: Vec::new(), summed_m: 1.0, summed_below_m: 1.0 }),
            |f| f.compliance = Some(Compliance { sectors: Vec::new(), summed_m: 1.0, summed_below_m: 2.0 }),
        ];
        let mut digests = BTreeSet::from([first.digest]);
        for (n, other) in others.iter().enumerate() {
            let mut changed = finding();
            other(&mut changed);
            assert!(digests.insert(Said::of(&changed).digest), "case {n}");
        }
        let of = |evidence: Evidence, rule: Parameter| {
            let mut whole = finding();
            (whole.evidence, whole.rule) = (vec![evidence], Some(rule.into()));
            [ENGINE, ENGINE - 1].map(|engine| Said::by(&whole, Some(engine)).digest)
        };
        let [now, before] = of(evidence(), rule());
        let called: [fn(&mut Evidence); 4] = [
            |e| e.code = "M-2".into(),
            |e| e.kind = "pole",
            |e| e.name = Some("M".into()),
            |e| e.organisation = "mobifone".into(),
        ];
        let stated: [fn(&mut Parameter); 7] = [
            |p| p.unit = Unit::Ratio,
            |p| p.applies.corridor_kind = Some(CorridorKind::Road),
            |p| p.applies.corridor_class = Some("II".into()),
            |p| p.applies.voltage_from_kv = Some(110.0),
            |p| p.applies.work_kind = Some(WorkKind::Mast),
            |p| p.confidence = Confidence::Law,
            |p| p.note = Some("read".into()),
        ];
        let others = called.map(|change| {
            let mut changed = evidence();
            change(&mut changed);
            of(changed, rule())
        });
        let rules = stated.map(|change| {
            let mut changed = rule();
            change(&mut changed);
            of(evidence(), changed)
        });
        for (n, [after, then]) in others.into_iter().chain(rules).enumerate() {
            assert_ne!(after, now, "case {n}");
            assert_eq!(then, before, "case {n}: an earlier engine told it nobody yet");
        }
    }

    #[test]
    fn the_engine_is_in_the_hash_of_a_run_and_one_without_has_the_hash_that_it_had() {
        let at = Coord { x: 107.5, y: 12.0 };
        let run = |engine| Run {
            id: Uuid::from_u128(1),
            jurisdiction: "VN-72".into(),
            name: String::new(),
            lonlat: at,
            grid: Epsg(9218),
            on_grid: at,
            reach_m: 505.0,
            subject: super::super::checks::tests::support::mast(),
            at: Timestamp::UNIX_EPOCH,
            day: jiff::civil::date(2026, 3, 15),
            recorded_at: Timestamp::UNIX_EPOCH,
            revision: 7,
            revisions: BTreeMap::from([("VN-72".to_owned(), 6)]),
            pack: None,
            engine,
            accuracies: None,
            asker: Actor::operator(),
            told_by_budget: Vec::new(),
            said: Vec::new(),
            shown: Vec::new(),
            ground: None,
            document: "{}".into(),
        };
        let [without, first, second] = [None, Some(1), Some(2)].map(|engine| run(engine).canonical());
        assert_eq!(first.replace("engine 1:1\n", ""), without);
        assert_ne!(first, second);
        assert_eq!(hex(&run(None).hash()), "6fe783323293a2774b2413cadde2b0eeac226a68c8e63dd4ae7d107aff056f37");
    }

    #[test]
    fn differences_name_what_was_and_what_is() {
        let said = |code, verdict, byte| Said { code, verdict, digest: [byte; 32] };
        let before = [said(CheckCode::Geo, Verdict::Pass, 1), said(CheckCode::Spc, Verdict::Pass, 2)];
        let after = [said(CheckCode::Geo, Verdict::Pass, 1), said(CheckCode::Spc, Verdict::Warn, 3)];
        let expect =
            Difference { code: CheckCode::Spc, before: Some(Verdict::Pass), after: Some((Verdict::Warn, [3; 32])) };
        assert_eq!(differences(&before, &after), [expect]);
        assert_eq!(differences(&before, &before), []);
    }
}
