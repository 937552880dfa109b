//! Values of headers that name their charset, as RFC 5987 has it: `UTF-8''Zo%C3%AB`.

use percent_encoding::percent_decode_str;

/// A value that names a charset which we know.
pub(super) struct ExtendedValue<'v> {
    charset: Charset,
    encoded: &'v str,
}

#[derive(Clone, Copy)]
enum Charset {
    Utf8,
    Latin1,
}

impl ExtendedValue<'_> {
    /// The parts of a value; nothing if it is a plain one.
    pub(super) fn of(value: &str) -> Option<ExtendedValue<'_>> {
        let mut parts = value.splitn(3, '\'');
        let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
        let charset = match charset.to_ascii_lowercase().as_str() {
            "utf-8" => Charset::Utf8,
            "iso-8859-1" => Charset::Latin1,
            _ => return None,
        };
        Some(ExtendedValue { charset, encoded })
    }

    /// The text that is meant, if these bytes are one.
    pub(super) fn text(&self) -> Option<String> {
        let bytes = percent_decode_str(self.encoded);
        match self.charset {
            Charset::Utf8 => bytes.decode_utf8().ok().map(|text| text.into_owned()),
            Charset::Latin1 => Some(bytes.map(char::from).collect()),
        }
    }
}
