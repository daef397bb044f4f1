//! EMF: exposure of people to electromagnetic fields.

mod beam;
mod distance;

use std::f64::consts::PI;
use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use self::beam::{Antennas, Building, Shares, co_sited_with, undrawn};
use super::prelude::*;
use crate::domain::site_check::reach_round;

/// What it reads.
pub const READS: &[Source] =
    &[Source::Reference(ReferenceKind::Building), Source::Reference(ReferenceKind::Transmitter)];

/// Whether people in a building would be exposed to more than the limit.
///
/// The power density at r metres from an antenna is EIRP · share · F / (4π · r²), and the compliance distance in its beam
/// R = √(EIRP·F / (4π·S)), where S = 2 W/m² `[law: QCVN 8:2022/BTTTT, 10 MHz–6 GHz, public]` (the article was not looked up) and F = 1 in free space, 4
/// with reflections `[default]`: 1 kW gives 6.3 m and 12.6 m. The densities of all antennas of the column and of all
/// transmitters that are co-sited `[default]` are added at each building in which people may be, and the sum is at most the
/// limit. Each sector has its own compliance distances, in its beam R, beside it R·√shoulder, at its sides and back R·√side and
/// below it R·√down by the shares of the rules, and one with all that is co-sited: √(Σ EIRP·share·F / (4π·S)) in the direction in its
/// beam where that is the most. Where they give less than a share of it together nobody looks: 5 % is a relevant source to ITU-T K.100 `[check]`. How much an antenna sends where is in `beam`. A building without a known height may be as high as the antenna;
/// where that, or the accuracy of the positions, decides, a survey has to tell.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    let finding = |verdict, key| Finding::new(CheckCode::Emf, verdict, Message::new(key));
    if !subject.antennas.is_empty() {
        return judged(subject, around, rules).unwrap_or_else(Finding::from);
    }
    match is_for_column(CheckCode::Emf, subject, rules) {
        Ok(true) => {
            let geometry = Some(place(subject, around));
            let finding = finding(Verdict::Warn, key::EMF_NOT_STATED);
            Finding { consult: vec![Consultee::Health], geometry, ..finding }
        }
        Ok(false) => finding(Verdict::NotApplicable, key::EMF_NO_ANTENNAS),
        Err(missing) => missing.into(),
    }
}

fn judged(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Result<Finding, Missing> {
    let rule = rules.get(CheckCode::Emf, SiteKey::ExposureLimit)?;
    let of = |key| rules.value(CheckCode::Emf, key);
    let share = |key| of(key).map(|share| share.min(1.0));
    let reflection = of(SiteKey::ReflectionFactor)?;
    let shares = Shares {
        shoulder: share(SiteKey::ShoulderShare)?,
        side: share(SiteKey::SideShare)?,
        down: share(SiteKey::DownShare)?,
    };
    // Whatever is needed to look for buildings: without it none is found, and nobody would be exposed.
    of(SiteKey::RelevantShare)?;
    let range = [of(SiteKey::FrequencyFrom)?, of(SiteKey::FrequencyTo)?];
    let (beamwidth, co_sited) = (of(SiteKey::Beamwidth)?, of(SiteKey::CoSitedDistance)?);
    let limit = rule.value;

    let antennas = Antennas::of(subject, around, beamwidth, co_sited);
    let of_others = |near: &NearReference<'_>| near.attributes().eirp_w.unwrap_or(0.0);
    let total = own(subject) + co_sited_with(subject, around, co_sited).map(of_others).sum::<f64>();
    let looked = looked(subject, around, rules);
    let buildings = around.of(ReferenceKind::Building);
    let is_near = |near: &&NearReference<'_>| near.distance_m <= looked + undrawn(near);
    let buildings = buildings.filter(|near| near.attributes().occupied != Some(false)).filter(is_near);
    let exposed: Vec<_> = buildings
        .filter_map(|near| {
            let building = Building::of(near)?;
            Some((near, antennas.density(&building, &shares).map(|eirp| eirp * reflection / (4.0 * PI))))
        })
        .collect();

    let above = |is: bool| if is { Verdict::Block } else { Verdict::Pass };
    let sure = above(exposed.iter().any(|(_, density)| density.low > limit));
    let verdict = settled(sure, above(exposed.iter().any(|(_, density)| density.high > limit)));
    // What the verdict rests on.
    let density = |d: &beam::Between| if verdict == Verdict::NeedsSurvey { d.high } else { d.likely };
    let mut ranked: Vec<_> = exposed.iter().map(|(near, between)| (*near, density(between))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let measured = ranked.first().map_or(0.0, |(_, density)| *density);
    let metres = |eirp: f64| (eirp * reflection / (4.0 * PI * limit)).sqrt();
    let compliance = distance::compliance(&antennas, (subject.antennas.len(), total), &shares, metres);
    let strongest = compliance.sectors.iter().max_by(|a, b| a.front_m.total_cmp(&b.front_m));
    let farthest = strongest.map_or(0.0, |sector| sector.front_m);
    let message = Message::new(match verdict {
        Verdict::Pass => key::EMF_BELOW,
        Verdict::Block => key::EMF_ABOVE,
        _ => key::EMF_UNSURE,
    });
    let message = ranked.first().iter().fold(message, |m, (near, _)| m.text("building", near.called()));
    let mut message = message
        .with("density", Argument::Number(measured, 3))
        .with("limit", Argument::Number(limit, 3))
        .metres("distance", farthest)
        .metres("summed", compliance.summed_m);
    if let Some(sector) = strongest {
        message = message.metres("side", sector.side_m).metres("below", sector.below_m);
    }
    let mut finding = Finding::new(CheckCode::Emf, verdict, message).by(rule, Some(measured));
    finding.evidence = evidence(ranked.iter().filter(|(_, density)| *density > limit).map(|(near, _)| *near));
    finding.evidence.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
    finding.geometry = Some(circle(around.place.at, farthest));
    finding.compliance = Some(compliance);
    // The sum is told, and of the building in which it is the most.
    finding.rests_on = ids(ranked.first().map(|(near, _)| *near));
    finding.rests_on.extend(ids(co_sited_with(subject, around, co_sited)));
    if verdict == Verdict::Pass {
        return Ok(match out_of_range(subject, range, rules) {
            Some(other) => Finding {
                rests_on: finding.rests_on,
                geometry: finding.geometry,
                compliance: finding.compliance,
                ..other
            },
            None => finding,
        });
    }
    finding.consult.push(Consultee::Health);
    Ok(finding)
}

/// An antenna of which the limit says nothing: it stands for frequencies in a range, MHz.
fn out_of_range(subject: &Subject, [from, to]: [f64; 2], rules: &Parameters<'_>) -> Option<Finding> {
    let outside = subject.antennas.iter().find(|antenna| !(from..=to).contains(&antenna.frequency_mhz))?;
    let number = |value| Argument::Number(value, 3);
    let message = Message::new(key::EMF_FREQUENCY).with("frequency", number(outside.frequency_mhz));
    let message = message.with("from", number(from)).with("to", number(to));
    let is_below = outside.frequency_mhz < from;
    let (of, limit) = if is_below { (SiteKey::FrequencyFrom, from) } else { (SiteKey::FrequencyTo, to) };
    let megahertz = |value| Some(Quantity { value, unit: of.unit() });
    Some(Finding {
        measured: megahertz(outside.frequency_mhz),
        limit: megahertz(limit),
        // An older pack does not state it.
        rule: rules.get(CheckCode::Emf, of).ok().map(Arc::clone),
        consult: vec![Consultee::Health],
        ..Finding::new(CheckCode::Emf, Verdict::Warn, message)
    })
}

/// What its antennas together radiate in their main directions, W.
fn own(subject: &Subject) -> f64 {
    subject.antennas.iter().map(|antenna| antenna.eirp_w).sum()
}

/// Farther than this, antennas that radiate so many watts give less than a share of the limit, m.
fn relevant(eirp_w: f64, reflection: f64, limit: f64, share: f64) -> f64 {
    (eirp_w * reflection / (4.0 * PI * limit * share)).sqrt()
}

/// How far round the place of a column buildings are looked at, in metres: as far as all antennas together matter, and what is
/// co-sited may stand nearer to a building than the place does. It may be farther than `reach`, which knows of the column
/// alone; 0 of a column without antennas, or where the limit is missing.
#[must_use]
pub fn looked(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> f64 {
    let of = |key| rules.value(CheckCode::Emf, key).ok();
    let needed = of(SiteKey::ExposureLimit).zip(of(SiteKey::ReflectionFactor)).zip(of(SiteKey::RelevantShare));
    let Some((((limit, reflection), share), co_sited)) = needed.zip(of(SiteKey::CoSitedDistance)) else { return 0.0 };
    if subject.antennas.is_empty() {
        return 0.0;
    }
    let (mut total, mut beside) = (own(subject), 0.0_f64);
    for near in co_sited_with(subject, around, co_sited) {
        total += near.attributes().eirp_w.unwrap_or(0.0);
        beside = beside.max(near.distance_m + near.accuracy_m);
    }
    let far = relevant(total, reflection, limit, share) + beside + subject.accuracy_m;
    // Without a limit, or where nothing is too little, as far as anything else is looked for.
    if far.is_finite() { far } else { reach_round(subject, rules) }
}

/// The transmitters by which buildings are [`looked`] at farther away.
#[must_use]
pub fn looked_by(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Vec<Uuid> {
    let co_sited = rules.value(CheckCode::Emf, SiteKey::CoSitedDistance).ok().filter(|_| !subject.antennas.is_empty());
    co_sited.map_or_else(Vec::new, |co_sited| ids(co_sited_with(subject, around, co_sited)))
}

/// How far round a column its field has to be looked at, in metres.
#[must_use]
pub fn reach(subject: &Subject, rules: &Parameters<'_>) -> f64 {
    let least = |key| rules.ever().least(key);
    let share = least(SiteKey::RelevantShare).into_iter().chain(SiteKey::RelevantShare.unstated());
    let share = share.fold(1.0, f64::min);
    let limit = least(SiteKey::ExposureLimit);
    limit.map_or(0.0, |limit| relevant(own(subject), rules.most(SiteKey::ReflectionFactor), limit, share))
}

#[cfg(test)]
mod tests;
