//! Which column or property becomes which field, and what fills the gaps.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::options::{Pair, UNUSED_MAX};
use super::{ReadError, ReadOptions};
use crate::domain::fields::{Fields, Value};

/// From the names of a file to the names of the target.
pub(super) struct Mapping {
    /// Fields taken from a column. A column that is mapped is not also taken under its own name.
    by_column: HashMap<String, Vec<String>>,
    /// Fields that somebody took from a column by name: what stands there is read as a table cell, whatever the file is, for
    /// other people write numbers and dates as text.
    mapped: HashSet<String>,
    /// Mapped columns that no record had yet.
    awaited: HashSet<String>,
    /// Defaults.
    set: Vec<(String, Value)>,
    unused: BTreeSet<String>,
}

impl Mapping {
    /// The mapping that `options` ask for; `map` is what is left of theirs once places are taken out.
    pub(super) fn new(options: &ReadOptions, map: &[Pair]) -> Result<Self, ReadError> {
        let known = |field: &str| options.fields_known.contains(&field);
        let mut by_column: HashMap<String, Vec<String>> = HashMap::new();
        let mut mapped = HashSet::new();
        for (field, column) in map {
            if !known(field) {
                return Err(unknown(field, options));
            }
            if !mapped.insert(field.clone()) {
                return Err(ReadError::refused(format!("the field «{field}» is mapped to two columns")));
            }
            by_column.entry(column.clone()).or_default().push(field.clone());
        }
        let awaited = by_column.keys().cloned().collect();
        for field in options.fields_known.iter().filter(|field| !mapped.contains(**field)) {
            by_column.entry((*field).to_owned()).or_insert_with(|| vec![(*field).to_owned()]);
        }
        let mut set: Vec<(String, Value)> = Vec::new();
        for (field, value) in &options.set {
            if !known(field) {
                return Err(unknown(field, options));
            }
            if value.trim().is_empty() {
                return Err(ReadError::refused(format!("the field «{field}» is set to nothing")));
            }
            if set.iter().any(|(other, _)| other == field) {
                return Err(ReadError::refused(format!("the field «{field}» is set twice")));
            }
            set.push((field.clone(), Value::Cell(value.trim().to_owned())));
        }
        Ok(Self { by_column, mapped, awaited, set, unused: BTreeSet::new() })
    }

    /// The fields that come from `column`; a column that gives none is remembered as unused.
    pub(super) fn fields_of(&mut self, column: &str) -> &[String] {
        if !self.awaited.is_empty() {
            self.awaited.remove(column);
        }
        if let Some(fields) = self.by_column.get(column) {
            return fields;
        }
        if !column.is_empty() && self.unused.len() < UNUSED_MAX && !self.unused.contains(column) {
            self.unused.insert(column.to_owned());
        }
        &[]
    }

    /// Adds `value` of `column` under each of its fields.
    pub(super) fn take(&mut self, fields: &mut Fields, column: &str, value: impl FnOnce() -> Value) {
        let before = fields.0.len();
        match self.fields_of(column) {
            [] => {}
            [only] => fields.0.push((only.clone(), value())),
            several => {
                let value = value();
                fields.0.extend(several.iter().map(|field| (field.clone(), value.clone())));
            }
        }
        for (field, value) in &mut fields.0[before..] {
            if let Value::Text(text) = value
                && self.mapped.contains(field)
            {
                *value = Value::Cell(std::mem::take(text));
            }
        }
    }

    /// Fills what is missing or empty with its default; the names of what was filled.
    pub(super) fn fill(&self, fields: &mut Fields) -> Vec<String> {
        let mut filled = Vec::new();
        for (field, default) in &self.set {
            match fields.0.iter_mut().find(|(name, _)| name == field) {
                None => fields.0.push((field.clone(), default.clone())),
                Some((_, value)) if is_empty(value) => *value = default.clone(),
                Some(_) => continue,
            }
            filled.push(field.clone());
        }
        filled
    }

    pub(super) fn unused(&self) -> &BTreeSet<String> {
        &self.unused
    }

    /// Forgets that `column` was unused: it was needed after all, for the place.
    pub(super) fn is_used(&mut self, column: &str) {
        self.unused.remove(column);
    }

    pub(super) fn never_seen(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.awaited.iter().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) | Value::Cell(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn unknown(field: &str, options: &ReadOptions) -> ReadError {
    let known = options.fields_known.join(", ");
    ReadError::refused(format!("there is no field «{field}»; the fields are: {known}"))
}
