//! Shapes out of bytes, for the targets that do not read text.

use geo_types::MultiPoint;

use crate::geometry::{Coord, Geometry, LineString, MultiLineString, MultiPolygon, Point, Polygon};

/// Bytes as numbers and shapes; it ends with zeros.
pub struct Bytes<'a> {
    left: &'a [u8],
    scale: u8,
}

impl<'a> Bytes<'a> {
    /// The first byte says what the numbers are.
    pub fn new(data: &'a [u8]) -> Self {
        let mut bytes = Self { left: data, scale: 0 };
        bytes.scale = bytes.byte();
        bytes
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.left.split_first() else { return 0 };
        self.left = rest;
        *first
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// Whole metres round nothing; on the grid of the fixtures, sixteenths of a metre or a lattice with hairs; degrees
    /// round their jurisdiction; or any number there is.
    fn coord(&mut self) -> Coord<f64> {
        let small = |bytes: &mut Self| f64::from(bytes.byte() as i8);
        let large = |bytes: &mut Self| f64::from(i16::from_le_bytes(bytes.array()));
        let hairs = |bytes: &mut Self| small(bytes) * 1.1 + f64::from(bytes.byte()) * 1e-9;
        match self.scale % 5 {
            0 => Coord { x: small(self), y: small(self) },
            1 => Coord { x: 430_000.0 + large(self) / 16.0, y: 1_340_000.0 + large(self) / 16.0 },
            2 => Coord { x: 430_000.0 + hairs(self), y: 1_340_000.0 + hairs(self) },
            3 => Coord { x: 107.7 + large(self) / 3e3, y: 12.2 + large(self) / 3e3 },
            _ => Coord { x: f64::from_le_bytes(self.array()), y: f64::from_le_bytes(self.array()) },
        }
    }

    pub fn line(&mut self) -> LineString<f64> {
        let size = self.byte() % 16;
        LineString((0..size).map(|_| self.coord()).collect())
    }

    fn polygon(&mut self) -> Polygon<f64> {
        let holes = self.byte() % 3;
        Polygon::new(self.line(), (0..holes).map(|_| self.line()).collect())
    }

    pub fn shape(&mut self) -> Geometry<f64> {
        let (kind, parts) = (self.byte() % 6, self.byte() % 4);
        match kind {
            0 => Geometry::Point(Point(self.coord())),
            1 => Geometry::MultiPoint(MultiPoint(self.line().0.into_iter().map(Point).collect())),
            2 => Geometry::LineString(self.line()),
            3 => Geometry::MultiLineString(MultiLineString((0..parts).map(|_| self.line()).collect())),
            4 => Geometry::Polygon(self.polygon()),
            _ => Geometry::MultiPolygon(MultiPolygon((0..parts).map(|_| self.polygon()).collect())),
        }
    }
}
