//! The limits of the checks. They stand in the rule pack, each with its document and its days; here are only the names
//! under which they are looked up, their units, and what a check may do where one is missing: nothing.

use std::sync::Arc;

use jiff::civil::Date;

use super::CheckCode;
use super::finding::{Finding, Verdict};
use super::message::{Argument, Message, key};
use crate::domain::rules::{Parameter, SiteRules, Unit, class_word};
use crate::domain::word::{Word, words};

words! {
    /// A parameter that a check reads.
    SiteKey {
        /// No column of another class stands so near a monument or the front of a government building, m.
        OnlyA1Distance = "site.zone.only_a1_distance_m",
        /// The height by which a column falls, as a share of its height.
        FallFactor = "site.fall.factor",
        /// Half the width that a road may have which is drawn as a line and states none, m.
        RoadHalfWidth = "site.road.half_width_max_m",
        /// The same of a power line: from its axis to the outermost wire.
        PowerLineHalfWidth = "site.power_line.half_width_max_m",
        /// From this height on whatever is asked for is an antenna column, m.
        ColumnHeight = "site.column.height_m",
        /// Between columns in urban areas, m.
        SpacingUrban = "site.spacing.urban_m",
        /// Between columns elsewhere, m.
        SpacingElsewhere = "site.spacing.elsewhere_m",
        /// From this height above ground on a column needs marking and consent, m.
        MarkingHeight = "site.air.marking_height_m",
        /// Inner horizontal surface: radius, m, by the class of the runway.
        InnerHorizontalRadius = "site.air.inner_horizontal.radius_m",
        /// Inner horizontal surface: height above the aerodrome, m.
        InnerHorizontalHeight = "site.air.inner_horizontal.height_m",
        /// Conical surface: slope, rise by run.
        ConicalSlope = "site.air.conical.slope",
        /// Conical surface: height above the inner horizontal one, m.
        ConicalHeight = "site.air.conical.height_m",
        /// Approach surface: length of the inner edge, m.
        ApproachInnerEdge = "site.air.approach.inner_edge_m",
        /// Approach surface: from the threshold to the inner edge, m.
        ApproachFromThreshold = "site.air.approach.from_threshold_m",
        /// Approach surface: divergence of each side, run by run.
        ApproachDivergence = "site.air.approach.divergence",
        /// Approach surface: length of the first section, m.
        ApproachFirstLength = "site.air.approach.first_length_m",
        /// Approach surface: slope of the first section.
        ApproachFirstSlope = "site.air.approach.first_slope",
        /// Approach surface: length of the second section, m; 0 where there is none.
        ApproachSecondLength = "site.air.approach.second_length_m",
        /// Approach surface: slope of the second section.
        ApproachSecondSlope = "site.air.approach.second_slope",
        /// Approach surface: length of the horizontal section, m; 0 where there is none.
        ApproachHorizontalLength = "site.air.approach.horizontal_length_m",
        /// Transitional surface: slope.
        TransitionalSlope = "site.air.transitional.slope",
        /// Power density that people may be exposed to, W/m².
        ExposureLimit = "site.emf.power_density_w_m2",
        /// How much reflections raise the power density.
        ReflectionFactor = "site.emf.reflection_factor",
        /// The share of the power in the main direction that an antenna radiates to its sides and back.
        SideShare = "site.emf.side_share",
        /// The same, downwards.
        DownShare = "site.emf.down_share",
        /// The angle in which an antenna radiates its main power, degrees, where it does not say.
        Beamwidth = "site.emf.beamwidth_deg",
        /// What an antenna radiates beside its main direction, as far again as its beam is wide: a share of the power in it.
        ShoulderShare = "site.emf.shoulder_share",
        /// What gives less than this share of the limit is not looked for.
        RelevantShare = "site.emf.relevant_share",
        /// The lowest frequency for which the limit stands, MHz.
        FrequencyFrom = "site.emf.frequency_from_mhz",
        /// The highest.
        FrequencyTo = "site.emf.frequency_to_mhz",
        /// Antennas of columns so near radiate together, m.
        CoSitedDistance = "site.emf.co_sited_distance_m",
        /// From heritage, m.
        HeritageDistance = "site.heritage.distance_m",
        /// From schools and hospitals, m.
        SensitiveDistance = "site.sensitive.distance_m",
        /// Round defence areas, m.
        DefenceDistance = "site.defence.distance_m",
        /// Requests of one carrier so near are one, m.
        DuplicateDistance = "site.duplicate.distance_m",
    }
}

impl SiteKey {
    /// The unit in which checks read it.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::FallFactor
            | Self::ConicalSlope
            | Self::ApproachDivergence
            | Self::ApproachFirstSlope
            | Self::ApproachSecondSlope
            | Self::TransitionalSlope
            | Self::ReflectionFactor
            | Self::SideShare
            | Self::DownShare
            | Self::ShoulderShare
            | Self::RelevantShare => Unit::Ratio,
            Self::FrequencyFrom | Self::FrequencyTo => Unit::Megahertz,
            Self::ExposureLimit => Unit::WattsPerSquareMetre,
            Self::Beamwidth => Unit::Degrees,
            _ => Unit::Metres,
        }
    }

    /// What holds under a pack that states nothing of it up to the day asked, an old one that a run is replayed by: what held
    /// before packs stated it. What was stated and has expired holds no more.
    #[must_use]
    pub fn unstated(self) -> Option<f64> {
        match self {
            Self::ShoulderShare => Some(0.5),
            Self::RelevantShare => Some(0.05),
            Self::FrequencyFrom => Some(10.0),
            Self::FrequencyTo => Some(6_000.0),
            _ => None,
        }
    }
}

/// The limits that are in force on a day.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'r> {
    rules: &'r SiteRules,
    day: Date,
}

impl<'r> Parameters<'r> {
    /// Those of `rules` on `day`.
    #[must_use]
    pub fn on(rules: &'r SiteRules, day: Date) -> Self {
        Self { rules, day }
    }

    /// The parameter of a key that states nothing else.
    ///
    /// # Errors
    /// [`Missing`]: the check has no limit to hold anything against.
    pub fn get(&self, code: CheckCode, of: SiteKey) -> Result<&'r Arc<Parameter>, Missing> {
        self.find(of, None).ok_or_else(|| self.missing(code, of, None))
    }

    /// The value of a key, or what holds where nothing of it was stated yet.
    ///
    /// # Errors
    /// As [`Parameters::get`], where it was stated and has expired as well.
    pub fn value(&self, code: CheckCode, of: SiteKey) -> Result<f64, Missing> {
        if let Some(rule) = self.find(of, None) {
            return Ok(rule.value);
        }
        let has_begun = |p: &Arc<Parameter>| p.valid_from.is_none_or(|from| from <= self.day);
        let expired = self.rules.of(of).iter().any(|p| p.applies.corridor_class.is_none() && has_begun(p));
        of.unstated().filter(|_| !expired).ok_or_else(|| self.missing(code, of, None))
    }

    /// The parameter of a key for a class, else the one for all.
    ///
    /// # Errors
    /// As [`Parameters::get`].
    pub fn of_class(&self, code: CheckCode, of: SiteKey, class: &str) -> Result<&'r Arc<Parameter>, Missing> {
        let class = class_word(class);
        self.find(of, Some(&class)).ok_or_else(|| self.missing(code, of, Some(&class)))
    }

    fn missing(&self, code: CheckCode, of: SiteKey, class: Option<&str>) -> Missing {
        let applies = |p: &Arc<Parameter>| {
            let own = p.applies.corridor_class.as_deref();
            own.is_none() || own == class
        };
        Missing { code, key: of, is_of_other_days: self.rules.of(of).iter().any(applies) }
    }

    fn find(&self, of: SiteKey, class: Option<&str>) -> Option<&'r Arc<Parameter>> {
        let here = || self.rules.of(of).iter().filter(|p| p.in_force(self.day));
        let for_class = class.and_then(|class| here().find(|p| p.applies.corridor_class.as_deref() == Some(class)));
        for_class.or_else(|| here().find(|p| p.applies.corridor_class.is_none()))
    }

    /// All of them, on any day.
    #[must_use]
    pub fn ever(&self) -> &'r SiteRules {
        self.rules
    }

    /// The largest value of a key, of all classes, on any day; 0 without one.
    #[must_use]
    pub fn most(&self, of: SiteKey) -> f64 {
        self.rules.most(of)
    }
}

/// A parameter that a check needs and that is not in force: whoever gets it has a finding that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The check.
    pub code: CheckCode,
    /// The parameter.
    pub key: SiteKey,
    /// The rules state it for other days.
    pub is_of_other_days: bool,
}

impl From<Missing> for Finding {
    fn from(Missing { code, key: of, is_of_other_days }: Missing) -> Self {
        let message = Message::new(if is_of_other_days { key::RULE_NOT_IN_FORCE } else { key::NO_RULE });
        let message = message.with("key", Argument::Text(of.as_str().into()));
        Self::new(code, Verdict::NotChecked, message)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::checks::tests::support::{DAY, parameter};
    use super::*;

    #[test]
    fn what_was_stated_and_has_expired_is_no_more_and_what_nobody_stated_yet_is_as_before() {
        use SiteKey::{
            ColumnHeight, FrequencyFrom, HeritageDistance, PowerLineHalfWidth, RelevantShare, RoadHalfWidth,
        };
        let on = |key, from, to| {
            let stated = parameter(key, None, 7.0).as_ref().clone();
            let rules = SiteRules::new(&[Arc::new(Parameter { valid_from: from, valid_to: to, ..stated })]);
            let value = Parameters::on(&rules, DAY).value(CheckCode::Emf, key);
            value.map_err(|missing| (missing.is_of_other_days, Finding::from(missing).message.key))
        };
        let (before, after) = (Some(date(2026, 3, 14)), Some(date(2026, 3, 16)));
        let expired = Err((true, key::RULE_NOT_IN_FORCE));
        for (of, unstated) in [(RelevantShare, 0.05), (FrequencyFrom, 10.0)] {
            assert_eq!(on(of, None, None), Ok(7.0), "{of}");
            assert_eq!(on(of, before, Some(DAY)), Ok(7.0), "{of}");
            assert_eq!(on(of, None, before), expired, "{of} expired");
            assert_eq!(on(of, after, None), Ok(unstated), "{of} is not stated yet");
            let none = SiteRules::default();
            assert_eq!(Parameters::on(&none, DAY).value(CheckCode::Emf, of), Ok(unstated), "{of}");
        }
        // Nobody else says how wide a road is, or from which height on something is a column.
        for of in [HeritageDistance, RoadHalfWidth, PowerLineHalfWidth, ColumnHeight] {
            assert_eq!(on(of, None, before), expired, "{of}");
            assert_eq!(on(of, after, None), expired, "{of} never was anything");
            let none = SiteRules::default();
            let missing = Parameters::on(&none, DAY).value(CheckCode::Her, of).map_err(Finding::from);
            assert_eq!(missing.map_err(|finding| finding.message.key), Err(key::NO_RULE), "{of}");
        }
    }
}
