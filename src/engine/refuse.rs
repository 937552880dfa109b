//! The failures of a pass: every way in which a single record can fail, with all that is wrong with it.

use super::applier::Applier;
use super::decision::{Decision, decide};
use super::entry::{Said, cell_text, meant};
use super::round::Round;
use crate::error::Error;
use crate::failure::{Failure, IMPORT_ERROR_COLUMN, too_few_cells, wrong_width};
use crate::import::Outcome;
use crate::schema::{Violation, policy_problem};

impl Applier<'_> {
    pub(super) fn fail_misshapen(&mut self, round: &Round, at: usize) -> Outcome {
        let record = round.records.get(at);
        let error = if record.has_nul() {
            let column = (0..record.width()).find(|&column| record.cell(column).contains('\0')).unwrap_or(0);
            Error::record(format!("cell {} holds a NUL character, which no property can", column + 1))
        } else if record.width() != self.pass.binding.width {
            Error::record(wrong_width(record.width(), self.pass.binding.width))
        } else {
            let error = self.pass.binding.import_error_column.map_or("", |column| record.cell(column));
            let (cells, columns) = too_few_cells(error).unwrap_or_default();
            let short = wrong_width(cells, columns);
            Error::record(format!("{short}; fill in what is missing, or empty its {IMPORT_ERROR_COLUMN} cell"))
        };
        self.fail(round, at, error.problem())
    }

    pub(super) fn fail_without_key(&mut self, round: &Round, at: usize) -> Outcome {
        let mut violations = round.entry(at).violations().to_vec();
        for &slot in &self.pass.binding.correlation.slots {
            let path = &self.pass.binding.property(&self.pass.binding.slots[slot]).path;
            let is_blank = !matches!(round.entry(at).said(slot), Said::Value(_) | Said::Wrong);
            if is_blank {
                violations.push(Violation::required(path));
            }
        }
        // What else such an object would lack.
        if let Decision::Refuse(more) = decide(round.entry(at), self.pass.binding, None, &mut self.scratch.document) {
            let known: Vec<_> = violations.iter().map(|violation| violation.property.clone()).collect();
            violations.extend(more.into_iter().filter(|violation| !known.contains(&violation.property)));
        }
        self.fail_policies(round, at, &violations)
    }

    pub(super) fn fail_taken(&mut self, round: &Round, at: usize) -> Outcome {
        let mut violations = if round.has_entry(at) { round.entry(at).violations().to_vec() } else { Vec::new() };
        let record = round.records.get(at);
        for &slot in &self.pass.binding.correlation.slots {
            let slot = &self.pass.binding.slots[slot];
            let value = cell_text(record, slot, self.pass.binding);
            let violation = Violation::unique(&self.pass.binding.property(slot).path, value);
            violations.push(violation.saying(format!("'{value}' is taken: an earlier record of this file has it")));
        }
        self.fail_policies(round, at, &violations)
    }

    pub(super) fn fail_policies(&mut self, round: &Round, at: usize, violations: &[Violation]) -> Outcome {
        let mut problem = policy_problem(violations);
        problem["violations"] = violations.iter().map(Violation::report).collect();
        self.fail(round, at, problem)
    }

    pub(super) fn fail(&mut self, round: &Round, at: usize, problem: serde_json::Value) -> Outcome {
        let record = round.records.get(at);
        let cells = (0..record.width()).map(|column| meant(record, column, self.pass.binding).to_owned()).collect();
        self.pass.session.fail(Failure { row: record.row(), cells, problem });
        Outcome::Failed
    }

    pub(super) fn fail_ambiguous(&mut self, round: &Round, at: usize, count: usize) -> Outcome {
        let mut message = format!("{count} objects have the same {}", self.describe_key(round, at));
        for Violation { property, message: wrong, .. } in round.entry(at).violations() {
            message.push_str(&format!("; {property}: {wrong}"));
        }
        self.fail(round, at, Error::conflict(message).problem())
    }

    pub(super) fn warn_of_repeated_key(&mut self, round: &Round, at: usize, earlier: u64) {
        let row = round.records.get(at).row();
        let key = self.describe_key(round, at);
        self.warnings.add(format!("rows {earlier} and {row} have the same {key}: the last one counts"));
    }

    /// `userName 'bjensen'`, for messages.
    pub(super) fn describe_key(&self, round: &Round, at: usize) -> String {
        let record = round.records.get(at);
        let parts: Vec<String> = self
            .pass
            .binding
            .correlation
            .slots
            .iter()
            .map(|&slot| {
                let slot = &self.pass.binding.slots[slot];
                let value = cell_text(record, slot, self.pass.binding);
                format!("{} '{value}'", self.pass.binding.property(slot).path)
            })
            .collect();
        parts.join(" and ")
    }
}
