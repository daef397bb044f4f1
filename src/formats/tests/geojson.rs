//! GeoJSON: collections, single objects, lines, sequences.

use super::*;
use crate::geometry::Epsg;

fn document(text: impl AsRef<[u8]>, expected: &[&str]) {
    check(text, Some(Format::GeoJson), &options(), expected);
}

fn by_line(text: impl AsRef<[u8]>, expected: &[&str]) {
    check(text, Some(Format::GeoJsonLines), &options(), expected);
}

/// A feature with a code, on the point (1, 2).
fn feature(code: &str) -> String {
    format!(
        r#"{{"type":"Feature","properties":{{"code":"{code}"}},"geometry":{{"type":"Point","coordinates":[1,2]}}}}"#
    )
}

fn collection(features: &str) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{features}]}}"#)
}

#[test]
fn reads_collections() {
    document(collection(""), &[]);
    document(r#" { "features" : [ ] , "type" : "FeatureCollection" } "#, &[]);
    document(
        collection(&[feature("a"), feature("b")].join(" ,\n ")),
        &[r#"feature 1: code="a" [1.0,2.0]"#, r#"feature 2 (line 2): code="b" [1.0,2.0]"#],
    );
    document(
        collection(
            r#"{"type":"Feature","id":"X","geometry":{"type":"Point","coordinates":[1,2,3]},"properties":
               {"code":"}]\"\\","kind":null,"status":["a",1,true,{}],"height_agl_m":4.5,"other":{"a":[1]}}}"#,
        ),
        &[r#"feature 1: code="}]\"\\" kind=null status=["a",1,true,{}] height_agl_m=4.5 [1.0,2.0]"#],
    );
    document(
        collection(r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":null}"#),
        &["feature 1: [1.0,2.0]"],
    );
    // Members before and after the features, a nested list of that name, a byte order mark.
    let text = format!(
        "\u{FEFF}{{\"name\":{{\"features\":[1]}},\"features\":[{}],\"bbox\":[1,2],\"note\":\"]}}\"}}\n",
        feature("a")
    );
    document(text, &[r#"feature 1: code="a" [1.0,2.0]"#]);
}

#[test]
fn reads_single_objects() {
    document(feature("a"), &[r#"feature 1: code="a" [1.0,2.0]"#]);
    document(r#"{"coordinates":[[1,2],[3,4]],"type":"LineString"}"#, &["feature 1: [[1.0,2.0],[3.0,4.0]]"]);
    document(r#"{"type":"Point"}"#, &["feature 1: ! /coordinates is missing"]);
    document(
        r#"{"hello":1}"#,
        &[
            r#"feature 1 lost ! /type is missing; "Feature" belongs here ! /geometry is missing: a feature without a geometry stands nowhere"#,
        ],
    );
}

#[test]
fn reads_lines_and_sequences_whatever_the_name_says() {
    let text = format!("{}\n\n{}\r\n{}", feature("a"), feature("b"), feature("c"));
    let expected = [
        r#"feature 1 (line 1): code="a" [1.0,2.0]"#,
        r#"feature 2 (line 3): code="b" [1.0,2.0]"#,
        r#"feature 3 (line 4): code="c" [1.0,2.0]"#,
    ];
    by_line(&text, &expected);
    let mut of_document = expected;
    of_document[0] = r#"feature 1: code="a" [1.0,2.0]"#;
    document(&text, &of_document);
    let sequence = format!("\u{1e}{}\n\u{1e}{}\n", feature("a"), feature("b").replace(',', ",\n"));
    let expected = [r#"feature 1 (line 1): code="a" [1.0,2.0]"#, r#"feature 2 (line 2): code="b" [1.0,2.0]"#];
    document(&sequence, &expected);
    by_line(&sequence, &expected);
    check(&sequence, None, &options(), &expected);
    let mixed = format!("{}\n\u{1e}{}\n", feature("a"), feature("b"));
    by_line(&mixed, &[r#"feature 1 (line 1): code="a" [1.0,2.0]"#, r#"feature 2 (line 2): code="b" [1.0,2.0]"#]);
}

#[test]
fn goes_on_after_a_bad_feature() {
    let text = collection(
        &[
            "7",
            "null",
            r#"{"type":"Feature","properties":{},"geometry":null}"#,
            r#"{"type":"Feature","properties":{"code":"x"}}"#,
            r#"{"type":"feature","properties":[],"geometry":{"type":"Point","coordinates":[1]}}"#,
            r#"{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[1,]}}"#,
            "",
            r#"{"type":"Feature","crs":{"type":"name","properties":{"name":"EPSG:9218"}},"geometry":7}"#,
            r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2],"crs":{"type":"link"}}}"#,
            &feature("good"),
            "",
        ]
        .join(","),
    );
    document(
        text,
        &[
            "feature 1 lost !  is the number 7; a Feature belongs here",
            "feature 2 lost !  is null; a Feature belongs here",
            "feature 3: ! /geometry is null: a feature without a geometry stands nowhere",
            r#"feature 4: code="x" ! /geometry is missing: a feature without a geometry stands nowhere"#,
            "feature 5 lost ! /type is the text \"feature\"; \"Feature\" belongs here ! /properties is an array; an \
             object or null belongs here ! /geometry/coordinates has 1 number; a position needs 2",
            "feature 6 lost !  is not JSON: trailing comma (byte 302 of the file)",
            "feature 7 lost !  is missing: there is a comma without a feature",
            "feature 8 lost ! /crs names EPSG:9218, but the file is read as EPSG:4326; say which is right with --crs \
             ! /geometry is the number 7; a GeoJSON geometry object belongs here",
            "feature 9: ! /geometry/crs names no coordinate reference system that can be understood",
            r#"feature 10: code="good" [1.0,2.0]"#,
            "feature 11 lost !  is missing: there is a comma without a feature",
        ],
    );
}

#[test]
fn says_at_which_byte_a_feature_is_no_json() {
    let bad = r#"{"type":"Feature","properties":{"code":nope}}"#;
    let text = collection(&format!("{},\n{bad}", feature("a")));
    let at = text.find("nope").unwrap();
    // The parser stops at the second letter: «n» could still have been null.
    let expected = format!("feature 2 (line 2) lost !  is not JSON: expected ident (byte {} of the file)", at + 1);
    document(text, &[r#"feature 1: code="a" [1.0,2.0]"#, &expected]);
}

#[test]
fn goes_on_after_a_bad_line() {
    let text =
        format!("{}\n{{\"type\":\"Feature\",\n[1]\n{}\nnonsense\n{}\n", feature("a"), collection(""), feature("b"));
    by_line(
        text,
        &[
            r#"feature 1 (line 1): code="a" [1.0,2.0]"#,
            "feature 2 (line 2) lost !  is not JSON: EOF while parsing a value (byte 110 of the file)",
            "feature 3 (line 3) lost !  is an array; a Feature belongs here",
            "feature 4 (line 4) lost ! /type is FeatureCollection; one Feature a line belongs here",
            "feature 5 (line 5) lost !  is not JSON: expected ident (byte 160 of the file)",
            r#"feature 6 (line 6): code="b" [1.0,2.0]"#,
        ],
    );
}

#[test]
fn says_where_a_file_is_cut_off() {
    let whole = collection(&[feature("a"), feature("b")].join(","));
    let first = r#"feature 1: code="a" [1.0,2.0]"#;
    let second = r#"feature 2: code="b" [1.0,2.0]"#;
    let start_of_second = whole.rfind(r#"{"type":"Feature""#).unwrap();
    document(&whole[..20], &["FATAL the file is cut off: it ends inside its first object"]);
    document(&whole[..30], &["FATAL the file is cut off: it ends before the first feature"]);
    document(&whole[..40], &["FATAL the file is cut off: it ends before the first feature"]);
    document(&whole[..60], &["FATAL the file is cut off: it ends inside feature 1"]);
    document(&whole[..start_of_second + 9], &[first, "FATAL the file is cut off: it ends inside feature 2"]);
    let between = "FATAL the file is cut off: it ends after feature 2, before the collection is closed";
    document(&whole[..whole.len() - 2], &[first, second, between]);
    document(&whole[..whole.len() - 1], &[first, second, between]);
    document(&feature("a")[..30], &["FATAL the file is cut off: it ends inside its first object"]);
    let lines = format!("{}\n{}", feature("a"), &feature("b")[..30]);
    by_line(
        lines,
        &[r#"feature 1 (line 1): code="a" [1.0,2.0]"#, "FATAL the file is cut off: it ends inside feature 2 (line 2)"],
    );
}

#[test]
fn every_cut_is_noticed() {
    let whole = collection(&[feature("a"), feature("b\\\\")].join(","));
    for length in 1..whole.len() {
        let last =
            lines(reader(&whole[..length], Some(Format::GeoJson), &options()).unwrap()).pop().unwrap_or_default();
        assert!(last.starts_with("FATAL the file is cut off"), "{length}: {last}");
    }
}

#[test]
fn refuses_text_that_is_no_collection() {
    let first = r#"feature 1: code="a" [1.0,2.0]"#;
    document(r#"{"type":"FeatureCollection"}"#, &["FATAL the FeatureCollection has no features"]);
    document(
        r#"{"type":"FeatureCollection","features":null}"#,
        &["FATAL the FeatureCollection has features that are null; an array belongs there"],
    );
    document(r#"{"type":"Topology","objects":{}}"#, &["FATAL the file is TopoJSON; save it as GeoJSON"]);
    document(
        format!("{} x", collection(&feature("a"))),
        &[first, "FATAL the file goes on after the collection ends, at byte 135"],
    );
    document(format!("{}]", feature("a")), &[first, "FATAL the file goes on after the first object ends, at byte 92"]);
    document(
        collection(&format!("{} {}", feature("a"), feature("b"))),
        &[first, "FATAL feature 1 is followed by «{» at byte 133; a comma or the end of the collection belongs there"],
    );
    document(r#"{"features":[],"features":[]}"#, &["FATAL the collection has features twice"]);
    document(r#"{"features":[}"#, &["FATAL feature 1 is not JSON"]);
    document("{7:8}", &["FATAL the file is not JSON at byte 1: a member name belongs there"]);
    document(
        "[1]",
        &["REFUSED the file starts with a list; GeoJSON starts with an object such as a FeatureCollection"],
    );
    document("hello", &["REFUSED the file is not GeoJSON: it does not start with «{»"]);
}

#[test]
fn checks_the_reference_system_before_and_after_the_features() {
    let crs = |name: &str| format!(r#""crs":{{"type":"name","properties":{{"name":"{name}"}}}}"#);
    let a = feature("a");
    let first = r#"feature 1: code="a" [1.0,2.0]"#;
    let wrong =
        "FATAL the collection's crs names EPSG:9218, but the file is read as EPSG:4326; say which is right with --crs";
    let before = |name: &str| format!(r#"{{"type":"FeatureCollection",{},"features":[{a}]}}"#, crs(name));
    let after = |name: &str| format!(r#"{{"type":"FeatureCollection","features":[{a}],{}}}"#, crs(name));
    document(before("urn:ogc:def:crs:OGC:1.3:CRS84"), &[first]);
    document(after("urn:ogc:def:crs:OGC:1.3:CRS84"), &[first]);
    document(before("urn:ogc:def:crs:EPSG::9218"), &[wrong]);
    document(after("urn:ogc:def:crs:EPSG::9218"), &[first, wrong]);
    let on_grid = with(|o| o.crs = Epsg(9218));
    check(before("EPSG:9218"), None, &on_grid, &[first]);
    check(
        before("CRS84"),
        None,
        &on_grid,
        &[
            "FATAL the collection's crs names EPSG:4326, but the file is read as EPSG:9218; say which is right with --crs",
        ],
    );
    document(
        before("mine"),
        &[
            "FATAL the collection's crs/properties/name \"mine\" is no coordinate reference system known here; EPSG:4326 \
           would be one",
        ],
    );
}

#[test]
fn never_ignores_a_reference_system() {
    let long = format!(r#"{{"crs":{{"note":"{}"}},"features":[]}}"#, "x".repeat(70_000));
    for text in [r#"{"crs":nope,"features":[]}"#, r#"{"features":[],"crs":{,}}"#, &long] {
        check(text, None, &options(), &["FATAL the collection's crs cannot be read"]);
    }
    document(r#"{"crs":null,"features":[]}"#, &[]);
}

#[test]
fn passes_over_features_that_are_too_large() {
    let long = feature(&"x".repeat(500));
    let small = with(|o| o.record_bytes_max = 200);
    let text = collection(&[feature("a"), long.clone(), feature("b")].join(","));
    let expected = [
        r#"feature 1: code="a" [1.0,2.0]"#,
        "feature 2 lost !  has 591 bytes; at most 200 are taken",
        r#"feature 3: code="b" [1.0,2.0]"#,
    ];
    check(text, Some(Format::GeoJson), &small, &expected);
    let text = [feature("a"), long, feature("b")].join("\n");
    let expected = [
        r#"feature 1 (line 1): code="a" [1.0,2.0]"#,
        "feature 2 (line 2) lost !  has 591 bytes; at most 200 are taken",
        r#"feature 3 (line 3): code="b" [1.0,2.0]"#,
    ];
    check(text, Some(Format::GeoJsonLines), &small, &expected);
    // A member of the collection may be larger than a feature: nobody asks for it.
    let text = format!(r#"{{"note":"{}","features":[{}]}}"#, "x".repeat(1_000), feature("a"));
    check(text, None, &small, &[r#"feature 1: code="a" [1.0,2.0]"#]);
    let few = with(|o| o.vertices_max = 2);
    check(
        r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4],[5,6]]}"#,
        None,
        &few,
        &["feature 1: !  has 3 vertices; at most 2 are taken"],
    );
}

#[test]
fn names_bytes_that_are_not_utf8() {
    let mut text = collection(&[feature("a"), feature("?"), feature("b")].join(",")).into_bytes();
    let at = text.iter().position(|byte| *byte == b'?').unwrap();
    text[at] = 0xE9;
    let lost = format!(
        "feature 2 lost !  is not UTF-8: the byte 0xE9 stands at byte {at} of the file; save the file as UTF-8"
    );
    document(text, &[r#"feature 1: code="a" [1.0,2.0]"#, &lost, r#"feature 3: code="b" [1.0,2.0]"#]);
}

#[test]
fn maps_fills_and_remembers_names() {
    let text = collection(
        &[
            r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"ma":"A1","code":"no","kind":"","ten":"x"}}"#,
            r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"kind":"mast","status":"planned"}}"#,
        ]
        .join(","),
    );
    let options = with(|o| {
        o.map = pairs(&[("code", "ma"), ("height_agl_m", "status"), ("status", "none")]);
        o.set = pairs(&[("kind", "bts"), ("status", " in_service ")]);
    });
    let mut all = reader(&text, None, &options).unwrap();
    let found: Vec<_> = all.by_ref().map(|next| next.unwrap().fields).collect();
    let shown =
        |fields: &Fields| fields.0.iter().map(|(n, v)| format!("{n}={}", word(v))).collect::<Vec<_>>().join(" ");
    // What is taken from a column by its name is a cell, so that it may be a number: other people write those as text.
    assert_eq!(shown(&found[0]), "code=«A1» kind=«bts» status=«in_service»");
    assert_eq!(shown(&found[1]), r#"kind="mast" height_agl_m=«planned» status=«in_service»"#);
    assert_eq!(all.unused().iter().map(String::as_str).collect::<Vec<_>>(), ["code", "ten"]);
    assert_eq!(all.never_seen(), ["none"]);
    let refused = |map: &[(&str, &str)], set: &[(&str, &str)]| {
        let options = with(|o| (o.map, o.set) = (pairs(map), pairs(set)));
        reader(&text, None, &options).err().map(|why| why.to_string()).unwrap_or_default()
    };
    let fields = "the fields are: code, kind, status, height_agl_m";
    assert_eq!(refused(&[("colour", "c")], &[]), format!("there is no field «colour»; {fields}"));
    assert_eq!(refused(&[("lon", "c")], &[]), format!("there is no field «lon»; {fields}"));
    assert_eq!(refused(&[], &[("colour", "red")]), format!("there is no field «colour»; {fields}"));
    assert_eq!(refused(&[("code", "a"), ("code", "b")], &[]), "the field «code» is mapped to two columns");
    assert_eq!(refused(&[], &[("code", " ")]), "the field «code» is set to nothing");
    assert_eq!(refused(&[], &[("code", "a"), ("code", "b")]), "the field «code» is set twice");
}

#[test]
fn swaps_axes_when_asked() {
    let text = r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#;
    check(text, None, &with(|o| o.axes = Axes::NorthEast), &["feature 1: [[2.0,1.0],[4.0,3.0]]"]);
}
