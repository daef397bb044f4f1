//! Files as such: missing, empty, foreign, counted and digested.

use super::*;

#[test]
fn says_in_one_sentence_why_a_file_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let why = |path: &Path| open(path, &options()).err().map(|why| why.to_string()).unwrap_or_default();
    let missing = at("none.csv");
    assert_eq!(why(&missing), "there is no such file");
    assert_eq!(why(folder.path()), "it is a folder; name the files in it");
    let empty = at("empty.geojson");
    std::fs::write(&empty, "").unwrap();
    assert_eq!(why(&empty), "the file is empty");
    for (bytes, expected) in [
        (b"\xEF\xBB\xBF \n".as_slice(), "the file is empty"),
        (b"\xFF\xFEc\0", "the file is UTF-16 text; save it as UTF-8: GeoJSON and CSV text are read here"),
        (b"\x1F\x8B\x08", "the file is compressed with gzip; unpack it first: GeoJSON and CSV text are read here"),
        (
            b"PK\x03\x04",
            "the file is a ZIP archive or an Excel workbook; unpack it, or save it as CSV: GeoJSON and CSV text are read \
             here",
        ),
        (
            b"SQLite format 3\0",
            "the file is a GeoPackage or another SQLite database: GeoJSON and CSV text are read here",
        ),
    ] {
        let path = at("foreign.csv");
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(why(&path), expected);
    }
}

#[test]
fn knows_formats_by_extension_then_by_the_first_bytes() {
    for (name, expected) in [
        ("a.geojson", Some(Format::GeoJson)),
        ("a.JSON", Some(Format::GeoJson)),
        ("a.geojsonl", Some(Format::GeoJsonLines)),
        ("a.ndjson", Some(Format::GeoJsonLines)),
        ("a.geojsons", Some(Format::GeoJsonLines)),
        ("a.csv", Some(Format::Csv)),
        ("a.tsv", Some(Format::Csv)),
        ("a.txt", None),
        ("a", None),
    ] {
        assert_eq!(Format::by_extension(Path::new(name)), expected, "{name}");
    }
    for (text, expected) in
        [("{\"features\":[]}", Format::GeoJson), ("\u{1e}{}", Format::GeoJsonLines), ("lon,lat", Format::Csv)]
    {
        assert_eq!(reader(text, None, &options()).unwrap().format(), expected, "{text}");
    }
}

#[test]
fn counts_and_digests_every_byte() {
    let text = "lon,lat\n1,2\n3,4\n";
    // `printf 'lon,lat\n1,2\n3,4\n' | sha256sum`
    let expected = "3e71f9690baf71ee9f5616a830da4591a834948706c2faba1cd98b8838812639";
    let mut whole = reader(text, None, &options()).unwrap();
    let progress = whole.progress();
    assert_eq!(progress.total(), Some(16));
    assert_eq!(whole.by_ref().count(), 2);
    assert_eq!(progress.read(), 16);
    assert_eq!(whole.digest().as_deref(), Ok(expected));
    assert_eq!(whole.digest().as_deref(), Ok(expected));
    // Stopped early, broken inside: the digest is still that of the file.
    let mut stopped = reader(text, None, &options()).unwrap();
    assert_eq!(stopped.digest().as_deref(), Ok(expected));
    assert_eq!(stopped.next(), None);
}

/// Gives some bytes, then fails.
struct Failing(&'static [u8]);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::other("the disk is gone"));
        }
        self.0.read(buffer)
    }
}

#[test]
fn a_disk_that_fails_ends_the_reading() {
    let text = [b"lon,lat\n".as_slice(), &b"1,2\n".repeat(30_000)].concat();
    let all = Reader::new(Source::of(Failing(Box::leak(text.into_boxed_slice())), None), None, &options()).unwrap();
    let given: Vec<_> = all.collect();
    let (last, before) = given.split_last().unwrap();
    assert!(before.iter().all(Result::is_ok));
    let expected = "the file cannot be read further than byte 120008: the disk is gone";
    assert!(matches!(last, Err(ReadError::Fatal { detail, .. }) if detail == expected), "{last:?}");
}
