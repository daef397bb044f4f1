//! The keys of an issuer as they are at the moment: fetched by a task of their own, again and again, and at once where a
//! token names one that is not known. Requests wait for that without a thread, and only those that need it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::rt::time;
use serde_json::Value as Json;
use tokio::sync::{Notify, watch};

use super::claims::Rules;
use super::key::{self, Key};
use super::{Fetch, blocking, refused};
use crate::actions::{Context, access};
use crate::config::{OidcSetting, is_safe};
use crate::error::{Error, Result};

/// How much longer than the issuer may take a request waits for what it said.
const PATIENCE: Duration = Duration::from_secs(1);

/// An issuer and its keys.
pub(super) struct Issuer {
    /// What its tokens must say, and what that means.
    pub(super) rules: Rules,
    fetch: Fetch,
    refresh: Duration,
    ask_again: Duration,
    keys_last: Duration,
    timeout: Duration,
    state: Mutex<State>,
    /// Wakes the task that fetches.
    wanted: Notify,
    /// Counts the attempts that are over.
    turns: watch::Sender<u64>,
}

struct State {
    keys: BTreeMap<String, Arc<Key>>,
    /// When they were fetched last; none: never yet.
    fetched: Option<Instant>,
    /// When they were asked for out of turn last.
    asked: Option<Instant>,
    /// An attempt is being made, or was asked for.
    running: bool,
    /// The last attempt failed.
    failed: bool,
}

/// What is known of the name of a key.
enum Look {
    Known(Arc<Key>),
    /// An attempt is being made; it was asked for by whoever looks, or began before.
    Wait {
        turn: watch::Receiver<u64>,
        is_mine: bool,
    },
    /// The issuer publishes no such key.
    Absent,
    /// Nobody can tell: the issuer does not say.
    Unreachable,
}

impl Issuer {
    /// An issuer of whose keys nothing is known yet.
    ///
    /// # Errors
    /// As [`Rules::new`].
    pub(super) fn new(setting: &OidcSetting, fetch: Fetch) -> Result<Self> {
        // The first attempt is made as soon as the server runs.
        let state = State { keys: BTreeMap::new(), fetched: None, asked: None, running: true, failed: false };
        Ok(Self {
            rules: Rules::new(setting)?,
            fetch,
            refresh: Duration::from_millis(setting.refresh_ms),
            ask_again: Duration::from_millis(setting.ask_again_ms),
            keys_last: Duration::from_millis(setting.keys_last_ms),
            timeout: Duration::from_millis(setting.timeout_ms),
            state: Mutex::new(state),
            wanted: Notify::new(),
            turns: watch::Sender::new(0),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn are_fresh(&self, state: &State) -> bool {
        state.fetched.is_some_and(|at| at.elapsed() < self.keys_last)
    }

    /// The key of a name, asked of the issuer where it is not known.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where there is none, [`Error::Busy`] where the issuer does not say.
    pub(super) async fn key(&self, name: &str) -> Result<Arc<Key>> {
        // An attempt that was made already when the token came may have missed its key: one more is waited for.
        let mut waits = 2;
        loop {
            match self.look(name, waits > 0) {
                Look::Known(key) => return Ok(key),
                Look::Absent => return Err(refused("is signed by a key that its issuer does not publish")),
                Look::Unreachable => {
                    return Err(Error::busy("the issuer of the token does not tell its keys at present"));
                }
                Look::Wait { mut turn, is_mine } => {
                    let _ = time::timeout(self.timeout + PATIENCE, turn.changed()).await;
                    waits = if is_mine { 0 } else { waits - 1 };
                }
            }
        }
    }

    fn look(&self, name: &str, may_wait: bool) -> Look {
        let mut state = self.state();
        let is_fresh = self.are_fresh(&state);
        if let Some(key) = state.keys.get(name).filter(|_| is_fresh) {
            return Look::Known(Arc::clone(key));
        }
        if may_wait {
            let is_mine = !state.running && state.asked.is_none_or(|at| at.elapsed() >= self.ask_again);
            if is_mine {
                state.asked = Some(Instant::now());
                state.running = true;
                self.wanted.notify_one();
            }
            if state.running {
                return Look::Wait { turn: self.turns.subscribe(), is_mine };
            }
        }
        if is_fresh && !state.failed { Look::Absent } else { Look::Unreachable }
    }

    /// What says that a key is not good any more.
    pub(super) fn withdrawn(&self, name: &str) -> Arc<AtomicBool> {
        let found = self.state().keys.get(name).map(|key| Arc::clone(&key.withdrawn));
        found.unwrap_or_else(|| Arc::new(AtomicBool::new(true)))
    }

    /// The keys that the issuer publishes now (OpenID Connect Discovery 1.0, section 4; RFC 7517, section 5).
    ///
    /// # Errors
    /// Why they cannot be had.
    fn published(&self) -> Result<BTreeMap<String, Key>, String> {
        let begun = Instant::now();
        let get = |address: &str| -> Result<Json, String> {
            let left = self.timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err("it takes too long".into());
            }
            let document = (self.fetch)(address, left).map_err(|reason| format!("{address}: {reason}"))?;
            serde_json::from_slice(&document).map_err(|_| format!("{address}: is no JSON"))
        };
        let issuer = self.rules.issuer();
        let about = get(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
        if about.get("issuer").and_then(Json::as_str) != Some(issuer) {
            return Err("its configuration is that of another issuer".into());
        }
        let address = about.get("jwks_uri").and_then(Json::as_str).ok_or("its configuration names no keys")?;
        // Whoever is asked by TLS does not send us elsewhere without it.
        if !is_safe(address) || issuer.starts_with("https:") && !address.starts_with("https:") {
            return Err("its keys are not at an address with https".into());
        }
        key::read(&get(address)?).ok_or_else(|| format!("{address}: is no set of keys"))
    }

    /// Takes over what was published, or that nothing was; whether a key is not good any more.
    fn take(&self, published: Result<BTreeMap<String, Key>, String>) -> bool {
        let issuer = self.rules.issuer();
        let mut state = self.state();
        state.running = false;
        // In the same moment: whoever asks from here on waits for the next attempt, and is not woken by this one.
        self.turns.send_modify(|turns| *turns += 1);
        let had_failed = std::mem::replace(&mut state.failed, published.is_err());
        let outcome = if published.is_ok() { "done" } else { "failed" };
        metrics::counter!("clearway_issuer_fetches_total", "issuer" => issuer.to_owned(), "outcome" => outcome)
            .increment(1);
        let new = match published {
            Ok(new) => {
                if had_failed {
                    tracing::info!(issuer, "the keys of the issuer can be fetched again");
                }
                state.fetched = Some(Instant::now());
                new.into_iter()
                    .map(|(name, key)| {
                        // The same key goes on being the same.
                        let same = state.keys.get(&name).filter(|known| ***known == key).map(Arc::clone);
                        (name, same.unwrap_or_else(|| Arc::new(key)))
                    })
                    .collect()
            }
            Err(reason) => {
                if !had_failed {
                    tracing::warn!(issuer, reason, "the keys of the issuer cannot be fetched; the known ones go on");
                }
                if self.are_fresh(&state) {
                    return false;
                }
                BTreeMap::new()
            }
        };
        let old = std::mem::replace(&mut state.keys, new);
        let mut is_any = false;
        for (name, key) in old {
            if !state.keys.get(&name).is_some_and(|kept| Arc::ptr_eq(kept, &key)) {
                tracing::info!(issuer, key = name, "a key of the issuer is not good any more");
                key.withdrawn.store(true, Ordering::Release);
                is_any = true;
            }
        }
        is_any
    }
}

/// Fetches the keys of an issuer as often as its setting says, and when they are asked for.
pub(super) async fn follow(issuer: Arc<Issuer>, context: Context) {
    loop {
        let begun = time::Instant::now();
        let asked = Arc::clone(&issuer);
        let published = blocking(move || Ok(asked.published())).await;
        let published = published.unwrap_or_else(|error| Err(error.to_string()));
        let pause = if published.is_ok() { issuer.refresh } else { issuer.refresh.min(issuer.ask_again) };
        if issuer.take(published) {
            // Whoever was let in by such a key is looked at again.
            access::forget(&context);
        }
        let mut next = std::pin::pin!(time::sleep_until(begun + pause));
        loop {
            tokio::select! {
                () = &mut next => break,
                // What was asked for and came by itself meanwhile is not asked for again.
                () = issuer.wanted.notified() => if issuer.state().running { break },
            }
        }
        issuer.state().running = true;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)] // in a test a panic is the report
    use super::*;
    use crate::config::ClaimSetting;

    fn issuer() -> Issuer {
        let setting = OidcSetting {
            issuer: "https://sso.example".into(),
            audience: "clearway".into(),
            types: vec!["JWT".into()],
            require: BTreeMap::new(),
            name: None,
            roles: ClaimSetting { always: vec!["officer".into()], ..ClaimSetting::default() },
            organisation: None,
            jurisdictions: None,
            refresh_ms: 60_000,
            ask_again_ms: 0,
            keys_last_ms: 60_000,
            timeout_ms: 1_000,
        };
        Issuer::new(&setting, Arc::new(|_, _| Err("nobody is asked here".into()))).unwrap()
    }

    /// Else a key that is published since would be refused: the attempt that was waited for had begun before it was.
    #[test]
    fn whoever_asks_after_an_attempt_waits_for_the_next_one() {
        let issuer = issuer();
        let ask = || match issuer.look("new", true) {
            Look::Wait { turn, is_mine } => (turn, is_mine),
            _ => panic!("it is not waited for"),
        };
        let (early, is_mine) = ask();
        assert!(!is_mine, "the first attempt is being made");
        issuer.take(Ok(BTreeMap::new()));
        let (first, is_mine) = ask();
        let (second, also_mine) = ask();
        assert_eq!((is_mine, also_mine), (true, false), "one attempt for both");
        assert!(early.has_changed().unwrap(), "who had waited goes on");
        assert!(!first.has_changed().unwrap() && !second.has_changed().unwrap());
        issuer.take(Ok(BTreeMap::new()));
        assert!(first.has_changed().unwrap() && second.has_changed().unwrap());
    }
}
