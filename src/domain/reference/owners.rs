//! Which kinds of reference features are their owners' to write.

/// What an owner writes of his own. The other kinds decide what everybody may build: boundaries, zones, urban areas (columns
/// stand closer there), freeze windows and requests that wait for their decision are for whoever answers for all reference
/// features.
pub(super) const KINDS: &[&str] = &[
    "heritage",
    "monument",
    "government_front",
    "school",
    "hospital",
    "runway",
    "road",
    "power_line",
    "defence_area",
    "building",
    "transmitter",
    "other",
];
