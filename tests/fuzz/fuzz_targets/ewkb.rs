//! Shapes as a database delivers and takes them: whatever bytes come are refused or read, and what is written is read as
//! the same, to the bit.
#![no_main]

use clearway_fuzz::geometry::Geometry;
use clearway_fuzz::shapes::Bytes;
use clearway_fuzz::store::ewkb;
use geo::CoordsIter;
use libfuzzer_sys::fuzz_target;

fn bits(shape: &Geometry<f64>) -> Vec<[u64; 2]> {
    shape.coords_iter().map(|c| [c.x.to_bits(), c.y.to_bits()]).collect()
}

/// What is no number equals nothing, so a ring of it never ends where it begins, and none is ever stored.
fn comes_back(shape: &Geometry<f64>, srid: i32) {
    if shape.coords_iter().any(|c| c.x.is_nan() || c.y.is_nan()) {
        return;
    }
    let bytes = ewkb::write(shape, srid).expect("a shape of a type that is stored");
    let (back, named) = ewkb::read(&bytes).expect("what was written");
    assert_eq!((&back, named), (shape, u32::try_from(srid).ok()), "what is written is read as the same");
    assert_eq!(bits(&back), bits(shape), "to the bit");
    for end in 0..bytes.len() {
        assert!(ewkb::read(&bytes[..end]).is_err(), "{end} bytes of {} are a shape", bytes.len());
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok((shape, srid)) = ewkb::read(data) {
        assert!(shape.coords_count() <= data.len(), "more positions than bytes");
        if let Ok(srid) = srid.unwrap_or(0).try_into() {
            comes_back(&shape, srid);
        }
    }
    let mut bytes = Bytes::new(data);
    let srid = i32::from(bytes.byte()) * 100;
    comes_back(&bytes.shape(), srid);
});
