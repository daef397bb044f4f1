//! A rule pack in TOML, the form in which a lawyer reads it and two versions are compared: a head, and one table
//! `[[parameter]]` after the other. What the members mean is asked of the domain; here they only get their line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::fields::{Fields, Value};
use crate::domain::rules::{Clause, RulePack};
use crate::geometry::Problem;

/// Largest file of rules: thousands of parameters with their notes.
pub const BYTES_MAX: usize = 4 << 20;

/// Reads a rule pack.
///
/// # Errors
/// Every problem, each with the line it stands in.
pub fn read(bytes: &[u8]) -> Result<RulePack, Vec<Problem>> {
    if bytes.len() > BYTES_MAX {
        let detail = format!("has {} bytes; the limit is {BYTES_MAX} bytes", bytes.len());
        return Err(vec![Problem::new("the file", detail)]);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| vec![Problem::new("the file", format!("is not UTF-8: byte {} is wrong", e.valid_up_to()))])?;
    // Some editors put a mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problem = |e: &toml::de::Error| {
            let place = e.span().map_or_else(|| "the file:".into(), |span| format!("{}:", line(text, span.start)));
            Problem::new(place, format!("cannot be read as TOML: {}", e.message()))
        };
        return Err(errors.iter().map(problem).collect());
    }
    let mut head = Vec::new();
    let mut clauses = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in table.get_ref() {
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("parameter", DeValue::Array(items)) => {
                for item in items {
                    match item.get_ref() {
                        DeValue::Table(parameter) => clauses.push(clause(text, parameter, item.span().start)),
                        _ => problems.push(no_table(text, item.span().start)),
                    }
                }
            }
            ("parameter", _) => problems.push(no_table(text, value.span().start)),
            (name, value) => head.push((name.to_owned(), field(value))),
        }
    }
    let head = Clause { place: "the head".into(), fields: Fields(head) };
    match RulePack::read(&head, &clauses) {
        Ok(pack) if problems.is_empty() => Ok(pack),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

fn no_table(text: &str, at: usize) -> Problem {
    Problem::new(format!("{}: parameter", line(text, at)), "is no table; begin each parameter with [[parameter]]")
}

/// A parameter, and the line of its first member.
fn clause(text: &str, table: &DeTable<'_>, start: usize) -> Clause {
    let first = table.keys().map(|name| name.span().start).min().unwrap_or(start);
    let fields = table.iter().map(|(name, value)| (name.get_ref().to_string(), field(value.get_ref())));
    Clause { place: line(text, first), fields: Fields(fields.collect()) }
}

fn line(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    format!("line {}", before.matches('\n').count() + 1)
}

fn field(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(n) => number(
            &i64::from_str_radix(n.as_str(), n.radix()).map_or_else(|_| n.as_str().to_owned(), |n| n.to_string()),
        ),
        DeValue::Float(n) => number(n.as_str()),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Datetime(moment) => Value::Text(moment.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(Spanned::get_ref).map(field).collect()),
        DeValue::Table(_) => Value::Object,
    }
}

/// A number; what is too large for one is left as text, for somebody to see.
fn number(text: &str) -> Value {
    text.parse::<f64>().map_or_else(|_| Value::Text(text.to_owned()), Value::Number)
}
