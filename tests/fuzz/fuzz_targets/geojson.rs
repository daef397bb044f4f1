//! A GeoJSON document: as the subjects of a check, as a feature to be stored, as a file to be imported.
#![no_main]

use std::io::Cursor;

use clearway_fuzz::domain::corridor::Corridor;
use clearway_fuzz::domain::work::Work;
use clearway_fuzz::formats::{Format, ReadOptions, Reader, Source};
use clearway_fuzz::geometry::encoding::geojson;
use clearway_fuzz::wire::document::{self, Reading};
use clearway_fuzz::wire::{conflict, feature};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(json) = document::json(data) {
        let reading = Reading::geojson(1_000);
        let _ = conflict::subjects(&json, reading, 100);
        let _ = feature::read_of::<Work>(&json, reading, None);
        let _ = feature::read_of::<Corridor>(&json, reading, Some("somebody"));
        if let Ok(shape) = geojson::geometry(&json, 1_000) {
            let back = geojson::geometry(&geojson::to_value(&shape), 1_000);
            assert_eq!(back.as_ref(), Ok(&shape), "what is read and written is the same");
        }
    }
    for format in [Format::GeoJson, Format::GeoJsonLines] {
        let options = ReadOptions { vertices_max: 1_000, record_bytes_max: 4_096, ..ReadOptions::default() };
        let source = Source::of(Cursor::new(data.to_vec()), None);
        if let Ok(reader) = Reader::new(source, Some(format), &options) {
            assert!(reader.count() <= data.len() + 1, "more records than bytes");
        }
    }
});
