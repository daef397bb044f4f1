//! Reference features: what is there besides works and corridors, and matters to whoever builds: boundaries, heritage,
//! schools, hospitals, runways, roads, power lines, defence areas. Each belongs to a reference layer, under the name somebody
//! gave it (`dataset`), and says what it is (`kind`), where it comes from, of which day, and under which licence.

mod attributes;
mod decision;
mod listed;
mod owners;
mod permitted;
mod reach;

use std::sync::Arc;

use jiff::civil::Date;

use super::conflict::{Judged, Refers, Severity};
use super::corridor::{HALF_WIDTH_MAX_M, read_voltage};
use super::feature::{Centreline, Noun, READ_ONLY};
use super::fields::{Fields, Reading};
use super::jurisdiction::Jurisdiction;
use super::layer::Layer;
use super::place::{Delivered, Placed, place};
use super::rules::LandKind;
use super::site_check::subject::{EIRP_MAX_W, EIRP_MIN_W};
use super::word::{Visibility, Word, words};
use super::work::{HEIGHT_MAX_M, read_code, read_period};
use crate::geometry::obstacle::Runway;
use crate::geometry::{Geometry, Grid, Metres, Problem};

pub use attributes::Attributes;
pub use decision::Decision;
pub use listed::ReferenceLayer;
pub use permitted::{OF_REQUEST, PERMITTED};
pub use reach::REACH;

words! {
    /// What a reference feature is.
    ReferenceKind {
        /// Of a district or a commune.
        Boundary = "boundary",
        Heritage = "heritage",
        /// Round which only columns of class A1 stand.
        Monument = "monument",
        /// The front of a government building; as [`ReferenceKind::Monument`].
        GovernmentFront = "government_front",
        School = "school",
        Hospital = "hospital",
        Runway = "runway",
        Road = "road",
        PowerLine = "power_line",
        DefenceArea = "defence_area",
        UrbanArea = "urban_area",
        Building = "building",
        /// A licensed antenna.
        Transmitter = "transmitter",
        /// Where stations may stand.
        Zone = "zone",
        /// Ground on which nothing is built for a time.
        FreezeWindow = "freeze_window",
        /// A request that waits for its decision, or for the column that was permitted.
        SiteRequest = "site_request",
        /// What no check asks about.
        Other = "other",
    }
}

impl ReferenceKind {
    /// Whoever asks hears of it apart from all other reference features, whether he may see it or not.
    #[must_use]
    pub fn is_told_apart(self) -> bool {
        self == Self::DefenceArea
    }
}

/// Longest name of a reference layer, and longest licence, in characters.
pub const NAME_MAX: usize = 80;
/// The deepest and the highest ground, m above the sea.
pub const ELEVATION_M: [f64; 2] = [-500.0, 9_000.0];
/// An international foot, m.
const FOOT_M: f64 = 0.3048;
/// Most columns that a zone admits.
pub const QUOTA_MAX: f64 = 100_000.0;
/// No column of a network stands so far from the next one that a rule would ask for more, m.
pub const SPACING_MAX_M: f64 = 50_000.0;

/// The properties of a reference feature.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceProps {
    /// Human reference, unique in the jurisdiction.
    pub code: Option<String>,
    /// The reference layer it belongs to.
    pub dataset: String,
    /// What it is.
    pub kind: ReferenceKind,
    /// Code of the organisation that keeps it.
    pub organisation: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// First day of its validity.
    pub valid_from: Option<Date>,
    /// Last day of its validity.
    pub valid_to: Option<Date>,
    /// Where the record comes from.
    pub source: Option<String>,
    /// Of which day that is.
    pub source_date: Option<Date>,
    /// Under which licence it may be used.
    pub licence: Option<String>,
    /// What is known of it.
    pub attributes: Arc<Attributes>,
}

/// What a check needs to know of a reference feature in any case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReferenceFacts {
    /// What it is.
    pub kind: ReferenceKind,
    /// First day of its validity.
    pub valid_from: Option<Date>,
    /// Last day of its validity.
    pub valid_to: Option<Date>,
}

impl ReferenceFacts {
    /// It was valid, and is not any more.
    #[must_use]
    pub fn is_over(&self, day: Date) -> bool {
        self.valid_to.is_some_and(|last| last < day)
    }
}

impl Judged for ReferenceFacts {
    type Side = Refers;

    fn side(&self) -> Refers {
        Refers { kind: self.kind }
    }

    fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    fn severity(&self, day: Date) -> Option<Severity> {
        let valid = self.valid_from.is_none_or(|d| d <= day) && self.valid_to.is_none_or(|d| day <= d);
        valid.then_some(Severity::Warns)
    }
}

/// A reference feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    props: ReferenceProps,
    place: Placed,
}

impl Reference {
    /// A reference feature out of storage, where only checked ones go.
    #[must_use]
    pub fn stored(props: ReferenceProps, place: Placed) -> Self {
        Self { props, place }
    }
}

/// What the shape of a kind has to be, where a check could do nothing with another.
fn shape_problem(kind: ReferenceKind, shape: &Geometry<f64>) -> Option<Problem> {
    let line = matches!(shape, Geometry::LineString(_) | Geometry::MultiLineString(_));
    let area = matches!(shape, Geometry::Polygon(_) | Geometry::MultiPolygon(_));
    let wanted = match kind {
        ReferenceKind::Runway if !matches!(shape, Geometry::LineString(_)) => {
            "a runway is a LineString from one threshold to the other"
        }
        ReferenceKind::Building if !area => {
            "what counts is how near its walls are, so a building is a Polygon or a MultiPolygon"
        }
        ReferenceKind::Road | ReferenceKind::PowerLine if !line && !area => {
            "a road or a line is drawn as a line or an area"
        }
        ReferenceKind::Boundary | ReferenceKind::UrbanArea | ReferenceKind::Zone | ReferenceKind::FreezeWindow
            if !area =>
        {
            "a place lies in it or not, so it is a Polygon or a MultiPolygon"
        }
        _ => return None,
    };
    Some(Problem::new("/type", wanted))
}

/// What the line of a runway on the grid has to be ([`Runway::along`]).
fn line_problem(kind: ReferenceKind, grid: &Grid<Geometry<f64>>) -> Option<Problem> {
    let (ReferenceKind::Runway, Geometry::LineString(line)) = (kind, &grid.0) else { return None };
    let wrong = Runway::along(line, [0.0; 2]).err()?;
    Some(Problem::new("/coordinates", wrong.to_string()))
}

/// Reads an elevation in metres, or in feet as aeronautical data have it.
fn read_elevation(r: &mut Reading<'_>, metres: &str, feet: &str) -> Option<f64> {
    let [low, high] = ELEVATION_M;
    let in_metres = r.number(metres, low, high);
    let in_feet = r.number(feet, low / FOOT_M, high / FOOT_M);
    if in_metres.is_some() && in_feet.is_some() {
        r.wrong(feet, format!("stands beside {metres}: state one of the two"));
    }
    in_metres.or(in_feet.map(|ft| ft * FOOT_M))
}

/// Reads a text of at most [`NAME_MAX`] characters.
fn read_short(r: &mut Reading<'_>, name: &str) -> Option<String> {
    let text = r.text(name)?;
    if text.chars().count() > NAME_MAX {
        r.wrong(name, format!("is longer than {NAME_MAX} characters"));
    }
    Some(text)
}

fn read_attributes(r: &mut Reading<'_>, kind: Option<ReferenceKind>) -> Attributes {
    let text = |t: Option<String>| t.map(Arc::from);
    let quota = r.number("quota", 0.0, QUOTA_MAX);
    if quota.is_some_and(|n| n.fract() != 0.0) {
        r.wrong("quota", "must be a whole number");
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bounded by QUOTA_MAX
    let quota = quota.map(|n| n as u32);
    let attributes = Attributes {
        name: text(r.text("name")),
        class: text(r.text("class")),
        voltage_kv: read_voltage(r),
        half_width_m: r.number("half_width_m", 0.0, HALF_WIDTH_MAX_M),
        height_agl_m: r.number("height_agl_m", 0.0, HEIGHT_MAX_M),
        elevation_from_m: read_elevation(r, "elevation_from_m", "elevation_from_ft"),
        elevation_to_m: read_elevation(r, "elevation_to_m", "elevation_to_ft"),
        column_classes: r.words("column_classes"),
        height_max_m: r.number("height_max_m", 0.0, HEIGHT_MAX_M),
        quota,
        spacing_m: r.number("spacing_m", 0.0, SPACING_MAX_M),
        sharing_required: r.truth("sharing_required").unwrap_or(false),
        occupied: r.truth("occupied"),
        eirp_w: r.number("eirp_w", EIRP_MIN_W, EIRP_MAX_W),
        frequency_mhz: r.number("frequency_mhz", 0.009, 300_000.0),
        azimuth_deg: r.number("azimuth_deg", 0.0, 360.0),
        decision: None,
    };
    if kind == Some(ReferenceKind::Transmitter) && attributes.is_of_request() {
        r.wrong("class", "says that it stands for an antenna of a site request, and is written with that alone");
    }
    // A runway of which nobody knows how high it lies is there all the same: a check says that it cannot tell.
    if kind == Some(ReferenceKind::Transmitter) {
        r.required("eirp_w", attributes.eirp_w);
    }
    attributes
}

impl Noun for Reference {
    type Props = ReferenceProps;
    type Facts = ReferenceFacts;
    const LAYER: Layer = Layer::References;
    const CENTRELINE: bool = false;
    const WORD: &'static str = "reference";
    const TITLE: &'static str = "Reference features";
    const ABOUT: &'static str = "What is there besides works and corridors, and matters to whoever builds";
    const NEVER_EMPTY: &'static [&'static str] =
        &["code", "jurisdiction", "dataset", "organisation", "kind", "visibility", "sharing_required"];
    const OF_SHAPE: &'static [&'static str] = &[];
    const OWNERS_STATES: Option<&'static [&'static str]> = Some(owners::KINDS);
    const STATE: &'static str = "kind";
    const LED: &'static [(&'static str, &'static str)] = &[
        ("zone", "a zone is drawn in a plan, and comes in force with that: see /ogc/collections/zones and /api/plans"),
        ("site_request", "a site request is filed and led as one: see /ogc/collections/site-requests"),
    ];
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("elevation_from_m", "elevation_from_ft"), ("elevation_to_m", "elevation_to_ft")];
    const TOLD_APART_BY: &'static [&'static str] = &["kind", "dataset"];
    const PERIOD: [&'static str; 2] = ["valid_from", "valid_to"];
    const KNOWN: &'static [&'static str] = &[
        "code",
        "jurisdiction",
        "dataset",
        "kind",
        "name",
        "organisation",
        "visibility",
        "valid_from",
        "valid_to",
        "source",
        "source_date",
        "licence",
        "class",
        "voltage_kv",
        "half_width_m",
        "height_agl_m",
        "elevation_from_m",
        "elevation_from_ft",
        "elevation_to_m",
        "elevation_to_ft",
        "column_classes",
        "height_max_m",
        "quota",
        "spacing_m",
        "sharing_required",
        "occupied",
        "eirp_w",
        "frequency_mhz",
        "azimuth_deg",
    ];

    /// An aerodrome matters far beyond a boundary.
    fn kept_within(reach: Metres) -> Metres {
        if reach < REACH { REACH } else { reach }
    }

    fn read(fields: &Fields, owner: Option<&str>) -> Result<ReferenceProps, Vec<Problem>> {
        let mut r = Reading::new(fields, Self::KNOWN, READ_ONLY);
        let code = read_code(&mut r);
        let kind = r.word("kind");
        let kind: Option<ReferenceKind> = r.required("kind", kind);
        let dataset = read_short(&mut r, "dataset").or_else(|| kind.map(|kind| kind.as_str().to_owned()));
        let organisation = r.text("organisation").or_else(|| owner.map(str::to_owned));
        let organisation = r.required("organisation", organisation);
        let (valid_from, valid_to) = read_period(&mut r, Self::PERIOD);
        let (source, source_date) = (r.text("source"), r.date("source_date"));
        let licence = read_short(&mut r, "licence");
        // Whoever forgets to say it must not make everybody hear where the military is.
        let usual =
            if kind.is_some_and(ReferenceKind::is_told_apart) { Visibility::Restricted } else { Visibility::Public };
        let visibility = r.word("visibility").unwrap_or(usual);
        let attributes = Arc::new(read_attributes(&mut r, kind));
        let props = match (kind, dataset, organisation) {
            (Some(kind), Some(dataset), Some(organisation)) => Some(ReferenceProps {
                code,
                dataset,
                kind,
                organisation,
                visibility,
                valid_from,
                valid_to,
                source,
                source_date,
                licence,
                attributes,
            }),
            _ => None,
        };
        r.finish(props)
    }

    fn build(
        props: ReferenceProps,
        delivered: Delivered,
        jurisdiction: &Jurisdiction,
        reach: Metres,
    ) -> Result<Self, Vec<Problem>> {
        if let Some(problem) = shape_problem(props.kind, &delivered.shape) {
            return Err(vec![problem]);
        }
        let place = place(delivered, jurisdiction, reach)?;
        match line_problem(props.kind, &place.grid) {
            Some(problem) => Err(vec![problem]),
            None => Ok(Self { props, place }),
        }
    }

    fn with_props(&self, props: ReferenceProps, _: &Jurisdiction) -> Result<Self, Vec<Problem>> {
        let kind = |detail: String| Err(vec![Problem::new("/properties/kind", detail)]);
        // What is wrong with one that was kept before that was asked is told by the checks; its other properties may change.
        let becomes = props.kind != self.props.kind;
        if becomes && shape_problem(props.kind, &self.place.recorded.shape).is_some() {
            return kind("is of another shape than this feature has".into());
        }
        match line_problem(props.kind, &self.place.grid).filter(|_| becomes) {
            Some(problem) => kind(format!("is of another shape than this feature has, which {}", problem.detail)),
            None => Ok(Self { props, place: self.place.clone() }),
        }
    }

    fn props(&self) -> &ReferenceProps {
        &self.props
    }

    fn place(&self) -> &Placed {
        &self.place
    }

    fn centreline(&self) -> Option<&Centreline> {
        None
    }

    fn code(props: &ReferenceProps) -> Option<&str> {
        props.code.as_deref()
    }

    fn set_code(props: &mut ReferenceProps, code: String) {
        props.code = Some(code);
    }

    fn organisation(props: &ReferenceProps) -> &str {
        &props.organisation
    }

    fn visibility(props: &ReferenceProps) -> Visibility {
        props.visibility
    }

    fn told(&self) -> ReferenceFacts {
        let p = &self.props;
        ReferenceFacts { kind: p.kind, valid_from: p.valid_from, valid_to: p.valid_to }
    }

    fn status(props: &ReferenceProps) -> &'static str {
        // What it is says whose it is to write.
        props.kind.as_str()
    }

    fn attributes(&self) -> Option<Arc<Attributes>> {
        Some(Arc::clone(&self.props.attributes))
    }

    fn land_kind(&self) -> Option<LandKind> {
        None
    }
}
