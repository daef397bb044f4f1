//! Telecom works: what stands or lies in the ground and must not be cut.

use jiff::civil::Date;

use super::conflict::{Judged, Severity, Stands};
use super::feature::{CODE_MAX, Centreline, Noun, READ_ONLY};
use super::fields::{Fields, Reading};
use super::jurisdiction::Jurisdiction;
use super::layer::Layer;
use super::place::{Delivered, Placed, place};
use super::rules::LandKind;
use super::word::{Visibility, Word, words};
use crate::geometry::{Metres, Problem};

words! {
    /// What a work is.
    WorkKind {
        Bts = "bts",
        Mast = "mast",
        RooftopMast = "rooftop_mast",
        StationHouse = "station_house",
        Exchange = "exchange",
        Cabinet = "cabinet",
        Pole = "pole",
        Manhole = "manhole",
        Duct = "duct",
        AerialCable = "aerial_cable",
        BuriedCable = "buried_cable",
        PublicAccessPoint = "public_access_point",
    }
}
words! {
    /// In which state of its life a work is.
    WorkStatus {
        Planned = "planned",
        Permitted = "permitted",
        UnderConstruction = "under_construction",
        InService = "in_service",
        Suspended = "suspended",
        Relocating = "relocating",
        Relocated = "relocated",
        Dismantled = "dismantled",
        Abandoned = "abandoned",
    }
}
words! {
    /// Class of an antenna column.
    ColumnClass {
        A1a = "A1a",
        A1b = "A1b",
        A2a = "A2a",
        A2b = "A2b",
        A2c = "A2c",
    }
}
words! {
    /// How a position was captured.
    CaptureMethod {
        GnssRtk = "gnss_rtk",
        Gnss = "gnss",
        Digitised = "digitised",
        Record = "record",
        Estimated = "estimated",
    }
}
words! {
    /// How much depends on a work.
    Importance {
        Ordinary = "ordinary",
        Important = "important",
        NationalSecurity = "national_security",
    }
}

impl WorkStatus {
    /// Still there, or to come: it can be in conflict.
    #[must_use]
    pub fn counts(self) -> bool {
        !matches!(self, Self::Relocated | Self::Dismantled | Self::Abandoned)
    }
}

/// No column is higher: the tallest structure on earth has 828 m.
pub const HEIGHT_MAX_M: f64 = 1_000.0;
/// Worse than this is no position at all.
pub const ACCURACY_MAX_M: f64 = 10_000.0;
/// Places for further carriers on one column or in one duct.
pub const SPARE_MAX: f64 = 10_000.0;

/// The properties of a work.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkProps {
    /// Human reference, unique in the jurisdiction.
    pub code: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Code of the organisation that owns it.
    pub organisation: String,
    /// What it is.
    pub kind: WorkKind,
    /// In which state.
    pub status: WorkStatus,
    /// Class of an antenna column.
    pub column_class: Option<ColumnClass>,
    /// Height above ground.
    pub height_agl_m: Option<f64>,
    /// Accuracy of the position.
    pub position_accuracy_m: Option<f64>,
    /// How the position was captured.
    pub capture_method: Option<CaptureMethod>,
    /// How much depends on it.
    pub importance: Importance,
    /// Who may see it.
    pub visibility: Visibility,
    /// Further carriers on it.
    pub tenants: Vec<String>,
    /// Places left for further carriers.
    pub spare_capacity: Option<i32>,
    /// First day of its validity.
    pub valid_from: Option<Date>,
    /// Last day of its validity.
    pub valid_to: Option<Date>,
    /// Where the record comes from.
    pub source: Option<String>,
}

/// What a check needs to know of a work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkFacts {
    /// What it is.
    pub kind: WorkKind,
    /// In which state.
    pub status: WorkStatus,
    /// First day of validity.
    pub valid_from: Option<Date>,
    /// Last day of validity.
    pub valid_to: Option<Date>,
    /// Accuracy where recorded, in metres.
    pub position_accuracy_m: Option<f64>,
    /// How the position was captured.
    pub capture_method: Option<CaptureMethod>,
    /// Class of an antenna column.
    pub column_class: Option<ColumnClass>,
    /// Height above ground, m.
    pub height_agl_m: Option<f64>,
    /// Places left for further carriers.
    pub spare_capacity: Option<i32>,
}

impl WorkFacts {
    /// It stands on a day, or is to stand from a later one on: what is built near it has to know of it.
    #[must_use]
    pub fn stands_or_will(&self, day: Date) -> bool {
        self.status.counts() && self.valid_to.is_none_or(|last| day <= last)
    }
}

impl Judged for WorkFacts {
    type Side = Stands;

    fn side(&self) -> Stands {
        let Self { kind, position_accuracy_m, capture_method, .. } = *self;
        Stands { kind: Some(kind), position_accuracy_m, capture_method }
    }

    fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    fn severity(&self, day: Date) -> Option<Severity> {
        let valid = self.valid_from.is_none_or(|d| d <= day) && self.valid_to.is_none_or(|d| day <= d);
        (self.status.counts() && valid).then_some(Severity::Blocks)
    }
}

/// A telecom work.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    props: WorkProps,
    place: Placed,
}

impl Work {
    /// A work out of storage, where only checked ones go.
    #[must_use]
    pub fn stored(props: WorkProps, place: Placed) -> Self {
        Self { props, place }
    }
}

impl Noun for Work {
    type Props = WorkProps;
    type Facts = WorkFacts;
    const LAYER: Layer = Layer::Works;
    const CENTRELINE: bool = false;
    const WORD: &'static str = "work";
    const TITLE: &'static str = "Telecom works";
    const ABOUT: &'static str = "Masts, stations, cables, ducts and manholes";
    const NEVER_EMPTY: &'static [&'static str] =
        &["code", "jurisdiction", "organisation", "kind", "status", "importance", "visibility"];
    const OF_SHAPE: &'static [&'static str] = &[];
    const PERIOD: [&'static str; 2] = ["valid_from", "valid_to"];
    const OWNERS_STATES: Option<&'static [&'static str]> = None;
    const KNOWN: &'static [&'static str] = &[
        "code",
        "jurisdiction",
        "name",
        "organisation",
        "kind",
        "status",
        "column_class",
        "height_agl_m",
        "position_accuracy_m",
        "capture_method",
        "importance",
        "visibility",
        "tenants",
        "spare_capacity",
        "valid_from",
        "valid_to",
        "source",
    ];

    fn read(fields: &Fields, owner: Option<&str>) -> Result<WorkProps, Vec<Problem>> {
        let mut r = Reading::new(fields, Self::KNOWN, READ_ONLY);
        let code = read_code(&mut r);
        let kind = r.word("kind");
        let kind = r.required("kind", kind);
        let organisation = r.text("organisation").or_else(|| owner.map(str::to_owned));
        let organisation = r.required("organisation", organisation);
        let (valid_from, valid_to) = read_period(&mut r, Self::PERIOD);
        let (name, source, tenants) = (r.text("name"), r.text("source"), r.texts("tenants"));
        let status = r.word("status").unwrap_or(WorkStatus::InService);
        let (column_class, capture_method) = (r.word("column_class"), r.word("capture_method"));
        let importance = r.word("importance").unwrap_or(Importance::Ordinary);
        let visibility = r.word("visibility").unwrap_or(Visibility::Public);
        let height_agl_m = r.number("height_agl_m", 0.0, HEIGHT_MAX_M);
        let position_accuracy_m = r.number("position_accuracy_m", 0.0, ACCURACY_MAX_M);
        let spare_capacity = r.number("spare_capacity", 0.0, SPARE_MAX);
        if spare_capacity.is_some_and(|n| n.fract() != 0.0) {
            r.wrong("spare_capacity", "must be a whole number");
        }
        #[allow(clippy::cast_possible_truncation)] // bounded by SPARE_MAX above
        let spare_capacity = spare_capacity.map(|n| n as i32);
        let props = kind.zip(organisation).map(|(kind, organisation)| WorkProps {
            code,
            name,
            organisation,
            kind,
            status,
            column_class,
            height_agl_m,
            position_accuracy_m,
            capture_method,
            importance,
            visibility,
            tenants,
            spare_capacity,
            valid_from,
            valid_to,
            source,
        });
        r.finish(props)
    }

    fn build(
        props: WorkProps,
        delivered: Delivered,
        jurisdiction: &Jurisdiction,
        reach: Metres,
    ) -> Result<Self, Vec<Problem>> {
        Ok(Self { props, place: place(delivered, jurisdiction, reach)? })
    }

    fn with_props(&self, props: WorkProps, _: &Jurisdiction) -> Result<Self, Vec<Problem>> {
        Ok(Self { props, place: self.place.clone() })
    }

    fn props(&self) -> &WorkProps {
        &self.props
    }

    fn place(&self) -> &Placed {
        &self.place
    }

    fn centreline(&self) -> Option<&Centreline> {
        None
    }

    fn code(props: &WorkProps) -> Option<&str> {
        props.code.as_deref()
    }

    fn set_code(props: &mut WorkProps, code: String) {
        props.code = Some(code);
    }

    fn organisation(props: &WorkProps) -> &str {
        &props.organisation
    }

    fn status(props: &WorkProps) -> &'static str {
        props.status.as_str()
    }

    fn visibility(props: &WorkProps) -> Visibility {
        props.visibility
    }

    fn told(&self) -> WorkFacts {
        let p = &self.props;
        WorkFacts {
            kind: p.kind,
            status: p.status,
            valid_from: p.valid_from,
            valid_to: p.valid_to,
            position_accuracy_m: p.position_accuracy_m,
            capture_method: p.capture_method,
            column_class: p.column_class,
            height_agl_m: p.height_agl_m,
            spare_capacity: p.spare_capacity,
        }
    }

    fn land_kind(&self) -> Option<LandKind> {
        None
    }
}

/// Reads the code: a short text without spaces at its ends.
pub(super) fn read_code(r: &mut Reading<'_>) -> Option<String> {
    let code = r.text("code")?;
    if code.chars().count() > CODE_MAX {
        r.wrong("code", format!("is longer than {CODE_MAX} characters"));
    }
    Some(code)
}

/// Reads a period and refuses one that ends before it begins.
pub(super) fn read_period(r: &mut Reading<'_>, [from, to]: [&str; 2]) -> (Option<Date>, Option<Date>) {
    let (begin, end) = (r.date(from), r.date(to));
    if let (Some(begin), Some(end)) = (begin, end)
        && end < begin
    {
        r.wrong(to, format!("{end} is before {from} {begin}"));
    }
    (begin, end)
}
