//! What is in a file, found by what it begins with, and not by what anybody says of it.

use super::FileName;
use crate::domain::word::{Word, words};

words! {
    /// What a document may be made of.
    MediaType {
        Pdf = "application/pdf",
        Jpeg = "image/jpeg",
        Png = "image/png",
        Tiff = "image/tiff",
        Docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Text = "text/plain",
        Csv = "text/csv",
        GeoJson = "application/geo+json",
    }
}

impl MediaType {
    /// How names of such files end, in lower case.
    #[must_use]
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["pdf"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Tiff => &["tif", "tiff"],
            Self::Docx => &["docx"],
            Self::Xlsx => &["xlsx"],
            Self::Text => &["txt"],
            Self::Csv => &["csv"],
            Self::GeoJson => &["geojson", "json"],
        }
    }

    /// It is text, in UTF-8.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Csv | Self::GeoJson)
    }
}

/// So much of a file is looked at to tell what it is, bytes: of an office document its first entries tell.
const HEAD_BYTES: usize = 64 * 1024;

/// What is learnt of a file while it passes by.
#[derive(Debug, Default)]
pub struct Content {
    head: Vec<u8>,
    /// The first bytes of a character that did not end with a piece.
    begun: Vec<u8>,
    /// It cannot be text.
    is_no_text: bool,
    /// The first and the last character that is no white space.
    ends: Option<(char, char)>,
}

impl Content {
    /// Takes note of the next piece.
    pub fn pass(&mut self, piece: &[u8]) {
        let room = HEAD_BYTES - self.head.len();
        self.head.extend(&piece[..piece.len().min(room)]);
        if self.is_no_text {
            return;
        }
        let joined = [std::mem::take(&mut self.begun).as_slice(), piece].concat();
        match std::str::from_utf8(&joined) {
            Ok(text) => self.pass_text(text),
            // A character may end in the next piece.
            Err(e) if e.error_len().is_none() => {
                let (whole, begun) = joined.split_at(e.valid_up_to());
                self.pass_text(std::str::from_utf8(whole).unwrap_or_default());
                self.begun = begun.to_vec();
            }
            Err(_) => self.is_no_text = true,
        }
    }

    fn pass_text(&mut self, text: &str) {
        self.is_no_text |= text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'));
        let mut seen = text.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}');
        let Some(first) = seen.next() else { return };
        let last = seen.next_back().unwrap_or(first);
        self.ends = Some((self.ends.map_or(first, |(first, _)| first), last));
    }

    /// What it is: by what it begins with; one text is told from another by the name of the file.
    ///
    /// # Errors
    /// That it is nothing that is taken, or not what its name says.
    pub fn media_type(&self, name: &FileName) -> Result<MediaType, String> {
        let is_text = !self.is_no_text && self.begun.is_empty() && self.ends.is_some();
        let known = infer::get(&self.head).map(|found| found.mime_type());
        let archive = self.head.starts_with(ENTRY);
        let found = known.and_then(MediaType::parse).filter(|found| !found.is_text());
        if let Some(found) = if archive { office(&self.head) } else { found } {
            return Ok(found);
        }
        match known {
            // Two letters make a picture, or a program, of a text that begins with them; those have more in them than text.
            Some(known) if !is_text || known.starts_with("text/") => {
                let known = if archive { "an archive that is none of these" } else { known };
                return Err(format!("in the file is {known}; {} are taken", MediaType::known()));
            }
            None if !is_text => {
                return Err(format!("what is in the file is none of {}; text must be UTF-8", MediaType::known()));
            }
            _ => {}
        }
        let texts = [MediaType::Text, MediaType::Csv, MediaType::GeoJson];
        let named = texts.into_iter().find(|text| name.fits(*text).is_ok()).unwrap_or(MediaType::Text);
        if named == MediaType::GeoJson && self.ends != Some(('{', '}')) {
            return Err("what is in the file is no GeoJSON".into());
        }
        Ok(named)
    }
}

/// How an entry of an archive begins, how long its head is, and where in that the length of its name stands.
const ENTRY: &[u8] = b"PK\x03\x04";
const ENTRY_BYTES: usize = 30;
const NAME_LENGTH: usize = 26;

/// An office document is an archive with a list of its parts, and with a folder that says what it is, in whatever order the
/// program that wrote it has them.
fn office(head: &[u8]) -> Option<MediaType> {
    let begins = head.windows(ENTRY.len()).enumerate().filter(|(_, window)| *window == ENTRY).map(|(at, _)| at);
    let name = |at: usize| {
        let length = head.get(at + NAME_LENGTH..at + NAME_LENGTH + 2)?;
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        head.get(at + ENTRY_BYTES..at + ENTRY_BYTES + length)
    };
    let names: Vec<&[u8]> = begins.map_while(name).collect();
    let parts = [b"[Content_Types].xml".as_slice(), b"_rels/", b"docProps/", b"word/", b"xl/"];
    if !names.first().is_some_and(|first| parts.iter().any(|part| first.starts_with(part))) {
        return None;
    }
    let has = |folder: &[u8]| names.iter().any(|name| name.starts_with(folder));
    match (has(b"word/"), has(b"xl/")) {
        (true, false) => Some(MediaType::Docx),
        (false, true) => Some(MediaType::Xlsx),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // in a test a panic is the report
    use super::*;

    fn found(pieces: &[&[u8]], name: &str) -> Result<MediaType, String> {
        let mut content = Content::default();
        for piece in pieces {
            content.pass(piece);
        }
        content.media_type(&FileName::parse(name).unwrap())
    }

    #[test]
    fn a_file_is_what_it_begins_with() {
        for (head, expect) in [
            (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".as_slice(), MediaType::Pdf),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", MediaType::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", MediaType::Png),
            (b"II*\0\x08\0\0\0\0\0\0\0", MediaType::Tiff),
            (b"MM\0*\0\0\0\x08\0\0\0\0", MediaType::Tiff),
        ] {
            assert_eq!(found(&[head], "any.txt"), Ok(expect));
            // However it is cut.
            let bytes: Vec<&[u8]> = head.chunks(1).collect();
            assert_eq!(found(&bytes, "any.txt"), Ok(expect));
        }
    }

    #[test]
    fn what_is_not_taken_is_named() {
        for (head, expect) in [
            (b"MZ\x90\0\x03\0\0\0".as_slice(), "in the file is application/"),
            (&[b"\x7fELF\x02\x01\x01\0".as_slice(), &[0; 60]].concat(), "in the file is application/x-executable"),
            (b"#!/bin/sh\nrm -rf /\n", "in the file is text/x-shellscript"),
            (b"<!DOCTYPE html><script>alert(1)</script>", "in the file is text/html"),
            (b"<?xml version=\"1.0\"?><svg/>", "in the file is text/xml"),
            (b"PK\x03\x04\x14\0\0\0\0\0", "in the file is an archive"),
            (b"GIF89a\x01\0\x01\0", "in the file is image/gif"),
            (b"\x80\x81\x82\x83", "none of"),
            (b"a\0b", "none of"),
            (b"a\x1b[31mb", "none of"),
            (b"", "none of"),
            (b" \n\t", "none of"),
            ("nửa chừng: ế".as_bytes().split_last().unwrap().1, "none of"),
        ] {
            for name in ["x.pdf", "x.txt"] {
                let said = found(&[head], name).unwrap_err();
                assert!(said.contains(expect), "{said}");
            }
        }
    }

    #[test]
    fn office_documents_are_known_in_whatever_order_their_parts_come() {
        let archive = |names: &[&str]| -> Vec<u8> {
            let entry = |name: &&str| {
                let length = u16::try_from(name.len()).unwrap().to_le_bytes();
                [ENTRY, &[0; NAME_LENGTH - 4], &length, &[0, 0], name.as_bytes(), b"content"].concat()
            };
            names.iter().flat_map(entry).collect()
        };
        for (names, expect) in [
            (&["[Content_Types].xml", "_rels/.rels", "word/document.xml"][..], Some(MediaType::Docx)),
            (&["_rels/.rels", "docProps/core.xml", "docProps/app.xml", "word/document.xml"], Some(MediaType::Docx)),
            (&["docProps/app.xml", "docProps/core.xml", "xl/theme/theme1.xml"], Some(MediaType::Xlsx)),
            (&["[Content_Types].xml", "_rels/.rels", "ppt/presentation.xml"], None),
            (&["[Content_Types].xml", "word/a", "xl/b"], None),
            (&["META-INF/MANIFEST.MF", "word/a"], None),
            (&["a.txt", "word/a"], None),
            (&[], None),
        ] {
            let whole = archive(names);
            assert_eq!(found(&[&whole], "a.docx").ok(), expect, "{names:?}");
            for cut in 0..whole.len() {
                let _ = found(&[&whole[..cut]], "a.docx");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_looked_at(head in 0_usize..12, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let heads: [&[u8]; 12] = [b"", ENTRY, b"%PDF", b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"\0\0\0\x20ftyp", b"RIFF", b"dex\n035\0",
                b"\xca\xfe\xba\xbe", b"\x1aE\xdf\xa3", b"\xef\xbb\xbf"];
            let whole = [heads[head], &bytes].concat();
            let at_once = found(&[&whole], "a.txt");
            let pieces: Vec<&[u8]> = whole.chunks(7).collect();
            assert_eq!(found(&pieces, "a.txt"), at_once);
        }
    }

    #[test]
    fn texts_are_told_apart_by_the_name() {
        let text = "\u{feff}mã;tên\r\n1;\"Trạm Đắk Nông\"\t\n".as_bytes();
        assert_eq!(found(&[text], "a.csv"), Ok(MediaType::Csv));
        assert_eq!(found(&[text], "a.txt"), Ok(MediaType::Text));
        assert_eq!(found(&[text], "a.pdf"), Ok(MediaType::Text), "and its name does not fit then");
        assert_eq!(found(&[text], "a.geojson"), Err("what is in the file is no GeoJSON".into()));
        let pieces: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(found(&pieces, "a.csv"), Ok(MediaType::Csv), "however it is cut");
        let json: &[&[u8]] = &[b" ", b"{\"type\":", b"\"Feature\"} \n"];
        assert_eq!(found(json, "a.geojson"), Ok(MediaType::GeoJson));
        assert_eq!(found(&["BM;tên\n".as_bytes()], "a.csv"), Ok(MediaType::Csv), "no bitmap");
        assert_eq!(found(&[b"BM\0\0\0\0"], "a.csv").map_err(|e| e.contains("image/bmp")), Err(true));
        assert_eq!(found(&[b"{"], "a.json"), Err("what is in the file is no GeoJSON".into()));
    }
}
