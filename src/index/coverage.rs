//! Where the layers of a jurisdiction hold all there is, prepared for many questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::domain::coverage::{Coverage, RegisteredCoverage};
use crate::domain::layer::Layer;
use crate::domain::reference::ReferenceKind;
use crate::geometry::measure::Prepared;
use crate::geometry::union::Union;
use crate::geometry::{LonLat, MultiPolygon};

/// The coverage of every layer of a jurisdiction. A layer that declares none is not in it and costs nothing.
#[derive(Debug, Default)]
pub struct Coverages(BTreeMap<(Layer, Option<ReferenceKind>), Declared>);

/// What one layer declares.
#[derive(Debug)]
struct Declared {
    areas: Vec<Uuid>,
    lonlat: Vec<LonLat<MultiPolygon<f64>>>,
    union: Arc<Union>,
    /// The first days for which one of the areas, and for which all of them answer.
    since: (Date, Date),
}

/// What the areas of a layer say of some ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// How much of it lies in them.
    pub coverage: Coverage,
    /// Where that cannot be relied on for an earlier day: from which day on it can.
    pub later: Option<Date>,
}

impl Coverages {
    /// Prepares the union of the areas of each layer of a jurisdiction with this time zone. An area never changes, so what
    /// `known` has of the same ones is taken over.
    #[must_use]
    pub fn new(areas: &[RegisteredCoverage], time_zone: &TimeZone, known: Option<&Coverages>) -> Self {
        let sources: BTreeSet<_> = areas.iter().map(|a| (a.area.layer, a.area.kind)).collect();
        let declared = |(layer, kind): (Layer, Option<ReferenceKind>)| {
            let of_layer = || areas.iter().filter(|a| a.area.layer == layer && a.area.kind == kind);
            let days = || of_layer().map(|a| a.since(time_zone.clone()));
            let ids: Vec<_> = of_layer().map(|a| a.id).collect();
            let same = known.and_then(|known| known.0.get(&(layer, kind))).filter(|declared| declared.areas == ids);
            let prepare = || {
                let grid: Vec<_> = of_layer().map(|a| a.area.grid.clone()).collect();
                Arc::new(Union::of(&grid))
            };
            let union = same.map_or_else(prepare, |declared| Arc::clone(&declared.union));
            let lonlat = of_layer().map(|a| a.area.lonlat.clone()).collect();
            let since = days().min().zip(days().max())?;
            Some(((layer, kind), Declared { areas: ids, lonlat, union, since }))
        };
        Self(sources.into_iter().filter_map(declared).collect())
    }

    /// How much of a shape and the ground within `distance` metres of it a layer answers for on `day`. Before the last
    /// of its areas was declared nothing is full: only the union of all of them is prepared, and which of them was
    /// there on that day is not looked at.
    #[must_use]
    pub fn of(&self, layer: Layer, shape: &Prepared, distance: f64, day: Date) -> Said {
        self.of_kind(layer, None, shape, distance, day)
    }

    /// The same of reference features of a kind.
    #[must_use]
    pub fn of_kind(
        &self,
        layer: Layer,
        kind: Option<ReferenceKind>,
        shape: &Prepared,
        distance: f64,
        day: Date,
    ) -> Said {
        let Some(declared) = self.0.get(&(layer, kind)) else {
            return Said { coverage: Coverage::Undeclared, later: None };
        };
        let (first, all) = declared.since;
        if day < first {
            return Said { coverage: Coverage::Undeclared, later: Some(all) };
        }
        let coverage = if declared.union.holds_with(shape, distance) {
            Coverage::Full
        } else if declared.union.meets(shape, distance) {
            Coverage::Partial
        } else {
            Coverage::None
        };
        Said { coverage, later: (day < all && coverage != Coverage::None).then_some(all) }
    }

    /// The areas of a layer in WGS 84.
    #[must_use]
    pub fn areas(&self, layer: Layer) -> &[LonLat<MultiPolygon<f64>>] {
        self.0.get(&(layer, None)).map_or(&[], |declared| &declared.lonlat)
    }
}
