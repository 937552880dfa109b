//! A folder in which `rollbook` is run as a person would run it.
//!
//! A test reads: given these files, when this is typed, then that is printed.
//!
//! ```ignore
//! let outcome = Folder::new()
//!     .file("users.csv", "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,none\n")
//!     .run("import users.csv --into managed/user --unique userName");
//! insta::assert_snapshot!(outcome.refused(), @"...");
//! ```
//!
//! The folder is the working directory, so the installation is its `rollbook-data`. Ids, moments, durations and rates
//! are replaced by others of the same length, so that tables keep their form.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use fancy_regex::Regex;
use rollbook::app::{App, Source, Submission};
use rollbook::config::{Config, Environment};
use rollbook::import::ImportId;
use rollbook::plan::{BlankCells, Caller, ColumnRules, DuplicateKeys, OnFailure, Origin, Plan};
use rollbook::repository::{Attempt, Lease};
use serde_json::Value;
use tempfile::TempDir;

use crate::database::{Backend, Database, Look};

/// What secrets are sealed with, where processes have no directory in common that it could lie in.
pub(crate) const SECRETS_KEY: &str = "correct horse battery staple, and so on";

/// The settings of installations whose processes are killed: whoever follows them need not wait for long.
pub(crate) const SHORT_LEASE: &str = "[repository]\nlease = '2s'\n";

/// A temporary folder.
#[must_use]
pub(crate) struct Folder {
    folder: TempDir,
    stdin: String,
    backend: Backend,
    /// Made when it is first needed, and gone with the folder.
    database: OnceLock<Option<Database>>,
}

/// What became of one command.
#[must_use]
#[derive(Debug)]
pub(crate) struct Outcome {
    command: String,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder::on(Backend::chosen())
    }

    /// One whose installation keeps everything in this.
    pub(crate) fn on(backend: Backend) -> Folder {
        Folder { folder: tempfile::tempdir().unwrap(), stdin: String::new(), backend, database: OnceLock::new() }
    }

    /// What its installation keeps everything in.
    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// Given a file; also one in a folder of its own.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Folder {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Given something on standard input, for the commands that follow.
    pub(crate) fn stdin(mut self, content: &str) -> Folder {
        self.stdin = content.to_owned();
        self
    }

    /// Given a command that went well.
    pub(crate) fn after(self, command: &str) -> Folder {
        let _ = self.run(command).success();
        self
    }

    /// Given an import of `users.csv` in which records failed.
    pub(crate) fn after_refusal(self, options: &str) -> Folder {
        let _ = self.run(&format!("import users.csv {options}")).refused();
        self
    }

    /// When this is typed behind `rollbook`. Single quotes enclose arguments with blanks.
    pub(crate) fn run(&self, command: &str) -> Outcome {
        let mut process =
            self.command(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that does not read it may be over already.
        let _ = process.stdin.take().unwrap().write_all(self.stdin.as_bytes());
        let output = process.wait_with_output().unwrap();
        Outcome {
            command: command.to_owned(),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Given an import of a file that a process began and did not live to end. Gives its id.
    pub(crate) fn leave_running(&self, file: &str) -> String {
        let id = self.submit(file, plan("managed/user", "userName"));
        self.installation().repository.start(id, Attempt::Anew).unwrap();
        id.to_string()
    }

    /// Given an import of a file that waits to be run.
    pub(crate) fn submit(&self, file: &str, plan: Plan) -> ImportId {
        let submission = Submission { source: Source::File(self.path(file)), filename: file.to_owned(), plan };
        self.installation().submit(vec![submission]).unwrap()[0]
    }

    /// Given another process that is running imports of users, until the lease is dropped.
    pub(crate) fn busy(&self) -> Lease {
        self.busy_with("managed/user")
    }

    /// Given another process that is running imports of this object type, until the lease is dropped.
    pub(crate) fn busy_with(&self, object_type: &str) -> Lease {
        self.installation().repository.lease(&object_type.parse().unwrap()).unwrap().unwrap()
    }

    /// When this is typed and whoever reads the output goes away. Gives the exit code.
    pub(crate) fn run_unread(&self, command: &str) -> Option<i32> {
        let mut process = self.command(command).stdout(Stdio::piped()).spawn().unwrap();
        drop(process.stdout.take());
        process.wait().unwrap().code()
    }

    /// When this import is typed, then: its exit code and counts, and every sentence about it in the order of the file.
    pub(crate) fn account(&self, import: &str) -> String {
        let outcome = self.run(&format!("{import} --json"));
        let mut account = format!("exit {}", outcome.code.unwrap());
        if outcome.stdout.is_empty() {
            return format!("{account}\n{}", outcome.stderr.replace("rollbook: ", "").trim_end());
        }
        for record in outcome.json() {
            for count in ["created", "updated", "unchanged", "failure", "unprocessed", "total"] {
                match record[count].as_u64() {
                    Some(0) if count != "total" => {}
                    number => write!(account, ", {count} {}", number.unwrap()).unwrap(),
                }
            }
            let problem = record["problem"]["message"].as_str();
            let sentences = problem.into_iter().map(str::to_owned).chain(self.failures_of(&record));
            sentences.for_each(|sentence| write!(account, "\n{sentence}").unwrap());
            let warnings = record["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
            warnings.for_each(|warning| write!(account, "\nwarning: {warning}").unwrap());
        }
        account
    }

    /// The objects of a type as JSON, one per line, without what the server adds.
    pub(crate) fn objects(&self, object_type: &str) -> String {
        let mut lines = String::new();
        for mut object in self.run(&format!("objects list {object_type} --json")).json() {
            if let Value::Object(members) = &mut object {
                members.retain(|name, _| !name.starts_with('_'));
            }
            writeln!(lines, "{object}").unwrap();
        }
        lines
    }

    /// What is wrong with each failed record: `row 3, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_...)`.
    fn failures_of(&self, import: &Value) -> Vec<String> {
        if import["failure"] == 0 {
            return Vec::new();
        }
        let failures = self.run(&format!("imports failures {} --json", import["_id"].as_str().unwrap())).json();
        let mut sentences = Vec::new();
        for failure in &failures {
            let (row, problem) = (&failure["row"], &failure["problem"]);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            match failure["violations"].as_array().filter(|violations| !violations.is_empty()) {
                None => sentences.push(format!("row {row}: {}", text(&problem["message"]))),
                Some(violations) => sentences.extend(violations.iter().map(|violation| {
                    let [property, message, requirement] =
                        ["property", "message", "requirement"].map(|name| text(&violation[name]));
                    format!("row {row}, {property}: {message} ({requirement})")
                })),
            }
        }
        sentences
    }

    /// The content of a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names of all files and folders, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The names of the spooled files, sorted.
    pub(crate) fn spooled(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("rollbook-data/spool")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        // By this several processes know that their spool is one.
        let mut names: Vec<String> = names.filter(|name| name != "rollbook.spool").collect();
        names.sort();
        names
    }

    /// The id of the import that was queued last.
    pub(crate) fn last_import(&self) -> String {
        let imports = self.run("imports list --json").json();
        imports.last().unwrap()["_id"].as_str().unwrap().to_owned()
    }

    /// The process that this would start, for tests that do more to it than wait.
    pub(crate) fn command(&self, command: &str) -> Command {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rollbook"));
        process
            .args(arguments(command))
            .current_dir(self.folder.path())
            .env_clear()
            .env("USER", "barbara")
            .env("TMPDIR", self.folder.path())
            .envs(self.variables());
        process
    }

    /// The installation of these tests, as the command line opens it.
    pub(crate) fn installation(&self) -> App {
        App::open(self.config()).unwrap()
    }

    /// Its settings.
    pub(crate) fn config(&self) -> Config {
        self.config_with(&[])
    }

    /// Its settings, with these variables in the environment.
    pub(crate) fn config_with(&self, variables: &[(&str, &str)]) -> Config {
        let more = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let own = self.variables().into_iter().map(|(name, value)| (name.to_owned(), value));
        Config::load(&self.path("rollbook-data"), None, Environment::new(own.chain(more))).unwrap()
    }

    /// What all of its processes find in their environment.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let Some(database) = self.database() else { return Vec::new() };
        vec![("ROLLBOOK_REPOSITORY_URL", database.url()), ("ROLLBOOK_SECRETS_KEY", SECRETS_KEY.to_owned())]
    }

    fn database(&self) -> Option<&Database> {
        self.database.get_or_init(|| self.backend.database()).as_ref()
    }

    /// When somebody looks into the repository past Rollbook.
    pub(crate) fn look(&self) -> Look {
        match self.database() {
            Some(database) => Look::at(database),
            None => Look::at_file(&self.path("rollbook-data/rollbook.db")),
        }
    }

    /// Whether there is a repository that can be looked into.
    pub(crate) fn can_be_looked_into(&self) -> bool {
        self.backend != Backend::Sqlite || self.path("rollbook-data/rollbook.db").exists()
    }

    /// Where a file is, or would be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Outcome {
    /// Then all records are in; gives what was printed.
    pub(crate) fn success(self) -> String {
        self.ended_with(0)
    }

    /// Then data was refused, in whole or part; gives what was printed.
    pub(crate) fn refused(self) -> String {
        self.ended_with(1)
    }

    /// Then the command failed; gives what was printed.
    pub(crate) fn failed(self) -> String {
        self.ended_with(2)
    }

    /// The exit code.
    pub(crate) fn code(&self) -> Option<i32> {
        self.code
    }

    /// Standard output as it is, whatever the exit code.
    pub(crate) fn stdout(self) -> String {
        self.stdout
    }

    /// The JSON objects on standard output, one per line, whatever the exit code.
    pub(crate) fn json(self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    #[track_caller]
    fn ended_with(self, code: i32) -> String {
        let Outcome { command, stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "rollbook {command}\n{stdout}\n--- stderr ---\n{stderr}");
        let mut printed = steady(&self.stdout);
        if !self.stderr.is_empty() {
            write!(printed, "--- stderr ---\n{}", steady(&self.stderr)).unwrap();
        }
        printed
    }
}

/// The plan of an import by this property, in which everything else is as the command line has it.
pub(crate) fn plan(object_type: &str, unique: &str) -> Plan {
    Plan {
        object_type: object_type.parse().unwrap(),
        correlation: vec![unique.to_owned()],
        on_failure: OnFailure::SkipRecord,
        blank_cells: BlankCells::Clear,
        duplicate_keys: DuplicateKeys::FailLater,
        date_formats: Vec::new(),
        time_zone: "UTC".to_owned(),
        max_records: 0,
        columns: ColumnRules::default(),
        null_token: None,
        create_missing: true,
        encoding: None,
        gzip_only: false,
        dropped: None,
        origin: Origin::Cli,
        caller: Caller { auth_id: "barbara".to_owned(), authz_component: "cli".to_owned() },
        dry_run: false,
    }
}

/// The text without what differs from run to run.
pub(crate) fn steady(text: &str) -> String {
    [
        ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "00000000-0000-0000-0000-000000000000"),
        (r"\d{4}-\d\d-\d\d( |T)\d\d:\d\d:\d\d", "2026-02-28${1}17:05:00"),
        (r"after \d+\.\d s", "after 0.0 s"),
        (r"17:05:00\.\d\d\dZ", "17:05:00.000Z"),
        (r"(?m)\d\.\d s  ( *[\d,]+| +-)$", "0.0 s          -"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (pattern, with)| Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned())
}

/// What a shell makes of it, as far as blanks and single quotes go.
pub(crate) fn arguments(command: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    for (part, at) in command.split('\'').zip(0..) {
        match at % 2 {
            0 => arguments.extend(part.split_whitespace().map(str::to_owned)),
            _ => arguments.push(part.to_owned()),
        }
    }
    arguments
}
