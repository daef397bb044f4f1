//! Shapes in rows: EWKB, written by the `postgis` crate and read by `ewkb`, behind one small type.

use std::io::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use postgis::ewkb::{self as written, AsEwkbGeometry, EwkbWrite};

use super::{ewkb, schema::sql_types};
use crate::geometry::{Coord, Epsg, Geometry, LineString, Polygon};

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

type Ewkb = written::GeometryT<written::Point>;

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
        let (geometry, srid) = ewkb::read(value.as_bytes())?;
        Ok(Self { geometry, srid: Epsg(srid.unwrap_or(0)) })
    }
}

fn to_ewkb(geometry: &Geometry<f64>, srid: i32) -> Result<Ewkb, &'static str> {
    let srid = Some(srid);
    Ok(match geometry {
        Geometry::Point(p) => Ewkb::Point(point(p.0, srid)),
        Geometry::MultiPoint(m) => {
            Ewkb::MultiPoint(written::MultiPointT { points: m.0.iter().map(|p| point(p.0, srid)).collect(), srid })
        }
        Geometry::LineString(l) => Ewkb::LineString(line(l, srid)),
        Geometry::MultiLineString(m) => Ewkb::MultiLineString(written::MultiLineStringT {
            lines: m.0.iter().map(|l| line(l, srid)).collect(),
            srid,
        }),
        Geometry::Polygon(p) => Ewkb::Polygon(polygon(p, srid)),
        Geometry::MultiPolygon(m) => Ewkb::MultiPolygon(written::MultiPolygonT {
            polygons: m.0.iter().map(|p| polygon(p, srid)).collect(),
            srid,
        }),
        _ => return Err("a shape of this type is never stored"),
    })
}

fn point(c: Coord<f64>, srid: Option<i32>) -> written::Point {
    written::Point::new(c.x, c.y, srid)
}

fn line(l: &LineString<f64>, srid: Option<i32>) -> written::LineStringT<written::Point> {
    written::LineStringT { points: l.0.iter().map(|c| point(*c, srid)).collect(), srid }
}

fn polygon(p: &Polygon<f64>, srid: Option<i32>) -> written::PolygonT<written::Point> {
    let rings = std::iter::once(p.exterior()).chain(p.interiors()).map(|r| line(r, srid)).collect();
    written::PolygonT { rings, srid }
}
