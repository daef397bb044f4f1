//! For whom a proxy asks. Only proxies of the configuration are believed, and only in the headers that they are said to
//! set; from everybody else, and of everything else, such headers are taken away before anybody reads them. What is left
//! is what `connection_info` finds: the address for rates and the log, scheme and host for links.

use std::net::{IpAddr, SocketAddr};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    FORWARDED, HeaderMap, HeaderName, HeaderValue, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO,
};
use actix_web::http::uri::Authority;
use actix_web::middleware::Next;
use actix_web::web;
use ipnet::IpNet;

use super::App;
use crate::config::{ProxyHeaders, Settings};
use crate::error::{Error, Result};

/// The proxies that are believed.
pub struct Proxies {
    networks: Vec<IpNet>,
    headers: ProxyHeaders,
}

/// What a proxy says of one step on the way to it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Step {
    from: Option<IpAddr>,
    scheme: Option<String>,
    host: Option<String>,
}

impl Proxies {
    /// Those of the settings.
    ///
    /// # Errors
    /// [`Error::Parameter`] for what is no network.
    pub fn of(settings: &Settings) -> Result<Self> {
        let networks = settings.networks().map_err(|reason| Error::parameter("trusted_proxies", reason))?;
        Ok(Self { networks, headers: settings.proxy_headers })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// What is known of the client: the first from the right that is no proxy of ours, as the proxy that it spoke to
    /// saw it. What stands further left anybody may have written.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Step {
        let mut client = Step { from: Some(peer), ..Step::default() };
        if !self.trusts(peer) {
            return client;
        }
        let steps = match self.headers {
            ProxyHeaders::Forwarded => forwarded(headers),
            ProxyHeaders::XForwarded => x_forwarded(headers),
        };
        for step in steps.into_iter().rev() {
            client.scheme = step.scheme.or(client.scheme);
            client.host = step.host.or(client.host);
            // Hidden or unreadable: the proxy itself is all that is known.
            let Some(from) = step.from else { break };
            client.from = Some(from);
            if !self.trusts(from) {
                break;
            }
        }
        client
    }
}

/// The entries of a list that may stand in several headers.
fn entries<'a>(headers: &'a HeaderMap, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).flat_map(|value| value.to_str().unwrap_or_default().split(',')).map(str::trim)
}

/// The steps in `Forwarded` (RFC 7239), from the client's side to ours.
fn forwarded(headers: &HeaderMap) -> Vec<Step> {
    let step = |entry: &str| {
        let mut step = Step::default();
        for (name, value) in entry.split(';').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => step.from = address(value),
                "proto" => step.scheme = scheme(value),
                "host" => step.host = host(value),
                _ => {}
            }
        }
        step
    };
    entries(headers, &FORWARDED).map(step).collect()
}

/// The steps in `X-Forwarded-For`, from the client's side to ours. Scheme and host belong to the entry in the same place,
/// or, where they are as many as proxies that set them and not as many as steps, the last of them to all.
fn x_forwarded(headers: &HeaderMap) -> Vec<Step> {
    let from: Vec<Option<IpAddr>> = entries(headers, &X_FORWARDED_FOR).map(address).collect();
    let beside = |name: &HeaderName| -> Vec<String> {
        let all: Vec<String> = entries(headers, name).map(str::to_owned).collect();
        match all.last() {
            Some(last) if all.len() != from.len() => vec![last.clone(); from.len()],
            _ => all,
        }
    };
    let (schemes, hosts) = (beside(&X_FORWARDED_PROTO), beside(&X_FORWARDED_HOST));
    let step = |(n, from): (usize, &Option<IpAddr>)| Step {
        from: *from,
        scheme: schemes.get(n).and_then(|text| scheme(text)),
        host: hosts.get(n).and_then(|text| host(text)),
    };
    from.iter().enumerate().map(step).collect()
}

/// An address, with or without a port, in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()))?;
    Some(address.to_canonical())
}

fn scheme(text: &str) -> Option<String> {
    ["http", "https"].into_iter().find(|known| text.eq_ignore_ascii_case(known)).map(str::to_owned)
}

fn host(text: &str) -> Option<String> {
    text.parse::<Authority>().ok().filter(|host| !host.as_str().contains('@')).map(|host| host.to_string())
}

/// Takes away what is not believed and leaves what is, in a form that cannot be misread.
///
/// # Errors
/// What the request itself ends with.
pub async fn from_proxies_alone(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let peer = request.peer_addr().map(|peer| peer.ip());
    let app = request.app_data::<web::Data<App>>().cloned();
    let known = peer.zip(app).map(|(peer, app)| app.proxies.client(peer, request.headers())).unwrap_or_default();
    let headers = request.headers_mut();
    let left = [
        (FORWARDED, None),
        (X_FORWARDED_FOR, known.from.filter(|from| Some(*from) != peer).map(|from| from.to_string())),
        (X_FORWARDED_PROTO, known.scheme),
        (X_FORWARDED_HOST, known.host),
    ];
    for (name, value) in left {
        headers.remove(&name);
        if let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    next.call(request).await
}

/// The address of the client, once [`from_proxies_alone`] has seen the request.
#[must_use]
pub fn client(request: &ServiceRequest) -> Option<IpAddr> {
    request.connection_info().realip_remote_addr()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(kind: ProxyHeaders, peer: &str, headers: &[(HeaderName, &str)]) -> (String, String, String) {
        let networks = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|text| text.parse().unwrap()).to_vec();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        let step = Proxies { networks, headers: kind }.client(peer.parse().unwrap(), &map);
        let or_none = |text: Option<String>| text.unwrap_or_default();
        (step.from.unwrap().to_string(), or_none(step.scheme), or_none(step.host))
    }

    #[track_caller]
    fn check(kind: ProxyHeaders, peer: &str, headers: &[(HeaderName, &str)], expect: (&str, &str, &str)) {
        let (from, scheme, host) = client_of(kind, peer, headers);
        assert_eq!((from.as_str(), scheme.as_str(), host.as_str()), expect);
    }

    #[test]
    fn the_first_address_from_the_right_that_is_no_proxy_counts() {
        let x = ProxyHeaders::XForwarded;
        let of = |list| [(X_FORWARDED_FOR, list)];
        check(x, "192.0.2.9", &of("203.0.113.1"), ("192.0.2.9", "", ""));
        check(x, "10.0.0.1", &[], ("10.0.0.1", "", ""));
        check(x, "10.0.0.1", &of("203.0.113.1"), ("203.0.113.1", "", ""));
        check(x, "::ffff:10.0.0.1", &of("203.0.113.1"), ("203.0.113.1", "", ""));
        check(x, "10.0.0.1", &of("6.6.6.6, 203.0.113.1, 10.0.0.2"), ("203.0.113.1", "", ""));
        check(
            x,
            "10.0.0.1",
            &[(X_FORWARDED_FOR, "6.6.6.6"), (X_FORWARDED_FOR, "203.0.113.1")],
            ("203.0.113.1", "", ""),
        );
        check(x, "10.0.0.1", &of("10.0.0.3, 10.0.0.2"), ("10.0.0.3", "", ""));
        check(x, "10.0.0.1", &of("203.0.113.1:4711"), ("203.0.113.1", "", ""));
        check(x, "10.0.0.1", &of("[2001:db8::7]:4711"), ("2001:db8::7", "", ""));
        check(x, "10.0.0.1", &of("2001:db8::7, 2001:db8:ffff::1"), ("2001:db8::7", "", ""));
        // What cannot be read is not passed over: what stands left of it anybody may have written.
        for unknown in ["6.6.6.6, unknown", "6.6.6.6, ", "6.6.6.6, _hidden", "6.6.6.6, 203.0.113.1 x"] {
            check(x, "10.0.0.1", &of(unknown), ("10.0.0.1", "", ""));
        }
        // The other kind of header is not believed.
        check(x, "10.0.0.1", &[(FORWARDED, "for=6.6.6.6;proto=https")], ("10.0.0.1", "", ""));
        check(ProxyHeaders::Forwarded, "10.0.0.1", &of("6.6.6.6"), ("10.0.0.1", "", ""));
    }

    #[test]
    fn scheme_and_host_are_those_that_the_client_spoke_to() {
        let x = |of: &'static str, proto: &'static str, host: &'static str| {
            [(X_FORWARDED_FOR, of), (X_FORWARDED_PROTO, proto), (X_FORWARDED_HOST, host)]
        };
        let kind = ProxyHeaders::XForwarded;
        check(
            kind,
            "10.0.0.1",
            &x("203.0.113.1", "https", "a.example:8443"),
            ("203.0.113.1", "https", "a.example:8443"),
        );
        check(
            kind,
            "10.0.0.1",
            &x("6.6.6.6, 203.0.113.1", "https", "a.example"),
            ("203.0.113.1", "https", "a.example"),
        );
        check(
            kind,
            "10.0.0.1",
            &x("203.0.113.1, 10.0.0.2", "https, http", "a.example, b"),
            ("203.0.113.1", "https", "a.example"),
        );
        check(kind, "10.0.0.1", &x("203.0.113.1", "gopher", "a.example/x"), ("203.0.113.1", "", ""));
        check(kind, "10.0.0.1", &x("203.0.113.1", "https", "user@a.example"), ("203.0.113.1", "https", ""));
        check(kind, "192.0.2.9", &x("203.0.113.1", "https", "a.example"), ("192.0.2.9", "", ""));
        let f = |text: &'static str| [(FORWARDED, text)];
        let kind = ProxyHeaders::Forwarded;
        check(
            kind,
            "10.0.0.1",
            &f("for=203.0.113.1;proto=https;host=a.example"),
            ("203.0.113.1", "https", "a.example"),
        );
        check(kind, "10.0.0.1", &f("For=\"[2001:db8::7]:47\" ; Proto=HTTPS"), ("2001:db8::7", "https", ""));
        check(
            kind,
            "10.0.0.1",
            &f("for=6.6.6.6;host=evil, for=203.0.113.1;host=a.example, for=10.0.0.2;proto=http"),
            ("203.0.113.1", "http", "a.example"),
        );
        check(kind, "10.0.0.1", &f("for=6.6.6.6, for=_hidden;proto=https"), ("10.0.0.1", "https", ""));
        check(kind, "10.0.0.1", &f("for=6.6.6.6, nonsense"), ("10.0.0.1", "", ""));
    }
}
