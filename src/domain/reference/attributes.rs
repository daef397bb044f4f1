//! What is known of a reference feature.

use std::sync::Arc;

use super::Decision;
use crate::domain::work::ColumnClass;

/// What is known of a reference feature besides its shape: by its kind, some of these say something.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes {
    /// What people call it.
    pub name: Option<Arc<str>>,
    /// Class of a road; code number and approach of a runway, as `4 PRECISION`; rank of heritage; reason of a freeze window;
    /// [`PERMITTED`](super::PERMITTED) of a request that was granted.
    pub class: Option<Arc<str>>,
    /// Voltage of a line, kV.
    pub voltage_kv: Option<f64>,
    /// Half the width of a road, a line or a runway that is drawn as a line, m.
    pub half_width_m: Option<f64>,
    /// Height above ground of a building, a line or a transmitter, m.
    pub height_agl_m: Option<f64>,
    /// Above the sea, m: of the end of a runway where its line begins.
    pub elevation_from_m: Option<f64>,
    /// Above the sea, m: of its other end.
    pub elevation_to_m: Option<f64>,
    /// The classes of columns that a zone admits; none: all.
    pub column_classes: Vec<ColumnClass>,
    /// The height that a zone admits, m.
    pub height_max_m: Option<f64>,
    /// How many columns a zone admits.
    pub quota: Option<u32>,
    /// The spacing between columns that a zone asks for, m.
    pub spacing_m: Option<f64>,
    /// Columns in a zone are shared.
    pub sharing_required: bool,
    /// People live or work in a building.
    pub occupied: Option<bool>,
    /// Power radiated by a transmitter, W.
    pub eirp_w: Option<f64>,
    /// Its frequency, MHz.
    pub frequency_mhz: Option<f64>,
    /// Where it points, degrees clockwise from grid north.
    pub azimuth_deg: Option<f64>,
    /// The decision of the plan of a zone; known where checks look for it, in the index.
    pub decision: Option<Arc<Decision>>,
}

impl Attributes {
    /// Nothing is known.
    pub const NONE: &'static Self = &Self {
        name: None,
        class: None,
        voltage_kv: None,
        half_width_m: None,
        height_agl_m: None,
        elevation_from_m: None,
        elevation_to_m: None,
        column_classes: Vec::new(),
        height_max_m: None,
        quota: None,
        spacing_m: None,
        sharing_required: false,
        occupied: None,
        eirp_w: None,
        frequency_mhz: None,
        azimuth_deg: None,
        decision: None,
    };
}
