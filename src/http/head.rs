//! How large the head of a request may be, and what stands in the head of every answer.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, ResponseError, web};

use super::App;
use super::problem::Problem;
use crate::config::Settings;
use crate::error::{Error, Result};

/// Colon, blank and end of line of a header, bytes.
const ROUND_A_HEADER: usize = 4;

/// Refuses requests whose head is too large.
///
/// # Errors
/// What the request itself ends with.
pub async fn within_limits(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let app = request.app_data::<web::Data<App>>();
    match app.map_or(Ok(()), |app| check(&request, &app.context.settings)) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(error) => Ok(request.into_response(Problem(error).error_response())),
    }
}

fn check(request: &ServiceRequest, settings: &Settings) -> Result<()> {
    let found = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if found > settings.address_bytes_max {
        return Err(Error::LongAddress { found, limit: settings.address_bytes_max });
    }
    let size = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + ROUND_A_HEADER;
    let found = request.headers().iter().map(size).sum();
    if found > settings.headers_bytes_max {
        return Err(Error::LargeHeaders { found, limit: settings.headers_bytes_max });
    }
    Ok(())
}

/// What nothing that is answered here needs: no scripts, no frames, no further requests.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// For a year no other way than by TLS.
const TLS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Says to browsers what they must not do with an answer. What the answer says itself stays.
pub fn protect(request: &HttpRequest, headers: &mut HeaderMap) {
    let everybody = request.app_data::<web::Data<App>>().is_some_and(|app| app.context.settings.cors_origin == "*");
    // One origin that may read does so by CORS, which this is not asked about.
    let origins = if everybody { "cross-origin" } else { "same-origin" };
    let mut say = |name: HeaderName, value: HeaderValue| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    say(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    say(CONTENT_SECURITY_POLICY, NOTHING);
    say(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    say(RESOURCE_POLICY, HeaderValue::from_static(origins));
    if request.connection_info().scheme() == "https" {
        say(STRICT_TRANSPORT_SECURITY, TLS_ALONE);
    }
}
