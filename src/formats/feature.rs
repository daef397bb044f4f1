//! One GeoJSON feature, cut out and still text, to a record.

use geo::MapCoordsInPlace;
use serde_json::{Map, Value as Json};

use super::mapping::Mapping;
use super::{Axes, CENTRELINE, GEOMETRY, Place, ReadError, ReadOptions, Record};
use crate::domain::fields::{Fields, Value};
use crate::geometry::encoding::geojson as decode;
use crate::geometry::{Coord, Epsg, Geometry, Problem};

/// Text that is not JSON.
pub(super) struct NotJson {
    pub(super) detail: String,
    /// It would have to go on.
    pub(super) breaks_off: bool,
}

/// Reads the JSON in `bytes`, which start at `offset` of the file.
pub(super) fn parse(bytes: &[u8], offset: u64) -> Result<Json, NotJson> {
    let text = std::str::from_utf8(bytes).map_err(|why| NotJson {
        detail: not_utf8(bytes, why.valid_up_to(), offset + why.valid_up_to() as u64),
        breaks_off: false,
    })?;
    serde_json::from_str(text).map_err(|why| {
        let in_lines = text.split_inclusive('\n').take(why.line().saturating_sub(1)).map(str::len).sum::<usize>();
        let at = offset + (in_lines + why.column().saturating_sub(1)) as u64;
        let sentence = why.to_string();
        let what = sentence.split(" at line ").next().unwrap_or_default();
        NotJson { detail: format!("is not JSON: {what} (byte {at} of the file)"), breaks_off: why.is_eof() }
    })
}

/// Makes records of features.
pub(super) struct Maker {
    pub(super) mapping: Mapping,
    axes: Axes,
    crs: Epsg,
    vertices_max: usize,
}

impl Maker {
    pub(super) fn new(options: &ReadOptions) -> Result<Self, ReadError> {
        let mapping = Mapping::new(options, &options.map)?;
        Ok(Self { mapping, axes: options.axes, crs: options.crs, vertices_max: options.vertices_max })
    }

    /// Makes a record of a feature, or of a geometry that stands alone.
    pub(super) fn record(&mut self, value: Json, place: Place) -> Result<Record, ReadError> {
        match value.get("type").and_then(Json::as_str) {
            Some("FeatureCollection") => {
                Err(ReadError::record(place, "/type", "is FeatureCollection; one Feature a line belongs here"))
            }
            Some(name) if name != "Feature" && value.get("geometry").is_none() => {
                let (fields, filled) = self.fields(Map::new());
                Ok(Record { place, fields, filled, geometry: self.shape(Some(value), ""), shape_at: GEOMETRY })
            }
            _ => self.feature(value, place),
        }
    }

    /// Makes a record of a feature.
    pub(super) fn feature(&mut self, value: Json, place: Place) -> Result<Record, ReadError> {
        let Json::Object(mut feature) = value else {
            let detail = format!("is {}; a Feature belongs here", decode::describe(&value));
            return Err(ReadError::record(place, "", detail));
        };
        let mut problems = Vec::new();
        match feature.get("type") {
            Some(Json::String(name)) if name == "Feature" => {}
            None => problems.push(Problem::new("/type", "is missing; \"Feature\" belongs here")),
            Some(other) => {
                let detail = format!("is {}; \"Feature\" belongs here", decode::describe(other));
                problems.push(Problem::new("/type", detail));
            }
        }
        if let Some(Err(problem)) = feature.get("crs").map(|crs| self.check_crs(crs)) {
            problems.push(problem.under("/crs"));
        }
        let mut centreline = None;
        let (fields, filled) = match feature.get_mut("properties").map(Json::take) {
            None | Some(Json::Null) => self.fields(Map::new()),
            Some(Json::Object(mut properties)) => {
                // The line a corridor was drawn by is its shape; the geometry beside it is derived.
                centreline = properties.remove("centreline").filter(|line| !line.is_null());
                self.fields(properties)
            }
            Some(other) => {
                let detail = format!("is {}; an object or null belongs here", decode::describe(&other));
                problems.push(Problem::new("/properties", detail));
                (Fields::default(), Vec::new())
            }
        };
        let (shape, shape_at) = match centreline {
            Some(line) => (Some(line), CENTRELINE),
            None => (feature.get_mut("geometry").map(Json::take), GEOMETRY),
        };
        let geometry = self.shape(shape, shape_at);
        if problems.is_empty() {
            return Ok(Record { place, fields, filled, geometry, shape_at });
        }
        problems.extend(geometry.err().unwrap_or_default());
        Err(ReadError::Record { place, problems })
    }

    /// The fields, and the names of those that are defaults.
    fn fields(&mut self, properties: Map<String, Json>) -> (Fields, Vec<String>) {
        let mut fields = Fields::default();
        for (name, value) in properties {
            self.mapping.take(&mut fields, &name, || to_value(value));
        }
        let filled = self.mapping.fill(&mut fields);
        (fields, filled)
    }

    /// Reads the geometry that stands at `pointer`.
    fn shape(&self, value: Option<Json>, pointer: &str) -> Result<Geometry<f64>, Vec<Problem>> {
        let refused = |detail: &str| Err(vec![Problem::new(pointer, detail)]);
        let mut value = match value {
            None => return refused("is missing: a feature without a geometry stands nowhere"),
            Some(Json::Null) => return refused("is null: a feature without a geometry stands nowhere"),
            Some(value) => value,
        };
        // What a `crs` may say here depends on the file; the decoder would ask for WGS 84.
        let crs = value.as_object_mut().and_then(|object| object.remove("crs"));
        let fault = crs.and_then(|crs| self.check_crs(&crs).err()).map(|problem| problem.under("/crs"));
        let shape = decode::geometry(&value, self.vertices_max);
        let mut problems: Vec<Problem> = fault.into_iter().collect();
        match shape {
            Ok(mut shape) if problems.is_empty() => {
                if self.axes == Axes::NorthEast {
                    shape.map_coords_in_place(|c| Coord { x: c.y, y: c.x });
                }
                return Ok(shape);
            }
            Ok(_) => {}
            Err(why) => problems.extend(why.into_problems()),
        }
        Err(problems.into_iter().map(|problem| problem.under(pointer)).collect())
    }

    /// Accepts a `crs` that names the system the file is read in.
    pub(super) fn check_crs(&self, crs: &Json) -> Result<(), Problem> {
        match decode::crs_named(crs)? {
            None => Ok(()),
            Some(named) if named == self.crs => Ok(()),
            Some(named) => Err(Problem::new(
                "",
                format!("names {named}, but the file is read as {}; say which is right with --crs", self.crs),
            )),
        }
    }
}

/// The sentence for a byte that is not UTF-8, `index` bytes into `bytes` and `offset` bytes into the file.
pub(super) fn not_utf8(bytes: &[u8], index: usize, offset: u64) -> String {
    let byte = bytes.get(index).copied().unwrap_or_default();
    format!("is not UTF-8: the byte {byte:#04X} stands at byte {offset} of the file; save the file as UTF-8")
}

fn to_value(value: Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        // Without the feature for arbitrary precision every number of serde_json has an f64.
        Json::Number(number) => number.as_f64().map_or(Value::Null, Value::Number),
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items.into_iter().map(to_value).collect()),
        Json::Object(_) => Value::Object,
    }
}
