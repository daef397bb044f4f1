//! The calendar of a jurisdiction: shown to everybody, and as it was at each revision.

use clearway::actions::{Witness, calendar, rules};
use clearway::domain::actor::{Actor, Role};
use clearway::error::Error;
use clearway::formats::calendar::read;
use clearway::store;
use serde_json::json;

use crate::help::Api;

const VN: &str = include_str!("../../fixtures/calendar/VN.toml");

/// Sets a calendar in another instance than the one asked.
fn set_as(api: &Api, actor: &Actor, text: &str, digest: &str) -> Result<Vec<rules::Imported>, Error> {
    let calendar = read(text.as_bytes()).unwrap();
    calendar::set(&api.database.context(), Witness::new(actor, "test"), &["VN-72".into()], &calendar, digest)
}

#[test]
fn everybody_reads_when_an_office_works() {
    let api = Api::new();
    let get = |query: &str| api.server.get("", &format!("/api/calendar{query}"));
    assert_eq!(get("?jurisdiction=VN-72").json(), json!({"calendars": []}));
    set_as(&api, &Actor::operator(), VN, &"ab".repeat(32)).unwrap();
    assert_eq!(get("").json(), get("?jurisdiction=VN-72").json());
    let all = get("").json()["calendars"][0].clone();
    assert_eq!((&all["name"], &all["version"], &all["revision"]), (&json!("VN"), &json!("2026-11"), &json!(2)));
    assert_eq!((&all["first_year"], &all["last_year"]), (&json!(2024), &json!(2027)));
    assert_eq!((&all["weekly_days_off"], &all["sha256"]), (&json!(["saturday", "sunday"]), &json!("ab".repeat(32))));
    let days = all["days"].as_array().unwrap();
    let of = |date: &str| days.iter().find(|d| d["date"] == date).unwrap();
    assert_eq!(
        of("2026-09-02"),
        &json!({"date": "2026-09-02", "working": false, "name_vi": "Quốc khánh", "name_en": "National Day",
            "document": "Bộ luật Lao động 45/2019/QH14", "article": "112.1.đ", "confidence": "law", "note": null})
    );
    assert_eq!((&of("2026-08-22")["working"], &of("2026-08-22")["confidence"]), (&json!(true), &json!("check")));
    for (query, detail) in [
        ("?jurisdiction=VN-99", "parameter «jurisdiction»: «VN-99» is not registered"),
        ("?day=monday", "parameter «day»: is not known here; known are jurisdiction"),
    ] {
        let refused = get(query);
        assert_eq!((refused.status, &refused.json()["detail"]), (400, &json!(detail)));
    }
}

#[test]
fn what_counted_then_is_kept_and_no_check_is_made_anew() {
    let api = Api::new();
    let of_year = |version: u32, year: u32| {
        format!(
            "name = \"T\"\nversion = \"{version}\"\nweekly_days_off = []\nfirst_year = {year}\nlast_year = {year}\n\
             [[holiday]]\ndate = {year}-01-01\nname_vi = \"A\"\nname_en = \"B\"\nconfidence = \"check\"\n"
        )
    };
    let texts: Vec<String> = (1..4).map(|n| of_year(n, 2020 + n)).collect();
    for (n, text) in texts.iter().enumerate() {
        let done = set_as(&api, &Actor::operator(), text, &format!("{n:064}")).unwrap();
        assert_eq!(done[0].revision, Some(i64::try_from(n).unwrap() + 2));
    }
    let at = |revision: i64| {
        let found = store::calendar::at(&mut api.database.connect(), "VN-72", revision).unwrap();
        found.map(|found| (found.calendar, found.revision))
    };
    assert_eq!(at(1), None);
    for (n, text) in texts.iter().enumerate() {
        let revision = i64::try_from(n).unwrap() + 2;
        assert_eq!(at(revision), Some((read(text.as_bytes()).unwrap(), revision)));
    }
    assert_eq!(at(99).map(|(_, revision)| revision), Some(4));
    assert_eq!(api.sql("SELECT count(*) FROM changes"), Some("0".into()), "no layer changes by a calendar");
}

#[test]
fn who_loads_rules_sets_calendars() {
    let api = Api::new();
    for (role, _) in <Role as clearway::domain::word::Word>::ALL {
        let actor = Actor { name: "x".into(), organisation: Some("o".into()), roles: vec![*role], jurisdictions: None };
        let done = set_as(&api, &actor, VN, &"ab".repeat(32));
        if actor.may_import_rules("VN-72") {
            assert!(done.is_ok(), "{role}: {done:?}");
        } else {
            assert_eq!(done, Err(Error::Forbidden("your roles do not let you set the calendar of VN-72".into())));
        }
    }
    assert_eq!(api.sql("SELECT max(revision) FROM revisions"), Some("2".into()), "a second time nothing is written");
}
