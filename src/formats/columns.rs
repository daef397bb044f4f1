//! Which columns of a table hold the place, and the numbers in them.

use geo::MapCoordsInPlace;

use super::options::Pair;
use super::{Axes, ReadError, ReadOptions};
use crate::geometry::encoding::{Undecodable, wkt};
use crate::geometry::{Coord, Geometry, Point, Problem};

/// What a column says about the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Longitude in degrees: to the east, whatever the order of the axes.
    Longitude,
    /// Latitude in degrees: to the north.
    Latitude,
    /// Easting in metres.
    Easting,
    /// Northing in metres.
    Northing,
    /// The first coordinate: to the east, or to the north where the options say so.
    X,
    /// The second coordinate.
    Y,
    /// Well-known text.
    Wkt,
}

/// Names of columns that hold the place, in lower case, and what they hold.
const ROLES: [(&str, Role); 15] = [
    ("lon", Role::Longitude),
    ("lng", Role::Longitude),
    ("long", Role::Longitude),
    ("longitude", Role::Longitude),
    ("lat", Role::Latitude),
    ("latitude", Role::Latitude),
    ("easting", Role::Easting),
    ("northing", Role::Northing),
    ("x", Role::X),
    ("y", Role::Y),
    ("wkt", Role::Wkt),
    ("geom", Role::Wkt),
    ("geometry", Role::Wkt),
    ("the_geom", Role::Wkt),
    ("wkt_geom", Role::Wkt),
];

fn role_of(name: &str) -> Option<Role> {
    ROLES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, role)| *role)
}

/// A column by its index, with what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Column {
    index: usize,
    role: Role,
}

/// The columns that hold the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A number to the east and one to the north.
    Pair(Column, Column),
    /// A shape in well-known text.
    Text(usize),
}

/// Reads places out of rows.
pub(super) struct Places {
    shape: Shape,
    /// The names of the columns, as in the header.
    header: Vec<String>,
    options: ReadOptions,
}

impl Places {
    /// Splits the mappings of places from those of fields.
    pub(super) fn split(options: &ReadOptions) -> (Vec<Pair>, Vec<Pair>) {
        let is_place = |field: &str| role_of(field).is_some() && !options.fields_known.contains(&field);
        options.map.iter().cloned().partition(|(field, _)| is_place(field))
    }

    /// Finds the columns in `header`; `map` names some of them.
    pub(super) fn find(header: &[String], map: &[Pair], options: &ReadOptions) -> Result<Self, ReadError> {
        let mut mapped = Vec::new();
        for (name, column) in map {
            let index = index_of(header, column)?;
            // `split` lets only names with a role through.
            mapped.extend(role_of(name).map(|role| Column { index, role }));
        }
        let named: Vec<Column> = header
            .iter()
            .enumerate()
            .filter_map(|(index, name)| role_of(name).map(|role| Column { index, role }))
            .collect();
        let shape = choose(&mapped, &named, options.axes).map_err(|why| {
            let header = header.iter().map(|name| format!("«{name}»")).collect::<Vec<_>>().join(", ");
            ReadError::refused(format!(
                "{why}; map lon and lat, x and y, or wkt to one column each; the header is: {header}"
            ))
        })?;
        Ok(Self { shape, header: header.to_vec(), options: options.clone() })
    }

    /// The indexes of the columns.
    pub(super) fn indexes(&self) -> Vec<usize> {
        match self.shape {
            Shape::Pair(east, north) => vec![east.index, north.index],
            Shape::Text(index) => vec![index],
        }
    }

    /// The shape of the row whose trimmed cells `cell` gives.
    pub(super) fn shape<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Result<Geometry<f64>, Vec<Problem>> {
        match self.shape {
            Shape::Text(index) => {
                self.text(cell(index)).map_err(|all| all.into_iter().map(|p| p.under(&self.pointer(index))).collect())
            }
            Shape::Pair(east, north) => {
                let read = |column: Column| {
                    number(cell(column.index), matches!(column.role, Role::Longitude | Role::Latitude))
                        .map_err(|why| Problem::new(self.pointer(column.index), why))
                };
                match (read(east), read(north)) {
                    (Ok(x), Ok(y)) => Ok(Geometry::Point(Point::new(x, y))),
                    (east, north) => Err([east.err(), north.err()].into_iter().flatten().collect()),
                }
            }
        }
    }

    fn text(&self, cell: &str) -> Result<Geometry<f64>, Vec<Problem>> {
        let refused = |detail: String| Err(vec![Problem::new("", detail)]);
        if cell.is_empty() {
            return refused("is empty: a row without a shape stands nowhere".to_owned());
        }
        let read = wkt::geometry(cell, self.options.vertices_max).map_err(Undecodable::into_problems)?;
        if let Some(srid) = read.srid.filter(|srid| *srid != self.options.crs) {
            return refused(format!(
                "says SRID={}, but the file is read as {}; say which is right with --crs",
                srid.0, self.options.crs
            ));
        }
        let mut shape = read.geometry;
        if self.options.axes == Axes::NorthEast {
            shape.map_coords_in_place(|c| Coord { x: c.y, y: c.x });
        }
        Ok(shape)
    }

    fn pointer(&self, index: usize) -> String {
        pointer(self.header.get(index).map_or("", String::as_str))
    }
}

/// The pointer to a column.
pub(super) fn pointer(column: &str) -> String {
    format!("/{}", column.replace('~', "~0").replace('/', "~1"))
}

/// The index of the one column of that name.
pub(super) fn index_of(header: &[String], column: &str) -> Result<usize, ReadError> {
    let mut found = header.iter().enumerate().filter(|(_, name)| *name == column).map(|(index, _)| index);
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (Some(_), Some(_)) => Err(ReadError::refused(format!("the header names the column «{column}» twice"))),
        (None, _) => {
            let header = header.iter().map(|name| format!("«{name}»")).collect::<Vec<_>>().join(", ");
            Err(ReadError::refused(format!("there is no column «{column}» to map; the header is: {header}")))
        }
    }
}

/// Chooses the columns of the place: what is mapped, else what is named. The sentence says why it cannot.
fn choose(mapped: &[Column], named: &[Column], axes: Axes) -> Result<Shape, String> {
    let is_text = |column: &Column| column.role == Role::Wkt;
    let is_east = |column: &Column| match column.role {
        Role::Longitude | Role::Easting => true,
        Role::X => axes == Axes::EastNorth,
        Role::Y => axes == Axes::NorthEast,
        Role::Latitude | Role::Northing | Role::Wkt => false,
    };
    // What is mapped decides which of the two it is; without a mapping the names must agree.
    let deciding = if mapped.is_empty() { named } else { mapped };
    match deciding.iter().filter(|column| is_text(column)).count() {
        0 if deciding.is_empty() => Err("no column is known to hold the place".to_owned()),
        0 => Ok(Shape::Pair(
            pick(mapped, named, is_east, "longitude or easting")?,
            pick(mapped, named, |column| !is_text(column) && !is_east(column), "latitude or northing")?,
        )),
        texts if texts < deciding.len() => Err("both well-known text and coordinates could hold the place".to_owned()),
        _ => Ok(Shape::Text(pick(mapped, named, is_text, "the shape")?.index)),
    }
}

/// The one column that `is` accepts, among those `mapped` if there is one, else among those `named`.
fn pick(mapped: &[Column], named: &[Column], is: impl Fn(&Column) -> bool, what: &str) -> Result<Column, String> {
    let among = |all: &[Column]| all.iter().filter(|column| is(column)).copied().collect::<Vec<_>>();
    let chosen = among(mapped);
    match (if chosen.is_empty() { among(named) } else { chosen })[..] {
        [one] => Ok(one),
        [] => Err(format!("no column is known to hold {what}")),
        ref several => Err(format!("{} columns could hold {what}", several.len())),
    }
}

/// The number in a trimmed cell. A decimal comma is taken where it cannot be one between thousands: always
/// `in_degrees`, where no number has thousands.
fn number(cell: &str, in_degrees: bool) -> Result<f64, String> {
    if cell.is_empty() {
        return Err("is empty; a number belongs here".to_owned());
    }
    let refused = || format!("«{}» is not a number", cell.chars().take(40).collect::<String>());
    // Rust also reads "inf" and "nan", which are no places.
    if !cell.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b',' | b'e' | b'E')) {
        return Err(refused());
    }
    let number = match cell.split_once(',') {
        None => cell.parse(),
        Some((whole, fraction)) => {
            let digits = whole.trim_start_matches(['+', '-']);
            let plain = !digits.is_empty()
                && !fraction.is_empty()
                && [digits, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            if !plain {
                return Err(refused());
            }
            let could_be_thousands = fraction.len() == 3 && digits.len() <= 3 && !digits.starts_with('0');
            if could_be_thousands && !in_degrees {
                return Err(format!(
                    "«{cell}» could be {whole}.{fraction} or {whole}{fraction}: write a decimal point"
                ));
            }
            format!("{whole}.{fraction}").parse()
        }
    };
    number.ok().filter(|number: &f64| number.is_finite()).ok_or_else(refused)
}
