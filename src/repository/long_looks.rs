//! Looks at the repository that take long: a few at a time.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// Long looks at a time. Each keeps a connection, and what is written meanwhile from being cleared away.
const MOST: usize = 8;

/// How long somebody waits for one of them to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The long looks at a repository.
#[derive(Clone, Debug, Default)]
pub(super) struct LongLooks(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    under_way: Mutex<usize>,
    over: Condvar,
}

/// One of them; over when dropped.
#[derive(Debug)]
pub(super) struct LongLook(LongLooks);

impl LongLooks {
    /// Begins one, when there are not too many, nor any that are in the way.
    ///
    /// # Errors
    /// `Busy` if none of the others is over for a while.
    pub(super) fn begin(&self, are_in_the_way: impl Fn() -> bool) -> Result<LongLook> {
        let must_wait = |others: &mut usize| *others >= MOST || *others > 0 && are_in_the_way();
        let waited = self.0.over.wait_timeout_while(self.under_way(), PATIENCE, must_wait);
        let (mut under_way, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(Error::new(Kind::Busy, "too much is being read at once; try again in a few seconds"));
        }
        *under_way += 1;
        Ok(LongLook(self.clone()))
    }

    fn under_way(&self) -> MutexGuard<'_, usize> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LongLook {
    fn drop(&mut self) {
        *self.0.under_way() -= 1;
        self.0.0.over.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{LongLooks, MOST};

    #[test]
    fn a_few_look_at_a_time() {
        let looks = LongLooks::default();
        let all: Vec<_> = (0..MOST).map(|_| looks.begin(|| false).expect("a look")).collect();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let one_more = scope.spawn(|| looks.begin(|| false).map(|_| is_over.load(Ordering::SeqCst)));
            is_over.store(true, Ordering::SeqCst);
            drop(all);
            assert!(one_more.join().expect("no panic").expect("a look"), "taken while all were");
        });
    }

    #[test]
    fn whoever_would_be_in_the_way_waits_for_all() {
        let looks = LongLooks::default();
        // Nobody is there whom one could wait for.
        let first = looks.begin(|| true).expect("a look");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| looks.begin(|| true).map(|_| is_over.load(Ordering::SeqCst)));
            is_over.store(true, Ordering::SeqCst);
            drop(first);
            assert!(second.join().expect("no panic").expect("a look"), "taken beside another");
        });
    }
}
