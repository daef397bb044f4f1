//! What somebody tries who means harm. Too large and too slow a body, and heads beyond the limits, are in `limits.rs` and
//! `edge.rs`; what the log says at its most talkative is in `tests/cli/{account,oidc,secrets}.rs`.

mod members;
mod paths;
mod secrets;
mod values;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::help::Api;

/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

const ABSENT: &str = "01920000-0000-7000-8000-000000000000";

/// No word of the database, of its driver or of the program.
fn is_discreet(what: &str, text: &str) {
    let said = text.to_lowercase();
    for word in ["syntax error", "pg_catalog", "diesel", "relation \"", "libpq", "panicked", ".rs:", "byte sequence"] {
        assert!(!said.contains(word), "{what} tells «{word}»: {text}");
    }
}

/// Sends bytes as they are; the answer until the connection ends.
fn raw(api: &Api, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(api.server.base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    if let Err(e) = stream.read_to_end(&mut answer) {
        assert_eq!(e.kind(), std::io::ErrorKind::ConnectionReset, "the connection stays open");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}
