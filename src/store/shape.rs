//! Shapes in rows: EWKB (see [`ewkb`]) behind one small type.

use std::io::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};

use super::{ewkb, schema::sql_types};
use crate::geometry::{Epsg, Geometry};

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

impl ToSql<sql_types::Geometry, Pg> for Shape {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&ewkb::write(&self.geometry, i32::try_from(self.srid.0)?)?)?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql_types::Geometry, Pg> for Shape {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let (geometry, srid) = ewkb::read(value.as_bytes())?;
        Ok(Self { geometry, srid: Epsg(srid.unwrap_or(0)) })
    }
}
