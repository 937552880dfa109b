//! Drop folders and their runs as pages show them.

use crate::access::Principal;
use crate::clock;
use crate::config::SetBy;
use crate::console::integrations::address;
use crate::drop_folder::{Health, Registered};
use crate::error::Result;
use crate::http::Door;
use crate::http::drop_folder::runs::sees;
use crate::run::{CallbackState, Run, Step};
use crate::schema::TypeName;

/// Which import a drop folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Gainsight PX's "S3 User Import".
    Users,
    /// Gainsight PX's "S3 Account Import".
    Accounts,
    /// Any other.
    Other,
}

impl Kind {
    const USERS: &str = "managed/px_user";
    const ACCOUNTS: &str = "managed/px_account";

    /// By the name of the object type.
    pub(super) fn of(object_type: &str) -> Kind {
        match object_type {
            Kind::USERS => Kind::Users,
            Kind::ACCOUNTS => Kind::Accounts,
            _ => Kind::Other,
        }
    }

    /// By the word in an address.
    pub(super) fn named(word: Option<&str>) -> Kind {
        [Kind::Users, Kind::Accounts].into_iter().find(|kind| word == Some(kind.word())).unwrap_or(Kind::Other)
    }

    /// The word for it in an address.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Users => "user",
            Kind::Accounts => "account",
            Kind::Other => "other",
        }
    }

    /// What people call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Kind::Users => "S3 User Import",
            Kind::Accounts => "S3 Account Import",
            Kind::Other => "Drop folder",
        }
    }

    /// What the records become, as it is written; nothing if that is to be chosen.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Kind::Users => Kind::USERS,
            Kind::Accounts => Kind::ACCOUNTS,
            Kind::Other => "",
        }
    }

    /// What the records become.
    pub(super) fn object_type(self) -> Option<TypeName> {
        self.type_name().parse().ok()
    }

    /// The usual name of such a drop folder.
    pub(super) fn usual_name(self) -> &'static str {
        match self {
            Kind::Users => "px-users",
            Kind::Accounts => "px-accounts",
            Kind::Other => "",
        }
    }

    /// What it imports, in the middle of a sentence.
    pub(super) fn things(self) -> &'static str {
        match self {
            Kind::Users => "users",
            Kind::Accounts => "accounts",
            Kind::Other => "objects",
        }
    }
}

/// A drop folder among others.
pub(super) struct Card {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) object_type: String,
    /// The bucket and the base folder, as they were written.
    pub(super) location: String,
    pub(super) in_file: bool,
    pub(super) is_broken: bool,
    pub(super) standing: Standing,
    /// The last ones.
    pub(super) runs: Vec<RunLine>,
}

/// Of a card.
const LAST: usize = 3;

impl Card {
    pub(super) fn of(door: &Door, principal: &Principal, registered: &Registered) -> Result<Card> {
        let text = |key: &str| registered.settings[key].as_str().unwrap_or_default().to_owned();
        let object_type = text("objectType");
        let runs = door.app.repository.runs_behind(&registered.name, 0, LAST)?;
        let seen = runs.iter().filter(|(_, run)| sees(principal, run));
        Ok(Card {
            kind: Kind::of(&object_type),
            name: registered.name.clone(),
            address: address(&registered.name),
            object_type,
            location: location(&text("bucket"), &text("baseFolder")),
            in_file: registered.set_by == SetBy::File,
            is_broken: registered.folder.is_err(),
            standing: Standing::of(door, registered)?,
            runs: seen.map(|(_, run)| RunLine::of(door, run)).collect::<Result<_>>()?,
        })
    }
}

fn location(bucket: &str, base_folder: &str) -> String {
    let bucket = bucket.trim_end_matches('/');
    if base_folder.is_empty() { bucket.to_owned() } else { format!("{bucket}/{base_folder}") }
}

/// How a drop folder stands.
pub(super) struct Standing {
    /// `ok`, `retrying`, `blocked` or `paused`.
    pub(super) state: &'static str,
    pub(super) means: &'static str,
    pub(super) problem: Option<String>,
    pub(super) since: Option<String>,
    pub(super) last_poll: Option<String>,
    pub(super) next_poll: NextPoll,
    pub(super) callback_off: bool,
    pub(super) open_runs: u64,
    pub(super) notices: Vec<String>,
}

/// When a drop folder is looked at next.
pub(super) enum NextPoll {
    /// When somebody asks.
    WhenAsked,
    /// It is at its turn.
    Now,
    At(String),
}

impl Standing {
    pub(super) fn of(door: &Door, registered: &Registered) -> Result<Standing> {
        let standing = door.drop_folders.standing(registered)?;
        let now = clock::now();
        Ok(Standing {
            state: standing.health.name(),
            means: match standing.health {
                Health::Ok => "Nothing is in its way.",
                Health::Retrying => "Something is in its way that may pass. It is tried again.",
                Health::Blocked => "Somebody has to do something.",
                Health::Paused => "It is looked at only when somebody asks.",
            },
            problem: standing.problem,
            since: standing.since,
            last_poll: standing.last_poll,
            next_poll: match standing.next_poll {
                None => NextPoll::WhenAsked,
                Some(next) if next <= now => NextPoll::Now,
                Some(next) => NextPoll::At(next),
            },
            callback_off: standing.callback_off,
            open_runs: standing.open_runs.len() as u64,
            notices: standing.notices,
        })
    }
}

/// A run among others.
pub(super) struct RunLine {
    pub(super) address: String,
    /// `2021-02-28`.
    pub(super) date: String,
    /// The class of its state, and the word for it.
    pub(super) state: (&'static str, &'static str),
    pub(super) step: &'static str,
    pub(super) is_over: bool,
    pub(super) begin: String,
    pub(super) files: u64,
    pub(super) records: u64,
    /// What is wrong, or keeps it from going on.
    pub(super) problem: Option<String>,
    pub(super) callback: Option<CallbackLine>,
}

/// Where a callback stands.
pub(super) struct CallbackLine {
    pub(super) state: (&'static str, &'static str),
    pub(super) due: Option<String>,
}

impl RunLine {
    pub(super) fn of(door: &Door, run: &Run) -> Result<RunLine> {
        let callback = door.app.repository.callback(run.id)?;
        let outcomes = || run.data_files().filter_map(|file| file.outcome.as_ref());
        let trouble = run.trouble.as_ref().map(|trouble| trouble.message.clone());
        Ok(RunLine {
            address: format!("{}/runs/{}", address(&run.drop_folder), run.id),
            date: date(&run.partition),
            state: state(run),
            step: doing(run.step),
            is_over: run.end.is_some(),
            begin: run.begin.clone(),
            files: run.data_files().count() as u64,
            records: outcomes().map(|outcome| outcome.records).sum(),
            problem: trouble.or_else(|| outcomes().find_map(|outcome| outcome.errors.first().cloned())),
            callback: callback.map(|callback| CallbackLine::of(&callback.state)),
        })
    }
}

impl CallbackLine {
    pub(super) fn of(state: &CallbackState) -> CallbackLine {
        let (state, due) = match state {
            CallbackState::Waiting { due } => (("retrying", "waiting"), Some(due.clone())),
            CallbackState::Delivered => (("ok", "delivered"), None),
            CallbackState::GivenUp => (("blocked", "given up"), None),
        };
        CallbackLine { state, due }
    }
}

/// The class of a run's state, and the word for it.
pub(super) fn state(run: &Run) -> (&'static str, &'static str) {
    match (&run.end, &run.trouble) {
        (Some(_), _) if run.is_success() => ("finished", "success"),
        (Some(_), _) => ("failed", "error"),
        (None, Some(trouble)) if trouble.blocked => ("blocked", "blocked"),
        (None, Some(_)) => ("retrying", "retrying"),
        (None, None) => ("running", "running"),
    }
}

/// What is done with a run behind a step.
fn doing(done: Step) -> &'static str {
    match done {
        Step::Claimed => "importing its files",
        Step::Imported => "making room under processed",
        Step::RoomMade => "copying to processed",
        Step::Copied => "writing status.txt",
        Step::Reported => "clearing current",
        Step::Cleared => "done",
    }
}

/// `2021-02-28` for `20210228`.
pub(super) fn date(partition: &str) -> String {
    match (partition.len() == 8, partition.get(..4), partition.get(4..6), partition.get(6..)) {
        (true, Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => partition.to_owned(),
    }
}
