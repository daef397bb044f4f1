//! A table to be imported: its delimiter, its header and its rows, and the properties of a work and of a corridor in
//! each.
#![no_main]

use std::io::Cursor;

use clearway_fuzz::domain::corridor::Corridor;
use clearway_fuzz::domain::feature::Noun;
use clearway_fuzz::domain::work::Work;
use clearway_fuzz::formats::{Format, ReadOptions, Reader, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let options = ReadOptions {
        vertices_max: 1_000,
        record_bytes_max: 4_096,
        fields_known: Work::KNOWN.to_vec(),
        set: vec![("kind".into(), "mast".into())],
        ..ReadOptions::default()
    };
    let Ok(reader) = Reader::new(Source::of(Cursor::new(data.to_vec()), None), Some(Format::Csv), &options) else {
        return;
    };
    let mut records = 0;
    for record in reader {
        records += 1;
        assert!(records <= data.len() + 1, "more records than bytes");
        if let Ok(record) = record {
            let _ = Work::read(&record.fields, None);
            let _ = Corridor::read(&record.fields, Some("somebody"));
        }
    }
});
