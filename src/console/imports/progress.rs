//! How far a running import is, how fast it goes, and when it will be over.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::figures::{duration, rate};
use crate::http::Door;
use crate::import::Import;
use crate::plan::OnFailure;

/// The rate is that of the last seconds.
const LOOKED_BACK: Duration = Duration::from_secs(10);

/// A rate that is taken from less says nothing.
pub(super) const LEAST: Duration = Duration::from_millis(400);

/// How far an import is: what this process knows if it runs it, else what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::console) struct Position {
    pub(in crate::console) done: u64,
    /// 0 while not known.
    pub(in crate::console) total: u64,
    /// Whether nothing is applied yet, and the file is gone over once more for that.
    pub(in crate::console) is_looking: bool,
}

impl Position {
    pub(in crate::console) fn of(door: &Door, import: &Import) -> Position {
        let counts = &import.counts;
        let stored = Position { done: counts.success() + counts.failure, total: counts.total, is_looking: false };
        match door.worker.progress(import.id) {
            None => stored,
            Some(progress) => {
                let total = progress.total().max(stored.total);
                // What is stored of a look says nothing of what comes after it.
                let is_atomic = import.plan.on_failure == OnFailure::RejectFile;
                let done = if is_atomic { progress.applied() } else { progress.applied().max(stored.done) };
                Position { done: done.min(total), total, is_looking: progress.is_looking() }
            }
        }
    }
}

/// Where an import was at the last few looks.
#[derive(Debug, Default)]
pub(super) struct Looks(VecDeque<(Instant, u64)>);

impl Looks {
    pub(super) fn note(&mut self, done: u64) {
        let now = Instant::now();
        // An import that applies what it has looked at first begins anew.
        if self.0.back().is_some_and(|(_, before)| *before > done) {
            self.0.clear();
        }
        self.0.push_back((now, done));
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) > LOOKED_BACK) {
            self.0.pop_front();
        }
    }

    /// How fast it was of late; none if that cannot be told yet.
    pub(super) fn pace(&self) -> Option<Pace> {
        let ((first, from), (last, to)) = (self.0.front()?, self.0.back()?);
        let elapsed = last.duration_since(*first);
        (elapsed >= LEAST && to > from).then(|| Pace { records: to - from, elapsed })
    }
}

/// How many records got their outcome in which time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) records: u64,
    pub(super) elapsed: Duration,
}

impl Pace {
    /// Records in a second.
    pub(super) fn rate(self) -> String {
        rate(self.records, self.elapsed)
    }

    /// How long it takes from this position to the end.
    pub(super) fn left(self, position: Position) -> Option<String> {
        let records = position.total.checked_sub(position.done).filter(|_| position.total > 0 && self.records > 0)?;
        if position.is_looking {
            // How fast it is applied is not known yet.
            return None;
        }
        let millis = u128::from(records) * self.elapsed.as_millis() / u128::from(self.records);
        let left = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        // Tenths of a second would only flicker.
        Some(if left < Duration::from_secs(1) { "a second".to_owned() } else { roughly(left) })
    }
}

fn roughly(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => duration(left),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pace, Position};

    #[test]
    fn the_end_is_foretold() {
        let pace = Pace { records: 1000, elapsed: Duration::from_secs(1) };
        let left = |done, total| pace.left(Position { done, total, is_looking: false });
        assert_eq!(left(0, 500).as_deref(), Some("a second"));
        assert_eq!(left(500, 10_000).as_deref(), Some("9 s"));
        assert_eq!(left(0, 90_000).as_deref(), Some("1 min 30 s"));
        assert_eq!(left(10, 0), None);
        assert_eq!(pace.rate(), "1,000");
    }
}
