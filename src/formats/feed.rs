//! A small window on the bytes of a source: look ahead, step on, know the offset and the line.

use std::io::{self, Read};

use super::{Format, ReadError, Source};

/// Bytes of the window: a few dozen pages, so that a system call is rare and the memory small.
const WINDOW_BYTES: usize = 64 * 1024;

/// The record separator of RFC 8142.
pub(super) const RECORD_SEPARATOR: u8 = 0x1E;

/// A window that moves over a source and never grows.
pub(super) struct Feed {
    pub(super) source: Source,
    window: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    line: u64,
}

impl Feed {
    pub(super) fn new(source: Source) -> Self {
        Self { source, window: vec![0; WINDOW_BYTES], start: 0, end: 0, offset: 0, line: 1 }
    }

    /// Bytes from the start of the file to the window.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// 1-based line on which the window starts.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The bytes at hand; empty only at the end of the file.
    pub(super) fn window(&mut self) -> Result<&[u8], ReadError> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.read_more()?;
        }
        Ok(&self.window[self.start..self.end])
    }

    /// As many bytes as the window holds, without stepping on.
    pub(super) fn full_window(&mut self) -> Result<&[u8], ReadError> {
        self.window.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < self.window.len() && self.read_more()? > 0 {}
        Ok(&self.window[..self.end])
    }

    fn read_more(&mut self) -> Result<usize, ReadError> {
        loop {
            match self.source.read(&mut self.window[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(self.broken(&why)),
            }
        }
    }

    fn broken(&self, why: &io::Error) -> ReadError {
        ReadError::Fatal {
            place: None,
            offset: self.source.progress().read(),
            detail: format!("the file cannot be read further than byte {}: {why}", self.source.progress().read()),
        }
    }

    /// Steps over `count` bytes of the window.
    pub(super) fn step(&mut self, count: usize) {
        let passed = &self.window[self.start..self.start + count];
        self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.offset += count as u64;
        self.start += count;
    }

    /// The next byte, without stepping on.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        Ok(self.window()?.first().copied())
    }

    /// Steps over all bytes that `skip` accepts.
    pub(super) fn skip_while(&mut self, skip: impl Fn(u8) -> bool) -> Result<(), ReadError> {
        loop {
            let window = self.window()?;
            let length = window.len();
            let count = window.iter().position(|byte| !skip(*byte)).unwrap_or(length);
            self.step(count);
            if count < length || length == 0 {
                return Ok(());
            }
        }
    }

    /// SHA-256 of the whole file in hexadecimal.
    pub(super) fn digest(&mut self) -> Result<String, ReadError> {
        self.source.digest().map_err(|why| self.broken(&why))
    }

    /// Steps over a byte order mark and says what the file is: what was `promised`, or what its first bytes show.
    pub(super) fn recognise(&mut self, promised: Option<Format>) -> Result<Format, ReadError> {
        if self.full_window()?.starts_with(b"\xEF\xBB\xBF") {
            self.step(3);
        }
        let window = self.full_window()?;
        let foreign = match window {
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("is UTF-16 text; save it as UTF-8"),
            [0x1F, 0x8B, ..] => Some("is compressed with gzip; unpack it first"),
            [b'P', b'K', 3, 4, ..] => Some("is a ZIP archive or an Excel workbook; unpack it, or save it as CSV"),
            [b'S', b'Q', b'L', b'i', b't', b'e', b' ', ..] => Some("is a GeoPackage or another SQLite database"),
            _ => None,
        };
        if let Some(what) = foreign {
            return Err(ReadError::refused(format!("the file {what}: GeoJSON and CSV text are read here")));
        }
        let Some(first) = window.iter().find(|byte| !byte.is_ascii_whitespace()) else {
            return Err(ReadError::refused("the file is empty"));
        };
        let looks_like_json = matches!(first, b'{' | b'[' | &RECORD_SEPARATOR);
        match promised {
            Some(Format::Csv) if looks_like_json && *first != b'[' => {
                Err(ReadError::refused("the file is taken for a table, but it starts like JSON; name its format"))
            }
            Some(format) => Ok(format),
            None if looks_like_json => Ok(Format::GeoJson),
            None => Ok(Format::Csv),
        }
    }
}
