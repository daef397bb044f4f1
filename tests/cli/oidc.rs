//! Another issuer by TLS, named by the environment: who vouches for it, and what the log says of its tokens.

use std::sync::Arc;

use clearway::domain::word::Word;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value as Json, json};

use crate::issuer::{AUDIENCE, Issuer, Key, with};
use crate::program::{Folder, Running, command};
use crate::support::{Database, run_sql};

/// A certificate for `localhost`, in PEM, and the TLS of a server that has it.
fn certificate() -> (String, Arc<ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    (chain, Arc::new(config))
}

/// Status and document for whoever sends a token.
fn who(base: &str, token: &str) -> (u16, Json) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(format!("{base}/api/account")).header("Authorization", format!("Bearer {token}"));
    let mut answer = request.call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
}

#[test]
fn an_issuer_is_believed_by_its_certificate_and_no_token_is_in_the_log() {
    let db = Database::vn72();
    run_sql(&db.url, "INSERT INTO organisations VALUES ('office', 'Office', 'office')");
    let (folder, key, (chain, tls)) = (Folder::new(), Key::ed25519("a"), certificate());
    let issuer = Issuer::start_with(&[&key], Some(tls));
    assert!(issuer.name.starts_with("https://localhost:"));
    let setting = format!(
        "[{{issuer = \"{}\", audience = \"{AUDIENCE}\", ask_again_ms = 1, organisation = {{claim = \"organisation\"}},
           roles = {{claim = \"/realm_access/roles\", words = {{clearway-officer = [\"officer\"]}}}}}}]",
        issuer.name
    );
    let claims = issuer.claims("officer", "office");
    let (good, other) = (key.token(&claims), Key::ed25519("a").token(&claims));
    let expired = key.token(&with(&claims, &json!({"exp": 1})));
    let ours = folder.file("authorities.pem", &chain);
    let another = folder.file("others.pem", certificate().0);
    for (authorities, status) in [(&another, 503), (&ours, 200)] {
        let mut serve = command(&["serve", "--listen", "127.0.0.1:0"]);
        serve.env("DATABASE_URL", &db.service_url).env("CLEARWAY_LOG", "trace").env("CLEARWAY_OIDC", &setting);
        serve.env("SSL_CERT_FILE", authorities);
        let mut running = Running::start(serve);
        let said = running.wait_for("\"serving\"");
        let line: Json = serde_json::from_str(said.lines().find(|l| l.contains("\"serving\"")).unwrap()).unwrap();
        let base = format!("http://{}", line["fields"]["address"].as_str().unwrap());
        let (found, document) = who(&base, &good);
        assert_eq!(found, status, "{document}");
        if status == 200 {
            let roles = json!([clearway::domain::actor::Role::Officer.as_str()]);
            assert_eq!((&document["roles"], &document["via"]), (&roles, &json!("issuer")));
            assert_eq!((who(&base, &other).0, who(&base, &expired).0), (401, 401));
        } else {
            running.wait_for("the keys of the issuer cannot be fetched");
        }
        running.signal("TERM");
        assert_eq!(running.end().code(), Some(0), "{}", running.said());
        let said = running.said();
        assert!(said.contains("/api/account"), "the log is there: {said}");
        for token in [&good, &other, &expired] {
            for part in token.split('.').skip(1) {
                assert!(!said.contains(part), "{}", said.lines().find(|l| l.contains(part)).unwrap());
            }
        }
    }
}
