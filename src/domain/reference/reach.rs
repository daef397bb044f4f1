//! How far reference features matter.

use crate::geometry::Metres;

/// How far beyond a boundary reference features are kept at least, m: as far as the approach to a runway reaches.
pub const REACH: Metres = Metres::constant(20_000.0);
