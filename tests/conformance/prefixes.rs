//! Searches for texts that begin with a text find what [`Filter::matches`] chooses, in order.

use std::collections::BTreeSet;

use rollbook::filter::{Filter, Operand, Operator, Pointer};
use rollbook::object::{Object, Visible};
use rollbook::repository::{Prefix, Repository, StoredType, Written};
use serde_json::{Value, json};

use super::{Open, apply};

/// Texts of which some differ in their case, some are longer than what is indexed, and some would mean something in SQL,
/// JSON or an address.
fn texts() -> Vec<String> {
    let long = "x".repeat(63);
    let mut texts: Vec<String> = [
        "",
        " ",
        "a",
        "A",
        "ab",
        "AB",
        "aB~c",
        "a\0b",
        "a\0c",
        "a\\u0000b",
        "a\\u0000c",
        "a\\",
        "a%",
        "a_b",
        "a'\"]",
        "a\nb",
        "kiss",
        "KISS",
        "\u{212A}i\u{17F}s",
        "KIſSES",
        "kisz",
        "É",
        "é",
        "éa",
        "Éz",
        "e\u{301}",
        "ß",
        "ẞ",
        "Σ",
        "ς",
        "😀",
        "😀a",
        "\u{10FFFF}",
        "\u{10FFFF}\u{10FFFF}a",
        "7",
        "70",
        "null",
        "[0]",
        "{}",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend([
        format!("{long}y"),
        format!("{long}Y1"),
        format!("{long}y2"),
        format!("{long}\u{212A}3"),
        format!("{long}yz{long}"),
        "É".repeat(70),
        "É".repeat(64),
        "mississippi".to_owned(),
        "MISSIſſIPPI river".to_owned(),
    ]);
    texts
}

fn type_of_texts(repository: &Repository) -> StoredType {
    apply(
        repository,
        json!({
            "code": {"type": "string"},
            "note": {"type": ["string", "null"]},
            "size": {"type": ["string", "number"]},
            "secret": {"type": "string", "scope": "private"},
            "some": {"type": "object", "properties": {"word": {"type": "string"}}},
        }),
    );
    let name = "managed/thing".parse().unwrap();
    for path in ["size", "secret", "some/word", "code"] {
        repository.prepare_type(&name, &[], &[path.to_owned()]).unwrap();
    }
    repository.object_type(&name).unwrap().unwrap()
}

fn done(written: Written) -> Object {
    match written {
        Written::Done(object) => object,
        other => panic!("{other:?}"),
    }
}

fn put(repository: &Repository, stored: &StoredType, code: &Value) -> Object {
    let document = if code.is_null() { "[0]".to_owned() } else { format!("[0,{code}]") };
    done(repository.create_object(stored, None, &document).unwrap())
}

/// What is found page by page, and the heads in whose order it comes.
fn found(repository: &Repository, stored: &StoredType, text: &str, limit: usize) -> Vec<Object> {
    let prefix = Prefix::new(stored, "code", text, Visible::Public).unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = repository.step_by_prefix(stored, &prefix, after.as_ref(), limit, 5).unwrap();
        assert!(page.found.len() <= limit);
        found.extend(page.found);
        let Some(next) = page.next else { return found };
        assert!(after.is_none_or(|after| after < next), "each step goes on");
        after = Some(next);
    }
}

/// Holds what is found against what the filter chooses of all objects.
fn hold_against_the_filter(repository: &Repository, stored: &StoredType) {
    let mut asked: BTreeSet<String> = texts().into_iter().filter(|text| !text.is_empty()).collect();
    asked.extend(["k", "ki", "KI", "x", "XX", "a\0", "a\\u00", "É".repeat(69).as_str(), "miss"].map(str::to_owned));
    for text in asked {
        let filter = Filter::Comparison {
            pointer: Pointer::new(["code"]),
            operator: Operator::StartsWith,
            value: Operand::Text(text.clone()),
        };
        let search = repository.search(stored, &filter, Visible::Public).unwrap();
        let expected = repository.step(stored, &search, 0, 1000).unwrap().found;
        let mut expected: Vec<Object> = expected.into_iter().map(|found| found.object).collect();
        for limit in [1, 3, 100] {
            let mut found = found(repository, stored, &text, limit);
            let heads = found.iter().map(|object| object.cell(&stored.object_type, "code"));
            // Of a text with a NUL, each backend orders something else.
            let heads = heads.filter(|code| !code.contains(['\0', '\\']));
            let heads = heads.map(|code| code.chars().take(64).collect::<String>().to_ascii_lowercase());
            assert!(heads.is_sorted(), "{text:?}");
            let id = |object: &Object| object.id.clone();
            found.sort_by_key(id);
            expected.sort_by_key(id);
            assert_eq!(found, expected, "{text:?} {limit}");
        }
    }
}

pub(super) fn as_the_filter_says(repository: &Repository, open: Open<'_>) {
    let stored = type_of_texts(repository);
    let mut objects: Vec<Object> = texts().iter().map(|text| put(repository, &stored, &json!(text))).collect();
    put(repository, &stored, &Value::Null);
    let prefix = Prefix::new(&stored, "code", "a", Visible::Public).unwrap();
    assert!(!repository.has_prefix_index(&stored, &prefix).unwrap(), "nobody has asked for it");
    repository.make_prefix_index(&stored, &prefix).unwrap();
    let other = open();
    assert!(other.has_prefix_index(&stored, &prefix).unwrap());
    other.make_prefix_index(&stored, &prefix).unwrap();
    hold_against_the_filter(repository, &stored);
    // Changed to other texts and to the same, to none, and removed; and new ones.
    let texts = texts();
    for (at, object) in objects.iter_mut().enumerate() {
        match at % 4 {
            0 => {
                let text = json!(texts[(at + 7) % texts.len()]);
                *object = done(other.replace_object(&stored, object, &format!("[0,{text}]")).unwrap());
            }
            1 => *object = done(other.replace_object(&stored, object, "[0]").unwrap()),
            2 => drop(other.delete_object(&stored, object).unwrap()),
            _ => {
                let text = json!(texts[at]);
                *object = done(other.replace_object(&stored, object, &format!("[0,{text},\"n\"]")).unwrap());
            }
        }
    }
    for object in objects.iter().step_by(4) {
        done(other.replace_object(&stored, object, "[0,\"ABBA\"]").unwrap());
    }
    texts.iter().take(9).for_each(|text| drop(put(repository, &stored, &json!(text))));
    hold_against_the_filter(repository, &stored);
}

/// Where an index could miss something, or show what is not to be seen, none is asked.
pub(super) fn only_where_it_helps(repository: &Repository, _: Open<'_>) {
    let stored = type_of_texts(repository);
    let served = |path: &str, text: &str, visible| Prefix::new(&stored, path, text, visible).is_some();
    assert!(served("some/word", "a", Visible::Public), "part of a key");
    assert!(served("secret", "a", Visible::Everything));
    assert!(!served("secret", "a", Visible::Public), "private");
    assert!(!served("note", "a", Visible::Public), "nothing is found by it");
    assert!(!served("size", "a", Visible::Public), "may hold numbers");
    assert!(!served("code", "", Visible::Public), "everything");
    assert!(!served("/code", "a", Visible::Public), "not its path");
    assert!(!served("missing", "a", Visible::Public));
    repository.apply_types(&[json!({"name": "misc"})]).unwrap();
    let columns = ["mail".to_owned()];
    let open = repository.prepare_type(&"managed/misc".parse().unwrap(), &columns, &columns).unwrap();
    assert!(Prefix::new(&open, "mail", "a", Visible::Public).is_none(), "may have undeclared values");
}
