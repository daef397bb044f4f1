//! Where a cluster lives and as whom its server runs: PostgreSQL refuses to be root, so root lends it an unprivileged user.
//! Not here: what is in the folder.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{ClusterError, PORT, programs};

/// Where the cluster goes when the server's user cannot reach the folder asked for, as below a private home.
const ELSEWHERE: &str = "/var/lib/clearway";
/// The longest path of a Unix socket in bytes: `sun_path` has 108 with the final zero.
const SOCKET_PATH_MAX: usize = 107;

/// The unprivileged user that root starts the server as.
#[derive(Debug)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

/// The folders and the user of one cluster.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder asked for, or the one below [`ELSEWHERE`].
    pub root: PathBuf,
    /// Always in the folder asked for, where people look.
    pub log: PathBuf,
    asked: PathBuf,
    /// `None` when we are not root and the server is what we are.
    account: Option<Account>,
}

/// The folder of the socket; only the server's user (and root) may enter it.
#[derive(Debug)]
pub(super) struct SocketDir {
    pub path: PathBuf,
    /// Outside the cluster's folder, so to be removed.
    temporary: bool,
}

impl Place {
    /// Decides where the cluster of this folder lives. A cluster that exists is never left behind for a new one.
    pub fn choose(asked: &Path) -> Result<Place, ClusterError> {
        let mut place =
            Place { root: asked.into(), log: asked.join("postgres.log"), asked: asked.into(), account: None };
        if id(&["-u"]).is_none_or(|uid| uid != "0") {
            return Ok(place);
        }
        let elsewhere = Path::new(ELSEWHERE).join(format!("{:016x}", fnv1a(asked.as_os_str().as_bytes())));
        let here = place.pgdata().exists();
        if !here && elsewhere.join("postgres").exists() {
            place.root.clone_from(&elsewhere);
        }
        place.account = Some(account_for(&place)?);
        if place.reaches(&place.root) {
            return Ok(place);
        }
        if !here && !place.moved() {
            make_dir(&elsewhere, 0o755)?;
            if place.reaches(&elsewhere) {
                place.root = elsewhere;
                place.leave_note()?;
                return Ok(place);
            }
        }
        let user = place.account.map(|account| account.name).unwrap_or_default();
        Err(ClusterError::OutOfReach { folder: place.root, user })
    }

    /// The data of the cluster.
    pub fn pgdata(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// Whether the cluster is not in the folder asked for.
    pub fn moved(&self) -> bool {
        self.root != self.asked
    }

    /// Makes the command run as the server's user, from a folder that everybody can be in.
    pub fn run_as_server(&self, command: &mut Command) {
        command.current_dir("/");
        if let Some(account) = &self.account {
            command.uid(account.uid).gid(account.gid);
        }
    }

    /// Gives a file or folder to the server's user.
    pub fn give(&self, path: &Path) -> Result<(), ClusterError> {
        let Some(account) = &self.account else { return Ok(()) };
        chown(path, Some(account.uid), Some(account.gid)).map_err(ClusterError::io(path))
    }

    /// The first folder that a socket can be in: with the data, else a private one among the temporary files. Its path must be
    /// short, and without a comma, where libpq would see two hosts.
    pub fn socket_dir(&self) -> Result<SocketDir, ClusterError> {
        let name = format!("clearway-{:016x}", fnv1a(self.asked.as_os_str().as_bytes()));
        let temporary = [env::temp_dir(), PathBuf::from("/tmp")];
        let choices = std::iter::once((self.root.join("run"), false)).chain(
            temporary.into_iter().filter(|folder| self.reaches(folder)).map(|folder| (folder.join(&name), true)),
        );
        for (path, temporary) in choices {
            let socket = path.join(format!(".s.PGSQL.{PORT}")).into_os_string().into_vec();
            if socket.len() <= SOCKET_PATH_MAX && !socket.contains(&b',') {
                self.private_dir(&path)?;
                return Ok(SocketDir { path, temporary });
            }
        }
        Err(ClusterError::Io {
            path: self.root.join("run"),
            source: io::Error::other("its path cannot be that of a socket"),
        })
    }

    /// A folder for the server's user alone. One that a stranger made before us is refused.
    fn private_dir(&self, path: &Path) -> Result<(), ClusterError> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => return self.give(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ClusterError::io(path)(error)),
        }
        let found = fs::symlink_metadata(path).map_err(ClusterError::io(path))?;
        let wanted = match &self.account {
            Some(account) => account.uid,
            None => fs::metadata(self.pgdata()).map_err(ClusterError::io(path))?.uid(),
        };
        if !found.is_dir() || (found.uid() != wanted && found.uid() != 0) {
            return Err(ClusterError::NotAllowed { path: path.to_owned() });
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(ClusterError::io(path))?;
        self.give(path)
    }

    /// Whether the server's user can pass into the folder: asked of the system, which knows of more than the mode bits.
    fn reaches(&self, folder: &Path) -> bool {
        let mut test = Command::new("/bin/sh");
        test.args(["-c", "test -x \"$1\"", "sh"]).arg(folder);
        self.run_as_server(&mut test);
        test.status().is_ok_and(|status| status.success())
    }

    /// Says in the folder asked for where the data is.
    fn leave_note(&self) -> Result<(), ClusterError> {
        let path = self.asked.join("postgres.location");
        let user = self.account.as_ref().map_or("", |account| &account.name);
        let note =
            format!("The database is in {}, because the user {user} cannot reach this folder.\n", self.root.display());
        fs::write(&path, note).map_err(ClusterError::io(&path))
    }
}

impl SocketDir {
    /// The setting that names this folder; quoted, for the server reads a list there.
    pub fn setting(&self) -> OsString {
        let mut setting = b"unix_socket_directories=\"".to_vec();
        for &byte in self.path.as_os_str().as_bytes() {
            setting.push(byte);
            if byte == b'"' {
                setting.push(byte);
            }
        }
        setting.push(b'"');
        OsString::from_vec(setting)
    }

    /// Removes the folder if it is among the temporary files; what cannot be removed harms nobody.
    pub fn remove(&self) {
        if self.temporary {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Who runs the server when we are root: who owns the cluster, else who owns the folder, else `postgres`.
fn account_for(place: &Place) -> Result<Account, ClusterError> {
    for folder in [place.pgdata(), place.asked.clone()] {
        let Ok(owner) = fs::metadata(&folder) else { continue };
        // initdb wants a user that has a name.
        if owner.uid() != 0
            && let Some(name) = id(&["-un", &owner.uid().to_string()])
        {
            return Ok(Account { name, uid: owner.uid(), gid: owner.gid() });
        }
    }
    let number = |flag| id(&[flag, "postgres"]).and_then(|number| number.parse().ok());
    match (number("-u"), number("-g")) {
        (Some(uid), Some(gid)) => Ok(Account { name: "postgres".to_owned(), uid, gid }),
        _ => Err(ClusterError::NoServerUser { folder: place.asked.clone() }),
    }
}

fn id(arguments: &[&str]) -> Option<String> {
    programs::run(Command::new("id").args(arguments), "id").ok()
}

fn make_dir(path: &Path, mode: u32) -> Result<(), ClusterError> {
    fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(ClusterError::io(path))
}

/// The 64-bit FNV-1a hash: the same in every release, for it names a folder that must be found again.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_folder_never_changes() {
        // From the reference test vectors of FNV-1a, 64 bit.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_setting_of_the_socket_survives_blanks_and_quotes() {
        let socket = SocketDir { path: PathBuf::from("/a b/\"c\""), temporary: false };
        assert_eq!(socket.setting(), "unix_socket_directories=\"/a b/\"\"c\"\"\"");
    }
}
