//! What becomes of imports that are killed, cancelled, starved of disk, or not alone.
//!
//! Each test compares an import that was disturbed with one that was not: their counts, failures and objects must be the
//! same. What happens at random moments does so by a seed, which a failed test prints and `ROLLBOOK_SEED` repeats;
//! `ROLLBOOK_RECORDS` and `ROLLBOOK_ROUNDS` make the files larger and the loops longer (`scripts/soak`).

pub(crate) mod account;
mod cancelled;
mod company;
mod disk;
mod killed;
mod people;
mod spool;
mod uploaded;

use std::env;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::database::Backend;
use crate::harness::{Folder, SHORT_LEASE};

const IMPORT: &str = "import users.csv.gz --into managed/user --unique userName";

/// A command that goes on with what was interrupted, and imports something else of its own.
const GO_ON: &str = "import roles.csv --into managed/role --unique name";

/// A folder in which half of the users are stored already, some of them as they were earlier. Imports go in small steps.
fn folder(users: &[u8]) -> Folder {
    let round = (people::records() / 40).max(1);
    Folder::new()
        .file("rollbook-data/rollbook.toml", format!("[import]\nround = {round}\ncommit_every = '20ms'\n{SHORT_LEASE}"))
        .file("earlier.csv.gz", people::earlier())
        .file("users.csv.gz", users)
        .file("roles.csv", "name\nadmin\n")
        .after("import earlier.csv.gz --into managed/user --unique userName")
}

/// Has what was interrupted gone on with, to its end.
#[track_caller]
pub(crate) fn go_on(folder: &Folder) {
    let begun = Instant::now();
    loop {
        let _ = folder.run(GO_ON).success();
        let imports = folder.run("imports list --json").json();
        if imports.iter().all(|import| import["end"].is_string()) {
            return;
        }
        // A lock of the system goes with its process, a lease when its time is over.
        let may_wait = folder.backend() != Backend::Sqlite && begun.elapsed() < Duration::from_secs(30);
        assert!(may_wait, "nobody goes on: {imports:#?}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// Starts a command and lets it run.
pub(crate) fn start(folder: &Folder, command: &str) -> Child {
    folder.command(command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Starts a command and kills it.
fn kill_after(folder: &Folder, command: &str, delay: Duration) {
    let mut process = start(folder, command);
    thread::sleep(delay);
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Waits until something is so.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

/// How often a random thing is tried.
pub(crate) fn rounds() -> u32 {
    setting("ROLLBOOK_ROUNDS", 12)
}

pub(crate) fn setting<T: std::str::FromStr<Err: std::fmt::Debug>>(name: &str, default: T) -> T {
    env::var(name).map_or(default, |text| text.parse().expect(name))
}

/// Random numbers that can be had again.
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    pub(crate) fn new() -> Dice {
        let seed = setting("ROLLBOOK_SEED", 1);
        eprintln!("ROLLBOOK_SEED={seed}");
        Dice { state: seed }
    }

    /// Others, which do not depend on what was thrown before.
    pub(crate) fn of_round(round: u32) -> Dice {
        let Dice { state } = Dice::new();
        Dice { state: state.rotate_left(32) ^ u64::from(round) }
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % u64::from(end)) as u32
    }

    /// A moment in the `part`th of as many parts of a duration as there are rounds, so that all of it gets its turn.
    pub(crate) fn moment(&mut self, whole: Duration, part: u32) -> Duration {
        whole / rounds() * part + whole / rounds() * self.below(1000) / 1000
    }
}
