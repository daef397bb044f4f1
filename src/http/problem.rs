//! Errors to RFC 9457 `application/problem+json`: the only place that knows status codes. There is no default arm: a
//! new kind of error does not compile until somebody decided what it is.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use serde_json::json;
use tracing_actix_web::RequestId;

use crate::error::Error;

/// The media type of every error.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error on its way to a client.
#[derive(Debug)]
pub struct Problem(pub Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a handler answers.
pub type Answer = Result<HttpResponse, Problem>;

/// Status, type and title of an error.
#[must_use]
pub fn describe(error: &Error) -> (StatusCode, &'static str, &'static str) {
    match error {
        Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-document", "The document is not valid"),
        Error::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed-document", "The document cannot be read"),
        Error::Parameter { .. } => (StatusCode::BAD_REQUEST, "parameter", "A parameter cannot be used"),
        Error::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "sign-in", "Sign in first"),
        Error::Forbidden(_) => (StatusCode::FORBIDDEN, "not-permitted", "Your roles do not permit this"),
        Error::NotFound(_) => (StatusCode::NOT_FOUND, "not-there", "There is nothing here"),
        Error::CodeTaken(_) => (StatusCode::CONFLICT, "code-taken", "The code is taken"),
        Error::Taken(_) => (StatusCode::CONFLICT, "taken", "The name is taken"),
        Error::StillNeeded(_) => (StatusCode::CONFLICT, "still-needed", "It is still needed"),
        Error::StepRefused { .. } => (StatusCode::CONFLICT, "step-refused", "This step cannot be made now"),
        Error::Unconditional(_) => {
            (StatusCode::PRECONDITION_REQUIRED, "if-match-missing", "Say which version is meant")
        }
        Error::Changed(_) => (StatusCode::PRECONDITION_FAILED, "changed-meanwhile", "It was changed meanwhile"),
        Error::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "More than a limit allows"),
        Error::LongAddress { .. } => (StatusCode::URI_TOO_LONG, "long-address", "The address is too long"),
        Error::LargeHeaders { .. } => {
            (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "large-headers", "The headers are too large")
        }
        Error::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many requests; wait a moment"),
        Error::MediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The media type is not taken here"),
        Error::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "method", "The method is not for this resource"),
        Error::TooSlow(_) => (StatusCode::REQUEST_TIMEOUT, "too-slow", "The request took too long to arrive"),
        Error::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Not now; try again in a moment"),
        Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side"),
    }
}

/// The problem document for an error at a path.
#[must_use]
pub fn body(error: &Error, instance: &str, request_id: &str) -> serde_json::Value {
    let (status, kind, title) = describe(error);
    let mut document = json!({
        "type": format!("/problems/{kind}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail(error),
        "instance": instance,
        "request_id": request_id,
    });
    if let Error::Invalid(problems) = error {
        document["errors"] = problems.iter().map(|p| json!({"pointer": p.pointer, "detail": p.detail})).collect();
    }
    if let Error::StepRefused { allowed, unmet, .. } = error {
        document["allowed"] = json!(allowed);
        document["unmet"] = unmet.iter().map(|(guard, detail)| json!({"guard": guard, "detail": detail})).collect();
    }
    if let Error::TooLarge { limit, .. } = error {
        document["limit"] = json!(limit);
    }
    document
}

/// What a client may read of an error: of a fault of ours, nothing.
fn detail(error: &Error) -> String {
    match error {
        Error::Internal(_) => "the request id helps the operator to find out why".into(),
        Error::Invalid(problems) => match problems.len() {
            1 => "one problem; see errors".into(),
            n => format!("{n} problems; see errors"),
        },
        other => other.to_string(),
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        describe(&self.0).0
    }

    fn error_response(&self) -> HttpResponse {
        // The instance and the request id are filled in by `complete`, which sees the request.
        let mut response = HttpResponse::build(self.status_code());
        match &self.0 {
            Error::Busy { retry_after, .. } | Error::TooMany { retry_after, .. } => {
                response.insert_header((RETRY_AFTER, whole_seconds(*retry_after).to_string()));
            }
            Error::Unauthenticated(_) => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"clearway\""));
            }
            Error::Method(allowed) => {
                if let Ok(value) = HeaderValue::from_str(allowed) {
                    response.insert_header((ALLOW, value));
                }
            }
            Error::TooLarge { .. } | Error::TooSlow(_) | Error::LongAddress { .. } | Error::LargeHeaders { .. } => {
                // What is still to come of the body is of no use; a client that goes on sending is cut off.
                response.force_close();
            }
            _ => {}
        }
        let text = body(&self.0, "", "").to_string();
        let mut response = response.content_type(MEDIA_TYPE).body(text);
        response.extensions_mut().insert(Raised(self.0.clone()));
        response
    }
}

/// At least this long, in whole seconds: who comes back on the dot is not sent away once more.
fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}

/// The error behind a response, kept until the response is completed.
struct Raised(Error);

/// Fills in what only the request knows, and logs what the client is not told.
pub fn complete(request: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    let Some(Raised(error)) = response.extensions_mut().remove::<Raised>() else { return response };
    let request_id = request_id(request);
    log(&error, &request_id);
    let text = body(&error, request.path(), &request_id).to_string();
    let (head, _) = response.into_parts();
    head.set_body(actix_web::body::BoxBody::new(text))
}

/// Logs what the client is not told.
pub fn log(error: &Error, request_id: &str) {
    if let Error::Internal(reason) = error {
        tracing::error!(%reason, request_id, "internal error");
    }
}

/// The id of a request, as the log knows it.
#[must_use]
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default()
}
