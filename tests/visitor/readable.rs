//! The text of a page, for snapshots.

use std::fmt::Write as _;

use fancy_regex::Regex;

use super::html::{Piece, end_of, options_of, raw};
use crate::harness::steady;

/// Elements that begin a line.
const BLOCKS: [&str; 33] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "header",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "svg",
    "table",
    "tr",
    "ul",
];

/// See [`Page::text`].
pub(super) fn readable(pieces: &[Piece]) -> String {
    let mut written = String::new();
    let (mut is_pre, mut at) = (false, 0);
    while at < pieces.len() {
        match &pieces[at] {
            Piece::Text(text) if is_pre => written.push_str(text),
            Piece::Text(text) => {
                let starts = text.starts_with(char::is_whitespace) && !written.ends_with([' ', '\n', '[']);
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                if starts {
                    written.push(' ');
                }
                written.push_str(&words);
                if text.ends_with(char::is_whitespace) && !words.is_empty() {
                    written.push(' ');
                }
            }
            Piece::Open(tag, attributes) => {
                let get =
                    |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
                if BLOCKS.contains(&tag.as_str()) && !written.ends_with('\n') {
                    written.push('\n');
                }
                match tag.as_str() {
                    "h1" => written.push_str("# "),
                    "h2" => written.push_str("## "),
                    "h3" => written.push_str("### "),
                    "h4" => written.push_str("#### "),
                    "li" => written.push_str("- "),
                    "dd" => written.push_str("  "),
                    "br" => written.push('\n'),
                    "pre" => is_pre = true,
                    "a" | "button" => written.push('['),
                    "mark" => written.push_str("**"),
                    "del" => written.push_str("~~"),
                    "ins" => written.push_str("++"),
                    "script" | "style" => at = end_of(pieces, at) - 1,
                    "input" if get("type") == Some("hidden") => {}
                    "input" if matches!(get("type"), Some("checkbox" | "radio")) => {
                        written.push_str(if get("checked").is_some() { "[x] " } else { "[ ] " });
                    }
                    "input" | "progress" | "meter" => {
                        let name = get("name").unwrap_or(tag);
                        write!(written, "{{{name}: {}}} ", get("value").unwrap_or_default()).unwrap();
                    }
                    "textarea" => {
                        let end = end_of(pieces, at);
                        let text = raw(&pieces[at..end]);
                        write!(written, "{{{}: {text}}} ", get("name").unwrap_or_default()).unwrap();
                        at = end - 1;
                    }
                    "select" => {
                        let end = end_of(pieces, at);
                        let options = options_of(&pieces[at..end]);
                        let shown = |(_, text, selected): &(String, String, bool)| {
                            if *selected { format!("*{text}*") } else { text.clone() }
                        };
                        let all: Vec<String> = options.iter().map(shown).collect();
                        write!(written, "{{{}: {}}} ", get("name").unwrap_or_default(), all.join(" / ")).unwrap();
                        at = end - 1;
                    }
                    _ => {}
                }
            }
            Piece::Close(tag) => {
                let end = written.trim_end_matches(' ').len();
                match tag.as_str() {
                    "a" => {
                        written.truncate(end);
                        write!(written, "]({})", href(pieces, at)).unwrap();
                    }
                    "button" => {
                        written.truncate(end);
                        written.push_str("] ");
                    }
                    "mark" => written.push_str("**"),
                    "del" => written.push_str("~~ "),
                    "ins" => written.push_str("++"),
                    "td" | "th" => {
                        written.truncate(end);
                        written.push_str(" | ");
                    }
                    "pre" => is_pre = false,
                    _ => {}
                }
                if BLOCKS.contains(&tag.as_str()) && !written.ends_with('\n') {
                    written.push('\n');
                }
            }
        }
        at += 1;
    }
    let lines =
        written.lines().map(|line| line.trim_end().trim_end_matches(" |")).filter(|line| !line.trim().is_empty());
    lines.fold(String::new(), |text, line| text + line + "\n").trim_end().to_owned()
}

/// Where the link leads whose end is here.
fn href(pieces: &[Piece], end: usize) -> &str {
    let open = pieces[..end].iter().rev().find_map(|piece| match piece {
        Piece::Open(tag, attributes) if tag == "a" => Some(attributes),
        _ => None,
    });
    let href = open.and_then(|attributes| attributes.iter().find(|(name, _)| name == "href"));
    href.map_or("", |(_, value)| value)
}

pub(super) fn steady_page(text: &str) -> String {
    [
        (r"\b\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d:\d\d UTC", "28 Feb 2026, 17:05:00 UTC"),
        // Ids of tokens.
        ("(?<![-0-9a-f])(?=[0-9]*[a-f])[0-9a-f]{12}(?![0-9a-f])", "0123456789ab"),
    ]
    .iter()
    .fold(steady(text), |text, (pattern, with)| Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned())
}
