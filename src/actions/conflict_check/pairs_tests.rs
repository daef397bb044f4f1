//! Pairs that are patched are those that are put in order anew.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::actions::conflict_check::kept::tests::work;
use crate::geometry::{Geometry, Grid};

/// Features of the tests: few enough that the same ones change again.
const IDS: u32 = 50;

/// The pair of a work so many metres away.
fn pair(id: u32, metres: u8) -> Option<Arc<KeptPair>> {
    let land = Prepared::new(&Grid(Geometry::Point((0.0, 0.0).into())));
    KeptPair::of(&land, Metres::constant(300.0), Layer::Works, &work(id, f64::from(metres), 0.0))
}

fn said(pairs: &Pairs) -> [Vec<(Uuid, f64)>; 2] {
    [false, true].map(|by_distance| pairs.iter(by_distance).map(|p| (p.entry.facts.id, p.distance_m)).collect())
}

proptest! {
    #[test]
    fn patched_pairs_are_those_in_order(
        // Few distances, so that many are the same.
        changes in vec(vec((0..IDS, prop::option::of(0..9_u8)), 0..60), 1..12)
    ) {
        let (mut patched, mut plain) = (Pairs::default(), HashMap::new());
        for change in changes {
            let changed: Changed = change
                .into_iter()
                .map(|(id, metres)| (Uuid::from_u128(u128::from(id)), metres.and_then(|metres| pair(id, metres))))
                .collect();
            patched = patched.patched(&changed);
            plain.extend(changed);
            let anew = Pairs::new(plain.values().flatten().cloned().collect());
            prop_assert_eq!(said(&patched), said(&anew));
            prop_assert!(anew.iter(true).is_sorted_by_key(|p| (p.distance_m, p.entry.facts.id)));
        }
    }
}
