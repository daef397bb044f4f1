//! Who is told of a step of a plan, and what: the office of all of them, the committee where it is to decide or did, and every carrier
//! once the plan is everybody's.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::notice::Notice;
use crate::domain::organisation::OrganisationKind;
use crate::domain::plan::{Plan, PlanEvent, PlanState};
use crate::domain::word::Visibility;
use crate::store::{Stored, WriteTx, organisation};

/// Tells of a step, in the transaction that makes it.
pub(super) fn tell(tx: &mut WriteTx<'_>, next: &Plan, event: PlanEvent) -> Stored<()> {
    let mut kinds = vec![OrganisationKind::Office];
    let by_committee = matches!(event, PlanEvent::Approve | PlanEvent::Return | PlanEvent::Reject | PlanEvent::Revoke);
    if by_committee || next.state == PlanState::Submitted {
        kinds.push(OrganisationKind::Committee);
    }
    let public = next.published_on.is_some();
    if public {
        kinds.extend([OrganisationKind::Committee, OrganisationKind::Carrier]);
    }
    let mut all: BTreeSet<String> = organisation::serving(tx, &kinds, &next.jurisdiction)?.into_iter().collect();
    all.insert(next.organisation.clone());
    let decision = next.decision.as_ref().map(|decision| ("decision".to_owned(), decision.number.clone()));
    let mut detail: BTreeMap<String, String> = decision.into_iter().collect();
    detail.insert("version".into(), next.number.to_string());
    let notice = Notice {
        noun: "plan".into(),
        id: next.id,
        code: next.code.clone(),
        event: event.to_string(),
        state: Some(next.state.to_string()),
        organisations: all.into_iter().collect(),
        owner: Some(next.organisation.clone()),
        asked: Vec::new(),
        needs: if public { Vec::new() } else { vec![Visibility::Government] },
        places: Vec::new(),
        due: None,
        detail,
    };
    tx.notify(&next.jurisdiction, &notice)
}
