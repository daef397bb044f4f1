//! The only object store: what is in documents, each once under its hash, in a local folder or in a bucket of something
//! that speaks S3. What stands under a hash is whole, and never changes; nobody else's names come in here.
//!
//! Not here: which documents there are (`document.rs`).

mod connector;

use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    ClientOptions, Error as ObjectError, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::domain::audit::{Digest, hex, unhex};
use crate::error::{Error, Result};

/// What is written at once, bytes: a bucket takes no parts below 5 MiB, and whoever writes keeps one in memory.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// What is read at once, bytes: whoever reads keeps it in memory until his client has taken it.
pub const PIECE_BYTES: usize = 1024 * 1024;

/// How long a bucket may take for one request, and for all attempts at it.
const REQUEST_TIME: Duration = Duration::from_secs(20);
const RETRY_TIME: Duration = Duration::from_secs(15);

/// How often a request to a bucket is made again.
const RETRIES_MAX: usize = 3;

/// Where documents are kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder of this machine, made where it is missing.
    Folder(PathBuf),
    /// A bucket.
    Bucket(Bucket),
}

/// A bucket of something that speaks S3, and who may use it.
#[derive(Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What every key begins with; empty: nothing.
    pub prefix: String,
    /// Its address, as `https://s3.example`; empty: that of Amazon in the region.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The name of the key to sign with.
    pub key_id: String,
    /// That key.
    pub secret: String,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.name, self.endpoint)
    }
}

/// What is in documents, by its hash.
pub struct Objects {
    place: Place,
    opened: OnceLock<Opened>,
}

struct Opened {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Waits for answers of a bucket.
    waits: Handle,
    /// Of its own, for the thread that asks may have none; ends without waiting for anything.
    runtime: Option<Runtime>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Something that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The hash that it stands under.
    pub sha256: Digest,
    /// How long it is, bytes.
    pub bytes: u64,
}

impl Objects {
    /// Those of a place, which is opened when it is needed first.
    #[must_use]
    pub fn of(place: Place) -> Self {
        Self { place, opened: OnceLock::new() }
    }

    /// Keeps what is read under its hash, `bytes` long. It is there whole, and lasts, once this is done, or not at all; where
    /// it was there it is there anew.
    ///
    /// # Errors
    /// [`Error::Busy`] where the place cannot be reached, or has no room.
    pub fn put(&self, sha256: &Digest, content: &mut dyn Read, bytes: u64) -> Result<()> {
        let opened = self.opened()?;
        let path = opened.path(sha256);
        if bytes > PART_BYTES as u64 {
            return opened.put_in_parts(&path, content);
        }
        let payload = PutPayload::from(part(content)?);
        opened.wait(async { opened.store.put(&path, payload).await.map(drop) }).map_err(out_of_reach)
    }

    /// Something so long stands under this hash.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub fn has(&self, sha256: &Digest, bytes: u64) -> Result<bool> {
        let opened = self.opened()?;
        let path = opened.path(sha256);
        match opened.wait(async { opened.store.head(&path).await }) {
            Ok(found) => Ok(found.size == bytes),
            Err(ObjectError::NotFound { .. }) => Ok(false),
            Err(error) => Err(out_of_reach(error)),
        }
    }

    /// The next piece of what stands under a hash, from `from` on: [`PIECE_BYTES`] of the `bytes` that it has, or what is left.
    ///
    /// # Errors
    /// [`Error::Internal`] where it is not there, or shorter; [`Error::Busy`].
    pub fn piece(&self, sha256: &Digest, from: u64, bytes: u64) -> Result<Vec<u8>> {
        let opened = self.opened()?;
        let path = opened.path(sha256);
        let to = bytes.min(from.saturating_add(PIECE_BYTES as u64));
        let lost = |why: &str| Error::Internal(format!("the object {} {why}", hex(sha256)));
        match opened.wait(async { opened.store.get_range(&path, from..to).await }) {
            Ok(piece) if piece.len() as u64 == to - from => Ok(piece.into()),
            Ok(_) => Err(lost("is not as long as it was")),
            Err(ObjectError::NotFound { .. }) => Err(lost("is not there")),
            Err(_) if !self.has(sha256, bytes)? => Err(lost("is not as long as it was")),
            Err(error) => Err(out_of_reach(error)),
        }
    }

    /// What is kept since before a moment under hashes that begin with this byte, in no order.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub fn older_than(&self, before: Timestamp, first: u8) -> Result<Vec<Kept>> {
        let opened = self.opened()?;
        let prefix = opened.prefix.clone().join(hex(&[first]).as_str());
        let listed = opened.wait(opened.store.list(Some(&prefix)).try_collect::<Vec<_>>()).map_err(out_of_reach)?;
        let old = listed.into_iter().filter(|meta| meta.last_modified.timestamp() < before.as_second());
        let kept =
            |meta: ObjectMeta| Some(Kept { sha256: meta.location.filename().and_then(unhex)?, bytes: meta.size });
        Ok(old.filter_map(kept).collect())
    }

    /// Takes away what stands under a hash.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub fn delete(&self, sha256: &Digest) -> Result<()> {
        let opened = self.opened()?;
        let path = opened.path(sha256);
        match opened.wait(async { opened.store.delete(&path).await }) {
            Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
            Err(error) => Err(out_of_reach(error)),
        }
    }

    fn opened(&self) -> Result<&Opened> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = open(&self.place)?;
        // Another thread may have been faster; then that one is used.
        Ok(self.opened.get_or_init(|| opened))
    }
}

impl Opened {
    fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.waits.block_on(answer)
    }

    /// Where something stands, by its hash alone: a folder for each first two digits.
    fn path(&self, sha256: &Digest) -> Path {
        let digits = hex(sha256);
        self.prefix.clone().join(&digits[..2]).join(digits.as_str())
    }

    fn put_in_parts(&self, path: &Path, content: &mut dyn Read) -> Result<()> {
        let mut upload = self.wait(self.store.put_multipart(path)).map_err(out_of_reach)?;
        let mut put = || {
            loop {
                let part = part(content)?;
                if part.is_empty() {
                    return Ok(());
                }
                self.wait(upload.put_part(PutPayload::from(part))).map_err(out_of_reach)?;
            }
        };
        let done = put().and_then(|()| self.wait(upload.complete()).map(drop).map_err(out_of_reach));
        if done.is_err() {
            // What is left in parts is nothing that anybody sees; a bucket should forget it after a while.
            let _ = self.wait(upload.abort());
        }
        done
    }
}

fn open(place: &Place) -> Result<Opened> {
    let (store, prefix): (Arc<dyn ObjectStore>, Path) = match place {
        Place::Folder(folder) => {
            std::fs::create_dir_all(folder).map_err(|e| no_place(&e))?;
            let local = LocalFileSystem::new_with_prefix(folder).map_err(out_of_reach)?;
            // Else a file counts as written before its disk has it.
            (Arc::new(local.with_fsync(true)), Path::default())
        }
        Place::Bucket(bucket) => (Arc::new(s3(bucket)?), Path::from(bucket.prefix.as_str())),
    };
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("objects").enable_time().build();
    let runtime = runtime.map_err(|e| Error::Internal(e.to_string()))?;
    Ok(Opened { store, prefix: prefix.join("sha256"), waits: runtime.handle().clone(), runtime: Some(runtime) })
}

fn s3(bucket: &Bucket) -> Result<object_store::aws::AmazonS3> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        .with_access_key_id(&bucket.key_id)
        .with_secret_access_key(&bucket.secret)
        .with_client_options(ClientOptions::new().with_allow_http(bucket.endpoint.starts_with("http://")))
        .with_retry(RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIME, ..RetryConfig::default() })
        .with_http_connector(connector::ByUreq { timeout: REQUEST_TIME, answer_max: PIECE_BYTES as u64 });
    if !bucket.endpoint.is_empty() {
        builder = builder.with_endpoint(&bucket.endpoint);
    }
    builder.build().map_err(|e| Error::parameter("documents", format!("this bucket cannot be used: {e}")))
}

/// The next part of what is read; an empty one at its end.
fn part(content: &mut dyn Read) -> Result<Vec<u8>> {
    let mut part = Vec::new();
    let read = content.take(PART_BYTES as u64).read_to_end(&mut part);
    read.map_err(|e| Error::Internal(format!("a document cannot be read again: {e}")))?;
    Ok(part)
}

fn no_place(error: &std::io::Error) -> Error {
    tracing::error!(%error, "documents cannot be kept");
    busy()
}

#[allow(clippy::needless_pass_by_value)] // handed over by `map_err`
fn out_of_reach(error: ObjectError) -> Error {
    // The bucket and its address may stand in it.
    tracing::error!(%error, "documents cannot be reached");
    busy()
}

fn busy() -> Error {
    Error::busy("the place where documents are kept cannot be reached, or has no room; try again in a moment")
}
