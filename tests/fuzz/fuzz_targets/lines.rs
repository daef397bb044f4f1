//! A body of a batch, cut into lines as it arrives: whatever the pieces, the lines are those of the whole text, and no more
//! is kept than has arrived.
#![no_main]

use clearway_fuzz::wire::lines::{Line, Lines};
use libfuzzer_sys::fuzz_target;

/// The lines of the whole text; none where one is too long.
fn split(body: &[u8], bytes_max: usize) -> Vec<Option<&[u8]>> {
    let mut lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').collect();
    // What stands after the last end of a line is one only where something stands there.
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines.into_iter().map(|line| (line.len() <= bytes_max).then_some(line)).collect()
}

fuzz_target!(|data: &[u8]| {
    let [bytes_max, piece, wait, body @ ..] = data else { return };
    let (bytes_max, piece, wait) = (usize::from(*bytes_max), usize::from(*piece).max(1), usize::from(wait % 8));
    let expect = split(body, bytes_max);
    let (mut lines, mut taken) = (Lines::new(bytes_max), 0);
    let mut take = |lines: &mut Lines, all: bool| {
        // Sometimes whoever takes them is slower than they come.
        while (all || lines.count() > wait) && lines.count() > 0 {
            assert_eq!(lines.next_number(), taken as u64 + 1);
            let (number, line) = lines.next().expect("a line that was counted");
            let text = if let Line::Text(text) = line { Some(text) } else { None };
            assert_eq!((number, text), (taken as u64 + 1, expect[taken]), "line {number}");
            lines.pass();
            taken += 1;
        }
    };
    let mut arrived = 0;
    for (n, piece) in body.chunks(piece).enumerate() {
        lines.push(piece);
        arrived += piece.len();
        assert!(lines.bytes() <= arrived, "{} bytes are kept of {arrived}", lines.bytes());
        take(&mut lines, false);
        assert!(lines.bytes() <= (wait + 1) * (bytes_max + 1), "{} bytes are kept after {n} pieces", lines.bytes());
    }
    lines.end();
    take(&mut lines, true);
    assert_eq!((taken, lines.bytes()), (expect.len(), 0), "all lines were taken");
});
