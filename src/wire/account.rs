//! Accounts as JSON, and what a request may.

use serde_json::{Value as Json, json};

use super::session::read;
use crate::domain::account::{Account, AccountChange, AccountDraft, Scope};
use crate::domain::actor::{Actor, Duty};
use crate::domain::fields::Reading;
use crate::domain::layer::Layer;
use crate::domain::session::{Identity, Via};
use crate::domain::word::Word;
use crate::error::Result;

/// Reads an account to be.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) with every problem.
pub fn draft(document: &Json) -> Result<AccountDraft> {
    read(document, &["name", "organisation", "roles", "jurisdictions", "password"], |r| {
        let (name, organisation, password) = (r.text("name"), r.text("organisation"), r.secret("password"));
        let (name, organisation) = (r.required("name", name), r.required("organisation", organisation));
        let roles = r.words("roles");
        r.required("roles", document.get("roles"));
        let scope = Scope { roles, jurisdictions: jurisdictions(r, document) };
        Some(AccountDraft { name: name?, organisation: organisation?, scope, password })
    })
}

/// Reads what is to be otherwise.
///
/// # Errors
/// As [`draft`].
pub fn change(document: &Json) -> Result<AccountChange> {
    let known = ["organisation", "roles", "jurisdictions", "disabled", "password", "email", "language", "mail"];
    read(document, &known, |r| {
        let email = r.text("email");
        let (roles, jurisdictions) = (r.words("roles"), jurisdictions(r, document));
        Some(AccountChange {
            organisation: r.text("organisation"),
            roles: document.get("roles").map(|_| roles),
            jurisdictions: document.get("jurisdictions").map(|_| jurisdictions),
            disabled: r.yes_or_no("disabled"),
            password: r.secret("password"),
            email: document.get("email").map(|_| email),
            language: r.word("language"),
            mail: r.yes_or_no("mail"),
        })
    })
}

/// The jurisdictions that a document names; null, as not to name any, is all of them.
pub(super) fn jurisdictions(reading: &mut Reading<'_>, document: &Json) -> Option<Vec<String>> {
    let codes = reading.texts("jurisdictions");
    document.get("jurisdictions").filter(|given| !given.is_null()).map(|_| codes)
}

/// An account; its version is its tag.
#[must_use]
pub fn write(account: &Account) -> Json {
    json!({
        "id": account.id,
        "name": account.name,
        "organisation": account.organisation,
        "roles": words(&account.scope.roles),
        "jurisdictions": account.scope.jurisdictions,
        "disabled": account.disabled,
        "email": account.mail.address,
        "language": account.mail.language.as_str(),
        "mail": account.mail.wanted,
        "version": account.version,
        "recorded_at": account.recorded_at.to_string(),
    })
}

/// The spellings of some words.
pub(super) fn words<W: Word>(words: &[W]) -> Vec<&'static str> {
    words.iter().map(|w| w.as_str()).collect()
}

/// Who sent a request, and what that lets him do.
#[must_use]
pub fn identity(identity: &Identity, csrf_token: Option<&str>) -> Json {
    let actor = &identity.actor;
    let via = match identity.via {
        Via::Nobody => "nothing",
        Via::Configured => "configured_token",
        Via::Issuer => "issuer",
        Via::ApiToken(_) => "api_token",
        Via::Session(_) => "session",
        Via::Cookie(_) => "cookie",
    };
    let mut document = json!({
        "name": actor.name,
        "id": identity.account,
        "organisation": actor.organisation,
        "roles": words(&actor.roles),
        "jurisdictions": actor.jurisdictions,
        "via": via,
        "expires_at": identity.expires_at.map(|at| at.to_string()),
        "may": may(actor),
    });
    if let Some(name) = &identity.display_name {
        document["display_name"] = name.as_str().into();
    }
    if let Some(token) = csrf_token {
        document["csrf_token"] = token.into();
    }
    document
}

/// The rights of an actor where his roles hold.
fn may(actor: &Actor) -> Json {
    let writes = Layer::ALL.iter().map(|(layer, name)| ((*name).to_owned(), actor.writes(*layer).as_str().into()));
    let duties: Vec<&str> = Duty::ALL.iter().filter(|(duty, _)| actor.may_do(*duty)).map(|(_, name)| *name).collect();
    let place = actor.jurisdictions.as_ref().and_then(|all| all.first()).map_or("", String::as_str);
    json!({
        "write": writes.collect::<serde_json::Map<String, Json>>(),
        "duties": duties,
        "see": words(&actor.sight(place).visibilities),
    })
}
