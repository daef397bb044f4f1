//! Real files of other people as reference features: communes, protected areas, hospitals, runways, roads. Where they are not
//! present these tests say so.

use std::path::Path;

use crate::program::{Folder, Ran, clearway, count, rows};
use crate::support::{Database, shared_data};

/// An import under the name of a kind, leaving out what lies elsewhere.
struct Import<'a> {
    db: &'a Database,
    kind: &'static str,
    file: &'a Path,
    jurisdiction: &'static str,
    more: &'a [&'a str],
}

impl Import<'_> {
    fn run(&self) -> Ran {
        let Self { db, kind, file, jurisdiction, more } = self;
        let mut all = vec!["import", kind, file.to_str().unwrap(), "--jurisdiction", jurisdiction, "--outside", "skip"];
        all.extend(["--organisation", "office", "--set", "source_date=2025-06-12"]);
        all.extend(*more);
        let ran = clearway(db, &all);
        println!("{kind}: {}", ran.out.lines().next().unwrap_or_default());
        ran
    }

    /// Its counts, and those of the same again, which changes nothing.
    #[track_caller]
    fn twice(&self, first: &str, again: &str) -> Ran {
        let ran = self.run();
        ran.counts(first);
        assert_eq!(ran.code, 0, "{}", ran.err);
        self.run().counts(again);
        assert_eq!(count(self.db, "reference_features_history"), 0, "the same file again changes nothing");
        ran
    }
}

/// Files of different people count their records alike, and no import turns a school into a hospital, or takes a feature out of
/// the layer of somebody else.
#[test]
fn a_code_that_another_reference_layer_has_is_a_problem() {
    let (db, folder) = (&Database::vn72(), Folder::new());
    let [first, second, third] = ["first", "second", "third"].map(|name| {
        let line = |n: u32| format!("{n},{name} {n},107.{},12.0\n", 650 + n);
        folder.file(&format!("{name}.csv"), format!("code,name,lon,lat\n{}{}", line(1), line(2)))
    });
    let of = |kind, file, more| Import { db, kind, file: Path::new(file), jurisdiction: "VN-72", more };
    let schools = ["--set", "dataset=schools"];
    of("school", &first, &schools)
        .run()
        .counts("2 read: 2 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected");
    let is = |column: &str| {
        let place = |n: u32| format!("rejected: row {} (line {}) «{n}»: /properties/code", n, n + 1);
        let detail =
            |n: u32| format!("«{n}» is the code of a feature with another {column}; give this one a code of its own");
        let stored = "clearway: nothing was stored, because of the rejected records; --on-error skip stores the others";
        format!("{} {}\n{} {}\n{stored}\n", place(1), detail(1), place(2), detail(2))
    };
    for (kind, more, column) in
        [("hospital", &[][..], "kind"), ("school", &["--set", "dataset=other schools"], "dataset")]
    {
        let ran = of(kind, &second, more).run();
        assert_eq!((ran.code, ran.err), (1, is(column)));
    }
    // What it does not state stays as it is: the same layer is meant.
    of("school", &third, &[]).run().counts("2 read: 0 new, 2 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected");
    let all = "reference_features ORDER BY code";
    assert_eq!(rows(db, "kind, dataset, name", all), ["school schools third 1", "school schools third 2"]);
}

/// What is drawn as the outline of a runway, or bent, is no runway for an import either; it is named, and the others are stored.
#[test]
fn an_import_refuses_a_runway_that_is_not_straight() {
    let (db, folder) = (&Database::vn72(), Folder::new());
    let feature = |code: &str, line: &str| {
        let shape = format!(r#"{{"type":"LineString","coordinates":[{line}]}}"#);
        format!(r#"{{"type":"Feature","properties":{{"code":"{code}"}},"geometry":{shape}}}"#)
    };
    let all = [
        feature("STRAIGHT", "[107.66,12.0],[107.67,12.0]"),
        feature("BENT", "[107.66,12.0],[107.665,12.001],[107.67,12.0]"),
        feature("OUTLINE", "[107.66,12.0],[107.67,12.0],[107.67,12.0004],[107.66,12.0004],[107.66,12.0]"),
    ];
    let file = folder
        .file("runways.geojson", format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}", all.join(",\n")));
    let of = |more| Import { db, kind: "runway", file: Path::new(&file), jurisdiction: "VN-72", more };
    let is_refused = |ran: &Ran| {
        let told: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("rejected: ")).collect();
        let [bent, outline] = told.as_slice() else { panic!("{}", ran.err) };
        let wanted = "; a runway is a straight LineString from one threshold to the other, not its outline";
        for (line, why) in [
            (bent, "«BENT»: /geometry/coordinates is bent: "),
            (outline, "«OUTLINE»: /geometry/coordinates has its ends 0.0 m "),
        ] {
            assert!(line.contains(why) && line.ends_with(wanted), "{line}");
        }
    };
    let ran = of(&[]).run();
    is_refused(&ran);
    assert_eq!((ran.code, count(db, "reference_features")), (1, 0));
    let ran = of(&["--on-error", "skip"]).run();
    is_refused(&ran);
    assert_eq!(rows(db, "code", "reference_features"), ["STRAIGHT"]);
    // Nor does a later file bend what is there.
    let bent = folder.file("bent.geojson", all[1].replace("BENT", "STRAIGHT"));
    let again = Import { file: Path::new(&bent), ..of(&[]) }.run();
    assert!(again.code == 1 && again.err.contains("«STRAIGHT»: /geometry/coordinates is bent: "), "{}", again.err);
    assert_eq!(rows(db, "code, version", "reference_features"), ["STRAIGHT 1"]);
}

#[test]
fn real_files_as_reference_layers_of_a_province() {
    let names = ["daknong_communes_2025.geojson", "vn_hospitals_osm.geojson", "daknong_roads_national.geojson"];
    let files: Vec<_> = names.iter().filter_map(|name| shared_data(name)).collect();
    let [communes, hospitals, roads] = files.as_slice() else { return };
    let db = &Database::vn72();
    let of = |kind, file, more| Import { db, kind, file, jurisdiction: "VN-72", more };
    let said = ["--set", "source=boundaries of 2025", "--set", "licence=MIT", "--set", "dataset=communes"];
    let ran = of("boundary", communes, &said).twice(
        "28 read: 28 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected",
        "28 read: 0 new, 0 changed, 28 unchanged, 0 repeated, 0 outside, 0 rejected",
    );
    assert!(ran.err.contains("columns not used: areaKm2, codeName, fullName, fullNameEn, gisServerId, nameEn"));
    let ward = "dataset, kind, name, source, source_date, licence, visibility";
    assert_eq!(
        rows(db, ward, "reference_features WHERE code = '24611'"),
        ["communes boundary Bắc Gia Nghĩa boundaries of 2025 2025-06-12 MIT public"]
    );
    // A reference feature may stand up to 20 km beyond the boundary; of corridors 5 km are the limit.
    let said = ["--set", "source=OpenStreetMap", "--set", "licence=ODbL 1.0", "--set", "dataset=hospitals of OSM"];
    of("hospital", hospitals, &said).twice(
        "1479 read: 22 new, 0 changed, 0 unchanged, 0 repeated, 1457 outside, 0 rejected",
        "1479 read: 0 new, 0 changed, 22 unchanged, 0 repeated, 1457 outside, 0 rejected",
    );
    let said = ["--map", "code=map_id", "--map", "name=ten", "--map", "class=loai_duong", "--set", "half_width_m=15"];
    of("road", roads, &said).twice(
        "21 read: 20 new, 0 changed, 0 unchanged, 0 repeated, 1 outside, 0 rejected",
        "21 read: 0 new, 0 changed, 20 unchanged, 0 repeated, 1 outside, 0 rejected",
    );
    let by_class = "reference_features WHERE kind = 'road' GROUP BY class ORDER BY class";
    assert_eq!(rows(db, "class, count(*)", by_class), ["Đường chính 18", "Đường thứ cấp 2"]);
    // PostGIS agrees with what is near enough.
    let beyond = "reference_features AS r JOIN jurisdictions AS j ON j.code = r.jurisdiction
                  WHERE NOT ST_DWithin(r.geom_grid, ST_Transform(j.boundary, j.grid_srid), 20000)";
    assert_eq!(count(db, beyond), 0);
    let layers = "reference_features GROUP BY dataset, kind ORDER BY dataset";
    let expect = ["communes boundary 28 MIT", "hospitals of OSM hospital 22 ODbL 1.0", "road road 20"];
    assert_eq!(rows(db, "dataset, kind, count(*), min(licence)", layers), expect);
}

/// The same where every province is registered, and each feature finds its own.
pub fn across_provinces(db: &Database, hospitals: &Path, heritage: &Path, runways: &Path) {
    let of = |kind, file, more| Import { db, kind, file, jurisdiction: "auto", more };
    let said = ["--set", "source=OpenStreetMap", "--set", "licence=ODbL 1.0"];
    of("hospital", hospitals, &said).twice(
        "1479 read: 1479 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 0 rejected",
        "1479 read: 0 new, 0 changed, 1479 unchanged, 0 repeated, 0 outside, 0 rejected",
    );
    let said = ["--map", "code=Ten", "--map", "name=Ten", "--map", "class=Cap_BT", "--on-error", "skip"];
    let ran = of("heritage", heritage, &said).twice(
        "14 read: 13 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected",
        "14 read: 0 new, 0 changed, 13 unchanged, 0 repeated, 0 outside, 1 rejected",
    );
    assert!(ran.err.contains("«Tây Nghệ An»: /geometry/coordinates/0/0/"), "{}", ran.err);
    let in_feet = [
        "--map",
        "code=id",
        "--map",
        "name=airport_ident",
        "--map",
        "elevation_from_ft=le_elevation_ft",
        "--map",
        "elevation_to_ft=he_elevation_ft",
        "--set",
        "half_width_m=22.5",
        "--set",
        "class=4 PRECISION",
        "--set",
        "dataset=aerodromes",
        "--set",
        "source=OurAirports",
        "--set",
        "licence=public domain",
    ];
    // One has no shape at all: it is named, and nothing of the others is stored. Without an elevation of an end they are taken.
    let runway = |more| of("runway", runways, more);
    let ran = runway(&in_feet).run();
    assert_eq!((ran.code, count(db, "reference_features WHERE kind = 'runway'")), (1, 0));
    let rejected: Vec<&str> = ran.err.lines().filter_map(|l| l.strip_prefix("rejected: feature ")).collect();
    assert_eq!(rejected, ["21 (line 22) «260282»: /geometry is null: a feature without a geometry stands nowhere"]);
    let skip = [&in_feet[..], &["--on-error", "skip"]].concat();
    runway(&skip).twice(
        "35 read: 34 new, 0 changed, 0 unchanged, 0 repeated, 0 outside, 1 rejected",
        "35 read: 0 new, 0 changed, 34 unchanged, 0 repeated, 0 outside, 1 rejected",
    );
    let columns = "name, elevation_from_m, elevation_to_m, half_width_m, class";
    let ends = "reference_features WHERE code = '246186'";
    assert_eq!(rows(db, columns, ends), ["VV02 17.9832 24.0792 22.5 4 PRECISION"]);
    let line =
        "reference_features WHERE kind = 'runway' AND GeometryType(geom) = 'LINESTRING' AND dataset = 'aerodromes'";
    assert_eq!(count(db, line), 34);
    assert_eq!(count(db, &format!("{line} AND (elevation_from_m IS NULL OR elevation_to_m IS NULL)")), 11);
}
