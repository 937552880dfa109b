//! Objects that are written by imports and one by one, in any order, against an oracle that keeps them in a list.

use std::fs;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use rollbook::app::{App, Condition, Put, Source, Submission};
use rollbook::error::Kind;
use rollbook::object::Patch;
use rollbook::repository::StoredType;
use rollbook::worker::Worker;
use serde_json::{Map, Value, json};

use crate::harness::{Folder, plan};

const THING: &str = r#"{"name": "thing", "schema": {"required": ["a"], "properties": {
    "a": {"type": "string", "policies": [{"policyId": "unique"}]},
    "b": {"type": "string", "policies": [{"policyId": "unique"}]},
    "s": {"type": "string"}}}}"#;

/// The columns of files; what else an object has nobody declared.
const COLUMNS: [&str; 3] = ["a", "b", "s"];

type Members = Map<String, Value>;

/// One thing that is done.
#[derive(Clone, Debug)]
enum Act {
    Create(Members),
    Put(&'static str, Members),
    /// Sets or removes one member of the object of that place in the list.
    Patch(usize, &'static str, Option<&'static str>),
    Delete(usize),
    Import(&'static str, Vec<[&'static str; 3]>),
}

fn act() -> impl Strategy<Value = Act> {
    let text = |values: &'static [&'static str]| of(select(values));
    let members = || {
        let values =
            (text(&["a1", "a2", "a3", " a1"]), text(&["b1", "b2", "b3"]), text(&["s1", " s1", "s2"]), text(&["x"]));
        values.prop_map(|(a, b, s, x)| {
            let said = [("a", a), ("b", b), ("s", s), ("x", x)];
            said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect::<Members>()
        })
    };
    let cell = |values: &'static [&'static str]| select(values);
    let record = (cell(&["a1", "a2", "a3", "a4", ""]), cell(&["b1", "b2", "b4", ""]), cell(&["s1", "s2", ""]));
    let record = record.prop_map(|(a, b, s)| [a, b, s]);
    let change = prop_oneof![
        (Just("a"), text(&["a1", "a2", "a5"])),
        (Just("b"), text(&["b1", "b2", " b4 "])),
        (Just("s"), text(&["s1", "s3"])),
        (Just("x"), text(&["x", "y"])),
    ];
    prop_oneof![
        3 => members().prop_map(Act::Create),
        3 => (select(&["one", "two", "three"][..]), members()).prop_map(|(id, members)| Act::Put(id, members)),
        4 => (0..6usize, change).prop_map(|(at, (name, value))| Act::Patch(at, name, value)),
        2 => (0..6usize).prop_map(Act::Delete),
        4 => (select(&COLUMNS[..]), vec(record, 0..6)).prop_map(|(unique, records)| Act::Import(unique, records)),
    ]
}

/// Places of outcomes among counts.
const CREATED: usize = 0;
const UPDATED: usize = 1;
const UNCHANGED: usize = 2;
const FAILED: usize = 3;

/// What there should be: ids and members, in order of creation.
#[derive(Default)]
struct Oracle(Vec<(Option<&'static str>, Members)>);

fn trimmed(members: &Members, name: &str) -> String {
    members.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

impl Oracle {
    /// As an object would be written, if it may be, in place of the one at `except`.
    fn judged(&self, mut members: Members, except: Option<usize>) -> Option<Members> {
        for name in ["a", "b"] {
            let value = trimmed(&members, name);
            let is_taken =
                |(at, (_, other)): (usize, &(_, Members))| Some(at) != except && trimmed(other, name) == value;
            if value.is_empty() {
                members.remove(name);
            } else if self.0.iter().enumerate().any(is_taken) {
                return None;
            } else {
                members.insert(name.to_owned(), json!(value));
            }
        }
        members.contains_key("a").then_some(members)
    }

    /// Says whether it was done.
    fn write(&mut self, at: Option<usize>, id: Option<&'static str>, members: Members) -> bool {
        match (self.judged(members, at), at) {
            (None, _) => return false,
            (Some(members), Some(at)) => self.0[at].1 = members,
            (Some(members), None) => self.0.push((id, members)),
        }
        true
    }

    /// Records created, updated, unchanged and failed.
    fn import(&mut self, unique: &str, records: &[[&'static str; 3]]) -> [u64; 4] {
        let (mut counts, mut touched) = ([0; 4], Vec::new());
        for record in records {
            let outcome = self.record(unique, record, &mut touched);
            counts[outcome] += 1;
        }
        counts
    }

    fn record(&mut self, unique: &str, record: &[&'static str; 3], touched: &mut Vec<usize>) -> usize {
        let cells: Vec<(&str, &str)> = COLUMNS.into_iter().zip(record.iter().copied()).collect();
        let key = cells.iter().find(|(name, _)| *name == unique).unwrap().1;
        let found: Vec<usize> = (0..self.0.len()).filter(|at| trimmed(&self.0[*at].1, unique) == key).collect();
        if key.is_empty() || found.len() > 1 || found.iter().any(|at| touched.contains(at)) {
            return FAILED;
        }
        let at = found.first().copied();
        let mut members = at.map(|at| self.0[at].1.clone()).unwrap_or_default();
        for (name, cell) in cells {
            match cell {
                "" => drop(members.remove(name)),
                cell => drop(members.insert(name.to_owned(), json!(cell))),
            }
        }
        let is_same = at.is_some_and(|at| self.0[at].1 == members);
        if !is_same && !self.write(at, None, members) {
            return FAILED;
        }
        touched.push(at.unwrap_or(self.0.len() - 1));
        match at {
            None => CREATED,
            Some(_) if is_same => UNCHANGED,
            Some(_) => UPDATED,
        }
    }
}

/// What is tested.
struct Installation {
    app: Arc<App>,
    worker: Worker,
    /// Goes last.
    folder: Folder,
}

impl Installation {
    fn new() -> Installation {
        let folder = Folder::new();
        let app = Arc::new(folder.installation());
        app.repository.apply_types(&[serde_json::from_str(THING).unwrap()]).unwrap();
        Installation { folder, worker: Worker::new(Arc::clone(&app)), app }
    }

    fn stored(&self) -> StoredType {
        self.app.object_type(&"managed/thing".parse().unwrap()).unwrap()
    }

    fn import(&self, unique: &str, records: &[[&'static str; 3]]) -> [u64; 4] {
        let path = self.folder.path("things.csv");
        let lines = records.iter().map(|record| record.join(","));
        fs::write(&path, [COLUMNS.join(",")].into_iter().chain(lines).map(|line| line + "\n").collect::<String>())
            .unwrap();
        let plan = plan("managed/thing", unique);
        let submission = Submission { source: Source::File(path), filename: "things.csv".to_owned(), plan };
        let id = self.app.submit(vec![submission]).unwrap()[0];
        self.worker.run_waiting().unwrap();
        let counts = self.app.import(id).unwrap().counts;
        [counts.created, counts.updated, counts.unchanged, counts.failure]
    }

    /// Ids and members of all objects, in order of creation.
    fn objects(&self) -> Vec<(String, Members)> {
        let (stored, mut objects) = (self.stored(), Vec::new());
        let keep = |object: rollbook::object::Object| {
            let Value::Object(mut members) = object.to_json(&stored.object_type) else { panic!("no object") };
            members.retain(|name, _| !name.starts_with('_'));
            objects.push((object.id, members));
            Ok(())
        };
        self.app.repository.each_object(&stored, keep).unwrap();
        objects
    }

    /// Whether it was done; anything but a violation is no reason not to.
    fn done<T>(result: rollbook::error::Result<T>) -> bool {
        match result {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), Kind::Policy, "{error}");
                false
            }
        }
    }

    /// Does it here and in the oracle, which must agree.
    fn act(&self, act: &Act, oracle: &mut Oracle) -> std::result::Result<(), TestCaseError> {
        let there = self.objects();
        match act {
            Act::Create(members) => {
                let done = Installation::done(self.app.create_object(&mut self.stored(), members));
                prop_assert_eq!(done, oracle.write(None, None, members.clone()));
            }
            Act::Put(id, members) => {
                let at = oracle.0.iter().position(|(known, _)| *known == Some(id));
                let put = self.app.put_object(&mut self.stored(), id, members, &Condition::None);
                prop_assert!(
                    put.as_ref().is_ok_and(|put| matches!(put, Put::Created(_)) == at.is_none()) || put.is_err()
                );
                prop_assert_eq!(Installation::done(put), oracle.write(at, Some(id), members.clone()));
            }
            Act::Patch(at, name, value) if *at < there.len() => {
                let operation = if value.is_some() { "replace" } else { "remove" };
                let mut patch = json!({"operation": operation, "field": format!("/{name}")});
                let mut members = oracle.0[*at].1.clone();
                match value {
                    Some(value) => {
                        patch["value"] = json!(value);
                        members.insert((*name).to_owned(), json!(value));
                    }
                    None => drop(members.remove(*name)),
                }
                let patch = Patch::parse(&json!([patch])).unwrap();
                let done = self.app.patch_object(&mut self.stored(), &there[*at].0, &patch, &Condition::Present);
                prop_assert_eq!(Installation::done(done), oracle.write(Some(*at), None, members));
            }
            Act::Delete(at) if *at < there.len() => {
                self.app.delete_object(&mut self.stored(), &there[*at].0, &Condition::None).unwrap();
                oracle.0.remove(*at);
            }
            Act::Patch(..) | Act::Delete(_) => {}
            Act::Import(unique, records) => {
                prop_assert_eq!(self.import(unique, records), oracle.import(unique, records));
                let again = self.import(unique, records);
                prop_assert_eq!(again, oracle.import(unique, records), "again");
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_writes_objects_they_are_what_was_written(acts in vec(act(), 1..25)) {
        let installation = Installation::new();
        let mut oracle = Oracle::default();
        for act in &acts {
            installation.act(act, &mut oracle)?;
            let members = |objects: &[(String, Members)]| objects.iter().map(|(_, members)| members.clone()).collect::<Vec<_>>();
            let expected: Vec<Members> = oracle.0.iter().map(|(_, members)| members.clone()).collect();
            prop_assert_eq!(members(&installation.objects()), expected, "after {:?}", act);
            for index in installation.stored().indexes {
                let mut keys = oracle.0.iter().map(|(_, members)| trimmed(members, &index.properties[0]));
                let has_key = keys.any(|key| !key.is_empty());
                prop_assert_eq!(!index.is_empty, has_key, "{:?} after {:?}", index.properties, act);
            }
        }
    }
}
