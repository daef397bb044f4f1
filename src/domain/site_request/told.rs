//! What somebody says with an event: read at the door into words that cannot be wrong, and kept as it was sent.

use jiff::civil::Date;
use uuid::Uuid;

use super::words::{Advice, Answer, Event};
use crate::domain::audit::{Digest, unhex};
use crate::domain::case_clock::PauseReason;
use crate::domain::document::DocumentKind;
use crate::domain::fields::{Fields, LIST_MAX, Reading};
use crate::domain::site_check::Consultee;
use crate::domain::work::{ACCURACY_MAX_M, CaptureMethod, HEIGHT_MAX_M};
use crate::geometry::{Epsg, Problem};

/// A document with lists of objects in it, as it was sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// Its members that are no lists of objects.
    pub fields: Fields,
    /// Its lists of objects.
    pub lists: Vec<(String, Vec<Fields>)>,
}

impl Told {
    /// A list of objects; none where it is not there.
    #[must_use]
    pub fn list(&self, name: &str) -> &[Fields] {
        self.lists.iter().find(|(n, _)| n == name).map_or(&[], |(_, list)| list)
    }
}

/// Who is to be asked besides those whom the checks name.
#[derive(Debug, Clone, PartialEq)]
pub struct AlsoAsked {
    /// As what.
    pub consultee: Consultee,
    /// The organisation that answers.
    pub organisation: String,
}

/// A condition of an approval.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionDraft {
    /// What has to be done.
    pub text: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub due_on: Option<Date>,
}

/// A decision as it was signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed {
    /// Its number.
    pub number: String,
    /// Its day.
    pub on: Date,
    /// Who signed it.
    pub signer: String,
    /// SHA-256 of the file.
    pub file: Digest,
    /// The check run it rests on.
    pub run: Uuid,
    /// The hash of that run.
    pub run_hash: Digest,
    /// Its conditions.
    pub conditions: Vec<ConditionDraft>,
}

/// What was surveyed of a column that stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Surveyed {
    /// Easting or longitude.
    pub x: f64,
    /// Northing or latitude.
    pub y: f64,
    /// The system of both.
    pub crs: Epsg,
    /// Height above ground with antennas and lightning rod, m.
    pub height_agl_m: f64,
    /// How accurate the position is, m.
    pub accuracy_m: f64,
    /// How it was captured.
    pub capture_method: CaptureMethod,
    /// On which day.
    pub on: Date,
    /// By whom.
    pub by: String,
}

/// What an event says besides its reason.
#[derive(Debug, Clone, PartialEq)]
pub enum Stated {
    /// Nothing.
    Nothing,
    /// Which documents are missing.
    Missing(Vec<DocumentKind>),
    /// Who is asked, and until when.
    Consultation {
        /// The last day for an answer; none: as the rules say.
        due_on: Option<Date>,
        /// Who besides those whom the checks name.
        also: Vec<AlsoAsked>,
    },
    /// What a consultee says.
    Answer {
        /// For which organisation; none: the own one.
        organisation: Option<String>,
        /// What.
        answer: Answer,
        /// In words.
        text: Option<String>,
        /// The number of the letter, where an officer writes it down.
        letter: Option<String>,
    },
    /// Somebody was at the place.
    Visit {
        /// When.
        on: Date,
        /// Who.
        by: Vec<String>,
        /// What was seen.
        minutes: String,
    },
    /// What is recommended.
    Advice(Advice),
    /// The number of the submission to the committee.
    Submission(String),
    /// A decision.
    Decision(Signed),
    /// The column that is shared, and the number of the agreement.
    Agreement {
        /// The column.
        column: Uuid,
        /// Of the agreement.
        number: String,
        /// Of the agreement.
        on: Date,
        /// SHA-256 of its file.
        file: Digest,
    },
    /// The number of the permit.
    Permit(String),
    /// The first day of building.
    Start(Date),
    /// A condition that is met.
    Met {
        /// Which, from 1.
        condition: u32,
        /// SHA-256 of the document that shows it.
        evidence: Digest,
    },
    /// What was surveyed.
    Survey(Surveyed),
    /// The work that is already registered for the column; none: a new one.
    Work(Option<Uuid>),
    /// Why the clock stands still.
    Pause(PauseReason),
    /// By how many working days it is extended.
    Extension(u32),
}

/// Most working days of an extension.
const EXTENSION_DAYS_MAX: f64 = 60.0;

/// Most conditions of an approval.
const CONDITIONS_MAX: f64 = 50.0;

impl Stated {
    /// Reads what an event says.
    ///
    /// # Errors
    /// Every problem, at `/…` of the data.
    pub fn read(event: Event, told: &Told) -> Result<Self, Vec<Problem>> {
        match event {
            Event::RequestSupplement => one(told, &["missing"], |r| Some(Self::Missing(r.words("missing")))),
            Event::Consult => consultation(told),
            Event::Answer => one(told, &["organisation", "answer", "text", "letter"], |r| {
                let answer = r.word("answer");
                let (organisation, text, letter) = (r.text("organisation"), r.text("text"), r.text("letter"));
                let answer: Option<Answer> = r.required("answer", answer);
                // What nobody can act upon is no answer.
                let text = if answer.is_some_and(Answer::has_to_say_what) { r.required("text", text) } else { text };
                let answer = answer?;
                Some(Self::Answer { organisation, answer, text, letter })
            }),
            Event::Visit => one(told, &["on", "by", "minutes"], |r| {
                let (on, by, minutes) = (r.date("on"), r.texts("by"), r.text("minutes"));
                let (on, minutes) = (r.required("on", on), r.required("minutes", minutes));
                if by.is_empty() {
                    r.wrong("by", "names nobody");
                }
                Some(Self::Visit { on: on?, by, minutes: minutes? })
            }),
            Event::Recommend => one(told, &["advice"], |r| {
                let advice = r.word("advice");
                r.required("advice", advice).map(Self::Advice)
            }),
            Event::Refer => one(told, &["number"], |r| named(r, "number").map(Self::Submission)),
            Event::Approve | Event::RequireSharing | Event::Refuse | Event::ApproveWithConditions => decision(told),
            Event::RecordAgreement => one(told, &["column", "number", "on", "file"], |r| {
                let (column, number) = (id(r, "column"), named(r, "number"));
                let (on, file) = (r.date("on"), digest(r, "file"));
                let on = r.required("on", on);
                Some(Self::Agreement { column: column?, number: number?, on: on?, file: file? })
            }),
            Event::IssuePermit => one(told, &["number"], |r| named(r, "number").map(Self::Permit)),
            Event::NotifyStart => one(told, &["on"], |r| {
                let on = r.date("on");
                r.required("on", on).map(Self::Start)
            }),
            Event::MeetCondition => one(told, &["condition", "evidence"], |r| {
                let (condition, evidence) = (whole(r, "condition", 1.0, CONDITIONS_MAX), digest(r, "evidence"));
                Some(Self::Met { condition: condition?, evidence: evidence? })
            }),
            Event::SubmitAsBuilt => survey(told),
            Event::Verify => one(told, &["work"], |r| {
                let given = r.text("work").is_some();
                Some(Self::Work(if given { Some(id(r, "work")?) } else { None }))
            }),
            Event::Pause => one(told, &["why"], |r| {
                let why = r.word("why");
                r.required("why", why).map(Self::Pause)
            }),
            Event::Extend => one(told, &["days", "agreed"], |r| {
                let (days, agreed) = (whole(r, "days", 1.0, EXTENSION_DAYS_MAX), r.yes_or_no("agreed"));
                if agreed != Some(true) {
                    r.wrong("agreed", "must be true: the carrier agrees to it");
                }
                days.map(Self::Extension)
            }),
            Event::Submit
            | Event::RejectAtIntake
            | Event::Accept
            | Event::Check
            | Event::Assess
            | Event::SendBack
            | Event::Appeal
            | Event::AdmitAppeal
            | Event::DismissAppeal
            | Event::ReturnAsBuilt
            | Event::Close
            | Event::Withdraw
            | Event::Lapse
            | Event::Revoke
            | Event::Resume
            | Event::LapseConsultation
            | Event::Escalate
            | Event::DeemApproved
            | Event::Remind => one(told, &[], |_| Some(Self::Nothing)),
        }
    }
}

/// Reads a document without lists of objects.
fn one<T>(told: &Told, known: &[&str], read: impl FnOnce(&mut Reading<'_>) -> Option<T>) -> Result<T, Vec<Problem>> {
    let strange = told.lists.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    let mut problems: Vec<Problem> =
        strange.map(|(name, _)| Problem::new(format!("/{name}"), "is not for this event")).collect();
    let mut reading = Reading::of_document(&told.fields, known);
    let value = read(&mut reading);
    match reading.finish(value) {
        Ok(value) if problems.is_empty() => Ok(value),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

fn named(r: &mut Reading<'_>, name: &str) -> Option<String> {
    let text = r.text(name);
    r.required(name, text)
}

fn digest(r: &mut Reading<'_>, name: &str) -> Option<Digest> {
    let text = named(r, name)?;
    let digest = unhex(&text);
    if digest.is_none() {
        r.wrong(name, "is no SHA-256 of 64 hexadecimal digits");
    }
    digest
}

fn id(r: &mut Reading<'_>, name: &str) -> Option<Uuid> {
    let text = named(r, name)?;
    let id = text.parse().ok();
    if id.is_none() {
        r.wrong(name, format!("«{text}» is not a UUID"));
    }
    id
}

fn whole(r: &mut Reading<'_>, name: &str, min: f64, max: f64) -> Option<u32> {
    let number = r.number(name, min, max);
    let number = r.required(name, number)?;
    if number.fract() != 0.0 {
        r.wrong(name, "must be a whole number");
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bounded by min and max
    Some(number as u32)
}

/// Reads each object of a list.
fn each<T>(
    told: &Told,
    name: &str,
    known: &[&str],
    mut read: impl FnMut(&mut Reading<'_>) -> Option<T>,
) -> Result<Vec<T>, Vec<Problem>> {
    let list = told.list(name);
    if list.len() > LIST_MAX {
        let detail = format!("has {} entries; the limit is {LIST_MAX}", list.len());
        return Err(vec![Problem::new(format!("/{name}"), detail)]);
    }
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for (n, fields) in list.iter().enumerate() {
        let mut reading = Reading::of_document(fields, known);
        let value = read(&mut reading);
        match reading.finish(value) {
            Ok(value) => all.push(value),
            Err(more) => problems.extend(more.into_iter().map(|p| p.under(&format!("/{name}/{n}")))),
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

/// Both, or the problems of both.
fn both<A, B>(a: Result<A, Vec<Problem>>, b: Result<B, Vec<Problem>>) -> Result<(A, B), Vec<Problem>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(a.err().into_iter().chain(b.err()).flatten().collect()),
    }
}

fn consultation(told: &Told) -> Result<Stated, Vec<Problem>> {
    let also = each(told, "also", &["consultee", "organisation"], |r| {
        let consultee = r.word("consultee");
        let consultee: Option<Consultee> = r.required("consultee", consultee);
        let organisation = r.text("organisation").or_else(|| consultee.map(|c| c.to_string()));
        Some(AlsoAsked { consultee: consultee?, organisation: organisation? })
    });
    let due_on = one(told, &["due_on", "also"], |r| Some(r.date("due_on")));
    both(due_on, also).map(|(due_on, also)| Stated::Consultation { due_on, also })
}

fn decision(told: &Told) -> Result<Stated, Vec<Problem>> {
    let conditions = each(told, "conditions", &["text", "reason", "due_on"], |r| {
        let (text, reason, due_on) = (named(r, "text"), named(r, "reason"), r.date("due_on"));
        Some(ConditionDraft { text: text?, reason: reason?, due_on })
    });
    let known = ["number", "on", "signer", "file", "run", "run_sha256", "conditions"];
    let signed = one(told, &known, |r| {
        let (number, on, signer) = (named(r, "number"), r.date("on"), named(r, "signer"));
        let on = r.required("on", on);
        let (file, run, run_hash) = (digest(r, "file"), id(r, "run"), digest(r, "run_sha256"));
        Some(Signed {
            number: number?,
            on: on?,
            signer: signer?,
            file: file?,
            run: run?,
            run_hash: run_hash?,
            conditions: Vec::new(),
        })
    });
    both(signed, conditions).map(|(signed, conditions)| Stated::Decision(Signed { conditions, ..signed }))
}

fn survey(told: &Told) -> Result<Stated, Vec<Problem>> {
    let known = ["x", "y", "crs", "height_agl_m", "position_accuracy_m", "capture_method", "on", "by"];
    one(told, &known, |r| {
        // No plane has larger numbers.
        let (x, y) = (r.number("x", -1e8, 1e8), r.number("y", -1e8, 1e8));
        let (x, y) = (r.required("x", x), r.required("y", y));
        let crs = match r.text("crs") {
            None => Some(Epsg::WGS84),
            Some(text) => {
                let code = text.strip_prefix("EPSG:").and_then(|code| code.parse().ok()).map(Epsg);
                if code.is_none() {
                    r.wrong("crs", format!("«{text}» is no system; write it as EPSG:9218"));
                }
                code
            }
        };
        let height = r.number("height_agl_m", f64::MIN_POSITIVE, HEIGHT_MAX_M);
        let height = r.required("height_agl_m", height);
        let accuracy = r.number("position_accuracy_m", 0.0, ACCURACY_MAX_M);
        let accuracy = r.required("position_accuracy_m", accuracy);
        let method = r.word("capture_method");
        let method = r.required("capture_method", method);
        let on = r.date("on");
        let (on, by) = (r.required("on", on), named(r, "by"));
        Some(Stated::Survey(Surveyed {
            x: x?,
            y: y?,
            crs: crs?,
            height_agl_m: height?,
            accuracy_m: accuracy?,
            capture_method: method?,
            on: on?,
            by: by?,
        }))
    })
}
