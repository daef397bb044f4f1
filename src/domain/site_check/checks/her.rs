//! HER: heritage.

use jiff::civil::Date;

use super::prelude::*;

/// What it reads.
pub const READS: &[Source] = &[Source::Reference(ReferenceKind::Heritage), Source::Reference(ReferenceKind::Monument)];

/// Whether it stands in or near heritage.
///
/// A monument itself, its protected area I, is kept as it is, so nothing is built in it; what is built in the area II round it
/// needs the written consent of whoever answers for culture: Luật Di sản văn hóa 28/2001/QH10 art. 32 `[law]`, replaced in 2025
/// `[check]`. In a heritage area, or at most a distance from one or from a monument, the culture office is asked; the distance
/// is a choice of our own `[default]`. At the distance itself it is near.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    judged(subject, around, rules).unwrap_or_else(Finding::from)
}

fn judged(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Result<Finding, Missing> {
    let rule = rules.get(CheckCode::Her, SiteKey::HeritageDistance)?;
    let heritage = || around.references.iter().filter(|near| is_heritage(near.told.kind));
    let (near, found) = reached(heritage(), rule.value, subject.accuracy_m);
    let (inside, monuments) = reached(around.of(ReferenceKind::Monument), 0.0, subject.accuracy_m);
    let verdict = |near: bool, inside: bool| match (near, inside) {
        (_, true) => Verdict::Block,
        (true, false) => Verdict::Warn,
        (false, false) => Verdict::Pass,
    };
    let sure = verdict(near == Sure::Yes, inside == Sure::Yes);
    let verdict = settled(sure, verdict(near != Sure::No, inside != Sure::No));
    let first = monuments.first().or(found.first()).copied();
    let message = Message::new(match verdict {
        Verdict::Pass => key::HER_FREE,
        Verdict::Warn => key::HER_NEAR,
        Verdict::Block => key::HER_INSIDE,
        _ => key::HER_UNSURE,
    });
    let message = first.iter().fold(message, |m, f| m.text("feature", f.called()).metres("distance", f.distance_m));
    let measured = first.map(|near| near.distance_m);
    let mut finding = Finding::new(CheckCode::Her, verdict, message).by(rule, measured);
    if verdict != Verdict::Pass {
        finding.consult.push(Consultee::Culture);
        finding.geometry = Some(circle(around.place.at, rule.value));
    }
    finding.evidence = evidence(found);
    Ok(finding)
}

fn is_heritage(kind: ReferenceKind) -> bool {
    matches!(kind, ReferenceKind::Heritage | ReferenceKind::Monument)
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;

    #[test]
    fn near_it_somebody_is_asked_and_in_a_monument_nothing_is_built() {
        use ReferenceKind::{Heritage, Monument};
        // Kind, the middle of a square of 20 m to the east, accuracy; the distance is 100 m.
        let table = [
            (Heritage, 300.0, 0.0, Verdict::Pass),
            (Heritage, 110.001, 0.0, Verdict::Pass),
            (Heritage, 110.0, 0.0, Verdict::Warn),
            (Heritage, 109.999, 0.0, Verdict::Warn),
            (Heritage, 115.001, 5.0, Verdict::Pass),
            (Heritage, 115.0, 5.0, Verdict::NeedsSurvey),
            (Heritage, 105.001, 5.0, Verdict::NeedsSurvey),
            (Heritage, 105.0, 5.0, Verdict::Warn),
            (Heritage, 0.0, 5.0, Verdict::Warn),
            (Monument, 50.0, 0.0, Verdict::Warn),
            (Monument, 10.001, 0.0, Verdict::Warn),
            (Monument, 10.0, 0.0, Verdict::Block),
            (Monument, 0.0, 5.0, Verdict::Block),
            (Monument, 6.0, 5.0, Verdict::NeedsSurvey),
            (Monument, 14.0, 5.0, Verdict::NeedsSurvey),
        ];
        for (kind, east, accuracy_m, verdict) in table {
            let mut scene = Scene::default();
            scene.reference(kind, square(east, 0.0, 10.0)).named("Ba Bể");
            let found = judge(check, &Subject { accuracy_m, ..mast() }, &scene.around());
            assert_eq!(found.verdict, verdict, "{kind} {east} {accuracy_m}");
            let asked = verdict != Verdict::Pass;
            assert_eq!(found.consult == [Consultee::Culture], asked, "{kind} {east}");
            assert_eq!(names(&found).is_empty(), !asked, "{kind} {east}");
            assert_eq!(found.limit, Some(Quantity::metres(100.0)));
        }
    }
}
