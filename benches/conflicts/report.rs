//! What was measured: one line a comparison for programs, and a table for people. Nothing is measured here.

use std::time::{Duration, Instant};

/// How long each of many like calls took.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Runs `call` and notes how long it took.
    pub fn of<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let outcome = call();
        self.0.push(begun.elapsed());
        outcome
    }

    /// Notes a time that was measured elsewhere.
    #[allow(dead_code)] // not every bench has one
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Times of several clients as one.
    pub fn joined(all: impl IntoIterator<Item = Self>) -> Self {
        Self(all.into_iter().flat_map(|t| t.0).collect())
    }

    /// Calls.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Calls a second, one after the other.
    pub fn per_second(&self) -> f64 {
        self.0.len() as f64 / self.0.iter().sum::<Duration>().as_secs_f64()
    }

    /// The time that so many of a hundred calls stayed below.
    pub fn percentile(&self, of_hundred: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get((sorted.len() * of_hundred / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// One side of a comparison.
#[derive(Debug, Clone)]
pub struct Side {
    /// What it is, for the table.
    pub what: String,
    /// The figure that is compared, such as checks a second.
    pub figure: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Half of the calls stayed below, and 99 of 100.
    pub spread: Option<(Duration, Duration)>,
}

impl Side {
    /// Calls a second.
    pub fn rate(what: impl Into<String>, times: &Times) -> Self {
        let spread = Some((times.percentile(50), times.percentile(99)));
        Self { what: what.into(), figure: times.per_second(), unit: "/s", spread }
    }

    /// Calls a second of several clients at once.
    pub fn rate_of_all(what: impl Into<String>, times: &Times, took: Duration) -> Self {
        Self { figure: times.count() as f64 / took.as_secs_f64(), ..Self::rate(what, times) }
    }

    /// A figure.
    pub fn figure(what: impl Into<String>, figure: f64, unit: &'static str) -> Self {
        Self { what: what.into(), figure, unit, spread: None }
    }
}

/// Two sides of the same work.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Its name in the line.
    pub name: &'static str,
    /// Clearway.
    pub ours: Side,
    /// What it is compared with, if with anything.
    pub peer: Option<Side>,
    /// How many times better we have to be.
    pub target: Option<f64>,
    /// Whether both gave the same answers, where both answer.
    pub equal: Option<bool>,
}

impl Comparison {
    /// How many times better we are: more a second, less time, or less memory.
    fn ratio(&self) -> Option<f64> {
        let peer = self.peer.as_ref()?;
        let less_is_better = ["ms", "B"].contains(&self.ours.unit);
        Some(if less_is_better { peer.figure / self.ours.figure } else { self.ours.figure / peer.figure })
    }

    fn passes(&self) -> bool {
        let reached = self.target.is_none_or(|target| self.ratio().is_some_and(|ratio| ratio >= target));
        reached && self.equal != Some(false)
    }

    fn print(&self) {
        let shown = |side: &Side| format!("{}{}", rounded(side.figure), side.unit);
        let factor = |x: Option<f64>| x.map_or_else(|| "n/a".into(), |x| format!("{}x", rounded(x)));
        let equal = self.equal.map_or("n/a", |equal| if equal { "yes" } else { "no" });
        println!(
            "bench {} ours={} peer={} ratio={} target={} equal={equal}",
            self.name,
            shown(&self.ours),
            self.peer.as_ref().map_or_else(|| "n/a".into(), shown),
            factor(self.ratio()),
            factor(self.target),
        );
    }
}

fn rounded(figure: f64) -> String {
    match figure {
        _ if figure >= 100.0 => format!("{figure:.0}"),
        _ if figure >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// Everything that was compared.
#[derive(Debug, Default)]
pub struct Report {
    comparisons: Vec<Comparison>,
    notes: Vec<String>,
}

impl Report {
    /// Adds a comparison and prints its line.
    pub fn add(&mut self, comparison: Comparison) {
        comparison.print();
        self.comparisons.push(comparison);
    }

    /// Adds a sentence for people.
    pub fn note(&mut self, text: String) {
        println!("# {text}");
        self.notes.push(text);
    }

    /// Every answer that was compared was equal.
    #[allow(dead_code)] // the others look at each themselves
    pub fn is_equal(&self) -> bool {
        self.comparisons.iter().all(|comparison| comparison.equal != Some(false))
    }

    /// Prints the table; true when every target was reached and every answer was equal.
    pub fn finish(&self) -> bool {
        println!("\n{:<52} {:>11} {:>9} {:>9} {:>8}", "", "", "p50 ms", "p99 ms", "ratio");
        for comparison in &self.comparisons {
            let passed = if comparison.passes() { "" } else { "   <-- MISSED" };
            println!("{}{passed}", comparison.name);
            let ratio = comparison.ratio().map_or_else(String::new, |x| format!("{}x", rounded(x)));
            row(&comparison.ours, &ratio);
            if let Some(peer) = &comparison.peer {
                row(peer, "");
            }
        }
        println!();
        self.notes.iter().for_each(|note| println!("{note}"));
        self.comparisons.iter().all(Comparison::passes)
    }
}

fn row(side: &Side, ratio: &str) {
    let ms = |d: Duration| format!("{:.3}", d.as_secs_f64() * 1e3);
    let (p50, p99) = side.spread.map_or_else(Default::default, |(p50, p99)| (ms(p50), ms(p99)));
    let figure = format!("{} {}", rounded(side.figure), side.unit);
    println!("  {:<50} {figure:>11} {p50:>9} {p99:>9} {ratio:>8}", side.what);
}
