//! Settings as people write them: sizes and lengths of time. What is wrong with them is collected, so that all of it is
//! told at once.

use std::time::Duration;

/// Reads values one by one and keeps what is wrong with them. A wrong value is read as its default.
#[derive(Debug, Default)]
pub(super) struct Values {
    mistakes: Vec<String>,
    elsewhere: Vec<String>,
}

impl Values {
    /// Notes a mistake: a sentence that names the setting.
    pub(super) fn mistake(&mut self, sentence: impl Into<String>) {
        self.mistakes.push(sentence.into());
    }

    /// Notes a mistake that is not in the file: a sentence that says where it is.
    pub(super) fn mistake_elsewhere(&mut self, sentence: impl Into<String>) {
        self.elsewhere.push(sentence.into());
    }

    /// Takes out what was wrong elsewhere than in the file.
    pub(super) fn take_elsewhere(&mut self) -> Vec<String> {
        std::mem::take(&mut self.elsewhere)
    }

    /// Everything else that was wrong.
    pub(super) fn into_mistakes(self) -> Vec<String> {
        self.mistakes
    }

    /// A number of bytes, with `KB`, `MB` or `GB` for powers of 1,024.
    pub(super) fn size(&mut self, key: &str, text: Option<&str>, default: u64) -> u64 {
        let Some(text) = text else { return default };
        parse_size(text).unwrap_or_else(|| {
            self.mistake(format!("{key} = '{text}' is not a size: write for example '256MB'"));
            default
        })
    }

    /// A length of time, as [`parse_duration`] has it.
    pub(super) fn duration(&mut self, key: &str, text: Option<&str>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        parse_duration(text).unwrap_or_else(|| {
            self.mistake(format!("{key} = '{text}' is not a length of time: write for example '500ms' or '2s'"));
            default
        })
    }

    /// A length of time of which `0s` means: never.
    pub(super) fn timeout(&mut self, key: &str, text: Option<&str>, default: Duration) -> Option<Duration> {
        Some(self.duration(key, text, default)).filter(|length| !length.is_zero())
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" | "K" => 1 << 10,
        "MB" | "M" => 1 << 20,
        "GB" | "G" => 1 << 30,
        _ => return None,
    };
    digits.trim().parse::<u64>().ok()?.checked_mul(factor)
}

/// A length of time, in `ms`, `s`, `m`, `h` or `d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number = digits.trim().parse::<u64>().ok()?;
    let seconds = match &text[digits.len()..] {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse_duration, parse_size};

    #[test]
    fn sizes() {
        for (text, size) in [
            ("50MB", Some(52_428_800)),
            ("1 KB", Some(1024)),
            ("7", Some(7)),
            ("2GB", Some(2 << 30)),
            ("x", None),
            ("5 miles", None),
            ("99999999999GB", None),
        ] {
            assert_eq!(parse_size(text), size, "{text}");
        }
    }

    #[test]
    fn lengths_of_time() {
        for (text, millis) in
            [("100ms", Some(100)), (" 2 s ", Some(2000)), ("1m", Some(60_000)), ("5", None), ("s", None), ("2 w", None)]
        {
            assert_eq!(parse_duration(text), millis.map(Duration::from_millis), "{text}");
        }
        assert_eq!(parse_duration("12h"), Some(Duration::from_hours(12)));
        assert_eq!(parse_duration("90d"), Some(Duration::from_hours(90 * 24)));
        assert_eq!(parse_duration("99999999999999999999d").or(parse_duration("999999999999999999d")), None);
    }
}
