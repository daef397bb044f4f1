//! Tables.

use proptest::prelude::*;

use super::super::feed::Feed;
use super::super::rows::{Cutting, Rows, delimiter};
use super::*;
use crate::geometry::Epsg;

fn table(text: impl AsRef<[u8]>, expected: &[&str]) {
    check(text, Some(Format::Csv), &options(), expected);
}

fn refused(header: &str, options: &ReadOptions, expected: &str) {
    check(format!("{header}\n"), Some(Format::Csv), options, &[&format!("REFUSED {expected}")]);
}

#[test]
fn reads_every_delimiter_and_line_end() {
    let expected = ["row 1 (line 2): code=«a b» [107.5,12.0]", "row 2 (line 3): [108.0,11.0]"];
    for delimiter in [",", ";", "\t", "|"] {
        for end in ["\n", "\r\n"] {
            for last in ["", end] {
                for mark in ["", "\u{FEFF}"] {
                    let rows =
                        ["code;lon;lat", " a b ;107.5;12.0", ";\"108\";11"].map(|row| row.replace(';', delimiter));
                    let text = format!("{mark}{}{last}", rows.join(end));
                    table(&text, &expected);
                    check(&text, None, &options(), &expected);
                }
            }
        }
    }
    table("code,lon,lat", &[]);
    table("sep=;\ncode;lon;lat\na,b;1;2", &["row 1 (line 3): code=«a,b» [1.0,2.0]"]);
    table("\"code;x,y,z\";lon;lat\na;1;2", &["row 1 (line 2): [1.0,2.0]"]);
}

#[test]
fn takes_a_field_from_the_one_column_that_differs_in_case() {
    table("Code,LON,lat\na,1,2", &["row 1 (line 2): code=«a» [1.0,2.0]"]);
    table("CODE,code,lon,lat\na,b,1,2", &["row 1 (line 2): code=«b» [1.0,2.0]"]);
    table("CODE,Code,lon,lat\na,b,1,2", &["row 1 (line 2): [1.0,2.0]"]);
    let mut mapped = options();
    mapped.map = vec![("code".into(), "ref".into())];
    check("Code,ref,lon,lat\na,b,1,2", Some(Format::Csv), &mapped, &["row 1 (line 2): code=«b» [1.0,2.0]"]);
}

#[test]
fn reads_quoted_cells_over_lines() {
    table(
        "code,lat,lon\n\"a \"\"b\"\",\nc\",12,107\n\n,,\nd,12,107\n",
        &["row 1 (line 2): code=«a \"b\",\nc» [107.0,12.0]", "row 3 (line 6): code=«d» [107.0,12.0]"],
    );
}

#[test]
fn names_what_is_wrong_with_a_row() {
    table(
        "code,lon,lat\na,107\nb,1,2,3\n\"c,1,2\nd,1,2\ne\",1\nf,1,2",
        &[
            "row 1 (line 2) lost !  has 2 cells, the header has 3",
            "row 2 (line 3) lost !  has 4 cells, the header has 3",
            "row 3 (line 4) lost !  has 2 cells, the header has 3; it goes on to line 6: perhaps a quotation mark is \
             not closed",
            "row 4 (line 7): code=«f» [1.0,2.0]",
        ],
    );
    table(
        "code,lon,lat\na,1,2\n\"b,1,2\nc,1,2\n",
        &[
            "row 1 (line 2): code=«a» [1.0,2.0]",
            "FATAL the file ends inside row 2 (line 3): the quotation mark opened on line 3 is never closed, or the \
             file is cut off",
        ],
    );
    table(
        b"code,lon,la/t,lat\na,1,,2\n\"b\"\"\xE9\",1,\xFF,2\n\xC3,1,\xA9,2\nc,1,,2",
        &[
            "row 1 (line 2): code=«a» [1.0,2.0]",
            "row 2 (line 3) lost ! /code is not UTF-8: the byte 0xE9 stands at byte 29 of the file; save the file as \
             UTF-8 ! /la~1t is not UTF-8: the byte 0xFF stands at byte 34 of the file; save the file as UTF-8",
            "row 3 (line 4) lost ! /code is not UTF-8: the byte 0xC3 stands at byte 38 of the file; save the file as \
             UTF-8 ! /la~1t is not UTF-8: the byte 0xA9 stands at byte 42 of the file; save the file as UTF-8",
            "row 4 (line 5): code=«c» [1.0,2.0]",
        ],
    );
    check(
        format!("code,lon,lat\n{},1,2\nb,1,2\n", "x".repeat(100)),
        None,
        &with(|o| o.record_bytes_max = 50),
        &[
            "row 1 (line 2) lost !  has more than 50 bytes or 16384 cells; perhaps a quotation mark is never closed",
            "row 2 (line 3): code=«b» [1.0,2.0]",
        ],
    );
    table(
        format!("lon,lat\n{}\n1,2", ",".repeat(20_000)),
        &[
            "row 1 (line 2) lost !  has more than 16777216 bytes or 16384 cells; perhaps a quotation mark is never \
             closed",
            "row 2 (line 3): [1.0,2.0]",
        ],
    );
}

#[test]
fn names_what_is_wrong_with_numbers() {
    let check = |header: &str, x: &str, expected: &str| {
        table(format!("{header}\n\"{x}\";1\n"), &[&format!("row 1 (line 2): {expected}")]);
    };
    for bad in ["abc", "nan", "inf", "1e999", "0x10", "1 2", "12°30'", "1,2,3", "1.234,5", ",5", "5,", "--1", "1,-2"] {
        check("x;y", bad, &format!("! /x «{bad}» is not a number"));
    }
    check("lon;lat", "", "! /lon is empty; a number belongs here");
    for (good, expected) in [("12,5", "12.5"), ("-12,25", "-12.25"), ("0,125", "0.125"), ("411677,861", "411677.861")] {
        check("x;y", good, &format!("[{expected},1.0]"));
    }
    check("x;y", "12,345", "! /x «12,345» could be 12.345 or 12345: write a decimal point");
    // No longitude has thousands.
    check("lon;lat", "107,345", "[107.345,1.0]");
    check("x;y", "+1.5e2", "[150.0,1.0]");
    table("x;y\na;b\n", &["row 1 (line 2): ! /x «a» is not a number ! /y «b» is not a number"]);
}

#[test]
fn finds_the_columns_of_the_place() {
    for header in ["lon,lat", "LNG,Latitude", "long,LAT", "Longitude,lat", "x,y", "Easting,Northing", " X , Y "] {
        table(format!("{header}\n1,2"), &["row 1 (line 2): [1.0,2.0]"]);
    }
    for header in ["wkt", "geom", "Geometry", "the_geom", "WKT"] {
        table(format!("{header};z\nLINESTRING (1 2, 3 4);5"), &["row 1 (line 2): [[1.0,2.0],[3.0,4.0]]"]);
    }
    let tail = |header: &str| format!("map lon and lat, x and y, or wkt to one column each; the header is: {header}");
    let none = options();
    refused("a,b", &none, &format!("no column is known to hold the place; {}", tail("«a», «b»")));
    refused("lon,b", &none, &format!("no column is known to hold latitude or northing; {}", tail("«lon», «b»")));
    refused(
        "lon,lat,x,y",
        &none,
        &format!("2 columns could hold longitude or easting; {}", tail("«lon», «lat», «x», «y»")),
    );
    refused("wkt,geom", &none, &format!("2 columns could hold the shape; {}", tail("«wkt», «geom»")));
    refused(
        "wkt,lon,lat",
        &none,
        &format!("both well-known text and coordinates could hold the place; {}", tail("«wkt», «lon», «lat»")),
    );
}

#[test]
fn takes_mapped_columns_of_the_place() {
    let text = "name,lon,lat,E,N,shape\nA,1,2,3,4,POINT (5 6)\n";
    let check = |map: &[(&str, &str)], expected: &str| {
        super::check(text, None, &with(|o| o.map = pairs(map)), &[expected]);
    };
    check(&[("x", "E"), ("y", "N")], "row 1 (line 2): [3.0,4.0]");
    check(&[("lon", "E")], "row 1 (line 2): [3.0,2.0]");
    check(&[("wkt", "shape")], "row 1 (line 2): [5.0,6.0]");
    check(&[("code", "name"), ("kind", "name")], "row 1 (line 2): code=«A» kind=«A» [1.0,2.0]");
    check(&[("x", "E"), ("y", "N"), ("code", "lon")], "row 1 (line 2): code=«1» [3.0,4.0]");
    let header = "«name», «lon», «lat», «E», «N», «shape»";
    check(&[("code", "nix")], &format!("REFUSED there is no column «nix» to map; the header is: {header}"));
    check(&[("x", "nix")], &format!("REFUSED there is no column «nix» to map; the header is: {header}"));
    let mut rest = reader(text, None, &with(|o| o.map = pairs(&[("code", "name")]))).unwrap();
    assert_eq!(rest.by_ref().count(), 1);
    assert_eq!(rest.unused().iter().map(String::as_str).collect::<Vec<_>>(), ["E", "N", "shape"]);
    refused("code,code,lon,lat", &options(), "the header names the column «code» twice");
    super::check("a,a,lon,lat\n1,2,3,4", None, &options(), &["row 1 (line 2): [3.0,4.0]"]);
}

#[test]
fn swaps_axes_only_where_the_names_leave_it_open() {
    let swapped = with(|o| o.axes = Axes::NorthEast);
    check("x,y\n1,2", None, &swapped, &["row 1 (line 2): [2.0,1.0]"]);
    check("wkt\nPOINT (1 2)", Some(Format::Csv), &swapped, &["row 1 (line 2): [2.0,1.0]"]);
    check("lon,lat\n1,2", None, &swapped, &["row 1 (line 2): [1.0,2.0]"]);
    check("northing,easting\n1,2", None, &swapped, &["row 1 (line 2): [2.0,1.0]"]);
    let mapped = with(|o| (o.axes, o.map) = (Axes::NorthEast, pairs(&[("x", "a"), ("y", "b")])));
    check("a,b\n1,2", None, &mapped, &["row 1 (line 2): [2.0,1.0]"]);
}

#[test]
fn reads_well_known_text_with_its_system() {
    let text = "wkt;code\nSRID=9218;POINT Z (1 2 3);a\nPOINT EMPTY;b\n;c\n\"POLYGON ((0 0,1 0,1 1,0 1))\";d\n";
    let wrong = "says SRID=9218, but the file is read as EPSG:4326; say which is right with --crs";
    let rest = [
        "row 2 (line 3): code=«b» ! /wkt is EMPTY: an empty geometry stands nowhere",
        "row 3 (line 4): code=«c» ! /wkt is empty: a row without a shape stands nowhere",
        "row 4 (line 5): code=«d» ! /wkt ring 1: the ring is not closed: it starts at [0, 0] and ends at [0, 1]; \
         repeat the first position at the end",
    ];
    // An unquoted semicolon would end the cell, so the delimiter matters.
    let text = text.replace("SRID=9218;", "\"SRID=9218;").replace("3);a", "3)\";a");
    table(&text, &[&format!("row 1 (line 2): code=«a» ! /wkt {wrong}"), rest[0], rest[1], rest[2]]);
    let on_grid = with(|o| o.crs = Epsg(9218));
    check(&text, Some(Format::Csv), &on_grid, &["row 1 (line 2): code=«a» [1.0,2.0]", rest[0], rest[1], rest[2]]);
}

#[test]
fn fills_defaults() {
    let options = with(|o| o.set = pairs(&[("kind", "bts"), ("status", "planned")]));
    check(
        "kind,lon,lat\n,1,2\nmast,1,2\n",
        None,
        &options,
        &[
            "row 1 (line 2): kind=«bts» status=«planned» [1.0,2.0]",
            "row 2 (line 3): kind=«mast» status=«planned» [1.0,2.0]",
        ],
    );
}

#[test]
fn refuses_headers_that_are_none() {
    refused("\"code,lon", &options(), "a quotation mark is opened in the header (line 1) and never closed");
    refused("{\"a\":1}", &options(), "the file is taken for a table, but it starts like JSON; name its format");
    check(
        b"co\xE9de,lon,lat\n",
        Some(Format::Csv),
        &options(),
        &["REFUSED column 1 of the header is not UTF-8: the byte 0xE9 stands at byte 2 of the file; save the file as \
           UTF-8"],
    );
}

proptest! {
    /// Cuts every text into the rows and cells that the `csv` crate finds, but for texts that end in an open
    /// quotation mark, which that crate takes for a whole cell.
    #[test]
    fn cuts_like_the_csv_crate(text in "[ab,\"\n\r]{0,40}", sizes in prop::collection::vec(1_usize..5, 1..4)) {
        let mut expected = Vec::new();
        let mut peer = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        for row in peer.records() {
            expected.push(row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
        }
        let inner = Chunks { inner: Cursor::new(text.clone().into_bytes()), sizes, turn: 0 };
        let mut feed = Feed::new(Source::of(inner, None));
        let mut rows = Rows::new(b',', 1_000, 1_000);
        let mut found = Vec::new();
        loop {
            match rows.next(&mut feed).unwrap() {
                Cutting::End => break,
                Cutting::Unclosed { .. } => {
                    expected.pop();
                    break;
                }
                Cutting::Row => {
                    let cells = (0..rows.count()).map(|index| String::from_utf8_lossy(rows.cell(index)).into_owned());
                    found.push(cells.collect::<Vec<_>>());
                }
                Cutting::TooLong => prop_assert!(false, "nothing here is too long"),
            }
        }
        prop_assert_eq!(found, expected);
    }

    /// Whatever the bytes are, they are read to an end.
    #[test]
    fn survives_any_bytes(
        bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:;\\\n\r\x1e\xE9\xC3\xA9 ae1-.".to_vec()), 0..80),
        start in prop::sample::select(vec!["", "lon,lat\n", "{\"features\":[", "{\"type\":\"Feature\",", "\u{1e}"]),
    ) {
        let text = [start.as_bytes(), &bytes].concat();
        for format in [None, Some(Format::GeoJson), Some(Format::GeoJsonLines), Some(Format::Csv)] {
            if let Ok(all) = reader(&text, format, &options()) {
                prop_assert!(all.count() <= text.len() + 1);
            }
        }
    }
}

#[test]
fn guesses_the_delimiter() {
    for (text, expected) in [
        ("a,b;c,d", b','),
        ("a;b;c,d", b';'),
        ("a\tb", b'\t'),
        ("a|b", b'|'),
        ("a", b','),
        ("\"a,b,c\";d", b';'),
        ("a;b\n1,2,3,4", b';'),
    ] {
        assert_eq!(delimiter(text.as_bytes()), (expected, 0), "{text}");
    }
    assert_eq!(delimiter(b"sep=|\na|b"), (b'|', 5));
}
