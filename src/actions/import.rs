//! Bulk import: rows are read, checked and staged one by one, then brought in together, as one audit event and one
//! bulk change in each jurisdiction. All or nothing, unless whoever imports wants the good rows alone.

mod report;

use std::sync::Arc;

use geo::CoordsIter;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use self::report::{ImportReport, Observer, Rejected};
use super::{Context, Witness, forbidden, refresh};
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditEntry, Deed};
use crate::domain::feature::{not_his_to_decide, not_stated};
use crate::domain::fields::{Fields, Value};
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::place::{Delivered, jurisdiction_of, other_reading, to_lonlat};
use crate::error::{Error, Result};
use crate::geometry::encoding::geojson;
use crate::geometry::{Metres, Problem, ProblemKind};
use crate::store::import::{Duplicate, Incoming, Merged, Refusals, TakenOut};
use crate::store::records::Records;
use crate::store::{self, Failure, Stored, WriteTx};

/// Codes made for records that bring none begin so. They are made of the record's content, so that the same file
/// imported twice meets the same features.
pub const MADE_CODE_PREFIX: &str = "AUTO-";

/// Organisations of the features of an import that its audit event names.
const ORGANISATIONS_NAMED_MAX: u32 = 20;

/// A shape as it was delivered, or what is wrong with it.
pub type DeliveredOrNot = Result<Delivered, Vec<Problem>>;

/// A record of a file.
#[derive(Debug, Clone)]
pub struct Row {
    /// Counts the records from 1 through all files.
    pub number: i64,
    /// Where it stands, for a person: `row 12 (line 13)`.
    pub place: String,
    /// The names of its fields that are defaults, for the record itself says nothing there.
    pub filled: Vec<String>,
    /// Where its shape stands in it: a JSON pointer.
    pub shape_at: &'static str,
    /// What it says and where; or what is wrong with its shape, or with all of it.
    pub content: Result<(Fields, DeliveredOrNot), Vec<Problem>>,
}

/// What to do with a bad record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Import nothing.
    Stop,
    /// Import the others.
    Skip,
}

/// How an import is done.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The jurisdiction; `None`: each feature's own, by its place.
    pub jurisdiction: Option<String>,
    /// The owner of features that name none.
    pub organisation: Option<String>,
    /// What to do with a bad record.
    pub on_error: OnError,
    /// Whether a feature outside is left out rather than a bad record.
    pub outside_skips: bool,
    /// Check everything, store nothing.
    pub dry_run: bool,
}

/// Imports rows of a noun.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`] for an unknown jurisdiction, [`Error::Busy`]. Bad records are no error
/// of the import: the report counts them.
pub fn import<T: Records>(
    context: &Context,
    witness: Witness<'_>,
    options: &ImportOptions,
    rows: &mut dyn Iterator<Item = Row>,
    observer: &mut dyn Observer,
) -> Result<ImportReport> {
    if witness.actor.is_public() {
        return Err(forbidden(witness.actor, "import"));
    }
    let mut run = Run::<T>::new(context, witness.actor, options, observer)?;
    let mut rows = Some(rows);
    let outcome = context.store.write(witness, |tx| {
        let Some(rows) = rows.take() else {
            return Err(Error::busy("the import met another one; try it again").into());
        };
        run.all(tx, rows)
    });
    let Run { mut report, given_up, .. } = run;
    match outcome {
        Ok(((), revisions)) => {
            report.stored = true;
            // The index of a server follows at once; a program that only imports has none, and loads none.
            let snapshot = context.index.snapshot();
            let shown = revisions.iter().filter(|raised| snapshot.territory(&raised.jurisdiction).is_some());
            refresh::after_commit(context, witness.actor, &shown.cloned().collect::<Vec<_>>());
            report.revisions = revisions.into_iter().map(|raised| (raised.jurisdiction, raised.revision)).collect();
            Ok(report)
        }
        Err(_) if given_up => Ok(report),
        Err(error) => Err(error),
    }
}

/// An import on its way.
struct Run<'a, T: Records> {
    context: &'a Context,
    actor: &'a Actor,
    options: &'a ImportOptions,
    observer: &'a mut dyn Observer,
    jurisdictions: Vec<Arc<Jurisdiction>>,
    reach: Metres,
    batch: Vec<Incoming<T>>,
    staged: i64,
    report: ImportReport,
    /// The transaction is taken back on purpose, and the report says why.
    given_up: bool,
}

impl<'a, T: Records> Run<'a, T> {
    fn new(
        context: &'a Context,
        actor: &'a Actor,
        options: &'a ImportOptions,
        observer: &'a mut dyn Observer,
    ) -> Result<Self> {
        let mut jurisdictions = context.store.read(store::jurisdiction::all)?;
        jurisdictions.retain(|j| options.jurisdiction.as_deref().is_none_or(|only| only == j.code));
        let jurisdictions: Vec<Arc<Jurisdiction>> = jurisdictions.into_iter().map(Arc::new).collect();
        if jurisdictions.is_empty() {
            let what = options.jurisdiction.as_deref().unwrap_or("any");
            return Err(Error::NotFound(format!("the jurisdiction «{what}»")));
        }
        Ok(Self {
            context,
            actor,
            options,
            observer,
            jurisdictions,
            reach: T::kept_within(context.reach()),
            batch: Vec::new(),
            staged: 0,
            report: ImportReport::default(),
            given_up: false,
        })
    }

    fn all(&mut self, tx: &mut WriteTx<'_>, rows: &mut dyn Iterator<Item = Row>) -> Stored<()> {
        T::stage(tx)?;
        for row in rows {
            self.report.read += 1;
            self.one(tx, row)?;
            self.observer.read(self.report.read);
        }
        self.flush(tx)?;
        self.look_for_duplicates(tx)?;
        if self.report.rejected > 0 && self.options.on_error == OnError::Stop {
            return Err(self.give_up());
        }
        let jurisdictions = T::staged_jurisdictions(tx)?;
        self.take_out(tx, &jurisdictions)?;
        if self.report.rejected > 0 && self.options.on_error == OnError::Stop {
            return Err(self.give_up());
        }
        let digest = self.observer.digest();
        let mut merged = Merged::default();
        for code in jurisdictions {
            let part = T::merge(tx, &code)?;
            merged.inserted += part.inserted;
            merged.updated += part.updated;
            let (owner, organisations) = owners::<T>(tx, &code)?;
            let mut detail = vec![
                ("organisations", organisations),
                ("sha256", digest.clone()),
                ("inserted", part.inserted.to_string()),
                ("updated", part.updated.to_string()),
                ("rejected", self.report.rejected.to_string()),
            ];
            if !part.taken_from.is_empty() {
                detail.push(("organisations_before", named(part.taken_from)));
            }
            tx.audit(&code, AuditEntry { deed: Deed::Import, layer: Some(T::LAYER), subject: None, owner, detail })?;
        }
        self.report.inserted = merged.inserted;
        self.report.updated = merged.updated;
        self.report.unchanged = self.staged - merged.inserted - merged.updated;
        if self.options.dry_run || self.staged == 0 {
            return Err(self.give_up());
        }
        Ok(())
    }

    fn give_up(&mut self) -> Failure {
        self.given_up = true;
        Failure::Ours(Error::Internal("the import was taken back".into()))
    }

    fn one(&mut self, tx: &mut WriteTx<'_>, row: Row) -> Stored<()> {
        let (fields, delivered) = match row.content {
            Ok(content) => content,
            Err(problems) => {
                self.reject(row.number, row.place, None, problems);
                return Ok(());
            }
        };
        let name = name_of(&fields);
        match self.check(&fields, &row.filled, delivered) {
            Ok((jurisdiction, made, body)) => {
                let (number, place, id) = (row.number, row.place, Uuid::now_v7());
                let mut kept = not_stated::<T>(&fields);
                // The owner of records that name none is stated for all of them.
                kept.retain(|name| *name != "organisation");
                self.batch.push(Incoming { number, place, jurisdiction, made, kept, id, body });
                if self.batch.len() >= self.context.settings.import_batch {
                    self.flush(tx)?;
                }
            }
            Err(mut problems) => {
                for problem in &mut problems {
                    if let Some(within) = problem.pointer.strip_prefix("/geometry") {
                        problem.pointer = format!("{}{within}", row.shape_at);
                    }
                }
                // Numbers that another reading would bring inside are a mistake, not a feature of another place.
                if self.options.outside_skips && problems.iter().all(|p| p.kind == ProblemKind::Outside) {
                    self.report.outside += 1;
                } else {
                    self.reject(row.number, row.place, name, problems);
                }
            }
        }
        Ok(())
    }

    /// The jurisdiction, whether the code was made, and the noun.
    fn check(
        &self,
        fields: &Fields,
        filled: &[String],
        delivered: Result<Delivered, Vec<Problem>>,
    ) -> Result<(String, bool, T), Vec<Problem>> {
        let mut fields = fields.clone();
        let named = take_text(&mut fields, "jurisdiction");
        let props = T::read(&fields, self.options.organisation.as_deref());
        let delivered = match delivered {
            Ok(delivered) => delivered,
            Err(more) => {
                let mut problems = props.err().unwrap_or_default();
                problems.extend(more);
                return Err(problems);
            }
        };
        let jurisdiction = self.jurisdiction(&delivered, named.as_deref());
        let (mut props, jurisdiction) = match (props, jurisdiction) {
            (Ok(props), Ok(jurisdiction)) => (props, jurisdiction),
            (props, jurisdiction) => {
                let mut problems = props.err().unwrap_or_default();
                match jurisdiction {
                    Ok(found) => {
                        let placed = crate::domain::place::place(delivered, found, self.reach);
                        problems.extend(under_geometry(placed.err().unwrap_or_default()));
                    }
                    Err(more) => problems.extend(more),
                }
                return Err(problems);
            }
        };
        if !self.actor.may_write(T::LAYER, &jurisdiction.code, T::organisation(&props)) {
            let detail = format!("you may not write a {} of {}", T::WORD, T::organisation(&props));
            return Err(vec![Problem::new("/properties/organisation", detail)]);
        }
        if let Some(why) = not_his_to_decide::<T>(self.actor, &jurisdiction.code, T::status(&props)) {
            return Err(vec![Problem::new(format!("/properties/{}", T::STATE), why)]);
        }
        let made = T::code(&props).is_none();
        if made {
            T::set_code(&mut props, made_code(&fields, filled, &delivered));
        }
        let body = T::build(props, delivered, jurisdiction, self.reach).map_err(under_geometry)?;
        Ok((jurisdiction.code.clone(), made, body))
    }

    fn jurisdiction(&self, delivered: &Delivered, named: Option<&str>) -> Result<&Jurisdiction, Vec<Problem>> {
        if let [only] = self.jurisdictions.as_slice()
            && self.options.jurisdiction.is_some()
        {
            if named.is_some_and(|n| n != only.code) {
                let detail = format!("is {}, but the import is for {}", named.unwrap_or_default(), only.code);
                return Err(vec![Problem::new("/properties/jurisdiction", detail)]);
            }
            return Ok(only);
        }
        if let Some(named) = named.filter(|n| *n != "auto") {
            return self.jurisdictions.iter().map(Arc::as_ref).find(|j| j.code == named).ok_or_else(|| {
                vec![Problem::new("/properties/jurisdiction", format!("«{named}» is not registered here"))]
            });
        }
        to_lonlat(delivered).map_err(under_geometry)?;
        jurisdiction_of(delivered, &self.jurisdictions, self.reach).ok_or_else(|| {
            let at = delivered.shape.coords_iter().next().map(|c| format!("{}, {}", c.x, c.y)).unwrap_or_default();
            let detail = format!("lies outside every registered jurisdiction: it begins at {at}");
            let hint = self.jurisdictions.iter().find_map(|j| other_reading(delivered, j, self.reach));
            vec![Problem::outside("/geometry/coordinates", detail, hint.as_deref())]
        })
    }

    fn flush(&mut self, tx: &mut WriteTx<'_>) -> Stored<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.staged += i64::try_from(batch.len()).unwrap_or(i64::MAX);
        T::copy(tx, batch)
    }

    fn look_for_duplicates(&mut self, tx: &mut WriteTx<'_>) -> Stored<()> {
        let duplicates = T::duplicates(tx)?;
        if duplicates.is_empty() {
            return Ok(());
        }
        for duplicate in duplicates {
            self.staged -= 1;
            let Duplicate { code, number, place, first, repeated } = duplicate;
            if repeated {
                self.report.repeated += 1;
                continue;
            }
            let detail = format!("«{code}» stands already in {first}");
            let problems = vec![Problem::new("/properties/code", detail)];
            self.reject(number, place, Some(code), problems);
        }
        T::drop_duplicates(tx)
    }

    /// A code that is another's already is no way to change what one may not write.
    fn take_out(&mut self, tx: &mut WriteTx<'_>, jurisdictions: &[String]) -> Stored<()> {
        for jurisdiction in jurisdictions {
            let actor = self.actor;
            let refusals = Refusals {
                may_write: &|organisation| actor.may_write(T::LAYER, jurisdiction, organisation),
                decided: &|status| not_his_to_decide::<T>(actor, jurisdiction, status),
            };
            for TakenOut { code, number, place, problem } in T::take_out(tx, jurisdiction, &refusals)? {
                self.staged -= 1;
                self.reject(number, place, Some(code), vec![problem]);
            }
        }
        Ok(())
    }

    fn reject(&mut self, number: i64, place: String, name: Option<String>, problems: Vec<Problem>) {
        self.report.rejected += 1;
        self.observer.rejected(&Rejected { number, place, name, problems });
    }
}

/// Whose the staged rows of a jurisdiction are: the one organisation where there are no others, and the first of them as text.
fn owners<T: Records>(tx: &mut WriteTx<'_>, jurisdiction: &str) -> Stored<(Option<String>, String)> {
    let all = T::staged_organisations(tx, jurisdiction, ORGANISATIONS_NAMED_MAX + 1)?;
    let one = if let [one] = all.as_slice() { Some(one.clone()) } else { None };
    Ok((one, named(all)))
}

/// The first of these organisations, as one text.
fn named(mut all: Vec<String>) -> String {
    if all.len() > ORGANISATIONS_NAMED_MAX as usize {
        all.truncate(ORGANISATIONS_NAMED_MAX as usize);
        all.push("…".to_owned());
    }
    all.join(",")
}

fn under_geometry(problems: Vec<Problem>) -> Vec<Problem> {
    let place = |p: Problem| if p.pointer.starts_with("/properties/") { p } else { p.under("/geometry") };
    problems.into_iter().map(place).collect()
}

/// What people call a record: its code, else its name.
fn name_of(fields: &Fields) -> Option<String> {
    ["code", "name"].iter().find_map(|name| match fields.get(name) {
        Some(Value::Text(t) | Value::Cell(t)) if !t.trim().is_empty() => Some(t.trim().to_owned()),
        _ => None,
    })
}

fn take_text(fields: &mut Fields, name: &str) -> Option<String> {
    let at = fields.0.iter().position(|(n, _)| n == name)?;
    match fields.0.remove(at).1 {
        Value::Text(t) | Value::Cell(t) => Some(t.trim().to_owned()),
        _ => None,
    }
}

/// A code made of what the record itself says, and where: the same record always gets the same, whatever defaults and
/// owner it is imported with.
fn made_code(fields: &Fields, filled: &[String], delivered: &Delivered) -> String {
    let mut said: Vec<(&str, String)> = fields
        .0
        .iter()
        .filter(|(name, _)| !filled.contains(name))
        .filter_map(|(name, value)| Some((name.as_str(), written(value)?)))
        .collect();
    said.sort_unstable();
    let mut hash = Sha256::new();
    for (name, text) in said {
        hash.update(format!("{name}={}:{text}\n", text.len()));
    }
    let shape = geojson::to_value(&delivered.shape);
    hash.update(format!("{} {} {}\n", delivered.crs, shape["type"], shape["coordinates"]));
    let digest = hash.finalize();
    let first = digest.iter().take(8).fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
    format!("{MADE_CODE_PREFIX}{first:016X}")
}

/// A value as a made code counts it; this form never changes, or codes would. Blank is the same as absent.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object => None,
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(n) => Some(n.to_string()),
        Value::Text(t) | Value::Cell(t) => Some(t.trim().to_owned()).filter(|t| !t.is_empty()),
        Value::List(items) => {
            let item = |v: &Value| written(v).map(|t| format!("{}:{t}", t.len()));
            Some(items.iter().filter_map(item).collect::<Vec<_>>().join(","))
        }
    }
}
