//! Rows of the binary COPY format (PostgreSQL, COPY, "Binary Format"), for loading an index: the words of a row are read
//! where they lie, and nothing is allocated that is thrown away again.
//!
//! Reading and decoding are apart, so that two threads can do them: chunks of bytes in between know nothing of rows.

mod tuple;

use std::collections::HashSet;
use std::io::BufRead;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::pg::{CopyFormat, CopyTarget, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::records::{IndexRow, Records};
use super::{Failure, Stored};
use crate::error::Error;

/// Bytes handed over at once: some thousand works.
const CHUNK: usize = 512 * 1024;

/// What the format begins with.
const MAGIC: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Fields of flags that a reader has to understand; there are none that we do.
const CRITICAL_FLAGS: u32 = 0xffff_0000;

/// The setting of the transaction that says whose rows are copied: COPY takes no parameters.
pub(super) const OF_JURISDICTION: &str = "clearway.copied_jurisdiction";

diesel::define_sql_function! {
    /// Sets a setting, for this transaction where `is_local`.
    fn set_config(name: Text, value: Text, is_local: Bool) -> Text;
}

/// A noun whose rows can be copied for an index.
pub trait Copied: Records {
    /// Every row of a jurisdiction for the index, as bytes in chunks for a [`Decoder`], until `take` says that it wants no
    /// more.
    ///
    /// # Errors
    /// The database's.
    fn copy_index_rows(
        conn: &mut PgConnection,
        jurisdiction: &str,
        take: &mut dyn FnMut(Vec<u8>) -> bool,
    ) -> Stored<()>;

    /// The rows that are complete with this chunk.
    ///
    /// # Errors
    /// [`Error::Internal`] where the chunk holds anything but such rows.
    fn decode(decoder: &mut Decoder, chunk: &[u8], each: &mut dyn FnMut(IndexRow)) -> Stored<()>;
}

/// Declares the columns that the index needs of a table, those of a query and those of a copy, and writes [`Copied`] for a
/// noun whose file has `index_tuple`. After the columns may come expressions, each with its type, of the table and of its history.
macro_rules! copied {
    ($Noun:ty, $table:ident, $history:ident: $($column:ident),+ $(,)? $(; $type:ty: $sql:literal, $ended:literal)*) => {
        type IndexColumns = ($($table::$column,)+ $(diesel::expression::SqlLiteral<$type>,)*);

        fn index_columns() -> IndexColumns {
            ($($table::$column,)+ $(diesel::dsl::sql::<$type>($sql),)*)
        }

        fn ended_index_columns() -> ($($history::$column,)+ $(diesel::expression::SqlLiteral<$type>,)*) {
            ($($history::$column,)+ $(diesel::dsl::sql::<$type>($ended),)*)
        }

        struct IndexRows;

        impl diesel::pg::CopyTarget for IndexRows {
            type Table = $table::table;
            type SqlType = diesel::dsl::SqlTypeOf<IndexColumns>;

            fn walk_target(mut pass: diesel::query_builder::AstPass<'_, '_, Pg>) -> QueryResult<()> {
                let columns = [$(stringify!($column),)+ $($sql,)*].join(", ");
                let of = concat!(" FROM ", stringify!($table), " WHERE jurisdiction = current_setting('");
                pass.push_sql(&["(SELECT ", &columns, of, copied::OF_JURISDICTION, "'))"].concat());
                Ok(())
            }
        }

        impl copied::Copied for $Noun {
            fn copy_index_rows(
                conn: &mut PgConnection,
                jurisdiction: &str,
                take: &mut dyn FnMut(Vec<u8>) -> bool,
            ) -> Stored<()> {
                copied::chunks(conn, IndexRows, jurisdiction, take)
            }

            fn decode(decoder: &mut Decoder, chunk: &[u8], each: &mut dyn FnMut(IndexRow)) -> Stored<()> {
                decoder.feed(chunk, index_tuple, each)
            }
        }
    };
}
pub(super) use copied;
pub use tuple::Tuple;

/// Copies the rows that `target` selects of a jurisdiction, in chunks, until `take` wants no more. Whether they are all
/// is for the decoder to say.
pub(super) fn chunks<T: CopyTarget>(
    conn: &mut PgConnection,
    target: T,
    jurisdiction: &str,
    take: &mut dyn FnMut(Vec<u8>) -> bool,
) -> Stored<()> {
    diesel::select(set_config(OF_JURISDICTION, jurisdiction, true)).execute(conn)?;
    let copied = copy(conn, target, take);
    // diesel leaves the connection in the middle of the command; a plain one brings it out, and its failure to light.
    let ended = conn.batch_execute("SELECT 1");
    copied?;
    Ok(ended?)
}

fn copy<T: CopyTarget>(conn: &mut PgConnection, target: T, take: &mut dyn FnMut(Vec<u8>) -> bool) -> Stored<()> {
    let mut rows = diesel::copy_to(target).with_format(CopyFormat::Binary).load_raw(conn)?;
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        let bytes = rows.fill_buf().map_err(|e| Failure::Ours(Error::Internal(format!("COPY: {e}"))))?;
        if bytes.is_empty() {
            break;
        }
        let count = bytes.len();
        if chunk.len() + count > CHUNK
            && !chunk.is_empty()
            && !take(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)))
        {
            return Ok(());
        }
        chunk.extend_from_slice(bytes);
        rows.consume(count);
    }
    if !chunk.is_empty() {
        take(chunk);
    }
    Ok(())
}

/// Makes rows of chunks.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The beginning of what the next chunk goes on with.
    pending: Vec<u8>,
    begun: bool,
    ended: bool,
    owners: HashSet<Arc<str>>,
}

/// What a row is made with.
pub(super) type Make = fn(&mut Tuple<'_>) -> Stored<IndexRow>;

impl Decoder {
    /// Hands over every row that is complete with this chunk.
    pub(super) fn feed(&mut self, chunk: &[u8], make: Make, each: &mut dyn FnMut(IndexRow)) -> Stored<()> {
        let mut pending = std::mem::take(&mut self.pending);
        let mut rest = if pending.is_empty() {
            chunk
        } else {
            pending.extend_from_slice(chunk);
            &pending[..]
        };
        if !self.begun {
            let Some(length) = header(rest)? else {
                self.pending = rest.to_vec();
                return Ok(());
            };
            rest = &rest[length..];
            self.begun = true;
        }
        while let Some(length) = self.complete(rest)? {
            let (tuple, after) = rest.split_at(length);
            rest = after;
            if !self.ended {
                let mut tuple = Tuple { rest: &tuple[2..], owners: &mut self.owners };
                each(make(&mut tuple)?);
                if !tuple.rest.is_empty() {
                    return Err(malformed("a row with too many columns"));
                }
            }
        }
        self.pending = rest.to_vec();
        Ok(())
    }

    /// Everything came, to the last byte.
    ///
    /// # Errors
    /// [`Error::Internal`] where the copy ended early.
    pub fn end(self) -> Stored<()> {
        if self.ended && self.pending.is_empty() { Ok(()) } else { Err(malformed("rows that end early")) }
    }

    /// How long the row is that stands first, if it is complete.
    fn complete(&mut self, rest: &[u8]) -> Stored<Option<usize>> {
        let Some(count) = rest.first_chunk() else { return Ok(None) };
        let count = i16::from_be_bytes(*count);
        if self.ended {
            return Err(malformed("rows after their end"));
        }
        if count == -1 {
            self.ended = true;
            return Ok(Some(2));
        }
        if count < 0 {
            return Err(malformed("a row with a negative number of columns"));
        }
        let mut at = 2;
        for _ in 0..count {
            let Some(length) = rest.get(at..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
            at += 4;
            match i32::from_be_bytes(*length) {
                -1 => {}
                length => at += usize::try_from(length).map_err(|_| malformed("a column of negative length"))?,
            }
        }
        Ok((at <= rest.len()).then_some(at))
    }
}

/// How long the header is, if it is complete.
fn header(bytes: &[u8]) -> Stored<Option<usize>> {
    let fixed = MAGIC.len() + 8;
    if bytes.len() < fixed {
        return Ok(None);
    }
    let word = |at: usize| bytes[at..].first_chunk().map_or(0, |b| u32::from_be_bytes(*b));
    if !bytes.starts_with(MAGIC) || word(MAGIC.len()) & CRITICAL_FLAGS != 0 {
        return Err(malformed("a header of another format"));
    }
    let length = fixed + word(MAGIC.len() + 4) as usize;
    Ok((length <= bytes.len()).then_some(length))
}

fn malformed(what: &str) -> Failure {
    Failure::Ours(Error::Internal(format!("the database copied {what}")))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::conflict::Facts;
    use crate::domain::layer::NounFacts;
    use crate::domain::word::Visibility;
    use crate::domain::work::{WorkFacts, WorkKind, WorkStatus};
    use crate::geometry::{Geometry, Grid};

    fn row(tuple: &mut Tuple<'_>) -> Stored<IndexRow> {
        let noun = WorkFacts {
            kind: WorkKind::Mast,
            status: WorkStatus::Planned,
            valid_from: None,
            valid_to: None,
            position_accuracy_m: None,
            capture_method: None,
            column_class: None,
            height_agl_m: None,
            spare_capacity: None,
        };
        let (id, organisation) = (tuple.uuid()?, tuple.owner()?);
        let facts = Facts {
            id,
            code: tuple.text()?.into(),
            organisation,
            visibility: Visibility::Public,
            noun: noun.into(),
            attributes: None,
        };
        let noun = WorkFacts { valid_from: tuple.optional_date()?, ..noun }.into();
        let facts = Facts { noun, ..facts };
        Ok(IndexRow { facts, grid: Grid(tuple.shape()?), centreline: None, land: None })
    }

    fn tuple(number: u8, columns: &[Option<&[u8]>]) -> Vec<u8> {
        let id = [number; 16];
        let mut bytes = i16::try_from(columns.len() + 1).unwrap().to_be_bytes().to_vec();
        for column in std::iter::once(&Some(&id[..])).chain(columns) {
            match column {
                Some(column) => {
                    bytes.extend(i32::try_from(column.len()).unwrap().to_be_bytes());
                    bytes.extend(*column);
                }
                None => bytes.extend((-1_i32).to_be_bytes()),
            }
        }
        bytes
    }

    fn point() -> Vec<u8> {
        let mut bytes = vec![1, 1, 0, 0, 0];
        bytes.extend(1.0_f64.to_le_bytes());
        bytes.extend(2.0_f64.to_le_bytes());
        bytes
    }

    fn head() -> Vec<u8> {
        [MAGIC, &[0; 8]].concat()
    }

    fn whole() -> Vec<u8> {
        let point = point();
        let day = 59_i32.to_be_bytes();
        let first = tuple(1, &[Some(b"vnpt"), Some(b"A"), None, Some(&point)]);
        let second = tuple(2, &[Some(b"vnpt"), Some("Đ".as_bytes()), Some(&day), Some(&point)]);
        [head(), first, second, vec![0xff, 0xff]].concat()
    }

    fn decoded(chunks: &[&[u8]]) -> Stored<Vec<IndexRow>> {
        let (mut decoder, mut rows) = (Decoder::default(), Vec::new());
        for chunk in chunks {
            decoder.feed(chunk, row, &mut |row| rows.push(row))?;
        }
        decoder.end()?;
        Ok(rows)
    }

    fn refusal(chunks: &[&[u8]]) -> String {
        match decoded(chunks) {
            Err(Failure::Ours(Error::Internal(text))) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_are_the_same_wherever_chunks_end() {
        let bytes = whole();
        for middle in 0..=bytes.len() {
            let rows = decoded(&[&bytes[..middle], &bytes[middle..]]).unwrap();
            let codes: Vec<_> = rows.iter().map(|r| r.facts.code.as_str()).collect();
            assert_eq!(codes, ["A", "Đ"], "cut at {middle}");
            assert!(Arc::ptr_eq(&rows[0].facts.organisation, &rows[1].facts.organisation));
            let NounFacts::Works(facts) = rows[1].facts.noun else { panic!() };
            assert_eq!(facts.valid_from, Some(date(2000, 2, 29)));
            assert_eq!(rows[0].grid.0, Geometry::Point((1.0, 2.0).into()));
        }
    }

    #[test]
    fn rows_that_end_early_are_an_error() {
        let bytes = whole();
        for end in 0..bytes.len() {
            assert_eq!(refusal(&[&bytes[..end]]), "the database copied rows that end early", "{end} bytes");
        }
    }

    #[test]
    fn malformed_rows_are_errors() {
        let (point, far) = (point(), i32::MAX.to_be_bytes());
        let with = |columns: &[Option<&[u8]>]| [head(), tuple(1, columns), vec![0xff, 0xff]].concat();
        let table: &[(Vec<u8>, &str)] = &[
            (b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0".to_vec(), "a header of another format"),
            (b"no copy at all, this".to_vec(), "a header of another format"),
            ([head(), vec![0xff, 0xfe]].concat(), "a row with a negative number of columns"),
            ([head(), vec![0, 1, 0xff, 0xff, 0xff, 0xfe]].concat(), "a column of negative length"),
            ([whole(), vec![0, 0]].concat(), "rows after their end"),
            (with(&[Some(b"vnpt")]), "a row with too few columns"),
            (with(&[Some(b"vnpt"), Some(b"A"), None, Some(&point), None]), "a row with too many columns"),
            (with(&[None, Some(b"A"), None, Some(&point)]), "NULL where there is none"),
            (with(&[Some(b"\xff"), Some(b"A"), None, Some(&point)]), "a text that is not UTF-8"),
            (with(&[Some(b""), Some(b"A"), Some(&far), Some(&point)]), "a date beyond the calendar"),
            (with(&[Some(b""), Some(b"A"), Some(b"x"), Some(&point)]), "a column of another length than its type has"),
            (with(&[Some(b""), Some(b"A"), None, Some(&point[..20])]), "a shape cut short"),
        ];
        for (bytes, expect) in table {
            assert_eq!(refusal(&[bytes]), format!("the database copied {expect}"));
        }
    }
}
