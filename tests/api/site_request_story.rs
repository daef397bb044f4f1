//! Site requests from the draft to the verified mast, as those send them who do: an approval, one with conditions, a column that
//! is shared, a refusal with an appeal. Each wrong step on the way is refused with its reason and with what may be sent instead.

use std::process::Command;
use std::thread;

use clearway::actions::audit::{self, Range};
use clearway::actions::{Witness, calendar};
use clearway::config::{Secret, Settings, TokenSetting};
use clearway::domain::actor::Actor;
use clearway::domain::audit::{Fault, Head, Key, hex, unhex};
use clearway::wire::audit as wire;
use serde_json::{Value as Json, json};

use crate::conflicts_asked::with_neighbour_and;
use crate::help::{Api, CORRIDORS, REFERENCES, WORKS, feature, merged, point, rect, road};
use crate::restricted_reads;
use crate::rules::{VN, load, load_as};
use crate::site_check::{ask, revision};
use crate::site_check::{checked, evidence, finding};
use crate::site_request::{CaseOf, FILE, REQUESTS, begins, column, survey, trail_is_whole, visit};
use crate::support::{Response, run_sql, token};

/// With the rules of the fixtures, which the server has heard of.
pub fn office() -> Api {
    with_rules(Api::new())
}

/// The same with other settings.
fn office_with(change: impl FnOnce(&mut Settings)) -> Api {
    with_rules(Api::with(change))
}

pub fn with_rules(api: Api) -> Api {
    load(&api, VN);
    let days = clearway::formats::calendar::read(include_bytes!("../../fixtures/calendar/VN.toml")).unwrap();
    let (operator, place) = (Actor::operator(), ["VN-72".to_owned()]);
    calendar::set(&api.database.context(), Witness::new(&operator, "test"), &place, &days, &"ab".repeat(32)).unwrap();
    let heard = ask(&api, "officer", "/api/site-checks?store=no", &crate::matrix::column("/api/site-checks"));
    assert_eq!(heard.status, 200, "{} {}", revision(&api), heard.text);
    api
}

/// The codes of requests that stand in the register for others to keep off.
fn pending(api: &Api) -> Vec<String> {
    let all = api.server.get("officer", REFERENCES).json();
    let all = all["features"].as_array().unwrap().iter();
    let requests = all.filter(|f| f["properties"]["kind"] == "site_request");
    requests.map(|f| f["properties"]["code"].as_str().unwrap().to_owned()).collect()
}

/// What the zone round all of it says of one column more, after the mast was built: its verdict, and how many columns it holds.
fn of_the_zone(api: &Api) -> (Json, Json) {
    let at = "at=2027-06-01T00:00:00Z";
    let result = checked(api, "officer", at, (1_500.0, 1_500.0), json!({"column_class": "A2b"}));
    let said = finding(&result, "ZON");
    (said["key"].clone(), said["measured"]["value"].clone())
}

fn inbox(api: &Api, role: &str) -> Vec<String> {
    let answer = api.server.get(role, "/api/inbox");
    assert_eq!(answer.status, 200, "{}", answer.text);
    let all = answer.json();
    all["features"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
#[allow(clippy::too_many_lines)] // one story
fn an_approval_from_the_draft_to_the_verified_mast() {
    let api = office();
    let bare = json!({"code": "BTS-7", "column_class": "A2b", "height_agl_m": 42, "name": "Đồi"});
    let mut case = CaseOf::file(&api, (0.0, 0.0), bare);
    assert_eq!(case.now["properties"]["allowed"], json!(["submit"]));
    assert_eq!(inbox(&api, "carrier"), [case.id.clone()]);
    case.refused("carrier", "submit", None, json!({}), &["declared"], &["submit"]);
    case.refused("carrier", "withdraw", None, json!({}), &[], &["submit"]);
    let whole = column();
    case.patch(json!({"declarations": whole["declarations"]}));
    assert_eq!(pending(&api), [""; 0]);
    case.step("carrier", "submit", None, json!({}), "submitted");
    assert_eq!(pending(&api), ["BTS-7"], "others keep off");
    assert_eq!((inbox(&api, "officer"), inbox(&api, "carrier").len()), (vec![case.id.clone()], 0));
    // Intake: what is missing is named, by the officer and by the service.
    let intake = ["reject_at_intake", "request_supplement", "accept", "resume"];
    case.refused("officer", "accept", None, json!({}), &["documented"], &intake);
    let lacks = &case.now["properties"]["case"]["documents_missing"];
    assert_eq!(lacks, &json!(["application", "site_plan", "land_right", "design"]), "they are there, and not listed");
    case.refused("carrier", "accept", None, json!({}), &[], &["withdraw"]);
    case.refused("officer", "request_supplement", None, json!({"missing": ["design"]}), &["reasoned"], &intake);
    let missing = json!({"missing": ["design"]});
    case.step("officer", "request_supplement", Some("there is no design"), missing, "returned_for_supplement");
    case.patch(json!({"documents": whole["documents"]}));
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    // The receipt, and who has it.
    let receipt = case.now["properties"]["receipt"].as_str().unwrap().to_owned();
    let secret = case.now["properties"]["receipt_secret"].as_str().unwrap().to_owned();
    let track = |receipt: &str, secret: &str| {
        api.send("", "GET", &format!("/api/tracking/{receipt}"), &[("Tracking-Secret", secret)], None)
    };
    let tracked = track(&receipt, &secret);
    assert_eq!((tracked.status, &tracked.json()["state"]), (200, &json!("accepted")), "{}", tracked.text);
    assert!(!tracked.text.contains("viettel") && !tracked.text.contains("no design"), "{}", tracked.text);
    let told = |answer: Response| (answer.status, answer.json()["detail"].clone());
    assert_eq!(told(track(&receipt, "wrong")), told(track("VN-72-2026-999999", &secret)));
    assert_eq!(track(&receipt, "").status, 404);
    assert!(!api.server.get("officer", &case.path()).text.contains(&secret), "it is told once");
    // Checks, and whoever they name.
    case.refused("officer", "consult", None, json!({}), &[], &["request_supplement", "check", "pause", "resume"]);
    case.refused("approver", "check", None, json!({}), &[], &[]);
    case.step("officer", "check", None, json!({}), "checking");
    assert_eq!(case.verdict("DUP"), "not_checked", "it does not find itself, and nobody declared what there is");
    let army = json!({"also": [{"consultee": "army"}], "due_on": "2099-01-31"});
    case.step("officer", "consult", None, army, "consulting");
    assert_eq!(inbox(&api, "consultee"), [case.id.clone()]);
    let checking = ["request_supplement", "check", "consult", "answer", "assess", "pause", "resume", "extend"];
    case.refused("officer", "assess", None, json!({}), &["consultations_done"], &checking);
    case.refused("officer", "answer", None, json!({"answer": "agree"}), &["was_asked"], &checking);
    let wrong = json!({"answer": "agree", "organisation": "police"});
    case.refused("consultee", "answer", None, wrong, &["was_asked"], &["answer"]);
    case.step("consultee", "answer", None, json!({"answer": "agree", "text": "no objection"}), "consulting");
    case.refused("consultee", "answer", None, json!({"answer": "object"}), &["was_asked"], &["answer"]);
    for asked in case.now["properties"]["case"]["consultations"].as_array().unwrap().clone() {
        if asked["answer"].is_null() {
            let answer = json!({"organisation": asked["organisation"], "answer": "no_comment", "letter": "3/CV"});
            case.step("officer", "answer", None, answer, "consulting");
        }
    }
    assert_eq!(inbox(&api, "officer"), [case.id.clone()], "all have answered, so it is the officer's again");
    case.step("officer", "assess", None, json!({}), "assessing");
    let assessing =
        ["request_supplement", "check", "consult", "answer", "visit", "recommend", "pause", "resume", "extend"];
    let fits = json!({"advice": "approve"});
    case.refused("officer", "recommend", Some("it fits"), fits.clone(), &["visited"], &assessing);
    case.step("inspector", "visit", None, visit(), "assessing");
    case.step("officer", "recommend", Some("it fits"), fits, "recommended");
    case.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
    // The decision.
    let deciding = ["check", "send_back", "approve", "approve_with_conditions", "require_sharing", "refuse"];
    let approval = case.decision(json!({}));
    case.refused("officer", "approve", None, approval.clone(), &[], &["check", "pause", "resume", "extend"]);
    let other = case.decision(json!({"run_sha256": FILE}));
    case.refused("approver", "approve", None, other, &["check_named"], &deciding);
    case.refused("approver", "require_sharing", None, approval.clone(), &["sharing_found"], &deciding);
    case.refused("approver", "refuse", None, approval.clone(), &["reasoned"], &deciding);
    case.refused("approver", "approve_with_conditions", None, approval.clone(), &["conditions_stated"], &deciding);
    assert_eq!(case.sends("approver", "approve", None, json!({})).status, 422, "a decision has a number");
    case.step("approver", "approve", None, approval, "approved");
    let zone = json!({"code": "Z-1", "kind": "zone", "organisation": "office", "quota": 1});
    api.add(REFERENCES, rect(-3_000.0, -3_000.0, 3_000.0, 3_000.0), zone);
    let full = (json!("zon-quota"), json!(1.0));
    assert_eq!(of_the_zone(&api), full, "from the decision on it counts");
    // The permit and the mast.
    case.step("officer", "issue_permit", None, json!({"number": "GP-7"}), "permit_active");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((6.0, 0.0), 42.5), "as_built_submitted");
    let found = ["return_as_built", "verify"];
    case.refused("officer", "verify", None, json!({}), &["within_tolerance", "height_permitted"], &found);
    case.step("inspector", "return_as_built", Some("6 m away"), json!({}), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((3.0, 4.0), 41.5), "as_built_submitted");
    assert_eq!(pending(&api), ["BTS-7"]);
    case.step("officer", "verify", None, json!({}), "verified");
    assert_eq!(pending(&api), [""; 0], "the work stands there now");
    assert_eq!(of_the_zone(&api), full, "and is one with its permit");
    let work = case.now["properties"]["work"].as_str().unwrap().to_owned();
    let mast = api.server.get("carrier", &format!("{WORKS}/{work}")).json()["properties"].clone();
    assert_eq!(
        (&mast["code"], &mast["height_agl_m"], &mast["status"], &mast["organisation"], &mast["position_accuracy_m"]),
        (&json!("BTS-7"), &json!(41.5), &json!("in_service"), &json!("viettel"), &json!(0.02))
    );
    case.step("officer", "close", None, json!({}), "closed");
    case.refused("officer", "close", None, json!({}), &[], &[]);
    history_is_whole(&case);
    trail_is_whole(&api);
}

/// From a draft of a plan to a mast that stands in its zone: ZON says so once the plan is published, and not before.
#[test]
fn from_a_draft_of_a_plan_to_a_verified_mast() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "1f".repeat(32)).unwrap();
    let api = office_with(|settings| settings.audit_key = file.to_str().unwrap().to_owned());
    crate::plan::committee(&api);
    let plan = api.plan("QH-BTS", 1);
    let mut early = CaseOf::file(&api, (50.0, 50.0), column());
    early.lead_to_decision();
    let zones = |case: &CaseOf<'_>| {
        let run = case.now["properties"]["case"]["check"]["id"].as_str().unwrap().to_owned();
        let run = api.server.get("officer", &format!("/api/site-checks/{run}")).json();
        evidence(finding(&run, "ZON")).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(zones(&early), [""; 0], "a draft admits nothing");
    early.step("carrier", "withdraw", None, json!({}), "withdrawn");
    let published = api.published(&plan, "2026-01-01", json!(null));
    assert_eq!(published["state"], "published");
    let mut case = CaseOf::file(&api, (50.0, 50.0), merged(json!({"code": "BTS-Z"}), &column()));
    case.lead_to_decision();
    let of_plan = api.zones("officer", &format!("plan={plan}"))[0]["properties"]["code"].as_str().unwrap().to_owned();
    assert!(zones(&case).iter().any(|code| code.contains(&of_plan)), "{:?} {of_plan}", zones(&case));
    case.step("approver", "approve", None, case.decision(json!({})), "approved");
    let plan = api.server.get("officer", &format!("/api/plans/{plan}")).json();
    let printed = [&plan["decision"]["audit"], &case.now["properties"]["case"]["decision"]["audit"]];
    let heads = heads_of_decisions(&api, printed);
    let lines = printed.map(|head| format!("{head}\n")).concat();
    case.step("officer", "issue_permit", None, json!({"number": "GP-1"}), "permit_active");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((50.0, 50.0), 41.0), "as_built_submitted");
    case.step("officer", "verify", None, json!({}), "verified");
    let work = case.now["properties"]["work"].as_str().unwrap();
    let mast = api.server.get("officer", &format!("{WORKS}/{work}")).json();
    assert_eq!((&mast["properties"]["code"], &mast["properties"]["status"]), (&json!("BTS-Z"), &json!("in_service")));
    trail_is_whole(&api);

    // Whoever wrote a decision anew, its event and hashes with it, has another head than the one that was printed.
    let verified = || {
        let all = Range::default();
        let kept = audit::Kept { heads: &heads, keys: &[] };
        let reports = audit::verify(&api.database.context(), &Actor::operator(), &all, kept).unwrap();
        reports.into_iter().flat_map(|(_, report)| report.faults).collect::<Vec<_>>()
    };
    assert_eq!(verified(), []);
    let revision = heads[1].revision;
    let head = folder.path().join("head");
    std::fs::write(&head, lines).unwrap();
    let program = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_clearway"));
        program.env_clear().env("DATABASE_URL", &api.database.service_url).arg("verify-audit");
        program
    };
    let found = |program: &mut Command| {
        let ran = program.output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
    };
    assert_eq!(found(program().arg("--head").arg(&head)).0, Some(0));
    decided_otherwise(&api, revision);
    let (code, said) = found(&mut program());
    assert_eq!(code, Some(0), "nothing in the database tells: {said}");
    let (code, said) = found(program().arg("--head").arg(&head));
    let other = format!("VN-72: the event of revision {revision} has another hash than the head that was signed\n");
    assert!(code == Some(1) && said.contains(&other), "{said}");
    assert_eq!(said.matches("than the head that was signed").count(), 1, "what was decided before stands: {said}");
    let unsigned = format!(
        "VN-72: the event of revision {revision} has no signature, though its head was signed at that moment\n"
    );
    assert!(said.contains(&unsigned), "{said}");
    let event = "jurisdiction = 'VN-72' AND revision";
    run_sql(
        &api.database.url,
        &format!(
            "SET session_replication_role = replica;
         DELETE FROM audit_events WHERE {event} > {revision};
         UPDATE audit_events SET hash = sha256('anew') WHERE {event} = {revision};
         UPDATE revisions SET revision = {revision}, audit_hash = sha256('anew') WHERE jurisdiction = 'VN-72'"
        ),
    );
    assert!(verified().contains(&Fault::OtherHead { revision }), "{:?}", verified());
}

/// What a superuser does who writes a decision anew: its number, the digests of what is stored, and every event from its own on with all
/// hashes, so that all of it fits; what he cannot sign he leaves unsigned.
fn decided_otherwise(api: &Api, revision: i64) {
    let mut all = Vec::new();
    let range = Range { chain: Some("VN-72".into()), from: Some(revision), to: None };
    let context = api.database.context();
    audit::export(&context, &Actor::operator(), &range, &mut |event| {
        all.push(event.clone());
        Ok(())
    })
    .unwrap();
    let run = |sql: &str| run_sql(&api.database.url, &format!("SET session_replication_role = replica; {sql}"));
    run(&format!(
        "UPDATE site_request_events SET data = data || '{{\"number\": \"99/QD\"}}' WHERE revision = {revision}"
    ));
    let digest = |of: &str, revision: i64| {
        api.sql(&format!("SELECT encode({of}, 'hex') FROM versions_in('VN-72', {revision})"))
            .and_then(|text| unhex(&text))
    };
    let mut previous = all[0].event.previous;
    for recorded in &mut all {
        let event = &mut recorded.event;
        if event.revision == revision {
            "nobody".clone_into(&mut event.actor);
        }
        (event.before, event.after) = (digest("ended", event.revision), digest("began", event.revision));
        event.previous = previous;
        let hash = event.hash();
        previous = Some(hash);
        let bytes =
            |digest: Option<[u8; 32]>| digest.map_or("NULL".to_owned(), |digest| format!("'\\x{}'", hex(&digest)));
        run(&format!(
            "UPDATE audit_events SET actor = '{}', before = {}, after = {}, previous = {}, hash = {}, signer = NULL,
                 signature = NULL WHERE jurisdiction = 'VN-72' AND revision = {};
             UPDATE revisions SET audit_hash = {} WHERE jurisdiction = 'VN-72'",
            event.actor,
            bytes(event.before),
            bytes(event.after),
            bytes(event.previous),
            bytes(previous),
            event.revision,
            bytes(previous),
        ));
    }
}

/// The heads that are printed on decisions: signed by the key of the service, of the very event, and the same each time.
fn heads_of_decisions(api: &Api, printed: [&Json; 2]) -> Vec<Head> {
    let public = Key::of_seed(&"1f".repeat(32)).unwrap().public();
    let head = |printed: &Json| {
        let signed = wire::head(&printed.to_string()).unwrap();
        assert!(signed.holds(), "{printed}");
        assert_eq!((&signed.key, signed.head.chain.as_str()), (&public, "VN-72"));
        let of = format!(
            "SELECT encode(hash, 'hex') || ' ' || (detail->>'event') FROM audit_events WHERE jurisdiction = 'VN-72' AND revision = {}",
            signed.head.revision
        );
        assert_eq!(api.sql(&of).unwrap(), format!("{} approve", hex(&signed.head.hash)), "{printed}");
        signed.head
    };
    printed.map(head).to_vec()
}

/// The history tells every step once, each of which left an event in the trail; snapshots are what their hashes say.
fn history_is_whole(case: &CaseOf<'_>) {
    use sha2::{Digest, Sha256};
    let api = case.api;
    let history = api.server.get("officer", &format!("/api/site-requests/{}/history", case.id)).json();
    let events = history["events"].as_array().unwrap();
    let steps = api.sql(&format!(
        "SELECT string_agg(concat_ws(' ', detail->>'event', detail->>'from', detail->>'to'), ',' ORDER BY revision)
         FROM audit_events WHERE subject = '{}' AND deed = 'step'",
        case.id
    ));
    let told = |e: &Json| format!("{} {} {}", e["event"], e["from"], e["to"]).replace('"', "");
    assert_eq!(steps.unwrap(), events.iter().map(told).collect::<Vec<_>>().join(","));
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], n + 1);
        if let Some(text) = event["snapshot"].as_str() {
            let hash: [u8; 32] = Sha256::digest(text).into();
            assert_eq!(event["snapshot_sha256"], hex(&hash));
        }
    }
    let carrier = api.server.get("carrier", &format!("/api/site-requests/{}/history", case.id)).json();
    assert!(carrier["events"][0]["actor"].is_string(), "what the own organisation did is known with names");
    let of_office = carrier["events"].as_array().unwrap().iter().find(|e| e["event"] == "check").unwrap();
    assert_eq!(of_office["actor"], Json::Null);
}

#[test]
fn an_approval_with_conditions_that_are_met_before_it_is_verified() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    let conditions = json!({"conditions": [
        {"text": "paint it", "reason": "landscape", "due_on": "2027-01-31"},
        {"text": "fence it", "reason": "safety"},
    ]});
    case.step("approver", "approve_with_conditions", None, case.decision(conditions), "approved_with_conditions");
    case.step("officer", "issue_permit", None, json!({"number": "GP-8"}), "permit_active");
    let paint = case.shows("a photograph of the paint");
    let met = |n: u32| json!({"condition": n, "evidence": paint});
    let active = ["meet_condition", "notify_start"];
    case.refused("carrier", "meet_condition", None, met(3), &["condition_open"], &active);
    case.step("carrier", "meet_condition", None, met(1), "permit_active");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((0.0, 1.0), 42.0), "as_built_submitted");
    case.refused("officer", "verify", None, json!({}), &["conditions_met"], &["return_as_built", "verify"]);
    case.step("carrier", "meet_condition", None, met(2), "as_built_submitted");
    case.step("officer", "verify", None, json!({}), "verified");
    let told = &case.now["properties"]["case"]["conditions"];
    assert_eq!(
        (&told[0]["text"], &told[0]["due_on"], &told[1]["evidence"]),
        (&json!("paint it"), &json!("2027-01-31"), &json!(paint))
    );
    trail_is_whole(&api);
}

/// A refusal names the columns that there are: whoever is shown a restricted one by it leaves a row, and one only.
#[test]
fn a_refusal_that_names_a_restricted_column_leaves_a_row() {
    let api = office();
    let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b", "spare_capacity": 2,
        "position_accuracy_m": 0});
    let tower = api.add(WORKS, point(60.0, 0.0), tower);
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "require_sharing", None, case.decision(json!({})), "sharing_required");
    run_sql(&api.database.url, "UPDATE works SET visibility = 'restricted' WHERE code = 'TOWER'");
    let other =
        json!({"column": "01920000-0000-7000-8000-000000000000", "number": "HD-1", "on": "2026-11-25", "file": FILE});
    let refused = case.sends("officer", "record_agreement", None, other);
    assert_eq!((refused.status, refused.text.contains("TOWER")), (409, true), "{}", refused.text);
    let Api { server, database } = api;
    drop(server);
    // The one of what he read before.
    let doors = ["/api/site-requests/{id}/events", "/ogc/collections/site-requests/items/{id}"];
    let rows = doors.map(|door| format!("officer {door} works {tower}"));
    assert_eq!(restricted_reads::left(&database).into_iter().collect::<Vec<_>>(), rows);
}

#[test]
fn a_column_too_near_to_another_is_shared() {
    let api = office();
    let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b", "spare_capacity": 2,
        "position_accuracy_m": 0});
    let tower = api.add(WORKS, point(60.0, 0.0), tower);
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    assert_eq!(case.verdict("SPC"), "warn");
    // Whose column it is, and which columns a reader does not see, is for whoever sees everything there.
    let owner = |role: &str| {
        let read = api.server.get(role, &case.path()).json();
        let asked = read["properties"]["case"]["consultations"].as_array().unwrap().clone();
        asked.into_iter().find(|c| c["consultee"] == "carrier").unwrap()["organisation"].clone()
    };
    assert_eq!((owner("officer"), owner("carrier"), owner("consultee")), (json!("vnpt"), Json::Null, Json::Null));
    let candidates = &case.now["properties"]["case"]["check"]["candidates"];
    assert_eq!((candidates.as_array().unwrap().len(), &candidates[0]["code"]), (1, &json!("TOWER")));
    let deciding = ["check", "send_back", "approve", "approve_with_conditions", "require_sharing", "refuse"];
    case.refused("approver", "approve", None, case.decision(json!({})), &["no_sharing"], &deciding);
    case.step("approver", "require_sharing", None, case.decision(json!({})), "sharing_required");
    assert_eq!(pending(&api), [""; 0], "no column is to come there");
    let agreement = |column: &str| json!({"column": column, "number": "HD-1", "on": "2026-11-25", "file": FILE});
    let other = agreement("01920000-0000-7000-8000-000000000000");
    case.refused("officer", "record_agreement", None, other, &["candidate_named"], &["refer", "record_agreement"]);
    let becomes = |properties: Json| {
        let changed = api.on_grid("officer", "PATCH", &format!("{WORKS}/{tower}"), &json!({"properties": properties}));
        assert_eq!(changed.status, 200, "{}", changed.text);
    };
    // Which columns there were is of the check; whether this one still bears somebody more, of now.
    for gone in [json!({"status": "dismantled"}), json!({"valid_to": "2026-01-31"}), json!({"spare_capacity": 0})] {
        becomes(gone);
        let left = ["refer", "record_agreement"];
        case.refused("officer", "record_agreement", None, agreement(&tower), &["candidate_named"], &left);
        becomes(json!({"status": "in_service", "valid_to": null, "spare_capacity": 2}));
    }
    case.step("officer", "record_agreement", None, agreement(&tower), "permit_active");
    case.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    case.step("carrier", "submit_as_built", None, survey((60.0, 0.0), 42.0), "as_built_submitted");
    becomes(json!({"status": "dismantled"}));
    let gone = case.sends("officer", "verify", None, json!({}));
    assert_eq!(gone.status, 422, "what is gone bears nobody: {}", gone.text);
    becomes(json!({"status": "in_service"}));
    case.step("officer", "verify", None, json!({}), "verified");
    let mast = api.server.get("officer", &format!("{WORKS}/{tower}")).json()["properties"].clone();
    assert_eq!((&mast["tenants"], &mast["spare_capacity"]), (&json!(["viettel"]), &json!(1)));
    trail_is_whole(&api);
}

/// The last place on a column is agreed on with one carrier, from the agreement on; where it comes to nothing it is free again.
#[test]
fn the_last_place_on_a_column_is_agreed_on_once() {
    let api = office();
    let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "mobifone", "column_class": "A2b", "spare_capacity": 1,
        "position_accuracy_m": 0});
    let tower = api.add(WORKS, point(60.0, 0.0), tower);
    let agreement = json!({"column": tower, "number": "HD-1", "on": "2026-11-25", "file": FILE});
    let shares = |carrier: &'static str| {
        let mut case = CaseOf::file_as(&api, carrier, point(0.0, 0.0), column());
        case.lead_to_decision();
        case.step("approver", "require_sharing", None, case.decision(json!({})), "sharing_required");
        case
    };
    let left = ["refer", "record_agreement"];
    let mut nothing = shares("other-carrier");
    nothing.step("officer", "record_agreement", None, agreement.clone(), "permit_active");
    let mut first = shares("carrier");
    first.refused("officer", "record_agreement", None, agreement.clone(), &["candidate_named"], &left);
    nothing.step("approver", "revoke", Some("why"), json!({}), "revoked");
    first.step("officer", "record_agreement", None, agreement.clone(), "permit_active");
    // Whoever has the place has it for all that he asks for.
    shares("carrier").step("officer", "record_agreement", None, agreement.clone(), "permit_active");
    let mut other = shares("other-carrier");
    other.refused("officer", "record_agreement", None, agreement.clone(), &["candidate_named"], &left);
    first.step("carrier", "notify_start", None, begins(&api), "construction_notified");
    first.step("carrier", "submit_as_built", None, survey((60.0, 0.0), 42.0), "as_built_submitted");
    other.refused("officer", "record_agreement", None, agreement.clone(), &["candidate_named"], &left);
    let becomes = |properties: Json| {
        let changed = api.on_grid("officer", "PATCH", &format!("{WORKS}/{tower}"), &json!({"properties": properties}));
        assert_eq!(changed.status, 200, "{}", changed.text);
    };
    // Where another came upon it meanwhile, nobody is more than it bears.
    becomes(json!({"tenants": ["gtel"], "spare_capacity": 0}));
    let full = first.sends("officer", "verify", None, json!({}));
    assert_eq!(full.status, 422, "{}", full.text);
    assert!(full.problems()[0].starts_with("/data/work: "), "{:?}", full.problems());
    becomes(json!({"tenants": [], "spare_capacity": 2}));
    first.step("officer", "verify", None, json!({}), "verified");
    // One is left: whoever is on it has no other one kept for him.
    other.step("officer", "record_agreement", None, agreement, "permit_active");
    trail_is_whole(&api);
}

/// Whoever agrees on a column agrees in the jurisdiction in which it stands: one across the border is too near, and offered to nobody here.
#[test]
fn a_column_across_the_border_is_not_offered() {
    let (database, server) = with_neighbour_and(|_| {});
    let api = with_rules(Api { server, database });
    load_as(&api, &Actor::operator(), &["VN-35"], VN).unwrap();
    let at = |north: f64| json!({"type": "Point", "coordinates": [107.5, 11.785 + north / 110_630.0]});
    let tower = |code: &str, side: &str, north: f64| {
        let tower = json!({"code": code, "kind": "mast", "organisation": "vnpt", "column_class": "A2b", "spare_capacity": 2,
            "position_accuracy_m": 0, "jurisdiction": side});
        let headers = [("Content-Type", "application/geo+json")];
        let made = api.send("officer", "POST", WORKS, &headers, Some(&feature(at(north), tower)));
        assert_eq!(made.status, 201, "{}", made.text);
    };
    tower("THERE", "VN-35", -20.0);
    tower("HERE", "VN-72", 90.0);
    let headers = [("Content-Type", "application/geo+json")];
    let filed = feature(at(30.0), column());
    let filed = api.send("carrier", "POST", REQUESTS, &headers, Some(&filed));
    assert_eq!(filed.status, 201, "{}", filed.text);
    let mut case = CaseOf::of(&api, "carrier", filed.json()).with_files();
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    let check = &case.now["properties"]["case"]["check"];
    assert_eq!(check["sharing"], json!(["SPC"]));
    let offered: Vec<&Json> = check["candidates"].as_array().unwrap().iter().map(|c| &c["code"]).collect();
    assert_eq!(offered, ["HERE"]);
}

/// A plan in force with one zone, 100 m wide from the origin, in which columns are shared and may stand 10 m apart.
fn sharing_zone(api: &Api) {
    crate::plan::committee(api);
    let plan = api.plan("QH-S", 1);
    let zone = api.zones("officer", &format!("plan={plan}"))[0]["id"].as_str().unwrap().to_owned();
    let shared = json!({"properties": {"sharing_required": true, "spacing_m": 10}});
    let patched = api.on_grid("officer", "PATCH", &format!("{}/{zone}", crate::plan::ZONES), &shared);
    assert_eq!(patched.status, 200, "{}", patched.text);
    api.published(&plan, "2026-01-01", json!(null));
}

#[test]
fn in_a_zone_in_which_columns_are_shared_none_is_built_beside_another() {
    let api = office();
    sharing_zone(&api);
    let tower = |code: &str, more: Json| {
        let usual = json!({"code": code, "kind": "mast", "organisation": "vnpt", "column_class": "A2b",
            "position_accuracy_m": 0});
        let (east, north) = (more["east"].as_f64().unwrap(), more["north"].as_f64().unwrap());
        let visibility = json!({"visibility": more["visibility"].as_str().unwrap_or("public")});
        api.add(WORKS, point(east, north), merged(visibility, &usual))
    };
    tower("OUTSIDE", json!({"east": 130.0, "north": 50.0}));
    tower("HIDDEN", json!({"east": 20.0, "north": 20.0, "visibility": "restricted"}));
    let shared = tower("TOWER", json!({"east": 80.0, "north": 80.0}));
    let mut case = CaseOf::file(&api, (50.0, 50.0), column());
    case.lead_to_decision();
    assert_eq!(case.verdict("ZON"), "warn");
    let check = &case.now["properties"]["case"]["check"];
    assert_eq!(check["sharing"], json!(["ZON"]));
    let offered: Vec<&Json> = check["candidates"].as_array().unwrap().iter().map(|c| &c["code"]).collect();
    assert_eq!(offered, ["TOWER"]);
    // Asked is whose columns stand there, and not whose plan it is.
    let consulted = case.now["properties"]["case"]["consultations"].as_array().unwrap();
    let carriers: Vec<&Json> =
        consulted.iter().filter(|c| c["consultee"] == "carrier").map(|c| &c["organisation"]).collect();
    assert_eq!(carriers, ["vnpt"]);
    let deciding = ["check", "send_back", "approve", "approve_with_conditions", "require_sharing", "refuse"];
    case.refused("approver", "approve", None, case.decision(json!({})), &["no_sharing"], &deciding);
    case.step("approver", "require_sharing", None, case.decision(json!({})), "sharing_required");
    let agreement = json!({"column": shared, "number": "HD-1", "on": "2026-11-25", "file": FILE});
    case.step("officer", "record_agreement", None, agreement, "permit_active");
    trail_is_whole(&api);
}

#[test]
fn in_a_zone_in_which_columns_are_shared_the_first_one_takes_a_waiver() {
    let both = TokenSetting {
        token: Secret(token("applicant")),
        name: "applicant".into(),
        organisation: Some("viettel".into()),
        roles: vec!["carrier".into(), "approver".into()],
        jurisdictions: None,
    };
    let api = office_with(|settings| settings.tokens.push(both));
    sharing_zone(&api);
    let mut case = CaseOf::file(&api, (50.0, 50.0), column());
    case.lead_to_decision();
    let deciding = ["check", "send_back", "approve", "approve_with_conditions", "require_sharing", "refuse"];
    case.refused("approver", "approve", None, case.decision(json!({})), &["no_sharing"], &deciding);
    case.refused("approver", "require_sharing", None, case.decision(json!({})), &["sharing_found"], &deciding);
    let run = case.now["properties"]["case"]["check"]["id"].as_str().unwrap().to_owned();
    let waiver = json!({"code": "ZON", "reason": "the first one there"});
    let headers = [("Content-Type", "application/json")];
    let waives =
        |role: &str| api.send(role, "POST", &format!("/api/site-checks/{run}/waivers"), &headers, Some(&waiver));
    // Nobody waives what stands in the way of what his own organisation asks for, and where he did that makes no way.
    let own = waives("applicant");
    assert_eq!(own.status, 403, "{}", own.text);
    let by_sql = |sql: &str| run_sql(&api.database.url, &format!("SET session_replication_role = replica; {sql}"));
    by_sql(&format!(
        "INSERT INTO site_check_waivers VALUES ('VN-72', '{run}', 'ZON', 'applicant', 'viettel', 'approver', 'mine', now(), 1)"
    ));
    let refused = case.sends("other-approver", "approve", None, case.decision(json!({})));
    let unmet = refused.json()["unmet"].clone();
    assert_eq!(
        (unmet.as_array().map(Vec::len), &unmet[0]["guard"]),
        (Some(1), &json!("no_sharing")),
        "{}",
        refused.text
    );
    assert!(unmet[0]["detail"].as_str().unwrap().contains("whoever asks for it waives nothing"), "{unmet}");
    // Of that run the finding is waived once: the way out is another one.
    assert!(unmet[0]["detail"].as_str().unwrap().contains("send «check»"), "{unmet}");
    by_sql("DELETE FROM site_check_waivers");
    let waived = waives("approver");
    assert_eq!(waived.status, 201, "{}", waived.text);
    case.refused("approver", "approve", None, case.decision(json!({})), &["not_waiver"], &deciding);
    case.step("other-approver", "approve", None, case.decision(json!({})), "approved");
}

/// Where nothing is agreed on, the committee decides once more, as after any check; the carrier withdraws nothing that is decided.
#[test]
fn a_column_that_is_not_shared_is_decided_about_once_more() {
    let api = office();
    let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b", "spare_capacity": 2,
        "position_accuracy_m": 0});
    api.add(WORKS, point(60.0, 0.0), tower);
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "require_sharing", None, case.decision(json!({})), "sharing_required");
    assert_eq!(case.now["properties"]["due_on"], Json::Null, "it was answered");
    case.refused("carrier", "withdraw", None, json!({}), &[], &[]);
    let number = json!({"number": "13/TTr"});
    case.refused("officer", "refer", None, number.clone(), &["reasoned"], &["refer", "record_agreement"]);
    case.step("officer", "refer", Some("VNPT has no room"), number, "awaiting_decision");
    assert!(case.now["properties"]["due_on"].is_string(), "and is to be answered again");
    case.step("officer", "check", None, json!({}), "awaiting_decision");
    case.step("approver", "refuse", Some("no room on TOWER"), case.decision(json!({"number": "35/QD"})), "refused");
    trail_is_whole(&api);
}

#[test]
fn a_refusal_is_appealed_and_decided_again() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    case.step("approver", "refuse", Some("the hill is protected"), case.decision(json!({})), "refused");
    assert_eq!(pending(&api), [""; 0]);
    assert_eq!(case.now["properties"]["due_on"], Json::Null);
    case.refused("carrier", "appeal", None, json!({}), &["reasoned"], &["appeal"]);
    case.step("carrier", "appeal", Some("it is not"), json!({}), "appealed");
    assert_eq!(inbox(&api, "approver"), [case.id.clone()]);
    let appealed = ["admit_appeal", "dismiss_appeal"];
    case.refused("approver", "dismiss_appeal", Some("it is"), json!({}), &["not_decider"], &appealed);
    case.refused("approver", "admit_appeal", Some("it is"), json!({}), &["not_decider"], &appealed);
    case.step("other-approver", "admit_appeal", Some("the map was old"), json!({}), "awaiting_decision");
    assert_eq!(pending(&api).len(), 1, "it is pending again");
    let clock = &case.now["properties"]["case"]["clock"];
    assert_eq!((&clock["term_days"], &clock["used_days"], &clock["stopped_at"]), (&json!(20), &json!(0), &Json::Null));
    assert_eq!((&case.now["properties"]["due_on"], &clock["left_days"]), (&clock["due_on"], &json!(20)));
    assert_eq!(inbox(&api, "approver"), [case.id.clone()]);
    case.step("officer", "check", None, json!({}), "awaiting_decision");
    let again = case.sends("approver", "approve", None, case.decision(json!({"number": "35/QD"})));
    assert!(again.status == 409 && again.text.contains("not_decider"), "{}", again.text);
    case.step("other-approver", "approve", None, case.decision(json!({"number": "35/QD"})), "approved");
    trail_is_whole(&api);
}

/// A corridor that comes into force between the check and the decision: the approval is refused, and after another check it is
/// blocked.
#[test]
fn a_corridor_between_check_and_decision_is_noticed() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    let land =
        api.add(CORRIDORS, rect(-9.0, -9.0, 9.0, 9.0), merged(json!({"code": "R", "status": "announced"}), &road()));
    let path = format!("{CORRIDORS}/{land}");
    let in_force = json!({"properties": {"status": "in_force"}});
    assert_eq!(api.on_grid("planner", "PATCH", &path, &in_force).status, 200);
    let deciding = ["check", "send_back", "approve", "approve_with_conditions", "require_sharing", "refuse"];
    case.refused("approver", "approve", None, case.decision(json!({})), &["check_fresh"], &deciding);
    case.step("approver", "check", None, json!({}), "awaiting_decision");
    assert_eq!(case.verdict("COR"), "block");
    let answer = case.sends("approver", "approve", None, case.decision(json!({})));
    let unmet = answer.json()["unmet"].to_string();
    assert!(answer.status == 409 && unmet.contains("no_blocks") && unmet.contains("consultations_done"), "{unmet}");
    // Whoever decides checks it again and may have waived what he finds; that he does so alone is not enough.
    let run = case.now["properties"]["case"]["check"]["id"].as_str().unwrap().to_owned();
    let waiver = json!({"code": "COR", "reason": "the road goes round it"});
    let headers = [("Content-Type", "application/json")];
    let waived =
        api.send("other-approver", "POST", &format!("/api/site-checks/{run}/waivers"), &headers, Some(&waiver));
    assert_eq!(waived.status, 201, "{}", waived.text);
    let answer = case.sends("approver", "approve", None, case.decision(json!({})));
    let told = answer.json()["unmet"].to_string();
    assert!(answer.status == 409 && told.contains("advice_fits") && !told.contains("no_blocks"), "{told}");
    assert!(told.contains("worse than when it was recommended: COR"), "{told}");
    for of in ["site_request_events", "outbox"] {
        assert_eq!(api.sql(&format!("SELECT count(*) FROM {of} WHERE event = 'approve'")).unwrap(), "0", "{of}");
    }
}

/// Two approvers at the same moment: one of them decides.
#[test]
fn of_two_approvers_at_once_one_decides() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.lead_to_decision();
    let refusal = case.decision(json!({"number": "1/QD"}));
    let approval = case.decision(json!({"number": "2/QD"}));
    let answers = thread::scope(|scope| {
        let one = scope.spawn(|| case.sends("approver", "approve", None, approval.clone()));
        let other = scope.spawn(|| case.sends("other-approver", "refuse", Some("no"), refusal.clone()));
        [one.join().unwrap(), other.join().unwrap()]
    });
    let mut statuses = answers.each_ref().map(|a| a.status);
    statuses.sort_unstable();
    assert!(statuses == [200, 412] || statuses == [200, 409], "{statuses:?} {}", answers[0].text);
    for of in ["site_request_events", "outbox"] {
        let decided = format!("SELECT count(*) FROM {of} WHERE event IN ('approve', 'refuse')");
        assert_eq!(api.sql(&decided).unwrap(), "1", "{of}");
    }
    trail_is_whole(&api);
}

/// From the acceptance on an answer is due after so many working days; the clock stands still while the office waits, is extended
/// once where the carrier agrees, and is over with the decision.
#[test]
fn the_clock_of_a_case_runs_by_working_days() {
    let api = office();
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    let due = |case: &CaseOf<'_>| case.now["properties"]["due_on"].as_str().map(str::to_owned);
    case.step("carrier", "submit", None, json!({}), "submitted");
    assert_eq!(due(&case), None);
    case.step("officer", "accept", None, json!({}), "accepted");
    let first = due(&case).unwrap();
    assert!(first > api.sql("SELECT (now() + interval '26 days')::date").unwrap(), "20 working days: {first}");
    let storm = json!({"why": "force_majeure"});
    let accepted = ["request_supplement", "check", "pause", "resume"];
    case.refused("officer", "resume", None, json!({}), &["clock_paused"], &accepted);
    case.refused("officer", "pause", None, storm.clone(), &["reasoned"], &accepted);
    case.step("officer", "pause", Some("a storm"), storm.clone(), "accepted");
    case.refused("officer", "pause", Some("a storm"), storm, &["clock_runs"], &accepted);
    case.step("officer", "resume", None, json!({}), "accepted");
    case.step(
        "officer",
        "request_supplement",
        Some("no plan"),
        json!({"missing": ["site_plan"]}),
        "returned_for_supplement",
    );
    assert_eq!(case.now["properties"]["case"]["clock_paused"], true);
    case.step("carrier", "submit", None, json!({}), "submitted");
    let receipt = case.now["properties"]["receipt"].clone();
    case.step("officer", "accept", None, json!({}), "accepted");
    assert_eq!((&case.now["properties"]["receipt"], case.now["properties"].get("receipt_secret")), (&receipt, None));
    assert_eq!(due(&case).unwrap(), first, "pauses of one day take nothing");
    case.step("officer", "check", None, json!({}), "checking");
    case.settle();
    let assessing =
        ["request_supplement", "check", "consult", "answer", "visit", "recommend", "pause", "resume", "extend"];
    let extension = |days: u32| json!({"days": days, "agreed": true});
    assert_eq!(case.sends("officer", "extend", Some("maps"), json!({"days": 5})).status, 422, "the carrier agrees");
    case.refused("officer", "extend", Some("maps"), extension(11), &["not_extended"], &assessing);
    case.step("officer", "extend", Some("maps"), extension(5), "assessing");
    assert!(due(&case).unwrap() > first);
    case.refused("officer", "extend", Some("more maps"), extension(5), &["not_extended"], &assessing);
    case.step("carrier", "withdraw", None, json!({}), "withdrawn");
    assert_eq!(due(&case), None);
    trail_is_whole(&api);
}
