//! How drop folders stand: whether they go on, and if not, why.

use serde_json::{Value, json};

use super::{DropFolders, Registered};
use crate::error::{Error, Result};
use crate::json::without_nulls;
use crate::run::{Run, Trouble};

/// How a drop folder stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// In a word.
    pub health: Health,
    /// What keeps it, or one of its runs, from going on; of several, first what somebody has to do something about.
    pub problem: Option<String>,
    /// Since when, if that is known, RFC 3339 UTC with milliseconds.
    pub since: Option<String>,
    /// When the last look at it began.
    pub last_poll: Option<String>,
    /// When it is looked at next, if nobody asks before; if that is past, it is at its turn.
    pub next_poll: Option<String>,
    /// Whether its callback is off.
    pub callback_off: bool,
    /// Its runs that are not over, by partition, the oldest first.
    pub open_runs: Vec<Run>,
    /// What the last look saw and left alone, up to a hundred sentences.
    pub notices: Vec<String>,
}

/// How a drop folder stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing is in its way.
    Ok,
    /// What is in its way may pass; it is tried again.
    Retrying,
    /// Somebody has to do something.
    Blocked,
    /// It is looked at only when somebody asks.
    Paused,
}

impl Health {
    /// All of them.
    pub const ALL: [Health; 4] = [Health::Ok, Health::Retrying, Health::Blocked, Health::Paused];

    /// The word for it, as it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Health::Ok => "ok",
            Health::Retrying => "retrying",
            Health::Blocked => "blocked",
            Health::Paused => "paused",
        }
    }

    fn of(paused: bool, trouble: Option<&Trouble>) -> Health {
        match trouble {
            _ if paused => Health::Paused,
            None => Health::Ok,
            Some(trouble) if trouble.blocked => Health::Blocked,
            Some(_) => Health::Retrying,
        }
    }
}

impl DropFolders {
    /// How a drop folder stands.
    pub fn standing(&self, registered: &Registered) -> Result<Standing> {
        let folder = match &registered.folder {
            Ok(folder) => folder,
            Err(error) => return Ok(Standing::of_broken(error)),
        };
        let state = self.state(folder)?;
        let open_runs = self.app.repository.open_runs(&folder.place())?;
        let polled = self.polls.last(&folder.name);
        // Of a look that came to nothing only this process knows; a later one elsewhere has the last word.
        let is_latest = |trouble: &&Trouble| state.last_poll.as_ref().is_none_or(|last| trouble.since >= *last);
        let of_look = polled.as_ref().and_then(|polled| polled.trouble.as_ref()).filter(is_latest);
        let all: Vec<&Trouble> = state
            .trouble
            .iter()
            .chain(of_look)
            .chain(open_runs.iter().filter_map(|run| run.trouble.as_ref()))
            .collect();
        let trouble = all.iter().find(|trouble| trouble.blocked).or(all.first()).copied();
        Ok(Standing {
            health: Health::of(folder.paused, trouble),
            problem: trouble.map(|trouble| trouble.message.clone()),
            since: trouble.map(|trouble| trouble.since.clone()),
            next_poll: if folder.paused { None } else { folder.schedule.next_look(&state) },
            last_poll: state.last_poll,
            callback_off: state.callback_off,
            notices: state.notices,
            open_runs,
        })
    }
}

impl Standing {
    /// One that cannot be worked with waits for somebody to set it right.
    fn of_broken(error: &Error) -> Standing {
        Standing {
            health: Health::Blocked,
            problem: Some(error.to_string()),
            since: None,
            last_poll: None,
            next_poll: None,
            callback_off: false,
            open_runs: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// How this drop folder stands, as it is shown. What there is not is absent.
    pub fn to_json(&self, registered: &Registered) -> Value {
        let Standing { health, problem, since, last_poll, next_poll, callback_off, open_runs, notices } = self;
        without_nulls(json!({
            "_id": registered.name,
            "objectType": registered.settings["objectType"],
            "state": health.name(),
            "problem": problem,
            "since": since,
            "lastPoll": last_poll,
            "nextPoll": next_poll,
            "callbackOff": callback_off,
            "openRuns": open_runs.len(),
            "notices": notices,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Health;
    use crate::run::Trouble;

    #[test]
    fn in_a_word() {
        let trouble = |blocked| Trouble { since: String::new(), message: String::new(), blocked, reading: None };
        for (paused, trouble, word) in [
            (false, None, "ok"),
            (false, Some(trouble(false)), "retrying"),
            (false, Some(trouble(true)), "blocked"),
            (true, Some(trouble(true)), "paused"),
            (true, None, "paused"),
        ] {
            assert_eq!(Health::of(paused, trouble.as_ref()).name(), word);
        }
    }
}
