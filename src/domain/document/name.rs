//! What a file is called: a name for people, and for the file that a browser makes of it. No path is ever made of it here.

use super::MediaType;

/// Most characters of a name, and most bytes: what every file system takes.
const CHARACTERS_MAX: usize = 200;
const BYTES_MAX: usize = 255;

/// Characters that change how others are shown, so that `gpj.exe` reads like `exe.jpg`.
const DIRECTIONS: &[char] = &[
    '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}',
    '\u{2068}', '\u{2069}', '\u{61c}',
];

/// Characters that end a line, or take no room: two names would look like one.
const UNSEEN: &[char] =
    &['\u{2028}', '\u{2029}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{fffd}'];

/// Characters that some file system takes for something else.
const RESERVED: &[char] = &['/', '\\', ':', '*', '?', '"', '<', '>', '|'];

/// The name of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Reads a name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > CHARACTERS_MAX || text.len() > BYTES_MAX {
            return Err(format!("has more than {CHARACTERS_MAX} characters, or {BYTES_MAX} bytes"));
        }
        let is = |among: &'static [char]| text.chars().find(|c| among.contains(c));
        if text.chars().any(char::is_control) || is(DIRECTIONS).is_some() || is(UNSEEN).is_some() {
            return Err("has characters that are no text, or that are not shown".into());
        }
        if let Some(c) = is(RESERVED) {
            return Err(format!("has «{c}» in it: it is the name of a file, without a folder"));
        }
        let ends = |c: char| c.is_whitespace() || c == '.';
        if text.is_empty() || text.starts_with(ends) || text.ends_with(ends) {
            return Err("must be a name that neither begins nor ends with a blank or a dot".into());
        }
        if text.starts_with('~') || text.starts_with('-') {
            return Err("begins with a character that programs take for something else".into());
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// It ends as names of files with this in them do: a program that is called by the ending is the right one.
    ///
    /// # Errors
    /// How it should end.
    pub fn fits(&self, media_type: MediaType) -> Result<(), String> {
        let endings = media_type.endings();
        let ending = self.0.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        if ending.is_some_and(|ending| endings.contains(&ending.as_str())) {
            return Ok(());
        }
        Err(format!("must end with .{}, for in it is {media_type}", endings.join(" or .")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_of_files() {
        let long = "x".repeat(197);
        let (too_long, too_wide) = (format!("{long}.pdf"), format!("{}.pdf", "ộ".repeat(100)));
        let longest = format!("{}.pdf", "x".repeat(196));
        for good in ["a.pdf", "Quyết định 12-QĐ.UBND (ký).pdf", "図面.tif", longest.as_str(), "a b.csv", "x"] {
            assert_eq!(FileName::parse(good).map(|n| n.as_str().to_owned()), Ok(good.to_owned()));
        }
        for (bad, why) in [
            ("", "neither begins nor ends"),
            (" a.pdf", "neither begins nor ends"),
            ("a.pdf ", "neither begins nor ends"),
            ("a.pdf.", "neither begins nor ends"),
            (".", "neither begins nor ends"),
            ("..", "neither begins nor ends"),
            (".htaccess", "neither begins nor ends"),
            ("../../etc/passwd", "«/»"),
            ("..\\..\\boot.ini", "«\\»"),
            ("/etc/passwd", "«/»"),
            ("C:x.pdf", "«:»"),
            ("a\".pdf", "«\"»"),
            ("~root", "begins with a character"),
            ("-rf", "begins with a character"),
            ("a\nb.pdf", "no text"),
            ("a\0.pdf", "no text"),
            ("a\u{85}.pdf", "no text"),
            ("a\u{7f}.pdf", "no text"),
            ("a\u{202e}fdp.exe", "no text"),
            ("a\u{200b}.pdf", "no text"),
            ("a\u{2028}.pdf", "no text"),
            (too_long.as_str(), "more than 200 characters"),
            (too_wide.as_str(), "255 bytes"),
        ] {
            let said = FileName::parse(bad).unwrap_err();
            assert!(said.contains(why), "{bad:?}: {said}");
        }
    }

    #[test]
    fn the_ending_is_that_of_what_is_in_it() {
        let check = |name: &str, media_type, expect: bool| {
            assert_eq!(FileName::parse(name).map(|n| n.fits(media_type).is_ok()), Ok(expect), "{name} {media_type}");
        };
        check("a.pdf", MediaType::Pdf, true);
        check("a.PDF", MediaType::Pdf, true);
        check("a.jpeg", MediaType::Jpeg, true);
        check("a.jpg", MediaType::Jpeg, true);
        check("a.pdf.exe", MediaType::Pdf, false);
        check("run.bat", MediaType::Text, false);
        check("page.html", MediaType::Text, false);
        check("pdf", MediaType::Pdf, false);
        let said = FileName::parse("a.exe").and_then(|n| n.fits(MediaType::Tiff));
        assert_eq!(said, Err("must end with .tif or .tiff, for in it is image/tiff".into()));
    }
}
