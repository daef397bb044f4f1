//! The API document, OpenAPI 3.0, written from the route table.

mod document;
mod plan;
mod schemas;
mod site_check;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json, json};

use super::App;
use super::batch::NDJSON;
use super::inbox;
use super::params::{self, GEOJSON, MERGE_PATCH, Query};
use super::problem::{Answer, MEDIA_TYPE};
use super::routes::{Method, ROUTES, Route};
use super::site_check_run::{LIMIT_DEFAULT as RUNS_DEFAULT, LIMIT_MAX as RUNS_MAX};
use super::site_request::SECRET;
use super::site_search::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::actions::version::{VERSIONS_LIMIT_DEFAULT, VERSIONS_LIMIT_MAX};
use crate::config::Settings;
use crate::domain::coverage::{Coverage, GapReason};
use crate::domain::layer::Layer;
use crate::domain::reference::ReferenceKind;
use crate::domain::webhook::DeliveryState;
use crate::domain::word::{Visibility, Word};
use crate::error::Error;
use crate::wire::answer::Notice;

/// The stream of changes: its answer is no document.
const CHANGES: &str = "/api/changes";

/// The cases of site requests.
const REQUESTS: &str = "/api/site-requests";

/// What there is besides features in conflict.
const REFERENCE_LAYERS: &str = "/api/reference-layers";

/// The best places for a column.
const SITE_SEARCH: &str = "/api/site-search";

/// Doors of their own that make something.
const CREATES: &[&str] = &[
    "/api/sessions",
    "/api/tokens",
    "/api/accounts",
    "/api/organisations",
    document::OF_HOLDER,
    "/api/webhooks",
    plan::PLANS,
    plan::AMENDMENTS,
    plan::CHECKS,
];

/// Answers with nothing but that it was done.
const PASSWORD: &str = "/api/account/password";

/// `GET /ogc/api`
///
/// # Errors
/// [`Error::Parameter`] for an unknown parameter.
pub async fn document(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, &["f"])?;
    if let Some(other) = query.text("f").filter(|f| *f != "json") {
        return Err(Error::parameter("f", format!("«{other}» is not a format; known is json")).into());
    }
    let text = write(&app.context.settings, &params::base(&request)).to_string();
    Ok(HttpResponse::Ok().content_type("application/vnd.oai.openapi+json;version=3.0").body(text))
}

/// The document for these settings, served at `base`.
#[must_use]
pub fn write(settings: &Settings, base: &str) -> Json {
    let mut paths = Map::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Clearway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Telecom works, clearance corridors, the conflicts between them, and what else stands there. Coordinates \
                are WGS 84 longitude, latitude unless Content-Crs says otherwise; a third coordinate is accepted and dropped.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": [{"url": base}],
        "paths": paths,
        "components": {
            "parameters": plan::with_parameters(parameters(settings)),
            "schemas": schemas::schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "clearway_session",
                    "description": "Over TLS it is called __Host-clearway_session. What changes something also needs the header X-CSRF-Token of the session"},
            },
            "responses": {"problem": {
                "description": "What is wrong, RFC 9457",
                "content": {MEDIA_TYPE: {"schema": {"type": "object"}}},
            }},
        },
    })
}

fn operation(route: &Route) -> Json {
    let is_check = route.path.contains("conflict");
    let is_history =
        route.path.ends_with("/history") && ![REQUESTS, plan::PLANS].iter().any(|cases| route.path.starts_with(cases));
    let query = route.parameters.iter().map(|name| match *name {
        "limit" if is_check => "conflicts_limit",
        "limit" if is_history => "versions_limit",
        "limit" if route.path == SITE_SEARCH => "places_limit",
        "limit" if route.path == site_check::CHECKS => "runs_limit",
        "limit" if route.path == document::OF_HOLDER => "documents_limit",
        name => name,
    });
    let id = ["noun", "id", "code", "receipt"];
    let id = id.into_iter().filter(|name| route.path.contains(&format!("{{{name}}}")));
    let names = query.chain(id).chain(headers(route, is_check));
    let parameters: Vec<Json> = names.map(|name| json!({"$ref": format!("#/components/parameters/{name}")})).collect();
    let done = match route.method {
        Method::Post
            if route.path.ends_with("/items") || route.path.ends_with("/waivers") || CREATES.contains(&route.path) =>
        {
            "201"
        }
        Method::Put if route.path == PASSWORD => "204",
        Method::Delete => "204",
        _ => "200",
    };
    let mut responses = Map::new();
    let lines = route.path.ends_with("/batch");
    let answer = if lines {
        let each = "For each line of the body one line, in order: its number as «line» and what a single check answers, or \
            what is wrong with it as «error». Send and read at the same time: no line is read before there is room for \
            the answers to those before it.";
        let schema = if is_site(route) { "site_line" } else { "answer_line" };
        json!({"description": each, "content": {NDJSON: {"schema": {"$ref": format!("#/components/schemas/{schema}")}}}})
    } else if is_check {
        json!({"description": "The conflicts", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/answer"}}}})
    } else if route.path == SITE_SEARCH {
        json!({"description": "The best places", "content": {GEOJSON: {"schema": {"$ref": "#/components/schemas/site_places"}}}})
    } else if let Some(answer) =
        site_check::answer(route).or_else(|| plan::answer(route)).or_else(|| document::answer(route))
    {
        answer
    } else if route.path == CHANGES {
        json!({"description": "Events: revision, change, resync", "content": {"text/event-stream": {"schema": {"type": "string"}}}})
    } else if route.path == inbox::INBOX {
        json!({"description": "Requests as features, what has the least time left before the others, with the events that may be sent \
            (allowed); how many the asker sees in each state (counts); plans with theirs, the longest first, for which no law says a \
            day, so that due_on and slack_days are null; and how many of those in each state (plan_counts)"})
    } else if route.path == inbox::FEED {
        json!({"description": "A day for each that is due, iCalendar", "content": {"text/calendar": {"schema": {"type": "string"}}}})
    } else if is_history {
        json!({"description": "Its versions, the newest first", "content": {"application/json":
            {"schema": {"$ref": "#/components/schemas/history"}}}})
    } else if route.path == REFERENCE_LAYERS {
        json!({"description": "Those of which the asker sees a feature", "content": {"application/json":
            {"schema": {"$ref": "#/components/schemas/reference_layers"}}}})
    } else if route.parameters.contains(&"as-of") {
        json!({"description": "The feature; as of a moment with recorded_from and recorded_to among its properties, the moments \
            from and until which it was recorded so, the latter null where it is so still"})
    } else {
        json!({"description": "Done"})
    };
    if route.path == site_check::CHECKS && route.method == Method::Post {
        responses.insert("201".into(), json!({"description": "The same, where it is kept: each result has its id"}));
    }
    responses.insert(done.into(), answer);
    responses.insert("default".into(), json!({"$ref": "#/components/responses/problem"}));
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if matches!(route.method, Method::Post | Method::Put | Method::Patch) {
        let media = match route.method {
            Method::Patch => MERGE_PATCH,
            _ if !takes_shapes(route) => "application/json",
            _ if lines => NDJSON,
            _ => GEOJSON,
        };
        let schema = match route.path {
            SITE_SEARCH => json!({"schema": {"$ref": "#/components/schemas/site_search"}}),
            _ if is_site(route) => json!({"schema": {"$ref": "#/components/schemas/columns"}}),
            _ => json!({"schema": {"type": "object"}}),
        };
        let content = document::content(route).unwrap_or_else(|| json!({media: schema}));
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    if route.access.is_protected() {
        operation["security"] = json!([{"token": []}, {"cookie": []}]);
    }
    operation
}

fn words<W: Word>() -> Vec<&'static str> {
    W::ALL.iter().map(|(_, text)| *text).collect()
}

/// What was kept free beside a subject.
fn clearances() -> Json {
    json!({"type": "array", "items": {"$ref": "#/components/schemas/clearance"},
        "description": "What was applied where the subject is land, whether a conflict was found or not: the different ones, by \
            kinds of work and by the jurisdictions asked. Empty for a work, for each land has its own, which its conflicts name, \
            and for what does not count on that day"})
}

/// Why not all is known of a subject's ground.
fn not_checked() -> Json {
    json!({"type": "object", "nullable": true, "properties": {"layers": {"type": "array", "items": {"type": "object", "properties": {
        "layer": {"type": "string", "enum": layers_in_pairs()},
        "coverage": {"type": "string", "enum": words::<Coverage>()},
        "reason": {"type": "string", "enum": words::<GapReason>(),
            "description": "clearance_unknown: nobody says how much must stay free beside the land asked about, so 0 m was applied"},
        "detail": {"type": "string", "description": "The same for people"}}}}}})
}

/// What is said where something that the asker does not see may matter.
fn notice() -> Json {
    json!({"type": "object", "nullable": true,
        "description": "Features that the asker may not see stand in a 2 km cell that the subject meets with the clearance round \
            it: ask the office. Also where the asker was told of more cells than notice_cells_per_hour; null where there is nothing to tell",
        "properties": {"code": {"type": "string", "enum": [Notice::RESTRICTED.code]},
            "text": {"type": "object", "properties": {"vi": {"type": "string"}, "en": {"type": "string"}}}}})
}

/// Every version of a feature.
fn history() -> Json {
    let moment = |description: &str| json!({"type": "string", "format": "date-time", "description": description});
    let said = |description: &str| {
        json!({"type": "string", "nullable": true,
        "description": format!("{description}; null for whoever may not know it")})
    };
    let mut to = moment("Until when it was recorded; null: it is the present one");
    to["nullable"] = json!(true);
    let mut version = json!({
        "deed": {"type": "string", "description": "What was done"},
        "actor": said("Who did it"),
        "organisation": said("For which organisation"),
        "on_behalf_of": said("The owner, where that is another organisation"),
        "reason": said("Why"),
        "revision": {"type": "integer", "description": "The revision of the jurisdiction in which it was done"},
    });
    let mut deleted = version.clone();
    deleted["recorded_at"] = moment("When it was deleted");
    version["version"] = json!({"type": "integer", "minimum": 1});
    version["recorded_from"] = moment("From when on it was recorded");
    version["recorded_to"] = to;
    version["digest"] =
        json!({"type": "string", "description": "SHA-256 of what it says, as the audit trail sums it up"});
    json!({"type": "object", "properties": {
        "deleted": {"type": "object", "nullable": true, "properties": deleted,
            "description": "How it was deleted; null where it is there"},
        "versions": {"type": "array", "items": {"type": "object", "properties": version},
            "description": "Those that the asker may see, the newest first"},
    }})
}

/// Where reference features come from, layer by layer.
fn reference_layers() -> Json {
    let list = |description: &str| json!({"type": "array", "items": {"type": "string"}, "description": description});
    let day =
        |description: &str| json!({"type": "string", "format": "date", "nullable": true, "description": description});
    let layer = json!({
        "jurisdiction": {"type": "string"},
        "dataset": {"type": "string", "description": "The name somebody gave it"},
        "kind": {"type": "string", "enum": words::<ReferenceKind>()},
        "features": {"type": "integer", "minimum": 1, "description": "How many of them the asker sees; what follows is said of those"},
        "sources": list("Where they come from"),
        "licences": list("Under which licences they may be used"),
        "visibilities": {"type": "array", "items": {"type": "string", "enum": words::<Visibility>()}},
        "source_date_oldest": day("The day of the oldest source; null where a feature states none"),
        "source_date_newest": day("The day of the newest source"),
        "age_days": {"type": "integer", "nullable": true, "description": "Days since the oldest one, in the jurisdiction"},
    });
    json!({"type": "object", "properties": {"layers": {"type": "array", "items": {"type": "object", "properties": layer}}}})
}

/// What gave a clearance.
fn rule() -> Json {
    let text = |description: &str| json!({"type": "string", "nullable": true, "description": description});
    let date =
        |description: &str| json!({"type": "string", "format": "date", "nullable": true, "description": description});
    json!({
        "key": {"type": "string", "description": "The parameter, such as corridor.road.clearance_m; request.clearance_m where \
            the asker gave it, corridor.clearance_m where the corridor has its own, none where the rules say nothing of its kind. Where class or \
            voltage fit no parameter of the kind, the widest of them"},
        "value": {"type": "number", "nullable": true, "description": "Its value"},
        "unit": text("The unit of its value"),
        "document": text("The document it stands in"),
        "article": text("The article of that document"),
        "valid_from": date("First day in force; null: always was"),
        "valid_to": date("Last day in force; null: still is"),
        "confidence": {"type": "string", "enum": ["law", "default", "check"], "nullable": true,
            "description": "law: read in the document; default: a choice of our own; check: somebody has to look it up"},
    })
}

/// Its body has coordinates.
fn takes_shapes(route: &Route) -> bool {
    route.path.starts_with("/ogc/") || route.path.contains("conflict") || is_site(route)
}

/// A column is asked about.
fn is_site(route: &Route) -> bool {
    let asks = matches!(route.path, site_check::CHECKS | site_check::BATCH | SITE_SEARCH);
    asks && route.method == Method::Post
}

/// The headers that a route reads besides the usual ones.
fn headers(route: &Route, is_check: bool) -> Vec<&'static str> {
    let mut names = Vec::new();
    if matches!(route.method, Method::Post | Method::Put | Method::Patch) && takes_shapes(route) {
        names.push("Content-Crs");
    }
    let versioned = route.path.ends_with("/items/{id}") || route.path == "/api/accounts/{id}";
    let versioned = versioned || route.path == "/api/webhooks/{id}" && route.method == Method::Patch;
    let decides = route.path.ends_with("/events");
    if matches!(route.method, Method::Put | Method::Patch | Method::Delete) && versioned || decides {
        names.push("If-Match");
    }
    let keeps = route.path == site_check::CHECKS || route.access.is_protected();
    if keeps && route.method != Method::Get && !decides {
        names.push("Reason");
    }
    if is_check || is_site(route) {
        names.push("Min-Revision");
    }
    if is_check && !route.path.ends_with("/batch") {
        names.push("Accept");
    }
    if route.path == CHANGES {
        names.push("Last-Event-ID");
    }
    names.extend(route.path.contains("{receipt}").then_some(SECRET));
    names.extend(document::content(route).map(|_| "Repr-Digest"));
    names
}

fn operation_id(route: &Route) -> String {
    let words: Vec<&str> =
        route.path.split(['/', '{', '}', '-']).filter(|w| !w.is_empty() && *w != "ogc" && *w != "api").collect();
    let what = match route.path {
        "/" => "home".to_owned(),
        "/ogc" => "landing".to_owned(),
        _ => words.join("_"),
    };
    format!("{}_{what}", route.method.as_str().to_lowercase())
}

fn layers() -> Vec<&'static str> {
    Layer::ALL.iter().map(|(_, name)| *name).collect()
}

/// Those whose features can be in conflict.
fn layers_in_pairs() -> Vec<&'static str> {
    Layer::all().filter(|layer| !layer.opposite().is_empty()).map(Word::as_str).collect()
}

fn parameters(s: &Settings) -> Json {
    let query = |name: &str, description: &str, schema: Json| {
        json!({"name": name, "in": "query", "required": false, "description": description,
               "style": "form", "explode": false, "schema": schema})
    };
    let header = |name: &str, description: &str, schema: Json| json!({"name": name, "in": "header", "required": false, "description": description, "schema": schema});
    let mut all = json!({
        "Content-Crs": header("Content-Crs", "The system of the coordinates in the body, such as EPSG:9218; WGS 84 \
            longitude, latitude by default", json!({"type": "string"})),
        "If-Match": header("If-Match", "The ETag of the version that is to be changed; any by default",
            json!({"type": "string"})),
        "Reason": header("Reason", "Why, for the audit trail: text in UTF-8", json!({"type": "string", "maxLength": 500})),
        "Min-Revision": header("Min-Revision", "Revisions that the answer must at least show, such as VN-72=118",
            json!({"type": "string"})),
        "Last-Event-ID": header("Last-Event-ID", "The id of the last event heard, as it stood: what came after it \
            is told first. Of a history that the database has left, or older than what is kept, or of neighbours \
            followed in another order, it is answered with resync. A revision alone (118, or VN-72=118) is taken too, \
            but its history cannot be told",
            json!({"type": "string"})),
        "Accept": header("Accept", "application/geo+json for the conflicts as features of a map",
            json!({"type": "string", "enum": ["application/json", GEOJSON], "default": "application/json"})),
        "conflicts_limit": query("limit", "At most so many conflicts for each subject", json!({"type": "integer",
            "minimum": 1, "maximum": s.conflicts_limit_max, "default": s.conflicts_limit_default})),
        "id": {"name": "id", "in": "path", "required": true, "description": "The feature, account, token, webhook, site check or document",
               "schema": {"type": "string", "format": "uuid"}},
        "code": {"name": "code", "in": "path", "required": true, "description": "The organisation",
                 "schema": {"type": "string"}},
        "receipt": {"name": "receipt", "in": "path", "required": true, "description": "The number of the receipt",
                    "schema": {"type": "string"}},
        SECRET: header(SECRET, "The secret on the receipt", json!({"type": "string"})),
        "f": query("f", "The format", json!({"type": "string", "enum": ["json"]})),
        "limit": query("limit", "At most so many", json!({"type": "integer", "minimum": 1,
            "maximum": s.page_limit_max, "default": s.page_limit_default})),
        "state": query("state", "Only those in this state", json!({"type": "string", "enum": words::<DeliveryState>()})),
        "bbox": query("bbox", "West, south, east, north in WGS 84",
            json!({"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}})),
        "after": query("after", "Only ids after this one", json!({"type": "string", "format": "uuid"})),
        "jurisdiction": query("jurisdiction", "Only this jurisdiction, ISO 3166-2", json!({"type": "string"})),
        "layer": query("layer", "Only this layer", json!({"type": "string", "enum": layers()})),
        "against": query("against", "The layers to check against",
            json!({"type": "array", "items": {"type": "string", "enum": layers_in_pairs()}})),
        "clearance_m": query("clearance_m", "What must stay free beyond a corridor's edge, in metres; without it, each \
            corridor's own, else that of the rules", json!({"type": "number", "minimum": 0})),
        "measures": query("measures", "With false only which features are in conflict, without relation, distance and \
            the like: several times faster, for comparing many alignments", json!({"type": "boolean", "default": true})),
        "as-of": query("as-of", "What was known at that moment, which is none in the future: features, rules and coverage as they \
            were recorded by then. What may not be seen now is not seen as of then either. With it, at is that moment by default",
            json!({"type": "string", "format": "date-time"})),
        "before": query("before", "Only versions before this one", json!({"type": "integer", "minimum": 1})),
        "versions_limit": query("limit", "At most so many versions", json!({"type": "integer", "minimum": 1,
            "maximum": VERSIONS_LIMIT_MAX, "default": VERSIONS_LIMIT_DEFAULT})),
        "store": query("store", "Whether it is kept, which is so by default of whoever is signed in: yes or no",
            json!({"type": "string", "enum": ["yes", "no"]})),
        "outdated": query("outdated", "With yes only those that would be answered otherwise now",
            json!({"type": "string", "enum": ["yes", "no"], "default": "no"})),
        "rules": query("rules", "Not by the rules of then, but by this version of them, which is or was loaded where the place lies: what would \
            change. For those who see everything wherever it looks", json!({"type": "string"})),
        "runs_limit": query("limit", "At most so many", json!({"type": "integer", "minimum": 1,
            "maximum": RUNS_MAX, "default": RUNS_DEFAULT})),
        "places_limit": query("limit", "At most so many places", json!({"type": "integer", "minimum": 1,
            "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT})),
        "key": query("key", "Only this parameter, such as corridor.road.clearance_m", json!({"type": "string"})),
        "at": query("at", "The moment at which dates are looked at, those of rules too; now by default, and in the list of rules any",
            json!({"type": "string", "format": "date-time"})),
    });
    for (name, parameter) in document::parameters(&query, &header) {
        all[name] = parameter;
    }
    all
}
