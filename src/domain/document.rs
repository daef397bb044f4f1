//! Documents: files that belong to something the office keeps, their *holder*. What one is of, what it may be, and who reads
//! it. A document never changes and is never deleted; a redacted copy stands beside its original.
//!
//! Not here: what holds documents (`actions/document/holder.rs`), and the files themselves (`store/objects.rs`).

mod content;
mod name;

use jiff::Timestamp;
use uuid::Uuid;

pub use self::content::{Content, MediaType};
pub use self::name::FileName;

use super::actor::Actor;
use super::audit::Digest;
use super::word::{Visibility, words};

words! {
    /// What a document is.
    DocumentKind {
        Application = "application",
        SitePlan = "site_plan",
        LandRight = "land_right",
        Design = "design",
        StructuralReport = "structural_report",
        ExposureReport = "exposure_report",
        HeightConsent = "height_consent",
        Drawing = "drawing",
        Licence = "licence",
        Photograph = "photograph",
        Survey = "survey",
        AsBuilt = "as_built",
        Agreement = "agreement",
        Minutes = "minutes",
        SupplementRequest = "supplement_request",
        AppraisalReport = "appraisal_report",
        Submission = "submission",
        ConsultationAnswer = "consultation_answer",
        Decision = "decision",
        Permit = "permit",
        Notice = "notice",
        Evidence = "evidence",
        Other = "other",
    }
}

/// Whether the owner of the holder reads an original of this kind that another organisation added, a choice of our own
/// (`[default]`): what is addressed to him he reads, the papers by which it came about he does not.
pub const OWNER_READS: &[(DocumentKind, bool)] = &[
    (DocumentKind::Application, false),
    (DocumentKind::SitePlan, false),
    (DocumentKind::LandRight, false),
    (DocumentKind::Design, false),
    (DocumentKind::StructuralReport, false),
    (DocumentKind::ExposureReport, false),
    (DocumentKind::HeightConsent, false),
    (DocumentKind::Drawing, false),
    (DocumentKind::Licence, false),
    (DocumentKind::Photograph, false),
    (DocumentKind::Survey, false),
    (DocumentKind::AsBuilt, false),
    (DocumentKind::Agreement, true),
    (DocumentKind::Minutes, true),
    (DocumentKind::SupplementRequest, true),
    (DocumentKind::AppraisalReport, false),
    (DocumentKind::Submission, false),
    (DocumentKind::ConsultationAnswer, false),
    (DocumentKind::Decision, true),
    (DocumentKind::Permit, true),
    (DocumentKind::Notice, true),
    (DocumentKind::Evidence, false),
    (DocumentKind::Other, false),
];

/// A document as it is kept; what is in it is found by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The jurisdiction of the holder, and so the shard.
    pub jurisdiction: String,
    /// `UUIDv7`, ascending with time.
    pub id: Uuid,
    /// The word for its holder, as in `work`.
    pub noun: String,
    /// The id of its holder.
    pub holder: Uuid,
    /// What it is.
    pub kind: DocumentKind,
    /// What it is called.
    pub name: FileName,
    /// What is in it.
    pub media_type: MediaType,
    /// How long it is, bytes.
    pub bytes: u64,
    /// SHA-256 of what is in it.
    pub sha256: Digest,
    /// The original that it is a redacted copy of; none of an original.
    pub redacts: Option<Uuid>,
    /// Who added it.
    pub actor: String,
    /// For which organisation.
    pub organisation: Option<String>,
    /// When.
    pub recorded_at: Timestamp,
    /// In which revision of the jurisdiction.
    pub revision: i64,
}

impl Document {
    /// Somebody who sees the holder, which belongs to `owner`, reads it: a redacted copy everybody, an original the
    /// organisation that added it, the owner where it is addressed to him, and whoever sees what is restricted there.
    #[must_use]
    pub fn is_read_by(&self, actor: &Actor, owner: &str) -> bool {
        self.redacts.is_some()
            || reads_original(actor, &self.jurisdiction, self.organisation.as_deref(), owner, self.kind)
    }
}

fn reads_original(actor: &Actor, jurisdiction: &str, added: Option<&str>, owner: &str, kind: DocumentKind) -> bool {
    let sight = actor.sight(jurisdiction);
    // What belongs to nobody else than the own organisation is seen like anything restricted of its own.
    let addressed = OWNER_READS.iter().any(|(of, reads)| *of == kind && *reads);
    let organisations = added.into_iter().chain(addressed.then_some(owner));
    sight.visibilities.contains(&Visibility::Restricted)
        || organisations.into_iter().any(|own| sight.sees(Visibility::Restricted, own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::actor::Role;
    use crate::domain::word::Word;

    #[test]
    fn every_kind_says_whether_the_owner_reads_it() {
        let listed: Vec<DocumentKind> = OWNER_READS.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(listed, DocumentKind::ALL.iter().map(|(kind, _)| *kind).collect::<Vec<_>>());
    }

    #[test]
    fn originals_are_for_who_added_them_and_whoever_sees_everything() {
        let actor = |role, organisation: Option<&str>, jurisdiction: &str| Actor {
            name: "someone".into(),
            organisation: organisation.map(str::to_owned),
            roles: vec![role],
            jurisdictions: Some(vec![jurisdiction.into()]),
        };
        let check = |actor: &Actor, added: Option<&str>, kind, expect: bool| {
            let reads = reads_original(actor, "VN-72", added, "viettel", kind);
            assert_eq!(reads, expect, "{actor:?} {added:?} {kind}");
        };
        let (drawing, decision) = (DocumentKind::Drawing, DocumentKind::Decision);
        for (role, all) in [
            (Role::Officer, true),
            (Role::Approver, true),
            (Role::Auditor, true),
            (Role::Administrator, true),
            (Role::Planner, false),
            (Role::Inspector, false),
            (Role::Consultee, false),
            (Role::Carrier, false),
            (Role::ProjectOwner, false),
        ] {
            check(&actor(role, None, "VN-72"), Some("viettel"), drawing, all);
            check(&actor(role, None, "VN-72"), None, decision, all);
            check(&actor(role, None, "VN-35"), Some("viettel"), drawing, false);
            // What one's own organisation added is its own everywhere.
            check(&actor(role, Some("vnpt"), "VN-35"), Some("vnpt"), drawing, true);
        }
        let owner = actor(Role::Carrier, Some("viettel"), "VN-72");
        check(&owner, Some("viettel"), drawing, true);
        check(&owner, Some("office"), DocumentKind::AppraisalReport, false);
        check(&owner, Some("committee"), decision, true);
        check(&actor(Role::Carrier, Some("vnpt"), "VN-72"), Some("committee"), decision, false);
        check(&Actor::public(), Some("committee"), decision, false);
        check(&Actor::public(), None, decision, false);
    }
}
