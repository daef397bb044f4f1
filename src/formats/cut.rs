//! Cuts one JSON value, or one line, out of the feed without understanding it.
//!
//! Only strings, escapes and brackets are followed, so a broken value costs itself and not the file.
//! What is larger than allowed is passed over without being kept.

use super::ReadError;
use super::feed::Feed;

/// Capacity that is kept from one value to the next; larger ones give their memory back.
const KEPT_BYTES: usize = 256 * 1024;

/// The bytes of the value that was cut last.
pub(super) struct Cut {
    pub(super) bytes: Vec<u8>,
    max: usize,
    /// Bytes it had, kept or not.
    pub(super) length: u64,
}

impl Cut {
    pub(super) fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), max, length: 0 }
    }

    /// Starts afresh.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.length = 0;
    }

    /// Larger than allowed, so that its bytes are gone.
    pub(super) fn is_too_long(&self) -> bool {
        self.length > self.max as u64
    }

    /// Keeps `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.is_too_long() {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Adds the white space that comes next.
    pub(super) fn space(&mut self, feed: &mut Feed) -> Result<(), ReadError> {
        self.run(feed, |byte| !byte.is_ascii_whitespace()).map(|_| ())
    }

    /// Adds the next byte.
    pub(super) fn byte(&mut self, feed: &mut Feed) -> Result<(), ReadError> {
        if let Some(byte) = feed.peek()? {
            self.push(&[byte]);
            feed.step(1);
        }
        Ok(())
    }

    /// Adds everything up to the next line end or one of `ends`, which is left. False at the end of the file.
    pub(super) fn line(&mut self, feed: &mut Feed, end: u8, other: u8) -> Result<bool, ReadError> {
        self.run(feed, |byte| byte == end || byte == other)
    }

    /// Adds the JSON value that comes next. False when the file ends inside it.
    pub(super) fn value(&mut self, feed: &mut Feed) -> Result<bool, ReadError> {
        match feed.peek()? {
            None => Ok(false),
            Some(b'{' | b'[' | b'"') => self.enclosed(feed),
            Some(_) => {
                self.run(feed, |byte| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace())?;
                Ok(true)
            }
        }
    }

    /// Adds an object, an array or a text, to its end.
    fn enclosed(&mut self, feed: &mut Feed) -> Result<bool, ReadError> {
        let mut scan = Scan::default();
        loop {
            let window = feed.window()?;
            if window.is_empty() {
                return Ok(false);
            }
            let end = scan.end(window);
            let count = end.unwrap_or(window.len());
            self.push(&window[..count]);
            feed.step(count);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    /// Adds bytes until `stop` says so. False at the end of the file.
    fn run(&mut self, feed: &mut Feed, stop: impl Fn(u8) -> bool) -> Result<bool, ReadError> {
        loop {
            let window = feed.window()?;
            if window.is_empty() {
                return Ok(false);
            }
            let end = window.iter().position(|byte| stop(*byte));
            let count = end.unwrap_or(window.len());
            self.push(&window[..count]);
            feed.step(count);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

/// Where a scan through a value stands; survives the change of windows.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Scan {
    /// Goes through `bytes`; the count of those that belong to the value, if it ends here.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            if self.in_text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_text = false;
                        if self.depth == 0 {
                            return Some(index + 1);
                        }
                    }
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => self.in_text = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth -= 1;
                        if self.depth == 0 {
                            return Some(index + 1);
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }
}
