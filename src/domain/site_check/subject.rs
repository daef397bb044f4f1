//! What somebody asks for: an antenna column at a place.

use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::work::{ColumnClass, WorkKind};

/// The least power of an antenna that is worth a question, W.
pub const EIRP_MIN_W: f64 = 0.01;
/// No cell of a mobile network radiates more: 100 kW. Larger numbers are of another unit.
pub const EIRP_MAX_W: f64 = 100_000.0;
/// Most antennas on one column.
pub const ANTENNAS_MAX: usize = 48;

/// An antenna.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Antenna {
    /// Frequency, MHz.
    pub frequency_mhz: f64,
    /// Power radiated in the main direction, as if from an isotropic antenna, W.
    pub eirp_w: f64,
    /// Where it points, degrees clockwise from grid north; none: all round.
    pub azimuth_deg: Option<f64>,
    /// Its middle above ground, m; none: at the top.
    pub height_agl_m: Option<f64>,
    /// The angle in which it radiates at least half of that, degrees; none: by the rules.
    pub beamwidth_deg: Option<f64>,
}

/// An antenna column, as somebody asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What it is to be.
    pub kind: WorkKind,
    /// Its class.
    pub column_class: Option<ColumnClass>,
    /// Its height above ground, antennas and lightning rod included, m.
    pub height_agl_m: f64,
    /// The ground at the place above the sea, m.
    pub ground_amsl_m: Option<f64>,
    /// How accurate the place is, m.
    pub accuracy_m: f64,
    /// The carrier that asks.
    pub organisation: Option<String>,
    /// The feature that stands for the request itself: it is not in its own way.
    pub request: Option<Uuid>,
    /// Its antennas.
    pub antennas: Vec<Antenna>,
    /// The first day of building.
    pub starts_on: Option<Date>,
    /// The last day of building.
    pub ends_on: Option<Date>,
}
