//! What imports tell besides their counts, and how they are found.

use std::collections::BTreeSet;

use super::{Open, commit, failure, import, queued, session, thing, type_name};
use rollbook::clock;
use rollbook::failure::Failure;
use rollbook::import::{Counts, Import, ImportId, State};
use rollbook::plan::Origin;
use rollbook::report::{Change, FailureFilter, FailureGroup, ImportFilter, Milestone, Sample};
use rollbook::repository::{Attempt, Mode, Repository, Settled, Spooled};
use serde_json::json;

/// A record that violates these requirements of these properties.
fn violating(row: u64, wrongs: &[(&str, &str)]) -> Failure {
    let violations = wrongs.iter().map(|(requirement, property)| {
        json!({"property": property, "requirement": requirement, "message": format!("row {row} wants {requirement}")})
    });
    let problem = json!({"code": 403, "message": "no", "violations": violations.collect::<Vec<_>>()});
    Failure { row, cells: vec![format!("Cell {row}"), "Ö\0".to_owned()], problem }
}

/// The groups as `REQUIREMENT of PROPERTY in COLUMN: COUNT from ROW, EXAMPLE`.
fn groups(repository: &Repository, id: ImportId) -> Vec<String> {
    let groups = repository.failure_groups(id).unwrap();
    let told = groups.into_iter().map(|group| {
        let [property, column] = [group.property, group.column].map(|name| name.unwrap_or_else(|| "-".to_owned()));
        let (requirement, failures, row, example) = (group.requirement, group.failures, group.first_row, group.example);
        format!("{requirement} of {property} in {column}: {failures} from {row}, {example}")
    });
    told.collect()
}

/// The rows of all failures that a filter chooses, asked for a few at a time.
fn rows_of(repository: &Repository, id: ImportId, filter: &FailureFilter, limit: usize) -> Vec<u64> {
    let (mut rows, mut after) = (Vec::new(), 0);
    loop {
        let page = repository.failures_of(id, filter, after, limit).unwrap();
        assert!(page.failures.len() <= limit);
        rows.extend(page.failures.iter().map(|failure| failure.row));
        match page.next {
            None => return rows,
            Some(next) => {
                assert!(next > after && page.failures.iter().all(|failure| after < failure.row && failure.row <= next));
                after = next;
            }
        }
    }
}

/// An import of the command line has these groups of failures, which are found, and it is found itself.
pub(crate) fn must_be_as_it_was(repository: &Repository, id: ImportId, groups: &[FailureGroup]) {
    assert_eq!(repository.failure_groups(id).unwrap(), groups);
    for group in groups {
        let filter = FailureFilter {
            requirement: Some(group.requirement.clone()),
            property: group.property.clone(),
            ..FailureFilter::default()
        };
        assert_eq!(rows_of(repository, id, &filter, 9).len() as u64, group.failures);
    }
    let filter = ImportFilter { origin: Some(Origin::Cli), ..ImportFilter::default() };
    let found = repository.imports_before(&filter, None, 1).unwrap().imports.remove(0).1;
    assert_eq!(found.id, id);
}

pub(super) fn groups_are_counted(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let [import, other] = [(); 2].map(|()| queued(repository));
    let mut first = session(repository, &stored, &import);
    first.fail(violating(2, &[("REQUIRED", "id"), ("VALID_TYPE", "tags[0]"), ("VALID_TYPE", "tags[7]")]));
    first.fail(violating(5, &[("REQUIRED", "id")]));
    first.end_round().unwrap();
    first.fail(violating(9, &[("VALID_TYPE", "id")]));
    commit(&mut first, 0);
    first.begin().unwrap();
    first.fail(violating(300, &[("REQUIRED", "id")]));
    first.fail(failure(301));
    commit(&mut first, 0);
    // What is not committed was never there.
    first.begin().unwrap();
    first.fail(violating(400, &[("REQUIRED", "id")]));
    first.end_round().unwrap();
    drop(first);
    let expected = [
        "REQUIRED of id in id: 3 from 2, row 2 wants REQUIRED",
        "VALID_TYPE of tags in -: 1 from 2, row 2 wants VALID_TYPE",
        "VALID_TYPE of id in id: 1 from 9, row 9 wants VALID_TYPE",
        "VALID_RECORD of - in -: 1 from 301, row 301",
    ];
    assert_eq!(groups(&open(), import.id), expected);
    assert!(groups(&open(), other.id).is_empty());
    repository.start(import.id, Attempt::Resumed).unwrap();
    assert_eq!(groups(&open(), import.id).len(), 4);
    repository.start(import.id, Attempt::Anew).unwrap();
    assert!(groups(&open(), import.id).is_empty());
}

pub(super) fn groups_of_a_dry_run(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut dry = repository.session(&stored, &import, Mode::DryRun).unwrap();
    dry.begin().unwrap();
    for row in [2, 3] {
        dry.fail(violating(row, &[("REQUIRED", "id")]));
        dry.commit(Settled::default()).unwrap();
    }
    let expected = ["REQUIRED of id in id: 2 from 2, row 2 wants REQUIRED"];
    assert_eq!(groups(&open(), import.id), expected);
    repository.purge_failures(import.id).unwrap();
    assert!(groups(&open(), import.id).is_empty());
    let filter = FailureFilter { requirement: Some("REQUIRED".to_owned()), ..FailureFilter::default() };
    assert!(rows_of(&open(), import.id, &filter, 9).is_empty());
}

pub(super) fn failures_are_found(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut session = session(repository, &stored, &import);
    let wrongs = |row: u64| {
        let mut wrongs = vec![("REQUIRED", "id")];
        if row % 1000 == 7 {
            wrongs.push(("VALID_DATE", "since"));
        }
        if row.is_multiple_of(3) {
            wrongs.push(("REQUIRED", "since"));
        }
        violating(row, if row == 5000 { &[] } else { &wrongs })
    };
    let rows = 2..=9000_u64;
    for row in rows.clone() {
        session.fail(wrongs(row));
        if row % 2048 == 0 {
            session.end_round().unwrap();
        }
        if row == 6000 {
            commit(&mut session, 0);
            session.begin().unwrap();
        }
    }
    commit(&mut session, 0);
    let other = open();
    let filter = |[requirement, property, text]: [&str; 3]| {
        let [requirement, property, text] =
            [requirement, property, text].map(|word| Some(word.to_owned()).filter(|word| !word.is_empty()));
        FailureFilter { requirement, property, text }
    };
    let found = |words: [&str; 3], limit| rows_of(&other, import.id, &filter(words), limit);
    let is = |chosen: fn(&u64) -> bool| rows.clone().filter(chosen).collect::<Vec<u64>>();
    assert_eq!(found(["", "", ""], 1000), is(|_| true));
    assert_eq!(found(["VALID_DATE", "since", ""], 2), is(|row| row % 1000 == 7));
    assert_eq!(found(["", "since", ""], 4000), is(|row| row % 1000 == 7 || row % 3 == 0 && *row != 5000));
    assert_eq!(found(["REQUIRED", "", ""], 5000), is(|row| *row != 5000));
    assert_eq!(found(["VALID_RECORD", "", ""], 9), [5000]);
    assert!(found(["VALID_DATE", "id", ""], 9).is_empty());
    assert_eq!(found(["", "", " cELL 4711 "], 9), [4711]);
    assert_eq!(found(["", "", "8999"], 9), [8999]);
    assert_eq!(found(["REQUIRED", "since", "valid_date"], 9), is(|row| row % 1000 == 7 && row % 3 == 0));
    assert!(found(["", "", "nowhere"], 9).is_empty());
    assert_eq!(found(["", "", "ö"], 9000).len(), 8999);
}

pub(super) fn latest_first(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let types = ["managed/thing", "managed/user", "managed/role"];
    let mut imports: Vec<Import> = Vec::new();
    for n in 0..60_usize {
        let mut import = import(types[[0, 0, 0, 1, 0, 2][n % 6]]);
        import.plan.origin = Origin::ALL[[0, 1, 0, 2, 1][n % 5]];
        import.begin = format!("2026-03-{:02}T00:00:00.000Z", 1 + n / 2);
        imports.push(import);
    }
    repository.queue(&imports).unwrap();
    for (n, import) in imports.iter().enumerate().take(50) {
        repository.start(import.id, Attempt::Anew).unwrap();
        let end = clock::now();
        let state = match n % 7 {
            0 => continue,
            1 => State::Failed { end, problem: json!({}) },
            2 => State::Cancelled { end, by: None },
            _ => State::Finished { end },
        };
        repository.finish(import.id, &state, Counts::default(), &[], Spooled::Unneeded).unwrap();
    }
    let other = open();
    let mut all = other.imports_behind(0, 100).unwrap();
    all.reverse();
    let words = |words: &[&str]| words.iter().map(|word| type_name(word)).collect::<BTreeSet<_>>();
    let day = |day: u32| Some(format!("2026-03-{day:02}T00:00:00.000Z"));
    let mut looks = 0;
    for object_types in [None, Some(words(&[])), Some(words(&types[1..2])), Some(words(&types[..2]))] {
        for state in [None, Some("queued"), Some("failed"), Some("finished"), Some("running"), Some("nothing")] {
            for origin in [None, Some(Origin::Upload), Some(Origin::DropFolder)] {
                for (from, until) in [(None, None), (day(9), None), (None, day(21)), (day(9), day(21))] {
                    let filter = ImportFilter {
                        object_types: object_types.clone(),
                        state: state.map(str::to_owned),
                        origin,
                        from,
                        until,
                    };
                    let limit = 1 + looks % 7;
                    let (mut found, mut before) = (Vec::new(), None);
                    loop {
                        let page = other.imports_before(&filter, before, limit).unwrap();
                        assert!(page.imports.len() <= limit);
                        found.extend(page.imports);
                        if page.next.is_none() {
                            break;
                        }
                        assert!(before.is_none_or(|before| page.next < Some(before)));
                        before = page.next;
                    }
                    let expected: Vec<_> = all.iter().filter(|(_, import)| filter.matches(import)).cloned().collect();
                    assert_eq!(found, expected, "{filter:?}");
                    looks += 1;
                }
            }
        }
    }
}

pub(super) fn many_types(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let imports: Vec<Import> = (0..20).map(|n| import(&format!("managed/type{}", n % 4))).collect();
    repository.queue(&imports).unwrap();
    let types = |from: usize| (from..from + 100).map(|n| type_name(&format!("managed/type{n}"))).collect();
    let found = |object_types: BTreeSet<_>| {
        let filter = ImportFilter { object_types: Some(object_types), ..ImportFilter::default() };
        let page = open().imports_before(&filter, None, 7).unwrap();
        page.imports.into_iter().map(|(_, import)| import.id).collect::<Vec<_>>()
    };
    let expected = |chosen: fn(usize) -> bool| {
        let all = imports.iter().enumerate().rev().filter(|(n, _)| chosen(n % 4));
        all.map(|(_, import)| import.id).take(7).collect::<Vec<_>>()
    };
    assert_eq!(found(types(0)), expected(|_| true));
    assert_eq!(found(types(2)), expected(|n| n >= 2));
    assert!(found(types(4)).is_empty());
}

pub(super) fn milestones_and_samples(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let milestones = [(0, 0), (17, 4000), (2_000_000, 9)].map(Milestone::from);
    let samples: Vec<Sample> = (2..4)
        .map(|row| Sample {
            row,
            object: (row == 2).then(|| "an id".to_owned()),
            changes: vec![Change { property: "code\0".to_owned(), old: None, new: Some(json!({"a": ["\0ö", 1.5]})) }],
        })
        .collect();
    let mut session = session(repository, &stored, &import);
    session.commit(Settled { milestones: &milestones[..1], ..Settled::default() }).unwrap();
    session.begin().unwrap();
    session.commit(Settled { milestones: &milestones, samples: &samples, ..Settled::default() }).unwrap();
    drop(session);
    let other = open();
    assert_eq!(other.milestones(import.id).unwrap(), milestones);
    assert_eq!(other.samples(import.id).unwrap(), samples);
    let empty = queued(repository);
    assert!(other.milestones(empty.id).unwrap().is_empty() && other.samples(empty.id).unwrap().is_empty());
    repository.start(import.id, Attempt::Resumed).unwrap();
    assert_eq!(other.milestones(import.id).unwrap().len(), 3);
    repository.start(import.id, Attempt::Anew).unwrap();
    assert!(other.milestones(import.id).unwrap().is_empty() && other.samples(import.id).unwrap().is_empty());
}
