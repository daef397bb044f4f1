//! Layers: what the index holds and what a check can ask.

use super::word::words;

words! {
    /// A layer of features.
    Layer {
        Works = "works",
        Corridors = "corridors",
    }
}
