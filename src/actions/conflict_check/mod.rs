//! The conflict check: a drawn or stored shape against what the index holds, pair by pair on the working grid.
//!
//! Here is what is asked and answered; `asking` goes through the jurisdictions, `covered` says how much of the
//! ground they answer for, `detail` what is listed of a pair, `stored` checks what is stored, `kept` keeps its conflicts and
//! `pairs` the pairs they are made of, `abroad` looks beyond the border, `notice` says that something is hidden,
//! `min_revision` waits for a state that is asked for, `then` takes one that was, `patience` says when a check takes too long.

mod abroad;
mod asking;
mod covered;
mod detail;
mod kept;
mod min_revision;
mod notice;
mod pairs;
mod patience;
mod stored;
mod then;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use compact_str::CompactString;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use self::asking::{Asking, Subject};
pub use self::detail::Detail;
pub(super) use self::kept::KeptConflicts;
pub(super) use self::min_revision::Waits;
pub use self::min_revision::{at_least, owed_to};
pub(super) use self::notice::Notices;
use self::patience::Patience;
pub use self::patience::make_ready;
pub use self::stored::{check_stored, check_stored_as};
use super::{Context, Reader};
use crate::domain::conflict::{AccuracySource, Applied, Finding, Rule, Severity};
use crate::domain::coverage::{Coverage, GapReason};
use crate::domain::feature::Registered;
use crate::domain::layer::Layer;
use crate::domain::place::{self, Delivered};
use crate::domain::rules::{Accuracy, DrawnKind, Parameter};
use crate::domain::word::{Word, words};
use crate::error::{Error, Result};
use crate::geometry::{Epsg, Geometry, LonLat, Metres, Problem};
use crate::store::records::Records;

words! {
    /// Why ground was not checked.
    NotCheckedReason {
        /// The subject itself lies there.
        Outside = "outside_every_jurisdiction",
        /// The clearance round the subject reaches there.
        ClearanceOutside = "clearance_outside_every_jurisdiction",
    }
}

/// Ground that nobody looks after, and which of it, where that is known.
pub type Outside = (NotCheckedReason, Option<LonLat<Geometry<f64>>>);

/// Ground of a subject on which "nothing found" says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct NotChecked {
    /// Ground that nobody checked, and why.
    pub outside: Option<Outside>,
    /// Layers asked that do not answer for all of it.
    pub not_covered: Vec<NotCovered>,
    /// Another reading of the coordinates of a drawn subject that would bring it into a jurisdiction.
    pub hint: Option<String>,
}

/// A layer that does not answer for all of a subject with the clearance round it, though it declares where it holds all
/// there is, or hides some of it from the asker, or is asked without a clearance that anybody knows.
#[derive(Debug, Clone, PartialEq)]
pub struct NotCovered {
    /// The layer.
    pub layer: Layer,
    /// Never [`Coverage::Full`].
    pub coverage: Coverage,
    /// Why.
    pub reason: GapReason,
    /// The day as of which its coverage is declared, where that is later than the day asked.
    pub since: Option<Date>,
    /// Where it has no data, where that is the reason; none where that is too narrow to be drawn.
    pub ground: Option<LonLat<Geometry<f64>>>,
}

/// How much of a subject, and of the clearance round it, a layer of a jurisdiction answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerCoverage {
    /// Whose.
    pub jurisdiction: CompactString,
    /// Which.
    pub layer: Layer,
    /// How much.
    pub coverage: Coverage,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The layers asked.
    pub against: Vec<Layer>,
    /// The clearance to keep; `None`: each corridor's own, else that of the rules.
    pub clearance: Option<Metres>,
    /// The moment at which dates are looked at.
    pub at: Timestamp,
    /// Most conflicts listed for one subject.
    pub limit: usize,
    /// The moment at which this was known; none: now. Then the layers, the rules and the coverage are those that were recorded
    /// by that moment, and whatever the asker may not see now he did not see then.
    pub as_of: Option<Timestamp>,
    /// Revisions that the answer must have reached.
    pub min_revision: Vec<(String, i64)>,
}

/// A drawn shape to ask about.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// How the asker calls it.
    pub name: String,
    /// Where it stands in the document, for problems.
    pub pointer: String,
    /// The shape.
    pub delivered: Delivered,
    /// Accuracy of its position where it stands for a work, in metres.
    pub accuracy: Metres,
    /// Its own clearance where it stands for a corridor, in metres.
    pub clearance_m: Option<f64>,
    /// What it stands for, where the asker says it.
    pub kind: DrawnKind,
}

/// One conflict of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The jurisdiction in which it was found.
    pub jurisdiction: CompactString,
    /// The layer of the feature met.
    pub layer: Layer,
    /// The feature met.
    pub id: Uuid,
    /// Its code.
    pub code: CompactString,
    /// Its kind.
    pub kind: &'static str,
    /// What it means today.
    pub severity: Severity,
    /// The clearance applied.
    pub clearance: Metres,
    /// Where that comes from.
    pub rule: Rule,
    /// The accuracy of the work's position.
    pub accuracy: Metres,
    /// Where that comes from.
    pub accuracy_source: AccuracySource,
    /// The parameter of the rule pack, where it comes from there.
    pub accuracy_rule: Option<Arc<Parameter>>,
    /// What was measured.
    pub finding: Finding,
    /// It is to be known who is shown it.
    pub restricted: bool,
}

/// One feature of the set: what is in conflict, not how. Several times cheaper, for comparing many alignments.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The jurisdiction in which it was found.
    pub jurisdiction: CompactString,
    /// The layer of the feature met.
    pub layer: Layer,
    /// The feature met.
    pub id: Uuid,
    /// Its code.
    pub code: CompactString,
    /// Its kind.
    pub kind: &'static str,
    /// What it means today.
    pub severity: Severity,
    /// It is to be known who is shown it.
    pub restricted: bool,
}

/// A layer that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Whose.
    pub jurisdiction: String,
    /// Which.
    pub layer: Layer,
    /// Features that the asker sees.
    pub features: usize,
    /// The worst coverage that a subject met; none where no subject counts.
    pub coverage: Option<Coverage>,
}

/// What was found for one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectResult<C = Conflict> {
    /// How the asker calls it.
    pub subject: String,
    /// How many conflicts there are, listed or not.
    pub conflict_count: usize,
    /// By distance, then id, or by id where nothing is measured; at most `limit`.
    pub conflicts: Vec<C>,
    /// What was kept free beside it, and by which rules: of land, the different ones by kinds of work and by the
    /// jurisdictions asked. None of a work, for each land has its own.
    pub clearances: Vec<Applied>,
    /// How much of its ground was checked: only [`Coverage::Full`] may be worded as clear.
    pub coverage: Coverage,
    /// What each layer asked says of it.
    pub layers: Vec<LayerCoverage>,
    /// The ground that was not.
    pub not_checked: Option<NotChecked>,
    /// Something that the asker does not see may matter here: the office can tell.
    pub notice: bool,
    /// A stored subject that does not count on that day is in conflict with nothing, whatever stands there.
    pub counts: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<C = Conflict> {
    /// The revision of each jurisdiction asked.
    pub revisions: BTreeMap<String, i64>,
    /// The moment at which this was known, where one was asked.
    pub as_of: Option<Timestamp>,
    /// The layers asked.
    pub checked: Vec<Checked>,
    /// One result for each subject, in order.
    pub results: Vec<SubjectResult<C>>,
}

/// Checks drawn shapes, with all that can be measured.
///
/// # Errors
/// As [`check_as`].
pub fn check<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    subjects: &[Drawn],
    question: &Question,
) -> Result<Answer> {
    check_as(context, reader, subjects, question)
}

/// Checks drawn shapes: for each a list of [`Conflict`], or, faster, of [`Found`].
///
/// # Errors
/// [`Error::Invalid`] with every problem of every subject, [`Error::TooLarge`] for more than can be checked in the time
/// of a request, [`Error::Busy`] where the index has not reached `min_revision`.
pub fn check_as<'r, C: Detail>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    subjects: &[Drawn],
    question: &Question,
) -> Result<Answer<C>> {
    let snapshot = match question.as_of {
        None => at_least(context, &question.min_revision)?,
        Some(moment) => then::round_drawn(context, subjects, question, moment)?,
    };
    let mut asking = Asking::new(context, &snapshot, reader.into(), question, Patience::of_request(context));
    let results = ask_all(&mut asking, subjects)?;
    asking.answer(results)
}

/// The same, if it takes no longer than a thread that serves may be held up (`check_at_once_features`); `None` where it takes
/// longer, has to wait for a revision or for room to note who is shown what, or asks what was known then. What it says is what [`check_as`] says.
#[must_use]
pub fn check_at_once<'r, C: Detail>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    subjects: &[Drawn],
    question: &Question,
) -> Option<Result<Answer<C>>> {
    let patience = Patience::at_once(context).filter(|_| question.as_of.is_none())?;
    let snapshot = min_revision::at_once(context, &question.min_revision)?;
    let mut asking = Asking::new(context, &snapshot, reader.into(), question, patience);
    let results = ask_all(&mut asking, subjects);
    if asking.patience.gave_up() {
        return None;
    }
    results.map(|results| asking.answer_at_once(results)).transpose()
}

/// A question can be answered, whatever the shapes: waits for the revisions that it asks for.
///
/// # Errors
/// As [`at_least`], and [`Error::Parameter`] for a moment of which nobody can tell what was known.
pub fn can_answer(context: &Context, question: &Question) -> Result<()> {
    at_least(context, &question.min_revision)?;
    question.as_of.map_or(Ok(()), |moment| super::as_of::known(context, moment).map(drop))
}

fn ask_all<C: Detail>(asking: &mut Asking<'_>, subjects: &[Drawn]) -> Result<Vec<SubjectResult<C>>> {
    let mut problems = Vec::new();
    let mut results = Vec::new();
    for drawn in subjects {
        asking.patience.projects(&drawn.delivered.shape, drawn.delivered.crs, Epsg::WGS84)?;
        match place::around(&drawn.delivered) {
            Ok(around) => {
                let subject = Subject {
                    name: drawn.name.clone(),
                    pointer: drawn.pointer.clone(),
                    shape: drawn.delivered.clone(),
                    around,
                    lonlat: None,
                    accuracy: Accuracy { metres: drawn.accuracy, source: AccuracySource::Drawn, rule: None },
                    own_clearance_m: drawn.clearance_m,
                    kind: drawn.kind.clone(),
                    home: None,
                    severity: Severity::Blocks,
                    centreline: None,
                    stored_in: None,
                };
                match asking.ask(&subject) {
                    Ok(result) => results.push(result),
                    Err(Error::Invalid(more)) => problems.extend(more),
                    Err(other) => return Err(other),
                }
            }
            Err(more) => problems.extend(more.into_iter().map(|p: Problem| p.under(&drawn.pointer))),
        }
    }
    if problems.is_empty() { Ok(results) } else { Err(Error::Invalid(problems)) }
}

/// The features that an answer names, for a map.
///
/// # Errors
/// [`Error::Busy`].
pub fn features_of<'r, T: Records, C: Detail>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    answer: &Answer<C>,
) -> Result<BTreeMap<Uuid, Registered<T>>> {
    let reader = reader.into();
    let listed = || answer.results.iter().flat_map(|r| &r.conflicts).filter(|c| c.feature().0 == T::LAYER);
    let ids: Vec<Uuid> = listed().map(|c| c.feature().1).collect();
    let (found, restricted) = if answer.as_of.is_some() {
        then::features::<T>(context, reader.actor, &ids, &answer.revisions)?
    } else {
        let found = context.store.read_as(reader.actor, |conn| T::find_many(conn, &ids))?;
        // What is stored now may be newer than the answer, and no longer the asker's to see.
        let seen = |f: &Registered<T>| {
            let props = f.body.props();
            reader.actor.sight(&f.jurisdiction).sees(T::visibility(props), T::organisation(props))
        };
        let found: BTreeMap<_, _> = found.into_iter().filter(seen).map(|f| (f.id, f)).collect();
        let restricted = found.values().filter(|f| T::visibility(f.body.props()).is_restricted());
        let restricted = restricted.map(|f| f.id).collect();
        (found, restricted)
    };
    // Of those that were so when the answer was made, that is noted already.
    let noted: HashSet<Uuid> = listed().filter(|c| c.restricted().is_some()).map(|c| c.feature().1).collect();
    let new = restricted.iter().filter(|id| !noted.contains(id)).filter_map(|id| found.get(id));
    context.reads.shown(reader, new.map(|f| (T::LAYER, f.jurisdiction.as_str(), f.id)))?;
    Ok(found)
}

/// The layers a noun is checked against when nobody says.
#[must_use]
pub fn usual_layers(layer: Layer) -> Vec<Layer> {
    layer.opposite()
}

/// The words for a list of layers, such as `works,corridors`.
///
/// # Errors
/// [`Error::Parameter`] for an unknown or missing one.
pub fn layers(text: &str) -> Result<Vec<Layer>> {
    let mut found = Vec::new();
    for word in text.split(',').map(str::trim) {
        let in_pairs = || Layer::all().filter(|layer| !layer.opposite().is_empty());
        let layer = in_pairs().find(|layer| layer.as_str() == word).ok_or_else(|| {
            let known = in_pairs().map(Word::as_str).collect::<Vec<_>>().join(", ");
            Error::parameter("against", format!("«{word}» is not a layer; known are {known}"))
        })?;
        if !found.contains(&layer) {
            found.push(layer);
        }
    }
    Ok(found)
}
