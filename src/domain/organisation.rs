//! Organisations: whoever owns works, plans land or decides about either.

use super::word::words;
use crate::geometry::Problem;

words! {
    /// What an organisation is.
    OrganisationKind {
        Carrier = "carrier",
        Office = "office",
        Committee = "committee",
        ProjectOwner = "project_owner",
        Consultee = "consultee",
        PublicBody = "public_body",
    }
}

/// Longest code of an organisation, and longest name of an account, in characters: both stand in every row they own.
pub const NAME_MAX: usize = 64;

/// Longest name of an organisation, characters.
pub const TITLE_MAX: usize = 200;

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its code, as features name their owner.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: OrganisationKind,
}

impl Organisation {
    /// An organisation with a code and a name that can be used.
    ///
    /// # Errors
    /// Every problem.
    pub fn new(code: &str, name: &str, kind: OrganisationKind) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        problems.extend(wrong_name(code).map(|detail| Problem::new("/code", detail)));
        problems.extend(wrong_title(name).map(|detail| Problem::new("/name", detail)));
        if problems.is_empty() { Ok(Self { code: code.into(), name: name.into(), kind }) } else { Err(problems) }
    }
}

/// What is wrong with the name of an organisation.
fn wrong_title(name: &str) -> Option<String> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > TITLE_MAX || name.chars().any(char::is_control) {
        return Some(format!("must be 1 to {TITLE_MAX} characters, none of them a control character"));
    }
    None
}

/// What is wrong with a name that stands in tables and logs and is compared letter by letter: of a small alphabet, so
/// that no two of them look the same.
#[must_use]
pub fn wrong_name(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.@".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && name.len() <= NAME_MAX && name.chars().all(fits) {
        return None;
    }
    Some(format!(
        "must be 1 to {NAME_MAX} small letters a to z, digits, and - _ . @ between them, and begin with a letter or digit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_bounded() {
        let check = |code: &str, name: &str, expect: &[&str]| {
            let made = Organisation::new(code, name, OrganisationKind::Carrier);
            let wrong = made.err().unwrap_or_default();
            assert_eq!(wrong.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), expect, "{code} {name}");
        };
        check("roads-board", "Ban quản lý dự án", &[]);
        check("7", "x", &[]);
        check("", "", &["/code", "/name"]);
        check("-a", "x", &["/code"]);
        check("Vnpt", "x", &["/code"]);
        check("vnpt\u{200b}", "x", &["/code"]);
        check(&"a".repeat(65), &"x".repeat(201), &["/code", "/name"]);
        check("a", "x\ny", &["/name"]);
    }
}
