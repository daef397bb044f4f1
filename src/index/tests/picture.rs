//! The picture of the method: parts of a road and of a cable, a search down the tree, the edges it takes along, and
//! the early exit. Only drawing is here; what is drawn comes from `scene`.

use super::super::entry::PARTS_MAX;
use super::scene::{REACH_M, Scene, Seen};
use super::svg::{Frame, Svg};
use crate::geometry::measure::Prepared;
use crate::geometry::{Bounds, Coord, Geometry};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 744.0;
/// Where the panels begin, and where what they show begins below their titles.
const TOP: f64 = 92.0;

const LAND: &str = r##"fill="#b9cfe6" stroke="#5f86b0" stroke-width="0.6""##;
const ROAD_LINE: &str = r##"fill="none" stroke="#1f4e87" stroke-width="1.6""##;
const ROAD_PART: &str = r##"fill="#1f4e87" fill-opacity="0.07" stroke="#1f4e87" stroke-width="0.9""##;
const CABLE_LINE: &str = r##"fill="none" stroke="#c8500a" stroke-width="1.6""##;
const CABLE_PART: &str = r##"fill="#c8500a" fill-opacity="0.10" stroke="#c8500a" stroke-width="0.9""##;
const WHOLE: &str = r##"fill="none" stroke="#555" stroke-width="1" stroke-dasharray="5 4""##;
const MET: &str = r##"fill="#2a7d3f" fill-opacity="0.06" stroke="#2a7d3f" stroke-width="1.1""##;
const MET_PART: &str = r##"fill="#2a7d3f" stroke="#2a7d3f" stroke-width="0.5""##;
const PASSED: &str = r##"fill="#000" fill-opacity="0.03" stroke="#8c8c8c" stroke-width="0.9" stroke-dasharray="3 2""##;
const PASSED_PART: &str = r##"fill="#a8a8a8" stroke="none""##;
const TAKEN: &str = r##"fill="none" stroke="#d0117e" stroke-width="2.6" stroke-linecap="round""##;
const COMPARED: &str = r##"fill="none" stroke="#d0117e" stroke-width="3.4" stroke-linecap="round""##;
const TITLE: &str = r##"font-weight="600" font-size="14" fill="#111""##;
const SMALL: &str = r##"font-size="12" fill="#333""##;

/// The outlines of a shape, each a chain of places.
fn outlines(shape: &Prepared) -> Vec<Vec<Coord<f64>>> {
    match shape.geometry().as_ref() {
        Geometry::LineString(l) => vec![l.0.clone()],
        Geometry::MultiLineString(m) => m.0.iter().map(|l| l.0.clone()).collect(),
        Geometry::MultiPolygon(m) => {
            m.0.iter()
                .flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()))
                .map(|ring| ring.0.clone())
                .collect()
        }
        Geometry::Polygon(p) => vec![p.exterior().0.clone()],
        _ => Vec::new(),
    }
}

fn shape(svg: &mut Svg, frame: &Frame, shape: &Prepared, style: &str) {
    let all = outlines(shape);
    svg.lines(frame, all.iter().map(Vec::as_slice), style);
}

fn edges(svg: &mut Svg, frame: &Frame, all: &[[Coord<f64>; 2]], style: &str) {
    svg.lines(frame, all.iter().map(<[_; 2]>::as_slice), style);
}

/// A window round the middle of a box, of the given height in metres and shape in pixels.
fn window(round: &Bounds, height_m: f64, width: f64, height: f64) -> Bounds {
    let middle = [0, 1].map(|axis| f64::midpoint(round.min[axis], round.max[axis]));
    let half = [height_m * width / height / 2.0, height_m / 2.0];
    Bounds { min: [middle[0] - half[0], middle[1] - half[1]], max: [middle[0] + half[0], middle[1] + half[1]] }
}

/// A number with its thousands apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap()).collect();
    groups.join("\u{2009}")
}

fn square_km(boxes: &[Bounds]) -> f64 {
    boxes.iter().map(|b| (b.max[0] - b.min[0]) * (b.max[1] - b.min[1])).sum::<f64>() / 1e6
}

/// The parts of an entry as the tree has them.
fn parts(entry: &super::super::Entry) -> Vec<Bounds> {
    let reach = entry.reach().get();
    entry.shape.cover(PARTS_MAX).into_iter().map(|b| b.widened(reach)).collect()
}

pub fn draw(scene: &Scene) -> String {
    let mut svg = Svg::default();
    svg.text(16.0, 28.0, r##"font-weight="600" font-size="17" fill="#111""##, "How a check is answered from memory");
    parts_panel(&mut svg, scene);
    search_panel(&mut svg, scene);
    edges_panel(&mut svg, scene);
    exit_panel(&mut svg, scene);
    svg.finish(
        WIDTH,
        HEIGHT,
        "Parts and boxes of a road and a cable, a search down the tree of boxes, and the early exit",
    )
}

fn heading(svg: &mut Svg, x: f64, y: f64, title: &str, says: &[String]) {
    svg.text(x, y, TITLE, title);
    for (n, line) in (1_u8..).zip(says) {
        svg.text(x, y + 2.0 + 15.0 * f64::from(n), SMALL, line);
    }
}

/// One line of a legend: a swatch and what it means.
fn key(svg: &mut Svg, x: f64, y: f64, style: &str, words: &str) {
    svg.area([x, y - 9.0, 16.0, 10.0], style);
    svg.text(x + 22.0, y, SMALL, words);
}

/// The same for what is a line.
fn stroke_key(svg: &mut Svg, x: f64, y: f64, style: &str, words: &str) {
    svg.raw(&format!(r#"<path d="M{x} {middle}h16" {style}/>"#, middle = y - 4.0));
    svg.text(x + 22.0, y, SMALL, words);
}

fn parts_panel(svg: &mut Svg, scene: &Scene) {
    const LEFT: f64 = 16.0;
    let road = parts(&scene.road);
    let cable = parts(scene.cable());
    let whole = scene.road.shape.bounds().widened(scene.road.reach().get());
    let says = [
        format!("{} boxes of {:.1} km² in all, where one box", road.len(), square_km(&road)),
        format!("round the road would have {:.0} km²", square_km(&[whole])),
    ];
    heading(svg, LEFT, 54.0, "1  Parts, not wholes", &says);
    let frame = Frame { left: LEFT, top: TOP, width: 290.0, window: window(&whole, 12_900.0, 290.0, 560.0) };
    svg.open("parts", &frame);
    svg.bounds(&frame, &whole, WHOLE);
    shape(svg, &frame, &scene.road.shape, LAND);
    for (parts, style) in [(&road, ROAD_PART), (&cable, CABLE_PART)] {
        for b in parts {
            svg.bounds(&frame, b, style);
        }
    }
    shape(svg, &frame, &scene.cable().shape, CABLE_LINE);
    svg.close();
    let y = TOP + frame.height() + 20.0;
    key(svg, LEFT, y, ROAD_PART, "parts of the road, wider by its own clearance");
    key(svg, LEFT, y + 17.0, CABLE_PART, "parts of a cable, wider by its accuracy");
    key(svg, LEFT, y + 34.0, WHOLE, "one box round the whole road");
}

fn search_panel(svg: &mut Svg, scene: &Scene) {
    const LEFT: f64 = 334.0;
    let (met, passed): (Vec<&Seen>, Vec<&Seen>) = scene.seen.iter().partition(|s| s.met);
    let says = [
        format!("{} of {} boxes looked at: {} met,", scene.seen.len(), grouped(scene.boxes()), met.len()),
        format!(
            "{} passed over; {} of {} works may be near",
            passed.len(),
            scene.candidates.len(),
            grouped(scene.works.entries().len())
        ),
    ];
    heading(svg, LEFT, 54.0, "2  Down the tree, along the road", &says);
    let round = scene.centreline.bounds();
    let frame = Frame { left: LEFT, top: TOP, width: 290.0, window: window(&round, 17_000.0, 290.0, 560.0) };
    svg.open("search", &frame);
    for (of, style, part_style) in [(&passed, PASSED, PASSED_PART), (&met, MET, MET_PART)] {
        of.iter().filter(|s| !s.part).for_each(|s| svg.bounds(&frame, &s.bounds, style));
        of.iter().filter(|s| s.part).for_each(|s| svg.bounds(&frame, &s.bounds, part_style));
    }
    shape(svg, &frame, &scene.centreline, ROAD_LINE);
    svg.close();
    let y = TOP + frame.height() + 20.0;
    key(svg, LEFT, y, MET, "an edge of the road comes near: opened");
    key(svg, LEFT, y + 17.0, PASSED, "passed over, with all that is in it");
    key(svg, LEFT, y + 34.0, MET_PART, "part met");
    key(svg, LEFT + 90.0, y + 34.0, PASSED_PART, "passed over");
    stroke_key(svg, LEFT + 194.0, y + 34.0, ROAD_LINE, "the subject");
}

/// The way to the cable, one small map for each box on it.
fn edges_panel(svg: &mut Svg, scene: &Scene) {
    const LEFT: f64 = 652.0;
    let way = scene.way_to_the_cable();
    heading(
        svg,
        LEFT,
        54.0,
        "3  Edges narrowed on the way",
        &[
            format!("On the way to one part of the cable, from {}", way[0].edges.len()),
            format!("edges of the road to {}", way[way.len() - 1].edges.len()),
        ],
    );
    assert!(way.len() >= 5, "a tree of some levels");
    let shown = [0, way.len() - 4, way.len() - 3, way.len() - 1];
    for (n, at) in (0_u8..).zip(shown) {
        let (column, row) = (f64::from(n % 2), f64::from(n / 2));
        let seen = way[at];
        let size = (seen.bounds.max[0] - seen.bounds.min[0]).max(seen.bounds.max[1] - seen.bounds.min[1]);
        let frame = Frame {
            left: LEFT + 150.0 * column,
            top: TOP + 158.0 * row,
            width: 142.0,
            window: window(&seen.bounds, size * 1.25 + 2.0 * REACH_M, 142.0, 136.0),
        };
        svg.open(&format!("edges-{n}"), &frame);
        svg.bounds(&frame, &seen.bounds, MET);
        shape(svg, &frame, &scene.centreline, ROAD_LINE);
        edges(svg, &frame, &seen.edges, TAKEN);
        shape(svg, &frame, &scene.cable().shape, CABLE_LINE);
        svg.close();
        let what = if seen.part {
            "part, "
        } else if at == 0 {
            "root, "
        } else {
            ""
        };
        let plural = if seen.edges.len() == 1 { "" } else { "s" };
        let words = format!("{what}{}: {} edge{plural}", length(size), seen.edges.len());
        svg.text(frame.left + 2.0, frame.top + frame.height() + 14.0, SMALL, &words);
    }
}

fn length(metres: f64) -> String {
    if metres < 1_000.0 { format!("{metres:.0} m") } else { format!("{:.0} km", metres / 1_000.0) }
}

fn exit_panel(svg: &mut Svg, scene: &Scene) {
    const LEFT: f64 = 652.0;
    let top = TOP + 2.0 * 158.0 + 26.0;
    let compared = &scene.compared;
    assert!(compared.ended_early, "the cable is a conflict");
    let all = compared.edges[0] * compared.edges[1];
    let pairs = if compared.pairs.len() == 1 { "pair" } else { "pairs" };
    heading(
        svg,
        LEFT,
        top,
        "4  The first edge near enough ends it",
        &[
            format!("{} {pairs} of edges of {} compared: no nearer", compared.pairs.len(), grouped(all)),
            "pair could change the answer".to_owned(),
        ],
    );
    let cable = scene.cable().shape.bounds();
    let nearest = compared.pairs[compared.pairs.len() - 1];
    let frame = Frame {
        left: LEFT,
        top: top + 42.0,
        width: 292.0,
        window: window(&Bounds::of(nearest.into_iter().flatten()), 480.0, 292.0, 216.0),
    };
    assert!(cable.intersects(&frame.window));
    svg.open("exit", &frame);
    for (runs, style) in compared.runs.iter().zip([CABLE_PART, ROAD_PART]) {
        for b in runs {
            svg.bounds(&frame, b, style);
        }
    }
    shape(svg, &frame, &scene.centreline, ROAD_LINE);
    shape(svg, &frame, &scene.cable().shape, CABLE_LINE);
    for [s, t] in &compared.pairs {
        edges(svg, &frame, &[*s, *t], COMPARED);
    }
    svg.close();
    let y = top + 42.0 + frame.height() + 20.0;
    stroke_key(svg, LEFT, y, TAKEN, "edges taken along (3), compared (4)");
    stroke_key(svg, LEFT, y + 17.0, CABLE_LINE, "the cable");
    key(svg, LEFT + 90.0, y + 17.0, ROAD_PART, "boxes round eight edges");
}
