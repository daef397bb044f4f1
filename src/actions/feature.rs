//! The register: list, read, create, replace and delete features of any noun.

use uuid::Uuid;

use super::{Context, Reader, Witness, forbidden, refresh};
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditEntry, Deed};
use crate::domain::feature::{Noun, Registered, not_his_to_decide, not_stated};
use crate::domain::fields::Fields;
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::place::{Delivered, jurisdiction_of, other_reading};
use crate::domain::reference::ReferenceKind;
use crate::domain::restricted_read::Shown;
use crate::domain::word::{Visibility, Word};
use crate::error::{Error, Result};
use crate::geometry::{Bounds, Problem};
use crate::index::Territory;
use crate::store::import::UNSEEN;
use crate::store::records::{ListFilter, Records};
use crate::store::{Connection, Stored, site_request, zone};
use std::sync::Arc;

/// A noun that the register holds.
pub trait Registrable: Records {}
impl<T: Records> Registrable for T {}

/// What a document says of a feature.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The properties.
    pub fields: Fields,
    /// The jurisdiction named among them; `None`: chosen by place.
    pub jurisdiction: Option<String>,
    /// The shape; `None`: the present one stays.
    pub delivered: Option<Delivered>,
}

/// Which part of a collection is asked for.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Boxes in WGS 84; none: everywhere.
    pub boxes: Vec<Bounds>,
    /// Only one jurisdiction.
    pub jurisdiction: Option<String>,
    /// Only ids after this one.
    pub after: Option<Uuid>,
    /// Features on the page.
    pub limit: u32,
}

/// One page of a collection.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The features, by ascending id.
    pub features: Vec<Registered<T>>,
    /// The last id, where more follow.
    pub next: Option<Uuid>,
}

/// Features that the actor sees, by ascending id.
///
/// # Errors
/// [`Error::NotFound`] for an unknown jurisdiction, [`Error::Busy`].
pub fn list<'r, T: Registrable>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    query: &ListQuery,
) -> Result<Page<T>> {
    let reader = reader.into();
    let snapshot = context.index.snapshot();
    let mut sights: Vec<(Vec<String>, _)> = Vec::new();
    for territory in snapshot.territories() {
        let code = &territory.jurisdiction.code;
        if query.jurisdiction.as_ref().is_some_and(|only| only != code) {
            continue;
        }
        let sight = reader.actor.sight(code);
        match sights.iter_mut().find(|(_, s)| *s == sight) {
            Some((codes, _)) => codes.push(code.clone()),
            None => sights.push((vec![code.clone()], sight)),
        }
    }
    if sights.is_empty()
        && let Some(code) = &query.jurisdiction
    {
        return Err(Error::parameter("jurisdiction", format!("«{code}» is not registered")));
    }
    let filter =
        ListFilter { sights, boxes: query.boxes.clone(), after: query.after, limit: i64::from(query.limit) + 1 };
    let mut features = context.store.read_as(reader.actor, |conn| T::list(conn, &filter))?;
    let more = features.len() > query.limit as usize;
    features.truncate(query.limit as usize);
    let next = features.last().filter(|_| more).map(|f| f.id);
    context.reads.shown(reader, features.iter().filter_map(restricted))?;
    Ok(Page { features, next })
}

/// A feature of which it is to be known who is shown it.
fn restricted<T: Noun>(feature: &Registered<T>) -> Option<Shown<'_>> {
    let restricted = T::visibility(feature.body.props()).is_restricted();
    restricted.then_some((T::LAYER, feature.jurisdiction.as_str(), feature.id))
}

/// One feature.
///
/// # Errors
/// [`Error::NotFound`] where it is not there or not the actor's to know, [`Error::Busy`].
pub fn get<'r, T: Registrable>(context: &Context, reader: impl Into<Reader<'r>>, id: Uuid) -> Result<Registered<T>> {
    let reader = reader.into();
    let found = present(context, reader.actor, id)?;
    context.reads.shown(reader, restricted(&found).into_iter())?;
    Ok(found)
}

/// One feature, for whoever decides about it. Nobody is shown it yet.
pub(super) fn present<T: Registrable>(context: &Context, actor: &Actor, id: Uuid) -> Result<Registered<T>> {
    let found = context.store.read_as(actor, |conn| T::find(conn, id))?;
    visible(actor, found, id)
}

/// The same of one that was found otherwise.
pub(super) fn visible<T: Noun>(actor: &Actor, found: Option<Registered<T>>, id: Uuid) -> Result<Registered<T>> {
    found
        .filter(|f| {
            let props = f.body.props();
            actor.sight(&f.jurisdiction).sees(T::visibility(props), T::organisation(props))
        })
        .ok_or_else(|| Error::NotFound(format!("the {} {id}", T::WORD)))
}

/// Creates a feature.
///
/// # Errors
/// [`Error::Invalid`] with every problem, [`Error::CodeTaken`], [`Error::Forbidden`], [`Error::Busy`].
pub fn create<T: Registrable>(context: &Context, witness: Witness<'_>, draft: &Draft) -> Result<Registered<T>> {
    let actor = witness.actor;
    if actor.is_public() {
        return Err(forbidden(actor, &format!("create a {}", T::WORD)));
    }
    let props = T::read(&draft.fields, actor.organisation.as_deref());
    let territory = territory_of::<T>(context, draft, None);
    let (mut props, territory) = match (props, territory) {
        (Ok(props), Ok(territory)) => (props, territory),
        (props, territory) => return Err(all_problems::<T>(context, props.err(), territory, draft)),
    };
    let jurisdiction = &territory.jurisdiction;
    may_write::<T>(actor, &jurisdiction.code, &props)?;
    may_see::<T>(actor, &jurisdiction.code, &props)?;
    let id = Uuid::now_v7();
    if T::code(&props).is_none() {
        T::set_code(&mut props, made_code(T::WORD, id));
    }
    let delivered = draft.delivered.clone().ok_or_else(no_geometry)?;
    let body = T::build(props, delivered, jurisdiction, T::kept_within(context.reach())).map_err(under_geometry)?;
    has_no_other_door::<T>(witness, body.props())?;
    let (created, revisions) = context.store.write_keyed(witness, |tx| {
        let created = T::insert(tx, &jurisdiction.code, id, body.clone())?;
        tx.audit(&jurisdiction.code, entry(Deed::Create, &created))?;
        Ok(created)
    })?;
    refresh::after_commit(context, witness.actor, &revisions);
    Ok(created)
}

/// Replaces a feature. `expected` is the version it must still have.
///
/// # Errors
/// As [`create`], and [`Error::NotFound`], [`Error::Changed`].
pub fn replace<T: Registrable>(
    context: &Context,
    witness: Witness<'_>,
    id: Uuid,
    expected: Option<i32>,
    draft: &Draft,
) -> Result<Registered<T>> {
    let actor = witness.actor;
    let present: Registered<T> = present(context, actor, id)?;
    may_write::<T>(actor, &present.jurisdiction, present.body.props())?;
    check_version(&present, expected)?;
    is_no_projection(context, &present)?;
    let mut props = T::read(&draft.fields, Some(T::organisation(present.body.props())));
    if let Some(problem) = public_by_omission(&draft.fields, &present) {
        props = Err(props.err().into_iter().flatten().chain([problem]).collect());
    }
    let territory = territory_of::<T>(context, draft, Some(&present.jurisdiction));
    let (mut props, territory) = match (props, territory) {
        (Ok(props), Ok(territory)) => (props, territory),
        (props, territory) => return Err(all_problems::<T>(context, props.err(), territory, draft)),
    };
    may_write::<T>(actor, &present.jurisdiction, &props)?;
    may_see::<T>(actor, &present.jurisdiction, &props)?;
    if T::code(&props).is_none() {
        T::set_code(&mut props, T::code(present.body.props()).unwrap_or_default().to_owned());
    }
    let jurisdiction = &territory.jurisdiction;
    let body = match &draft.delivered {
        Some(delivered) => T::build(props, delivered.clone(), jurisdiction, T::kept_within(context.reach())),
        None => present.body.with_props(props, jurisdiction),
    }
    .map_err(under_geometry)?;
    has_no_other_door::<T>(witness, present.body.props())?;
    has_no_other_door::<T>(witness, body.props())?;
    let (replaced, revisions) = context.store.write_keyed(witness, |tx| {
        let locked = T::lock(tx, &present.jurisdiction, id)?;
        let now = locked.ok_or_else(|| Error::NotFound(format!("the {} {id}", T::WORD)))?;
        // What was read and decided on above must still be what stands there.
        check_version(&now, Some(present.version))?;
        let replaced = T::update(tx, &now, body.clone())?;
        let mut event = entry(Deed::Replace, &replaced);
        let (before, after) = (T::organisation(now.body.props()), T::organisation(replaced.body.props()));
        if before != after {
            event.detail.push(("organisation_before", before.to_owned()));
        }
        tx.audit(&present.jurisdiction, event)?;
        Ok(replaced)
    })?;
    refresh::after_commit(context, witness.actor, &revisions);
    Ok(replaced)
}

/// Deletes a feature. `expected` is the version it must still have.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Changed`], [`Error::Forbidden`], [`Error::Busy`].
pub fn delete<T: Registrable>(context: &Context, witness: Witness<'_>, id: Uuid, expected: Option<i32>) -> Result<()> {
    let actor = witness.actor;
    let present: Registered<T> = present(context, actor, id)?;
    may_write::<T>(actor, &present.jurisdiction, present.body.props())?;
    check_version(&present, expected)?;
    is_no_projection(context, &present)?;
    let ((), revisions) = context.store.write_keyed(witness, |tx| {
        let locked = T::lock(tx, &present.jurisdiction, id)?;
        let now = locked.ok_or_else(|| Error::NotFound(format!("the {} {id}", T::WORD)))?;
        check_version(&now, Some(present.version))?;
        T::delete(tx, &now)?;
        tx.audit(&present.jurisdiction, entry(Deed::Delete, &now))?;
        Ok(())
    })?;
    refresh::after_commit(context, witness.actor, &revisions);
    Ok(())
}

/// A document is all of a feature, so what it leaves out gets its default; but nobody makes public by leaving out.
fn public_by_omission<T: Noun>(fields: &Fields, present: &Registered<T>) -> Option<Problem> {
    let now = T::visibility(present.body.props());
    if now == Visibility::Public || !not_stated::<T>(fields).contains(&"visibility") {
        return None;
    }
    let detail =
        format!("is missing, and without it the feature would be public; it is {now} now, so say which it is to be");
    Some(Problem::new("/properties/visibility", detail))
}

/// Somebody writes a feature with these properties.
pub(super) fn may_write<T: Noun>(actor: &Actor, jurisdiction: &str, props: &T::Props) -> Result<()> {
    let organisation = T::organisation(props);
    if !actor.may_write(T::LAYER, jurisdiction, organisation) {
        return Err(forbidden(actor, &format!("write a {} of {organisation} in {jurisdiction}", T::WORD)));
    }
    not_his_to_decide::<T>(actor, jurisdiction, T::status(props)).map_or(Ok(()), |why| Err(Error::Forbidden(why)))
}

/// Nobody hides a feature from himself: then a code that is taken could tell him of one that he does not see.
fn may_see<T: Noun>(actor: &Actor, jurisdiction: &str, props: &T::Props) -> Result<()> {
    if actor.sight(jurisdiction).sees(T::visibility(props), T::organisation(props)) {
        return Ok(());
    }
    Err(Error::invalid("/properties/visibility", UNSEEN))
}

/// What a workflow leads nobody writes by a request to this door: he would pass by whoever decides. The program itself may bring in
/// what there was before.
fn has_no_other_door<T: Noun>(witness: Witness<'_>, props: &T::Props) -> Result<()> {
    let state = T::status(props);
    let led = T::LED.iter().find(|(of, _)| *of == state && witness.identity.is_some());
    led.map_or(Ok(()), |(_, why)| Err(Error::invalid(format!("/properties/{}", T::STATE), *why)))
}

/// What keeps others off the place of a site request is the request's alone to write, what a plan in force shows of its zones the
/// plan's.
fn is_no_projection<T: Noun>(context: &Context, present: &Registered<T>) -> Result<()> {
    let stands_for = |of: fn(&mut Connection, Uuid) -> Stored<bool>| {
        context.store.read_as(&Actor::operator(), |conn| of(conn, present.id))
    };
    let kind = T::status(present.body.props());
    let detail = if kind == ReferenceKind::SiteRequest.as_str() && stands_for(site_request::is_projected)? {
        "it stands for a site request, and is written with that alone: see /ogc/collections/site-requests"
    } else if kind == ReferenceKind::Transmitter.as_str()
        && present.body.attributes().is_some_and(|a| a.is_of_request())
    {
        "it stands for an antenna of a site request, and is written with that alone: see /ogc/collections/site-requests"
    } else if kind == ReferenceKind::Zone.as_str() && stands_for(|conn, id| Ok(zone::find(conn, id)?.is_some()))? {
        "it is a zone of a plan that was published, and is written with its plan alone: see /api/plans"
    } else {
        return Ok(());
    };
    Err(Error::StillNeeded(detail.into()))
}

fn check_version<T>(present: &Registered<T>, expected: Option<i32>) -> Result<()> {
    match expected {
        Some(version) if version != present.version => Err(Error::Changed(format!(
            "the feature has version {} now, not {version}: read it again before you change it",
            present.version
        ))),
        _ => Ok(()),
    }
}

/// The territory named by the draft, or found by its place.
fn territory_of<T: Noun>(context: &Context, draft: &Draft, present: Option<&str>) -> Result<Arc<Territory>> {
    let snapshot = context.index.snapshot();
    let named = draft.jurisdiction.as_deref().filter(|j| *j != "auto");
    if let (Some(named), Some(present)) = (named, present)
        && named != present
    {
        return Err(Error::invalid(
            "/properties/jurisdiction",
            format!("is {named}, but the feature belongs to {present}; delete it and create it there"),
        ));
    }
    if let Some(code) = named.or(present) {
        return snapshot
            .territory(code)
            .cloned()
            .ok_or_else(|| Error::invalid("/properties/jurisdiction", format!("«{code}» is not registered here")));
    }
    let delivered = draft.delivered.as_ref().ok_or_else(no_geometry)?;
    let all: Vec<Arc<Jurisdiction>> = snapshot.territories().map(|t| Arc::clone(&t.jurisdiction)).collect();
    let reach = T::kept_within(context.reach());
    let found = jurisdiction_of(delivered, &all, reach).ok_or_else(|| {
        let mut detail = "lies in no registered jurisdiction".to_owned();
        if let Some(hint) = all.iter().find_map(|j| other_reading(delivered, j, reach)) {
            detail.push_str("; ");
            detail.push_str(&hint);
        }
        Error::invalid("/geometry/coordinates", detail)
    })?;
    snapshot.territory(&found.code).cloned().ok_or_else(|| Error::Internal("a jurisdiction vanished".into()))
}

/// Every problem of a draft at once: of its properties, its jurisdiction and its shape.
fn all_problems<T: Noun>(
    context: &Context,
    props: Option<Vec<Problem>>,
    territory: Result<Arc<Territory>>,
    draft: &Draft,
) -> Error {
    let mut problems = props.unwrap_or_default();
    match territory {
        Err(Error::Invalid(more)) => {
            problems.extend(draft.delivered.iter().flat_map(own_problems));
            if problems.iter().all(|p| !p.pointer.starts_with("/geometry")) || more[0].pointer.starts_with("/prop") {
                problems.extend(more);
            }
        }
        Err(other) => return other,
        Ok(territory) => {
            if let Some(delivered) = &draft.delivered
                && let Err(more) = crate::domain::place::place(
                    delivered.clone(),
                    &territory.jurisdiction,
                    T::kept_within(context.reach()),
                )
            {
                problems.extend(more.into_iter().map(|p| p.under("/geometry")));
            }
        }
    }
    Error::Invalid(problems)
}

/// What is wrong with a shape whatever its jurisdiction.
fn own_problems(delivered: &Delivered) -> Vec<Problem> {
    let problems = crate::domain::place::to_lonlat(delivered).err().unwrap_or_default();
    problems.into_iter().map(|p| p.under("/geometry")).collect()
}

fn no_geometry() -> Error {
    Error::invalid("/geometry", "is missing or null: a feature has a place")
}

/// Problems of `build` are relative to the geometry object, unless they name a property.
pub(crate) fn under_geometry(problems: Vec<Problem>) -> Error {
    Error::Invalid(
        problems
            .into_iter()
            .map(|p| if p.pointer.starts_with("/properties/") { p } else { p.under("/geometry") })
            .collect(),
    )
}

/// A code for a feature that came without: readable, and unique as its id is.
fn made_code(word: &str, id: Uuid) -> String {
    let hex = id.simple().to_string();
    format!("{}-{}", &word[..1].to_uppercase(), hex[hex.len() - 12..].to_uppercase())
}

fn entry<T: Noun>(deed: Deed, feature: &Registered<T>) -> AuditEntry {
    AuditEntry {
        deed,
        layer: Some(T::LAYER),
        subject: Some(feature.id),
        owner: Some(T::organisation(feature.body.props()).to_owned()),
        detail: vec![
            ("code", T::code(feature.body.props()).unwrap_or_default().to_owned()),
            ("version", feature.version.to_string()),
        ],
    }
}
