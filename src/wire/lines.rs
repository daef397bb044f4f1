//! A body that is a document on each line (NDJSON), cut into lines as it arrives. Nothing is read here, and no more is
//! kept than has arrived and was not taken yet.

use std::collections::VecDeque;
use std::io::BufRead;

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// What stands in it.
    Text(&'a [u8]),
    /// It has more bytes than a line may have; they were thrown away.
    TooLong,
}

/// Where a line that has arrived ends in what is kept, or that nothing of it is kept.
#[derive(Debug, Clone, Copy)]
enum Cut {
    At(usize),
    TooLong,
}

/// Lines that have arrived, and the beginning of one that has not yet.
#[derive(Debug)]
pub struct Lines {
    bytes_max: usize,
    /// The text of the lines in `cuts` from `taken` on, one after the other, and then of the open one.
    kept: Vec<u8>,
    taken: usize,
    open: usize,
    cuts: VecDeque<Cut>,
    /// The rest of the open line is thrown away.
    skipping: bool,
    number: u64,
}

impl Lines {
    /// None yet; a line may have `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, kept: Vec::new(), taken: 0, open: 0, cuts: VecDeque::new(), skipping: false, number: 0 }
    }

    /// Lines that can be taken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.cuts.len()
    }

    /// Bytes that are kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.kept.len() - self.taken
    }

    /// The number of the line that is taken next, from 1.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.number + 1
    }

    /// What has arrived.
    pub fn push(&mut self, mut arrived: &[u8]) {
        self.kept.drain(..self.taken);
        self.open -= self.taken;
        for cut in &mut self.cuts {
            if let Cut::At(end) = cut {
                *end -= self.taken;
            }
        }
        self.taken = 0;
        while !arrived.is_empty() {
            if self.skipping {
                let skipped = arrived.iter().position(|b| *b == b'\n');
                self.skipping = skipped.is_none();
                arrived = skipped.map_or(&[], |at| &arrived[at + 1..]);
                continue;
            }
            // Bytes in memory can always be read.
            let _ = arrived.read_until(b'\n', &mut self.kept);
            let whole = self.kept.last() == Some(&b'\n');
            if whole {
                self.kept.pop();
            }
            let too_long = self.kept.len() - self.open > self.bytes_max;
            self.skipping = too_long && !whole;
            if whole || too_long {
                self.cut(too_long);
            }
        }
    }

    /// Nothing more arrives. What stands after the last end of a line is a line, too.
    pub fn end(&mut self) {
        if self.kept.len() > self.open {
            self.cut(false);
        }
    }

    /// The next line and its number.
    #[must_use]
    pub fn next(&self) -> Option<(u64, Line<'_>)> {
        let line = match self.cuts.front()? {
            Cut::TooLong => Line::TooLong,
            Cut::At(end) => Line::Text(&self.kept[self.taken..*end]),
        };
        Some((self.next_number(), line))
    }

    /// Goes on behind the next line.
    pub fn pass(&mut self) {
        match self.cuts.pop_front() {
            Some(Cut::At(end)) => self.taken = end,
            Some(Cut::TooLong) => {}
            None => return,
        }
        self.number += 1;
    }

    fn cut(&mut self, too_long: bool) {
        if too_long {
            self.kept.truncate(self.open);
        }
        self.cuts.push_back(if too_long { Cut::TooLong } else { Cut::At(self.kept.len()) });
        self.open = self.kept.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a body that arrives in pieces of so many bytes.
    fn lines(body: &str, piece: usize, bytes_max: usize) -> Vec<(u64, String)> {
        let (mut lines, mut found) = (Lines::new(bytes_max), Vec::new());
        let mut take = |lines: &mut Lines| {
            while let Some((number, line)) = lines.next() {
                found.push(match line {
                    Line::Text(text) => (number, String::from_utf8(text.to_vec()).unwrap()),
                    Line::TooLong => (number, "too long".into()),
                });
                lines.pass();
            }
        };
        for (n, arrived) in body.as_bytes().chunks(piece).enumerate() {
            lines.push(arrived);
            // Taken at once, or some pieces later.
            if n % 3 != 1 {
                take(&mut lines);
            }
            assert!(lines.bytes() <= 3 * piece + bytes_max + 1, "{} bytes are kept", lines.bytes());
        }
        lines.end();
        take(&mut lines);
        assert_eq!((lines.count(), lines.bytes(), lines.next_number()), (0, 0, found.len() as u64 + 1));
        found
    }

    #[test]
    fn a_body_is_cut_the_same_however_it_arrives() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a", &["a"]),
            ("a\n", &["a"]),
            ("\n", &[""]),
            ("a\n\nb", &["a", "", "b"]),
            ("a\r\nb\r\n", &["a\r", "b\r"]),
            ("four\nfive5\nsix666\nab", &["four", "five5", "too long", "ab"]),
            ("seven77\n\nsix666", &["too long", "", "too long"]),
            ("eight888\neight888\n", &["too long", "too long"]),
        ];
        for (body, expect) in table {
            for piece in 1..12 {
                let numbered: Vec<_> = (1..).zip(expect.iter().map(ToString::to_string)).collect();
                assert_eq!(lines(body, piece, 5), numbered, "{body:?} in pieces of {piece}");
            }
        }
    }
}
