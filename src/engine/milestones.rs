//! How far a pass was when: enough points for a curve, and no more.

use std::time::Instant;

use crate::clock;
use crate::report::Milestone;

/// Points at most.
const MOST: usize = 200;

/// Milliseconds between two points, while there are few.
const APART: u64 = 20;

/// See the module's head.
pub(super) struct Milestones {
    points: Vec<Milestone>,
    /// Milliseconds between two points, at least.
    apart: u64,
    begun: Instant,
    /// How long the import had been running then, in milliseconds.
    before: u64,
}

impl Milestones {
    /// Goes on with those of an earlier pass of an import that was `started` at this moment.
    pub(super) fn new(points: Vec<Milestone>, started: Option<&str>, records: u64) -> Milestones {
        let last = points.last().map_or(0, |last| last.millis);
        // The process that began it may have had a clock that is ahead of ours.
        let before = started.map_or(0, |started| clock::since(started).as_millis() as u64).max(last);
        let apart = APART.max(2 * last / MOST as u64);
        let mut milestones = Milestones { points, apart, begun: Instant::now(), before };
        // Nothing happened while nobody ran it.
        milestones.points.push(Milestone { millis: before, records });
        milestones
    }

    /// So many records have their outcome now.
    pub(super) fn reach(&mut self, records: u64) {
        let millis = self.before + self.begun.elapsed().as_millis() as u64;
        self.add(Milestone { millis, records });
    }

    pub(super) fn all(&self) -> &[Milestone] {
        &self.points
    }

    /// The last point is always there; it gives way if it is too near to the one before it.
    fn add(&mut self, point: Milestone) {
        if let [.., before, last] = self.points.as_mut_slice()
            && last.millis.saturating_sub(before.millis) < self.apart
            && last.records > before.records
        {
            *last = point;
            return;
        }
        self.points.push(point);
        if self.points.len() > MOST {
            self.apart *= 2;
            let (last, mut place) = (self.points.len() - 1, 0);
            self.points.retain(|_| {
                place += 1;
                place % 2 == 1 || place - 1 == last
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Milestones};
    use crate::report::Milestone;

    #[test]
    fn points_are_few_and_even_and_the_last_is_there() {
        for many in [1, 10, 199, 200, 201, 5000, 100_000_u64] {
            let mut milestones = Milestones::new(Vec::new(), None, 0);
            (1..=many).for_each(|n| milestones.add(Milestone { millis: n * 7, records: n * 1000 }));
            let points = milestones.all();
            assert!(points.len() <= MOST && points.is_sorted_by_key(|point| point.millis), "{points:?}");
            assert_eq!(points.last(), Some(&Milestone { millis: many * 7, records: many * 1000 }));
            let widest = points.windows(2).map(|pair| pair[1].millis - pair[0].millis).max().unwrap_or(0);
            assert!(widest <= (many * 7 / 20).max(40), "{widest} of {many}");
        }
    }

    #[test]
    fn an_import_that_rested_goes_on_from_where_it_was() {
        let earlier = [(5, 0), (900, 400)].map(Milestone::from);
        let mut milestones = Milestones::new(earlier.to_vec(), None, 400);
        milestones.before = 5000;
        milestones.points[2].millis = 5000;
        milestones.add(Milestone { millis: 5100, records: 500 });
        let expected = [(5, 0), (900, 400), (5000, 400), (5100, 500)].map(Milestone::from);
        assert_eq!(milestones.all(), expected);
    }
}
