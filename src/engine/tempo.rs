//! How many records are decided together. When another process writes what an import is about to, or connections do not
//! last, rounds get smaller and each is committed by itself, until it goes well for a while.

use std::sync::atomic::{AtomicUsize, Ordering};

/// After so many commits that go well, rounds grow.
const STEADY: usize = 4;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Tempo {
    most: usize,
    round: AtomicUsize,
    commits: AtomicUsize,
}

impl Tempo {
    /// Rounds of so many records, when nothing stands in the way.
    pub(crate) fn new(most: usize) -> Tempo {
        Tempo { most, round: AtomicUsize::new(most), commits: AtomicUsize::new(0) }
    }

    /// Records of the next round.
    pub(crate) fn round(&self) -> usize {
        self.round.load(Ordering::Relaxed)
    }

    /// Records of a round, at most.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Whether each round is to be committed by itself.
    pub(crate) fn is_slow(&self) -> bool {
        self.round() < self.most
    }

    /// What was decided has to be decided again.
    pub(crate) fn slow_down(&self) {
        self.round.store((self.round() / 4).max(1), Ordering::Relaxed);
        self.commits.store(0, Ordering::Relaxed);
    }

    /// A round by itself was committed.
    pub(crate) fn note_commit(&self) {
        if self.commits.fetch_add(1, Ordering::Relaxed) % STEADY == STEADY - 1 {
            self.round.store((self.round() * 2).min(self.most), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tempo;

    #[test]
    fn slows_down_to_single_records_and_recovers() {
        let tempo = Tempo::new(100);
        let slower: Vec<usize> = (0..5)
            .map(|_| {
                tempo.slow_down();
                tempo.round()
            })
            .collect();
        assert_eq!(slower, [25, 6, 1, 1, 1]);
        let commits = (0..1000).position(|_| {
            tempo.note_commit();
            !tempo.is_slow()
        });
        assert_eq!((commits, tempo.round()), (Some(7 * 4 - 1), 100));
    }
}
