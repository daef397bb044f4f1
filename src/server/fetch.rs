//! Fetches small documents of other servers: the only place from which this one speaks to any but its database. By TLS with
//! the authorities that the system trusts (or those of `SSL_CERT_FILE`), by the proxy that the environment names.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error};

use crate::http::oidc::Fetch;

/// Largest document that is read, bytes: some dozen keys with their certificates have a tenth of it.
const DOCUMENT_MAX: u64 = 256 * 1024;

/// Fetches by HTTP. An answer that leads elsewhere is none.
#[must_use]
pub fn by_network() -> Fetch {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let agent: Agent = Agent::config_builder()
        .max_redirects(0)
        // Asked every few minutes: a connection that was kept would be cut by then.
        .max_idle_connections(0)
        .user_agent(concat!("clearway/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .into();
    Arc::new(move |address, timeout| document(&agent, address, timeout).map_err(|e| e.to_string()))
}

fn document(agent: &Agent, address: &str, timeout: Duration) -> Result<Vec<u8>, Error> {
    let request = agent.get(address).config().timeout_global(Some(timeout)).build();
    let mut answer = request.header("Accept", "application/json").call()?;
    if answer.status().as_u16() != 200 {
        return Err(Error::StatusCode(answer.status().as_u16()));
    }
    answer.body_mut().with_config().limit(DOCUMENT_MAX).read_to_vec()
}
