//! A server of mail: it speaks as much of SMTP (RFC 5321) as one that takes mail has to, and notes what it is sent.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};

/// Generous, because a machine may be busy; reached only by a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub text: String,
}

impl Mail {
    /// A header, its lines put together and its encoded words read (RFC 2047).
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
        let lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        let found: Vec<&str> = lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect();
        assert!(found.len() <= 1, "{name} stands twice: {head}");
        found.first().map(|value| decoded(value))
    }

    /// The names of all headers.
    pub fn headers(&self) -> Vec<String> {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.map(|line| line.split(": ").next().unwrap().to_lowercase()).collect()
    }

    pub fn body(&self) -> String {
        let (_, body) = self.text.split_once("\r\n\r\n").unwrap();
        assert_eq!(self.header("Content-Transfer-Encoding").as_deref(), Some("base64"));
        String::from_utf8(Base64::decode_vec(&body.replace("\r\n", "")).unwrap()).unwrap()
    }
}

fn decoded(value: &str) -> String {
    let mut text = String::new();
    let mut was_encoded = false;
    for word in value.split(' ') {
        let inner = word.strip_prefix("=?utf-8?b?").and_then(|w| w.strip_suffix("?="));
        if !(text.is_empty() || was_encoded && inner.is_some()) {
            text.push(' ');
        }
        match inner {
            Some(encoded) => text.push_str(&String::from_utf8(Base64::decode_vec(encoded).unwrap()).unwrap()),
            None => text.push_str(word),
        }
        was_encoded = inner.is_some();
    }
    text
}

struct State {
    got: Vec<Mail>,
    /// What it says to a message, before it takes others.
    refusals: Vec<&'static str>,
    /// What it says to whoever comes, whom it then leaves; nothing where that is empty.
    turned_away: Option<&'static str>,
    /// What it says to a receiver of mail.
    unknown: Option<&'static str>,
    /// Says nothing to a message that it was given: whether it has taken it.
    silent: Option<bool>,
    /// To how many it said nothing.
    unanswered: usize,
    refused: usize,
    greeted: usize,
    /// Says no goodbye.
    lingers: bool,
    ended: bool,
}

/// The server. It ends with this.
pub struct Mailbox {
    pub address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

fn lock(state: &(Mutex<State>, Condvar)) -> MutexGuard<'_, State> {
    state.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            got: Vec::new(),
            refusals: Vec::new(),
            turned_away: None,
            unknown: None,
            silent: None,
            unanswered: 0,
            refused: 0,
            greeted: 0,
            lingers: false,
            ended: false,
        };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let mailbox = Self { address, state: Arc::clone(&state) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if lock(&state).ended {
                    return;
                }
                let state = Arc::clone(&state);
                std::thread::spawn(move || serve(&stream, &state));
            }
        });
        mailbox
    }

    /// Answers so to the next messages, one each.
    pub fn refuse(&self, answers: &[&'static str]) {
        lock(&self.state).refusals = answers.to_vec();
    }

    /// Answers so to whoever comes, and leaves him; with nothing, where that is empty.
    pub fn turn_away(&self, answer: Option<&'static str>) {
        lock(&self.state).turned_away = answer;
    }

    /// Answers so to whomever mail is for.
    pub fn knows_nobody(&self, answer: Option<&'static str>) {
        lock(&self.state).unknown = answer;
    }

    /// Says nothing to the messages that it is given from now on, whether it takes them or not; none: it answers again.
    pub fn be_silent(&self, takes: Option<bool>) {
        lock(&self.state).silent = takes;
    }

    /// Whether it leaves those without an answer who say goodbye.
    pub fn linger(&self, lingers: bool) {
        lock(&self.state).lingers = lingers;
    }

    /// Waits until it has said nothing to so many messages.
    #[track_caller]
    pub fn until_silent(&self, messages: usize) {
        let begun = Instant::now();
        while lock(&self.state).unanswered < messages {
            assert!(begun.elapsed() < PATIENCE, "nobody ever waited for its answer");
            std::thread::yield_now();
        }
    }

    /// How many messages, or receivers, it refused.
    pub fn refused(&self) -> usize {
        lock(&self.state).refused
    }

    /// How often somebody said who he is.
    pub fn greeted(&self) -> usize {
        lock(&self.state).greeted
    }

    #[track_caller]
    pub fn until(&self, what: &str, so: impl Fn(&[Mail]) -> bool) -> Vec<Mail> {
        let begun = Instant::now();
        let mut state = lock(&self.state);
        while !so(&state.got) {
            assert!(begun.elapsed() < PATIENCE, "it never came to be: {what}: {:#?}", state.got);
            let waited = self.state.1.wait_timeout(state, Duration::from_millis(100));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.got.clone()
    }

    pub fn got(&self) -> Vec<Mail> {
        lock(&self.state).got.clone()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        lock(&self.state).ended = true;
        drop(TcpStream::connect(self.address));
    }
}

/// One conversation.
fn serve(stream: &TcpStream, state: &(Mutex<State>, Condvar)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let say = |line: &str| {
        let mut to = stream;
        to.write_all(format!("{line}\r\n").as_bytes())
    };
    let (mut from, mut to) = (String::new(), Vec::new());
    let turned_away = lock(state).turned_away;
    if let Some(answer) = turned_away {
        if !answer.is_empty() {
            let _ = say(answer);
        }
        return;
    }
    let mut said = say("220 mailbox ESMTP");
    while said.is_ok() {
        let mut line = String::new();
        if !reader.read_line(&mut line).is_ok_and(|n| n > 0) {
            return;
        }
        let line = line.trim_end();
        let path = |line: &str| line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        said = match line.split([' ', ':']).next().unwrap().to_uppercase().as_str() {
            "EHLO" | "HELO" => {
                lock(state).greeted += 1;
                say("250-mailbox\r\n250 8BITMIME")
            }
            "MAIL" => {
                (from, to) = (path(line), Vec::new());
                say("250 2.1.0 go on")
            }
            "RCPT" => {
                let unknown = lock(state).unknown;
                lock(state).refused += usize::from(unknown.is_some());
                to.push(path(line));
                say(unknown.unwrap_or("250 2.1.5 go on"))
            }
            "DATA" => {
                if say("354 end with a dot").is_err() {
                    return;
                }
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    if !reader.read_line(&mut text).is_ok_and(|n| n > 0) {
                        return;
                    }
                }
                text.truncate(text.len() - 3);
                // A dot that begins a line was sent as two (4.5.2).
                let text = text.replace("\r\n..", "\r\n.");
                let mut state_now = lock(state);
                if let Some(takes) = state_now.silent {
                    if takes {
                        state_now.got.push(Mail { from: from.clone(), to: to.clone(), text });
                    }
                    state_now.unanswered += 1;
                    drop(state_now);
                    // Until whoever waits is gone.
                    let _ = reader.read_line(&mut String::new());
                    return;
                }
                let refusal = (!state_now.refusals.is_empty()).then(|| state_now.refusals.remove(0));
                if let Some(answer) = refusal {
                    state_now.refused += 1;
                    drop(state_now);
                    say(answer)
                } else {
                    state_now.got.push(Mail { from: from.clone(), to: to.clone(), text });
                    drop(state_now);
                    state.1.notify_all();
                    say("250 2.0.0 taken")
                }
            }
            "RSET" | "NOOP" => say("250 2.0.0 go on"),
            "QUIT" => {
                let begun = Instant::now();
                while lock(state).lingers && begun.elapsed() < 2 * PATIENCE {
                    std::thread::yield_now();
                }
                let _ = say("221 2.0.0 bye");
                return;
            }
            _ => say("500 5.5.1 what?"),
        };
    }
}
