//! What the asker says about a file: its format, axes, names, and how large a record may be.

use std::path::Path;

use crate::geometry::Epsg;

/// Vertices of one record: the densest commune outline met so far has 14 130; seven times that is a
/// mistake or an attack more often than a shape.
pub const VERTICES_MAX: usize = 100_000;

/// Bytes of one record: [`VERTICES_MAX`] positions of 160 bytes each, which is generous even for indented text.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Columns of a table: spreadsheets end at 16 384, and a row of nothing but delimiters must not fill the memory.
pub const COLUMNS_MAX: usize = 16_384;

/// Unused names that are remembered: enough for a report; a file may use a new name in every feature.
pub const UNUSED_MAX: usize = 1_000;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A GeoJSON document: a `FeatureCollection`, a Feature or a geometry.
    GeoJson,
    /// One GeoJSON feature a line, or a text sequence (RFC 8142).
    GeoJsonLines,
    /// A table with a header row, whatever its delimiter.
    Csv,
}

impl Format {
    /// The format that the name of a file promises; `None` when it promises none.
    #[must_use]
    pub fn by_extension(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "geojson" | "json" => Some(Self::GeoJson),
            "geojsonl" | "geojsons" | "geojsonseq" | "ndjson" | "ndgeojson" | "jsonl" => Some(Self::GeoJsonLines),
            "csv" | "tsv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// The order in which coordinates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Axes {
    /// x is east or longitude, y is north or latitude.
    #[default]
    EastNorth,
    /// The first coordinate, or the column `x`, is northing; the second, or `y`, is easting. Columns whose
    /// names say longitude, latitude, easting or northing keep what they say.
    NorthEast,
}

/// The two sides of `--map field=column` or `--set field=value`.
pub type Pair = (String, String);

/// How a file is to be read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The format; by extension and first bytes when `None`.
    pub format: Option<Format>,
    /// The order of coordinates.
    pub axes: Axes,
    /// The CRS the coordinates are in: a `crs` member or an SRID in the file must say the same or nothing.
    pub crs: Epsg,
    /// `(field, column)`: take the field from this column or property. In tables also `lon`, `lat`, `x`, `y`,
    /// `easting`, `northing` and `wkt`.
    pub map: Vec<Pair>,
    /// `(field, value)`: the value where the column is missing or empty.
    pub set: Vec<Pair>,
    /// The fields that exist; columns of the same name are taken as they are.
    pub fields_known: Vec<&'static str>,
    /// Vertices allowed in one record.
    pub vertices_max: usize,
    /// Bytes allowed for one record.
    pub record_bytes_max: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            axes: Axes::default(),
            crs: Epsg::WGS84,
            map: Vec::new(),
            set: Vec::new(),
            fields_known: Vec::new(),
            vertices_max: VERTICES_MAX,
            record_bytes_max: RECORD_BYTES_MAX,
        }
    }
}
