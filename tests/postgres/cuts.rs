//! Connections that are cut during imports, anywhere: there is one outcome, the same as if nobody had disturbed.

use std::fmt::Write as _;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rollbook::app::{App, Source, Submission};
use rollbook::import::{Counts, Import, State};
use rollbook::plan::{OnFailure, Plan};
use rollbook::worker::Worker;

use super::folder;
use super::proxy::{Cut, Proxy};
use crate::crash::account::{documents, look};
use crate::crash::{Dice, rounds, setting};
use crate::harness::{Folder, plan};

/// How long the server may take to notice that a connection is gone: far less than it lets a transaction stand idle.
const AT_REST: Duration = Duration::from_secs(5);

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

const STEP: u64 = 64 << 10;

fn records() -> usize {
    setting("ROLLBOOK_PG_RECORDS", 20_000)
}

/// Users of a version; every hundredth record is refused.
fn users(numbers: impl Iterator<Item = usize>, version: usize, is_sound: bool) -> String {
    numbers.fold("userName,givenName,sn,mail\n".to_owned(), |mut text, n| {
        let mail = if !is_sound && n % 100 == 7 { "none".to_owned() } else { format!("u{n}@example.com") };
        let version = if n % 3 == 0 { version } else { 0 };
        writeln!(text, "u{n},Given {n} {version},Name {n},{mail}").unwrap();
        text
    })
}

/// What became of two imports, the second of which changes a part of what the first one brought.
#[derive(Debug, PartialEq)]
struct Outcome {
    counts: [Counts; 2],
    users: Vec<(String, u64)>,
    pairs: i64,
}

/// An installation behind a proxy.
struct Stage {
    folder: Folder,
    proxy: Proxy,
    on_failure: OnFailure,
}

impl Stage {
    fn new(on_failure: OnFailure, settings: &str, records: usize) -> Stage {
        let is_sound = on_failure == OnFailure::RejectFile;
        let folder = folder(settings)
            .file("first.csv", users(0..records, 1, is_sound))
            .file("second.csv", users(records / 2..records * 11 / 10, 2, is_sound));
        drop(folder.installation());
        let proxy = Proxy::to(&folder);
        Stage { folder, proxy, on_failure }
    }

    /// Imports both files while the way is cut, and says how much went through for each.
    fn run(&self, cuts: [Cut; 2]) -> (Outcome, [Traffic; 2]) {
        let app =
            Arc::new(App::open(self.folder.config_with(&[("ROLLBOOK_REPOSITORY_URL", &self.proxy.url)])).unwrap());
        let files = ["first.csv", "second.csv"];
        let ran = [0, 1].map(|at| {
            self.proxy.cut(cuts[at]);
            let import = self.import(&app, files[at]);
            let traffic = (self.proxy.passed(), self.proxy.commits());
            // When it is committed follows the clock, so the last of the commits may be missing.
            let is_missed = matches!(cuts[at], Cut::BeforeCommit(n) | Cut::AfterCommit(n) if n > traffic.1);
            let is_cut = cuts[at] != Cut::Never && !is_missed;
            assert_eq!(self.proxy.was_cut(), is_cut, "{cuts:?}: {traffic:?}");
            self.proxy.cut(Cut::Never);
            assert!(matches!(import.state, State::Finished { .. }), "{cuts:?}: {:?}", import.state);
            look(&self.folder, &format!("{cuts:?}"));
            (import.counts, traffic)
        });
        self.must_be_at_rest(&format!("{cuts:?}"));
        let users = documents(&self.folder, "managed/user");
        let pairs = self.folder.look().number("SELECT count(*) FROM key_pair");
        (Outcome { counts: ran.map(|(counts, _)| counts), users, pairs }, ran.map(|(_, traffic)| traffic))
    }

    /// Imports a file, as a service does that tries again what the machine did to it.
    fn import(&self, app: &Arc<App>, file: &str) -> Import {
        let plan = Plan { on_failure: self.on_failure, ..plan("managed/user", "userName") };
        let source = Source::File(self.folder.path(file));
        let id = app.submit(vec![Submission { source, filename: file.to_owned(), plan }]).unwrap()[0];
        let worker = Worker::new(Arc::clone(app));
        let begun = Instant::now();
        loop {
            let ran = worker.run_waiting();
            match ran.and_then(|_| app.import(id)) {
                Ok(import) if import.state.end().is_some() => return import,
                Ok(_) => {}
                Err(error) => assert!(error.kind().may_pass() && begun.elapsed() < PATIENCE, "{error}"),
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Nobody holds anything any more, and nothing is left on its way.
    #[track_caller]
    fn must_be_at_rest(&self, context: &str) {
        let mut look = self.folder.look();
        let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'";
        let begun = Instant::now();
        // The server may be a moment behind in noticing that a connection was cut.
        while look.number(open) > 0 {
            assert!(begun.elapsed() < AT_REST, "{context}: a transaction is open");
            sleep(Duration::from_millis(20));
        }
        for table in ["cancel_mark", "staged_object", "staged_removal"] {
            assert_eq!(look.number(&format!("SELECT count(*) FROM {table}")), 0, "{context}: {table}");
        }
        let failures = "SELECT count(*) FROM failure";
        let counted = "SELECT sum(failure) FROM import_progress";
        assert_eq!(look.number(failures), look.number(counted), "{context}: failures");
    }
}

/// How much went through: bytes, and transactions to be committed.
type Traffic = (u64, u64);

/// Has both imports disturbed, again and again, where `cut` says so of a whole import.
fn disturb(given: (OnFailure, &str, usize), rounds: u32, mut cut: impl FnMut(u32, Traffic) -> Cut) {
    let (on_failure, settings, records) = given;
    let (undisturbed, traffic) = Stage::new(on_failure, settings, records).run([Cut::Never; 2]);
    assert!(undisturbed.counts.iter().all(|counts| counts.created > 0), "{:?}", undisturbed.counts);
    for round in 0..rounds {
        let cuts = traffic.map(|traffic| cut(round, traffic));
        let (outcome, _) = Stage::new(on_failure, settings, records).run(cuts);
        assert_eq!(outcome.counts, undisturbed.counts, "{cuts:?}");
        assert_eq!(outcome.pairs, undisturbed.pairs, "{cuts:?}");
        assert!(outcome.users == undisturbed.users, "{cuts:?}: the users are others");
    }
}

/// Once at a multiple of 64 KiB: some of them, or with ROLLBOOK_ROUNDS as many as there are, all.
fn somewhere(on_failure: OnFailure) {
    let mut dice = Dice::new();
    let rounds = rounds() / 3;
    disturb((on_failure, "", records()), rounds, |round, (bytes, _)| {
        let places = (bytes / STEP).max(1) as u32;
        let place = if rounds < places { dice.below(places) } else { round % places };
        Cut::OnceAfter(u64::from(place) * STEP + 1)
    });
}

#[test]
fn a_batched_import_is_cut_anywhere() {
    somewhere(OnFailure::SkipRecord);
}

#[test]
fn an_atomic_import_is_cut_anywhere() {
    somewhere(OnFailure::RejectFile);
}

/// No connection lives for longer than 64 KiB. What is committed at a time has to fit into that.
#[test]
fn every_connection_is_cut() {
    let settings = "[import]\nround = 100\ncommit_every = '1ms'\n";
    disturb((OnFailure::SkipRecord, settings, records() / 10), 1, |_, _| Cut::EachAfter(STEP));
}

/// Whoever is not told for long whether an import was queued leaves its file to it.
#[test]
fn a_file_stays_while_it_is_not_known_whether_it_is_queued() {
    let folder = folder("").file("users.csv", users(0..9, 1, true));
    drop(folder.installation());
    let proxy = Proxy::to(&folder);
    let app = App::open(folder.config_with(&[("ROLLBOOK_REPOSITORY_URL", &proxy.url)])).unwrap();
    let source = Source::File(folder.path("users.csv"));
    let plan = plan("managed/user", "userName");
    proxy.cut(Cut::GoneAfterCommit(1));
    let submitted = app.submit(vec![Submission { source, filename: "users.csv".to_owned(), plan }]);
    assert!(proxy.was_cut());
    let error = submitted.unwrap_err();
    assert!(error.to_string().contains("it is not known whether a change was stored"), "{error}");
    // Another process finds it queued, and its file.
    let other = Arc::new(folder.installation());
    assert_eq!(Worker::new(Arc::clone(&other)).run_waiting().unwrap(), 1);
    let import = other.repository.imports().unwrap().remove(0);
    assert_eq!((import.state.name(), import.counts.created), ("finished", 9), "{import:?}");
}

/// At a COMMIT, of which the server knows or not.
fn at_commits(on_failure: OnFailure, settings: &str) {
    let mut dice = Dice::new();
    let rounds = rounds() / 3;
    disturb((on_failure, settings, records()), rounds, |round, (_, commits)| {
        let places = 2 * commits as u32;
        let place = if rounds < places { dice.below(places) } else { round % places };
        match place % 2 {
            0 => Cut::BeforeCommit(u64::from(place / 2) + 1),
            _ => Cut::AfterCommit(u64::from(place / 2) + 1),
        }
    });
}

#[test]
fn a_batched_import_is_cut_at_a_commit() {
    at_commits(OnFailure::SkipRecord, "[import]\nround = 2000\ncommit_every = '100ms'\n");
}

#[test]
fn an_atomic_import_is_cut_at_a_commit() {
    at_commits(OnFailure::RejectFile, "");
}
