//! Wakes whoever waits for something to do, in this process.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Counts how often it was rung, so that nobody misses a ring while he is busy.
#[derive(Debug, Default)]
pub struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    /// Wakes all who wait.
    pub fn ring(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.rung.notify_all();
    }

    /// How often it was rung.
    pub fn rings(&self) -> u64 {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it has rung more often than this, or the time is over.
    pub fn wait(&self, heard: u64, time: Duration) {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.rung.wait_timeout_while(rings, time, |rings| *rings == heard));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Bell;

    #[test]
    fn a_ring_while_nobody_waited_is_not_missed() {
        let bell = Bell::default();
        let heard = bell.rings();
        bell.ring();
        bell.wait(heard, Duration::from_secs(3600));
        bell.wait(bell.rings(), Duration::ZERO);
    }
}
