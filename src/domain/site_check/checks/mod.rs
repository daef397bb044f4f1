//! One check in each file.

pub mod air;
pub mod cor;
pub mod cov;
pub mod def;
pub mod dup;
pub mod emf;
pub mod geo;
pub mod her;
pub mod sen;
pub mod spc;
pub mod tim;
pub mod zon;

/// What every check uses.
mod prelude {
    pub(super) use super::super::message::key;
    pub(super) use super::super::{
        Argument, CheckCode, Consultee, Evidence, Finding, Message, NearReference, NearWork, Outcome, Parameters,
        Quantity, SiteKey, Source, Subject, Surroundings, Verdict,
    };
    pub(super) use crate::domain::reference::ReferenceKind;
}
