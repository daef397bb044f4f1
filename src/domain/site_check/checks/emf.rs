//! EMF: exposure of people to electromagnetic fields.

mod beam;

use std::f64::consts::PI;
use std::sync::Arc;

use jiff::civil::Date;

use self::beam::{Antennas, Building, Shares, co_sited_with};
use super::prelude::*;
use crate::domain::rules::Parameter;
use crate::domain::site_check::reach_round;

/// What it reads.
pub const READS: &[Source] =
    &[Source::Reference(ReferenceKind::Building), Source::Reference(ReferenceKind::Transmitter)];

/// The frequencies for which the limit stands, MHz: QCVN 8:2022/BTTTT `[law]`.
const FREQUENCY_MHZ: [f64; 2] = [10.0, 6_000.0];

/// Sources that give less than this share of the limit are not looked for `[check]`: so much is a relevant source to the
/// recommendations of the ITU (K.100).
const RELEVANT_SHARE: f64 = 0.05;

/// Whether people in a building would be exposed to more than the limit.
///
/// The power density at r metres from an antenna is EIRP · share · F / (4π · r²), and the compliance distance in its beam
/// R = √(EIRP·F / (4π·S)), where S = 2 W/m² `[law: QCVN 8:2022/BTTTT, 10 MHz–6 GHz, public]` and F = 1 in free space, 4
/// with reflections `[default]`: 1 kW gives 6.3 m and 12.6 m. The densities of all antennas of the column and of all
/// transmitters that are co-sited `[default]` are added at each building in which people may be, and the sum is at most the
/// limit. How much an antenna sends where is in `beam`. A building without a known height may be as high as the antenna;
/// where that, or the accuracy of the positions, decides, a survey has to tell.
#[must_use]
pub fn check(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>, _: Date) -> Finding {
    let finding = |verdict, key| Finding::new(CheckCode::Emf, verdict, Message::new(key));
    if !subject.antennas.is_empty() {
        return judged(subject, around, rules).unwrap_or_else(Finding::from);
    }
    match is_for_column(CheckCode::Emf, subject, rules) {
        Ok(true) => Finding { consult: vec![Consultee::Health], ..finding(Verdict::Warn, key::EMF_NOT_STATED) },
        Ok(false) => finding(Verdict::NotApplicable, key::EMF_NO_ANTENNAS),
        Err(missing) => missing.into(),
    }
}

fn judged(subject: &Subject, around: &Surroundings<'_>, rules: &Parameters<'_>) -> Result<Finding, Missing> {
    let rule = rules.get(CheckCode::Emf, SiteKey::ExposureLimit)?;
    let of = |key| rules.get(CheckCode::Emf, key).map(|rule| rule.value);
    let reflection = of(SiteKey::ReflectionFactor)?;
    let shares = Shares { side: of(SiteKey::SideShare)?.min(1.0), down: of(SiteKey::DownShare)?.min(1.0) };
    let (beamwidth, co_sited) = (of(SiteKey::Beamwidth)?, of(SiteKey::CoSitedDistance)?);
    let limit = rule.value;

    let antennas = Antennas::of(subject, around, beamwidth, co_sited);
    let of_others = |near: &NearReference<'_>| near.attributes().eirp_w.unwrap_or(0.0);
    let total = own(subject) + co_sited_with(subject, around, co_sited).map(of_others).sum::<f64>();
    // What is co-sited counts where the column's own antennas are weak, as far as anything was looked for.
    let looked = (relevant(total, reflection, limit) + subject.accuracy_m).min(reach_round(subject, rules));
    let buildings = around.of(ReferenceKind::Building);
    let buildings = buildings.filter(|near| near.attributes().occupied != Some(false) && near.distance_m <= looked);
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
    let compliance = |eirp: f64| (eirp * reflection / (4.0 * PI * limit)).sqrt();
    let strongest = subject.antennas.iter().map(|antenna| antenna.eirp_w).fold(0.0, f64::max);
    let message = Message::new(match verdict {
        Verdict::Pass => key::EMF_BELOW,
        Verdict::Block => key::EMF_ABOVE,
        _ => key::EMF_UNSURE,
    });
    let message = ranked.first().iter().fold(message, |m, (near, _)| m.text("building", near.called()));
    let message = message
        .with("density", Argument::Number(measured, 3))
        .with("limit", Argument::Number(limit, 3))
        .metres("distance", compliance(strongest))
        .metres("summed", compliance(total));
    let mut finding = Finding::new(CheckCode::Emf, verdict, message).by(rule, Some(measured));
    finding.evidence = evidence(ranked.iter().filter(|(_, density)| *density > limit).map(|(near, _)| *near));
    finding.evidence.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
    finding.geometry = Some(circle(around.place.at, compliance(strongest)));
    // The sum is told, and of the building in which it is the most.
    finding.rests_on = ids(ranked.first().map(|(near, _)| *near));
    finding.rests_on.extend(ids(co_sited_with(subject, around, co_sited)));
    if verdict == Verdict::Pass {
        return Ok(match out_of_range(subject, rule) {
            Some(other) => Finding { rests_on: finding.rests_on, ..other },
            None => finding,
        });
    }
    finding.consult.push(Consultee::Health);
    Ok(finding)
}

/// An antenna of which the limit says nothing.
fn out_of_range(subject: &Subject, rule: &Arc<Parameter>) -> Option<Finding> {
    let [from, to] = FREQUENCY_MHZ;
    let outside = subject.antennas.iter().find(|antenna| !(from..=to).contains(&antenna.frequency_mhz))?;
    let number = |value| Argument::Number(value, 3);
    let message = Message::new(key::EMF_FREQUENCY).with("frequency", number(outside.frequency_mhz));
    let message = message.with("from", number(from)).with("to", number(to));
    let finding = Finding::new(CheckCode::Emf, Verdict::Warn, message).by(rule, None);
    Some(Finding { consult: vec![Consultee::Health], ..finding })
}

/// What its antennas together radiate in their main directions, W.
fn own(subject: &Subject) -> f64 {
    subject.antennas.iter().map(|antenna| antenna.eirp_w).sum()
}

/// Farther than this, antennas that radiate so many watts give less than the [`RELEVANT_SHARE`] of the limit, m.
fn relevant(eirp_w: f64, reflection: f64, limit: f64) -> f64 {
    (eirp_w * reflection / (4.0 * PI * limit * RELEVANT_SHARE)).sqrt()
}

/// How far round a column its field has to be looked at, in metres.
#[must_use]
pub fn reach(subject: &Subject, rules: &Parameters<'_>) -> f64 {
    let limit = rules.ever().least(SiteKey::ExposureLimit);
    limit.map_or(0.0, |limit| relevant(own(subject), rules.most(SiteKey::ReflectionFactor), limit))
}

#[cfg(test)]
mod tests;
