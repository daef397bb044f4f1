//! Documents: sent as the body of a request, listed, and read. Both ways a file goes through in pieces, and no thread waits
//! for a slow client.

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, Charset, ContentDisposition, DispositionParam,
    DispositionType, ETAG, ExtendedValue, HeaderName, LOCATION, VARY,
};
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use base64ct::{Base64, Encoding};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::auth::{asker_of, identity_of};
use super::params::{self, Query, path_id};
use super::problem::{self, Answer};
use super::{App, blocking};
use crate::actions::document::{self as action, Draft, Noun, Seen, Stated, Upload};
use crate::actions::{Context, Witness};
use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::audit::{Digest, hex};
use crate::domain::document::{Document, DocumentKind, FileName, MediaType};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::wire::document_record::write;

/// The parameters of a document that is sent, as the API document shows them.
pub const ADD_PARAMETERS: &[&str] = &["kind", "name", "redacts"];

/// The parameters of the list.
pub const LIST_PARAMETERS: &[&str] = &["limit", "after"];

/// Documents on a page, where nothing else is asked for: a dossier has some dozens.
pub(super) const LIMIT_DEFAULT: u32 = 100;

/// Most documents on a page.
pub(super) const LIMIT_MAX: u32 = 500;

/// So much of a body is handed over at once, bytes: handing over costs nothing beside it.
const TOGETHER_BYTES: usize = 256 * 1024;

/// RFC 9530.
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

const JSON: &str = "application/json";

/// `POST /api/{noun}/{id}/documents`
///
/// # Errors
/// As [`action::begin`] and [`action::finish`], [`Error::TooSlow`], and [`Error::Malformed`] where the body breaks off.
pub async fn add(
    request: HttpRequest,
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> Answer {
    let (noun, id) = path.into_inner();
    let noun = Noun::of_address(&noun)?;
    let id = path_id(&id, noun.word)?;
    let draft = draft(&request)?;
    let reason = params::reason(&request)?;
    let (asker, identity, context) = (asker_of(&request)?, identity_of(&request)?, app.context.clone());
    let upload = blocking(move || action::begin(&context, &asker, noun, id, draft)).await?;
    let upload = receive(payload, upload, &app.context.settings).await?;
    let (context, request_id) = (app.context.clone(), problem::request_id(&request));
    let actor = identity.actor.clone();
    let added = blocking(move || {
        let witness = Witness::by(&identity, &request_id).because(reason.as_deref());
        action::finish(&context, witness, upload)
    })
    .await?;
    let base = params::base(&request);
    let place = format!("{base}/api/documents/{}", added.document.id);
    Ok(answer(HttpResponse::Created().insert_header((LOCATION, place)), &record(&added, &actor, &base)))
}

/// What the head of a request says of the document to come.
fn draft(request: &HttpRequest) -> Result<Draft> {
    let query = Query::of(request, ADD_PARAMETERS)?;
    let name = query.text("name").ok_or_else(|| Error::parameter("name", "is missing: what the file is called"))?;
    let name = FileName::parse(name).map_err(|why| Error::parameter("name", why))?;
    let kind = |text: &str| {
        let unknown = || Error::parameter("kind", format!("«{text}» is none of {}", DocumentKind::known()));
        DocumentKind::parse(text).ok_or_else(unknown)
    };
    let text = |name: HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
    if let Some(coding) = text(CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Error::MediaType(format!(
            "the Content-Encoding «{coding}» is not taken here: send the file as it is"
        )));
    }
    Ok(Draft {
        name,
        kind: query.text("kind").map(kind).transpose()?,
        redacts: query.id("redacts")?,
        media_type: stated(text(CONTENT_TYPE).unwrap_or_default())?,
        bytes: text(CONTENT_LENGTH).and_then(|v| v.parse().ok()),
        sha256: digest(request, &REPR_DIGEST)?.or(digest(request, &CONTENT_DIGEST)?),
    })
}

/// The media type that is stated; one that no document has is refused before anything is sent.
fn stated(text: &str) -> Result<Stated> {
    let mut parts = text.split(';').map(str::trim);
    let bare = parts.next().unwrap_or_default().to_ascii_lowercase();
    if bare.is_empty() || bare == "application/octet-stream" {
        return Ok(Stated::Nothing);
    }
    let Some(known) = MediaType::parse(&bare) else {
        return Err(Error::MediaType(format!("«{bare}» was sent; {} are taken here", MediaType::known())));
    };
    let charset = parts.find_map(|part| part.to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned));
    if let Some(other) = charset.filter(|c| known.is_text() && !["utf-8", "us-ascii"].contains(&c.trim_matches('"'))) {
        return Err(Error::MediaType(format!("text in {other} was sent; UTF-8 is taken here")));
    }
    Ok(Stated::As(known))
}

/// The SHA-256 among the digests of a header, such as `sha-256=:…:`.
fn digest(request: &HttpRequest, name: &HeaderName) -> Result<Option<Digest>> {
    let given: Vec<&str> = request.headers().get_all(name).map(|v| v.to_str().unwrap_or_default()).collect();
    if given.is_empty() {
        return Ok(None);
    }
    let title = if *name == REPR_DIGEST { "Repr-Digest" } else { "Content-Digest" };
    let wrong = || Error::parameter(title, "write it as sha-256=:BASE64: (RFC 9530)");
    let all = given.join(",");
    let mut found = all.split(',').filter_map(|part| part.trim().strip_prefix("sha-256="));
    let (Some(value), None) = (found.next(), found.next()) else { return Err(wrong()) };
    let value = value.split(';').next().unwrap_or_default().trim();
    let bare = value.strip_prefix(':').and_then(|v| v.strip_suffix(':')).ok_or_else(wrong)?;
    let mut sum = [0; 32];
    match Base64::decode(bare, &mut sum).map(<[u8]>::len) {
        Ok(length) if length == sum.len() => Ok(Some(sum)),
        _ => Err(wrong()),
    }
}

/// Takes in the body, piece by piece.
async fn receive(payload: web::Payload, upload: Upload, settings: &Settings) -> Result<Upload> {
    let all = Duration::from_secs(settings.document_timeout_s);
    let idle = Duration::from_secs(settings.batch_idle_timeout_s);
    let slow =
        |time: Duration, what: &str| Error::TooSlow(format!("{what} took more than {} s to arrive", time.as_secs()));
    let received = timeout(all, async move {
        let (mut payload, mut upload) = (payload, upload);
        let mut piece: Vec<u8> = Vec::new();
        loop {
            let next = timeout(idle, payload.next()).await.map_err(|_| slow(idle, "the next bytes of the document"))?;
            let ended = next.is_none();
            if let Some(bytes) = next {
                piece.extend(bytes.map_err(|_| Error::Malformed("the body broke off".into()))?);
            }
            if ended || piece.len() >= TOGETHER_BYTES {
                let next = std::mem::take(&mut piece);
                upload = blocking(move || {
                    upload.pass(&next)?;
                    Ok(upload)
                })
                .await?;
            }
            if ended {
                return Ok(upload);
            }
        }
    });
    received.await.unwrap_or_else(|_| Err(slow(all, "the document")))
}

/// `GET /api/{noun}/{id}/documents`
///
/// # Errors
/// As [`action::list`], and [`Error::Parameter`].
pub async fn list(request: HttpRequest, app: web::Data<App>, path: web::Path<(String, String)>) -> Answer {
    let query = Query::of(&request, LIST_PARAMETERS)?;
    let (noun, id) = path.into_inner();
    let noun = Noun::of_address(&noun)?;
    let id = path_id(&id, noun.word)?;
    let (limit, after) = (query.limit(LIMIT_DEFAULT, LIMIT_MAX)?, query.id("after")?);
    let (asker, context) = (asker_of(&request)?, app.context.clone());
    let actor = asker.actor.clone();
    let page = blocking(move || action::list(&context, &asker, noun, id, after, limit)).await?;
    let base = params::base(&request);
    let next = page.next.map(|id| format!("{base}{}?limit={limit}&after={id}", request.path()));
    let documents: Vec<Json> = page.documents.iter().map(|seen| record(seen, &actor, &base)).collect();
    Ok(answer(&mut HttpResponse::Ok(), &json!({"documents": documents, "next": next})))
}

/// `GET /api/documents/{id}`
///
/// # Errors
/// As [`action::of_id`].
pub async fn get(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, "document")?, app.context.clone());
    let actor = asker.actor.clone();
    let seen = blocking(move || action::of_id(&context, &asker, id)).await?;
    Ok(answer(&mut HttpResponse::Ok(), &record(&seen, &actor, &params::base(&request))))
}

/// `GET /api/documents/{id}/content`
///
/// # Errors
/// As [`action::of_id`]. Where what is kept is not what it was, the body is broken off before its last piece.
pub async fn content(request: HttpRequest, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Query::of(&request, &[])?;
    let (asker, id, context) = (asker_of(&request)?, path_id(&id, "document")?, app.context.clone());
    let document = blocking(move || action::of_id(&context, &asker, id)).await?.document;
    let tag = format!("\"{}\"", hex(&document.sha256));
    let known = params::is_known(&request, &tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .insert_header((VARY, "Authorization, Cookie"));
    if known {
        return Ok(response.finish());
    }
    let charset = if document.media_type.is_text() { "; charset=utf-8" } else { "" };
    response
        .content_type(format!("{}{charset}", document.media_type))
        .insert_header(disposition(&document.name))
        .insert_header((REPR_DIGEST, format!("sha-256=:{}:", Base64::encode_string(&document.sha256))))
        // As it was sent: its length and its hash are told.
        .insert_header((CONTENT_ENCODING, "identity"));
    let bytes = document.bytes;
    if request.method() == Method::HEAD {
        return Ok(response.body(SizedStream::new(bytes, stream::empty::<std::io::Result<Bytes>>())));
    }
    let reading = Reading { context: app.context.clone(), document, from: 0, sum: Sha256::new() };
    // Where it cannot be read at all the answer says so.
    let first = blocking(move || reading.next()).await?;
    Ok(response.body(SizedStream::new(bytes, Box::pin(pieces(first, problem::request_id(&request))))))
}

/// A file to be saved, never to be shown: by the name it has, and for old programs by one in ASCII.
fn disposition(name: &FileName) -> ContentDisposition {
    let plain: String = name.as_str().chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' }).collect();
    let mut parameters = vec![DispositionParam::Filename(plain.clone())];
    if plain != name.as_str() {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".into()),
            language_tag: None,
            value: name.as_str().as_bytes().to_vec(),
        }));
    }
    ContentDisposition { disposition: DispositionType::Attachment, parameters }
}

/// Where the reading of a document has come to.
struct Reading {
    context: Context,
    document: Document,
    from: u64,
    sum: Sha256,
}

impl Reading {
    /// The next piece; the last one only where all of them are what was hashed.
    fn next(mut self) -> Result<(Bytes, Self)> {
        let piece = action::piece(&self.context, &self.document, self.from)?;
        self.sum.update(&piece);
        self.from += piece.len() as u64;
        if self.ended() && self.sum.clone().finalize()[..] != self.document.sha256 {
            return Err(Error::Internal(format!("the object of the document {} is not what it was", self.document.id)));
        }
        Ok((piece.into(), self))
    }

    fn ended(&self) -> bool {
        self.from >= self.document.bytes
    }
}

/// What is in a document, piece by piece after the first.
fn pieces((first, reading): (Bytes, Reading), request_id: String) -> impl Stream<Item = std::io::Result<Bytes>> {
    let more = stream::try_unfold(reading, move |reading| {
        let request_id = request_id.clone();
        async move {
            if reading.ended() {
                return Ok(None);
            }
            blocking(move || reading.next()).await.map(Some).map_err(|error| {
                problem::log(&error, &request_id);
                std::io::Error::other("the document cannot be read")
            })
        }
    });
    stream::once(std::future::ready(Ok(first))).chain(more)
}

/// A document as somebody may know it.
fn record(seen: &Seen, actor: &Actor, base: &str) -> Json {
    let document = &seen.document;
    let knows = actor.may_know_author(&document.jurisdiction, document.organisation.as_deref());
    let original = document.redacts.filter(|_| seen.reads_original);
    let author = knows.then_some(document.actor.as_str());
    let mut written = write(document, original, author, seen.holder.noun.plural());
    written["content"] = format!("{base}/api/documents/{}/content", document.id).into();
    written
}

fn answer(response: &mut HttpResponseBuilder, document: &Json) -> HttpResponse {
    response
        .content_type(JSON)
        .insert_header((VARY, "Authorization, Cookie"))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .body(document.to_string())
}
