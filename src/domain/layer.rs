//! Layers: what the index holds and what a check can ask. A noun becomes a layer by its line in `each_layer!`; what
//! differs from noun to noun is asked of the noun itself by `with_noun!`, what differs from feature to feature of
//! [`NounFacts`], and nobody else tells layers apart.

use jiff::civil::Date;

use super::conflict::{Judged, Role, Severity};
use super::feature::Noun;
use super::word::{Word, words};

/// THE registration of layers: hands every one, with its name and its noun, to the macro `$then`.
macro_rules! each_layer {
    ([$($then:tt)+] $($more:tt)*) => {
        $($then)+! {
            [$($more)*]
            Works = "works" => $crate::domain::work::Work,
            Corridors = "corridors" => $crate::domain::corridor::Corridor,
        }
    };
}
pub(crate) use each_layer;

macro_rules! layer_words {
    ([] $($Layer:ident = $name:literal => $Noun:ty,)+) => {
        words! {
            /// A layer of features.
            Layer { $($Layer = $name,)+ }
        }
    };
}
each_layer!([layer_words]);

macro_rules! noun_facts {
    ([] $($Layer:ident = $name:literal => $Noun:ty,)+) => {
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

        $(impl From<<$Noun as Noun>::Facts> for NounFacts {
            fn from(facts: <$Noun as Noun>::Facts) -> Self {
                Self::$Layer(facts)
            }
        })+
    };
}
each_layer!([noun_facts]);

/// The noun of a layer under a name of one's own: `with_noun!(layer, N => N::KNOWN)`.
macro_rules! with_noun {
    ($layer:expr, $N:ident => $body:expr) => {
        $crate::domain::layer::each_layer!([$crate::domain::layer::noun_of] ($layer) $N ($body))
    };
}
pub(crate) use with_noun;

macro_rules! noun_of {
    ([($layer:expr) $N:ident ($body:expr)] $($Layer:ident = $name:literal => $Noun:ty,)+) => {
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

    /// The layers whose features stand on land: what drawn land is asked against.
    #[must_use]
    pub fn standing() -> Vec<Self> {
        Self::all().filter(|layer| !layer.is_land()).collect()
    }

    /// The layers whose features can be in conflict with those of this one.
    #[must_use]
    pub fn opposite(self) -> Vec<Self> {
        Self::all().filter(|other| other.is_land() != self.is_land()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_that_of_its_noun() {
        for layer in Layer::all() {
            assert_eq!(with_noun!(layer, N => N::LAYER), layer);
            assert!(!layer.opposite().is_empty() && !layer.opposite().contains(&layer));
        }
        assert_eq!(Layer::standing(), [Layer::Works]);
        assert_eq!(Layer::Works.opposite(), [Layer::Corridors]);
        assert_eq!(Layer::Corridors.opposite(), [Layer::Works]);
    }
}
