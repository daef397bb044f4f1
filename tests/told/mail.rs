//! By mail: to those who want it, in their language, whatever stands in the case; tried again, or given up where there is nobody.

use clearway::config::{Settings, SmtpSecurity};
use clearway::domain::notice::Notice;
use clearway::domain::word::Visibility;
use serde_json::{Value as Json, json};

use crate::mailbox::Mailbox;
use crate::office::{Office, notice};
use crate::world::until;

const PASSWORD: &str = "a password of the tests";

fn with_mail(mailbox: &Mailbox, security: SmtpSecurity) -> Office {
    with_mail_and(mailbox, security, |_| {})
}

fn with_mail_and(mailbox: &Mailbox, security: SmtpSecurity, change: impl FnOnce(&mut Settings)) -> Office {
    Office::with(|s| {
        s.smtp_host = mailbox.address.ip().to_string();
        s.smtp_port = mailbox.address.port();
        s.smtp_security = security;
        s.smtp_from = "Clearway <clearway@so.example>".into();
        change(s);
    })
}

/// An account that may want mail; its path.
fn account(office: &Office, name: &str, organisation: &str, role: &str, mail: &Json) -> String {
    let new = json!({"name": name, "organisation": organisation, "roles": [role], "password": PASSWORD});
    let made = office.json("administrator", "POST", "/api/accounts", Some(&new));
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/api/accounts/{}", made.json()["id"].as_str().unwrap());
    let changed = office.json("administrator", "PATCH", &path, Some(mail));
    assert_eq!(changed.status, 200, "{}", changed.text);
    path
}

fn wants(address: &str, language: &str) -> Json {
    json!({"email": address, "language": language, "mail": true})
}

fn sent(office: &Office, state: &str) -> String {
    office.world.sql(&format!("SELECT count(*) FROM deliveries WHERE channel = 'mail' AND state = '{state}'"))
}

#[test]
fn who_wants_mail_is_told_in_his_language_and_nobody_else() {
    let mailbox = Mailbox::start();
    let office = with_mail(&mailbox, SmtpSecurity::None);
    account(&office, "nga", "viettel", "carrier", &wants("nga@viettel.example", "vi"));
    account(&office, "binh", "viettel", "carrier", &wants("binh@viettel.example", "en"));
    account(&office, "an", "viettel", "carrier", &json!({"email": "an@viettel.example"}));
    account(&office, "ha", "vnpt", "carrier", &wants("ha@vnpt.example", "en"));
    let off = account(&office, "off", "viettel", "carrier", &wants("off@viettel.example", "en"));
    assert_eq!(office.json("administrator", "PATCH", &off, Some(&json!({"disabled": true}))).status, 200);
    let elsewhere = json!({"jurisdictions": []});
    let nowhere = account(&office, "dung", "viettel", "carrier", &wants("dung@viettel.example", "en"));
    assert_eq!(office.json("administrator", "PATCH", &nowhere, Some(&elsewhere)).status, 200);
    let mut column = crate::world::column(0.0, 0.0);
    column["id"] = json!("Trạm 1\r\nBcc: spy@evil.example\r\n\r\nhello");
    let asked = office.world.send("carrier", "POST", crate::world::CHECKS, Some(&column));
    assert_eq!(asked.status, 201, "{}", asked.text);
    office.world.mast("M-1", 60.0, 0.0);
    let got = mailbox.until("both have mail", |got| got.len() >= 2);
    until("both are written down", || sent(&office, "done") == "2");
    let mut to: Vec<_> = got.iter().map(|m| m.to.clone()).collect();
    to.sort();
    assert_eq!(to, [["binh@viettel.example"], ["nga@viettel.example"]]);
    for mail in &got {
        assert_eq!(mail.from, "clearway@so.example");
        assert_eq!(mail.header("From").as_deref(), Some("Clearway <clearway@so.example>"));
        assert_eq!(mail.header("To"), Some(mail.to[0].clone()));
        assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
        let mut known = mail.headers();
        known.sort();
        assert_eq!(
            known,
            [
                "auto-submitted",
                "content-language",
                "content-transfer-encoding",
                "content-type",
                "date",
                "from",
                "message-id",
                "mime-version",
                "subject",
                "to"
            ]
        );
        let (vi, subject, body) = (mail.to[0].starts_with("nga"), mail.header("Subject").unwrap(), mail.body());
        let expect = if vi {
            "Kết quả kiểm tra vị trí đã lưu nay sẽ khác"
        } else {
            "A kept site check would now be answered differently"
        };
        assert_eq!(subject, format!("[Clearway] {expect}: Trạm 1  Bcc: spy@evil.example    hello"));
        assert!(body.contains("VN-72") && body.contains(if vi { "Địa bàn" } else { "Jurisdiction" }), "{body}");
    }
    assert_eq!(mailbox.got().len(), 2);
}

#[test]
fn an_address_that_is_none_is_refused_at_the_door() {
    let office = Office::new();
    let path = account(&office, "nga", "viettel", "carrier", &json!({}));
    for (change, pointer) in [
        (json!({"email": "nga@so.example\r\nBcc: spy@evil.example"}), "/email"),
        (json!({"email": "Nga <nga@so.example>"}), "/email"),
        (json!({"email": "nga@so.example,spy@evil.example"}), "/email"),
        (json!({"email": 1}), "/email"),
        (json!({"mail": true}), "/mail"),
        (json!({"language": "fr"}), "/language"),
    ] {
        let refused = office.json("administrator", "PATCH", &path, Some(&change));
        assert_eq!(refused.status, 422, "{change}: {}", refused.text);
        assert!(refused.problems()[0].starts_with(pointer), "{change}: {}", refused.text);
    }
    let good = office.json("administrator", "PATCH", &path, Some(&wants("nga@so.example", "en"))).json();
    assert_eq!(
        (&good["email"], &good["language"], &good["mail"]),
        (&json!("nga@so.example"), &json!("en"), &json!(true))
    );
    let gone = office.json("administrator", "PATCH", &path, Some(&json!({"email": null}))).status;
    assert_eq!(gone, 422, "mail goes somewhere");
    let none = office.json("administrator", "PATCH", &path, Some(&json!({"email": null, "mail": false})));
    assert_eq!((none.status, &none.json()["email"]), (200, &Json::Null));
}

#[test]
fn mail_that_is_not_taken_is_sent_again_as_the_same_and_given_up_where_there_is_nobody() {
    let mailbox = Mailbox::start();
    let office = with_mail(&mailbox, SmtpSecurity::None);
    account(&office, "nga", "office", "officer", &wants("nga@so.example", "vi"));
    mailbox.refuse(&["451 4.3.0 later", "554 5.7.1 you are on a list", "421 4.3.2 bye"]);
    office.notify(&[notice(1, "accepted", &["office"]), notice(1, "decided", &["office"])], false).unwrap();
    let got = mailbox.until("both are taken", |got| got.len() >= 2);
    assert_eq!(mailbox.refused(), 3);
    let id = |n: usize| got[n].header("Message-ID").unwrap();
    assert!(id(0) != id(1) && id(0).ends_with("@so.example>"), "{}", id(0));
    assert!(got[0].body().contains("24/12/2026") && got[0].body().contains("R-1"), "{}", got[0].body());
    until("both are written down", || sent(&office, "done") == "2");
    mailbox.knows_nobody(Some("550 5.1.1 no such user"));
    office.notify(&[notice(2, "accepted", &["office"])], false).unwrap();
    until("it is given up", || sent(&office, "dead") == "1");
    assert_eq!(mailbox.refused(), 4, "once is enough");
}

#[test]
fn nothing_is_said_in_the_clear_where_tls_is_asked_for() {
    let mailbox = Mailbox::start();
    let office = with_mail(&mailbox, SmtpSecurity::StartTls);
    account(&office, "nga", "office", "officer", &wants("nga@so.example", "vi"));
    office.notify(&[notice(1, "accepted", &["office"])], false).unwrap();
    until("it is tried", || office.world.sql("SELECT min(attempts) >= 2 FROM deliveries") == "true");
    assert!(mailbox.greeted() >= 2 && mailbox.got().is_empty());
}

/// A server that cannot be reached, or takes nothing from anybody for now, is no reason to give up a mail before its days are over:
/// nobody could send it again.
#[test]
fn mail_waits_for_a_server_that_takes_nothing_however_often_it_is_tried() {
    let mailbox = Mailbox::start();
    let office = with_mail_and(&mailbox, SmtpSecurity::None, |s| {
        (s.delivery_attempts_max, s.delivery_retry_ms, s.delivery_retry_max_ms) = (2, 1, 1);
    });
    account(&office, "nga", "office", "officer", &wants("nga@so.example", "vi"));
    let tried = || office.world.sql("SELECT coalesce(sum(attempts), 0) FROM deliveries").parse::<u32>().unwrap();
    mailbox.turn_away(Some(""));
    office.notify(&[notice(1, "accepted", &["office"])], false).unwrap();
    for answer in ["", "421 4.3.2 too many", "454 4.7.0 later", "535 5.7.8 who are you?", ""] {
        mailbox.turn_away(Some(answer));
        let before = tried();
        until(answer, || tried() >= before + 3);
        assert_eq!((sent(&office, "dead"), sent(&office, "waiting")), ("0".into(), "1".into()), "{answer}");
    }
    mailbox.refuse(&["451 4.3.0 later", "452 4.3.1 full", "451 4.3.0 later"]);
    mailbox.turn_away(None);
    mailbox.until("it is taken", |got| got.len() == 1);
    until("it is written down", || sent(&office, "done") == "1");
    assert_eq!(mailbox.refused(), 3);
    // Whom the server does not know it tells nothing, however often it was tried before.
    mailbox.refuse(&["451 4.3.0 later"; 1_000]);
    office.notify(&[notice(2, "accepted", &["office"])], false).unwrap();
    until("it is tried", || mailbox.refused() >= 6);
    mailbox.knows_nobody(Some("550 5.1.1 no such user"));
    until("it is given up", || sent(&office, "dead") == "1");
}

#[test]
fn who_may_see_less_by_now_is_not_told() {
    let mailbox = Mailbox::start();
    mailbox.refuse(&["451 4.3.0 later"; 1_000]);
    let office = with_mail(&mailbox, SmtpSecurity::None);
    let nga = account(&office, "nga", "office", "officer", &wants("nga@so.example", "vi"));
    account(&office, "binh", "office", "inspector", &wants("binh@so.example", "vi"));
    let hidden = Notice { needs: vec![Visibility::Restricted], ..notice(1, "accepted", &["office"]) };
    office.notify(&[hidden], false).unwrap();
    until("it is tried", || mailbox.refused() > 0);
    assert_eq!(office.world.sql("SELECT count(*) FROM deliveries"), "1", "an inspector does not see it");
    assert_eq!(office.json("administrator", "PATCH", &nga, Some(&json!({"roles": ["inspector"]}))).status, 200);
    until("it is withheld", || sent(&office, "withheld") == "1");
    mailbox.refuse(&[]);
    office.notify(&[notice(2, "accepted", &["office"])], false).unwrap();
    let got = mailbox.until("the other one comes", |got| got.len() >= 2);
    assert!(got.iter().all(|m| m.body().contains("R-2")), "{got:?}");
}

/// What a server has taken is written down at once, and not when it has said goodbye: whoever is killed meanwhile would send it again.
#[test]
fn what_is_taken_is_written_down_before_anybody_says_goodbye() {
    let mailbox = Mailbox::start();
    mailbox.linger(true);
    // Longer than anybody waits here.
    let office = with_mail_and(&mailbox, SmtpSecurity::None, |s| s.smtp_timeout_ms = 600_000);
    account(&office, "nga", "office", "officer", &wants("nga@so.example", "vi"));
    for case in 1..=2 {
        office.notify(&[notice(case, "accepted", &["office"])], false).unwrap();
        until("it is written down", || sent(&office, "done") == case.to_string());
    }
    assert_eq!(mailbox.got().len(), 2);
    mailbox.linger(false);
}
