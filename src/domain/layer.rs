//! Layers: what the index holds and what a check can ask. A noun becomes a layer by its line in `each_layer!`; what
//! differs from noun to noun is asked of the noun itself by `with_noun!`, and nobody else tells layers apart.

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
        assert_eq!(Layer::Works.opposite(), [Layer::Corridors]);
        assert_eq!(Layer::Corridors.opposite(), [Layer::Works]);
    }
}
