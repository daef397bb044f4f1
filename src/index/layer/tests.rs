//! The picture in the docs of the index is drawn by the code that it shows, so it cannot tell of another method.
//!
//! After a change of the method or of the demonstration data: `CLEARWAY_DRAW=1 cargo test --lib picture`.

mod picture;
mod scene;
mod svg;

use std::path::Path;
use std::{env, fs};

#[test]
fn the_picture_of_the_method_is_what_the_index_does() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/index/method.svg");
    let fresh = picture::draw(&scene::Scene::of_the_demonstration());
    if env::var_os("CLEARWAY_DRAW").is_some() {
        fs::write(&file, &fresh).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap();
    assert!(
        kept == fresh,
        "src/index/method.svg is stale: run `CLEARWAY_DRAW=1 cargo test --lib picture` and look at it"
    );
    // Markdown ends a block of HTML at an empty line, and a picture in the docs must not load anything.
    assert!(!fresh.contains("\n\n") && !fresh.contains("href"), "not fit for the docs");
}
