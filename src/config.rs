//! Every setting and limit, with its unit and its reason.
//!
//! A setting is taken from the environment (`CLEARWAY_` and its name in capitals), else from `clearway.toml`, else it
//! has the default below. `DATABASE_URL` gives `database_url`.

mod documents;
mod mail;
mod network;
mod oidc;
mod problem;
mod secret;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use self::mail::SmtpSecurity;
pub use self::oidc::{ClaimSetting, OidcSetting, is_safe};
pub use self::problem::ConfigError;
use self::secret::secrets_fit;
pub use self::secret::{Secret, TOKEN_LENGTH_MIN, TokenSetting};

/// The headers by which proxies say for whom they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`.
    XForwarded,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

/// Every setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address of the database, in libpq's form.
    pub database_url: Secret,
    /// Address and port to serve on.
    pub listen: String,
    /// What to log: `info`, `debug`, or directives such as `clearway=debug,info`.
    pub log: String,
    /// `json` for machines, `text` for people.
    pub log_format: String,
    /// Threads that serve HTTP; 0: one for each core.
    pub workers: usize,
    /// Most database connections of requests at once: with eleven of its own by which an instance follows the database
    /// and tells what happens, PostgreSQL's own default of 100 leaves room for three instances.
    pub connections_max: u32,
    /// Longest wait for a free database connection, ms: a client rather hears 503 soon than waits.
    pub pool_wait_ms: u64,
    /// Longest run of one statement, ms: a page or a check takes a few; more is a query gone wrong.
    pub statement_timeout_ms: u64,
    /// Longest time for a body to arrive, and for a check to be computed, s; SQL has a limit of its own.
    pub request_timeout_s: u64,
    /// Longest time for the head of a request to arrive, and for TLS to be agreed on before it, s.
    pub head_timeout_s: u64,
    /// How long a connection without a request stays open, s.
    pub keep_alive_s: u64,
    /// How long a client may leave unread what was sent to it before its connection is cut, s; 0: for ever.
    pub unread_timeout_s: u64,
    /// How long running requests may take to finish when the server is told to stop, s.
    pub shutdown_timeout_s: u64,
    /// Longest address of a request, path and query, bytes: a list of a hundred ids takes 4 000.
    pub address_bytes_max: usize,
    /// All headers of a request together, bytes: browsers send some thousands. Whatever this says, at most 96 headers
    /// and a head of 128 KiB are read.
    pub headers_bytes_max: usize,
    /// Largest request body, bytes: about a million positions, far beyond any drawn shape.
    pub body_bytes_max: usize,
    /// Most positions in one geometry: a province's dense boundary has 60 000.
    pub vertices_max: usize,
    /// Most features in one conflict check.
    pub subjects_max: usize,
    /// Features on a page when the client does not say.
    pub page_limit_default: u32,
    /// Most features on a page.
    pub page_limit_max: u32,
    /// Conflicts listed for one subject when the client does not say.
    pub conflicts_limit_default: u32,
    /// Most conflicts listed for one subject.
    pub conflicts_limit_max: u32,
    /// Most conflicts listed in one answer, for all its subjects together: what is beyond is counted.
    pub conflicts_answer_max: usize,
    /// How far outside the boundary of its jurisdiction a feature may lie, m: works serve across borders.
    pub boundary_reach_m: f64,
    /// Accuracy of a position by satellite with real-time correction, m, where none is recorded.
    pub accuracy_gnss_rtk_m: f64,
    /// The same by satellite.
    pub accuracy_gnss_m: f64,
    /// The same drawn from a map.
    pub accuracy_digitised_m: f64,
    /// The same from a record.
    pub accuracy_record_m: f64,
    /// The same estimated.
    pub accuracy_estimated_m: f64,
    /// The same where nobody knows.
    pub accuracy_unknown_m: f64,
    /// Largest record of an imported file, bytes.
    pub record_bytes_max: usize,
    /// Rows copied to the database at once by an import.
    pub import_batch: usize,
    /// How often an instance asks for revisions when it hears of none, ms.
    pub refresh_poll_ms: u64,
    /// What changed is kept in the database for so many days for instances that follow it, and of the last thousand revisions
    /// in any case; one that was away for longer reads everything anew. 0: for ever.
    pub changes_kept_days: u32,
    /// Features and conflicts in the events that are kept of one jurisdiction for listeners that come back: some hundred
    /// bytes each.
    pub events_kept: usize,
    /// Pairs of stored land and a feature near it that are kept of one jurisdiction, about 64 bytes each: what is beyond
    /// is found anew for each request.
    pub kept_pairs_max: usize,
    /// Conflicts in the lists that are kept, some hundred bytes each: where there would be more, all are given up.
    pub kept_conflicts_max: usize,
    /// Most listeners to the stream of changes at once: each holds a connection.
    pub listeners_max: usize,
    /// How often a listener with nothing to hear is told that the stream lives, ms: proxies cut silent connections
    /// after a minute or less.
    pub heartbeat_ms: u64,
    /// Largest line of a batch, bytes: a hundred thousand positions, as many as one geometry may have.
    pub batch_line_bytes_max: usize,
    /// How long a batch waits for the next bytes of its body, s. How long it takes as a whole is not limited.
    pub batch_idle_timeout_s: u64,
    /// Most features that a check looks at in a thread that serves: each takes about two microseconds, and a
    /// millisecond is too short for anybody to wait for. What looks at more is handed over to another thread. 0: everything is.
    pub check_at_once_features: usize,
    /// How long a request with `Min-Revision` waits for that state, ms: twice as long as an instance that hears of
    /// nothing takes to ask; 0: not at all.
    pub min_revision_wait_ms: u64,
    /// Most requests that wait so at once: each holds a thread of those that work for requests, of some hundreds.
    pub min_revision_waits_max: usize,
    /// How long an access token lasts, s: a stolen one is worth as long.
    pub access_token_s: u32,
    /// How long a session lasts, hours, however often it is refreshed: a working day with its evening.
    pub session_h: u32,
    /// Longest life of an API token, days: a machine that nobody looks after loses its access.
    pub api_token_days_max: u32,
    /// Of so many different cells, 4 km² each, an actor is told in an hour that something restricted stands there; after that
    /// every answer says so, whatever is asked. A planned road meets some tens; whoever asks for hundreds searches.
    pub notice_cells_per_hour: usize,
    /// For how long it waits in memory who was shown restricted features, ms: what a program that is killed loses.
    pub reads_interval_ms: u64,
    /// Most memory for that, bytes, some hundred an answer and 16 a feature: answers of minutes while the database is away.
    pub reads_buffer_bytes: usize,
    /// How long an answer that shows restricted features waits for room in it before it is refused, ms.
    pub reads_wait_ms: u64,
    /// Where documents are kept: a folder, which all instances share, or `s3://BUCKET/PREFIX`.
    pub documents: String,
    /// Address of the bucket, as `https://s3.example`; empty: Amazon's in the region. `http` is for this machine alone.
    pub documents_s3_endpoint: String,
    /// Its region, as its owner calls it.
    pub documents_s3_region: String,
    /// The name of the key by which it is used.
    pub documents_s3_key_id: String,
    /// That key.
    pub documents_s3_secret: Secret,
    /// Largest document, bytes: a scanned dossier of some hundred pages.
    pub document_bytes_max: u64,
    /// Longest time for a document to arrive, s: the largest one over a line of 1 Mbit/s.
    pub document_timeout_s: u64,
    /// Origins that may read from a browser; `*`: all. Only reads are ever allowed across origins.
    pub cors_origin: String,
    /// File with the key that heads of the audit trail are signed with; empty: none is signed.
    pub audit_key: String,
    /// Requests a second from one address without a token that is known (of IPv6: from one /64); 0: as many as come. A
    /// map asks for some hundred tiles or pages at once, and a whole office may stand behind one address. A read counts
    /// once, a write or a check five times; health and metrics never, unless a credential comes along.
    pub rate_address_per_second: u32,
    /// How much of that may come at once after a pause.
    pub rate_address_burst: u32,
    /// The same with one token, from wherever; 0: as many as come.
    pub rate_token_per_second: u32,
    /// How much of that may come at once after a pause.
    pub rate_token_burst: u32,
    /// Attempts to sign in a minute from one address; 0: as many as come. People mistype; programs guess.
    pub rate_sign_in_per_minute: u32,
    /// Most addresses, and most tokens, whose rates are known at once: some dozen bytes each. What comes beyond them is
    /// counted as one.
    pub rate_keys_max: usize,
    /// File with the certificate and those that vouch for it, PEM; with it, TLS is all that is spoken. It is read anew
    /// when it changes.
    pub tls_certificate: String,
    /// File with its private key, PEM.
    pub tls_key: String,
    /// Addresses and networks (`10.0.0.0/8`) of proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<String>,
    /// Which headers they set, and take away where a client sends them: `x-forwarded` (`X-Forwarded-For`, `-Proto`,
    /// `-Host`) or `forwarded` (RFC 7239). The others are never believed.
    pub proxy_headers: ProxyHeaders,
    /// Longest time for a webhook to answer, ms, from looking up its name on.
    pub webhook_timeout_ms: u64,
    /// Networks (`10.1.0.0/16`) behind the same wall as this server that webhooks may lead to, by plain HTTP, too. Everywhere else
    /// they lead to public addresses alone, by TLS.
    pub webhook_networks: Vec<String>,
    /// First pause after a message that could not be delivered, ms; each further one is twice as long.
    pub delivery_retry_ms: u64,
    /// Longest pause, ms.
    pub delivery_retry_max_ms: u64,
    /// A message is given up, and kept as a dead letter, after so many attempts: with these pauses after ten hours.
    pub delivery_attempts_max: u32,
    /// A message that waited for so many days is not sent any more by itself: nobody wants mail of last month.
    pub delivery_days_max: u32,
    /// The server that takes mail; empty: none is sent.
    pub smtp_host: String,
    /// Its port.
    pub smtp_port: u16,
    /// What protects mail on the way there: `starttls`, `tls` or `none`.
    pub smtp_security: SmtpSecurity,
    /// Who signs in there; empty: nobody does.
    pub smtp_user: String,
    /// The password.
    pub smtp_password: Secret,
    /// The address that mail comes from.
    pub smtp_from: String,
    /// Longest time for each answer of that server, ms.
    pub smtp_timeout_ms: u64,
    /// Bearer tokens beside those of accounts, for machines and for trying out.
    pub tokens: Vec<TokenSetting>,
    /// Other issuers whose tokens are taken (OpenID Connect).
    pub oidc: Vec<OidcSetting>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database_url: Secret::default(),
            listen: "127.0.0.1:8080".into(),
            log: "info".into(),
            log_format: "json".into(),
            workers: 0,
            connections_max: 16,
            pool_wait_ms: 2_000,
            statement_timeout_ms: 15_000,
            request_timeout_s: 30,
            head_timeout_s: 10,
            keep_alive_s: 5,
            unread_timeout_s: 60,
            shutdown_timeout_s: 15,
            address_bytes_max: 16 * 1024,
            headers_bytes_max: 32 * 1024,
            body_bytes_max: 16 * 1024 * 1024,
            vertices_max: 100_000,
            subjects_max: 1_000,
            page_limit_default: 10,
            page_limit_max: 10_000,
            conflicts_limit_default: 1_000,
            conflicts_limit_max: 10_000,
            conflicts_answer_max: 50_000,
            boundary_reach_m: 5_000.0,
            accuracy_gnss_rtk_m: 0.05,
            accuracy_gnss_m: 5.0,
            accuracy_digitised_m: 10.0,
            accuracy_record_m: 20.0,
            accuracy_estimated_m: 50.0,
            accuracy_unknown_m: 20.0,
            record_bytes_max: 64 * 1024 * 1024,
            import_batch: 5_000,
            refresh_poll_ms: 1_000,
            changes_kept_days: 30,
            events_kept: 100_000,
            kept_pairs_max: 4_000_000,
            kept_conflicts_max: 1_000_000,
            listeners_max: 500,
            heartbeat_ms: 15_000,
            batch_line_bytes_max: 4 * 1024 * 1024,
            batch_idle_timeout_s: 30,
            check_at_once_features: 512,
            min_revision_wait_ms: 2_000,
            min_revision_waits_max: 64,
            access_token_s: 900,
            session_h: 12,
            api_token_days_max: 366,
            notice_cells_per_hour: 100,
            reads_interval_ms: 1_000,
            reads_buffer_bytes: 16 * 1024 * 1024,
            reads_wait_ms: 2_000,
            documents: ".clearway/documents".into(),
            documents_s3_endpoint: String::new(),
            documents_s3_region: "us-east-1".into(),
            documents_s3_key_id: String::new(),
            documents_s3_secret: Secret::default(),
            document_bytes_max: 64 * 1024 * 1024,
            document_timeout_s: 600,
            cors_origin: "*".into(),
            audit_key: String::new(),
            rate_address_per_second: 100,
            rate_address_burst: 1_000,
            rate_token_per_second: 200,
            rate_token_burst: 2_000,
            rate_sign_in_per_minute: 10,
            rate_keys_max: 100_000,
            tls_certificate: String::new(),
            tls_key: String::new(),
            trusted_proxies: Vec::new(),
            proxy_headers: ProxyHeaders::XForwarded,
            webhook_timeout_ms: 10_000,
            webhook_networks: Vec::new(),
            delivery_retry_ms: 5_000,
            delivery_retry_max_ms: 3_600_000,
            delivery_attempts_max: 20,
            delivery_days_max: 7,
            smtp_host: String::new(),
            smtp_port: 587,
            smtp_security: SmtpSecurity::StartTls,
            smtp_user: String::new(),
            smtp_password: Secret::default(),
            smtp_from: String::new(),
            smtp_timeout_ms: 10_000,
            tokens: Vec::new(),
            oidc: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the file, if it is there, and the environment.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file or the variable.
    pub fn load(file: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let name = file.display().to_string();
        let wrong = |from: &str, reason: String| ConfigError::Wrong { from: from.to_owned(), reason };
        let mut table = match std::fs::read_to_string(file) {
            Ok(text) => text.parse::<toml::Table>().map_err(|e| wrong(&name, e.message().to_owned()))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => toml::Table::new(),
            Err(e) => return Err(ConfigError::Unreadable { file: name, reason: e.to_string() }),
        };
        let defaults = toml::Table::try_from(Self::default()).map_err(|e| wrong("defaults", e.to_string()))?;
        for (key, default) in &defaults {
            let variable = format!("CLEARWAY_{}", key.to_uppercase());
            let Some(text) = environment(&variable) else { continue };
            let value = match default {
                toml::Value::Integer(_) => text.parse().ok().map(toml::Value::Integer),
                toml::Value::Float(_) => text.parse().ok().map(toml::Value::Float),
                toml::Value::Array(_) => {
                    format!("list = {text}").parse::<toml::Table>().ok().and_then(|mut t| t.remove("list"))
                }
                _ => Some(toml::Value::String(text)),
            };
            let Some(value) = value else {
                return Err(wrong(&variable, format!("is not {}", default.type_str())));
            };
            table.insert(key.clone(), value);
        }
        if let Some(url) = environment("DATABASE_URL") {
            table.insert("database_url".into(), toml::Value::String(url));
        }
        secrets_fit(&table).map_err(|(key, reason)| {
            let variable = format!("CLEARWAY_{}", key.to_uppercase());
            if environment(&variable).is_some() { wrong(&variable, reason) } else { wrong(key, reason) }
        })?;
        let settings: Self = table.try_into().map_err(|e: toml::de::Error| wrong(&name, e.message().to_owned()))?;
        settings.check().map_err(|(key, reason)| wrong(key, reason))?;
        Ok(settings)
    }

    /// Those of the variables in `names` that look like settings and are none: a slip of the pen would do nothing in
    /// silence.
    #[must_use]
    pub fn unknown(names: impl Iterator<Item = String>) -> Vec<String> {
        let settings = toml::Table::try_from(Self::default()).unwrap_or_default();
        let known = |name: &str| {
            OTHER_VARIABLES.iter().any(|other| name.starts_with(other))
                || settings.keys().any(|key| name == format!("CLEARWAY_{}", key.to_uppercase()))
        };
        let mut unknown: Vec<String> = names.filter(|name| name.starts_with("CLEARWAY_") && !known(name)).collect();
        unknown.sort_unstable();
        unknown
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.page_limit_default > self.page_limit_max {
            return Err(("page_limit_default", "is more than page_limit_max".into()));
        }
        if self.conflicts_limit_default > self.conflicts_limit_max {
            return Err(("conflicts_limit_default", "is more than conflicts_limit_max".into()));
        }
        let lengths = [
            ("boundary_reach_m", self.boundary_reach_m),
            ("accuracy_gnss_rtk_m", self.accuracy_gnss_rtk_m),
            ("accuracy_gnss_m", self.accuracy_gnss_m),
            ("accuracy_digitised_m", self.accuracy_digitised_m),
            ("accuracy_record_m", self.accuracy_record_m),
            ("accuracy_estimated_m", self.accuracy_estimated_m),
            ("accuracy_unknown_m", self.accuracy_unknown_m),
        ];
        for (key, metres) in lengths {
            if !(metres.is_finite() && metres >= 0.0) {
                return Err((key, "must be a finite number of metres, zero or more".into()));
            }
        }
        let counts = [
            ("connections_max", u64::from(self.connections_max)),
            ("import_batch", self.import_batch as u64),
            ("vertices_max", self.vertices_max as u64),
            ("pool_wait_ms", self.pool_wait_ms),
            ("request_timeout_s", self.request_timeout_s),
            ("head_timeout_s", self.head_timeout_s),
            ("keep_alive_s", self.keep_alive_s),
            ("address_bytes_max", self.address_bytes_max as u64),
            ("headers_bytes_max", self.headers_bytes_max as u64),
            ("rate_address_burst", u64::from(self.rate_address_burst)),
            ("rate_token_burst", u64::from(self.rate_token_burst)),
            ("rate_keys_max", self.rate_keys_max as u64),
            ("heartbeat_ms", self.heartbeat_ms),
            ("batch_line_bytes_max", self.batch_line_bytes_max as u64),
            ("batch_idle_timeout_s", self.batch_idle_timeout_s),
            ("access_token_s", self.access_token_s.into()),
            ("session_h", self.session_h.into()),
            ("api_token_days_max", self.api_token_days_max.into()),
            ("reads_interval_ms", self.reads_interval_ms),
            ("document_bytes_max", self.document_bytes_max),
            ("document_timeout_s", self.document_timeout_s),
            ("webhook_timeout_ms", self.webhook_timeout_ms),
            ("delivery_retry_ms", self.delivery_retry_ms),
            ("delivery_attempts_max", self.delivery_attempts_max.into()),
            ("delivery_days_max", self.delivery_days_max.into()),
            ("smtp_timeout_ms", self.smtp_timeout_ms),
        ];
        for (key, count) in counts {
            if count == 0 {
                return Err((key, "must be more than 0".into()));
            }
        }
        if self.tls_certificate.is_empty() != self.tls_key.is_empty() {
            return Err(("tls_certificate", "and tls_key belong together: set both, or neither".into()));
        }
        self.networks().map_err(|reason| ("trusted_proxies", reason))?;
        self.check_documents()?;
        self.webhook_networks().map_err(|reason| ("webhook_networks", reason))?;
        if !self.smtp_host.is_empty() && self.smtp_from.is_empty() {
            return Err(("smtp_from", "is empty; mail comes from an address".into()));
        }
        oidc::check(&self.oidc).map_err(|reason| ("oidc", reason))?;
        for t in &self.tokens {
            if t.token.0.len() < TOKEN_LENGTH_MIN {
                return Err((
                    "tokens",
                    format!("the token of {} is shorter than {TOKEN_LENGTH_MIN} characters", t.name),
                ));
            }
        }
        Ok(())
    }
}

/// Variables that others read, or how they begin: the command line, the log, the tests and the benches.
const OTHER_VARIABLES: &[&str] =
    &["CLEARWAY_CONFIG", "CLEARWAY_DATA_DIR", "CLEARWAY_LOG", "CLEARWAY_BENCH_", "CLEARWAY_TEST_"];

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("clearway.toml");
        std::fs::write(&file, toml).unwrap();
        Settings::load(&file, |name| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn environment_wins_over_file_and_file_over_default() {
        let settings =
            load("vertices_max = 10\nlisten = \"0.0.0.0:1\"", &[("CLEARWAY_LISTEN", "127.0.0.1:9")]).unwrap();
        assert_eq!(settings.vertices_max, 10);
        assert_eq!(settings.listen, "127.0.0.1:9");
        assert_eq!(settings.page_limit_max, 10_000);
        assert_eq!(load("", &[("DATABASE_URL", "host=x")]).unwrap().database_url.0, "host=x");
    }

    #[test]
    fn wrong_settings_are_named() {
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
        let table: &[Case<'_>] = &[
            ("", &[("CLEARWAY_CONNECTIONS_MAX", "many")], "CLEARWAY_CONNECTIONS_MAX: is not integer"),
            ("vertice_max = 1", &[], "unknown field `vertice_max`"),
            ("boundary_reach_m = -1.0", &[], "boundary_reach_m: must be a finite number"),
            ("tls_key = \"key.pem\"", &[], "tls_certificate: and tls_key belong together"),
            (
                "",
                &[("CLEARWAY_TRUSTED_PROXIES", "[\"10.0.0.1\", \"proxy\"]")],
                "trusted_proxies: «proxy» is neither an address nor a network",
            ),
            ("proxy_headers = \"via\"", &[], "unknown variant `via`, expected `x-forwarded` or `forwarded`"),
            ("page_limit_default = 20000", &[], "page_limit_default: is more than page_limit_max"),
            (
                "",
                &[("CLEARWAY_OIDC", "[{issuer = \"http://sso.example\", audience = \"c\", roles = {}}]")],
                "oidc: «http://sso.example» must be an address with https",
            ),
            ("[[tokens]]\ntoken = \"short\"\nname = \"n\"\nroles = []", &[], "the token of n is shorter than 16"),
        ];
        for (toml, environment, expect) in table {
            let message = load(toml, environment).unwrap_err().to_string();
            assert!(message.contains(expect), "{message}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let settings = load("database_url = \"password=hunter2\"", &[]).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        for toml in [
            "database_url = [\"hunter2\"]",
            "database_url = hunter2",
            "database_url = \"hunter2",
            "smtp_password = [\"hunter2\"]",
            "tokens = \"hunter2\"",
            "tokens = [\"hunter2\"]",
            "tokens = [{token = \"hunter2\"}]",
            "[[tokens]]\ntoken = \"hunter2\"\nname = \"n\"\nroles = \"hunter2\"",
            "[[tokens]]\nhunter2 = 1",
            "[[tokens]]\ntoken = [\"hunter2\"]",
            "[[tokens]]\ntoken = hunter2",
            "[tokens]\nhunter2 = 2",
        ] {
            let message = load(toml, &[]).unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{toml}: {message}");
        }
        let message = load("", &[("CLEARWAY_TOKENS", "[\"hunter2\"]")]).unwrap_err().to_string();
        assert!(message.starts_with("CLEARWAY_TOKENS: must be a list"), "{message}");
        let message = load("", &[("CLEARWAY_TOKENS", "hunter2")]).unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }
}
