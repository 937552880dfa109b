//! Who looks at which drop folder now, who has asked for it, and what the last look came to: as far as this process
//! knows.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Polled;
use crate::run::Trouble;

/// See the module's head.
#[derive(Debug, Default)]
pub struct Polls {
    known: Mutex<BTreeMap<String, Known>>,
    ended: Condvar,
}

/// What is known of one drop folder.
#[derive(Debug, Default)]
struct Known {
    /// Looks that were begun, of which the last one goes on while `is_on`.
    begun: u64,
    is_on: bool,
    /// Somebody wants one that begins from now on.
    is_asked: bool,
    last: Option<Arc<Polled>>,
    /// Looks in a row that are to be tried again, and when the last of them ended.
    failed: u32,
    failed_at: Option<Instant>,
}

/// A look that somebody has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked(u64);

/// The pause before the first look that is tried again because of trouble. It doubles with each that fails too.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

impl Polls {
    /// Asks for a look that begins from now on.
    pub fn ask(&self, name: &str) -> Asked {
        let mut all = self.known();
        let known = all.entry(name.to_owned()).or_default();
        known.is_asked = true;
        Asked(known.begun + 1)
    }

    /// What the look that was asked for came to; nothing if it is not over in time.
    pub fn wait(&self, name: &str, asked: Asked, patience: Duration) -> Option<Arc<Polled>> {
        let is_over = |known: &Known| known.begun > asked.0 || (known.begun == asked.0 && !known.is_on);
        let waiting = |all: &mut BTreeMap<String, Known>| !all.get(name).is_some_and(is_over);
        let (all, waited) =
            self.ended.wait_timeout_while(self.known(), patience, waiting).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() { None } else { all.get(name).and_then(|known| known.last.clone()) }
    }

    /// What the last look came to, if there was one in this process.
    pub fn last(&self, name: &str) -> Option<Arc<Polled>> {
        self.known().get(name).and_then(|known| known.last.clone())
    }

    /// Begins a look, unless one is on already, if it is due by the schedule, asked for, or to be tried again; says
    /// whether.
    pub(crate) fn begin(&self, name: &str, is_due: bool, interval: Duration) -> bool {
        self.begin_if(name, |known| known.is_asked || known.is_its_turn(is_due, interval))
    }

    /// The same of a drop folder that is paused: it must be asked for.
    pub(crate) fn begin_if_asked(&self, name: &str) -> bool {
        self.begin_if(name, |known| known.is_asked)
    }

    fn begin_if(&self, name: &str, is_wanted: impl FnOnce(&Known) -> bool) -> bool {
        let mut all = self.known();
        let known = all.entry(name.to_owned()).or_default();
        if known.is_on || !is_wanted(known) {
            return false;
        }
        known.is_on = true;
        known.is_asked = false;
        known.begun += 1;
        true
    }

    /// Ends a look.
    pub(crate) fn end(&self, name: &str, polled: Polled) {
        let may_pass = polled.troubles().any(|trouble| !trouble.blocked);
        self.end_and_try_again(name, polled, may_pass);
    }

    /// Ends a look that could not be done. No repository knows of it, so it is due as before, and tried again whatever
    /// the trouble is.
    pub(crate) fn give_up(&self, name: &str, trouble: Trouble) {
        self.end_and_try_again(name, Polled { trouble: Some(trouble), ..Polled::default() }, true);
    }

    fn end_and_try_again(&self, name: &str, polled: Polled, again: bool) {
        let mut all = self.known();
        let known = all.entry(name.to_owned()).or_default();
        known.is_on = false;
        known.failed = if again { known.failed.saturating_add(1) } else { 0 };
        known.failed_at = again.then(Instant::now);
        known.last = Some(Arc::new(polled));
        self.ended.notify_all();
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What failed is tried again before the next look by the schedule, later and later, and not before that: a look that
    /// could not be noted is due all the time.
    fn is_its_turn(&self, is_due: bool, interval: Duration) -> bool {
        let doublings = self.failed.saturating_sub(1).min(16);
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(interval);
        self.failed_at.map_or(is_due, |failed| failed.elapsed() >= pause)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Polls;
    use crate::drop_folder::Polled;
    use crate::run::Trouble;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn one_look_at_a_time() {
        let polls = Polls::default();
        assert!(!polls.begin("a", false, HOUR));
        assert!(polls.begin("a", true, HOUR));
        assert!(!polls.begin("a", true, HOUR));
        assert!(polls.begin("b", true, HOUR));
        polls.end("a", Polled::default());
        assert!(!polls.begin("a", false, HOUR));
        assert!(polls.begin("a", true, HOUR));
    }

    #[test]
    fn a_look_that_could_not_be_done_is_due_and_waits_nevertheless() {
        let trouble = |blocked| Trouble {
            since: String::new(),
            message: "another process looks".to_owned(),
            blocked,
            reading: None,
        };
        for blocked in [true, false] {
            let polls = Polls::default();
            assert!(polls.begin("a", true, HOUR));
            polls.give_up("a", trouble(blocked));
            assert!(!polls.begin("a", true, HOUR));
            assert!(polls.begin("a", true, Duration::ZERO), "its interval is over");
            polls.give_up("a", trouble(blocked));
            polls.ask("a");
            assert!(polls.begin("a", false, HOUR));
        }
    }

    #[test]
    fn a_paused_drop_folder_is_not_tried_again() {
        let polls = Polls::default();
        let message = "the bucket does not answer".to_owned();
        let trouble = Some(Trouble { since: String::new(), message, blocked: false, reading: None });
        assert!(polls.begin("a", true, HOUR));
        polls.end("a", Polled { trouble, ..Polled::default() });
        assert!(!polls.begin_if_asked("a"));
        polls.ask("a");
        assert!(polls.begin_if_asked("a"));
    }

    #[test]
    fn who_asks_during_a_look_gets_the_next_one() {
        let polls = Polls::default();
        assert!(polls.begin("a", true, HOUR));
        let asked = polls.ask("a");
        polls.end("a", Polled::default());
        assert_eq!(polls.wait("a", asked, Duration::ZERO), None);
        assert!(polls.begin("a", false, HOUR));
        assert_eq!(polls.wait("a", asked, Duration::ZERO), None);
        polls.end("a", Polled { notices: vec!["second".to_owned()], ..Polled::default() });
        let polled = polls.wait("a", asked, HOUR).expect("it is over");
        assert_eq!(polled.notices, ["second"]);
        assert!(!polls.begin("a", false, HOUR));
    }
}
