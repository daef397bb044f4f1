//! Well-known text (OGC 06-103r4, and PostGIS's `SRID=…;` before it) to shapes.
//!
//! Reads one text. Which system an SRID means for the file it came from is the caller's to say.

use geo_types::{Coord, Geometry, LineString, Point, Polygon};
use wkt::Wkt;
use wkt::types::{Coord as WktCoord, LineString as WktLine, Polygon as WktPolygon};

use super::{Collector, Undecodable, line_fault, ring_end_fault, ring_length_fault};
use crate::geometry::{Epsg, Problem};

/// The words that may start a text.
const KINDS: &str = "POINT, MULTIPOINT, LINESTRING, MULTILINESTRING, POLYGON, MULTIPOLYGON";

/// A shape and the SRID that stood before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The code of `SRID=…;`, if it was written.
    pub srid: Option<Epsg>,
    /// The shape; heights and measures are dropped.
    pub geometry: Geometry<f64>,
}

/// Reads `text`.
///
/// # Errors
/// Every problem (their pointers are empty: the text has no inner places, the sentences name the part),
/// or the count when there are more than `vertices_max` vertices.
pub fn geometry(text: &str, vertices_max: usize) -> Result<Read, Undecodable> {
    let (srid, body) = split_srid(text.trim())?;
    check_outline(body)?;
    let tagged = tag_dimension(body);
    let parsed: Wkt<f64> = tagged.as_deref().unwrap_or(body).parse().map_err(|why: &str| {
        // The brackets were looked at already, so what the parser misses is something before one.
        let why = if why.contains("closing parenthesis") {
            "a position is not two numbers, or as many as Z and M ask"
        } else {
            why
        };
        Undecodable::whole(format!("is not well-known text: {why}"))
    })?;
    let found = vertices(&parsed);
    if found > vertices_max {
        return Err(Undecodable::TooManyVertices { found, limit: vertices_max });
    }
    let mut reader = Reader::default();
    let geometry = reader.shape(parsed);
    match (geometry, reader.problems.finish()) {
        (Some(geometry), problems) if problems.is_empty() => Ok(Read { srid, geometry }),
        (_, problems) => Err(Undecodable::Problems(problems)),
    }
}

/// The SRID before the first semicolon, and the rest.
fn split_srid(text: &str) -> Result<(Option<Epsg>, &str), Undecodable> {
    if text.get(..5).is_none_or(|start| !start.eq_ignore_ascii_case("SRID=")) {
        return Ok((None, text));
    }
    let bad = |what: &str| {
        Undecodable::whole(format!("starts with SRID= {what}; \"SRID=4326;POINT (108 12)\" would be right"))
    };
    let (code, body) = text[5..].split_once(';').ok_or_else(|| bad("but has no semicolon"))?;
    let code = code.trim().parse().map_err(|_| bad("but no code follows"))?;
    Ok((Some(Epsg(code)), body.trim_start()))
}

/// Refuses what the parser would overlook (text after the end) or must not see: nested collections are
/// parsed by recursion, so a hostile cell could exhaust the stack.
fn check_outline(body: &str) -> Result<(), Undecodable> {
    let word: String = body.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase();
    if word.is_empty() {
        return Err(Undecodable::whole(format!("is not well-known text; it starts with one of {KINDS}")));
    }
    if word.starts_with("GEOMETRYCOLLECTION") {
        return Err(Undecodable::whole("is GEOMETRYCOLLECTION, which is not taken: send its parts one by one"));
    }
    let base = word.trim_end_matches(['Z', 'M']);
    if !KINDS.split(", ").any(|kind| kind == base) {
        return Err(Undecodable::whole(format!("starts with {word:?}; one of {KINDS} belongs there")));
    }
    let mut depth = 0_i64;
    let mut ended = false;
    for byte in body.bytes() {
        match byte {
            _ if ended && !byte.is_ascii_whitespace() => {
                return Err(Undecodable::whole("goes on after its last bracket"));
            }
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                ended = depth <= 0;
            }
            _ => {}
        }
    }
    match depth {
        0 => Ok(()),
        1.. => Err(Undecodable::whole("ends before its last bracket is closed")),
        _ => Err(Undecodable::whole("closes a bracket that was never opened")),
    }
}

/// PostGIS writes three numbers a position without saying `Z`; the parser wants it said. `None` where
/// nothing needs to be added.
fn tag_dimension(body: &str) -> Option<String> {
    let word_end = body.find(|c: char| !c.is_ascii_alphabetic())?;
    let first_bracket = body.find('(')?;
    if word_end > first_bracket || !body[word_end..first_bracket].trim().is_empty() {
        return None;
    }
    let word = &body[..word_end];
    if word.ends_with(['Z', 'z', 'M', 'm']) {
        return None;
    }
    let start = first_bracket + body[first_bracket..].find(|c: char| c != '(' && !c.is_whitespace())?;
    let end = start + body[start..].find([',', ')'])?;
    let tag = match body[start..end].split_whitespace().count() {
        3 => "Z",
        4 => "ZM",
        _ => return None,
    };
    Some(format!("{word} {tag} {}", &body[first_bracket..]))
}

/// Vertices of a parsed text.
fn vertices(parsed: &Wkt<f64>) -> usize {
    let line = |line: &WktLine<f64>| line.coords().len();
    let polygon = |polygon: &WktPolygon<f64>| polygon.rings().iter().map(line).sum::<usize>();
    match parsed {
        Wkt::Point(_) => 1,
        Wkt::MultiPoint(all) => all.points().len(),
        Wkt::LineString(one) => line(one),
        Wkt::MultiLineString(all) => all.line_strings().iter().map(line).sum(),
        Wkt::Polygon(one) => polygon(one),
        Wkt::MultiPolygon(all) => all.polygons().iter().map(polygon).sum(),
        Wkt::GeometryCollection(_) => 0,
    }
}

/// Turns parsed text into shapes and remembers all that is wrong.
#[derive(Default)]
struct Reader {
    problems: Collector,
}

impl Reader {
    fn refuse<T>(&mut self, part: &str, detail: &str) -> Option<T> {
        let gap = if part.is_empty() { "" } else { ": " };
        self.problems.push(|| Problem::new("", format!("{part}{gap}{detail}")));
        None
    }

    fn shape(&mut self, parsed: Wkt<f64>) -> Option<Geometry<f64>> {
        match parsed {
            Wkt::Point(one) => self.point(one.coord(), "").map(|c| Geometry::Point(Point(c))),
            Wkt::MultiPoint(all) => self
                .list(all.points(), "point", |reader, one, part| reader.point(one.coord(), part))
                .map(|all| Geometry::MultiPoint(all.into_iter().map(Point).collect())),
            Wkt::LineString(one) => self.line(&one, "").map(Geometry::LineString),
            Wkt::MultiLineString(all) => self
                .list(all.line_strings(), "line", Self::line)
                .map(|all| Geometry::MultiLineString(all.into_iter().collect())),
            Wkt::Polygon(one) => self.polygon(&one, "").map(Geometry::Polygon),
            Wkt::MultiPolygon(all) => self
                .list(all.polygons(), "polygon", Self::polygon)
                .map(|all| Geometry::MultiPolygon(all.into_iter().collect())),
            Wkt::GeometryCollection(_) => self.refuse("", "is GEOMETRYCOLLECTION, which is not taken"),
        }
    }

    fn list<I, T>(
        &mut self,
        items: &[I],
        noun: &str,
        read: impl Fn(&mut Self, &I, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        if items.is_empty() {
            return self.refuse("", "is EMPTY: an empty geometry stands nowhere");
        }
        let mut all = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            all.extend(read(self, item, &format!("{noun} {}", index + 1)));
        }
        (all.len() == items.len()).then_some(all)
    }

    fn polygon(&mut self, one: &WktPolygon<f64>, part: &str) -> Option<Polygon<f64>> {
        if one.rings().is_empty() {
            return self.refuse(part, "is EMPTY: an empty geometry stands nowhere");
        }
        let within = if part.is_empty() { String::new() } else { format!("{part}, ") };
        let mut rings = self
            .list(one.rings(), "ring", |reader, ring, name| reader.ring(ring, &format!("{within}{name}")))?
            .into_iter();
        let exterior = rings.next()?;
        Some(Polygon::new(exterior, rings.collect()))
    }

    fn ring(&mut self, one: &WktLine<f64>, part: &str) -> Option<LineString<f64>> {
        let coords = self.coords(one.coords(), part);
        let too_short = ring_length_fault(one.coords().len());
        let ends = coords.as_ref().and_then(|all| ring_end_fault(*all.first()?, *all.last()?));
        let sound = too_short.is_none() && ends.is_none();
        for fault in [too_short, ends].into_iter().flatten() {
            self.refuse::<()>(part, &fault);
        }
        coords.filter(|_| sound).map(LineString)
    }

    fn line(&mut self, one: &WktLine<f64>, part: &str) -> Option<LineString<f64>> {
        if one.coords().is_empty() {
            return self.refuse(part, "is EMPTY: an empty geometry stands nowhere");
        }
        let coords = self.coords(one.coords(), part);
        match line_fault(one.coords().len()) {
            Some(fault) => self.refuse(part, &fault),
            None => coords.map(LineString),
        }
    }

    fn coords(&mut self, all: &[WktCoord<f64>], part: &str) -> Option<Vec<Coord<f64>>> {
        let read: Vec<_> = all.iter().filter_map(|one| self.point(Some(one), part)).collect();
        (read.len() == all.len()).then_some(read)
    }

    fn point(&mut self, one: Option<&WktCoord<f64>>, part: &str) -> Option<Coord<f64>> {
        match one {
            None => self.refuse(part, "is EMPTY: an empty geometry stands nowhere"),
            Some(c) if c.x.is_finite() && c.y.is_finite() => Some(Coord { x: c.x, y: c.y }),
            Some(c) => self.refuse(part, &format!("[{}, {}] is no place: a finite number belongs there", c.x, c.y)),
        }
    }
}

#[cfg(test)]
#[path = "wkt_tests.rs"]
mod tests;
