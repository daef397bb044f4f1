//! What a noun is in a pair: something that stands somewhere, or land that something takes. There are many nouns and
//! just these two sides, so whoever judges a pair asks for the side and never for the noun.

use std::fmt::Debug;

use jiff::civil::Date;

use super::Severity;
use crate::domain::reference::ReferenceKind;
use crate::domain::work::{CaptureMethod, WorkKind};

/// A side of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// It stands somewhere.
    Stands(Stands),
    /// It takes land.
    TakesLand(TakesLand),
    /// It is in no pair.
    Refers(Refers),
}

/// What is known of something that stands somewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stands {
    /// What it is to the rules; of an unknown kind the widest clearance is kept.
    pub kind: Option<WorkKind>,
    /// Accuracy of its position where recorded, in metres.
    pub position_accuracy_m: Option<f64>,
    /// How the position was captured.
    pub capture_method: Option<CaptureMethod>,
}

/// What is known of something that takes land.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TakesLand {
    /// Its own clearance, in metres; what the rules ask of it goes by its [`LandKind`](crate::domain::rules::LandKind).
    pub clearance_m: Option<f64>,
}

/// What is known of something that is in no pair, and is looked at for its own sake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refers {
    /// What it is to a site check.
    pub kind: ReferenceKind,
}

impl Role {
    /// It takes land.
    #[must_use]
    pub fn is_land(&self) -> bool {
        matches!(self, Self::TakesLand(_))
    }

    /// The clearance of its own, in metres: of land alone.
    #[must_use]
    pub fn own_clearance_m(&self) -> Option<f64> {
        match self {
            Self::TakesLand(land) => land.clearance_m,
            Self::Stands(_) | Self::Refers(_) => None,
        }
    }

    /// What it is to rules that ask for the kind of a work.
    #[must_use]
    pub fn work_kind(&self) -> Option<WorkKind> {
        match self {
            Self::Stands(stands) => stands.kind,
            Self::TakesLand(_) | Self::Refers(_) => None,
        }
    }
}

/// One of the two sides as a type: that of a noun is decided when it is compiled.
pub trait Side: Into<Role> {
    /// It is land.
    const LAND: bool;
    /// It stands on land.
    const STANDS: bool;
}

impl Side for Stands {
    const LAND: bool = false;
    const STANDS: bool = true;
}

impl Side for TakesLand {
    const LAND: bool = true;
    const STANDS: bool = false;
}

impl Side for Refers {
    const LAND: bool = false;
    const STANDS: bool = false;
}

impl From<Stands> for Role {
    fn from(stands: Stands) -> Self {
        Self::Stands(stands)
    }
}

impl From<Refers> for Role {
    fn from(refers: Refers) -> Self {
        Self::Refers(refers)
    }
}

impl From<TakesLand> for Role {
    fn from(land: TakesLand) -> Self {
        Self::TakesLand(land)
    }
}

/// What a noun tells a check of one of its features, besides what all nouns have.
pub trait Judged: Debug + Clone + Copy + PartialEq + Send + Sync + 'static {
    /// The side it takes.
    type Side: Side;

    /// What it is in a pair.
    fn side(&self) -> Self::Side;

    /// Its kind, as written.
    fn kind(&self) -> &'static str;

    /// What the feature means on `day`: `None` when it does not count. What only stands somewhere blocks nothing by
    /// itself and says [`Severity::Blocks`]; the land decides.
    fn severity(&self, day: Date) -> Option<Severity>;
}
