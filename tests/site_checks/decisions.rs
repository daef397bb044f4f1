//! What decides for everybody, a zone, a freeze window, a boundary, a request, is written by whoever answers for all of it.

use clearway::actions::import::{ImportOptions, Observer, OnError, Rejected, Row, import};
use clearway::actions::{Context, Witness};
use clearway::config::{Secret, Settings};
use clearway::domain::actor::{Actor, Role};
use clearway::domain::fields::{Fields, Value};
use clearway::domain::place::Delivered;
use clearway::domain::reference::Reference;
use clearway::geometry::{Epsg, Geometry};
use serde_json::{Value as Json, json};

use crate::support::{Database, run_sql};
use crate::world::{REFERENCES, World, feature, sql, square};

/// What is in nobody's own hands.
const DECISIONS: [&str; 5] = ["zone", "freeze_window", "boundary", "site_request", "urban_area"];

fn reference(code: &str, kind: &str) -> Json {
    feature(square(0.0, 0.0, 50.0), json!({"code": code, "kind": kind, "organisation": "army"}))
}

#[test]
fn an_owner_decides_nothing_for_others() {
    let world = World::new();
    let refused = |method: &str, path: &str, body: Option<&Json>| {
        let answer = world.send("consultee", method, path, body);
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text);
        assert!(answer.text.contains("is for officer, administrator to say"), "{}", answer.text);
    };
    let own = world.send("consultee", "POST", REFERENCES, Some(&reference("OWN", "heritage")));
    assert_eq!(own.status, 201, "{}", own.text);
    let own = format!("{REFERENCES}/{}", own.json()["id"].as_str().unwrap());
    for kind in DECISIONS {
        refused("POST", REFERENCES, Some(&reference("NEW", kind)));
        refused("PATCH", &own, Some(&json!({"properties": {"kind": kind}})));
        refused("PUT", &own, Some(&reference("OWN", kind)));
        // What the office wrote of his stays as it is.
        let theirs = world.add(REFERENCES, square(0.0, 0.0, 50.0), reference(kind, kind)["properties"].clone());
        let theirs = format!("{REFERENCES}/{theirs}");
        refused("PATCH", &theirs, Some(&json!({"properties": {"name": "x"}})));
        refused("PATCH", &theirs, Some(&json!({"properties": {"kind": "other"}})));
        refused("PUT", &theirs, Some(&reference(kind, "other")));
        refused("DELETE", &theirs, None);
        assert_eq!(world.send("officer", "DELETE", &theirs, None).status, 204);
    }
    let renamed = world.send("consultee", "PATCH", &own, Some(&json!({"properties": {"name": "Doanh trại"}})));
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    assert_eq!(world.send("consultee", "DELETE", &own, None).status, 204);
}

/// Remembers what was rejected.
#[derive(Default)]
struct Remembering(Vec<String>);

impl Observer for Remembering {
    fn rejected(&mut self, rejected: &Rejected) {
        self.0.extend(rejected.problems.iter().map(|p| p.pointer.clone()));
    }
    fn read(&mut self, _: u64) {}
    fn digest(&mut self) -> String {
        "none".into()
    }
}

/// Imports one reference feature as somebody; where it was refused.
fn imported(database: &Database, role: Role, code: &str, kind: &str) -> Vec<String> {
    let actor =
        Actor { name: "importer".into(), organisation: Some("army".into()), roles: vec![role], jurisdictions: None };
    let options = ImportOptions {
        jurisdiction: Some("VN-72".into()),
        organisation: None,
        on_error: OnError::Skip,
        outside_skips: false,
        dry_run: false,
    };
    let name = role.to_string();
    let said = [("code", code), ("kind", kind), ("name", name.as_str()), ("organisation", "army")];
    let fields = said.iter().map(|(name, text)| ((*name).to_owned(), Value::Text((*text).to_owned()))).collect();
    let at = [411_600.0, 1_327_600.0];
    let shape = Geometry::Polygon(geo_types::Rect::new(at, at.map(|c| c + 5.0)).to_polygon());
    let row = Row {
        number: 1,
        place: "row 1".into(),
        shape_at: "/geometry",
        filled: Vec::new(),
        content: Ok((Fields(fields), Ok(Delivered { shape, crs: Epsg(9218) }))),
    };
    let mut observer = Remembering::default();
    let (context, witness) = (database.context(), Witness::new(&actor, "test"));
    import::<Reference>(&context, witness, &options, &mut [row].into_iter(), &mut observer).unwrap();
    observer.0
}

#[test]
fn nor_by_an_import() {
    let database = Database::vn72();
    let none = Vec::<String>::new();
    assert_eq!(imported(&database, Role::Consultee, "OWN", "school"), none);
    assert_eq!(imported(&database, Role::Consultee, "OWN", "other"), ["/properties/code"], "another kind is another");
    for kind in DECISIONS {
        assert_eq!(imported(&database, Role::Consultee, kind, kind), ["/properties/kind"], "{kind}");
        assert_eq!(imported(&database, Role::Officer, kind, kind), none, "{kind}");
        assert_eq!(imported(&database, Role::Consultee, kind, kind), ["/properties/kind"], "{kind}");
    }
}

/// Whoever forgets to say who may see a defence area shows it to nobody by that.
#[test]
fn a_defence_area_is_imported_as_restricted() {
    let database = Database::vn72();
    let none = Vec::<String>::new();
    for kind in ["defence_area", "school"] {
        assert_eq!(imported(&database, Role::Officer, kind, kind), none);
    }
    let seen = "SELECT string_agg(code || ' ' || visibility, ', ' ORDER BY code) FROM reference_features";
    assert_eq!(sql(&database, seen), "defence_area restricted, school public");
}

#[test]
fn a_code_that_is_taken_is_told_of_reference_features_too() {
    let world = World::new();
    let document = reference("TWICE", "school");
    assert_eq!(world.send("officer", "POST", REFERENCES, Some(&document)).status, 201);
    let again = world.send("officer", "POST", REFERENCES, Some(&document));
    assert_eq!(again.status, 409, "{}", again.text);
    assert!(again.text.contains("TWICE"), "{}", again.text);
}

#[test]
fn whoever_owns_any_table_is_held_by_no_wall() {
    let database = Database::vn72();
    let connect = |url: &str| {
        let settings = Settings { database_url: Secret(url.to_owned()), ..database.settings() };
        Context::connect(settings).map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(connect(&database.service_url), Ok(()));
    let name = database.url.split_once('@').unwrap().1.split(['/', '?']).nth(1).unwrap().to_owned();
    let owner = format!("{name}_owner");
    run_sql(&database.url, &format!("CREATE ROLE {owner} LOGIN IN ROLE clearway_service"));
    let url = database.url.replacen("://clearway@", &format!("://{owner}@"), 1);
    assert_eq!(connect(&url), Ok(()));
    for table in ["site_checks", "accounts", "reference_features"] {
        run_sql(&database.url, &format!("ALTER TABLE {table} OWNER TO {owner}"));
        let refused = connect(&url).unwrap_err();
        assert!(refused.contains("owns the tables") && refused.contains(&owner), "{table}: {refused}");
        run_sql(&database.url, &format!("ALTER TABLE {table} OWNER TO clearway"));
    }
    run_sql(&database.url, &format!("DROP OWNED BY {owner}; DROP ROLE {owner}"));
}

/// A runway that is nowhere is refused with its place in the document, by the door and by an import, and nothing of it is stored.
#[test]
fn a_runway_without_a_geometry_is_refused() {
    let world = World::new();
    let runway = feature(Json::Null, json!({"code": "RWY", "kind": "runway", "organisation": "office", "class": "4"}));
    let answer = world.send("officer", "POST", REFERENCES, Some(&runway));
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(answer.problems().iter().any(|problem| problem.starts_with("/geometry: ")), "{}", answer.text);
    let file = tempfile::NamedTempFile::with_suffix(".geojsonl").unwrap();
    std::fs::write(file.path(), runway.to_string()).unwrap();
    let arguments = ["import", "runway", "--jurisdiction", "VN-72", file.path().to_str().unwrap()];
    let imported = world.program(&arguments);
    let said = String::from_utf8_lossy(&imported.stderr).into_owned();
    assert!(!imported.status.success() && said.contains("«RWY»: /geometry is null"), "{said}");
    assert_eq!(world.sql("SELECT count(*) FROM reference_features"), "0");
}
