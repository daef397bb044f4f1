//! Automatic site checks: what stands against an antenna column at a place, with its evidence and its law.
//!
//! Read in this order: [`subject`] (what somebody asks for), [`surroundings`] (what was found round the place), [`parameters`]
//! (the limits, which stand in the rule pack and nowhere else), [`finding`] (what a check says), [`record`] (what is kept of a
//! run) and [`waiver`] (who may set a finding aside). Each check is one pure
//! function in its own file in `checks`; [`CHECKS`] is the list, and a line there is all it takes to add one: the index looks for what
//! it reads, coverage is asked of that, its finding is answered, kept, replayed, ranked and looked at again.
//!
//! A check looks at what was found. That nothing was found means little where nobody declared that all there is was
//! loaded, or where something is hidden from the asker: [`run`] asks each [`Source`] a check reads for that, so no check has to.

mod checks;
pub mod finding;
pub mod message;
pub mod parameters;
mod read;
pub mod record;
pub mod subject;
pub mod surroundings;
pub mod waiver;

use std::sync::LazyLock;

use jiff::civil::Date;

pub use checks::area::{Area, run as run_area};
pub use checks::circle;
pub use checks::emf::looked as looked_for_buildings;
pub use checks::permits::own_column;
pub use finding::{Compliance, Consultee, Decided, Evidence, Finding, Gap, GapWhy, Outcome, Quantity, Sector, Verdict};
pub use message::{Argument, Message};
pub use parameters::{Missing, Parameters, SiteKey};
pub use record::{Difference, ENGINE, Ground, HiddenCells, PackName, Run, Said, differences, text_of_subject};
pub use subject::{Antenna, Subject};
pub use surroundings::{
    Near, NearCorridor, NearLine, NearReference, NearWork, Place, Shape, Source, StandingColumn, Surroundings,
    column_on, is_measured,
};
pub use waiver::Waiver;

use super::corridor::CorridorKind;
use super::reference::{Attributes, ReferenceKind};
use super::rules::{LandKind, SiteRules};
use super::word::words;

words! {
    /// A check, by the code that stands in a finding.
    CheckCode {
        /// The place: valid, inside a jurisdiction, with plausible coordinates.
        Geo = "GEO",
        /// BTS zones: class, height, quota, areas for one class alone.
        Zon = "ZON",
        /// Clearance corridors, and what a falling column reaches.
        Cor = "COR",
        /// Spacing to other columns, and who could share.
        Spc = "SPC",
        /// Aviation: marking, height consent, obstacle surfaces.
        Air = "AIR",
        /// Electromagnetic exposure of people.
        Emf = "EMF",
        /// Heritage.
        Her = "HER",
        /// Defence.
        Def = "DEF",
        /// Schools and hospitals.
        Sen = "SEN",
        /// The same thing asked for twice.
        Dup = "DUP",
        /// Freeze windows.
        Tim = "TIM",
        /// What nobody has data of.
        Cov = "COV",
    }
}

/// One check.
pub struct Check {
    /// Its code.
    pub code: CheckCode,
    /// What it reads: where one of these does not answer for the place, finding nothing is no pass.
    pub reads: &'static [Source],
    /// The check.
    pub run: fn(&Subject, &Surroundings<'_>, &Parameters<'_>, Date) -> Finding,
}

/// THE list of checks, in the order in which they are answered.
pub const CHECKS: &[Check] = &[
    Check { code: CheckCode::Geo, reads: &[], run: checks::geo::check },
    Check { code: CheckCode::Zon, reads: checks::zon::READS, run: checks::zon::check },
    Check { code: CheckCode::Cor, reads: checks::cor::READS, run: checks::cor::check },
    Check { code: CheckCode::Spc, reads: checks::spc::READS, run: checks::spc::check },
    Check { code: CheckCode::Air, reads: checks::air::READS, run: checks::air::check },
    Check { code: CheckCode::Emf, reads: checks::emf::READS, run: checks::emf::check },
    Check { code: CheckCode::Her, reads: checks::her::READS, run: checks::her::check },
    Check { code: CheckCode::Def, reads: checks::def::READS, run: checks::def::check },
    Check { code: CheckCode::Sen, reads: checks::sen::READS, run: checks::sen::check },
    Check { code: CheckCode::Dup, reads: checks::dup::READS, run: checks::dup::check },
    Check { code: CheckCode::Tim, reads: checks::tim::READS, run: checks::tim::check },
    // What every other one reads.
    Check { code: CheckCode::Cov, reads: &[], run: checks::cov::check },
];

/// A place so near another one is the same, m: as near as a survey accepts a column at the place that was permitted
/// (`site_request.as_built_tolerance_m` `[default]`).
pub const SAME_PLACE_M: f64 = 5.0;

/// Every source that some check reads, each once, in their order.
#[must_use]
pub fn sources() -> &'static [Source] {
    // Every check of a place goes through them several times.
    static ALL: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let mut all: Vec<Source> = CHECKS.iter().flat_map(|check| check.reads).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    });
    &ALL
}

/// Runs all checks on a day in the jurisdiction: one finding for each, in the order of [`CHECKS`].
#[must_use]
pub fn run(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, day: Date) -> Vec<Finding> {
    CHECKS.iter().map(|check| check.said(subject, around, rules, day)).collect()
}

impl Check {
    /// What it says, where what it reads answers for the place.
    fn said(&self, subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, day: Date) -> Finding {
        (self.run)(subject, around, rules, day).qualified(self.reads, around)
    }
}

/// How far beyond its own shape a feature of a kind can matter to a check on any day, in metres: by it the index knows
/// where to look for it. A road or a line reaches farther by its
/// width ([`to_edge_of`]) and by what must stay free beside it.
#[must_use]
pub fn reach_of(kind: ReferenceKind, ever: &SiteRules) -> f64 {
    match kind {
        ReferenceKind::Heritage => ever.most(SiteKey::HeritageDistance),
        ReferenceKind::Monument => ever.most(SiteKey::OnlyA1Distance).max(ever.most(SiteKey::HeritageDistance)),
        ReferenceKind::GovernmentFront => ever.most(SiteKey::OnlyA1Distance),
        ReferenceKind::School | ReferenceKind::Hospital => ever.most(SiteKey::SensitiveDistance),
        ReferenceKind::DefenceArea => ever.most(SiteKey::DefenceDistance),
        ReferenceKind::Runway => checks::air::reach(ever),
        ReferenceKind::SiteRequest => ever.most(SiteKey::DuplicateDistance).max(checks::spc::reach(ever)),
        ReferenceKind::Transmitter => ever.most(SiteKey::CoSitedDistance),
        ReferenceKind::Boundary
        | ReferenceKind::Road
        | ReferenceKind::PowerLine
        | ReferenceKind::UrbanArea
        | ReferenceKind::Building
        | ReferenceKind::Zone
        | ReferenceKind::FreezeWindow
        | ReferenceKind::Other => 0.0,
    }
}

/// A road or a power line: what is drawn as a line, and has a width and something to be kept free beside it.
#[must_use]
pub fn is_drawn(kind: ReferenceKind) -> bool {
    matches!(kind, ReferenceKind::Road | ReferenceKind::PowerLine)
}

/// What a reference feature is to the rules that say what must stay free beside it: a road of its class, a power line of its
/// voltage; none of what is neither.
#[must_use]
pub fn land_of(kind: ReferenceKind, attributes: &Attributes) -> Option<LandKind> {
    let land = match kind {
        ReferenceKind::Road => CorridorKind::Road,
        ReferenceKind::PowerLine => CorridorKind::PowerLine,
        _ => return None,
    };
    Some(LandKind::new(land, attributes.class.as_deref(), attributes.voltage_kv))
}

/// What says how wide at most a road or a power line is that is drawn as a line and states no width; none of what is no such line.
fn widest_of(kind: ReferenceKind, attributes: &Attributes, is_line: bool) -> Option<SiteKey> {
    let widest = match kind {
        ReferenceKind::Road => SiteKey::RoadHalfWidth,
        ReferenceKind::PowerLine => SiteKey::PowerLineHalfWidth,
        _ => return None,
    };
    (is_line && attributes.half_width_m.is_none()).then_some(widest)
}

/// How far from what is drawn the edge of a reference feature lies, in metres: at least, and at most. That is half the width of
/// a road or a power line that is drawn as a line; where it states none, up to what the rules say on a day, else on any, and on a
/// day for which they say nothing ([`no_width_of`]) anything.
#[must_use]
pub fn to_edge_of(
    kind: ReferenceKind,
    attributes: &Attributes,
    is_line: bool,
    ever: &SiteRules,
    day: Option<Date>,
) -> [f64; 2] {
    let Some(widest) = widest_of(kind, attributes, is_line) else {
        return [attributes.half_width_m.filter(|_| is_drawn(kind)).unwrap_or(0.0); 2];
    };
    let on = |day| Parameters::on(ever, day).value(CheckCode::Cor, widest).unwrap_or(f64::INFINITY);
    [0.0, day.map_or_else(|| ever.most(widest), on)]
}

/// The rule that is not in force of how wide at most a road or a power line is, where that would say it ([`to_edge_of`]).
#[must_use]
pub fn no_width_of(
    kind: ReferenceKind,
    attributes: &Attributes,
    is_line: bool,
    ever: &SiteRules,
    day: Date,
) -> Option<Missing> {
    let widest = widest_of(kind, attributes, is_line)?;
    Parameters::on(ever, day).value(CheckCode::Cor, widest).err()
}

/// How far round its place a source is asked whether it holds all there is, in metres: as far as a feature of it matters, by its
/// `own` reach or where that is 0 as far as the subject looks. Who declares runways speaks of the ground over which their
/// surfaces lie, wherever they are, so that is asked of the place alone.
#[must_use]
pub fn asked_within(source: Source, own: f64, subject: &Subject, looked: f64) -> f64 {
    match source.kind() {
        Some(ReferenceKind::Runway) => subject.accuracy_m,
        _ if own > 0.0 => own + subject.accuracy_m,
        _ => looked,
    }
}

/// How far round its place a subject has to look for what brings no reach of its own, in metres: other columns, corridors,
/// roads and lines that it could fall on, buildings in its field. Its accuracy is in it: what brings a reach of its own
/// matters as far away as both together.
#[must_use]
pub fn reach_round(subject: &Subject, rules: &Parameters<'_>) -> f64 {
    let reach = [
        checks::spc::reach(rules.ever()),
        checks::cor::reach(subject, rules),
        checks::emf::reach(subject, rules),
        // The column of a request is looked for round the place that was asked for.
        rules.most(SiteKey::DuplicateDistance) + subject.request.map_or(0.0, |_| SAME_PLACE_M),
        rules.most(SiteKey::CoSitedDistance),
    ];
    reach.into_iter().fold(0.0, f64::max) + subject.accuracy_m
}
