//! A small real issuer: keys that are made anew, tokens that they sign, and a server that publishes them over HTTP. It counts
//! who asks for them, and can rotate them, fall silent, break off and tell nonsense.

#![allow(dead_code, clippy::unwrap_used)] // each test program uses a part of it

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use base64ct::{Base64UrlUnpadded, Encoding};
use clearway::clock;
use clearway::config::{ClaimSetting, OidcSetting};
use clearway::domain::actor::Role;
use clearway::domain::word::Word;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair as RsaKeyPair, PublicKeyComponents};
use ring::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value as Json, json};

pub const AUDIENCE: &str = "clearway";

/// An hour: what happens so seldom does not happen in a test by itself.
pub const NEVER_MS: u64 = 3_600_000;

/// No library of the tests makes RSA keys, so the program does that PostgreSQL's packages need, too; once, for it takes
/// a while.
static RSA: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    [(); 2].map(|()| {
        let options = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"];
        let made = Command::new("openssl").args(options).output().expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        made.stdout
    })
});

enum Pair {
    Rsa(RsaKeyPair),
    Curve(EcdsaKeyPair, &'static str),
    Ed25519(Ed25519KeyPair),
}

/// A private key with the name under which its public one is published.
pub struct Key {
    pub name: &'static str,
    pair: Pair,
}

fn curve(name: &'static str, crv: &'static str, algorithm: &'static EcdsaSigningAlgorithm) -> Key {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &SystemRandom::new()).unwrap();
    Key { name, pair: Pair::Curve(pair, crv) }
}

impl Key {
    /// One of two RSA keys.
    pub fn rsa(name: &'static str, which: usize) -> Self {
        // Older versions of the program write PKCS #1.
        let pair = RsaKeyPair::from_pkcs8(&RSA[which]).or_else(|_| RsaKeyPair::from_der(&RSA[which])).unwrap();
        Self { name, pair: Pair::Rsa(pair) }
    }

    pub fn p256(name: &'static str) -> Self {
        curve(name, "P-256", &signature::ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub fn p384(name: &'static str) -> Self {
        curve(name, "P-384", &signature::ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    pub fn ed25519(name: &'static str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { name, pair: Pair::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()) }
    }

    /// The bytes of the public key: the modulus, or the point.
    pub fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => PublicKeyComponents::<Vec<u8>>::from(pair.public()).n,
            Pair::Curve(pair, _) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// The public key as it is published.
    pub fn jwk(&self) -> Json {
        let public = self.public();
        match &self.pair {
            Pair::Rsa(pair) => {
                let e = PublicKeyComponents::<Vec<u8>>::from(pair.public()).e;
                json!({"kid": self.name, "kty": "RSA", "use": "sig", "n": encode(&public), "e": encode(&e)})
            }
            Pair::Curve(_, crv) => {
                let (x, y) = public[1..].split_at((public.len() - 1) / 2);
                json!({"kid": self.name, "kty": "EC", "crv": crv, "x": encode(x), "y": encode(y)})
            }
            Pair::Ed25519(_) => json!({"kid": self.name, "kty": "OKP", "crv": "Ed25519", "x": encode(&public)}),
        }
    }

    /// The algorithm it usually signs by.
    pub fn algorithm(&self) -> &'static str {
        match &self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Curve(_, crv) => {
                if *crv == "P-256" {
                    "ES256"
                } else {
                    "ES384"
                }
            }
            Pair::Ed25519(_) => "EdDSA",
        }
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding: &dyn RsaEncoding = match algorithm {
                    "RS256" => &signature::RSA_PKCS1_SHA256,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    other => panic!("no RSA: {other}"),
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Pair::Curve(pair, _) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this head and these claims, signed by an algorithm that the key has.
    pub fn token_by(&self, algorithm: &str, head: &Json, claims: &Json) -> String {
        token(head, claims, |message| self.sign(algorithm, message))
    }

    /// A token with these claims, as it should be.
    pub fn token(&self, claims: &Json) -> String {
        self.token_by(self.algorithm(), &self.head(), claims)
    }

    /// The head of its tokens.
    pub fn head(&self) -> Json {
        json!({"alg": self.algorithm(), "typ": "at+jwt", "kid": self.name})
    }
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// A token, signed by `sign`.
pub fn token(head: &Json, claims: &Json, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", encode(head.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", encode(&signature))
}

/// `claims` with those of `more` in their place; null takes one away.
pub fn with(claims: &Json, more: &Json) -> Json {
    let mut all = claims.clone();
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    all
}

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Well,
    /// It breaks off.
    Broken,
    /// It says nothing, until whoever asks goes away.
    Silent,
    /// 500.
    Failing,
    /// No JSON.
    Nonsense,
    /// JSON that is no set of keys.
    NoSet,
    /// Much more than anybody has keys.
    Huge,
    /// It leads elsewhere.
    Moved,
    /// The configuration is that of another issuer.
    Other,
    /// The keys are at an address that nothing protects.
    Unsafe,
}

struct State {
    keys: Vec<Json>,
    mood: Mood,
    asked: usize,
    silent: usize,
    ended: bool,
}

/// The issuer. Its server ends with it.
pub struct Issuer {
    /// As its tokens name it.
    pub name: String,
    address: String,
    state: Arc<Mutex<State>>,
}

impl Issuer {
    /// Publishes some keys.
    pub fn start(keys: &[&Key]) -> Self {
        Self::start_with(keys, None)
    }

    /// The same by TLS.
    pub fn start_with(keys: &[&Key], tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let port = listener.local_addr().unwrap().port();
        // A certificate is for a name.
        let host = if tls.is_some() { "https://localhost" } else { "http://127.0.0.1" };
        let name = format!("{host}:{port}/realms/office");
        let keys = keys.iter().map(|key| key.jwk()).collect();
        let state = State { keys, mood: Mood::Well, asked: 0, silent: 0, ended: false };
        let issuer = Self { name, address, state: Arc::new(Mutex::new(state)) };
        let (state, name) = (Arc::clone(&issuer.state), issuer.name.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if lock(&state).ended {
                    return;
                }
                let (state, name, tls) = (Arc::clone(&state), name.clone(), tls.clone());
                // Whoever breaks off has the answer that he waited for.
                std::thread::spawn(move || match tls {
                    None => serve(stream, &name, &state),
                    Some(tls) => serve(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &name, &state),
                });
            }
        });
        issuer
    }

    /// Publishes other keys.
    pub fn publish(&self, keys: &[&Key]) {
        lock(&self.state).keys = keys.iter().map(|key| key.jwk()).collect();
    }

    /// Publishes a key in another form.
    pub fn publish_as(&self, key: Json) {
        lock(&self.state).keys.push(key);
    }

    pub fn be(&self, mood: Mood) {
        lock(&self.state).mood = mood;
    }

    /// How often its keys were asked for, or its configuration while it has none to tell.
    pub fn asked(&self) -> usize {
        lock(&self.state).asked
    }

    /// How many it leaves without an answer just now.
    pub fn silent(&self) -> usize {
        lock(&self.state).silent
    }

    /// How its tokens are read: a role for each of ours, an organisation by its code, and provinces.
    pub fn setting(&self) -> OidcSetting {
        let roles = Role::ALL.iter().map(|(_, role)| (format!("clearway-{role}"), vec![(*role).to_owned()]));
        let provinces = [("Đắk Nông", "VN-72"), ("elsewhere", "VN-35")];
        let claim = |name: &str| ClaimSetting { claim: Some(name.into()), ..ClaimSetting::default() };
        OidcSetting {
            issuer: self.name.clone(),
            audience: AUDIENCE.into(),
            types: vec!["at+jwt".into()],
            require: [("azp".to_owned(), "web".to_owned())].into(),
            name: Some("preferred_username".into()),
            roles: ClaimSetting { words: roles.collect(), ..claim("/realm_access/roles") },
            organisation: Some(claim("organisation")),
            jurisdictions: Some(ClaimSetting {
                words: provinces.map(|(word, code)| (word.to_owned(), vec![code.to_owned()])).into(),
                ..claim("provinces")
            }),
            refresh_ms: NEVER_MS,
            ask_again_ms: NEVER_MS,
            keys_last_ms: NEVER_MS,
            timeout_ms: 20_000,
        }
    }

    /// The claims of somebody with a role in an organisation, in VN-72.
    pub fn claims(&self, role: &str, organisation: &str) -> Json {
        let now = clock::now().as_second();
        json!({
            "iss": self.name, "aud": ["account", AUDIENCE], "sub": format!("s-{role}"), "azp": "web", "iat": now,
            "nbf": now, "exp": now + 300, "preferred_username": role, "organisation": organisation,
            "realm_access": {"roles": ["offline_access", format!("clearway-{role}")]}, "provinces": ["Đắk Nông"],
        })
    }

    /// The claims of somebody like the one with a configured token of the tests.
    pub fn like(&self, who: &str) -> Option<Json> {
        let (role, organisation) = match who {
            "officer" | "planner" | "inspector" | "auditor" => (who, "office"),
            "carrier" => (who, "viettel"),
            "carrier-elsewhere" => ("carrier", "viettel"),
            "other-carrier" => ("carrier", "vnpt"),
            "project_owner" => (who, "roads-board"),
            "officer-elsewhere" => ("officer", "office"),
            _ => return None,
        };
        let place = if who.ends_with("-elsewhere") { "elsewhere" } else { "Đắk Nông" };
        Some(with(&self.claims(role, organisation), &json!({"provinces": place})))
    }

    /// Tokens that are worth nothing, of the key that is published and of others.
    pub fn forged(&self, key: &Key) -> Vec<(&'static str, String)> {
        let good = self.claims("administrator", "office");
        let signed = key.token(&good);
        let (front, signature) = signed.rsplit_once('.').unwrap();
        let other = Key::p256(key.name);
        let unsigned = |alg: &str| token(&with(&key.head(), &json!({"alg": alg})), &good, |_| Vec::new());
        let by_secret = |secret: &[u8]| {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
            let head = with(&key.head(), &json!({"alg": "HS256"}));
            token(&head, &good, |message| hmac::sign(&secret, message).as_ref().to_vec())
        };
        let head = |more: Json| key.token_by(key.algorithm(), &with(&key.head(), &more), &good);
        let claims = |more: Json| key.token(&with(&good, &more));
        let now = clock::now().as_second();
        let raised = encode(with(&good, &json!({"sub": "s-other"})).to_string().as_bytes());
        let mut last = signed.clone();
        last.replace_range(
            front.len() + 9..=front.len() + 9,
            if &signed[front.len() + 9..=front.len() + 9] == "A" { "B" } else { "A" },
        );
        vec![
            ("alg none", unsigned("none")),
            ("alg None", unsigned("None")),
            ("alg nOnE with the signature", format!("{}.{signature}", unsigned("nOnE").trim_end_matches('.'))),
            ("no signature", format!("{front}.")),
            ("an empty head", token(&json!({}), &good, |_| Vec::new())),
            ("HS256 by the public key", by_secret(&key.public())),
            ("HS256 by the public key as it is published", by_secret(key.jwk().to_string().as_bytes())),
            ("HS256 by nothing", by_secret(b"")),
            ("wrong key", other.token(&good)),
            (
                "wrong key that comes along",
                other.token_by("ES256", &with(&other.head(), &json!({"jwk": other.jwk()})), &good),
            ),
            (
                "wrong key from elsewhere",
                other.token_by("ES256", &with(&other.head(), &json!({"jku": format!("{}/keys", self.name)})), &good),
            ),
            ("another algorithm than that of its key", head(json!({"alg": "ES384"}))),
            ("another kind of key", head(json!({"alg": if key.algorithm() == "RS256" { "ES256" } else { "RS256" }}))),
            ("other claims", format!("{}.{raised}.{signature}", front.split('.').next().unwrap())),
            ("another signature", last),
            ("cut off", signed[..signed.len() - 9].to_owned()),
            ("four parts", format!("{signed}.{signature}")),
            ("unknown key", head(json!({"kid": "../../etc/passwd"}))),
            ("no key named", head(json!({"kid": null}))),
            ("an identity token", head(json!({"typ": "JWT"}))),
            ("no type", head(json!({"typ": null}))),
            ("a critical extension", head(json!({"crit": ["b64"], "b64": false}))),
            ("wrong audience", claims(json!({"aud": "account"}))),
            ("no audience", claims(json!({"aud": null}))),
            ("another issuer", claims(json!({"iss": "https://sso.example/realms/office"}))),
            ("the issuer with a slash", claims(json!({"iss": format!("{}/", self.name)}))),
            ("no issuer", claims(json!({"iss": null}))),
            ("expired", claims(json!({"exp": now - 31}))),
            ("no end", claims(json!({"exp": null}))),
            ("an end that is no number", claims(json!({"exp": (now + 300).to_string()}))),
            ("not yet", claims(json!({"nbf": now + 60}))),
            ("a beginning that is no number", claims(json!({"nbf": "0"}))),
            ("no subject", claims(json!({"sub": null}))),
            ("of another client", claims(json!({"azp": "other"}))),
        ]
    }

    /// Good tokens that give nothing here.
    pub fn worthless(&self, key: &Key) -> Vec<(&'static str, String)> {
        let good = self.claims("administrator", "office");
        let claims = |more: Json| key.token(&with(&good, &more));
        vec![
            ("an organisation that is not registered", claims(json!({"organisation": "nobody"}))),
            ("no roles", claims(json!({"realm_access": null}))),
            ("unknown roles", claims(json!({"realm_access": {"roles": ["administrator", "clearway-", "admin"]}}))),
            ("roles that are no texts", claims(json!({"realm_access": {"roles": [["clearway-administrator"], 1]}}))),
            ("roles elsewhere", claims(json!({"realm_access": null, "roles": ["clearway-administrator"]}))),
            ("no organisation", claims(json!({"organisation": null}))),
            ("two organisations", claims(json!({"organisation": ["office", "viettel"]}))),
            ("SQL as an organisation", claims(json!({"organisation": "office' OR '1'='1"}))),
            ("a NUL in an organisation", claims(json!({"organisation": "office\0"}))),
        ]
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        lock(&self.state).ended = true;
        // Whoever accepts is woken.
        drop(TcpStream::connect(&self.address));
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request, one answer.
fn serve(mut stream: impl Read + Write, name: &str, state: &Mutex<State>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let (mood, keys) = {
        let mut state = lock(state);
        let is_last = path.ends_with("/keys") || matches!(state.mood, Mood::Broken | Mood::Silent | Mood::Failing);
        state.asked += usize::from(is_last);
        (state.mood, state.keys.clone())
    };
    let mut answer = |status: &str, body: &str| {
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n");
        let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).and_then(|()| stream.flush());
    };
    let is_keys = match path.strip_prefix("/realms/office/") {
        Some("keys") => true,
        Some(".well-known/openid-configuration") => false,
        _ => return answer("404 Not Found", ""),
    };
    match mood {
        Mood::Broken => {}
        Mood::Failing => answer("500 Internal Server Error", "{}"),
        Mood::Silent => {
            lock(state).silent += 1;
            while stream.read(&mut byte).is_ok_and(|n| n > 0) {}
            lock(state).silent -= 1;
        }
        Mood::Moved => answer(&format!("302 Found\r\nLocation: {name}/keys"), "{}"),
        Mood::Nonsense if is_keys => answer("200 OK", "<html>"),
        Mood::NoSet if is_keys => answer("200 OK", "{\"keys\": \"none\"}"),
        Mood::Huge if is_keys => answer("200 OK", &json!({"keys": keys, "more": "x".repeat(300_000)}).to_string()),
        _ if is_keys => answer("200 OK", &json!({"keys": keys}).to_string()),
        _ => {
            let issuer = if mood == Mood::Other { "https://sso.example/realms/office" } else { name };
            let place = if mood == Mood::Unsafe { "http://sso.example" } else { name };
            answer("200 OK", &json!({"issuer": issuer, "jwks_uri": format!("{place}/keys")}).to_string());
        }
    }
}
