//! Reads from pages of other origins: allowed for reading methods and for checks, never for writing.

use actix_cors::Cors;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderName};

use crate::config::Settings;

/// How long a browser may remember what is allowed, s.
const MAX_AGE_S: usize = 3_600;

/// The rules of these settings.
pub fn rules(settings: &Settings) -> Cors {
    // No Authorization among the headers: a page of another origin reads what is public.
    let rules = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST"])
        .allowed_headers([ACCEPT, CONTENT_TYPE, HeaderName::from_static("content-crs")])
        .expose_headers(["etag", "content-crs", "location", "link"])
        .max_age(MAX_AGE_S)
        .block_on_origin_mismatch(false);
    if settings.cors_origin == "*" {
        rules.allow_any_origin().send_wildcard()
    } else {
        rules.allowed_origin(&settings.cors_origin)
    }
}
