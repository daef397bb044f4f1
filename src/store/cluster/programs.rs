//! Where the programs of PostgreSQL are, and running one of them to its end. Not here: the server, which runs on.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ClusterError;

/// The oldest major version that Clearway is tested with.
pub(super) const OLDEST_MAJOR: u32 = 14;
/// Where Debian and Ubuntu keep one folder for each major version.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";
/// The library of PostGIS 3 without its ending.
const POSTGIS: &str = "postgis-3";
/// How much of a program's complaint goes into an error, in lines: the last ones hold the reason.
const LAST_LINES: usize = 4;

/// The programs of one PostgreSQL.
#[derive(Debug)]
pub(super) struct Programs {
    bin: PathBuf,
    pub major: u32,
}

impl Programs {
    /// The version that made the cluster, or for a new one the first found that has PostGIS.
    pub fn find(made_by: Option<u32>, pgdata: &Path) -> Result<Programs, ClusterError> {
        let mut found = Vec::new();
        for bin in candidates() {
            let Some(major) = major_of(&bin) else { continue };
            let programs = Programs { bin, major };
            match made_by {
                Some(wanted) if wanted == major => return Ok(programs),
                None if major >= OLDEST_MAJOR && programs.has_postgis() => return Ok(programs),
                _ => found.push(programs),
            }
        }
        let newest = found.into_iter().map(|programs| programs.major).filter(|major| *major >= OLDEST_MAJOR).max();
        Err(match (made_by, newest) {
            (_, None) => ClusterError::NoPrograms,
            (Some(made_by), Some(_)) => ClusterError::OtherVersion { folder: pgdata.to_owned(), made_by },
            (None, Some(major)) => ClusterError::NoPostgis { major },
        })
    }

    /// A command that the surroundings cannot bend: no `PG…` variable, no translated messages.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Where a PostgreSQL without `pg_config` keeps its extensions is not known: then the running server is asked later.
    fn has_postgis(&self) -> bool {
        match run(self.command("pg_config").arg("--sharedir"), "pg_config") {
            Ok(shared) => Path::new(&shared).join("extension/postgis.control").exists(),
            Err(_) => true,
        }
    }

    /// The library of PostGIS, where it has its usual name: a server that shall load one that is missing does not start.
    pub fn postgis_library(&self) -> Option<&'static str> {
        let libraries = run(self.command("pg_config").arg("--pkglibdir"), "pg_config").ok()?;
        Path::new(&libraries).join(format!("{POSTGIS}.so")).exists().then_some(POSTGIS)
    }
}

/// Folders that hold the programs: what `pg_config` names, Debian's versions from the newest, the search path.
fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(bin) = run(Command::new("pg_config").arg("--bindir"), "pg_config") {
        folders.push(PathBuf::from(bin));
    }
    let versions = fs::read_dir(DEBIAN_VERSIONS).into_iter().flatten().flatten();
    let mut versions: Vec<u32> = versions.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    folders.extend(versions.iter().map(|version| Path::new(DEBIAN_VERSIONS).join(version.to_string()).join("bin")));
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    // libpq's own pg_config may name a folder without a server in it.
    folders.retain(|folder| ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).exists()));
    let mut seen = Vec::new();
    folders.retain(|folder| {
        !seen.contains(folder) && {
            seen.push(folder.clone());
            true
        }
    });
    folders
}

/// The number in `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`.
fn major_of(bin: &Path) -> Option<u32> {
    let version = run(Command::new(bin.join("postgres")).arg("--version"), "postgres").ok()?;
    major_in(&version)
}

fn major_in(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Runs a program to its end and returns what it printed, without the last line break.
pub(super) fn run(command: &mut Command, program: &'static str) -> Result<String, ClusterError> {
    let failed = |said: String| ClusterError::Program { program, said };
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = last_lines(&String::from_utf8_lossy(&output.stderr));
        return Err(failed(if said.is_empty() { output.status.to_string() } else { said }));
    }
    let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
    printed.truncate(printed.trim_end().len());
    Ok(printed)
}

/// The end of a log or a complaint on one line.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_any_builder_s_text() {
        assert_eq!(major_in("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"), Some(15));
        assert_eq!(major_in("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_in("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(major_in("something else"), None);
    }

    #[test]
    fn a_version_that_is_not_installed_is_named_with_its_packages() {
        let error = Programs::find(Some(9), Path::new("/data/postgres")).unwrap_err().to_string();
        assert!(error.contains("/data/postgres was made by PostgreSQL 9, which is not installed"), "{error}");
        assert!(error.contains("postgresql-9-postgis-3"), "{error}");
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let failing = run(Command::new("sh").args(["-c", "echo one >&2; echo; echo two >&2; exit 3"]), "sh");
        assert!(failing.unwrap_err().to_string().starts_with("sh failed: one / two;"));
        let silent = run(Command::new("sh").args(["-c", "exit 3"]), "sh");
        assert!(silent.unwrap_err().to_string().starts_with("sh failed: exit status: 3;"));
    }
}
