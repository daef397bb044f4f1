//! A rule pack prepared for checks. Every day lies in a period in which the same parameters are in force; for each
//! period a table says which of them decides for a sort of land and a kind of work. A pair then costs one look into
//! it: no text is compared and nothing is allocated.

use std::sync::Arc;

use jiff::civil::Date;

use super::read::{Use, use_of};
use super::{LandKind, Parameter, SiteRules};
use crate::domain::conflict::{AccuracyDefaults, AccuracySource, Role, Stands};
use crate::domain::corridor::{CLEARANCE_MAX_M, CorridorKind, HALF_WIDTH_MAX_M};
use crate::domain::layer::NounFacts;
use crate::domain::reference::ReferenceKind;
use crate::domain::site_check;
use crate::domain::word::Word;
use crate::domain::work::{ACCURACY_MAX_M, CaptureMethod, WorkKind};
use crate::geometry::Metres;

/// A column for each kind of work, and one for a work of which the kind is not known.
const COLUMNS: usize = WorkKind::ALL.len() + 1;

/// The column of works of which the kind is not known: the widest of all, so that nothing is missed.
const ANY_WORK: usize = WorkKind::ALL.len();

/// A row for each capture method, and one where nobody knows.
const METHODS: usize = CaptureMethod::ALL.len() + 1;

/// No parameter decides.
const NONE: u16 = u16::MAX;

/// A sort of land between which the pack makes no difference. Only of use with the [`Ruling`] that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LandNumber(u32);

impl LandNumber {
    /// What no pack has a clearance for: land of none of the kinds that rules know, or no land at all.
    pub const NONE: Self = Self(u32::MAX);
}

/// The differences that a pack makes between lands of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
struct Differences {
    /// The number of the first land of this kind.
    first: u32,
    classes: Vec<String>,
    /// Voltages at which something begins or ends, ascending, kV.
    voltages: Vec<f64>,
}

impl Differences {
    /// Below, at, between and above the voltages, and where none is stated.
    fn steps(&self) -> usize {
        2 * self.voltages.len() + 2
    }

    fn count(&self) -> usize {
        (self.classes.len() + 1) * self.steps()
    }

    /// 0 for none; then by turns what lies below a voltage of the list, and the voltage itself.
    fn step(&self, voltage_kv: Option<f64>) -> usize {
        let Some(v) = voltage_kv else { return 0 };
        let below = self.voltages.partition_point(|known| *known < v);
        1 + 2 * below + usize::from(self.voltages.get(below) == Some(&v))
    }

    /// A voltage of a step.
    fn example(&self, step: usize) -> Option<f64> {
        let (at, exactly) = ((step.checked_sub(1)?) / 2, step.is_multiple_of(2));
        let below = at.checked_sub(1).map_or(0.0, |n| self.voltages[n]);
        match self.voltages.get(at) {
            Some(v) if exactly => Some(*v),
            Some(v) => Some(f64::midpoint(below, *v)),
            None => Some(below + 1.0),
        }
    }

    /// A class that the pack does not name is as none stated.
    fn class(&self, class: Option<&str>) -> usize {
        class.and_then(|c| self.classes.iter().position(|known| known == c)).map_or(0, |n| n + 1)
    }
}

/// The lands and periods between which a pack makes a difference.
pub(super) struct Lands {
    kinds: Vec<Differences>,
    count: usize,
    /// The first days of all periods but the first one.
    starts: Vec<Date>,
}

impl Lands {
    pub(super) fn of(parameters: &[Arc<Parameter>]) -> Self {
        let mut kinds = vec![Differences::default(); CorridorKind::ALL.len()];
        let mut starts = Vec::new();
        for p in parameters {
            let usage = use_of(&p.key);
            if let Ok(Use::Clearance(kind)) = usage {
                let of_kind = &mut kinds[kind as usize];
                of_kind.classes.extend(p.applies.corridor_class.clone());
                of_kind.voltages.extend(p.applies.voltage_from_kv);
                of_kind.voltages.extend(p.applies.voltage_to_kv);
            }
            if !matches!(usage, Ok(Use::Other | Use::Site(_) | Use::Case(_))) {
                starts.extend(p.valid_from);
                starts.extend(p.valid_to.and_then(|last| last.tomorrow().ok()));
            }
        }
        starts.sort_unstable();
        starts.dedup();
        let mut count = 0;
        for of_kind in &mut kinds {
            of_kind.classes.sort_unstable();
            of_kind.classes.dedup();
            of_kind.voltages.sort_by(f64::total_cmp);
            of_kind.voltages.dedup();
            of_kind.first = u32::try_from(count).unwrap_or(u32::MAX);
            count += of_kind.count();
        }
        Self { kinds, count, starts }
    }

    /// How large the tables become.
    pub(super) fn cells(&self) -> usize {
        self.count.saturating_mul(COLUMNS).saturating_mul(self.starts.len() + 1)
    }
}

/// Which parameter decides, while the same ones are in force.
#[derive(Debug, PartialEq)]
struct Period {
    /// By land, then by kind of work.
    clearances: Vec<u16>,
    /// By capture method.
    accuracies: [u16; METHODS],
}

/// A rule pack prepared for checks; without one, [`AccuracyDefaults`] are all there is.
#[derive(Debug, PartialEq, Default)]
pub struct Ruling {
    parameters: Vec<Arc<Parameter>>,
    defaults: AccuracyDefaults,
    kinds: Vec<Differences>,
    starts: Vec<Date>,
    periods: Vec<Period>,
    site: SiteRules,
    /// By kind of reference features, how far beyond their shapes they matter.
    site_reaches: Vec<Metres>,
}

impl Ruling {
    /// Prepares checked parameters; `defaults` say how accurate positions are of which the pack does not.
    #[must_use]
    pub fn new(parameters: &[Arc<Parameter>], defaults: AccuracyDefaults) -> Self {
        // Only what checks read, so that a number of 16 bits names it.
        let read = |p: &&Arc<Parameter>| super::is_read(&p.key);
        let parameters: Vec<Arc<Parameter>> = parameters.iter().filter(read).take(NONE.into()).cloned().collect();
        let Lands { kinds, starts, .. } = Lands::of(&parameters);
        let first_days = std::iter::once(Date::MIN).chain(starts.iter().copied());
        let periods = first_days.map(|day| Period::on(day, &parameters, &kinds)).collect();
        let site = SiteRules::new(&parameters);
        let reach_of = |kind| Metres::new(site_check::reach_of(kind, &site)).unwrap_or(Metres::ZERO);
        let site_reaches = ReferenceKind::ALL.iter().map(|(kind, _)| reach_of(*kind)).collect();
        Self { parameters, defaults, kinds, starts, periods, site, site_reaches }
    }

    /// The parameters that checks read.
    #[must_use]
    pub fn parameters(&self) -> &[Arc<Parameter>] {
        &self.parameters
    }

    /// How accurate what states nothing is taken to be.
    #[must_use]
    pub fn defaults(&self) -> AccuracyDefaults {
        self.defaults
    }

    /// The parameters of site checks.
    #[must_use]
    pub fn site(&self) -> &SiteRules {
        &self.site
    }

    /// How far beyond its shape a reference feature of a kind matters to a site check, on any day.
    #[must_use]
    pub fn site_reach(&self, kind: ReferenceKind) -> Metres {
        self.site_reaches.get(kind as usize).copied().unwrap_or(Metres::ZERO)
    }

    /// What is in force on `day`.
    #[must_use]
    pub fn on(&self, day: Date) -> InForce<'_> {
        let number = self.starts.partition_point(|start| *start <= day);
        InForce { ruling: self, period: self.periods.get(number) }
    }

    /// The sort of land that something is.
    #[must_use]
    pub fn land(&self, land: &LandKind) -> LandNumber {
        let Some(of_kind) = self.kinds.get(land.kind as usize) else { return LandNumber::NONE };
        let within = of_kind.class(land.class.as_deref()) * of_kind.steps() + of_kind.step(land.voltage_kv);
        LandNumber(of_kind.first + u32::try_from(within).unwrap_or(0))
    }

    /// The widest clearance of a land on any day, for any work.
    #[must_use]
    pub fn clearance_max(&self, land: LandNumber) -> Metres {
        self.ever(|in_force| in_force.clearance(land, None).map_or(Metres::ZERO, |p| p.metres()))
    }

    /// The worst accuracy of a position on any day.
    #[must_use]
    pub fn accuracy_max(&self, facts: &NounFacts) -> Metres {
        self.ever(|in_force| in_force.accuracy(facts).metres)
    }

    /// The worst accuracy on any day of a position of which nothing is stated but, maybe, how it was captured.
    #[must_use]
    pub fn unstated_max(&self) -> Metres {
        self.ever(|in_force| {
            let by_rules = in_force.period.into_iter().flat_map(|period| &period.accuracies);
            let by_rules = by_rules.filter_map(|cell| in_force.parameter(*cell)).map(|p| p.metres());
            by_rules.fold(self.defaults.worst(), |a, b| if b > a { b } else { a })
        })
    }

    /// No feature is met further beyond its shape, whatever it is and states, on any day: the widest of all that an entry of the
    /// index may have as its reach.
    #[must_use]
    pub fn reach_max(&self) -> Metres {
        const STATED: [Metres; 2] = [Metres::constant(CLEARANCE_MAX_M), Metres::constant(ACCURACY_MAX_M)];
        let by_rules = self.parameters.iter().map(|p| p.metres());
        // A road has a width, and something to be kept free beside it.
        let wide =
            |reach: Metres| reach.plus(Metres::constant(HALF_WIDTH_MAX_M)).plus(Metres::constant(CLEARANCE_MAX_M));
        let of_sites = ReferenceKind::ALL.iter().map(|(kind, _)| wide(self.site_reach(*kind)));
        STATED.into_iter().chain(by_rules).chain(of_sites).fold(self.defaults.worst(), |a, b| if b > a { b } else { a })
    }

    fn ever(&self, of: impl Fn(InForce<'_>) -> Metres) -> Metres {
        let periods = self.periods.iter().map(|period| InForce { ruling: self, period: Some(period) });
        let without = self.periods.is_empty().then_some(InForce { ruling: self, period: None });
        periods.chain(without).map(of).fold(Metres::ZERO, |a, b| if b > a { b } else { a })
    }
}

impl Period {
    fn on(day: Date, parameters: &[Arc<Parameter>], kinds: &[Differences]) -> Self {
        let mut clearances = Vec::new();
        let mut accuracies = [NONE; METHODS];
        let mut by_kind: Vec<Vec<Numbered<'_>>> = vec![Vec::new(); kinds.len()];
        for (number, p) in (0_u16..).zip(parameters).filter(|(_, p)| p.in_force(day)) {
            match use_of(&p.key) {
                Ok(Use::Clearance(kind)) => by_kind[kind as usize].push((number, p)),
                Ok(Use::Accuracy(method)) => accuracies[row_of(method)] = number,
                Ok(Use::Site(_) | Use::Waiver | Use::Case(_) | Use::Other) | Err(_) => {}
            }
        }
        for (of_kind, mut known) in kinds.iter().zip(by_kind) {
            // From the most specific on: the first that applies decides.
            known.sort_by_key(|(_, p)| std::cmp::Reverse(p.applies.rank()));
            let widest = widest(&known);
            for class in std::iter::once(None).chain(of_kind.classes.iter().map(Some)) {
                for step in 0..of_kind.steps() {
                    let voltage = of_kind.example(step);
                    let here: Vec<_> = known.iter().filter(|(_, p)| applies(p, class, voltage)).copied().collect();
                    clearances.extend(row(&here, &widest));
                }
            }
        }
        Self { clearances, accuracies }
    }
}

fn row_of(method: Option<CaptureMethod>) -> usize {
    method.map_or(CaptureMethod::ALL.len(), |m| m as usize)
}

impl Parameter {
    /// It speaks of this class and voltage, and not only of the kind of land.
    #[must_use]
    pub fn is_of(&self, land: &LandKind) -> bool {
        applies(self, land.class.as_ref(), land.voltage_kv)
    }
}

/// Whether land of this class and voltage meets what a parameter states of land.
fn applies(p: &Parameter, class: Option<&String>, voltage_kv: Option<f64>) -> bool {
    let a = &p.applies;
    let in_class = a.corridor_class.is_none() || a.corridor_class.as_ref() == class;
    let in_range = !a.states_voltage()
        || voltage_kv.is_some_and(|v| {
            a.voltage_from_kv.is_none_or(|low| low <= v) && a.voltage_to_kv.is_none_or(|high| v <= high)
        });
    in_class && in_range
}

/// A parameter with its number.
type Numbered<'p> = (u16, &'p Parameter);

/// Of all parameters of a kind of land the widest for each kind of work, and of equals the first: what decides where the
/// pack speaks of both kinds, and nothing it says applies.
fn widest<'p>(known: &[Numbered<'p>]) -> [Option<Numbered<'p>>; ANY_WORK] {
    let mut widest = [None; ANY_WORK];
    for (kind, _) in WorkKind::ALL {
        let speaks = |p: &Parameter| p.applies.work_kind.is_none_or(|k| k == *kind);
        widest[*kind as usize] = known.iter().filter(|(_, p)| speaks(p)).copied().reduce(|best, next| {
            let order = next.1.value.total_cmp(&best.1.value).then(best.0.cmp(&next.0));
            if order.is_gt() { next } else { best }
        });
    }
    widest
}

/// The row of a land out of the parameters that apply to it, the most specific first, and those that decide where none
/// does.
fn row(here: &[Numbered<'_>], otherwise: &[Option<Numbered<'_>>; ANY_WORK]) -> [u16; COLUMNS] {
    let mut cells = [NONE; COLUMNS];
    let first = |wanted: Option<WorkKind>| {
        here.iter().copied().find(|(_, p)| p.applies.work_kind.is_none() || p.applies.work_kind == wanted)
    };
    let mut widest = first(None);
    for (kind, _) in WorkKind::ALL {
        let decides = first(Some(*kind)).or(otherwise[*kind as usize]);
        if let Some((number, p)) = decides {
            cells[*kind as usize] = number;
            if widest.is_none_or(|(_, w)| p.value > w.value) {
                widest = decides;
            }
        }
    }
    if let Some((number, _)) = widest {
        cells[ANY_WORK] = number;
    }
    cells
}

/// How accurate a position is, and who says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy<'r> {
    /// How accurate.
    pub metres: Metres,
    /// Who says so.
    pub source: AccuracySource,
    /// The parameter, where it is one.
    pub rule: Option<&'r Arc<Parameter>>,
}

/// What is in force on one day.
#[derive(Debug, Clone, Copy)]
pub struct InForce<'r> {
    ruling: &'r Ruling,
    period: Option<&'r Period>,
}

impl<'r> InForce<'r> {
    fn parameter(self, number: u16) -> Option<&'r Arc<Parameter>> {
        self.ruling.parameters.get(usize::from(number))
    }

    /// The parameter that decides on the clearance of a land from works of a kind; of an unknown kind: the widest. Where the
    /// pack speaks of the kind of land and the kind of work, but of no such class or voltage: the widest of that kind.
    #[must_use]
    pub fn clearance(self, land: LandNumber, work: Option<WorkKind>) -> Option<&'r Arc<Parameter>> {
        let column = work.map_or(ANY_WORK, |kind| kind as usize);
        let cell = self.period?.clearances.get(land.0 as usize * COLUMNS + column)?;
        self.parameter(*cell)
    }

    /// The accuracy of the position of the feature with these facts: recorded, else of the pack, else configured. Land
    /// has none.
    #[must_use]
    pub fn accuracy(self, facts: &NounFacts) -> Accuracy<'r> {
        let Role::Stands(Stands { position_accuracy_m, capture_method, .. }) = facts.role() else {
            return Accuracy { metres: Metres::ZERO, source: AccuracySource::Drawn, rule: None };
        };
        let (metres, source) = self.ruling.defaults.of(position_accuracy_m, capture_method);
        let cell = self.period.map_or(NONE, |p| p.accuracies[row_of(capture_method)]);
        match (source, self.parameter(cell)) {
            (AccuracySource::Default, Some(p)) => {
                Accuracy { metres: p.metres(), source: AccuracySource::Rule, rule: Some(p) }
            }
            _ => Accuracy { metres, source, rule: None },
        }
    }
}
