//! Query parameters, headers and bodies: read strictly, so that a mistyped one is never taken for none.

use std::time::Duration;

use actix_web::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, web};
use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::config::Settings;
use crate::domain::audit;
use crate::error::{Error, Result};
use crate::geometry::Bounds;
use crate::geometry::crs::{self, Epsg};
use crate::wire::document::{Reading, json};

/// GeoJSON, RFC 7946.
pub const GEOJSON: &str = "application/geo+json";
/// JSON merge-patch, RFC 7396.
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// The query of a request: every parameter is known and stands once.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a parameter that is not in `known`, stands twice, is not percent-encoded UTF-8 or has a NUL.
    pub fn of(request: &HttpRequest, known: &[&str]) -> Result<Self> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|e| Error::parameter("query", format!("cannot be read: {e}")))?
            .into_inner();
        for (n, (name, value)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let list = if known.is_empty() { "none".into() } else { known.join(", ") };
                return Err(Error::parameter(name, format!("is not known here; known are {list}")));
            }
            if value.contains('\0') {
                // The database takes no such text, and would say so as if it were a fault of ours.
                return Err(Error::parameter(name, "has a NUL in it, which is part of no text"));
            }
            if pairs[..n].iter().any(|(other, _)| other == name) {
                return Err(Error::parameter(name, "stands twice"));
            }
        }
        Ok(Self(pairs))
    }

    /// The text of a parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// How many at most: the default when it is not given, the maximum when more is asked for.
    ///
    /// # Errors
    /// [`Error::Parameter`] when it is no whole number above 0.
    pub fn limit(&self, default: u32, max: u32) -> Result<u32> {
        match self.text("limit") {
            None => Ok(default),
            Some(text) => match text.parse::<u64>() {
                // Rust also reads "+5".
                Ok(n) if n > 0 && !text.starts_with('+') => Ok(u32::try_from(n).unwrap_or(u32::MAX).min(max)),
                _ => Err(Error::parameter("limit", format!("«{text}» is not a whole number from 1 to {max}"))),
            },
        }
    }

    /// A yes or no.
    ///
    /// # Errors
    /// [`Error::Parameter`] when it is neither `true` nor `false`.
    pub fn yes_or_no(&self, name: &str, default: bool) -> Result<bool> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| Error::parameter(name, format!("«{text}» is not true or false"))),
        }
    }

    /// A moment.
    ///
    /// # Errors
    /// [`Error::Parameter`] when it is none.
    pub fn moment(&self, name: &str) -> Result<Option<Timestamp>> {
        let wrong =
            |t: &str| Error::parameter(name, format!("«{t}» is not a moment; write it as 2026-03-01T00:00:00Z"));
        self.text(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    /// The number of a version.
    ///
    /// # Errors
    /// [`Error::Parameter`] when it is none.
    pub fn version(&self, name: &str) -> Result<Option<i32>> {
        let wrong = |t: &str| Error::parameter(name, format!("«{t}» is not the number of a version"));
        let version = |t: &str| t.parse::<i32>().ok().filter(|v| *v > 0 && v.to_string() == t);
        self.text(name).map(|text| version(text).ok_or_else(|| wrong(text))).transpose()
    }

    /// A length in metres.
    ///
    /// # Errors
    /// [`Error::Parameter`] when it is no finite number of zero or more, or more than `max`.
    pub fn metres(&self, name: &str, max: f64) -> Result<Option<f64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(m) if m.is_finite() && (0.0..=max).contains(&m) => Ok(Some(m)),
            _ => Err(Error::parameter(name, format!("«{text}» is not a number of metres from 0 to {max}"))),
        }
    }

    /// An id.
    ///
    /// # Errors
    /// [`Error::Parameter`] when it is no UUID.
    pub fn id(&self, name: &str) -> Result<Option<Uuid>> {
        self.text(name)
            .map(|t| t.parse().map_err(|_| Error::parameter(name, format!("«{t}» is not a UUID"))))
            .transpose()
    }

    /// A bounding box in WGS 84, as one or, across the antimeridian, two boxes; heights are dropped.
    ///
    /// # Errors
    /// [`Error::Parameter`], saying what is wrong with it.
    pub fn bbox(&self) -> Result<Vec<Bounds>> {
        let Some(text) = self.text("bbox") else { return Ok(Vec::new()) };
        let wrong = |detail: String| Error::parameter("bbox", detail);
        let mut numbers = Vec::new();
        for part in text.split(',') {
            match part.trim().parse::<f64>() {
                Ok(n) if n.is_finite() => numbers.push(n),
                _ => return Err(wrong(format!("«{part}» is not a number"))),
            }
        }
        let (west, south, east, north) = match numbers.as_slice() {
            [w, s, e, n] | [w, s, _, e, n, _] => (*w, *s, *e, *n),
            other => {
                return Err(wrong(format!(
                    "has {} numbers; write west,south,east,north (or six, with heights)",
                    other.len()
                )));
            }
        };
        if south > north {
            return Err(wrong(format!("its south edge {south} lies north of its north edge {north}")));
        }
        for (edge, longitude) in [("west", west), ("east", east)] {
            if longitude.abs() > 180.0 {
                return Err(wrong(format!("its {edge} edge {longitude} is no longitude from -180 to 180")));
            }
        }
        let (south, north) = (south.clamp(-90.0, 90.0), north.clamp(-90.0, 90.0));
        let strip = |west: f64, east: f64| Bounds { min: [west, south], max: [east, north] };
        Ok(if west <= east { vec![strip(west, east)] } else { vec![strip(west, 180.0), strip(-180.0, east)] })
    }
}

/// An id in a path.
///
/// # Errors
/// [`Error::NotFound`]: what is no UUID is no feature.
pub fn path_id(text: &str, word: &str) -> Result<Uuid> {
    text.parse().map_err(|_| Error::NotFound(format!("the {word} {text}")))
}

/// The version that `If-Match` names; `*` and no header mean any.
///
/// # Errors
/// [`Error::Parameter`] when it is none of our tags, [`Error::Changed`] when it cannot be any version.
pub fn if_match(request: &HttpRequest) -> Result<Option<i32>> {
    let Some(value) = request.headers().get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    if text.strip_prefix("W/").is_some_and(|t| t.starts_with('"')) {
        return Err(Error::Changed(format!("If-Match names the weak tag {text}, and a weak tag matches no version")));
    }
    let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).filter(|t| !t.contains('"'));
    // Tags are compared letter by letter (RFC 9110, 8.8.3.2): "01" is not the tag of version 1.
    let version = |tag: &str| tag.parse::<i32>().ok().filter(|version| version.to_string() == tag);
    match bare.map(version) {
        Some(Some(version)) => Ok(Some(version)),
        Some(None) => Err(Error::Changed(format!("If-Match names {text}, which is no version of this feature"))),
        None => Err(Error::parameter("If-Match", "write one strong tag in quotes, such as \"3\"")),
    }
}

/// `If-None-Match` names this tag.
#[must_use]
pub fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let header = request.headers().get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()).unwrap_or_default();
    header.split(',').map(str::trim).any(|t| t == "*" || t.trim_start_matches("W/") == tag)
}

/// The revisions that `Min-Revision` asks for, such as `VN-72=118, VN-35=4`.
///
/// # Errors
/// [`Error::Parameter`] when it cannot be read.
pub fn min_revision(request: &HttpRequest) -> Result<Vec<(String, i64)>> {
    let Some(value) = request.headers().get("Min-Revision") else { return Ok(Vec::new()) };
    let text = value.to_str().unwrap_or_default();
    let one = |part: &str| {
        let (code, number) = part.trim().split_once('=')?;
        Some((code.trim().to_owned(), number.trim().parse().ok()?))
    };
    text.split(',')
        .map(|part| one(part).ok_or_else(|| Error::parameter("Min-Revision", "write it as VN-72=118")))
        .collect()
}

/// Why a client writes, by the header `Reason`: text in UTF-8, for the audit trail.
///
/// # Errors
/// [`Error::Parameter`] for what is no text, or too much of it, and for two of them.
pub fn reason(request: &HttpRequest) -> Result<Option<String>> {
    let wrong = |detail: String| Error::parameter("Reason", detail);
    let mut all = request.headers().get_all("Reason");
    let Some(value) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(wrong("stands twice".into()));
    }
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| wrong("must be UTF-8".into()))?;
    audit::reason(text).map_err(wrong)
}

/// How the coordinates of the body are to be read, by `Content-Crs`.
///
/// # Errors
/// [`Error::Parameter`] for a system that PROJ does not know.
pub fn reading(request: &HttpRequest, settings: &Settings) -> Result<Reading> {
    let mut reading = Reading::geojson(settings.vertices_max);
    if let Some(value) = request.headers().get("Content-Crs") {
        let wrong = |e: crs::CrsError| Error::parameter("Content-Crs", e.to_string());
        reading.crs = Epsg::parse(value.to_str().unwrap_or_default()).map_err(wrong)?;
        crs::definition(reading.crs.epsg).map_err(wrong)?;
    }
    Ok(reading)
}

/// The client would rather have GeoJSON than JSON.
#[must_use]
pub fn wants_geojson(request: &HttpRequest) -> bool {
    let header = request.headers().get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    header.split(',').any(|part| part.split(';').next().is_some_and(|m| m.trim().eq_ignore_ascii_case(GEOJSON)))
}

/// The media type of the body is among `taken`.
///
/// # Errors
/// [`Error::MediaType`].
pub fn media_type(request: &HttpRequest, taken: &[&str]) -> Result<()> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let bare = given.split(';').next().unwrap_or_default().trim();
    if taken.iter().any(|t| t.eq_ignore_ascii_case(bare)) {
        return Ok(());
    }
    let what = if bare.is_empty() { "no Content-Type".to_owned() } else { format!("«{bare}»") };
    Err(Error::MediaType(format!("{what} was sent; {} is taken here", taken.join(" or "))))
}

/// Reads the body, within the limits of size and time, if its media type is among `taken`.
///
/// # Errors
/// [`Error::MediaType`], [`Error::TooLarge`] before anything is read where the length is known, [`Error::TooSlow`],
/// [`Error::Malformed`] where the connection breaks off.
pub async fn body(request: &HttpRequest, payload: web::Payload, settings: &Settings, taken: &[&str]) -> Result<Bytes> {
    body_within(settings.body_bytes_max, request, payload, settings, taken).await
}

/// Largest document that is no feature, bytes: some members and short lists.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Reads a small JSON document.
///
/// # Errors
/// As [`body`], and [`Error::Malformed`] where it is not JSON.
pub async fn document(request: &HttpRequest, payload: web::Payload, settings: &Settings) -> Result<Json> {
    let taken = ["application/json", MERGE_PATCH];
    json(&body_within(DOCUMENT_BYTES_MAX, request, payload, settings, &taken).await?)
}

async fn body_within(
    limit: usize,
    request: &HttpRequest,
    payload: web::Payload,
    settings: &Settings,
    taken: &[&str],
) -> Result<Bytes> {
    media_type(request, taken)?;
    let too_large = |found: String| Error::TooLarge { what: "the body".into(), found, limit: format!("{limit} bytes") };
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if let Some(length) = announced.filter(|n| *n > limit as u64) {
        return Err(too_large(format!("{length} bytes")));
    }
    let time = Duration::from_secs(settings.request_timeout_s);
    match actix_web::rt::time::timeout(time, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(Error::Malformed("the body broke off".into())),
        Ok(Err(_)) => Err(too_large(format!("more than {limit} bytes"))),
        Err(_) => Err(Error::TooSlow(format!("the body took more than {} s to arrive", time.as_secs()))),
    }
}

/// The address under which the client reached us, without a slash at its end.
#[must_use]
pub fn base(request: &HttpRequest) -> String {
    let info = request.connection_info();
    format!("{}://{}", info.scheme(), info.host())
}
