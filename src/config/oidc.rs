//! Other issuers whose tokens are taken (OpenID Connect), and what their claims mean here. A claim is named by the name
//! of its member, or, where it lies deeper, by a JSON pointer (RFC 6901): `/realm_access/roles`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// An issuer, and what its tokens give here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSetting {
    /// Its address, letter by letter as its tokens name it in `iss`: `https`, or `http` on this machine.
    pub issuer: String,
    /// What its tokens for this server name in `aud`.
    pub audience: String,
    /// The types of token that are taken, as their head names them in `typ`: `at+jwt` is that of RFC 9068. One that
    /// names none is a `JWT`.
    #[serde(default = "types")]
    pub types: Vec<String>,
    /// Texts that claims must have: what tells tokens for access from others, where their type does not.
    #[serde(default)]
    pub require: BTreeMap<String, String>,
    /// The claim with a name to show. Nothing depends on it; the audit trail names the subject.
    #[serde(default)]
    pub name: Option<String>,
    /// What gives roles of the permission table. Words without a meaning give nothing.
    pub roles: ClaimSetting,
    /// What says the code of the organisation; without it nobody acts for one.
    #[serde(default)]
    pub organisation: Option<ClaimSetting>,
    /// What says the jurisdictions in which the roles hold; without it: in all.
    #[serde(default)]
    pub jurisdictions: Option<ClaimSetting>,
    /// How often its keys are fetched, ms: so long a key that it withdraws is still good here.
    #[serde(default = "refresh_ms")]
    pub refresh_ms: u64,
    /// A key that is not known is asked for at once, but after that not again for so long, ms: anybody can invent one.
    /// Where its keys cannot be fetched, this is how long until the next attempt.
    #[serde(default = "ask_again_ms")]
    pub ask_again_ms: u64,
    /// How long its last known keys are believed while no others can be fetched, ms.
    #[serde(default = "keys_last_ms")]
    pub keys_last_ms: u64,
    /// How long it may take to tell its keys, ms.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
}

/// How a claim is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimSetting {
    /// The claim: a text, or a list of texts.
    pub claim: Option<String>,
    /// What its words mean here. Without any, they are ours already; never of roles.
    pub words: BTreeMap<String, Vec<String>>,
    /// What every token of the issuer has, whatever it claims.
    pub always: Vec<String>,
}

fn types() -> Vec<String> {
    vec!["at+jwt".into()]
}

fn refresh_ms() -> u64 {
    300_000
}

fn ask_again_ms() -> u64 {
    10_000
}

fn keys_last_ms() -> u64 {
    3_600_000
}

fn timeout_ms() -> u64 {
    5_000
}

impl OidcSetting {
    /// What of it cannot be used.
    ///
    /// # Errors
    /// The sentence.
    fn check(&self) -> Result<(), String> {
        let issuer = &self.issuer;
        if !is_safe(issuer) || issuer.contains(['?', '#']) {
            return Err(format!("«{issuer}» must be an address with https, or with http on this machine"));
        }
        let wrong = |what: &str| Err(format!("{what}, for {issuer}"));
        if self.audience.is_empty() || self.types.is_empty() {
            return wrong("audience and types must not be empty");
        }
        let roles = &self.roles;
        if roles.claim.is_some() == roles.words.is_empty() || roles.claim.is_none() && roles.always.is_empty() {
            return wrong("roles need a claim with words and what they mean, or some that hold always");
        }
        if let Some(one) = &self.organisation
            && (one.words.values().any(|codes| codes.len() != 1)
                || one.always.len() != usize::from(one.claim.is_none())
                || one.claim.is_none() && !one.words.is_empty())
        {
            return wrong("organisation needs a claim, whose words mean one code each, or one code that holds always");
        }
        if let Some(all) = &self.jurisdictions
            && (all.claim.is_none() && (all.always.is_empty() || !all.words.is_empty()))
        {
            return wrong("jurisdictions need a claim, or some that hold always");
        }
        if [self.refresh_ms, self.ask_again_ms, self.keys_last_ms, self.timeout_ms].contains(&0) {
            return wrong("refresh_ms, ask_again_ms, keys_last_ms and timeout_ms must be more than 0");
        }
        if self.keys_last_ms < self.refresh_ms {
            return wrong("keys_last_ms is less than refresh_ms");
        }
        Ok(())
    }
}

/// What of the issuers cannot be used.
///
/// # Errors
/// The sentence.
pub(super) fn check(all: &[OidcSetting]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for one in all {
        one.check()?;
        if !seen.insert(&one.issuer) {
            return Err(format!("{} is there twice", one.issuer));
        }
    }
    Ok(())
}

/// What comes from this address was changed by nobody on its way: it is asked by TLS, or on this machine.
#[must_use]
pub fn is_safe(address: &str) -> bool {
    if !address.bytes().all(|b| b.is_ascii_graphic()) || address.contains(['@', '\\']) {
        return false;
    }
    if let Some(rest) = address.strip_prefix("https://") {
        return !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']);
    }
    let Some(rest) = address.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|here| {
        host.strip_prefix(here)
            .is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_comes_by_tls_or_from_this_machine_is_safe() {
        for good in [
            "https://sso.example/realms/office",
            "https://sso.example:8443",
            "http://localhost",
            "http://localhost:8080/x",
            "http://127.0.0.1:1/",
            "http://[::1]:9/x",
        ] {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "sso.example",
            "https://",
            "https:///x",
            "http://sso.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example:80",
            "http://localhost:80@evil.example/",
            "http://localhost@evil.example",
            "https://nga:hunter2@sso.example",
            "http://localhost\\.evil.example",
            "http://localhost:x",
            "https://sso.example/a b",
            "ftp://localhost",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let good = "issuer = \"https://a\"\naudience = \"clearway\"\n";
        let roles = "roles = {claim = \"roles\", words = {o = [\"officer\"]}}\n";
        let check_one = |text: &str| {
            let one: OidcSetting = toml::from_str(text).map_err(|e| e.message().to_owned())?;
            check(&[one])
        };
        let defaults: OidcSetting = toml::from_str(&format!("{good}{roles}")).unwrap();
        assert_eq!(check(std::slice::from_ref(&defaults)), Ok(()));
        assert_eq!((defaults.types.as_slice(), defaults.refresh_ms), (&["at+jwt".to_owned()][..], 300_000));
        assert_eq!(check(&[defaults.clone(), defaults]), Err("https://a is there twice".into()));
        for (more, expect) in [
            ("roles = {always = [\"consultee\"]}", ""),
            ("organisation = {claim = \"org\", words = {V = [\"vnpt\"]}}", ""),
            ("organisation = {claim = \"org\"}", ""),
            ("organisation = {always = [\"office\"]}", ""),
            ("jurisdictions = {always = [\"VN-72\"]}", ""),
            ("roles = {}", "roles need a claim"),
            ("roles = {claim = \"roles\"}", "roles need a claim with words"),
            ("roles = {words = {o = [\"officer\"]}}", "roles need a claim with words"),
            ("roles = {claims = \"roles\"}", "unknown field `claims`"),
            ("organisation = {}", "organisation needs a claim"),
            ("organisation = {claim = \"org\", always = [\"office\"]}", "organisation needs a claim"),
            ("organisation = {always = [\"office\", \"vnpt\"]}", "organisation needs a claim"),
            ("organisation = {claim = \"org\", words = {V = [\"vnpt\", \"viettel\"]}}", "organisation needs a claim"),
            ("jurisdictions = {}", "jurisdictions need a claim"),
            ("types = []", "audience and types must not be empty"),
            ("timeout_ms = 0", "must be more than 0"),
            ("keys_last_ms = 1", "keys_last_ms is less than refresh_ms"),
            ("secret = \"x\"", "unknown field `secret`"),
        ] {
            let text = if more.starts_with("roles") { format!("{good}{more}") } else { format!("{good}{roles}{more}") };
            let said = check_one(&text).err().unwrap_or_default();
            assert!(said.contains(expect) && said.is_empty() == expect.is_empty(), "{more}: {said}");
        }
    }
}
