//! Applying a round: look ahead for what it needs, then decide record by record, in the order of the file, and put.

use std::sync::atomic::Ordering;

use super::applier::Applier;
use super::decision::{Decision, decide};
use super::entry::{Entries, Said};
use super::round::{Key, Round};
use crate::error::{Error, Result};
use crate::import::Outcome;
use crate::object::{element_text, write_key, write_key_value};
use crate::plan::DuplicateKeys;
use crate::repository::ObjectNumber;
use crate::schema::Violation;

/// A record with a complete key.
#[derive(Clone, Copy)]
struct Keyed<'a> {
    round: &'a Round,
    at: usize,
    hash: u64,
    fingerprint: u64,
}

/// What became of a record whose key may be a repeated one.
enum Folded {
    /// It counts as it is.
    Alone,
    /// A later one of the key speaks for it.
    Earlier,
    /// It is the last of its key; this is what all of them say.
    Last(Entries),
}

/// What was found out about a complete key.
enum Found {
    /// No object has it.
    Nobody,
    /// An object that still equals this very record.
    Same(ObjectNumber),
    One(ObjectNumber),
    /// A record of this file has it already.
    Taken,
    Many(usize),
}

/// Objects with the same hash that are compared with a record. More than that are more than one, whatever they hold.
const MAX_COMPARED: usize = 8;

/// The objects whose key has the hash of a record's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Candidates {
    None,
    One(ObjectNumber),
    Several,
}

/// How one key of an object changes.
struct KeyChange {
    index: usize,
    old: Option<u64>,
    new: Option<u64>,
}

impl Applier<'_> {
    /// Gives every record from `start` its outcome.
    pub(super) fn apply(&mut self, round: &mut Round, start: usize) -> Result<()> {
        let same = self.look_ahead(round, start)?;
        // Most of the next round will be found unchanged by fingerprints if most of this one was.
        self.eager.store(same * 2 < round.len() - start, Ordering::Relaxed);
        for at in start..round.len() {
            let outcome = self.decide_one(round, at)?;
            self.counts.count(outcome);
            if self.pass.session.is_heavy() {
                self.pass.session.end_round()?;
            }
        }
        Ok(())
    }

    /// Makes the entries that are needed and reads the objects they will be compared with. Gives the number of records
    /// that need neither.
    fn look_ahead(&mut self, round: &mut Round, start: usize) -> Result<usize> {
        self.look_up(round, start)?;
        let mut same = 0;
        let mut numbers = std::mem::take(&mut self.scratch.numbers);
        numbers.clear();
        for at in start..round.len() {
            let candidate = self.scratch.candidates[at];
            match (candidate, round.keys[at]) {
                (Candidates::One(object), Key::Complete { hash, fingerprint, .. }) => {
                    if self.pass.session.fingerprint(object)? == fingerprint && !self.folds.concern(hash) {
                        round.mark_same(at, object);
                        same += 1;
                        continue;
                    }
                    // What this file has touched is not compared again.
                    if !self.touched.contains(object) {
                        numbers.push(object);
                    }
                }
                (Candidates::Several, Key::Complete { hash, .. }) => {
                    let holders = self.pass.session.holders(self.pass.binding.correlation.key.index, hash);
                    numbers.extend(holders.take(MAX_COMPARED));
                }
                _ => {}
            }
            round.make_entry(at, self.pass.binding);
        }
        self.prefetch_unique(round, start, &mut numbers)?;
        self.pass.session.prefetch_objects(&mut numbers)?;
        self.scratch.numbers = numbers;
        Ok(same)
    }

    /// Finds the candidates of every record, in the order of the hashes: neighbours lie near each other in memory.
    fn look_up(&mut self, round: &Round, start: usize) -> Result<()> {
        let index = self.pass.binding.correlation.key.index;
        let wanted = || round.by_hash.iter().filter(|(_, at)| *at as usize >= start);
        self.scratch.hashes.clear();
        self.scratch.hashes.extend(wanted().map(|(hash, _)| *hash));
        self.pass.session.prefetch(index, &mut self.scratch.hashes)?;
        self.scratch.candidates.clear();
        self.scratch.candidates.resize(round.len(), Candidates::None);
        for (hash, at) in wanted() {
            let mut holders = self.pass.session.holders(index, *hash);
            self.scratch.candidates[*at as usize] = match (holders.next(), holders.next()) {
                (None, _) => Candidates::None,
                (Some(object), None) => Candidates::One(object),
                (Some(_), Some(_)) => Candidates::Several,
            };
        }
        Ok(())
    }

    /// Asks for the holders of all values that must be unique, besides the correlation's.
    fn prefetch_unique(&mut self, round: &Round, start: usize, numbers: &mut Vec<ObjectNumber>) -> Result<()> {
        let mut key = String::new();
        for index in self.pass.binding.other_indexes().filter(|index| index.unique.is_some()) {
            let place = &self.pass.binding.layout.places[index.positions[0]];
            let mut hashes = Vec::new();
            let mut want = |json: &str| {
                key.clear();
                write_key_value(&mut key, |key| key.push_str(json));
                hashes.push(self.pass.hashes.key(&key));
            };
            place.default.as_deref().into_iter().for_each(&mut want);
            if let Some(slot) = place.slot {
                for at in (start..round.len()).filter(|&at| round.has_entry(at)) {
                    // Of a repeated key, an earlier round may have read what will be put now.
                    let earlier = round.keys[at].hash().and_then(|hash| self.folds.so_far(hash));
                    for entry in earlier.into_iter().chain([round.entry(at)]) {
                        if let Said::Value(json) = entry.said(slot) {
                            want(json);
                        }
                    }
                }
            }
            self.pass.session.prefetch(index.index, &mut hashes)?;
            for hash in hashes {
                numbers.extend(self.pass.session.holders(index.index, hash).take(MAX_COMPARED));
            }
        }
        Ok(())
    }

    /// Decides about one record and puts what is decided.
    fn decide_one(&mut self, round: &Round, at: usize) -> Result<Outcome> {
        let record = match round.keys[at] {
            Key::Misshapen => return Ok(self.fail_misshapen(round, at)),
            Key::Incomplete => return Ok(self.fail_without_key(round, at)),
            Key::Complete { hash, fingerprint, .. } => Keyed { round, at, hash, fingerprint },
        };
        let found = self.find(record);
        if let (Found::Nobody, false) = (&found, self.pass.binding.create_missing) {
            return Ok(self.leave_out(record));
        }
        let (record, folded) = match self.fold(record) {
            Folded::Alone => (record, None),
            Folded::Earlier => return Ok(Outcome::Unchanged),
            // The object will equal several records together, none of them alone.
            Folded::Last(all) => (Keyed { fingerprint: 0, ..record }, Some(all)),
        };
        match found {
            Found::Same(object) => {
                self.touched.insert(object);
                Ok(Outcome::Unchanged)
            }
            Found::Taken => Ok(self.fail_taken(round, at)),
            Found::Many(count) => Ok(self.fail_ambiguous(round, at, count)),
            Found::One(object) => self.decide_entry(record, folded, Some(object)),
            Found::Nobody => match round.fresh_document(at).filter(|_| folded.is_none()) {
                Some(document) => self.put(record, None, document),
                None => self.decide_entry(record, folded, None),
            },
        }
    }

    /// Passes over a record that is about no object, where none is to be made. It must be sound all the same.
    fn leave_out(&mut self, Keyed { round, at, hash, .. }: Keyed<'_>) -> Outcome {
        if self.folds.concern(hash) {
            self.folds.pass_over(hash);
        }
        let fails_later = self.pass.import.plan.duplicate_keys == DuplicateKeys::FailLater;
        if fails_later && self.left_out_keys.contains(&hash) {
            return self.fail_taken(round, at);
        }
        let violations = round.entry(at).violations();
        if !violations.is_empty() {
            return self.fail_policies(round, at, violations);
        }
        if fails_later {
            self.left_out_keys.insert(hash);
        }
        self.left_out.add(round.records.get(at).row());
        Outcome::Unchanged
    }

    /// Folds a record with those before it, if its key is a repeated one.
    fn fold(&mut self, Keyed { round, at, hash, .. }: Keyed<'_>) -> Folded {
        if !self.folds.concern(hash) {
            return Folded::Alone;
        }
        if !round.entry(at).violations().is_empty() {
            self.folds.pass_over(hash);
            return Folded::Alone;
        }
        let (earlier, all) = self.folds.fold(hash, round, at);
        if let Some(earlier) = earlier {
            self.warn_of_repeated_key(round, at, earlier);
        }
        all.map_or(Folded::Earlier, Folded::Last)
    }

    /// Compares what is said of an object, by one record or by several, with what it is, if it exists.
    fn decide_entry(
        &mut self,
        record: Keyed<'_>,
        folded: Option<Entries>,
        existing: Option<ObjectNumber>,
    ) -> Result<Outcome> {
        let entry = folded.as_ref().map_or_else(|| record.round.entry(record.at), |all| all.get(0));
        let document = existing.and_then(|object| self.pass.session.object(object)).map(|object| object.document);
        let mut new = std::mem::take(&mut self.scratch.document);
        let outcome = match (decide(entry, &self.pass.binding.layout, document, &mut new), existing) {
            (Decision::Refuse(mut violations), _) => {
                violations.extend(self.key_changes(existing, &new)?.err().into_iter().flatten());
                self.fail_policies(record.round, record.at, &violations)
            }
            (Decision::Unchanged, Some(object)) => {
                self.touched.insert(object);
                self.pass.session.stamp(object, record.fingerprint)?;
                Outcome::Unchanged
            }
            (Decision::Unchanged, None) => return Err(Error::internal("what does not exist cannot be unchanged")),
            (Decision::Create | Decision::Update, _) => self.put(record, existing, &new)?,
        };
        self.scratch.document = new;
        Ok(outcome)
    }

    fn find(&mut self, Keyed { round, at, hash, .. }: Keyed<'_>) -> Found {
        if let Some(object) = round.same(at) {
            let taken = self.touched.contains(object);
            return if taken { Found::Taken } else { Found::Same(object) };
        }
        self.scratch.holders.clear();
        let index = self.pass.binding.correlation.key.index;
        self.scratch.holders.extend(self.pass.session.holders(index, hash).take(MAX_COMPARED + 1));
        match self.scratch.holders.as_slice() {
            [] => return Found::Nobody,
            holders if holders.iter().any(|object| self.touched.contains(*object)) => return Found::Taken,
            holders if holders.len() > MAX_COMPARED => {
                return Found::Many(self.pass.session.holders(index, hash).count());
            }
            _ => {}
        }
        // Equal hashes are nearly always equal keys; the stored values decide.
        let wanted = round.key_text(at);
        let positions = &self.pass.binding.key_places().positions;
        let session = &self.pass.session;
        let key = &mut self.scratch.key;
        self.scratch.holders.retain(|object| {
            session.object(*object).is_some_and(|object| write_key(object.document, positions, key) && key == wanted)
        });
        match self.scratch.holders.as_slice() {
            [] => Found::Nobody,
            [object] => Found::One(*object),
            several => Found::Many(several.len()),
        }
    }

    /// Puts a new document, unless a value that must be unique is another object's.
    fn put(&mut self, record: Keyed<'_>, existing: Option<ObjectNumber>, document: &str) -> Result<Outcome> {
        let changes = match self.key_changes(existing, document)? {
            Ok(changes) => changes,
            Err(violations) => return Ok(self.fail_policies(record.round, record.at, &violations)),
        };
        if let Some(samples) = &mut self.samples {
            let old = existing.and_then(|object| self.pass.session.object(object)).map(|object| object.document);
            samples.see(record.round.records.get(record.at).row(), existing, old, document);
        }
        let (object, outcome) = match existing {
            None => {
                let object = self.pass.session.create(document);
                self.pass.session.add_key(self.pass.binding.correlation.key.index, record.hash, object);
                (object, Outcome::Created)
            }
            Some(object) => {
                let revision = self.pass.session.object(object).map_or(0, |existing| existing.revision);
                self.pass.session.update(object, revision, document);
                (object, Outcome::Updated)
            }
        };
        for KeyChange { index, old, new } in changes {
            old.into_iter().for_each(|old| self.pass.session.remove_key(index, old, object));
            new.into_iter().for_each(|new| self.pass.session.add_key(index, new, object));
        }
        self.pass.session.stamp(object, record.fingerprint)?;
        self.touched.insert(object);
        Ok(outcome)
    }

    /// How the other keys of an object change with its new document, or which of its values are taken.
    fn key_changes(
        &mut self,
        existing: Option<ObjectNumber>,
        document: &str,
    ) -> Result<Result<Vec<KeyChange>, Vec<Violation>>> {
        let mut changes = Vec::new();
        let mut taken = Vec::new();
        let before =
            existing.and_then(|object| self.pass.session.object(object)).map(|object| object.document.to_owned());
        for place in self.pass.binding.other_indexes() {
            let mut hash_of = |document: &str| {
                write_key(document, &place.positions, &mut self.scratch.key)
                    .then(|| self.pass.hashes.key(&self.scratch.key))
            };
            let old = before.as_deref().and_then(&mut hash_of);
            let new = hash_of(document);
            if old == new {
                continue;
            }
            if let (Some(path), Some(hash)) = (&place.unique, new) {
                self.pass.session.prefetch(place.index, &mut [hash])?;
                let mut others = self.pass.session.holders(place.index, hash).filter(|other| Some(*other) != existing);
                if others.any(|other| self.holds(other, &place.positions, &self.scratch.key)) {
                    taken.push(Violation::unique(path, &element_text(document, place.positions[0])));
                }
            }
            changes.push(KeyChange { index: place.index, old, new });
        }
        Ok(if taken.is_empty() { Ok(changes) } else { Err(taken) })
    }

    /// Whether an object that has a key of the same hash really has this key.
    fn holds(&self, object: ObjectNumber, positions: &[usize], key: &str) -> bool {
        if self.touched.contains(object) {
            // What this file has put is not read again; equal hashes must do.
            return true;
        }
        let mut held = String::new();
        let object = self.pass.session.object(object);
        object.is_some_and(|object| write_key(object.document, positions, &mut held) && held == key)
    }
}
