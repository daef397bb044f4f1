//! Well-known text, with and without an SRID.
#![no_main]

use clearway_fuzz::geometry::encoding::wkt;
use clearway_fuzz::geometry::valid;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(read) = wkt::geometry(text, 1_000) {
        let _ = valid::problems(&read.geometry);
    }
});
