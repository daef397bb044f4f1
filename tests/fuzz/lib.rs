//! The rings that read, measure and store, compiled for the fuzz targets from the sources of Clearway themselves.

#![allow(dead_code, unused_imports)] // some of it is used by rings that are not here

#[path = "../../src/geometry/mod.rs"]
pub mod geometry;

#[path = "../../src/domain/mod.rs"]
pub mod domain;

#[path = "../../src/error.rs"]
pub mod error;

#[path = "../../src/wire/mod.rs"]
pub mod wire;

#[path = "../../src/formats/mod.rs"]
pub mod formats;

#[path = "../../src/store/mod.rs"]
pub mod store;

pub mod shapes;

/// Ends the program at a panic, as libFuzzer's own hook does, but for those of the overlay, which are caught and
/// answered in another way (`geometry::overlay`).
pub fn end_at_panics() {
    let _ = std::panic::take_hook();
    std::panic::set_hook(Box::new(|panic| {
        if panic.location().is_none_or(|at| !at.file().contains("i_overlay")) {
            eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
    }));
}
