//! What a step writes besides the case: the reference feature that keeps others off the place while the request is pending, and
//! the work that it becomes.

use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use super::made_code;
use crate::domain::feature::{Noun, Registered};
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::place::Delivered;
use crate::domain::reference::{Attributes, PERMITTED, Reference, ReferenceKind, ReferenceProps};
use crate::domain::site_request::Filed;
use crate::domain::site_request::case::Case;
use crate::domain::site_request::told::{Stated, Surveyed};
use crate::domain::word::{Visibility, Word};
use crate::domain::work::{Importance, Work, WorkProps, WorkStatus};
use crate::error::Error;
use crate::geometry::{Geometry, Metres};
use crate::store::records::Records;
use crate::store::{Failure, Stored, WriteTx, site_request, work};

/// The reference feature of a request is to be there; `shares`: no column of its own is to come.
pub(super) fn stands_for(of: &Filed, shares: bool) -> bool {
    of.state.is_pending() && !shares
}

/// Brings the reference feature of a request to what the request is: there while it is pending, and gone when it is not.
/// Its id, where it is there.
pub(super) fn project(tx: &mut WriteTx<'_>, of: &Filed, shares: bool) -> Stored<Option<Uuid>> {
    let wanted = stands_for(of, shares).then(|| reference(of));
    let known = match of.projected {
        None => None,
        Some(id) => Reference::lock(tx, &of.jurisdiction, id)?,
    };
    match (wanted, known) {
        (None, None) => Ok(None),
        (None, Some(known)) => Reference::delete(tx, &known).map(|()| None),
        (Some(body), None) => {
            let id = Uuid::now_v7();
            Reference::insert(tx, &of.jurisdiction, id, body)?;
            Ok(Some(id))
        }
        (Some(body), Some(known)) => {
            if known.body != body {
                Reference::update(tx, &known, body)?;
            }
            Ok(Some(known.id))
        }
    }
}

fn reference(of: &Filed) -> Reference {
    let props = &of.body.props;
    let attributes = Attributes {
        name: props.name.as_deref().map(Arc::from),
        height_agl_m: Some(props.subject.height_agl_m),
        class: of.state.is_permitted().then(|| PERMITTED.into()),
        ..Attributes::NONE.clone()
    };
    let props = ReferenceProps {
        code: props.code.clone(),
        dataset: ReferenceKind::SiteRequest.as_str().into(),
        kind: ReferenceKind::SiteRequest,
        organisation: props.organisation.clone(),
        visibility: Visibility::Government,
        valid_from: None,
        valid_to: None,
        source: None,
        source_date: None,
        licence: None,
        attributes: Arc::new(attributes),
    };
    Reference::stored(props, of.body.place.clone())
}

/// The work that a step speaks of, locked: before the revision is raised, as by whoever changes one.
pub(super) fn work(tx: &mut WriteTx<'_>, of: &Filed, case: &Case, stated: &Stated) -> Stored<Option<Registered<Work>>> {
    let meant = match stated {
        Stated::Agreement { column, .. } => Some(*column),
        Stated::Work(named) => case.shared.or(*named),
        _ => None,
    };
    Ok(meant.map(|id| Work::lock(tx, &of.jurisdiction, id)).transpose()?.flatten())
}

/// Why the column that is agreed on bears nobody more on a day: what was agreed on with others takes a place before anything stands.
pub(super) fn full(
    tx: &mut WriteTx<'_>,
    of: &Filed,
    stated: &Stated,
    column: Option<&Registered<Work>>,
    day: Date,
) -> Stored<Option<String>> {
    let Stated::Agreement { column: id, .. } = stated else { return Ok(None) };
    let there = column.map(|work| work.body.props());
    let there = there.filter(|work| work.status.counts() && work.valid_to.is_none_or(|last| day <= last));
    let Some(there) = there else { return Ok(Some(format!("{id} is not there any more"))) };
    let Some(places) = there.spare_capacity else { return Ok(None) };
    let to_come = site_request::agreed_on(tx, &of.jurisdiction, *id)?;
    let is_on_it = |carrier: &String| there.organisation == *carrier || there.tenants.contains(carrier);
    let carrier = &of.body.props.organisation;
    let has_place = is_on_it(carrier) || to_come.contains(carrier);
    let taken = to_come.iter().filter(|other| !is_on_it(other)).count();
    let is_left = usize::try_from(places).is_ok_and(|places| taken < places);
    Ok((!has_place && !is_left).then(|| format!("{id} has no place left")))
}

/// Registers what stands: a new work, the one that is named, or the column that is shared. Its id.
pub(super) fn stands(
    tx: &mut WriteTx<'_>,
    of: &Filed,
    case: &Case,
    named: Option<Uuid>,
    jurisdiction: &Jurisdiction,
    reach: Metres,
) -> Stored<Uuid> {
    let Some(surveyed) = &case.surveyed else {
        return Err(Error::Internal("a column that nobody surveyed is verified".into()).into());
    };
    if let Some(column) = case.shared {
        return shared(tx, of, column, jurisdiction);
    }
    let delivered = Delivered { shape: Geometry::Point((surveyed.x, surveyed.y).into()), crs: surveyed.crs };
    let build = |props: WorkProps| {
        Work::build(props, delivered.clone(), jurisdiction, Work::kept_within(reach))
            .map_err(|more| Error::Invalid(more.into_iter().map(|p| p.under("/data")).collect()))
    };
    let Some(id) = named else {
        let id = Uuid::now_v7();
        let coded = |code: String| build(props(of, surveyed, Some(code)));
        let own = coded(of.body.props.code.clone().unwrap_or_else(|| made_code(id)))?;
        match Work::insert(tx, &of.jurisdiction, id, own) {
            Err(Failure::Ours(Error::CodeTaken(code))) => {
                let others = work::of_code(tx, &of.jurisdiction, &code)?;
                // A second one beside that which was to come would leave it to come for ever.
                if let Some(meant) = others.iter().find(|work| is_meant(of, work.body.props())) {
                    let problem =
                        format!("{code} is the code of the {} work {}: name it", meant.body.props().status, meant.id);
                    return Err(Error::invalid("/data/work", problem).into());
                }
                // That of the column whose place it takes, as a rule.
                Work::insert(tx, &of.jurisdiction, id, coded(made_code(id))?)?
            }
            inserted => inserted?,
        };
        return Ok(id);
    };
    let known = Work::lock(tx, &of.jurisdiction, id)?;
    let known = known.filter(|work| work.body.props().organisation == of.body.props.organisation);
    let known = known.ok_or_else(|| Error::invalid("/data/work", "is no work of the carrier in the jurisdiction"))?;
    let present = known.body.props().clone();
    if !is_meant(of, &present) {
        let problem = format!(
            "is a {} that is {}: name one of the kind that was permitted and that is to come",
            present.kind, present.status
        );
        return Err(Error::invalid("/data/work", problem).into());
    }
    let next = props(of, surveyed, present.code.clone());
    let kept = WorkProps {
        visibility: present.visibility,
        importance: present.importance,
        tenants: present.tenants,
        spare_capacity: present.spare_capacity,
        // It stands, whenever it was to come.
        valid_from: present.valid_from.map(|first| first.min(surveyed.on)),
        valid_to: present.valid_to.filter(|last| surveyed.on <= *last),
        ..next
    };
    Work::update(tx, &known, build(kept)?)?;
    Ok(id)
}

/// A work may be that which a request is for: of its carrier and its kind, and to come.
fn is_meant(of: &Filed, work: &WorkProps) -> bool {
    let to_come = [WorkStatus::Planned, WorkStatus::Permitted, WorkStatus::UnderConstruction];
    let asked = &of.body.props;
    work.organisation == asked.organisation && work.kind == asked.subject.kind && to_come.contains(&work.status)
}

fn props(of: &Filed, surveyed: &Surveyed, code: Option<String>) -> WorkProps {
    let asked = &of.body.props;
    WorkProps {
        code,
        name: asked.name.clone(),
        organisation: asked.organisation.clone(),
        kind: asked.subject.kind,
        status: WorkStatus::InService,
        column_class: asked.subject.column_class,
        height_agl_m: Some(surveyed.height_agl_m),
        position_accuracy_m: Some(surveyed.accuracy_m),
        capture_method: Some(surveyed.capture_method),
        importance: Importance::Ordinary,
        visibility: Visibility::Public,
        tenants: Vec::new(),
        spare_capacity: None,
        valid_from: Some(surveyed.on),
        valid_to: None,
        source: Some(format!("as-built of {}", asked.code.as_deref().unwrap_or_default())),
    }
}

/// The carrier becomes a tenant of the column.
fn shared(tx: &mut WriteTx<'_>, of: &Filed, column: Uuid, jurisdiction: &Jurisdiction) -> Stored<Uuid> {
    let gone = || Error::invalid("/data/work", "the column that is shared is not there any more");
    let known = Work::lock(tx, &of.jurisdiction, column)?;
    let known = known.filter(|work| work.body.props().status.counts()).ok_or_else(gone)?;
    let mut props = known.body.props().clone();
    let tenant = &of.body.props.organisation;
    if props.organisation != *tenant && !props.tenants.contains(tenant) {
        if props.spare_capacity == Some(0) {
            return Err(Error::invalid("/data/work", "the column that is shared has no place left").into());
        }
        props.tenants.push(tenant.clone());
        props.spare_capacity = props.spare_capacity.map(|places| places - 1);
        let body = known.body.with_props(props, jurisdiction).map_err(Error::Invalid)?;
        Work::update(tx, &known, body)?;
    }
    Ok(column)
}
