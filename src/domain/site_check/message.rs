//! Sentences by key: what is said, and what stands in it. The words themselves stand in message files, one for each
//! language; a test holds that each of them has every key.

use jiff::civil::Date;

/// The keys of all sentences.
pub mod key {
    macro_rules! keys {
        ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
            $($(#[$doc])* pub const $name: &str = $text;)+
            /// All of them: every language has a sentence for each.
            pub const ALL: &[&str] = &[$($name),+];
        };
    }

    keys! {
        /// Something that the check reads is hidden from the asker; `sources` names what.
        HIDDEN = "hidden",
        /// No data covers the place; `sources` names of what.
        NO_DATA = "no-data",
        /// Nobody looks after the ground at the place.
        OUTSIDE = "outside",
        /// The rule pack lacks a parameter; `key` names it.
        NO_RULE = "no-rule",
        /// The rule pack states a parameter for other days; `key` names it.
        RULE_NOT_IN_FORCE = "rule-not-in-force",
        /// It is no antenna column.
        NO_COLUMN = "no-column",

        /// GEO: inside; `communes` lists the districts and communes, which may be none.
        GEO_INSIDE = "geo-inside",
        /// GEO: outside the jurisdiction, by `distance`.
        GEO_OUTSIDE = "geo-outside",
        /// GEO: outside, but with the axes swapped in `jurisdiction`.
        GEO_OUTSIDE_SWAPPED = "geo-outside-swapped",
        /// GEO: outside, but in `jurisdiction` where the numbers are of one of `systems`.
        GEO_OUTSIDE_SYSTEM = "geo-outside-system",
        /// GEO: the boundary is `distance` away, nearer than the place is known (`accuracy`).
        GEO_BOUNDARY = "geo-boundary",

        /// ZON: `zone` admits it.
        ZON_ADMITTED = "zon-admitted",
        /// ZON: `zone` admits it, and columns in it are shared.
        ZON_SHARED = "zon-shared",
        /// ZON: in no zone.
        ZON_OUTSIDE = "zon-outside",
        /// ZON: the edge of `zone` is nearer than the place is known.
        ZON_EDGE = "zon-edge",
        /// ZON: `zone` admits the classes `classes`, not `class`.
        ZON_CLASS = "zon-class",
        /// ZON: `zone` admits the classes `classes`, and none is stated.
        ZON_CLASS_NOT_STATED = "zon-class-not-stated",
        /// ZON: `height` is more than the `limit` of `zone`.
        ZON_HEIGHT = "zon-height",
        /// ZON: `zone` holds `columns` of at most `quota` columns.
        ZON_QUOTA = "zon-quota",
        /// ZON: by positions as badly known as these `zone` may hold `columns` of at most `quota` columns.
        ZON_QUOTA_UNSURE = "zon-quota-unsure",
        /// ZON: only columns of class A1 so near `feature`: `distance` of `limit`.
        ZON_ONLY_A1 = "zon-only-a1",
        /// ZON: the same, and no class is stated.
        ZON_ONLY_A1_NOT_STATED = "zon-only-a1-not-stated",
        /// ZON: the zone overlaps `zone`, which is in force.
        ZON_OVERLAPS = "zon-overlaps",
        /// ZON: the zone overlaps none in force.
        ZON_ALONE = "zon-alone",

        /// COR: no corridor meets the zone.
        COR_CLEAR_AREA = "cor-clear-area",
        /// COR: nothing in the way, and nothing that it falls on.
        COR_CLEAR = "cor-clear",
        /// COR: in the corridor `corridor` in force, or nearer than its `clearance`.
        COR_BLOCKED = "cor-blocked",
        /// COR: the same, of a corridor that is announced.
        COR_ANNOUNCED = "cor-announced",
        /// COR: on the road or under the power line `feature`, or within the `clearance` beside it.
        COR_BESIDE = "cor-beside",
        /// COR: nobody says what must stay free beside `feature`, `distance` away.
        COR_CLEARANCE_UNKNOWN = "cor-clearance-unknown",
        /// COR: it falls on `feature`: `distance` within `fall`.
        COR_FALLS = "cor-falls",
        /// COR: too close to `feature` to tell.
        COR_UNSURE = "cor-unsure",
        /// COR: of `feature` nobody says how wide it is, and `key`, which says how wide it is at most, is not in force.
        COR_WIDTH_NOT_IN_FORCE = "cor-width-not-in-force",

        /// SPC: no other column within `limit`.
        SPC_FREE = "spc-free",
        /// SPC: `count` columns nearer than `limit`; `with_capacity` lists those that have places left.
        SPC_SHARE = "spc-share",
        /// SPC: `count` columns nearer than `limit`, none of which is known to have places left.
        SPC_SHARE_FULL = "spc-share-full",
        /// SPC: the column `feature` is too close to `limit` to tell.
        SPC_UNSURE = "spc-unsure",
        /// SPC: `zone` asks for a spacing of `limit`, and columns were looked for within `looked` alone.
        SPC_TOO_FAR = "spc-too-far",
        /// SPC: `columns` columns stand in the zone.
        SPC_ZONE = "spc-zone",
        /// SPC: `columns` columns stand in the zone, which is to admit `quota`.
        SPC_ZONE_FULL = "spc-zone-full",

        /// AIR: the surfaces of `runway`, `distance` away, may lie over the zone.
        AIR_ZONE = "air-zone",
        /// AIR: lower than what needs marking, and below every obstacle surface.
        AIR_CLEAR = "air-clear",
        /// AIR: `height` needs marking and consent from `limit` on.
        AIR_MARKING = "air-marking",
        /// AIR: its top at `top` is above the `surface` of `runway`, which is at `limit` here.
        AIR_PENETRATES = "air-penetrates",
        /// AIR: it may be.
        AIR_UNSURE = "air-unsure",
        /// AIR: under the `surface` of `runway`, and the ground above the sea is not stated.
        AIR_NO_GROUND = "air-no-ground",
        /// AIR: under the surfaces of `runway`, of which an elevation is not known.
        AIR_NO_ELEVATION = "air-no-elevation",
        /// AIR: `runway` is drawn as no straight line from one threshold to the other.
        AIR_NO_LINE = "air-no-line",

        /// EMF: what it is has no antennas.
        EMF_NO_ANTENNAS = "emf-no-antennas",
        /// EMF: its antennas are not stated.
        EMF_NOT_STATED = "emf-not-stated",
        /// EMF: nobody is exposed to more than `density`; the compliance distances of the strongest antenna are `distance` in front,
        /// `side` and `below`, that of all together is `summed`.
        EMF_BELOW = "emf-below",
        /// EMF: at `building` there may be `density`, more than `limit`; the distances as before.
        EMF_ABOVE = "emf-above",
        /// EMF: by positions and heights as badly known as these it may be so; the distances as before.
        EMF_UNSURE = "emf-unsure",
        /// EMF: the limit holds from `from` to `to` MHz, and an antenna has `frequency`.
        EMF_FREQUENCY = "emf-frequency",

        /// HER: no heritage near.
        HER_FREE = "her-free",
        /// HER: in the monument `feature`.
        HER_INSIDE = "her-inside",
        /// HER: `feature` is `distance` away.
        HER_NEAR = "her-near",
        /// HER: too close to `feature` to tell.
        HER_UNSURE = "her-unsure",

        /// DEF: nothing to ask.
        DEF_FREE = "def-free",
        /// DEF: consult the military.
        DEF_CONSULT = "def-consult",

        /// SEN: no school and no hospital near.
        SEN_FREE = "sen-free",
        /// SEN: `feature` is `distance` away.
        SEN_NEAR = "sen-near",
        /// SEN: too close to `feature` to tell.
        SEN_UNSURE = "sen-unsure",

        /// DUP: nothing of the same carrier so near.
        DUP_FREE = "dup-free",
        /// DUP: nobody asks yet.
        DUP_NOBODY = "dup-nobody",
        /// DUP: `feature` of the same carrier is `distance` away.
        DUP_FOUND = "dup-found",
        /// DUP: too close to `feature` to tell.
        DUP_UNSURE = "dup-unsure",

        /// TIM: no freeze window.
        TIM_FREE = "tim-free",
        /// TIM: nothing is built here up to and on `until`.
        TIM_FROZEN = "tim-frozen",
        /// TIM: nothing is built here, and no last day is stated.
        TIM_FROZEN_OPEN = "tim-frozen-open",
        /// TIM: a window is running, and no days of building are stated.
        TIM_RUNNING = "tim-running",
        /// TIM: the edge of `window` is nearer than the place is known.
        TIM_EDGE = "tim-edge",

        /// COV: data of all that is looked at cover the place.
        COV_FULL = "cov-full",
        /// COV: `sources` do not answer for the place.
        COV_GAPS = "cov-gaps",
    }
}

/// Something that stands in a sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A number, written with at most so many decimals.
    Number(f64, u8),
    /// A text as it is.
    Text(String),
    /// Words as they are written, for the language to translate or list.
    Words(Vec<String>),
    /// A day.
    Day(Date),
}

/// A sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Which.
    pub key: &'static str,
    /// What stands in it.
    pub arguments: Vec<(&'static str, Argument)>,
}

impl Message {
    /// A sentence in which nothing stands yet.
    #[must_use]
    pub fn new(key: &'static str) -> Self {
        Self { key, arguments: Vec::new() }
    }

    /// With something in it.
    #[must_use]
    pub fn with(mut self, name: &'static str, argument: Argument) -> Self {
        self.arguments.push((name, argument));
        self
    }

    /// With metres, to the centimetre.
    #[must_use]
    pub fn metres(self, name: &'static str, value: f64) -> Self {
        self.with(name, Argument::Number(value, 2))
    }

    /// With words.
    #[must_use]
    pub fn words<T: Into<String>>(self, name: &'static str, words: impl IntoIterator<Item = T>) -> Self {
        self.with(name, Argument::Words(words.into_iter().map(Into::into).collect()))
    }

    /// With a text.
    #[must_use]
    pub fn text(self, name: &'static str, text: impl Into<String>) -> Self {
        self.with(name, Argument::Text(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::key::ALL;

    #[test]
    fn every_sentence_has_a_key_of_its_own_in_kebab_case() {
        let different: BTreeSet<&str> = ALL.iter().copied().collect();
        assert_eq!(different.len(), ALL.len());
        let kebab = |key: &str| {
            key.split('-')
                .all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() && !b.is_ascii_uppercase()))
        };
        assert!(ALL.iter().all(|key| kebab(key)));
    }
}
