//! The antennas of a request that was granted: each stands in the register as a transmitter, from the permit on and after it was
//! verified, so that the field of whoever is asked about beside them is summed with theirs.

use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use super::made_code;
use crate::actions::Context;
use crate::domain::feature::Noun;
use crate::domain::place::Placed;
use crate::domain::reference::{Attributes, OF_REQUEST, Reference, ReferenceKind, ReferenceProps};
use crate::domain::site_check::{Antenna, CheckCode, Parameters, SiteKey};
use crate::domain::site_request::Filed;
use crate::domain::site_request::case::Case;
use crate::domain::site_request::words::State;
use crate::domain::word::{Visibility, Word};
use crate::domain::work::Work;
use crate::store::records::Records;
use crate::store::{Stored, WriteTx, reference};

/// Its antennas may send.
fn may_send(of: &Filed) -> bool {
    of.state.is_permitted() || is_built(of)
}

fn is_built(of: &Filed) -> bool {
    of.work.is_some() && matches!(of.state, State::Verified | State::Closed)
}

/// Brings the transmitters of a request to what it has become: written with the permit, moved to what stands, and ended with
/// the request.
pub(super) fn keep(
    tx: &mut WriteTx<'_>,
    context: &Context,
    before: &Filed,
    of: &Filed,
    case: &Case,
    day: Date,
) -> Stored<()> {
    if may_send(before) == may_send(of) && before.work == of.work {
        return Ok(());
    }
    let source = format!("{} {}", ReferenceKind::SiteRequest, of.id);
    let mut known = Vec::new();
    for id in reference::of_source(tx, &of.jurisdiction, ReferenceKind::Transmitter, &source)? {
        known.extend(Reference::lock(tx, &of.jurisdiction, id)?);
    }
    let antennas = if may_send(of) { of.body.props.subject.antennas.as_slice() } else { &[] };
    let place = stands_at(tx, of, case)?;
    let widest = beamwidth(context, &of.jurisdiction, day);
    let feature = before.projected.or(of.projected).unwrap_or(of.id);
    let class: Arc<str> = known.first().and_then(|k| k.body.props().attributes.class.clone()).unwrap_or_else(|| {
        // By the feature that stands for the request the checks know whose they are.
        format!("{OF_REQUEST}{feature}").into()
    });
    let mut known = known.into_iter();
    for antenna in antennas {
        let present = known.next();
        let id = present.as_ref().map_or_else(Uuid::now_v7, |present| present.id);
        let code = present.as_ref().map_or_else(|| Some(made_code(id)), |present| present.body.props().code.clone());
        let attributes = Attributes { class: Some(Arc::clone(&class)), ..attributes(of, case, antenna, widest) };
        let props = ReferenceProps {
            code,
            dataset: ReferenceKind::SiteRequest.as_str().into(),
            kind: ReferenceKind::Transmitter,
            organisation: of.body.props.organisation.clone(),
            // By no more of those than see the request with its place, whatever becomes of the column; where a column of somebody else
            // stands not even they may know.
            visibility: if case.shared.is_some() { Visibility::Restricted } else { Visibility::Government },
            valid_from: None,
            valid_to: None,
            source: Some(source.clone()),
            source_date: None,
            licence: None,
            attributes: Arc::new(attributes),
        };
        let body = Reference::stored(props, place.clone());
        match present {
            None => drop(Reference::insert(tx, &of.jurisdiction, id, body)?),
            Some(present) if present.body != body => drop(Reference::update(tx, &present, body)?),
            Some(_) => {}
        }
    }
    known.try_for_each(|present| Reference::delete(tx, &present))
}

fn attributes(of: &Filed, case: &Case, antenna: &Antenna, widest: Option<f64>) -> Attributes {
    let props = &of.body.props;
    // Of a column that is shared nobody states here how high its top is.
    let top = match &case.surveyed {
        _ if case.shared.is_some() => None,
        Some(surveyed) => Some(surveyed.height_agl_m),
        None => Some(props.subject.height_agl_m),
    };
    // A transmitter has the beam of the rules: a wider one is taken to send all round.
    let fits = antenna.beamwidth_deg.is_none_or(|beam| widest.is_some_and(|widest| beam <= widest));
    Attributes {
        name: props.name.as_deref().map(Arc::from),
        height_agl_m: antenna.height_agl_m.or(top),
        eirp_w: Some(antenna.eirp_w),
        frequency_mhz: Some(antenna.frequency_mhz),
        azimuth_deg: antenna.azimuth_deg.filter(|_| fits),
        ..Attributes::NONE.clone()
    }
}

/// Where they stand: on the column that is shared, on what was built, else at the place that was asked for.
fn stands_at(tx: &mut WriteTx<'_>, of: &Filed, case: &Case) -> Stored<Placed> {
    let column = match case.shared.or(of.work) {
        Some(column) => Work::lock(tx, &of.jurisdiction, column)?,
        None => None,
    };
    Ok(column.map_or_else(|| of.body.place.clone(), |column| column.body.place().clone()))
}

/// How wide the beam of a transmitter is by the rules.
fn beamwidth(context: &Context, jurisdiction: &str, day: Date) -> Option<f64> {
    let snapshot = context.index.snapshot();
    let home = snapshot.territory(jurisdiction)?;
    Parameters::on(home.rules().site(), day).value(CheckCode::Emf, SiteKey::Beamwidth).ok()
}
