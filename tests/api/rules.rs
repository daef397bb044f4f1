//! Rules: which one decided, by kind, class and voltage, by the day asked, and what beats it.

use std::fmt::Write;

use clearway::actions::rules::{self, Imported};
use clearway::actions::{Witness, jurisdiction};
use clearway::domain::actor::{Actor, Role};
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::error::Error;
use clearway::formats::rules as file;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::help::{Api, CHECKS, CORRIDORS, WORKS, feature, merged, point, rect};
use crate::support::{TestServer, vn72_draft};

/// The pack of the fixtures.
pub const VN: &str = include_str!("../../fixtures/rules/VN-2027-01.toml");

/// Loads a pack in another instance than the one asked.
pub fn load_as(api: &Api, actor: &Actor, codes: &[&str], text: &str) -> Result<Vec<Imported>, Error> {
    let codes: Vec<String> = codes.iter().map(|c| (*c).to_owned()).collect();
    let pack = file::read(text.as_bytes()).unwrap();
    let mut digest = String::new();
    for byte in Sha256::digest(text) {
        write!(digest, "{byte:02x}").unwrap();
    }
    rules::import(&api.database.context(), Witness::new(actor, "test"), &codes, &pack, &digest)
}

/// Loads a pack as the operator, in another instance than the one asked.
pub fn load(api: &Api, text: &str) {
    load_as(api, &Actor::operator(), &["VN-72"], text).unwrap();
}

/// A parameter by which a role may waive what a check says.
pub fn may_waive(check: &str, role: &str) -> String {
    format!(
        "[[parameter]]\nkey = \"site.waiver.{check}.{role}\"\nvalue = 1\nunit = \"count\"\nconfidence = \"default\"\n"
    )
}

/// A pack of one's own; each parameter is written `key value`, with more members after a bar.
pub fn pack(version: &str, parameters: &[&str]) -> String {
    let mut text = format!("name = \"T\"\nversion = \"{version}\"\n");
    for p in parameters {
        let (first, more) = p.split_once(" | ").unwrap_or((p, ""));
        let (key, value) = first.split_once(' ').unwrap();
        writeln!(text, "[[parameter]]\nkey = \"{key}\"\nvalue = {value}\nunit = \"m\"\nconfidence = \"default\"")
            .unwrap();
        writeln!(text, "{}", more.replace(", ", "\n")).unwrap();
    }
    text
}

/// What is asked, at the present revision, which the instance asked has to hear of first.
pub fn ask(api: &Api, method: &str, path: &str, body: Option<&Json>) -> Json {
    let at = format!("VN-72={}", api.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'").unwrap());
    let headers =
        [("Content-Type", "application/geo+json"), ("Content-Crs", crate::help::GRID), ("Min-Revision", &*at)];
    let answer = api.send("officer", method, path, &headers, body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// Each conflict as `code clearance key`, by code.
fn said(answer: &Json) -> Vec<String> {
    let conflicts = answer["results"][0]["conflicts"].as_array().unwrap();
    let text = |c: &Json| {
        format!("{} {} {}", c["code"].as_str().unwrap(), c["clearance_m"], c["rule"]["key"].as_str().unwrap())
    };
    let mut all: Vec<String> = conflicts.iter().map(text).collect();
    all.sort_unstable();
    all
}

fn conflicts(api: &Api, corridor: &str, query: &str) -> Vec<String> {
    said(&ask(api, "GET", &format!("/api/corridors/{corridor}/conflicts{query}"), None))
}

fn corridor(api: &Api, code: &str, properties: Json) -> String {
    let usual = json!({"code": code, "status": "in_force", "organisation": "roads-board"});
    api.add(CORRIDORS, rect(0.0, 0.0, 100.0, 10.0), merged(properties, &usual))
}

const OLD: &str = "?at=2014-06-01T00:00:00Z";

#[test]
fn every_answer_names_the_rule_of_its_day() {
    let api = Api::new();
    load(&api, VN);
    let road = corridor(&api, "ROAD", json!({"kind": "road", "class": " iii "}));
    // 12 m and 14 m beyond the edge.
    let near = api.work("NEAR", point(50.0, 22.0));
    api.work("FAR", point(50.0, 24.0));
    let of = |path: String| ask(&api, "GET", &path, None)["results"][0]["conflicts"].clone();
    let now = of(format!("/api/corridors/{road}/conflicts"));
    let then = of(format!("/api/corridors/{road}/conflicts{OLD}"));
    let before = of(format!("/api/corridors/{road}/conflicts?at=2013-10-31T16:59:59Z"));
    // The first day in force begins at midnight of the jurisdiction, 7 hours before that of UTC.
    let first = of(format!("/api/corridors/{road}/conflicts?at=2013-10-31T17:00:00Z"));
    let law = json!({"key": "corridor.road.clearance_m", "value": 13.0, "unit": "m", "document": "NĐ 100/2013/NĐ-CP",
        "article": null, "valid_from": "2013-11-01", "valid_to": "2024-12-31", "confidence": "law"});
    let carried_on = json!({"key": "corridor.road.clearance_m", "value": 13.0, "unit": "m", "document": null,
        "article": null, "valid_from": "2025-01-01", "valid_to": null, "confidence": "check"});
    assert_eq!((&now[0]["rule"], now.as_array().unwrap().len()), (&carried_on, 1));
    assert_eq!((&then[0]["rule"], then.as_array().unwrap().len()), (&law, 1));
    assert_eq!(first[0]["rule"], law);
    assert_eq!(before, json!([]));
    assert_eq!(now[0]["code"], "NEAR");
    // From the other side it is the same.
    assert_eq!(of(format!("/api/works/{near}/conflicts"))[0]["rule"], carried_on);
    assert_eq!(of(format!("/api/works/{near}/conflicts{OLD}"))[0]["rule"], law);
    // Without measures the set is the same.
    assert_eq!(of(format!("/api/corridors/{road}/conflicts?measures=false")).as_array().unwrap().len(), 1);
}

#[test]
fn the_asker_beats_the_corridor_and_the_corridor_the_rule() {
    let api = Api::new();
    load(&api, VN);
    for (code, north) in [("A3", 13.0), ("B8", 18.0), ("C12", 22.0), ("D20", 30.0)] {
        api.work(code, point(50.0, north));
    }
    let road = |more: Json| corridor(&api, &format!("R{}", more["class"]), merged(more, &json!({"kind": "road"})));
    let (ruled, own) = (road(json!({"class": "IV"})), road(json!({"class": "I", "clearance_m": 5})));
    assert_eq!(conflicts(&api, &ruled, ""), ["A3 9.0 corridor.road.clearance_m", "B8 9.0 corridor.road.clearance_m"]);
    assert_eq!(conflicts(&api, &own, ""), ["A3 5.0 corridor.clearance_m"]);
    let asked = ["A3 12.0 request.clearance_m", "B8 12.0 request.clearance_m", "C12 12.0 request.clearance_m"];
    assert_eq!(conflicts(&api, &own, "?clearance_m=12"), asked);
    assert_eq!(conflicts(&api, &ruled, "?clearance_m=12"), asked);
    let zero = road(json!({"class": "I", "clearance_m": 0, "code": "ZERO"}));
    assert_eq!(conflicts(&api, &zero, ""), Vec::<String>::new(), "0 m of its own is its own");
}

#[test]
fn class_and_voltage_decide_and_what_is_unknown_is_said() {
    let api = Api::new();
    load(&api, VN);
    api.work("IN", point(50.0, 5.0));
    let line = |code: &str, more: Json| {
        let id = corridor(&api, code, merged(more, &json!({"kind": "power_line"})));
        let said = conflicts(&api, &id, "").join("; ");
        said.strip_prefix("IN ").unwrap().to_owned()
    };
    let key = "corridor.power_line.clearance_m";
    for (code, more, expect) in [
        ("L1", json!({"voltage_kv": 0.4, "class": "covered"}), "1.0"),
        ("L2", json!({"voltage_kv": 22, "class": "BARE"}), "2.0"),
        ("L3", json!({"voltage_kv": 22}), "2.0"),
        ("L4", json!({"voltage_kv": 35, "class": "Covered"}), "1.5"),
        ("L5", json!({"voltage_kv": 35, "class": "some other words"}), "3.0"),
        ("L6", json!({"voltage_kv": 110, "class": "110 kV"}), "4.0"),
        ("L7", json!({"voltage_kv": 220}), "6.0"),
        ("L8", json!({"voltage_kv": 500}), "7.0"),
    ] {
        assert_eq!(line(code, more), format!("{expect} {key}"), "{code}");
    }
    let widest = format!("7.0 {key}");
    assert_eq!(line("L9", json!({"voltage_kv": 66})), widest, "the law has no such line");
    assert_eq!(line("L10", json!({"class": "110 kV"})), widest, "a class is no voltage");
    let road = corridor(&api, "R1", json!({"kind": "canal"}));
    assert_eq!(conflicts(&api, &road, ""), ["IN 0.0 none"], "the pack says nothing of canals");
    let none =
        ask(&api, "GET", &format!("/api/corridors/{road}/conflicts"), None)["results"][0]["conflicts"][0]["rule"]
            .clone();
    assert_eq!(
        none,
        json!({"key": "none", "value": null, "unit": null, "document": null, "article": null, "valid_from": null,
            "valid_to": null, "confidence": null})
    );
    // The property is checked, kept and given back.
    let bad = |value: Json| {
        let properties =
            json!({"code": "X", "kind": "power_line", "status": "in_force", "organisation": "o", "voltage_kv": value});
        api.on_grid("officer", "POST", CORRIDORS, &feature(rect(0.0, 0.0, 9.0, 9.0), properties)).problems()
    };
    assert_eq!(bad(json!(0)), ["/properties/voltage_kv: is 0; a voltage is more than that"]);
    assert_eq!(bad(json!(-1)), ["/properties/voltage_kv: is -1; it must lie between 0 and 2000"]);
    assert_eq!(bad(json!("high")), ["/properties/voltage_kv: is the text «high»; a number belongs here"]);
    let items = api.server.get("", &format!("{CORRIDORS}?limit=1")).json();
    assert_eq!(items["features"][0]["properties"]["voltage_kv"], 0.4);
}

/// A road of no class, of one that the pack does not name, a line of a voltage that it does not: nothing that stands near
/// is passed over.
#[test]
fn what_the_pack_does_not_name_has_the_widest_of_its_kind() {
    let api = Api::new();
    load(&api, VN);
    for (code, north) in [("A5", 15.0), ("B7", 17.0), ("C19", 29.0), ("D21", 31.0)] {
        api.work(code, point(50.0, north));
    }
    let (road, line) = ("20.0 corridor.road.clearance_m", "7.0 corridor.power_line.clearance_m");
    let of_road = ["A5", "B7", "C19"].map(|code| format!("{code} {road}")).to_vec();
    let of_line = ["A5", "B7"].map(|code| format!("{code} {line}")).to_vec();
    for (n, (land, expect)) in [
        (json!({"kind": "road"}), &of_road),
        (json!({"kind": "road", "class": "IX"}), &of_road),
        (json!({"kind": "road", "class": " "}), &of_road),
        (json!({"kind": "power_line"}), &of_line),
        (json!({"kind": "power_line", "class": "COVERED"}), &of_line),
        (json!({"kind": "power_line", "voltage_kv": 66}), &of_line),
        (json!({"kind": "power_line", "voltage_kv": 22.01, "class": "covered"}), &of_line),
    ]
    .into_iter()
    .enumerate()
    {
        let stored = corridor(&api, &format!("L{n}"), land.clone());
        let shape = feature(rect(0.0, 0.0, 100.0, 10.0), land.clone());
        for at in ["", OLD] {
            assert_eq!(conflicts(&api, &stored, at), *expect, "{land} {at}");
            let drawn = ask(&api, "POST", &format!("{CHECKS}{at}"), Some(&shape));
            assert_eq!(said(&drawn), *expect, "drawn {land} {at}");
        }
        // The other way round, and kept: the second time out of the list.
        assert_eq!(conflicts(&api, &stored, ""), *expect, "{land}");
        let mast = feature(point(50.0, 10.0 + if expect == &of_road { 19.5 } else { 6.5 }), json!({"kind": "mast"}));
        let met = said(&ask(&api, "POST", &format!("{CHECKS}?against=corridors"), Some(&mast)));
        let rule = if expect == &of_road { road } else { line };
        assert!(met.contains(&format!("L{n} {rule}")), "{land}: {met:?}");
    }
    // The rule that is named is the one whose width was applied, with its dates.
    let answer = ask(
        &api,
        "POST",
        &format!("{CHECKS}{OLD}"),
        Some(&feature(rect(0.0, 0.0, 100.0, 10.0), json!({"kind": "road"}))),
    );
    assert_eq!(
        answer["results"][0]["conflicts"][0]["rule"],
        json!({"key": "corridor.road.clearance_m", "value": 20.0, "unit": "m", "document": "NĐ 100/2013/NĐ-CP",
            "article": null, "valid_from": "2013-11-01", "valid_to": "2024-12-31", "confidence": "law"})
    );
}

#[test]
fn a_drawn_shape_says_what_it_stands_for() {
    let api = Api::new();
    load(
        &api,
        &pack(
            "1",
            &[
                "corridor.road.clearance_m 9 | corridor_class = \"IV\"",
                "corridor.road.clearance_m 14 | corridor_class = \"IV\", work_kind = \"mast\"",
                "corridor.road.clearance_m 3",
            ],
        ),
    );
    let pole = json!({"kind": "pole", "organisation": "viettel", "position_accuracy_m": 0});
    api.work("MAST", point(50.0, 22.0));
    for (code, north) in [("POLE3", 12.0), ("POLE8", 18.0), ("POLE12", 22.0)] {
        api.add(WORKS, point(50.0, north), merged(json!({"code": code}), &pole));
    }
    let stored = corridor(&api, "ROAD", json!({"kind": "road", "class": "IV"}));
    let key = "corridor.road.clearance_m";
    let expect = [format!("MAST 14.0 {key}"), format!("POLE3 9.0 {key}"), format!("POLE8 9.0 {key}")];
    assert_eq!(conflicts(&api, &stored, ""), expect);
    let drawn = |shape: Json, properties: Json, query: &str| {
        said(&ask(&api, "POST", &format!("{CHECKS}{query}"), Some(&feature(shape, properties))))
    };
    let land = || rect(0.0, 0.0, 100.0, 10.0);
    assert_eq!(drawn(land(), json!({"kind": "road", "class": "iv"}), ""), expect, "as what is stored");
    assert_eq!(drawn(land(), json!({"kind": "road", "class": "IX"}), ""), [format!("POLE3 3.0 {key}")]);
    assert_eq!(drawn(land(), json!({"kind": "canal"}), ""), Vec::<String>::new());
    assert_eq!(drawn(land(), json!({}), ""), Vec::<String>::new(), "nobody says that it is a road");
    assert_eq!(drawn(land(), json!({"kind": "road", "clearance_m": 2.5}), ""), ["POLE3 2.5 corridor.clearance_m"]);
    let against = "?against=corridors";
    let work = |north: f64, properties: Json| drawn(point(50.0, north), properties, against);
    assert_eq!(work(22.0, json!({"kind": "mast"})), [format!("ROAD 14.0 {key}")]);
    assert_eq!(work(22.0, json!({"kind": "pole"})), Vec::<String>::new());
    assert_eq!(work(22.0, json!({})), [format!("ROAD 14.0 {key}")], "a work of an unknown kind: the widest");
    assert_eq!(work(22.0, json!({"kind": "road"})), [format!("ROAD 14.0 {key}")], "as a work, a road is unknown");
    let wrong = feature(land(), json!({"kind": "raod", "class": 3, "voltage_kv": 0}));
    assert_eq!(
        api.on_grid("", "POST", CHECKS, &wrong).problems(),
        ["/properties/kind: «raod» is not known here; known are, of corridors, road, railway, power_line, canal, \
          reservoir, pipeline, airport, urban, mining, defence, other, and, of works, bts, mast, rooftop_mast, \
          station_house, exchange, cabinet, pole, manhole, duct, aerial_cable, buried_cable, public_access_point"]
    );
    let wrong = json!({"type": "FeatureCollection", "features": [feature(land(), json!({"kind": "power_line", "voltage_kv": 0}))]});
    assert_eq!(
        api.on_grid("", "POST", CHECKS, &wrong).problems(),
        ["/features/0/properties/voltage_kv: is 0; a voltage is more than that"]
    );
}

#[test]
fn the_pack_says_how_accurate_a_position_is() {
    let api = Api::new();
    let road = corridor(&api, "ROAD", json!({"kind": "road", "clearance_m": 0}));
    let work = |code: &str, north: f64, more: Json| {
        let usual = json!({"code": code, "kind": "mast", "organisation": "viettel"});
        api.add(WORKS, point(50.0, north), merged(more, &usual));
    };
    work("RECORD", 40.0, json!({"capture_method": "record"}));
    work("GNSS", 14.0, json!({"capture_method": "gnss"}));
    work("STATED", 12.0, json!({"capture_method": "record", "position_accuracy_m": 2}));
    work("UNKNOWN", 25.0, json!({}));
    let says = |query: &str| {
        let answer = ask(&api, "GET", &format!("/api/corridors/{road}/conflicts{query}"), None);
        let text = |c: &Json| {
            let [code, from] = ["code", "position_accuracy_from"].map(|n| c[n].as_str().unwrap());
            format!(
                "{code} {} {from} {}",
                c["position_accuracy_m"],
                c["position_accuracy_rule"].as_str().unwrap_or("-")
            )
        };
        answer["results"][0]["conflicts"].as_array().unwrap().iter().map(text).collect::<Vec<_>>()
    };
    let by_default = ["STATED 2.0 recorded -", "GNSS 5.0 default -", "UNKNOWN 20.0 default -"];
    assert_eq!(says(""), by_default);
    load(
        &api,
        &pack(
            "1",
            &[
                "position_accuracy.record_m 31 | valid_to = 2020-12-31",
                "position_accuracy.record_m 3 | valid_from = 2021-01-01",
                "position_accuracy.unknown_m 16",
            ],
        ),
    );
    let ruled = ["STATED 2.0 recorded -", "GNSS 5.0 default -", "UNKNOWN 16.0 rule position_accuracy.unknown_m"];
    assert_eq!(says(""), ruled);
    let then = says("?at=2020-12-31T12:00:00Z");
    assert_eq!(then, [&ruled[..], &["RECORD 31.0 rule position_accuracy.record_m"]].concat());
    load(&api, &pack("2", &["corridor.road.clearance_m 1"]));
    assert_eq!(says(""), by_default, "what a pack does not say is configured");
}

#[test]
fn every_instance_hears_of_a_pack_and_everybody_reads_it() {
    let api = Api::new();
    let other = TestServer::start(&api.database);
    assert_eq!(other.get("", "/api/rules").json(), json!({"packs": []}));
    load(&api, VN);
    assert_eq!(
        api.sql(
            "SELECT string_agg(concat_ws(' ', layer, kind, id), ', ' ORDER BY ordinal) FROM changes WHERE revision = 2"
        ),
        Some("works rules, corridors rules, references rules".into())
    );
    assert_eq!(
        api.sql(
            "SELECT concat_ws(' ', actor, deed, layer, detail->>'what', detail->>'name', detail->>'version',
            length(detail->>'sha256'), detail->>'replaced_sha256') FROM audit_events WHERE revision = 2"
        ),
        Some("operator import rules VN 2027-01 64".into())
    );
    let all = other.get("", "/api/rules?jurisdiction=VN-72").json()["packs"][0].clone();
    let count = all["parameters"].as_array().unwrap().len();
    assert_eq!((&all["version"], &all["revision"], &all["day"]), (&json!("2027-01"), &json!(2), &Json::Null));
    assert_eq!(all["parameter_count"], count);
    let some = |query: &str| {
        let pack = other.get("", &format!("/api/rules{query}")).json()["packs"][0].clone();
        (pack["parameters"].as_array().unwrap().len(), pack["day"].as_str().map(str::to_owned))
    };
    assert_eq!(some("?key=corridor.road.clearance_m"), (16, None));
    assert_eq!(some("?key=corridor.road.clearance_m&at=2014-06-01T00:00:00Z"), (8, Some("2014-06-01".into())));
    assert_eq!(some("?key=corridor.road.clearance_m&at=2024-12-31T16:59:59Z"), (8, Some("2024-12-31".into())));
    assert_eq!(some("?key=corridor.road.clearance_m&at=2013-10-31T16:00:00Z"), (0, Some("2013-10-31".into())));
    assert_eq!(some("?key=nothing.of_the_sort"), (0, None));
    for (query, detail) in [
        ("?jurisdiction=VN-99", "parameter «jurisdiction»: «VN-99» is not registered"),
        ("?at=yesterday", "parameter «at»: «yesterday» is not a moment; write it as 2026-03-01T00:00:00Z"),
        ("?colour=red", "parameter «colour»: is not known here; known are jurisdiction, key, at"),
    ] {
        let refused = other.get("", &format!("/api/rules{query}"));
        assert_eq!((refused.status, &refused.json()["detail"]), (400, &json!(detail)));
    }
    assert_eq!(other.get("nobody", "/api/rules").status, 401);
    // What stood near before the pack came is found by it in every instance, and no more once it is replaced.
    let road = corridor(&api, "ROAD", json!({"kind": "road", "class": "I"}));
    api.work("W16", point(50.0, 26.0));
    let found = |server: &TestServer| {
        let at = format!("VN-72={}", api.sql("SELECT revision FROM revisions").unwrap());
        let bearer = format!("Bearer {}", crate::support::token("officer"));
        let headers = [("Min-Revision", &*at), ("Authorization", &*bearer)];
        let answer = server.send("GET", &format!("/api/corridors/{road}/conflicts"), &headers, None).json();
        answer["results"][0]["conflict_count"].as_u64().unwrap()
    };
    assert_eq!((found(&api.server), found(&other)), (1, 1));
    load(&api, &pack("1", &["corridor.road.clearance_m 15"]));
    assert_eq!((found(&api.server), found(&other)), (0, 0));
    load(&api, &pack("2", &["corridor.road.clearance_m 1000"]));
    api.work("W900", point(50.0, 900.0));
    assert_eq!((found(&api.server), found(&other)), (2, 2));
}

#[test]
fn only_who_answers_for_it_loads_rules_and_a_version_says_one_thing() {
    let api = Api::new();
    let as_role = |role: Role, text: &str, codes: &[&str]| {
        let actor = Actor { name: "x".into(), organisation: Some("o".into()), roles: vec![role], jurisdictions: None };
        load_as(&api, &actor, codes, text)
    };
    let (first, changed) = (pack("1", &["corridor.road.clearance_m 5"]), pack("1", &["corridor.road.clearance_m 50"]));
    for role in [Role::Carrier, Role::Planner, Role::Approver, Role::ProjectOwner, Role::Auditor, Role::Inspector] {
        let refused = as_role(role, &first, &["VN-72"]).unwrap_err();
        assert_eq!(refused, Error::Forbidden("your roles do not let you load rules in VN-72".into()));
    }
    let revision = || api.sql("SELECT max(revision) FROM revisions");
    let done = |code: &str, revision| Imported { jurisdiction: code.into(), revision };
    assert_eq!(as_role(Role::Officer, &first, &["VN-72"]).unwrap(), [done("VN-72", Some(2))]);
    assert_eq!(as_role(Role::Officer, &first, &["VN-72"]).unwrap(), [done("VN-72", None)]);
    let Err(Error::Invalid(problems)) = as_role(Role::Administrator, &changed, &["VN-72"]) else { panic!() };
    assert_eq!(
        problems[0].detail,
        "T 1 was loaded in VN-72 with another content; give the changed file a version of its own"
    );
    // In all of them or in none.
    let other = JurisdictionDraft { code: "VN-35".into(), ..vn72_draft() };
    let operator = Actor::operator();
    let witness = Witness::new(&operator, "test");
    jurisdiction::register(&api.database.context(), witness, other).unwrap();
    assert!(as_role(Role::Officer, &changed, &["VN-35", "VN-72"]).is_err());
    assert!(as_role(Role::Officer, &first, &["VN-35", "VN-99"]).is_err());
    assert_eq!(api.sql("SELECT count(*) FROM rule_packs"), Some("1".into()));
    assert_eq!(revision(), Some("2".into()));
    let both = as_role(Role::Officer, &first, &["VN-72", "VN-35"]).unwrap();
    assert_eq!(both, [done("VN-35", Some(2)), done("VN-72", None)]);
    assert_eq!(api.sql("SELECT count(*) FROM rule_parameters"), Some("2".into()));
}

#[test]
fn a_rule_shows_nothing_that_is_hidden() {
    let api = Api::new();
    load(&api, VN);
    let road = corridor(&api, "ROAD", json!({"kind": "road", "class": "III"}));
    let hidden = json!({"code": "SECRET", "visibility": "restricted", "kind": "mast", "organisation": "army"});
    api.add(WORKS, point(50.0, 20.0), hidden);
    assert_eq!(conflicts(&api, &road, ""), ["SECRET 13.0 corridor.road.clearance_m"]);
    let answer = api.server.get("", &format!("/api/corridors/{road}/conflicts")).json();
    assert_eq!(answer["results"][0]["conflict_count"], 0, "{answer}");
    let away = json!({"code": "HIDDEN", "kind": "road", "class": "I", "status": "in_force", "organisation": "army",
        "visibility": "restricted"});
    api.add(CORRIDORS, rect(0.0, 500.0, 100.0, 510.0), away);
    let drawn = feature(point(50.0, 515.0), json!({"kind": "mast"}));
    let answer = api.on_grid("", "POST", &format!("{CHECKS}?against=corridors"), &drawn).json();
    assert_eq!(answer["results"][0]["conflict_count"], 0, "{answer}");
}
