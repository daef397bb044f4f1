//! How far people keep from antennas: of each sector in front, beside, behind and below, and of all of them together.

use super::beam::{Antenna, Antennas, Shares, wrapped};
use crate::domain::site_check::{Compliance, Sector};

/// An end of a beam is in it, however it was computed, degrees.
const ROUNDED_DEG: f64 = 1e-9;

/// A direction beyond an end, degrees.
const BEYOND_DEG: f64 = 1e-6;

/// The distances of a column with so many antennas of its `own`, which come first, and all that is co-sited in `total` watts, where
/// `metres` is how far from so many watts people keep.
pub(super) fn compliance(
    antennas: &Antennas<'_>,
    (own, total): (usize, f64),
    shares: &Shares,
    metres: impl Fn(f64) -> f64,
) -> Compliance {
    let all = &antennas.0;
    let directions = directions(all, shares);
    let sector = |antenna: &Antenna<'_>| {
        let in_beam = directions.iter().filter(|(azimuth, _)| off(antenna, *azimuth) <= antenna.half_deg);
        let behind = behind(antenna).into_iter().map(|azimuth| (azimuth, sent(all, azimuth, shares)));
        let behind: Vec<_> =
            directions.iter().copied().chain(behind).filter(|(azimuth, _)| is_behind(antenna, *azimuth)).collect();
        let alone = |share: f64| metres(antenna.eirp_w * share);
        Sector {
            azimuth_deg: antenna.azimuth_deg,
            beamwidth_deg: 2.0 * antenna.half_deg,
            eirp_w: antenna.eirp_w,
            front_m: alone(1.0),
            // Just beyond the end of the beam, where there is anything.
            shoulder_m: alone(antenna.across((antenna.half_deg + ROUNDED_DEG).min(180.0), shares)),
            side_m: alone(antenna.across(180.0, shares)),
            below_m: alone(antenna.below(shares)),
            summed_m: metres(in_beam.map(|(_, watts)| *watts).fold(antenna.eirp_w, f64::max)),
            summed_side_m: metres(behind.iter().map(|(_, watts)| *watts).fold(0.0, f64::max)),
        }
    };
    Compliance {
        sectors: all.iter().take(own).map(sector).collect(),
        summed_m: metres(total),
        summed_below_m: metres(all.iter().map(|antenna| antenna.eirp_w * antenna.below(shares)).sum()),
    }
}

/// How many degrees a direction is off the azimuth of an antenna; one that sends all round has none.
fn off(antenna: &Antenna<'_>, azimuth: f64) -> f64 {
    let off = antenna.azimuth_deg.map_or(0.0, |own| wrapped(azimuth - own).abs());
    (off - ROUNDED_DEG).max(0.0)
}

/// The directions in which the sum of all can be the most, with what all of them send that way, W: it changes in steps, and each
/// step is an end of a beam or of its shoulders.
fn directions(all: &[Antenna<'_>], shares: &Shares) -> Vec<(f64, f64)> {
    let ends = |antenna: &Antenna<'_>| {
        let half = antenna.half_deg;
        let of = |azimuth: f64| [-2.0, -1.0, 0.0, 1.0, 2.0].map(|step| azimuth + step * half);
        antenna.azimuth_deg.map_or_else(|| vec![0.0], |azimuth| of(azimuth).to_vec())
    };
    all.iter().flat_map(ends).map(|azimuth| (azimuth, sent(all, azimuth, shares))).collect()
}

/// What all of them send in a direction, W.
fn sent(all: &[Antenna<'_>], azimuth: f64, shares: &Shares) -> f64 {
    all.iter().map(|antenna| antenna.eirp_w * antenna.across(off(antenna, azimuth), shares)).sum()
}

/// Directions at the sides and back of an antenna: just beyond what is beside its beam, and its back. They change in steps there only
/// where those of others do.
fn behind(antenna: &Antenna<'_>) -> Vec<f64> {
    let beyond = 2.0 * antenna.half_deg + BEYOND_DEG;
    antenna.azimuth_deg.map_or_else(Vec::new, |azimuth| vec![azimuth - beyond, azimuth + beyond, azimuth + 180.0])
}

/// A direction is at the sides or back of an antenna. One that sends all round has none, or all are; of one so wide that it has no
/// back that is the direction straight behind.
fn is_behind(antenna: &Antenna<'_>, azimuth: f64) -> bool {
    let off = off(antenna, azimuth);
    antenna.azimuth_deg.is_none() || off > 2.0 * antenna.half_deg || off >= 180.0 - BEYOND_DEG
}
