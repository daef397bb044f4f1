//! Coverage: where a layer holds all there is. Only on such ground is "nothing found" the same as "nothing there".
//!
//! A coverage area declares that its layer holds every feature whose land, with the clearance of its own, or whose
//! position, with its accuracy, reaches into the area: also those that stand beyond its edge. So a subject that lies in
//! the area with all that the asker brings needs nothing from outside it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::feature::Noun;
use super::jurisdiction::{Jurisdiction, area_of};
use super::layer::{Layer, with_noun};
use super::place::{self, Delivered};
use super::reference::ReferenceKind;
use super::word::{Word, words};
use crate::geometry::measure::Prepared;
use crate::geometry::{Epsg, Geometry, Grid, LonLat, Metres, MultiPolygon, Problem};

words! {
    /// How much of some ground a layer answers for. The first is the worst.
    Coverage {
        /// It says where it does, and that is elsewhere.
        None = "none",
        /// It does not say.
        Undeclared = "undeclared",
        /// For a part.
        Partial = "partial",
        /// For all of it: here, and only here, no conflict means clear.
        Full = "full",
    }
}

/// A source is one line for a person: at most this many characters.
pub const SOURCE_MAX: usize = 500;

/// What somebody says of a coverage area before it is checked.
#[derive(Debug, Clone)]
pub struct CoverageDraft {
    /// The layer that holds all there is.
    pub layer: Layer,
    /// Of reference features, the kind of which it does.
    pub kind: Option<ReferenceKind>,
    /// Who says so.
    pub source: String,
    /// Of which day.
    pub as_of: Option<Date>,
    /// A `Polygon` or `MultiPolygon` in WGS 84.
    pub boundary: Geometry<f64>,
}

words! {
    /// Why a layer does not answer for all of some ground.
    GapReason {
        /// It declares where it holds all there is, and that is elsewhere, or only a part of it.
        NoData = "layer_not_covered",
        /// Nobody has declared where it holds all there is.
        Undeclared = "coverage_undeclared",
        /// It has features that the asker does not see in cells of 2 km that the ground meets. Where in them is a secret,
        /// so this never depends on anything else.
        NotSeen = "features_not_seen",
        /// Its coverage is declared as of a later day than the one asked.
        Later = "coverage_declared_later",
        /// Nobody says what must stay free beside the land asked about, so 0 m was kept from its features.
        ClearanceUnknown = "clearance_unknown",
    }
}

/// Ground on which a layer of a jurisdiction holds all there is: everything that reaches into it, with the clearance or
/// the accuracy of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct CoverageArea {
    /// The layer.
    pub layer: Layer,
    /// Of reference features, the kind.
    pub kind: Option<ReferenceKind>,
    /// Who says so.
    pub source: String,
    /// Of which day.
    pub as_of: Option<Date>,
    /// The ground in WGS 84.
    pub lonlat: LonLat<MultiPolygon<f64>>,
    /// The ground on the working grid of its jurisdiction.
    pub grid: Grid<MultiPolygon<f64>>,
}

/// A coverage area as the register holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredCoverage {
    /// The jurisdiction, and so the shard.
    pub jurisdiction: String,
    /// `UUIDv7`, ascending with time.
    pub id: Uuid,
    /// The revision of the jurisdiction in which it was declared.
    pub revision: i64,
    /// When it was declared.
    pub recorded_at: Timestamp,
    /// The area itself.
    pub area: CoverageArea,
}

impl RegisteredCoverage {
    /// The first day for which the area answers: that of its source, else that on which it was recorded there.
    #[must_use]
    pub fn since(&self, time_zone: TimeZone) -> Date {
        self.area.as_of.unwrap_or_else(|| self.recorded_at.to_zoned(time_zone).date())
    }
}

impl CoverageArea {
    /// What it is of: the layer, or the kind of reference features.
    #[must_use]
    pub fn of(&self) -> &'static str {
        self.kind.map_or_else(|| self.layer.as_str(), Word::as_str)
    }

    /// Checks a draft and places its ground: valid, inside the boundary of its jurisdiction widened by `reach`.
    ///
    /// # Errors
    /// Every problem of the draft.
    pub fn new(draft: CoverageDraft, jurisdiction: &Jurisdiction, reach: Metres) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let reach = with_noun!(draft.layer, N => N::kept_within(reach));
        match (draft.layer.is_told_by_kind(), draft.kind) {
            (true, None) => problems.push(Problem::new(
                "/layer",
                format!("{} are covered by kind: name one of {}", draft.layer, ReferenceKind::known()),
            )),
            (false, Some(_)) => {
                problems.push(Problem::new("/layer", format!("{} are not covered by kind", draft.layer)));
            }
            _ => {}
        }
        let source = draft.source.trim().to_owned();
        if source.is_empty() {
            problems.push(Problem::new("/source", "is missing: who says that the layer holds all there is?"));
        } else if source.chars().count() > SOURCE_MAX {
            problems.push(Problem::new("/source", format!("is longer than {SOURCE_MAX} characters")));
        }
        let Some(boundary) = area_of(draft.boundary) else {
            problems.push(Problem::new("/boundary", "must be a Polygon or a MultiPolygon"));
            return Err(problems);
        };
        let delivered = Delivered { shape: Geometry::MultiPolygon(boundary.clone()), crs: Epsg::WGS84 };
        let placed = match place::place(delivered, jurisdiction, reach) {
            Ok(placed) => placed,
            Err(more) => {
                problems.extend(more.into_iter().map(|p| p.under("/boundary")));
                return Err(problems);
            }
        };
        if !jurisdiction.holds_widened(&Prepared::new(&placed.grid), reach) {
            let detail = format!(
                "reaches more than {} m beyond {} ({}): a jurisdiction answers for its own ground and what is next to it",
                reach.get(),
                jurisdiction.code,
                jurisdiction.name_en
            );
            problems.push(Problem::new("/boundary/coordinates", detail));
        }
        let Some(grid) = area_of(placed.grid.0).filter(|_| problems.is_empty()) else { return Err(problems) };
        let (layer, kind, as_of) = (draft.layer, draft.kind, draft.as_of);
        Ok(Self { layer, kind, source, as_of, lonlat: LonLat(boundary), grid: Grid(grid) })
    }
}
