//! Documents in the API document.

use serde_json::{Map, Value as Json, json};

use super::words;
use crate::actions::document::{NOUNS, Noun};
use crate::domain::document::{DocumentKind, MediaType};
use crate::domain::word::Word;
use crate::http::document::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::http::routes::{Method, Route};

/// Documents of one holder.
pub(super) const OF_HOLDER: &str = "/api/{noun}/{id}/documents";

/// Makes a parameter of its name, what it says, and its schema.
type Make<'a> = &'a dyn Fn(&str, &str, Json) -> Json;

/// What a route answers; none where it is none of these.
pub(super) fn answer(route: &Route) -> Option<Json> {
    let of = |description: &str, schema: &str| {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        json!({"description": description, "content": {"application/json": {"schema": schema}}})
    };
    Some(match (route.method, route.path) {
        (Method::Get, OF_HOLDER) => of("Those that the asker reads, by time", "documents"),
        (_, OF_HOLDER | "/api/documents/{id}") => of("What is known of it", "document"),
        (_, "/api/documents/{id}/content") => {
            json!({"description": "The file, to be saved; ETag and Repr-Digest have its SHA-256", "content": files()})
        }
        _ => return None,
    })
}

/// What a route takes as its body; none where that is no file.
pub(super) fn content(route: &Route) -> Option<Json> {
    ((route.method, route.path) == (Method::Post, OF_HOLDER)).then(files)
}

fn files() -> Json {
    let file = || json!({"schema": {"type": "string", "format": "binary"}});
    let all: Map<String, Json> = MediaType::ALL.iter().map(|(_, text)| ((*text).to_owned(), file())).collect();
    Json::Object(all)
}

/// Their parameters, each with its name.
pub(super) fn parameters(query: Make<'_>, header: Make<'_>) -> Vec<(&'static str, Json)> {
    vec![
        (
            "noun",
            json!({"name": "noun", "in": "path", "required": true, "description": "What holds the documents",
                "schema": {"type": "string", "enum": NOUNS.iter().map(Noun::plural).collect::<Vec<_>>()}}),
        ),
        (
            "kind",
            query(
                "kind",
                "What it is; of a redacted copy that of its original",
                json!({"type": "string", "enum": words::<DocumentKind>()}),
            ),
        ),
        ("name", query("name", "What the file is called, as diagram.pdf", json!({"type": "string", "maxLength": 200}))),
        (
            "redacts",
            query("redacts", "The original that it is a redacted copy of", json!({"type": "string", "format": "uuid"})),
        ),
        (
            "documents_limit",
            query(
                "limit",
                "At most so many",
                json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX,
                "default": LIMIT_DEFAULT}),
            ),
        ),
        (
            "Repr-Digest",
            header(
                "Repr-Digest",
                "The SHA-256 of the file, as sha-256=:BASE64: (RFC 9530); where what comes has \
                another one it is refused",
                json!({"type": "string"}),
            ),
        ),
    ]
}

/// Their schemas, each with its name.
pub(super) fn schemas() -> Vec<(&'static str, Json)> {
    let text = |description: &str| json!({"type": "string", "description": description});
    let perhaps = |description: &str| json!({"type": "string", "nullable": true, "description": description});
    let id = || json!({"type": "string", "format": "uuid"});
    let document = json!({"type": "object", "properties": {
        "id": id(),
        "jurisdiction": text("That of its holder"),
        "holder": {"type": "object", "properties": {"noun": text("As addresses write it"), "id": id()}},
        "kind": {"type": "string", "enum": words::<DocumentKind>()},
        "name": text("What the file is called"),
        "media_type": {"type": "string", "enum": words::<MediaType>(), "description": "What is in it, found by looking"},
        "bytes": {"type": "integer", "minimum": 1},
        "sha256": text("Of what is in it"),
        "redacted": {"type": "boolean", "description": "It is a redacted copy"},
        "redacts": {"type": "string", "format": "uuid", "nullable": true,
            "description": "Its original; null of an original, and for whoever does not read that"},
        "organisation": perhaps("The organisation that added it"),
        "added_by": perhaps("Who added it; null for whoever may not know it"),
        "recorded_at": {"type": "string", "format": "date-time"},
        "revision": {"type": "integer", "description": "The revision of the jurisdiction in which it was added"},
        "content": text("Where the file is"),
    }});
    let documents = json!({"type": "object", "properties": {
        "documents": {"type": "array", "items": {"$ref": "#/components/schemas/document"}},
        "next": perhaps("Where there are more"),
    }});
    vec![("document", document), ("documents", documents)]
}
