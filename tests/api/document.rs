//! Documents: what is sent is kept whole, once, under its hash, or not at all; who reads what; and what is wrong is named.

#![allow(clippy::format_collect)] // short texts

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use clearway::actions::audit::{self, Range};
use clearway::actions::document::{UPLOADS_MAX, keeping};
use clearway::domain::actor::Actor;
use clearway::domain::audit::hex;
use clearway::domain::document::{MediaType, OWNER_READS};
use clearway::domain::word::Word;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::help::{Api, WORKS, mast, merged, point, rect, sql};
use crate::operation::until;
use crate::outage::waiting;
use crate::people::admin;
use crate::support::{Response, run_sql, token};

pub const PDF: &[u8] = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

/// No document has it.
const ABSENT: &str = "01920000-0000-7000-8000-000000000000";

fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

fn digest(content: &[u8]) -> String {
    format!("sha-256=:{}:", Base64::encode_string(&Sha256::digest(content)))
}

/// The documents of a work.
fn of_work(id: &str) -> String {
    format!("/api/works/{id}/documents")
}

/// Sends a file as somebody.
pub fn send(api: &Api, role: &str, path: &str, more: &[(&str, &str)], content: &[u8]) -> Response {
    let bearer = format!("Bearer {}", token(role));
    let mut headers = more.to_vec();
    if !role.is_empty() {
        headers.push(("Authorization", bearer.as_str()));
    }
    api.server.send("POST", path, &headers, Some(content))
}

/// Adds a file; what is known of it then.
pub fn added(api: &Api, role: &str, holder: &str, query: &str, content: &[u8]) -> Json {
    let answer = send(api, role, &format!("{holder}?{query}"), &[], content);
    assert_eq!(answer.status, 201, "{role} {holder} {query}: {}", answer.text);
    answer.json()
}

/// An original, and a redacted copy of it, by the office; their ids.
pub fn pair(api: &Api, nouns: &str, holder: &str) -> [String; 2] {
    let path = format!("/api/{nouns}/{holder}/documents");
    let original = added(api, "officer", &path, "kind=drawing&name=a.txt", b"a name and an address");
    let query = format!("redacts={}&name=b.txt", text(&original, "id"));
    let copy = added(api, "officer", &path, &query, b"[name] and [address]");
    [&original, &copy].map(|document| text(document, "id").to_owned())
}

pub fn text<'a>(document: &'a Json, name: &str) -> &'a str {
    document[name].as_str().unwrap()
}

/// An answer whose body may be no text.
pub struct Fetched {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Result<Vec<u8>, String>,
}

impl Fetched {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }
}

pub fn fetch(api: &Api, role: &str, method: &str, path: &str, more: &[(&str, &str)]) -> Fetched {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", api.server.base));
    if !role.is_empty() {
        request = request.header("Authorization", format!("Bearer {}", token(role)));
    }
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let mut answer = agent.run(request.body(()).unwrap()).unwrap();
    let of = |(n, v): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())
    };
    Fetched {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().map(of).collect(),
        body: answer.body_mut().with_config().limit(256 * 1024 * 1024).read_to_vec().map_err(|e| e.to_string()),
    }
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<PathBuf> = entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path) } else { vec![path] }
        })
        .collect();
    all.sort();
    all
}

fn kept(api: &Api) -> Vec<PathBuf> {
    files(&api.database.documents())
}

/// What there is: documents, events, objects.
fn counts(api: &Api) -> (String, String, usize) {
    let count = |table: &str| api.sql(&format!("SELECT count(*) FROM {table}")).unwrap();
    (count("documents"), count("audit_events"), kept(api).len())
}

#[test]
fn a_document_is_kept_as_it_was_sent() {
    let api = Api::new();
    let work = api.work("A-1", point(0.0, 0.0));
    let name = "Quyết định 12-QĐ.UBND (ký).pdf";
    let before = api.sql("SELECT count(*) FROM audit_events");
    let path = format!("{}?kind=decision&name={}", of_work(&work), encoded(name));
    let stated = digest(PDF);
    let headers = [("Content-Type", "application/pdf"), ("Repr-Digest", stated.as_str()), ("Reason", "theo hồ sơ 7")];
    let answer = send(&api, "officer", &path, &headers, PDF);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let made = answer.json();
    let id = text(&made, "id").to_owned();
    let place = format!("{}/api/documents/{id}", api.server.base);
    assert_eq!(answer.header("location"), Some(place.as_str()));
    let sum = hex(&Sha256::digest(PDF));
    assert_eq!(
        made,
        json!({"id": id, "jurisdiction": "VN-72", "holder": {"noun": "works", "id": work}, "kind": "decision", "name": name,
            "media_type": "application/pdf", "bytes": PDF.len(), "sha256": sum, "redacted": false, "redacts": null,
            "organisation": "office", "added_by": "officer", "recorded_at": made["recorded_at"],
            "revision": made["revision"], "content": format!("{place}/content")})
    );
    assert_eq!(api.server.get("officer", &format!("/api/documents/{id}")).json(), made);
    let listed = api.server.get("officer", &of_work(&work)).json();
    assert_eq!(listed, json!({"documents": [made], "next": null}));

    let content = format!("/api/documents/{id}/content");
    let got = fetch(&api, "officer", "GET", &content, &[("Accept-Encoding", "gzip")]);
    assert_eq!((got.status, got.body.as_deref()), (200, Ok(PDF)));
    let length = PDF.len().to_string();
    let tag = format!("\"{sum}\"");
    for (header, expect) in [
        ("content-type", "application/pdf"),
        ("content-length", &length),
        ("content-encoding", ""),
        ("etag", &tag),
        ("repr-digest", &stated),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(got.header(header), expect, "{header}");
    }
    let disposition = got.header("content-disposition");
    assert!(
        disposition.starts_with("attachment; filename=\"Quy_t ____nh 12-Q_.UBND (k_).pdf\"")
            || disposition.starts_with("attachment; filename=\"Quy_t "),
        "{disposition}"
    );
    assert!(disposition.contains("filename*=UTF-8''Quy%E1%BA%BFt%20"), "{disposition}");
    let head = fetch(&api, "officer", "HEAD", &content, &[("Accept-Encoding", "identity")]);
    assert_eq!((head.status, head.header("content-length"), head.header("etag")), (200, length.as_str(), tag.as_str()));
    let known = fetch(&api, "officer", "GET", &content, &[("If-None-Match", &tag)]);
    assert_eq!((known.status, known.body.as_deref()), (304, Ok(&b""[..])));

    // One event, in the chain of the holder's jurisdiction, and the row is what it says.
    let event = "SELECT concat_ws(' ', deed, actor, reason, subject, on_behalf_of, detail->>'what', detail->>'holder',
        detail->>'sha256', length(after)) FROM audit_events ORDER BY revision DESC LIMIT 1";
    assert_eq!(api.sql(event), Some(format!("create officer theo hồ sơ 7 {id} viettel document work {sum} 32")));
    let grown = api.sql("SELECT count(*) FROM audit_events").unwrap().parse::<i64>().unwrap();
    assert_eq!(grown, before.unwrap().parse::<i64>().unwrap() + 1);
    assert!(faults(&api).is_empty());

    // The same again is there already; elsewhere it is one object.
    assert_eq!(send(&api, "officer", &path, &headers, PDF).status, 409);
    let road = api.road("C-1", rect(0.0, 0.0, 9.0, 9.0));
    added(&api, "planner", &format!("/api/corridors/{road}/documents"), "kind=other&name=x.pdf", PDF);
    assert_eq!(kept(&api).len(), 1);
    assert!(kept(&api)[0].ends_with(format!("sha256/{}/{sum}", &sum[..2])), "{:?}", kept(&api));
    assert_eq!(fs::read(&kept(&api)[0]).unwrap(), PDF);
}

fn faults(api: &Api) -> Vec<String> {
    let reports =
        audit::verify(&api.database.context(), &Actor::operator(), &Range::default(), audit::Kept::default()).unwrap();
    reports.into_iter().flat_map(|(_, report)| report.faults).map(|fault| format!("{fault:?}")).collect()
}

/// What each way of sending is answered with: the query, headers, the file; the status, the problem, and of what it speaks.
type Way<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], u16, &'a str, &'a str);

#[test]
fn what_is_wrong_is_named_and_leaves_nothing() {
    let api = Api::with(|settings| settings.document_bytes_max = 10_000);
    let work = api.work("A-1", point(0.0, 0.0));
    let made = added(&api, "officer", &of_work(&work), "kind=other&name=first.pdf", PDF);
    let copy = format!("name=c.txt&redacts={}", text(&made, "id"));
    let copy = added(&api, "officer", &of_work(&work), &copy, b"[redacted]");
    let redacts = |id: &str, more: &str| format!("name=a.txt&redacts={id}{more}");
    let of_copy = redacts(text(&copy, "id"), "");
    let (unknown, other_kind) = (redacts(ABSENT, ""), redacts(text(&made, "id"), "&kind=drawing"));
    let itself = format!("name=a.pdf&redacts={}", text(&made, "id"));
    let named = |name: &str| format!("kind=other&name={}", encoded(name));
    let names: Vec<String> =
        ["../../etc/passwd", "..\\x.pdf", "a\r\nb.pdf", "\u{202e}fdp.exe", ".", " a.pdf", "a\u{200b}.pdf"]
            .map(named)
            .into();
    let long = named(&format!("{}.pdf", "x".repeat(300)));
    let (large, other) = (vec![b'x'; 10_001], digest(b"other"));
    let (representation, content) = ([("Repr-Digest", other.as_str())], [("Content-Digest", other.as_str())]);
    let pdf = [("Content-Type", "application/pdf")];
    let mut ways: Vec<Way<'_>> = vec![
        ("kind=other", &[], PDF, 400, "parameter", "«name»: is missing"),
        ("name=a.pdf", &[], PDF, 400, "parameter", "«kind»: is missing"),
        ("kind=letter&name=a.pdf", &[], PDF, 400, "parameter", "«letter» is none of"),
        ("kind=other&name=a.pdf&owner=x", &[], PDF, 400, "parameter", "«owner»: is not known"),
        (&long, &[], PDF, 400, "parameter", "more than 200 characters"),
        ("kind=other&name=", &[], PDF, 400, "parameter", "neither begins nor ends"),
        ("kind=other&name=a.pdf.exe", &pdf, PDF, 400, "parameter", "must end with .pdf"),
        ("kind=other&name=a.pdf", &[], b"", 400, "malformed-document", "the body is empty"),
        ("kind=other&name=a.pdf", &[], b"MZ\x90\0", 415, "media-type", "in the file is application/"),
        ("kind=other&name=a.pdf", &pdf, b"plain", 415, "media-type", "and in the file is text/plain"),
        ("kind=other&name=a.txt", &[("Content-Type", "text/plain")], PDF, 415, "media-type", "is application/pdf"),
        ("kind=other&name=a.txt", &[("Content-Type", "text/html")], b"x", 415, "media-type", "«text/html» was sent"),
        ("kind=other&name=a.txt", &[], b"<html><script>", 415, "media-type", "in the file is text/html"),
        ("kind=other&name=a.txt", &[], b"a\xff\xfeb", 415, "media-type", "text must be UTF-8"),
        (
            "kind=other&name=a.txt",
            &[("Content-Type", "text/plain; charset=windows-1258")],
            b"x",
            415,
            "media-type",
            "windows-1258",
        ),
        ("kind=other&name=a.txt", &[("Content-Encoding", "gzip")], b"x", 415, "media-type", "Content-Encoding"),
        ("kind=other&name=a.geojson", &[], b"{\"type\":", 415, "media-type", "no GeoJSON"),
        ("kind=other&name=a.txt", &representation, b"x", 400, "parameter", "what came has the SHA-256"),
        ("kind=other&name=a.txt", &content, b"x", 400, "parameter", "what came has the SHA-256"),
        ("kind=other&name=a.txt", &[("Repr-Digest", "sha-256=:eA==:")], b"x", 400, "parameter", "RFC 9530"),
        ("kind=other&name=a.txt", &[("Repr-Digest", "sha-512=:eA==:")], b"x", 400, "parameter", "RFC 9530"),
        ("kind=other&name=a.txt", &[("Repr-Digest", "nonsense")], b"x", 400, "parameter", "RFC 9530"),
        ("kind=other&name=a.txt", &[], &large, 413, "too-large", "the limit is 10000 bytes"),
        ("name=a.txt&redacts=x", &[], b"x", 400, "parameter", "is not a UUID"),
        (&unknown, &[], b"x", 404, "not-there", "is not there"),
        (&of_copy, &[], b"x", 400, "parameter", "is a redacted copy itself"),
        (&other_kind, &[], b"x", 400, "parameter", "is that of the original, which is other"),
        (&itself, &[], PDF, 409, "taken", "the original itself"),
    ];
    for name in &names {
        ways.push((name, &pdf, PDF, 400, "parameter", "«name»"));
    }
    let before = counts(&api);
    for (query, headers, content, status, problem, detail) in &ways {
        let answer = send(&api, "officer", &format!("{}?{query}", of_work(&work)), headers, content);
        let what = format!("{query} {headers:?}: {}", answer.text);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (*status, Some("application/problem+json")),
            "{what}"
        );
        let said = answer.json();
        assert_eq!(said["type"], format!("/problems/{problem}"), "{what}");
        assert!(text(&said, "detail").contains(detail), "{what}");
    }
    // A redacted copy of what belongs to something else, and what is no holder at all.
    let elsewhere = api.work("A-2", point(5.0, 0.0));
    let answer = send(&api, "officer", &format!("{}?{itself}", of_work(&elsewhere)), &[], b"x");
    assert_eq!(answer.status, 404, "{}", answer.text);
    for path in
        ["/api/wells/x/documents".to_owned(), of_work("x"), of_work(ABSENT), format!("/api/corridors/{work}/documents")]
    {
        let answer = send(&api, "officer", &format!("{path}?kind=other&name=a.txt"), &[], b"x");
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
    }
    let after = counts(&api);
    assert_eq!((after.0, after.2), (before.0, before.2), "nothing of it is kept");
    assert_eq!(after.1.parse::<i64>().unwrap(), before.1.parse::<i64>().unwrap() + 1, "the work alone was written");
}

#[test]
fn everything_that_is_taken_comes_back() {
    let api = Api::new();
    let work = api.work("A-1", point(0.0, 0.0));
    let office = |inside: &str| {
        let entry = |name: &str| {
            let mut head = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
            head.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            head.extend([0, 0]);
            head.extend(name.as_bytes());
            head
        };
        ["[Content_Types].xml", "_rels/.rels", "docProps/app.xml", &format!("{inside}/document.xml")]
            .map(entry)
            .concat()
    };
    // As large as it may be in parts, and not all the same.
    let long: Vec<u8> = (0..20_000_000_u32).flat_map(|n| [b'0' + (n % 10) as u8]).collect();
    let (docx, xlsx) = (office("word"), office("xl"));
    for (name, content, stated) in [
        ("a.pdf", PDF, MediaType::Pdf),
        ("a.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0".as_slice(), MediaType::Jpeg),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", MediaType::Png),
        ("a.tiff", b"II*\0\x08\0\0\0\0\0\0\0", MediaType::Tiff),
        ("a.docx", docx.as_slice(), MediaType::Docx),
        ("a.xlsx", xlsx.as_slice(), MediaType::Xlsx),
        ("a.txt", "Trạm".as_bytes(), MediaType::Text),
        ("a.csv", "mã;tên\r\n".as_bytes(), MediaType::Csv),
        ("a.geojson", b"{\"type\":\"Feature\"}", MediaType::GeoJson),
        ("long.txt", long.as_slice(), MediaType::Text),
    ] {
        let path = format!("{}?kind=other&name={name}", of_work(&work));
        let answer = send(&api, "officer", &path, &[("Content-Type", stated.as_str())], content);
        assert_eq!(answer.status, 201, "{name}: {}", answer.text);
        let made = answer.json();
        assert_eq!((text(&made, "media_type"), &made["bytes"]), (stated.as_str(), &json!(content.len())), "{name}");
        let got = fetch(&api, "officer", "GET", &format!("/api/documents/{}/content", text(&made, "id")), &[]);
        assert!(got.body.as_deref() == Ok(content), "{name}");
        let charset = if stated.is_text() { "; charset=utf-8" } else { "" };
        assert_eq!(got.header("content-type"), format!("{stated}{charset}"));
    }
    assert_eq!(keeping::verify(&api.database.context(), &Actor::operator(), &mut |_, why| panic!("{why}")), Ok(10));
}

/// Who is shown what: the redacted copy whoever sees the holder, the original by the table.
#[test]
fn originals_and_redacted_copies_have_their_readers() {
    let api = Api::new();
    let own = |code: &str, visibility: &str| merged(json!({"code": code, "visibility": visibility}), &mast());
    let (open, hidden) = (
        api.add(WORKS, point(0.0, 0.0), own("OPEN", "public")),
        api.add(WORKS, point(5.0, 0.0), own("HIDDEN", "restricted")),
    );
    for holder in [&open, &hidden] {
        for (role, kind) in [("officer", "decision"), ("officer", "appraisal_report"), ("carrier", "drawing")] {
            let content = format!("{role} {kind} {holder}");
            let query = format!("kind={kind}&name={role}-{kind}.txt");
            let original = added(&api, role, &of_work(holder), &query, content.as_bytes());
            let query = format!("redacts={}&name={role}-{kind}-redacted.txt", text(&original, "id"));
            let copy = added(&api, role, &of_work(holder), &query, format!("redacted {content}").as_bytes());
            assert_eq!((&copy["kind"], &copy["redacts"]), (&json!(kind), &original["id"]));
        }
    }
    let names = |page: &Json| -> Vec<String> {
        page["documents"].as_array().unwrap().iter().map(|d| text(d, "name").to_owned()).collect()
    };
    let all = names(&api.server.get("officer", &of_work(&open)).json());
    assert_eq!(all.len(), 6);
    let everything: &[usize] = &[0, 1, 2, 3, 4, 5];
    for (role, reads, sees_hidden) in [
        ("officer", everything, true),
        ("approver", everything, true),
        ("auditor", everything, true),
        ("administrator", everything, true),
        // What its own office added.
        ("planner", &[0, 1, 2, 3, 5][..], false),
        ("inspector", &[0, 1, 2, 3, 5], false),
        ("officer-elsewhere", &[0, 1, 2, 3, 5], false),
        // Its own, and what is addressed to it.
        ("carrier", &[0, 1, 3, 4, 5], true),
        ("other-carrier", &[1, 3, 5], false),
        ("project_owner", &[1, 3, 5], false),
        ("consultee", &[1, 3, 5], false),
        ("", &[1, 3, 5], false),
    ] {
        let expect: Vec<&String> = reads.iter().map(|n| &all[*n]).collect();
        let page = api.server.get(role, &of_work(&open)).json();
        assert_eq!(names(&page).iter().collect::<Vec<_>>(), expect, "{role}");
        for document in page["documents"].as_array().unwrap() {
            let copy = document["redacted"] == true;
            let original =
                reads.contains(&(all.iter().position(|n| n == text(document, "name")).unwrap().saturating_sub(1)));
            assert_eq!(document["redacts"].is_string(), copy && original, "{role} {document}");
        }
        // Page by page, without a gap where something is hidden.
        let (mut path, mut paged) = (Some(format!("{}?limit=1", of_work(&open))), Vec::new());
        while let Some(next) = path {
            let page = api.server.get(role, &next).json();
            paged.extend(names(&page));
            path = page["next"].as_str().map(|next| next.strip_prefix(&api.server.base).unwrap().to_owned());
        }
        assert_eq!(paged.iter().collect::<Vec<_>>(), expect, "{role}");
        let hidden_page = api.server.get(role, &of_work(&hidden));
        assert_eq!(hidden_page.status, if sees_hidden { 200 } else { 404 }, "{role}");
        // By its id each answers alike: as the list says, or as one that is not there.
        for holder in [&open, &hidden] {
            let whole = api.server.get("officer", &of_work(holder)).json();
            for (n, document) in whole["documents"].as_array().unwrap().iter().enumerate() {
                let may = reads.contains(&n) && (holder == &open || sees_hidden);
                for path in [
                    format!("/api/documents/{}", text(document, "id")),
                    format!("/api/documents/{}/content", text(document, "id")),
                ] {
                    let answer = api.server.get(role, &path);
                    assert_eq!(answer.status, if may { 200 } else { 404 }, "{role} {document}");
                    if !may {
                        let absent = api.server.get(role, &path.replace(text(document, "id"), ABSENT)).json();
                        let told = |mut said: Json| {
                            said["request_id"].take();
                            said.to_string().replace(text(document, "id"), ABSENT)
                        };
                        assert_eq!(told(answer.json()), told(absent), "{role}");
                    }
                }
            }
        }
    }
    // A redacted copy of what one does not read is none; nor does one add to what is not one's own.
    let whole = api.server.get("officer", &of_work(&open)).json();
    let report =
        whole["documents"].as_array().unwrap().iter().find(|d| d["name"] == "officer-appraisal_report.txt").unwrap();
    let query = format!("name=x.txt&redacts={}", text(report, "id"));
    assert_eq!(send(&api, "carrier", &format!("{}?{query}", of_work(&open)), &[], b"x").status, 404);
    for (role, holder, expect) in
        [("other-carrier", &open, 403), ("planner", &open, 403), ("other-carrier", &hidden, 404), ("", &open, 401)]
    {
        let answer = send(&api, role, &format!("{}?kind=other&name=x.txt", of_work(holder)), &[], b"x");
        assert_eq!(answer.status, expect, "{role}: {}", answer.text);
    }
    // The second wall says the same, but for the kinds.
    let conn = &mut PgConnection::establish(&api.database.service_url).unwrap();
    for (said, expect) in [
        ("{}", "0"),
        ("{\"* public\"}", "3"),
        ("{\"* public\",\"* @viettel\"}", "12"),
        ("{\"* public\",\"* @office\"}", "5"),
        ("{\"VN-72 restricted\",\"VN-72 public\"}", "12"),
        ("{\"* public\",\"* carriers\",\"* government\",\"* restricted\"}", "12"),
    ] {
        conn.batch_execute(&format!("BEGIN; SET LOCAL clearway.sees = '{said}'")).unwrap();
        assert_eq!(sql(conn, "SELECT count(*) FROM documents").unwrap(), expect, "{said}");
        conn.batch_execute("ROLLBACK").unwrap();
    }
}

/// Sends the head of a request, and a part of its body.
fn begun(api: &Api, work: &str, head: &str, body: &[u8]) -> TcpStream {
    begun_by(api, &token("officer"), work, head, body)
}

fn begun_by(api: &Api, bearer: &str, work: &str, head: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(api.server.base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!(
        "POST {}?kind=other&name=a.txt HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bearer}\r\n{head}\r\n\r\n",
        of_work(work)
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream
}

fn answered(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn what_breaks_off_or_is_too_slow_or_too_long_leaves_nothing() {
    let nothing_left = |api: &Api, work: &str, before: (String, String, usize)| {
        assert_eq!(counts(api), before);
        // And the places of all of them are free again.
        until("every place", || {
            let streams: Vec<TcpStream> =
                (0..UPLOADS_MAX).map(|_| begun(api, work, "Content-Length: 2", b"x")).collect();
            let ended = streams.into_iter().map(|mut stream| {
                let _ = stream.write_all(b"y");
                answered_head(&stream)
            });
            ended.filter(|status| [201, 409].contains(status)).count() == UPLOADS_MAX
        });
        assert_eq!(kept(api).len(), 1, "one content, however often it comes at once");
        assert_eq!(api.sql("SELECT count(*) FROM documents"), Some("1".into()));
    };
    // Silence. Each limit is a server's own, so that on a busy machine none is reached before the one that is meant.
    let api = Api::with(|settings| settings.batch_idle_timeout_s = 1);
    let work = api.work("A-1", point(0.0, 0.0));
    let before = counts(&api);
    let answer = answered(begun(&api, &work, "Content-Length: 100", b"ten bytes."));
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("the next bytes of the document"), "{answer}");
    nothing_left(&api, &work, before);
    // A byte now and then.
    let api = Api::with(|settings| settings.document_timeout_s = 2);
    let work = api.work("A-1", point(0.0, 0.0));
    let before = counts(&api);
    let slow = begun(&api, &work, "Content-Length: 100", b"x");
    slow.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut more = slow.try_clone().unwrap();
    let answer = said(slow, || drop(more.write_all(b"x")));
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("the document took more than 2 s"), "{answer}");
    nothing_left(&api, &work, before);
    // Announced by nobody, and too long.
    let api = Api::with(|settings| settings.document_bytes_max = 1_000_000);
    let work = api.work("A-1", point(0.0, 0.0));
    let before = counts(&api);
    let chunk = [format!("{:x}\r\n", 600_000).into_bytes(), vec![b'x'; 600_000], b"\r\n".to_vec()].concat();
    let long = begun(&api, &work, "Transfer-Encoding: chunked", &chunk);
    let mut again = long.try_clone().unwrap();
    // The answer is read while the rest is sent: it comes before that has ended. What comes in is looked at in pieces of 256 KiB, so
    // that one more has to come than is too much.
    let rest = std::thread::spawn(move || drop(again.write_all(&[&chunk[..], &chunk].concat())));
    let answer = said(long, || ());
    rest.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"limit\":\"1000000 bytes\""), "{answer}");
    // Broken off.
    for _ in 0..3 {
        drop(begun(&api, &work, "Content-Length: 500000", &vec![b'x'; 400_000]));
    }
    nothing_left(&api, &work, before);
}

/// What is answered, as far as it is there; `waits` is done each time that nothing came for a while.
fn said(mut stream: TcpStream, mut waits: impl FnMut()) -> String {
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&answer).contains("request_id") {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(n) => answer.extend(&part[..n]),
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => waits(),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn answered_head(mut stream: &TcpStream) -> u16 {
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
}

/// Who may less by the time the file is there adds nothing, and learns nothing.
#[test]
fn rights_are_looked_at_again_inside_the_write() {
    let api = Api::with_people();
    let account = api.account("nga", "viettel", &["carrier"]);
    let work = api.work("A-1", point(0.0, 0.0));
    let disable = || {
        let path = format!("/api/accounts/{account}");
        assert_eq!(api.json(&admin(), "PATCH", &path, Some(&json!({"disabled": true}))).status, 200);
    };
    for (change, expect) in [
        ("organisation = 'vnpt'", "HTTP/1.1 403"),
        ("organisation = 'vnpt', visibility = 'restricted'", "HTTP/1.1 404"),
        ("organisation = 'viettel', visibility = 'public'", "HTTP/1.1 401"),
    ] {
        // Without the history, which has room for one version in a revision.
        let alone = "SET LOCAL session_replication_role = replica; UPDATE works SET";
        run_sql(&api.database.url, &format!("BEGIN; {alone} organisation = 'viettel', visibility = 'public'; COMMIT"));
        let mut other = api.database.connect();
        // The holder is looked at before the file comes in, and waited for inside the write.
        other.batch_execute(&format!("BEGIN; {alone} {change}")).unwrap();
        let (bearer, _) = api.sign_in("nga");
        let stream = begun_by(&api, &bearer, &work, "Connection: close\r\nContent-Length: 2", b"xy");
        until("it waits", || waiting(&api) == 1);
        if expect.ends_with("401") {
            disable();
        }
        other.batch_execute("COMMIT").unwrap();
        let answer = answered(stream);
        assert!(answer.starts_with(expect), "{change}: {answer}");
    }
    assert_eq!(api.sql("SELECT count(*) FROM documents"), Some("0".into()));
}

#[test]
fn so_many_documents_come_in_at_once_and_no_more() {
    let api = Api::new();
    let work = api.work("A-1", point(0.0, 0.0));
    let mut open = Vec::new();
    let refused = |answer: &Response| answer.status == 503 && answer.header("retry-after").is_some();
    let path = format!("{}?kind=other&name=a.txt", of_work(&work));
    // One that found no connection to the database has no place: another one comes.
    until("no place", || {
        open.extend(
            (open.len()..UPLOADS_MAX.max(open.len() + 1)).map(|_| begun(&api, &work, "Content-Length: 2", b"x")),
        );
        refused(&send(&api, "officer", &path, &[], b"x"))
    });
    drop(open);
    until("a place", || [201, 409].contains(&send(&api, "officer", &path, &[], b"x").status));
}

/// The database refuses the row when the object is there already: the object is taken up again, or swept.
#[test]
fn an_object_without_a_document_is_taken_up_or_swept() {
    let api = Api::new();
    let work = api.work("A-1", point(0.0, 0.0));
    let kept_one = added(&api, "officer", &of_work(&work), "kind=other&name=kept.txt", b"kept");
    run_sql(
        &api.database.url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END';
         CREATE TRIGGER refuse BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    let path = format!("{}?kind=other&name=a.txt", of_work(&work));
    let before = counts(&api);
    for content in [b"one".as_slice(), b"two"] {
        let answer = send(&api, "officer", &path, &[], content);
        assert_eq!(answer.status, 500, "{}", answer.text);
        assert!(!answer.text.contains("not now"), "{}", answer.text);
    }
    let after = counts(&api);
    assert_eq!((&after.0, &after.1, after.2), (&before.0, &before.1, 3), "two objects without a document");
    run_sql(&api.database.url, "DROP TRIGGER refuse ON documents");
    added(&api, "officer", &of_work(&work), "kind=other&name=a.txt", b"one");
    let context = api.database.context();
    let swept = |age| keeping::sweep(&context, &Actor::operator(), age).unwrap();
    assert_eq!(swept(keeping::ORPHAN_AGE).objects, 0, "it is too young");
    for file in kept(&api) {
        let old = std::time::SystemTime::from(clearway::clock::now()) - 2 * keeping::ORPHAN_AGE;
        fs::File::options().write(true).open(file).unwrap().set_modified(old).unwrap();
    }
    let gone = swept(keeping::ORPHAN_AGE);
    assert_eq!((gone.objects, gone.bytes), (1, 3));
    assert_eq!(kept(&api).len(), 2);
    let content = format!("/api/documents/{}/content", text(&kept_one, "id"));
    assert_eq!(fetch(&api, "officer", "GET", &content, &[]).body.as_deref(), Ok(&b"kept"[..]));
    let officer = Actor { roles: vec![clearway::domain::actor::Role::Officer], ..Actor::operator() };
    assert!(keeping::sweep(&context, &officer, keeping::ORPHAN_AGE).is_err());
}

#[test]
fn what_was_changed_behind_the_service_is_not_shown_as_whole() {
    let api = Api::new();
    let work = api.work("A-1", point(0.0, 0.0));
    let long: Vec<u8> = vec![b'x'; 3_000_000];
    let made = added(&api, "officer", &of_work(&work), "kind=other&name=a.txt", &long);
    let content = format!("/api/documents/{}/content", text(&made, "id"));
    let file = kept(&api).remove(0);
    let verify = || {
        let mut found = Vec::new();
        let all = keeping::verify(&api.database.context(), &Actor::operator(), &mut |sum, why| {
            found.push(format!("{} {why}", hex(sum)));
        });
        (all, found)
    };
    assert_eq!(verify(), (Ok(1), vec![]));
    let mut other = long.clone();
    other[1_500_000] = b'y';
    fs::write(&file, other).unwrap();
    let broken = fetch(&api, "officer", "GET", &content, &[]);
    assert!(broken.status == 200 && broken.body.is_err(), "its last piece is never sent");
    let (all, found) = verify();
    assert_eq!((all, found.len()), (Ok(1), 1));
    assert!(found[0].ends_with("is not what it was"), "{found:?}");
    for spoil in [|file: &Path| fs::write(file, b"short"), |file: &Path| fs::remove_file(file)] {
        spoil(&file).unwrap();
        let lost = api.server.get("officer", &content);
        assert_eq!((lost.status, lost.json()["type"].as_str()), (500, Some("/problems/internal")), "{}", lost.text);
    }
    assert!(verify().1[0].contains("is not there"), "{:?}", verify());
    // Whoever sends it again makes it good.
    let road = api.road("C-1", rect(0.0, 0.0, 9.0, 9.0));
    added(&api, "officer", &format!("/api/corridors/{road}/documents"), "kind=other&name=a.txt", &long);
    assert!(fetch(&api, "officer", "GET", &content, &[]).body.as_deref() == Ok(long.as_slice()));

    // Nor do rows change, not even by whoever owns them, but for a superuser, and then the trail tells of it.
    for change in ["UPDATE documents SET name = 'x'", "DELETE FROM documents", "TRUNCATE documents"] {
        let refused = api.database.connect().batch_execute(change).unwrap_err().to_string();
        assert!(refused.contains("documents are never changed or deleted"), "{change}: {refused}");
    }
    assert!(faults(&api).is_empty());
    run_sql(
        &api.database.url,
        "ALTER TABLE documents DISABLE TRIGGER documents_stay; UPDATE documents SET kind = 'decision' WHERE noun = 'work'",
    );
    assert_eq!(faults(&api).len(), 1, "{:?}", faults(&api));
}

#[test]
fn where_documents_cannot_be_kept_the_answer_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no-folder");
    fs::write(&file, "").unwrap();
    let api = Api::with(|settings| settings.documents = file.join("documents").to_str().unwrap().to_owned());
    let work = api.work("A-1", point(0.0, 0.0));
    let before = counts(&api);
    let answer = send(&api, "officer", &format!("{}?kind=other&name=a.txt", of_work(&work)), &[], b"x");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")), "{}", answer.text);
    assert!(!answer.text.contains("no-folder"), "{}", answer.text);
    assert_eq!(counts(&api), before);
}

/// The table of the README is that of the code.
#[test]
fn who_reads_originals_is_said_in_the_readme() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let of = |reads: bool| -> String {
        let kinds = OWNER_READS.iter().filter(|(_, r)| *r == reads).map(|(kind, _)| format!("`{kind}`"));
        kinds.collect::<Vec<_>>().join(", ")
    };
    for row in [
        format!(
            "| {} | the organisation that added it, the owner of the holder, and whoever sees what is restricted there |",
            of(true)
        ),
        format!("| {} | the organisation that added it, and whoever sees what is restricted there |", of(false)),
    ] {
        assert!(readme.contains(&row), "README.md lacks: {row}");
    }
}
