//! Versions as JSON: a feature as it was, and the entries of a history.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::feature::{Written, write};
use crate::domain::audit::hex;
use crate::domain::version::{Authorship, Ended, ListedVersion, Version};

/// Writes a Feature as it was, with the time for which it was recorded among its properties.
#[must_use]
pub fn write_version<T: Written>(version: &Version<T>) -> Map<String, Json> {
    let mut document = write(&version.feature);
    add_recorded(&mut document, version.feature.recorded_at, version.ended.as_ref());
    document
}

/// Writes among the properties of a Feature for which time it was recorded so.
pub fn add_recorded(document: &mut Map<String, Json>, from: Timestamp, ended: Option<&Ended>) {
    if let Some(Json::Object(properties)) = document.get_mut("properties") {
        properties.insert("recorded_from".into(), json!(from.to_string()));
        properties.insert("recorded_to".into(), recorded_to(ended));
    }
}

fn recorded_to(ended: Option<&Ended>) -> Json {
    ended.map_or(Json::Null, |ended| json!(ended.at.to_string()))
}

/// A version in a history.
#[must_use]
pub fn write_listed(version: &ListedVersion) -> Json {
    let mut written = json!({
        "version": version.version,
        "recorded_from": version.recorded_at.to_string(),
        "recorded_to": recorded_to(version.ended.as_ref()),
        "revision": version.revision,
        "digest": version.digest.as_ref().map(|digest| hex(digest)),
    });
    add(&mut written, &version.began);
    written
}

/// How the feature was deleted.
#[must_use]
pub fn write_deleted(ended: &Ended, by: &Authorship) -> Json {
    let mut written = json!({"recorded_at": ended.at.to_string(), "revision": ended.revision});
    add(&mut written, by);
    written
}

/// What was done, and by whom; nulls where that is not said.
fn add(written: &mut Json, by: &Authorship) {
    let author = by.author.as_ref();
    written["deed"] = json!(by.deed);
    written["actor"] = json!(author.map(|a| &a.name));
    written["organisation"] = json!(author.and_then(|a| a.organisation.as_ref()));
    written["on_behalf_of"] = json!(author.and_then(|a| a.on_behalf_of.as_ref()));
    written["reason"] = json!(author.and_then(|a| a.reason.as_ref()));
}
