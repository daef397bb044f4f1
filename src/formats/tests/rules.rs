//! Files of rules that are as large as one may be, and wrong from end to end: what is wrong is told or counted.

use crate::formats::rules::{BYTES_MAX, read};
use crate::geometry::problem::PROBLEMS_MAX;

const HEAD: &str = "name = \"T\"\nversion = \"1\"\n";

/// As many pieces as a file may have, each with its number.
fn full(head: &str, piece: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    for n in 0.. {
        let piece = piece(n);
        if text.len() + piece.len() + tail.len() > BYTES_MAX {
            break;
        }
        text += &piece;
    }
    text + tail
}

#[test]
fn of_very_many_problems_most_are_only_counted() {
    let always = |piece: &'static str| move |_: usize| piece.to_owned();
    let clause = |n: usize| {
        let members = (0..40).fold(String::new(), |all, m| all + &format!("a{m}=1\n"));
        if n < 5_000 { format!("[[parameter]]\n{members}") } else { "#".repeat(BYTES_MAX) }
    };
    let table: &[(&str, String, &str)] = &[
        ("no TOML", full(HEAD, always("=\n"), ""), "line 3: cannot be read as TOML: unquoted keys cannot be empty"),
        ("strange members", full(HEAD, |n| format!("a{n}=1\n"), ""), "the head: a0 is not a member of a rule pack"),
        ("a strange clause", full(&format!("{HEAD}[[parameter]]\n"), |n| format!("a{n}=1\n"), ""), "line 4: a0 is not"),
        ("strange clauses", full(HEAD, clause, ""), "line 4: a0 is not a member of a parameter"),
        ("no tables", full(&format!("{HEAD}parameter=["), always("1,\n"), "]"), "line 3: parameter is no table"),
        (
            "clauses",
            full(HEAD, always("[[parameter]]\n"), ""),
            "the head: parameter stands 299591 times; the limit is 5000",
        ),
        ("deep arrays", full(&format!("{HEAD}a="), always("["), ""), "line 3: cannot be read as TOML"),
        ("deep names", full(HEAD, always("a."), "a=1"), "the file: cannot be read as TOML"),
        ("deep tables", full(&format!("{HEAD}a="), always("{a="), ""), "line 3: cannot be read as TOML"),
        ("a long line", full(&format!("{HEAD}a='"), always("x"), "'"), "the head: a is not a member of a rule pack"),
    ];
    for (what, text, first) in table {
        let Err(problems) = read(text.as_bytes()) else { panic!("{what} are a pack") };
        let told = format!("{} {}", problems[0].pointer, problems[0].detail);
        assert!(told.starts_with(first), "{what}: {told:.200}");
        assert!(problems.len() <= PROBLEMS_MAX + 4, "{what}: {} problems", problems.len());
    }
}

#[test]
fn places_that_are_no_toml_are_told_and_then_counted() {
    let problems = read("=\n".repeat(1_000).as_bytes()).unwrap_err();
    let last = &problems[PROBLEMS_MAX].detail;
    assert!(
        problems.len() == PROBLEMS_MAX + 1 && last.starts_with("and ") && last.ends_with(" more problems"),
        "{last}"
    );
}

#[test]
fn lines_are_counted_from_one() {
    for (text, line) in [("=", 1), ("\n=", 2), ("\u{feff}\n\n =", 3), ("a=1\r\nb=2\r\n=\r\n", 3), ("a=\"", 1)] {
        let problems = read(text.as_bytes()).unwrap_err();
        assert_eq!(problems[0].pointer, format!("line {line}:"), "{text:?}");
    }
}
