//! Landing page, conformance and collections (OGC API Common and Features). The rest of OGC API comes later; what is
//! declared here works.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::App;
use super::items::{Served, link};
use super::params::{self, GEOJSON, Query};
use super::problem::Answer;
use crate::actions::jurisdiction;
use crate::domain::layer::{Layer, with_noun};
use crate::domain::word::Word;
use crate::error::{Error, Result};

/// The conformance classes that hold, of `http://www.opengis.net/spec/`. The core of Features is not among them as long
/// as lists do not know `datetime`.
const CLASSES: &[&str] = &[
    "ogcapi-common-1/1.0/conf/core",
    "ogcapi-common-1/1.0/conf/landing-page",
    "ogcapi-common-1/1.0/conf/json",
    "ogcapi-common-1/1.0/conf/oas30",
    "ogcapi-common-2/1.0/conf/collections",
];

const OPENAPI: &str = "application/vnd.oai.openapi+json;version=3.0";
const JSON: &str = "application/json";

fn json_only(request: &HttpRequest) -> Result<()> {
    let query = Query::of(request, &["f"])?;
    match query.text("f") {
        None | Some("json") => Ok(()),
        Some(other) => Err(Error::parameter("f", format!("«{other}» is not a format; known is json"))),
    }
}

/// `GET /`
///
/// # Errors
/// [`Error::Parameter`] for an unknown parameter.
pub async fn home(request: HttpRequest) -> Answer {
    Query::of(&request, &[])?;
    let base = params::base(&request);
    Ok(HttpResponse::Ok().json(json!({
        "title": "Clearway",
        "description": "Telecom works, clearance corridors, the conflicts between them, and what else stands there",
        "links": [
            link(&format!("{base}/ogc"), "service", JSON, "Features: works, corridors and reference features"),
            link(&format!("{base}/ogc/api"), "service-desc", OPENAPI, "The API"),
            link(&format!("{base}/health/ready"), "status", JSON, "Whether the service can work"),
        ],
    })))
}

/// `GET /ogc`
///
/// # Errors
/// [`Error::Parameter`] for an unknown parameter.
pub async fn landing(request: HttpRequest) -> Answer {
    json_only(&request)?;
    let base = params::base(&request);
    Ok(HttpResponse::Ok().json(json!({
        "title": "Clearway",
        "description": "Telecom works, clearance corridors and reference features",
        "links": [
            link(&format!("{base}/ogc"), "self", JSON, "This document"),
            link(&format!("{base}/ogc/api"), "service-desc", OPENAPI, "The API"),
            link(&format!("{base}/ogc/conformance"), "conformance", JSON, "Conformance classes"),
            link(&format!("{base}/ogc/collections"), "data", JSON, "The collections"),
        ],
    })))
}

/// `GET /ogc/conformance`
///
/// # Errors
/// [`Error::Parameter`] for an unknown parameter.
pub async fn conformance(request: HttpRequest) -> Answer {
    json_only(&request)?;
    let classes: Vec<String> = CLASSES.iter().map(|c| format!("http://www.opengis.net/spec/{c}")).collect();
    Ok(HttpResponse::Ok().json(json!({"conformsTo": classes})))
}

/// `GET /ogc/collections`
///
/// # Errors
/// [`Error::Parameter`] for an unknown parameter.
pub async fn collections(request: HttpRequest, app: web::Data<App>) -> Answer {
    json_only(&request)?;
    let base = params::base(&request);
    let mut collections: Vec<Json> =
        Layer::all().map(|layer| with_noun!(layer, N => describe::<N>(&base, &app))).collect();
    collections.push(super::site_request::described(&base));
    collections.push(describe_zones(&base, &app));
    Ok(HttpResponse::Ok().json(json!({
        "links": [link(&format!("{base}/ogc/collections"), "self", JSON, "This document")],
        "collections": collections,
    })))
}

/// `GET /ogc/collections/{collection}`
///
/// # Errors
/// [`Error::Parameter`] for an unknown parameter.
pub async fn collection<T: Served>(request: HttpRequest, app: web::Data<App>) -> Answer {
    json_only(&request)?;
    Ok(HttpResponse::Ok().json(describe::<T>(&params::base(&request), &app)))
}

/// `GET /ogc/collections/zones`
///
/// # Errors
/// [`Error::Parameter`] for an unknown parameter.
pub async fn zones(request: HttpRequest, app: web::Data<App>) -> Answer {
    json_only(&request)?;
    Ok(HttpResponse::Ok().json(describe_zones(&params::base(&request), &app)))
}

fn describe<T: Served>(base: &str, app: &App) -> Json {
    described((T::LAYER.as_str(), T::TITLE, T::ABOUT), extent(app, T::kept_within(app.context.reach()).get()), base)
}

fn describe_zones(base: &str, app: &App) -> Json {
    let about = "Where stations may stand, and which: drawn in plans, decided and in force for a time";
    described(("zones", "Zones for stations", about), extent(app, 0.0), base)
}

fn described((id, title, about): (&str, &str, &str), extent: [f64; 4], base: &str) -> Json {
    let here = format!("{base}/ogc/collections/{id}");
    json!({
        "id": id,
        "title": title,
        "description": about,
        "itemType": "feature",
        "extent": {"spatial": {"bbox": [extent], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
        "links": [
            link(&here, "self", JSON, "This collection"),
            link(&format!("{here}/items"), "items", GEOJSON, "Its features"),
        ],
    })
}

/// The box round every jurisdiction, widened by `reach` metres: the same for everybody, so it tells nobody where something is.
fn extent(app: &App, reach: f64) -> [f64; 4] {
    let mut all = crate::geometry::Bounds::EMPTY;
    for j in jurisdiction::list(&app.context) {
        all.merge(&j.bounds_widened(reach));
    }
    if all.is_empty() {
        return [-180.0, -90.0, 180.0, 90.0];
    }
    [all.min[0], all.min[1], all.max[0], all.max[1]]
}
