//! TLS by a certificate of the configuration: what is spoken, what is refused, and renewal without a restart.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clearway::config::{Secret, Settings};
use clearway::server::{self, Server};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use crate::help::Api;

/// A folder with a certificate and its key.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> (Self, CertificateDer<'static>) {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        let certificate = files.renew();
        (files, certificate)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts another certificate, and its key, in the place of those that are there.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        self.replace("certificate.pem", &made.cert.pem());
        self.replace("key.pem", &made.signing_key.serialize_pem());
        made.cert.der().clone()
    }

    fn replace(&self, name: &str, text: &str) {
        std::fs::write(self.path("new"), text).unwrap();
        std::fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn name(&self, settings: &mut Settings) {
        settings.tls_certificate = self.path("certificate.pem").to_str().unwrap().into();
        settings.tls_key = self.path("key.pem").to_str().unwrap().into();
    }
}

fn connect(api: &Api) -> TcpStream {
    let stream = TcpStream::connect(api.server.base.strip_prefix("https://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

type Client = StreamOwned<ClientConnection, TcpStream>;

/// A client that trusts one certificate alone, once hands are shaken.
fn client(
    api: &Api,
    trusted: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> Result<Client, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut client = StreamOwned::new(connection, connect(api));
    while client.conn.is_handshaking() {
        client.conn.complete_io(&mut client.sock)?;
    }
    Ok(client)
}

fn trusts(api: &Api, certificate: &CertificateDer<'static>) -> bool {
    client(api, certificate, rustls::ALL_VERSIONS, &["http/1.1"]).is_ok()
}

#[test]
fn tls_is_spoken_and_links_say_so() {
    let (files, certificate) = Files::new();
    let api = Api::with(|s| files.name(s));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut client = client(&api, &certificate, &[version], &[]).unwrap();
        assert_eq!(client.conn.protocol_version(), Some(version.version));
        client.write_all(b"GET /ogc HTTP/1.1\r\nHost: clearway.example\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("\"href\":\"https://clearway.example/ogc"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    }
    let client = client(&api, &certificate, rustls::ALL_VERSIONS, &["h2", "http/1.1"]).unwrap();
    assert_eq!(client.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
}

/// The beginning of a conversation in TLS 1.1, as RFC 4346 has it, with what later versions ask for.
fn hello_of_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    // No session to resume, one cipher suite, no compression, one extension: RSA with SHA-256.
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 1]);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    record
}

#[test]
fn what_is_no_tls_or_an_old_one_is_refused() {
    let (files, _) = Files::new();
    let api = Api::with(|s| {
        files.name(s);
        s.head_timeout_s = 1;
    });
    let answer = |sent: &[u8]| {
        let mut stream = connect(&api);
        stream.write_all(sent).unwrap();
        let mut bytes = Vec::new();
        if let Err(e) = stream.read_to_end(&mut bytes) {
            assert_eq!(e.kind(), std::io::ErrorKind::ConnectionReset, "the connection stays open");
        }
        bytes
    };
    // A fatal alert: protocol_version.
    let old = answer(&hello_of_1_1());
    assert_eq!((old[0], &old[5..]), (21, &[2, 70][..]), "{old:?}");
    let plain = answer(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(!plain.starts_with(b"HTTP"), "{plain:?}");
    // Who says nothing, or stops in the middle, is cut.
    answer(b"");
    answer(&hello_of_1_1()[..9]);
}

#[test]
fn a_renewed_certificate_is_taken_without_a_restart() {
    let (files, first) = Files::new();
    let api = Api::with(|s| files.name(s));
    assert!(trusts(&api, &first));
    let second = files.renew();
    assert!(trusts(&api, &second) && !trusts(&api, &first));
    // What cannot be used is not taken: a certificate without its key, nonsense, nothing.
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    files.replace("certificate.pem", &other.cert.pem());
    assert!(trusts(&api, &second));
    files.replace("certificate.pem", "nonsense");
    assert!(trusts(&api, &second));
    std::fs::remove_file(files.path("certificate.pem")).unwrap();
    assert!(trusts(&api, &second));
    let third = files.renew();
    assert!(trusts(&api, &third) && !trusts(&api, &second));
}

#[test]
fn files_that_cannot_be_used_are_named_at_the_start() {
    let (files, _) = Files::new();
    let (certificate, key) = (files.path("certificate.pem"), files.path("key.pem"));
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    files.replace("other.pem", &other.signing_key.serialize_pem());
    files.replace("nonsense.pem", "nonsense");
    files.replace("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let (other, nonsense, broken) = (files.path("other.pem"), files.path("nonsense.pem"), files.path("broken.pem"));
    let nowhere = files.path("nowhere.pem");
    let shown = |path: &Path| path.display().to_string();
    let cases = [
        (&nowhere, &key, format!("«tls_certificate»: «{}» cannot be read: No such file", shown(&nowhere))),
        (&certificate, &nowhere, format!("«tls_key»: «{}» cannot be read: No such file", shown(&nowhere))),
        (&nonsense, &key, format!("«tls_certificate»: «{}» holds no certificate in PEM", shown(&nonsense))),
        (&broken, &key, format!("«tls_certificate»: «{}» cannot be used", shown(&broken))),
        (&certificate, &certificate, format!("«tls_key»: «{}» holds no private key in PEM", shown(&certificate))),
        (&certificate, &other, format!("«tls_key»: «{}» is not the key of «{}»", shown(&other), shown(&certificate))),
    ];
    for (certificate, key, sentence) in cases {
        let settings = Settings {
            // It is not even asked for: this is said first.
            database_url: Secret("host=/nowhere".into()),
            listen: "127.0.0.1:0".into(),
            tls_certificate: certificate.to_str().unwrap().into(),
            tls_key: key.to_str().unwrap().into(),
            ..Settings::default()
        };
        let listener = server::bind(&settings).unwrap();
        let refused = Server::prepare(settings, listener, None).err().unwrap().to_string();
        assert!(refused.contains(&sentence) && refused.lines().count() == 1, "{refused}");
    }
}
