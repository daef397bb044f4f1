//! Memory does not grow with the file.

use super::*;

const MEGABYTE: u64 = 1024 * 1024;

/// Repeats `item` until there are so many bytes of it, made as they are read, between a head and a tail.
struct Endless {
    pending: Cursor<Vec<u8>>,
    item: Vec<u8>,
    tail: Option<Vec<u8>>,
    left: u64,
}

impl Endless {
    fn new(bytes: u64, head: &str, item: &str, tail: &str) -> Self {
        Self {
            pending: Cursor::new(head.into()),
            item: item.repeat((64 * 1024 / item.len()).max(1)).into(),
            tail: Some(tail.into()),
            left: bytes,
        }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let count = self.pending.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            if let Some(left) = self.left.checked_sub(self.item.len() as u64) {
                self.left = left;
                self.pending = Cursor::new(self.item.clone());
            } else if let Some(tail) = self.tail.take() {
                self.pending = Cursor::new(tail);
            } else {
                return Ok(0);
            }
        }
    }
}

/// Reads all of it; the most bytes that were held for a record, and how many records there were.
fn most_held(source: Endless, format: Format, options: &ReadOptions) -> (usize, u64) {
    let bytes = source.left;
    let mut all = Reader::new(Source::of(source, None), Some(format), options).unwrap();
    let (mut most, mut count) = (0, 0);
    while all.next().is_some() {
        count += 1;
        most = most.max(all.capacity());
    }
    assert!(all.progress().read() > bytes - MEGABYTE);
    (most, count)
}

#[test]
fn a_feature_that_never_ends_is_not_kept() {
    let limit = with(|o| o.record_bytes_max = 512 * 1024);
    let feature = Endless::new(32 * MEGABYTE, "{\"features\":[{\"a\":[", "1234567890,", "0]}]}");
    let (most, count) = most_held(feature, Format::GeoJson, &limit);
    assert!(most < 1024 * 1024, "{most} bytes held");
    assert_eq!(count, 1);
    let cell = Endless::new(32 * MEGABYTE, "lon,lat\n\"", "1234567890\n", "\",2\n1,2");
    let (most, count) = most_held(cell, Format::Csv, &limit);
    assert!(most < 1024 * 1024, "{most} bytes held");
    assert_eq!(count, 2);
}

#[test]
fn many_features_take_no_more_than_one() {
    // Long texts, so that a debug build goes through 200 MB in seconds.
    let note = "x".repeat(40_000);
    let feature = format!(
        r#"{{"type":"Feature","properties":{{"code":"{note}"}},"geometry":{{"type":"Point","coordinates":[1,2]}}}}"#
    );
    let collection = Endless::new(200 * MEGABYTE, "{\"features\":[", &format!("{feature},"), &format!("{feature}]}}"));
    let (most, count) = most_held(collection, Format::GeoJson, &options());
    assert!(most < 1024 * 1024, "{most} bytes held");
    assert!(count > 5_000, "{count}");
    let (most, _) =
        most_held(Endless::new(32 * MEGABYTE, "", &format!("{feature}\n"), ""), Format::GeoJsonLines, &options());
    assert!(most < 1024 * 1024, "{most} bytes held");
    let (most, _) =
        most_held(Endless::new(32 * MEGABYTE, "code,lon,lat\n", &format!("{note},1,2\n"), ""), Format::Csv, &options());
    assert!(most < 1024 * 1024, "{most} bytes held");
}
