//! A stage for what may go wrong: drop folders in a directory or in S3, what is dropped there, and what must have become
//! of it in the end, whatever happened in between.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::receiver::{Answer, Receiver};
use crate::crash::account::{documents, look, sweep};
use crate::crash::setting;
use crate::dropping::{files, gzip};
use crate::harness::{Folder, SHORT_LEASE, steady};
use crate::s3::{BUCKET, S3Server};

/// An installation with two drop folders, and who is told.
pub(super) struct Stage {
    pub(super) folder: Folder,
    /// Where files are dropped, if it is not a directory.
    pub(super) s3: Option<S3Server>,
    pub(super) receiver: Receiver,
    when_told: WhenTold,
    directory: PathBuf,
    dropped: BTreeMap<String, Vec<u8>>,
}

/// What happens when a callback has come.
type WhenTold = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// Where files are dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Directory,
    S3,
}

/// How it ended.
#[derive(Debug, PartialEq)]
pub(super) struct Ending {
    /// Every object of the bucket, with its text; data files by their length.
    bucket: BTreeMap<String, String>,
    /// Every import, with its counts.
    imports: Vec<String>,
    /// The objects of each type, with their revisions.
    objects: Vec<(String, u64)>,
    /// Every run with its files.
    ledger: Vec<String>,
    /// What was told, apart from being told again.
    told: BTreeSet<String>,
}

/// The records of a file.
pub(super) fn records() -> usize {
    setting("ROLLBOOK_RECORDS", 200)
}

/// Users with these numbers, as they are in this version.
pub(super) fn users(numbers: impl IntoIterator<Item = usize>, version: usize) -> String {
    numbers.into_iter().fold("id,email,firstName,score,signUpDate\n".to_owned(), |mut text, n| {
        writeln!(text, "u{n},u{n}@example.com,Jo {version},{n},2026-02-{:02}T00:00:00Z", n % 28 + 1).unwrap();
        text
    })
}

/// The same for accounts.
pub(super) fn accounts(numbers: impl IntoIterator<Item = usize>, version: usize) -> String {
    numbers.into_iter().fold("id,name,numberOfEmployees\n".to_owned(), |mut text, n| {
        writeln!(text, "a{n},Company {n} {version},{n}").unwrap();
        text
    })
}

impl Stage {
    /// Given an installation with two drop folders, in which nothing lies yet.
    pub(super) fn new(kind: Kind) -> Stage {
        let (folder, s3) = (Folder::new(), (kind == Kind::S3).then(S3Server::new));
        let directory = s3.as_ref().map_or_else(|| folder.path("rollbook-data/drop"), |s3| s3.path(""));
        let bucket = directory.clone();
        let when_told = WhenTold::default();
        let happens = Arc::clone(&when_told);
        let receiver = Receiver::seeing(&[Answer::Status(200, "")], move || {
            let happens = happens.lock().unwrap().take();
            let seen = files(&bucket).join("\n");
            happens.into_iter().for_each(|happens| happens());
            seen
        });
        let (bucket, more) = match &s3 {
            Some(s3) => (BUCKET, s3.settings()),
            None => ("file:drop", "settle_time = \"0s\"\n".to_owned()),
        };
        let settings = ["user", "account"].map(|name| {
            format!(
                "[[drop_folder]]\nname = \"px-{name}s\"\nobject_type = \"managed/px_{name}\"\nbucket = \"{bucket}\"\n\
                 base_folder = \"{name}s_import\"\npoll_interval = \"100ms\"\n{more}\
                 callback = {{ url = \"{}\", api_key = \"sesame\", allow_private = true }}\n",
                receiver.url
            )
        });
        let folder = folder
            .file("rollbook-data/rollbook.toml", settings.concat() + SHORT_LEASE)
            .file("roles.csv", "name\nadmin\n")
            .after("types list");
        Stage { folder, s3, receiver, when_told, directory, dropped: BTreeMap::new() }
    }

    /// Given that this happens when the next callback has come, before it is answered.
    pub(super) fn when_told(&self, happens: impl FnOnce() + Send + 'static) {
        *self.when_told.lock().unwrap() = Some(Box::new(happens));
    }

    /// Given a file in the bucket.
    pub(super) fn put(&self, key: &str, content: impl AsRef<[u8]>) {
        if let Some(s3) = &self.s3 {
            return s3.plant(key, content);
        }
        let path = self.folder.path(&format!("rollbook-data/drop/{key}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Given a data file in a partition, which is not to be lost.
    pub(super) fn drop_csv(&mut self, base: &str, partition: &str, name: &str, csv: &str) {
        let bytes = gzip(csv);
        self.put(&format!("{base}/current/dt={partition}/{name}"), &bytes);
        self.dropped.insert(format!("{base} {partition} {name}"), bytes);
    }

    /// Given the success marker of a partition.
    pub(super) fn mark(&self, base: &str, partition: &str) {
        self.put(&format!("{base}/current/dt={partition}/_SUCCESS"), "");
    }

    /// Given several partitions, some of whose files are good and some are not, one dropped for the second time.
    pub(super) fn drop_all(mut self) -> Stage {
        let n = records();
        self.put("users_import/processed/20210228/status.txt", "SUCCESS\n1 records were uploaded\n");
        self.put("users_import/processed/20210228/_SUCCESS", "");
        self.put("users_import/processed/20210228/old.csv.gz", "old");
        self.drop_csv("users_import", "20210227", "users.csv.gz", &users(0..n, 1));
        self.mark("users_import", "20210227");
        self.drop_csv("users_import", "20210228", "1_good.csv.gz", &users(n / 2..n * 3 / 2, 2));
        self.drop_csv("users_import", "20210228", "2_bad.csv.gz", &users(0..n, 3).replace(",7,", ",seven,"));
        self.drop_csv("users_import", "20210228", "3_good.csv.gz", &users(0..n, 4));
        self.put("users_import/current/dt=20210228/notes.txt", "ours");
        self.mark("users_import", "20210228");
        self.drop_csv("accounts_import", "20210228", "accounts.csv.gz", &accounts(0..n, 1));
        self.drop_csv("accounts_import", "20210228", "unknown.csv.gz", "id,flantana_carteret\n1,2\n");
        self.mark("accounts_import", "20210228");
        for more in 5..setting("ROLLBOOK_FILES", 6) {
            self.drop_csv("users_import", "20210301", &format!("{more}.csv.gz"), &users(more..n + more, more));
        }
        self.mark("users_import", "20210301");
        self
    }

    /// The keys of what lies in the bucket, sorted.
    pub(super) fn keys(&self) -> Vec<String> {
        files(&self.directory)
    }

    /// The content of a file in the bucket.
    pub(super) fn read(&self, key: &str) -> Vec<u8> {
        match &self.s3 {
            Some(s3) => s3.read(key),
            None => fs::read(self.folder.path(&format!("rollbook-data/drop/{key}"))).unwrap(),
        }
    }

    /// What holds at every moment, also while nobody is at work because he was killed.
    #[track_caller]
    pub(super) fn look(&self, context: &str) {
        look(&self.folder, context);
        let contents: BTreeSet<Vec<u8>> = self.keys().iter().map(|key| self.read(key)).collect();
        for (name, bytes) in &self.dropped {
            assert!(contents.contains(bytes), "{context}: '{name}' is lost; there are {:?}", self.keys());
        }
        for key in self.keys().iter().filter(|key| key.ends_with("/status.txt")) {
            let text = String::from_utf8(self.read(key)).unwrap();
            let is_whole = text.ends_with('\n') && (text.starts_with("SUCCESS\n") || text.starts_with("ERROR\n"));
            assert!(is_whole, "{context}: {key} is {text:?}");
        }
        self.look_at_statuses(context);
    }

    /// Whoever waits for `status.txt` finds everything else when it is there.
    #[track_caller]
    fn look_at_statuses(&self, context: &str) {
        let keys = self.keys();
        for name in self.dropped.keys() {
            let [base, partition, name] = name.split(' ').collect::<Vec<_>>()[..] else { unreachable!() };
            let lies = |name: &str| keys.contains(&format!("{base}/processed/{partition}/{name}"));
            let is_ours = lies("status.txt") && !lies("old.csv.gz");
            let is_complete = ["_SUCCESS", "status.json", name].iter().all(|name| lies(name));
            assert!(!is_ours || is_complete, "{context}: a status before '{name}' lies there: {keys:?}");
        }
    }

    /// How it ended, once it must have.
    #[track_caller]
    pub(super) fn ending(&self, context: &str) -> Ending {
        self.look(context);
        self.folder.look().must_be_sound(context);
        sweep(&self.folder);
        assert_eq!(self.folder.spooled(), Vec::<String>::new(), "{context}: the spool");
        let ledger = self.ledger();
        assert!(ledger.iter().all(|run| !run.contains("open")), "{context}: a run is not over: {ledger:#?}");
        let objects = ["managed/px_user", "managed/px_account"].map(|name| documents(&self.folder, name));
        let (bucket, imports, told) = (self.bucket(), self.imports(), self.told(context));
        Ending { bucket, imports, objects: objects.concat(), ledger, told }
    }

    fn bucket(&self) -> BTreeMap<String, String> {
        let shown = |key: &String| match String::from_utf8(self.read(key)) {
            Ok(text) => without_times(&text),
            Err(error) => format!("{} bytes", error.as_bytes().len()),
        };
        self.keys().iter().map(|key| (key.clone(), shown(key))).collect()
    }

    fn imports(&self) -> Vec<String> {
        let imports = self.folder.run("imports list --json").json();
        let shown = imports.iter().filter(|import| import["filename"] != "roles.csv").map(|import| {
            let names =
                ["dropFolder", "partition", "filename", "state", "total", "created", "updated", "unchanged", "failure"];
            names.map(|name| import[name].to_string()).join(" ")
        });
        let mut shown: Vec<String> = shown.collect();
        shown.sort();
        shown
    }

    fn ledger(&self) -> Vec<String> {
        let mut look = self.folder.look();
        let end = look.end();
        let runs = look.rows(&format!("SELECT place, partition, number, step, {end}, trouble, aside FROM run"));
        let files = look.rows("SELECT run, name, import, outcome FROM run_file");
        let place = self.s3.as_ref().map_or("file:", |s3| s3.endpoint.as_str());
        let mut ledger = BTreeMap::new();
        for run in runs {
            let [place_of, partition, number, step, end, trouble, aside] = run.try_into().unwrap();
            let mut names = BTreeMap::new();
            for file in files.iter().filter(|file| file[0] == number) {
                let outcome = file[3].as_deref().map(|outcome| serde_json::from_str::<Value>(outcome).unwrap());
                let success = outcome.map(|outcome| outcome["success"].to_string());
                let imported = file[2].as_ref().map_or("", |_| " imported");
                names.insert(&file[1], format!("{}{imported} {success:?}", file[1].as_deref().unwrap()));
            }
            let names = names.into_values().collect::<Vec<_>>().join(", ");
            let over = if end.is_none() { "open" } else { "over" };
            let said = format!("{} {over} {trouble:?} {aside:?} {names}", step.unwrap());
            let (place_of, partition) = (place_of.unwrap().replace(place, ""), partition.unwrap());
            let folder = place_of.split_once("_import").unwrap().1.to_owned();
            let number: u64 = number.unwrap().parse().unwrap();
            ledger.insert((place_of, partition.clone(), number), format!("{folder} {partition} {said}"));
        }
        ledger.into_values().collect()
    }

    /// What was told: of each run by one id only, and not before it was so.
    #[track_caller]
    fn told(&self, context: &str) -> BTreeSet<String> {
        let told = self.receiver.received(0);
        for told in &told {
            let folder = told.json()["folder_path"].as_str().unwrap().to_owned();
            let [status, marker] = ["/status.txt", "/_SUCCESS"].map(|name| format!("{folder}{name}"));
            let marker = marker.replace("/processed/", "/current/dt=");
            let seen: Vec<&str> = told.seen.lines().collect();
            assert!(seen.contains(&&*status) && !seen.contains(&&*marker), "{context}: told too early: {told:#?}");
        }
        let ids: BTreeSet<&str> = told.iter().map(|told| told.header("webhook-id")).collect();
        let bodies: BTreeSet<String> = told.iter().map(|told| told.body.clone()).collect();
        assert_eq!(ids.len(), bodies.len(), "{context}: {told:#?}");
        bodies
    }
}

impl Ending {
    /// Says what differs.
    #[track_caller]
    pub(super) fn must_equal(&self, undisturbed: &Ending, context: &str) {
        assert_eq!(self.ledger, undisturbed.ledger, "{context}: the ledger");
        assert_eq!(self.imports, undisturbed.imports, "{context}: imports");
        assert_eq!(self.bucket, undisturbed.bucket, "{context}: the bucket");
        assert_eq!(self.told, undisturbed.told, "{context}: callbacks");
        assert!(self.objects == undisturbed.objects, "{context}: objects and their revisions");
    }
}

/// A text without what differs from run to run.
fn without_times(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) if value.is_object() => {
            forget_moments(&mut value);
            steady(&value.to_string())
        }
        _ => steady(text),
    }
}

/// Removes what takes its time, or a time of the file, from what programs are told.
fn forget_moments(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| {
                !["begin", "end", "modified", "tag", "marker", "version", "duration"].contains(&name.as_str())
            });
            members.values_mut().for_each(forget_moments);
        }
        Value::Array(elements) => elements.iter_mut().for_each(forget_moments),
        _ => {}
    }
}
