//! Jurisdictions: whose ground it is, and on which working grid it is measured.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::geometry::crs::{self, Epsg, Grid, LonLat};
use crate::geometry::measure::Prepared;
use crate::geometry::union::Union;
use crate::geometry::{Bounds, Geometry, Metres, MultiPolygon, Problem, outside, valid};
use geo::CoordsIter;

/// A jurisdiction, ready to place features. `code` is ISO 3166-2.
#[derive(Debug, Clone)]
pub struct Jurisdiction {
    /// ISO 3166-2, such as `VN-72`.
    pub code: String,
    /// Its name in Vietnamese, or in its own language.
    pub name_vi: String,
    /// Its name in English.
    pub name_en: String,
    /// The working grid: a projected system in metres.
    pub grid: Epsg,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// Further systems in which data of this place are found: used to name the meridian that fits.
    pub related_crs: Vec<Epsg>,
    /// The boundary.
    pub boundary: LonLat<MultiPolygon<f64>>,
    boundary_grid: Arc<Prepared>,
    ground: Arc<Union>,
    bounds: Bounds,
    area_m2: f64,
}

/// How much longer or shorter lengths on a working grid may be than on the ground: 0.01 is a metre in a hundred. A grid
/// made for the place keeps a tenth of it, a neighbouring UTM zone about half; Web Mercator, or another country's grid
/// by a slip of the pen, does not.
pub const LENGTH_ERROR_MAX: f64 = 0.01;

/// What somebody says of a jurisdiction before it is checked.
#[derive(Debug, Clone)]
pub struct JurisdictionDraft {
    /// ISO 3166-2.
    pub code: String,
    /// Name in Vietnamese, or in its own language.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// EPSG code of the working grid.
    pub grid: Epsg,
    /// IANA name of the time zone.
    pub time_zone: String,
    /// Further systems in which its data are found.
    pub related_crs: Vec<Epsg>,
    /// A `Polygon` or `MultiPolygon` in WGS 84.
    pub boundary: Geometry<f64>,
}

impl Jurisdiction {
    /// Checks a draft and prepares the boundary on the grid.
    ///
    /// # Errors
    /// Every problem of the draft.
    pub fn new(draft: JurisdictionDraft) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if !is_subdivision_code(&draft.code) {
            problems.push(Problem::new("/code", format!("«{}» is not an ISO 3166-2 code such as VN-72", draft.code)));
        }
        if draft.name_vi.trim().is_empty() || draft.name_en.trim().is_empty() {
            problems.push(Problem::new("/name", "is missing"));
        }
        if TimeZone::get(&draft.time_zone).is_err() {
            problems.push(Problem::new("/time_zone", format!("«{}» is not a time zone", draft.time_zone)));
        }
        match crs::definition(draft.grid) {
            Ok(d) if d.metric => {}
            Ok(d) => problems.push(Problem::new(
                "/grid",
                format!("{} ({}) is not a plane in metres, so nothing can be measured on it", draft.grid, d.name),
            )),
            Err(e) => problems.push(Problem::new("/grid", e.to_string())),
        }
        let polygons = area_of(draft.boundary);
        if polygons.is_none() {
            problems.push(Problem::new("/boundary", "must be a Polygon or a MultiPolygon"));
        }
        if let Some(polygons) = &polygons {
            let whole = Geometry::MultiPolygon(polygons.clone());
            problems.extend(valid::problems(&whole).into_iter().map(|p| p.under("/boundary")));
        }
        let (true, Some(polygons)) = (problems.is_empty(), polygons) else { return Err(problems) };
        let whole = Geometry::MultiPolygon(polygons.clone());
        let bounds = Bounds::of(whole.coords_iter());
        let on_grid = crs::project(&whole, Epsg::WGS84, draft.grid)
            .map_err(|e| vec![Problem::new("/boundary", e.to_string())])?;
        let area_m2 = geo::Area::unsigned_area(&on_grid);
        let ground = Union::of(&[Grid(area_of(on_grid.clone()).unwrap_or(MultiPolygon(Vec::new())))]);
        Ok(Self {
            code: draft.code,
            name_vi: draft.name_vi,
            name_en: draft.name_en,
            grid: draft.grid,
            time_zone: draft.time_zone,
            related_crs: draft.related_crs,
            boundary: LonLat(polygons),
            boundary_grid: Arc::new(Prepared::new(&Grid(on_grid))),
            ground: Arc::new(ground),
            bounds,
            area_m2,
        })
    }

    /// Lengths on the working grid are those on the ground, along the boundary, within [`LENGTH_ERROR_MAX`].
    ///
    /// # Errors
    /// A problem of the grid: a clearance measured on it would not be one.
    pub fn measures_truly(&self) -> Result<(), Vec<Problem>> {
        let error = crs::length_error(&self.boundary.0, self.grid)
            .map_err(|e| vec![Problem::new("/boundary", e.to_string())])?;
        if error <= LENGTH_ERROR_MAX {
            return Ok(());
        }
        let name = crs::definition(self.grid).map(|d| d.name.clone()).unwrap_or_default();
        let detail = format!(
            "{} ({name}) is not made for this place: lengths on it are up to {:.1} % wrong here, and {} % is the limit",
            self.grid,
            error * 100.0,
            LENGTH_ERROR_MAX * 100.0
        );
        Err(vec![Problem::new("/grid", detail)])
    }

    /// The boundary on the working grid.
    #[must_use]
    pub fn boundary_grid(&self) -> &Prepared {
        &self.boundary_grid
    }

    /// `shape` and the ground within `distance` metres of it lie wholly inside the boundary, touching it nowhere.
    #[must_use]
    pub fn holds_with(&self, shape: &Prepared, distance: f64) -> bool {
        self.ground.holds_with(shape, distance)
    }

    /// `shape` lies inside the boundary widened by `reach`, off the edge of that.
    #[must_use]
    pub fn holds_widened(&self, shape: &Prepared, reach: Metres) -> bool {
        let widened = area_of(outside::around(&self.boundary_grid.geometry(), reach.get()));
        widened.is_some_and(|area| Union::of(&[Grid(area)]).holds_with(shape, 0.0))
    }

    /// Area inside the boundary on the grid, in m²: the smaller of two that both hold a place is the nearer one.
    #[must_use]
    pub fn area_m2(&self) -> f64 {
        self.area_m2
    }

    /// The box round the boundary in WGS 84, widened by `metres` on the safe side.
    #[must_use]
    pub fn bounds_widened(&self, metres: f64) -> Bounds {
        let latitude = self.bounds.max[1].abs().max(self.bounds.min[1].abs()).min(89.0);
        let dy = metres / 110_000.0;
        let dx = dy / latitude.to_radians().cos();
        Bounds {
            min: [self.bounds.min[0] - dx, self.bounds.min[1] - dy],
            max: [self.bounds.max[0] + dx, self.bounds.max[1] + dy],
        }
    }

    /// The time zone whose calendar days count here.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}

/// The polygons of an area; `None` where a shape is none.
pub(super) fn area_of(shape: Geometry<f64>) -> Option<MultiPolygon<f64>> {
    match shape {
        Geometry::Polygon(p) => Some(MultiPolygon(vec![p])),
        Geometry::MultiPolygon(m) => Some(m),
        _ => None,
    }
}

/// Whether a text has the form of an ISO 3166-2 code, such as `VN-72`.
pub(crate) fn is_subdivision_code(code: &str) -> bool {
    let Some((country, part)) = code.split_once('-') else { return false };
    country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && (1..=3).contains(&part.len())
        && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
