//! What holds for all checks.

#![allow(clippy::unwrap_used, clippy::float_cmp)] // in a test a panic is the report; values are given, not computed

mod answers;
mod ground;
mod reach;
pub mod support;

use std::collections::BTreeSet;

use self::support::*;
use crate::domain::coverage::Coverage;
use crate::domain::reference::ReferenceKind;
use crate::domain::site_check::message::key;
use crate::domain::site_check::{
    CHECKS, Check, CheckCode, Finding, Message, Parameters, SiteKey, Source, Subject, Surroundings, Verdict,
};
use crate::domain::word::Word;

#[test]
fn every_code_has_one_check() {
    let listed: Vec<CheckCode> = CHECKS.iter().map(|check| check.code).collect();
    let known: Vec<CheckCode> = CheckCode::ALL.iter().map(|(code, _)| *code).collect();
    assert_eq!(listed, known);
    assert_eq!(listed.iter().map(|code| code.as_str()).collect::<BTreeSet<_>>().len(), known.len());
}

/// All that a check is stands in its registration: what reads something that does not answer for the place is no pass.
#[test]
fn one_registration_adds_a_check() {
    let more = Check {
        code: CheckCode::Sen,
        reads: &[Source::Reference(ReferenceKind::Other)],
        run: |subject, _, rules, day| {
            let limit = rules.most(SiteKey::MarkingHeight);
            let verdict = if subject.height_agl_m < limit && day == DAY { Verdict::Pass } else { Verdict::Block };
            Finding::new(CheckCode::Sen, verdict, Message::new(key::SEN_FREE))
        },
    };
    let (scene, rules) = (Scene::default(), pack());
    let rules = Parameters::on(&rules, DAY);
    let mut around = scene.around();
    let said = |around: &Surroundings<'_>, height_agl_m: f64| {
        let found = more.said(&Subject { height_agl_m, ..mast() }, around, &rules, DAY);
        (found.verdict, found.gaps.len())
    };
    assert_eq!(said(&around, 30.0), (Verdict::NotChecked, 1), "nobody declared anything of it");
    around.coverage.insert(Source::Reference(ReferenceKind::Other), Coverage::Full);
    assert_eq!((said(&around, 30.0), said(&around, 50.0)), ((Verdict::Pass, 0), (Verdict::Block, 0)));
}
