//! TLS with the certificate of the settings, 1.2 and 1.3. The files are looked at before each connection, so a renewed
//! certificate needs no restart; as long as the new files do not fit each other, the old certificate goes on.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys, ServerConfig};

use crate::config::Settings;
use crate::error::{Error, Result};

/// What TLS is spoken with; `None` where the settings name no certificate.
///
/// # Errors
/// [`Error::Parameter`], saying which file cannot be used and why.
pub fn config(settings: &Settings) -> Result<Option<ServerConfig>> {
    if settings.tls_certificate.is_empty() {
        return Ok(None);
    }
    let provider = Arc::new(ring::default_provider());
    let files = Files { certificate: settings.tls_certificate.clone(), key: settings.tls_key.clone() };
    let current = Current { stamp: files.stamp(), certified: files.load(&provider)? };
    let resolver = Renewed { files, provider: Arc::clone(&provider), current: Mutex::new(current) };
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Internal(e.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Ok(Some(config))
}

/// Where certificate and key are.
struct Files {
    certificate: String,
    key: String,
}

/// What changes where a file is written or replaced: when, how long, which.
type Stamp = [Option<(i64, i64, u64, u64)>; 2];

impl Files {
    fn stamp(&self) -> Stamp {
        let of = |m: &Metadata| (m.mtime(), m.mtime_nsec(), m.len(), m.ino());
        [&self.certificate, &self.key].map(|file| std::fs::metadata(file).ok().as_ref().map(of))
    }

    fn load(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>> {
        let chain: std::result::Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect);
        let chain = chain.map_err(|e| unreadable("tls_certificate", &self.certificate, "certificate", &e))?;
        if chain.is_empty() {
            return Err(unreadable("tls_certificate", &self.certificate, "certificate", &PemError::NoItemsFound));
        }
        let key =
            PrivateKeyDer::from_pem_file(&self.key).map_err(|e| unreadable("tls_key", &self.key, "private key", &e))?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|e| match e {
            TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                Error::parameter("tls_key", format!("«{}» is not the key of «{}»", self.key, self.certificate))
            }
            TlsError::InvalidCertificate(e) => {
                Error::parameter("tls_certificate", format!("«{}» cannot be used: {e:?}", self.certificate))
            }
            e => Error::parameter("tls_key", format!("«{}» cannot be used: {e}", self.key)),
        })?;
        Ok(Arc::new(certified))
    }
}

fn unreadable(setting: &str, file: &str, what: &str, error: &PemError) -> Error {
    let reason = match error {
        PemError::NoItemsFound => format!("holds no {what} in PEM"),
        PemError::Io(e) => format!("cannot be read: {e}"),
        _ => "is no PEM".to_owned(),
    };
    Error::parameter(setting, format!("«{file}» {reason}"))
}

/// A certificate, and of which state of its files it was tried to be read last.
struct Current {
    stamp: Stamp,
    certified: Arc<CertifiedKey>,
}

/// The certificate as its files hold it now.
struct Renewed {
    files: Files,
    provider: Arc<CryptoProvider>,
    current: Mutex<Current>,
}

impl fmt::Debug for Renewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate in {}", self.files.certificate)
    }
}

impl ResolvesServerCert for Renewed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self.files.stamp();
        if stamp != current.stamp {
            current.stamp = stamp;
            match self.files.load(&self.provider) {
                Ok(certified) => {
                    current.certified = certified;
                    tracing::info!(file = self.files.certificate, "the certificate was renewed");
                }
                Err(error) => tracing::warn!(%error, "the new certificate cannot be used; the old one goes on"),
            }
        }
        Some(Arc::clone(&current.certified))
    }
}
