//! The demonstration data: made by the generator, complete, valid, inside the outline, labelled, and nobody else's.
//!
//! What the service makes of it (import, conflicts through the index) is tested elsewhere. Conflicts are only counted
//! here, on the generator's drawing plane, so that a change of the data cannot make the demonstration dull unseen.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its data should stop there")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::PathBuf;

use geo::orient::Direction;
use geo::{Contains, Distance, Euclidean, Orient, Validation};
use geo_types::{Geometry, Point, Polygon};
use proj::Proj;
use serde_json::Value;

// Links PROJ the way the service does.
use clearway as _;
use generate::plane::Xy;

#[path = "../fixtures/generate.rs"]
#[allow(dead_code, reason = "the entry of the program and a few helpers are not called from here")]
mod generate;

const KINDS: &str = "bts mast rooftop_mast station_house exchange cabinet pole manhole duct aerial_cable buried_cable \
                     public_access_point";
const WORK_STATUSES: &str =
    "planned permitted under_construction in_service suspended relocating relocated dismantled abandoned";
const CORRIDOR_KINDS: &str = "road railway power_line canal reservoir pipeline airport urban mining defence other";
const CORRIDOR_STATUSES: &str = "announced surveyed approved in_force handed_over completed suspended";
/// Capture methods with the accuracies, in metres, that are believable for them.
const METHODS: [(&str, f64, f64); 5] = [
    ("gnss_rtk", 0.01, 0.2),
    ("gnss", 0.5, 10.0),
    ("digitised", 2.0, 20.0),
    ("record", 5.0, 50.0),
    ("estimated", 20.0, 200.0),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn committed(name: &str) -> Value {
    let text = fs::read_to_string(root().join("fixtures").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn features(name: &str) -> Vec<Value> {
    committed(name)["features"].as_array().unwrap().clone()
}

fn works() -> Vec<Value> {
    generate::CARRIERS.iter().flat_map(|carrier| features(&format!("work/{carrier}.geojson"))).collect()
}

fn corridors() -> Vec<Value> {
    features("corridor/corridors.geojson")
}

fn references() -> Vec<Value> {
    let kinds = generate::references::all();
    kinds.iter().flat_map(|(kind, _)| features(&format!("reference/{kind}.geojson"))).collect()
}

fn jurisdiction() -> Value {
    committed("jurisdiction/VN-72.geojson")
}

fn outline() -> Polygon {
    Polygon::try_from(geometry(&jurisdiction()["geometry"])).unwrap()
}

fn geometry(value: &Value) -> Geometry {
    let geometry: geojson::Geometry = serde_json::from_value(value.clone()).unwrap();
    Geometry::try_from(geometry).unwrap()
}

/// The geometry of a feature, or its centreline when the geometry is derived from that.
fn shape(feature: &Value) -> &Value {
    if feature["geometry"].is_null() { &feature["properties"]["centreline"] } else { &feature["geometry"] }
}

fn text<'a>(feature: &'a Value, name: &str) -> &'a str {
    feature["properties"][name].as_str().unwrap_or("")
}

fn number(feature: &Value, name: &str) -> Option<f64> {
    feature["properties"][name].as_f64()
}

/// Works that are gone do not count.
fn stands(work: &Value) -> bool {
    !matches!(text(work, "status"), "dismantled" | "relocated" | "abandoned")
}

/// Every position below a JSON value.
fn positions(value: &Value) -> Vec<[f64; 2]> {
    match value {
        Value::Array(items) => match items.as_slice() {
            [Value::Number(x), Value::Number(y), ..] => vec![[x.as_f64().unwrap(), y.as_f64().unwrap()]],
            _ => items.iter().flat_map(positions).collect(),
        },
        Value::Object(members) => members.values().flat_map(positions).collect(),
        _ => Vec::new(),
    }
}

fn seen(features: &[Value], name: &str) -> BTreeSet<String> {
    features.iter().map(|f| text(f, name).to_owned()).filter(|word| !word.is_empty()).collect()
}

fn words(list: &str) -> BTreeSet<String> {
    list.split_whitespace().map(ToOwned::to_owned).collect()
}

/// A file of the real data that lies beside a checkout on some machines; it is not part of the project.
fn real_data(file: &str) -> Option<String> {
    let found = fs::read_to_string(root().join("../shared/data").join(file)).ok();
    if found.is_none() {
        println!("not compared with real data: ../shared/data/{file} is not here");
    }
    found
}

#[test]
fn the_committed_files_are_what_the_generator_writes() {
    let folder = tempfile::tempdir().unwrap();
    generate::write(folder.path()).unwrap();
    let names = |folder: PathBuf| -> BTreeSet<String> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    };
    for noun in ["work", "corridor", "reference", "jurisdiction"] {
        let written = names(folder.path().join(noun));
        assert_eq!(names(root().join("fixtures").join(noun)), written, "files of {noun}");
        for name in written {
            let fresh = fs::read_to_string(folder.path().join(noun).join(&name)).unwrap();
            let kept = fs::read_to_string(root().join("fixtures").join(noun).join(&name)).unwrap();
            assert!(fresh == kept, "{noun}/{name} is stale: run `cargo run --example generate_fixtures`");
        }
    }
}

#[test]
fn there_are_enough_works_of_every_sort() {
    let works = works();
    assert!((1150..=1250).contains(&works.len()), "{} works", works.len());
    assert_eq!(seen(&works, "kind"), words(KINDS));
    assert_eq!(seen(&works, "status"), words(WORK_STATUSES));
    assert_eq!(seen(&works, "organisation"), words("viettel vnpt mobifone"));
    assert_eq!(seen(&works, "column_class"), words("A1a A1b A2a A2b A2c"));
    assert_eq!(seen(&works, "importance"), words("ordinary important national_security"));
    assert_eq!(seen(&works, "visibility"), words("public carriers government restricted"));
    assert_eq!(seen(&works, "capture_method"), words("gnss_rtk gnss digitised record estimated"));
    for (name, word) in [("status", "in_service"), ("visibility", "public")] {
        let count = works.iter().filter(|f| text(f, name) == word).count();
        assert!(count * 100 > works.len() * 75, "{count} {word}");
    }
    for name in ["name", "tenants", "spare_capacity"] {
        assert!(works.iter().any(|f| !f["properties"][name].is_null()), "some works have {name}");
    }
}

#[test]
fn properties_agree_with_one_another() {
    let works = works();
    for work in &works {
        let column = matches!(text(work, "kind"), "bts" | "mast" | "rooftop_mast");
        assert_eq!(!text(work, "column_class").is_empty(), column, "{work}");
        assert_eq!(number(work, "height_agl_m").is_some_and(|height| height > 0.0), column, "{work}");
        let date = |name| text(work, name).parse::<jiff::civil::Date>().ok();
        let ended = matches!(text(work, "status"), "relocated" | "dismantled");
        assert_eq!(date("valid_to").is_some(), ended, "{work}");
        assert!(date("valid_from").is_some(), "{work}");
        assert!(date("valid_to").is_none_or(|to| date("valid_from") < Some(to)), "{work}");
        let (_, low, high) = METHODS.into_iter().find(|m| m.0 == text(work, "capture_method")).unwrap();
        assert!(number(work, "position_accuracy_m").is_none_or(|a| (low..=high).contains(&a)), "{work}");
        let tenants = work["properties"]["tenants"].as_array().cloned().unwrap_or_default();
        assert!(tenants.iter().all(|tenant| tenant != text(work, "organisation")), "{work}");
    }
    let stated = works.iter().filter(|f| number(f, "position_accuracy_m").is_some()).count();
    assert!((65..=78).contains(&(stated * 100 / works.len())), "{stated} accuracies");
}

#[test]
fn there_are_eight_corridors_in_several_states() {
    let corridors = corridors();
    assert_eq!(corridors.len(), 8);
    assert!(seen(&corridors, "kind").is_subset(&words(CORRIDOR_KINDS)));
    assert_eq!(seen(&corridors, "status"), words(CORRIDOR_STATUSES));
    let mut forms = BTreeSet::new();
    for corridor in &corridors {
        let strip = corridor["geometry"].is_null();
        assert_eq!(corridor["properties"]["centreline"].is_object(), strip, "{corridor}");
        for name in ["half_width_left_m", "half_width_right_m"] {
            assert_eq!(number(corridor, name).is_some_and(|width| width > 0.0), strip, "{corridor}");
        }
        let date = |name| text(corridor, name).parse::<jiff::civil::Date>().ok();
        assert!(date("in_force_to").is_none_or(|to| date("in_force_from").is_some_and(|from| from < to)), "{corridor}");
        for name in ["name", "project", "organisation", "visibility"] {
            assert!(!text(corridor, name).is_empty(), "{corridor}");
        }
        forms.insert(shape(corridor)["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(forms, words("LineString MultiLineString MultiPolygon Polygon"));
    let hole = |c: &Value| matches!(geometry(shape(c)), Geometry::Polygon(p) if !p.interiors().is_empty());
    assert!(corridors.iter().any(hole), "the reservoir has an island");
}

#[test]
fn there_is_something_of_every_kind_that_a_check_reads() {
    use clearway::domain::reference::ReferenceKind;
    use clearway::domain::word::Word;

    let references = references();
    let kinds: BTreeSet<String> = ReferenceKind::ALL.iter().map(|(_, kind)| (*kind).to_owned()).collect();
    let there = seen(&references, "kind");
    assert_eq!(kinds.difference(&there).collect::<Vec<_>>(), ["other"], "which no check asks about");
    for feature in &references {
        assert!(text(feature, "name").is_empty() || text(feature, "name").contains("hư cấu"), "{feature}");
        let stated = ["source_date", "licence", "dataset"].map(|name| !text(feature, name).is_empty());
        assert_eq!(stated, [true; 3], "{feature}");
        let hidden = text(feature, "kind") == "defence_area";
        assert_eq!(text(feature, "visibility") == "restricted", hidden, "{feature}");
    }
    let zones: Vec<&Value> = references.iter().filter(|f| text(f, "kind") == "zone").collect();
    for name in ["column_classes", "height_max_m", "quota", "sharing_required"] {
        assert!(zones.iter().any(|zone| !zone["properties"][name].is_null()), "no zone has {name}");
    }
}

#[test]
fn every_feature_says_that_it_is_invented_and_has_a_code_of_its_own() {
    let mut codes = HashSet::new();
    for feature in works().iter().chain(&corridors()).chain(&references()).chain([&jurisdiction()]) {
        assert_eq!(text(feature, "source"), "invented: Clearway demonstration data", "{feature}");
        assert!(codes.insert(text(feature, "code").to_owned()), "twice: {feature}");
        assert!(feature["id"].is_null() && feature["properties"]["version"].is_null(), "{feature}");
    }
    for feature in works().iter().chain(&corridors()).chain(&references()) {
        assert!(text(feature, "code").starts_with("DNO-"), "{feature}");
        assert_eq!(text(feature, "jurisdiction"), "VN-72", "{feature}");
    }
}

#[test]
fn every_geometry_is_valid_and_inside_the_outline() {
    let outline = outline();
    for feature in works().iter().chain(&corridors()).chain(&references()) {
        let geometry = geometry(shape(feature));
        assert!(geometry.is_valid(), "{:?} {feature}", geometry.check_validation());
        let counterclockwise = match &geometry {
            Geometry::Polygon(p) => *p == p.orient(Direction::Default),
            Geometry::MultiPolygon(p) => *p == p.orient(Direction::Default),
            _ => true,
        };
        assert!(counterclockwise, "{feature}");
        for [x, y] in positions(shape(feature)) {
            let outside_deg = Euclidean.distance(&Point::new(x, y), &outline);
            assert!(outside_deg < 0.005, "{outside_deg}° outside: {feature}");
            assert!([x, y].iter().all(|c| (c * 1e7 - (c * 1e7).round()).abs() < 1e-3), "{feature}");
        }
    }
}

#[test]
fn the_outline_holds_the_towns_and_the_real_points() {
    let outline = outline();
    assert!(outline.is_valid() && outline == outline.orient(Direction::Default));
    assert!((25..=50).contains(&(outline.exterior().0.len() - 1)));
    for town in &generate::places::TOWNS {
        let [x, y] = positions(&town.middle().position())[0];
        assert!(outline.contains(&Point::new(x, y)), "{}", town.name);
    }
    let Some(table) = real_data("vn2000_test_points.csv") else { return };
    for row in csv::Reader::from_reader(table.as_bytes()).records().map(Result::unwrap) {
        let point = Point::new(row[2].parse::<f64>().unwrap(), row[1].parse::<f64>().unwrap());
        // The point on the central meridian lies outside the province, as it should.
        assert_eq!(outline.contains(&point), &row[0] != "on CM 108-30", "{}", &row[0]);
    }
}

#[test]
fn the_jurisdiction_names_systems_of_the_same_datum() {
    let jurisdiction = jurisdiction();
    let properties = &jurisdiction["properties"];
    let related: Vec<u64> = properties["related_crs"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert_eq!(related.len(), 20);
    assert!(related.contains(&properties["grid"].as_u64().unwrap()));
    assert!(related.windows(2).all(|pair| pair[0] < pair[1]), "ascending, none twice");
    for code in related {
        // From VN-2000 degrees: a shift between data would move the equator away from northing 0.
        let projection = Proj::new_known_crs("EPSG:4756", &format!("EPSG:{code}"), None).unwrap();
        let (_, northing): (f64, f64) = projection.convert((106.0, 0.0)).unwrap();
        assert!(northing.abs() < 1e-6, "EPSG:{code} puts the equator at {northing} m");
    }
}

#[test]
fn no_position_of_the_real_data_is_copied() {
    let files = words(
        "daknong_communes_2025.geojson daknong_districts_pre2025.geojson daknong_roads_national.geojson \
         vn_heritage_protected_areas.geojson vn_hospitals_osm.geojson vn_provinces_2025.geojson \
         vn_roads_rail_national.geojson vn_runways_ourairports.geojson opencellid_vn_mcc452_20220910.csv \
         vn2000_test_points.csv",
    );
    // Rounded as the fixtures are, so that a copy cannot hide behind further decimals.
    let key = |p: [f64; 2]| p.map(|degrees| format!("{degrees:.7}"));
    let ours: HashSet<[String; 2]> = works()
        .iter()
        .chain(&corridors())
        .chain(&references())
        .chain([&jurisdiction()])
        .flat_map(|feature| positions(shape(feature)))
        .map(key)
        .collect();
    for file in files {
        let Some(content) = real_data(&file) else { continue };
        let theirs = match serde_json::from_str(&content) {
            Ok(json) => positions(&json),
            Err(_) => pairs_of_table(&content),
        };
        assert!(theirs.len() > 10, "{file} has positions");
        let copied: Vec<_> = theirs.into_iter().filter(|p| ours.contains(&key(*p))).collect();
        assert!(copied.is_empty(), "{file}: {copied:?}");
    }
}

/// Neighbouring numbers of every row, in both orders.
fn pairs_of_table(table: &str) -> Vec<[f64; 2]> {
    let mut out = Vec::new();
    for line in table.lines() {
        let cells: Vec<Option<f64>> = line.split(',').map(|cell| cell.parse().ok()).collect();
        for pair in cells.windows(2) {
            if let [Some(a), Some(b)] = pair {
                out.extend([[*a, *b], [*b, *a]]);
            }
        }
    }
    out
}

#[test]
fn corridors_meet_an_interesting_number_of_works() {
    let works = works();
    for corridor in corridors() {
        let found = conflicts(&corridor, &works);
        let total: usize = found.values().sum();
        println!("{} {}: {total} {found:?}", text(&corridor, "code"), text(&corridor, "status"));
        if matches!(text(&corridor, "status"), "in_force" | "handed_over") {
            assert!((5..=80).contains(&total), "{total}: {found:?}");
        }
        assert!(total > 0, "{} meets nothing", text(&corridor, "code"));
        let cases = ["inside certain", "inside possible", "crosses certain", "near certain", "near possible"];
        let missing: Vec<_> = cases.iter().filter(|case| !found.contains_key(**case)).collect();
        assert!(missing.is_empty() || corridor["properties"]["centreline"].is_null(), "{missing:?} of {corridor}");
    }
}

#[test]
fn some_works_stand_exactly_on_an_edge() {
    for corridor in corridors().iter().filter(|c| matches!(text(c, "kind"), "reservoir" | "mining")) {
        let edge = positions(shape(corridor));
        let on_it = |work: &&Value| text(work, "kind") == "pole" && edge.contains(&positions(&work["geometry"])[0]);
        assert_eq!(works().iter().filter(on_it).count(), 1, "{}", text(corridor, "code"));
    }
}

/// Conflicts by relation and verdict, measured at points at most 2 m apart on the drawing plane.
fn conflicts(corridor: &Value, works: &[Value]) -> BTreeMap<String, usize> {
    let clearance = number(corridor, "clearance_m").unwrap_or(0.0);
    let lines = lines_of(shape(corridor));
    let mut found = BTreeMap::new();
    for work in works.iter().filter(|work| stands(work)) {
        let (_, _, worst) = METHODS.into_iter().find(|m| m.0 == text(work, "capture_method")).unwrap();
        let accuracy = number(work, "position_accuracy_m").unwrap_or(worst / 2.0);
        let all: Vec<f64> = samples(&work["geometry"]).iter().map(|p| signed_distance(*p, &lines, corridor)).collect();
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        if least > clearance + accuracy {
            continue;
        }
        let relation = match least < 0.0 {
            true if all.iter().all(|s| *s < 0.0) => "inside",
            true => "crosses",
            false => "near",
        };
        let verdict = if least + accuracy <= clearance { "certain" } else { "possible" };
        *found.entry(format!("{relation} {verdict}")).or_default() += 1;
    }
    found
}

/// The lines or rings of a geometry, on the drawing plane.
fn lines_of(geometry: &Value) -> Vec<Vec<Xy>> {
    let line = |value: &Value| positions(value).into_iter().map(|[lon, lat]| Xy::of_lonlat(lon, lat)).collect();
    let parts = |value: &Value| -> Vec<Vec<Xy>> { value.as_array().unwrap().iter().map(line).collect() };
    let coordinates = &geometry["coordinates"];
    match geometry["type"].as_str().unwrap() {
        "Point" | "LineString" => vec![line(coordinates)],
        "MultiPolygon" => coordinates.as_array().unwrap().iter().flat_map(parts).collect(),
        _ => parts(coordinates),
    }
}

fn samples(geometry: &Value) -> Vec<Xy> {
    let mut out = Vec::new();
    for line in lines_of(geometry) {
        let path = generate::plane::Path::new(line.clone());
        let mut at = 0.0;
        while at < path.length() {
            out.push(path.at(at).0);
            at += 2.0;
        }
        out.extend(line);
    }
    out
}

/// Distance in metres from the land of a corridor, negative inside it.
fn signed_distance(p: Xy, lines: &[Vec<Xy>], corridor: &Value) -> f64 {
    let mut nearest = (f64::INFINITY, false);
    let mut crossings = 0;
    for pair in lines.iter().flat_map(|line| line.windows(2)) {
        let (run, to) = (pair[1].minus(pair[0]), p.minus(pair[0]));
        let part = ((to.x * run.x + to.y * run.y) / (run.x * run.x + run.y * run.y)).clamp(0.0, 1.0);
        let distance = to.minus(run.times(part)).length();
        if distance < nearest.0 {
            nearest = (distance, run.x * to.y - run.y * to.x > 0.0);
        }
        let straddles = (pair[0].y > p.y) != (pair[1].y > p.y);
        crossings += usize::from(straddles && p.x < pair[0].x + run.x * to.y / run.y);
    }
    match (number(corridor, "half_width_left_m"), number(corridor, "half_width_right_m")) {
        (Some(left), Some(right)) => nearest.0 - if nearest.1 { left } else { right },
        _ => nearest.0 * if crossings % 2 == 1 { -1.0 } else { 1.0 },
    }
}

/// The limits of site checks in the rule pack: each is there, and what states no class, which stands for runways whose
/// class nobody knows, is the strictest.
#[test]
fn the_pack_has_every_limit_of_site_checks() {
    use clearway::domain::site_check::SiteKey;
    use clearway::domain::word::Word;

    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules/VN-2027-01.toml");
    let pack = clearway::formats::rules::read(&fs::read(file).unwrap()).unwrap();
    let day = "2026-12-01".parse().unwrap();
    let mut classes: BTreeMap<String, BTreeMap<&str, f64>> = BTreeMap::new();
    for parameter in pack.parameters.iter().filter(|p| p.in_force(day)) {
        let Some(key) = SiteKey::parse(&parameter.key) else { continue };
        let class = parameter.applies.corridor_class.clone().unwrap_or_default();
        let twice = classes.entry(class).or_default().insert(key.as_str(), parameter.value);
        assert_eq!(twice, None, "{key}");
    }
    let of_all = classes.remove("").unwrap();
    let missing: Vec<&str> = SiteKey::ALL.iter().map(|(_, key)| *key).filter(|key| !of_all.contains_key(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let names: Vec<&str> = classes.keys().map(String::as_str).collect();
    let expect = ["NON-INSTRUMENT", "NON-PRECISION", "PRECISION"].map(|approach| {
        (1..=4).map(move |code| format!("{code} {approach}")).filter(|class| {
            // The strictest, and two that have the same figures.
            !["4 PRECISION", "3 PRECISION", "4 NON-PRECISION"].contains(&class.as_str())
        })
    });
    let mut expect: Vec<String> = expect.into_iter().flatten().collect();
    expect.sort();
    assert_eq!(names, expect);
    for (class, own) in &classes {
        let of = |key: &str| own.get(key).or_else(|| of_all.get(key)).copied().unwrap();
        let stricter = |key: &str, lower_is: bool| if lower_is { of(key) < of_all[key] } else { of(key) > of_all[key] };
        let wide = ["inner_horizontal.radius_m", "conical.height_m", "approach.inner_edge_m", "approach.divergence"];
        let steep = ["conical.slope", "approach.first_slope", "approach.second_slope", "transitional.slope"];
        for (keys, lower_is) in [(wide, false), (steep, true)] {
            for key in keys.map(|key| format!("site.air.{key}")) {
                assert!(!stricter(&key, lower_is), "{class} {key}");
            }
        }
        let length = |of: &dyn Fn(&str) -> f64| {
            ["first", "second", "horizontal"]
                .iter()
                .map(|s| of(&format!("site.air.approach.{s}_length_m")))
                .sum::<f64>()
        };
        assert!(length(&of) <= length(&|key| of_all[key]), "{class}");
    }
}
