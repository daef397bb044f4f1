//! Tables to records: one row, one record.
//!
//! The header says which columns hold the place and which the fields; every cell is still text here.

use super::columns::{Places, index_of, pointer};
use super::feature::not_utf8;
use super::feed::Feed;
use super::mapping::Mapping;
use super::options::COLUMNS_MAX;
use super::rows::{Cutting, Rows, delimiter};
use super::{GEOMETRY, Place, ReadError, ReadOptions, Record, Unit};
use crate::domain::fields::{Fields, Value};
use crate::geometry::Problem;

/// Reads the rows of one file.
pub(super) struct Table {
    pub(super) feed: Feed,
    pub(super) mapping: Mapping,
    rows: Rows,
    header: Vec<String>,
    /// The names under which the columns give fields.
    names: Vec<String>,
    /// Columns that fields are taken from.
    used: Vec<usize>,
    places: Places,
    number: u64,
}

impl Table {
    pub(super) fn open(mut feed: Feed, options: &ReadOptions) -> Result<Self, ReadError> {
        let (delimiter, naming) = delimiter(feed.full_window()?);
        feed.step(naming);
        let mut rows = Rows::new(delimiter, options.record_bytes_max, COLUMNS_MAX);
        let header = match rows.next(&mut feed)? {
            Cutting::Row => header(&rows)?,
            Cutting::TooLong => return Err(ReadError::refused("the header is too long: the file is not a table")),
            Cutting::Unclosed { line } => {
                return Err(ReadError::refused(format!(
                    "a quotation mark is opened in the header (line {line}) and never closed"
                )));
            }
            Cutting::End => return Err(ReadError::refused("the file is empty")),
        };
        let (place_map, field_map) = Places::split(options);
        let mut mapping = Mapping::new(options, &field_map)?;
        for (_, column) in &field_map {
            index_of(&header, column)?;
        }
        let places = Places::find(&header, &place_map, options)?;
        let names = names(&header, options);
        let mut used = Vec::new();
        for (index, name) in names.iter().enumerate() {
            if !mapping.fields_of(name).is_empty() {
                index_of(&header, &header[index])?;
                used.push(index);
            }
        }
        for index in places.indexes() {
            mapping.is_used(&header[index]);
        }
        Ok(Self { feed, mapping, rows, header, names, used, places, number: 0 })
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.rows.capacity()
    }

    pub(super) fn next_record(&mut self) -> Option<Result<Record, ReadError>> {
        loop {
            let cutting = match self.rows.next(&mut self.feed) {
                Ok(Cutting::End) => return None,
                Ok(cutting) => cutting,
                Err(why) => return Some(Err(why)),
            };
            self.number += 1;
            let place = Place { unit: Unit::Row, number: self.number, line: Some(self.rows.line()) };
            // Spreadsheets end in rows of nothing but delimiters.
            let is_blank = cutting == Cutting::Row && self.rows.is_blank();
            if !is_blank {
                return Some(self.row(&cutting, place));
            }
        }
    }

    fn row(&mut self, cutting: &Cutting, place: Place) -> Result<Record, ReadError> {
        match cutting {
            Cutting::TooLong => {
                let detail = format!(
                    "has more than {} bytes or {COLUMNS_MAX} cells; perhaps a quotation mark is never closed",
                    self.rows.bytes_max()
                );
                return Err(ReadError::record(place, "", detail));
            }
            Cutting::Unclosed { line } => {
                return Err(ReadError::Fatal {
                    place: Some(place),
                    offset: self.feed.offset(),
                    detail: format!(
                        "the file ends inside {place}: the quotation mark opened on line {line} is never closed, or \
                         the file is cut off"
                    ),
                });
            }
            Cutting::Row | Cutting::End => {}
        }
        self.check_cells(place)?;
        // The whole row is UTF-8 by now.
        let cell = |index: usize| std::str::from_utf8(self.rows.cell(index)).unwrap_or_default().trim();
        let mut fields = Fields::default();
        for index in &self.used {
            // An empty cell says nothing, unlike a null that somebody wrote.
            let text = cell(*index);
            if !text.is_empty() {
                self.mapping.take(&mut fields, &self.names[*index], || Value::Cell(text.to_owned()));
            }
        }
        let filled = self.mapping.fill(&mut fields);
        Ok(Record { place, fields, filled, geometry: self.places.shape(cell), shape_at: GEOMETRY })
    }

    /// Refuses a row with too few or too many cells, or with bytes that are not UTF-8.
    fn check_cells(&self, place: Place) -> Result<(), ReadError> {
        let (found, expected) = (self.rows.count(), self.header.len());
        if found != expected {
            let last = self.rows.last_line();
            let lines = if last > self.rows.line() {
                format!("; it goes on to line {last}: perhaps a quotation mark is not closed")
            } else {
                String::new()
            };
            let detail = format!("has {found} cells, the header has {expected}{lines}");
            return Err(ReadError::record(place, "", detail));
        }
        if self.rows.is_utf8() {
            return Ok(());
        }
        let problems = (0..expected).filter_map(|index| {
            let bytes = self.rows.cell(index);
            let at = std::str::from_utf8(bytes).err()?.valid_up_to();
            let detail = not_utf8(bytes, at, self.rows.offset_in_file(index, at));
            Some(Problem::new(pointer(&self.header[index]), detail))
        });
        Err(ReadError::Record { place, problems: problems.collect() })
    }
}

/// The names in the first row.
fn header(rows: &Rows) -> Result<Vec<String>, ReadError> {
    (0..rows.count())
        .map(|index| {
            let bytes = rows.cell(index);
            let name = std::str::from_utf8(bytes).map_err(|why| {
                let at = why.valid_up_to();
                let detail = not_utf8(bytes, at, rows.offset_in_file(index, at));
                ReadError::refused(format!("column {} of the header {detail}", index + 1))
            })?;
            Ok(name.trim().to_owned())
        })
        .collect()
}

/// The names under which columns give fields: a field that no column has by its own name comes from the one column that
/// differs from it in case alone. What is mapped stays as it is written.
fn names(header: &[String], options: &ReadOptions) -> Vec<String> {
    let mut names = header.to_vec();
    for field in &options.fields_known {
        let is_mapped = |name: &str| options.map.iter().any(|(to, from)| to == field || from == name);
        let mut alike = header.iter().enumerate().filter(|(_, name)| name.eq_ignore_ascii_case(field));
        if let (Some((index, name)), None) = (alike.next(), alike.next())
            && !is_mapped(name)
        {
            (*field).clone_into(&mut names[index]);
        }
    }
    names
}
