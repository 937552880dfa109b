//! Which partitions and files are taken, when, in which order, and what becomes of them.

mod anew;
mod files;
mod held;
mod on_s3;
mod ready;

use std::fs;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::dropping::{USERS, drop_csv, drop_folder, mark, tree};
use crate::harness::Folder;

const POLL: &str = "drop-folder poll px-users";

/// Given a drop folder for users, with these settings more.
fn users(more: &str) -> Folder {
    drop_folder(&format!("{USERS}{more}\n"))
}

/// Given the same drop folder with other settings from now on.
fn set(folder: &Folder, more: &str) {
    fs::write(folder.path("rollbook-data/rollbook.toml"), format!("{USERS}{more}\n")).unwrap();
}

/// The same, where what is written to a partition is waited for.
fn set_settling(folder: &Folder, more: &str) {
    let settings = USERS.replace("settle_time = \"0s\"", "settle_time = \"500ms\"");
    fs::write(folder.path("rollbook-data/rollbook.toml"), format!("{settings}{more}\n")).unwrap();
}

/// Given a file of users in a partition.
fn put(folder: &Folder, partition: &str, name: &str, csv: &str) {
    drop_csv(folder, "users_import", partition, name, csv);
}

/// Given a partition with this one file of users, whole.
fn dropped(folder: &Folder, partition: &str, csv: &str) {
    put(folder, partition, "users.csv.gz", csv);
    mark(folder, "users_import", partition);
}

/// Given a user with this first name, as a file.
fn named(first_name: &str) -> String {
    format!("id,firstName\n1,{first_name}\n")
}

/// Everything that lies in the drop folder, one path to a line.
fn lying(folder: &Folder) -> String {
    let paths = tree(folder).into_iter().map(|path| path.strip_prefix("users_import/").unwrap_or(&path).to_owned());
    paths.collect::<Vec<_>>().join("\n")
}

/// The path of what lies in the drop folder.
fn at(path: &str) -> String {
    format!("rollbook-data/drop/users_import/{path}")
}

fn status(folder: &Folder, partition: &str) -> String {
    folder.read(&at(&format!("processed/{partition}/status.txt")))
}

/// The CSV of a file that lies there.
fn unzipped(folder: &Folder, path: &str) -> String {
    unpacked(&fs::read(folder.path(&at(path))).unwrap())
}

fn unpacked(bytes: &[u8]) -> String {
    let mut csv = String::new();
    MultiGzDecoder::new(bytes).read_to_string(&mut csv).unwrap();
    csv
}

/// What a look says of what it leaves alone.
fn notices(folder: &Folder) -> String {
    let polled = folder.run(&format!("{POLL} --json")).json();
    let notices = polled[0]["notices"].as_array().unwrap().iter().map(|notice| notice.as_str().unwrap().to_owned());
    notices.collect::<Vec<_>>().join("\n")
}

/// What keeps a look, or its runs, from going on.
fn troubles(folder: &Folder) -> Vec<Value> {
    let polled = folder.run(&format!("{POLL} --json")).json().remove(0);
    let runs = polled["runs"].as_array().unwrap();
    let troubles = [&polled["trouble"]].into_iter().chain(runs.iter().map(|run| &run["trouble"]));
    troubles.filter(|trouble| !trouble.is_null()).cloned().collect()
}

fn imports(folder: &Folder) -> Vec<Value> {
    folder.run("imports list --json").json()
}

/// The names of all files that were imported, in this order.
fn imported(folder: &Folder) -> Vec<String> {
    let imports = imports(folder).into_iter();
    imports
        .map(|import| format!("{}/{}", import["partition"].as_str().unwrap(), import["filename"].as_str().unwrap()))
        .collect()
}

fn first_name(folder: &Folder) -> String {
    let objects = folder.run("objects list managed/px_user --json").json();
    assert_eq!(objects.len(), 1);
    objects[0]["firstName"].as_str().unwrap().to_owned()
}

/// A look that goes on beside the test.
struct Look(Child);

impl Look {
    fn at(folder: &Folder) -> Look {
        Look(folder.command(POLL).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn ended(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }

    fn killed(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Waits until the condition holds.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "{what}");
        sleep(Duration::from_millis(20));
    }
}

/// Given a look that waits for others, who import users of Gainsight PX; it has read so many files. Let go, and it goes
/// on.
fn held_up(folder: &Folder, files: usize) -> (Look, Vec<String>) {
    let look = Look::at(folder);
    until("the files are read", || imports(folder).len() == files);
    let ids = imports(folder).iter().map(|import| import["_id"].as_str().unwrap().to_owned()).collect();
    (look, ids)
}
