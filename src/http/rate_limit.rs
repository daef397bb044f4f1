//! How often one may ask: by token where it is known, else by address. Invented tokens count by address, or each would
//! bring a rate of its own. What is kept of a token is its digest.
//!
//! The rates are those of a bucket that is filled steadily (GCRA, as the `governor` crate has it); here is who has one,
//! and that there are never more than so many.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{ResponseError, web};
use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::problem::Problem;
use super::{App, auth, forwarded, routes};
use crate::config::Settings;
use crate::error::Error;

/// How much a request counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Not counted, unless a credential comes along: watchers must get through when everybody else does not.
    Free,
    /// A read: once.
    Read,
    /// A write, which the database works for: five times.
    Write,
    /// A check, whose answer may have megabytes: five times; a batch as a whole, too.
    Check,
    /// A search, which is some thousand checks on all cores, or what a past state may have to be made for: fifty times.
    Search,
    /// An attempt to sign in: by address, at a rate of its own.
    SignIn,
}

impl Cost {
    const fn units(self) -> u32 {
        match self {
            Self::Free => 0,
            Self::Read | Self::SignIn => 1,
            Self::Write | Self::Check => 5,
            Self::Search => 50,
        }
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// Whoever has the token of this digest.
    Token([u8; 32]),
    /// Whoever has this address, or one of the same /64 of IPv6: one customer has all of it.
    Address(IpAddr),
    /// All those for whom there is no room.
    Others,
}

impl Who {
    /// The one with this address.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Address(_) => "address",
            Self::Others => "others",
        }
    }
}

/// When the bucket of each will be full again; at most so many, and one for all others.
struct Kept {
    full_at: Mutex<HashMap<Who, Nanos>>,
    max: usize,
}

impl Kept {
    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<Who, Nanos>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Kept {
    type Key = Who;

    fn measure_and_replace<T, F, E>(&self, who: &Who, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut map = self.map();
        let who = if map.len() < self.max || map.contains_key(who) { *who } else { Who::Others };
        let (outcome, full_at) = decide(map.get(&who).copied())?;
        map.insert(who, full_at);
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<Who> for Kept {
    fn retain_recent(&self, drop_below: Nanos) {
        let mut map = self.map();
        map.retain(|_, full_at| *full_at > drop_below);
        map.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.map().len()
    }

    fn is_empty(&self) -> bool {
        self.map().is_empty()
    }
}

/// How often those whose bucket is full again are forgotten, s.
const SWEEP: Duration = Duration::from_secs(10);

/// One rate, for each who has it.
struct Limit<C: Clock> {
    limiter: RateLimiter<Who, Kept, C, NoOpMiddleware<C::Instant>>,
    burst: NonZeroU32,
    swept: Mutex<C::Instant>,
}

impl<C: Clock + Clone> Limit<C> {
    /// `None` where the rate is 0, which is none.
    fn of(quota: impl Fn(NonZeroU32) -> Quota, rate: u32, burst: u32, max: usize, clock: &C) -> Option<Self> {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = quota(NonZeroU32::new(rate)?).allow_burst(burst);
        let kept = Kept { full_at: Mutex::default(), max };
        Some(Self { limiter: RateLimiter::new(quota, kept, clock.clone()), burst, swept: Mutex::new(clock.now()) })
    }

    /// Takes what the request costs, or tells how long until there is enough.
    fn take(&self, who: Who, units: u32) -> Result<(), Duration> {
        self.sweep();
        let Some(units) = NonZeroU32::new(units) else { return Ok(()) };
        match self.limiter.check_key_n(&who, units.min(self.burst)) {
            Ok(Err(until)) => Err(until.wait_time_from(self.limiter.clock().now())),
            // It cannot cost more than the bucket holds.
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    fn sweep(&self) {
        let Ok(mut swept) = self.swept.try_lock() else { return };
        let now = self.limiter.clock().now();
        if now.duration_since(*swept) >= Nanos::from(SWEEP) {
            *swept = now;
            self.limiter.retain_recent();
        }
    }
}

/// All rates.
pub struct Limits<C: Clock = DefaultClock> {
    address: Option<Limit<C>>,
    token: Option<Limit<C>>,
    sign_in: Option<Limit<C>>,
}

impl Limits {
    /// The rates of these settings.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self::with(settings, &DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn with(settings: &Settings, clock: &C) -> Self {
        let (s, max) = (settings, settings.rate_keys_max);
        let a_second = |rate, burst| Limit::of(Quota::per_second, rate, burst, max, clock);
        let attempts = s.rate_sign_in_per_minute;
        Self {
            address: a_second(s.rate_address_per_second, s.rate_address_burst),
            token: a_second(s.rate_token_per_second, s.rate_token_burst),
            sign_in: Limit::of(Quota::per_minute, attempts, attempts, max, clock),
        }
    }

    fn limit(&self, who: Who, cost: Cost) -> Option<&Limit<C>> {
        match (cost, who) {
            (Cost::Free, _) => None,
            (Cost::SignIn, _) => self.sign_in.as_ref(),
            (_, Who::Token(_)) => self.token.as_ref(),
            (_, Who::Address(_) | Who::Others) => self.address.as_ref(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long to wait, where it is one too many; it is not counted then.
    pub fn take(&self, who: Who, cost: Cost) -> Result<(), Duration> {
        self.limit(who, cost).map_or(Ok(()), |limit| limit.take(who, cost.units()))
    }
}

/// Refuses requests that come too often, before anything is done for them.
///
/// # Errors
/// What the request itself ends with.
pub async fn admit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let Err(refused) = count(&request) else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    Ok(request.into_response(Problem(refused).error_response()))
}

fn count(request: &ServiceRequest) -> Result<(), Error> {
    let Some(app) = request.app_data::<web::Data<App>>() else { return Ok(()) };
    let cost = routes::cost(request);
    let token = auth::known(request.request(), app).filter(|_| cost != Cost::SignIn);
    let who = token.map(Who::Token).or_else(|| forwarded::client(request).map(Who::at)).unwrap_or(Who::Others);
    app.limits.take(who, cost).map_err(|retry_after| {
        metrics::counter!("clearway_rate_limited_total", "by" => who.as_str()).increment(1);
        let whose = if token.is_some() { "with this token" } else { "from this address" };
        Error::TooMany { detail: format!("too many requests {whose}; wait as long as Retry-After says"), retry_after }
    })
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limits(change: impl FnOnce(&mut Settings)) -> (Limits<FakeRelativeClock>, FakeRelativeClock) {
        let mut settings = Settings {
            rate_address_per_second: 2,
            rate_address_burst: 10,
            rate_token_per_second: 4,
            rate_token_burst: 20,
            rate_sign_in_per_minute: 3,
            ..Settings::default()
        };
        change(&mut settings);
        let clock = FakeRelativeClock::default();
        (Limits::with(&settings, &clock), clock)
    }

    fn at(address: &str) -> Who {
        Who::at(address.parse().unwrap())
    }

    /// How many come through at once.
    fn taken<C: Clock + Clone>(limits: &Limits<C>, who: Who, cost: Cost) -> usize {
        (0..1_000).take_while(|_| limits.take(who, cost).is_ok()).count()
    }

    #[test]
    fn each_has_a_rate_of_its_own_and_dear_requests_count_more() {
        let (limits, clock) = limits(|_| {});
        assert_eq!(taken(&limits, at("192.0.2.1"), Cost::Read), 10);
        assert_eq!(limits.take(at("192.0.2.1"), Cost::Read), Err(Duration::from_millis(500)));
        assert_eq!(limits.take(at("192.0.2.1"), Cost::Check), Err(Duration::from_millis(2_500)));
        assert_eq!(taken(&limits, at("192.0.2.2"), Cost::Check), 2);
        assert_eq!(taken(&limits, Who::Token([1; 32]), Cost::Write), 4);
        assert_eq!(taken(&limits, Who::Token([2; 32]), Cost::Read), 20);
        assert_eq!(taken(&limits, at("192.0.2.1"), Cost::Free), 1_000);
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(taken(&limits, at("192.0.2.1"), Cost::Read), 3);
        assert_eq!(taken(&limits, Who::Token([2; 32]), Cost::Read), 6);
        // To sign in has a rate of its own, whatever else was asked.
        assert_eq!(taken(&limits, at("192.0.2.1"), Cost::SignIn), 3);
        assert_eq!(limits.take(at("192.0.2.1"), Cost::SignIn), Err(Duration::from_secs(20)));
        clock.advance(Duration::from_secs(20));
        assert_eq!(taken(&limits, at("192.0.2.1"), Cost::SignIn), 1);
    }

    #[test]
    fn addresses_of_one_customer_are_one() {
        let table = [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ];
        for (one, other, same) in table {
            assert_eq!(at(one) == at(other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_rate_of_0_is_none_and_a_small_burst_lets_dear_requests_through() {
        let (unlimited, _) = limits(|s| s.rate_address_per_second = 0);
        assert_eq!(taken(&unlimited, at("192.0.2.1"), Cost::Check), 1_000);
        let (limits, _) = limits(|s| s.rate_address_burst = 2);
        assert_eq!(taken(&limits, at("192.0.2.1"), Cost::Check), 1);
    }

    #[test]
    fn a_flood_of_addresses_takes_no_memory_and_is_forgotten() {
        let (limits, clock) = limits(|s| s.rate_keys_max = 100);
        let (known, kept) = (at("192.0.2.1"), &limits.address.as_ref().unwrap().limiter);
        assert_eq!(limits.take(known, Cost::Read), Ok(()));
        let flood = |n: u32| Who::at(IpAddr::V4(n.into()));
        let through = (1..=50_000).filter(|n| limits.take(flood(*n), Cost::Read).is_ok()).count();
        // Each of those that there is room for, and a bucket for all others.
        assert_eq!((through, kept.len()), (99 + 10, 101));
        assert_eq!(taken(&limits, known, Cost::Read), 9, "who was known before keeps his own");
        clock.advance(SWEEP);
        assert_eq!(limits.take(flood(60_000), Cost::Read), Ok(()));
        assert_eq!(kept.len(), 1, "whose bucket is full again is forgotten");
    }
}
