//! Shapes in rows: EWKB through the `postgis` crate, behind one small type.

use std::io::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use postgis::ewkb::{self, AsEwkbGeometry, EwkbRead, EwkbWrite};

use super::schema::sql_types;
use crate::geometry::{Coord, Epsg, Geometry, LineString, MultiLineString, MultiPolygon, Point, Polygon};
use geo_types::MultiPoint;

/// A shape with its SRID, as a `geometry` column holds it.
#[derive(Debug, Clone, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql_types::Geometry)]
pub struct Shape {
    /// The coordinates.
    pub geometry: Geometry<f64>,
    /// Their system.
    pub srid: Epsg,
}

impl Shape {
    /// A shape of the system `srid`.
    #[must_use]
    pub fn new(geometry: Geometry<f64>, srid: Epsg) -> Self {
        Self { geometry, srid }
    }
}

type Ewkb = ewkb::GeometryT<ewkb::Point>;

impl ToSql<sql_types::Geometry, Pg> for Shape {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let srid = i32::try_from(self.srid.0)?;
        let mut bytes = Vec::with_capacity(64);
        to_ewkb(&self.geometry, srid)?.as_ewkb().write_ewkb(&mut bytes)?;
        out.write_all(&bytes)?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql_types::Geometry, Pg> for Shape {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let read = Ewkb::read_ewkb(&mut value.as_bytes())?;
        let (geometry, srid) = from_ewkb(&read)?;
        Ok(Self { geometry, srid: Epsg(u32::try_from(srid.unwrap_or(0))?) })
    }
}

fn to_ewkb(geometry: &Geometry<f64>, srid: i32) -> Result<Ewkb, &'static str> {
    let srid = Some(srid);
    Ok(match geometry {
        Geometry::Point(p) => Ewkb::Point(point(p.0, srid)),
        Geometry::MultiPoint(m) => {
            Ewkb::MultiPoint(ewkb::MultiPointT { points: m.0.iter().map(|p| point(p.0, srid)).collect(), srid })
        }
        Geometry::LineString(l) => Ewkb::LineString(line(l, srid)),
        Geometry::MultiLineString(m) => {
            Ewkb::MultiLineString(ewkb::MultiLineStringT { lines: m.0.iter().map(|l| line(l, srid)).collect(), srid })
        }
        Geometry::Polygon(p) => Ewkb::Polygon(polygon(p, srid)),
        Geometry::MultiPolygon(m) => {
            Ewkb::MultiPolygon(ewkb::MultiPolygonT { polygons: m.0.iter().map(|p| polygon(p, srid)).collect(), srid })
        }
        _ => return Err("a shape of this type is never stored"),
    })
}

fn point(c: Coord<f64>, srid: Option<i32>) -> ewkb::Point {
    ewkb::Point::new(c.x, c.y, srid)
}

fn line(l: &LineString<f64>, srid: Option<i32>) -> ewkb::LineStringT<ewkb::Point> {
    ewkb::LineStringT { points: l.0.iter().map(|c| point(*c, srid)).collect(), srid }
}

fn polygon(p: &Polygon<f64>, srid: Option<i32>) -> ewkb::PolygonT<ewkb::Point> {
    let rings = std::iter::once(p.exterior()).chain(p.interiors()).map(|r| line(r, srid)).collect();
    ewkb::PolygonT { rings, srid }
}

fn from_ewkb(read: &Ewkb) -> Result<(Geometry<f64>, Option<i32>), &'static str> {
    Ok(match read {
        Ewkb::Point(p) => (Geometry::Point(Point(coord(p))), p.srid),
        Ewkb::MultiPoint(m) => {
            (Geometry::MultiPoint(MultiPoint(m.points.iter().map(|p| Point(coord(p))).collect())), m.srid)
        }
        Ewkb::LineString(l) => (Geometry::LineString(to_line(l)), l.srid),
        Ewkb::MultiLineString(m) => {
            (Geometry::MultiLineString(MultiLineString(m.lines.iter().map(to_line).collect())), m.srid)
        }
        Ewkb::Polygon(p) => (Geometry::Polygon(to_polygon(p)), p.srid),
        Ewkb::MultiPolygon(m) => {
            (Geometry::MultiPolygon(MultiPolygon(m.polygons.iter().map(to_polygon).collect())), m.srid)
        }
        Ewkb::GeometryCollection(_) => return Err("a geometry collection is never stored"),
    })
}

fn coord(p: &ewkb::Point) -> Coord<f64> {
    Coord { x: postgis::Point::x(p), y: postgis::Point::y(p) }
}

fn to_line(l: &ewkb::LineStringT<ewkb::Point>) -> LineString<f64> {
    LineString(l.points.iter().map(coord).collect())
}

fn to_polygon(p: &ewkb::PolygonT<ewkb::Point>) -> Polygon<f64> {
    let mut rings = p.rings.iter().map(to_line);
    let exterior = rings.next().unwrap_or_else(|| LineString(vec![]));
    Polygon::new(exterior, rings.collect())
}
