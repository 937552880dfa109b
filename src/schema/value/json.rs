//! JSON literals, read so that nothing is lost.
//!
//! The JSON library keeps the last of two members with one name and rounds integers that do not fit into 64 bits, both
//! without a word. Data must not change on its way in, so here both are faults.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// Reads a JSON text, refusing repeated names and integers beyond 64 bits. The error says what is wrong and where.
pub fn parse_json(text: &str) -> Result<Json, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let json = Strict.deserialize(&mut deserializer).and_then(|json| deserializer.end().map(|()| json));
    let json = json.map_err(|error| error.to_string())?;
    match integer_beyond_64_bits(text) {
        None => Ok(json),
        Some(digits) => Err(format!("the integer '{digits}' does not fit into 64 bits")),
    }
}

/// Reads any JSON value; a repeated name is an error.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(Strict)? {
            array.push(element);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Strict)?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the name '{name}' comes twice")));
            }
            object.insert(name, value);
        }
        Ok(Json::Object(object))
    }
}

/// The first integer literal of a valid JSON text that neither `i64` nor `u64` holds.
fn integer_beyond_64_bits(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string_end(bytes, at),
            b'-' | b'0'..=b'9' => {
                let is_literal = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let length = bytes[at..].iter().take_while(|byte| is_literal(byte)).count();
                let literal = &text[at..at + length];
                let is_integer = !literal.contains(['.', 'e', 'E']);
                if is_integer && literal.parse::<i64>().is_err() && literal.parse::<u64>().is_err() {
                    return Some(literal);
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    None
}

/// The position after the string that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use super::parse_json;

    #[test]
    fn what_is_accepted_comes_back_compactly_and_unchanged() {
        for (text, compact) in [
            (" [ 1 , \"a\" ] ", "[1,\"a\"]"),
            ("{\"b\":1,\"a\":[true,null]}", "{\"b\":1,\"a\":[true,null]}"),
            (
                "[18446744073709551615,-9223372036854775808,0.1,1e3]",
                "[18446744073709551615,-9223372036854775808,0.1,1000.0]",
            ),
            ("\"18446744073709551616\"", "\"18446744073709551616\""),
            ("[\"\\\"99999999999999999999\"]", "[\"\\\"99999999999999999999\"]"),
        ] {
            assert_eq!(parse_json(text).map(|json| json.to_string()), Ok(compact.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        for (text, fault) in [
            ("{\"a\":1,\"a\":2}", "the name 'a' comes twice"),
            ("[{\"x\":{\"b\":1,\"b\":1}}]", "the name 'b' comes twice"),
            ("[18446744073709551616]", "the integer '18446744073709551616' does not fit into 64 bits"),
            ("[1e400]", "number out of range"),
            ("[1,]", "trailing comma"),
            ("[1] x", "trailing characters"),
            ("[NaN]", "expected value"),
            ("['a']", "expected value"),
            ("[01]", "invalid number"),
            ("", "EOF"),
        ] {
            let error = parse_json(text).expect_err(text);
            assert!(error.contains(fault), "{text}: {error}");
        }
        assert!(parse_json(&"[".repeat(100_000)).is_err());
    }
}
