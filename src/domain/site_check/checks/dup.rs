//! DUP: the same thing asked for twice.

use jiff::civil::Date;

use super::prelude::*;
use crate::domain::work::WorkStatus;

/// What it reads.
pub const READS: &[Source] = &[Source::Reference(ReferenceKind::SiteRequest), Source::Works];

/// Whether the same carrier asks already, or has planned, at most some distance away.
///
/// No law and no article asks for it: the distance is a choice of our own `[default]`. Requests that wait for their decision count, and works that are planned
/// or permitted; those of others are what SPC is for. At the distance itself it is a duplicate.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    judged(subject, around, rules).unwrap_or_else(Finding::from)
}

fn judged(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Result<Finding, Missing> {
    let rule = rules.get(CheckCode::Dup, SiteKey::DuplicateDistance)?;
    let Some(carrier) = subject.organisation.as_deref() else {
        return Ok(Finding::new(CheckCode::Dup, Verdict::NotApplicable, Message::new(key::DUP_NOBODY)));
    };
    let is_for_column = is_for_column(CheckCode::Dup, subject, rules)?;
    let alike = |work: &&NearWork<'_>| {
        let same = work.told.kind == subject.kind;
        let both_columns = is_for_column && is_column(work.told.kind, work.told.column_class);
        let to_come = matches!(work.told.status, WorkStatus::Planned | WorkStatus::Permitted);
        to_come && (same || both_columns) && &*work.facts.organisation == carrier
    };
    let requests = around.of(ReferenceKind::SiteRequest).filter(|near| &*near.facts.organisation == carrier);
    let (requested, requests) = reached(requests, rule.value, subject.accuracy_m);
    let (planned, works) = reached(around.works.iter().filter(alike), rule.value, subject.accuracy_m);
    let (verdict, key) = match requested.max(planned) {
        Sure::No => (Verdict::Pass, key::DUP_FREE),
        Sure::Maybe => (Verdict::NeedsSurvey, key::DUP_UNSURE),
        Sure::Yes => (Verdict::Warn, key::DUP_FOUND),
    };
    let mut found = evidence(requests);
    found.extend(evidence(works));
    found.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
    let first = found.first();
    let message = Message::new(key);
    let message =
        first.iter().fold(message, |m, f| m.text("feature", f.code.as_str()).metres("distance", f.distance_m));
    let mut finding = Finding::new(CheckCode::Dup, verdict, message).by(rule, first.map(|f| f.distance_m));
    finding.geometry = first.map(|_| circle(around.place.at, rule.value));
    finding.evidence = found;
    Ok(finding)
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;
    use crate::domain::work::{WorkFacts, WorkKind};

    #[test]
    fn a_request_of_the_same_carrier_is_told_and_one_of_another_is_not() {
        // Whose request, how far to the east, accuracy; the distance is 30 m.
        let table = [
            ("VT", 29.999, 0.0, Verdict::Warn),
            ("VT", 30.0, 0.0, Verdict::Warn),
            ("VT", 30.001, 0.0, Verdict::Pass),
            ("VT", 25.0, 5.0, Verdict::Warn),
            ("VT", 25.001, 5.0, Verdict::NeedsSurvey),
            ("VT", 35.0, 5.0, Verdict::NeedsSurvey),
            ("VT", 35.001, 5.0, Verdict::Pass),
            ("MB", 1.0, 0.0, Verdict::Pass),
        ];
        for (whose, east, accuracy_m, verdict) in table {
            let mut scene = Scene::default();
            scene.reference(ReferenceKind::SiteRequest, point(east, 0.0)).of(whose);
            let found = judge(check, &Subject { accuracy_m, ..mast() }, &scene.around());
            assert_eq!(found.verdict, verdict, "{whose} {east} {accuracy_m}");
            assert_eq!(found.evidence.is_empty(), verdict == Verdict::Pass, "{whose} {east}");
        }
    }

    #[test]
    fn works_to_come_count_and_those_that_stand_do_not() {
        let planned = WorkFacts { status: WorkStatus::Planned, ..column() };
        let permitted = WorkFacts { kind: WorkKind::Bts, status: WorkStatus::Permitted, ..column() };
        let table = [
            (column(), "VT", 0.0, Verdict::Pass),
            (planned, "VT", 0.0, Verdict::Warn),
            (permitted, "VT", 0.0, Verdict::Warn),
            (planned, "MB", 0.0, Verdict::Pass),
            (WorkFacts { kind: WorkKind::Duct, column_class: None, ..planned }, "VT", 0.0, Verdict::Pass),
            (planned, "VT", 25.0, Verdict::NeedsSurvey),
        ];
        for (work, whose, accuracy, verdict) in table {
            let mut scene = Scene::default();
            scene.work(work, point(10.0, 0.0)).of(whose).accurate(accuracy);
            let found = judge(check, &mast(), &scene.around());
            assert_eq!(found.verdict, verdict, "{work:?} {whose}");
        }
        let mut scene = Scene::default();
        scene.work(planned, point(10.0, 0.0)).of("VT");
        let nobody = Subject { organisation: None, ..mast() };
        assert_eq!(judge(check, &nobody, &scene.around()).verdict, Verdict::NotApplicable);
    }
}
