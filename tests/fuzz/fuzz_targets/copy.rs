//! Rows for an index as PostgreSQL copies them: whatever bytes come, in whatever pieces, they are the same rows or the same
//! error; and the columns of a sound row are found in it.
#![no_main]

use std::sync::Arc;

use clearway_fuzz::domain::conflict::Facts;
use clearway_fuzz::domain::corridor::{Corridor, CorridorFacts};
use clearway_fuzz::domain::layer::NounFacts;
use clearway_fuzz::domain::reference::{Attributes, Decision, Reference, ReferenceFacts, ReferenceKind};
use clearway_fuzz::domain::rules::LandKind;
use clearway_fuzz::domain::word::Word;
use clearway_fuzz::domain::work::{Work, WorkFacts};
use clearway_fuzz::geometry::{Geometry, Grid, MultiLineString};
use clearway_fuzz::shapes::Bytes;
use clearway_fuzz::store::copied::{Copied, Decoder};
use clearway_fuzz::store::ewkb;
use clearway_fuzz::store::records::IndexRow;
use geo::CoordsIter;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Bytes of a sound copy that are changed.
const DAMAGES: usize = 4;

/// A row as it is copied, and as it has to be read.
struct Row {
    columns: Vec<Option<Vec<u8>>>,
    read: IndexRow,
}

fn word<W: Word>(bytes: &mut Bytes) -> W {
    W::ALL[usize::from(bytes.byte()) % W::ALL.len()].0
}

fn some<T>(bytes: &mut Bytes, value: impl FnOnce(&mut Bytes) -> T) -> Option<T> {
    (bytes.byte() % 2 == 1).then(|| value(bytes))
}

fn text(bytes: &mut Bytes) -> String {
    (0..bytes.byte() % 8).map(|_| char::from(bytes.byte())).collect()
}

fn number(bytes: &mut Bytes) -> f64 {
    f64::from(bytes.byte()) / 4.0
}

fn day(bytes: &mut Bytes) -> Date {
    date(2000, 1, 1) + i32::from(i16::from_le_bytes([bytes.byte(), bytes.byte()])).days()
}

/// What is no number is never stored.
fn shape(bytes: &mut Bytes) -> Geometry<f64> {
    let shape = bytes.shape();
    let stored = shape.coords_iter().all(|c| c.x.is_finite() && c.y.is_finite());
    if stored { shape } else { Geometry::Point((0.0, 0.0).into()) }
}

fn of_word<W: Word>(word: W) -> Option<Vec<u8>> {
    Some(word.as_str().into())
}

fn of_number(number: Option<f64>) -> Option<Vec<u8>> {
    number.map(|n| n.to_be_bytes().into())
}

fn of_integer(number: Option<i32>) -> Option<Vec<u8>> {
    number.map(|n| n.to_be_bytes().into())
}

fn of_truth(truth: Option<bool>) -> Option<Vec<u8>> {
    truth.map(|truth| vec![u8::from(truth)])
}

/// A `text[]` of one dimension, or of none where it is empty; 25 is the type `text`.
fn of_words<W: Word>(words: &[W]) -> Option<Vec<u8>> {
    let integers = |numbers: &[i32]| numbers.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
    if words.is_empty() {
        return Some(integers(&[0, 0, 25]));
    }
    let mut bytes = integers(&[1, 0, 25, words.len() as i32, 1]);
    for word in words.iter().map(|word| word.as_str()) {
        bytes.extend(integers(&[word.len() as i32]));
        bytes.extend(word.as_bytes());
    }
    Some(bytes)
}

fn of_day(day: Option<Date>) -> Option<Vec<u8>> {
    let days = |day: Date| (day - date(2000, 1, 1)).get_days();
    day.map(|day| days(day).to_be_bytes().into())
}

fn of_shape(shape: &Geometry<f64>) -> Option<Vec<u8>> {
    Some(ewkb::write(shape, 9218).expect("a shape of a type that is stored"))
}

fn facts(bytes: &mut Bytes, noun: impl Into<NounFacts>) -> Facts {
    let id = Uuid::from_bytes(std::array::from_fn(|_| bytes.byte()));
    Facts {
        id,
        code: text(bytes).into(),
        organisation: text(bytes).into(),
        visibility: word(bytes),
        noun: noun.into(),
        attributes: None,
    }
}

/// The columns that both nouns begin with.
fn first_columns(facts: &Facts) -> [Option<Vec<u8>>; 4] {
    let text = |t: &str| Some(t.as_bytes().to_vec());
    [Some(facts.id.as_bytes().to_vec()), text(&facts.code), text(&facts.organisation), of_word(facts.visibility)]
}

fn work(bytes: &mut Bytes) -> Row {
    let (kind, status, method) = (word(bytes), word(bytes), some(bytes, word));
    let (from, to, accuracy) = (some(bytes, day), some(bytes, day), some(bytes, number));
    let (class, height, spare) = (some(bytes, word), some(bytes, number), some(bytes, |bytes| i32::from(bytes.byte())));
    let noun = WorkFacts {
        kind,
        status,
        valid_from: from,
        valid_to: to,
        position_accuracy_m: accuracy,
        capture_method: method,
        column_class: class,
        height_agl_m: height,
        spare_capacity: spare,
    };
    let (facts, grid) = (facts(bytes, noun), shape(bytes));
    let columns = first_columns(&facts).into_iter().chain([
        of_word(kind),
        of_word(status),
        of_day(from),
        of_day(to),
        of_number(accuracy),
        method.and_then(of_word),
        class.and_then(of_word),
        of_number(height),
        of_integer(spare),
        of_shape(&grid),
    ]);
    Row { columns: columns.collect(), read: IndexRow { facts, grid: Grid(grid), centreline: None, land: None } }
}

fn corridor(bytes: &mut Bytes) -> Row {
    let (kind, status, class) = (word(bytes), word(bytes), some(bytes, text));
    let (voltage_kv, clearance_m) = (some(bytes, number), some(bytes, number));
    let (from, to) = (some(bytes, day), some(bytes, day));
    let noun = CorridorFacts { kind, status, in_force_from: from, in_force_to: to, clearance_m };
    let (facts, grid) = (facts(bytes, noun), shape(bytes));
    let line = some(bytes, |bytes| bytes.line()).filter(|l| l.0.iter().all(|c| c.x.is_finite() && c.y.is_finite()));
    let columns = first_columns(&facts).into_iter().chain([
        of_word(kind),
        class.as_ref().map(|c| c.as_bytes().to_vec()),
        of_number(voltage_kv),
        of_word(status),
        of_day(from),
        of_day(to),
        of_number(clearance_m),
        of_shape(&grid),
        line.clone().and_then(|line| of_shape(&Geometry::LineString(line))),
    ]);
    let centreline = line.map(|line| Grid(MultiLineString(vec![line])));
    let land = Some(LandKind::new(kind, class.as_deref(), voltage_kv));
    Row { columns: columns.collect(), read: IndexRow { facts, grid: Grid(grid), centreline, land } }
}

fn reference(bytes: &mut Bytes) -> Row {
    let (kind, from, to) = (word(bytes), some(bytes, day), some(bytes, day));
    let shared = |text: Option<String>| text.map(Arc::from);
    let (name, class) = (shared(some(bytes, text)), shared(some(bytes, text)));
    let count = bytes.byte() % 4;
    let mut attributes = Attributes {
        name,
        class,
        voltage_kv: some(bytes, number),
        half_width_m: some(bytes, number),
        height_agl_m: some(bytes, number),
        elevation_from_m: some(bytes, number),
        elevation_to_m: some(bytes, number),
        column_classes: (0..count).map(|_| word(bytes)).collect(),
        height_max_m: some(bytes, number),
        quota: some(bytes, |bytes| u32::from(bytes.byte())),
        spacing_m: some(bytes, number),
        sharing_required: bytes.byte() % 2 == 1,
        occupied: some(bytes, |bytes| bytes.byte() % 2 == 1),
        eirp_w: some(bytes, number),
        frequency_mhz: some(bytes, number),
        azimuth_deg: some(bytes, number),
        decision: None,
    };
    let mut facts = facts(bytes, ReferenceFacts { kind, valid_from: from, valid_to: to });
    let (dataset, source, dated) = (text(bytes), some(bytes, text), some(bytes, day));
    let signer = some(bytes, text);
    if kind == ReferenceKind::Zone {
        let decision = Decision::of_zone(&facts.code, &dataset, source.as_deref(), dated, signer.as_deref());
        attributes.decision = decision.map(Arc::new);
    }
    let grid = shape(bytes);
    let a = &attributes;
    let text = |text: &Option<Arc<str>>| text.as_ref().map(|t| t.as_bytes().to_vec());
    let columns = first_columns(&facts).into_iter().chain([
        of_word(kind),
        of_day(from),
        of_day(to),
        text(&a.name),
        text(&a.class),
        of_number(a.voltage_kv),
        of_number(a.half_width_m),
        of_number(a.height_agl_m),
        of_number(a.elevation_from_m),
        of_number(a.elevation_to_m),
        of_words(&a.column_classes),
        of_number(a.height_max_m),
        of_integer(a.quota.map(|n| n as i32)),
        of_number(a.spacing_m),
        of_truth(Some(a.sharing_required)),
        of_truth(a.occupied),
        of_number(a.eirp_w),
        of_number(a.frequency_mhz),
        of_number(a.azimuth_deg),
        Some(dataset.into_bytes()),
        source.map(String::into_bytes),
        of_day(dated),
        of_shape(&grid),
        signer.map(String::into_bytes),
    ]);
    let columns = columns.collect();
    facts.attributes = Some(Arc::new(attributes));
    Row { columns, read: IndexRow { facts, grid: Grid(grid), centreline: None, land: None } }
}

/// The bytes of a whole copy.
fn copy(rows: &[Row]) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    for row in rows {
        bytes.extend((row.columns.len() as i16).to_be_bytes());
        for column in &row.columns {
            bytes.extend(column.as_ref().map_or(-1, |c| c.len() as i32).to_be_bytes());
            bytes.extend(column.iter().flatten());
        }
    }
    bytes.extend((-1_i16).to_be_bytes());
    bytes
}

/// The rows of a copy that arrives in pieces, and what is wrong with it.
fn decoded<T: Copied>(copy: &[u8], piece: usize) -> (Vec<String>, Option<String>) {
    let (mut decoder, mut rows) = (Decoder::default(), Vec::new());
    for piece in copy.chunks(piece.max(1)) {
        if let Err(wrong) = T::decode(&mut decoder, piece, &mut |row| rows.push(format!("{row:?}"))) {
            return (rows, Some(format!("{wrong:?}")));
        }
    }
    (rows, decoder.end().err().map(|wrong| format!("{wrong:?}")))
}

fn same_in_pieces<T: Copied>(copy: &[u8], piece: usize) {
    assert_eq!(decoded::<T>(copy, piece), decoded::<T>(copy, copy.len()), "in pieces of {piece}");
}

fn check<T: Copied>(rows: &[Row], damages: &[(usize, u8)], piece: usize) {
    let mut copy = copy(rows);
    let read = rows.iter().map(|row| format!("{:?}", row.read)).collect();
    assert_eq!(decoded::<T>(&copy, piece), (read, None), "what was written is read");
    for (at, change) in damages {
        let at = at % copy.len();
        copy[at] ^= change;
    }
    same_in_pieces::<T>(&copy, piece);
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes::new(data);
    let piece = usize::from(bytes.byte()) + 1;
    same_in_pieces::<Work>(data, piece);
    same_in_pieces::<Corridor>(data, piece);
    same_in_pieces::<Reference>(data, piece);
    let at = |bytes: &mut Bytes| usize::from(u16::from_le_bytes([bytes.byte(), bytes.byte()]));
    let damages: Vec<(usize, u8)> = (0..DAMAGES).map(|_| (at(&mut bytes), bytes.byte())).collect();
    let rows = 1 + bytes.byte() % 2;
    let works: Vec<Row> = (0..rows).map(|_| work(&mut bytes)).collect();
    check::<Work>(&works, &damages, piece);
    let corridors: Vec<Row> = (0..rows).map(|_| corridor(&mut bytes)).collect();
    check::<Corridor>(&corridors, &damages, piece);
    let references: Vec<Row> = (0..rows).map(|_| reference(&mut bytes)).collect();
    check::<Reference>(&references, &damages, piece);
});
