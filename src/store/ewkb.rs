//! Shapes as EWKB (PostGIS, `doc/ZMSgeoms.txt`; OGC 06-103r4, 8.2): read straight into ours, written by the `postgis` crate.
//! Bytes that are no shape are an error, however they lie; nothing is allocated that they do not hold.

use geo_types::MultiPoint;
use postgis::ewkb::{self as written, AsEwkbGeometry, EwkbWrite};

use crate::geometry::{Coord, Geometry, LineString, MultiLineString, MultiPolygon, Point, Polygon};

/// The type word says that an SRID follows.
const HAS_SRID: u32 = 0x2000_0000;
/// The type word without what PostGIS adds to it; what is left of a third or fourth ordinate makes it unknown.
const TYPE: u32 = !HAS_SRID;

/// A position: two ordinates of eight bytes.
const POSITION: usize = 16;
/// The least that a member takes: byte order, type, and a count or a position.
const MEMBER_MIN: usize = 9;

type Read<T> = Result<T, &'static str>;

/// The shape in `bytes`, and its SRID.
///
/// # Errors
/// What is wrong with the bytes.
pub fn read(bytes: &[u8]) -> Read<(Geometry<f64>, Option<u32>)> {
    let mut reader = Reader { rest: bytes, little: true };
    let shape = reader.shape(true)?;
    if reader.rest.is_empty() { Ok(shape) } else { Err("a shape with something after its end") }
}

struct Reader<'a> {
    rest: &'a [u8],
    little: bool,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or("a shape cut short")?;
        self.rest = rest;
        Ok(*taken)
    }

    fn word(&mut self) -> Read<u32> {
        let bytes = self.take()?;
        Ok(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn ordinate(&mut self) -> Read<f64> {
        let bytes = self.take()?;
        Ok(if self.little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) })
    }

    fn position(&mut self) -> Read<Coord<f64>> {
        Ok(Coord { x: self.ordinate()?, y: self.ordinate()? })
    }

    /// How many things of at least `size` bytes follow.
    fn count(&mut self, size: usize) -> Read<usize> {
        let count = self.word()? as usize;
        if count > self.rest.len() / size { Err("a shape cut short") } else { Ok(count) }
    }

    fn line(&mut self) -> Read<LineString<f64>> {
        let count = self.count(POSITION)?;
        (0..count).map(|_| self.position()).collect()
    }

    fn polygon(&mut self) -> Read<Polygon<f64>> {
        let count = self.count(size_of::<u32>())?;
        let mut rings = (0..count).map(|_| self.line()).collect::<Read<Vec<_>>>()?.into_iter();
        let exterior = rings.next().unwrap_or_else(|| LineString(Vec::new()));
        Ok(Polygon::new(exterior, rings.collect()))
    }

    /// The members of a Multi, each a shape of its own.
    fn members<T>(&mut self, one: impl Fn(Geometry<f64>) -> Option<T>) -> Read<Vec<T>> {
        let count = self.count(MEMBER_MIN)?;
        let member = |_| one(self.shape(false)?.0).ok_or("a member of another type than its whole");
        (0..count).map(member).collect()
    }

    fn shape(&mut self, whole: bool) -> Read<(Geometry<f64>, Option<u32>)> {
        let [order] = self.take()?;
        self.little = match order {
            0 => false,
            1 => true,
            _ => return Err("a shape of an unknown byte order"),
        };
        let word = self.word()?;
        let srid = if word & HAS_SRID == 0 { None } else { Some(self.word()?) };
        let shape = match word & TYPE {
            1 => Geometry::Point(Point(self.position()?)),
            2 => Geometry::LineString(self.line()?),
            3 => Geometry::Polygon(self.polygon()?),
            // The members of a member are never looked for, so bytes cannot make this go deep.
            4 if whole => Geometry::MultiPoint(MultiPoint(self.members(|g| g.try_into().ok())?)),
            5 if whole => Geometry::MultiLineString(MultiLineString(self.members(|g| g.try_into().ok())?)),
            6 if whole => Geometry::MultiPolygon(MultiPolygon(self.members(|g| g.try_into().ok())?)),
            _ => return Err("a shape of a type that is never stored"),
        };
        Ok((shape, srid))
    }
}

type Ewkb = written::GeometryT<written::Point>;

/// The bytes of a shape with its SRID.
///
/// # Errors
/// What is never stored, a collection, is not written either.
pub fn write(geometry: &Geometry<f64>, srid: i32) -> Result<Vec<u8>, &'static str> {
    let srid = Some(srid);
    let shape = match geometry {
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
    };
    let mut bytes = Vec::with_capacity(64);
    shape.as_ewkb().write_ewkb(&mut bytes).map_err(|_| "a shape that cannot be written")?;
    Ok(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, y: f64) -> Vec<u8> {
        let mut bytes = vec![1, 1, 0, 0, 0x20, 0x02, 0x24, 0, 0];
        bytes.extend(x.to_le_bytes());
        bytes.extend(y.to_le_bytes());
        bytes
    }

    #[test]
    fn reads_a_point_of_either_byte_order() {
        let expect = (Geometry::Point((1.5, -2.0).into()), Some(0x2402));
        assert_eq!(read(&point(1.5, -2.0)), Ok(expect.clone()));
        let mut big = vec![0, 0x20, 0, 0, 1, 0, 0, 0x24, 0x02];
        big.extend(1.5_f64.to_be_bytes());
        big.extend((-2.0_f64).to_be_bytes());
        assert_eq!(read(&big), Ok(expect));
    }

    #[test]
    fn reads_a_hole_and_a_multi() {
        let mut bytes = vec![1, 3, 0, 0, 0, 2, 0, 0, 0];
        for ring in [[0.0, 9.0, 9.0], [1.0, 2.0, 2.0]] {
            bytes.extend(4_u32.to_le_bytes());
            for (x, y) in [(ring[0], ring[0]), (ring[1], ring[0]), (ring[2], ring[2]), (ring[0], ring[0])] {
                bytes.extend(f64::to_le_bytes(x));
                bytes.extend(f64::to_le_bytes(y));
            }
        }
        let Ok((Geometry::Polygon(p), None)) = read(&bytes) else { panic!("{:?}", read(&bytes)) };
        assert_eq!((p.exterior().0.len(), p.interiors().len()), (4, 1));
        let mut multi = vec![1, 4, 0, 0, 0, 1, 0, 0, 0];
        multi.extend(point(3.0, 4.0));
        assert_eq!(read(&multi), Ok((Geometry::MultiPoint(vec![(3.0, 4.0)].into()), None)));
        multi[1] = 5;
        assert_eq!(read(&multi), Err("a member of another type than its whole"));
    }

    #[test]
    fn bytes_that_are_no_shape_are_an_error() {
        let whole = point(1.0, 2.0);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Err("a shape cut short"), "{end} bytes");
        }
        let table: &[(&[u8], &str)] = &[
            (&[1, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], "a shape cut short"),
            (&[1, 6, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f], "a shape cut short"),
            (&[2, 1, 0, 0, 0], "a shape of an unknown byte order"),
            (&[1, 7, 0, 0, 0, 0, 0, 0, 0], "a shape of a type that is never stored"),
            (&[1, 1, 0, 0, 0x80, 0, 0, 0, 0], "a shape of a type that is never stored"),
            (&[1, 4, 0, 0, 0, 1, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0], "a shape of a type that is never stored"),
            (&[1, 2, 0, 0, 0, 0, 0, 0, 0, 7], "a shape with something after its end"),
        ];
        for (bytes, expect) in table {
            assert_eq!(read(bytes), Err(*expect), "{bytes:?}");
        }
    }
}
