//! Several services on one database, of which some are always killed or frozen: every import is done once, every drop is
//! filed, everybody is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::folder;
use crate::crash::account::look;
use crate::crash::{Dice, setting};
use crate::drop_folder::receiver::{Answer, Receiver};
use crate::dropping::gzip;
use crate::harness::Folder;
use crate::service::ADMIN;

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long a process may be frozen and still have its leases.
const LEASE: Duration = Duration::from_secs(2);

/// Records of a file that are its own, that all files have in common, and that are refused.
const OWN: usize = 40;
const COMMON: usize = 10;
const BAD: usize = 2;

/// Files that are dropped together.
const TOGETHER: usize = 10;

/// How many files are uploaded. Twice as many are dropped.
fn uploads() -> usize {
    setting("ROLLBOOK_UPLOADS", 20)
}

/// A file of users, for the upload.
fn upload(number: usize) -> String {
    let head = "userName,givenName,sn,mail\n".to_owned();
    let own = (0..OWN).map(|n| format!("own-{number}-{n},Jo,Own,jo@example.com\n"));
    let common = (0..COMMON).map(|n| format!("common-{n},Jo {number},Common,jo@example.com\n"));
    let bad = (0..BAD).map(|n| format!("bad-{number}-{n},Jo,Bad,none\n"));
    head + &own.chain(common).chain(bad).collect::<String>()
}

/// A file of users, to be dropped.
fn dropped(number: usize) -> String {
    let mut text = "id,email,firstName\n".to_owned();
    (0..OWN).for_each(|n| writeln!(text, "own-{number}-{n},own@example.com,Jo").unwrap());
    (0..COMMON).for_each(|n| writeln!(text, "common-{n},common@example.com,Jo {number}").unwrap());
    text
}

/// Services that are never all well.
struct Fleet {
    folder: Folder,
    members: Vec<Mutex<Member>>,
    /// Of those that may answer.
    addresses: Mutex<BTreeMap<usize, String>>,
}

struct Member {
    process: Child,
    started: usize,
}

impl Fleet {
    fn new(size: usize, receiver: &Receiver) -> Fleet {
        let folder = folder("");
        let place = folder.path("").display().to_string();
        let settings = format!(
            "[repository]\nlease = '{}s'\n[spool]\nurl = 'file://{place}/spool'\n\
             [[drop_folder]]\nname = 'px-users'\nobject_type = 'managed/px_user'\nbucket = 'file://{place}/drop'\n\
             base_folder = 'users_import'\nsettle_time = '0s'\npoll_interval = '200ms'\n\
             callback = {{ url = '{}', api_key = 'sesame', allow_private = true }}\n",
            LEASE.as_secs(),
            receiver.url
        );
        let folder = folder.file("rollbook.toml", settings);
        fs::create_dir_all(folder.path("drop/users_import/current")).unwrap();
        fs::create_dir_all(folder.path("spool")).unwrap();
        let mut fleet = Fleet { folder, members: Vec::new(), addresses: Mutex::default() };
        for number in 0..size {
            let process = fleet.start(number, 0);
            fleet.members.push(Mutex::new(Member { process, started: 1 }));
        }
        fleet
    }

    /// Starts a member, which has a directory of its own.
    fn start(&self, number: usize, time: usize) -> Child {
        let serve = format!("serve --listen 127.0.0.1:0 --data data-{number} --config rollbook.toml");
        let log = File::create(self.folder.path(&format!("log-{number}-{time}"))).unwrap();
        let mut serve = self.folder.command(&serve);
        serve.env("ROLLBOOK_ADMIN_TOKEN", ADMIN).stdout(Stdio::piped()).stderr(log);
        let mut process = serve.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("member {number} did not start: {}", self.log(number, time)));
        self.addresses.lock().unwrap().insert(number, address.to_owned());
        process
    }

    fn log(&self, number: usize, time: usize) -> String {
        self.folder.read(&format!("log-{number}-{time}"))
    }

    /// Kills a member, waits a while, and starts it again.
    fn kill(&self, number: usize, pause: Duration) {
        let mut member = self.members[number].lock().unwrap();
        self.addresses.lock().unwrap().remove(&number);
        member.process.kill().unwrap();
        member.process.wait().unwrap();
        sleep(pause);
        member.process = self.start(number, member.started);
        member.started += 1;
    }

    /// Freezes a member for a while. Whoever asks it waits.
    fn freeze(&self, number: usize, pause: Duration) {
        let member = self.members[number].lock().unwrap();
        signal(&member.process, "-STOP");
        sleep(pause);
        signal(&member.process, "-CONT");
    }

    /// Uploads a file until somebody says that it is accepted.
    fn upload(&self, number: usize, dice: &mut Dice) -> String {
        let file = format!("upload-{number}.csv");
        fs::write(self.folder.path(&file), upload(number)).unwrap();
        let begun = Instant::now();
        loop {
            let addresses: Vec<String> = self.addresses.lock().unwrap().values().cloned().collect();
            if !addresses.is_empty() {
                let address = &addresses[dice.below(addresses.len() as u32) as usize];
                let url = format!("{address}/upload/csv/managed/user?uniqueProperty=userName");
                let mut curl = Command::new("curl");
                curl.args(["--silent", "--fail", "--max-time", "5", "--form", &format!("upload=@{file}"), &url]);
                curl.args(["--header", &format!("Authorization: Bearer {ADMIN}")]);
                curl.args(["--header", &format!("Idempotency-Key: upload-{number}")]);
                let output = curl.current_dir(self.folder.path("")).output().unwrap();
                if output.status.success() {
                    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
                    return answer["importUUIDs"][0].as_str().unwrap().to_owned();
                }
            }
            assert!(begun.elapsed() < PATIENCE, "upload {number} is never accepted");
            sleep(Duration::from_millis(100));
        }
    }

    /// Drops a partition: first its files, then its marker.
    fn drop_partition(&self, number: usize) {
        let partition = format!("drop/users_import/current/dt={}", date(number));
        fs::create_dir_all(self.folder.path(&partition)).unwrap();
        for file in number * TOGETHER..(number + 1) * TOGETHER {
            let path = self.folder.path(&format!("{partition}/users-{file:04}.csv.gz"));
            fs::write(path, gzip(dropped(file))).unwrap();
        }
        fs::write(self.folder.path(&format!("{partition}/_SUCCESS")), "").unwrap();
    }

    /// Whether everything is done that was accepted.
    fn is_done(&self, imports: usize, runs: usize) -> bool {
        let mut look = self.folder.look();
        let ended = look.number("SELECT count(*) FROM import WHERE ended IS NOT NULL");
        let over = look.number("SELECT count(*) FROM run WHERE ended IS NOT NULL");
        let told = look.number("SELECT count(*) FROM callback WHERE state = 'delivered'");
        (ended, over, told) == (imports as i64, runs as i64, runs as i64)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for member in &self.members {
            let mut member = member.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let _ = member.process.kill();
            let _ = member.process.wait();
        }
    }
}

fn signal(process: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap().success());
}

fn date(number: usize) -> String {
    format!("2026{:02}{:02}", number / 28 + 1, number % 28 + 1)
}

/// Has so many services work while one after the other is killed, or frozen, for longer or shorter than its leases last.
fn work(size: usize) {
    let receiver = Receiver::new(&[Answer::Status(200, "")]);
    let fleet = Fleet::new(size, &receiver);
    let runs = uploads() * 2 / TOGETHER;
    let accepted = Mutex::new(BTreeMap::new());
    let (next, is_done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for uploader in 0..3 {
            let (fleet, next, accepted) = (&fleet, &next, &accepted);
            scope.spawn(move || {
                let mut dice = Dice::of_round(1000 + uploader);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= uploads() {
                        break;
                    }
                    let id = fleet.upload(number, &mut dice);
                    accepted.lock().unwrap().insert(id, number);
                }
            });
        }
        scope.spawn(|| {
            for number in 0..runs {
                fleet.drop_partition(number);
                sleep(Duration::from_millis(300));
            }
        });
        for number in 0..size {
            let (fleet, is_done) = (&fleet, &is_done);
            scope.spawn(move || {
                let mut dice = Dice::of_round(number as u32);
                while !is_done.load(Ordering::Relaxed) {
                    sleep(Duration::from_millis(u64::from(dice.below(1500))));
                    let pause = Duration::from_millis(u64::from(dice.below(500)));
                    match dice.below(4) {
                        0 => fleet.kill(number, pause),
                        1 => fleet.freeze(number, pause),
                        2 => fleet.freeze(number, LEASE * 3 / 2 + pause),
                        _ => {}
                    }
                }
            });
        }
        let begun = Instant::now();
        let all = runs * TOGETHER + uploads();
        while accepted.lock().unwrap().len() < uploads() || !fleet.is_done(all, runs) {
            assert!(begun.elapsed() < PATIENCE, "never done");
            sleep(Duration::from_millis(100));
        }
        is_done.store(true, Ordering::Relaxed);
    });
    fleet.must_have_done(&accepted.into_inner().unwrap(), runs, &receiver);
}

impl Fleet {
    #[track_caller]
    fn must_have_done(&self, accepted: &BTreeMap<String, usize>, runs: usize, receiver: &Receiver) {
        let context = format!("{} services", self.members.len());
        look(&self.folder, &context);
        let mut look = self.folder.look();
        // Nothing twice, nothing left out: each import has created what is its own and changed what all have in common.
        for (object_type, imports, bad) in [("managed/user", uploads(), BAD), ("managed/px_user", runs * TOGETHER, 0)] {
            let known = look.rows(&format!(
                "SELECT id, state, total, created + updated, failure FROM import JOIN import_progress ON import = number \
                 WHERE object_type = '{object_type}'"
            ));
            assert_eq!(known.len(), imports, "{context}: imports of {object_type}");
            for import in known {
                let [id, state, numbers @ ..] = import.as_slice() else { unreachable!() };
                let numbers: Vec<usize> = numbers.iter().map(|n| n.as_deref().unwrap().parse().unwrap()).collect();
                assert_eq!(state.as_deref(), Some("finished"), "{context}: {import:?}");
                assert_eq!(numbers, [OWN + COMMON + bad, OWN + COMMON, bad], "{context}: {import:?}");
                let is_known = accepted.contains_key(id.as_deref().unwrap());
                assert_eq!(is_known, object_type == "managed/user", "{context}: {import:?}");
            }
            let objects = look.objects(object_type);
            let revisions = look.rows(&format!("SELECT revision, count(*) FROM {objects} GROUP BY revision"));
            let mut revisions: Vec<[usize; 2]> = revisions
                .iter()
                .map(|row| [0, 1].map(|at: usize| row[at].as_deref().unwrap().parse().unwrap()))
                .collect();
            revisions.sort();
            assert_eq!(revisions, [[1, OWN * imports], [imports, COMMON]], "{context}: revisions of {object_type}");
        }
        assert_eq!(look.number("SELECT count(*) FROM failure"), (uploads() * BAD) as i64, "{context}: failures");
        assert_eq!(look.number("SELECT count(*) FROM cancel_mark"), 0, "{context}: cancel marks");
        // Everything is filed, and whoever wants to know was told.
        let left = fs::read_dir(self.folder.path("drop/users_import/current")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        let files = crate::dropping::files(&self.folder.path("drop/users_import/current"));
        assert_eq!(files, Vec::<String>::new(), "{context}: left in {left:?}");
        let told: BTreeSet<String> = receiver
            .received(runs)
            .iter()
            .map(|told| told.json()["folder_path"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(told.len(), runs, "{context}: {told:?}");
        for number in 0..runs {
            let place = format!("drop/users_import/processed/{}", date(number));
            let status = self.folder.read(&format!("{place}/status.txt"));
            assert!(status.starts_with("SUCCESS\n"), "{context}: {place}: {status}");
            let filed = crate::dropping::files(&self.folder.path(&place));
            let filed = filed.iter().filter(|name| name.ends_with(".csv.gz")).count();
            assert_eq!(filed, TOGETHER, "{context}: {place}");
        }
    }
}

#[test]
fn two_services() {
    work(2);
}

#[test]
fn four_services() {
    work(4);
}
