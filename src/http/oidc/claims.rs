//! What a token of an issuer must say (RFC 7519, RFC 9068, RFC 8725), and what its claims mean here.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json};

use super::refused;
use super::token::Token;
use crate::config::{ClaimSetting, OidcSetting};
use crate::domain::actor::{Actor, Role};
use crate::domain::jurisdiction::is_subdivision_code;
use crate::domain::session::{Identity, Via};
use crate::domain::word::Word;
use crate::error::{Error, Result};

/// How far the clocks of the issuer and of this server may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(30);

/// Longest subject, bytes: OpenID Connect Core 1.0, section 2.
const SUBJECT_MAX: usize = 255;

/// Longest name to show, characters.
const NAME_MAX: usize = 100;

/// What is asked of the tokens of an issuer, and what they give.
#[derive(Debug)]
pub(super) struct Rules {
    setting: OidcSetting,
}

impl Rules {
    /// Those of the setting of an issuer.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a role that does not exist, and for a jurisdiction that none can be.
    pub(super) fn new(setting: &OidcSetting) -> Result<Self> {
        let roles = &setting.roles;
        for text in roles.words.values().flatten().chain(&roles.always) {
            if Role::parse(text).is_none() {
                let detail = format!("«{text}» is not a role; known are {}", Role::known());
                return Err(Error::parameter("oidc", detail));
            }
        }
        let jurisdictions =
            setting.jurisdictions.iter().flat_map(|all| all.words.values().flatten().chain(&all.always));
        for text in jurisdictions {
            if !is_subdivision_code(text) {
                let detail = format!("«{text}» is not an ISO 3166-2 code such as VN-72");
                return Err(Error::parameter("oidc", detail));
            }
        }
        Ok(Self { setting: setting.clone() })
    }

    /// The issuer, as its tokens name it.
    pub(super) fn issuer(&self) -> &str {
        &self.setting.issuer
    }

    /// A token of the issuer may be good, if it is signed as it says: of a type that is taken, for this server, and now.
    /// Until when.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`].
    pub(super) fn check(&self, token: &Token, now: Timestamp) -> Result<Timestamp> {
        let (setting, claims) = (&self.setting, &token.claims);
        if token.algorithm.is_none() {
            return Err(refused("is not signed in a way that is taken"));
        }
        if token.is_critical {
            return Err(refused("has a head that must be understood and is not"));
        }
        if !setting.types.iter().any(|kind| kind.eq_ignore_ascii_case(&token.kind)) {
            return Err(refused("is not of a type that is taken"));
        }
        if !words(claims.get("aud")).is_some_and(|all| all.contains(&setting.audience.as_str())) {
            return Err(refused("is not meant for this server"));
        }
        let end = moment(claims, "exp")?.ok_or_else(|| refused("does not say when it ends"))?;
        let end = end.saturating_add(LEEWAY).unwrap_or(Timestamp::MAX);
        if end <= now {
            return Err(refused("has expired"));
        }
        let begin = moment(claims, "nbf")?;
        if begin.is_some_and(|begin| begin > now.saturating_add(LEEWAY).unwrap_or(now)) {
            return Err(refused("is not good yet"));
        }
        let is = |claim: &String, text: &String| find(claims, claim).and_then(Json::as_str) == Some(text.as_str());
        if !setting.require.iter().all(|(claim, text)| is(claim, text)) {
            return Err(refused("does not claim what is required here"));
        }
        let subject = claims.get("sub").and_then(Json::as_str);
        if !subject.is_some_and(|s| !s.is_empty() && s.len() <= SUBJECT_MAX) {
            return Err(refused("does not say whom it stands for"));
        }
        Ok(end)
    }

    /// Whom a token stands for whose signature holds.
    ///
    /// # Errors
    /// [`Error::Forbidden`] where it gives no role, or not one organisation where it should.
    pub(super) fn identity(&self, token: &Token, ends: Timestamp) -> Result<Identity> {
        let (setting, claims) = (&self.setting, &token.claims);
        let mut roles: Vec<Role> = meant(&setting.roles, claims).iter().filter_map(|word| Role::parse(word)).collect();
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            return Err(Error::Forbidden("your token gives no role here".into()));
        }
        let organisation = match &setting.organisation {
            None => None,
            Some(claim) => match meant(claim, claims).as_slice() {
                [one] => Some(one.clone()),
                _ => {
                    return Err(Error::Forbidden(
                        "your token does not name one organisation that is known here".into(),
                    ));
                }
            },
        };
        // What is no code names no jurisdiction, and must not come to mean all of them further down.
        let codes = |claim| meant(claim, claims).into_iter().filter(|code| is_subdivision_code(code)).collect();
        let jurisdictions = setting.jurisdictions.as_ref().map(codes);
        let subject = claims.get("sub").and_then(Json::as_str).unwrap_or_default();
        let name = setting.name.as_ref().and_then(|claim| find(claims, claim)).and_then(Json::as_str);
        let actor = Actor { name: actor_name(&setting.issuer, subject), organisation, roles, jurisdictions };
        let display_name = name.map(shown).filter(|name| !name.is_empty());
        Ok(Identity { actor, display_name, account: None, via: Via::Issuer, expires_at: Some(ends) })
    }
}

/// How the audit trail names a subject of an issuer: an address, a blank, and the subject without any blank. No account
/// has such a name, and no two subjects have the same.
fn actor_name(issuer: &str, subject: &str) -> String {
    let mut name = format!("{issuer} ");
    for byte in subject.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

/// A name as it is shown: on one line, without signs that are not seen or that turn what follows them round.
fn shown(name: &str) -> String {
    let is_seen = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    name.chars().filter(is_seen).take(NAME_MAX).collect::<String>().trim().to_owned()
}

/// A moment among claims, in seconds since 1970; none where it is not claimed.
fn moment(claims: &Map<String, Json>, name: &str) -> Result<Option<Timestamp>> {
    let Some(claim) = claims.get(name) else { return Ok(None) };
    let seconds = claim.as_f64().and_then(|s| SignedDuration::try_from_secs_f64(s).ok());
    let moment = seconds.and_then(|s| Timestamp::from_duration(s).ok());
    moment.map(Some).ok_or_else(|| refused("says a moment that is none"))
}

/// A claim by its name, or by a JSON pointer.
fn find<'c>(claims: &'c Map<String, Json>, claim: &str) -> Option<&'c Json> {
    let Some(path) = claim.strip_prefix('/') else { return claims.get(claim) };
    let mut steps = path.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    let first = claims.get(&steps.next()?)?;
    steps.try_fold(first, |at, step| at.get(&step))
}

/// The texts of a claim: one, or a list of nothing else; `None` where it is neither.
fn words(claim: Option<&Json>) -> Option<Vec<&str>> {
    match claim? {
        Json::String(one) => Some(vec![one]),
        Json::Array(all) => all.iter().map(Json::as_str).collect(),
        _ => None,
    }
}

/// What claims mean here by a setting, each once. A word without a meaning has none.
fn meant(setting: &ClaimSetting, claims: &Map<String, Json>) -> Vec<String> {
    let claimed = setting.claim.as_ref().and_then(|claim| words(find(claims, claim))).unwrap_or_default();
    let mut all: Vec<String> = if setting.words.is_empty() {
        claimed.into_iter().map(str::to_owned).collect()
    } else {
        claimed.into_iter().filter_map(|word| setting.words.get(word)).flatten().cloned().collect()
    };
    all.extend(setting.always.iter().cloned());
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64ct::{Base64UrlUnpadded, Encoding};
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;

    fn rules(more: &str) -> Rules {
        let text = format!("issuer = \"https://sso\"\naudience = \"clearway\"\n{more}");
        Rules::new(&toml::from_str(&text).unwrap()).unwrap()
    }

    fn token(head: &Json, claims: &Json) -> Token {
        let part = |json: &Json| Base64UrlUnpadded::encode_string(json.to_string().as_bytes());
        Token::read(&format!("{}.{}.AAAA", part(head), part(claims))).unwrap()
    }

    fn claims(more: &Json) -> Json {
        let mut claims = json!({"iss": "https://sso", "aud": "clearway", "sub": "f3", "exp": NOW});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    }

    #[test]
    fn a_token_is_for_this_server_and_for_now() {
        let rules = rules("require = {typ = \"Bearer\"}\nroles = {always = [\"officer\"]}");
        let now = Timestamp::from_second(NOW).unwrap();
        let check = |head: &Json, more: &Json, expect: &str| {
            let mut all = json!({"typ": "Bearer"});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let said = rules.check(&token(head, &claims(&all)), now).map_or_else(|e| e.to_string(), |_| String::new());
            assert_eq!(said.strip_prefix("the token ").unwrap_or(&said), expect, "{head} {more}");
        };
        let head = json!({"alg": "ES256", "typ": "at+jwt"});
        let good = |more: Json| check(&head, &more, "");
        let bad = |more: Json, expect: &str| check(&head, &more, expect);
        good(json!({}));
        good(json!({"aud": ["x", "clearway"], "exp": NOW - 29, "nbf": NOW + 30}));
        good(json!({"exp": NOW.to_string().parse::<f64>().unwrap() + 0.5}));
        bad(json!({"exp": NOW - 30}), "has expired");
        bad(json!({"exp": -1}), "has expired");
        bad(json!({"nbf": NOW + 31}), "is not good yet");
        for (name, none) in [("exp", json!("x")), ("exp", json!(null)), ("exp", json!(1e300)), ("nbf", json!("0"))] {
            bad(json!({name: none}), "says a moment that is none");
        }
        for aud in
            [json!("clearway2"), json!(["x"]), json!([]), json!(null), json!({"clearway": 1}), json!(["clearway", 1])]
        {
            bad(json!({"aud": aud}), "is not meant for this server");
        }
        for typ in [json!("ID"), json!(null), json!(["Bearer"])] {
            bad(json!({"typ": typ}), "does not claim what is required here");
        }
        for sub in [json!(""), json!(7), json!(null), json!("x".repeat(256))] {
            bad(json!({"sub": sub}), "does not say whom it stands for");
        }
        let types = "is not of a type that is taken";
        for (head, expect) in [
            (json!({"alg": "ES256", "typ": "application/at+jwt"}), ""),
            (json!({"alg": "ES256", "typ": "JWT"}), types),
            (json!({"alg": "ES256"}), types),
            (json!({"alg": "none", "typ": "at+jwt"}), "is not signed in a way that is taken"),
            (
                json!({"alg": "ES256", "typ": "at+jwt", "crit": ["b64"]}),
                "has a head that must be understood and is not",
            ),
        ] {
            check(&head, &json!({}), expect);
        }
        let mut without = claims(&json!({"typ": "Bearer"}));
        without.as_object_mut().unwrap().remove("exp");
        let said = rules.check(&token(&head, &without), now).unwrap_err().to_string();
        assert_eq!(said, "the token does not say when it ends");
    }

    #[test]
    fn claims_mean_what_the_setting_says() {
        let rules = rules(
            "name = \"preferred_username\"
             roles = {claim = \"/realm_access/roles\", words = {co = [\"officer\"], cx = [\"auditor\", \"officer\"]}}
             organisation = {claim = \"https://x/org\", words = {\"Sở\" = [\"office\"]}}
             jurisdictions = {claim = \"provinces\"}",
        );
        let who = |more: Json| {
            let token = token(&json!({"alg": "ES256"}), &claims(&more));
            rules.identity(&token, Timestamp::UNIX_EPOCH)
        };
        let all = |roles: Json, org: Json, provinces: Json| {
            let claimed = json!({"realm_access": {"roles": roles}, "https://x/org": org, "provinces": provinces});
            who(claimed).map(|i| (i.actor.roles, i.actor.organisation.unwrap(), i.actor.jurisdictions.unwrap()))
        };
        let both = vec![Role::Officer, Role::Auditor];
        let (office, here) = ("office".to_owned(), vec!["VN-72".to_owned()]);
        assert_eq!(all(json!(["cx", "co", "x"]), json!("Sở"), json!(["VN-72"])), Ok((both, office.clone(), here)));
        assert_eq!(all(json!("co"), json!(["Sở"]), json!(null)), Ok((vec![Role::Officer], office, vec![])));
        let claimed = all(json!("co"), json!("Sở"), json!(["*", "VN-35", "", "VN", "vn-72", "* restricted"]));
        assert_eq!(claimed.unwrap().2, ["VN-35"], "what is no code gives nothing");
        let no_role = Err(Error::Forbidden("your token gives no role here".into()));
        for roles in [
            json!([]),
            json!(["officer", "CO", "co "]),
            json!([["co"]]),
            json!(["co", 1]),
            json!({"co": 1}),
            json!(null),
        ] {
            assert_eq!(all(roles.clone(), json!("Sở"), json!([])), no_role, "{roles}");
        }
        let none = Err(Error::Forbidden("your token does not name one organisation that is known here".into()));
        for org in [json!("office"), json!(["Sở", 1]), json!([]), json!(null)] {
            assert_eq!(all(json!("co"), org.clone(), json!([])), none, "{org}");
        }
    }

    #[test]
    fn a_subject_cannot_be_taken_for_another_or_for_an_account() {
        let rules = rules("name = \"n\"\nroles = {always = [\"officer\"]}");
        let who = |sub: &str, name: &str| {
            let token = token(&json!({"alg": "ES256"}), &claims(&json!({"sub": sub, "n": name})));
            let identity = rules.identity(&token, Timestamp::UNIX_EPOCH).unwrap();
            assert!(crate::domain::organisation::wrong_name(&identity.actor.name).is_some());
            (identity.actor.name, identity.display_name)
        };
        assert_eq!(who("f3-a|1", "Trần Thị Nga"), ("https://sso f3-a|1".into(), Some("Trần Thị Nga".into())));
        assert_eq!(who("a b%\n", "\u{202e}a\u{feff}gn\n "), ("https://sso a%20b%25%0A".into(), Some("agn".into())));
        assert_eq!(who("é", "\n"), ("https://sso %C3%A9".into(), None));
        assert_eq!(who("x", &"n".repeat(300)).1.unwrap().len(), NAME_MAX);
    }

    #[test]
    fn jurisdictions_that_none_can_be_are_named() {
        let check = |all: &str, expect: Option<&str>| {
            let text = format!(
                "issuer = \"https://sso\"\naudience = \"c\"\nroles = {{always = [\"officer\"]}}\njurisdictions = {all}"
            );
            let said = Rules::new(&toml::from_str(&text).unwrap()).err().map(|error| error.to_string());
            assert_eq!(said.as_deref(), expect, "{all}");
        };
        check("{always = [\"VN-72\"]}", None);
        let wrong = Some("parameter «oidc»: «*» is not an ISO 3166-2 code such as VN-72");
        check("{always = [\"VN-72\", \"*\"]}", wrong);
        check("{claim = \"p\", words = {x = [\"*\"]}}", wrong);
    }

    #[test]
    fn roles_that_do_not_exist_are_named() {
        for roles in ["{always = [\"boss\"]}", "{claim = \"r\", words = {x = [\"boss\"]}}"] {
            let text = format!("issuer = \"https://sso\"\naudience = \"c\"\nroles = {roles}");
            let said = Rules::new(&toml::from_str(&text).unwrap()).unwrap_err().to_string();
            assert!(said.contains("«boss» is not a role; known are carrier"), "{said}");
        }
    }
}
