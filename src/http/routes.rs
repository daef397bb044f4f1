//! Every route there is, as one table. Registration, the API document, the `Allow` header and the coverage tests all
//! read it; there is no other way to add a route.

mod access;
mod register;

use actix_web::{Route as ActixRoute, web};

pub use self::access::Access;
pub use self::register::{configure, cost};
use super::rate_limit::Cost;
use super::{account, api_token, organisation, session, webhook};
use super::{
    batch, calendar, changes, conflict_check, coverage, document, health, inbox, items, ogc, openapi, plan, reference,
    rules, site_check, site_check_run, site_request, site_search, version, zone,
};
use crate::domain::actor::Duty;
use crate::domain::corridor::Corridor;
use crate::domain::layer::Layer;
use crate::domain::reference::Reference;
use crate::domain::work::Work;

/// A method of HTTP that a route answers. `Get` answers `HEAD` too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or asks with a document.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One route.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, with parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What it does, for the API document.
    pub summary: &'static str,
    /// Its query parameters.
    pub parameters: &'static [&'static str],
    /// How much it counts where the rate of requests is limited.
    pub cost: Cost,
    handler: fn() -> ActixRoute,
}

const fn route(
    method: Method,
    path: &'static str,
    access: Access,
    summary: &'static str,
    parameters: &'static [&'static str],
    handler: fn() -> ActixRoute,
) -> Route {
    let cost = if matches!(method, Get) { Cost::Read } else { Cost::Write };
    Route { method, path, access, summary, parameters, cost, handler }
}

impl Route {
    const fn costs(self, cost: Cost) -> Self {
        Self { cost, ..self }
    }
}

use Access::{Does, Everyone, OwnCredentials, SignedIn, Writes};
use Cost::{Check, Free, Search, SignIn};
use Method::{Delete, Get, Patch, Post, Put};

const F: &[&str] = &["f"];
const ITEM: &[&str] = items::ITEM_PARAMETERS;
const LIST: &[&str] = items::LIST_PARAMETERS;
const CHECK: &[&str] = conflict_check::PARAMETERS;
const NO: &[&str] = &[];
const COVERAGE: &str =
    "Where layers hold every feature that reaches into that ground, with the clearance or the accuracy of its own";

const WORKS: &str = "/ogc/collections/works/items";
const WORK: &str = "/ogc/collections/works/items/{id}";
const CORRIDORS: &str = "/ogc/collections/corridors/items";
const CORRIDOR: &str = "/ogc/collections/corridors/items/{id}";
const REFERENCES: &str = "/ogc/collections/references/items";
const DOCUMENTS: &str = "/api/{noun}/{id}/documents";
const RUN: &str = "/api/site-checks/{id}";
const RUN_REPLAY: &str = "/api/site-checks/{id}/replay";
const RUN_WAIVERS: &str = "/api/site-checks/{id}/waivers";
const REQUESTS: &str = "/ogc/collections/site-requests/items";
const REQUEST: &str = "/ogc/collections/site-requests/items/{id}";
const REQUEST_EVENTS: &str = "/api/site-requests/{id}/events";
const REQUEST_HISTORY: &str = "/api/site-requests/{id}/history";
const WEBHOOKS: &str = "/api/webhooks";
const WEBHOOK: &str = "/api/webhooks/{id}";
const DELIVERIES: &str = "/api/webhooks/{id}/deliveries";
const REPLAY: &str = "/api/webhooks/{id}/replay";
const REFERENCE: &str = "/ogc/collections/references/items/{id}";
const ZONES: &str = "/ogc/collections/zones/items";
const ZONE: &str = "/ogc/collections/zones/items/{id}";
const PLAN_CHECKS: &str = "/api/plans/{id}/checks";

const WORKS_WRITTEN: Access = Writes(Layer::Works);
const CORRIDORS_WRITTEN: Access = Writes(Layer::Corridors);
const REFERENCES_WRITTEN: Access = Writes(Layer::References);
const ACCOUNTS: Access = Does(Duty::Accounts);
const PLANS_DRAWN: Access = Does(Duty::Plans);
const PLAN_STEPS: Access = Does(Duty::PlanSteps);

/// THE list.
pub const ROUTES: &[Route] = &[
    route(Get, "/", Everyone, "Where to go from here", NO, || web::route().to(ogc::home)),
    route(Get, "/health/live", Everyone, "The process lives", NO, || web::route().to(health::live)).costs(Free),
    route(Get, "/health/ready", Everyone, "The database answers, the index is loaded", NO, || {
        web::route().to(health::ready)
    })
    .costs(Free),
    route(Get, "/metrics", Everyone, "Figures for Prometheus", NO, || web::route().to(health::metrics)).costs(Free),
    route(Get, "/ogc", Everyone, "Landing page of the features", F, || web::route().to(ogc::landing)),
    route(Get, "/ogc/conformance", Everyone, "What the service conforms to", F, || web::route().to(ogc::conformance)),
    route(Get, "/ogc/api", Everyone, "This API, as OpenAPI 3.0", F, || web::route().to(openapi::document)),
    route(Get, "/ogc/collections", Everyone, "The collections", F, || web::route().to(ogc::collections)),
    route(Get, "/ogc/collections/works", Everyone, "The collection of works", F, || {
        web::route().to(ogc::collection::<Work>)
    }),
    route(Get, "/ogc/collections/corridors", Everyone, "The collection of corridors", F, || {
        web::route().to(ogc::collection::<Corridor>)
    }),
    route(Get, WORKS, Everyone, "List works", LIST, || web::route().to(items::list::<Work>)),
    route(Post, WORKS, WORKS_WRITTEN, "Create a work", NO, || web::route().to(items::create::<Work>)),
    route(Get, WORK, Everyone, "Read a work, now or as it was", ITEM, || web::route().to(items::get::<Work>)),
    route(Put, WORK, WORKS_WRITTEN, "Replace a work", NO, || web::route().to(items::replace::<Work>)),
    route(Patch, WORK, WORKS_WRITTEN, "Change a work by merge-patch", NO, || web::route().to(items::patch::<Work>)),
    route(Delete, WORK, WORKS_WRITTEN, "Delete a work", NO, || web::route().to(items::delete::<Work>)),
    route(Get, CORRIDORS, Everyone, "List corridors", LIST, || web::route().to(items::list::<Corridor>)),
    route(Post, CORRIDORS, CORRIDORS_WRITTEN, "Create a corridor", NO, || web::route().to(items::create::<Corridor>)),
    route(Get, CORRIDOR, Everyone, "Read a corridor, now or as it was", ITEM, || {
        web::route().to(items::get::<Corridor>)
    }),
    route(Put, CORRIDOR, CORRIDORS_WRITTEN, "Replace a corridor", NO, || web::route().to(items::replace::<Corridor>)),
    route(Patch, CORRIDOR, CORRIDORS_WRITTEN, "Change a corridor by merge-patch", NO, || {
        web::route().to(items::patch::<Corridor>)
    }),
    route(Delete, CORRIDOR, CORRIDORS_WRITTEN, "Delete a corridor", NO, || web::route().to(items::delete::<Corridor>)),
    route(Get, "/ogc/collections/references", Everyone, "The collection of reference features", F, || {
        web::route().to(ogc::collection::<Reference>)
    }),
    route(Get, REFERENCES, Everyone, "List reference features", LIST, || web::route().to(items::list::<Reference>)),
    route(Post, REFERENCES, REFERENCES_WRITTEN, "Create a reference feature", NO, || {
        web::route().to(items::create::<Reference>)
    }),
    route(Get, REFERENCE, Everyone, "Read a reference feature, now or as it was", ITEM, || {
        web::route().to(items::get::<Reference>)
    }),
    route(Put, REFERENCE, REFERENCES_WRITTEN, "Replace a reference feature", NO, || {
        web::route().to(items::replace::<Reference>)
    }),
    route(Patch, REFERENCE, REFERENCES_WRITTEN, "Change a reference feature by merge-patch", NO, || {
        web::route().to(items::patch::<Reference>)
    }),
    route(Delete, REFERENCE, REFERENCES_WRITTEN, "Delete a reference feature", NO, || {
        web::route().to(items::delete::<Reference>)
    }),
    route(
        Get,
        "/api/references/{id}/history",
        Everyone,
        "Every version of a reference feature",
        version::PARAMETERS,
        || web::route().to(version::history::<Reference>),
    ),
    route(
        Get,
        "/api/reference-layers",
        Everyone,
        "Reference layers, their sources and their age",
        reference::PARAMETERS,
        || web::route().to(reference::layers),
    )
    // The database counts every feature for it.
    .costs(Check),
    route(Get, "/api/coverage", Everyone, COVERAGE, coverage::PARAMETERS, || web::route().to(coverage::list)),
    route(Get, "/api/changes", Everyone, "What changes, as Server-Sent Events", changes::PARAMETERS, || {
        web::route().to(changes::stream)
    }),
    route(Get, "/api/rules", Everyone, "The legal parameters by which checks decide", rules::PARAMETERS, || {
        web::route().to(rules::list)
    }),
    route(
        Get,
        "/api/calendar",
        Everyone,
        "On which days the offices of a jurisdiction work",
        calendar::PARAMETERS,
        || web::route().to(calendar::list),
    ),
    route(Post, "/api/conflict-checks", Everyone, "Check drawn shapes for conflicts", CHECK, || {
        web::route().to(conflict_check::check)
    })
    .costs(Check),
    route(Post, "/api/conflict-checks/batch", Everyone, "Check a drawn shape on each line", CHECK, || {
        web::route().to(batch::check)
    })
    .costs(Check),
    route(
        Post,
        "/api/site-checks",
        Everyone,
        "Check columns at places that nobody has asked for yet",
        site_check::PARAMETERS,
        || web::route().to(site_check::check),
    )
    .costs(Check),
    route(
        Post,
        "/api/site-checks/batch",
        Everyone,
        "Check a column on each line",
        site_check::BATCH_PARAMETERS,
        || web::route().to(site_check::check_batch),
    )
    .costs(Check),
    route(Get, "/api/site-checks", SignedIn, "Site checks that are kept", site_check_run::LIST_PARAMETERS, || {
        web::route().to(site_check_run::list)
    }),
    route(Get, RUN, SignedIn, "A site check that is kept, and whether it would be answered so now", NO, || {
        web::route().to(site_check_run::get)
    }),
    route(
        Get,
        RUN_REPLAY,
        SignedIn,
        "Make the answer of a kept site check again, on the state of then",
        site_check_run::REPLAY_PARAMETERS,
        || web::route().to(site_check_run::replay),
    )
    // The state of then may have to be made for it, of all features there were.
    .costs(Search),
    route(Post, RUN_WAIVERS, SignedIn, "Waive a finding of a kept site check", NO, || {
        web::route().to(site_check_run::waive)
    }),
    route(Get, "/ogc/collections/site-requests", Everyone, "The collection of site requests", F, || {
        web::route().to(site_request::collection)
    }),
    route(Get, REQUESTS, Everyone, "List site requests", LIST, || web::route().to(site_request::list)),
    route(Post, REQUESTS, SignedIn, "File a site request", NO, || web::route().to(site_request::create)),
    route(Get, REQUEST, Everyone, "Read a site request and its case", site_request::ITEM_PARAMETERS, || {
        web::route().to(site_request::get)
    }),
    route(Put, REQUEST, SignedIn, "Replace a site request", NO, || web::route().to(site_request::replace)),
    route(Patch, REQUEST, SignedIn, "Change a site request by merge-patch", NO, || {
        web::route().to(site_request::patch)
    }),
    route(Delete, REQUEST, SignedIn, "Delete a draft", NO, || web::route().to(site_request::delete)),
    route(Post, REQUEST_EVENTS, SignedIn, "Send an event to a site request", NO, || {
        web::route().to(site_request::send)
    }),
    route(
        Get,
        REQUEST_HISTORY,
        SignedIn,
        "What was done to a site request, and every version of it",
        version::PARAMETERS,
        || web::route().to(site_request::history),
    ),
    route(Get, inbox::INBOX, SignedIn, "What waits for me", inbox::PARAMETERS, || web::route().to(inbox::get)),
    route(Get, inbox::FEED, SignedIn, "When what waits for me is due, for calendars", inbox::FEED_PARAMETERS, || {
        web::route().to(inbox::feed)
    }),
    route(Get, "/api/tracking/{receipt}", Everyone, "How far a request has come, by its receipt", NO, || {
        web::route().to(site_request::track)
    }),
    route(
        Post,
        "/api/site-search",
        Everyone,
        "The best places for a column in an area",
        site_search::PARAMETERS,
        || web::route().to(site_search::find),
    )
    .costs(Search),
    route(Get, "/api/works/{id}/conflicts", Everyone, "Conflicts of a work", CHECK, || {
        web::route().to(conflict_check::check_stored::<Work>)
    })
    .costs(Check),
    route(Get, "/api/corridors/{id}/conflicts", Everyone, "Conflicts of a corridor", CHECK, || {
        web::route().to(conflict_check::check_stored::<Corridor>)
    })
    .costs(Check),
    route(Get, "/api/works/{id}/history", Everyone, "Every version of a work", version::PARAMETERS, || {
        web::route().to(version::history::<Work>)
    }),
    route(Get, "/api/corridors/{id}/history", Everyone, "Every version of a corridor", version::PARAMETERS, || {
        web::route().to(version::history::<Corridor>)
    }),
    route(Get, "/ogc/collections/zones", Everyone, "The collection of zones", F, || web::route().to(ogc::zones)),
    route(Get, ZONES, Everyone, "List zones, those in force on any day too", zone::LIST_PARAMETERS, || {
        web::route().to(zone::list)
    }),
    route(Post, ZONES, PLANS_DRAWN, "Add a zone, or a collection of them, to a plan that is a draft", NO, || {
        web::route().to(zone::create)
    }),
    route(Get, ZONE, Everyone, "Read a zone", zone::ITEM_PARAMETERS, || web::route().to(zone::get)),
    route(Put, ZONE, PLANS_DRAWN, "Replace a zone of a draft", NO, || web::route().to(zone::replace)),
    route(Patch, ZONE, PLANS_DRAWN, "Change a zone of a draft by merge-patch", NO, || web::route().to(zone::patch)),
    route(Delete, ZONE, PLANS_DRAWN, "Withdraw a zone from a draft", NO, || web::route().to(zone::delete)),
    route(Get, "/api/zones/{id}/history", Everyone, "Every version of a zone", version::PARAMETERS, || {
        web::route().to(zone::history)
    }),
    route(Get, "/api/plans", Everyone, "List plans", plan::LIST_PARAMETERS, || web::route().to(plan::list)),
    route(Post, "/api/plans", PLANS_DRAWN, "Begin a plan", NO, || web::route().to(plan::create)),
    route(Get, "/api/plans/{id}", Everyone, "Read a plan, and what may be done with it", NO, || {
        web::route().to(plan::get)
    }),
    route(Get, "/api/plans/{id}/history", Everyone, "Every step of a plan", NO, || web::route().to(plan::history)),
    route(Post, "/api/plans/{id}/events", PLAN_STEPS, "Take a plan from state to state", NO, || {
        web::route().to(plan::event)
    }),
    route(
        Post,
        "/api/plans/{id}/amendments",
        PLANS_DRAWN,
        "Begin the next version of a plan, with all its zones",
        NO,
        || web::route().to(plan::amend),
    ),
    route(
        Get,
        "/api/plans/{id}/difference",
        Everyone,
        "What a version of a plan changes of the one before",
        NO,
        || web::route().to(plan::compare),
    ),
    route(Post, PLAN_CHECKS, PLAN_STEPS, "Check all zones of a plan at once", NO, || web::route().to(plan::check))
        .costs(Search),
    route(
        Get,
        PLAN_CHECKS,
        PLAN_STEPS,
        "Read the last check of a plan, or another one",
        plan::CHECK_PARAMETERS,
        || web::route().to(plan::kept),
    ),
    route(Get, DOCUMENTS, Everyone, "Documents of something that holds some", document::LIST_PARAMETERS, || {
        web::route().to(document::list)
    }),
    route(Post, DOCUMENTS, SignedIn, "Add a document, or a redacted copy of one", document::ADD_PARAMETERS, || {
        web::route().to(document::add)
    }),
    route(Get, "/api/documents/{id}", Everyone, "What is known of a document", NO, || web::route().to(document::get)),
    route(Get, "/api/documents/{id}/content", Everyone, "What is in a document", NO, || {
        web::route().to(document::content)
    }),
    route(Post, "/api/sessions", OwnCredentials, "Sign in", NO, || web::route().to(session::sign_in)).costs(SignIn),
    route(Post, "/api/sessions/refresh", OwnCredentials, "Exchange a refresh token", NO, || {
        web::route().to(session::refresh)
    }),
    route(Delete, "/api/sessions/current", SignedIn, "Sign out", NO, || web::route().to(session::sign_out)),
    route(Get, "/api/account", SignedIn, "Who am I, and what may I", NO, || web::route().to(session::who)),
    route(Put, "/api/account/password", SignedIn, "Change one's own password", NO, || {
        web::route().to(session::password)
    }),
    route(Get, "/api/tokens", SignedIn, "The API tokens of the own account", NO, || web::route().to(api_token::list)),
    route(Post, "/api/tokens", SignedIn, "Make an API token; it is shown once", NO, || web::route().to(api_token::add)),
    route(Delete, "/api/tokens/{id}", SignedIn, "Revoke an API token", NO, || web::route().to(api_token::revoke)),
    route(Get, "/api/accounts", ACCOUNTS, "List accounts", account::LIST_PARAMETERS, || web::route().to(account::list)),
    route(Post, "/api/accounts", ACCOUNTS, "Add an account", NO, || web::route().to(account::add)),
    route(Get, "/api/accounts/{id}", ACCOUNTS, "Read an account", NO, || web::route().to(account::get)),
    route(Patch, "/api/accounts/{id}", ACCOUNTS, "Change an account, or disable it", NO, || {
        web::route().to(account::change)
    }),
    route(Get, "/api/organisations", SignedIn, "List organisations", NO, || web::route().to(organisation::list)),
    route(Post, "/api/organisations", ACCOUNTS, "Add an organisation", NO, || web::route().to(organisation::add)),
    route(Patch, "/api/organisations/{code}", ACCOUNTS, "Change an organisation", NO, || {
        web::route().to(organisation::change)
    }),
    route(Get, WEBHOOKS, ACCOUNTS, "List webhooks", webhook::LIST_PARAMETERS, || web::route().to(webhook::list)),
    route(Post, WEBHOOKS, ACCOUNTS, "Add a webhook; its secret is shown once", NO, || web::route().to(webhook::add)),
    route(Get, WEBHOOK, ACCOUNTS, "Read a webhook", NO, || web::route().to(webhook::get)),
    route(Patch, WEBHOOK, ACCOUNTS, "Change a webhook, or disable it", NO, || web::route().to(webhook::change)),
    route(
        Get,
        DELIVERIES,
        ACCOUNTS,
        "What a webhook was sent, and how that went",
        webhook::DELIVERY_PARAMETERS,
        || web::route().to(webhook::deliveries),
    ),
    route(Post, REPLAY, ACCOUNTS, "Send a webhook again what was given up, or named", NO, || {
        web::route().to(webhook::replay)
    }),
    route(Delete, WEBHOOK, ACCOUNTS, "Delete a webhook", NO, || web::route().to(webhook::remove)),
];
