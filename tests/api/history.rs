//! What was known then: features and checks as of a moment, and the history of a feature; against what was answered at that
//! moment, and against SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use clearway::actions::import::{ImportOptions, OnError, Row, import};
use clearway::actions::{Witness, coverage, jurisdiction, rules};
use clearway::domain::actor::Actor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::fields::{Fields, Value};
use clearway::domain::jurisdiction::JurisdictionDraft;
use clearway::domain::layer::Layer;
use clearway::domain::place::Delivered;
use clearway::domain::work::Work;
use clearway::formats::rules as file;
use clearway::geometry::encoding::geojson;
use clearway::geometry::{Epsg, Geometry};
use geo::MapCoordsInPlace;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::help::{
    Api, CHECKS, CORRIDORS, GRID, ORIGIN, REFERENCES, WORKS, feature, mast, merged, point, rect, road, school,
};
use crate::support::{Response, Strict, TestServer, token, vn72_draft};

/// The day of which everything is asked: what is known of it changes, the day does not.
const AT: &str = "at=2026-06-01T00:00:00Z";

/// The same numbers each time.
struct Dice(u64);

impl Dice {
    fn draw(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn metres(&mut self) -> f64 {
        f64::from(u32::try_from(self.draw(100)).unwrap())
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.draw(of.len())]
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Imports works, in another instance than the one asked.
fn import_works(api: &Api, dice: &mut Dice, codes: &[String]) {
    let actor = Actor::operator();
    let options = ImportOptions {
        jurisdiction: Some("VN-72".into()),
        organisation: None,
        on_error: OnError::Stop,
        outside_skips: false,
        dry_run: false,
    };
    let mut rows = codes.iter().zip(1_i64..).map(|(code, number)| {
        let at = geo_types::Point::new(ORIGIN[0] + dice.metres(), ORIGIN[1] + dice.metres());
        let fields = vec![
            ("code".to_owned(), text(code)),
            ("kind".to_owned(), text("mast")),
            ("organisation".to_owned(), text("vnpt")),
            ("position_accuracy_m".to_owned(), Value::Number(1.0)),
            ("visibility".to_owned(), text(dice.pick::<&str>(&["public", "carriers", "restricted"]))),
        ];
        Row {
            number,
            place: format!("row {number}"),
            shape_at: "/geometry",
            filled: Vec::new(),
            content: Ok((Fields(fields), Ok(Delivered { shape: Geometry::Point(at), crs: Epsg(9218) }))),
        }
    });
    let report =
        import::<Work>(&api.database.context(), Witness::new(&actor, "test"), &options, &mut rows, &mut Strict)
            .unwrap();
    assert!(report.stored, "{report:?}");
}

fn load_rules(api: &Api, version: usize, clearance: f64) {
    let text = format!(
        "name = \"T\"\nversion = \"{version}\"\n[[parameter]]\nkey = \"corridor.road.clearance_m\"\nvalue = {clearance:.1}\n\
         unit = \"m\"\nconfidence = \"default\"\n"
    );
    let pack = file::read(text.as_bytes()).unwrap();
    let mut digest = String::new();
    for byte in Sha256::digest(&text) {
        write!(digest, "{byte:02x}").unwrap();
    }
    let actor = Actor::operator();
    let witness = Witness::new(&actor, "test");
    rules::import(&api.database.context(), witness, &["VN-72".to_owned()], &pack, &digest).unwrap();
}

fn declare(api: &Api, wide: f64) -> Uuid {
    let shape = json!({"type": "Polygon", "coordinates": [[
        [107.6, 11.9], [107.6 + wide, 11.9], [107.6 + wide, 12.1], [107.6, 12.1], [107.6, 11.9]]]});
    let boundary = geojson::geometry(&shape, 1_000).unwrap();
    let as_of = Some("2026-03-01".parse().unwrap());
    let draft = CoverageDraft { layer: Layer::Works, kind: None, source: "survey".into(), as_of, boundary };
    let actor = Actor::operator();
    coverage::declare(&api.database.context(), Witness::new(&actor, "test"), "VN-72", draft).unwrap().id
}

fn withdraw(api: &Api, id: Uuid) {
    let actor = Actor::operator();
    coverage::withdraw(&api.database.context(), Witness::new(&actor, "test"), "VN-72", id).unwrap();
}

pub fn revision(api: &Api) -> i64 {
    api.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'").unwrap().parse().unwrap()
}

const MOMENT: &str = "to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";

/// When a revision was recorded.
pub fn moment(api: &Api, revision: i64) -> String {
    let of = format!("SELECT {MOMENT} FROM audit_events WHERE jurisdiction = 'VN-72' AND revision = {revision}");
    api.sql(&of).unwrap()
}

/// What there is to ask at any time: (role, method, path, body, as a map).
type Question = (&'static str, &'static str, String, Option<Json>, bool);

/// Every question there is, of some of the features: drawn land and works, by the rules and by a clearance, stored features, and features themselves.
fn questions(dice: &mut Dice, ids: &[(&'static str, String)]) -> Vec<Question> {
    let mut all: Vec<Question> = Vec::new();
    let some: Vec<_> = (0..4).map(|_| dice.pick(ids)).collect();
    for role in ["officer", "carrier", ""] {
        let area = rect(20.0, 20.0, 70.0, 60.0);
        let drawn = json!({"type": "Feature", "geometry": area, "properties": {"kind": "road"}});
        for query in ["clearance_m=10", "against=works", "against=works,corridors&measures=false"] {
            all.push((role, "POST", format!("{CHECKS}?{query}&{AT}"), Some(drawn.clone()), false));
        }
        all.push((role, "POST", format!("{CHECKS}?against=corridors&{AT}"), Some(point(50.0, 50.0)), false));
        all.push((role, "POST", format!("{CHECKS}?clearance_m=10&{AT}"), Some(drawn.clone()), true));
        for (layer, id) in &some {
            if *layer != "references" {
                all.push((role, "GET", format!("/api/{layer}/{id}/conflicts?{AT}"), None, false));
            }
            all.push((role, "GET", format!("/ogc/collections/{layer}/items/{id}?f=json"), None, false));
        }
    }
    all
}

fn ask(server: &TestServer, question: &Question, as_of: Option<&str>, at_least: i64) -> Response {
    let (role, method, path, body, as_map) = question;
    let path = as_of.map_or_else(|| path.clone(), |moment| format!("{path}&as-of={moment}"));
    let at_least = format!("VN-72={at_least}");
    let bearer = format!("Bearer {}", token(role));
    let mut headers =
        vec![("Content-Type", "application/geo+json"), ("Content-Crs", GRID), ("Min-Revision", &*at_least)];
    if !role.is_empty() {
        headers.push(("Authorization", &*bearer));
    }
    if *as_map {
        headers.push(("Accept", "application/geo+json"));
    }
    let text = body.as_ref().map(ToString::to_string);
    server.send(method, &path, &headers, text.as_ref().map(String::as_bytes))
}

/// An answer without what only an answer about the past has.
fn bare(answer: &Response, moment: Option<&str>) -> Json {
    if answer.status != 200 {
        return json!(answer.status);
    }
    let mut json = answer.json();
    let object = json.as_object_mut().unwrap();
    object.remove("as_of");
    // It has the address of the server, and of the moment.
    object.remove("links");
    if let Some(Json::Object(properties)) = object.get_mut("properties") {
        let from = properties.remove("recorded_from");
        properties.remove("recorded_to");
        if moment.is_some() {
            assert_eq!(from.as_ref(), Some(&properties["recorded_at"]));
        }
    }
    json
}

/// The features that an answer names.
fn named(answer: &Json) -> BTreeSet<String> {
    let id = |c: &Json| c["id"].as_str().unwrap().to_owned();
    let conflicts = answer.pointer("/results/0/conflicts").or_else(|| answer.get("features"));
    conflicts.and_then(Json::as_array).map(|all| all.iter().map(id).collect()).unwrap_or_default()
}

/// One write of any kind.
fn one_write(api: &Api, dice: &mut Dice, n: usize, ids: &mut Vec<(&'static str, String)>, areas: &mut Vec<Uuid>) {
    let visibility = *dice.pick(&["public", "public", "carriers", "government", "restricted"]);
    let there = |api: &Api, dice: &mut Dice, table: &str| {
        let all = api.sql(&format!("SELECT string_agg(id::text, ' ' ORDER BY id) FROM {table}"))?;
        let all: Vec<&str> = all.split(' ').collect();
        Some((*dice.pick(&all)).to_owned())
    };
    let (east, north) = (dice.metres(), dice.metres());
    // Every kind first, and once more the other way round.
    let kind = if n < 22 { n.min(21 - n) } else { dice.draw(11) };
    match kind {
        0 | 1 => {
            let props =
                merged(json!({"code": format!("W{n}"), "position_accuracy_m": 2, "visibility": visibility}), &mast());
            ids.push(("works", api.add(WORKS, point(east, north), props)));
        }
        2 => {
            let own = if dice.draw(2) == 0 { json!(null) } else { json!(5) };
            let props = merged(json!({"code": format!("C{n}"), "visibility": visibility, "clearance_m": own}), &road());
            ids.push(("corridors", api.add(CORRIDORS, rect(east, north, east + 30.0, north + 20.0), props)));
        }
        3..=5 => {
            let (layer, items) = *dice.pick(&[
                ("works", WORKS),
                ("works", WORKS),
                ("corridors", CORRIDORS),
                ("reference_features", REFERENCES),
            ]);
            let Some(id) = there(api, dice, layer) else { return };
            let shape = if layer == "works" { point(east, north) } else { rect(east, north, east + 9.0, north + 9.0) };
            let patch = match dice.draw(3) {
                0 => json!({"properties": {"visibility": visibility}}),
                1 => json!({"geometry": shape}),
                _ => json!({"properties": {"organisation": *dice.pick(&["viettel", "vnpt"])}}),
            };
            let done = api.on_grid("officer", "PATCH", &format!("{items}/{id}"), &patch);
            assert_eq!(done.status, 200, "{}", done.text);
        }
        6 => {
            let (layer, items) =
                *dice.pick(&[("works", WORKS), ("corridors", CORRIDORS), ("reference_features", REFERENCES)]);
            let Some(id) = there(api, dice, layer) else { return };
            assert_eq!(api.send("officer", "DELETE", &format!("{items}/{id}"), &[], None).status, 204);
        }
        7 => {
            let codes: Vec<String> = (0..4).map(|k| format!("I{}", (n + k) % 9)).collect();
            import_works(api, dice, &codes);
        }
        8 => load_rules(api, n, dice.metres() / 4.0),
        9 => {
            let said = json!({"code": format!("R{n}"), "visibility": visibility, "licence": "ODbL", "quota": n});
            let area = rect(east, north, east + 30.0, north + 20.0);
            ids.push(("references", api.add(REFERENCES, area, merged(said, &school()))));
        }
        _ => match areas.pop() {
            Some(area) if !n.is_multiple_of(2) => withdraw(api, area),
            kept => {
                areas.extend(kept);
                let wide = *dice.pick(&[0.0907, 0.2]);
                areas.push(declare(api, wide));
            }
        },
    }
}

#[test]
fn what_was_known_then_is_what_was_answered_then() {
    let api = Api::new();
    let mut dice = Dice(72);
    let (mut ids, mut areas) = (Vec::new(), Vec::new());
    for n in 0..4 {
        let visibility = ["public", "carriers", "restricted", "public"][n];
        let props =
            merged(json!({"code": format!("F{n}"), "position_accuracy_m": 2, "visibility": visibility}), &mast());
        ids.push(("works", api.add(WORKS, point(dice.metres(), dice.metres()), props)));
    }
    ids.push(("corridors", api.road("FC", rect(10.0, 10.0, 60.0, 50.0))));
    ids.push(("references", api.school("FR", rect(10.0, 10.0, 60.0, 50.0))));
    let mut answered: BTreeMap<i64, Vec<(Question, Response)>> = BTreeMap::new();
    for n in 0..28 {
        one_write(&api, &mut dice, n, &mut ids, &mut areas);
        let now = revision(&api);
        let ask = |q: Question| {
            let answer = ask(&api.server, &q, None, now);
            (q, answer)
        };
        answered.insert(now, questions(&mut dice, &ids).into_iter().map(ask).collect());
        if n == 13 {
            // What was asked before stays as it was asked, and what is kept of it is not stale.
            compare(&api, &api.server, &answered);
        }
    }
    for (layer, id) in &ids[..6] {
        let hide = json!({"properties": {"visibility": dice.pick(&["government", "restricted"])}});
        let done = api.server.call("officer", "PATCH", &format!("/ogc/collections/{layer}/items/{id}"), Some(&hide));
        assert!([200, 404].contains(&done.status), "{}", done.text);
    }
    for table in ["works", "corridors", "reference_features", "coverage_areas", "rule_packs", "rule_parameters"] {
        let ended = api.sql(&format!("SELECT count(*) FROM {table}_history")).unwrap();
        assert_ne!(ended, "0", "{table}: nothing to tell apart");
    }
    let compared = compare(&api, &api.server, &answered);
    let other = TestServer::start(&api.database);
    assert_eq!(compare(&api, &other, &answered), compared, "an instance that never heard of it");
    eprintln!("as of: {compared:?}");
    assert!(compared.answers > 900 && compared.conflicts > 500 && compared.hidden > 50, "{compared:?}");
}

/// How much was compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Compared {
    answers: usize,
    conflicts: usize,
    /// Features that were answered then and are hidden now.
    hidden: usize,
}

/// What the newest, or last, versions let a role see, by SQL.
fn seen_now(api: &Api, role: &str) -> BTreeSet<String> {
    let (words, owner) = match role {
        "officer" => ("'public','carriers','government','restricted'", "office"),
        "carrier" => ("'public','carriers'", "viettel"),
        _ => ("'public'", ""),
    };
    let newest = |table: &str| {
        format!(
            "SELECT id, visibility, organisation FROM {table} UNION ALL
             (SELECT DISTINCT ON (id) id, visibility, organisation FROM {table}_history
              WHERE id NOT IN (SELECT id FROM {table}) ORDER BY id, version DESC)"
        )
    };
    let all = api.sql(&format!(
        "SELECT string_agg(id::text, ' ') FROM ({} UNION ALL {} UNION ALL {}) AS n WHERE visibility IN ({words}) OR organisation = '{owner}'",
        newest("works"),
        newest("corridors"),
        newest("reference_features")
    ));
    all.unwrap_or_default().split(' ').map(str::to_owned).collect()
}

/// Asks everything that was answered again, as of then.
fn compare(api: &Api, server: &TestServer, answered: &BTreeMap<i64, Vec<(Question, Response)>>) -> Compared {
    let last = revision(api);
    let seen: BTreeMap<&str, BTreeSet<String>> =
        ["officer", "carrier", ""].into_iter().map(|role| (role, seen_now(api, role))).collect();
    let mut compared = Compared::default();
    for (revision, all) in answered {
        let moment = moment(api, *revision);
        for (question, then) in all {
            let now = ask(server, question, Some(&moment), last);
            let what = format!("revision {revision}: {question:?}: {}", now.text);
            let (role, subject) = (question.0, question.2.split(['/', '?']).find(|part| part.len() == 36));
            let (then, now) = (bare(then, None), bare(&now, Some(&moment)));
            compared.answers += 1;
            if subject.is_some_and(|id| !seen[role].contains(id)) {
                assert_eq!(now, json!(404), "{what}");
                compared.hidden += usize::from(then != json!(404));
                continue;
            }
            let names = named(&then);
            let expect: BTreeSet<String> = names.intersection(&seen[role]).cloned().collect();
            assert_eq!(named(&now), expect, "{what}");
            compared.conflicts += expect.len();
            compared.hidden += names.len() - expect.len();
            if role == "officer" {
                assert_eq!(now, then, "{what}");
            }
            if question.2.starts_with(CHECKS) && question.2.contains("clearance_m=10") && !question.4 {
                assert_eq!(json!(counted(api, *revision, &seen[role], role)), now["checked"][0]["features"], "{what}");
                if role == "officer" {
                    assert_eq!(near(api, *revision), named(&now), "by SQL: {what}");
                }
            }
        }
    }
    compared
}

/// A table as it was at a revision.
fn then(table: &str, revision: i64) -> String {
    let columns = "id, visibility, organisation, geom_grid, position_accuracy_m, status";
    format!(
        "(SELECT {columns} FROM {table} WHERE revision <= {revision} UNION ALL
          SELECT {columns} FROM {table}_history WHERE revision <= {revision} AND ended_revision > {revision}) AS was"
    )
}

/// The works that a role saw at a revision and sees now.
fn counted(api: &Api, revision: i64, seen: &BTreeSet<String>, role: &str) -> usize {
    let (words, owner) = match role {
        "officer" => ("'public','carriers','government','restricted'", "office"),
        "carrier" => ("'public','carriers'", "viettel"),
        _ => ("'public'", ""),
    };
    let all = api.sql(&format!(
        "SELECT string_agg(id::text, ' ') FROM {} WHERE visibility IN ({words}) OR organisation = '{owner}'",
        then("works", revision)
    ));
    all.unwrap_or_default().split(' ').filter(|id| seen.contains(*id)).count()
}

/// The works near the drawn area at a revision, by PostGIS.
fn near(api: &Api, revision: i64) -> BTreeSet<String> {
    let (x, y) = (ORIGIN[0], ORIGIN[1]);
    let area = format!("ST_MakeEnvelope({}, {}, {}, {}, 9218)", x + 20.0, y + 20.0, x + 70.0, y + 60.0);
    let all = api.sql(&format!(
        "SELECT string_agg(id::text, ' ') FROM {} WHERE ST_DWithin(geom_grid, {area}, 10 + position_accuracy_m)",
        then("works", revision)
    ));
    all.unwrap_or_default().split(' ').filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// A work whose versions were public, restricted, public and then deleted; with the moments of each.
fn hidden_once() -> (Api, String, Vec<String>) {
    let api = Api::new();
    let id = api.work("A-1", point(5.0, 5.0));
    for (n, visibility) in ["restricted", "public"].into_iter().enumerate() {
        let patch = json!({"properties": {"visibility": visibility, "name": format!("n{n}")}});
        let path = format!("{WORKS}/{id}");
        let json = ("Content-Type", "application/json");
        assert_eq!(api.send("officer", "PATCH", &path, &[json, ("Reason", "by letter")], Some(&patch)).status, 200);
    }
    let moments = (2..=4).map(|r| moment(&api, r)).collect();
    (api, id, moments)
}

#[test]
fn whatever_is_hidden_now_or_was_hidden_then_is_not_there() {
    let (api, id, moments) = hidden_once();
    let path = format!("{WORKS}/{id}");
    let statuses = |role: &str| -> Vec<u16> {
        moments.iter().map(|m| api.server.get(role, &format!("{path}?as-of={m}")).status).collect()
    };
    let listed = |role: &str| -> Vec<i64> {
        let history = api.server.get(role, &format!("/api/works/{id}/history")).json();
        history["versions"].as_array().unwrap().iter().map(|v| v["version"].as_i64().unwrap()).collect()
    };
    let found = |role: &str, moment: &str| {
        let check = api.on_grid(role, "POST", &format!("{CHECKS}?as-of={moment}"), &point(5.0, 5.0)).json();
        let notice = check["results"][0]["not_checked"].to_string().contains("features_not_seen");
        let stored = api.server.get(role, &format!("/api/works/{id}/conflicts?as-of={moment}")).status;
        (check["results"][0]["conflict_count"].as_i64().unwrap(), notice, stored)
    };
    assert_eq!(statuses(""), [200, 404, 200]);
    assert_eq!(statuses("carrier"), [200, 200, 200], "its own");
    assert_eq!((listed(""), listed("officer")), (vec![3, 1], vec![3, 2, 1]));
    assert_eq!((found("", &moments[0]), found("", &moments[1])), ((1, false, 200), (0, true, 404)));
    let hide = json!({"properties": {"visibility": "government"}});
    assert_eq!(api.server.call("officer", "PATCH", &path, Some(&hide)).status, 200);
    assert_eq!((statuses(""), statuses("other-carrier")), (vec![404; 3], vec![404; 3]), "hidden now, hidden then");
    assert_eq!((statuses("consultee"), statuses("officer")), (vec![200, 404, 200], vec![200; 3]));
    assert_eq!(api.server.get("", &format!("/api/works/{id}/history")).status, 404);
    assert_eq!(found("", &moments[0]), (0, true, 404), "and it is said as it is said now");
    assert_eq!((found("consultee", &moments[0]), found("consultee", &moments[1])), ((1, false, 200), (0, true, 404)));
    let map = |role: &str| {
        let headers = [("Accept", "application/geo+json"), ("Content-Type", "application/json"), ("Content-Crs", GRID)];
        let path = format!("{CHECKS}?as-of={}", moments[2]);
        api.send(role, "POST", &path, &headers, Some(&point(5.0, 5.0))).json()["features"].clone()
    };
    assert_eq!((map("").as_array().unwrap().len(), &map("officer")[0]["properties"]["name"]), (0, &json!("n1")));
    assert_eq!(api.send("officer", "DELETE", &path, &[], None).status, 204);
    assert_eq!((statuses(""), statuses("officer")), (vec![404; 3], vec![200; 3]), "by its last version");
    assert_eq!(found("", &moments[0]), (0, true, 404));
    let gone = moment(&api, revision(&api));
    assert_eq!(api.server.get("officer", &format!("{path}?as-of={gone}")).status, 404);
    assert_eq!((listed("officer"), listed("consultee")), (vec![4, 3, 2, 1], vec![4, 3, 1]));
}

#[test]
fn who_wrote_is_told_to_whose_duty_it_is() {
    let (api, id, moments) = hidden_once();
    let path = format!("{WORKS}/{id}");
    let json = ("Content-Type", "application/json");
    let patch = json!({"properties": {"name": "own"}});
    assert_eq!(api.send("carrier", "PATCH", &path, &[json, ("Reason", "moved")], Some(&patch)).status, 200);
    assert_eq!(api.send("officer", "DELETE", &path, &[], None).status, 204);
    let history = |role: &str, query: &str| api.server.get(role, &format!("/api/works/{id}/history{query}")).json();
    for (role, office, own) in [
        ("officer", true, true),
        ("auditor", true, true),
        ("administrator", true, true),
        ("carrier", false, true),
        ("other-carrier", false, false),
        ("officer-elsewhere", true, false),
        ("planner", true, false),
        ("consultee", false, false),
        ("", false, false),
    ] {
        let all = history(role, "");
        let by =
            |v: &Json| [v["actor"].clone(), v["organisation"].clone(), v["on_behalf_of"].clone(), v["reason"].clone()];
        let nobody = [Json::Null, Json::Null, Json::Null, Json::Null];
        let versions = all["versions"].as_array().unwrap();
        let carrier = [json!("carrier"), json!("viettel"), Json::Null, json!("moved")];
        assert_eq!(by(&versions[0]), if own { carrier } else { nobody.clone() }, "{role}");
        let officer = [json!("officer"), json!("office"), json!("viettel"), json!("by letter")];
        assert_eq!(by(&versions[1]), if office { officer } else { nobody.clone() }, "{role}");
        let gone = [json!("officer"), json!("office"), json!("viettel"), Json::Null];
        assert_eq!(by(&all["deleted"]), if office { gone } else { nobody }, "{role}");
        assert_eq!((&all["deleted"]["deed"], &all["deleted"]["revision"]), (&json!("delete"), &json!(6)), "{role}");
    }
    let all = history("officer", "");
    let versions = all["versions"].as_array().unwrap();
    let deeds: Vec<&str> = versions.iter().map(|v| v["deed"].as_str().unwrap()).collect();
    assert_eq!(deeds, ["replace", "replace", "replace", "create"]);
    for (n, version) in versions.iter().rev().enumerate() {
        let number = n + 1;
        let digest =
            format!("SELECT encode(version_digest(h), 'hex') FROM works_history AS h WHERE version = {number}");
        assert_eq!(version["digest"].as_str().map(str::to_owned), api.sql(&digest));
        let event = format!(
            "SELECT encode(sha256(version_digest(h)), 'hex') = encode(e.after, 'hex') FROM works_history AS h
             JOIN audit_events AS e USING (jurisdiction, revision) WHERE version = {number}"
        );
        assert_eq!(api.sql(&event), Some("true".into()), "the event sums it up");
        assert_eq!((&version["version"], &version["revision"]), (&json!(number), &json!(number + 1)));
        let to = versions.iter().rev().nth(n + 1).map_or(&all["deleted"]["recorded_at"], |next| &next["recorded_from"]);
        assert_eq!(&version["recorded_to"], to);
        let link = version["links"][0]["href"].as_str().unwrap().strip_prefix(&api.server.base).unwrap();
        let then = api.server.get("officer", link).json();
        assert_eq!(then["properties"]["version"], json!(number));
        assert_eq!(
            (&then["properties"]["recorded_from"], &then["properties"]["recorded_to"]),
            (&version["recorded_from"], &version["recorded_to"])
        );
    }
    assert_eq!(
        moments[0].parse::<jiff::Timestamp>().unwrap().to_string(),
        versions[3]["recorded_from"].as_str().unwrap()
    );
    let mut pages = Vec::new();
    let mut next = Some(format!("/api/works/{id}/history?limit=1"));
    while let Some(path) = next {
        let page = api.server.get("", &path).json();
        pages.extend(page["versions"].as_array().unwrap().iter().map(|v| v["version"].as_i64().unwrap()));
        let link = page["links"].as_array().unwrap().iter().find(|l| l["rel"] == "next").cloned();
        next = link.map(|l| l["href"].as_str().unwrap().strip_prefix(&api.server.base).unwrap().to_owned());
    }
    assert_eq!(pages, [4, 3, 1], "what is hidden leaves no empty page");
}

#[test]
fn a_moment_that_nobody_can_answer_for_is_refused() {
    let api = Api::new();
    let id = api.work("A-1", point(5.0, 5.0));
    let other = Uuid::now_v7();
    let future = "2999-01-01T00:00:00Z";
    let item = format!("{WORKS}/{id}");
    let conflicts = format!("/api/works/{id}/conflicts");
    for (wrong, why) in [(future, "future"), ("yesterday", "moment"), ("5", "moment")] {
        for path in [&item, &conflicts, &format!("{WORKS}/{other}")] {
            let answer = api.server.get("officer", &format!("{path}?as-of={wrong}"));
            assert_eq!(answer.status, 400, "{path} {}", answer.text);
            assert!(answer.text.contains("as-of") && answer.text.contains(why), "{}", answer.text);
        }
        let drawn = api.on_grid("officer", "POST", &format!("{CHECKS}?as-of={wrong}"), &point(5.0, 5.0));
        assert_eq!(drawn.status, 400, "{}", drawn.text);
        let lines = [("Content-Type", "application/x-ndjson")];
        let batch =
            api.send("officer", "POST", &format!("{CHECKS}/batch?as-of={wrong}"), &lines, Some(&point(5.0, 5.0)));
        assert_eq!(batch.status, 400, "{}", batch.text);
    }
    for wrong in ["before=0", "before=+1", "before=x", "limit=0", "after=1"] {
        assert_eq!(api.server.get("officer", &format!("/api/works/{id}/history?{wrong}")).status, 400, "{wrong}");
    }
    for path in [format!("/api/works/{other}/history"), format!("/api/corridors/{id}/history")] {
        assert_eq!(api.server.get("officer", &path).status, 404, "{path}");
    }
    // Before anything was registered there is nothing, and nobody looks after any ground.
    let before = "2020-01-01T00:00:00Z";
    assert_eq!(api.server.get("officer", &format!("{item}?as-of={before}")).status, 404);
    let drawn = api.on_grid("officer", "POST", &format!("{CHECKS}?as-of={before}"), &point(5.0, 5.0)).json();
    assert_eq!((&drawn["revision"], &drawn["as_of"]), (&json!({}), &json!(before)));
    assert_eq!(drawn["results"][0]["not_checked"]["reason"], "outside_every_jurisdiction");
    // Where versions were not kept yet, nobody can tell.
    let unkept = "ALTER TABLE audit_events DISABLE TRIGGER audit_events_stay;
        UPDATE audit_events SET hash = NULL, previous = NULL WHERE revision = 2";
    crate::support::run_sql(&api.database.url, unkept);
    let at = moment(&api, 1);
    for path in [item.clone(), conflicts] {
        let answer = api.server.get("officer", &format!("{path}?as-of={at}"));
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.text.contains("VN-72"), "{}", answer.text);
    }
    assert_eq!(api.server.get("officer", &format!("{item}?as-of={}", moment(&api, 2))).status, 200);
}

#[test]
fn a_line_of_a_batch_is_answered_as_of_then_too() {
    let api = Api::new();
    let id = api.work("A-1", point(5.0, 5.0));
    let then = moment(&api, 2);
    assert_eq!(api.send("officer", "DELETE", &format!("{WORKS}/{id}"), &[], None).status, 204);
    let lines = [("Content-Type", "application/x-ndjson"), ("Content-Crs", GRID)];
    let ask = |query: &str| {
        let answer = api.send("officer", "POST", &format!("{CHECKS}/batch?{query}"), &lines, Some(&point(5.0, 5.0)));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let (past, now) = (ask(&format!("as-of={then}")), ask("measures=true"));
    assert_eq!((&past["results"][0]["conflict_count"], &past["revision"]["VN-72"]), (&json!(1), &json!(2)));
    assert_eq!(past["as_of"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap(), then.parse().unwrap());
    assert_eq!((&now["results"][0]["conflict_count"], now.get("as_of")), (&json!(0), None));
}

#[test]
fn a_jurisdiction_counts_from_its_registration_on_and_what_reached_over_the_border_then() {
    let api = Api::new();
    let first = moment(&api, 1);
    let mut draft: JurisdictionDraft = vn72_draft();
    // Two degrees further east; the grid of VN-72 is still good enough there.
    draft.boundary.map_coords_in_place(|c| geo_types::Coord { x: c.x + 2.0, y: c.y });
    draft.code = "VN-99".into();
    let actor = Actor::operator();
    jurisdiction::register(&api.database.context(), Witness::new(&actor, "test"), draft).unwrap();
    // A line that begins in VN-72 and reaches far beyond, to where the other answers.
    let line = json!({"type": "LineString", "coordinates": [[107.6907, 12.0042], [109.69, 12.0042]]});
    let props = merged(json!({"code": "LONG", "kind": "buried_cable", "jurisdiction": "VN-72"}), &mast());
    let made = api.server.call("officer", "POST", WORKS, Some(&feature(line, props)));
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let long = moment(&api, revision(&api));
    assert_eq!(api.send("officer", "DELETE", &format!("{WORKS}/{id}"), &[], None).status, 204);
    let far = json!({"type": "Point", "coordinates": [109.6897, 12.0042]});
    let ask = |server: &TestServer, moment: &str| {
        let headers = [
            ("Content-Type", "application/geo+json"),
            ("Min-Revision", "VN-99=1"),
            ("Authorization", &*format!("Bearer {}", token("officer"))),
        ];
        let path = format!("{CHECKS}?clearance_m=100&as-of={moment}");
        let answer = server.send("POST", &path, &headers, Some(far.to_string().as_bytes()));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    // A fresh instance never knew how far it reached.
    for server in [&api.server, &TestServer::start(&api.database)] {
        let then = ask(server, &long);
        assert_eq!(then["results"][0]["conflict_count"], 1, "{then}");
        assert_eq!(then["revision"], json!({"VN-72": 2, "VN-99": 1}));
        let before = ask(server, &first);
        assert_eq!(before["revision"], json!({}), "{before}");
        assert_eq!(before["results"][0]["not_checked"]["reason"], "outside_every_jurisdiction");
        let now = ask(server, &moment(&api, revision(&api)));
        assert_eq!((&now["results"][0]["conflict_count"], &now["revision"]), (&json!(0), &json!({"VN-99": 1})));
    }
}
