//! Which documents a request needs: it lists them by kind and SHA-256, and keeps each as a document of its own.

use super::SiteRequestProps;
use crate::domain::audit::{Digest, unhex};
use crate::domain::document::DocumentKind;
use crate::domain::fields::{Fields, Reading};
use crate::domain::word::Word;
use crate::domain::work::ColumnClass;
use crate::geometry::Problem;

/// A document of the dossier.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// What it is.
    pub kind: DocumentKind,
    /// What it is called.
    pub name: Option<String>,
    /// SHA-256 of the file.
    pub sha256: Digest,
}

impl Listed {
    /// Reads a document of the list.
    ///
    /// # Errors
    /// Every problem, at `/…`.
    pub fn read(fields: &Fields) -> Result<Self, Vec<Problem>> {
        let mut r = Reading::of_document(fields, &["kind", "name", "sha256"]);
        let (kind, name, sha256) = (r.word("kind"), r.text("name"), r.text("sha256"));
        let (kind, sha256) = (r.required("kind", kind), r.required("sha256", sha256));
        let digest = sha256.as_deref().and_then(unhex);
        if sha256.is_some() && digest.is_none() {
            r.wrong("sha256", "is no SHA-256 of 64 hexadecimal digits");
        }
        r.finish(kind.zip(digest).map(|(kind, sha256)| Self { kind, name, sha256 }))
    }
}

use DocumentKind::{Application, Design, ExposureReport, HeightConsent, LandRight, SitePlan, StructuralReport};

/// What every request needs, a choice of our own (`[default]`).
const ALWAYS: &[DocumentKind] = &[Application, SitePlan, LandRight];

/// What a column of a class needs besides (`[default]`): one that is no part of a building needs its design, a bulky one or one
/// on a building the proof that it is borne.
const BY_CLASS: &[(ColumnClass, &[DocumentKind])] = &[
    (ColumnClass::A1a, &[]),
    (ColumnClass::A1b, &[StructuralReport]),
    (ColumnClass::A2a, &[StructuralReport]),
    (ColumnClass::A2b, &[Design]),
    (ColumnClass::A2c, &[Design, StructuralReport]),
];

/// From this height on the consent of the aviation authority belongs to the dossier, m (NĐ 32/2016, article 7).
const CONSENT_HEIGHT_M: f64 = 45.0;

/// The kinds of documents that a request needs.
#[must_use]
pub fn required(props: &SiteRequestProps) -> Vec<DocumentKind> {
    let mut kinds = ALWAYS.to_vec();
    let class = props.subject.column_class;
    let of_class = BY_CLASS.iter().find(|(c, _)| Some(*c) == class).map_or(&[] as &[_], |(_, kinds)| *kinds);
    kinds.extend_from_slice(of_class);
    if !props.subject.antennas.is_empty() {
        kinds.push(ExposureReport);
    }
    if props.subject.height_agl_m >= CONSENT_HEIGHT_M {
        kinds.push(HeightConsent);
    }
    kinds
}

/// The kinds of which no document is listed that is among those that are `kept`. The one place that asks.
#[must_use]
pub fn missing(props: &SiteRequestProps, kept: &[(DocumentKind, Digest)]) -> Vec<DocumentKind> {
    let listed: Vec<_> = props.documents.iter().map(|document| (document.kind, document.sha256)).collect();
    let there = |kind: DocumentKind| listed.iter().any(|document| document.0 == kind && kept.contains(document));
    required(props).into_iter().filter(|kind| !there(*kind)).collect()
}

/// Documents in words.
#[must_use]
pub fn named(kinds: &[DocumentKind]) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}
