//! Who is told of a step of a request, and what: the office of all of them, the carrier whose it is of all but the answers of others; the committee where it is to
//! decide or did, and where the office is late; whoever is asked by the step that asks him, when his time is over, and when there is a decision.
//! What whoever was asked is told of that is in [`Notice::told_to`].

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::notice::Notice;
use crate::domain::organisation::OrganisationKind;
use crate::domain::site_request::case::{Case, CaseEvent};
use crate::domain::site_request::table::decides;
use crate::domain::site_request::told::Stated;
use crate::domain::site_request::words::{Event, Waits};
use crate::domain::site_request::{Filed, WORD};
use crate::domain::word::Visibility;
use crate::store::site_request::Copies;
use crate::store::{Stored, WriteTx, organisation};

/// Tells of a step, in the transaction that makes it.
pub(super) fn tell(tx: &mut WriteTx<'_>, filed: &Filed, case: &Case, event: &CaseEvent, copies: &Copies) -> Stored<()> {
    let props = &filed.body.props;
    let mut kinds = vec![OrganisationKind::Office];
    let decided = decides(event.event) || event.event == Event::DeemApproved;
    if copies.waits_for == Some(Waits::Approver) || decided || event.event == Event::Escalate {
        kinds.push(OrganisationKind::Committee);
    }
    let mut all: BTreeSet<String> = organisation::serving(tx, &kinds, &filed.jurisdiction)?.into_iter().collect();
    // What those say whom the office asks is said to the office: of some the carrier may not know that they are asked.
    if !matches!(event.event, Event::Answer | Event::LapseConsultation) {
        all.insert(props.organisation.clone());
    }
    if event.event == Event::Consult {
        all.extend(case.asked_at(event.at).map(str::to_owned));
    }
    if decided {
        all.extend(filed.consulted.iter().cloned());
    }
    all.extend(event.noted.lapsed.iter().cloned());
    let mut detail = BTreeMap::new();
    detail.extend(filed.receipt.as_ref().map(|receipt| ("receipt".to_owned(), receipt.clone())));
    if let Stated::Decision(signed) = &event.stated {
        detail.insert("decision".into(), signed.number.clone());
    }
    let late: Vec<u32> = event.noted.conditions.clone();
    if !late.is_empty() {
        let numbers: Vec<String> = late.iter().map(u32::to_string).collect();
        detail.insert("condition".into(), numbers.join(", "));
    }
    let due = match event.event {
        Event::Consult => event.noted.answer_by,
        Event::Remind => late.iter().filter_map(|number| case.condition(*number)?.draft.due_on).min(),
        _ => filed.due_on,
    };
    let named = props.code.clone().or_else(|| filed.receipt.clone());
    let notice = Notice {
        noun: WORD.into(),
        id: filed.id,
        code: named.unwrap_or_else(|| filed.id.to_string()),
        event: event.event.to_string(),
        state: Some(filed.state.to_string()),
        organisations: all.into_iter().collect(),
        owner: Some(props.organisation.clone()),
        asked: filed.consulted.clone(),
        needs: vec![Visibility::Government],
        places: Vec::new(),
        due,
        detail,
    };
    tx.notify(&filed.jurisdiction, &notice)
}
