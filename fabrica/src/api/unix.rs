//! The file of a Unix socket.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket};

/// How many connections wait to be accepted.
const BACKLOG: u32 = 1024;

/// A Unix socket that is listened at. Its file goes with it.
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    file: Option<(u64, u64)>,
}

impl Socket {
    /// Listens. Only the user that runs the program can connect.
    ///
    /// # Errors
    /// A text that says what is wrong and what to do.
    pub(super) fn bind(path: &Path) -> Result<Self, String> {
        if let Err(error) = SocketAddr::from_pathname(path) {
            let length = path.as_os_str().len();
            return Err(format!(
                "{error}; its path has {length} bytes, and about 100 is what the system takes: choose a shorter one"
            ));
        }
        remove_stale(path)?;
        let bound = UnixSocket::new_stream().and_then(|socket| {
            socket.bind(path)?;
            // Nobody can connect before it listens.
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            socket.listen(BACKLOG)
        });
        let listener = bound.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => taken(),
            io::ErrorKind::NotFound => format!("{error}; make its folder first"),
            _ => error.to_string(),
        })?;
        let file = fs::symlink_metadata(path).ok().map(|file| identity(&file));
        Ok(Self { listener, path: path.to_owned(), file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Another server may have put its own socket there since.
impl Drop for Socket {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path).ok().map(|file| identity(&file));
        if now.is_some() && now == self.file {
            // If it can't be removed, the next server finds it stale.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the socket of a server that is no more.
fn remove_stale(path: &Path) -> Result<(), String> {
    let file = match fs::symlink_metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if file.is_dir() {
        return Err("there is a folder of that name: choose a name in it, or another one".to_owned());
    }
    if !file.file_type().is_socket() {
        return Err("there is a file of that name that is no socket: choose another name, or remove it".to_owned());
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(taken()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|error| format!("the socket of a server that is no more can't be removed: {error}")),
        Err(error) => Err(format!("there is a socket that can't be connected to: {error}")),
    }
}

fn taken() -> String {
    "another server listens there: stop it, or choose another path".to_owned()
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
