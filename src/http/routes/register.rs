//! From the table of routes to what actix serves.

use std::collections::BTreeMap;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::ALLOW;
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpResponse, guard, web};

use super::{Method, ROUTES, Route};
use crate::error::Error;
use crate::http::auth::{self, authenticate};
use crate::http::problem::Problem;
use crate::http::rate_limit::Cost;
use Cost::{Check, Free, Search};
use Method::{Delete, Get, Patch, Post, Put};

/// How much a request counts: as its route does, and as a read where there is none, or where a credential comes along that may be
/// looked up in the database.
#[must_use]
pub fn cost(request: &ServiceRequest) -> Cost {
    let method = if request.method() == "HEAD" { "GET" } else { request.method().as_str() };
    let pattern = request.match_pattern();
    let route = ROUTES.iter().find(|r| pattern.as_deref() == Some(r.path) && r.method.as_str() == method);
    match route.map_or(Cost::Read, |route| route.cost) {
        Free if auth::brings_credential(request.request()) => Cost::Read,
        // A past state may have to be made for it, of all features there were.
        Check if asks_as_of(request) => Search,
        cost => cost,
    }
}

/// Asks what was known at a moment.
fn asks_as_of(request: &ServiceRequest) -> bool {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    query.is_ok_and(|pairs| pairs.iter().any(|(name, _)| name == "as-of"))
}

/// Registers every route, what its path answers to other methods, and what answers everywhere else.
pub fn configure(service: &mut web::ServiceConfig) {
    let mut by_path: BTreeMap<&'static str, Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        by_path.entry(route.path).or_default().push(route);
    }
    for (path, routes) in by_path {
        let allowed = allowed(&routes);
        let mut resource = web::resource(path);
        for route in routes {
            let methods = match route.method {
                Get => guard::Any(guard::Get()).or(guard::Head()),
                Post => guard::Any(guard::Post()),
                Put => guard::Any(guard::Put()),
                Patch => guard::Any(guard::Patch()),
                Delete => guard::Any(guard::Delete()),
            };
            let asked = from_fn(move |request: ServiceRequest, next: Next<BoxBody>| authenticate(route, request, next));
            resource = resource.route((route.handler)().guard(methods).wrap(asked));
        }
        let options = allowed.clone();
        resource = resource.route(web::method(actix_web::http::Method::OPTIONS).to(move || {
            let allow = options.clone();
            async move { HttpResponse::Ok().insert_header((ALLOW, allow)).finish() }
        }));
        resource = resource.default_service(web::route().to(move || {
            let allow = allowed.clone();
            async move { Err::<HttpResponse, Problem>(Error::Method(allow).into()) }
        }));
        service.service(resource);
    }
    service.default_service(web::route().to(|request: actix_web::HttpRequest| async move {
        Err::<HttpResponse, Problem>(Error::NotFound(request.path().to_owned()).into())
    }));
}

fn allowed(routes: &[&Route]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for route in routes {
        words.push(route.method.as_str());
        if route.method == Get {
            words.push("HEAD");
        }
    }
    words.push("OPTIONS");
    words.join(", ")
}
