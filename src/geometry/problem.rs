//! What is wrong with a document, and where.

/// One problem of one document. `pointer` is an RFC 6901 JSON pointer into it, `detail` a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// RFC 6901 JSON pointer, such as `/geometry/coordinates/0/3`.
    pub pointer: String,
    /// What is wrong there, as a sentence for a person.
    pub detail: String,
}

impl Problem {
    /// A problem at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    /// The same problem, its document now standing at `prefix` inside a larger one.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}
