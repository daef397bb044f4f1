//! Tokens of another issuer: whom they stand for, and what becomes of them as its keys come and go, and while it does not
//! answer. The usual forgeries, and whoever may not, are tried at every door in `doors.rs`.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use clearway::config::OidcSetting;
use clearway::domain::actor::Role;
use clearway::domain::word::Word;
use serde_json::json;

use crate::changes::Listener;
use crate::help::{Api, GRID, WORKS, feature, mast, point};
use crate::issuer::{Issuer, Key, Mood, with};
use crate::operation::until;
use crate::support::Response;

fn who(api: &Api, token: &str) -> Response {
    api.json(token, "GET", "/api/account", None)
}

fn status(api: &Api, token: &str) -> u16 {
    who(api, token).status
}

/// The sentence of a refusal, and its status.
fn refusal(api: &Api, token: &str) -> (u16, String) {
    let answer = who(api, token);
    assert!(answer.status >= 400, "{}", answer.text);
    (answer.status, answer.json()["detail"].as_str().unwrap().to_owned())
}

const NOT_PUBLISHED: &str = "the token is signed by a key that its issuer does not publish";
const NOT_TOLD: &str = "the issuer of the token does not tell its keys at present";

/// Hears a stream to its end, which must come.
fn hear_out(mut listener: Listener) {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        while listener.try_next().is_some() {}
        tell.send(())
    });
    assert!(told.recv_timeout(Duration::from_secs(20)).is_ok(), "the stream goes on");
}

#[test]
fn claims_say_who_somebody_is() {
    let (rsa, again, p256) = (Key::rsa("rsa", 0), Key::rsa("only", 1), Key::p256("p256"));
    let (p384, ed, encrypting) = (Key::p384("p384"), Key::ed25519("ed"), Key::p256("enc"));
    let issuer = Issuer::start(&[&rsa, &p256, &p384, &ed]);
    issuer.publish_as(with(&again.jwk(), &json!({"alg": "RS256", "key_ops": ["verify"]})));
    issuer.publish_as(with(&encrypting.jwk(), &json!({"use": "enc"})));
    issuer.publish_as(json!({"kid": "oct", "kty": "oct", "k": "c2VjcmV0"}));
    let api = Api::with_people_and(|s| s.oidc = vec![issuer.setting()]);
    for (_, role) in Role::ALL {
        let claims = issuer.claims(role, "office");
        let me = who(&api, &p256.token(&claims)).json();
        assert_eq!(
            (&me["roles"], &me["organisation"], &me["jurisdictions"]),
            (&json!([role]), &json!("office"), &json!(["VN-72"])),
            "{me}"
        );
    }
    let claims = issuer.claims("officer", "office");
    let me = who(&api, &rsa.token(&claims)).json();
    let subject = format!("{} s-officer", issuer.name);
    assert_eq!(
        me,
        json!({"name": subject, "display_name": "officer", "id": null, "organisation": "office", "roles": ["officer"],
            "jurisdictions": ["VN-72"], "via": "issuer", "expires_at": me["expires_at"], "may": me["may"]})
    );
    // By every algorithm that its key has, and by no other.
    let head = |key: &Key, alg: &str| with(&key.head(), &json!({"alg": alg}));
    let signed = |key: &Key, alg: &str| key.token_by(alg, &head(key, alg), &claims);
    for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        assert_eq!(status(&api, &signed(&rsa, alg)), 200, "{alg}");
        let expect = if alg == "RS256" { 200 } else { 401 };
        assert_eq!(status(&api, &signed(&again, alg)), expect, "{alg} of a key for RS256");
    }
    for (key, alg) in [(&p256, "ES256"), (&p384, "ES384"), (&ed, "EdDSA")] {
        for tried in ["ES256", "ES384", "EdDSA", "RS256", "PS256", "HS256"] {
            let token = key.token_by(alg, &head(key, tried), &claims);
            assert_eq!(status(&api, &token), if tried == alg { 200 } else { 401 }, "{tried} by a key for {alg}");
        }
    }
    assert_eq!(refusal(&api, &encrypting.token(&claims)), (401, NOT_PUBLISHED.into()));
    for (what, token) in issuer.forged(&rsa).iter().chain(&issuer.forged(&ed)) {
        assert_eq!(status(&api, token), 401, "{what}");
    }
    // Good, and nobody here: not even where everybody may read.
    for (what, token) in issuer.worthless(&ed) {
        assert_eq!((status(&api, &token), api.json(&token, "GET", WORKS, None).status), (403, 403), "{what}");
    }
    // Clocks are not the same everywhere.
    let now = clearway::clock::now().as_second();
    for more in [json!({"exp": now - 20}), json!({"nbf": now + 20})] {
        assert_eq!(status(&api, &ed.token(&with(&claims, &more))), 200, "{more}");
    }
    // What was done names issuer and subject.
    let bearer = format!("Bearer {}", ed.token(&with(&claims, &json!({"sub": "nga an%"}))));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/geo+json"), ("Content-Crs", GRID)];
    let made = api.send("", "POST", WORKS, &headers, Some(&feature(point(0.0, 0.0), mast())));
    assert_eq!(made.status, 201, "{}", made.text);
    let actor = api.sql("SELECT actor FROM audit_events WHERE jurisdiction = 'VN-72' ORDER BY revision DESC LIMIT 1");
    assert_eq!(actor, Some(format!("{} nga%20an%25", issuer.name)));
    // It is known by what it stands for, so it cannot do what an account can.
    assert_eq!(api.json(&ed.token(&claims), "POST", "/api/tokens", Some(&json!({"name": "x"}))).status, 403);
}

/// An issuer with a key, and a setting changed by `change`.
fn issuer(key: &Key, change: impl FnOnce(&mut OidcSetting)) -> (Issuer, OidcSetting) {
    let issuer = Issuer::start(&[key]);
    let mut setting = issuer.setting();
    change(&mut setting);
    (issuer, setting)
}

/// What the issuer's officer sends.
fn officer(issuer: &Issuer, key: &Key) -> String {
    key.token(&issuer.claims("officer", "office"))
}

#[test]
fn keys_are_followed_as_they_come_and_go() {
    let (a, b, stranger) = (Key::p256("a"), Key::ed25519("b"), Key::p256("x"));
    let (calm, of_calm) = issuer(&a, |_| {});
    let (quick, of_quick) = issuer(&a, |s| s.ask_again_ms = 1);
    let (often, of_often) = issuer(&a, |s| s.refresh_ms = 20);
    let api = Api::with_people_and(|s| {
        s.oidc = vec![of_calm, of_quick, of_often];
        s.heartbeat_ms = 20;
    });
    let known = |issuer: &Issuer, key: &Key| status(&api, &officer(issuer, key));

    // Whoever invents names of keys makes the issuer be asked once, and not again for a while.
    assert_eq!((known(&calm, &a), calm.asked(), known(&quick, &a), quick.asked()), (200, 1, 200, 1));
    for _ in 0..20 {
        assert_eq!(refusal(&api, &officer(&calm, &stranger)), (401, NOT_PUBLISHED.into()));
    }
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(known(&calm, &stranger), 401));
        }
    });
    // What is refused whatever signed it does not even do that.
    for more in [json!({"aud": "x"}), json!({"exp": 1}), json!({"iss": "https://sso.example"})] {
        let token = stranger.token(&with(&quick.claims("officer", "office"), &more));
        assert_eq!((status(&api, &token), quick.asked()), (401, 1), "{more}");
    }
    assert_eq!(calm.asked(), 2);

    // A new key is good at once; the old one as long as it was when the keys were fetched last, and then no more.
    assert_eq!((known(&quick, &a), known(&quick, &b)), (200, 401));
    let token = officer(&quick, &a);
    let listener = Listener::open_with(&api.server, &token, "", None);
    quick.publish(&[&b, &a]);
    assert_eq!((known(&quick, &b), known(&quick, &a)), (200, 200));
    assert_eq!(known(&calm, &b), 401, "a key of one issuer is none of another");
    quick.publish(&[&b]);
    assert_eq!(known(&quick, &a), 200, "nobody has asked yet");
    assert_eq!(known(&quick, &stranger), 401);
    assert_eq!(refusal(&api, &token), (401, NOT_PUBLISHED.into()), "also what was known a moment ago");
    assert_eq!(known(&quick, &b), 200);
    hear_out(listener);
    // Another key of the same name is another key.
    let other = Key::p384("b");
    quick.publish(&[&other]);
    assert_eq!((known(&quick, &stranger), known(&quick, &b), known(&quick, &other)), (401, 401, 200));
    quick.publish(&[]);
    assert_eq!((known(&quick, &stranger), known(&quick, &other)), (401, 401));

    // The same happens by itself.
    assert_eq!(known(&often, &a), 200);
    often.publish(&[&b]);
    until("the end of a key that is withdrawn", || known(&often, &a) == 401);
    assert_eq!(known(&often, &b), 200);
}

#[test]
fn an_issuer_that_does_not_answer_holds_nobody_up() {
    let (a, stranger) = (Key::p256("a"), Key::p256("x"));
    let (quick, of_quick) = issuer(&a, |s| s.ask_again_ms = 1);
    let (slow, of_slow) = issuer(&a, |s| (s.ask_again_ms, s.timeout_ms) = (1, 1_500));
    let (calm, of_calm) = issuer(&a, |_| {});
    let (short, of_short) = issuer(&a, |s| (s.refresh_ms, s.ask_again_ms, s.keys_last_ms) = (20, 1, 200));
    let (absent, of_absent) = issuer(&a, |s| s.ask_again_ms = 20);
    absent.be(Mood::Broken);
    let api = Api::with_people_and(|s| {
        s.oidc = vec![of_quick, of_slow, of_calm, of_short, of_absent];
        s.workers = 1;
    });
    let known = |issuer: &Issuer| status(&api, &officer(issuer, &a));
    let unknown = |issuer: &Issuer| refusal(&api, &officer(issuer, &stranger));
    for issuer in [&quick, &slow, &calm, &short] {
        assert_eq!(known(issuer), 200);
    }

    // However it fails, known keys go on, and nobody says that one is not published who cannot know.
    for mood in
        [Mood::Broken, Mood::Failing, Mood::Nonsense, Mood::NoSet, Mood::Huge, Mood::Moved, Mood::Other, Mood::Unsafe]
    {
        quick.be(mood);
        assert_eq!(unknown(&quick), (503, NOT_TOLD.into()), "{mood:?}");
        assert_eq!(known(&quick), 200, "{mood:?}");
    }
    quick.be(Mood::Well);
    assert_eq!(unknown(&quick), (401, NOT_PUBLISHED.into()));

    // While it says nothing, whoever needs no key of it is served, by the one thread that there is; who does, not for long.
    slow.be(Mood::Silent);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| unknown(&slow));
        until("the silence", || slow.silent() == 1);
        assert_eq!((known(&slow), known(&quick), api.server.get("", WORKS).status), (200, 200, 200));
        assert_eq!(slow.silent(), 1, "nobody waited for the end of that");
        assert_eq!(waiting.join().unwrap(), (503, NOT_TOLD.into()));
    });

    // Once it was asked in vain, nobody waits until it may be asked again.
    calm.be(Mood::Broken);
    assert_eq!(unknown(&calm), (503, NOT_TOLD.into()));
    calm.be(Mood::Silent);
    let begun = Instant::now();
    assert_eq!((unknown(&calm), calm.silent(), known(&calm)), ((503, NOT_TOLD.into()), 0, 200));
    assert!(begun.elapsed() < Duration::from_secs(10), "it was waited for");

    // Keys do not last for ever; an issuer that comes back is believed again, by itself.
    short.be(Mood::Failing);
    until("the end of the keys", || known(&short) == 503);
    short.be(Mood::Well);
    until("the keys", || known(&short) == 200);
    // So is one that was not there when the server began.
    assert_eq!(known(&absent), 503);
    absent.be(Mood::Well);
    until("the first keys", || known(&absent) == 200);
}

#[test]
fn a_stream_ends_with_its_token() {
    let key = Key::ed25519("a");
    let issuer = Issuer::start(&[&key]);
    let api = Api::with_people_and(|s| {
        s.oidc = vec![issuer.setting()];
        s.heartbeat_ms = 20;
    });
    // With the leeway of half a minute two seconds are left.
    let end = clearway::clock::now().as_second() - 28;
    let token = key.token(&with(&issuer.claims("officer", "office"), &json!({"exp": end})));
    let listener = Listener::open_with(&api.server, &token, "", None);
    hear_out(listener);
    assert!(clearway::clock::now().as_second() >= end + 30, "not before");
    let (status, why) = refusal(&api, &token);
    assert_eq!((status, why.as_str()), (401, "the token has expired"));
    assert_eq!(who(&api, &officer(&issuer, &key)).status, 200);
}
