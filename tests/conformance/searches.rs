//! Searches find what [`Filter::matches`] chooses, wherever they look.

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use rollbook::filter::{Filter, Operand, Operator, Pointer};
use rollbook::object::{DocumentWriter, Excerpt, Object, Visible};
use rollbook::repository::{Found, ObjectNumber, Repository, Search, StoredType, Written};
use serde_json::{Value, json};

use super::{Open, apply, commit, committed, queued, session, thing};

/// Texts of which some differ in their case, some in outer blanks, and some would mean something in SQL or JSON.
const TEXTS: [&str; 20] = [
    "",
    " ",
    "7",
    "E-7",
    "e-7",
    "E-7 ",
    "kiss",
    "KISS",
    "\u{212A}i\u{17F}s",
    "KIſS",
    "ß",
    "ẞ",
    "Σ",
    "ς",
    "%",
    "_",
    "\\",
    "'\"]",
    "\n\0",
    "1",
];

const MANY: usize = 100_000;

fn all(repository: &Repository, stored: &StoredType, search: &Search, limit: usize) -> Vec<(ObjectNumber, Object)> {
    let (mut found, mut after) = (Vec::new(), Some(0));
    while let Some(start) = after {
        let page = repository.step(stored, search, start, limit).unwrap();
        assert!(page.found.len() <= limit);
        assert!(page.next.is_none_or(|next| next > start), "each step goes on");
        found.extend(page.found.into_iter().map(|found| (found.number, found.object)));
        after = page.next;
    }
    found
}

fn found(repository: &Repository, stored: &StoredType, filter: &str) -> (Vec<String>, bool) {
    let search = repository.search(stored, &Filter::parse(filter).unwrap(), Visible::Public).unwrap();
    let found = all(repository, stored, &search, 7);
    (found.into_iter().map(|(_, object)| object.cell(&stored.object_type, "id")).collect(), search.is_indexed())
}

pub(super) fn indexed(repository: &Repository, _: Open<'_>) {
    let stored = thing(repository);
    let long = "Barbara.Jensen@some.Department.of.Example.COM";
    committed(repository, &stored, &["E-7", "e-7", "7", "kiss", "KISS", "\u{212A}ISS", "x", long]);
    let ids = repository.objects(&stored, 0, 9).unwrap().objects.into_iter().map(|object| object.id);
    let ids: Vec<String> = ids.collect();
    for (filter, expected) in [
        ("id eq 'E-7'", vec!["E-7", "e-7"]),
        ("/id eq ' e-7 '", vec![]),
        ("id eq 'kiss' and code eq 'c'", vec!["kiss", "KISS", "\u{212A}ISS"]),
        ("id eq '7' or id in '[\"X\",\"y\"]'", vec!["7", "x"]),
        (&format!("id eq '{}'", long.to_lowercase()), vec![long]),
        ("id eq 'abcdefghijklmnop'", vec![]),
        ("false", vec![]),
        (&format!("_id eq '{}'", ids[2].to_uppercase()), vec!["7"]),
        (&format!("_id eq '{}' and !(id eq '7')", ids[2]), vec![]),
        ("_id eq 'unknown%'", vec![]),
    ] {
        assert_eq!(
            found(repository, &stored, filter),
            (expected.into_iter().map(str::to_owned).collect(), true),
            "{filter}"
        );
    }
    for (filter, expected) in [
        ("true", 8),
        ("code eq 'C'", 8),
        ("! (id eq '7')", 7),
        ("id eq '7' or code eq 'c'", 8),
        ("id sw 'k'", 2 + 1),
        ("id eq ''", 0),
    ] {
        let (found, is_indexed) = found(repository, &stored, filter);
        assert_eq!((found.len(), is_indexed), (expected, false), "{filter}");
    }
}

/// A search is over all that was there when it began, as it is when it comes by.
pub(super) fn while_others_write(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    committed(repository, &stored, &["a", "b", "c", "d"]);
    let search = repository.search(&stored, &Filter::parse("code eq 'c'").unwrap(), Visible::Public).unwrap();
    let first = repository.step(&stored, &search, 0, 2).unwrap();
    assert_eq!((first.found.len(), first.next), (2, Some(first.found[1].number)));
    let other = open();
    let import = queued(&other);
    let mut writing = session(&other, &stored, &import);
    writing.update(first.found[1].number + 1, 1, &super::document("c", "changed"));
    super::put(&other, &mut writing, &stored, "e", "c");
    commit(&mut writing, 2);
    let rest = repository.step(&stored, &search, first.next.unwrap(), 9).unwrap();
    let ids: Vec<String> = rest.found.iter().map(|found| found.object.cell(&stored.object_type, "id")).collect();
    assert_eq!((ids, rest.next), (vec!["d".to_owned()], None));
}

/// All steps of a search in a moment see the same, whatever others write.
pub(super) fn in_one_moment(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    committed(repository, &stored, &["a", "b", "c", "d"]);
    let ids = |found: &[Found]| -> Vec<String> {
        found.iter().map(|found| found.object.cell(&stored.object_type, "id")).collect()
    };
    // By looking at everything, and by an index.
    let filters = ["code eq 'c'", "id in '[\"A\",\"b\",\"c\",\"d\"]'"].map(|text| Filter::parse(text).unwrap());
    let begun = filters.each_ref().map(|filter| {
        let mut moment = repository.moment().unwrap();
        let search = moment.search(&stored, filter, Visible::Public).unwrap();
        let first = moment.step(&stored, &search, 0, 2).unwrap();
        assert_eq!(ids(&first.found), ["a", "b"]);
        (moment, search, first.next.unwrap())
    });
    let other = open();
    let last = other.objects(&stored, 0, 9).unwrap().objects.pop().unwrap();
    assert!(matches!(other.delete_object(&stored, &last).unwrap(), Written::Done(_)));
    for (mut moment, search, next) in begun {
        let rest = moment.step(&stored, &search, next, 9).unwrap();
        assert_eq!((ids(&rest.found), rest.next), (vec!["c".to_owned(), "d".to_owned()], None));
    }
    for filter in filters {
        let (_, now) = repository.search_at_once(&stored, &filter, Visible::Public, 0, 9).unwrap();
        assert_eq!((ids(&now.found).concat(), now.next), ("abc".to_owned(), None));
    }
}

pub(super) fn as_the_filter_says(repository: &Repository, _: Open<'_>) {
    let properties = json!({
        "id": {"type": "string", "policies": [{"policyId": "unique"}]},
        "code": {"type": "string"},
        "tags": {"type": "array"},
        "size": {"type": "number"},
        "some": {"type": "object", "properties": {"on": {"type": "boolean"}, "word": {"type": "string"}}},
        "secret": {"type": "string", "scope": "private"},
    });
    apply(repository, properties);
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    let (mut runner, filters) = (TestRunner::new(config), vec(filter(), 40));
    runner
        .run(&(vec(object(), 1..60), filters), |(objects, filters)| {
            let stored = repository.prepare_type(&"managed/thing".parse().unwrap(), &[], &["code".to_owned()]).unwrap();
            write(repository, &stored, &objects);
            let count = repository.object_count(&stored).unwrap();
            let everything = Excerpt::whole(&stored.object_type, Visible::Public);
            let literal = repository.search(&stored, &Filter::Literal(true), Visible::Public).unwrap();
            let objects = all(repository, &stored, &literal, MANY);
            assert_eq!(objects.len() as u64, count);
            for filter in &filters {
                let chosen = |(_, object): &&(ObjectNumber, Object)| filter.matches(&everything.json(object));
                let expected: Vec<_> = objects.iter().filter(chosen).cloned().collect();
                let search = repository.search(&stored, filter, Visible::Public).unwrap();
                assert!(all(repository, &stored, &search, 13) == expected, "{filter}");
            }
            Ok(())
        })
        .unwrap();
}

/// Writes objects and then some of them again, with their keys.
fn write(repository: &Repository, stored: &StoredType, objects: &[[Value; 8]]) {
    let first = repository.object_count(stored).unwrap();
    let import = queued(repository);
    let mut session = session(repository, stored, &import);
    let index = |path: &str| super::index(stored, path);
    for (at, values) in objects.iter().enumerate() {
        let mut values = values.clone();
        values[1] = json!((first + at as u64).to_string());
        let number = session.create(&document(&values));
        if at % 3 == 0 {
            session.end_round().unwrap();
            values[2] = objects[at / 2][2].clone();
            session.update(number, 1, &document(&values));
        }
        for (position, path) in [(1, "id"), (2, "code")] {
            if let Some(text) = values[position].as_str().map(str::trim).filter(|text| !text.is_empty()) {
                session.add_key(index(path), repository.hashes().key(&format!("{}\0", json!(text))), number);
            }
        }
    }
    commit(&mut session, objects.len() as u64);
}

fn document(values: &[Value; 8]) -> String {
    let mut document = String::new();
    let undeclared = values[0].is_object().then(|| values[0].to_string());
    let mut writer = DocumentWriter::new(&mut document, undeclared.as_deref());
    values[1..].iter().for_each(|value| writer.element(Some(&value.to_string())));
    writer.finish();
    document
}

fn text() -> impl Strategy<Value = String> {
    select(TEXTS.to_vec()).prop_map(str::to_owned)
}

fn optional(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 3 => value]
}

/// Undeclared members, then values in the order of the type's positions.
fn object() -> impl Strategy<Value = [Value; 8]> {
    let text = || text().prop_map(Value::from);
    let number = || prop_oneof![(-2i64..3).prop_map(Value::from), select(vec![0.5, 1.0, 1e300]).prop_map(Value::from)];
    let scalar = || prop_oneof![text(), number(), any::<bool>().prop_map(Value::from), Just(Value::Null)];
    let value = || {
        let nested = (scalar(), scalar()).prop_map(|(a, b)| json!({"a": a, "b": [b]}));
        prop_oneof![3 => scalar(), 1 => vec(scalar(), 0..3).prop_map(Value::from), 1 => nested]
    };
    let undeclared = optional((value(), value()).prop_map(|(more, other)| json!({"more": more, "other": other})));
    (
        undeclared,
        optional(text()),
        optional(vec(value(), 0..3).prop_map(Value::from)),
        optional(number()),
        optional(any::<bool>().prop_map(Value::from)),
        optional(text()),
        optional(text()),
    )
        .prop_map(|(undeclared, code, tags, size, on, word, secret)| {
            [undeclared, Value::Null, code, tags, size, on, word, secret]
        })
}

fn filter() -> impl Strategy<Value = Filter> {
    let paths = [
        "code",
        "code",
        "id",
        "tags",
        "tags/0",
        "size",
        "some",
        "some/on",
        "some/word",
        "secret",
        "more",
        "more/a",
        "other",
        "other/b/0",
        "_id",
        "_rev",
        "missing",
        "",
    ];
    let pointer =
        || select(paths.to_vec()).prop_map(|path| Pointer::new(path.split('/').filter(|part| !part.is_empty())));
    let operator = select(vec![
        Operator::Equal,
        Operator::Equal,
        Operator::Contains,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
        Operator::Other("like".to_owned()),
    ]);
    let operand = || {
        prop_oneof![
            5 => text().prop_map(Operand::Text),
            1 => any::<bool>().prop_map(Operand::Boolean),
            1 => (-2i64..3).prop_map(Operand::Integer),
            1 => select(vec![0.5, 1.0]).prop_map(Operand::Double),
            1 => Just(Operand::Null),
        ]
    };
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Filter::Literal),
        2 => pointer().prop_map(Filter::Present),
        8 => (pointer(), operator, operand())
            .prop_map(|(pointer, operator, value)| Filter::Comparison { pointer, operator, value }),
        3 => (pointer(), vec(operand(), 0..4)).prop_map(|(pointer, values)| Filter::In { pointer, values }),
    ];
    leaf.prop_recursive(3, 8, 3, |part| {
        prop_oneof![
            vec(part.clone(), 0..3).prop_map(Filter::And),
            vec(part.clone(), 0..3).prop_map(Filter::Or),
            part.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}
