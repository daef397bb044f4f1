//! Small texts and the exact records and problems they give.

mod csv;
mod files;
mod geojson;
mod memory;
mod roundtrip;
mod rules;

use std::io::{Cursor, Read};

use super::*;
use crate::domain::fields::Value;
use crate::geometry::encoding::geojson::to_value;

/// Fields of the tests.
const FIELDS: [&str; 4] = ["code", "kind", "status", "height_agl_m"];

fn options() -> ReadOptions {
    ReadOptions { fields_known: FIELDS.to_vec(), ..ReadOptions::default() }
}

fn with(change: impl FnOnce(&mut ReadOptions)) -> ReadOptions {
    let mut options = options();
    change(&mut options);
    options
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn reader(text: impl AsRef<[u8]>, format: Option<Format>, options: &ReadOptions) -> Result<Reader, ReadError> {
    let bytes = text.as_ref().to_vec();
    let total = bytes.len() as u64;
    Reader::new(
        Source::of(Chunks { inner: Cursor::new(bytes), sizes: vec![1, 7, 3], turn: 0 }, Some(total)),
        format,
        options,
    )
}

/// Reads at most so many bytes at a time as `sizes` say in turn.
struct Chunks<R> {
    inner: R,
    sizes: Vec<usize>,
    turn: usize,
}

impl<R: Read> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].clamp(1, buffer.len());
        self.turn += 1;
        self.inner.read(&mut buffer[..size])
    }
}

/// What reading gave, one line a record: place, fields, shape; or place and problems; or FATAL and why.
fn lines(reader: Reader) -> Vec<String> {
    reader
        .map(|next| match next {
            Ok(Record { place, fields, geometry, .. }) => {
                let fields: Vec<_> = fields.0.iter().map(|(name, value)| format!(" {name}={}", word(value))).collect();
                let shape = match geometry {
                    Ok(shape) => to_value(&shape)["coordinates"].to_string(),
                    Err(all) => {
                        all.iter().map(|p| format!("! {} {}", p.pointer, p.detail)).collect::<Vec<_>>().join(" ")
                    }
                };
                format!("{place}:{} {shape}", fields.concat())
            }
            Err(ReadError::Record { place, problems }) => {
                let all: Vec<_> = problems.iter().map(|p| format!("! {} {}", p.pointer, p.detail)).collect();
                format!("{place} lost {}", all.join(" "))
            }
            Err(ReadError::Fatal { detail, .. }) => format!("FATAL {detail}"),
        })
        .collect()
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Cell(text) => format!("«{text}»"),
        Value::List(all) => format!("[{}]", all.iter().map(word).collect::<Vec<_>>().join(",")),
        Value::Object => "{}".to_owned(),
    }
}

/// Reads `text` and compares all it gives.
fn check(text: impl AsRef<[u8]>, format: Option<Format>, options: &ReadOptions, expected: &[&str]) {
    let shown = String::from_utf8_lossy(text.as_ref()).into_owned();
    match reader(text, format, options) {
        Ok(reader) => assert_eq!(lines(reader), expected, "{shown}"),
        Err(why) => assert_eq!([format!("REFUSED {why}")].as_slice(), expected, "{shown}"),
    }
}
