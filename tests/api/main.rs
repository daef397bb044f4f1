//! The API as a client sees it: a real server, a real PostGIS, requests over HTTP.

#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

#[path = "../support/mod.rs"]
mod support;

mod access_digests;
mod account;
mod api_token;
mod as_of_reach;
mod at_once;
mod attack;
mod audit;
mod batch;
mod calendar;
mod chainage;
mod changes;
mod clearances;
mod codes;
mod conflicts;
mod conflicts_asked;
mod coverage;
mod document;
mod document_s3;
mod doors;
mod edge;
mod following;
mod help;
mod history;
mod inbox;
mod issuer;
mod items;
mod limits;
mod list;
mod matrix;
mod min_revision;
mod oidc;
mod operation;
mod organisation;
mod outage;
mod parameters;
mod people;
mod permission;
mod plan;
mod problems;
mod rate_limit;
mod reference;
mod restricted;
mod restricted_reads;
mod routes;
mod row_security;
mod rules;
mod run_security;
mod session;
mod shapes;
mod site_border;
mod site_check;
mod site_document;
mod site_ground;
mod site_hidden;
mod site_request;
mod site_request_story;
mod site_search;
mod timing;
mod tls;
mod visibility;
mod withdrawn;
