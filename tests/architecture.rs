//! The rings of the README, held on the sources: who may import whom, which ring owns which outside crate, how large a
//! file may grow, and what must not be written at all.

#![allow(clippy::unwrap_used)] // a test that cannot read the sources has failed

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each ring and the rings it may name, besides itself.
const RINGS: &[(&str, &[&str])] = &[
    ("geometry", &[]),
    ("clock", &[]),
    ("config", &[]),
    ("domain", &["geometry"]),
    ("error", &["domain", "geometry"]),
    ("wire", &["error", "domain", "geometry"]),
    ("formats", &["error", "domain", "geometry"]),
    ("store", &["error", "domain", "geometry"]),
    ("index", &["error", "domain", "geometry"]),
    ("actions", &["store", "index", "clock", "config", "error", "domain", "geometry"]),
    ("http", &["actions", "wire", "formats", "clock", "config", "error", "domain", "geometry"]),
    (
        "server",
        &["http", "actions", "wire", "formats", "store", "index", "clock", "config", "error", "domain", "geometry"],
    ),
    (
        "cli",
        &[
            "server", "http", "actions", "wire", "formats", "store", "index", "clock", "config", "error", "domain",
            "geometry",
        ],
    ),
    ("main", &["cli"]),
];

/// Outside crates that belong to some rings alone.
const OWNED: &[(&str, &[&str])] = &[
    ("proj", &["geometry"]),
    ("i_overlay", &["geometry"]),
    ("wkt", &["geometry"]),
    ("geojson", &["geometry"]),
    ("diesel", &["store"]),
    ("diesel_migrations", &["store"]),
    ("jiff_diesel", &["store"]),
    ("postgis", &["store"]),
    ("rstar", &["index"]),
    ("arc_swap", &["index"]),
    ("governor", &["http"]),
    ("ipnet", &["config", "http", "server"]),
    ("rustls", &["server", "store"]),
    ("object_store", &["store"]),
    ("async_trait", &["store"]),
    ("http_body_util", &["store"]),
    ("infer", &["domain"]),
    ("tempfile", &["actions"]),
    ("ureq", &["server", "store"]),
    ("lettre", &["server"]),
    ("icalendar", &["wire"]),
    ("socket2", &["server"]),
    ("actix_web", &["http", "server"]),
    ("actix_cors", &["http"]),
    ("tracing_actix_web", &["http", "server"]),
    ("metrics_exporter_prometheus", &["http", "server"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("tracing_subscriber", &["cli"]),
    ("getrandom", &["actions", "cli"]),
    ("argon2", &["actions"]),
    ("toml", &["config", "cli", "formats"]),
    ("serde", &["config", "cli", "wire"]),
    ("serde_json", &["geometry", "wire", "formats", "store", "http", "cli"]),
    ("csv", &["formats", "cli"]),
    ("fluent_bundle", &["wire"]),
];

/// A file of more lines usually holds two ideas.
const LINES_MAX: usize = 450;

struct Source {
    ring: String,
    path: PathBuf,
    code: String,
}

/// Every source file, without comments and without the tests inside it.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
        .into_iter()
        .filter(|path| !is_test(path))
        .map(|path| {
            let relative = path.strip_prefix(&root).unwrap();
            let first = relative.iter().next().unwrap().to_str().unwrap();
            let ring = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let text = text.split("#[cfg(test)]\n#[allow(clippy::unwrap_used)]").next().unwrap();
            let code = text.lines().map(without_comment).collect::<Vec<_>>().join("\n");
            Source { ring, path: relative.to_owned(), code }
        })
        .filter(|s| s.ring != "lib")
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Tests beside the code: `tests.rs`, `…_tests.rs` and folders called `tests`.
fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    stem == "tests" || stem.ends_with("_tests") || path.iter().any(|p| p == "tests")
}

fn without_comment(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") { "" } else { line.split(" // ").next().unwrap() }
}

/// The words that follow `crate::` in a text, `use crate::{a, b}` included.
fn own_names(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split('}').next().unwrap();
            names.extend(group.split(',').map(|part| word(part.trim())));
        } else {
            names.push(word(rest));
        }
    }
    names.retain(|n| !n.is_empty());
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// `name::` or `use name;` stands in the code as an outside crate.
fn names_crate(code: &str, name: &str) -> bool {
    // Modules of our own have the names of some crates; where one is imported, the name is ours.
    let ours = [format!("encoding::{name}"), format!("encoding::{{Undecodable, {name}"), format!("mod {name};")];
    if ours.iter().any(|import| code.contains(import)) {
        return false;
    }
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        let after = &code[at + name.len()..];
        let stands_alone =
            !before.is_alphanumeric() && before != '_' && before != ':' && before != '/' && before != '"';
        let own = code[..at].ends_with("crate::") || code[..at].ends_with("super::");
        stands_alone && !own && after.starts_with("::")
    })
}

#[test]
fn every_file_stands_in_a_ring() {
    for source in sources() {
        assert!(RINGS.iter().any(|(ring, _)| *ring == source.ring), "{}: no such ring", source.path.display());
    }
}

#[test]
fn rings_name_only_what_stands_before_them() {
    let rings: BTreeMap<&str, &[&str]> = RINGS.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let allowed = rings[source.ring.as_str()];
        // The program's own crate name counts as `crate` in main.rs.
        let code = source.code.replace("clearway::", "crate::");
        for name in own_names(&code) {
            if rings.contains_key(name.as_str()) && name != source.ring && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} names {name}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn outside_crates_stay_in_their_rings() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, owners) in OWNED {
            if !owners.contains(&source.ring.as_str()) && names_crate(&source.code, name) {
                wrong.push(format!("{} uses {name}, which belongs to {}", source.path.display(), owners.join(" and ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_checks_above_can_fail() {
    assert_eq!(own_names("use crate::{http, store::Store}; crate::wire::x()"), ["http", "store", "wire"]);
    assert!(names_crate("use diesel::prelude::*;", "diesel"));
    assert!(names_crate("let p: proj::Proj = x;", "proj"));
    assert!(!names_crate("use crate::geometry::encoding::geojson::describe;", "geojson"));
    assert!(!names_crate("geojson::describe(x)", "diesel"));
}

#[test]
fn domain_reads_no_clock_and_does_no_io() {
    for source in sources().iter().filter(|s| s.ring == "domain" || s.ring == "geometry") {
        for word in ["std::fs", "std::net", "std::io", "std::env", "::now(", "std::thread"] {
            // An id of a feature is made in `actions`, never here.
            assert!(!source.code.contains(word), "{} has {word}", source.path.display());
        }
    }
}

#[test]
fn status_codes_stand_in_one_file() {
    for source in sources().iter().filter(|s| !s.path.ends_with("http/problem.rs")) {
        assert!(!source.code.contains("StatusCode::"), "{} names a status code", source.path.display());
    }
}

/// Whoever came in by a door is looked at once more inside what he writes.
#[test]
fn writes_over_http_are_by_who_was_let_in() {
    let http: Vec<Source> = sources().into_iter().filter(|s| s.ring == "http").collect();
    assert!(http.iter().any(|s| s.code.contains("Witness::by(")));
    for source in http {
        assert!(!source.code.contains("Witness::new("), "{} writes as somebody: say by whom", source.path.display());
    }
}

/// What comes with a request and lets somebody in, as the code calls it.
const SECRETS: [&str; 8] = ["credential", "token", "cookie", "csrf", "bearer", "secret", "password", "refresh"];

/// The functions that are given one as it is, and what they do with it.
const GIVEN_SECRETS: &[(&str, &str, &str)] = &[
    // Of tokens of the settings their digests are compared, of a cookie its CSRF token, of a receipt the digest of its secret.
    ("http/auth.rs", "identity", "ct_eq("),
    ("http/auth.rs", "from_our_page", "ct_eq("),
    ("actions/site_request/tracking.rs", "track", "ct_eq("),
    // What the service issued is looked up by its digest: access tokens, cookies, API tokens, tokens of others, refresh tokens.
    ("actions/access.rs", "known", "known(&digest(credential)"),
    ("actions/access.rs", "identify", "digest(credential)"),
    ("actions/access.rs", "admit", "digest(token)"),
    ("actions/session.rs", "refresh", "digest(token)"),
    ("http/auth.rs", "look_up", "access::identify("),
    ("actions/access.rs", "new", "credential"),
    // Passwords are checked by Argon2.
    ("actions/access.rs", "password_matches", "password::matches("),
    ("actions/password.rs", "matches", "verify_password("),
    ("actions/password.rs", "hash", "hash_password_with_salt("),
    ("actions/session.rs", "sign_in", "password_matches("),
    // Kept, derived and told, and compared with nothing that is kept.
    ("domain/account.rs", "wrong_password", "PASSWORD_MIN"),
    ("domain/session.rs", "digest", "Sha256::digest("),
    ("domain/session.rs", "csrf_token", "Sha256::new()"),
    ("store/account.rs", "insert", "accounts::password.eq(password)"),
    ("store/account.rs", "set_password", ".set(accounts::password.eq(password))"),
    ("store/webhook.rs", "insert", "webhooks::secret.eq(&secret.0)"),
    ("store/webhook.rs", "update", "webhooks::secret.eq(&secret.0)"),
    ("server/courier/webhook.rs", "send", "signature("),
    ("server/courier/webhook.rs", "signature", "hmac::sign("),
];

/// The functions of some code: name, parameters, and all up to the next one.
fn functions(code: &str) -> impl Iterator<Item = (String, &str, &str)> {
    code.split("fn ").skip(1).filter_map(|rest| {
        let (_, inside) = rest.split_once('(')?;
        let parameters = inside.split(['{', ';']).next()?.split(" -> ").next()?;
        Some((word(rest), parameters, rest))
    })
}

/// Among parameters there is a secret as text.
fn takes_a_secret(parameters: &str) -> bool {
    parameters.split(',').filter_map(|one| one.split_once(':')).any(|(name, kind)| {
        let is_text =
            ["str", "String", "Secret", "SigningSecret"].iter().any(|t| kind.trim_end_matches([')', '>']).ends_with(t));
        is_text && SECRETS.iter().any(|secret| name.split(['_', ' ', '\n']).any(|part| part == *secret))
    })
}

/// A secret, or something that begins or ends with it, is compared letter by letter.
fn compares_a_secret(code: &str) -> Option<&str> {
    // Its last name counts, without what only turns it into another type; of a call that of the function, and of a digest what
    // it is of.
    let is_secret = |operand: &str| {
        let mut text = operand.trim_matches(|c: char| !c.is_alphanumeric() && c != ')');
        for turned in [".0", ".as_bytes()", ".as_str()", ".as_ref()", ".as_deref()", ".as_slice()", ".to_owned()"] {
            text = text.trim_end_matches(turned);
        }
        let text = text.replace("digest(", "").replace("Some(", "");
        let text = text.split('(').next().unwrap().trim_end_matches(')');
        let last = text.rsplit(['.', ':', '*', '&', '!', '|']).next().unwrap();
        last.split('_').any(|w| SECRETS.contains(&w))
    };
    code.lines().find(|line| {
        let operators = [" == ", " != "].iter().flat_map(|o| line.match_indices(o)).any(|(at, operator)| {
            let (left, right) = (&line[..at], &line[at + operator.len()..]);
            is_secret(left.rsplit(' ').next().unwrap()) || is_secret(right.split(' ').next().unwrap())
        });
        let asked =
            [".eq(", ".ne(", ".cmp(", ".get(", "contains(", "contains_key(", "starts_with(", "ends_with(", "find("];
        let asks = asked.iter().flat_map(|a| line.match_indices(a)).any(|(at, asked)| {
            let argument = line[at + asked.len()..].split([')', ',']).next().unwrap();
            is_secret(argument) && !line.contains("digest.eq(digest")
        });
        // Columns are given a value so, and are looked for where it is a filter.
        let sets = line.contains("::password.eq(") || line.contains("::secret.eq(");
        let sql = ["secret = $", "password = $"].iter().filter_map(|sql| line.find(sql));
        let sql = sql.into_iter().any(|at| ["WHERE", " AND ", " ON "].iter().any(|word| line[..at].contains(word)));
        operators || sql || asks && (!sets || line.contains("filter("))
    })
}

#[test]
fn secrets_are_compared_in_constant_time_or_looked_up_by_their_digest() {
    let (mut found, mut compared) = (BTreeSet::new(), BTreeSet::new());
    for source in sources().iter().filter(|s| !["cli", "config"].contains(&s.ring.as_str())) {
        let path = source.path.to_str().unwrap();
        for (name, parameters, text) in functions(&source.code) {
            let named = GIVEN_SECRETS.iter().find(|(p, n, _)| (*p, *n) == (path, name.as_str()));
            // What writes documents, tells it to whom it belongs.
            if takes_a_secret(parameters) && source.ring != "wire" {
                found.insert((path.to_owned(), name.clone()));
                let (_, _, does) =
                    named.unwrap_or_else(|| panic!("{path}: {name} is given a secret: say here what it does with it"));
                assert!(text.contains(does), "{path}: {name} does not {does}");
            }
            if text.contains("ct_eq(") {
                compared.insert((path.to_owned(), name.clone()));
            }
        }
        assert_eq!(compares_a_secret(&source.code), None, "{path} compares a secret letter by letter");
        assert!(!source.code.contains("subtle::") || source.code.contains("ct_eq("), "{path}");
    }
    let named = |does: fn(&str) -> bool| {
        let all = GIVEN_SECRETS.iter().filter(move |(_, _, d)| does(d));
        all.map(|(path, name, _)| ((*path).to_owned(), (*name).to_owned())).collect::<BTreeSet<_>>()
    };
    assert_eq!(found, named(|_| true), "what is named here is there");
    assert_eq!(compared, named(|does| does == "ct_eq("), "what compares in constant time");
    for (line, caught) in [
        ("if known.token == token {", true),
        ("let fits = *known != secret;", true),
        ("if csrf_token(cookie) == given {", true),
        ("if known == digest(token) {", true),
        ("tokens.get(token)", true),
        ("all.iter().find(|one| one.0.starts_with(&secret))", true),
        (".filter(webhooks::secret.eq(&secret.0))", true),
        ("WHERE r.secret = $1", true),
        ("webhooks::secret.eq(&secret.0),", false),
        ("if kind_of(token) != Some(CredentialKind::Refresh) {", false),
        ("bool::from(known.ct_eq(&given))", false),
        (".filter(api_tokens::digest.eq(digest.as_slice()))", false),
    ] {
        assert_eq!(compares_a_secret(line).is_some(), caught, "{line}");
    }
}

#[test]
fn sql_stands_in_the_store_and_takes_no_values_by_format() {
    for source in sources() {
        let has_sql = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"].iter().any(|w| source.code.contains(w));
        assert!(!has_sql || source.ring == "store", "{} holds SQL", source.path.display());
    }
}

/// The registration of layers: the file, and of each the layer, its noun, and the stem of the noun's own files.
fn layers() -> (&'static str, Vec<(String, String, String)>) {
    let file = "domain/layer.rs";
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file)).unwrap();
    let list = text.split("macro_rules! each_layer").nth(1).unwrap().split("pub(crate) use").next().unwrap();
    let lines = list.lines().filter_map(|line| line.split_once("=> $crate::domain::"));
    let of = |(name, noun): (&str, &str)| {
        let (stem, noun) = noun.split_once("::").unwrap();
        (word(name.trim()), word(noun), stem.to_owned())
    };
    (file, lines.map(of).collect())
}

/// The names that follow `of::` in some code, without those of functions and constants.
fn variants(code: &str, of: &str) -> BTreeSet<String> {
    let stands_alone = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let named = code.match_indices(of).filter(|(at, _)| stands_alone(*at));
    let named = named.filter_map(|(at, _)| code[at + of.len()..].strip_prefix("::")).map(word);
    named.filter(|n| n.starts_with(char::is_uppercase) && n.contains(char::is_lowercase)).collect()
}

/// Who names a layer or a noun besides its registration and its own files, and why.
const NAMES_NOUNS: &[(&str, &str)] = &[
    ("domain/actor.rs", "the table of rights: what it does not know is written by nobody"),
    ("http/routes.rs", "the list of addresses"),
    ("actions/document/holder.rs", "the list of what holds documents"),
    ("cli/demo.rs", "the data of the demonstration"),
    (
        "domain/site_check/surroundings.rs",
        "each noun is something else to a site check: a column, land, or what is there besides",
    ),
    ("domain/zone.rs", "a zone in force is a reference feature to site checks"),
    ("actions/plan/projected.rs", "puts zones in force among the reference features"),
    ("store/plan.rs", "which corridors block, inside the deciding transaction"),
    ("actions/site_check/area.rs", "which corridors block an area"),
    ("actions/site_check/around.rs", "finds for site checks what each noun is to them"),
    ("actions/site_check/own.rs", "finds the request that a column is asked for by"),
    ("actions/site_check/beyond.rs", "finds what columns and buildings there are farther away"),
    ("actions/site_request/reading.rs", "what could be shared instead is a work"),
    (
        "actions/site_request/antennas.rs",
        "the antennas of a request that was granted are transmitters, on a column that is a work",
    ),
    ("actions/site_request/effects.rs", "a request keeps others off as a reference feature, and becomes a work"),
];

/// A layer is registered by its line in `each_layer!`: nobody else has to be told of it, and nobody else tells one noun
/// from another. What a noun has to say is asked of it by traits, so that one that does not say it does not compile.
#[test]
fn nouns_are_told_apart_in_their_registration() {
    let (registration, layers) = layers();
    assert!(layers.len() >= 2, "the registration was not read: {layers:?}");
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| !s.path.ends_with(registration)) {
        let path = source.path.display();
        for facts in variants(&source.code, "NounFacts") {
            wrong.push(format!("{path} names NounFacts::{facts}: ask for its role, or make it by `into`"));
        }
        let stem = source.path.file_stem().unwrap().to_str().unwrap();
        if NAMES_NOUNS.iter().any(|(file, _)| source.path.ends_with(file)) {
            continue;
        }
        for (layer, noun, own) in layers.iter().filter(|(_, _, own)| own != stem) {
            if variants(&source.code, "Layer").contains(layer) {
                wrong.push(format!("{path} names Layer::{layer}"));
            }
            let import = [format!("::{own}::{noun};"), format!("::{own}::{{{noun},"), format!("::<{noun}>")];
            let facts = [format!("{noun}Facts"), format!("{noun}Props")];
            for name in import.iter().chain(&facts).filter(|name| source.code.contains(*name)) {
                wrong.push(format!("{path} names the noun {noun}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let found = |code: &str| variants(code, "NounFacts").into_iter().collect::<Vec<_>>();
    assert_eq!(found("match noun { NounFacts::Works(_) => 1, NounFacts::Zones(z) => 2 }"), ["Works", "Zones"]);
    assert_eq!(found("if let NounFacts::Works(w) = noun {}"), ["Works"]);
    assert!(found("NounFacts::role(&noun); NounFacts::MAX; OtherNounFacts::Works").is_empty());
}

/// Who asks what somebody sees, and why. Whatever then shows a feature takes note of it where it is restricted.
const ASKS_WHAT_IS_SEEN: &[(&str, &str)] = &[
    ("domain/change.rs", "what one hears of an event; shown by actions/changes/mod.rs"),
    ("index/layer.rs", "counts, and says it of a feature as it was; shown by conflict_check/asking.rs"),
    ("actions/health.rs", "counts alone"),
    ("actions/feature.rs", "shows items"),
    ("actions/version.rs", "shows versions"),
    ("actions/changes/mod.rs", "shows events"),
    ("actions/conflict_check/mod.rs", "shows what an answer names on a map"),
    ("actions/conflict_check/asking.rs", "shows answers"),
    ("actions/conflict_check/stored.rs", "shown by conflict_check/asking.rs"),
    ("actions/conflict_check/notice.rs", "names nothing"),
    ("domain/plan/mod.rs", "who sees a plan, which is public or the government's; shown by actions/plan"),
    ("actions/plan/check.rs", "shows checks of plans that are kept"),
    ("actions/site_check/around.rs", "finds what one sees; shown by actions/site_check/mod.rs"),
    (
        "actions/site_check/shared.rs",
        "finds columns of a zone, none of them restricted; shown by actions/site_request/reading.rs",
    ),
    ("actions/site_check/beyond.rs", "as around.rs, of what is farther away"),
    ("actions/site_check/own.rs", "finds one's own request; nothing of it is shown"),
    ("actions/site_request/reading.rs", "shows the columns that could be shared, and whose they are"),
    ("actions/site_check/again.rs", "whether somebody sees everything; names no feature"),
    ("actions/site_request/check.rs", "for whom the checks of a case are asked; names no feature to them"),
    ("domain/site_request/reader.rs", "who sees requests of others, which are no features"),
    ("actions/site_check/kept.rs", "shows runs that are kept"),
    ("domain/notice.rs", "who is told what happened in a case, which names no feature; `deliveries` says who was"),
    ("domain/site_check/record.rs", "who sees a run that is kept; shown by site_check/kept.rs"),
    ("domain/document.rs", "who reads an original; shown by actions/document/holder.rs"),
    ("store/seen.rs", "tells the database what a transaction sees"),
    ("wire/account.rs", "tells an account which visibilities it sees"),
];

/// Somebody who decides what is shown by his own is told here to think of who is shown what is restricted.
#[test]
fn what_is_seen_is_asked_where_it_is_noted() {
    let (mut wrong, mut found) = (Vec::new(), BTreeSet::new());
    for source in sources() {
        let asks = [".sees(", ".sight("].iter().any(|word| source.code.contains(word));
        let known = ASKS_WHAT_IS_SEEN.iter().find(|(file, _)| source.path.ends_with(file));
        match (asks, known) {
            (true, None) => wrong.push(format!("{} asks what somebody sees", source.path.display())),
            (true, Some((file, why))) => {
                found.insert(*file);
                let shows = why.starts_with("shows ");
                let notes = [".shown(", ".shown_at_once("].iter().any(|word| source.code.contains(word));
                if shows != notes {
                    wrong.push(format!("{file} shows features: {shows}, and takes note of it: {notes}"));
                }
            }
            (false, _) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(found.len(), ASKS_WHAT_IS_SEEN.len(), "one of them asks nothing any more: {found:?}");
}

/// Where to find what differs from noun to noun: each has a file of its own in each of these rings.
#[test]
fn every_noun_has_its_own_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (_, noun, stem) in layers().1 {
        for ring in ["domain", "store", "wire"] {
            let file = root.join("src").join(ring).join(format!("{stem}.rs"));
            let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            assert!(text.contains(&noun), "{} is not about {noun}", file.display());
        }
    }
}

/// Each check of a place is a file of its own that is registered by one line; it says on which law and article it rests, or that
/// it rests on none, and has its table of cases.
#[test]
fn each_check_is_registered_once_names_its_law_and_has_its_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain/site_check");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let list = read("mod.rs");
    let mut checks = 0;
    for entry in fs::read_dir(folder.join("checks")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() || ["mod", "area", "permits"].contains(&name.as_str()) {
            continue;
        }
        checks += 1;
        let code = read(&format!("checks/{name}.rs"));
        let registered = format!("run: checks::{name}::check }}");
        assert_eq!(list.matches(&registered).count(), 1, "{name} is registered by one line");
        let (before, _) = code.split_once("pub fn check(").unwrap_or_else(|| panic!("{name} has no check"));
        let doc: Vec<&str> = before.lines().rev().skip(1).take_while(|line| line.starts_with("///")).collect();
        let doc = doc.join(" ").to_lowercase();
        assert!(["`[law", "`[default", "`[check"].iter().any(|mark| doc.contains(mark)), "{name} names no law: {doc}");
        assert!(["article", "art."].iter().any(|word| doc.contains(word)), "{name} names no article: {doc}");
        let cases = folder.join(format!("checks/{name}/tests.rs"));
        let cases = if cases.is_file() { fs::read_to_string(cases).unwrap() } else { code };
        let (_, cases) = cases.split_once("#[test]").unwrap_or_else(|| panic!("{name} has no test"));
        assert!(cases.contains("let table"), "{name} has no table of cases");
    }
    assert_eq!(checks, list.matches("Check { code: CheckCode::").count());
}

#[test]
fn files_stay_small() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = source.code.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{} has {lines} lines; {LINES_MAX} are enough", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_opens_with_what_is_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} does not say what is in it", path.display());
    }
}

#[test]
fn no_test_is_ignored_and_nothing_is_unsafe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches"] {
        if root.join(folder).is_dir() {
            walk(&root.join(folder), &mut found);
        }
    }
    let (ignored, unsafe_block) = (["#[", "ignore"].concat(), ["unsafe", " {"].concat());
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&ignored), "{} ignores a test", path.display());
        assert!(!text.contains(&unsafe_block), "{} has an unsafe block", path.display());
    }
}

/// The lines of a section of a manifest.
fn section<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    let lines = manifest.lines().skip_while(|l| *l != name).skip(1);
    lines.take_while(|l| !l.starts_with('[')).filter(|l| l.contains('=')).collect()
}

/// The versions of every crate in a lock file.
fn locked(lock: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut name = "";
    for line in lock.lines() {
        if let Some(found) = line.strip_prefix("name = ") {
            name = found.trim_matches('"');
        } else if let Some(version) = line.strip_prefix("version = ").filter(|_| !name.is_empty()) {
            all.entry(name).or_default().insert(version.trim_matches('"'));
        }
    }
    all
}

/// The fuzz targets are a package of its own, so nothing else keeps them to the dependencies of the service.
#[test]
fn fuzz_targets_are_built_from_the_same_crates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    let (ours, theirs) = (read("Cargo.toml"), read("tests/fuzz/Cargo.toml"));
    let wanted = section(&ours, "[dependencies]");
    let differ: Vec<&str> = section(&theirs, "[dependencies]")
        .into_iter()
        .filter(|line| !line.starts_with("libfuzzer-sys ") && !wanted.contains(line))
        .collect();
    assert!(!wanted.is_empty() && differ.is_empty(), "tests/fuzz/Cargo.toml asks otherwise: {}", differ.join("; "));

    let (ours, theirs) = (read("Cargo.lock"), read("tests/fuzz/Cargo.lock"));
    let (ours, theirs) = (locked(&ours), locked(&theirs));
    let mut wrong = Vec::new();
    let mut same = 0;
    for (name, versions) in theirs {
        for version in versions {
            match ours.get(name) {
                Some(known) if !known.contains(version) => wrong.push(format!(
                    "{name} is {version}; `cargo update --manifest-path tests/fuzz/Cargo.toml {name}@{version} --precise {}`",
                    known.iter().next().unwrap()
                )),
                Some(_) => same += 1,
                None => {}
            }
        }
    }
    assert!(wrong.is_empty(), "tests/fuzz/Cargo.lock is not in step with Cargo.lock:\n{}", wrong.join("\n"));
    assert!(same > 50, "only {same} crates in common: were the files read?");
}
