//! A receiver of webhooks: a small server over HTTP that notes what it is sent, checks it by the secret, and answers as it is told.

#![allow(dead_code, clippy::unwrap_used)] // each test program uses a part of it

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use ring::hmac;
use serde_json::Value as Json;

/// Generous, because a machine may be busy; reached only by a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// How it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mood {
    /// 200.
    Well,
    /// This status.
    Failing(u16),
    /// So often this status, and then 200.
    FailingAtFirst(usize, u16),
    /// It leads elsewhere.
    Moved(String),
    /// Nothing, until its mood changes or whoever sends goes away.
    Silent,
}

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Got {
    pub head: String,
    pub body: String,
    /// What it answered; none where the sender went away before.
    pub answered: Option<u16>,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.rfind(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value).unwrap_or_default()
    }

    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }

    /// The place of the event among those of its case.
    pub fn number(&self) -> i64 {
        self.json()["data"]["number"].as_i64().unwrap()
    }

    /// As whoever listens checks it: by the secret, over what came.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key = Base64::decode_vec(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let said = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let tags = self.header("webhook-signature").split(' ').filter_map(|tag| tag.strip_prefix("v1,"));
        tags.map(|tag| Base64::decode_vec(tag).unwrap()).any(|tag| hmac::verify(&key, said.as_bytes(), &tag).is_ok())
    }
}

struct State {
    mood: Mood,
    got: Vec<Got>,
    connections: usize,
    /// Requests that are being answered, and the most that ever were.
    open: usize,
    open_most: usize,
    ended: bool,
}

/// The receiver. Its server ends with it.
pub struct Receiver {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

fn lock(state: &(Mutex<State>, Condvar)) -> MutexGuard<'_, State> {
    state.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiver {
    pub fn start(mood: Mood) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), mood)
    }

    /// Where there was one before, or will be.
    pub fn at(address: SocketAddr, mood: Mood) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { mood, got: Vec::new(), connections: 0, open: 0, open_most: 0, ended: false };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let receiver = Self { address, state: Arc::clone(&state) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if lock(&state).ended {
                    return;
                }
                let state = Arc::clone(&state);
                std::thread::spawn(move || serve(&stream, &state));
            }
        });
        receiver
    }

    /// An address at which nobody listens.
    pub fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    pub fn url(&self) -> String {
        url(self.address)
    }

    pub fn be(&self, mood: Mood) {
        lock(&self.state).mood = mood;
        self.state.1.notify_all();
    }

    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// The most requests that were under way at one moment.
    pub fn open_most(&self) -> usize {
        lock(&self.state).open_most
    }

    /// Waits until nobody waits for an answer.
    pub fn idle(&self) {
        let state = lock(&self.state);
        let waited = self.state.1.wait_timeout_while(state, PATIENCE, |state| state.open > 0);
        assert!(!waited.unwrap_or_else(PoisonError::into_inner).1.timed_out(), "somebody still waits");
    }

    /// Waits until what it got is so.
    #[track_caller]
    pub fn until(&self, what: &str, so: impl Fn(&[Got]) -> bool) -> Vec<Got> {
        let begun = Instant::now();
        let mut state = lock(&self.state);
        while !so(&state.got) {
            assert!(begun.elapsed() < PATIENCE, "it never came to be: {what}: {:#?}", state.got);
            let waited = self.state.1.wait_timeout(state, Duration::from_millis(100));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.got.clone()
    }

    /// What it took.
    #[track_caller]
    pub fn took(&self, count: usize) -> Vec<Got> {
        let taken = |got: &[Got]| got.iter().filter(|g| g.answered == Some(200)).cloned().collect::<Vec<_>>();
        taken(&self.until(&format!("{count} messages are taken"), |got| taken(got).len() >= count))
    }

    pub fn got(&self) -> Vec<Got> {
        lock(&self.state).got.clone()
    }
}

pub fn url(address: SocketAddr) -> String {
    format!("http://{address}/hook")
}

impl Drop for Receiver {
    fn drop(&mut self) {
        lock(&self.state).ended = true;
        self.state.1.notify_all();
        // Whoever accepts is woken.
        drop(TcpStream::connect(self.address));
    }
}

/// One request, one answer.
fn serve(mut stream: &TcpStream, state: &(Mutex<State>, Condvar)) {
    lock(state).connections += 1;
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match reader.read_line(&mut head) {
            Ok(n) if n > 0 => {}
            _ => return,
        }
    }
    let mut got = Got { head, body: String::new(), answered: None };
    let length: usize = got.header("content-length").parse().unwrap();
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    got.body = String::from_utf8(body).unwrap();
    let at = {
        let mut state = lock(state);
        state.open += 1;
        state.open_most = state.open_most.max(state.open);
        state.got.push(got);
        state.got.len() - 1
    };
    state.1.notify_all();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut is_there = || {
        let mut byte = [0];
        !matches!(stream.read(&mut byte), Ok(0))
    };
    let mut there = true;
    while there && matches!(lock(state), state if state.mood == Mood::Silent && !state.ended) {
        there = is_there();
    }
    let mut open = lock(state);
    open.open -= 1;
    let (status, more) = match open.mood.clone() {
        Mood::Silent => (None, String::new()),
        _ if !there => (None, String::new()),
        Mood::Well => (Some(200), String::new()),
        Mood::Failing(status) => (Some(status), String::new()),
        Mood::FailingAtFirst(left, status) => {
            open.mood = if left > 1 { Mood::FailingAtFirst(left - 1, status) } else { Mood::Well };
            (Some(status), String::new())
        }
        Mood::Moved(to) => (Some(302), format!("Location: {to}\r\n")),
    };
    open.got[at].answered = status;
    drop(open);
    if let Some(status) = status {
        let answer = format!("HTTP/1.1 {status} X\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes());
    }
    state.1.notify_all();
}
