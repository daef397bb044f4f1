//! JSON merge-patch, RFC 7396, and what a patch of a feature touches.

use serde_json::{Map, Value as Json};

/// Applies `patch` to `target` (RFC 7396, section 2).
pub fn apply(target: &mut Json, patch: &Json) {
    let Json::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Json::Object(Map::new());
    }
    let Json::Object(members) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            apply(members.entry(name.clone()).or_insert(Json::Null), value);
        }
    }
}

/// The patch says something of the shape.
#[must_use]
pub fn touches_shape(patch: &Json) -> bool {
    patch.get("geometry").is_some() || patch.pointer("/properties/centreline").is_some()
}

/// Prepares a stored feature for a patch: a property that the patch states in another unit, under the other of the names in
/// `aliases`, gives way to it.
pub fn clear_aliased(feature: &mut Json, patch: &Json, aliases: &[(&str, &str)]) {
    let stated = |name: &str| patch["properties"].get(name).is_some_and(|value| !value.is_null());
    if let Some(Json::Object(properties)) = feature.get_mut("properties") {
        for (name, _) in aliases.iter().filter(|(_, alias)| stated(alias)) {
            properties.remove(*name);
        }
    }
}

/// Prepares a stored feature for a patch: a new geometry alone takes the place of a centreline with its half-widths.
pub fn clear_centreline(feature: &mut Json, patch: &Json) {
    let geometry_alone = patch.get("geometry").is_some_and(|g| !g.is_null())
        && patch.pointer("/properties/centreline").is_none_or(Json::is_null);
    if !geometry_alone {
        return;
    }
    if let Some(Json::Object(properties)) = feature.get_mut("properties") {
        for name in ["centreline", "half_width_left_m", "half_width_right_m"] {
            properties.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn does_what_appendix_a_of_rfc_7396_lists() {
        let table = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (mut target, patch, expect) in table {
            apply(&mut target, &patch);
            assert_eq!(target, expect, "{patch}");
        }
    }
}
