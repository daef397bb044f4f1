//! Site checks: each of the twelve says what it should of a place in front of it, with its measure, law, evidence and words;
//! what is wrong with a question is told at its place; and dates are looked at as of the moment asked.

use clearway::actions::{Witness, coverage};
use clearway::domain::actor::Actor;
use clearway::domain::coverage::CoverageDraft;
use clearway::domain::layer::Layer;
use clearway::domain::reference::ReferenceKind;
use clearway::domain::site_check::{CheckCode, Source, sources};
use clearway::domain::word::Word;
use serde_json::{Value as Json, json};

use crate::help::{
    Api, CORRIDORS, GRID, REFERENCES, WORKS, assert_near, feature, line, mast, merged, point, rect, road,
};
use crate::rules::{VN, load};
use crate::support::{Response, token, vn72_draft};

pub const SITES: &str = "/api/site-checks";

/// A day on which all that stands in [`town`] counts.
pub const NOW: &str = "at=2026-06-01T00:00:00Z";

/// Declares that all there is of some sources was loaded, everywhere in VN-72.
pub fn declare(api: &Api, all: impl IntoIterator<Item = Source>) {
    let (context, operator) = (api.database.context(), Actor::operator());
    for source in all {
        let (boundary, as_of) = (vn72_draft().boundary, Some("2026-03-01".parse().unwrap()));
        let draft =
            CoverageDraft { layer: source.layer(), kind: source.kind(), source: "survey".into(), as_of, boundary };
        coverage::declare(&context, Witness::new(&operator, "test"), "VN-72", draft).unwrap();
    }
}

/// With the rules of the fixtures, and everything declared.
pub fn prepared(api: Api) -> Api {
    load(&api, VN);
    declare(&api, sources().to_vec());
    api
}

/// The revision that the instance asked has to hear of first: other instances wrote rules and coverage.
pub fn revision(api: &Api) -> String {
    format!("VN-72={}", api.sql("SELECT revision FROM revisions WHERE jurisdiction = 'VN-72'").unwrap())
}

/// Asks on the grid.
pub fn ask(api: &Api, role: &str, path: &str, document: &Json) -> Response {
    let headers = [("Content-Type", "application/geo+json"), ("Content-Crs", GRID), ("Min-Revision", &*revision(api))];
    api.send(role, "POST", path, &headers, Some(document))
}

/// What is said of a column at a place, so many metres east and north of the origin.
pub fn checked(api: &Api, role: &str, query: &str, (east, north): (f64, f64), properties: Json) -> Json {
    let document = feature(point(east, north), merged(properties, &json!({"height_agl_m": 42})));
    let answer = ask(api, role, &format!("{SITES}?store=no&{query}"), &document);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"][0].clone()
}

/// What one check says.
pub fn finding<'j>(result: &'j Json, code: &str) -> &'j Json {
    let all = result["findings"].as_array().unwrap();
    all.iter().find(|f| f["code"] == code).unwrap_or_else(|| panic!("{code}: {result}"))
}

/// The codes of what a finding rests on.
pub fn evidence(finding: &Json) -> Vec<&str> {
    finding["evidence"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect()
}

/// The positions of a shape, however deep.
fn positions(coordinates: &Json) -> Vec<[f64; 2]> {
    let Some(parts) = coordinates.as_array() else { return Vec::new() };
    match (parts.first().and_then(Json::as_f64), parts.get(1).and_then(Json::as_f64)) {
        (Some(x), Some(y)) => vec![[x, y]],
        _ => parts.iter().flat_map(positions).collect(),
    }
}

/// Whatever is said, each check is there once, in both languages, in words for people.
pub fn holds(result: &Json) {
    let findings = result["findings"].as_array().unwrap();
    let codes: Vec<&str> = findings.iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert_eq!(codes, CheckCode::ALL.iter().map(|(_, code)| *code).collect::<Vec<_>>());
    let place = &result["subject"]["geometry"]["coordinates"];
    let place = [place[0].as_f64().unwrap(), place[1].as_f64().unwrap()];
    for finding in findings {
        let key = finding["key"].as_str().unwrap();
        for language in ["vi", "en"] {
            let sentence = finding["message"][language].as_str().unwrap();
            let is_said =
                sentence.ends_with(['.', ')']) && sentence.contains(' ') && !sentence.contains(['{', '}', '$']);
            assert!(is_said && sentence != key, "{language} {finding}");
        }
        assert_eq!(finding["message"].as_object().unwrap().len(), 2);
        let drawn = positions(&finding["geometry"]["coordinates"]);
        assert!(finding["verdict"] != "pass" || !drawn.is_empty(), "what passes shows the place: {finding}");
        if finding["code"] == "GEO" && !drawn.is_empty() && result["jurisdiction"].is_null() {
            assert_eq!((drawn[0], drawn.len()), (place, 2), "from the place to the boundary: {finding}");
            continue;
        }
        // Zones, windows and the surfaces of a runway reach far.
        let is_far = ["ZON", "TIM", "AIR", "COV"].iter().any(|code| finding["code"] == *code);
        let most = if is_far { 0.3 } else { 0.01 };
        for corner in drawn {
            let near = |axis: usize| (corner[axis] - place[axis]).abs() < most;
            assert!(near(0) && near(1), "not in WGS 84 round the place: {finding}");
        }
    }
    let rank = |verdict: &Json| VERDICTS.iter().position(|v| verdict == v).unwrap();
    let worst = findings.iter().map(|f| rank(&f["verdict"])).max().unwrap();
    assert_eq!(rank(&result["verdict"]), worst, "{result}");
}

/// The last is the worst.
const VERDICTS: [&str; 6] = ["not_applicable", "pass", "warn", "not_checked", "needs_survey", "block"];

fn reference(api: &Api, code: &str, kind: &str, shape: Json, more: Json) -> String {
    let usual = json!({"code": code, "kind": kind, "organisation": "office"});
    api.add(REFERENCES, shape, merged(more, &usual))
}

/// Something in the way of each check, far from what is in the way of the others.
fn town() -> Api {
    let api = prepared(Api::new());
    let zone = json!({"name": "Khu thử", "column_classes": ["A1a", "A2b"], "height_max_m": 45});
    reference(&api, "COMMUNE", "boundary", rect(-500.0, -500.0, 500.0, 500.0), json!({"name": "Xã Thử"}));
    reference(&api, "Z-1", "zone", rect(2_500.0, -500.0, 3_500.0, 500.0), zone);
    reference(&api, "MON", "monument", rect(0.0, 3_000.0, 40.0, 3_040.0), json!({"name": "Tượng Thử"}));
    let land = merged(json!({"code": "C-ROAD", "class": "III"}), &road());
    api.add(CORRIDORS, rect(0.0, 6_000.0, 20.0, 6_200.0), land.clone());
    let announced = merged(json!({"code": "C-LATER", "status": "announced"}), &land);
    api.add(CORRIDORS, rect(0.0, 9_000.0, 20.0, 9_200.0), announced);
    let line = line(&[(0.0, 7_500.0), (0.0, 7_900.0)]);
    reference(&api, "P-110", "power_line", line, json!({"voltage_kv": 110, "half_width_m": 5}));
    let other = json!({"code": "M-1", "position_accuracy_m": 0, "column_class": "A2b", "spare_capacity": 2});
    api.add(WORKS, point(-6_000.0, 0.0), merged(other, &mast()));
    reference(&api, "URBAN", "urban_area", rect(-6_150.0, -100.0, -6_000.0, 100.0), json!({}));
    let strip = crate::help::line(&[(12_000.0, 0.0), (12_800.0, 0.0)]);
    let runway =
        json!({"name": "Sân bay Thử", "class": "1 non-instrument", "elevation_from_m": 600, "elevation_to_m": 600});
    reference(&api, "RWY", "runway", strip, runway);
    let house = json!({"name": "Nhà Thử", "height_agl_m": 40, "occupied": true});
    reference(&api, "HOUSE", "building", rect(0.0, -6_005.0, 10.0, -5_995.0), house);
    reference(&api, "HER", "heritage", rect(6_000.0, -6_000.0, 6_100.0, -5_900.0), json!({"name": "Làng Thử"}));
    let secret = json!({"organisation": "ministry", "visibility": "restricted"});
    reference(&api, "DEF", "defence_area", rect(-6_100.0, -6_100.0, -6_000.0, -6_000.0), secret);
    reference(&api, "SCHOOL", "school", rect(6_000.0, 0.0, 6_040.0, 30.0), json!({"name": "Trường Thử"}));
    reference(&api, "ASKED", "site_request", point(-3_000.0, 3_000.0), json!({"organisation": "viettel"}));
    let days = json!({"name": "Lễ hội Thử", "valid_from": "2026-05-01", "valid_to": "2026-12-31"});
    reference(&api, "FREEZE", "freeze_window", rect(-3_500.0, -3_500.0, -2_500.0, -2_500.0), days);
    api
}

/// What a check has to say of a place.
struct Case {
    code: &'static str,
    at: (f64, f64),
    column: Json,
    verdict: &'static str,
    measured: Option<f64>,
    limit: Option<f64>,
    rule: Option<&'static str>,
    evidence: &'static [&'static str],
    consult: &'static [&'static str],
    said: [&'static str; 2],
}

/// Each check once as pass, and with what it warns or blocks with.
#[allow(clippy::too_many_lines)] // a table
fn cases() -> Vec<Case> {
    let case = |code, at, column, verdict| Case {
        code,
        at,
        column,
        verdict,
        measured: None,
        limit: None,
        rule: None,
        evidence: &[],
        consult: &[],
        said: ["", ""],
    };
    let a2b = |height: f64| json!({"column_class": "A2b", "height_agl_m": height});
    let antenna = |watts: f64| json!({"antennas": [{"frequency_mhz": 1800, "eirp_w": watts}]});
    let density = |watts: f64| Some(watts / (std::f64::consts::PI * (20.0 * 20.0 + 2.0 * 2.0)));
    let on_ground = |ground: f64, height: f64| json!({"ground_amsl_m": ground, "height_agl_m": height});
    let building = |first: &str, last: &str| json!({"starts_on": first, "ends_on": last});
    vec![
        Case {
            evidence: &["COMMUNE"],
            said: ["Vị trí nằm trong địa bàn.", "The place lies in the jurisdiction."],
            ..case("GEO", (0.0, 0.0), json!({}), "pass")
        },
        Case {
            evidence: &["Z-1"],
            said: ["Khu vực Khu thử cho phép.", "Zone Khu thử admits it."],
            ..case("ZON", (3_000.0, 0.0), a2b(45.0), "pass")
        },
        Case {
            evidence: &["Z-1"],
            consult: &["office"],
            measured: Some(45.5),
            limit: Some(45.0),
            said: [
                "45,5 m vượt quá 45 m mà khu vực Khu thử cho phép.",
                "45.5 m is more than the 45 m that zone Khu thử admits.",
            ],
            ..case("ZON", (3_000.0, 0.0), a2b(45.5), "block")
        },
        Case {
            evidence: &["Z-1"],
            consult: &["office"],
            said: [
                "Khu vực Khu thử cho phép loại A1a, A2b, không cho phép A2c.",
                "Zone Khu thử admits A1a, A2b, not A2c.",
            ],
            ..case("ZON", (3_000.0, 0.0), json!({"column_class": "A2c"}), "block")
        },
        Case {
            consult: &["office"],
            said: ["", "The place lies in no zone in force: the office decides."],
            ..case("ZON", (0.0, -3_000.0), a2b(42.0), "warn")
        },
        Case {
            evidence: &["MON"],
            consult: &["office"],
            measured: Some(200.0),
            limit: Some(200.0),
            rule: Some("site.zone.only_a1_distance_m"),
            said: [
                "Trong phạm vi 200 m quanh Tượng Thử chỉ được xây cột loại A1; vị trí cách 200 m.",
                "Only columns of class A1 stand within 200 m of Tượng Thử, which is 200 m away.",
            ],
            ..case("ZON", (240.0, 3_020.0), a2b(42.0), "block")
        },
        Case { consult: &["office"], ..case("ZON", (240.0, 3_020.0), json!({"column_class": "A1b"}), "warn") },
        Case {
            said: ["Không phải cột ăng ten.", "It is no antenna column."],
            ..case("ZON", (0.0, 0.0), json!({"kind": "cabinet", "height_agl_m": 2}), "not_applicable")
        },
        Case {
            limit: Some(42.0),
            rule: Some("site.fall.factor"),
            said: [
                "Không nằm trong hành lang nào, khi đổ không chạm hành lang nào.",
                "It stands in no corridor, and falls on none.",
            ],
            ..case("COR", (62.5, 6_100.0), json!({}), "pass")
        },
        Case {
            limit: Some(42.0),
            rule: Some("site.fall.factor"),
            measured: Some(41.5),
            evidence: &["C-ROAD"],
            consult: &["corridor_owner"],
            said: [
                "Nếu đổ (42 m), cột chạm C-ROAD, cách 41,5 m.",
                "If it falls (42 m), it reaches C-ROAD, 41.5 m away.",
            ],
            ..case("COR", (61.5, 6_100.0), json!({}), "warn")
        },
        Case {
            limit: Some(13.0),
            rule: Some("corridor.road.clearance_m"),
            measured: Some(13.0),
            evidence: &["C-ROAD"],
            consult: &["corridor_owner"],
            said: [
                "Vướng hành lang C-ROAD đang có hiệu lực, hoặc nằm trong 13 m phải để trống bên cạnh.",
                "It stands in the way of corridor C-ROAD, which is in force, or within the 13 m to be kept free beside it.",
            ],
            ..case("COR", (33.0, 6_100.0), json!({}), "block")
        },
        Case {
            limit: Some(13.0),
            rule: Some("corridor.road.clearance_m"),
            measured: Some(0.0),
            evidence: &["C-LATER"],
            consult: &["corridor_owner"],
            ..case("COR", (10.0, 9_100.0), json!({}), "warn")
        },
        Case {
            limit: Some(42.0),
            rule: Some("site.fall.factor"),
            measured: Some(35.0),
            evidence: &["P-110"],
            consult: &["corridor_owner"],
            ..case("COR", (40.0, 7_700.0), json!({}), "warn")
        },
        Case {
            limit: Some(500.0),
            rule: Some("site.spacing.elsewhere_m"),
            said: ["Không có cột nào khác trong phạm vi 500 m.", "No other column stands within 500 m."],
            ..case("SPC", (-5_500.0, 0.0), json!({}), "pass")
        },
        Case {
            limit: Some(500.0),
            rule: Some("site.spacing.elsewhere_m"),
            measured: Some(499.0),
            evidence: &["M-1"],
            consult: &["carrier"],
            said: [
                "Có 1 cột trong phạm vi 500 m: dùng chung một trong các cột đó (M-1).",
                "Columns within 500 m: 1; share one of them (M-1).",
            ],
            ..case("SPC", (-5_501.0, 0.0), json!({}), "warn")
        },
        Case {
            limit: Some(100.0),
            rule: Some("site.spacing.urban_m"),
            ..case("SPC", (-6_100.0, 0.0), json!({}), "pass")
        },
        Case {
            limit: Some(100.0),
            rule: Some("site.spacing.urban_m"),
            measured: Some(99.0),
            evidence: &["M-1"],
            consult: &["carrier"],
            ..case("SPC", (-6_099.0, 0.0), json!({}), "warn")
        },
        Case {
            limit: Some(45.0),
            rule: Some("site.air.marking_height_m"),
            measured: Some(44.5),
            said: [
                "Không cần sơn, đèn cảnh báo; thấp hơn mọi bề mặt giới hạn chướng ngại vật.",
                "It needs no marking, and stays below every obstacle surface.",
            ],
            ..case("AIR", (0.0, 0.0), on_ground(600.0, 44.5), "pass")
        },
        Case {
            limit: Some(45.0),
            rule: Some("site.air.marking_height_m"),
            measured: Some(45.0),
            consult: &["aviation"],
            said: [
                "Cao 45 m phải sơn, lắp đèn cảnh báo và được chấp thuận độ cao (từ 45 m).",
                "At 45 m it needs marking and consent to its height (from 45 m).",
            ],
            ..case("AIR", (0.0, 0.0), on_ground(600.0, 45.0), "warn")
        },
        Case {
            limit: Some(645.0),
            rule: Some("site.air.inner_horizontal.height_m"),
            measured: Some(645.0),
            evidence: &["RWY"],
            ..case("AIR", (12_400.0, 1_000.0), on_ground(605.0, 40.0), "pass")
        },
        Case {
            limit: Some(645.0),
            rule: Some("site.air.inner_horizontal.height_m"),
            measured: Some(645.5),
            evidence: &["RWY"],
            consult: &["aviation"],
            said: [
                "Đỉnh cột ở 645,5 m so với mực nước biển vượt bề mặt ngang trong của Sân bay Thử, tại đây là 645 m.",
                "Its top at 645.5 m above the sea is above the inner horizontal surface of Sân bay Thử, at 645 m here.",
            ],
            ..case("AIR", (12_400.0, 1_000.0), on_ground(605.0, 40.5), "block")
        },
        Case {
            limit: Some(645.0),
            rule: Some("site.air.inner_horizontal.height_m"),
            evidence: &["RWY"],
            consult: &["aviation"],
            ..case("AIR", (12_400.0, 1_000.0), json!({}), "needs_survey")
        },
        Case {
            limit: Some(2.0),
            rule: Some("site.emf.power_density_w_m2"),
            measured: density(1_000.0),
            said: [
                "Không ai ở gần bị phơi nhiễm quá 0,788 W/m². Khoảng cách an toàn của ăng ten mạnh nhất: phía trước 12,62 m, hai bên và phía sau 12,62 m, phía dưới 2,82 m; tính gộp tất cả 12,62 m.",
                "Nobody near is exposed to more than 0.788 W/m². Compliance distance of the strongest antenna: 12.62 m in front, 12.62 m beside and behind, 2.82 m below; of all together 12.62 m.",
            ],
            ..case("EMF", (-20.0, -6_000.0), antenna(1_000.0), "pass")
        },
        Case {
            limit: Some(2.0),
            rule: Some("site.emf.power_density_w_m2"),
            measured: density(10_000.0),
            evidence: &["HOUSE"],
            consult: &["health"],
            said: [
                "Tại Nhà Thử có thể có 7,879 W/m², vượt quá 2 W/m². Khoảng cách an toàn của ăng ten mạnh nhất: phía trước 39,89 m, hai bên và phía sau 39,89 m, phía dưới 8,92 m; tính gộp tất cả 39,89 m.",
                "At Nhà Thử there may be 7.879 W/m², more than 2 W/m². Compliance distance of the strongest antenna: 39.89 m in front, 39.89 m beside and behind, 8.92 m below; of all together 39.89 m.",
            ],
            ..case("EMF", (-20.0, -6_000.0), antenna(10_000.0), "block")
        },
        Case {
            consult: &["health"],
            said: ["Chưa nêu các ăng ten.", "Its antennas are not stated."],
            ..case("EMF", (-20.0, -6_000.0), json!({}), "warn")
        },
        Case {
            limit: Some(100.0),
            rule: Some("site.heritage.distance_m"),
            said: ["Không có di tích, di sản ở gần.", "No heritage near."],
            ..case("HER", (5_899.0, -5_950.0), json!({}), "pass")
        },
        Case {
            limit: Some(100.0),
            rule: Some("site.heritage.distance_m"),
            measured: Some(100.0),
            evidence: &["HER"],
            consult: &["culture"],
            said: ["Di tích, di sản Làng Thử cách 100 m.", "Heritage Làng Thử is 100 m away."],
            ..case("HER", (5_900.0, -5_950.0), json!({}), "warn")
        },
        Case {
            limit: Some(100.0),
            rule: Some("site.heritage.distance_m"),
            measured: Some(0.0),
            evidence: &["MON"],
            consult: &["culture"],
            said: ["Nằm trong di tích Tượng Thử.", "It stands in the monument Tượng Thử."],
            ..case("HER", (20.0, 3_020.0), json!({}), "block")
        },
        Case {
            said: ["Không phải hỏi.", "Nothing to ask."], ..case("DEF", (-5_499.0, -6_050.0), json!({}), "pass")
        },
        Case {
            consult: &["army"],
            said: ["Phải lấy ý kiến cơ quan quân sự.", "Consult the military."],
            ..case("DEF", (-5_500.0, -6_050.0), json!({}), "warn")
        },
        Case {
            limit: Some(50.0),
            rule: Some("site.sensitive.distance_m"),
            said: ["Không có trường học, bệnh viện ở gần.", "No school and no hospital near."],
            ..case("SEN", (5_949.0, 15.0), json!({}), "pass")
        },
        Case {
            limit: Some(50.0),
            rule: Some("site.sensitive.distance_m"),
            measured: Some(50.0),
            evidence: &["SCHOOL"],
            consult: &["education"],
            said: ["Trường Thử cách 50 m.", "Trường Thử is 50 m away."],
            ..case("SEN", (5_950.0, 15.0), json!({}), "warn")
        },
        Case {
            limit: Some(30.0),
            rule: Some("site.duplicate.distance_m"),
            said: ["Doanh nghiệp chưa xin vị trí nào gần như vậy.", "The carrier has asked for nothing so near."],
            ..case("DUP", (-2_969.0, 3_000.0), json!({"organisation": "viettel"}), "pass")
        },
        Case {
            limit: Some(30.0),
            rule: Some("site.duplicate.distance_m"),
            measured: Some(30.0),
            evidence: &["ASKED"],
            said: ["ASKED của cùng doanh nghiệp cách 30 m.", "ASKED of the same carrier is 30 m away."],
            ..case("DUP", (-2_970.0, 3_000.0), json!({"organisation": "viettel"}), "warn")
        },
        Case {
            limit: Some(30.0),
            rule: Some("site.duplicate.distance_m"),
            ..case("DUP", (-2_970.0, 3_000.0), json!({"organisation": "vnpt"}), "pass")
        },
        case("DUP", (-2_970.0, 3_000.0), json!({}), "not_applicable"),
        Case {
            said: ["Không vướng thời gian bảo đảm thông tin liên lạc.", "No freeze window."],
            ..case("TIM", (-3_000.0, -3_000.0), building("2027-01-01", "2027-02-01"), "pass")
        },
        Case {
            evidence: &["FREEZE"],
            consult: &["office"],
            said: [
                "Lễ hội Thử: không xây dựng ở đây đến hết 31/12/2026.",
                "Lễ hội Thử: nothing is built here until 2026-12-31.",
            ],
            ..case("TIM", (-3_000.0, -3_000.0), building("2026-12-31", "2027-02-01"), "block")
        },
        Case { evidence: &["FREEZE"], consult: &["office"], ..case("TIM", (-3_000.0, -3_000.0), json!({}), "warn") },
        Case {
            said: [
                "Dữ liệu của mọi lớp được xét đều bao phủ vị trí này.",
                "Data of all that is looked at cover this place.",
            ],
            ..case("COV", (0.0, 0.0), json!({}), "pass")
        },
    ]
}

#[test]
fn each_check_says_what_stands_against_a_place_and_by_which_rule() {
    let api = town();
    for case in cases() {
        let what = format!("{} {} at {:?}", case.code, case.column, case.at);
        let result = checked(&api, "officer", NOW, case.at, case.column.clone());
        holds(&result);
        assert_eq!((&result["jurisdiction"], &result["day"]), (&json!("VN-72"), &json!("2026-06-01")), "{what}");
        let said = finding(&result, case.code);
        assert_eq!(said["verdict"], case.verdict, "{what}: {said}");
        for (language, sentence) in ["vi", "en"].into_iter().zip(case.said).filter(|(_, sentence)| !sentence.is_empty())
        {
            assert_eq!(said["message"][language], sentence, "{what}: {said}");
        }
        if case.code != "GEO" {
            let close = |name: &str, expect: Option<f64>| {
                assert_near(&said[name]["value"], expect, &format!("{what} {name}: {said}"));
            };
            close("measured", case.measured);
            close("limit", case.limit);
        }
        assert_eq!(said["rule"]["key"].as_str(), case.rule, "{what}: {said}");
        assert_eq!(evidence(said), case.evidence, "{what}: {said}");
        assert_eq!(said["consult"], json!(case.consult), "{what}: {said}");
        assert_eq!((&said["restricted"], &said["gaps"]), (&json!(false), &json!([])), "{what}: {said}");
    }
}

#[test]
fn a_finding_names_its_law_its_evidence_and_something_to_draw() {
    let api = town();
    let high = checked(&api, "officer", NOW, (0.0, 0.0), json!({"height_agl_m": 60}));
    let law = json!({"key": "site.air.marking_height_m", "value": 45.0, "unit": "m", "document": "NĐ 32/2016/NĐ-CP",
        "article": "7", "valid_from": "2016-07-01", "valid_to": null, "confidence": "law"});
    for (member, expect) in law.as_object().unwrap() {
        assert_eq!(&finding(&high, "AIR")["rule"][member], expect, "{member}");
    }
    assert_eq!(finding(&high, "AIR")["measured"], json!({"value": 60.0, "unit": "m"}));
    let near =
        checked(&api, "officer", NOW, (-5_800.0, 0.0), json!({"antennas": [{"frequency_mhz": 900, "eirp_dbm": 60}]}));
    let (shared, emf) = (finding(&near, "SPC"), finding(&near, "EMF"));
    assert_eq!((&shared["outcome"], &shared["evidence"][0]["spare_capacity"]), (&json!("sharing_required"), &json!(2)));
    let column = &shared["evidence"][0];
    assert_eq!(
        (&column["layer"], &column["kind"], &column["organisation"]),
        (&json!("works"), &json!("mast"), &json!("viettel"))
    );
    assert_near(&column["distance_m"], Some(200.0), "distance");
    assert_eq!(shared["geometry"]["type"], "Polygon", "{shared}");
    assert_eq!((&emf["rule"]["document"], &emf["limit"]["unit"]), (&json!("QCVN 8:2022/BTTTT"), &json!("w_m2")));
    // How far people keep from it: 1 kW with reflections, by the shares of the pack; all round it has no side.
    let sector = &emf["compliance"]["sectors"][0];
    for (member, expect) in [
        ("front_m", 12.6157),
        ("shoulder_m", 12.6157),
        ("side_m", 12.6157),
        ("below_m", 2.8209),
        ("summed_m", 12.6157),
        ("summed_side_m", 12.6157),
    ] {
        assert!((sector[member].as_f64().unwrap() - expect).abs() < 0.001, "{member}: {emf}");
    }
    assert_eq!((&sector["azimuth_deg"], &sector["eirp_w"]), (&Json::Null, &json!(1_000.0)), "{emf}");
    assert!((emf["compliance"]["summed_m"].as_f64().unwrap() - 12.6157).abs() < 0.001, "{emf}");
    for (language, said) in [
        ("en", "12.62 m in front, 12.62 m beside and behind, 2.82 m below; of all together 12.62 m."),
        ("vi", "phía trước 12,62 m, hai bên và phía sau 12,62 m, phía dưới 2,82 m; tính gộp tất cả 12,62 m."),
    ] {
        assert!(emf["message"][language].as_str().unwrap().ends_with(said), "{emf}");
    }
    assert_eq!(shared["compliance"], Json::Null);
    // What was asked stands in the answer as it was understood.
    let asked = &near["subject"]["properties"];
    assert_near(&asked["antennas"][0]["eirp_w"], Some(1_000.0), "60 dBm");
    assert_eq!((&asked["kind"], &near["subject"]["id"]), (&json!("mast"), &json!("0")));
    assert!((near["subject"]["geometry"]["coordinates"][1].as_f64().unwrap() - 12.0).abs() < 0.1);
}

/// Rules and reference features count on the day asked.
#[test]
fn a_moment_asked_is_that_of_the_rules_and_of_what_is_valid() {
    let api = town();
    let on = |day: &str, at: (f64, f64)| checked(&api, "officer", &format!("at={day}T00:00:00Z"), at, json!({}));
    let before_the_decree = on("2015-06-01", (0.0, 0.0));
    let air = finding(&before_the_decree, "AIR");
    assert_eq!((&air["verdict"], &air["key"]), (&json!("not_checked"), &json!("rule-not-in-force")));
    assert_eq!(
        air["message"]["en"],
        "The rule pack states site.air.marking_height_m, but not for this day, so there is nothing to hold this against."
    );
    let clearance = |day: &str| finding(&on(day, (33.0, 6_100.0)), "COR")["rule"].clone();
    let (then, now) = (clearance("2020-06-01"), clearance("2026-06-01"));
    assert_eq!((&then["document"], &then["confidence"]), (&json!("NĐ 100/2013/NĐ-CP"), &json!("law")));
    assert_eq!((&now["document"], &now["confidence"]), (&Json::Null, &json!("check")));
    let frozen = |day: &str| finding(&on(day, (-3_000.0, -3_000.0)), "TIM")["verdict"].clone();
    assert_eq!(["2026-04-30", "2026-05-01", "2026-12-31", "2027-01-01"].map(frozen), ["pass", "warn", "warn", "pass"]);
    // The day is that of the jurisdiction, seven hours ahead.
    let late = checked(&api, "officer", "at=2026-04-30T17:00:00Z", (-3_000.0, -3_000.0), json!({}));
    assert_eq!((&late["day"], &finding(&late, "TIM")["verdict"]), (&json!("2026-05-01"), &json!("warn")));
}

/// Each column in a zone counts against its quota, however far from the place it stands.
#[test]
fn a_zone_is_full_with_columns_far_from_the_place() {
    let api = prepared(Api::new());
    let quota = json!({"name": "Khu dài", "quota": 2});
    reference(&api, "Z-L", "zone", rect(0.0, 0.0, 8_000.0, 100.0), quota);
    let said = || {
        let result = checked(&api, "officer", NOW, (7_950.0, 50.0), json!({"column_class": "A2b"}));
        (finding(&result, "ZON").clone(), finding(&result, "SPC")["verdict"].clone())
    };
    for (n, east) in [10.0, 3_000.0].into_iter().enumerate() {
        assert_eq!(said().0["verdict"], "pass", "{n}");
        api.work(&format!("FAR-{n}"), point(east, 50.0));
    }
    let (zone, spacing) = said();
    assert_eq!((&zone["verdict"], &spacing), (&json!("block"), &json!("pass")), "{zone}");
    assert_eq!(
        zone["message"]["en"],
        "Zone Khu dài is full: it admits 2 columns, and with those that are permitted it holds 2."
    );
    assert_eq!(zone["measured"], json!({"value": 2.0, "unit": "count"}));
    // What is no more does not count.
    let id = api.sql("SELECT id FROM works WHERE code = 'FAR-0'").unwrap();
    let gone = json!({"properties": {"status": "dismantled"}});
    assert_eq!(api.on_grid("officer", "PATCH", &format!("{WORKS}/{id}"), &gone).status, 200);
    assert_eq!(said().0["verdict"], "pass");
}

/// A zone stands by the decision of its plan: what it says names that, with its day and the days on which it is in force.
#[test]
fn what_a_zone_says_names_the_decision_of_its_plan() {
    let api = prepared(crate::plan::api());
    let plan = api.plan("QH-BTS", 1);
    let mut wide = crate::plan::zone(&plan, "Z-WIDE", 2_000.0, 0.0);
    wide["properties"]["spacing_m"] = json!(300);
    assert_eq!(api.on_grid("officer", "POST", crate::plan::ZONES, &wide).status, 201);
    api.published(&plan, "2026-01-01", json!("2026-12-31"));
    reference(&api, "IMPORTED", "zone", rect(4_000.0, 0.0, 4_100.0, 100.0), json!({"source": "A map"}));
    let decided = |zone: &str| {
        json!({"zone": format!("QH-BTS/1/{zone}"), "plan": "QH-BTS", "plan_version": 1, "document": "QD-88/2026",
            "date": "2026-01-01", "signer": "The chairman", "valid_from": "2026-01-01", "valid_to": "2026-12-31"})
    };
    let said = |east: f64, column: Json| checked(&api, "officer", NOW, (east, 50.0), column);
    for (column, key) in [
        (json!({"column_class": "A2b"}), "zon-admitted"),
        (json!({"column_class": "A1a"}), "zon-class"),
        (json!({}), "zon-class-not-stated"),
        (json!({"column_class": "A2b", "height_agl_m": 43}), "zon-height"),
    ] {
        let zone = finding(&said(50.0, column), "ZON").clone();
        assert_eq!((&zone["key"], &zone["rule"]), (&json!(key), &decided("Z-0000")), "{zone}");
    }
    let edge = finding(&said(101.0, json!({"column_class": "A2b", "position_accuracy_m": 5})), "ZON").clone();
    assert_eq!((&edge["key"], &edge["rule"]), (&json!("zon-edge"), &decided("Z-0000")), "{edge}");
    // The spacing is that of the zone, too, and elsewhere that of the rules.
    let spacing = |east: f64| finding(&said(east, json!({"column_class": "A2b"})), "SPC")["rule"].clone();
    assert_eq!(spacing(2_050.0), decided("Z-WIDE"));
    assert_eq!(spacing(50.0)["key"], "site.spacing.elsewhere_m");
    // In no zone, and in one that no plan has, nothing was decided.
    for (east, key) in [(500.0, "zon-outside"), (4_050.0, "zon-admitted")] {
        let zone = finding(&said(east, json!({"column_class": "A2b"})), "ZON").clone();
        assert_eq!((&zone["key"], &zone["rule"]), (&json!(key), &Json::Null), "{zone}");
    }
    // What is kept says so, and is made again so.
    let document = feature(point(50.0, 50.0), json!({"height_agl_m": 42, "column_class": "A1a"}));
    let kept = ask(&api, "officer", &format!("{SITES}?{NOW}"), &document).json()["results"][0].clone();
    let run = format!("{SITES}/{}", kept["id"].as_str().unwrap());
    assert_eq!(finding(&api.server.get("officer", &run).json(), "ZON")["rule"], decided("Z-0000"));
    assert_eq!(api.server.get("officer", &format!("{run}/replay")).json()["same"], true);
    // An instance that loads all of it knows who signed, too; and as it was when the zone was in force, once it is not any more.
    let other = crate::support::TestServer::with(api.database.settings());
    let there = |server: &crate::support::TestServer| {
        let headers =
            [("Content-Type", "application/geo+json"), ("Content-Crs", GRID), ("Min-Revision", &*revision(&api))];
        let told =
            server.send("POST", &format!("{SITES}?store=no&{NOW}"), &headers, Some(document.to_string().as_bytes()));
        assert_eq!(told.status, 200, "{}", told.text);
        finding(&told.json()["results"][0], "ZON")["rule"].clone()
    };
    assert_eq!(there(&other), decided("Z-0000"));
    api.done("approver", &plan, "suspend", &json!({}));
    assert_ne!(there(&other), decided("Z-0000"));
    assert_eq!(api.server.get("officer", &format!("{run}/replay")).json()["same"], true);
}

#[test]
fn what_nobody_declared_is_not_checked() {
    let api = Api::new();
    load(&api, VN);
    let (works, corridors) = (Source::Works, Source::Corridors);
    let school = Source::Reference(ReferenceKind::School);
    declare(&api, [works, corridors, school]);
    let result = checked(&api, "officer", NOW, (0.0, 0.0), json!({"antennas": [{"frequency_mhz": 900, "eirp_w": 20}]}));
    holds(&result);
    let gaps = |code: &str| -> Vec<String> {
        let said = finding(&result, code);
        let gaps = said["gaps"].as_array().unwrap().iter();
        gaps.map(|g| format!("{} {}", g["source"].as_str().unwrap(), g["reason"].as_str().unwrap())).collect()
    };
    assert_eq!(finding(&result, "GEO")["verdict"], "pass");
    assert_eq!(gaps("SEN"), ["hospital coverage_undeclared"]);
    assert_eq!(
        finding(&result, "SEN")["message"],
        json!({
        "vi": "Không có dữ liệu cho vị trí này (bệnh viện), nên không tìm thấy gì không có nghĩa là không có.",
        "en": "No data covers this place (hospitals), so nothing found says nothing."})
    );
    for code in ["ZON", "COR", "SPC", "AIR", "EMF", "HER", "DEF", "SEN", "TIM", "COV"] {
        assert_eq!(finding(&result, code)["verdict"], "not_checked", "{code} {result}");
    }
    assert_eq!(gaps("COV").len(), sources().len() - 3);
    assert_eq!(gaps("ZON").len(), 3);
    // Without a rule pack nothing has a limit.
    let bare = Api::new();
    declare(&bare, sources().to_vec());
    let result = checked(&bare, "officer", NOW, (0.0, 0.0), json!({}));
    holds(&result);
    for code in ["COR", "SPC", "AIR", "HER", "DEF", "SEN"] {
        assert_eq!(finding(&result, code)["key"], "no-rule", "{code} {result}");
    }
    assert_eq!(result["verdict"], "not_checked");
}

#[test]
fn outside_every_jurisdiction_only_the_place_is_judged() {
    let api = prepared(Api::new());
    let document =
        |x: f64, y: f64| feature(json!({"type": "Point", "coordinates": [x, y]}), json!({"height_agl_m": 42}));
    let said = |crs: &str, x: f64, y: f64| {
        let answer = api.in_crs(crs, "officer", "POST", &format!("{SITES}?store=no"), &document(x, y));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let result = answer.json()["results"][0].clone();
        holds(&result);
        assert_eq!((&result["jurisdiction"], &result["verdict"]), (&Json::Null, &json!("block")));
        for finding in &result["findings"].as_array().unwrap()[1..] {
            assert_eq!((&finding["verdict"], &finding["key"]), (&json!("not_checked"), &json!("outside")), "{finding}");
        }
        assert_eq!(finding(&result, "GEO")["verdict"], "block");
        ["vi", "en"].map(|language| finding(&result, "GEO")["message"][language].as_str().unwrap().to_owned())
    };
    let epsg = |code: u32| format!("<http://www.opengis.net/def/crs/EPSG/0/{code}>");
    let wgs = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>";
    let outside = ["Vị trí nằm ngoài mọi địa bàn.", "The place lies outside every jurisdiction."];
    for [x, y] in [[106.7, 10.78], [-71.5, -12.0], [0.0, 0.0]] {
        assert_eq!(said(wgs, x, y), outside, "{x} {y}");
    }
    let [east, north] = crate::help::ORIGIN;
    let swapped = [
        "Vị trí nằm ngoài mọi địa bàn; nếu đổi chỗ hai tọa độ thì nằm trong VN-72.",
        "The place lies outside every jurisdiction; with the axes swapped it lies in VN-72.",
    ];
    assert_eq!(said(&epsg(9218), north, east), swapped);
    let meridian = said(&epsg(3405), east, north);
    assert!(meridian[0].contains("các số này khớp với VN-72: "), "{meridian:?}");
    assert!(meridian[1].contains("the numbers fit VN-72: ") && meridian[1].contains("9218 (VN-2000"), "{meridian:?}");
    // Nearer to the boundary than the place is known nobody can tell, on either side.
    let edge = json!({"type": "Point", "coordinates": [107.2029, 12.16]});
    let near = api.server.post("", SITES, &feature(edge, json!({"height_agl_m": 42, "position_accuracy_m": 100})));
    let geo = finding(&near.json()["results"][0], "GEO").clone();
    assert_eq!((&geo["verdict"], &geo["key"]), (&json!("needs_survey"), &json!("geo-boundary")), "{geo}");
}

/// A document, and each problem of it.
type Bad = (Json, &'static [&'static str]);

fn bad_documents() -> Vec<Bad> {
    let of = |properties: Json| feature(point(0.0, 0.0), properties);
    let with = |antenna: Json| of(json!({"height_agl_m": 42, "antennas": [antenna]}));
    vec![
        (
            of(json!({"height_agl_m": -5, "column_class": "B9"})),
            &[
                "/properties/height_agl_m: is -5; it must lie between",
                "/properties/column_class: «B9» is not known here; known are A1a, A1b, A2a, A2b, A2c",
            ],
        ),
        (of(json!({})), &["/properties/height_agl_m: is missing"]),
        (
            of(json!({"height_agl_m": "tall", "kind": "tower"})),
            &["/properties/height_agl_m: ", "/properties/kind: «tower» is not known here"],
        ),
        (
            with(json!({"frequency_mhz": 900, "eirp_w": 2_000_000})),
            &["/properties/antennas/0/eirp_w: 2000000 W is implausible"],
        ),
        (
            with(json!({"frequency_mhz": 900, "eirp_dbm": 500})),
            &["/properties/antennas/0/eirp_dbm: 500 dBm is implausible"],
        ),
        (
            with(json!({"frequency_mhz": 900, "eirp_dbm": 50, "eirp_w": 100})),
            &["/properties/antennas/0/eirp_dbm: stands beside eirp_w"],
        ),
        (with(json!("strong")), &["/properties/antennas/0: "]),
        (
            with(json!({"frequency_mhz": 900, "eirp_w": 100, "height_agl_m": 43})),
            &["/properties/antennas/0/height_agl_m: 43 m is above the column's 42 m"],
        ),
        (
            of(json!({"height_agl_m": 42, "starts_on": "2026-02-30", "colour": "red"})),
            &["/properties/starts_on: ", "/properties/colour: is not a property"],
        ),
        (feature(line(&[(0.0, 0.0), (9.0, 0.0)]), json!({"height_agl_m": 42})), &["/geometry/type: must be \"Point\""]),
        (feature(Json::Null, json!({"height_agl_m": 42})), &["/geometry: is missing or null"]),
        (point(0.0, 0.0), &["/type: must be \"Feature\""]),
        (json!({"type": "FeatureCollection", "features": []}), &["/features: is empty"]),
        (
            json!({"type": "FeatureCollection", "features": [of(json!({"height_agl_m": 42})), of(json!({"height_agl_m": -5})), 7]}),
            &["/features/1/properties/height_agl_m: is -5", "/features/2: "],
        ),
    ]
}

#[test]
fn every_problem_of_a_question_is_told_at_its_place() {
    let api = Api::new();
    for (document, expect) in bad_documents() {
        let refused = ask(&api, "", SITES, &document);
        assert_eq!(refused.status, 422, "{document}: {}", refused.text);
        let mut problems = refused.problems();
        problems.sort();
        let mut expect = expect.to_vec();
        expect.sort_unstable();
        assert_eq!(problems.len(), expect.len(), "{document}: {problems:#?}");
        for (problem, expect) in problems.iter().zip(expect) {
            assert!(problem.starts_with(expect), "{document}: {problem}");
        }
    }
    let good = feature(point(0.0, 0.0), json!({"height_agl_m": 42}));
    for query in ["?heigth=4", "?at=yesterday", "?at=2026-06-01T00:00:00Z&at=2026-06-01T00:00:00Z"] {
        let refused = ask(&api, "", &format!("{SITES}{query}"), &good);
        assert_eq!(refused.status, 400, "{query}: {}", refused.text);
    }
    let many = json!({"type": "FeatureCollection", "features": vec![good.clone(); 1_001]});
    let refused = ask(&Api::with(|settings| settings.subjects_max = 1_000), "", SITES, &many);
    assert_eq!(refused.status, 413, "{}", refused.text);
    // Several at once are answered in their order.
    let named =
        |id: Json, east: f64| merged(json!({"id": id}), &feature(point(east, 0.0), json!({"height_agl_m": 42})));
    let several =
        json!({"type": "FeatureCollection", "features": [named(json!("b"), 0.0), named(json!(7), 9.0), good]});
    let answer = ask(&api, "", SITES, &several).json();
    let names: Vec<&str> =
        answer["results"].as_array().unwrap().iter().map(|r| r["subject"]["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["b", "7", "2"]);
}

#[test]
fn a_batch_answers_each_line_in_its_place() {
    let api = town();
    let good = |east: f64| feature(point(east, 0.0), json!({"height_agl_m": 42, "column_class": "A2b"})).to_string();
    let bad = feature(point(0.0, 0.0), json!({"height_agl_m": -5})).to_string();
    let body = [good(3_000.0), bad, "{".into(), good(-5_800.0), good(0.0)].join("\n");
    let bearer = format!("Bearer {}", token("officer"));
    let headers = [
        ("Content-Type", "application/x-ndjson"),
        ("Content-Crs", GRID),
        ("Authorization", &*bearer),
        ("Min-Revision", &*revision(&api)),
    ];
    let answer = api.server.send("POST", &format!("{SITES}/batch?{NOW}"), &headers, Some(body.as_bytes()));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let lines: Vec<Json> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|l| l["line"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    for n in [0, 3, 4] {
        let result = &lines[n]["results"][0];
        holds(result);
        let east = [3_000.0, 0.0, 0.0, -5_800.0, 0.0][n];
        let mut single = checked(&api, "officer", NOW, (east, 0.0), json!({"column_class": "A2b"}));
        single["at"] = result["at"].clone();
        assert_eq!(*result, single);
    }
    assert_eq!(lines[1]["error"]["errors"][0]["pointer"], "/properties/height_agl_m", "{}", lines[1]);
    assert!(lines[2]["error"]["status"].is_number(), "{}", lines[2]);
}

/// All layers, for the declarations above are by kind.
#[test]
fn what_the_checks_read_is_in_every_layer() {
    let layers: Vec<Layer> = sources().iter().map(|s| s.layer()).collect();
    assert!(Layer::all().all(|layer| layers.contains(&layer)));
}
