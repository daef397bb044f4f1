//! Words and rules: pure and synchronous. No IO, no clock, no serde, no actix, no diesel.
//!
//! Read in this order: [`word`] and [`fields`] (how words are read), [`actor`] (who may what), [`organisation`],
//! [`account`] and [`session`] (who that is), [`layer`],
//! [`jurisdiction`], [`place`] (where a feature is), [`feature`] (what all nouns have in common), then the nouns
//! [`work`], [`corridor`] and [`mod@reference`], [`coverage`] (where a layer holds all there is), [`rules`] (legal parameters as data), and
//! [`conflict`], the heart; [`site_check`] looks at a place for a new column. [`workflow`] is how a case goes from state to state:
//! [`plan`] with its [`zone`]s does, and [`site_request`]; [`case_clock`] until when, by the working days of a [`calendar`].
//! [`document`] says who reads which files. [`audit`] says what a write leaves behind, [`change`] what others hear of it, and
//! [`restricted_read`] what is left by looking; [`notice`] and [`webhook`] what organisations are told, and how.

pub mod account;
pub mod actor;
pub mod audit;
pub mod calendar;
pub mod case_clock;
pub mod change;
pub mod conflict;
pub mod corridor;
pub mod coverage;
pub mod document;
pub mod feature;
pub mod fields;
pub mod jurisdiction;
pub mod layer;
pub mod notice;
pub mod organisation;
pub mod place;
pub mod plan;
pub mod reference;
pub mod restricted_read;
pub mod rules;
pub mod session;
pub mod site_check;
pub mod site_request;
pub mod version;
pub mod webhook;
pub mod word;
pub mod work;
pub mod workflow;
pub mod zone;
