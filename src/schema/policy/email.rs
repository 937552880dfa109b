//! What an e-mail address is.
//!
//! The rule: a mailbox of RFC 5321 as it can be delivered to over the Internet, with the letters of all scripts that
//! RFC 6531 allows.
//!
//! * The part before the `@` has at most 64 octets. It is either words of letters, digits and ``!#$%&'*+-/=?^_`{|}~``
//!   joined by single dots, or a quoted string.
//! * The domain has at least two labels of letters, digits and inner hyphens, each at most 63 characters; the last one
//!   is not all digits.
//! * The whole has at most 254 octets.
//! * Beyond ASCII everything is a letter, except blanks and characters that cannot be seen.
//!
//! Comments, folding white space, the obsolete forms of RFC 5322 and addresses in brackets (`user@[192.0.2.1]`) are
//! valid in a mail header, but never what somebody meant to put into a file of people.

/// The longest address, which is the longest path of RFC 5321 without its angle brackets.
const LONGEST: usize = 254;
const LONGEST_LOCAL_PART: usize = 64;
const LONGEST_LABEL: usize = 63;

/// Letters and digits: what a domain is made of.
const LABEL: u8 = 1;
/// What the part before the `@` is made of.
const ATOM: u8 = 2;

/// What each byte may be part of. Bytes above 0x7f belong to characters that [`is_visible`] looks at.
const BYTES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | 0x80.. => LABEL | ATOM,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~' => ATOM,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

/// Whether the text is an e-mail address.
pub(super) fn is_address(text: &str) -> bool {
    let bytes = text.as_bytes();
    let local_end = if bytes.first() == Some(&b'"') { quoted_end(bytes) } else { dotted_end(bytes) };
    let Some(local_end) = local_end.filter(|end| *end <= LONGEST_LOCAL_PART && bytes.len() <= LONGEST) else {
        return false;
    };
    bytes.get(local_end) == Some(&b'@')
        && is_domain(&bytes[local_end + 1..])
        && (text.is_ascii() || text.chars().all(is_visible))
}

/// The end of words joined by single dots.
fn dotted_end(bytes: &[u8]) -> Option<usize> {
    let mut word_start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if BYTES[*byte as usize] & ATOM == 0 {
            if at == word_start {
                return None;
            }
            if *byte != b'.' {
                return Some(at);
            }
            word_start = at + 1;
        }
    }
    None
}

/// The end of a quoted string, in which a backslash quotes the next character.
fn quoted_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' if matches!(bytes.get(at + 1)?, b' '..=b'~') => at += 2,
            b'\\' | 0..b' ' | 0x7f => return None,
            _ => at += 1,
        }
    }
}

fn is_domain(bytes: &[u8]) -> bool {
    let mut labels = 0;
    let mut last_is_digits = false;
    for label in bytes.split(|byte| *byte == b'.') {
        labels += 1;
        last_is_digits = label.iter().all(u8::is_ascii_digit);
        if !is_label(label) {
            return false;
        }
    }
    labels >= 2 && !last_is_digits
}

fn is_label(label: &[u8]) -> bool {
    let (Some(first), Some(last)) = (label.first(), label.last()) else { return false };
    // The limit holds for the form in which a label is looked up, which has a byte for each character at least.
    let starts_character = |byte: &&u8| **byte & 0xc0 != 0x80;
    *first != b'-'
        && *last != b'-'
        && label.iter().all(|byte| BYTES[*byte as usize] & LABEL != 0 || *byte == b'-')
        && (label.len() <= LONGEST_LABEL || label.iter().filter(starts_character).count() <= LONGEST_LABEL)
}

/// Whether a character can be seen: no blank, no control, nothing of no width, no mark of writing direction.
fn is_visible(character: char) -> bool {
    let hidden = matches!(
        character,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}'
    );
    character.is_ascii() || !(hidden || character.is_whitespace() || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses_that_people_have_are_addresses() {
        for address in [
            "bjensen@example.com",
            "first.last+tag@sub.example.co.uk",
            "o'brien@example.ie",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "1@2.cc",
            "user@xn--bcher-kva.example",
            "user@3com.com",
            "zoë@bücher.example",
            "伊昭傑@郵件.商務",
            "\u{10437}@example.com",
            "\"two words\"@example.com",
            "\"a@b\"@example.com",
            "\"say \\\"hi\\\" \\\\\"@example.com",
            &format!("{}@example.com", "x".repeat(64)),
            &format!("x@{}.com", "x".repeat(63)),
            &format!("x@{}.com", "字".repeat(63)),
            &format!("x@{}com", "x.".repeat(124)),
        ] {
            assert!(is_address(address), "{address}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "",
            "@",
            "emacheke",
            "user@",
            "@example.com",
            "user@example",
            "user@@example.com",
            "user@example..com",
            "user@.example.com",
            "user@example.com.",
            "user@-example.com",
            "user@example-.com",
            "user@exa_mple.com",
            "user@exa mple.com",
            "user@192.0.2.1",
            "user@[192.0.2.1]",
            ".user@example.com",
            "user.@example.com",
            "us..er@example.com",
            "us er@example.com",
            " user@example.com",
            "user@example.com ",
            "user@example.com\n",
            "user@example.com\u{a0}",
            "user@exam\u{200b}ple.com",
            "user\u{202e}@example.com",
            "us\0er@example.com",
            "us,er@example.com",
            "Some Body <user@example.com>",
            "user(comment)@example.com",
            "user@example.com;other@example.com",
            "\"open@example.com",
            "\"a\"b@example.com",
            "\"a\".b@example.com",
            "\"tab\there\"@example.com",
            "\"ends\\\"@example.com",
            &format!("{}@example.com", "x".repeat(65)),
            &format!("x@{}.com", "x".repeat(64)),
            &format!("xxx@{}com", "x.".repeat(124)),
        ] {
            assert!(!is_address(text), "{text}");
        }
    }

    /// Where the rule and well-known validators that follow RFC 5322 part ways.
    #[test]
    fn the_rule_is_stricter_than_mail_headers() {
        for valid_elsewhere in [
            "user@io",
            "user@[IPv6:2001:db8::1]",
            "user@example.123",
            "\"first\".\"last\"@example.com",
            "user . name@example.com",
            "user(comment)@example.com",
            "\"folded\r\n name\"@example.com",
            "user@ example.com",
        ] {
            assert!(!is_address(valid_elsewhere), "{valid_elsewhere}");
        }
    }

    #[test]
    fn long_texts_take_no_longer_than_they_are() {
        for unit in ["a.", "\"", "@", "\\\"", "a@", "é.", "-"] {
            assert!(!is_address(&unit.repeat(1_000_000)), "{unit}");
        }
    }
}
