//! What the picture is of: a road and a cable of the demonstration data, all its works in the index, and one search.

use std::fs;
use std::path::Path;

use rstar::{ParentNode, RTreeNode, RTreeObject};
use serde_json::Value;
use uuid::Uuid;

use super::super::entry::{Part, bounds_of};
use super::super::{Entry, Forest};
use crate::domain::conflict::{AccuracyDefaults, Facts};
use crate::domain::corridor::{CorridorFacts, CorridorKind, CorridorStatus};
use crate::domain::layer::NounFacts;
use crate::domain::rules::Ruling;
use crate::domain::word::{Visibility, Word};
use crate::domain::work::{WorkFacts, WorkKind, WorkStatus};
use crate::geometry::encoding::geojson;
use crate::geometry::measure::{Compared, Nearby, Prepared, Probe};
use crate::geometry::{Bounds, Coord, Epsg, Geometry, Grid, Metres, MultiLineString, buffer, crs};

/// The grid of VN-72.
const GRID: Epsg = Epsg(9218);

/// The road and the cable in the middle of the picture.
const ROAD: &str = "DNO-HL-01";
const CABLE: &str = "DNO-0608";

/// How far the asker looks, metres.
pub const REACH_M: f64 = 30.0;

/// A box that the search came to.
pub struct Seen {
    pub bounds: Bounds,
    /// A part of a feature, not a box round boxes.
    pub part: bool,
    /// The edges of the subject that come near it; none where it was passed over.
    pub edges: Vec<[Coord<f64>; 2]>,
    pub met: bool,
    /// The box that it lies in.
    pub within: Option<usize>,
    /// Of a part: the number of its feature.
    pub number: Option<u32>,
}

pub struct Scene {
    /// The road as it is stored, and as somebody draws it.
    pub road: Entry,
    pub centreline: Prepared,
    pub works: Forest,
    /// The number of the cable among the works.
    pub cable: u32,
    pub seen: Vec<Seen>,
    /// The works that the search hands on, by number.
    pub candidates: Vec<u32>,
    /// The edges that were compared for the cable.
    pub compared: Compared,
}

fn features(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file);
    let all: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    all["features"].as_array().unwrap().clone()
}

fn on_grid(geometry: &Value) -> Grid<Geometry<f64>> {
    let read = geojson::geometry(geometry, usize::MAX).unwrap();
    Grid(crs::project(&read, Epsg::WGS84, GRID).unwrap())
}

fn facts(number: usize, properties: &Value, noun: NounFacts) -> Facts {
    Facts {
        id: Uuid::from_u128(number as u128),
        code: properties["code"].as_str().unwrap().into(),
        organisation: "somebody".into(),
        visibility: Visibility::Public,
        noun,
        attributes: None,
    }
}

fn work((number, feature): (usize, Value)) -> Entry {
    let properties = &feature["properties"];
    let noun = WorkFacts {
        kind: WorkKind::parse(properties["kind"].as_str().unwrap()).unwrap(),
        status: WorkStatus::InService,
        valid_from: None,
        valid_to: None,
        position_accuracy_m: properties["position_accuracy_m"].as_f64(),
        capture_method: None,
        column_class: None,
        height_agl_m: None,
        spare_capacity: None,
    };
    Entry::new(
        facts(number, properties, noun.into()),
        &on_grid(&feature["geometry"]),
        None,
        None,
        &Ruling::new(&[], AccuracyDefaults::default()),
    )
}

fn road(feature: &Value) -> (Entry, Prepared) {
    let properties = &feature["properties"];
    let drawn = on_grid(&properties["centreline"]);
    let Geometry::LineString(line) = &drawn.0 else { panic!("one line") };
    let centreline = Grid(MultiLineString(vec![line.clone()]));
    let side = |name: &str| Metres::new(properties[name].as_f64().unwrap()).unwrap();
    let land = buffer::corridor(&centreline, side("half_width_left_m"), side("half_width_right_m")).unwrap();
    let noun = CorridorFacts {
        kind: CorridorKind::Road,
        status: CorridorStatus::InForce,
        in_force_from: None,
        in_force_to: None,
        clearance_m: properties["clearance_m"].as_f64(),
    };
    let land = Grid(Geometry::MultiPolygon(land.0));
    (
        Entry::new(
            facts(0, properties, noun.into()),
            &land,
            Some(centreline),
            None,
            &Ruling::new(&[], AccuracyDefaults::default()),
        ),
        Prepared::new(&drawn),
    )
}

impl Scene {
    pub fn of_the_demonstration() -> Self {
        let corridors = features("corridor/corridors.geojson");
        let (road, centreline) = road(corridors.iter().find(|f| f["properties"]["code"] == ROAD).unwrap());
        let files = ["work/viettel.geojson", "work/vnpt.geojson", "work/mobifone.geojson"];
        let works: Vec<Entry> = files.into_iter().flat_map(features).enumerate().map(work).collect();
        let works = Forest::of(works);
        let forest = &works;
        let cable = (0_u32..).zip(forest.entries()).find(|(_, e)| e.facts.code == CABLE).unwrap().0;
        let (seen, candidates) = Walk::through(forest, &centreline);
        let entry = &forest.entries()[cable as usize];
        let compared = entry.shape.compared(&centreline, REACH_M + entry.reach().get());
        Self { road, centreline, works, cable, seen, candidates, compared }
    }

    pub fn cable(&self) -> &Entry {
        &self.works.entries()[self.cable as usize]
    }

    /// How many boxes there are, parts and boxes round them.
    pub fn boxes(&self) -> usize {
        fn below(node: &ParentNode<Part>) -> usize {
            let one = |child: &RTreeNode<Part>| match child {
                RTreeNode::Leaf(_) => 1,
                RTreeNode::Parent(parent) => below(parent),
            };
            1 + node.children().iter().map(one).sum::<usize>()
        }
        below(self.works.tree.root())
    }

    /// The boxes from the root to the first part of the cable that was met.
    pub fn way_to_the_cable(&self) -> Vec<&Seen> {
        let mut at = self.seen.iter().position(|s| s.met && s.number == Some(self.cable));
        let mut way = Vec::new();
        while let Some(seen) = at.map(|i| &self.seen[i]) {
            way.push(seen);
            at = seen.within;
        }
        way.reverse();
        way
    }
}

/// The walk of [`super::super::forest::Near`], remembering every box.
struct Walk<'a> {
    probe: Probe<'a>,
    seen: Vec<Seen>,
}

impl<'a> Walk<'a> {
    fn through(forest: &Forest, subject: &'a Prepared) -> (Vec<Seen>, Vec<u32>) {
        let mut walk = Self { probe: Probe::new(subject, REACH_M), seen: Vec::new() };
        let root = forest.tree.root();
        let nearby = walk.probe.start(&bounds_of(&root.envelope()));
        walk.note(bounds_of(&root.envelope()), &nearby, None, None);
        walk.below(root, &nearby, 0);
        let mut numbers: Vec<u32> = walk.seen.iter().filter(|s| s.met).filter_map(|s| s.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut made = Vec::new();
        forest.near(&mut Probe::new(subject, REACH_M), &mut made, &mut usize::MAX.clone());
        assert_eq!(numbers, made, "the walk that is drawn is the one that is made");
        (walk.seen, numbers)
    }

    fn below(&mut self, node: &ParentNode<Part>, nearby: &Nearby, within: usize) {
        let Nearby::Edges(edges) = nearby else { return };
        for child in node.children() {
            match child {
                RTreeNode::Leaf(part) => {
                    let area = bounds_of(&part.envelope());
                    let met = self.probe.meets(edges.clone(), &area);
                    let nearby = if met { self.probe.narrow(edges.clone(), &area) } else { Nearby::Nothing };
                    self.note(area, &nearby, Some(within), Some(part.data));
                }
                RTreeNode::Parent(parent) => {
                    let area = bounds_of(&parent.envelope());
                    let nearby = self.probe.narrow(edges.clone(), &area);
                    self.note(area, &nearby, Some(within), None);
                    self.below(parent, &nearby, self.seen.len() - 1);
                }
            }
            self.probe.back_to(edges);
        }
    }

    fn note(&mut self, bounds: Bounds, nearby: &Nearby, within: Option<usize>, number: Option<u32>) {
        let edges = match nearby {
            Nearby::Edges(edges) => self.probe.edges(edges.clone()),
            Nearby::Nothing => Vec::new(),
            // A line has no inside.
            Nearby::All => panic!("a box inside a line"),
        };
        self.seen.push(Seen { bounds, part: number.is_some(), met: !edges.is_empty(), edges, within, number });
    }
}
