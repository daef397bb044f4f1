//! Named values as a document or a table row delivered them, before they become domain words.

/// One delivered value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// JSON `null`, or an empty cell of a table.
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
