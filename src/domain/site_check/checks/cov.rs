//! COV: what nobody has data of.

use jiff::civil::Date;

use super::super::{asked_within, reach_of, reach_round, sources};
use super::prelude::*;

/// Which of all that checks read does not answer for the place.
///
/// That nothing was found means that nothing is there only where the layer declares that it holds all there is
/// `[default]`: each other check says so of what it reads, and this one of everything at once. What is drawn is the ground of
/// which that was asked, as far as it was asked of any of them.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    let gaps: Vec<_> = sources().iter().filter_map(|source| around.gap(*source)).collect();
    if gaps.is_empty() {
        return Finding::new(CheckCode::Cov, Verdict::Pass, Message::new(key::COV_FULL));
    }
    let message = Message::new(key::COV_GAPS).words("sources", gaps.iter().map(|gap| gap.source.to_string()));
    let looked = reach_round(subject, rules);
    let asked = |source: Source| {
        let own = source.kind().map_or(0.0, |kind| reach_of(kind, rules.ever()));
        asked_within(source, own, subject, looked)
    };
    let farthest = gaps.iter().map(|gap| asked(gap.source)).fold(0.0, f64::max);
    let geometry = Some(circle(around.place.at, farthest));
    Finding { gaps, geometry, ..Finding::new(CheckCode::Cov, Verdict::NotChecked, message) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;
    use crate::domain::coverage::Coverage;
    use crate::domain::site_check::{Gap, GapWhy, run};

    #[test]
    fn every_gap_is_listed_once_and_kept() {
        let scene = Scene::default();
        let mut around = scene.around();
        assert_eq!(judge(check, &mast(), &around).verdict, Verdict::Pass);
        let (works, roads) = (Source::Works, Source::Reference(ReferenceKind::Road));
        let army = Source::Reference(ReferenceKind::DefenceArea);
        around.coverage.insert(roads, Coverage::Partial);
        around.coverage.remove(&Source::Corridors);
        // Of what hides a defence area nobody hears.
        around.hidden = vec![works, army];
        let rules = pack();
        let all = run(&mast(), &around, &Parameters::on(&rules, DAY), DAY);
        let found = all.iter().find(|finding| finding.code == CheckCode::Cov).unwrap();
        assert_eq!((found.verdict, found.message.key), (Verdict::NotChecked, key::COV_GAPS));
        let gap = |source, why| Gap { source, why };
        let corridors = gap(Source::Corridors, GapWhy::Undeclared);
        let expect = [gap(works, GapWhy::Hidden), corridors, gap(roads, GapWhy::NotCovered)];
        assert_eq!(found.gaps, expect);
        let drawn = |around: &Surroundings<'_>| judge(check, &Subject { accuracy_m: 5.0, ..mast() }, around).geometry;
        let round = |radius| Some(circle(around.place.at, radius));
        // Columns matter as far as the widest spacing.
        assert_eq!(drawn(&around), round(505.0));
        let only = |kind| {
            let mut around = scene.around();
            around.coverage.insert(Source::Reference(kind), Coverage::Partial);
            drawn(&around)
        };
        assert_eq!(only(ReferenceKind::School), round(55.0));
        assert_eq!(only(ReferenceKind::Runway), round(5.0));
        around.coverage.insert(army, Coverage::None);
        assert_eq!(judge(check, &mast(), &around).gaps.last(), Some(&gap(army, GapWhy::NotCovered)));
    }
}
