//! What the checks said of a zone, as far as it is compared with what they say later.

use std::fmt;

use uuid::Uuid;

use crate::domain::site_check::{CheckCode, Finding, Verdict};
use crate::domain::word::Word;

/// What one check said of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct One {
    code: CheckCode,
    verdict: Verdict,
    /// What it rests on, where it blocks.
    ground: Vec<Uuid>,
}

/// What the checks said of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSaid {
    /// The zone, as a row of this version of the plan.
    pub zone: Uuid,
    said: Vec<One>,
}

impl ZoneSaid {
    /// Of its findings.
    #[must_use]
    pub fn of(zone: Uuid, findings: &[Finding]) -> Self {
        let one = |finding: &Finding| {
            let mut ground: Vec<Uuid> = finding.ground().filter(|_| finding.verdict == Verdict::Block).collect();
            ground.sort_unstable();
            ground.dedup();
            One { code: finding.code, verdict: finding.verdict, ground }
        };
        Self { zone, said: findings.iter().map(one).collect() }
    }

    /// Out of a text that [`fmt::Display`] wrote.
    #[must_use]
    pub fn read(zone: Uuid, text: &str) -> Option<Self> {
        let one = |text: &str| {
            let mut words = text.split(' ');
            let (code, verdict) = (CheckCode::parse(words.next()?)?, Verdict::parse(words.next()?)?);
            let ground = words.map(|id| id.parse().ok()).collect::<Option<_>>()?;
            Some(One { code, verdict, ground })
        };
        let said = text.split(';').filter(|text| !text.is_empty()).map(one).collect::<Option<_>>()?;
        Some(Self { zone, said })
    }

    /// Where it is worse than what was said before: the check, and in words. Worse is another verdict that weighs more, and what
    /// blocks by something that did not.
    #[must_use]
    pub fn worse_than(&self, before: &Self) -> Vec<(CheckCode, String)> {
        let worse = |now: &One| {
            let then = before.said.iter().find(|then| then.code == now.code);
            let was = then.map_or(Verdict::NotApplicable, |then| then.verdict);
            let another = || now.ground.iter().any(|id| then.is_none_or(|then| !then.ground.contains(id)));
            match () {
                () if now.verdict > was => Some((now.code, format!("was {was} and is {}", now.verdict))),
                () if now.verdict == Verdict::Block && another() => {
                    Some((now.code, "is blocked by something else".into()))
                }
                () => None,
            }
        };
        self.said.iter().filter_map(worse).collect()
    }
}

impl fmt::Display for ZoneSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, one) in self.said.iter().enumerate() {
            write!(f, "{}{} {}", if n == 0 { "" } else { ";" }, one.code, one.verdict)?;
            one.ground.iter().try_for_each(|id| write!(f, " {id}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(text: &str) -> ZoneSaid {
        ZoneSaid::read(Uuid::nil(), text).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let [a, b] = [1, 2].map(Uuid::from_u128);
        for text in ["", "ZON pass", &format!("ZON pass;COR block {a} {b};SEN not_checked")] {
            assert_eq!(said(text).to_string(), text);
        }
        for text in ["ZON", "ZON good", "XYZ pass", "COR block 7"] {
            assert_eq!(ZoneSaid::read(Uuid::nil(), text), None, "{text}");
        }
    }

    #[test]
    fn worse_is_what_weighs_more_or_blocks_by_something_else() {
        let [a, b] = [1, 2].map(Uuid::from_u128);
        let check = |before: &str, now: &str, expect: &[&str]| {
            let worse = said(now).worse_than(&said(before));
            let worse: Vec<String> = worse.into_iter().map(|(code, why)| format!("{code} {why}")).collect();
            assert_eq!(worse, expect, "{before} -> {now}");
        };
        check("SEN pass;HER warn", "SEN pass;HER pass", &[]);
        check("SEN pass;HER warn", "SEN warn;HER warn", &["SEN was pass and is warn"]);
        check("SEN pass", "SEN pass;HER warn", &["HER was not_applicable and is warn"]);
        check("SEN not_checked", "SEN warn", &[]);
        check(&format!("COR block {a}"), &format!("COR block {a}"), &[]);
        check(&format!("COR block {a} {b}"), &format!("COR block {b}"), &[]);
        check(&format!("COR block {a}"), &format!("COR block {a} {b}"), &["COR is blocked by something else"]);
    }
}
