//! The antennas of a request that was granted: each stands in the register as a transmitter, from the permit on and after it was
//! verified, so that the field of whoever is asked about beside them is summed with theirs. Those of a request that was granted
//! before that was so are brought in by the timer, each request once.

use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use super::{locked, made_code};
use crate::actions::{Context, Witness, refresh};
use crate::domain::audit::{AuditEntry, Deed};
use crate::domain::feature::Noun;
use crate::domain::jurisdiction::Jurisdiction;
use crate::domain::layer::Layer;
use crate::domain::place::Placed;
use crate::domain::reference::{Attributes, OF_REQUEST, Reference, ReferenceKind, ReferenceProps};
use crate::domain::site_check::{Antenna, CheckCode, Parameters, SiteKey};
use crate::domain::site_request::Filed;
use crate::domain::site_request::case::Case;
use crate::domain::site_request::words::State;
use crate::domain::word::{Visibility, Word};
use crate::domain::work::Work;
use crate::error::{Error, Result};
use crate::store::records::Records;
use crate::store::{Stored, WriteTx, reference, site_request as store};

/// Requests that are read at once.
const AT_ONCE: i64 = 1_000;

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
    bring(tx, context, of, case, (before.projected.or(of.projected), day))
}

/// Writes them as they are to be now, for the feature that stands for the request, or stood for it last.
fn bring(
    tx: &mut WriteTx<'_>,
    context: &Context,
    of: &Filed,
    case: &Case,
    (stands, day): (Option<Uuid>, Date),
) -> Stored<()> {
    let source = source(of.id);
    let mut known = Vec::new();
    for id in reference::of_source(tx, &of.jurisdiction, ReferenceKind::Transmitter, &source)? {
        known.extend(Reference::lock(tx, &of.jurisdiction, id)?);
    }
    let antennas = if may_send(of) { of.body.props.subject.antennas.as_slice() } else { &[] };
    let place = stands_at(tx, of, case)?;
    let widest = beamwidth(context, &of.jurisdiction, day);
    let stood = match stands {
        Some(feature) => Some(feature),
        None => store::last_projected(tx, &of.jurisdiction, of.id)?,
    };
    let feature = stood.unwrap_or(of.id);
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

/// By what the transmitters of a request are known.
fn source(request: Uuid) -> String {
    format!("{} {request}", ReferenceKind::SiteRequest)
}

/// Brings in the antennas of those requests of a jurisdiction that were granted before antennas were kept. Of how many.
///
/// # Errors
/// The first failure, once the others were tried.
pub(super) fn bring_in(context: &Context, witness: Witness<'_>, jurisdiction: &Jurisdiction) -> Result<usize> {
    let witness = witness.because(Some("granted before the antennas of requests were kept as transmitters"));
    let (mut made, mut failed, mut after) = (0, None, None);
    loop {
        let some = context
            .store
            .read_as(witness.actor, |conn| store::without_transmitters(conn, &jurisdiction.code, (after, AT_ONCE)))?;
        let Some(last) = some.last() else { return failed.map_or(Ok(made), Err) };
        after = Some(last.id);
        for filed in &some {
            match bring_in_one(context, witness, jurisdiction, filed) {
                Ok(()) => made += 1,
                // Somebody made a step meanwhile, or another instance was first.
                Err(Error::Changed(_)) => {}
                Err(other) => failed = failed.or(Some(other)),
            }
        }
    }
}

fn bring_in_one(context: &Context, witness: Witness<'_>, jurisdiction: &Jurisdiction, present: &Filed) -> Result<()> {
    let ((), revisions) = context.store.write(witness, |tx| {
        let now = locked(tx, present)?;
        let (_, at) = tx.raise(&now.jurisdiction)?;
        let source = source(now.id);
        if !reference::of_source(tx, &now.jurisdiction, ReferenceKind::Transmitter, &source)?.is_empty() {
            return Err(Error::Changed("its antennas were brought in meanwhile".into()).into());
        }
        let case = Case::of(&store::events_in(tx, &now.jurisdiction, now.id)?);
        let day = at.to_zoned(jurisdiction.time_zone()).date();
        bring(tx, context, &now, &case, (now.projected, day))?;
        let antennas = now.body.props.subject.antennas.len().to_string();
        let detail = vec![("kind", ReferenceKind::Transmitter.to_string()), ("source", source), ("inserted", antennas)];
        let owner = Some(now.body.props.organisation.clone());
        let layer = Some(Layer::References);
        tx.audit(&now.jurisdiction, AuditEntry { deed: Deed::Create, layer, subject: None, owner, detail })
    })?;
    refresh::after_commit(context, witness.actor, &revisions);
    Ok(())
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
