//! What is read fast is what the general reader reads, and what that refuses is not read.

use proptest::prelude::*;
use serde_json::Value;

use super::Text;
use crate::geometry::encoding::geojson;

/// The shape of a text by both readers: the fast one may decline, and must not differ.
fn same(text: &str) -> bool {
    let read = |vertices_max| {
        let mut reader = Text::new(text.as_bytes());
        reader.geometry(vertices_max).filter(|_| reader.ends())
    };
    let tree = serde_json::from_str::<Value>(text).ok().and_then(|value| geojson::geometry(&value, 30).ok());
    let fast = read(30);
    if let Some(fast) = &fast {
        let bits = |g: &geo_types::Geometry<f64>| format!("{g:?}");
        assert_eq!(tree.as_ref().map(bits), Some(bits(fast)), "{text}");
    }
    assert!(read(0).is_none());
    fast.is_some()
}

#[test]
fn plain_geometries_are_read() {
    let table = [
        (true, r#"{"type":"Point","coordinates":[107.5,-12]}"#),
        (true, " {\t\"type\" :\n\"Point\" , \"coordinates\" :\r[ 1 , 2 , 3 ] } "),
        (true, r#"{"type":"Point","coordinates":[-0,-0.0]}"#),
        (true, r#"{"type":"Point","coordinates":[1e-400,12345678901234567890123]}"#),
        (true, r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}"#),
        (true, r#"{"type":"LineString","coordinates":[[1,2],[3,4.25E+2]]}"#),
        (true, r#"{"type":"MultiLineString","coordinates":[[[1,2],[3,4]],[[5,6],[7,8]]]}"#),
        (true, r#"{"type":"Polygon","coordinates":[[[0,0],[9,0],[0,9],[0,0]],[[1,1],[2,1],[1,2],[1,1]]]}"#),
        (true, r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[9,0],[0,9],[-0,0]]]]}"#),
        (false, r#"{"coordinates":[1,2],"type":"Point"}"#),
        (false, r#"{"type":"Point","coordinates":[1,2],"coordinates":[3,4]}"#),
        (false, r#"{"type":"Point","coordinates":[1,2],"crs":null}"#),
        (false, r#"{"type":"Poin\u0074","coordinates":[1,2]}"#),
        (false, r#"{"type":"Point","coordinates":[1]}"#),
        (false, r#"{"type":"Point","coordinates":[1,2,]}"#),
        (false, r#"{"type":"Point","coordinates":[1,null]}"#),
        (false, r#"{"type":"Point","coordinates":[1,1e400]}"#),
        (false, r#"{"type":"LineString","coordinates":[[1,2]]}"#),
        (false, r#"{"type":"LineString","coordinates":[]}"#),
        (false, r#"{"type":"Polygon","coordinates":[[[0,0],[9,0],[0,9],[0,1]]]}"#),
        (false, r#"{"type":"Polygon","coordinates":[[[0,0],[9,0],[0,0]]]}"#),
        (false, r#"{"type":"GeometryCollection","geometries":[]}"#),
        (false, "{}"),
        (false, "[]"),
        (false, ""),
    ];
    for (plain, text) in table {
        assert_eq!(same(text), plain, "{text}");
    }
    let many = vec!["[1,2]"; 31].join(",");
    assert!(!same(&format!(r#"{{"type":"LineString","coordinates":[{many}]}}"#)), "more positions than are taken");
}

proptest! {
    #[test]
    fn every_number_is_the_nearest(text in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?") {
        same(&format!(r#"{{"type":"Point","coordinates":[{text},1]}}"#));
    }

    #[test]
    fn every_number_that_we_write_is_read(x in any::<f64>().prop_filter("finite", |x| x.is_finite())) {
        let point = geo_types::Geometry::Point(geo_types::Point::new(x, 1.0));
        prop_assert!(same(&geojson::to_value(&point).to_string()));
    }

    #[test]
    fn a_text_that_is_nearly_a_number_is_declined(text in "[-+.0-9eE]{0,6}") {
        same(&format!(r#"{{"type":"Point","coordinates":[{text},1]}}"#));
    }

    #[test]
    fn a_text_that_lost_something_is_not_taken_for_another(at in 0_usize..110, length in 1_usize..4) {
        let whole = r#"{"type":"Polygon","coordinates":[[[0,0],[9.5,0],[0,9],[0,0]],[[1,1],[2,1],[1,2e0],[1,1]]]}  "#;
        let text: String = whole.chars().enumerate().filter(|(n, _)| !(at..at + length).contains(n)).map(|(_, c)| c).collect();
        same(&text);
    }
}
