//! Who is asked about a request once is asked again where a later check finds something else of his, and where an officer wants it;
//! what he answered before stays in the record.

use clearway::actions::site_request::lapse::lapse;
use serde_json::{Value as Json, json};

use crate::help::{Api, CORRIDORS, merged, rect, road};
use crate::site_request::{CaseOf, column, trail_is_whole, visit};
use crate::site_request_story::office;
use crate::site_request_time::age;

/// A road to come of the roads board over the place.
fn land(api: &Api, code: &str) -> String {
    let own = merged(json!({"code": code, "status": "announced", "visibility": "government"}), &road());
    api.add(CORRIDORS, rect(-9.0, -9.0, 9.0, 9.0), own)
}

fn checked(api: &Api) -> CaseOf<'_> {
    let mut case = CaseOf::file(api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    case
}

/// The consultations of an organisation, as an officer reads them.
fn of(case: &CaseOf<'_>, organisation: &str) -> Vec<Json> {
    let read = case.api.server.get("officer", &case.path()).json();
    let all = read["properties"]["case"]["consultations"].as_array().unwrap().clone();
    all.into_iter().filter(|c| c["organisation"] == organisation).collect()
}

/// Letters of everybody who is asked but the roads board.
fn letters(case: &mut CaseOf<'_>) {
    let all = case.now["properties"]["case"]["consultations"].as_array().unwrap().clone();
    let open = all.iter().filter(|c| !c["asked_at"].is_null() && c["answer"].is_null());
    for one in open.filter(|c| c["organisation"] != "roads-board") {
        let letter = json!({"organisation": one["organisation"], "answer": "agree", "letter": "7/CV"});
        case.step("officer", "answer", None, letter, "consulting");
    }
}

fn advise(case: &mut CaseOf<'_>) {
    case.step("officer", "assess", None, json!({}), "assessing");
    case.step("officer", "visit", None, visit(), "assessing");
    case.step("officer", "recommend", Some("it fits"), json!({"advice": "approve"}), "recommended");
    case.step("officer", "refer", None, json!({"number": "12/TTr"}), "awaiting_decision");
}

fn unmet(case: &CaseOf<'_>, role: &str, event: &str, data: Json) -> Vec<String> {
    let answer = case.sends(role, event, None, data);
    assert_eq!(answer.status, 409, "{event}: {}", answer.text);
    let unmet = answer.json()["unmet"].as_array().unwrap().clone();
    unmet.iter().map(|one| one["guard"].as_str().unwrap().to_owned()).collect()
}

fn waits(api: &Api, role: &str) -> usize {
    api.server.get(role, "/api/inbox").json()["features"].as_array().unwrap().len()
}

/// No approval passes whoever has to be asked about what a later check finds, whether he answered about what was there or let his time
/// pass; the same finding of the same feature asks nobody again.
#[test]
fn whoever_answered_is_asked_about_what_a_later_check_finds() {
    for answers in [true, false] {
        let api = office();
        land(&api, "A");
        let mut case = checked(&api);
        case.step("officer", "consult", None, json!({}), "consulting");
        letters(&mut case);
        if answers {
            case.step("project_owner", "answer", None, json!({"answer": "agree"}), "consulting");
        } else {
            age(&api, 16);
            assert_eq!(lapse(&api.database.context()), Ok(1));
            case.version += 1;
        }
        let first = of(&case, "roads-board");
        assert_eq!((first.len(), &first[0]["lapsed"]), (1, &json!(!answers)));
        case.step("officer", "check", None, json!({}), "consulting");
        assert_eq!(of(&case, "roads-board"), first, "the same finding of the same feature");
        assert_eq!(unmet(&case, "officer", "consult", json!({})), ["somebody_to_ask"]);
        advise(&mut case);
        land(&api, "B");
        assert_eq!(unmet(&case, "approver", "approve", case.decision(json!({}))), ["check_fresh"]);
        case.step("approver", "check", None, json!({}), "awaiting_decision");
        assert_eq!(unmet(&case, "approver", "approve", case.decision(json!({}))), ["consultations_done"]);
        let both = of(&case, "roads-board");
        assert_eq!((both.len(), &both[0], &both[1]["asked_at"]), (2, &first[0], &Json::Null));
        // Of what he is not asked yet he reads nothing.
        let own = api.server.get("project_owner", &case.path()).json();
        assert_eq!(own["properties"]["case"]["consultations"].as_array().unwrap().len(), 1);
        case.step("approver", "send_back", Some("ask about the second road"), json!({}), "assessing");
        case.step("officer", "consult", None, json!({}), "consulting");
        assert_eq!(waits(&api, "project_owner"), 1);
        assert_eq!(unmet(&case, "officer", "assess", json!({})), ["consultations_done"]);
        case.step("project_owner", "answer", None, json!({"answer": "object"}), "consulting");
        let both = of(&case, "roads-board");
        assert_eq!((&both[0], &both[1]["answer"]), (&first[0], &json!("object")), "the first stays in the record");
        advise(&mut case);
        case.step("approver", "check", None, json!({}), "awaiting_decision");
        assert_eq!(of(&case, "roads-board").len(), 2);
        case.step("approver", "approve", None, case.decision(json!({})), "approved");
        if answers {
            trail_is_whole(&api);
        }
    }
}

/// What a check found that is not there any more asks nobody.
#[test]
fn nobody_is_asked_about_what_was_withdrawn_before_he_was() {
    let api = office();
    let road = land(&api, "A");
    let mut case = checked(&api);
    assert_eq!(of(&case, "roads-board").len(), 1);
    assert_eq!(api.on_grid("officer", "DELETE", &format!("{CORRIDORS}/{road}"), &json!({})).status, 204);
    case.step("officer", "check", None, json!({}), "checking");
    assert_eq!(of(&case, "roads-board"), Vec::<Json>::new());
}

/// Whoever is asked more before he has answered answers all of it at once, until the later day.
#[test]
fn whoever_is_asked_more_has_as_long_for_all_of_it() {
    let api = office();
    land(&api, "A");
    let mut case = checked(&api);
    case.step("officer", "consult", None, json!({"due_on": "2099-01-31"}), "consulting");
    letters(&mut case);
    land(&api, "B");
    case.step("officer", "check", None, json!({}), "consulting");
    case.step("officer", "consult", None, json!({"due_on": "2099-03-31"}), "consulting");
    let days: Vec<Json> = of(&case, "roads-board").iter().map(|c| c["answer_by"].clone()).collect();
    assert_eq!(days, ["2099-03-31", "2099-03-31"]);
    let inbox = api.server.get("project_owner", "/api/inbox").json();
    assert_eq!(
        (waits(&api, "project_owner"), &inbox["features"][0]["properties"]["due_on"]),
        (1, &json!("2099-03-31"))
    );
    case.step("project_owner", "answer", None, json!({"answer": "agree"}), "consulting");
    assert!(of(&case, "roads-board").iter().all(|c| c["answer"] == "agree"));
    case.step("officer", "assess", None, json!({}), "assessing");
}

/// An officer asks anybody again, and nobody is asked by a step that asks nobody.
#[test]
fn an_officer_asks_again() {
    let api = office();
    land(&api, "A");
    let mut case = checked(&api);
    case.step("officer", "consult", None, json!({}), "consulting");
    letters(&mut case);
    case.step("project_owner", "answer", None, json!({"answer": "agree"}), "consulting");
    case.step("officer", "assess", None, json!({}), "assessing");
    assert_eq!(unmet(&case, "officer", "consult", json!({})), ["somebody_to_ask"]);
    let again = json!({"also": [{"consultee": "corridor_owner", "organisation": "roads-board"}]});
    case.step("officer", "consult", None, again, "consulting");
    let both = of(&case, "roads-board");
    assert_eq!((both.len(), &both[0]["answer"], &both[1]["answer"]), (2, &json!("agree"), &Json::Null));
    assert_eq!(both[1]["because"], both[0]["because"], "about what it was asked before");
    assert_eq!(waits(&api, "project_owner"), 1);
    assert_eq!(unmet(&case, "officer", "assess", json!({})), ["consultations_done"]);
    case.step("project_owner", "answer", None, json!({"answer": "object"}), "consulting");
    advise(&mut case);
    assert_eq!(of(&case, "roads-board").len(), 2);
}

/// Told of a step by which somebody is asked is who is asked by it, with the day that it says.
#[test]
fn a_second_round_is_told_to_whom_it_asks() {
    let api = office();
    land(&api, "A");
    let mut case = checked(&api);
    case.step("officer", "consult", None, json!({"due_on": "2099-01-31"}), "consulting");
    let police = json!({"also": [{"consultee": "police"}], "due_on": "2098-12-31"});
    case.step("officer", "consult", None, police, "consulting");
    let told = |n: u32| {
        let of = format!(
            "SELECT concat_ws(' ', due, 'roads-board' = ANY (organisations), 'police' = ANY (organisations), 'viettel' = ANY (organisations))
             FROM outbox WHERE event = 'consult' ORDER BY number LIMIT 1 OFFSET {n}"
        );
        api.sql(&of).unwrap()
    };
    assert_eq!((told(0), told(1)), ("2099-01-31 t f t".to_owned(), "2098-12-31 f t t".to_owned()));
}

/// Who is barred from answering while a supplement is due loses no time: what he had not answered he is asked once more, about the same
/// where it was submitted as it was, whether a check names him or an officer does.
#[test]
fn whoever_was_barred_from_answering_is_asked_anew() {
    let api = office();
    land(&api, "A");
    let mut case = checked(&api);
    case.step("officer", "consult", None, json!({"also": [{"consultee": "army"}]}), "consulting");
    let all = case.now["properties"]["case"]["consultations"].as_array().unwrap().clone();
    for one in all.iter().filter(|c| c["organisation"] != "roads-board" && c["organisation"] != "army") {
        let letter = json!({"organisation": one["organisation"], "answer": "agree", "letter": "7/CV"});
        case.step("officer", "answer", None, letter, "consulting");
    }
    age(&api, 1);
    let missing = json!({"missing": ["design"]});
    case.step("officer", "request_supplement", Some("which?"), missing, "returned_for_supplement");
    age(&api, 29);
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    assert_eq!(lapse(&api.database.context()), Ok(0), "nobody is late who could not answer");
    assert_eq!(unmet(&case, "officer", "assess", json!({})), ["consultations_done"]);
    case.step("officer", "consult", None, json!({"due_on": "2099-01-31"}), "consulting");
    for organisation in ["roads-board", "army"] {
        let asked = of(&case, organisation);
        assert_eq!((asked.len(), &asked[0]["answer_by"]), (1, &json!("2099-01-31")), "{organisation}: {asked:?}");
        assert!(!asked[0]["asked_at"].is_null(), "{asked:?}");
    }
    assert_eq!(of(&case, "health").len(), usize::from(all.iter().any(|c| c["organisation"] == "health")));
    let told = "SELECT concat_ws(' ', due, 'roads-board' = ANY (organisations), 'army' = ANY (organisations))
        FROM outbox WHERE event = 'consult' ORDER BY number DESC LIMIT 1";
    assert_eq!(api.sql(told).unwrap(), "2099-01-31 t t");
    assert_eq!(lapse(&api.database.context()), Ok(0));
    case.step("project_owner", "answer", None, json!({"answer": "agree"}), "consulting");
    case.step("consultee", "answer", None, json!({"answer": "agree"}), "consulting");
    case.step("officer", "assess", None, json!({}), "assessing");
}
