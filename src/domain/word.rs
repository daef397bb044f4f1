//! Closed lists of words: each is an enum whose members are written in snake case.

/// A closed list of words, as documents and tables write them.
pub trait Word: Sized + Copy + PartialEq + 'static {
    /// Every word of the list with its spelling, in its usual order.
    const ALL: &'static [(Self, &'static str)];

    /// The word as it is written.
    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(w, _)| *w == self).map_or("", |(_, s)| s)
    }

    /// The word written `text`.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, s)| *s == text).map(|(w, _)| *w)
    }

    /// All spellings, for a message.
    fn known() -> String {
        Self::ALL.iter().map(|(_, s)| *s).collect::<Vec<_>>().join(", ")
    }
}

/// Declares an enum that is a [`Word`].
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$item])* #[doc = concat!("`", $text, "`")] $variant,)+ }
        impl $crate::domain::word::Word for $name {
            const ALL: &'static [(Self, &'static str)] = &[$(($name::$variant, $text)),+];
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::domain::word::Word::as_str(*self))
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Who may see a feature at all. A carrier always sees its own.
    Visibility {
        Public = "public",
        Carriers = "carriers",
        Government = "government",
        Restricted = "restricted",
    }
}

words! {
    /// A language, by its BCP 47 tag.
    Language {
        Vietnamese = "vi",
        English = "en",
    }
}

impl Visibility {
    /// Whoever is shown it leaves a row ([`restricted_read`](super::restricted_read)).
    #[must_use]
    pub fn is_restricted(self) -> bool {
        self == Self::Restricted
    }
}
