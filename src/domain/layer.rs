//! Layers: what the index holds and what a check can ask. A noun becomes a layer by its line in `each_layer!`; what
//! differs from noun to noun is asked of the noun itself by `with_noun!`, what differs from feature to feature of
//! [`NounFacts`], and nobody else tells layers apart.

use jiff::civil::Date;

use super::conflict::{Judged, Role, Severity};
use super::feature::Noun;
use super::word::{Word, words};

/// THE registration of layers: hands every one, with its name, its noun and, where that is land, the layers whose features
/// are in its way, to the macro `$then`. What stands on land says nothing of that: each pair of layers is named once.
macro_rules! each_layer {
    ([$($then:tt)+] $($more:tt)*) => {
        $($then)+! {
            [$($more)*]
            Works = "works" => $crate::domain::work::Work, meets [],
            Corridors = "corridors" => $crate::domain::corridor::Corridor, meets [Works],
            References = "references" => $crate::domain::reference::Reference, meets [],
        }
    };
}
pub(crate) use each_layer;

macro_rules! layer_words {
    ([] $($Layer:ident = $name:literal => $Noun:ty, meets $met:tt,)+) => {
        words! {
            /// A layer of features.
            Layer { $($Layer = $name,)+ }
        }
    };
}
each_layer!([layer_words]);

macro_rules! noun_facts {
    ([] $($Layer:ident = $name:literal => $Noun:ty, meets $met:tt,)+) => {
        /// What a check needs to know of a feature besides what all nouns have.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum NounFacts {
            $(
                #[doc = concat!("Of one of the ", $name, ".")]
                $Layer(<$Noun as Noun>::Facts),
            )+
        }

        impl NounFacts {
            /// What it is in a pair.
            #[must_use]
            pub fn role(&self) -> Role {
                match self { $(Self::$Layer(facts) => facts.side().into(),)+ }
            }

            /// The kind, as written.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$Layer(facts) => facts.kind(),)+ }
            }

            /// As [`Judged::severity`].
            #[must_use]
            pub fn severity(&self, day: Date) -> Option<Severity> {
                match self { $(Self::$Layer(facts) => facts.severity(day),)+ }
            }
        }

        $(impl TryFrom<NounFacts> for <$Noun as Noun>::Facts {
            type Error = ();

            fn try_from(facts: NounFacts) -> Result<Self, ()> {
                match facts {
                    NounFacts::$Layer(facts) => Ok(facts),
                    _ => Err(()),
                }
            }
        })+

        $(impl From<<$Noun as Noun>::Facts> for NounFacts {
            fn from(facts: <$Noun as Noun>::Facts) -> Self {
                Self::$Layer(facts)
            }
        })+
    };
}
each_layer!([noun_facts]);

/// Each layer with those that stand in the way of its features.
type Meetings<L> = &'static [(L, &'static [L])];

macro_rules! meetings {
    ([] $($Layer:ident = $name:literal => $Noun:ty, meets [$($Met:ident),*],)+) => {
        &[$((Layer::$Layer, &[$(Layer::$Met),*]),)+]
    };
}
const MEETINGS: Meetings<Layer> = each_layer!([meetings]);

/// The layers that a layer makes pairs with, whichever of the two is the land, in the order in which they are listed.
fn partners<L: Copy + PartialEq>(meetings: Meetings<L>, layer: L) -> Vec<L> {
    let of = |wanted: L| meetings.iter().filter(move |(land, _)| *land == wanted).flat_map(|(_, met)| *met);
    let pairs = |other: L| of(layer).any(|met| *met == other) || of(other).any(|met| *met == layer);
    meetings.iter().map(|(other, _)| *other).filter(|other| pairs(*other)).collect()
}

/// The noun of a layer under a name of one's own: `with_noun!(layer, N => N::KNOWN)`.
macro_rules! with_noun {
    ($layer:expr, $N:ident => $body:expr) => {
        $crate::domain::layer::each_layer!([$crate::domain::layer::noun_of] ($layer) $N ($body))
    };
}
pub(crate) use with_noun;

macro_rules! noun_of {
    ([($layer:expr) $N:ident ($body:expr)] $($Layer:ident = $name:literal => $Noun:ty, meets $met:tt,)+) => {
        match $layer {
            $($crate::domain::layer::Layer::$Layer => {
                type $N = $Noun;
                $body
            })+
        }
    };
}
pub(crate) use noun_of;

impl Layer {
    /// Every layer, in the order in which they are listed.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().map(|(layer, _)| *layer)
    }

    /// Its features are land that something takes; those of the others stand on it. A conflict is a pair of both.
    #[must_use]
    pub fn is_land(self) -> bool {
        with_noun!(self, N => N::LAND)
    }

    /// Its features are of many kinds that have nothing to do with each other: they are in no pair, and what is said of all
    /// of them is said kind by kind.
    #[must_use]
    pub fn is_told_by_kind(self) -> bool {
        with_noun!(self, N => !N::LAND && !N::STANDS)
    }

    /// The layers whose features stand on land: what drawn land is asked against.
    #[must_use]
    pub fn standing() -> Vec<Self> {
        Self::all().filter(|layer| with_noun!(*layer, N => N::STANDS)).collect()
    }

    /// The layers whose features can be in conflict with those of this one, as they are registered.
    #[must_use]
    pub fn opposite(self) -> Vec<Self> {
        partners(MEETINGS, self)
    }

    /// The word for one of its features, as in `work`.
    #[must_use]
    pub fn singular(self) -> &'static str {
        with_noun!(self, N => N::WORD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_that_of_its_noun() {
        for layer in Layer::all() {
            assert_eq!(with_noun!(layer, N => N::LAYER), layer);
            // Whatever stands or is land is in somebody's way; the others are in no pair.
            let pairs = with_noun!(layer, N => N::LAND || N::STANDS);
            assert_eq!(!layer.opposite().is_empty(), pairs, "{layer}");
            // A conflict is a pair of land and what stands on it.
            assert!(layer.opposite().iter().all(|other| other.is_land() != layer.is_land()), "{layer}");
        }
        assert!(MEETINGS.iter().all(|(layer, met)| layer.is_land() || met.is_empty()), "the land says whom it meets");
        assert_eq!(Layer::standing(), [Layer::Works]);
        assert_eq!(Layer::Works.opposite(), [Layer::Corridors]);
        assert_eq!(Layer::Corridors.opposite(), [Layer::Works]);
        assert_eq!(Layer::References.opposite(), []);
        assert_eq!(Layer::all().filter(|layer| layer.is_told_by_kind()).collect::<Vec<_>>(), [Layer::References]);
    }

    /// The registered nouns that are in pairs are two: of more, each meets whom a line names, whichever line that is.
    #[test]
    fn a_further_noun_meets_whom_its_line_names() {
        #[derive(Debug, Clone, Copy, PartialEq)]
        enum Layer {
            Works,
            Corridors,
            Tunnels,
            Wells,
        }
        // As lines of the registration: a tunnel takes no land from works, and a well stands in the way of both lands.
        const MEETINGS: Meetings<Layer> = meetings! {
            []
            Works = "works" => (), meets [],
            Corridors = "corridors" => (), meets [Works, Wells],
            Tunnels = "tunnels" => (), meets [Wells],
            Wells = "wells" => (), meets [],
        };
        let partners = |layer| partners(MEETINGS, layer);
        assert_eq!(partners(Layer::Works), [Layer::Corridors]);
        assert_eq!(partners(Layer::Corridors), [Layer::Works, Layer::Wells]);
        assert_eq!(partners(Layer::Tunnels), [Layer::Wells]);
        assert_eq!(partners(Layer::Wells), [Layer::Corridors, Layer::Tunnels]);
    }
}
