//! Site requests: a carrier asks for a column at a place, and the office answers, with reasons, in time.
//!
//! Read in this order: [`words`] (states, events, guards), [`table`] (THE transition table), this file (what is asked for),
//! [`dossier`] (which documents a column needs), [`told`] (what is said with an event), [`case`] (what the events add up to, `consultation`: who is asked, `condition`: what an approval rests on),
//! [`timing`] (what is left of the time for an answer), [`reader`] (who may know what of it) and [`guards`] (what must hold for a
//! step). All of it is pure.

pub mod case;
mod condition;
mod consultation;
pub mod dossier;
pub mod guards;
pub mod limits;
pub mod reader;
pub mod table;
#[cfg(test)]
mod tests;
pub mod timing;
pub mod told;
pub mod words;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use self::dossier::Listed;
use self::told::Told;
use self::words::{Declaration, State};
use super::audit::{Digest, hex};
use super::feature::READ_ONLY;
use super::fields::{Fields, LIST_MAX, Reading, Value};
use super::place::{Delivered, Placed, place};
use super::site_check::subject::ANTENNAS_MAX;
use super::site_check::{Antenna, Subject, text_of_subject};
use super::word::Word;
use super::work::read_code;
use crate::domain::jurisdiction::Jurisdiction;
use crate::geometry::{Coord, Geometry, Metres, Problem};

/// The word of the noun, for messages and the audit trail.
pub const WORD: &str = "site_request";

/// Properties of its own that a document may set.
const OWN: &[&str] = &["code", "jurisdiction", "name", "organisation", "documents", "declarations"];

/// Properties that say what is asked for ([`Subject`]), but who asks.
const OF_SUBJECT: &[&str] = &[
    "kind",
    "column_class",
    "height_agl_m",
    "ground_amsl_m",
    "position_accuracy_m",
    "antennas",
    "starts_on",
    "ends_on",
];

/// Properties that the service writes besides those of every feature.
const READ_ONLY_OF_CASE: &[&str] =
    &["state", "allowed", "receipt", "due_on", "slack_days", "overdue", "waits_for", "case", "work", "receipt_secret"];

/// What a carrier asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteRequestProps {
    /// Human reference, unique in the jurisdiction.
    pub code: Option<String>,
    /// What people call the place.
    pub name: Option<String>,
    /// The carrier.
    pub organisation: String,
    /// The column.
    pub subject: Subject,
    /// The documents of the dossier.
    pub documents: Vec<Listed>,
    /// What the carrier declares.
    pub declarations: Vec<Declaration>,
}

/// What is asked for, with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteRequest {
    /// What is asked for.
    pub props: SiteRequestProps,
    /// Where: a point.
    pub place: Placed,
}

impl SiteRequestProps {
    /// Reads the properties.
    ///
    /// # Errors
    /// Every problem, at `/properties/…`.
    pub fn read(told: &Told, owner: Option<&str>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        for (name, _) in told.lists.iter().filter(|(name, _)| !["antennas", "documents"].contains(&name.as_str())) {
            if !READ_ONLY_OF_CASE.contains(&name.as_str()) {
                problems.push(Problem::new(format!("/properties/{name}"), "is not a property of this feature"));
            }
        }
        let known: Vec<&str> = OWN.iter().chain(OF_SUBJECT).copied().collect();
        let read_only: Vec<&str> = READ_ONLY.iter().chain(READ_ONLY_OF_CASE).copied().collect();
        let mut r = Reading::new(&told.fields, &known, &read_only);
        let (code, name) = (read_code(&mut r), r.text("name"));
        let organisation = r.text("organisation").or_else(|| owner.map(str::to_owned));
        let organisation = r.required("organisation", organisation);
        let declarations = r.words("declarations");
        for list in ["antennas", "documents"] {
            let given = told.fields.get(list).filter(|value| **value != Value::Null);
            if given.is_some_and(|value| *value != Value::List(Vec::new())) {
                r.wrong(list, "is no list of objects");
            }
        }
        let mut antennas = Vec::new();
        for (n, fields) in told.list("antennas").iter().enumerate().take(ANTENNAS_MAX + 1) {
            match Antenna::read(fields) {
                Ok(antenna) => antennas.push(antenna),
                Err(more) => problems.extend(more.into_iter().map(|p| p.under(&format!("/properties/antennas/{n}")))),
            }
        }
        let mut documents = Vec::new();
        if told.list("documents").len() > LIST_MAX {
            problems.push(Problem::new("/properties/documents", format!("has more than {LIST_MAX} entries")));
        }
        for (n, fields) in told.list("documents").iter().enumerate() {
            match Listed::read(fields) {
                Ok(document) => documents.push(document),
                Err(more) => problems.extend(more.into_iter().map(|p| p.under(&format!("/properties/documents/{n}")))),
            }
        }
        let of_subject = |(name, _): &&(String, _)| OF_SUBJECT.contains(&name.as_str()) && name != "antennas";
        let fields = Fields(told.fields.0.iter().filter(of_subject).cloned().collect());
        let subject = Subject::read(&fields, antennas);
        let subject = subject.map_err(|more| problems.extend(more)).ok();
        let props = organisation.zip(subject).map(|(organisation, subject)| Self {
            code,
            name,
            subject: Subject { organisation: Some(organisation.clone()), ..subject },
            organisation,
            documents,
            declarations,
        });
        match r.finish(props) {
            Ok(props) if problems.is_empty() => Ok(props),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.extend(more.into_iter().filter(|p| !p.pointer.is_empty()));
                Err(problems)
            }
        }
    }
}

impl SiteRequest {
    /// Places a request.
    ///
    /// # Errors
    /// Every problem, relative to the geometry object.
    pub fn build(
        props: SiteRequestProps,
        delivered: Delivered,
        jurisdiction: &Jurisdiction,
        reach: Metres,
    ) -> Result<Self, Vec<Problem>> {
        if !matches!(delivered.shape, Geometry::Point(_)) {
            return Err(vec![Problem::new("/type", "a column stands at a Point")]);
        }
        Ok(Self { props, place: place(delivered, jurisdiction, reach)? })
    }

    /// The place on the working grid.
    #[must_use]
    pub fn on_grid(&self) -> Coord<f64> {
        match &self.place.grid.0 {
            Geometry::Point(point) => point.0,
            // Only points are built.
            _ => Coord { x: f64::NAN, y: f64::NAN },
        }
    }

    /// All that is asked for as a canonical text, and its SHA-256: what a snapshot keeps. A line for each thing: its name, the
    /// length of its value in bytes, and the value; numbers as the bits of their IEEE 754 form.
    #[must_use]
    pub fn snapshot(&self, jurisdiction: &str) -> (String, Digest) {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{name} {}:{value}", value.len());
        };
        let p = &self.props;
        line("jurisdiction", jurisdiction);
        line("code", p.code.as_deref().unwrap_or_default());
        line("name", p.name.as_deref().unwrap_or_default());
        line("organisation", &p.organisation);
        line("crs", &self.place.recorded.crs.to_string());
        if let Geometry::Point(at) = &self.place.recorded.shape {
            for number in [at.x(), at.y()] {
                line("place", &format!("{:016x}", number.to_bits()));
            }
        }
        line("subject", &text_of_subject(&p.subject));
        for document in &p.documents {
            line("document", &format!("{} {}", document.kind, hex(&document.sha256)));
        }
        for declaration in &p.declarations {
            line("declaration", declaration.as_str());
        }
        let digest = Sha256::digest(text.as_bytes()).into();
        (text, digest)
    }
}

/// A request as it is registered.
#[derive(Debug, Clone, PartialEq)]
pub struct Filed {
    /// The jurisdiction, and so the shard.
    pub jurisdiction: String,
    /// `UUIDv7`.
    pub id: uuid::Uuid,
    /// Counts what was done to it from 1.
    pub version: i32,
    /// The revision of the jurisdiction in which that was done.
    pub revision: i64,
    /// When that was done.
    pub recorded_at: jiff::Timestamp,
    /// How far it has come.
    pub state: State,
    /// Its receipt number, once it was accepted.
    pub receipt: Option<String>,
    /// The day at whose end the answer is due, none while no clock runs; of what is approved the first one at whose end something of that
    /// is.
    pub due_on: Option<jiff::civil::Date>,
    /// The organisations that were asked, whether or not they have answered: they see that it is there.
    pub consulted: Vec<String>,
    /// Those that have not, while their answers are waited for, with the last day of each.
    pub asked: Vec<(String, Option<jiff::civil::Date>)>,
    /// The reference feature that keeps others off the place.
    pub projected: Option<uuid::Uuid>,
    /// The work that it became.
    pub work: Option<uuid::Uuid>,
    /// What is asked for.
    pub body: SiteRequest,
}

impl Filed {
    /// An organisation is asked about it and may still answer on a day.
    #[must_use]
    pub fn asks(&self, organisation: &str, day: jiff::civil::Date) -> bool {
        self.asked.iter().any(|(asked, last)| asked == organisation && last.is_none_or(|last| day <= last))
    }
}
