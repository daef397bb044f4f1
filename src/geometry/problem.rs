//! What is wrong with a document, and where.

/// Problems named one by one before the rest is only counted: nobody reads more, and a broken
/// document of a million vertices must not become a million sentences.
pub const PROBLEMS_MAX: usize = 100;

/// One problem of one document. `pointer` is an RFC 6901 JSON pointer into it, `detail` a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// RFC 6901 JSON pointer, such as `/geometry/coordinates/0/3`.
    pub pointer: String,
    /// What is wrong there, as a sentence for a person.
    pub detail: String,
    /// What kind of problem it is, for the program.
    pub kind: ProblemKind,
}

/// What the program itself must know of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProblemKind {
    /// Nothing more than its sentence says.
    #[default]
    Plain,
    /// The shape lies outside, however its numbers are read.
    Outside,
    /// The shape lies outside as its numbers stand; read in another way they would lie inside.
    OutsideButFits,
}

impl Problem {
    /// A problem at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into(), kind: ProblemKind::Plain }
    }

    /// A shape that lies outside, and another reading of its numbers that fits, if there is one.
    pub fn outside(pointer: impl Into<String>, detail: impl Into<String>, other_reading: Option<&str>) -> Self {
        let mut problem = Self { kind: ProblemKind::Outside, ..Self::new(pointer, detail) };
        if let Some(hint) = other_reading {
            problem.detail.push_str("; ");
            problem.detail.push_str(hint);
            problem.kind = ProblemKind::OutsideButFits;
        }
        problem
    }

    /// The same problem, its document now standing at `prefix` inside a larger one.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

/// Collects problems up to [`PROBLEMS_MAX`] and counts the others.
#[derive(Debug, Default)]
pub struct Collector {
    named: Vec<Problem>,
    more: usize,
}

impl Collector {
    /// Adds a problem; `problem` is only asked for it while there is room.
    pub fn push(&mut self, problem: impl FnOnce() -> Problem) {
        if self.named.len() < PROBLEMS_MAX {
            self.named.push(problem());
        } else {
            self.more += 1;
        }
    }

    /// Adds problems.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.push(|| problem));
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// All of them, the counted rest as the last one.
    #[must_use]
    pub fn finish(mut self) -> Vec<Problem> {
        if self.more > 0 {
            self.named.push(Problem::new("", format!("and {} more problems", self.more)));
        }
        self.named
    }
}
