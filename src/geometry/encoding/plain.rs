//! GeoJSON of the plainest kind: text straight to shapes, without a tree of JSON values in between, which takes several
//! times as long.
//!
//! Nothing is refused here. Whatever is not plain is `None`, and whoever asked reads it as a tree with
//! [`geojson`](super::geojson), which says what is wrong with it. What is read here is read so there, too, number for
//! number; a property test compares them. The order of a geometry's members matters here: `type` comes first.

use geo_types::{Coord, Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};
use serde_json::Value;

use super::{line_fault, ring_end_fault, ring_length_fault};

/// How deep a value may nest: far from where a reader of whole documents gives up, and deeper than any property needs.
const DEPTH_MAX: usize = 16;

/// JSON text that is read from its beginning on.
#[derive(Debug, Clone)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// All of `text`.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// Only blanks are left.
    #[must_use]
    pub fn ends(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Reads an object that is not empty: `member` gets each name, once, and reads the value.
    pub fn members(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        loop {
            let name = self.name()?;
            self.take(b':')?;
            member(self, name)?;
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    /// Reads an array that is not empty: `item` reads each of its items.
    pub fn items(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        loop {
            item(self)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    /// Reads any value that is not nested deep.
    pub fn value(&mut self) -> Option<Value> {
        let mut values = serde_json::Deserializer::from_slice(self.0).into_iter();
        let value = values.next()?.ok().filter(|value| is_shallow(value, DEPTH_MAX))?;
        self.0 = &self.0[values.byte_offset()..];
        Some(value)
    }

    /// Reads a geometry object of `type` and `coordinates`.
    pub fn geometry(&mut self, vertices_max: usize) -> Option<Geometry<f64>> {
        let (mut kind, mut shape) = (None, None);
        self.members(|text, name| match (name, kind) {
            ("type", None) => {
                kind = Some(text.name()?);
                Some(())
            }
            ("coordinates", Some(kind)) if shape.is_none() => {
                shape = Some(text.coordinates(kind, &mut Room(vertices_max))?);
                Some(())
            }
            _ => None,
        })?;
        shape
    }

    fn coordinates(&mut self, kind: &str, room: &mut Room) -> Option<Geometry<f64>> {
        Some(match kind {
            "Point" => Geometry::Point(Point(self.position(room)?)),
            "MultiPoint" => Geometry::MultiPoint(MultiPoint(self.positions(room)?.0.into_iter().map(Point).collect())),
            "LineString" => Geometry::LineString(self.line(room)?),
            "MultiLineString" => Geometry::MultiLineString(MultiLineString(self.list(room, Self::line)?)),
            "Polygon" => Geometry::Polygon(self.polygon(room)?),
            "MultiPolygon" => Geometry::MultiPolygon(MultiPolygon(self.list(room, Self::polygon)?)),
            _ => return None,
        })
    }

    fn polygon(&mut self, room: &mut Room) -> Option<Polygon<f64>> {
        let mut rings = self.list(room, Self::ring)?.into_iter();
        let exterior = rings.next()?;
        Some(Polygon::new(exterior, rings.collect()))
    }

    fn ring(&mut self, room: &mut Room) -> Option<LineString<f64>> {
        let ring = self.positions(room)?;
        let closed = ring_end_fault(*ring.0.first()?, *ring.0.last()?).is_none();
        (closed && ring_length_fault(ring.0.len()).is_none()).then_some(ring)
    }

    fn line(&mut self, room: &mut Room) -> Option<LineString<f64>> {
        self.positions(room).filter(|line| line_fault(line.0.len()).is_none())
    }

    fn positions(&mut self, room: &mut Room) -> Option<LineString<f64>> {
        self.list(room, Self::position).map(LineString)
    }

    fn list<T>(&mut self, room: &mut Room, mut read: impl FnMut(&mut Self, &mut Room) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        self.items(|text| {
            all.push(read(text, room)?);
            Some(())
        })?;
        Some(all)
    }

    /// A position; what is behind its second number has to be numbers, too, and is dropped.
    fn position(&mut self, room: &mut Room) -> Option<Coord<f64>> {
        room.0 = room.0.checked_sub(1)?;
        self.take(b'[')?;
        let x = self.number()?;
        self.take(b',')?;
        let y = self.number()?;
        while self.take(b',').is_some() {
            self.number()?;
        }
        self.take(b']')?;
        Some(Coord { x, y })
    }

    /// A number as RFC 8259, section 6, writes it; the nearest one that there is.
    fn number(&mut self) -> Option<f64> {
        self.peek()?;
        let text = self.0;
        if let Some((number, length)) = decimal(text) {
            self.0 = &text[length..];
            return Some(number);
        }
        let digits_from = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let first = usize::from(text.first() == Some(&b'-'));
        let whole = digits_from(first);
        if whole == 0 || whole > 1 && text[first] == b'0' {
            return None;
        }
        let mut end = first + whole;
        if text.get(end) == Some(&b'.') {
            let fraction = digits_from(end + 1);
            end += 1 + fraction;
            (fraction > 0).then_some(())?;
        }
        if matches!(text.get(end), Some(b'e' | b'E')) {
            let signed = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits_from(end + 1 + signed);
            end += 1 + signed + exponent;
            (exponent > 0).then_some(())?;
        }
        let number: f64 = std::str::from_utf8(&text[..end]).ok()?.parse().ok()?;
        self.0 = &text[end..];
        number.is_finite().then_some(number)
    }

    /// A text in which nothing is escaped.
    fn name(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let length = self.0.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
        let (name, rest) = self.0.split_at(length);
        self.0 = rest;
        self.take(b'"')?;
        std::str::from_utf8(name).ok()
    }

    /// The first byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.0 {
            self.0 = rest;
        }
        self.0.first().copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.0 = &self.0[1..])
    }
}

/// Most digits of which every number is exact as an integer and as a floating point number: below 2^53.
const EXACT_DIGITS: usize = 15;

/// Powers of ten, all of them exact.
const TENS: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number of few digits without an exponent, and how long it is. One division of two exact numbers gives the nearest one
/// there is (Clinger, 1990), so a general reader would say the same.
#[allow(clippy::cast_precision_loss)] // it is exact
fn decimal(text: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(text.first() == Some(&b'-'));
    let (mut all, mut digits, mut point, mut at) = (0_u64, 0, None, sign);
    let ends = loop {
        match text.get(at) {
            Some(digit @ b'0'..=b'9') => {
                all = 10 * all + u64::from(digit - b'0');
                digits += 1;
                (digits <= EXACT_DIGITS).then_some(())?;
            }
            Some(b'.') if point.is_none() => point = Some(digits),
            other => break other.copied(),
        }
        at += 1;
    };
    let whole = point.unwrap_or(digits);
    let plain = whole > 0
        && !(whole > 1 && text[sign] == b'0')
        && point != Some(digits)
        && !matches!(ends, Some(b'e' | b'E' | b'.'));
    let number = all as f64 / TENS[digits - whole];
    plain.then_some((if sign == 1 { -number } else { number }, at))
}

/// How many positions a geometry may still have.
struct Room(usize);

fn is_shallow(value: &Value, depth: usize) -> bool {
    match (value, depth.checked_sub(1)) {
        (Value::Array(items), Some(left)) => items.iter().all(|item| is_shallow(item, left)),
        (Value::Object(members), Some(left)) => members.values().all(|member| is_shallow(member, left)),
        (_, left) => left.is_some(),
    }
}

#[cfg(test)]
#[path = "plain_tests.rs"]
mod tests;
