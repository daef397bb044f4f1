//! Zones: where stations may stand, and which. A zone belongs to one version of a plan and is decided with it; published, it is
//! what every request for a site is held against.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::feature::READ_ONLY;
use super::fields::{Fields, Reading};
use super::jurisdiction::Jurisdiction;
use super::place::{Delivered, Placed, place};
use super::plan::Plan;
use super::reference::{Attributes, QUOTA_MAX, Reference, ReferenceKind, ReferenceProps, SPACING_MAX_M};
use super::word::Visibility;
use super::work::{ColumnClass, HEIGHT_MAX_M};
use crate::geometry::{Geometry, Metres, Problem};

/// Longest code of a zone, characters: with that of its plan it is the code of a reference feature.
const CODE_MAX: usize = 28;

/// The properties that a document may set.
pub const KNOWN: &[&str] =
    &["plan", "code", "name", "column_classes", "height_max_m", "spacing_m", "sharing_required", "quota"];

/// Properties that the service writes besides those of every feature.
const WRITTEN: &[&str] = &[
    "jurisdiction",
    "zone",
    "plan_code",
    "plan_number",
    "state",
    "valid_from",
    "valid_to",
    "organisation",
    "visibility",
];

/// What is said of a zone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ZoneProps {
    /// Human reference, unique in its plan; none where one is to be made.
    pub code: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// The classes of columns that it admits.
    pub column_classes: Vec<ColumnClass>,
    /// The height that it admits, m.
    pub height_max_m: Option<f64>,
    /// The spacing between columns in it, in place of that of the rules, m.
    pub spacing_m: Option<f64>,
    /// Columns in it are shared.
    pub sharing_required: bool,
    /// How many columns it admits; none: any number.
    pub quota: Option<u32>,
}

impl ZoneProps {
    /// Reads the properties of a document, and the plan they name.
    ///
    /// # Errors
    /// Every problem, at `/properties/…`.
    pub fn read(fields: &Fields) -> Result<(Option<Uuid>, Self), Vec<Problem>> {
        let read_only: Vec<&str> = READ_ONLY.iter().chain(WRITTEN).copied().collect();
        let mut r = Reading::new(fields, KNOWN, &read_only);
        let plan = r.text("plan").and_then(|text| {
            let plan = text.parse().ok();
            if plan.is_none() {
                r.wrong("plan", format!("«{text}» is not the id of a plan"));
            }
            plan
        });
        let code = r.text("code");
        if code.as_ref().is_some_and(|code| code.chars().count() > CODE_MAX) {
            r.wrong("code", format!("is longer than {CODE_MAX} characters"));
        }
        let quota = r.number("quota", 0.0, QUOTA_MAX);
        if quota.is_some_and(|n| n.fract() != 0.0) {
            r.wrong("quota", "must be a whole number");
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bounded by QUOTA_MAX
        let quota = quota.map(|n| n as u32);
        let props = Self {
            code,
            name: r.text("name"),
            column_classes: r.words("column_classes"),
            height_max_m: r.number("height_max_m", 0.0, HEIGHT_MAX_M),
            spacing_m: r.number("spacing_m", 0.0, SPACING_MAX_M),
            sharing_required: r.truth("sharing_required").unwrap_or(false),
            quota,
        };
        r.finish(Some((plan, props)))
    }

    /// What it lacks to be appraised.
    #[must_use]
    pub fn lacks(&self) -> Vec<&'static str> {
        let mut lacks = Vec::new();
        if self.column_classes.is_empty() {
            lacks.push("column_classes");
        }
        if self.height_max_m.is_none() {
            lacks.push("height_max_m");
        }
        lacks
    }
}

/// A zone of a version of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// The jurisdiction, and so the shard.
    pub jurisdiction: String,
    /// Of this row.
    pub id: Uuid,
    /// The version of the plan that it belongs to.
    pub plan: Uuid,
    /// The same in every version of the plan.
    pub zone: Uuid,
    /// What is said of it.
    pub props: ZoneProps,
    /// Where it is.
    pub place: Placed,
    /// Counts its changes while the plan is drawn, from 1.
    pub version: i32,
    /// The revision in which that was written.
    pub revision: i64,
    /// When that was.
    pub recorded_at: Timestamp,
}

impl Zone {
    /// The place of a zone: an area that touches the jurisdiction.
    ///
    /// # Errors
    /// Every problem, relative to the geometry object.
    pub fn placed(delivered: Delivered, jurisdiction: &Jurisdiction) -> Result<Placed, Vec<Problem>> {
        if !matches!(delivered.shape, Geometry::Polygon(_) | Geometry::MultiPolygon(_)) {
            return Err(vec![Problem::new("/type", "a zone is a Polygon or a MultiPolygon")]);
        }
        place(delivered, jurisdiction, Metres::ZERO)
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.props.code.as_deref().unwrap_or_default()
    }

    /// As site checks know it while its plan is in force: none where the plan never is.
    #[must_use]
    pub fn projected(&self, plan: &Plan) -> Option<Reference> {
        let (from, to) = plan.in_force()?;
        let decision = plan.decision.as_ref()?;
        let p = &self.props;
        let attributes = Attributes {
            name: Some(Arc::from(p.name.as_deref().unwrap_or_else(|| self.code()))),
            column_classes: p.column_classes.clone(),
            height_max_m: p.height_max_m,
            quota: p.quota,
            spacing_m: p.spacing_m,
            sharing_required: p.sharing_required,
            ..Attributes::NONE.clone()
        };
        let props = ReferenceProps {
            code: Some(format!("{}/{}/{}", plan.code, plan.number, self.code())),
            dataset: plan.code.clone(),
            kind: ReferenceKind::Zone,
            organisation: plan.organisation.clone(),
            visibility: Visibility::Public,
            valid_from: Some(from),
            valid_to: to,
            source: Some(decision.number.clone()),
            source_date: Some(decision.date),
            licence: None,
            attributes: Arc::new(attributes),
        };
        Some(Reference::stored(props, self.place.clone()))
    }
}
