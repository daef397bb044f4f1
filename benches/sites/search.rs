//! A search of places against single checks of the same places: as fast as a batch of them, and the same places in the same order.

use std::collections::BTreeMap;
use std::time::Instant;

use clearway::actions::Context;
use clearway::actions::site_check::search::{self, Pattern, Wanted};
use clearway::actions::site_check::{self, Asked, SiteCheck};
use clearway::domain::actor::Actor;
use clearway::domain::jurisdiction::Jurisdiction;
use clearway::domain::place::Delivered;
use clearway::domain::site_check::{Finding, Verdict};
use clearway::geometry::{Coord, Geometry};
use geo_types::Rect;

use crate::batch::on_threads;
use crate::places::Places;
use crate::report::{Comparison, Report, Side};
use crate::run::Failed;
use crate::{ROUNDS, middle, question};

/// How much of the rate of a batch of the same places a search has to reach.
const TARGET: f64 = 1.0;

/// Between two neighbouring places, m.
const SPACING_M: f64 = 50.0;

/// Places in an answer.
const LIMIT: usize = 20;

/// The places of a pattern: so many columns of so many rows, and the area that holds them and no more.
struct Candidates {
    area: Geometry<f64>,
    places: Vec<Coord<f64>>,
}

impl Candidates {
    /// About a place. Rows begin at round numbers of the grid.
    fn about(at: Coord<f64>, pattern: Pattern, [columns, rows]: [u32; 2]) -> Self {
        let row_m = if pattern == Pattern::Hexagonal { SPACING_M * 3_f64.sqrt() / 2.0 } else { SPACING_M };
        let first = |v: f64, step: f64, count: u32| (v / step).floor() - f64::from(count / 2);
        let (west, south) = (first(at.x, SPACING_M, columns), first(at.y, row_m, rows));
        let mut places = Vec::new();
        for row in (0..rows).map(|row| south + f64::from(row)) {
            // Every other row of a hexagonal pattern lies between those beside it.
            let shift = if pattern == Pattern::Hexagonal && row.rem_euclid(2.0) > 0.5 { SPACING_M / 2.0 } else { 0.0 };
            let of = |column: u32| Coord { x: (west + f64::from(column)) * SPACING_M + shift, y: row * row_m };
            places.extend((0..columns).map(of));
        }
        let (x, y) = (west * SPACING_M - 1.0, south * row_m - 1.0);
        let widest =
            f64::from(columns - 1) * SPACING_M + if pattern == Pattern::Hexagonal { SPACING_M / 2.0 } else { 0.0 };
        let area = Rect::new((x, y), (x + widest + 2.0, y + f64::from(rows - 1) * row_m + 2.0));
        Self { area: Geometry::Polygon(area.to_polygon()), places }
    }

    /// How far from the middle of the area a place is, m.
    fn off_middle(&self, at: Coord<f64>) -> Result<f64, Failed> {
        let Geometry::Polygon(area) = &self.area else { return Err("the area is a rectangle".into()) };
        let (a, c) = (area.exterior().0[0], area.exterior().0[2]);
        Ok((at.x - f64::midpoint(a.x, c.x)).hypot(at.y - f64::midpoint(a.y, c.y)))
    }
}

/// What the places of a search are ranked by: findings that block, that want a survey, that are known in part, that warn.
fn weight(check: &SiteCheck) -> [usize; 4] {
    let count = |of: &dyn Fn(&Finding) -> bool| check.findings.iter().filter(|finding| of(finding)).count();
    let is = |verdict: Verdict| count(&|finding| finding.verdict == verdict);
    [is(Verdict::Block), is(Verdict::NeedsSurvey), count(&Finding::is_known_in_part), is(Verdict::Warn)]
}

fn spot(delivered: &Delivered) -> Result<Coord<f64>, Failed> {
    match delivered.shape {
        Geometry::Point(at) => Ok(at.0),
        _ => Err("a place is a point".into()),
    }
}

/// What a search found is what single checks of the same places say: as many of each verdict, and the best places in their order
/// with the same findings. Of places that weigh the same and are as far from the middle, any may stand first.
fn same(found: &search::Places, candidates: &Candidates, singles: &[SiteCheck]) -> Result<bool, Failed> {
    let mut verdicts = BTreeMap::new();
    let (mut ranked, mut by_place) = (Vec::new(), BTreeMap::new());
    let bits = |at: Coord<f64>| (at.x.to_bits(), at.y.to_bits());
    for single in singles {
        let at = spot(&single.delivered)?;
        *verdicts.entry(single.verdict()).or_insert(0) += 1;
        ranked.push((weight(single), candidates.off_middle(at)?));
        by_place.insert(bits(at), single);
    }
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut equal = found.looked_at == singles.len() && by_place.len() == singles.len();
    equal &= found.verdicts == verdicts && found.best.len() == LIMIT.min(singles.len());
    for (best, (weighs, away)) in found.best.iter().zip(&ranked) {
        let at = spot(&best.delivered)?;
        // Each is taken once.
        let Some(single) = by_place.remove(&bits(at)) else { return Ok(false) };
        equal &= best.findings == single.findings && best.verdict() == single.verdict();
        equal &= weight(best) == *weighs && (candidates.off_middle(at)? - away).abs() < 1e-6;
    }
    Ok(equal)
}

/// Searches over so many candidate places, against a batch of the same places on two threads, in both patterns.
pub fn compare(
    report: &mut Report,
    context: &Context,
    jurisdiction: &Jurisdiction,
    places: &Places,
    shape: [u32; 2],
) -> Result<(), Failed> {
    for (name, pattern) in [("site-search", Pattern::Square), ("site-search-hexagonal", Pattern::Hexagonal)] {
        let (mut ours, mut peer, mut looked_at, mut equal) = (Vec::new(), Vec::new(), 0, true);
        for one in places.asked.iter().take(ROUNDS) {
            let candidates = Candidates::about(spot(&one.delivered)?, pattern, shape);
            let on_grid = |shape: Geometry<f64>| Delivered { shape, crs: jurisdiction.grid };
            let question = question();
            let wanted = Wanted {
                area: on_grid(candidates.area.clone()),
                radius_m: 0.0,
                subject: one.subject.clone(),
                pattern,
                spacing_m: Some(SPACING_M),
                limit: LIMIT,
                at: question.at,
                min_revision: Vec::new(),
            };
            let begun = Instant::now();
            let found = search::search(context, &Actor::operator(), &wanted)?;
            ours.push(found.looked_at as f64 / begun.elapsed().as_secs_f64());
            let asked = |at: &Coord<f64>| Asked { delivered: on_grid(Geometry::Point((*at).into())), ..one.clone() };
            let asked: Vec<Asked> = candidates.places.iter().map(asked).collect();
            peer.push(on_threads(context, &asked, 2)?);
            looked_at += found.looked_at;
            let mut singles = Vec::with_capacity(asked.len());
            for one in &asked {
                singles.extend(site_check::check(context, &Actor::operator(), std::slice::from_ref(one), &question)?);
            }
            equal &= same(&found, &candidates, &singles)?;
        }
        report.note(format!("{name}: {ROUNDS} searches looked at {looked_at} places"));
        report.add(Comparison {
            name,
            ours: Side::figure(format!("candidate places of a search, {pattern}"), middle(&mut ours), "/s"),
            peer: Some(Side::figure("the same places as a batch, two threads", middle(&mut peer), "/s")),
            target: Some(TARGET),
            equal: Some(equal),
        });
    }
    Ok(())
}
