//! The address of the database: what every connection adds to it, and what may be said of one that fails.

/// What a connection asks of libpq where the address does not say otherwise, so that one whose other end fell silent
/// ends within half a minute instead of never.
const DEFAULTS: &[(&str, &str)] = &[
    ("connect_timeout", "5"),
    ("keepalives", "1"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];

/// The address with our defaults before what it says itself: of two values libpq takes the later.
#[must_use]
pub fn with_defaults(url: &str) -> String {
    let joined = |by: &str| DEFAULTS.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(by);
    let Some((scheme, rest)) = url.split_once("://").filter(|(s, _)| matches!(*s, "postgres" | "postgresql")) else {
        return format!("{} {url}", joined(" "));
    };
    // A password may hold a question mark.
    let credentials = rest.find(['@', '/']).filter(|i| rest[*i..].starts_with('@')).unwrap_or(0);
    match rest[credentials..].find('?').map(|i| rest.split_at(credentials + i + 1)) {
        Some((before, "")) => format!("{scheme}://{before}{}", joined("&")),
        Some((before, given)) => format!("{scheme}://{before}{}&{given}", joined("&")),
        None => format!("{scheme}://{rest}?{}", joined("&")),
    }
}

/// What libpq says of a connection that failed, and our words for it. Its own text may quote the address, and that
/// may hold a password.
const REASONS: &[(&str, &str)] = &[
    ("Connection refused", "connection refused"),
    ("No such file or directory", "no such file or directory"),
    ("Permission denied", "permission denied"),
    ("authentication failed", "authentication failed"),
    ("no password supplied", "it asks for a password"),
    ("no pg_hba.conf entry", "it does not take connections from here"),
    ("timeout expired", "it did not answer in time"),
    ("Connection timed out", "it did not answer in time"),
    ("No route to host", "no route to the host"),
    ("could not translate host name", "the host name is not known"),
    ("too many clients", "all its connections are in use"),
    ("remaining connection slots", "all its connections are in use"),
    ("not currently accepting connections", "it does not accept connections now"),
    ("starting up", "it is starting up"),
    ("shutting down", "it is shutting down"),
    ("does not exist", "there is no such database or role"),
    ("SSL", "encryption could not be agreed on"),
];

/// One sentence for a connection that failed; nothing of the address stands in it.
#[must_use]
pub fn unreachable(said: &str) -> String {
    let reason = REASONS.iter().find(|(sign, _)| said.contains(sign)).map(|(_, words)| format!(": {words}"));
    format!("the database at DATABASE_URL cannot be reached{}", reason.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_stand_before_what_is_given() {
        let and = "connect_timeout=5&keepalives=1&keepalives_idle=10&keepalives_interval=5&keepalives_count=3\
                   &tcp_user_timeout=20000";
        let check = |url: &str, expect: &str| assert_eq!(with_defaults(url), expect.replace('*', and), "{url}");
        check(
            "host=/run dbname=x connect_timeout=9",
            &format!("{} host=/run dbname=x connect_timeout=9", "*".replace('*', &and.replace('&', " "))),
        );
        check("postgres://h/db", "postgres://h/db?*");
        check("postgresql://u:p@h:5432/db?", "postgresql://u:p@h:5432/db?*");
        check("postgresql://u:p@h/db?connect_timeout=9", "postgresql://u:p@h/db?*&connect_timeout=9");
        check("postgres://u:p?q@h/db", "postgres://u:p?q@h/db?*");
        check("postgres://u:p?q@h/db?a=b@c", "postgres://u:p?q@h/db?*&a=b@c");
        check("postgres:///db?host=/run", "postgres:///db?*&host=/run");
        check("postgres://", "postgres://?*");
    }

    #[test]
    fn nothing_of_the_address_is_repeated() {
        let check = |said: &str, expect: &str| {
            let sentence = unreachable(said);
            assert_eq!(sentence, format!("the database at DATABASE_URL cannot be reached{expect}"));
        };
        check("invalid port in \"postgres://u:hunter2@h:x\"", "");
        check("could not translate host name \"hunter2@h\" to address: Name unknown", ": the host name is not known");
        check("connection to server at \"h\", port 1 failed: Connection refused", ": connection refused");
        check("FATAL:  password authentication failed for user \"u\"", ": authentication failed");
    }
}
