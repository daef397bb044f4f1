//! A check of all zones of a plan, as it is kept: on which state it was made, what it came to, and a hash of all of it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::said::ZoneSaid;
use crate::domain::actor::{Actor, Role};
use crate::domain::audit::{Digest, hex};
use crate::domain::layer::Layer;
use crate::domain::site_check::{CheckCode, Verdict};
use crate::domain::word::Word;

/// A check that blocks a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    /// The zone, as a row of this version of the plan.
    pub zone: Uuid,
    /// The check.
    pub code: CheckCode,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of zone {}", self.code, self.zone)
    }
}

/// What a check of a plan is compared by with what the checks say later.
#[derive(Debug, Clone, PartialEq)]
pub struct RunBasis {
    /// How far round its zones it looked for what brings no reach of its own, m.
    pub reach_m: f64,
    /// The revision of each jurisdiction that was looked at.
    pub revisions: BTreeMap<String, i64>,
    /// What was said of each zone.
    pub said: Vec<ZoneSaid>,
}

/// A check of a plan that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanRun {
    /// Its id.
    pub id: Uuid,
    /// Where.
    pub jurisdiction: String,
    /// The version of the plan.
    pub plan: Uuid,
    /// What the zones were: SHA-256 over their digests.
    pub zones_digest: Digest,
    /// The moment at which dates were looked at, to the microsecond.
    pub at: Timestamp,
    /// The day of that in the jurisdiction.
    pub day: Date,
    /// When it was kept.
    pub recorded_at: Timestamp,
    /// The revision that keeps it.
    pub revision: i64,
    /// The revision of the jurisdiction that was looked at.
    pub looked_at: i64,
    /// Who asked.
    pub actor: String,
    /// For which organisation.
    pub organisation: Option<String>,
    /// With which roles, and where they held; none of one that was kept before that was.
    pub sight: Option<(Vec<Role>, Option<Vec<String>>)>,
    /// The worst of all findings.
    pub verdict: Verdict,
    /// How many zones were checked.
    pub zones: i32,
    /// How many of them have something to be looked at, and nothing that blocks.
    pub warned: i32,
    /// What blocks.
    pub blocks: Vec<Block>,
    /// Which zones lie in which corridors that block.
    pub met: Vec<(Uuid, Uuid)>,
    /// What it is compared by; none of one that was kept before that was.
    pub basis: Option<RunBasis>,
    /// The restricted features that it names.
    pub shown: Vec<(Layer, String, Uuid)>,
    /// The answer as it was given.
    pub document: String,
}

impl PlanRun {
    /// Whoever asked, with the sight that he had then; none where nobody knows it any more.
    #[must_use]
    pub fn asker(&self) -> Option<Actor> {
        let (roles, jurisdictions) = self.sight.clone()?;
        Some(Actor { name: self.actor.clone(), organisation: self.organisation.clone(), roles, jurisdictions })
    }

    /// SHA-256 over all of it: a line for each thing, of its name, the length of its value in bytes, and the value.
    #[must_use]
    pub fn hash(&self) -> Digest {
        let mut sum = Sha256::new();
        let mut line = |name: &str, value: &str| sum.update(format!("{name} {} {value}\n", value.len()));
        line("id", &self.id.to_string());
        line("jurisdiction", &self.jurisdiction);
        line("plan", &self.plan.to_string());
        line("zones_digest", &hex(&self.zones_digest));
        line("at", &format!("{:.6}", self.at));
        line("day", &self.day.to_string());
        line("recorded_at", &format!("{:.6}", self.recorded_at));
        line("revision", &self.revision.to_string());
        line("looked_at", &self.looked_at.to_string());
        line("actor", &self.actor);
        line("organisation", self.organisation.as_deref().unwrap_or_default());
        if let Some((roles, jurisdictions)) = &self.sight {
            for role in roles {
                line("role", role.as_str());
            }
            for code in jurisdictions.iter().flatten() {
                line("holds_in", code);
            }
            line("holds", if jurisdictions.is_some() { "there" } else { "everywhere" });
        }
        line("verdict", &self.verdict.to_string());
        line("zones", &self.zones.to_string());
        line("warned", &self.warned.to_string());
        for block in &self.blocks {
            line("block", &block.to_string());
        }
        for (zone, corridor) in &self.met {
            line("met", &format!("{zone} {corridor}"));
        }
        if let Some(basis) = &self.basis {
            line("reach_m", &format!("{:016x}", basis.reach_m.to_bits()));
            for (code, revision) in &basis.revisions {
                line("revisions", &format!("{code} {revision}"));
            }
            for said in &basis.said {
                line("said", &format!("{} {said}", said.zone));
            }
        }
        for (layer, code, id) in &self.shown {
            line("shown", &format!("{layer} {code} {id}"));
        }
        line("document", &self.document);
        sum.finalize().into()
    }
}
