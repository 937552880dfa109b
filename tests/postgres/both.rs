//! The same files, imported on every backend: whoever looks from outside must not see a difference.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::crash::Dice;
use crate::crash::account::{documents, must_equal};
use crate::database::Backend;
use crate::harness::Folder;

const IMPORT: &str = "--into managed/thing --unique id";

/// How many records a file has.
const RECORDS: u32 = 300;

/// Every kind of property, two of which must be unique.
fn things() -> String {
    let unique = json!({"type": "string", "policies": [{"policyId": "unique"}]});
    let properties = json!({
        "id": unique,
        "code": unique,
        "text": {"type": "string"},
        "amount": {"type": "number"},
        "flag": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "list": {"type": "array", "items": {"type": "string"}},
        "place": {"type": "object", "properties": {"city": {"type": "string"}}},
    });
    json!({"name": "thing", "schema": {"required": ["id"], "properties": properties}}).to_string()
}

/// An installation on each backend.
fn folders(definition: &str) -> Vec<Folder> {
    let folder = |backend| Folder::on(backend).file("thing.json", definition).after("types apply thing.json");
    [Backend::Sqlite, Backend::Postgres, Backend::PostgresNew].map(folder).into()
}

/// What is to be seen of an installation after an import: what was said about it, its counts, the file of its failures, and
/// what is stored.
struct Seen {
    account: String,
    import: Value,
    failures: String,
    objects: String,
    documents: Vec<(String, u64)>,
}

/// When this file is imported everywhere, then everywhere the same is seen.
#[track_caller]
fn import(folders: Vec<Folder>, file: &str, options: &str) -> (Vec<Folder>, Seen) {
    let mut seen = Vec::new();
    let mut after = Vec::new();
    for folder in folders {
        let folder = folder.file("things.csv", file);
        let account = folder.account(&format!("import things.csv {IMPORT} {options}"));
        let mut import = folder.run("imports list --json").json().pop().unwrap();
        let id = import["_id"].as_str().unwrap().to_owned();
        let members = import.as_object_mut().unwrap();
        for differs in ["_id", "reconId", "begin", "started", "end"] {
            members.remove(differs);
        }
        let failures = folder.run(&format!("imports failures {id}")).stdout();
        let (objects, documents) = (folder.objects("managed/thing"), documents(&folder, "managed/thing"));
        seen.push(Seen { account, import, failures, objects, documents });
        after.push(folder);
    }
    let first = seen.remove(0);
    for other in seen {
        other.must_equal(&first, options);
    }
    (after, first)
}

impl Seen {
    /// Says only what differs.
    #[track_caller]
    fn must_equal(&self, other: &Seen, what: &str) {
        assert_eq!(self.import, other.import, "{what}");
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        for [our, other] in
            [[&self.account, &other.account], [&self.failures, &other.failures], [&self.objects, &other.objects]]
        {
            must_equal(&lines(our), &lines(other), what);
        }
        must_equal(&self.documents, &other.documents, what);
    }
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// One of these.
fn one<'a>(dice: &mut Dice, of: &[&'a str]) -> &'a str {
    of[dice.below(u32::try_from(of.len()).unwrap()) as usize]
}

/// Records of all kinds, most of which have values that programs stumble over. Unless they are to be sound, some repeat a key
/// and some are wrong.
fn mixed(dice: &mut Dice, naughty: &[String], sound: bool) -> String {
    let naughty: Vec<&str> = naughty.iter().map(String::as_str).filter(|text| !sound || !text.contains('\0')).collect();
    let mut file = "id,code,text,amount,flag,day,list,place/city\n".to_owned();
    for number in 0..RECORDS {
        let id = match dice.below(12) {
            _ if sound => format!("thing {number}"),
            0 => String::new(),
            1 => one(dice, &naughty).to_owned(),
            _ => format!("thing {}", dice.below(RECORDS)),
        };
        let code = match dice.below(6) {
            _ if sound => format!("Sound {number}"),
            0 => format!("Code {}", dice.below(40)),
            1 => format!("cODE {}", dice.below(40)),
            2 => one(dice, &naughty).to_owned(),
            _ => String::new(),
        };
        let text = one(dice, &naughty);
        // Of the values of a column the later ones are wrong.
        let is_fine = sound || dice.below(4) > 0;
        let mut cell =
            |values: &[&'static str], fine: usize| one(dice, &values[..if is_fine { fine } else { values.len() }]);
        let amount = cell(&["", "0", "-0", "1.50", "9223372036854775807", "1e308", "1e400", "x"], 6);
        let flag = cell(&["", "true", "FALSE", "perhaps"], 3);
        let days =
            ["", "0001-01-01", "9999-12-31", "2024-02-29", "1969-12-31", "2023-02-29", "0000-01-01", "10000-01-01"];
        let day = cell(&days, 5);
        let list = cell(&["", "[]", r#"["a","\u0000b"]"#, "[1]", "no list"], 3);
        let city = cell(&["", "Oslo", "Ω\u{1}\u{10FFFF}", "'; DROP TABLE object; --", "\u{FEFF}x", "a\0b"], 5);
        let cells = [&id, &code, text, amount, flag, day, list, city].map(quoted);
        writeln!(file, "{}", cells.join(",")).unwrap();
    }
    file
}

fn naughty() -> Vec<String> {
    let mut naughty: Vec<String> = serde_json::from_str(include_str!("../naughty.json")).unwrap();
    naughty.extend(["a\0b", "\0", "\u{1}\u{7f}\u{80}", "\u{FFFF}\u{10FFFF}", "\\000", "NULL\0"].map(str::to_owned));
    naughty
}

/// Every one of them as a value, as a key, and of a record that fails.
#[test]
fn naughty_strings_are_the_same() {
    let mut file = "id,code,text,amount\n".to_owned();
    for (text, number) in naughty().iter().zip(0..) {
        writeln!(file, "{number},{0},{0},1", quoted(text)).unwrap();
        writeln!(file, "{},again,{},1", quoted(text), quoted(text)).unwrap();
        writeln!(file, "x{number},,{},no number", quoted(text)).unwrap();
    }
    let (folders, first) = import(folders(&things()), &file, "");
    assert!(first.import["failure"].as_u64() >= Some(naughty().len() as u64), "{}", first.account);
    let (_, again) = import(folders, &file, "");
    assert_eq!([&again.import["created"], &again.import["updated"]], [0, 0], "{}", again.account);
}

/// Files one after the other, by a seed: what the one stored, the next one finds, changes, or leaves.
#[test]
fn mixed_files_are_the_same() {
    let (mut dice, naughty, mut folders) = (Dice::new(), naughty(), folders(&things()));
    for (options, sound, outcomes) in [
        ("", false, &["created", "failure"][..]),
        ("", false, &["created", "updated", "failure"]),
        ("--dry-run", false, &["created", "updated", "failure"]),
        ("--atomic", false, &["failure", "unprocessed"]),
        ("--blank keep", false, &["created", "updated", "failure"]),
        ("--dry-run --atomic", false, &["failure", "unprocessed"]),
        ("--atomic", true, &["updated"]),
        ("--atomic --duplicates last-wins", true, &["updated"]),
    ] {
        let file = mixed(&mut dice, &naughty, sound);
        for again in [false, true] {
            let seen;
            (folders, seen) = import(folders, &file, options);
            let expected = if again { &[] } else { outcomes };
            for name in expected {
                assert_ne!(seen.import[name], 0, "{options}: {name}: {}", seen.import);
            }
        }
    }
}

/// Of a type without a schema every file brings columns of its own, in an order of its own.
#[test]
fn columns_of_an_open_type_are_the_same() {
    let mut folders = folders(r#"{"name": "thing"}"#);
    for (file, options) in [
        ("id,color\n1,red\n2,blue\n", "--atomic"),
        ("id,size,color\n1,big,red\n3,small,green\n", "--atomic"),
        ("weight,id\n7,3\n8,4\n", "--dry-run --atomic"),
        ("weight,id,size\n7,3,\n8,4,big\n", ""),
        ("id,weight,color\n4,9,grey\n", "--atomic"),
    ] {
        let seen;
        (folders, seen) = import(folders, file, options);
        assert_eq!(seen.import["failure"], 0, "{}", seen.account);
    }
    let stored = folders[0].objects("managed/thing");
    assert!(stored.contains(r#"{"id":"3","color":"green","weight":"7"}"#), "{stored}");
}
