//! What the log of a server and what it refuses say of secrets that are kept or configured, at its most talkative: those of webhooks,
//! of receipts, of the server of mail, of the bucket, and the key that heads are signed with. What people sign in with is in
//! `account.rs` and `oidc.rs`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use clearway::domain::audit::hex;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::program::{Folder, Running, clearway, command};
use crate::support::{Database, token};

/// Generous, because a machine may be busy; reached only by a failure.
const PATIENCE: Duration = Duration::from_mins(1);

const MAIL_PASSWORD: &str = "hunter2 of the server of mail";
const BUCKET_SECRET: &str = "hunter2/of/the/bucket";
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rules/VN-2027-01.toml");
const CALENDAR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/calendar/VN.toml");
const KINDS: [&str; 4] = ["application", "site_plan", "land_right", "design"];

/// A server in this process for one sort of conversation, until the program ends; and what it is told.
fn listens(converse: fn(&TcpStream, &Sender<String>)) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, (tell, told)) = (listener.local_addr().unwrap(), mpsc::channel());
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| converse(&stream, &tell)));
    (address, told)
}

/// Takes no password (RFC 4954).
fn mail(mut stream: &TcpStream, tell: &Sender<String>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let mut said = stream.write_all(b"220 mailbox ESMTP\r\n");
    while let (Ok(()), Some(line)) = (&said, lines.next()) {
        let answer: &[u8] = match line.split(' ').next().unwrap() {
            "EHLO" => b"250-mailbox\r\n250 AUTH PLAIN\r\n",
            "AUTH" => b"535 5.7.8 not so\r\n",
            "QUIT" => return,
            _ => b"250 2.0.0 go on\r\n",
        };
        said = stream.write_all(answer);
        let _ = tell.send(line);
    }
}

/// Answers 403 to one request, whatever it is.
fn refusing(mut stream: &TcpStream, tell: &Sender<String>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !reader.read_line(&mut head).is_ok_and(|n| n > 0) {
            return;
        }
    }
    let length = head.lines().filter_map(|line| line.split_once(": "));
    let length =
        length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).find_map(|(_, n)| n.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if reader.read_exact(&mut body).is_ok() {
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = tell.send(head);
    }
}

/// A server of the program, and every answer that refused something.
struct Serving {
    running: Running,
    base: String,
    refusals: Vec<String>,
}

impl Serving {
    fn start(database: &Database, settings: &[(&str, &str)]) -> Self {
        let role = |(name, organisation): (&str, &str)| {
            format!(r#"{{token="{}",name="{name}",organisation="{organisation}",roles=["{name}"]}}"#, token(name))
        };
        let all = [("administrator", "office"), ("officer", "office"), ("carrier", "viettel")];
        let mut serve = command(&["serve", "--listen", "127.0.0.1:0"]);
        serve.env("DATABASE_URL", &database.service_url).env("CLEARWAY_LOG", "trace");
        serve.env("CLEARWAY_TOKENS", format!("[{}]", all.map(role).join(","))).envs(settings.iter().copied());
        let running = Running::start(serve);
        let said = running.wait_for("\"serving\"");
        let line: Json = serde_json::from_str(said.lines().find(|l| l.contains("\"serving\"")).unwrap()).unwrap();
        let base = format!("http://{}", line["fields"]["address"].as_str().unwrap());
        Self { running, base, refusals: Vec::new() }
    }

    fn send(&mut self, role: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Json) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if !role.is_empty() {
            request = request.header("Authorization", format!("Bearer {}", token(role)));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = agent.run(request.body(body.to_owned()).unwrap()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let status = answer.status().as_u16();
        if status >= 400 {
            self.refusals.push(text.clone());
        }
        (status, serde_json::from_str(&text).unwrap_or(Json::Null))
    }

    #[track_caller]
    fn json(&mut self, role: &str, method: &str, path: &str, body: &Json, expect: u16) -> Json {
        let (status, told) = self.send(role, method, path, &[("Content-Type", "application/json")], &body.to_string());
        assert_eq!(status, expect, "{method} {path}: {told}");
        told
    }

    /// Leads a request of Viettel to its receipt: its number and the secret on it.
    fn receipt(&mut self) -> (String, String) {
        let listed = KINDS.map(|kind| json!({"kind": kind, "sha256": hex(Sha256::digest(kind).as_ref())}));
        let filed = json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": [107.6907, 12.0042]},
            "properties": {"column_class": "A2b", "height_agl_m": 42, "documents": listed,
                "declarations": ["truthful", "land_agreed", "structure_safe", "exposure_limits"]}});
        let headers = [("Content-Type", "application/geo+json")];
        let items = "/ogc/collections/site-requests/items";
        let (status, made) = self.send("carrier", "POST", items, &headers, &filed.to_string());
        assert_eq!(status, 201, "{made}");
        let path = format!("/api/site-requests/{}", made["id"].as_str().unwrap());
        for kind in KINDS {
            let file = format!("{path}/documents?kind={kind}&name={kind}.txt");
            let (status, added) = self.send("carrier", "POST", &file, &[("Content-Type", "text/plain")], kind);
            assert_eq!(status, 201, "{added}");
        }
        let mut step = |role: &str, event: &str, tag: &str| {
            let headers = [("Content-Type", "application/json"), ("If-Match", tag)];
            let body = json!({"event": event}).to_string();
            let (status, done) = self.send(role, "POST", &format!("{path}/events"), &headers, &body);
            assert_eq!(status, 200, "{done}");
            done
        };
        step("carrier", "submit", "\"1\"");
        let accepted = step("officer", "accept", "\"2\"");
        let text = |name: &str| accepted["properties"][name].as_str().unwrap().to_owned();
        (text("receipt"), text("receipt_secret"))
    }

    /// Ends it; none of these is in its log, nor in what it refused.
    fn ends_without(mut self, secrets: &[String]) {
        self.running.signal("TERM");
        assert_eq!(self.running.end().code(), Some(0), "{}", self.running.said());
        let said = self.running.said();
        assert!(said.contains("\"DEBUG\"") && said.contains("\"TRACE\""), "it says all");
        for secret in secrets {
            assert!(secret.len() > 8);
            let found = said.lines().chain(self.refusals.iter().map(String::as_str)).find(|line| line.contains(secret));
            assert_eq!(found, None, "{secret}");
        }
    }
}

/// Bytes as they may be written: in base64, in hexadecimal digits, or as a list of numbers.
fn written(bytes: &[u8]) -> [String; 3] {
    let list = format!("{bytes:?}");
    [
        Base64::encode_string(bytes).trim_end_matches('=').to_owned(),
        hex(bytes),
        list.trim_matches(['[', ']']).to_owned(),
    ]
}

/// The same of a text, and the text itself.
fn texts(text: &str) -> impl Iterator<Item = String> {
    written(text.as_bytes()).into_iter().chain([text.to_owned()])
}

#[test]
fn the_log_says_no_secret_that_is_kept_or_configured() {
    let (db, folder) = (Database::vn72(), Folder::new());
    for (file, noun, verb) in [(RULES, "rules", "import"), (CALENDAR, "calendar", "set")] {
        assert_eq!(clearway(&db, &[noun, verb, file, "--jurisdiction", "VN-72"]).code, 0);
    }
    for (code, kind) in [("office", "office"), ("viettel", "carrier")] {
        assert_eq!(clearway(&db, &["organisation", "add", code, "--name", code, "--kind", kind]).code, 0);
    }
    let (key, documents) = (folder.path("audit.key"), folder.path("documents"));
    let (key, documents) = (key.to_str().unwrap(), documents.to_str().unwrap());
    assert_eq!(clearway(&db, &["audit", "key", key]).code, 0);
    let ((mailbox, mailed), (hook, hooked)) = (listens(mail), listens(refusing));
    let (host, port) = (mailbox.ip().to_string(), mailbox.port().to_string());
    let mut serving = Serving::start(
        &db,
        &[
            ("CLEARWAY_AUDIT_KEY", key),
            ("CLEARWAY_DOCUMENTS", documents),
            ("CLEARWAY_SMTP_HOST", &host),
            ("CLEARWAY_SMTP_PORT", &port),
            ("CLEARWAY_SMTP_SECURITY", "none"),
            ("CLEARWAY_SMTP_USER", "clearway"),
            ("CLEARWAY_SMTP_PASSWORD", MAIL_PASSWORD),
            ("CLEARWAY_SMTP_FROM", "clearway@so.example"),
            ("CLEARWAY_WEBHOOK_NETWORKS", r#"["127.0.0.0/8"]"#),
        ],
    );
    let nga = json!({"name": "nga", "organisation": "viettel", "roles": ["carrier"]});
    let nga = serving.json("administrator", "POST", "/api/accounts", &nga, 201);
    let path = format!("/api/accounts/{}", nga["id"].as_str().unwrap());
    let wants = json!({"email": "nga@viettel.example", "mail": true});
    serving.json("administrator", "PATCH", &path, &wants, 200);
    let new = json!({"organisation": "viettel", "url": format!("http://{hook}/hook")});
    let first = serving.json("administrator", "POST", "/api/webhooks", &new, 201);
    let path = format!("/api/webhooks/{}", first["id"].as_str().unwrap());
    let second = serving.json("administrator", "PATCH", &path, &json!({"new_secret": true}), 200);
    let hooks = [first, second].map(|made| made["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap().to_owned());
    // What is refused does not say it again.
    serving.json("administrator", "PATCH", &path, &json!({"secret": format!("whsec_{}", hooks[0])}), 422);
    let url = json!({"organisation": "viettel", "url": format!("http://{}@{hook}/hook", hooks[1])});
    serving.json("administrator", "POST", "/api/webhooks", &url, 422);
    let (receipt, secret) = serving.receipt();
    // Both are tried, with what they are to be known by.
    let signed = hooked.recv_timeout(PATIENCE).unwrap();
    assert!(signed.to_lowercase().contains("webhook-signature: v1,"), "{signed}");
    let signature = signed.lines().find_map(|line| line.split_once(": v1,")).unwrap().1.to_owned();
    let plain = Base64::encode_string(format!("\0clearway\0{MAIL_PASSWORD}").as_bytes());
    while mailed.recv_timeout(PATIENCE).unwrap() != format!("AUTH PLAIN {plain}") {}
    serving.json("administrator", "GET", &format!("{path}/deliveries"), &Json::Null, 200);
    let tracked = format!("/api/tracking/{receipt}");
    for (path, given, expect) in [
        (tracked.as_str(), secret.as_str(), 200),
        (&tracked, &secret[1..], 404),
        ("/api/tracking/VN-72-2026-999999", &secret, 404),
        (&format!("{tracked}?secret={secret}"), "", 400),
    ] {
        let status = serving.send("", "GET", path, &[("Tracking-Secret", given)], "").0;
        assert_eq!(status, expect, "{path}");
    }
    let seed = std::fs::read_to_string(key).unwrap().trim().to_owned();
    let mut secrets: Vec<String> = hooks.iter().flat_map(|s| written(&Base64::decode_vec(s).unwrap())).collect();
    secrets.extend(written(&clearway::domain::audit::unhex(&seed).unwrap()));
    secrets.extend(texts(&secret).chain(texts(MAIL_PASSWORD)).chain([plain, signature, seed]));
    serving.ends_without(&secrets);
}

#[test]
fn the_log_says_nothing_of_the_key_of_a_bucket() {
    let (db, (bucket, asked)) = (Database::vn72(), listens(refusing));
    let endpoint = format!("http://{bucket}");
    let mut serving = Serving::start(
        &db,
        &[
            ("CLEARWAY_DOCUMENTS", "s3://papers/office"),
            ("CLEARWAY_DOCUMENTS_S3_ENDPOINT", &endpoint),
            ("CLEARWAY_DOCUMENTS_S3_REGION", "here"),
            ("CLEARWAY_DOCUMENTS_S3_KEY_ID", "test-key"),
            ("CLEARWAY_DOCUMENTS_S3_SECRET", BUCKET_SECRET),
        ],
    );
    let work = json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": [107.6907, 12.0042]},
        "properties": {"kind": "mast", "organisation": "viettel"}});
    let headers = [("Content-Type", "application/geo+json")];
    let (status, made) = serving.send("officer", "POST", "/ogc/collections/works/items", &headers, &work.to_string());
    assert_eq!(status, 201, "{made}");
    let path = format!("/api/works/{}/documents?kind=other&name=a.txt", made["id"].as_str().unwrap());
    let (status, told) = serving.send("officer", "POST", &path, &[("Content-Type", "text/plain")], "a text");
    assert!(status >= 500, "{status} {told}");
    let head = asked.recv_timeout(PATIENCE).unwrap();
    let (_, signature) = head.split_once("Signature=").unwrap_or_else(|| panic!("it is not signed: {head}"));
    let signature = signature.lines().next().unwrap().to_owned();
    let secrets: Vec<String> = texts(BUCKET_SECRET).chain([signature]).collect();
    serving.ends_without(&secrets);
}

/// A file that is no key may be one that was broken.
#[test]
fn what_is_no_key_is_not_said_again() {
    let (db, folder) = (Database::vn72(), Folder::new());
    let broken = folder.file("audit.key", format!("{}x", "0123456789abcdef".repeat(4)));
    let mut serve = command(&["serve", "--listen", "127.0.0.1:0"]);
    serve.env("DATABASE_URL", &db.service_url).env("CLEARWAY_LOG", "trace").env("CLEARWAY_AUDIT_KEY", &broken);
    let mut running = Running::start(serve);
    assert_ne!(running.end().code(), Some(0));
    let said = running.said();
    assert!(said.contains("does not hold a key") && !said.contains("0123456789abcdef"), "{said}");
}
