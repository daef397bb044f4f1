//! Waivers: somebody with a role that may do so says, with a reason, that a finding does not stand in the way. The finding
//! stays as it is, and is shown as waived for ever.

use jiff::Timestamp;

use super::CheckCode;
use super::finding::Verdict;
use crate::domain::actor::{Actor, Role};

/// Who may waive the finding of a check, a choice of our own (`[default]`): what protects others from the column only
/// whoever approves, what orders the network the officer, too. A place that is no place and what defence says nobody.
pub const WAIVERS: &[(CheckCode, &[Role])] = &[
    (CheckCode::Geo, &[]),
    (CheckCode::Zon, &[Role::Approver]),
    (CheckCode::Cor, &[Role::Approver]),
    (CheckCode::Spc, &[Role::Officer, Role::Approver]),
    (CheckCode::Air, &[Role::Approver]),
    (CheckCode::Emf, &[Role::Approver]),
    (CheckCode::Her, &[Role::Approver]),
    (CheckCode::Def, &[]),
    (CheckCode::Sen, &[Role::Officer, Role::Approver]),
    (CheckCode::Dup, &[Role::Officer, Role::Approver]),
    (CheckCode::Tim, &[Role::Approver]),
    (CheckCode::Cov, &[Role::Officer, Role::Approver]),
];

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Of which check.
    pub code: CheckCode,
    /// Who.
    pub actor: String,
    /// For which organisation.
    pub organisation: Option<String>,
    /// By which role.
    pub role: Role,
    /// Why.
    pub reason: String,
    /// When.
    pub recorded_at: Timestamp,
    /// In which revision.
    pub revision: i64,
}

/// The role by which somebody may waive the finding of a check in a jurisdiction; none where he may not.
#[must_use]
pub fn role_for(actor: &Actor, code: CheckCode, jurisdiction: &str) -> Option<Role> {
    let may = WAIVERS.iter().find(|(of, _)| *of == code).map_or(&[] as &[Role], |(_, roles)| *roles);
    may.iter().copied().find(|role| actor.acts_as(*role, jurisdiction))
}

impl Verdict {
    /// It stands in the way of something, so it may be waived.
    #[must_use]
    pub fn is_to_waive(self) -> bool {
        matches!(self, Self::Warn | Self::NeedsSurvey | Self::Block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::word::Word;

    #[test]
    fn every_check_says_who_may_waive_it() {
        let listed: Vec<CheckCode> = WAIVERS.iter().map(|(code, _)| *code).collect();
        assert_eq!(listed, CheckCode::ALL.iter().map(|(code, _)| *code).collect::<Vec<_>>());
        assert_eq!(role_for(&Actor::operator(), CheckCode::Spc, "VN-72"), None);
        let officer =
            Actor { roles: vec![Role::Officer], jurisdictions: Some(vec!["VN-72".into()]), ..Actor::public() };
        assert_eq!(role_for(&officer, CheckCode::Spc, "VN-72"), Some(Role::Officer));
        assert_eq!(role_for(&officer, CheckCode::Spc, "VN-35"), None);
        assert_eq!(role_for(&officer, CheckCode::Def, "VN-72"), None);
    }
}
