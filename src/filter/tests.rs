use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value as Json, json};

use super::{Filter, Operand, Operator, Pointer};
use crate::error::Kind;

fn read(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> String {
    let error = Filter::parse(text).expect_err(text);
    assert_eq!(error.kind(), Kind::Request, "{text}");
    error.message().to_owned()
}

/// Texts, and how the tree that they are read as is written.
const VALID: &[(&str, &str)] = &[
    ("true", "true"),
    ("TRUE", "true"),
    ("False", "false"),
    ("  true  ", "true"),
    (r#"/name eq "alice""#, r#"/name eq "alice""#),
    ("/name eq 'alice'", r#"/name eq "alice""#),
    (r#"/name eq "al'ice""#, r#"/name eq "al'ice""#),
    (r#"/name eq 'al"ice'"#, r#"/name eq "al\"ice""#),
    (r#"/name eq "al\"ice""#, r#"/name eq "al\"ice""#),
    (r"/name eq 'al\'ice'", r#"/name eq "al'ice""#),
    (r#"/name eq "\\alice""#, r#"/name eq "\\alice""#),
    (r#"/name eq "\n""#, r#"/name eq "n""#),
    ("/name eq \"al\\\nice\"", "/name eq \"al\nice\""),
    (r#"/name eq """#, r#"/name eq """#),
    (r#"/name eq "a)b(c""#, r#"/name eq "a)b(c""#),
    ("/balance eq 3.14159", "/balance eq 3.14159"),
    ("/isAdmin eq false", "/isAdmin eq false"),
    ("/n eq TRUE", "/n eq true"),
    ("/n eq Null", "/n eq null"),
    ("/n eq -5", "/n eq -5"),
    ("/n eq +5", "/n eq 5"),
    ("/n eq 1.5e3", "/n eq 1500.0"),
    ("/n eq 1.", "/n eq 1.0"),
    ("/n eq .5", "/n eq 0.5"),
    ("/n eq 1e5", "/n eq 100000.0"),
    ("/n eq 1e300", "/n eq 1e300"),
    ("/n eq 9223372036854775807", "/n eq 9223372036854775807"),
    ("/n eq -9223372036854775808", "/n eq -9223372036854775808"),
    ("/age LE 1234", "/age le 1234"),
    ("/age Gt 1234", "/age gt 1234"),
    ("/name CO 'al'", r#"/name co "al""#),
    ("/name sw 'al'", r#"/name sw "al""#),
    ("/name ew 'al'", r#"/name ew "al""#),
    ("/name regex 'al.*'", r#"/name regex "al.*""#),
    ("/name Match_2.0 'x'", r#"/name Match_2.0 "x""#),
    ("/name PR", "/name pr"),
    ("/a pr and /b pr", "/a pr and /b pr"),
    ("(/age lt 18 and /age gt 30)", "/age lt 18 and /age gt 30"),
    ("/a eq 1 OR /b eq 2 AND /c eq 3", "/a eq 1 or /b eq 2 and /c eq 3"),
    ("((/a pr or /b pr)) and /c pr", "(/a pr or /b pr) and /c pr"),
    ("(/a pr and /b pr) and /c pr", "(/a pr and /b pr) and /c pr"),
    ("/a pr or (/b pr or /c pr)", "/a pr or (/b pr or /c pr)"),
    ("! (/age eq 1234)", "! /age eq 1234"),
    ("!(! (/age eq 1234))", "! (! /age eq 1234)"),
    ("! true", "! true"),
    ("!true", "! true"),
    ("!/a pr", "! /a pr"),
    ("/!a pr", "/!a pr"),
    ("!(a pr or b pr) and c pr", "! (/a pr or /b pr) and /c pr"),
    (r#"/userName in '["user4a","user3a"]'"#, r#"/userName in '["user4a","user3a"]'"#),
    (r#"x IN "[ 1 , \"a,\\\"b\", 1.0,true,null ]""#, r#"/x in '[1,"a,\\"b",1.0,true,null]'"#),
    (r"x in '[]'", "/x in '[]'"),
    ("preferences/updates eq true", "/preferences/updates eq true"),
    ("/a/%65 eq 1", "/a/e eq 1"),
    ("/a%2Fb eq 1", "/a%2Fb eq 1"),
    ("/%20%25%28 eq 1", "/%20%25%28 eq 1"),
    ("/a~1b eq 1", "/a~1b eq 1"),
    ("/a/ eq 1", "/a eq 1"),
    ("/ eq 1", "/ eq 1"),
    ("// eq 1", "// eq 1"),
    ("/a//b eq 1", "/a//b eq 1"),
    ("/true pr", "/true pr"),
    (r#"city eq "London"and sn eq "Jensen""#, r#"/city eq "London" and /sn eq "Jensen""#),
    (r#"/begin ge "2020-04-17T00:00:00.000Z""#, r#"/begin ge "2020-04-17T00:00:00.000Z""#),
];

#[test]
fn filters_are_read_and_written() {
    for (text, canonical) in VALID {
        let filter = read(text);
        assert_eq!(filter.to_string(), *canonical, "{text}");
        assert_eq!(read(canonical), filter, "{text}");
    }
}

#[test]
fn the_tree_is_what_the_text_says() {
    let of = |name: &str, operator, value| Filter::Comparison { pointer: Pointer::new([name]), operator, value };
    assert_eq!(
        read(r#"a eq 1 or b sw "x" and !(c pr) or d regex 2.5"#),
        Filter::Or(vec![
            of("a", Operator::Equal, Operand::Integer(1)),
            Filter::And(vec![
                of("b", Operator::StartsWith, Operand::Text("x".into())),
                Filter::Not(Box::new(Filter::Present(Pointer::new(["c"])))),
            ]),
            of("d", Operator::Other("regex".into()), Operand::Double(2.5)),
        ])
    );
    let list = vec![Operand::Text("a,\u{e9}\"".into()), Operand::Null, Operand::Integer(-1)];
    assert_eq!(
        read(r#"a/b in '["a,\\u00e9\\"", null,-1]'"#),
        Filter::In { pointer: Pointer::new(["a", "b"]), values: list }
    );
}

/// What is refused, at which character, and why.
const INVALID: &[(&str, u32, &str)] = &[
    ("(", 2, "the filter ends where a property, 'true', 'false' or '(' belongs"),
    (")", 1, "a property, 'true', 'false' or '(' belongs here, not ')'"),
    ("()", 2, "a property, 'true', 'false' or '(' belongs here, not ')'"),
    ("xxx", 4, "the filter ends where an operator such as 'eq', 'co', 'sw' or 'pr' belongs"),
    ("nt", 3, "the filter ends where an operator"),
    ("x and y", 3, "an operator such as 'eq', 'co', 'sw' or 'pr', followed by a blank, belongs here, not 'and'"),
    ("x or y", 3, "an operator such as"),
    ("x and true", 3, "an operator such as"),
    ("true and", 9, "the filter ends where a property"),
    ("true or", 8, "the filter ends where a property"),
    ("true and true and", 18, "the filter ends where a property"),
    ("true or false or", 17, "the filter ends where a property"),
    ("foo eq bar", 8, "a string in quotes, a number of 64 bits, true, false or null belongs here, not 'bar'"),
    ("foo eq bar\"", 8, "a string in quotes"),
    ("foo eq \"bar", 8, "nothing closes the string that starts here"),
    ("foo eq \"bar\\", 8, "nothing closes the string that starts here"),
    ("foo eq 'bar\\'", 8, "nothing closes the string that starts here"),
    ("foo in '[1]", 8, "nothing closes the string that starts here"),
    ("foo eq", 7, "the filter ends where a string in quotes"),
    ("foo eq (1)", 8, "a string in quotes"),
    ("foo pr 123", 8, "'and', 'or' or the end of the filter belongs here, not '123'"),
    ("true foo", 6, "'and', 'or' or the end of the filter belongs here, not 'foo'"),
    ("true)", 5, "this ')' closes nothing"),
    ("a pr and ((true)", 10, "nothing closes this '('"),
    ("(true false)", 7, "'and', 'or' or ')' belongs here, not 'false'"),
    ("name op! 123", 6, "an operator such as"),
    ("name op! 123\\", 6, "an operator such as"),
    ("name !op 123", 6, "an operator such as"),
    ("'name' eq 1", 1, "a property, 'true', 'false' or '(' belongs here, not 'name'"),
    ("sn eq\"Jensen\"", 4, "an operator such as 'eq', 'co', 'sw' or 'pr', followed by a blank,"),
    ("! ! (true)", 3, "'!' cannot follow '!' without a bracket"),
    ("!!true", 2, "'!' cannot follow '!' without a bracket"),
    ("!", 2, "the filter ends where a property"),
    ("%%% eq 1", 1, "'%%%' has a percent sign that does not begin an encoded character"),
    ("true or /a%ff eq 1", 9, "'/a%ff' has a percent sign"),
    ("a%4 pr", 1, "'a%4' has a percent sign"),
    ("a%+4 pr", 1, "'a%+4' has a percent sign"),
    ("a\teq 1", 7, "the filter ends where a string in quotes"),
    (
        "\u{e4}\u{1f600} eq b\tc",
        7,
        "a string in quotes, a number of 64 bits, true, false or null belongs here, not 'b\\tc'",
    ),
    ("/n eq 9223372036854775808", 7, "a string in quotes"),
    ("/n eq -9223372036854775809", 7, "a string in quotes"),
    ("/n eq 1e400", 7, "a string in quotes"),
    ("/n eq inf", 7, "a string in quotes"),
    ("/n eq NaN", 7, "a string in quotes"),
    ("/n eq 0x1.", 7, "a string in quotes"),
    ("/n eq 1_000", 7, "a string in quotes"),
    ("/n eq .", 7, "a string in quotes"),
    ("/n eq 1.e", 7, "a string in quotes"),
    ("a in 1", 6, "a string with a JSON array of values, as in '[\"a\",\"b\"]', belongs here, not '1'"),
    ("a in 'x'", 6, "a string with a JSON array"),
    ("a in '[1,]'", 6, "a string with a JSON array"),
    ("a in '[[1]]'", 6, "a string with a JSON array"),
    ("a in '[\"a\" \"b\"]'", 6, "a string with a JSON array"),
    ("a in '[\"a]'", 6, "a string with a JSON array"),
    ("a in '[9223372036854775808]'", 6, "a string with a JSON array"),
    ("a in '['", 6, "a string with a JSON array"),
    ("/roles[/id eq \"x\"]", 18, "'and', 'or' or the end of the filter belongs here, not ']'"),
];

#[test]
fn refusals_say_what_and_where() {
    for (text, character, why) in INVALID {
        let message = refusal(text);
        let expected = format!("the filter is wrong at character {character}: {why}");
        assert!(message.starts_with(&expected), "{text}: {message}");
    }
    for text in ["", "   "] {
        assert_eq!(refusal(text), "the filter is empty; 'true' chooses everything");
    }
    let long = refusal(&format!("a eq {}", "x".repeat(1000)));
    assert!(long.ends_with(&format!("not '{}...'", "x".repeat(40))), "{long}");
}

#[test]
fn depth_and_size_are_bounded() {
    for [open, close] in [["(", ")"], ["!(", ")"], ["(true and ", ")"], ["(false or (true and ", "))"]] {
        let brackets = open.matches('(').count();
        let nested = |times: usize| format!("{}! a pr{}", open.repeat(times), close.repeat(times));
        let deepest = read(&nested(256 / brackets));
        assert_eq!(read(&deepest.to_string()), deepest);
        let _ = deepest.matches(&json!({}));
        for times in [256 / brackets + 1, 2500] {
            assert!(refusal(&nested(times)).ends_with("more than 256 brackets are open"), "{open}");
        }
    }
    for piece in ["(", "!(", "!", "! ", ")"] {
        refusal(&piece.repeat(10_000));
    }
    let wide = format!("{}true", "true and ".repeat(7000));
    assert!(read(&wide).matches(&json!({})));
    assert!(read(&format!("{}true", " ".repeat(65_532))).matches(&json!({})));
    let refused = refusal(&format!("{}true", " ".repeat(65_533)));
    assert_eq!(refused, "the filter has 65537 bytes, and at most 65536 are allowed");
}

fn example() -> Json {
    json!({
        "name": "Alice", "greek": "\u{39f}\u{394}\u{39f}\u{3a3}", "street": "Stra\u{df}e", "digits": "10",
        "n": 5, "half": 2.5, "one": 1.0, "big": 9_007_199_254_740_993_i64, "max": i64::MAX, "huge": u64::MAX,
        "yes": true, "no": false, "nothing": null, "empty": "",
        "tags": ["Red", "green", 7, null], "none": [], "nested": [["Red"]],
        "preferences": {"updates": true, "a/b": 1, "": 2}, "list": [{"id": "x"}, {"id": "y"}],
    })
}

/// Filters and whether they choose the example.
const CHOICES: &[(&str, bool)] = &[
    // Strings ignore case, everywhere and not in ASCII only.
    ("name eq 'aLICE'", true),
    ("name eq 'Alic'", false),
    ("Name eq 'Alice'", false),
    ("name co 'LIC'", true),
    ("name co ''", true),
    ("name sw 'AL'", true),
    ("name sw 'Alice B'", false),
    ("name sw 'l'", false),
    ("name ew 'ICE'", true),
    ("name ew 'alic'", false),
    ("name gt 'albert'", true),
    ("name lt 'BOB'", true),
    ("name ge 'ALICE' and name le 'alice'", true),
    ("name gt 'ALICE' or name lt 'alice'", false),
    ("greek eq '\u{3bf}\u{3b4}\u{3bf}\u{3c2}'", true),
    ("street eq 'STRA\u{df}E'", true),
    ("street eq 'strasse'", false),
    ("empty pr and empty eq ''", true),
    ("digits gt '9'", false),
    // Kinds never meet.
    ("digits eq 10", false),
    ("n eq '5'", false),
    ("n co '5'", false),
    ("yes eq 'true'", false),
    ("preferences co 'updates'", false),
    // Numbers: integers exactly, anything else as doubles.
    ("n eq 5", true),
    ("n eq 5.0", true),
    ("n co 5", true),
    ("n sw 5.0", true),
    ("n co 50", false),
    ("one eq 1", true),
    ("half gt 2 and half lt 3 and half ge 2.5", true),
    ("n lt 5 or n gt 5", false),
    ("big eq 9007199254740993", true),
    ("big eq 9007199254740992", false),
    ("big eq 9007199254740992.0", true),
    ("max eq 9223372036854775807", true),
    ("max gt 9223372036854775806", true),
    ("huge gt 9223372036854775807", true),
    ("huge eq 9223372036854775807", false),
    ("huge gt 1.5", true),
    // Booleans.
    ("yes eq TRUE", true),
    ("yes eq false", false),
    ("no lt true", true),
    ("no sw false", true),
    // Arrays: any element, one level deep.
    ("tags eq 'RED'", true),
    ("tags sw 'gr'", true),
    ("tags eq 7", true),
    ("tags eq 'blue'", false),
    ("!(tags eq 'blue')", true),
    ("nested eq 'red'", false),
    ("none eq 1", false),
    ("list/1/id eq 'y'", true),
    ("list/2/id pr", false),
    ("list/+1/id pr", false),
    ("list/id pr", false),
    // Presence and null.
    ("name pr", true),
    ("nothing pr", false),
    ("missing pr", false),
    ("none pr", true),
    ("/ pr", true),
    ("nothing eq null", true),
    ("missing eq null", true),
    ("missing sw null", true),
    ("name eq null", false),
    ("tags eq null", false),
    ("none eq null", false),
    ("missing le null", false),
    ("!(missing eq 1)", true),
    ("missing lt 1", false),
    ("name/first pr", false),
    ("preferences/updates eq true", true),
    ("preferences/a%2Fb eq 1", true),
    ("preferences// eq 2", true),
    // `in`.
    (r#"name in '["bob","ALICE"]'"#, true),
    (r#"name in '["bob"]'"#, false),
    ("name in '[]'", false),
    ("n in '[4,5]'", true),
    ("n in '[\"5\"]'", false),
    ("tags in '[1,7]'", true),
    ("missing in '[1]'", false),
    ("missing in '[1,null]'", true),
    // Unknown operators leave it open, and an open answer chooses nothing.
    ("name regex '.*'", false),
    ("!(name regex '.*')", false),
    ("missing regex '.*'", false),
    ("name regex '.*' or true", true),
    ("name regex '.*' or false", false),
    ("!(name regex '.*' and false)", true),
    ("!(name regex '.*' and true)", false),
    ("!(name regex '.*' or false)", false),
    ("true", true),
    ("!false", true),
    ("!name pr", false),
    ("false and true or true", true),
    ("true or true and false", true),
    ("(true or true) and false", false),
];

#[test]
fn filters_choose_objects() {
    let object = example();
    for (text, expected) in CHOICES {
        assert_eq!(read(text).matches(&object), *expected, "{text}");
    }
    assert!(Filter::And(Vec::new()).matches(&object));
    assert!(!Filter::Or(Vec::new()).matches(&object));
    assert!(read("/ eq 'a'").matches(&json!("A")));
    assert!(!read("/ pr").matches(&Json::Null));
}

fn pointers() -> impl Strategy<Value = Pointer> {
    vec(prop_oneof!["[a-c]{1,2}", "[ -~]{0,3}", "\\PC{0,3}", any::<String>(), Just("true".to_owned())], 0..4)
        .prop_map(Pointer::new)
}

fn operands() -> impl Strategy<Value = Operand> {
    prop_oneof![
        Just(Operand::Null),
        any::<bool>().prop_map(Operand::Boolean),
        any::<i64>().prop_map(Operand::Integer),
        any::<f64>().prop_filter("finite", |double| double.is_finite()).prop_map(Operand::Double),
        prop_oneof!["[ -~]{0,6}", any::<String>(), "[\\\\\"',()]{0,5}"].prop_map(Operand::Text),
    ]
}

fn operators() -> impl Strategy<Value = Operator> {
    use Operator::{Contains, EndsWith, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Other, StartsWith};
    let known = [Equal, Contains, StartsWith, EndsWith, Less, LessOrEqual, Greater, GreaterOrEqual];
    prop_oneof![proptest::sample::select(known.to_vec()), "x[a-zA-Z_0-9.]{0,4}".prop_map(Other)]
}

fn filters() -> impl Strategy<Value = Filter> {
    let leaves = prop_oneof![
        any::<bool>().prop_map(Filter::Literal),
        pointers().prop_map(Filter::Present),
        (pointers(), operators(), operands()).prop_map(|(pointer, operator, value)| Filter::Comparison {
            pointer,
            operator,
            value
        }),
        (pointers(), vec(operands(), 0..4)).prop_map(|(pointer, values)| Filter::In { pointer, values }),
    ];
    leaves.prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Filter::And),
            vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

/// A text made of pieces that belong into filters, in any order.
fn nearly_filters() -> impl Strategy<Value = String> {
    let pieces = [
        "(", ")", "!", " ", "\"", "'", "\\", "true", " and ", " or ", "a", "/", "%41", "%", " pr", " eq ", " in ", "1",
        ".5", "e5", "'[1]'", "\"x\"", "\u{e9}", "\t", "null", "x eq 1",
    ];
    vec(proptest::sample::select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_read(filter in filters()) {
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text).ok(), Some(filter), "{}", text);
    }

    #[test]
    fn no_text_is_too_much(near in nearly_filters(), any in any::<String>()) {
        let object = example();
        for text in [near, any] {
            let Ok(filter) = Filter::parse(&text) else { continue };
            prop_assert_eq!(Filter::parse(&filter.to_string()).ok(), Some(filter.clone()), "{}", text);
            let opposite = Filter::Not(Box::new(filter.clone()));
            prop_assert!(!(filter.matches(&object) && opposite.matches(&object)), "{}", text);
        }
    }

    #[test]
    fn null_is_what_is_not_present(pointer in pointers()) {
        let equal = Filter::Comparison { pointer: pointer.clone(), operator: Operator::Equal, value: Operand::Null };
        prop_assert_eq!(equal.matches(&example()), !Filter::Present(pointer).matches(&example()));
    }
}
