//! Regular expressions of definitions, ready to be asked.

use std::fmt;

use fancy_regex::{Regex, RegexBuilder};
use serde_json::{Map, Value as Json};

use super::Violation;
use super::javascript::{Flags, translate};

/// Steps after which a pattern with look-around or back-references gives up on a text. A text of some hundred
/// characters needs a few thousand; what needs more is a pattern that explodes.
const BACKTRACK_LIMIT: usize = 100_000;

/// A pattern in JavaScript's syntax, searched for anywhere in a text.
///
/// Patterns without look-around and back-references run in time linear to the text, whatever they are.
#[derive(Clone)]
pub struct Pattern {
    regexp: String,
    flags: Option<String>,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern; the error says what about it is wrong.
    pub(crate) fn new(regexp: &str, flags: Option<&str>) -> Result<Pattern, String> {
        let parsed = Flags::parse(flags.unwrap_or_default())?;
        let translated = translate(regexp, parsed).map_err(|fault| format!("pattern '{regexp}': {fault}"))?;
        let regex = RegexBuilder::new(&translated)
            .case_insensitive(parsed.ignore_case)
            .backtrack_limit(BACKTRACK_LIMIT)
            .build()
            .map_err(|error| format!("pattern '{regexp}': {}", reason(&error.to_string())))?;
        Ok(Pattern { regexp: regexp.to_owned(), flags: flags.map(str::to_owned), regex })
    }

    pub(super) fn check(&self, path: &str, text: &str) -> Option<Violation> {
        let said = match self.regex.is_match(text) {
            Ok(true) => return None,
            Ok(false) => "does not match the pattern",
            Err(_) => "takes too long to compare with the pattern",
        };
        let violation = Violation::new(path, "MATCH_REGEXP", text, format_args!("{said} '{}'", self.regexp));
        let mut params = Map::from_iter([("regexp".to_owned(), Json::from(self.regexp.as_str()))]);
        params.extend(self.flags.as_deref().map(|flags| ("flags".to_owned(), Json::from(flags))));
        Some(violation.with_params(Json::Object(params)))
    }
}

/// Two patterns are one when they are written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        (&self.regexp, &self.flags) == (&other.regexp, &other.flags)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}", self.regexp, self.flags.as_deref().unwrap_or_default())
    }
}

/// What the regex library says, as our sentences begin and without the place, which is one in the translated pattern.
fn reason(message: &str) -> String {
    let last = message.lines().last().unwrap_or(message).trim_start_matches("error: ");
    let place = last.split_once(": ").filter(|(place, _)| place.starts_with("Parsing error at position"));
    let reason = place.map_or(last, |(_, reason)| reason);
    let mut letters = reason.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn matches(regexp: &str, flags: &str, text: &str) -> bool {
        let pattern = Pattern::new(regexp, Some(flags)).unwrap_or_else(|fault| panic!("{fault}"));
        pattern.check("p", text).is_none()
    }

    /// Every line was compared with a JavaScript engine.
    #[test]
    fn patterns_mean_what_they_mean_in_javascript() {
        for (regexp, flags, text, expected) in [
            ("^\\+?([0-9\\- \\(\\)])*$", "", "+1 (555) 010-9999", true),
            ("^\\+?([0-9\\- \\(\\)])*$", "", "555x", false),
            ("b", "", "abc", true),
            ("^b", "", "abc", false),
            ("^b", "m", "a\nb", true),
            ("^b", "m", "a\u{2028}b", true),
            ("a$", "", "a\n", false),
            ("a$", "m", "a\nb", true),
            ("\\d", "", "٣", false),
            ("\\w", "", "é", false),
            ("\\W", "", "é", true),
            ("[\\w-]+$", "", "a-b", true),
            ("^[^\\d]$", "", "x", true),
            ("^[\\D]$", "", "7", false),
            ("^\\s$", "", "\u{a0}", true),
            ("\\s", "", "\u{85}", false),
            ("\\bx", "", "éx", true),
            ("\\Bx", "", "ax", true),
            ("a.b", "", "a\nb", false),
            ("a.b", "", "a\u{2029}b", false),
            ("a.b", "s", "a\nb", true),
            ("ABC", "i", "xabcx", true),
            ("[a-z&&[0-9]]", "", "&]", true),
            ("[[a]", "", "[", true),
            ("[+--]", "", ",", true),
            ("[a-\\d]", "", "-", true),
            ("[!--~]", "", "~", true),
            ("[]", "", "x", false),
            ("[^]", "", "\n", true),
            ("a{2}", "", "aa", true),
            ("a{,2}", "", "a{,2}", true),
            ("a{,2}", "", "aa", false),
            ("x{a}]", "", "x{a}]", true),
            ("\\/\\-\\_\\@", "", "/-_@", true),
            ("\\a\\h\\z", "", "ahz", true),
            ("\\x41\\u0042\\cJ\\0", "", "AB\n\0", true),
            ("\\ud83d\\ude00", "", "😀", true),
            ("^\\u{1F600}$", "u", "😀", true),
            ("[\\b]", "", "\u{8}", true),
            ("^(a)(b)\\2\\1$", "", "abba", true),
            ("^(a)\\12$", "", "a\n", true),
            ("^[\\W]$", "i", "k", false),
            ("(?<y>a)\\k<y>", "", "aa", true),
            ("^(?=.*\\d)(?!.*x).+$", "", "ab1", true),
            ("(?<=\\$)\\d", "", "$5", true),
            ("^\\p{Lu}\\P{Lu}$", "u", "Éa", true),
            ("^[\\p{L}\\-']+$", "u", "O'Brien-Łuk", true),
            ("^.$", "", "é", true),
            ("a#b c", "", "a#b c", true),
        ] {
            assert_eq!(matches(regexp, flags, text), expected, "/{regexp}/{flags} on {text:?}");
        }
    }

    #[test]
    fn faults_are_told() {
        for (regexp, flags, fault) in [
            ("(", "", "pattern '(': "),
            ("a)", "", "pattern 'a)': "),
            ("[a", "", "the class that starts with [ has no end"),
            ("[z-a]", "", "the range z-a runs backwards"),
            ("*a", "", "pattern '*a': target of repeat operator is invalid"),
            ("a**", "", "nothing to repeat before *"),
            ("a++", "", "nothing to repeat before +"),
            ("a\\", "", "ends with a backslash"),
            ("(?i)a", "", "(?i is not known in JavaScript"),
            ("a{3,2}", "", "the quantifier {3,2} runs backwards"),
            ("a", "x", "the flag 'x' is not known in JavaScript"),
            ("a", "ii", "the flag 'i' comes twice"),
        ] {
            let found = Pattern::new(regexp, Some(flags)).expect_err(regexp);
            assert!(found.contains(fault), "{regexp}: {found}");
        }
    }

    #[test]
    fn exploding_patterns_end() {
        let text = format!("{}!", "a".repeat(5_000));
        for regexp in ["^(a+)+$", "^(a|aa)+$", "^(?=a)(a+)+$", "^(a+)+\\1$"] {
            assert!(!matches(regexp, "", &text), "{regexp}");
        }
    }
}
