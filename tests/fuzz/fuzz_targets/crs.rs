//! References to coordinate reference systems, as headers, parameters and `crs` members write them.
#![no_main]

use clearway_fuzz::geometry::Epsg;
use clearway_fuzz::geometry::encoding::geojson;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    if let Ok(read) = Epsg::parse(text) {
        let again = Epsg::parse(&read.epsg.to_string()).map(|r| r.epsg);
        assert_eq!(again, Ok(read.epsg), "what is written is read as the same");
    }
    let member = json!({"type": "name", "properties": {"name": text}});
    for value in [Value::String(text.into()), member] {
        let _ = geojson::crs_named(&value);
        let _ = geojson::crs_member(&value);
    }
});
