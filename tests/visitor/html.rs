//! HTML, read as a browser reads it as far as the tests need that.

use html5gum::{DefaultEmitter, Token, Tokenizer};

/// Elements without an end.
const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Open(String, Vec<(String, String)>),
    Close(String),
    Text(String),
}

pub(super) fn tokens(html: &str) -> Vec<Piece> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut pieces = Vec::new();
    // What is within `script`, `title` and their like is text.
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => {
                let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect();
                let name = text(&tag.name);
                let is_over = tag.self_closing && !VOID.contains(&name.as_str());
                pieces.push(Piece::Open(name.clone(), attributes));
                if is_over {
                    pieces.push(Piece::Close(name));
                }
            }
            Token::EndTag(tag) => pieces.push(Piece::Close(text(&tag.name))),
            Token::String(string) => pieces.push(Piece::Text(text(&string))),
            _ => {}
        }
    }
    pieces
}

/// Behind the end of the element that begins here.
pub(super) fn end_of(pieces: &[Piece], start: usize) -> usize {
    let Piece::Open(tag, _) = &pieces[start] else { return start + 1 };
    if VOID.contains(&tag.as_str()) {
        return start + 1;
    }
    let mut depth = 0;
    for (at, piece) in pieces.iter().enumerate().skip(start) {
        match piece {
            Piece::Open(name, _) if name == tag => depth += 1,
            Piece::Close(name) if name == tag => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    pieces.len()
}

/// The text as it stands there.
pub(super) fn raw(pieces: &[Piece]) -> String {
    pieces.iter().filter_map(|piece| if let Piece::Text(text) = piece { Some(text.as_str()) } else { None }).collect()
}

/// The text with single blanks.
pub(super) fn words(pieces: &[Piece]) -> String {
    raw(pieces).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Values and texts of options, and which is selected.
pub(super) fn options_of(content: &[Piece]) -> Vec<(String, String, bool)> {
    let mut options = Vec::new();
    for (at, piece) in content.iter().enumerate() {
        let Piece::Open(tag, attributes) = piece else { continue };
        if tag == "option" {
            let text = words(&content[at..end_of(content, at)]);
            let get = |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            options.push((get("value").unwrap_or_else(|| text.clone()), text, get("selected").is_some()));
        }
    }
    options
}

/// The text of the label that is for this field, or around it.
pub(super) fn label_of(form: &[Piece], at: usize, attributes: &[(String, String)]) -> String {
    let get = |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    for (start, piece) in form.iter().enumerate() {
        let Piece::Open(tag, own) = piece else { continue };
        let end = end_of(form, start);
        let is_for = own.iter().any(|(name, value)| name == "for" && Some(value) == get("id").as_ref());
        if tag == "label" && (is_for || (start..end).contains(&at)) {
            return words(&form[start..end]);
        }
    }
    get("aria-label").unwrap_or_default()
}
