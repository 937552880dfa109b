//! A service to which requests are sent as people send them, with curl.
//!
//! A test reads: given an installation, when this is asked, then that is answered.
//!
//! ```ignore
//! let service = Service::new();
//! let reply = service.curl("'/openidm/csv/template?resourceCollection=managed/user'");
//! insta::assert_snapshot!(reply.shown(), @"...");
//! ```
//!
//! The service listens on a free port of 127.0.0.1 and is stopped with the test. Requests are the administrator's unless
//! they say who sends them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Folder, arguments, steady};

/// The token of the administrator.
pub(crate) const ADMIN: &str = "the-administrators-token";

const SERVE: &str = "serve --listen 127.0.0.1:0";

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running `rollbook serve`.
#[must_use]
pub(crate) struct Service {
    /// Where its installation is, and the files that requests name.
    pub(crate) folder: Folder,
    process: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) address: String,
}

/// What was answered.
#[must_use]
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Service {
    /// Given a service on an empty installation.
    pub(crate) fn new() -> Service {
        Service::on(Folder::new())
    }

    /// Given a service on this folder's installation, with the settings in `rollbook-data/rollbook.toml` if there are any.
    pub(crate) fn on(folder: Folder) -> Service {
        let (process, address) = Service::spawn(&folder);
        Service { folder, process, address }
    }

    /// The same, but no file that it writes may be larger than so many kilobytes: writing more is an error, as on a full
    /// disk.
    pub(crate) fn within(kilobytes: usize, folder: Folder) -> Service {
        let rollbook = folder.command(SERVE);
        let mut serve = Command::new("sh");
        // Unless the signal is ignored, it is not an error but the end.
        serve.args(["-c", &format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kilobytes * 2)]);
        serve.arg(rollbook.get_program()).args(rollbook.get_args());
        serve.current_dir(rollbook.get_current_dir().unwrap()).envs(folder.variables());
        let (process, address) = Service::listening(serve, Stdio::null());
        Service { folder, process, address }
    }

    /// The same, with its whole log in this file.
    pub(crate) fn logging(folder: Folder, log: File) -> Service {
        let mut serve = folder.command(SERVE);
        serve.env("ROLLBOOK_LOG", "debug");
        let (process, address) = Service::listening(serve, log.into());
        Service { folder, process, address }
    }

    fn spawn(folder: &Folder) -> (Child, String) {
        Service::listening(folder.command(SERVE), Stdio::null())
    }

    fn listening(mut serve: Command, log: Stdio) -> (Child, String) {
        serve.env("ROLLBOOK_ADMIN_TOKEN", ADMIN).stdout(Stdio::piped()).stderr(log);
        let mut process = serve.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on ").expect(&first).to_owned();
        (process, address)
    }

    /// When curl is called with these arguments, as they are typed. One that begins with `/` is below the service's
    /// address; file names are those of the folder.
    pub(crate) fn curl(&self, typed: &str) -> Reply {
        let typed = arguments(typed);
        let named = ["authorization:", "x-openidm-username:"];
        let says_who = |argument: &String| {
            named.iter().any(|name| argument.to_lowercase().starts_with(name))
                || argument == "--user"
                || argument == "-u"
        };
        let mut curl = self.command();
        if !typed.iter().any(says_who) {
            curl.args(["--header", &format!("Authorization: Bearer {ADMIN}")]);
        }
        for argument in &typed {
            match argument.starts_with('/') {
                true => curl.arg(format!("{}{argument}", self.address)),
                false => curl.arg(argument),
            };
        }
        Reply::of(&typed, &curl.output().unwrap())
    }

    /// Given a token that is made like this, by hand, while the service runs.
    pub(crate) fn token(&self, options: &str) -> String {
        let made = self.folder.run(&format!("token create {options} --json")).json().remove(0);
        made["token"].as_str().unwrap().to_owned()
    }

    /// When somebody with this token calls curl.
    pub(crate) fn ask(&self, token: &str, typed: &str) -> Reply {
        self.curl(&format!("--header 'Authorization: Bearer {token}' {typed}"))
    }

    /// curl in the folder, silent, with the answer's headers.
    pub(crate) fn command(&self) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--include", "--globoff", "--max-time", "60"]);
        curl.current_dir(self.folder.path(""));
        curl
    }

    /// Given a file that was uploaded with these parameters. Gives the ids of its imports.
    pub(crate) fn upload(&self, to: &str, file: &str) -> Vec<String> {
        let reply = self.curl(&format!("--form upload=@{file} '/upload/csv/{to}'"));
        assert_eq!(reply.status, 200, "{}", reply.body);
        let ids = reply.json()["importUUIDs"].as_array().unwrap().clone();
        ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// The metadata of an import once it is over.
    pub(crate) fn finished(&self, id: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reply = self.curl(&format!("/openidm/csv/metadata/{id}"));
            assert_eq!(reply.status, 200, "{}", reply.body);
            let metadata = reply.json();
            if metadata.get("end").is_some() {
                return metadata;
            }
            assert!(Instant::now() < deadline, "the import is not over: {metadata}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Asks the process to end (SIGTERM) and waits for it. Gives the exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.terminate();
        self.ended()
    }

    /// Waits for the end of the process. Gives the exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    /// Asks the process to end (SIGTERM).
    pub(crate) fn terminate(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Ends the process as a power cut would, for the process.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The folder of the service, which has ended.
    pub(crate) fn into_folder(mut self) -> Folder {
        std::mem::replace(&mut self.folder, Folder::new())
    }

    /// Starts the service again, on another port, after it has ended.
    pub(crate) fn restart(&mut self) {
        (self.process, self.address) = Service::spawn(&self.folder);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Reply {
    fn of(typed: &[String], output: &Output) -> Reply {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "curl {typed:?}: {stderr}");
        let mut text = String::from_utf8(output.stdout.clone()).unwrap();
        loop {
            let (head, rest) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            let mut lines = head.lines();
            let status: u16 = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
            if status == 100 {
                text = rest.to_owned();
                continue;
            }
            let header = |line: &str| {
                let (name, value) = line.split_once(':').unwrap();
                (name.to_lowercase(), value.trim().to_owned())
            };
            return Reply { status, headers: lines.map(header).collect(), body: rest.to_owned() };
        }
    }

    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    /// What is said to be wrong.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().expect(&self.body).to_owned()
    }

    /// Status and body, without what differs from run to run.
    pub(crate) fn shown(&self) -> String {
        let mut shown = self.status.to_string();
        write!(shown, "\n{}", steady(&self.body)).unwrap();
        shown
    }
}
