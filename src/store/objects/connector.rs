//! How a bucket is spoken to: by the client that this program has already, in threads that may wait.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use rustls::crypto::ring;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error};

/// Beside a piece of a document an answer has at most so much, bytes: a page of a list.
const ANSWER_MORE: u64 = 4 * 1024 * 1024;

/// Makes clients.
#[derive(Debug)]
pub(super) struct ByUreq {
    /// How long one request may take.
    pub(super) timeout: Duration,
    /// Most bytes of a document in an answer.
    pub(super) answer_max: u64,
}

/// One client, with the connections that it keeps.
#[derive(Debug, Clone)]
struct Client {
    agent: Agent,
    answer_max: u64,
}

impl HttpConnector for ByUreq {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(self.timeout))
            .user_agent(concat!("clearway/", env!("CARGO_PKG_VERSION")))
            .allow_non_standard_methods(true)
            .tls_config(tls)
            .build()
            .into();
        Ok(HttpClient::new(Client { agent, answer_max: self.answer_max + ANSWER_MORE }))
    }
}

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let client = self.clone();
        let asked = tokio::task::spawn_blocking(move || client.ask(head, &body));
        asked.await.unwrap_or_else(|e| Err(HttpError::new(HttpErrorKind::Unknown, e)))
    }
}

impl Client {
    fn ask(&self, head: ureq::http::request::Parts, body: &[u8]) -> Result<HttpResponse, HttpError> {
        let request = ureq::http::Request::from_parts(head, body);
        let answer = self.agent.run(request).map_err(failed)?;
        let (head, mut body) = answer.into_parts();
        let body = body.with_config().limit(self.answer_max).read_to_vec().map_err(failed)?;
        Ok(HttpResponse::from_parts(head, HttpResponseBody::from(body)))
    }
}

fn failed(error: Error) -> HttpError {
    let kind = match &error {
        Error::Timeout(_) => HttpErrorKind::Timeout,
        Error::ConnectionFailed | Error::HostNotFound => HttpErrorKind::Connect,
        Error::Io(_) => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
