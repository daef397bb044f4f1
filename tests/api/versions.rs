//! What was recorded of zones and of site requests: each as it was at a moment, against what was answered at that moment, and
//! every version of it.

use std::thread;

use serde_json::{Value as Json, json};

use crate::help::{Api, WORKS, point};
use crate::history::{moment, revision};
use crate::operation::until;
use crate::plan::{ZONES, api, committee, zone};
use crate::restricted_reads::left;
use crate::site_check::checked;
use crate::site_request::{CaseOf, REQUESTS, column, sha256};
use crate::site_request_consulted::asked;
use crate::site_request_story::office;
use crate::site_request_time::{set, with_days_off};

/// What a feature says only as it is now, and only as it was.
const OF_A_TIME: [&str; 5] = ["allowed", "slack_days", "overdue", "recorded_from", "recorded_to"];

/// A feature without that, without links, and without what its case says only as it is now.
fn bare(mut feature: Json) -> Json {
    feature.as_object_mut().unwrap().remove("links");
    let properties = feature["properties"].as_object_mut().unwrap();
    for name in OF_A_TIME {
        properties.remove(name);
    }
    if let Some(case) = properties.get_mut("case").and_then(Json::as_object_mut) {
        for name in ["documents_missing", "clock"] {
            case.remove(name);
        }
        // The head of the trail is looked up, not recorded.
        if let Some(decision) = case.get_mut("decision").and_then(Json::as_object_mut) {
            decision.remove("audit");
        }
    }
    feature
}

fn history(api: &Api, role: &str, path: &str) -> Json {
    let answer = api.server.get(role, path);
    assert_eq!(answer.status, 200, "{role}: {}", answer.text);
    answer.json()
}

fn numbers(history: &Json) -> Vec<i64> {
    history["versions"].as_array().unwrap().iter().map(|v| v["version"].as_i64().unwrap()).collect()
}

/// Each version of a history is read by its link, says when it was recorded as the history does, and ends where the next begins;
/// its digest is the one of the row in the database.
fn is_sound(api: &Api, role: &str, table: &str, id: &str, history: &Json) {
    let versions = history["versions"].as_array().unwrap();
    assert!(!versions.is_empty());
    for (n, version) in versions.iter().enumerate() {
        let link = version["links"][0]["href"].as_str().unwrap().strip_prefix(&api.server.base).unwrap();
        let then = api.server.get(role, link).json()["properties"].take();
        for name in ["version", "recorded_from", "recorded_to", "revision"] {
            assert_eq!(then[name], version[name], "{role} {name}");
        }
        let next = n.checked_sub(1).map_or(&history["deleted"]["recorded_at"], |n| &versions[n]["recorded_from"]);
        assert_eq!(&version["recorded_to"], next, "{role}");
        let of = format!(
            "SELECT encode(digest, 'hex') FROM (
                 SELECT id, version, version_digest(p) AS digest FROM {table} AS p
                 UNION ALL SELECT id, version, version_digest(h) FROM {table}_history AS h
             ) AS v WHERE id = '{id}' AND version = {}",
            version["version"]
        );
        let digest = version["digest"].as_str().map(str::to_owned);
        // It sums up more of a request than its carrier reads.
        assert_eq!(digest, if role == "carrier" { None } else { api.sql(&of) }, "{role}");
    }
}

#[test]
fn a_zone_is_read_as_it_was_and_every_version_is_listed() {
    let api = api();
    let before = moment(&api, revision(&api));
    let plan = api.plan("P", 0);
    let made = api.on_grid("officer", "POST", ZONES, &zone(&plan, "Z", 0.0, 0.0));
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{ZONES}/{id}");
    let gone = api.on_grid("officer", "POST", ZONES, &zone(&plan, "GONE", 300.0, 0.0)).json()["id"].clone();
    let gone = gone.as_str().unwrap().to_owned();
    let mut told = Vec::new();
    let now = |told: &mut Vec<(String, Json)>| {
        told.push((moment(&api, revision(&api)), api.server.get("officer", &path).json()));
    };
    now(&mut told);
    for height in [30.0, 24.0] {
        let patch = json!({"properties": {"height_max_m": height}});
        assert_eq!(api.server.call("officer", "PATCH", &path, Some(&patch)).status, 200);
        now(&mut told);
    }
    assert_eq!(api.server.call("officer", "DELETE", &format!("{ZONES}/{gone}"), None).status, 204);
    let withdrawn = moment(&api, revision(&api));
    api.published(&plan, "2026-01-01", json!(null));
    now(&mut told);

    let read = |role: &str, path: &str, at: &str| api.server.get(role, &format!("{path}?as-of={at}"));
    assert_eq!(read("officer", &path, &before).status, 404, "there was none");
    for (n, (at, then)) in told.iter().enumerate() {
        let found = read("officer", &path, at);
        assert_eq!(found.status, 200, "{}", found.text);
        assert!(found.header("etag").is_none(), "by a tag the present one is changed");
        assert_eq!(bare(found.json()), bare(then.clone()), "{n}");
        // What was a draft then is nobody's else, though its plan is published now.
        let public = read("", &path, at);
        assert_eq!(public.status, if n == 3 { 200 } else { 404 }, "{n}: {}", public.text);
    }
    let states: Vec<&Json> = told.iter().map(|(_, then)| &then["properties"]["state"]).collect();
    assert_eq!(states, ["draft", "draft", "draft", "published"]);

    let all = |role: &str, id: &str| history(&api, role, &format!("/api/zones/{id}/history"));
    assert_eq!((numbers(&all("officer", &id)), numbers(&all("", &id))), (vec![3, 2, 1], vec![3]));
    is_sound(&api, "officer", "zones", &id, &all("officer", &id));
    let authors = |role: &str| {
        let history = all(role, &id);
        history["versions"].as_array().unwrap().iter().map(|v| v["actor"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((authors("officer"), authors("")), (vec![json!("officer"); 3], vec![Json::Null]));
    let pages = history(&api, "officer", &format!("/api/zones/{id}/history?limit=2"));
    let next = pages["links"].as_array().unwrap().iter().find(|link| link["rel"] == "next").unwrap()["href"].clone();
    let next = next.as_str().unwrap().strip_prefix(&api.server.base).unwrap().to_owned();
    assert_eq!((numbers(&pages), numbers(&history(&api, "officer", &next))), (vec![3, 2], vec![1]));

    // What was withdrawn from a draft whoever saw the draft finds in the past, and nobody else.
    let path = format!("{ZONES}/{gone}");
    assert_eq!((read("officer", &path, &told[0].0).status, read("officer", &path, &withdrawn).status), (200, 404));
    assert_eq!(read("", &path, &told[0].0).status, 404);
    let of_gone = all("officer", &gone);
    assert_eq!((&of_gone["deleted"]["deed"], numbers(&of_gone)), (&json!("delete"), vec![1]));
    is_sound(&api, "officer", "zones", &gone, &of_gone);
    assert_eq!(api.server.get("", &format!("/api/zones/{gone}/history")).status, 404);
    let future = read("officer", &path, "2999-01-01T00:00:00Z");
    assert_eq!(future.status, 400, "{}", future.text);
}

#[test]
fn a_draft_of_a_plan_is_nobodys_else_in_the_past_either() {
    let api = api();
    let plan = api.plan("P", 1);
    let id = api.zones("officer", "")[0]["id"].as_str().unwrap().to_owned();
    let at = moment(&api, revision(&api));
    for role in ["", "carrier", "planner"] {
        let seen = api.server.get(role, &format!("/api/plans/{plan}")).status;
        assert_eq!(api.server.get(role, &format!("{ZONES}/{id}?as-of={at}")).status, seen, "{role}");
        assert_eq!(api.server.get(role, &format!("/api/zones/{id}/history")).status, seen, "{role}");
    }
    assert_eq!(api.server.get("", &format!("{ZONES}/{id}?as-of={at}")).status, 404);
}

/// What somebody was told at each revision of a case.
struct Told<'a, 'b> {
    case: CaseOf<'a>,
    roles: &'b [&'static str],
    /// When, and what each of them was told; none where he was told of nothing.
    all: Vec<(String, Vec<Option<Json>>)>,
}

impl Told<'_, '_> {
    fn now(&mut self) {
        let api = self.case.api;
        let read = |role: &&str| {
            let answer = api.server.get(role, &self.case.path());
            (answer.status == 200).then(|| bare(answer.json()))
        };
        self.all.push((moment(api, revision(api)), self.roles.iter().map(read).collect()));
    }

    fn step(&mut self, role: &str, event: &str, data: Json, to: &str) {
        self.case.step(role, event, Some("because"), data, to);
        self.now();
    }
}

#[test]
fn a_request_is_read_as_it_was_and_every_version_is_listed() {
    let api = office();
    let mut told = Told {
        case: CaseOf::file(&api, (0.0, 0.0), column()),
        roles: &["officer", "carrier", "other-carrier"],
        all: Vec::new(),
    };
    told.now();
    told.case.patch(json!({"height_agl_m": 30}));
    told.now();
    told.step("carrier", "submit", json!({}), "submitted");
    told.step("officer", "request_supplement", json!({"missing": ["design"]}), "returned_for_supplement");
    told.case.patch(json!({"height_agl_m": 36}));
    told.now();
    told.step("carrier", "submit", json!({}), "submitted");
    told.step("officer", "accept", json!({}), "accepted");
    told.step("officer", "check", json!({}), "checking");
    for (at, then) in &told.all {
        for (role, then) in told.roles.iter().zip(then) {
            let found = api.server.get(role, &format!("{}?as-of={at}", told.case.path()));
            let found = (found.status == 200).then(|| bare(found.json()));
            assert_eq!(found.as_ref(), then.as_ref(), "{role} at {at}");
        }
    }
    let known = |role: usize| told.all.iter().filter(|(_, then)| then[role].is_some()).count();
    assert_eq!((known(0), known(1), known(2)), (6, 8, 0), "a draft is its carrier's alone");
    let all = |role: &str| history(&api, role, &format!("/api/site-requests/{}/history", told.case.id));
    for (role, expect) in [("carrier", 1..=8), ("officer", 3..=8)] {
        let history = all(role);
        assert!(numbers(&history).into_iter().rev().eq(expect), "{role}");
        is_sound(&api, role, "site_requests", &told.case.id, &history);
    }
    // It is a step, an edit, or the filing; and the carrier reads no name of the office.
    let of = |role: &str, name: &str| -> Vec<Json> {
        all(role)["versions"].as_array().unwrap().iter().rev().map(|v| v[name].clone()).collect()
    };
    assert_eq!(of("carrier", "deed"), ["create", "replace", "step", "step", "replace", "step", "step", "step"]);
    let (own, none) = (json!("carrier"), Json::Null);
    let (own, none) = (&own, &none);
    assert!(of("carrier", "actor").iter().eq([own, own, own, none, own, own, none, none]));
    let path = told.case.path();
    assert_eq!(api.server.get("officer", &format!("{path}?as-of=2999-01-01T00:00:00Z")).status, 400);
    assert_eq!(api.server.get("officer", &format!("{path}?as-of=2001-01-01T00:00:00Z")).status, 404);
}

#[test]
fn a_draft_that_was_deleted_is_its_carriers_in_the_past() {
    let api = office();
    let case = CaseOf::bare(&api, (0.0, 0.0), column());
    let (at, path) = (moment(&api, revision(&api)), case.path());
    assert_eq!(api.server.call("carrier", "DELETE", &path, None).status, 204);
    let read = |role: &str| {
        [format!("{path}?as-of={at}"), path.clone(), format!("/api/site-requests/{}/history", case.id)]
            .map(|path| api.server.get(role, &path).status)
    };
    assert_eq!((read("carrier"), read("officer"), read("other-carrier")), ([200, 404, 200], [404; 3], [404; 3]));
    let all = history(&api, "carrier", &format!("/api/site-requests/{}/history", case.id));
    assert_eq!((numbers(&all), &all["deleted"]["actor"], &all["events"]), (vec![1], &json!("carrier"), &json!([])));
    is_sound(&api, "carrier", "site_requests", &case.id, &all);
}

/// What somebody reads of a case, wherever he looks.
fn reads(case: &CaseOf<'_>, role: &str) -> Json {
    let get = |path: &str| case.api.server.get(role, path);
    let read = get(&case.path());
    let tag = read.header("etag").map(str::to_owned);
    let read = read.json();
    let listed = get(REQUESTS).json()["features"][0].take();
    for name in ["version", "revision", "recorded_at"] {
        assert_eq!(read["properties"][name], listed["properties"][name], "{role}: {name}");
    }
    let inbox = get("/api/inbox").json()["features"].take();
    let history = get(&format!("/api/site-requests/{}/history", case.id)).json();
    json!([tag, read, listed, inbox, get("/api/inbox.ics").text, history])
}

/// Whoever does not see everything finds no trace of what others answer, of whom he may not know that they are asked: in no number, at
/// no moment, by no digest, and not by what is refused; and whoever is asked finds no past at all.
#[test]
fn an_answer_of_somebody_else_is_no_version_of_his() {
    let api = office();
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({"due_on": "2099-01-31"}), "consulting");
    // A version that began with no step: the last that counts need not be one.
    let due = case.now["properties"]["due_on"].as_str().unwrap().parse().unwrap();
    set(&api, &with_days_off("later", &[due]), "cd");
    case.version += 1;
    let consulted = case.version;
    let roles = ["carrier", "other-carrier"];
    let path = case.path();
    let before = roles.map(|role| reads(&case, role));
    case.step("project_owner", "answer", None, json!({"answer": "agree"}), "consulting");
    let hidden = moment(&api, revision(&api));
    for (role, before) in roles.iter().zip(&before) {
        assert_eq!(&reads(&case, role), before, "{role}");
    }
    assert_eq!(api.server.get("officer", &path).json()["properties"]["version"], json!(consulted + 1));
    // By what he read before the answer came he may still send his own, and it is one version more.
    let own = case.sends_with("other-carrier", &format!("\"{consulted}\""), "answer", None, json!({"answer": "agree"}));
    assert_eq!(own.status, 200, "{}", own.text);
    case.version += 1;
    let health = json!({"organisation": "health", "answer": "agree", "letter": "7/CV"});
    case.step("officer", "answer", None, health, "consulting");
    case.step("officer", "assess", None, json!({}), "assessing");
    let office = history(&api, "officer", &format!("/api/site-requests/{}/history", case.id));
    let own = history(&api, "carrier", &format!("/api/site-requests/{}/history", case.id));
    let expect: Vec<i64> = (1..=consulted + 1).rev().collect();
    assert_eq!(
        (i64::try_from(numbers(&office).len()).unwrap(), numbers(&own)),
        (case.version - 1, expect.clone()),
        "no gap"
    );
    is_sound(&api, "officer", "site_requests", &case.id, &office);
    is_sound(&api, "carrier", "site_requests", &case.id, &own);
    for (n, version) in expect.iter().enumerate() {
        let page = format!("/api/site-requests/{}/history?limit=1&before={}", case.id, version + 1);
        let page = history(&api, "carrier", &page);
        assert_eq!(page["versions"], json!([own["versions"][n]]), "no page is empty");
        let next = page["links"]
            .as_array()
            .unwrap()
            .iter()
            .any(|link| link["href"].as_str().unwrap().ends_with(&format!("before={version}")));
        assert_eq!(next, *version > 1);
    }
    // However far back one asks, no number tells how many there are.
    let all = |before: i64| {
        let path = format!("/api/site-requests/{}/history?before={before}", case.id);
        history(&api, "carrier", &path)["versions"].clone()
    };
    for before in [consulted + 2, consulted + 3, i64::from(i32::MAX) - 1, i64::from(i32::MAX)] {
        assert_eq!(all(before), own["versions"], "{before}");
    }
    let then = |role: &str| api.server.get(role, &format!("{path}?as-of={hidden}"));
    let version = |role: &str| then(role).json()["properties"]["version"].as_i64();
    assert_eq!((version("officer"), version("carrier")), (Some(consulted + 1), Some(consulted)));
    for text in [own.to_string(), api.server.get("carrier", &path).text] {
        assert!(!text.contains(&hidden.trim_end_matches('Z')[..23]), "the moment stands nowhere: {text}");
    }
    for role in ["project_owner", "other-carrier"] {
        assert_eq!(then(role).status, 404, "{role}");
        let path = format!("/api/site-requests/{}/history", case.id);
        assert_eq!(history(&api, role, &path)["versions"], json!([]), "{role}");
    }
}

/// Where it is handed in anew, and asked about by nobody yet, what others answered before is no version of it still.
#[test]
fn what_was_answered_before_a_supplement_counts_no_more_than_it_did() {
    let api = office();
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({"due_on": "2099-01-31"}), "consulting");
    case.step("project_owner", "answer", None, json!({"answer": "agree"}), "consulting");
    case.step(
        "officer",
        "request_supplement",
        Some("lower"),
        json!({"missing": ["design"]}),
        "returned_for_supplement",
    );
    case.patch(json!({"height_agl_m": 30}));
    case.step("carrier", "submit", None, json!({}), "submitted");
    let read = reads(&case, "carrier");
    assert_eq!(read[1]["properties"]["version"], json!(case.version - 1));
}

/// Two who answer at the same moment both do: by what each of them read, nothing has come between.
#[test]
fn of_two_who_are_asked_and_answer_at_once_both_do() {
    let api = office();
    let mut case = asked(&api);
    case.step("officer", "consult", None, json!({"due_on": "2099-01-31"}), "consulting");
    let tag = format!("\"{}\"", case.version);
    let answers = thread::scope(|scope| {
        ["project_owner", "other-carrier"]
            .map(|role| {
                let (case, tag) = (&case, tag.as_str());
                scope.spawn(move || case.sends_with(role, tag, "answer", None, json!({"answer": "agree"})))
            })
            .map(|answer| answer.join().unwrap())
    });
    assert!(answers.iter().all(|answer| answer.status == 200), "{} {}", answers[0].text, answers[1].text);
}

/// The run of a case is kept as any other, and replayed.
#[test]
fn the_check_of_a_case_is_replayed() {
    let api = office();
    let case = asked(&api);
    let run = case.now["properties"]["case"]["check"]["id"].as_str().unwrap().to_owned();
    let replay = api.server.get("officer", &format!("/api/site-checks/{run}/replay"));
    assert_eq!(replay.status, 200, "{}", replay.text);
    assert_eq!((&replay.json()["same"], &replay.json()["tampered"]), (&json!(true), &json!([])), "{}", replay.text);
}

/// The digest of what was decided on is told to more than those who read it: nobody finds by trying what stands there.
#[test]
fn what_was_decided_on_is_not_found_by_its_digest() {
    let api = office();
    committee(&api);
    let decided = || {
        let mut case = CaseOf::file(&api, (0.0, 0.0), column());
        case.lead_to_decision();
        case.step("approver", "refuse", Some("no"), case.decision(json!({})), "refused");
        let read = api.server.get("approver", &format!("/api/site-requests/{}/history", case.id)).json();
        let last = read["events"].as_array().unwrap().last().unwrap().clone();
        let text = last["snapshot"].as_str().unwrap().to_owned();
        assert_eq!(last["snapshot_sha256"], sha256(text.as_bytes()));
        text.lines().find_map(|line| line.strip_prefix("salt ")).unwrap().to_owned()
    };
    let (one, other) = (decided(), decided());
    assert!(one.len() >= 20 && one != other, "{one} {other}");
}

/// What a check said of a column that is hidden since whoever may not see it now reads no more; and that an officer is shown it
/// is written down.
#[test]
fn what_is_hidden_since_the_check_is_hidden_in_the_case() {
    let api = office();
    let tower = json!({"code": "TOWER", "kind": "mast", "organisation": "vnpt", "column_class": "A2b", "position_accuracy_m": 0});
    let tower = api.add(WORKS, point(60.0, 0.0), tower);
    let mut case = CaseOf::file(&api, (0.0, 0.0), column());
    case.step("carrier", "submit", None, json!({}), "submitted");
    case.step("officer", "accept", None, json!({}), "accepted");
    case.step("officer", "check", None, json!({}), "checking");
    let at = moment(&api, revision(&api));
    let check = |role: &str, query: &str| {
        let read = api.server.get(role, &format!("{}{query}", case.path())).json();
        read["properties"]["case"]["check"].clone()
    };
    assert_eq!(check("carrier", "")["candidates"][0]["code"], "TOWER");
    assert_eq!((&check("carrier", "")["verdicts"]["SPC"], left(&api.database).len()), (&json!("warn"), 0));
    let hide = json!({"properties": {"visibility": "restricted"}});
    assert_eq!(api.server.call("officer", "PATCH", &format!("{WORKS}/{tower}"), Some(&hide)).status, 200);
    for query in [String::new(), format!("?as-of={at}")] {
        let told = check("carrier", &query);
        assert_eq!((&told["verdicts"]["SPC"], &told["candidates"]), (&json!("not_checked"), &json!([])), "{query}");
        assert!(told["restricted"].as_array().unwrap().contains(&json!("SPC")), "{query}: {told}");
        assert!(!told.to_string().contains("TOWER"));
        assert_eq!(check("officer", &query)["candidates"][0]["code"], "TOWER", "{query}");
    }
    // Somewhere else nothing has changed.
    let asks = checked(&api, "carrier", "", (-900.0, 0.0), json!({"column_class": "A2b"}));
    assert!(!asks.to_string().contains("TOWER"));
    let row = format!("officer {REQUESTS}/{{id}} works {tower}");
    until("the row", || left(&api.database).contains(&row));
}
