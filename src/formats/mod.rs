//! Files to records: GeoJSON, newline-delimited GeoJSON, GeoJSON text sequences (RFC 8142) and CSV; and files of
//! [`rules`] and of a [`calendar`].
//!
//! One record at a time is in memory, whatever the size of the file. A record that cannot be read is
//! reported with where it stands and why, and the reading goes on with the next where the text allows.
//! What a field means, whether a shape is valid and where it lies on the ground is asked elsewhere.
//!
//! Read in this order: [`options`], [`source`], `feed`, `mapping`, then the readers: `cut`, `feature`
//! and `geojson`; `rows`, `columns` and `csv`; `clauses` are what rules and calendars are written in.

pub mod calendar;
mod clauses;
mod columns;
mod csv;
mod cut;
mod feature;
mod feed;
mod geojson;
mod mapping;
pub mod options;
mod rows;
pub mod rules;
pub mod source;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use crate::domain::fields::Fields;
use crate::geometry::{Geometry, Problem};

pub use options::{Axes, Format, ReadOptions};
pub use source::{Progress, Source};

/// One feature or row, as it was delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where it stands in its file.
    pub place: Place,
    /// Its fields, under the names of the target, defaults filled in.
    pub fields: Fields,
    /// The names of those fields that are defaults, for the record itself says nothing there.
    pub filled: Vec<String>,
    /// Its shape with x to the east and y to the north, in the CRS of the file; or all that is wrong with it.
    pub geometry: Result<Geometry<f64>, Vec<Problem>>,
    /// Where the shape stands: a JSON pointer into the record.
    pub shape_at: &'static str,
}

/// Where the shape of a record stands, unless it is that of a corridor that was drawn by a line.
const GEOMETRY: &str = "/geometry";

/// Where the line stands that a corridor was drawn by.
const CENTRELINE: &str = "/properties/centreline";

/// What a record is called where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A feature of GeoJSON.
    Feature,
    /// A data row of a table; the header is not one.
    Row,
}

/// Where a record stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Feature or row.
    pub unit: Unit,
    /// 1-based number among the features or data rows.
    pub number: u64,
    /// 1-based line of the text it starts on; `None` where the text has no lines to speak of.
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Feature => "feature",
            Unit::Row => "row",
        };
        write!(f, "{unit} {}", self.number)?;
        self.line.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

/// Why a file, or a part of it, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// This record is lost; the next can be asked for.
    Record {
        /// Where it stands.
        place: Place,
        /// All that is wrong; pointers are relative to the feature or name the column.
        problems: Vec<Problem>,
    },
    /// Nothing more can be read.
    Fatal {
        /// The record at which it broke off, if any was begun.
        place: Option<Place>,
        /// Bytes from the start of the file to where the reading stopped.
        offset: u64,
        /// Why, as a sentence.
        detail: String,
    },
}

impl ReadError {
    /// A file that is not even begun.
    fn refused(detail: impl Into<String>) -> Self {
        Self::Fatal { place: None, offset: 0, detail: detail.into() }
    }

    /// A record with one problem.
    fn record(place: Place, pointer: &str, detail: impl Into<String>) -> Self {
        Self::Record { place, problems: vec![Problem::new(pointer, detail)] }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { place, problems } => {
                write!(f, "{place}:")?;
                for (index, problem) in problems.iter().enumerate() {
                    let mark = if index == 0 { "" } else { ";" };
                    let gap = if problem.pointer.is_empty() { "" } else { " " };
                    write!(f, "{mark}{gap}{} {}", problem.pointer, problem.detail)?;
                }
                Ok(())
            }
            Self::Fatal { detail, .. } => f.write_str(detail),
        }
    }
}

impl std::error::Error for ReadError {}

/// Opens `path` for reading.
///
/// # Errors
/// [`ReadError::Fatal`] when there is no such file, it is a folder or empty, it is none of the formats,
/// its header lacks what is needed, or the options do not fit.
pub fn open(path: &Path, options: &ReadOptions) -> Result<Reader, ReadError> {
    let format = options.format.or_else(|| Format::by_extension(path));
    Reader::new(Source::open(path)?, format, options)
}

/// Reads records from a file, one by one.
pub struct Reader {
    inner: Inner,
    ended: bool,
}

enum Inner {
    GeoJson(Box<geojson::Features>),
    Csv(Box<csv::Table>),
}

impl Reader {
    /// Reads from `source`; without a `format` its first bytes decide.
    ///
    /// # Errors
    /// As for [`open`].
    pub fn new(source: Source, format: Option<Format>, options: &ReadOptions) -> Result<Self, ReadError> {
        let mut feed = feed::Feed::new(source);
        let format = feed.recognise(format)?;
        let inner = match format {
            Format::Csv => Inner::Csv(Box::new(csv::Table::open(feed, options)?)),
            Format::GeoJson | Format::GeoJsonLines => {
                Inner::GeoJson(Box::new(geojson::Features::open(feed, format, options)?))
            }
        };
        Ok(Self { inner, ended: false })
    }

    /// The format that is being read.
    #[must_use]
    pub fn format(&self) -> Format {
        match &self.inner {
            Inner::GeoJson(features) => features.format(),
            Inner::Csv(_) => Format::Csv,
        }
    }

    /// Names of the columns or properties met so far that no field was taken from, at most
    /// [`options::UNUSED_MAX`] of them.
    #[must_use]
    pub fn unused(&self) -> &BTreeSet<String> {
        self.mapping().unused()
    }

    /// Columns named by a mapping that no record read so far has had.
    #[must_use]
    pub fn never_seen(&self) -> Vec<&str> {
        self.mapping().never_seen()
    }

    /// How far the reading is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.feed().source.progress()
    }

    /// SHA-256 of the whole file in hexadecimal; reads what is left of it.
    ///
    /// # Errors
    /// [`ReadError::Fatal`] when the file cannot be read to its end.
    pub fn digest(&mut self) -> Result<String, ReadError> {
        self.ended = true;
        match &mut self.inner {
            Inner::GeoJson(features) => features.feed.digest(),
            Inner::Csv(table) => table.feed.digest(),
        }
    }

    /// Bytes held at most so far for one record.
    #[cfg(test)]
    fn capacity(&self) -> usize {
        match &self.inner {
            Inner::GeoJson(features) => features.capacity(),
            Inner::Csv(table) => table.capacity(),
        }
    }

    fn mapping(&self) -> &mapping::Mapping {
        match &self.inner {
            Inner::GeoJson(features) => &features.maker.mapping,
            Inner::Csv(table) => &table.mapping,
        }
    }

    fn feed(&self) -> &feed::Feed {
        match &self.inner {
            Inner::GeoJson(features) => &features.feed,
            Inner::Csv(table) => &table.feed,
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match &mut self.inner {
            Inner::GeoJson(features) => features.next_record(),
            Inner::Csv(table) => table.next_record(),
        };
        self.ended = matches!(next, None | Some(Err(ReadError::Fatal { .. })));
        next
    }
}
