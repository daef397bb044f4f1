//! Two documents, divided by a zero byte: a stored feature, and a merge-patch of it (RFC 7396).
#![no_main]

use clearway_fuzz::wire::{document, merge_patch};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// What a patch says, without its removals: what must stand in the end.
fn holds(patched: &Value, patch: &Value) -> bool {
    match patch {
        Value::Object(members) => members.iter().all(|(name, value)| match (patched.get(name), value) {
            (there, Value::Null) => there.is_none(),
            (there, value) => there.is_some_and(|there| holds(there, value)),
        }),
        other => patched == other,
    }
}

fuzz_target!(|data: &[u8]| {
    let Some(at) = data.iter().position(|byte| *byte == 0) else { return };
    let (Ok(mut feature), Ok(patch)) = (document::json(&data[..at]), document::json(&data[at + 1..])) else { return };
    merge_patch::clear_centreline(&mut feature, &patch);
    merge_patch::apply(&mut feature, &patch);
    assert!(holds(&feature, &patch), "{feature} after {patch}");
    let touched = merge_patch::touches_shape(&patch);
    let before = feature.clone();
    merge_patch::apply(&mut feature, &patch);
    assert_eq!(feature, before, "a patch applied again changes nothing");
    assert!(touched || patch.get("geometry").is_none(), "a patch of the geometry touches the shape");
});
