//! What is told, as a `CloudEvent` (`CloudEvents` 1.0, the JSON format, structured) and as mail in the languages of people: the
//! sentences stand in `messages/notices.*.ftl`.

use std::sync::LazyLock;

use fluent_bundle::FluentArgs;
use serde_json::{Value as Json, json};

use super::message::{Bundle, bundle, format};
use crate::domain::notice::Told;
use crate::domain::word::Language;

const FILES: &[(Language, &str)] = &[
    (Language::Vietnamese, include_str!("messages/notices.vi.ftl")),
    (Language::English, include_str!("messages/notices.en.ftl")),
];

static BUNDLES: LazyLock<Vec<Bundle>> =
    LazyLock::new(|| FILES.iter().map(|(language, text)| bundle(*language, text)).collect());

/// A notice as a `CloudEvent`. Who else is told is not in it.
#[must_use]
pub fn cloud_event(told: &Told) -> Json {
    let notice = &told.notice;
    json!({
        "specversion": "1.0",
        "id": told.id,
        "source": format!("urn:clearway:{}", told.jurisdiction),
        "type": format!("clearway.{}", notice.kind()),
        "subject": format!("{}/{}", notice.noun, notice.id),
        "time": told.recorded_at.to_string(),
        "datacontenttype": "application/json",
        // The extension "Sequence": of the source and the subject.
        "sequence": told.number.to_string(),
        "data": {
            "jurisdiction": told.jurisdiction,
            "noun": notice.noun,
            "id": notice.id,
            "code": notice.code,
            "event": notice.event,
            "number": told.number,
            "state": notice.state,
            "due": notice.due.map(|day| day.to_string()),
            "detail": notice.detail,
        },
    })
}

/// Mail: what stands above it, and what in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line, without control characters.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// A text without what would end a line, or mean anything but itself.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A notice as mail.
#[must_use]
pub fn letter(told: &Told, language: Language) -> Letter {
    let (notice, bundle) = (&told.notice, &BUNDLES[language as usize]);
    let say = |key: &str, arguments: &[(&'static str, &str)]| {
        let mut all = FluentArgs::new();
        for (name, value) in arguments {
            all.set(*name, line(value));
        }
        format(bundle, key, Some(&all))
    };
    let one = |key: &str, arguments: &[(&'static str, &str)]| say(key, arguments).unwrap_or_else(|| key.to_owned());
    let key = format!("{}-{}", notice.noun, notice.event).replace('_', "-");
    let what = say(&key, &[]).unwrap_or_else(|| one("another", &[("kind", &notice.kind())]));
    let day = |day: jiff::civil::Date| match language {
        Language::Vietnamese => day.strftime("%d/%m/%Y").to_string(),
        Language::English => day.to_string(),
    };
    let mut lines = vec![one("what-happened", &[("what", &what)]), String::new()];
    lines.push(one("case", &[("code", &notice.code)]));
    lines.push(one("number", &[("number", &told.number.to_string())]));
    lines.push(one("jurisdiction", &[("jurisdiction", &told.jurisdiction)]));
    lines.extend(notice.state.as_ref().map(|state| one("state", &[("state", state)])));
    lines.extend(notice.due.map(|due| one("due", &[("due", &day(due))])));
    lines.push(one("when", &[("when", &told.recorded_at.strftime("%Y-%m-%d %H:%M UTC").to_string())]));
    lines.extend(notice.detail.iter().map(|(name, value)| {
        let called = say(&format!("name-{name}"), &[]).unwrap_or_else(|| name.clone());
        one("detail", &[("name", &called), ("value", value)])
    }));
    lines.extend([String::new(), one("why", &[])]);
    let subject = line(&one("subject", &[("what", &what), ("code", &notice.code)]));
    Letter { subject, body: lines.join("\n") + "\n" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use fluent_bundle::FluentResource;

    use super::*;
    use crate::domain::notice::Notice;
    use crate::domain::plan::PlanEvent;
    use crate::domain::site_request::words::Event;
    use crate::domain::word::Word as _;

    #[test]
    fn every_language_has_every_sentence() {
        let keys = |text: &str| -> BTreeSet<String> {
            assert!(FluentResource::try_new(text.to_owned()).is_ok(), "the file cannot be read as a whole");
            let keys = text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(" ="));
            keys.map(|(key, _)| key.to_owned()).collect()
        };
        let all: Vec<BTreeSet<String>> = FILES.iter().map(|(_, text)| keys(text)).collect();
        assert_eq!(all[0], all[1]);
        let requests = Event::ALL.iter().map(|(_, word)| format!("site_request-{word}"));
        let plans = PlanEvent::ALL.iter().map(|(_, word)| format!("plan-{word}"));
        for key in requests.chain(plans).chain(["site-check-changed".to_owned()]) {
            assert!(all[0].contains(&key.replace('_', "-")), "{key}");
        }
    }

    fn told(code: &str) -> Told {
        Told {
            id: "01920000-0000-7000-8000-000000000001".parse().unwrap(),
            jurisdiction: "VN-72".into(),
            number: 3,
            recorded_at: "2026-03-01T01:02:03.5Z".parse().unwrap(),
            notice: Notice {
                noun: "site_check".into(),
                id: "01920000-0000-7000-8000-000000000002".parse().unwrap(),
                code: code.into(),
                event: "changed".into(),
                state: Some("outdated".into()),
                organisations: vec!["vnpt".into(), "office".into()],
                due: Some("2026-03-20".parse().unwrap()),
                detail: [("COR".to_owned(), "pass → block".to_owned())].into(),
                ..Notice::default()
            },
        }
    }

    #[test]
    fn an_event_has_what_the_specification_asks_for() {
        let event = cloud_event(&told("A-1"));
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "clearway.site_check.changed");
        assert_eq!(event["source"], "urn:clearway:VN-72");
        assert_eq!(event["subject"], "site_check/01920000-0000-7000-8000-000000000002");
        assert_eq!(event["time"], "2026-03-01T01:02:03.5Z");
        assert_eq!(event["data"]["due"], "2026-03-20");
        assert_eq!(event["data"]["detail"], json!({"COR": "pass → block"}));
        assert!(!event.to_string().contains("office"), "who else is told is nobody's business");
        // Names of attributes: lower-case letters and digits (3.1).
        let names = event.as_object().unwrap().keys();
        assert!(names.clone().all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())), "{event}");
    }

    #[test]
    fn mail_is_written_in_the_language_of_its_reader_and_has_the_lines_it_should() {
        let vi = letter(&told("Trạm 1"), Language::Vietnamese);
        assert_eq!(vi.subject, "[Clearway] Kết quả kiểm tra vị trí đã lưu nay sẽ khác: Trạm 1");
        assert!(vi.body.contains("Hạn: 20/03/2026\n") && vi.body.contains("COR: pass → block\n"), "{}", vi.body);
        let en = letter(&told("A-1\r\nBcc: x@y.example\r\n\r\nhello"), Language::English);
        assert_eq!(
            en.subject,
            "[Clearway] A kept site check would now be answered differently: A-1  Bcc: x@y.example    hello"
        );
        assert!(en.body.contains("To be done by: 2026-03-20\n") && !en.body.contains('\r'), "{}", en.body);
        let mut other = told("A-1");
        other.notice.event = "no_such".into();
        assert_eq!(
            letter(&other, Language::English).subject,
            "[Clearway] Something happened (site_check.no_such): A-1"
        );
    }
}
