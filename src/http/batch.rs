//! `POST /api/conflict-checks/batch`: a check on each line of the body, its answer on the same line of the response.
//! What a check is and how its answer reads stands in `conflict_check`, and in `site_check` of columns; here is how lines come in and go out.
//!
//! Short lines are answered where they arrive, one or a few at a time, so that an answer is sent while it is still in the
//! caches; what takes longer is handed over to another thread, many lines together.
//!
//! Both directions stream: lines are answered as they arrive and no faster than the client takes the answers, so memory
//! does not grow with the number of lines. Nothing goes on once the client is gone.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BodyStream, MessageBody};
use actix_web::error::PayloadError;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, VARY};
use actix_web::rt::task::yield_now;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::auth::{standing_of, still_holds};
use super::conflict_check::Asked;
use super::problem::{self, Answer as Response};
use super::{App, blocking, caught, params};
use crate::actions::access::Standing;
use crate::error::{Error, Result};
use crate::wire::lines::{Line, Lines};

/// Newline-delimited JSON.
pub const NDJSON: &str = "application/x-ndjson";

/// The media types taken: there is no registered one.
const TAKEN: &[&str] = &[NDJSON, "application/ndjson", "application/jsonl"];

/// Most lines that are handed over to be checked at once: enough that handing over costs nothing beside the checks.
const TOGETHER_LINES: usize = 64;

/// Most bytes of lines handed over at once, beyond a line that is longer by itself.
const TOGETHER_BYTES: usize = 256 * 1024;

/// Answers are sent once they have so many bytes, and what is left of the lines waits: one line may have an answer of
/// some megabytes.
const ANSWER_BYTES: usize = 256 * 1024;

/// The same for answers that are made where they are sent. About as much as a socket takes at once.
const AT_ONCE_BYTES: usize = 64 * 1024;

/// Lines are answered where they arrive for so long before others have their turn; the last one may take as long again.
const AT_ONCE: Duration = Duration::from_micros(500);

/// `POST /api/conflict-checks/batch`
///
/// # Errors
/// What is wrong with the request as a whole. What is wrong with a line, or its check, stands in the answer's line.
pub async fn check(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> Response {
    let asked = Asked::of(&request, &app)?;
    run(request, app, payload, Arc::new(asked)).await
}

/// What is asked on each line.
pub(super) trait Asks: Send + Sync + 'static {
    /// Waits for the revisions that the answer must have reached, and refuses a moment of which nobody can tell.
    ///
    /// # Errors
    /// What is wrong with the batch as a whole.
    fn reach(&self) -> Result<()>;

    /// Answers what stands on a line, and writes the answer as a line behind `text`.
    ///
    /// # Errors
    /// What is wrong with the line; some of the answer may be written by then.
    fn answer_line(&self, number: u64, line: &[u8], text: &mut Vec<u8>) -> Result<()>;

    /// The same; `false`, and nothing is written, where the thread that serves would be held up.
    ///
    /// # Errors
    /// As [`Asks::answer_line`].
    fn answer_line_at_once(&self, number: u64, line: &[u8], text: &mut Vec<u8>) -> Result<bool>;
}

impl Asks for Asked {
    fn reach(&self) -> Result<()> {
        Self::reach(self)
    }

    fn answer_line(&self, number: u64, line: &[u8], text: &mut Vec<u8>) -> Result<()> {
        Self::answer_line(self, number, line, text)
    }

    fn answer_line_at_once(&self, number: u64, line: &[u8], text: &mut Vec<u8>) -> Result<bool> {
        Self::answer_line_at_once(self, number, line, text)
    }
}

/// Answers a batch of whatever is asked on its lines.
///
/// # Errors
/// What is wrong with the request as a whole.
pub(super) async fn run(
    request: HttpRequest,
    app: web::Data<App>,
    payload: web::Payload,
    asked: Arc<dyn Asks>,
) -> Response {
    params::media_type(&request, TAKEN)?;
    let first = Arc::clone(&asked);
    blocking(move || first.reach()).await?;
    let settings = &app.context.settings;
    let batch = Batch {
        body: Box::pin(BodyStream::new(payload)),
        idle: Duration::from_secs(settings.batch_idle_timeout_s),
        lines: Lines::new(settings.batch_line_bytes_max),
        room: 0,
        end: None,
        work: Arc::new(Work {
            asked,
            standing: standing_of(&request, &app)?,
            line_bytes_max: settings.batch_line_bytes_max,
            path: request.path().to_owned(),
            request_id: problem::request_id(&request),
        }),
        running: Running::begin(),
    };
    Ok(HttpResponse::Ok()
        .content_type(NDJSON)
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        // A compressor holds answers back until it has enough of them, and a client may wait for the one to its last
        // line before it sends the next.
        .insert_header((CONTENT_ENCODING, "identity"))
        .body(Answers { next: Some(Box::pin(batch.next())) }))
}

/// What all lines of a batch have in common.
struct Work {
    asked: Arc<dyn Asks>,
    standing: Arc<Standing>,
    line_bytes_max: usize,
    path: String,
    request_id: String,
}

/// How the body ended.
enum End {
    /// Whole.
    Whole,
    /// Too early; this takes the place of the line that was open.
    Early(Error),
}

/// A batch between two of its answers.
struct Batch {
    body: Pin<Box<BodyStream<web::Payload>>>,
    idle: Duration,
    lines: Lines,
    /// How much the last answers took, bytes.
    room: usize,
    end: Option<End>,
    work: Arc<Work>,
    running: Running,
}

/// What the next answers come to, and the batch after them.
type Next = Pin<Box<dyn Future<Output = Option<Result<(Bytes, Batch)>>>>>;

/// The body of the response.
struct Answers {
    next: Option<Next>,
}

impl MessageBody for Answers {
    /// Of the batch as a whole. It breaks the body off before its end, so that nobody takes it for a complete one.
    type Error = Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let done = ready!(next.as_mut().poll(cx));
        self.next = None;
        Poll::Ready(done.map(|done| {
            let (answers, batch) = done?;
            self.next = Some(Box::pin(batch.next()));
            Ok(answers)
        }))
    }
}

impl Batch {
    /// The answers to the next lines; `None` after the last.
    async fn next(mut self) -> Option<Result<(Bytes, Self)>> {
        if self.lines.count() == 0 {
            self.gather().await;
        }
        if self.lines.count() == 0 {
            let Some(End::Early(error)) = self.end.replace(End::Whole) else { return None };
            let mut text = Vec::new();
            self.work.refuse(self.lines.next_number(), &error, &mut text);
            return Some(Ok((text.into(), self)));
        }
        let mut text = Vec::with_capacity(self.room);
        // A batch may run for hours, and who asked may not be let in any more: then every line that is left says so.
        let stands = still_holds(&self.work.standing).await;
        self.work.answer_at_once(&mut self.lines, &mut text, &stands);
        if !text.is_empty() {
            self.room = text.len();
            yield_now().await;
            return Some(Ok((text.into(), self)));
        }
        let (work, gone, room) = (Arc::clone(&self.work), Arc::clone(&self.running.gone), self.room);
        let mut lines = std::mem::replace(&mut self.lines, Lines::new(0));
        let answered = blocking(move || {
            let text = work.answer(&mut lines, room, &gone);
            Ok((text, lines))
        });
        // It fails where the server is shutting down, or by a fault of ours.
        let (text, lines) = match answered.await {
            Ok(done) => done,
            Err(error) => {
                problem::log(&error, &self.work.request_id);
                return Some(Err(error));
            }
        };
        self.lines = lines;
        self.room = text.len();
        Some(Ok((text.into(), self)))
    }

    /// Waits for lines, and takes what there is of them without waiting for more.
    async fn gather(&mut self) {
        while self.end.is_none() && self.lines.count() < TOGETHER_LINES && self.lines.bytes() < TOGETHER_BYTES {
            let arrived = if self.lines.count() > 0 {
                match self.arrived_already().await {
                    Some(arrived) => arrived,
                    None => return,
                }
            } else {
                let body = &mut self.body;
                let arriving = std::future::poll_fn(|cx| body.as_mut().poll_next(cx));
                let Ok(arrived) = actix_web::rt::time::timeout(self.idle, arriving).await else {
                    let seconds = self.idle.as_secs();
                    self.end = Some(End::Early(Error::TooSlow(format!("nothing arrived for {seconds} s"))));
                    return;
                };
                arrived
            };
            match arrived {
                Some(Ok(bytes)) => self.lines.push(&bytes),
                Some(Err(_)) => self.end = Some(End::Early(Error::Malformed("the body broke off".into()))),
                None => {
                    self.lines.end();
                    self.end = Some(End::Whole);
                }
            }
        }
    }

    async fn arrived_already(&mut self) -> Option<Option<Result<Bytes, PayloadError>>> {
        let body = &mut self.body;
        std::future::poll_fn(|cx| match body.as_mut().poll_next(cx) {
            Poll::Ready(arrived) => Poll::Ready(Some(arrived)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}

impl Work {
    /// Answers lines until there are none, or the answers are many; `room` is how much they may take.
    fn answer(&self, lines: &mut Lines, room: usize, gone: &AtomicBool) -> Vec<u8> {
        let mut text = Vec::with_capacity(room);
        self.answer_while(
            lines,
            &mut text,
            ANSWER_BYTES,
            || !gone.load(Ordering::Relaxed),
            &Ok(()),
            |number, line, text| self.asked.answer_line(number, line, text).map(|()| true),
        );
        text
    }

    /// Answers lines that take no longer than this thread may be held up.
    fn answer_at_once(&self, lines: &mut Lines, text: &mut Vec<u8>, stands: &Result<()>) {
        let begun = Instant::now();
        self.answer_while(
            lines,
            text,
            AT_ONCE_BYTES,
            || begun.elapsed() < AT_ONCE,
            stands,
            |number, line, text| self.asked.answer_line_at_once(number, line, text),
        );
    }

    /// Answers lines as long as there is time, the answers are not `bytes_max` long and `answer` answers.
    fn answer_while(
        &self,
        lines: &mut Lines,
        text: &mut Vec<u8>,
        bytes_max: usize,
        time: impl Fn() -> bool,
        stands: &Result<()>,
        answer: impl Fn(u64, &[u8], &mut Vec<u8>) -> Result<bool>,
    ) {
        let (mut answered, mut refused) = (0, 0);
        while text.len() < bytes_max && time() {
            let Some((number, line)) = lines.next() else { break };
            let begun = text.len();
            let done = match line {
                Line::Text(line) => stands.clone().and_then(|()| caught(|| answer(number, line, text))),
                Line::TooLong => Err(Error::TooLarge {
                    what: "the line".into(),
                    found: format!("more than {} bytes", self.line_bytes_max),
                    limit: format!("{} bytes", self.line_bytes_max),
                }),
            };
            match done {
                Ok(true) => answered += 1,
                Ok(false) => break,
                Err(error) => {
                    refused += 1;
                    text.truncate(begun);
                    self.refuse(number, &error, text);
                }
            }
            lines.pass();
        }
        metrics::counter!("clearway_batch_lines_total", "outcome" => "answered").increment(answered);
        metrics::counter!("clearway_batch_lines_total", "outcome" => "refused").increment(refused);
    }

    /// The line that says why a line has no answer.
    fn refuse(&self, number: u64, error: &Error, text: &mut Vec<u8>) {
        problem::log(error, &self.request_id);
        let refused = json!({"line": number, "error": problem::body(error, &self.path, &self.request_id)});
        text.extend_from_slice(refused.to_string().as_bytes());
        text.push(b'\n');
    }
}

/// A batch that runs. When it is dropped, at its end or because the client is gone, the work on its lines ends.
struct Running {
    gone: Arc<AtomicBool>,
}

impl Running {
    fn begin() -> Self {
        metrics::gauge!("clearway_batches").increment(1);
        Self { gone: Arc::default() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        metrics::gauge!("clearway_batches").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use actix_web::{App, HttpServer};

    use super::*;

    #[test]
    fn only_a_complete_batch_ends_like_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let body = |next: Next| HttpResponse::Ok().body(Answers { next: Some(next) });
        let whole = move || async move { body(Box::pin(async { None })) };
        let failed = move || async move { body(Box::pin(async { Some(Err(Error::busy("it shuts down"))) })) };
        let app = move || App::new().route("/whole", web::get().to(whole)).route("/failed", web::get().to(failed));
        let (send, handle) = std::sync::mpsc::channel();
        let serving = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
                send.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = handle.recv().unwrap();
        for (path, ends) in [("whole", true), ("failed", false)] {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert_eq!(text.ends_with("\r\n0\r\n\r\n"), ends, "{path}: {text}");
        }
        drop(handle.stop(false));
        serving.join().unwrap();
    }
}
