//! Sentences by key: what is said, and what stands in it. The words themselves stand in message files, one for each
//! language; a test holds that each of them has every key.

use jiff::civil::Date;

/// The keys of all sentences.
pub mod key {
    /// Something that the check reads is hidden from the asker.
    pub const HIDDEN: &str = "hidden";
    /// No data covers the place.
    pub const NO_DATA: &str = "no-data";
    /// Nobody looks after the ground at the place.
    pub const OUTSIDE: &str = "outside";
    /// The rule pack lacks a parameter; `key` names it.
    pub const NO_RULE: &str = "no-rule";
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

    /// With a text.
    #[must_use]
    pub fn text(self, name: &'static str, text: impl Into<String>) -> Self {
        self.with(name, Argument::Text(text.into()))
    }
}
