//! The columns of a row, read where they lie.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Span;
use jiff::civil::{Date, date};
use uuid::Uuid;

use super::malformed;
use crate::domain::word::Word;
use crate::geometry::Geometry;
use crate::store::{Stored, ewkb};

/// The columns of a row, one after the other.
pub struct Tuple<'a> {
    pub(super) rest: &'a [u8],
    pub(super) owners: &'a mut HashSet<Arc<str>>,
}

impl<'a> Tuple<'a> {
    /// The bytes of the next column; `None` is NULL.
    fn next(&mut self) -> Stored<Option<&'a [u8]>> {
        let short = || malformed("a row with too few columns");
        let (length, rest) = self.rest.split_first_chunk().ok_or_else(short)?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.rest = rest;
            return Ok(None);
        };
        let (bytes, rest) = rest.split_at_checked(length).ok_or_else(short)?;
        self.rest = rest;
        Ok(Some(bytes))
    }

    fn present(&mut self) -> Stored<&'a [u8]> {
        self.next()?.ok_or_else(|| malformed("NULL where there is none"))
    }

    fn fixed<const N: usize>(bytes: &[u8]) -> Stored<[u8; N]> {
        bytes.try_into().map_err(|_| malformed("a column of another length than its type has"))
    }

    /// A `uuid`.
    pub(in crate::store) fn uuid(&mut self) -> Stored<Uuid> {
        Ok(Uuid::from_bytes(Self::fixed(self.present()?)?))
    }

    /// A `text`.
    pub(in crate::store) fn text(&mut self) -> Stored<&'a str> {
        text(self.present()?)
    }

    /// A `text`, or NULL.
    pub(in crate::store) fn optional_text(&mut self) -> Stored<Option<&'a str>> {
        self.next()?.map(text).transpose()
    }

    /// An owner; the same text for all that have the same.
    pub(in crate::store) fn owner(&mut self) -> Stored<Arc<str>> {
        let name = self.text()?;
        if let Some(known) = self.owners.get(name) {
            return Ok(Arc::clone(known));
        }
        let new: Arc<str> = name.into();
        self.owners.insert(Arc::clone(&new));
        Ok(new)
    }

    /// One of our words.
    pub(in crate::store) fn word<W: Word>(&mut self) -> Stored<W> {
        crate::store::records::word(self.text()?)
    }

    /// One of our words, or NULL.
    pub(in crate::store) fn optional_word<W: Word>(&mut self) -> Stored<Option<W>> {
        self.next()?.map(|bytes| crate::store::records::word(text(bytes)?)).transpose()
    }

    /// A `double precision`, or NULL.
    pub(in crate::store) fn optional_number(&mut self) -> Stored<Option<f64>> {
        self.next()?.map(|bytes| Ok(f64::from_be_bytes(Self::fixed(bytes)?))).transpose()
    }

    /// A `date`, or NULL: days since 2000.
    pub(in crate::store) fn optional_date(&mut self) -> Stored<Option<Date>> {
        let Some(bytes) = self.next()? else { return Ok(None) };
        let days = i64::from(i32::from_be_bytes(Self::fixed(bytes)?));
        let day = Span::new().try_days(days).and_then(|days| date(2000, 1, 1).checked_add(days));
        day.map(Some).map_err(|_| malformed("a date beyond the calendar"))
    }

    /// An `integer`, or NULL.
    pub(in crate::store) fn optional_integer(&mut self) -> Stored<Option<i32>> {
        self.next()?.map(|bytes| Ok(i32::from_be_bytes(Self::fixed(bytes)?))).transpose()
    }

    /// A `boolean`, or NULL.
    pub(in crate::store) fn optional_truth(&mut self) -> Stored<Option<bool>> {
        self.next()?.map(|bytes| Self::fixed::<1>(bytes).map(|[byte]| byte != 0)).transpose()
    }

    /// A `text[]` of our words: of one dimension, or empty.
    pub(in crate::store) fn words<W: Word>(&mut self) -> Stored<Vec<W>> {
        let bytes = self.present()?;
        let number = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|b| i32::from_be_bytes(*b));
        // Dimensions, whether there are NULLs, the type; then for each dimension its length and its first number.
        let count = match (number(0), number(4)) {
            (Some(0), _) => return Ok(Vec::new()),
            (Some(1), Some(0)) => number(12).and_then(|n| usize::try_from(n).ok()),
            _ => None,
        };
        let (Some(count), Some(rest)) = (count, bytes.get(20..)) else {
            return Err(malformed("an array of another form"));
        };
        let mut items = Tuple { rest, owners: &mut *self.owners };
        // What it says of its length is not believed before it is read.
        (0..count).map(|_| items.word()).collect()
    }

    /// A `geometry`.
    pub(in crate::store) fn shape(&mut self) -> Stored<Geometry<f64>> {
        shape(self.present()?)
    }

    /// A `geometry`, or NULL.
    pub(in crate::store) fn optional_shape(&mut self) -> Stored<Option<Geometry<f64>>> {
        self.next()?.map(shape).transpose()
    }
}

fn text(bytes: &[u8]) -> Stored<&str> {
    std::str::from_utf8(bytes).map_err(|_| malformed("a text that is not UTF-8"))
}

fn shape(bytes: &[u8]) -> Stored<Geometry<f64>> {
    ewkb::read(bytes).map(|(shape, _)| shape).map_err(malformed)
}
