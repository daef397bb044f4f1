//! Where the layers of a jurisdiction hold all there is, prepared for many questions.

use std::collections::BTreeMap;

use crate::domain::coverage::{Coverage, CoverageArea};
use crate::domain::layer::Layer;
use crate::geometry::measure::Prepared;
use crate::geometry::union::Union;
use crate::geometry::{LonLat, MultiPolygon};

/// The coverage of every layer of a jurisdiction. A layer that declares none is not in it and costs nothing.
#[derive(Debug, Default)]
pub struct Coverages(BTreeMap<Layer, Declared>);

/// What one layer declares.
#[derive(Debug)]
struct Declared {
    lonlat: Vec<LonLat<MultiPolygon<f64>>>,
    union: Union,
}

impl Coverages {
    /// Prepares the union of the areas of each layer.
    #[must_use]
    pub fn new(areas: &[CoverageArea]) -> Self {
        let declared = |layer: Layer| {
            let of_layer = || areas.iter().filter(|a| a.layer == layer);
            let grid: Vec<_> = of_layer().map(|a| a.grid.clone()).collect();
            let lonlat = of_layer().map(|a| a.lonlat.clone()).collect();
            (!grid.is_empty()).then(|| (layer, Declared { lonlat, union: Union::of(&grid) }))
        };
        Self(Layer::all().filter_map(declared).collect())
    }

    /// How much of a shape and the ground within `distance` metres of it a layer answers for.
    #[must_use]
    pub fn of(&self, layer: Layer, shape: &Prepared, distance: f64) -> Coverage {
        match self.0.get(&layer) {
            None => Coverage::Undeclared,
            Some(declared) if declared.union.holds_with(shape, distance) => Coverage::Full,
            Some(declared) if declared.union.meets(shape, distance) => Coverage::Partial,
            Some(_) => Coverage::None,
        }
    }

    /// The areas of a layer in WGS 84.
    #[must_use]
    pub fn areas(&self, layer: Layer) -> &[LonLat<MultiPolygon<f64>>] {
        self.0.get(&layer).map_or(&[], |declared| &declared.lonlat)
    }
}
