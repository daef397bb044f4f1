//! Shapes, planes and measures. The only ring that knows PROJ.
//!
//! Read in this order: [`units`], [`crs`], [`bounds`], [`problem`], [`valid`], [`encoding`], then what
//! works on the grid alone: [`measure`], [`cells`], [`overlay`], [`union`], [`stretch`], [`linear`], [`buffer`], [`obstacle`].
//! Nothing here knows a telecom word, and nothing here does IO.

pub mod bounds;
mod boxes;
pub mod buffer;
pub mod cells;
pub mod crs;
pub mod encoding;
pub mod linear;
pub mod measure;
pub mod obstacle;
pub mod outside;
pub mod overlay;
pub mod problem;
pub mod stretch;
pub mod union;
pub mod units;
pub mod valid;

pub use bounds::Bounds;
pub use crs::{Epsg, Grid, LonLat};
pub use geo_types::{Coord, Geometry, LineString, MultiLineString, MultiPolygon, Point, Polygon};
pub use problem::{Problem, ProblemKind};
pub use units::Metres;
