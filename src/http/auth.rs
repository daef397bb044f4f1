//! Who sends a request: header or cookie to identity. The one place that reads either; every route passes through
//! `authenticate`, for the route table is registered with it, so none can forget to.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, ResponseError, web};
use base64ct::{Base64, Encoding};
use subtle::ConstantTimeEq;

use super::inbox;
use super::problem::{self, Problem};
use super::rate_limit::Who;
use super::routes::{Access, Route};
use super::{App, blocking, forwarded};
use crate::actions::Asker;
use crate::actions::access::{self, Standing};
use crate::config::{Settings, TokenSetting};
use crate::domain::actor::{Actor, Role};
use crate::domain::audit::Digest;
use crate::domain::jurisdiction::is_subdivision_code;
use crate::domain::session::{CredentialKind, Identity, Via, csrf_token, digest, kind_of};
use crate::domain::word::Word;
use crate::error::{Error, Result};

/// The cookie of a session over a connection that anybody may listen to.
const SESSION_COOKIE: &str = "clearway_session";

/// The same over TLS: a browser takes one of such a name from this host alone, and not from one beside it or from somebody
/// on the way (RFC 6265bis, section 4.1.3.2).
const HOST_SESSION_COOKIE: &str = "__Host-clearway_session";

/// The header in which a page sends its CSRF token.
const CSRF_HEADER: &str = "X-CSRF-Token";

/// The tokens of the configuration, as digests.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Vec<(Digest, Arc<Identity>)>);

impl Tokens {
    /// The tokens of a configuration.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a role that does not exist, and for a jurisdiction that none can be.
    pub fn of(settings: &Settings) -> Result<Self> {
        let known = |t: &TokenSetting| {
            let actor = actor(t)?;
            let identity = Identity { actor, via: Via::Configured, ..Identity::nobody() };
            Ok((digest(&t.token.0), Arc::new(identity)))
        };
        settings.tokens.iter().map(known).collect::<Result<_>>().map(Self)
    }

    /// Whom a token stands for. Every known token is compared, in constant time.
    fn identity(&self, token: &str) -> Option<Arc<Identity>> {
        let given = digest(token);
        let mut found = None;
        for (known, identity) in &self.0 {
            if bool::from(known.ct_eq(&given)) {
                found = Some(identity);
            }
        }
        found.cloned()
    }
}

fn actor(setting: &TokenSetting) -> Result<Actor> {
    let roles = setting.roles.iter().map(|text| {
        Role::parse(text)
            .ok_or_else(|| Error::parameter("tokens", format!("«{text}» is not a role; known are {}", Role::known())))
    });
    if let Some(code) = setting.jurisdictions.iter().flatten().find(|code| !is_subdivision_code(code)) {
        return Err(Error::parameter("tokens", format!("«{code}» is not an ISO 3166-2 code such as VN-72")));
    }
    Ok(Actor {
        name: setting.name.clone(),
        organisation: setting.organisation.clone(),
        roles: roles.collect::<Result<_>>()?,
        jurisdictions: setting.jurisdictions.clone(),
    })
}

/// The digest of what a request is known by, where that takes no look at the database: requests are counted by it.
#[must_use]
pub fn known(request: &HttpRequest, app: &App) -> Option<Digest> {
    let headers = request.headers();
    let text = match headers.get(AUTHORIZATION) {
        Some(header) => header.to_str().ok()?.split_once(' ')?.1.trim(),
        None => cookie(request)?,
    };
    let is_known = app.tokens.identity(text).is_some() || access::known(&app.context, text).is_some();
    is_known.then(|| digest(text))
}

/// Who sent a request; without a token, the public.
///
/// # Errors
/// [`Error::Internal`] for a request that did not come by the route table.
pub fn actor_of(request: &HttpRequest) -> Result<Actor> {
    identity_of(request).map(|identity| identity.actor.clone())
}

/// The same with all that is known of him.
///
/// # Errors
/// As [`actor_of`].
pub fn identity_of(request: &HttpRequest) -> Result<Arc<Identity>> {
    let found = request.extensions().get::<Arc<Identity>>().cloned();
    found.ok_or_else(|| Error::Internal("a request that nobody asked who sent it".into()))
}

/// Who sent a request, in which it is, and by which door it came: for whatever shows features.
///
/// # Errors
/// As [`actor_of`].
pub fn asker_of(request: &HttpRequest) -> Result<Asker> {
    let door = request.extensions().get::<Door>().map(|door| door.0.to_owned());
    let door = door.ok_or_else(|| Error::Internal("a request that came by no route of the table".into()))?;
    Ok(Asker { actor: actor_of(request)?, request_id: problem::request_id(request), door })
}

/// The path of the route by which a request came.
struct Door(&'static str);

/// The sender of a request whose answer takes long.
///
/// # Errors
/// As [`actor_of`].
pub(super) fn standing_of(request: &HttpRequest, app: &App) -> Result<Arc<Standing>> {
    let identity = identity_of(request)?;
    let headers = request.headers();
    let credential = match identity.via {
        Via::Nobody | Via::Configured | Via::Issuer => None,
        Via::Cookie(_) => cookie(request),
        Via::Session(_) | Via::ApiToken(_) => bearer(headers),
    };
    let credential = credential.and_then(|text| Some((text.to_owned(), kind_of(text)?)));
    let withdrawn = match identity.via {
        Via::Issuer => bearer(headers).and_then(|token| app.issuers.withdrawn(token)),
        _ => None,
    };
    Ok(Arc::new(Standing::new(app.context.clone(), identity, credential).until(withdrawn)))
}

/// The sender is who he was when he asked.
///
/// # Errors
/// As [`Standing::holds`].
pub(super) async fn still_holds(standing: &Arc<Standing>) -> Result<()> {
    if !standing.is_in_doubt() {
        return standing.holds();
    }
    let standing = Arc::clone(standing);
    blocking(move || standing.holds()).await
}

/// Finds out who sends a request before anything else of it is read, and refuses whoever may not use the route.
///
/// # Errors
/// Those of the handler.
pub(super) async fn authenticate(
    route: &'static Route,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match identify(route, &request).await {
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            request.extensions_mut().insert(Door(route.path));
            next.call(request).await
        }
        Err(error) => {
            // A browser goes on sending a cookie that is worth nothing, and a page cannot delete it.
            let unknown = matches!(error, Error::Unauthenticated(_));
            let stale = unknown && by_cookie(request.request());
            let cleared = stale.then(|| set_cookie(request.request(), "", 0));
            let mut response = Problem(error).error_response();
            if let Some(value) = cleared {
                response.headers_mut().insert(SET_COOKIE, value);
            }
            if unknown && route.path == inbox::FEED {
                response.headers_mut().append(WWW_AUTHENTICATE, inbox::CHALLENGE);
            }
            Ok(request.into_response(response))
        }
    }
}

/// The public, told apart by address as its requests are: of how much it is told is counted so, too.
fn nobody(request: &ServiceRequest) -> Identity {
    let mut nobody = Identity::nobody();
    if let Some(Who::Address(address)) = forwarded::client(request).map(Who::at) {
        nobody.actor.name = format!("public {address}");
    }
    nobody
}

async fn identify(route: &Route, request: &ServiceRequest) -> Result<Arc<Identity>> {
    if route.access == Access::OwnCredentials {
        // A page of another server, which may read what everybody may, signs nobody in and changes no token.
        from_our_origin(request.request())?;
        return Ok(Arc::new(Identity::nobody()));
    }
    let app = request.app_data::<web::Data<App>>().cloned();
    let app = app.ok_or_else(|| Error::Internal("the server has no context".into()))?;
    let headers = request.headers();
    let identity = if headers.contains_key(AUTHORIZATION) {
        by_header(&app, headers, route.path == inbox::FEED).await?
    } else if let Some(cookie) = cookie(request.request()) {
        let found = look_up(&app, cookie, &[CredentialKind::Cookie]).await?;
        let ended = || Error::Unauthenticated("the session has ended; sign in again".into());
        let identity = found.ok_or_else(ended)?;
        from_our_page(request.request(), cookie)?;
        identity
    } else {
        Arc::new(nobody(request))
    };
    route.access.admits(&identity.actor)?;
    Ok(identity)
}

/// A token that is not known is never taken for none.
async fn by_header(app: &web::Data<App>, headers: &HeaderMap, by_password: bool) -> Result<Arc<Identity>> {
    let refused = || Error::Unauthenticated("the token is not known; send «Authorization: Bearer …»".into());
    let password = if by_password { password(headers) } else { None };
    let token = bearer(headers).or(password.as_deref()).ok_or_else(refused)?;
    if let Some(identity) = app.tokens.identity(token) {
        return Ok(identity);
    }
    if kind_of(token).is_none()
        && let Some(identity) = app.issuers.identify(&app.context, token).await?
    {
        return Ok(identity);
    }
    look_up(app, token, &[CredentialKind::Access, CredentialKind::ApiToken]).await?.ok_or_else(refused)
}

/// The token of the one header that there may be.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION);
    let (Some(header), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Who is behind a credential of one of these kinds: from memory, else from the database, away from the threads that
/// serve. What cannot be a credential of ours costs no look at either.
/// The password of HTTP Basic (RFC 7617): a token, of whatever user.
fn password(headers: &HeaderMap) -> Option<String> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let pair = Base64::decode_vec(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

async fn look_up(app: &web::Data<App>, credential: &str, kinds: &[CredentialKind]) -> Result<Option<Arc<Identity>>> {
    let Some(kind) = kind_of(credential).filter(|kind| kinds.contains(kind)) else { return Ok(None) };
    if let Some(known) = access::known(&app.context, credential) {
        return Ok(Some(known));
    }
    let (context, credential) = (app.context.clone(), credential.to_owned());
    blocking(move || access::identify(&context, &credential, kind)).await
}

/// What comes with a cookie and changes something must come from a page of ours: it says the CSRF token, which only such
/// a page was told, and no other origin.
fn from_our_page(request: &HttpRequest, cookie: &str) -> Result<()> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    from_our_origin(request)?;
    let given = request.headers().get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if bool::from(csrf_token(cookie).as_bytes().ct_eq(given)) {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "a request with a cookie needs the header {CSRF_HEADER} with the token of its session"
    )))
}

/// Where a browser says from which page a request comes, that page is ours: of the same host and port.
///
/// # Errors
/// [`Error::Forbidden`].
fn from_our_origin(request: &HttpRequest) -> Result<()> {
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    // Where we know of no TLS, a proxy that is not believed may speak it.
    let plain = || origin.strip_prefix("http://").filter(|_| !is_secure(request));
    let host = origin.strip_prefix("https://").or_else(plain);
    if host.is_some_and(|host| host.eq_ignore_ascii_case(request.connection_info().host())) {
        return Ok(());
    }
    Err(Error::Forbidden("signing in, and a request with a cookie, must come from a page of this server".into()))
}

/// A request says who sends it, truly or not.
pub(super) fn brings_credential(request: &HttpRequest) -> bool {
    request.headers().contains_key(AUTHORIZATION) || cookie(request).is_some()
}

/// The session cookie is what a request is known by.
fn by_cookie(request: &HttpRequest) -> bool {
    !request.headers().contains_key(AUTHORIZATION) && cookie(request).is_some()
}

/// The session cookie of a request.
fn cookie(request: &HttpRequest) -> Option<&str> {
    let named = cookie_name(request);
    let all = request.headers().get_all(COOKIE).filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == named).map(|(_, value)| value)
}

/// What the session cookie is called on the connection of a request.
fn cookie_name(request: &HttpRequest) -> &'static str {
    if is_secure(request) { HOST_SESSION_COOKIE } else { SESSION_COOKIE }
}

/// The client speaks TLS, with us or with a proxy that is believed.
fn is_secure(request: &HttpRequest) -> bool {
    request.connection_info().scheme() == "https"
}

/// The CSRF token of the session, for a request that came with its cookie.
pub(super) fn csrf_of(request: &HttpRequest) -> Option<String> {
    by_cookie(request).then(|| cookie(request).map(csrf_token)).flatten()
}

/// The header that gives a browser the cookie of its session, or takes it away (0 s).
pub(super) fn set_cookie(request: &HttpRequest, value: &str, seconds: u64) -> HeaderValue {
    let (name, secure) = (cookie_name(request), if is_secure(request) { "; Secure" } else { "" });
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    // Of letters, digits and the signs above alone; nothing else comes in.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::config::Secret;
    use actix_web::test::TestRequest;

    #[test]
    fn a_token_holds_where_a_jurisdiction_can_be() {
        let check = |code: &str, expect: Option<&str>| {
            let token = TokenSetting {
                token: Secret("0123456789abcdef".into()),
                name: "n".into(),
                organisation: None,
                roles: vec!["officer".into()],
                jurisdictions: Some(vec!["VN-35".into(), code.into()]),
            };
            let said = Tokens::of(&Settings { tokens: vec![token], ..Settings::default() }).err();
            assert_eq!(said.map(|error| error.to_string()).as_deref(), expect, "{code}");
        };
        check("VN-72", None);
        check("*", Some("parameter «tokens»: «*» is not an ISO 3166-2 code such as VN-72"));
        check("vn-72", Some("parameter «tokens»: «vn-72» is not an ISO 3166-2 code such as VN-72"));
    }

    /// The median of each of two things that are done in turn, so that whatever else the machine does meets both.
    fn medians(rounds: usize, things: [&dyn Fn(); 2]) -> [Duration; 2] {
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            for which in [round % 2, 1 - round % 2] {
                let begun = Instant::now();
                things[which]();
                times[which].push(begun.elapsed());
            }
        }
        times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        })
    }

    /// Were tokens compared as they are, one that agrees with many long ones up to its end would take some twenty times as long as one
    /// that agrees with none: each would be looked at to its end. By digests both take one hash of the same length. What is
    /// issued by the service is looked up by its digest, too, and kept as nothing else (`actions/access.rs`).
    #[test]
    fn a_token_that_is_nearly_right_takes_as_long_as_any() {
        const LENGTH: usize = 16_384;
        let text = |filled_by: &str, end: &str| filled_by.repeat(LENGTH - end.len()) + end;
        let setting = |n: usize| TokenSetting {
            token: Secret(text("a", &format!("{n:04}"))),
            name: format!("machine {n}"),
            organisation: None,
            roles: vec!["officer".into()],
            jurisdictions: None,
        };
        let settings = Settings { tokens: (0..256).map(setting).collect(), ..Settings::default() };
        let tokens = Tokens::of(&settings).unwrap_or_default();
        assert!(tokens.identity(&text("a", "0255")).is_some_and(|i| i.actor.name == "machine 255"));
        let (nearly, other) = (text("a", "025x"), text("b", "025x"));
        let refused = |token: &str| assert!(tokens.identity(std::hint::black_box(token)).is_none());
        let [nearly, other] = medians(301, [&|| refused(&nearly), &|| refused(&other)]);
        let ratio = nearly.as_secs_f64() / other.as_secs_f64();
        assert!((0.67..1.5).contains(&ratio), "nearly right {nearly:?}, not at all {other:?}: {ratio:.2}");
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let check = |headers: &[&str], expect: Option<&str>| {
            let mut request = TestRequest::default();
            for text in headers {
                request = request.append_header((COOKIE, *text));
            }
            assert_eq!(cookie(&request.to_http_request()), expect, "{headers:?}");
        };
        check(&[], None);
        check(&["clearway_session=cws_x"], Some("cws_x"));
        check(&["a=b; clearway_session=cws_x;c=d"], Some("cws_x"));
        check(&["a=b", "clearway_session=cws_x"], Some("cws_x"));
        check(&["xclearway_session=cws_x; clearway_sessions=y; clearway_session"], None);
        check(&["__Host-clearway_session=cws_x"], None);
    }

    #[test]
    fn over_tls_a_cookie_that_another_host_could_have_set_is_none() {
        let check = |text: &str, expect: Option<&str>| {
            let request = TestRequest::with_uri("https://here/").insert_header((COOKIE, text));
            let request = request.insert_header(("X-Forwarded-Proto", "https")).to_http_request();
            assert_eq!(cookie(&request), expect, "{text}");
        };
        check("clearway_session=cws_x", None);
        check("clearway_session=cws_x; __Host-clearway_session=cws_y", Some("cws_y"));
    }

    #[test]
    fn a_cookie_is_secure_where_the_connection_is() {
        let plain = TestRequest::default().to_http_request();
        assert_eq!(set_cookie(&plain, "x", 9), "clearway_session=x; Path=/; Max-Age=9; HttpOnly; SameSite=Strict");
        let tls =
            TestRequest::with_uri("https://here/").insert_header(("X-Forwarded-Proto", "https")).to_http_request();
        assert_eq!(
            set_cookie(&tls, "x", 9),
            "__Host-clearway_session=x; Path=/; Max-Age=9; HttpOnly; SameSite=Strict; Secure"
        );
    }

    #[test]
    fn a_page_of_another_host_is_not_ours() {
        let check = |origin: &str, ours: bool| {
            let request = TestRequest::default().insert_header(("Host", "map.example:8080"));
            let request = request.insert_header((ORIGIN, origin)).to_http_request();
            assert_eq!(from_our_origin(&request).is_ok(), ours, "{origin}");
        };
        check("https://map.example:8080", true);
        check("http://MAP.example:8080", true);
        for other in [
            "null",
            "",
            "https://map.example",
            "https://map.example:8080.evil",
            "https://evil",
            "ftp://map.example:8080",
        ] {
            check(other, false);
        }
        assert!(from_our_origin(&TestRequest::default().to_http_request()).is_ok());
    }
}
