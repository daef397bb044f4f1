//! Named values as a document or a table row delivered them, before they become domain words.

use jiff::Timestamp;
use jiff::civil::Date;

use super::word::Word;
use crate::geometry::{Metres, Problem};

/// Longest text of a property, in characters: names and sources, not documents.
pub const TEXT_MAX: usize = 500;

/// Longest list in a property.
pub const LIST_MAX: usize = 50;

/// One delivered value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// JSON `null`. An empty cell of a table is no value at all: it says nothing.
    Null,
    /// JSON `true` or `false`.
    Bool(bool),
    /// A JSON number.
    Number(f64),
    /// A JSON string.
    Text(String),
    /// A cell of a table without types: text that may stand for a number. Never empty.
    Cell(String),
    /// A JSON array.
    List(Vec<Value>),
    /// A JSON object.
    Object,
}

/// Named values in the order in which they were delivered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields(pub Vec<(String, Value)>);

impl Fields {
    /// The value under `name`, if it was delivered.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
}

/// Reads domain values out of [`Fields`], collecting every problem instead of stopping at the first.
#[derive(Debug)]
pub struct Reading<'a> {
    fields: &'a Fields,
    problems: Vec<Problem>,
    /// Pointer to what holds the fields.
    at: &'static str,
}

impl<'a> Reading<'a> {
    /// Begins to read; names that stand in neither list are problems at once.
    #[must_use]
    pub fn new(fields: &'a Fields, known: &[&str], read_only: &[&str]) -> Self {
        Self::begin(fields, "/properties/", known, read_only, "a property of this feature")
    }

    /// Begins to read a document that is no feature: its fields are its members.
    #[must_use]
    pub fn of_document(fields: &'a Fields, known: &[&str]) -> Self {
        Self::begin(fields, "/", known, &[], "a member of this document")
    }

    fn begin(fields: &'a Fields, at: &'static str, known: &[&str], read_only: &[&str], what: &str) -> Self {
        let mut reading = Self { fields, problems: Vec::new(), at };
        for (name, _) in &fields.0 {
            if !known.contains(&name.as_str()) && !read_only.contains(&name.as_str()) {
                reading.wrong(&escaped(name), format!("is not {what}; known are {}", known.join(", ")));
            }
        }
        reading
    }

    /// Begins to read whatever names there are: the reader tells which of them it does not know.
    #[must_use]
    pub fn of_any(fields: &'a Fields) -> Self {
        Self { fields, problems: Vec::new(), at: "/properties/" }
    }

    /// Notes a problem of the property `name`.
    pub fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        self.problems.push(Problem::new(format!("{}{name}", self.at), detail));
    }

    fn given(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|v| **v != Value::Null)
    }

    /// A text; trimmed, at most [`TEXT_MAX`] characters, no control characters. Absent, null and blank are the same.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let text = match self.given(name)? {
            Value::Text(t) | Value::Cell(t) => t,
            other => {
                self.wrong(name, format!("is {}; text belongs here", other.what()));
                return None;
            }
        };
        self.fit(name, text).filter(|t| !t.is_empty())
    }

    /// A text without what surrounds it, if it is short enough and has no control characters.
    fn fit(&mut self, name: &str, text: &str) -> Option<String> {
        let text = text.trim();
        if text.chars().count() > TEXT_MAX {
            self.wrong(name, format!("is longer than {TEXT_MAX} characters"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.wrong(name, "contains control characters");
            return None;
        }
        Some(text.to_owned())
    }

    /// A text exactly as it was given, for what is compared bit by bit; a problem does not repeat it.
    pub fn secret(&mut self, name: &str) -> Option<String> {
        match self.given(name)? {
            Value::Text(text) if text.chars().count() <= TEXT_MAX => Some(text.clone()),
            Value::Text(_) => {
                self.wrong(name, format!("is longer than {TEXT_MAX} characters"));
                None
            }
            _ => {
                self.wrong(name, "is no text");
                None
            }
        }
    }

    /// A yes or no.
    pub fn yes_or_no(&mut self, name: &str) -> Option<bool> {
        match self.given(name)? {
            Value::Bool(yes) => Some(*yes),
            other => {
                self.wrong(name, format!("is {}; true or false belongs here", other.what()));
                None
            }
        }
    }

    /// A yes or no, which a table cell writes as `true` or `false`, `yes` or `no`, `1` or `0`.
    pub fn truth(&mut self, name: &str) -> Option<bool> {
        match self.given(name)? {
            Value::Cell(cell) => match cell.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some(true),
                "false" | "no" | "0" => Some(false),
                _ => {
                    self.wrong(name, format!("«{cell}» is neither true nor false"));
                    None
                }
            },
            _ => self.yes_or_no(name),
        }
    }

    /// A moment, RFC 3339.
    pub fn moment(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        let moment = text.parse().ok();
        if moment.is_none() {
            self.wrong(name, format!("«{text}» is not a moment; write it as 2026-03-01T00:00:00Z"));
        }
        moment
    }

    /// Words of a closed list, each once.
    pub fn words<W: Word>(&mut self, name: &str) -> Vec<W> {
        let mut words = Vec::new();
        for (i, text) in self.texts(name).iter().enumerate() {
            match W::parse(text) {
                Some(word) if !words.contains(&word) => words.push(word),
                Some(_) => {}
                None => {
                    self.wrong(&format!("{name}/{i}"), format!("«{text}» is not known here; known are {}", W::known()));
                }
            }
        }
        words
    }

    /// A number from `min` to `max`, both included.
    pub fn number(&mut self, name: &str, min: f64, max: f64) -> Option<f64> {
        let number = match self.given(name)? {
            Value::Number(n) => *n,
            Value::Cell(cell) => {
                if let Ok(n) = cell.trim().parse::<f64>() {
                    n
                } else {
                    self.wrong(name, format!("«{cell}» is not a number"));
                    return None;
                }
            }
            other => {
                self.wrong(name, format!("is {}; a number belongs here", other.what()));
                return None;
            }
        };
        if number.is_finite() && (min..=max).contains(&number) {
            // Nobody means -0, and it is written differently.
            return Some(number + 0.0);
        }
        self.wrong(name, format!("is {number}; it must lie between {min} and {max}"));
        None
    }

    /// A length in metres, at most `max`.
    pub fn metres(&mut self, name: &str, max: f64) -> Option<Metres> {
        self.number(name, 0.0, max).and_then(|n| Metres::new(n).ok())
    }

    /// A date, ISO 8601 `YYYY-MM-DD`.
    pub fn date(&mut self, name: &str) -> Option<Date> {
        let text = self.text(name)?;
        if let Ok(date) = text.parse::<Date>()
            && text.len() == 10
        {
            return Some(date);
        }
        self.wrong(name, format!("«{text}» is not a date; write it as 2026-03-01"));
        None
    }

    /// A word of a closed list.
    pub fn word<W: Word>(&mut self, name: &str) -> Option<W> {
        let text = self.text(name)?;
        let word = W::parse(&text);
        if word.is_none() {
            self.wrong(name, format!("«{text}» is not known here; known are {}", W::known()));
        }
        word
    }

    /// A list of at most [`LIST_MAX`] texts, each as [`Reading::text`]; a table cell separates them by commas. Blank
    /// ones are left out.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.given(name) else { return Vec::new() };
        match value {
            Value::Cell(cell) => {
                let items: Vec<&str> = cell.split(',').filter(|t| !t.trim().is_empty()).collect();
                if items.len() > LIST_MAX {
                    self.wrong(name, format!("has {} texts; the limit is {LIST_MAX}", items.len()));
                    return Vec::new();
                }
                items.into_iter().filter_map(|item| self.fit(name, item)).collect()
            }
            Value::List(items) if items.len() <= LIST_MAX => {
                let mut texts = Vec::new();
                for (i, item) in items.iter().enumerate() {
                    let name = format!("{name}/{i}");
                    match item {
                        Value::Text(t) => texts.extend(self.fit(&name, t).filter(|t| !t.is_empty())),
                        _ => self.wrong(&name, "text belongs here"),
                    }
                }
                texts
            }
            other => {
                self.wrong(name, format!("is {}; a list of at most {LIST_MAX} texts belongs here", other.what()));
                Vec::new()
            }
        }
    }

    /// Notes that `name` is missing where `value` is absent and nothing else was wrong with it.
    pub fn required<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        let at = format!("{}{name}", self.at);
        if value.is_none() && !self.problems.iter().any(|p| p.pointer == at) {
            self.wrong(name, "is missing");
        }
        value
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All the problems, if there was any.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }
}

/// A name as a part of a pointer (RFC 6901, section 3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl Value {
    fn what(&self) -> String {
        match self {
            Value::Null => "null".into(),
            Value::Bool(b) => format!("{b}"),
            Value::Number(n) => format!("the number {n}"),
            Value::Text(t) | Value::Cell(t) => format!("the text «{}»", t.chars().take(40).collect::<String>()),
            Value::List(_) => "a list".into(),
            Value::Object => "an object".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_list_are_read_as_texts() {
        let long = "x".repeat(TEXT_MAX + 1);
        let text = |t: &str| Value::Text(t.into());
        let list = |items: &[&str]| Value::List(items.iter().map(|t| text(t)).collect());
        let check = |value: Value, expect: Result<&[&str], &[&str]>| {
            let fields = Fields(vec![("tenants".into(), value.clone())]);
            let mut reading = Reading::new(&fields, &["tenants"], &[]);
            let texts = reading.texts("tenants");
            let got = reading.finish(Some(texts)).map_err(|problems| {
                problems.iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect::<Vec<_>>().join("; ")
            });
            let expect = expect.map(|t| t.iter().map(|t| (*t).to_owned()).collect()).map_err(|p| p.join("; "));
            assert_eq!(got, expect, "{value:?}");
        };
        let controls: &[&str] = &["/properties/tenants/1 contains control characters"];
        check(list(&[" vnpt ", "", "  ", "viettel"]), Ok(&["vnpt", "viettel"]));
        check(list(&["vnpt", "a\0b"]), Err(controls));
        check(list(&["vnpt", "a\nb"]), Err(controls));
        check(list(&[&long]), Err(&["/properties/tenants/0 is longer than 500 characters"]));
        check(Value::List(vec![Value::Number(1.0)]), Err(&["/properties/tenants/0 text belongs here"]));
        check(
            list(&["x"; LIST_MAX + 1]),
            Err(&["/properties/tenants is a list; a list of at most 50 texts belongs here"]),
        );
        check(Value::Cell(" vnpt ,, viettel,".into()), Ok(&["vnpt", "viettel"]));
        check(Value::Cell("vnpt,a\u{7}b".into()), Err(&["/properties/tenants contains control characters"]));
        check(Value::Cell(long.clone()), Err(&["/properties/tenants is longer than 500 characters"]));
        check(Value::Cell("x,".repeat(LIST_MAX)), Ok(&["x"; LIST_MAX]));
        check(Value::Cell("x,".repeat(LIST_MAX + 1)), Err(&["/properties/tenants has 51 texts; the limit is 50"]));
    }
}
