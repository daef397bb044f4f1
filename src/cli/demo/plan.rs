//! The invented zones, as a plan in force: drawn, checked, appraised, submitted, decided on and published, by invented people of the
//! office and of the committee, as real ones would.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::Failed;
use crate::actions::plan::step::{Asked, step};
use crate::actions::plan::{self, PlanListing, PlanView, check, zone};
use crate::actions::{Asker, Context, Witness, jurisdiction};
use crate::clock;
use crate::domain::actor::{Actor, Role};
use crate::domain::plan::{PlanEvent, PlanSaid, PlanState, StepData, ZONES_MAX};
use crate::domain::zone::KNOWN;
use crate::http::plan::written;
use crate::wire::document::Reading;
use crate::wire::zone::{ReadZone, read};

const ZONES: &str = include_str!("../../../fixtures/reference/zone.geojson");

/// The plan.
const CODE: &str = "DNO-QH";

/// Puts the zones in force. What was cut short goes on where it stopped.
pub(super) fn load(context: &Context, place: &str) -> Result<(), Failed> {
    let officer = person("officer", "office", Role::Officer);
    // Who sets aside what blocks a zone does not approve the plan.
    let (approver, deputy) =
        (person("approver", "committee", Role::Approver), person("deputy", "committee", Role::Approver));
    let witness = |actor| Witness::new(actor, "demo");
    loop {
        let Some(view) = found(context, &officer, place)? else {
            let said =
                PlanSaid {
                    code: CODE.into(), name: Some("Quy hoạch hư cấu".into()), jurisdiction: Some(place.into())
                };
            plan::create(context, witness(&officer), &said)?;
            continue;
        };
        if view.zones == 0 {
            zone::create(context, witness(&officer), &zones(&view)?)?;
            continue;
        }
        let mut data = StepData::default();
        let (actor, event) = match view.state {
            PlanState::Draft => (&officer, PlanEvent::BeginAppraisal),
            PlanState::InAppraisal => {
                checked(context, &officer, &view)?;
                waive(context, &deputy, place)?;
                data.appraisal_number = Some("hư cấu 1/BC".into());
                (&officer, PlanEvent::Appraise)
            }
            PlanState::Appraised => {
                data.submission_number = Some("hư cấu 2/TTr".into());
                (&officer, PlanEvent::Submit)
            }
            PlanState::Submitted => {
                decided(context, place, &view, &mut data);
                (&approver, PlanEvent::Approve)
            }
            PlanState::Approved => (&officer, PlanEvent::Publish),
            _ => return Ok(()),
        };
        let view = present(context, &officer, place)?;
        step(context, witness(actor), view.plan.id, &Asked { event, data, expected: Some(view.plan.version) })?;
    }
}

fn person(name: &str, organisation: &str, role: Role) -> Actor {
    Actor { name: name.into(), organisation: Some(organisation.into()), roles: vec![role], jurisdictions: None }
}

/// The plan, as far as it has come.
fn found(context: &Context, officer: &Actor, place: &str) -> Result<Option<PlanView>, Failed> {
    let listing =
        PlanListing { jurisdiction: Some(place.into()), state: None, code: Some(CODE.into()), after: None, limit: 1 };
    let (all, _) = plan::list(context, officer, &listing)?;
    Ok(all.first().map(|(found, _)| plan::get(context, officer, found.id)).transpose()?)
}

fn present(context: &Context, actor: &Actor, place: &str) -> Result<PlanView, Failed> {
    found(context, actor, place)?.ok_or_else(|| Failed(format!("the plan {CODE} is gone")))
}

/// The zones of the fixtures, as somebody draws them.
fn zones(view: &PlanView) -> Result<Vec<zone::ZoneDraft>, Failed> {
    let mut document: Json = serde_json::from_str(ZONES).map_err(|e| e.to_string())?;
    for feature in document["features"].as_array_mut().into_iter().flatten() {
        let said = feature["properties"].as_object().cloned().unwrap_or_default();
        let mut known: Map<String, Json> =
            said.into_iter().filter(|(name, _)| KNOWN.contains(&name.as_str())).collect();
        known.insert("plan".into(), json!(view.plan.id));
        feature["properties"] = Json::Object(known);
    }
    let draft = |read: ReadZone| zone::ZoneDraft {
        pointer: read.pointer,
        plan: read.plan,
        props: read.props,
        delivered: read.delivered,
    };
    Ok(read(&document, Reading::geojson(usize::MAX), ZONES_MAX)?.into_iter().map(draft).collect())
}

fn checked(context: &Context, officer: &Actor, view: &PlanView) -> Result<(), Failed> {
    let asker = Asker { actor: officer.clone(), request_id: "demo".into(), door: "demo".into() };
    let write = |check: &check::PlanCheck, id| Ok(written(check, id)?.to_string());
    check::check(context, &asker, Witness::new(officer, "demo"), view.plan.id, &write)?;
    Ok(())
}

/// Sets aside what blocks a zone: a corridor through it takes none of the rest.
fn waive(context: &Context, deputy: &Actor, place: &str) -> Result<(), Failed> {
    let check = present(context, deputy, place)?.check;
    for block in check.into_iter().flat_map(|(run, ..)| run.blocks) {
        let view = present(context, deputy, place)?;
        let data = StepData { zone: Some(block.zone), code: Some(block.code), ..StepData::default() };
        let witness = Witness::new(deputy, "demo").because(Some("hư cấu: trạm đứng ngoài hành lang"));
        let asked = Asked { event: PlanEvent::Waive, data, expected: Some(view.plan.version) };
        step(context, witness, view.plan.id, &asked)?;
    }
    Ok(())
}

/// A decision of today, on the check of the plan.
fn decided(context: &Context, place: &str, view: &PlanView, data: &mut StepData) {
    let home = jurisdiction::list(context).into_iter().find(|home| home.code == place);
    let today = home.map(|home| clock::now().to_zoned(home.time_zone()).date());
    (data.check, data.check_sha256) = view.check.as_ref().map(|(run, hash, _)| (run.id, *hash)).unzip();
    data.decision_number = Some("hư cấu 3/QĐ-UBND".into());
    data.decision_signer = Some("hư cấu".into());
    (data.decision_date, data.effective_from) = (today, today);
    data.file_sha256 = Some(Sha256::digest(ZONES.as_bytes()).into());
}
