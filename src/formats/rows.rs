//! Cuts a table into rows and cells, quotation marks understood, as the `csv` crate would.
//!
//! That crate keeps a row of any length and cannot go on after one that is too long, nor say at which byte
//! of the file a cell starts. A test holds that the two cut every text alike.

use super::ReadError;
use super::feed::Feed;

/// Cells of one row, each to be asked for by its index.
pub(super) struct Rows {
    delimiter: u8,
    bytes_max: usize,
    cells_max: usize,
    text: Vec<u8>,
    cells: Vec<Cell>,
    /// Bytes and cells there were, kept or not.
    length: usize,
    count: usize,
    line: u64,
    last_line: u64,
}

/// One cell: where it ends in the text of the row, and where its content starts in the file.
#[derive(Clone, Copy)]
struct Cell {
    end: usize,
    start: u64,
    quoted: bool,
}

/// Where the cutting of a row stands; survives the change of windows.
struct Scan {
    state: State,
    /// Where the content of the cell starts in the file.
    start: u64,
    quoted: bool,
    quote_line: u64,
}

/// What was cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cutting {
    Row,
    /// Larger than allowed; its cells are gone.
    TooLong,
    /// The file ended inside a quotation mark that was opened on this line.
    Unclosed {
        line: u64,
    },
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// After a quotation mark inside a quoted cell: its end, or one half of a doubled mark.
    QuoteInQuoted,
}

impl Rows {
    pub(super) fn new(delimiter: u8, bytes_max: usize, cells_max: usize) -> Self {
        let (text, cells) = (Vec::new(), Vec::new());
        Self { delimiter, bytes_max, cells_max, text, cells, length: 0, count: 0, line: 1, last_line: 1 }
    }

    /// The line the row starts on.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The line the row ends on.
    pub(super) fn last_line(&self) -> u64 {
        self.last_line
    }

    /// Cells of the row.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity() + self.cells.capacity() * size_of::<Cell>()
    }

    /// The bytes of a cell; empty when there is no such cell.
    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let Some(cell) = self.cells.get(index) else { return &[] };
        let start = index.checked_sub(1).map_or(0, |before| self.cells[before].end);
        &self.text[start..cell.end]
    }

    /// Where the byte `at` of a cell stands in the file: every mark inside a quoted cell was written twice.
    pub(super) fn offset_in_file(&self, index: usize, at: usize) -> u64 {
        let Some(cell) = self.cells.get(index) else { return 0 };
        let before = &self.cell(index)[..at];
        let doubled = if cell.quoted { before.iter().map(|byte| usize::from(*byte == b'"')).sum() } else { 0 };
        cell.start + (at + doubled) as u64
    }

    /// No cell has a byte in it.
    pub(super) fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Every cell is UTF-8: the row is, and no character goes across the end of a cell.
    pub(super) fn is_utf8(&self) -> bool {
        std::str::from_utf8(&self.text).is_ok_and(|text| self.cells.iter().all(|cell| text.is_char_boundary(cell.end)))
    }

    /// Cuts the next row. Lines with nothing on them are no rows.
    pub(super) fn next(&mut self, feed: &mut Feed) -> Result<Cutting, ReadError> {
        feed.skip_while(|byte| byte == b'\n' || byte == b'\r')?;
        if feed.peek()?.is_none() {
            return Ok(Cutting::End);
        }
        self.text.clear();
        self.cells.clear();
        (self.length, self.count, self.line) = (0, 0, feed.line());
        let mut scan = Scan { state: State::CellStart, start: feed.offset(), quoted: false, quote_line: self.line };
        loop {
            let (offset, line) = (feed.offset(), feed.line());
            let window = feed.window()?;
            if window.is_empty() {
                if scan.state == State::Quoted {
                    return Ok(Cutting::Unclosed { line: scan.quote_line });
                }
                self.end_cell(&scan);
                return Ok(self.finished());
            }
            let (count, ended) = self.cut(window, offset, line, &mut scan);
            feed.step(count - usize::from(ended));
            self.last_line = feed.line();
            if ended {
                feed.step(1);
                return Ok(self.finished());
            }
        }
    }

    /// Goes through `window`, which starts at `offset` of the file and on `line`. Gives the bytes that belong
    /// to the row, and whether it ends here.
    fn cut(&mut self, window: &[u8], offset: u64, line: u64, scan: &mut Scan) -> (usize, bool) {
        let delimiter = self.delimiter;
        let mut at = 0;
        while let Some(byte) = window.get(at).copied() {
            let rest = &window[at..];
            match (scan.state, byte) {
                (State::Quoted, b'"') => scan.state = State::QuoteInQuoted,
                (State::Quoted, _) => {
                    at += self.keep_until(rest, |byte| byte == b'"');
                    continue;
                }
                (State::CellStart, b'"') => {
                    scan.state = State::Quoted;
                    scan.quoted = true;
                    scan.start = offset + at as u64 + 1;
                    scan.quote_line = line + window[..at].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
                }
                (State::QuoteInQuoted, b'"') => {
                    self.keep(b"\"");
                    scan.state = State::Quoted;
                }
                (_, byte) if byte == delimiter => {
                    self.end_cell(scan);
                    scan.state = State::CellStart;
                    scan.quoted = false;
                    scan.start = offset + at as u64 + 1;
                }
                (_, b'\n' | b'\r') => {
                    self.end_cell(scan);
                    return (at + 1, true);
                }
                (_, _) => {
                    scan.state = State::Plain;
                    at += self.keep_until(rest, |byte| byte == delimiter || byte == b'\n' || byte == b'\r');
                    continue;
                }
            }
            at += 1;
        }
        (window.len(), false)
    }

    /// Keeps the start of `bytes` up to where `stop` says so; the count of it.
    fn keep_until(&mut self, bytes: &[u8], stop: impl Fn(u8) -> bool) -> usize {
        let count = bytes.iter().position(|byte| stop(*byte)).unwrap_or(bytes.len());
        self.keep(&bytes[..count]);
        count
    }

    fn finished(&mut self) -> Cutting {
        if self.is_too_long() {
            (self.text, self.cells) = (Vec::new(), Vec::new());
            return Cutting::TooLong;
        }
        Cutting::Row
    }

    fn is_too_long(&self) -> bool {
        self.length > self.bytes_max || self.count > self.cells_max
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        if !self.is_too_long() {
            self.text.extend_from_slice(bytes);
        }
    }

    fn end_cell(&mut self, scan: &Scan) {
        self.count += 1;
        if !self.is_too_long() {
            self.cells.push(Cell { end: self.text.len(), start: scan.start, quoted: scan.quoted });
        }
    }
}

/// The delimiter that the first line of `text` shows, and the bytes of a line that names it (`sep=;`).
pub(super) fn delimiter(text: &[u8]) -> (u8, usize) {
    let lower: Vec<u8> = text.iter().take(6).map(u8::to_ascii_lowercase).collect();
    if let [b's', b'e', b'p', b'=', named, b'\n' | b'\r'] = lower[..] {
        return (named, 5);
    }
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in text.trim_ascii_start() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => counts.iter_mut().filter(|(candidate, _)| candidate == byte).for_each(|(_, count)| *count += 1),
        }
    }
    // The first of the most frequent.
    let best = counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(candidate, _)| *candidate);
    (best, 0)
}
