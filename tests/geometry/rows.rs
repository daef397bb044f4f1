//! Shapes in rows: every type comes back bit for bit, and is for PostGIS what it was here.

use clearway::geometry::{Epsg, Geometry};
use clearway::store::shape::Shape;
use geo::CoordsIter;
use wkt::{ToWkt, TryFromWkt};

use crate::postgis::{database, through_a_row};

#[test]
fn every_type_of_shape_passes_through_a_row_bit_for_bit() {
    let judge = database(&[9218]);
    // Numbers that are long in decimal, tiny, huge, negative zero, next to each other.
    let table = [
        "POINT(0.30000000000000004 -0)",
        "POINT(430000.12345678906 1340000.9876543211)",
        "POINT(5e-324 1.7976931348623157e308)",
        "MULTIPOINT((1 2),(0.1 0.2))",
        "LINESTRING(0 0,1 1,430000.1 1340000.2)",
        "MULTILINESTRING((0 0,0.1 0.1),(3.3 4.4,5.5 6.6,7.7 8.8))",
        "POLYGON((0 0,10 0,10 10.1,0 10,0 0))",
        "POLYGON((0 0,10 0,10 10,0 10,0 0),(1 1,1 2,2 2,1 1),(4 4,4 5,5 5,4 4))",
        "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((4 4,9 4,9 9,4 4),(6 5,7 5,7 6,6 5)))",
    ];
    for text in table {
        for srid in [Epsg(9218), Epsg::WGS84] {
            let shape = Shape::new(Geometry::<f64>::try_from_wkt_str(text).unwrap(), srid);
            let back = through_a_row(&judge, &shape, text);
            assert_eq!(back.shape, shape, "{text}");
            let bits = |s: &Shape| s.geometry.coords_iter().map(|c| (c.x.to_bits(), c.y.to_bits())).collect::<Vec<_>>();
            assert_eq!(bits(&back.shape), bits(&shape), "{text}");
            assert!(back.equal, "PostGIS reads other coordinates: {text}, {}", back.ewkt);
            assert!(back.ewkt.starts_with(&format!("SRID={};", srid.0)), "{}", back.ewkt);
            assert!(shape.geometry.wkt_string().len() > 5);
        }
    }
}

#[test]
fn a_collection_is_refused_rather_than_stored_wrong() {
    let collection = Geometry::GeometryCollection(vec![Geometry::Point((1.0, 2.0).into())].into());
    let judge = database(&[]);
    let query = diesel::sql_query("SELECT 1 WHERE $1 IS NOT NULL")
        .bind::<clearway::store::schema::sql_types::Geometry, _>(Shape::new(collection, Epsg::WGS84));
    let refused = diesel::RunQueryDsl::execute(query, &mut judge.connect());
    assert!(matches!(refused, Err(diesel::result::Error::SerializationError(_))), "{refused:?}");
}
