//! Bytes of a file, counted for a progress bar and digested for the record of the import.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::ReadError;
use crate::domain::audit::hex;

/// How far a reading is. Clones look at the same reading.
#[derive(Debug, Clone)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    /// Bytes read so far.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes there are in all; `None` for pipes.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

/// Bytes that are counted and digested as they are read.
pub struct Source {
    inner: Box<dyn Read + Send>,
    progress: Progress,
    sha256: Sha256,
}

impl Source {
    /// The bytes of the file at `path`.
    ///
    /// # Errors
    /// [`ReadError::Fatal`] when there is no such file, it is a folder, it is empty or may not be read.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        // The caller says which file it is.
        let unreadable = |why: io::Error| match why.kind() {
            io::ErrorKind::NotFound => ReadError::refused("there is no such file"),
            io::ErrorKind::PermissionDenied => ReadError::refused("this user may not read it"),
            _ => ReadError::refused(format!("it cannot be read: {why}")),
        };
        let file = File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if about.is_dir() {
            return Err(ReadError::refused("it is a folder; name the files in it"));
        }
        if about.is_file() && about.len() == 0 {
            return Err(ReadError::refused("the file is empty"));
        }
        Ok(Self::of(file, about.is_file().then_some(about.len())))
    }

    /// The bytes of `inner`, of which there are `total` if that is known.
    pub fn of(inner: impl Read + Send + 'static, total: Option<u64>) -> Self {
        Self {
            inner: Box::new(inner),
            progress: Progress { read: Arc::new(AtomicU64::new(0)), total },
            sha256: Sha256::new(),
        }
    }

    /// How far the reading is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// SHA-256 of all bytes in hexadecimal; reads what is left of them.
    ///
    /// # Errors
    /// Those of the reading.
    pub fn digest(&mut self) -> io::Result<String> {
        io::copy(self, &mut io::sink())?;
        Ok(hex(&self.sha256.clone().finalize()))
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sha256.update(&buffer[..count]);
        self.progress.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
