//! A file that comes in, piece by piece: it is kept where nobody finds it, measured, hashed and looked at, and is gone with
//! whoever sent it where he breaks off. How many come in at once is limited.

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest as _, Sha256};
use tempfile::SpooledTempFile;

use super::holder::Holder;
use super::{Draft, Stated};
use crate::domain::audit::{Digest, hex};
use crate::domain::document::{Content, Document, MediaType};
use crate::error::{Error, Result};

/// Most files that come in at once: each is a file of the system as large as `document_bytes_max`, and a piece in memory.
pub const UPLOADS_MAX: usize = 32;

/// What is longer waits in a file, bytes. The file has no name, and is gone with the program that opened it.
const IN_MEMORY_BYTES: usize = 256 * 1024;

/// The files that come in.
#[derive(Debug, Default)]
pub(crate) struct Uploads(AtomicUsize);

/// One of the places for files that come in.
#[derive(Debug)]
struct Seat(Arc<Uploads>);

impl Uploads {
    fn take(self: &Arc<Self>) -> Result<Seat> {
        let took = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < UPLOADS_MAX).then_some(taken + 1));
        took.map_err(|_| Error::busy(format!("{UPLOADS_MAX} documents are being sent; try again in a moment")))?;
        Ok(Seat(Arc::clone(self)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A file that comes in, and what it is to be a document of.
#[derive(Debug)]
pub struct Upload {
    pub(super) draft: Draft,
    pub(super) holder: Holder,
    pub(super) original: Option<Document>,
    pub(super) file: SpooledTempFile,
    bytes_max: u64,
    bytes: u64,
    sum: Sha256,
    content: Content,
    _seat: Seat,
}

/// What came in whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrived {
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
    pub(super) media_type: MediaType,
}

impl Upload {
    pub(super) fn begin(
        uploads: &Arc<Uploads>,
        bytes_max: u64,
        draft: Draft,
        holder: Holder,
        original: Option<Document>,
    ) -> Result<Self> {
        Ok(Self {
            _seat: uploads.take()?,
            draft,
            holder,
            original,
            file: tempfile::spooled_tempfile(IN_MEMORY_BYTES),
            bytes_max,
            bytes: 0,
            sum: Sha256::new(),
            content: Content::default(),
        })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Busy`] where there is no room for it.
    pub fn pass(&mut self, piece: &[u8]) -> Result<()> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(too_large(format!("more than {} bytes", self.bytes_max), self.bytes_max));
        }
        self.sum.update(piece);
        self.content.pass(piece);
        self.file.write_all(piece).map_err(|e| {
            tracing::error!(error = %e, "no room for a document that comes in");
            Error::busy("there is no room for this document now; try again in a moment")
        })
    }

    /// It has come in whole: what it is. It is read from its beginning next.
    pub(super) fn arrived(&mut self) -> Result<Arrived> {
        let sha256: Digest = self.sum.clone().finalize().into();
        if self.bytes == 0 {
            return Err(Error::Malformed("the body is empty; send the file as the body".into()));
        }
        if let Some(stated) = self.draft.sha256.filter(|stated| *stated != sha256) {
            let detail = format!("what came has the SHA-256 {}, not {}: send it again", hex(&sha256), hex(&stated));
            return Err(Error::parameter("Repr-Digest", detail));
        }
        let media_type = self.content.media_type(&self.draft.name).map_err(Error::MediaType)?;
        if let Stated::As(stated) = self.draft.media_type
            && stated != media_type
        {
            let detail = format!("«{stated}» was sent as the Content-Type, and in the file is {media_type}");
            return Err(Error::MediaType(detail));
        }
        self.draft.name.fits(media_type).map_err(|why| Error::parameter("name", why))?;
        self.file.seek(SeekFrom::Start(0)).map_err(|e| Error::Internal(e.to_string()))?;
        Ok(Arrived { bytes: self.bytes, sha256, media_type })
    }
}

/// That a document is larger than allowed.
pub(super) fn too_large(found: String, limit: u64) -> Error {
    Error::TooLarge { what: "the document".into(), found, limit: format!("{limit} bytes") }
}
