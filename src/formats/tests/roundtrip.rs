//! What is written by other hands comes back as it was, however the bytes arrive.

use geo::MapCoordsInPlace;
use geo_types::{Coord, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};
use proptest::prelude::*;
use serde_json::json;
use wkt::ToWkt;

use super::*;

fn coord() -> impl Strategy<Value = Coord<f64>> {
    (-180.0..180.0_f64, -90.0..90.0_f64).prop_map(|(x, y)| Coord { x, y })
}

fn line() -> impl Strategy<Value = LineString<f64>> {
    prop::collection::vec(coord(), 2..6).prop_map(LineString)
}

fn polygon() -> impl Strategy<Value = Polygon<f64>> {
    // `Polygon::new` closes the rings.
    prop::collection::vec(prop::collection::vec(coord(), 3..6).prop_map(LineString), 1..3).prop_map(|mut rings| {
        let exterior = rings.remove(0);
        Polygon::new(exterior, rings)
    })
}

fn shape() -> impl Strategy<Value = Geometry<f64>> {
    prop_oneof![
        coord().prop_map(|c| Geometry::Point(Point(c))),
        prop::collection::vec(coord().prop_map(Point), 1..4).prop_map(|all| Geometry::MultiPoint(MultiPoint(all))),
        line().prop_map(Geometry::LineString),
        prop::collection::vec(line(), 1..4).prop_map(|all| Geometry::MultiLineString(MultiLineString(all))),
        polygon().prop_map(Geometry::Polygon),
        prop::collection::vec(polygon(), 1..4).prop_map(|all| Geometry::MultiPolygon(MultiPolygon(all))),
    ]
}

/// A code and a shape.
type Feature = (String, Geometry<f64>);

fn features() -> impl Strategy<Value = Vec<Feature>> {
    // Texts that look like JSON and CSV themselves; trimmed and not empty, as a cell has to be.
    prop::collection::vec(("[a-zđộ\"\\\\{},;\n\\[\\]]{0,8}z", shape()), 0..6)
        .prop_map(|all| all.into_iter().map(|(code, shape)| (code.trim().to_owned(), shape)).collect())
}

fn json_of((code, shape): &Feature) -> serde_json::Value {
    json!({"type": "Feature", "properties": {"code": code}, "geometry": to_value(shape)})
}

/// The same features with the numbers that the JSON library reads back, which may differ in the last bit
/// unless it is built to read floats exactly.
fn as_json_reads(all: &[Feature]) -> Vec<Feature> {
    let exact = |number: f64| serde_json::from_str(&json!(number).to_string()).unwrap();
    let mut all = all.to_vec();
    for (_, shape) in &mut all {
        shape.map_coords_in_place(|c| Coord { x: exact(c.x), y: exact(c.y) });
    }
    all
}

fn read_back(text: String, format: Format, sizes: Vec<usize>) -> Vec<Feature> {
    let source = Source::of(Chunks { inner: Cursor::new(text.into_bytes()), sizes, turn: 0 }, None);
    Reader::new(source, Some(format), &options())
        .unwrap()
        .map(|next| {
            let record = next.unwrap();
            let code = match record.fields.get("code") {
                Some(Value::Text(text) | Value::Cell(text)) => text.clone(),
                other => panic!("{other:?}"),
            };
            (code, record.geometry.unwrap())
        })
        .collect()
}

proptest! {
    #[test]
    fn collections(all in features(), sizes in prop::collection::vec(1_usize..200, 1..5), pretty: bool) {
        let features: Vec<_> = all.iter().map(json_of).collect();
        let document = json!({"type": "FeatureCollection", "features": features, "name": "x"});
        let text = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
        prop_assert_eq!(read_back(text, Format::GeoJson, sizes), as_json_reads(&all));
    }

    #[test]
    fn lines_and_sequences(
        // A file with nothing in it is refused as empty.
        all in features().prop_filter("empty", |all| !all.is_empty()),
        sizes in prop::collection::vec(1_usize..200, 1..5), separated: bool) {
        let mark = if separated { "\u{1e}" } else { "" };
        let lines: Vec<_> = all.iter().map(|feature| format!("{mark}{}\n", json_of(feature))).collect();
        let text = lines.concat();
        prop_assert_eq!(read_back(text, Format::GeoJsonLines, sizes), as_json_reads(&all));
    }

    #[test]
    fn tables_of_well_known_text(
        all in features(),
        sizes in prop::collection::vec(1_usize..200, 1..5),
        delimiter in prop::sample::select(b",;\t|".to_vec()),
    ) {
        let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["code", "wkt"]).unwrap();
        for (code, shape) in &all {
            writer.write_record([code, &shape.wkt_string()]).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        prop_assert_eq!(read_back(text, Format::Csv, sizes), all);
    }
}
