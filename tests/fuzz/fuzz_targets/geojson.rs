//! A GeoJSON document: as the subjects of a check, as a feature to be stored, as a file to be imported. What the readers of
//! plain text take is what those of a tree say, number for number.
#![no_main]

use std::io::Cursor;

use clearway_fuzz::domain::corridor::Corridor;
use clearway_fuzz::domain::work::Work;
use clearway_fuzz::error::Error;
use clearway_fuzz::formats::{Format, ReadOptions, Reader, Source};
use clearway_fuzz::geometry::encoding::geojson;
use clearway_fuzz::geometry::encoding::plain::Text;
use clearway_fuzz::wire::document::{self, Reading};
use clearway_fuzz::wire::{conflict, feature, plain};
use libfuzzer_sys::fuzz_target;

/// The first readers of every check take nothing, or what the tree says.
fn plain_is_what_the_tree_says(data: &[u8]) {
    let json = document::json(data);
    for (vertices_max, subjects_max) in [(1_000, 100), (3, 1)] {
        let reading = Reading::geojson(vertices_max);
        if let Some(subjects) = plain::subjects(data, reading, subjects_max) {
            let tree = json.clone().and_then(|json| conflict::subjects(&json, reading, subjects_max));
            assert_eq!(format!("{:?}", Ok::<_, Error>(subjects)), format!("{tree:?}"), "subjects");
        }
        let mut text = Text::new(document::unmarked(data));
        if let Some(shape) = text.geometry(vertices_max)
            && text.ends()
        {
            let tree = json.as_ref().map(|json| geojson::geometry(json, vertices_max));
            // A sign of zero counts, too.
            assert_eq!(format!("Ok(Ok({shape:?}))"), format!("{tree:?}"), "a geometry");
        }
    }
}

fuzz_target!(|data: &[u8]| {
    plain_is_what_the_tree_says(data);
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
