//! Sentences in the languages of the people who read them. What is said stands in `messages`, one file for each language; what
//! stands in a sentence comes from the domain.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

use crate::domain::site_check::{Argument, Message};
pub use crate::domain::word::Language;
use crate::domain::word::Word;

const FILES: &[(Language, &str)] =
    &[(Language::Vietnamese, include_str!("messages/vi.ftl")), (Language::English, include_str!("messages/en.ftl"))];

/// The sentences of a language.
pub(super) type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<Vec<Bundle>> =
    LazyLock::new(|| FILES.iter().map(|(language, text)| bundle(*language, text)).collect());

/// A file that cannot be read as a whole is a fault of the build; a test holds that there is none.
pub(super) fn bundle(language: Language, text: &str) -> Bundle {
    let tag = language.as_str().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![tag]);
    // The marks that keep directions of writing apart would stand in plain text.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(readable, _)| readable);
    bundle.add_resource_overriding(resource);
    bundle
}

/// A sentence in a language; its key where the language has none.
#[must_use]
pub fn sentence(message: &Message, language: Language) -> String {
    let bundle = &BUNDLES[language as usize];
    let mut arguments = FluentArgs::new();
    for (name, argument) in &message.arguments {
        arguments.set(*name, said(argument, language));
    }
    format(bundle, message.key, Some(&arguments)).unwrap_or_else(|| message.key.to_owned())
}

/// A sentence of a language; none where it has none of that key.
pub(super) fn format(bundle: &Bundle, key: &str, arguments: Option<&FluentArgs<'_>>) -> Option<String> {
    let pattern = bundle.get_message(key)?.value()?;
    let mut errors = Vec::new();
    Some(bundle.format_pattern(pattern, arguments, &mut errors).into_owned())
}

fn said(argument: &Argument, language: Language) -> String {
    match argument {
        Argument::Number(value, decimals) => number(*value, *decimals, language),
        Argument::Text(text) => text.clone(),
        Argument::Day(day) => match language {
            Language::Vietnamese => day.strftime("%d/%m/%Y").to_string(),
            Language::English => day.to_string(),
        },
        Argument::Words(words) => {
            let bundle = &BUNDLES[language as usize];
            let word = |word: &String| {
                format(bundle, &format!("word-{}", word.replace('_', "-")), None).unwrap_or_else(|| word.clone())
            };
            words.iter().map(word).collect::<Vec<_>>().join(", ")
        }
    }
}

/// A number with at most so many decimals, as the language writes it.
fn number(value: f64, decimals: u8, language: Language) -> String {
    let mut text = format!("{value:.*}", usize::from(decimals));
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    match language {
        Language::Vietnamese => text.replace('.', ","),
        Language::English => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::site_check::message::key;

    #[test]
    fn every_language_has_every_sentence_and_no_other() {
        for (language, text) in FILES {
            assert!(
                FluentResource::try_new((*text).to_owned()).is_ok(),
                "{language}: the file cannot be read as a whole"
            );
            let keys = |line: &str| {
                line.split_once(" =").map(|(key, _)| key.to_owned()).filter(|key| !key.contains([' ', '#']))
            };
            let found: Vec<String> = text.lines().filter_map(keys).collect();
            let unique: BTreeSet<&str> = found.iter().map(String::as_str).collect();
            assert_eq!(unique.len(), found.len(), "{language}: a sentence stands twice");
            let sentences: BTreeSet<&str> = unique.iter().copied().filter(|key| !key.starts_with("word-")).collect();
            assert_eq!(sentences, key::ALL.iter().copied().collect(), "{language}");
        }
    }

    #[test]
    fn numbers_and_days_are_written_as_people_do() {
        assert_eq!(number(1_204.25, 2, Language::Vietnamese), "1204,25");
        assert_eq!(number(30.0, 2, Language::English), "30");
        assert_eq!(number(0.5, 2, Language::English), "0.5");
        let day = Argument::Day("2026-03-01".parse().unwrap());
        assert_eq!([said(&day, Language::Vietnamese), said(&day, Language::English)], ["01/03/2026", "2026-03-01"]);
        let words = Argument::Words(vec!["school".into(), "no_such_word".into()]);
        assert_eq!(said(&words, Language::English), "schools, no_such_word");
    }
}
