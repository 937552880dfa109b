//! Files that are dropped into a drop folder, and what then lies where.
//!
//! A test reads: given a drop folder in a directory, when this is dropped and it is looked at, then that lies there.
//!
//! ```ignore
//! let folder = drop_folder(USERS);
//! drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id,email\n1,a@example.com\n");
//! mark(&folder, "users_import", "20210228");
//! let _ = folder.run("drop-folder poll px-users").success();
//! assert_eq!(folder.read("rollbook-data/drop/users_import/processed/20210228/status.txt"), "SUCCESS\n...");
//! ```

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::harness::Folder;

/// Settings of a drop folder for users, in the directory `drop` of the data directory.
pub(crate) const USERS: &str = r#"
[[drop_folder]]
name = "px-users"
object_type = "managed/px_user"
bucket = "file:drop"
base_folder = "users_import"
settle_time = "0s"
poll_interval = "100ms"
"#;

/// The same for accounts.
pub(crate) const ACCOUNTS: &str = r#"
[[drop_folder]]
name = "px-accounts"
object_type = "managed/px_account"
bucket = "file:drop"
base_folder = "accounts_import"
settle_time = "0s"
poll_interval = "100ms"
"#;

/// Given an installation with these settings.
pub(crate) fn drop_folder(settings: &str) -> Folder {
    Folder::new().file("rollbook-data/rollbook.toml", settings)
}

/// Given a file in a partition, as it is.
pub(crate) fn drop_file(folder: &Folder, base: &str, partition: &str, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.path(&format!("rollbook-data/drop/{base}/current/dt={partition}/{name}"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Given a file in a partition, compressed.
pub(crate) fn drop_csv(folder: &Folder, base: &str, partition: &str, name: &str, csv: &str) {
    drop_file(folder, base, partition, name, gzip(csv));
}

/// Given the success marker of a partition.
pub(crate) fn mark(folder: &Folder, base: &str, partition: &str) {
    drop_file(folder, base, partition, "_SUCCESS", "");
}

/// The paths of all files under the directory `drop`, sorted.
pub(crate) fn tree(folder: &Folder) -> Vec<String> {
    files(&folder.path("rollbook-data/drop"))
}

/// The paths of all files under a directory, sorted.
pub(crate) fn files(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    walk(root, root, &mut paths);
    paths.sort();
    paths
}

fn walk(root: &Path, directory: &Path, paths: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(root, &path, paths),
            false => paths.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()),
        }
    }
}

/// The text, compressed.
pub(crate) fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}
