//! By webhook: signed, in order, at least once and known as the same, tried again, given up and sent again; and to nobody whom it
//! is not for, and nowhere behind the wall.

use clearway::actions::audit::{self, Range};
use clearway::domain::actor::Actor;
use clearway::domain::word::Visibility;
use serde_json::{Value as Json, json};

use crate::office::{Office, WEBHOOKS, notice};
use crate::receiver::{Got, Mood, Receiver, url};
use crate::support::run_sql;
use crate::world::until;

fn ids(got: &[Got]) -> Vec<String> {
    got.iter().map(Got::id).collect()
}

/// The places in their case of what was got, and what was answered.
fn numbers(got: &[Got]) -> Vec<(i64, Option<u16>)> {
    got.iter().map(|g| (g.number(), g.answered)).collect()
}

#[test]
fn a_site_check_that_would_be_answered_otherwise_is_told_to_who_asked() {
    let office = Office::new();
    let (viettel, vnpt) = (Receiver::start(Mood::Well), Receiver::start(Mood::Well));
    let (hook, secret) = office.webhook("viettel", &viettel.url());
    office.webhook("vnpt", &vnpt.url());
    let run = office.world.ask("carrier", 0.0, 0.0);
    let mast = office.world.mast("M-1", 60.0, 0.0);
    let got = viettel.took(1);
    office.world.delete(crate::world::WORKS, &mast);
    let got = [got, viettel.took(2)].concat();
    let event = got[0].json();
    for (name, expect) in [
        ("specversion", json!("1.0")),
        ("source", json!("urn:clearway:VN-72")),
        ("type", json!("clearway.site_check.changed")),
        ("subject", json!(format!("site_check/{run}"))),
        ("datacontenttype", json!("application/json")),
        ("sequence", json!("1")),
    ] {
        assert_eq!(event[name], expect, "{event}");
    }
    // That there is a mark, and nothing of what it says: that is shown to whoever asks, by his rights of then.
    assert_eq!((event["data"]["id"].as_str(), &event["data"]["state"]), (Some(run.as_str()), &json!(null)));
    assert_eq!(event["data"]["code"], "mới \"1\"");
    assert_eq!(event["data"]["detail"], json!({}));
    assert_eq!(got.last().unwrap().json()["data"]["number"], 2, "it is as it was again, which is another mark");
    assert_eq!(got[0].header("content-type"), "application/cloudevents+json; charset=utf-8");
    assert_eq!(got[0].id(), event["id"].as_str().unwrap());
    assert!(got.iter().all(|g| g.is_signed_by(&secret)), "{got:?}");
    let (_, another) = office.webhook("viettel", &url(Receiver::nobody()));
    assert!(
        !got[0].is_signed_by(&another)
            && !Got { body: got[0].body.replace("VN-72", "VN-73"), ..got[0].clone() }.is_signed_by(&secret)
    );
    until("both are written down", || office.deliveries(&hook, "done").len() == 2);
    assert_eq!(vnpt.connections(), 0, "it is no affair of vnpt");
}

/// Where an answer tells of what is hidden from the asker, that is counted where it is shown: no message tells that it has changed.
#[test]
fn a_site_check_beside_something_hidden_is_told_by_no_message() {
    let office = Office::new();
    let receiver = Receiver::start(Mood::Well);
    office.webhook("viettel", &receiver.url());
    let hidden = json!({"code": "H", "kind": "mast", "organisation": "vnpt", "visibility": "restricted", "position_accuracy_m": 0});
    office.world.add(crate::world::WORKS, crate::world::point(0.0, 70.0), hidden);
    let run = office.world.ask("carrier", 0.0, 0.0);
    office.world.mast("M-1", 60.0, 0.0);
    let marks = format!("SELECT count(*) FROM site_check_marks WHERE run = '{run}'");
    until("it is marked", || office.world.sql(&marks) == "1");
    assert_eq!(office.world.sql("SELECT count(*) FROM outbox"), "0");
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn what_is_not_committed_is_told_to_nobody_and_what_is_once() {
    let office = Office::new();
    let receiver = Receiver::start(Mood::Well);
    let (hook, _) = office.webhook("office", &receiver.url());
    assert!(office.notify(&[notice(1, "returned", &["office"])], true).is_err());
    office
        .notify(
            &[
                notice(1, "accepted", &["office"]),
                notice(1, "assessed", &["office"]),
                notice(2, "accepted", &["office"]),
            ],
            false,
        )
        .unwrap();
    let got = receiver.took(3);
    until("all are written down", || office.deliveries(&hook, "waiting").is_empty());
    let of = |case: u128| -> Vec<(i64, String)> {
        let subject = format!("site_request/{}", uuid::Uuid::from_u128(case));
        let mine = receiver.got().into_iter().filter(|g| g.json()["subject"] == subject.as_str()).collect::<Vec<_>>();
        mine.iter().map(|g| (g.number(), g.json()["data"]["event"].as_str().unwrap().to_owned())).collect()
    };
    assert_eq!(of(1), [(1, "accepted".into()), (2, "assessed".into())]);
    assert_eq!(of(2), [(1, "accepted".into())]);
    assert_eq!(got[0].json()["data"]["due"], "2026-12-24");
    assert_eq!(receiver.got().len(), 3);
}

#[test]
fn what_fails_is_tried_again_as_the_same_and_nothing_of_its_case_overtakes_it() {
    let office = Office::new();
    let receiver = Receiver::start(Mood::Failing(500));
    let (hook, secret) = office.webhook("office", &receiver.url());
    office.notify(&[notice(1, "accepted", &["office"])], false).unwrap();
    receiver.until("it is tried again", |got| got.len() >= 3);
    office
        .notify(
            &[
                notice(1, "assessed", &["office"]),
                notice(1, "decided", &["office"]),
                notice(2, "accepted", &["office"]),
            ],
            false,
        )
        .unwrap();
    // The other case goes on.
    receiver.until("another case is tried", |got| got.iter().any(|g| g.json()["data"]["code"] == "R-2"));
    let problems = || office.deliveries(&hook, "waiting").iter().map(|d| d["problem"].clone()).collect::<Vec<_>>();
    let failed = json!("answered 500");
    until("it is written down", || problems() == [failed.clone(), Json::Null, Json::Null, failed.clone()]);
    receiver.be(Mood::Well);
    receiver.took(4);
    let first: Vec<Got> = receiver.got().into_iter().filter(|g| g.json()["data"]["code"] == "R-1").collect();
    let tries: Vec<_> = first.iter().take_while(|g| g.number() == 1).cloned().collect();
    assert!(tries.len() >= 4 && tries.iter().all(|g| g.id() == tries[0].id() && g.is_signed_by(&secret)), "{tries:?}");
    // To the last byte, and so with the id of the event (CloudEvents), which is that of the header.
    assert!(tries.iter().all(|g| g.body == tries[0].body && g.json()["id"] == g.id().as_str()), "{tries:?}");
    let rest = numbers(&first[tries.len()..]);
    assert_eq!(rest, [(2, Some(200)), (3, Some(200))]);
    until("all are written down", || office.deliveries(&hook, "done").len() == 4);
}

#[test]
fn a_receiver_that_is_down_gets_everything_when_it_is_up() {
    let office = Office::new();
    let address = Receiver::nobody();
    let (hook, _) = office.webhook("office", &url(address));
    for n in 1..=10 {
        office.notify(&[notice(n % 2, "accepted", &["office"])], false).unwrap();
    }
    until("all are tried", || {
        let waiting = office.deliveries(&hook, "waiting");
        waiting.iter().filter(|d| d["attempts"].as_i64().unwrap() >= 2).count() == 10
    });
    let why = &office.deliveries(&hook, "waiting")[0]["problem"];
    assert_eq!(why, "could not be reached, or broke off");
    let receiver = Receiver::at(address, Mood::Well);
    let got = receiver.took(10);
    for case in 0..2_u128 {
        let subject = format!("site_request/{}", uuid::Uuid::from_u128(case));
        let mine: Vec<i64> = got.iter().filter(|g| g.json()["subject"] == subject.as_str()).map(Got::number).collect();
        assert_eq!(mine, [1, 2, 3, 4, 5]);
    }
    let mut all = ids(&got);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 10);
}

#[test]
fn a_receiver_that_does_not_answer_holds_up_nobody_else() {
    let office = Office::with(|s| s.webhook_timeout_ms = 600_000);
    let silent: Vec<Receiver> = (0..2).map(|_| Receiver::start(Mood::Silent)).collect();
    let well = Receiver::start(Mood::Well);
    for receiver in &silent {
        office.webhook("office", &receiver.url());
    }
    office.webhook("office", &well.url());
    for n in 1..=5 {
        office.notify(&[notice(n, "accepted", &["office"])], false).unwrap();
    }
    well.took(5);
    for receiver in &silent {
        assert_eq!((receiver.got().len(), receiver.open_most()), (1, 1), "one at a time");
        receiver.be(Mood::Well);
        receiver.took(5);
        assert_eq!(receiver.open_most(), 1);
    }
}

#[test]
fn who_takes_too_long_is_tried_again() {
    let office = Office::with(|s| s.webhook_timeout_ms = 50);
    let receiver = Receiver::start(Mood::Silent);
    let (hook, _) = office.webhook("office", &receiver.url());
    office.notify(&[notice(1, "accepted", &["office"])], false).unwrap();
    let got = receiver.until("it is tried again", |got| got.len() >= 2);
    assert_eq!(got[0].id(), got[1].id());
    until("it is said why", || office.deliveries(&hook, "")[0]["problem"] == "did not answer in time");
}

#[test]
fn what_is_given_up_is_kept_and_sent_again_when_somebody_says_so() {
    let office = Office::with(|s| s.delivery_attempts_max = 3);
    let receiver = Receiver::start(Mood::Failing(500));
    let (hook, _) = office.webhook("office", &receiver.url());
    office.notify(&[notice(1, "accepted", &["office"]), notice(1, "assessed", &["office"])], false).unwrap();
    until("both are given up", || office.deliveries(&hook, "dead").len() == 2);
    assert_eq!(numbers(&receiver.got()), [1, 1, 1, 2, 2, 2].map(|n| (n, Some(500))));
    let dead = office.deliveries(&hook, "dead");
    assert_eq!((&dead[0]["attempts"], &dead[0]["next_at"]), (&json!(3), &Json::Null));
    receiver.be(Mood::Well);
    assert_eq!(office.replay(&hook, &json!({"events": [dead[1]["event"]]})), 1);
    receiver.took(1);
    assert_eq!(office.replay(&hook, &json!({})), 1, "the other one");
    let got = receiver.took(2);
    let taken: Vec<_> = numbers(&receiver.got()).into_iter().skip(6).collect();
    assert_eq!(taken, [(2, Some(200)), (1, Some(200))]);
    assert_eq!(ids(&got).as_slice(), [dead[1]["event"].as_str().unwrap(), dead[0]["event"].as_str().unwrap()]);
    until("both are done", || office.deliveries(&hook, "done").len() == 2);
    assert_eq!(office.replay(&hook, &json!({})), 0);
    let since = dead[0]["queued_at"].clone();
    assert_eq!(office.replay(&hook, &json!({"since": since})), 2, "all since then, also what was taken");
    receiver.took(4);
    let wrong =
        office.json("administrator", "POST", &format!("{WEBHOOKS}/{hook}/replay"), Some(&json!({"events": ["x"]})));
    assert_eq!((wrong.status, wrong.problems().len()), (422, 1), "{}", wrong.text);
}

#[test]
fn a_webhook_that_is_disabled_hears_nothing() {
    let office = Office::new();
    let receiver = Receiver::start(Mood::Failing(503));
    let (hook, _) = office.webhook("office", &receiver.url());
    office.notify(&[notice(1, "accepted", &["office"])], false).unwrap();
    receiver.until("it is tried", |got| !got.is_empty());
    assert_eq!(office.patch(&hook, &json!({"disabled": true}))["disabled"], true);
    // Whoever is at it holds this row.
    run_sql(&office.world.database.url, "SELECT FROM delivery_queues FOR UPDATE");
    let before = receiver.got().len();
    receiver.be(Mood::Well);
    let other = Receiver::start(Mood::Well);
    office.webhook("office", &other.url());
    for n in 2..=3 {
        office.notify(&[notice(n, "accepted", &["office"])], false).unwrap();
    }
    other.took(2);
    assert_eq!(receiver.got().len(), before);
    assert_eq!(office.deliveries(&hook, "").len(), 1, "nothing is made for it meanwhile");
    office.patch(&hook, &json!({"disabled": false}));
    receiver.took(1);
    office.notify(&[notice(4, "accepted", &["office"])], false).unwrap();
    let got = receiver.took(2);
    assert_eq!(got.last().unwrap().json()["data"]["code"], "R-4");
    let gone = office.json("administrator", "DELETE", &format!("{WEBHOOKS}/{hook}"), None);
    assert_eq!(gone.status, 204);
    office.notify(&[notice(5, "accepted", &["office"])], false).unwrap();
    other.took(4);
    assert_eq!(receiver.took(2).len(), 2);
}

#[test]
fn what_an_organisation_may_not_see_it_is_not_told() {
    use Visibility::{Carriers, Government, Public, Restricted};
    let office = Office::new();
    let receivers: Vec<(&str, Receiver)> =
        ["office", "viettel", "vnpt", "roads-board"].map(|code| (code, Receiver::start(Mood::Well))).into();
    let all = ["office", "viettel", "vnpt", "roads-board"];
    for (code, receiver) in &receivers {
        office.webhook(code, &receiver.url());
    }
    let needs = |case: u128, needs: &[Visibility], owner: Option<&str>| clearway::domain::notice::Notice {
        needs: needs.to_vec(),
        owner: owner.map(str::to_owned),
        ..notice(case, "accepted", &all)
    };
    office
        .notify(
            &[
                needs(1, &[Public], None),
                needs(2, &[Carriers], None),
                needs(3, &[Government], None),
                needs(4, &[Restricted], Some("vnpt")),
                notice(5, "accepted", &["viettel"]),
                // Everybody has the last one.
                needs(9, &[], None),
            ],
            false,
        )
        .unwrap();
    for (code, expect) in [
        ("office", vec![1, 2, 3, 4, 9]),
        ("viettel", vec![1, 2, 5, 9]),
        ("vnpt", vec![1, 2, 4, 9]),
        ("roads-board", vec![1, 9]),
    ] {
        let receiver = &receivers.iter().find(|(c, _)| *c == code).unwrap().1;
        let got = receiver.took(expect.len());
        let mut cases: Vec<u64> =
            got.iter().map(|g| g.json()["data"]["code"].as_str().unwrap()[2..].parse().unwrap()).collect();
        cases.sort_unstable();
        assert_eq!(cases, expect, "{code}");
        assert!(got.iter().all(|g| !g.body.contains("organisations") && !g.body.contains("roads-board")), "{got:?}");
    }
}

#[test]
fn a_webhook_leads_nowhere_behind_the_wall() {
    let office = Office::with(|s| s.webhook_networks = Vec::new());
    let receiver = Receiver::start(Mood::Well);
    let plain = json!({"organisation": "office", "url": receiver.url()});
    let refused = office.json("administrator", "POST", WEBHOOKS, Some(&plain));
    assert_eq!(refused.status, 422, "{}", refused.text);
    let port = receiver.url().rsplit_once(':').unwrap().1.to_owned();
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "0.0.0.0"] {
        let (hook, _) = office.webhook("office", &format!("https://{host}:{port}"));
        office.notify(&[notice(1, "accepted", &["office"])], false).unwrap();
        until("it is tried", || office.deliveries(&hook, "").iter().any(|d| d["problem"].is_string()));
        let why = office.deliveries(&hook, "")[0]["problem"].as_str().unwrap().to_owned();
        let is_refused =
            why == "leads to an address that is not for webhooks" || why == "the name of the host leads nowhere";
        assert!(is_refused || why == "is no address", "{host}: {why}");
        assert_eq!(office.json("administrator", "DELETE", &format!("{WEBHOOKS}/{hook}"), None).status, 204);
    }
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn an_answer_leads_nowhere_else() {
    let office = Office::new();
    let behind = Receiver::start(Mood::Well);
    let receiver = Receiver::start(Mood::Moved(behind.url()));
    let (hook, _) = office.webhook("office", &receiver.url());
    office.notify(&[notice(1, "accepted", &["office"])], false).unwrap();
    receiver.until("it is tried again", |got| got.len() >= 2);
    until("it is said why", || office.deliveries(&hook, "")[0]["problem"] == "answered 302");
    assert_eq!(behind.connections(), 0);
}

#[test]
fn a_webhook_is_kept_by_who_keeps_accounts_and_its_secret_is_shown_once() {
    let office = Office::new();
    let receiver = Receiver::start(Mood::Well);
    let (hook, secret) = office.webhook("viettel", &receiver.url());
    let path = format!("{WEBHOOKS}/{hook}");
    let bare = secret.strip_prefix("whsec_").unwrap();
    for answer in [
        office.json("administrator", "GET", &path, None),
        office.json("administrator", "GET", WEBHOOKS, None),
        office.json("administrator", "PATCH", &path, Some(&json!({"events": ["site_request.accepted"]}))),
    ] {
        assert_eq!((answer.status, answer.text.contains(bare)), (200, false), "{}", answer.text);
        assert!(!answer.text.contains("\"secret\""), "{}", answer.text);
    }
    let events = office.world.sql("SELECT string_agg(detail::text, '') FROM audit_events");
    assert!(!events.contains(bare) && events.contains("webhook"), "{events}");
    let reports =
        audit::verify(&office.world.database.context(), &Actor::operator(), &Range::default(), audit::Kept::default())
            .unwrap();
    assert!(reports.iter().all(|(_, r)| r.faults.is_empty()), "the chains hold");
    // Another secret in place of this one.
    let changed = office.patch(&hook, &json!({"new_secret": true, "events": ["site_request.decided"]}));
    let new = changed["secret"].as_str().unwrap().to_owned();
    office.notify(&[notice(1, "accepted", &["viettel"]), notice(1, "decided", &["viettel"])], false).unwrap();
    let got = receiver.took(1);
    assert!(got[0].is_signed_by(&new) && !got[0].is_signed_by(&secret));
    assert_eq!((got.len(), got[0].number()), (1, 2), "only what it asked for");
    let stale = office.world.server.send(
        "PATCH",
        &path,
        &[
            ("Authorization", &format!("Bearer {}", crate::support::token("administrator"))),
            ("Content-Type", "application/json"),
            ("If-Match", "\"1\""),
        ],
        Some(b"{\"disabled\": true}"),
    );
    assert_eq!(stale.status, 412, "{}", stale.text);
    for (wrong, pointer) in [
        (json!({"organisation": "nobody", "url": "https://a.example"}), "/organisation"),
        (json!({"organisation": "vnpt", "url": "https://nga:secret@a.example"}), "/url"),
        (json!({"organisation": "vnpt", "url": "https://a.example", "events": ["x"]}), "/events/0"),
        (json!({"organisation": "vnpt", "url": "https://a.example", "jurisdictions": ["VN-99"]}), "/jurisdictions/0"),
        (json!({"organisation": "vnpt", "url": "https://a.example", "secret": "mine"}), "/secret"),
    ] {
        let refused = office.json("administrator", "POST", WEBHOOKS, Some(&wrong));
        assert_eq!(refused.status, 422, "{wrong}: {}", refused.text);
        assert!(refused.problems()[0].starts_with(pointer), "{wrong}: {}", refused.text);
    }
    run_sql(&office.world.database.url, "UPDATE webhooks SET url = 'https://spy.example'");
    let reports =
        audit::verify(&office.world.database.context(), &Actor::operator(), &Range::default(), audit::Kept::default())
            .unwrap();
    let faults: Vec<String> = reports.iter().flat_map(|(_, r)| &r.faults).map(ToString::to_string).collect();
    assert!(faults.len() == 1 && faults[0].contains("the webhook of viettel"), "{faults:?}");
}
