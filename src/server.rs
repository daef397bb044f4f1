//! Builds the context, keeps the index in step with the database, serves, and stops in order.

mod courier;
mod fetch;
mod tls;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::{App as ActixApp, HttpMessage, HttpServer, web};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder, TracingLogger};

use crate::actions::outbox::{Courier, Delivering};
use crate::actions::refresh::{self, Following};
use crate::actions::restricted_read::Writing;
use crate::actions::site_check::recheck::Rechecking;
use crate::actions::{Context, conflict_check, health, site_request};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::http::auth::Tokens;
use crate::http::forwarded::{self, Proxies};
use crate::http::health::Watched;
use crate::http::oidc::Issuers;
use crate::http::rate_limit::{self, Limits};
use crate::http::{App, blocking, cors, head, problem, routes};

/// Answer times are counted below these, s: a check takes parts of a millisecond, an outage seconds.
const SECONDS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// A server that is ready to run.
pub struct Server {
    app: App,
    listener: TcpListener,
    tls: Option<rustls::ServerConfig>,
    courier: Arc<dyn Courier>,
}

/// Starts recording metrics; once for a program.
#[must_use]
pub fn record_metrics() -> Option<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("clearway_http_seconds".into()), SECONDS)
        .ok()?
        .install_recorder()
        .ok()
}

/// Takes the port of the settings. What its connections inherit: the system cuts one whose client does not read.
///
/// # Errors
/// [`Error::Busy`] where it is in use, [`Error::Parameter`] where it cannot be served on.
pub fn bind(settings: &Settings) -> Result<TcpListener> {
    let unread = Duration::from_secs(settings.unread_timeout_s);
    let bound = TcpListener::bind(&settings.listen).and_then(|listener| {
        socket2::SockRef::from(&listener).set_tcp_user_timeout(Some(unread))?;
        Ok(listener)
    });
    bound.map_err(|e| match e.kind() {
        std::io::ErrorKind::AddrInUse => Error::busy(format!(
            "{} is in use by another program; stop it, or choose another with --listen",
            settings.listen
        )),
        _ => Error::parameter("listen", format!("«{}» cannot be served on: {e}", settings.listen)),
    })
}

impl Server {
    /// Connects to the database and loads the index, every jurisdiction that can be loaded.
    ///
    /// # Errors
    /// [`Error::Busy`] where the database cannot be reached, the first failure where none can be loaded, [`Error::Parameter`] for settings that cannot be used.
    pub fn prepare(settings: Settings, listener: TcpListener, metrics: Option<PrometheusHandle>) -> Result<Self> {
        let tokens = Tokens::of(&settings)?;
        let issuers = Issuers::of(&settings, &fetch::by_network())?;
        let proxies = Proxies::of(&settings)?;
        let limits = Limits::of(&settings);
        let tls = tls::config(&settings)?;
        let courier = courier::by_network(&settings)?;
        let context = Context::connect(settings)?;
        let followed = refresh::catch_up_all(&context);
        // A jurisdiction that cannot be loaded is named by /health/ready; the others are served.
        if health::loaded(&context).is_empty() {
            followed?;
        }
        let watched = Watched::default();
        Ok(Self { app: App { context, tokens, issuers, proxies, limits, metrics, watched }, listener, tls, courier })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`Error::Internal`] where the system does not say.
    pub fn address(&self) -> Result<std::net::SocketAddr> {
        self.listener.local_addr().map_err(|e| Error::Internal(e.to_string()))
    }

    /// Where it listens, as the beginning of a link.
    ///
    /// # Errors
    /// As [`Server::address`].
    pub fn base(&self) -> Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.address()?))
    }

    /// What the actions work with.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.app.context
    }

    /// Serves until the program is told to stop (SIGINT, SIGTERM) or somebody with the handle that `started` gets
    /// stops it; running requests are finished first, and what is left to write of who looked at what is written last.
    /// `started` runs once the server answers and hears signals.
    ///
    /// # Errors
    /// [`Error::Internal`] where the server cannot run, [`Error::Busy`] where something was left that could not be written.
    pub fn run(self, started: impl FnOnce(actix_web::dev::ServerHandle) + 'static) -> Result<()> {
        let Self { app, listener, tls, courier } = self;
        let context = app.context.clone();
        let settings = Arc::clone(&context.settings);
        let following = Following::begin(&context)?;
        let rechecking = Rechecking::begin(&context)?;
        let delivering = Delivering::begin(&context, &courier)?;
        let reads = Writing::begin(&context)?;
        let ending = context.clone();
        let measured = app.metrics.clone();
        let app = web::Data::new(app);
        let following_issuers = app.clone();
        let workers = match settings.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let served = actix_web::rt::System::new().block_on(async {
            let rules = Arc::clone(&settings);
            let server = HttpServer::new(move || {
                conflict_check::make_ready(&app.context);
                ActixApp::new()
                    .app_data(app.clone())
                    // From the inside out. Errors are completed before anything is compressed: the other way round
                    // their text would be replaced under a header that calls it compressed.
                    .wrap(from_fn(rate_limit::admit))
                    .wrap(from_fn(head::within_limits))
                    .wrap(cors::rules(&rules))
                    .wrap(from_fn(finish))
                    .wrap(Compress::default())
                    .wrap(from_fn(without_identity))
                    .wrap(TracingLogger::<RequestSpan>::new())
                    .wrap(from_fn(forwarded::from_proxies_alone))
                    .configure(routes::configure)
            })
            .workers(workers)
            .client_request_timeout(Duration::from_secs(settings.head_timeout_s))
            .tls_handshake_timeout(Duration::from_secs(settings.head_timeout_s))
            .keep_alive(Duration::from_secs(settings.keep_alive_s))
            // What is compressed goes out in parts, of which the second would wait until the client acknowledges the
            // first: 40 ms.
            .tcp_nodelay(true)
            .shutdown_timeout(settings.shutdown_timeout_s);
            let server = match tls {
                Some(tls) => server.listen_rustls_0_23(listener, tls)?,
                None => server.listen(listener)?,
            };
            let server = server.run();
            // The server hears signals once it was polled, which is before what is spawned here gets its turn.
            let handle = server.handle();
            actix_web::rt::spawn(async move { started(handle) });
            following_issuers.issuers.follow(&ending);
            actix_web::rt::spawn(lapse(ending.clone()));
            actix_web::rt::spawn(end_streams(ending));
            if let Some(metrics) = measured {
                actix_web::rt::spawn(sum_up(metrics));
            }
            server.await
        });
        let followed = following.end();
        let rechecked = rechecking.end();
        let delivered = delivering.end();
        let written = reads.end();
        served.map_err(|e| Error::Internal(e.to_string()))?;
        followed?;
        rechecked?;
        delivered?;
        written
    }
}

/// What every line of the log about a request says of it: nothing that its client makes up, for in the query and in every
/// header there may be tokens.
struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string);
        tracing::info_span!(
            "request",
            request_id = id,
            method = known_method(request.method()),
            route = request.match_pattern(),
            http.client_ip = forwarded::client(request).map(|address| address.to_string())
        )
    }

    /// `finish` says how it ended.
    fn on_request_end<B: MessageBody>(_: Span, _: &std::result::Result<ServiceResponse<B>, actix_web::Error>) {}
}

/// How often what was measured is summed up.
const SUM_UP: Duration = Duration::from_secs(5);

/// Sums up what was measured again and again: each figure is kept by itself until then, and nobody may ever ask for them.
async fn sum_up(metrics: PrometheusHandle) {
    loop {
        actix_web::rt::time::sleep(SUM_UP).await;
        metrics.run_upkeep();
    }
}

/// How often somebody looks for permits whose last day is over: they lapse by days.
const LAPSE_EVERY: Duration = Duration::from_mins(10);

/// Lets permits lapse again and again.
async fn lapse(context: Context) {
    loop {
        actix_web::rt::time::sleep(LAPSE_EVERY).await;
        let context = context.clone();
        if let Err(error) = blocking(move || site_request::lapse::lapse(&context)).await {
            tracing::warn!(%error, "permits could not lapse; it will be tried again");
        }
    }
}

/// Ends what would never end by itself as soon as the program is told to stop, for running requests are waited for.
async fn end_streams(context: Context) {
    use actix_web::rt::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    context.end_streams();
}

/// A method as the metrics name it: a client may invent any number of others, and each would be a series of its own.
fn known_method(method: &Method) -> &'static str {
    const KNOWN: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.iter().find(|known| **known == method.as_str()).copied().unwrap_or("other")
}

/// Takes away what kept an answer from being compressed: `identity` is no encoding that a client is told of (RFC 9110,
/// section 8.4.1).
async fn without_identity(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut response = next.call(request).await?;
    if response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "identity") {
        response.headers_mut().remove(CONTENT_ENCODING);
    }
    Ok(response)
}

/// Completes errors, and notes the id and the figures of every request.
async fn finish(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let begun = Instant::now();
    let method = request.method().to_string();
    let counted = known_method(request.method());
    let (request, response) = next.call(request).await?.map_into_boxed_body().into_parts();
    let mut response = problem::complete(&request, response);
    let path = request.match_pattern().unwrap_or_else(|| "unknown".into());
    let status = response.status().as_u16().to_string();
    metrics::counter!("clearway_http_requests_total",
        "method" => counted, "path" => path.clone(), "status" => status)
    .increment(1);
    let request_id = problem::request_id(&request);
    let microseconds = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    // The path as the route has it and the one asked for, but where a secret may be taken for a receipt; never a header, for there
    // tokens stand.
    tracing::info!(
        request_id,
        method,
        path,
        asked = if path.contains("{receipt}") { path.as_str() } else { request.path() },
        status = response.status().as_u16(),
        microseconds,
        "request"
    );
    metrics::histogram!("clearway_http_seconds", "method" => counted, "path" => path).record(begun.elapsed());
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    head::protect(&request, headers);
    Ok(ServiceResponse::new(request, response))
}
