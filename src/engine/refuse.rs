//! The failures of a pass: every way in which a single record can fail, with all that is wrong with it.

use super::applier::Applier;
use super::decision::{Decision, decide};
use super::entry::cell_text;
use super::failing::{against_policies, failure, misshapen, without_key};
use super::round::Round;
use crate::error::Error;
use crate::import::Outcome;
use crate::schema::Violation;

impl Applier<'_> {
    pub(super) fn fail_misshapen(&mut self, round: &Round, at: usize) -> Outcome {
        self.pass.session.fail(misshapen(round.records.get(at), &self.pass.binding.layout));
        Outcome::Failed
    }

    pub(super) fn fail_without_key(&mut self, round: &Round, at: usize) -> Outcome {
        let binding = self.pass.binding;
        let mut violations = without_key(round.entry(at), &binding.layout, &binding.correlation.slots);
        // What else such an object would lack.
        if let Decision::Refuse(more) = decide(round.entry(at), &binding.layout, None, &mut self.scratch.document) {
            let known: Vec<_> = violations.iter().map(|violation| violation.property.clone()).collect();
            violations.extend(more.into_iter().filter(|violation| !known.contains(&violation.property)));
        }
        self.fail_policies(round, at, &violations)
    }

    pub(super) fn fail_taken(&mut self, round: &Round, at: usize) -> Outcome {
        let mut violations = if round.has_entry(at) { round.entry(at).violations().to_vec() } else { Vec::new() };
        let record = round.records.get(at);
        let layout = &self.pass.binding.layout;
        for &slot in &self.pass.binding.correlation.slots {
            let slot = &layout.slots[slot];
            let value = cell_text(record, slot, layout);
            let violation = Violation::unique(&layout.property(slot).path, value);
            violations.push(violation.saying(format!("'{value}' is taken: an earlier record of this file has it")));
        }
        self.fail_policies(round, at, &violations)
    }

    pub(super) fn fail_policies(&mut self, round: &Round, at: usize, violations: &[Violation]) -> Outcome {
        self.pass.session.fail(against_policies(round.records.get(at), &self.pass.binding.layout, violations));
        Outcome::Failed
    }

    pub(super) fn fail_ambiguous(&mut self, round: &Round, at: usize, count: usize) -> Outcome {
        let mut message = format!("{count} objects have the same {}", self.describe_key(round, at));
        for Violation { property, message: wrong, .. } in round.entry(at).violations() {
            message.push_str(&format!("; {property}: {wrong}"));
        }
        let problem = Error::conflict(message).problem();
        self.pass.session.fail(failure(round.records.get(at), &self.pass.binding.layout, problem));
        Outcome::Failed
    }

    pub(super) fn warn_of_repeated_key(&mut self, round: &Round, at: usize, earlier: u64) {
        let row = round.records.get(at).row();
        let key = self.describe_key(round, at);
        self.warnings.add(format!("rows {earlier} and {row} have the same {key}: the last one counts"));
    }

    /// `userName 'bjensen'`, for messages.
    pub(super) fn describe_key(&self, round: &Round, at: usize) -> String {
        let record = round.records.get(at);
        let layout = &self.pass.binding.layout;
        let part = |&slot: &usize| {
            let slot = &layout.slots[slot];
            format!("{} '{}'", layout.property(slot).path, cell_text(record, slot, layout))
        };
        let parts: Vec<String> = self.pass.binding.correlation.slots.iter().map(part).collect();
        parts.join(" and ")
    }
}
