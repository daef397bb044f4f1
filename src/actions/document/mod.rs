//! Documents: added to what holds them, listed, read. None is changed or deleted. [`holder`] says what holds documents,
//! [`upload`] how a file comes in, [`keeping`] looks after the objects.
//!
//! **Nothing half-done**: a file is kept where nobody finds it until it is whole and is what it was said to be; then it is put
//! under its hash, and then the row, with its event, is written. Where that is refused, or the program is killed between the two, an
//! object is left that no document names: the same file takes it up again, and `clearway document sweep` takes it away.

pub mod holder;
pub mod keeping;
pub mod upload;

use uuid::Uuid;

pub use self::holder::{Holder, NOUNS, Noun};
pub use self::upload::{UPLOADS_MAX, Upload};

use super::{Context, Reader, Witness, refresh};
use crate::domain::actor::Actor;
use crate::domain::audit::{AuditEntry, Deed, Digest, hex};
use crate::domain::document::{Document, DocumentKind, FileName, MediaType};
use crate::domain::word::Word;
use crate::error::{Error, Result};
use crate::store::document as store;

/// The media type that a client states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stated {
    /// None, or that it is bytes.
    Nothing,
    /// This one.
    As(MediaType),
}

/// A document to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is called.
    pub name: FileName,
    /// What it is; a redacted copy is what its original is.
    pub kind: Option<DocumentKind>,
    /// The original that it is a redacted copy of.
    pub redacts: Option<Uuid>,
    /// What is said to be in it.
    pub media_type: Stated,
    /// How long it is said to be, bytes.
    pub bytes: Option<u64>,
    /// What its SHA-256 is said to be.
    pub sha256: Option<Digest>,
}

/// A document as somebody sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The document.
    pub document: Document,
    /// What holds it.
    pub holder: Holder,
    /// Of a redacted copy: he reads the original, too.
    pub reads_original: bool,
}

/// Documents of one holder.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// By id, which is by time.
    pub documents: Vec<Seen>,
    /// After which there are more.
    pub next: Option<Uuid>,
}

fn not_there(id: Uuid) -> Error {
    Error::NotFound(format!("the document {id}"))
}

/// The documents of a holder that somebody reads.
///
/// # Errors
/// [`Error::NotFound`] where the holder is not there, or not his to see; [`Error::Busy`].
pub fn list<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    noun: &'static Noun,
    id: Uuid,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Page> {
    let reader = reader.into();
    let holder = noun.find(context, reader, id)?;
    let mut documents = Vec::new();
    let mut last = after;
    // What he does not read leaves no gap, so that a page tells nothing of it.
    loop {
        let asked = i64::from(limit) + 1;
        let found = context
            .store
            .read_as(reader.actor, |conn| store::of_holder(conn, &holder.jurisdiction, (noun.word, id), last, asked))?;
        let whole = found.len() <= limit as usize;
        last = found.last().map(|document| document.id);
        documents.extend(found.into_iter().filter(|document| holder.shows(document, reader.actor)));
        if whole || documents.len() > limit as usize {
            break;
        }
    }
    let more = documents.len() > limit as usize;
    documents.truncate(limit as usize);
    let next = documents.last().filter(|_| more).map(|document| document.id);
    Ok(Page { documents: seen(context, reader.actor, &holder, documents)?, next })
}

/// One document.
///
/// # Errors
/// [`Error::NotFound`] where it is not there, or not the reader's to read; [`Error::Busy`].
pub fn of_id<'r>(context: &Context, reader: impl Into<Reader<'r>>, id: Uuid) -> Result<Seen> {
    let reader = reader.into();
    let document = find(context, reader.actor, id)?.ok_or_else(|| not_there(id))?;
    let holder =
        Noun::of_word(&document.noun)?.find(context, reader, document.holder).map_err(|error| match error {
            Error::NotFound(_) => not_there(id),
            other => other,
        })?;
    if !holder.shows(&document, reader.actor) {
        return Err(not_there(id));
    }
    seen(context, reader.actor, &holder, vec![document])?.pop().ok_or_else(|| not_there(id))
}

fn find(context: &Context, actor: &Actor, id: Uuid) -> Result<Option<Document>> {
    Ok(context.store.read_as(actor, |conn| store::of_ids(conn, &[id]))?.pop())
}

fn seen(context: &Context, actor: &Actor, holder: &Holder, documents: Vec<Document>) -> Result<Vec<Seen>> {
    let ids: Vec<Uuid> = documents.iter().filter_map(|document| document.redacts).collect();
    let originals =
        if ids.is_empty() { Vec::new() } else { context.store.read_as(actor, |conn| store::of_ids(conn, &ids))? };
    let reads = |id| originals.iter().any(|o| o.id == id && holder.shows(o, actor));
    let seen = |document: Document| Seen {
        reads_original: document.redacts.is_some_and(reads),
        holder: holder.clone(),
        document,
    };
    Ok(documents.into_iter().map(seen).collect())
}

/// A document is about to come in: refuses what can be told before it is sent.
///
/// # Errors
/// [`Error::NotFound`] where the holder, or the original, is not there or not his to see, [`Error::Forbidden`] where he may not add to
/// it, [`Error::Parameter`] for what does not fit together, [`Error::TooLarge`], [`Error::Busy`].
pub fn begin<'r>(
    context: &Context,
    reader: impl Into<Reader<'r>>,
    noun: &'static Noun,
    id: Uuid,
    draft: Draft,
) -> Result<Upload> {
    let reader = reader.into();
    let holder = noun.find(context, reader, id)?;
    holder.adding.clone()?;
    let original = draft.redacts.map(|id| find(context, reader.actor, id)?.ok_or_else(|| not_there(id))).transpose()?;
    if let Some(original) = &original {
        let here = (original.noun.as_str(), original.holder) == (noun.word, id);
        if !here || !holder.shows(original, reader.actor) {
            return Err(not_there(original.id));
        }
        if original.redacts.is_some() {
            return Err(Error::parameter("redacts", "is a redacted copy itself; name its original"));
        }
    }
    match (draft.kind, &original) {
        (None, None) => {
            return Err(Error::parameter("kind", format!("is missing; write one of {}", DocumentKind::known())));
        }
        (Some(kind), Some(original)) if kind != original.kind => {
            return Err(Error::parameter("kind", format!("is that of the original, which is {}", original.kind)));
        }
        _ => {}
    }
    let limit = context.settings.document_bytes_max;
    if let Some(bytes) = draft.bytes.filter(|bytes| *bytes > limit) {
        return Err(upload::too_large(format!("{bytes} bytes"), limit));
    }
    Upload::begin(&context.uploads, limit, draft, holder, original)
}

/// Adds a document that came in whole.
///
/// # Errors
/// [`Error::MediaType`] for what is in it, [`Error::Parameter`] for another hash than was stated, or a name that does not fit,
/// [`Error::Malformed`] for nothing at all, [`Error::Taken`] where it is there already; those of [`begin`] where they hold by now; [`Error::Busy`].
pub fn finish(context: &Context, witness: Witness<'_>, mut upload: Upload) -> Result<Seen> {
    let arrived = upload.arrived()?;
    let Upload { draft, holder, original, .. } = &upload;
    if original.as_ref().is_some_and(|original| original.sha256 == arrived.sha256) {
        return Err(Error::Taken("this is the original itself, with nothing redacted".into()));
    }
    let kind = draft.kind.or(original.as_ref().map(|original| original.kind)).unwrap_or(DocumentKind::Other);
    let mut document = Document {
        jurisdiction: holder.jurisdiction.clone(),
        id: Uuid::now_v7(),
        noun: holder.noun.word.to_owned(),
        holder: holder.id,
        kind,
        name: draft.name.clone(),
        media_type: arrived.media_type,
        bytes: arrived.bytes,
        sha256: arrived.sha256,
        redacts: draft.redacts,
        actor: witness.actor.name.clone(),
        organisation: witness.actor.organisation.clone(),
        recorded_at: crate::clock::now(),
        revision: 0,
    };
    let (noun, place, id) = (holder.noun, holder.jurisdiction.clone(), holder.id);
    let file = &mut upload.file;
    let mut put = || {
        std::io::Seek::rewind(file).map_err(|e| Error::Internal(e.to_string()))?;
        context.objects.put(&arrived.sha256, file, arrived.bytes)
    };
    put()?;
    let (holder, reached) = context.store.write(witness, |tx| {
        store::hold_objects(tx)?;
        // From here on nobody sweeps; who did since it was put took it away for an object without a document.
        if !context.objects.has(&arrived.sha256, arrived.bytes)? {
            put()?;
        }
        let holder = noun.lock(context, tx, witness.actor, (&place, id))?;
        holder.adding.clone()?;
        (document.revision, document.recorded_at) = tx.raise(&place)?;
        store::insert(tx, &document)?;
        tx.audit(&place, event(&document, &holder))?;
        Ok(holder)
    })?;
    refresh::after_commit(context, witness.actor, &reached);
    let reads_original = document.redacts.is_some();
    Ok(Seen { document, holder, reads_original })
}

fn event(document: &Document, holder: &Holder) -> AuditEntry {
    let mut detail = vec![
        ("what", "document".to_owned()),
        ("holder", document.noun.clone()),
        ("holder_id", document.holder.to_string()),
        ("kind", document.kind.to_string()),
        ("media_type", document.media_type.to_string()),
        ("bytes", document.bytes.to_string()),
        ("sha256", hex(&document.sha256)),
    ];
    detail.extend(document.redacts.map(|original| ("redacts", original.to_string())));
    let (subject, owner) = (Some(document.id), Some(holder.owner.clone()));
    AuditEntry { deed: Deed::Create, layer: None, subject, owner, detail }
}

/// The next piece of what is in a document, from `from` on.
///
/// # Errors
/// [`Error::Internal`] where it is not what it was, [`Error::Busy`].
pub fn piece(context: &Context, document: &Document, from: u64) -> Result<Vec<u8>> {
    context.objects.piece(&document.sha256, from, document.bytes)
}
