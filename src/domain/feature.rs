//! What all nouns have in common.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::actor::{Actor, roles_for};
use super::conflict::{Facts, Judged, Side};
use super::fields::{Fields, Value};
use super::jurisdiction::Jurisdiction;
use super::layer::{Layer, NounFacts};
use super::place::{Delivered, Placed};
use super::reference::Attributes;
use super::rules::LandKind;
use super::word::Visibility;
use crate::geometry::{Grid, LonLat, Metres, MultiLineString, Problem};

/// Properties that the service writes: accepted in a document that is sent back, and never taken from it.
pub const READ_ONLY: &[&str] =
    &["version", "revision", "recorded_at", "recorded_from", "recorded_to", "recorded_crs", "geometry_derived"];

/// A code is a reference people type: at most this many characters.
pub const CODE_MAX: usize = 80;

/// A feature as the register holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered<T> {
    /// The jurisdiction, and so the shard.
    pub jurisdiction: String,
    /// `UUIDv7`, ascending with time.
    pub id: Uuid,
    /// Counts the versions of this feature from 1.
    pub version: i32,
    /// The revision of the jurisdiction in which this version was written.
    pub revision: i64,
    /// When this version was written.
    pub recorded_at: Timestamp,
    /// The noun itself.
    pub body: T,
}

/// The line a corridor was drawn by.
#[derive(Debug, Clone, PartialEq)]
pub struct Centreline {
    /// In WGS 84.
    pub lonlat: LonLat<MultiLineString<f64>>,
    /// On the working grid; chainage runs along it.
    pub grid: Grid<MultiLineString<f64>>,
    /// Half-width to the left, seen along the line.
    pub left: Metres,
    /// Half-width to the right.
    pub right: Metres,
}

/// A noun of the register: something with properties and a place.
pub trait Noun: Sized + Clone + Send + Sync + 'static {
    /// Its properties.
    type Props: Clone + Send + Sync + PartialEq + 'static;
    /// What it tells a check.
    type Facts: Judged + Into<NounFacts>;
    /// The layer of its features.
    const LAYER: Layer;
    /// The properties a document may set.
    const KNOWN: &'static [&'static str];
    /// Those of [`KNOWN`](Self::KNOWN) that a feature always has, if need be by default.
    const NEVER_EMPTY: &'static [&'static str];
    /// Those of [`KNOWN`](Self::KNOWN) that make the shape together with a line, and so come and go with it.
    const OF_SHAPE: &'static [&'static str];
    /// Properties that state another one in another unit: that one, and its other name.
    const ALIASES: &'static [(&'static str, &'static str)] = &[];
    /// Properties by which features are told apart besides their code: an import that states another value for one of them means
    /// another feature, and changes none. A feature always has them.
    const TOLD_APART_BY: &'static [&'static str] = &[];
    /// The first and the last day of it among its properties.
    const PERIOD: [&'static str; 2];
    /// The states in which a feature is its owner's to write; those besides are decisions, of whoever answers for the layer.
    /// `None`: all.
    const OWNERS_STATES: Option<&'static [&'static str]>;
    /// The property, and the column, in which these states stand.
    const STATE: &'static str = "status";
    /// The states in which a feature is shown by a workflow, each with what to say to whoever writes it otherwise: it names the door.
    const LED: &'static [(&'static str, &'static str)] = &[];
    /// May be drawn by a centreline among its properties.
    const CENTRELINE: bool;
    /// The word for one of them, for messages.
    const WORD: &'static str;
    /// The title of its layer.
    const TITLE: &'static str;
    /// What is in its layer.
    const ABOUT: &'static str;
    /// Its features lie in a jurisdiction or at most so far beyond its boundary, where `reach` is how far by the settings.
    #[must_use]
    fn kept_within(reach: Metres) -> Metres {
        reach
    }
    /// It is land that something takes; else it stands on such land.
    const LAND: bool = <Self::Facts as Judged>::Side::LAND;
    /// It stands on land, and land can be in conflict with it.
    const STANDS: bool = <Self::Facts as Judged>::Side::STANDS;

    /// Reads the properties.
    ///
    /// # Errors
    /// Every problem, at `/properties/…`.
    fn read(fields: &Fields, owner: Option<&str>) -> Result<Self::Props, Vec<Problem>>;

    /// Places a feature with these properties.
    ///
    /// # Errors
    /// Every problem, relative to the geometry object.
    fn build(
        props: Self::Props,
        delivered: Delivered,
        jurisdiction: &Jurisdiction,
        reach: Metres,
    ) -> Result<Self, Vec<Problem>>;

    /// The same place under new properties.
    ///
    /// # Errors
    /// Every problem: some properties decide on the shape.
    fn with_props(&self, props: Self::Props, jurisdiction: &Jurisdiction) -> Result<Self, Vec<Problem>>;

    /// Its properties.
    fn props(&self) -> &Self::Props;
    /// Its place.
    fn place(&self) -> &Placed;
    /// The line it was drawn by, if it was.
    fn centreline(&self) -> Option<&Centreline>;
    /// The code among the properties; `None` where one is to be made.
    fn code(props: &Self::Props) -> Option<&str>;
    /// Gives the properties a code.
    fn set_code(props: &mut Self::Props, code: String);
    /// Who owns it.
    fn organisation(props: &Self::Props) -> &str;
    /// How far it has come.
    fn status(props: &Self::Props) -> &'static str;
    /// Who may see it.
    fn visibility(props: &Self::Props) -> Visibility;
    /// What a conflict check needs to know of it, besides what all nouns have.
    fn told(&self) -> Self::Facts;
    /// What else a site check needs to know of it.
    fn attributes(&self) -> Option<Arc<Attributes>> {
        None
    }
    /// What rules ask of it where it is land that something takes.
    fn land_kind(&self) -> Option<LandKind>;

    /// What a conflict check needs to know of it.
    fn facts(&self, id: Uuid) -> Facts {
        let props = self.props();
        Facts {
            id,
            code: Self::code(props).unwrap_or_default().into(),
            organisation: Self::organisation(props).into(),
            visibility: Self::visibility(props),
            noun: self.told().into(),
            attributes: self.attributes(),
        }
    }
}

/// Why the actor may not write a feature that has, or is to have, this status, and who may; `None` where he may.
#[must_use]
pub fn not_his_to_decide<T: Noun>(actor: &Actor, jurisdiction: &str, status: &str) -> Option<String> {
    let own = T::OWNERS_STATES?;
    if own.contains(&status) || actor.answers_for(T::LAYER, jurisdiction) {
        return None;
    }
    let roles: Vec<String> = roles_for(T::LAYER).map(|role| role.to_string()).collect();
    let (word, roles, own) = (T::WORD, roles.join(", "), own.join(" or "));
    Some(format!(
        "that a {word} is {status} is for {roles} to say, who alone write it then; its owner writes it while it is {own}"
    ))
}

/// The properties that an update by this record leaves as they are: those it does not state, by no value and by no
/// explicit null, and those it states as null that are never empty. The code says which feature it is, and what makes
/// the shape comes with the shape.
#[must_use]
pub fn not_stated<T: Noun>(fields: &Fields) -> Vec<&'static str> {
    let stated = |name: &str| {
        fields.get(name).is_some_and(|value| match value {
            Value::Null => !T::NEVER_EMPTY.contains(&name),
            Value::Text(text) | Value::Cell(text) => !text.trim().is_empty() || !T::NEVER_EMPTY.contains(&name),
            _ => true,
        })
    };
    let settled = |name: &str| name == "code" || name == "jurisdiction" || T::OF_SHAPE.contains(&name);
    let other = |name: &str| T::ALIASES.iter().find(|(of, _)| *of == name).is_some_and(|(_, alias)| stated(alias));
    let is_alias = |name: &str| T::ALIASES.iter().any(|(_, alias)| *alias == name);
    T::KNOWN.iter().copied().filter(|name| !settled(name) && !is_alias(name) && !stated(name) && !other(name)).collect()
}
