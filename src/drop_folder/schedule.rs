//! When a drop folder is looked at. Pure.
//!
//! Nothing about it is stored but when the last look began, so that a schedule that is changed counts at once, a look
//! that was missed is caught up with once, and a clock that was set back stops nothing.

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::Schedule;
use crate::repository::DropFolderState;

/// Of a schedule that may name one moment a day.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

impl Schedule {
    /// The first moment of the schedule behind this one, in the same form; nothing if there is none.
    pub fn next_after(&self, moment: &str) -> Option<String> {
        let moment = moment.parse::<Timestamp>().ok()?;
        let next = match self {
            Schedule::Every(interval) => moment.checked_add(*interval).ok()?,
            Schedule::Cron(expression) => {
                let cron = Cron::from_str(expression).ok()?;
                cron.find_next_occurrence(&moment.to_zoned(TimeZone::UTC), false).ok()?.timestamp()
            }
        };
        Some(format!("{next:.3}"))
    }

    /// When a drop folder that stands like this is to be looked at next; at once if it never was, unless there are
    /// moments for it.
    pub fn next_look(&self, state: &DropFolderState) -> Option<String> {
        match (&state.last_poll, self) {
            (Some(last), _) => self.next_after(last),
            (None, Schedule::Every(_)) => Some(state.since.clone()),
            (None, Schedule::Cron(_)) => self.next_after(&state.since),
        }
    }

    /// The longest pause after a look that met trouble.
    pub(crate) fn interval(&self) -> Duration {
        match self {
            Schedule::Every(interval) => *interval,
            Schedule::Cron(_) => LONGEST_PAUSE,
        }
    }

    /// Whether a drop folder that stands like this is to be looked at `now`.
    pub fn is_due(&self, state: &DropFolderState, now: &str) -> bool {
        let is_ahead = |moment: &String| moment.as_str() > now;
        // The clock was set back since: when the next look would be says nothing.
        state.last_poll.as_ref().is_some_and(is_ahead) || self.next_look(state).is_some_and(|next| !is_ahead(&next))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::Schedule;
    use crate::repository::DropFolderState;

    fn known(last_poll: Option<&str>) -> DropFolderState {
        DropFolderState {
            external_id: String::new(),
            signing_secret: Vec::new(),
            since: "2026-11-22T10:00:00.000Z".to_owned(),
            last_poll: last_poll.map(str::to_owned),
            trouble: None,
            notices: Vec::new(),
            callback_off: false,
        }
    }

    #[test]
    fn looks() {
        let every = Schedule::Every(Duration::from_mins(15));
        let nightly = Schedule::Cron("30 2 * * *".to_owned());
        for (schedule, last, next) in [
            (&every, None, "2026-11-22T10:00:00.000Z"),
            (&every, Some("2026-11-22T10:00:01.250Z"), "2026-11-22T10:15:01.250Z"),
            (&nightly, None, "2026-11-23T02:30:00.000Z"),
            (&nightly, Some("2026-11-23T02:29:59.999Z"), "2026-11-23T02:30:00.000Z"),
            (&nightly, Some("2026-11-23T02:30:00.000Z"), "2026-11-24T02:30:00.000Z"),
            // Missed for days: caught up with once.
            (&nightly, Some("2026-11-10T02:30:00.000Z"), "2026-11-11T02:30:00.000Z"),
        ] {
            assert_eq!(schedule.next_look(&known(last)).as_deref(), Some(next), "{schedule:?} {last:?}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nothing() {
        let every = Schedule::Every(Duration::from_mins(15));
        let state = known(Some("2026-11-22T10:00:00.000Z"));
        for (now, due) in [
            ("2026-11-22T10:14:59.999Z", false),
            ("2026-11-22T10:15:00.000Z", true),
            ("2026-11-22T09:00:00.000Z", true),
            ("2027-01-01T00:00:00.000Z", true),
        ] {
            assert_eq!(every.is_due(&state, now), due, "{now}");
        }
    }
}
