//! Organisations as JSON.

use serde_json::{Value as Json, json};

use super::session::read;
use crate::domain::organisation::{Organisation, OrganisationKind};
use crate::domain::word::Word;
use crate::error::{Error, Result};

/// Reads an organisation.
///
/// # Errors
/// [`Error::Invalid`] with every problem.
pub fn organisation(document: &Json) -> Result<Organisation> {
    let (code, name, kind) = read(document, &["code", "name", "kind"], |r| {
        let (code, name, kind) = (r.text("code"), r.text("name"), r.word("kind"));
        let (code, name, kind) = (r.required("code", code), r.required("name", name), r.required("kind", kind));
        Some((code?, name?, kind?))
    })?;
    Organisation::new(&code, &name, kind).map_err(Error::Invalid)
}

/// Reads what is to be otherwise.
///
/// # Errors
/// [`Error::Invalid`] with every problem.
pub fn change(document: &Json) -> Result<(Option<String>, Option<OrganisationKind>)> {
    read(document, &["name", "kind"], |r| Some((r.text("name"), r.word("kind"))))
}

/// An organisation.
#[must_use]
pub fn write(organisation: &Organisation) -> Json {
    json!({"code": organisation.code, "name": organisation.name, "kind": organisation.kind.as_str()})
}
