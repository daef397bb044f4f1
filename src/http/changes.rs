//! The stream of changes, as Server-Sent Events (HTML Living Standard, 9.2): resumable by `Last-Event-ID`.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, ContentEncoding, VARY};
use actix_web::rt::{self, time};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use tokio::sync::mpsc::{self, OwnedPermit, Receiver, Sender};

use super::auth::{asker_of, standing_of, still_holds};
use super::params::Query;
use super::problem::Answer;
use super::{App, blocking};
use crate::actions::access::Standing;
use crate::actions::changes::{self, Heard, Listening, Notice, Seat, Wish};
use crate::domain::change::Resync;
use crate::domain::layer::Layer;
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::wire::change as wire;

/// The parameters of the stream, as the API document shows them.
pub const PARAMETERS: &[&str] = &["jurisdiction", "layer", "bbox"];

/// A browser that lost the stream waits so long before it comes back, milliseconds.
const RETRY_MS: u32 = 2_000;

/// `GET /api/changes`
///
/// # Errors
/// As [`changes::listen`], and [`Error::Parameter`] for parameters that cannot be read.
pub async fn stream(request: HttpRequest, app: web::Data<App>) -> Answer {
    let query = Query::of(&request, PARAMETERS)?;
    let (asker, standing) = (asker_of(&request)?, standing_of(&request, &app)?);
    let wish = wish(&request, &query)?;
    let context = app.context.clone();
    let heartbeat = Duration::from_millis(context.settings.heartbeat_ms);
    let (listening, seat) = blocking(move || changes::listen(&context, &asker, wish)).await?;
    if request.method() == Method::HEAD {
        return Ok(head().finish());
    }
    let (sender, receiver) = mpsc::channel(2);
    // One of the two places is kept for the last word to a listener that takes nothing any more.
    let last = sender.clone().reserve_owned().await.map_err(|_| Error::Internal("a channel closed at once".into()))?;
    rt::spawn(tell(listening, standing, sender, last, heartbeat));
    Ok(head().body(Stream { receiver, _seat: seat }))
}

fn head() -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Authorization, Cookie"))
        // Compression and proxies would hold events back until there are enough of them.
        .insert_header(ContentEncoding::Identity)
        .insert_header(("X-Accel-Buffering", "no"));
    answer
}

fn wish(request: &HttpRequest, query: &Query) -> Result<Wish> {
    let list = |name: &str| -> Vec<String> {
        query.text(name).map(|t| t.split(',').map(|part| part.trim().to_owned()).collect()).unwrap_or_default()
    };
    let jurisdictions = list("jurisdiction");
    let layer = |text: &String| {
        Layer::parse(text)
            .ok_or_else(|| Error::parameter("layer", format!("«{text}» is not a layer; known are {}", Layer::known())))
    };
    let layers = list("layer").iter().map(layer).collect::<Result<_>>()?;
    let header = request.headers().get("Last-Event-ID").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let heard = match header.as_deref().map(str::trim) {
        None | Some("") => Vec::new(),
        Some(text) => read_id(text, &jurisdictions).ok_or_else(|| {
            Error::parameter("Last-Event-ID", format!("«{text}» is no id of this stream; send back the last one heard"))
        })?,
    };
    Ok(Wish { jurisdictions, layers, boxes: query.bbox()?, heard })
}

/// The id of an event: how far was heard, `118@2026-03-01T08:00:00.123456Z/2026-03-01` of the one jurisdiction listened to where
/// it has no neighbours, else `VN-35=4@…,VN-72=118@…`, with them. Nothing where nothing is known. The moment at which a
/// revision was recorded tells it from the same number of a database that was restored, the day by which it was told from one
/// that changed what counts.
fn id(listening: &Listening) -> String {
    let heard = listening.heard();
    let is_one = matches!(&*heard, [one] if listening.is_to_one(&one.jurisdiction));
    let one = |heard: &Heard| {
        let mut text = if is_one { String::new() } else { format!("{}=", heard.jurisdiction) };
        let _ = write!(text, "{}", heard.revision);
        if let Some(at) = heard.recorded_at {
            let _ = write!(text, "@{at}");
        }
        if let Some(day) = heard.day {
            let _ = write!(text, "/{day}");
        }
        text
    };
    heard.iter().map(one).collect::<Vec<_>>().join(",")
}

/// How far somebody has heard, from the id of an event, or from revisions that he read elsewhere, without their moments.
fn read_id(text: &str, jurisdictions: &[String]) -> Option<Vec<Heard>> {
    let heard = |code: &str, text: &str| {
        let (text, day) = text.split_once('/').map_or((text, None), |(text, day)| (text, Some(day)));
        let (number, at) = text.split_once('@').map_or((text, None), |(number, at)| (number, Some(at)));
        Some(Heard {
            jurisdiction: code.to_owned(),
            revision: number.parse().ok().filter(|revision| *revision >= 0)?,
            recorded_at: at.map(str::parse).transpose().ok()?,
            day: day.map(str::parse).transpose().ok()?,
        })
    };
    if let ([code], false) = (jurisdictions, text.contains('=')) {
        return Some(vec![heard(code, text)?]);
    }
    let one = |part: &str| {
        let (code, text) = part.split_once('=')?;
        heard(code.trim(), text.trim())
    };
    text.split(',').map(one).collect()
}

/// The body: what the teller hands over, piece by piece. It holds the seat until the connection is gone.
struct Stream {
    receiver: Receiver<Bytes>,
    _seat: Seat,
}

impl MessageBody for Stream {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.receiver.poll_recv(task).map(|piece| piece.map(Ok))
    }
}

/// Tells a listener what there is to hear until it leaves, cannot follow, is not any more who it was, or the server ends.
async fn tell(
    mut listening: Listening,
    standing: Arc<Standing>,
    sender: Sender<Bytes>,
    last: OwnedPermit<Bytes>,
    heartbeat: Duration,
) {
    let (mut news, mut closing) = (listening.news(), listening.closing());
    let mut text = format!("retry: {RETRY_MS}\n");
    write_event(&mut text, &id(&listening), "revision", &wire::write_revisions(&listening.revisions()).to_string());
    loop {
        let mut overtaking = listening.news();
        let permit = tokio::select! {
            biased;
            permit = sender.reserve() => permit,
            // It takes nothing, and meanwhile so much happened that what comes next is not kept any more.
            () = overtaken(&listening, &mut overtaking) => {
                listening.skip();
                let mut text = String::new();
                for (code, revision) in listening.revisions() {
                    write_event(&mut text, "", "resync", &wire::write_resync(&code, revision, Resync::Slow).to_string());
                }
                // Whoever has read everything again goes on from here.
                write_place(&mut text, &listening);
                last.send(text.into());
                return;
            }
            _ = closing.wait_for(|closing| *closing) => return,
        };
        let Ok(permit) = permit else { return };
        // A listener that comes back is told by its status what is wrong.
        if still_holds(&standing).await.is_err() {
            return;
        }
        permit.send(std::mem::take(&mut text).into());
        // Set by what is sent alone: what happens and is not heard must not put off a sign of life, nor hasten it.
        let beat = time::Instant::now() + heartbeat;
        while text.is_empty() {
            news.mark_unchanged();
            let heard = blocking(move || {
                let notices = listening.pull();
                let text = if notices.is_empty() { String::new() } else { written(&listening, &notices)? };
                Ok((listening, text))
            });
            (listening, text) = match heard.await {
                Ok(heard) => heard,
                Err(error) => {
                    tracing::error!(%error, "a listener could not be told what changed; it will come back");
                    return;
                }
            };
            if !text.is_empty() {
                break;
            }
            tokio::select! {
                _ = news.changed() => {}
                () = time::sleep_until(beat) => {
                    text.push_str(":\n");
                    write_place(&mut text, &listening);
                }
                _ = closing.wait_for(|closing| *closing) => return,
                () = sender.closed() => return,
            }
        }
    }
}

async fn overtaken(listening: &Listening, news: &mut changes::News) {
    while !listening.has_missed() {
        // The sender lives as long as the context; were it gone, nothing could be missed.
        if news.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Notices as text, nothing where none of them is heard. All carry the id of the last: a listener that breaks off within hears
/// them again. That something happened which is not heard is told by the place in the next sign of life, and not before: an id
/// that came at once would tell everybody of each hidden write, and when it was.
fn written(listening: &Listening, notices: &[Notice]) -> Result<String> {
    let mut text = String::new();
    for notice in notices {
        match notice {
            Notice::Resync { jurisdiction, revision, why } => {
                let data = wire::write_resync(jurisdiction, *revision, *why).to_string();
                write_event(&mut text, "", "resync", &data);
            }
            Notice::Event(event) => {
                if let Err(why) = event.content {
                    let data = wire::write_resync(&event.jurisdiction, event.to, why).to_string();
                    write_event(&mut text, "", "resync", &data);
                    continue;
                }
                let parts = listening.parts(event)?;
                if !parts.is_empty() {
                    let data = wire::write(event, &parts.features, &parts.pairs, &parts.coverage).to_string();
                    write_event(&mut text, "", "change", &data);
                }
            }
        }
    }
    if !text.is_empty() {
        write_place(&mut text, listening);
    }
    Ok(text)
}

/// How far was heard: an id without data moves the listener's place and is no event of its own. Where nothing is known the
/// place stays what it was; an id of nothing would make it the beginning.
fn write_place(text: &mut String, listening: &Listening) {
    let id = id(listening);
    if !id.is_empty() {
        let _ = writeln!(text, "id: {id}");
    }
    text.push('\n');
}

fn write_event(text: &mut String, id: &str, event: &str, data: &str) {
    if !id.is_empty() {
        let _ = writeln!(text, "id: {id}");
    }
    let _ = write!(text, "event: {event}\ndata: {data}\n\n");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let one = vec!["VN-72".to_owned()];
        let at = "2026-03-01T08:00:00.123456Z";
        let heard = |code: &str, revision, at: Option<&str>| Heard {
            jurisdiction: code.to_owned(),
            revision,
            recorded_at: at.map(|at| at.parse().unwrap()),
            day: None,
        };
        let on_a_day =
            || Some(vec![Heard { day: Some(jiff::civil::date(2026, 3, 1)), ..heard("VN-72", 118, Some(at)) }]);
        for (text, jurisdictions, expect) in [
            ("118", &one, Some(vec![heard("VN-72", 118, None)])),
            (&*format!("118@{at}"), &one, Some(vec![heard("VN-72", 118, Some(at))])),
            (&*format!("118@{at}/2026-03-01"), &one, on_a_day()),
            (&*format!("VN-72=118@{at}/2026-03-01"), &Vec::new(), on_a_day()),
            ("118@/2026-03-01", &one, None),
            ("118/2026-02-30", &one, None),
            ("VN-72=118", &one, Some(vec![heard("VN-72", 118, None)])),
            (
                &*format!("VN-35=4@{at},VN-72=118"),
                &Vec::new(),
                Some(vec![heard("VN-35", 4, Some(at)), heard("VN-72", 118, None)]),
            ),
            ("118", &Vec::new(), None),
            ("118@", &one, None),
            ("118@noon", &one, None),
            ("-1", &one, None),
            ("VN-72=", &one, None),
            ("x", &one, None),
        ] {
            assert_eq!(read_id(text, jurisdictions), expect, "{text}");
        }
    }
}
