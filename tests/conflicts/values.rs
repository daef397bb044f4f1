//! What is said of a pair: the words and numbers of an answer against PostGIS's.

use std::collections::BTreeMap;

use clearway::actions::conflict_check::Conflict;
use clearway::domain::conflict::{Finding, Verdict};
use clearway::domain::word::Word;
use uuid::Uuid;

use crate::world::{Found, HAIR_M, Judged, Pairs, split};

/// How far the numbers of two exact calculations may lie apart by rounding, metres.
const ROUNDING_M: f64 = 1e-9;

/// What a comparison met.
#[derive(Debug, Default)]
pub struct Tally {
    pub pairs: usize,
    /// Pairs within a micrometre of the threshold, and those of them that the two answer differently.
    pub at_threshold: usize,
    pub at_threshold_differ: usize,
    /// Relations that differ because a crossing is as shallow as rounding.
    pub shallow: usize,
    pub relations: BTreeMap<String, usize>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.at_threshold += other.at_threshold;
        self.at_threshold_differ += other.at_threshold_differ;
        self.shallow += other.shallow;
        for (word, n) in other.relations {
            *self.relations.entry(word).or_default() += n;
        }
    }
}

/// How close to equal the two have to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ground {
    /// Whole metres: everything is exact, thresholds and words too.
    Lattice,
    /// Anything: a hair is allowed at thresholds and at shallow crossings, and counted.
    Any,
}

/// Compares the pairs an index found with those of PostGIS, words and numbers included; every difference is listed.
pub fn compare(what: &str, found: &Found, judged: &[Judged], ground: Ground) -> Tally {
    let (right, doubtful) = split(judged);
    let ours: Pairs = found.keys().copied().collect();
    let by_pair: BTreeMap<(Uuid, Uuid), &Judged> = judged.iter().map(|j| ((j.work, j.corridor), j)).collect();
    let mut tally = Tally { pairs: right.len(), at_threshold: doubtful.len(), ..Tally::default() };
    let mut wrong: Vec<String> = Vec::new();
    for pair in ours.symmetric_difference(&right) {
        if ground == Ground::Any && doubtful.contains(pair) {
            tally.at_threshold_differ += 1;
            continue;
        }
        let side = if ours.contains(pair) { "only the index has" } else { "only PostGIS has" };
        wrong.push(format!("{side} {pair:?}: {:?}", by_pair.get(pair)));
    }
    for (pair, conflict) in found {
        let Some(judge) = by_pair.get(pair) else { continue };
        *tally.relations.entry(judge.relation.clone()).or_default() += 1;
        let shallow = is_shallow(&conflict.finding, judge);
        if shallow {
            tally.shallow += 1;
        }
        let allowed = ground == Ground::Any && shallow;
        let differs = differences(conflict, judge, allowed);
        if !differs.is_empty() {
            wrong.push(format!("{} of {} ~ {:?}", differs.join("; "), judge.shapes, conflict.finding));
        }
    }
    let seed = crate::shapes::seed();
    let count = wrong.len();
    wrong.truncate(5);
    assert!(wrong.is_empty(), "seed {seed}, {what}: {count} differences\n{}\n", wrong.join("\n"));
    tally
}

/// The two words differ, but the shapes meet by less than rounding: one calls it a touch, the other nothing or a cut.
fn is_shallow(finding: &Finding, judge: &Judged) -> bool {
    finding.relation.as_str() != judge.relation
        && finding.distance_m <= ROUNDING_M
        && judge.distance <= ROUNDING_M
        && finding.depth_m.unwrap_or(0.0).min(judge.depth.unwrap_or(0.0)) <= ROUNDING_M
}

fn differences(conflict: &Conflict, judge: &Judged, shallow: bool) -> Vec<String> {
    let f = &conflict.finding;
    let mut differs = Vec::new();
    let mut say =
        |name: &str, ours: String, theirs: String| differs.push(format!("{name} is {ours}, should be {theirs}"));
    if conflict.clearance.get() != judge.clearance {
        say("clearance", conflict.clearance.to_string(), judge.clearance.to_string());
    }
    if conflict.accuracy.get() != judge.accuracy {
        say("accuracy", conflict.accuracy.to_string(), judge.accuracy.to_string());
    }
    if conflict.severity.as_str() != judge.severity {
        say("severity", conflict.severity.to_string(), judge.severity.clone());
    }
    if f.relation.as_str() != judge.relation && !shallow {
        say("relation", f.relation.to_string(), judge.relation.clone());
    }
    if (f.distance_m - judge.distance).abs() > ROUNDING_M {
        say("distance_m", f.distance_m.to_string(), judge.distance.to_string());
    }
    if let Some(detail) = depth_differs(f, judge).filter(|_| !shallow) {
        say("depth_m", format!("{:?}", f.depth_m), detail);
    }
    let size = judge.size.unwrap_or(0.0);
    // A line that runs twice over one stretch is longer than the ground it covers: PostGIS has that once only.
    let once =
        judge.dimension != 1 || f.overlap_m.is_none_or(|m| f.share == 0.0 || (m / f.share - size).abs() <= 1e-6 * size);
    let part = match judge.dimension {
        1 => f.overlap_m,
        2 => f.overlap_m2,
        _ => None,
    };
    let others = [f.overlap_m, f.overlap_m2].into_iter().flatten().count();
    if others != usize::from(judge.dimension > 0) || (judge.dimension > 0 && part.is_none()) {
        say("overlap", format!("{:?} {:?}", f.overlap_m, f.overlap_m2), format!("for dimension {}", judge.dimension));
    }
    if let (Some(part), Some(overlap)) = (part, judge.overlap)
        && once
    {
        if (part - overlap).abs() > 1e-6 * overlap.max(part) + 1e-6 {
            say("overlap", part.to_string(), overlap.to_string());
        }
        let share = overlap / size;
        if (f.share - share).abs() > 1e-6 + 1e-6 / size {
            say("share", f.share.to_string(), share.to_string());
        }
    }
    if f.relation.as_str() == "inside" && f.share != 1.0 || f.relation.as_str() == "near" && f.share != 0.0 {
        say("share", f.share.to_string(), "all of what is inside, nothing of what is near".into());
    }
    if let Some(verdict) = verdict(f, judge).filter(|v| *v != f.verdict) {
        say("verdict", f.verdict.to_string(), verdict.to_string());
    }
    differs
}

/// Points: equal. Others: at least that of the vertices, for the depth is the greatest among those and some midpoints.
fn depth_differs(f: &Finding, judge: &Judged) -> Option<String> {
    match (f.depth_m, judge.depth) {
        (Some(ours), Some(theirs)) if judge.dimension == 0 => {
            ((ours - theirs).abs() > ROUNDING_M).then(|| theirs.to_string())
        }
        (Some(ours), Some(theirs)) => (ours < theirs - ROUNDING_M).then(|| format!("at least {theirs}")),
        (None, None) => None,
        (_, theirs) => Some(format!("{theirs:?}")),
    }
}

/// DOMAIN's definition on PostGIS's numbers; nothing where it hangs by a hair.
fn verdict(f: &Finding, judge: &Judged) -> Option<Verdict> {
    let depth = if judge.dimension == 0 { judge.depth } else { f.depth_m };
    let signed = if judge.distance > 0.0 { judge.distance } else { -depth.unwrap_or(0.0) };
    let spare = judge.clearance - (signed + judge.accuracy);
    if spare.abs() <= HAIR_M && spare != 0.0 {
        return None;
    }
    Some(if spare >= 0.0 { Verdict::Certain } else { Verdict::Possible })
}
