//! Site checks: a column that somebody asks for, against everything round its place that a law or a rule speaks of.
//!
//! Here is what is asked and answered; [`search`] asks it of many places and ranks them, `area` of an area. `around` finds what
//! stands round the place in the index, `own` the request that is asked about, `border` what a border means on its two sides. What it means is said by the checks themselves
//! ([`crate::domain::site_check`]), which see nothing but that. `kept` keeps runs, `again` makes their answers again, [`recheck`]
//! does so by itself.

mod again;
pub(super) mod area;
mod around;
mod beyond;
mod border;
mod deadline;
mod ground;
mod kept;
mod own;
pub mod recheck;
pub mod search;
mod shared;
mod taken;

use std::collections::BTreeMap;
use std::sync::Arc;

use geo::Point;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::conflict_check::at_least;
use super::{Context, Reader, organisation};
use crate::domain::actor::{Actor, Role};
use crate::domain::layer::Layer;
use crate::domain::place::{self, Delivered};
use crate::domain::restricted_read::Shown;
use crate::domain::rules::{Ruling, SiteRules};
use crate::domain::site_check::{
    self, CHECKS, Check, CheckCode, Finding, Ground, HiddenCells, Message, Near, Parameters, Place, Subject,
    Surroundings, Verdict, message::key,
};
use crate::error::{Error, Result};
use crate::geometry::measure::{Prepared, nearest_point};
use crate::geometry::{Coord, Epsg, Geometry, LonLat, Metres, Problem, crs};
use crate::index::{Snapshot, Territory};
pub use crate::store::site_check::Listing;

pub use self::again::{AskedAgain, Replay, Tampered, asked_again, replay, under, under_loaded};
use self::around::{Found, How, Mode, found};
use self::deadline::Deadline;
pub(super) use self::deadline::Searches;
pub use self::kept::{Kept, KeptRun, keep, list, of_id, waive};
pub(super) use self::kept::{is_seen_still, keep_with, may_hear, to_keep};
pub(super) use self::shared::columns_in_zones;
use self::taken::Taken;

/// A column at a place, as somebody asks about it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// How the asker calls it.
    pub name: String,
    /// Where it stands in the document, for problems.
    pub pointer: String,
    /// The place, a point.
    pub delivered: Delivered,
    /// The column.
    pub subject: Subject,
}

/// How it is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The moment at which dates are looked at.
    pub at: Timestamp,
    /// Revisions that the answer must have reached.
    pub min_revision: Vec<(String, i64)>,
}

/// What the checks say of a column at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteCheck {
    /// How the asker calls it.
    pub name: String,
    /// The place as it was delivered.
    pub delivered: Delivered,
    /// The place in WGS 84.
    pub lonlat: LonLat<Point<f64>>,
    /// The column.
    pub subject: Subject,
    /// The jurisdiction in which it lies; none where nobody looks after that ground.
    pub jurisdiction: Option<String>,
    /// The working grid of that, on which findings are drawn.
    pub grid: Epsg,
    /// The revision of each jurisdiction that was looked at.
    pub revisions: BTreeMap<String, i64>,
    /// The moment at which dates were looked at.
    pub at: Timestamp,
    /// The calendar day of that in the jurisdiction.
    pub day: Date,
    /// One finding for each check, in the order of [`CHECKS`].
    pub findings: Vec<Finding>,
    /// How far round the place was looked for what brings no reach of its own, m.
    pub reach_m: f64,
    /// Where the asker was told that something is hidden only because he had asked too much.
    pub told_by_budget: Vec<String>,
    /// Every feature that the findings rest on, listed or not; of a search nothing.
    pub ground: Vec<Ground>,
    /// Those of them that are restricted.
    pub shown: Vec<Ground>,
}

impl SiteCheck {
    /// The worst of all findings.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::NotChecked)
    }
}

/// Checks columns at places.
///
/// # Errors
/// [`Error::Invalid`] with every problem of every place, [`Error::Busy`] where the index has not reached `min_revision`,
/// [`Error::TooLarge`] where all of it takes longer than a request may.
pub fn check<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    asked: &[Asked],
    question: &Question,
) -> Result<Vec<SiteCheck>> {
    let reader = reader.into();
    let snapshot = at_least(context, &question.min_revision)?;
    let mut problems = Vec::new();
    let mut checks = Vec::new();
    let deadline = Deadline::of_request(context);
    for one in asked {
        deadline.in_time()?;
        let column = match asker_known(context, reader.actor, &one.subject)? {
            Ok(column) => column,
            Err(problem) => {
                problems.push(problem.under(one.pointer.strip_suffix("/geometry").unwrap_or_default()));
                continue;
            }
        };
        let one = Asked { subject: column, ..one.clone() };
        match check_in(context, reader, &snapshot, &one, question.at, deadline) {
            Ok(check) => checks.push(check),
            Err(Error::Invalid(more)) => problems.extend(more.into_iter().map(|p: Problem| p.under(&one.pointer))),
            Err(other) => return Err(other),
        }
    }
    if problems.is_empty() { Ok(checks) } else { Err(Error::Invalid(problems)) }
}

/// The column with the carrier that asks for it: where nobody says which, that of a carrier who asks. Who names one that is not
/// known is told so, if he may know which there are: whoever signed in.
///
/// # Errors
/// [`Error::Busy`].
fn asker_known(context: &Context, actor: &Actor, column: &Subject) -> Result<std::result::Result<Subject, Problem>> {
    let Some(code) = column.organisation.as_deref() else {
        let own = actor.organisation.clone().filter(|_| actor.roles.contains(&Role::Carrier));
        return Ok(Ok(Subject { organisation: own, ..column.clone() }));
    };
    let may_know = !actor.is_public() && actor.organisation.as_deref() != Some(code);
    if may_know && !organisation::is_known(context, code)? {
        let detail = format!("«{code}» is no organisation that is registered here");
        return Ok(Err(Problem::new("/properties/organisation", detail)));
    }
    Ok(Ok(column.clone()))
}

/// A question can be answered, whatever the columns: waits for the revisions that it asks for.
///
/// # Errors
/// As [`at_least`].
pub fn can_answer(context: &Context, question: &Question) -> Result<()> {
    at_least(context, &question.min_revision).map(drop)
}

/// Checks a column on a state of the index, and takes note of who is shown what.
fn check_in(
    context: &Context,
    reader: Reader<'_>,
    snapshot: &Snapshot,
    asked: &Asked,
    at: Timestamp,
    deadline: Deadline,
) -> Result<SiteCheck> {
    let (mut check, taken, _) = computed(context, reader.actor, snapshot, asked, at, (Mode::Ask, deadline))?;
    let taken = taken::ground(&check.findings, taken);
    context.reads.shown(reader, restricted(&taken))?;
    (check.ground, check.shown) = (taken::kept(&taken, false), taken::kept(&taken, true));
    Ok(check)
}

/// The rules by which a jurisdiction judges.
///
/// # Errors
/// [`Error::Parameter`] for a jurisdiction that is not registered.
pub fn rules(context: &Context, code: &str) -> Result<Arc<Ruling>> {
    let snapshot = context.index.snapshot();
    let territory = snapshot.territory(code);
    let unknown = || Error::parameter("jurisdiction", format!("«{code}» is not registered"));
    territory.map(|t| Arc::clone(t.rules())).ok_or_else(unknown)
}

/// A feature that a check of a column looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// The layer it is in.
    pub layer: Layer,
    /// The feature.
    pub id: Uuid,
    /// From the place to it, m; 0 where the place lies in it or on it.
    pub distance_m: f64,
    /// How far inside its area the place lies, m; 0 outside, and of what has none.
    pub depth_m: f64,
}

/// What a check of a column rests on: every feature near its place that counts, by distance in each layer. Nothing where no
/// jurisdiction looks after the place.
///
/// # Errors
/// As [`check`].
pub fn facts<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    asked: &Asked,
    question: &Question,
) -> Result<Vec<Fact>> {
    let reader = reader.into();
    let snapshot = at_least(context, &question.min_revision)?;
    let spot = Spot::of(&asked.delivered)?;
    let Some(home) = home(&snapshot, spot)? else { return Ok(Vec::new()) };
    let day = question.at.to_zoned(home.jurisdiction.time_zone()).date();
    let parameters = Parameters::on(home.rules().site(), day);
    let how = How { mode: Mode::Ask, deadline: Deadline::of_request(context) };
    let found = found(context, reader.actor, &snapshot, home, spot, &asked.subject, &parameters, day, how)?;
    context.reads.shown(reader, restricted(&found.taken))?;
    let around = &found.around;
    let works = around.works.iter().map(fact);
    let corridors = around.corridors.iter().map(|corridor| fact(&corridor.near));
    let references = around.lines.iter().map(|line| fact(&line.near)).chain(around.references.iter().map(fact));
    Ok(works.chain(corridors).chain(references).collect())
}

fn fact<F>(near: &Near<'_, F>) -> Fact {
    Fact { layer: near.layer, id: near.facts.id, distance_m: near.distance_m, depth_m: near.depth_m }
}

/// What of it is restricted.
fn restricted<'a>(taken: &[Taken<'a>]) -> impl Iterator<Item = Shown<'a>> {
    taken.iter().filter(|one| one.restricted).map(|one| (one.layer, one.code, one.id))
}

/// What the checks would say of a column to somebody who does not ask, with the cells in which something is hidden from him by
/// which it is so. Nobody is shown it yet, so nothing counts: what depends on those cells is told to whoever may hear of them.
///
/// # Errors
/// As [`check`].
pub(super) fn said_to(
    context: &Context,
    actor: &Actor,
    asked: &Asked,
    question: &Question,
) -> Result<(SiteCheck, Vec<HiddenCells>)> {
    let snapshot = at_least(context, &question.min_revision)?;
    let how = (Mode::Again(&[]), Deadline::of_request(context));
    let (check, _, hidden) = computed(context, actor, &snapshot, asked, question.at, how)?;
    Ok((check, hidden))
}

/// Checks a column on a state of the index; with it all that was found, and what is hidden.
fn computed<'a>(
    context: &Context,
    actor: &Actor,
    snapshot: &'a Snapshot,
    asked: &Asked,
    at: Timestamp,
    (mode, deadline): (Mode<'_>, Deadline),
) -> Result<(SiteCheck, Vec<Taken<'a>>, Vec<HiddenCells>)> {
    let spot = Spot::of(&asked.delivered)?;
    let mut check = SiteCheck {
        name: asked.name.clone(),
        delivered: asked.delivered.clone(),
        lonlat: LonLat(spot.lonlat),
        subject: asked.subject.clone(),
        jurisdiction: None,
        grid: Epsg::WGS84,
        revisions: BTreeMap::new(),
        at,
        day: at.to_zoned(jiff::tz::TimeZone::UTC).date(),
        findings: Vec::new(),
        reach_m: 0.0,
        told_by_budget: Vec::new(),
        ground: Vec::new(),
        shown: Vec::new(),
    };
    let Some(home) = home(snapshot, spot)? else {
        check.findings = outside(snapshot, asked, spot, check.day);
        return Ok((check, Vec::new(), Vec::new()));
    };
    check.day = at.to_zoned(home.jurisdiction.time_zone()).date();
    check.jurisdiction = Some(home.jurisdiction.code.clone());
    check.grid = home.jurisdiction.grid;
    let rules = home.rules();
    let parameters = Parameters::on(rules.site(), check.day);
    let how = How { mode, deadline };
    let Found { around, taken, revisions, told_by_budget, reach_m, hidden } =
        found(context, actor, snapshot, home, spot, &asked.subject, &parameters, check.day, how)?;
    check.reach_m = reach_m;
    check.told_by_budget = told_by_budget;
    check.findings = site_check::run(&asked.subject, &around, &parameters, check.day);
    check.revisions = revisions;
    Ok((check, taken, hidden))
}

fn point(shape: &Geometry<f64>) -> Result<Point<f64>> {
    match shape {
        Geometry::Point(point) => Ok(*point),
        _ => Err(Error::Invalid(vec![Problem::new("/type", "a column stands at a Point")])),
    }
}

/// A place as it was delivered, which on the grid it was delivered in keeps its coordinates bit for bit, and in WGS 84.
#[derive(Clone, Copy)]
struct Spot<'d> {
    delivered: &'d Delivered,
    lonlat: Point<f64>,
}

impl<'d> Spot<'d> {
    fn of(delivered: &'d Delivered) -> Result<Self> {
        let lonlat = point(&place::to_lonlat(delivered).map_err(Error::Invalid)?.0)?;
        Ok(Self { delivered, lonlat })
    }
}

/// The place on the grid of a territory.
fn on_grid(territory: &Territory, spot: Spot<'_>) -> Result<Coord<f64>> {
    let shape = crs::project(&spot.delivered.shape, spot.delivered.crs, territory.jurisdiction.grid)
        .map_err(|e| Error::Invalid(vec![Problem::new("/coordinates", e.to_string())]))?;
    Ok(point(&shape)?.0)
}

/// The territory in whose boundary a place lies; of several the smallest.
fn home<'s>(snapshot: &'s Snapshot, spot: Spot<'_>) -> Result<Option<&'s Arc<Territory>>> {
    let mut home: Option<&Arc<Territory>> = None;
    for territory in snapshot.territories() {
        let here = territory.jurisdiction.bounds_widened(0.0);
        if !here.contains(spot.lonlat.0) {
            continue;
        }
        let place = Prepared::point(on_grid(territory, spot)?);
        let nearer = home.is_none_or(|other| territory.jurisdiction.area_m2() < other.jurisdiction.area_m2());
        if nearer && place.within(territory.jurisdiction.boundary_grid(), 0.0) {
            home = Some(territory);
        }
    }
    Ok(home)
}

/// What there is to say of a place that no jurisdiction looks after.
fn outside(snapshot: &Snapshot, asked: &Asked, spot: Spot<'_>, day: Date) -> Vec<Finding> {
    let hint =
        snapshot.territories().find_map(|t| place::read_otherwise(&asked.delivered, &t.jurisdiction, Metres::ZERO));
    // Where the nearest boundary is nearer than the place is known, it may lie inside.
    let away = |t: &'_ Arc<Territory>| {
        let at = on_grid(t, spot).ok()?;
        Some((Prepared::point(at).distance(t.jurisdiction.boundary_grid()), at, Arc::clone(t)))
    };
    let nearest = snapshot.territories().filter_map(away).min_by(|(a, ..), (b, ..)| a.total_cmp(b));
    let to_boundary_m = nearest.as_ref().map_or(f64::INFINITY, |(metres, ..)| *metres);
    let boundary_at = nearest.filter(|(metres, ..)| metres.is_finite()).and_then(|(_, at, t)| {
        let there = Geometry::Point(Point(nearest_point(t.jurisdiction.boundary_grid(), at)?));
        point(&crs::project(&there, t.jurisdiction.grid, Epsg::WGS84).ok()?).ok()
    });
    let boundary_at = boundary_at.map(|there| there.0);
    let place = Place { at: spot.lonlat.0, inside: false, to_boundary_m, boundary_at, hint };
    let around = Surroundings::nowhere(place);
    let of = |check: &Check| match check.code {
        CheckCode::Geo => (check.run)(&asked.subject, &around, &Parameters::on(&SiteRules::default(), day), day),
        code => Finding::new(code, Verdict::NotChecked, Message::new(key::OUTSIDE)),
    };
    CHECKS.iter().map(of).collect()
}
