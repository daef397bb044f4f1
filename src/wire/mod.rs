//! JSON shapes to domain words and back. Reading collects every problem of a document; nothing here decides anything.
//!
//! Read in this order: [`document`] (text to JSON, JSON to fields), [`feature`] (features of any noun), [`work`] and
//! [`corridor`] and [`mod@reference`] (their properties), [`coverage`], [`merge_patch`], [`conflict`], [`plain`] (the same, faster),
//! [`answer`], [`message`] (sentences in languages), [`site_check`], [`plan`] and [`zone`], [`site_request`], [`ical`] (due dates), [`change`], [`rules`], [`calendar`], [`audit`], [`version`], [`document_record`] (what is known of files), then [`organisation`],
//! [`account`], [`session`] and [`api_token`]; [`notice`] (what is told) and [`webhook`].

pub mod account;
pub mod answer;
pub mod api_token;
pub mod audit;
pub mod calendar;
pub mod change;
pub mod conflict;
pub mod corridor;
pub mod coverage;
pub mod document;
pub mod document_record;
pub mod feature;
pub mod ical;
pub mod lines;
pub mod merge_patch;
pub mod message;
pub mod notice;
pub mod organisation;
pub mod plain;
pub mod plan;
pub mod reference;
pub mod rules;
pub mod session;
pub mod site_check;
pub mod site_check_run;
pub mod site_request;
pub mod site_search;
pub mod version;
pub mod webhook;
pub mod work;
pub mod zone;
