//! Clearance corridors: land that a road, a line or a reservoir takes.

use geo::CoordsIter;
use jiff::civil::Date;

use super::conflict::{Judged, Severity, TakesLand};
use super::feature::{Centreline, Noun, READ_ONLY};
use super::fields::{Fields, Reading};
use super::jurisdiction::Jurisdiction;
use super::layer::Layer;
use super::place::{Delivered, Placed, place};
use super::rules::LandKind;
use super::word::{Visibility, Word, words};
use super::work::{read_code, read_period};
use crate::geometry::crs::{self, Epsg};
use crate::geometry::{Geometry, Grid, LonLat, Metres, MultiLineString, Problem, buffer};

words! {
    /// What takes the land.
    CorridorKind {
        Road = "road",
        Railway = "railway",
        PowerLine = "power_line",
        Canal = "canal",
        Reservoir = "reservoir",
        Pipeline = "pipeline",
        Airport = "airport",
        Urban = "urban",
        Mining = "mining",
        Defence = "defence",
        Other = "other",
    }
}
words! {
    /// How far a corridor has come.
    CorridorStatus {
        Announced = "announced",
        Surveyed = "surveyed",
        Approved = "approved",
        InForce = "in_force",
        HandedOver = "handed_over",
        Completed = "completed",
        Suspended = "suspended",
        Cancelled = "cancelled",
        Realigned = "realigned",
    }
}

/// Widest half of a corridor, in metres: a reservoir is drawn as a polygon.
pub const HALF_WIDTH_MAX_M: f64 = 5_000.0;
/// No line carries more: the highest in service has 1 150 kV.
pub const VOLTAGE_MAX_KV: f64 = 2_000.0;
/// Widest clearance beyond a corridor's edge, in metres.
pub const CLEARANCE_MAX_M: f64 = 5_000.0;

/// The properties that give the centreline of a corridor its width.
pub const HALF_WIDTHS: [&str; 2] = ["half_width_left_m", "half_width_right_m"];

/// What to say of half-widths that come with a shape drawn for a check: a line is checked as a line, and a width that is
/// passed over would be a wrong "no conflict". An area has its width, so there they do no harm.
#[must_use]
pub fn widths_of_drawn(shape: &Geometry<f64>, states: impl Fn(&str) -> bool) -> Vec<Problem> {
    if matches!(shape, Geometry::Polygon(_) | Geometry::MultiPolygon(_)) {
        return Vec::new();
    }
    let detail = "is not applied to a shape without an area: draw the area it takes, or ask with a clearance";
    let stated = HALF_WIDTHS.into_iter().filter(|name| states(name));
    stated.map(|name| Problem::new(format!("/properties/{name}"), detail)).collect()
}

/// The properties of a corridor.
#[derive(Debug, Clone, PartialEq)]
pub struct CorridorProps {
    /// Human reference, unique in the jurisdiction.
    pub code: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// What takes the land.
    pub kind: CorridorKind,
    /// Class of the road, kind of the line.
    pub class: Option<String>,
    /// Voltage of a line, kV.
    pub voltage_kv: Option<f64>,
    /// How far it has come.
    pub status: CorridorStatus,
    /// The clearance project it belongs to.
    pub project: Option<String>,
    /// Code of the organisation that owns it.
    pub organisation: String,
    /// First day in force.
    pub in_force_from: Option<Date>,
    /// Last day in force.
    pub in_force_to: Option<Date>,
    /// Day on which the cleared land is handed over.
    pub hand_over_on: Option<Date>,
    /// What must stay free beyond the edge, in metres, where this corridor says so itself.
    pub clearance_m: Option<f64>,
    /// Half-width left of the centreline.
    pub half_width_left_m: Option<f64>,
    /// Half-width right of the centreline.
    pub half_width_right_m: Option<f64>,
    /// Who may see it.
    pub visibility: Visibility,
    /// Where the record comes from.
    pub source: Option<String>,
}

/// What a check needs to know of a corridor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CorridorFacts {
    /// What takes the land.
    pub kind: CorridorKind,
    /// How far it has come.
    pub status: CorridorStatus,
    /// First day in force.
    pub in_force_from: Option<Date>,
    /// Last day in force.
    pub in_force_to: Option<Date>,
    /// Its own clearance, in metres.
    pub clearance_m: Option<f64>,
}

impl Judged for CorridorFacts {
    type Side = TakesLand;

    fn side(&self) -> TakesLand {
        TakesLand { clearance_m: self.clearance_m }
    }

    fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    fn severity(&self, day: Date) -> Option<Severity> {
        if self.in_force_to.is_some_and(|d| d < day) {
            return None;
        }
        match self.status {
            CorridorStatus::InForce | CorridorStatus::HandedOver => {
                // Its day has not come yet: it warns, as an approved one does.
                let begun = self.in_force_from.is_none_or(|d| d <= day);
                Some(if begun { Severity::Blocks } else { Severity::Warns })
            }
            CorridorStatus::Announced
            | CorridorStatus::Surveyed
            | CorridorStatus::Approved
            | CorridorStatus::Suspended => Some(Severity::Warns),
            CorridorStatus::Completed | CorridorStatus::Cancelled | CorridorStatus::Realigned => None,
        }
    }
}

/// A clearance corridor.
#[derive(Debug, Clone, PartialEq)]
pub struct Corridor {
    props: CorridorProps,
    place: Placed,
    centreline: Option<Centreline>,
}

impl Corridor {
    /// A corridor out of storage, where only checked ones go.
    #[must_use]
    pub fn stored(props: CorridorProps, place: Placed, centreline: Option<Centreline>) -> Self {
        Self { props, place, centreline }
    }

    /// Makes the land from a centreline that has been placed.
    fn from_line(props: CorridorProps, line: Placed, jurisdiction: &Jurisdiction) -> Result<Self, Vec<Problem>> {
        let (Some(left), Some(right)) = (width(props.half_width_left_m), width(props.half_width_right_m)) else {
            return Err(missing_widths(&props));
        };
        let (Some(lonlat), Some(grid)) = (as_lines(&line.lonlat.0), as_lines(&line.grid.0)) else {
            return Err(vec![Problem::new("/type", "a centreline is a LineString or a MultiLineString")]);
        };
        let centreline = Centreline { lonlat: LonLat(lonlat), grid: Grid(grid), left, right };
        let land = buffer::corridor(&centreline.grid, left, right)
            .map_err(|e| vec![Problem::new("/coordinates", e.to_string())])?;
        let land = Geometry::MultiPolygon(land.0);
        if land.coords_count() == 0 {
            return Err(vec![Problem::new("/coordinates", "the corridor of this centreline has no area")]);
        }
        let in_degrees = crs::project(&land, jurisdiction.grid, Epsg::WGS84)
            .map_err(|e| vec![Problem::new("/coordinates", e.to_string())])?;
        let place = Placed {
            recorded: line.recorded,
            lonlat: LonLat(in_degrees),
            grid_crs: jurisdiction.grid,
            grid: Grid(land),
        };
        Ok(Self { props, place, centreline: Some(centreline) })
    }
}

fn width(metres: Option<f64>) -> Option<Metres> {
    metres.and_then(|m| Metres::new(m).ok())
}

fn missing_widths(props: &CorridorProps) -> Vec<Problem> {
    [("half_width_left_m", props.half_width_left_m), ("half_width_right_m", props.half_width_right_m)]
        .into_iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| Problem::new(format!("/properties/{name}"), "is missing: a centreline needs both half-widths"))
        .collect()
}

fn as_lines(shape: &Geometry<f64>) -> Option<MultiLineString<f64>> {
    match shape {
        Geometry::LineString(l) => Some(MultiLineString(vec![l.clone()])),
        Geometry::MultiLineString(m) => Some(m.clone()),
        _ => None,
    }
}

impl Noun for Corridor {
    type Props = CorridorProps;
    type Facts = CorridorFacts;
    const LAYER: Layer = Layer::Corridors;
    const CENTRELINE: bool = true;
    const WORD: &'static str = "corridor";
    const TITLE: &'static str = "Clearance corridors";
    const ABOUT: &'static str = "Land that roads, lines and reservoirs take";
    const NEVER_EMPTY: &'static [&'static str] =
        &["code", "jurisdiction", "organisation", "kind", "status", "visibility"];
    const OF_SHAPE: &'static [&'static str] = &HALF_WIDTHS;
    const PERIOD: [&'static str; 2] = ["in_force_from", "in_force_to"];
    const OWNERS_STATES: Option<&'static [&'static str]> = Some(&["announced", "surveyed"]);
    const KNOWN: &'static [&'static str] = &[
        "code",
        "jurisdiction",
        "name",
        "kind",
        "class",
        "voltage_kv",
        "status",
        "project",
        "organisation",
        "in_force_from",
        "in_force_to",
        "hand_over_on",
        "clearance_m",
        "half_width_left_m",
        "half_width_right_m",
        "visibility",
        "source",
    ];

    fn read(fields: &Fields, owner: Option<&str>) -> Result<CorridorProps, Vec<Problem>> {
        let mut r = Reading::new(fields, Self::KNOWN, READ_ONLY);
        let code = read_code(&mut r);
        let kind = r.word("kind");
        let kind = r.required("kind", kind);
        let status = r.word("status");
        let status = r.required("status", status);
        let organisation = r.text("organisation").or_else(|| owner.map(str::to_owned));
        let organisation = r.required("organisation", organisation);
        let (in_force_from, in_force_to) = read_period(&mut r, Self::PERIOD);
        let (name, class, project, source) = (r.text("name"), r.text("class"), r.text("project"), r.text("source"));
        let voltage_kv = read_voltage(&mut r);
        let hand_over_on = r.date("hand_over_on");
        let clearance_m = r.number("clearance_m", 0.0, CLEARANCE_MAX_M);
        let half_width_left_m = r.number("half_width_left_m", 0.0, HALF_WIDTH_MAX_M);
        let half_width_right_m = r.number("half_width_right_m", 0.0, HALF_WIDTH_MAX_M);
        if half_width_left_m == Some(0.0) && half_width_right_m == Some(0.0) {
            r.wrong("half_width_right_m", "one of the two half-widths must be more than 0");
        }
        let visibility = r.word("visibility").unwrap_or(Visibility::Public);
        let props = match (kind, status, organisation) {
            (Some(kind), Some(status), Some(organisation)) => Some(CorridorProps {
                code,
                name,
                kind,
                class,
                voltage_kv,
                status,
                project,
                organisation,
                in_force_from,
                in_force_to,
                hand_over_on,
                clearance_m,
                half_width_left_m,
                half_width_right_m,
                visibility,
                source,
            }),
            _ => None,
        };
        r.finish(props)
    }

    fn build(
        props: CorridorProps,
        delivered: Delivered,
        jurisdiction: &Jurisdiction,
        reach: Metres,
    ) -> Result<Self, Vec<Problem>> {
        match &delivered.shape {
            Geometry::Polygon(_) | Geometry::MultiPolygon(_) => {
                if props.half_width_left_m.is_some() || props.half_width_right_m.is_some() {
                    return Err(vec![Problem::new(
                        "/properties/half_width_left_m",
                        "half-widths belong to a centreline; this corridor is drawn as an area",
                    )]);
                }
                Ok(Self { props, place: place(delivered, jurisdiction, reach)?, centreline: None })
            }
            Geometry::LineString(_) | Geometry::MultiLineString(_) => {
                let mut problems = missing_widths(&props);
                match place(delivered, jurisdiction, reach) {
                    Ok(line) if problems.is_empty() => Self::from_line(props, line, jurisdiction),
                    Ok(_) => Err(problems),
                    Err(more) => {
                        problems.extend(more);
                        Err(problems)
                    }
                }
            }
            _ => Err(vec![Problem::new(
                "/type",
                "a corridor is a Polygon or MultiPolygon, or a LineString or MultiLineString with half-widths",
            )]),
        }
    }

    fn with_props(&self, props: CorridorProps, jurisdiction: &Jurisdiction) -> Result<Self, Vec<Problem>> {
        let Some(old) = &self.centreline else {
            if props.half_width_left_m.is_some() || props.half_width_right_m.is_some() {
                return Err(vec![Problem::new(
                    "/properties/half_width_left_m",
                    "half-widths belong to a centreline; this corridor is drawn as an area",
                )]);
            }
            return Ok(Self { props, place: self.place.clone(), centreline: None });
        };
        if width(props.half_width_left_m) == Some(old.left) && width(props.half_width_right_m) == Some(old.right) {
            return Ok(Self { props, place: self.place.clone(), centreline: Some(old.clone()) });
        }
        let line = Placed {
            recorded: self.place.recorded.clone(),
            lonlat: LonLat(Geometry::MultiLineString(old.lonlat.0.clone())),
            grid_crs: self.place.grid_crs,
            grid: Grid(Geometry::MultiLineString(old.grid.0.clone())),
        };
        Self::from_line(props, line, jurisdiction)
    }

    fn props(&self) -> &CorridorProps {
        &self.props
    }

    fn place(&self) -> &Placed {
        &self.place
    }

    fn centreline(&self) -> Option<&Centreline> {
        self.centreline.as_ref()
    }

    fn code(props: &CorridorProps) -> Option<&str> {
        props.code.as_deref()
    }

    fn set_code(props: &mut CorridorProps, code: String) {
        props.code = Some(code);
    }

    fn organisation(props: &CorridorProps) -> &str {
        &props.organisation
    }

    fn status(props: &CorridorProps) -> &'static str {
        props.status.as_str()
    }

    fn visibility(props: &CorridorProps) -> Visibility {
        props.visibility
    }

    fn told(&self) -> CorridorFacts {
        let p = &self.props;
        CorridorFacts {
            kind: p.kind,
            status: p.status,
            in_force_from: p.in_force_from,
            in_force_to: p.in_force_to,
            clearance_m: p.clearance_m,
        }
    }

    fn land_kind(&self) -> Option<LandKind> {
        Some(LandKind::new(self.props.kind, self.props.class.as_deref(), self.props.voltage_kv))
    }
}

/// Reads the voltage of a line, kV: more than none.
pub fn read_voltage(r: &mut Reading<'_>) -> Option<f64> {
    let voltage = r.number("voltage_kv", 0.0, VOLTAGE_MAX_KV)?;
    if voltage == 0.0 {
        r.wrong("voltage_kv", "is 0; a voltage is more than that");
    }
    Some(voltage)
}
