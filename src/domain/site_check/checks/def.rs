//! DEF: defence.

use jiff::civil::Date;

use super::prelude::*;

/// What it reads.
pub const READS: &[Source] = &[Source::Reference(ReferenceKind::DefenceArea)];

/// Whether the military has to be asked.
///
/// The army says how far what it protects reaches: Luật Quản lý, bảo vệ công trình quốc phòng và khu quân sự 25/2023/QH15 art. 17
/// `[law]`; that is secret, so the distance at which it is asked is a choice of our own `[default]`. That it has to be asked is all that anybody is told: not how far an area
/// is, nor where, and the same whether the asker may see it or not; what is drawn is as far as the rule asks for it, wherever
/// areas are. Where the positions do not tell, it is asked as well.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    let rule = rules.get(CheckCode::Def, SiteKey::DefenceDistance);
    let hidden = READS.iter().any(|source| around.hidden.contains(source));
    let near = |area: &NearReference<'_>| match &rule {
        Ok(rule) => Sure::within(area.signed_m(), rule.value, subject.accuracy_m + area.accuracy_m) != Sure::No,
        // What is near enough to have been found.
        Err(_) => true,
    };
    let rests_on = ids(around.of(ReferenceKind::DefenceArea).filter(|area| near(area)));
    if hidden || !rests_on.is_empty() {
        let finding = Finding::new(CheckCode::Def, Verdict::Warn, Message::new(key::DEF_CONSULT));
        let geometry = rule.as_ref().ok().map(|rule| circle(around.place.at, rule.value));
        return Finding { consult: vec![Consultee::Army], rests_on, geometry, ..finding };
    }
    match rule {
        Ok(_) => Finding::new(CheckCode::Def, Verdict::Pass, Message::new(key::DEF_FREE)),
        Err(missing) => missing.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;

    #[test]
    fn the_military_is_asked_and_nothing_else_is_said() {
        // The west edge of the area, accuracy; the distance is 500 m.
        let table = [
            (0.0, 5.0, Verdict::Warn),
            (499.999, 0.0, Verdict::Warn),
            (500.0, 0.0, Verdict::Warn),
            (500.001, 0.0, Verdict::Pass),
            (505.0, 5.0, Verdict::Warn),
            (505.001, 5.0, Verdict::Pass),
        ];
        for (west, accuracy_m, verdict) in table {
            let mut scene = Scene::default();
            scene.reference(ReferenceKind::DefenceArea, square(west + 10.0, 0.0, 10.0));
            let found = judge(check, &Subject { accuracy_m, ..mast() }, &scene.around());
            assert_eq!(found.verdict, verdict, "{west} {accuracy_m}");
            assert!(found.measured.is_none() && found.limit.is_none() && found.rule.is_none(), "{west}");
            assert!(found.evidence.is_empty() && found.outcome.is_none(), "{west}");
            // The distance that the rule names, wherever the area is.
            let drawn = (verdict == Verdict::Warn).then(|| circle(scene.around().place.at, 500.0));
            assert_eq!(found.geometry, drawn, "{west}");
            assert!(found.message.arguments.is_empty(), "{west}");
        }
    }

    #[test]
    fn who_may_see_the_area_hears_the_same_as_who_may_not() {
        let mut scene = Scene::default();
        scene.reference(ReferenceKind::DefenceArea, square(100.0, 0.0, 10.0));
        let seen = scene.around();
        let nothing = Scene::default();
        let mut hidden = nothing.around();
        hidden.hidden = READS.to_vec();
        for rules in [pack(), empty_pack()] {
            let rules = Parameters::on(&rules, DAY);
            let of = |around: &Surroundings<'_>| check(&mast(), around, &rules, DAY).qualified(READS, around);
            let (rests_on, told) = (of(&seen).rests_on, Finding { rests_on: Vec::new(), ..of(&seen) });
            assert_eq!((rests_on.len(), told), (1, of(&hidden)));
            assert_eq!((of(&seen).verdict, of(&seen).consult), (Verdict::Warn, vec![Consultee::Army]));
        }
        let unknown = check(&mast(), &nothing.around(), &Parameters::on(&empty_pack(), DAY), DAY);
        assert_eq!((unknown.verdict, unknown.message.key), (Verdict::NotChecked, key::NO_RULE));
    }
}
