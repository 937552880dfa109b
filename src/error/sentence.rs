//! What sentences have in common: values that may be long or steer a terminal, and suggestions.
//!
//! Every sentence about a value of somebody's file or request is put together with these. They know nothing of what is
//! said; records and values themselves are never changed by them.

use std::borrow::Cow;

/// The beginning of a text that may be long, with `...` where it was cut, between characters.
pub fn beginning(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// A text as sentences and tables show it: at most so many characters of it, on one line, without anything that could
/// steer a terminal.
pub fn shown(text: &str, most: usize) -> Cow<'_, str> {
    let text = beginning(text, most);
    if !text.contains(char::is_control) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// The end of a sentence about a name that is none, if there is one like it: ` (did you mean 'mail'?)`.
pub fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|suggestion| format!(" (did you mean '{suggestion}'?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{beginning, shown};

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shown("Zoë", 3), "Zoë");
        assert_eq!(shown("ëëëë", 3), "ëëë...");
        assert_eq!(shown(&beginning("ëëëë", 3), 3), "ëëë...");
    }

    #[test]
    fn what_steers_is_made_visible() {
        assert_eq!(shown("Zoë\nB\t\x1b[2J", 20), "Zoë\\nB\\t\\u{1b}[2J");
        assert_eq!(beginning("a\nb", 20), "a\nb");
    }
}
