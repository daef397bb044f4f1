//! Coordinate reference systems: which plane a shape lies on.

use std::fmt;

/// An EPSG code of a coordinate reference system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epsg(pub u32);

impl Epsg {
    /// WGS 84, in which GeoJSON speaks.
    pub const WGS84: Epsg = Epsg(4326);
}

impl fmt::Display for Epsg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EPSG:{}", self.0)
    }
}

/// A shape in WGS 84, x = longitude, y = latitude, degrees. It has no measures: project it first.
#[derive(Debug, Clone, PartialEq)]
pub struct LonLat<G>(pub G);

/// A shape on a jurisdiction's working grid, x = easting, y = northing, metres.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid<G>(pub G);
