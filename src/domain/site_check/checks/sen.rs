//! SEN: schools and hospitals.

use jiff::civil::Date;

use super::prelude::*;

/// What it reads.
pub const READS: &[Source] = &[Source::Reference(ReferenceKind::School), Source::Reference(ReferenceKind::Hospital)];

/// Whether a school or a hospital is at most some distance away.
///
/// No law and no article that is known here asks for it: the distance, and to ask whoever answers for the people in it, is a choice of our
/// own `[default]`. At the distance itself it is near.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    judged(subject, around, rules).unwrap_or_else(Finding::from)
}

fn judged(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Result<Finding, Missing> {
    let rule = rules.get(CheckCode::Sen, SiteKey::SensitiveDistance)?;
    let consultee = |kind| match kind {
        ReferenceKind::School => Some(Consultee::Education),
        ReferenceKind::Hospital => Some(Consultee::Health),
        _ => None,
    };
    let sensitive = || around.references.iter().filter(|near| consultee(near.told.kind).is_some());
    let (near, found) = reached(sensitive(), rule.value, subject.accuracy_m);
    let (verdict, key) = match near {
        Sure::No => (Verdict::Pass, key::SEN_FREE),
        Sure::Maybe => (Verdict::NeedsSurvey, key::SEN_UNSURE),
        Sure::Yes => (Verdict::Warn, key::SEN_NEAR),
    };
    let first = found.first();
    let message = Message::new(key);
    let message = first.iter().fold(message, |m, f| m.text("feature", f.called()).metres("distance", f.distance_m));
    let measured = first.map(|near| near.distance_m);
    let mut finding = Finding::new(CheckCode::Sen, verdict, message).by(rule, measured);
    finding.consult = found.iter().filter_map(|near| consultee(near.told.kind)).collect();
    finding.consult.sort_unstable();
    finding.consult.dedup();
    finding.geometry = first.map(|_| circle(around.place.at, rule.value));
    finding.evidence = evidence(found);
    Ok(finding)
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;

    /// What is to the east, accuracy, and what comes of it.
    type Case<'a> = (&'a [(ReferenceKind, f64)], f64, Verdict, &'a [Consultee]);

    #[test]
    fn whoever_answers_for_the_people_in_it_is_asked() {
        use ReferenceKind::{Building, Hospital, School};
        // The distance is 50 m.
        let table: &[Case<'_>] = &[
            (&[], 5.0, Verdict::Pass, &[]),
            (&[(Building, 1.0)], 5.0, Verdict::Pass, &[]),
            (&[(School, 50.001)], 0.0, Verdict::Pass, &[]),
            (&[(School, 50.0)], 0.0, Verdict::Warn, &[Consultee::Education]),
            (&[(Hospital, 49.999)], 0.0, Verdict::Warn, &[Consultee::Health]),
            (&[(Hospital, 55.0)], 5.0, Verdict::NeedsSurvey, &[Consultee::Health]),
            (&[(Hospital, 45.001)], 5.0, Verdict::NeedsSurvey, &[Consultee::Health]),
            (&[(Hospital, 45.0)], 5.0, Verdict::Warn, &[Consultee::Health]),
            (&[(Hospital, 10.0), (School, 20.0)], 5.0, Verdict::Warn, &[Consultee::Health, Consultee::Education]),
            (&[(School, 10.0), (School, 54.0)], 5.0, Verdict::Warn, &[Consultee::Education]),
        ];
        for (what, accuracy_m, verdict, consult) in table {
            let mut scene = Scene::default();
            for (kind, east) in *what {
                scene.reference(*kind, point(*east, 0.0));
            }
            let found = judge(check, &Subject { accuracy_m: *accuracy_m, ..mast() }, &scene.around());
            assert_eq!((found.verdict, found.consult.as_slice()), (*verdict, *consult), "{what:?} {accuracy_m}");
            assert_eq!(found.evidence.is_empty(), *verdict == Verdict::Pass, "{what:?}");
        }
    }
}
