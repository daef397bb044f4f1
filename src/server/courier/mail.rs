//! A message to somebody by mail: plain text in his language, handed to the one server that is set up (SMTP, RFC 5321). Whatever
//! stands in a case stands in the text, or in the line above it as text: it makes no header, and no receiver.

use std::time::Duration;

use lettre::address::AddressError;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, SmtpTransport, Transport};
use uuid::Uuid;

use crate::config::{Settings, SmtpSecurity};
use crate::domain::account::Mail;
use crate::domain::notice::Told;
use crate::domain::webhook::Outcome;
use crate::error::{Error, Result};
use crate::wire::notice::letter;

/// Answers that say that the receiver will never get it: no such mailbox, not here, no such name (RFC 5321, 4.2.3). Others may be
/// about us, and pass.
const NO_RECEIVER: &[&str] = &["550", "551", "553"];

/// Hands mail to a server.
pub(super) struct Sender {
    transport: SmtpTransport,
    from: Mailbox,
}

impl Sender {
    /// By these settings; none where no server is named.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an address that is none, or a name that TLS cannot be spoken with.
    pub(super) fn of(settings: &Settings) -> Result<Option<Self>> {
        let host = &settings.smtp_host;
        if host.is_empty() {
            return Ok(None);
        }
        let from: Mailbox = settings
            .smtp_from
            .parse()
            .map_err(|e: AddressError| Error::parameter("smtp_from", format!("«{}»: {e}", settings.smtp_from)))?;
        let parameters = || {
            TlsParameters::new(host.clone())
                .map_err(|e| Error::parameter("smtp_host", format!("«{host}» cannot be spoken to by TLS: {e}")))
        };
        let tls = match settings.smtp_security {
            SmtpSecurity::StartTls => Tls::Required(parameters()?),
            SmtpSecurity::Tls => Tls::Wrapper(parameters()?),
            SmtpSecurity::None => Tls::None,
        };
        let mut transport = SmtpTransport::builder_dangerous(host)
            .port(settings.smtp_port)
            .tls(tls)
            // What a host calls itself is its own affair; the part behind the sign is known to everybody.
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(Duration::from_millis(settings.smtp_timeout_ms)));
        if !settings.smtp_user.is_empty() {
            transport =
                transport.credentials(Credentials::new(settings.smtp_user.clone(), settings.smtp_password.0.clone()));
        }
        Ok(Some(Self { transport: transport.build(), from }))
    }

    /// Tries to send a message to an account.
    pub(super) fn send(&self, account: Uuid, mail: &Mail, told: &Told) -> Outcome {
        let Some(message) = self.message(account, mail, told) else {
            return Outcome::Never("is no address of mail".into());
        };
        match self.transport.send(&message) {
            Ok(_) => Outcome::Done,
            Err(error) => match error.status().map(|code| code.to_string()) {
                Some(code) if NO_RECEIVER.contains(&code.as_str()) => Outcome::Never(format!("answered {code}")),
                Some(code) => Outcome::Refused(format!("answered {code}")),
                None => Outcome::NoAnswer("the server of mail did not take it".into()),
            },
        }
    }

    /// The message; none where the address is none.
    fn message(&self, account: Uuid, mail: &Mail, told: &Told) -> Option<Message> {
        let to: Address = mail.address.as_ref()?.parse().ok()?;
        let text = letter(told, mail.language);
        // The same however often it is sent, so that whoever gets it twice may see that it is one.
        let id = format!("<{}.{account}@{}>", told.id, self.from.email.domain());
        let header =
            |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(told.recorded_at.into())
            .message_id(Some(id))
            .subject(text.subject)
            // Nobody's holiday answers it (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", &mail.language.to_string()))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            .header(ContentTransferEncoding::Base64)
            .body(text.body)
            .ok()
    }
}
