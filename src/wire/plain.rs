//! The plain documents of a conflict check, as most of them are, straight from text to subjects: the positions never
//! stand in a tree of values. What is not plain, and whatever has a problem, is `None`, and is read by `conflict` from a
//! tree. Both say the same of every document; a test compares them.

use serde_json::{Map, Value as Json};

use super::conflict::{Shape, Subject, bare, read_feature};
use super::document::{Reading, turned, unmarked};
use crate::geometry::Geometry;
use crate::geometry::encoding::plain::Text;

/// The members of a feature or a collection but the one that holds shapes, and that one.
type Members<T> = (Map<String, Json>, T);

/// Reads a Geometry, a Feature or a `FeatureCollection`, if it is plain and there is nothing wrong with it.
#[must_use]
pub fn subjects(text: &[u8], reading: Reading, subjects_max: usize) -> Option<Vec<Subject>> {
    let text = Text::new(unmarked(text));
    if let Some(shape) = whole(&text, |t| t.geometry(reading.vertices_max)) {
        return Some(vec![bare(turned(shape, reading))]);
    }
    let mut found = Vec::new();
    if let Some((feature, shape)) = whole(&text, |t| feature(t, reading)) {
        read(&feature, 0, "", shape, reading, &mut found)?;
        return Some(found);
    }
    let (collection, features) = whole(&text, |t| {
        members(t, "features", |t| {
            let mut features = Vec::new();
            t.items(|t| {
                (features.len() < subjects_max).then_some(())?;
                features.push(feature(t, reading)?);
                Some(())
            })?;
            Some(features)
        })
    })?;
    let plain = collection.get("type").and_then(Json::as_str) == Some("FeatureCollection");
    (plain && !collection.contains_key("crs")).then_some(())?;
    for (n, (feature, shape)) in features.into_iter().enumerate() {
        read(&feature, n, &format!("/features/{n}"), shape, reading, &mut found)?;
    }
    Some(found)
}

/// What `read` finds, if nothing stands behind it.
fn whole<'a, T>(text: &Text<'a>, read: impl FnOnce(&mut Text<'a>) -> Option<T>) -> Option<T> {
    let mut text = text.clone();
    read(&mut text).filter(|_| text.ends())
}

fn feature(text: &mut Text<'_>, reading: Reading) -> Option<Members<Geometry<f64>>> {
    members(text, "geometry", |text| text.geometry(reading.vertices_max))
}

/// Members that hold shapes.
const SHAPES: [&str; 3] = ["coordinates", "geometry", "features"];

/// Reads an object, each of whose members stands once, and one of them by `read`; the others hold no shapes.
fn members<'a, T>(
    text: &mut Text<'a>,
    special: &str,
    mut read: impl FnMut(&mut Text<'a>) -> Option<T>,
) -> Option<Members<T>> {
    let (mut others, mut found) = (Map::new(), None);
    text.members(|text, name| {
        let again = if name == special {
            found.replace(read(text)?).is_some()
        } else {
            (!SHAPES.contains(&name)).then_some(())?;
            others.insert(name.to_owned(), text.value()?).is_some()
        };
        (!again).then_some(())
    })?;
    Some((others, found?))
}

fn read(
    feature: &Map<String, Json>,
    number: usize,
    pointer: &str,
    shape: Geometry<f64>,
    reading: Reading,
    found: &mut Vec<Subject>,
) -> Option<()> {
    let mut problems = Vec::new();
    read_feature(feature, number, pointer, Shape::Read(turned(shape, reading)), found, &mut problems).ok()?;
    problems.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{conflict, document};

    /// Whether a document is read here; what is, is what the tree says.
    fn plain(text: &str) -> bool {
        let reading = Reading::geojson(20);
        let tree = document::json(text.as_bytes()).and_then(|json| conflict::subjects(&json, reading, 2));
        let found = subjects(text.as_bytes(), reading, 2);
        if let Some(found) = &found {
            assert_eq!(format!("{:?}", Ok::<_, crate::error::Error>(found)), format!("{:?}", tree.as_ref()), "{text}");
        }
        found.is_some()
    }

    #[test]
    fn what_is_read_fast_is_what_the_tree_says() {
        let point = r#"{"type":"Point","coordinates":[107.5,12.25]}"#;
        let feature = |more: &str| format!(r#"{{"type":"Feature","geometry":{point}{more}}}"#);
        let collection = |features: &[&str]| {
            format!(r#"{{"name":"x","features":[{}],"type":"FeatureCollection"}}"#, features.join(","))
        };
        let bare = feature("");
        let kind = feature(r#","properties":{"kind":"road","class":"II","clearance_m":5,"position_accuracy_m":0.5}"#);
        let table = [
            (true, point.to_owned()),
            (true, format!("\u{feff}{point}\n")),
            (true, bare.clone()),
            (true, kind.clone()),
            (true, feature(r#","id":1.50,"properties":{"a":[{"b":null}],"a":"twice"}"#)),
            (true, feature(r#","id":"Gia Ngh\u0129a","crs":null"#)),
            (true, collection(&[&bare, &kind])),
            (false, collection(&[&bare, &kind, &bare])),
            (false, collection(&[])),
            (false, collection(&[point])),
            (false, collection(&[&feature(r#","properties":{"clearance_m":-5}"#)])),
            (false, collection(&[&bare]).replace("\"name\"", "\"crs\"")),
            (false, feature(r#","geometry":null"#)),
            (false, feature(r#","id":1,"id":2"#)),
            (false, feature(r#","features":[]"#)),
            (false, feature(r#","properties":{"kind":"castle"}"#)),
            (false, feature(&format!(r#","properties":{}1{}"#, "[".repeat(100), "]".repeat(100)))),
            (false, feature(&format!(r#","properties":{}1{}"#, "[".repeat(200), "]".repeat(200)))),
            (false, feature("").replace("Feature", "Point")),
            (false, feature("").replace("12.25", "\"12.25\"")),
            (false, format!("{point}{point}")),
            (false, r#"{"type":"Feature"}"#.to_owned()),
            (false, String::new()),
        ];
        for (expect, text) in table {
            assert_eq!(plain(&text), expect, "{text}");
        }
    }
}
