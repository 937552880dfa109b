//! Numbers as people write them into cells.
//!
//! An optional sign, digits, an optional `.digits`, an optional exponent; ASCII digits only, no thousands mark, no
//! `NaN`. Integer literals are exact or refused, never rounded.

use serde_json::Number;

use super::{EXACT, Value};

/// Why a text is no number we can keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not a number at all.
    Syntax,
    /// A number, but not an integer literal.
    NotIntegral,
    /// An integer literal beyond 64 bits.
    Beyond64Bits,
    /// A number beyond what a 64-bit float reaches.
    TooLarge,
}

/// Reads a number; blanks around it are nothing.
pub(crate) fn read_number(text: &str) -> Result<Value<'static>, Fault> {
    let text = text.trim_ascii();
    let literal = Literal::scan(text.as_bytes()).ok_or(Fault::Syntax)?;
    if literal.is_integral {
        return literal.integer();
    }
    let number: f64 = text.parse().map_err(|_| Fault::Syntax)?;
    if number.is_finite() { Ok(from_float(number)) } else { Err(Fault::TooLarge) }
}

/// Reads an integer literal: no fraction and no exponent, not even an empty one.
pub(crate) fn read_integer(text: &str) -> Result<Value<'static>, Fault> {
    let literal = Literal::scan(text.trim_ascii().as_bytes()).ok_or(Fault::Syntax)?;
    if literal.is_plain { literal.integer() } else { Err(Fault::NotIntegral) }
}

/// The value of a number in a JSON body.
pub(crate) fn number_from_json(number: &Number) -> Value<'static> {
    match (number.as_i64(), number.as_u64()) {
        (Some(integer), _) => Value::Integer(integer),
        (None, Some(unsigned)) => Value::Unsigned(unsigned),
        _ => from_float(number.as_f64().unwrap_or_default()),
    }
}

/// The value of a number in a JSON body if it is integral; `1.0` is, as JSON Schema has it.
pub(crate) fn integer_from_json(number: &Number) -> Option<Value<'static>> {
    Some(number_from_json(number)).filter(|value| !matches!(value, Value::Number(_)))
}

fn from_float(number: f64) -> Value<'static> {
    if number.fract() == 0.0 && number.abs() <= EXACT { Value::Integer(number as i64) } else { Value::Number(number) }
}

/// What one look at a number literal tells.
struct Literal {
    is_negative: bool,
    /// The digits before the point; `None` if they do not fit.
    digits: Option<u64>,
    /// Nothing but sign and digits.
    is_plain: bool,
    /// Plain, or with a fraction of zeros.
    is_integral: bool,
}

impl Literal {
    fn scan(text: &[u8]) -> Option<Literal> {
        let (is_negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let (whole, mut rest) = split_digits(unsigned)?;
        let digits =
            whole.iter().try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        let is_plain = rest.is_empty();
        let mut is_integral = true;
        if let [b'.', fraction @ ..] = rest {
            let (fraction, after) = split_digits(fraction)?;
            is_integral = fraction.iter().all(|digit| *digit == b'0');
            rest = after;
        }
        if let [b'e' | b'E', exponent @ ..] = rest {
            let unsigned = exponent.strip_prefix(b"-").or(exponent.strip_prefix(b"+")).unwrap_or(exponent);
            rest = split_digits(unsigned)?.1;
            is_integral = false;
        }
        rest.is_empty().then_some(Literal { is_negative, digits, is_plain, is_integral })
    }

    fn integer(&self) -> Result<Value<'static>, Fault> {
        let digits = self.digits.ok_or(Fault::Beyond64Bits)?;
        match (i64::try_from(digits), self.is_negative) {
            (Ok(integer), false) => Ok(Value::Integer(integer)),
            (Ok(integer), true) => Ok(Value::Integer(-integer)),
            (Err(_), false) => Ok(Value::Unsigned(digits)),
            (Err(_), true) => 0i64.checked_sub_unsigned(digits).map(Value::Integer).ok_or(Fault::Beyond64Bits),
        }
    }
}

/// The leading digits, of which there must be one, and what follows.
fn split_digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::{Fault, read_integer, read_number};
    use crate::schema::value::Value::{self, Integer, Number, Unsigned};

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        let cases: &[(&str, Result<Value<'static>, Fault>)] = &[
            ("0", Ok(Integer(0))),
            ("-0", Ok(Integer(0))),
            ("-0.0", Ok(Integer(0))),
            ("01060", Ok(Integer(1060))),
            ("+7", Ok(Integer(7))),
            (" 42\t", Ok(Integer(42))),
            ("12.50", Ok(Number(12.5))),
            ("3.000", Ok(Integer(3))),
            ("1e3", Ok(Integer(1000))),
            ("1E-2", Ok(Number(0.01))),
            ("0.1", Ok(Number(0.1))),
            ("1e-400", Ok(Integer(0))),
            ("-1e-400", Ok(Integer(0))),
            ("9007199254740993", Ok(Integer(9_007_199_254_740_993))),
            ("9007199254740993.0", Ok(Integer(9_007_199_254_740_993))),
            ("9223372036854775807", Ok(Integer(i64::MAX))),
            ("-9223372036854775808", Ok(Integer(i64::MIN))),
            ("18446744073709551615", Ok(Unsigned(u64::MAX))),
            ("18446744073709551616", Err(Fault::Beyond64Bits)),
            ("-9223372036854775809", Err(Fault::Beyond64Bits)),
            ("1e30", Ok(Number(1e30))),
            ("1e400", Err(Fault::TooLarge)),
            ("-1e400", Err(Fault::TooLarge)),
        ];
        for (text, expected) in cases {
            assert_eq!(read_number(text), *expected, "{text}");
        }
        for text in [
            "", " ", "abc", "NaN", "Infinity", "-inf", "0x10", "1_000", "1,5", "1,000", "1 000", "١٢", "+-1", ".5",
            "5.", "1e", "1e+", "--1", "1.5.2", "$5", "5%", "1\u{a0}",
        ] {
            assert_eq!(read_number(text), Err(Fault::Syntax), "{text}");
        }
    }

    #[test]
    fn integers_have_no_fraction_and_no_exponent() {
        for (text, expected) in [
            ("12", Ok(Integer(12))),
            (" -3 ", Ok(Integer(-3))),
            ("18446744073709551615", Ok(Unsigned(u64::MAX))),
            ("1.0", Err(Fault::NotIntegral)),
            ("1e3", Err(Fault::NotIntegral)),
            ("99999999999999999999", Err(Fault::Beyond64Bits)),
            ("twelve", Err(Fault::Syntax)),
        ] {
            assert_eq!(read_integer(text), expected, "{text}");
        }
    }
}
