//! Text in UTF-8, made of the bytes of a file in another encoding if the plan names one.
//!
//! Decoding is strict: what cannot be read stops the file with its position, and nothing is replaced. A byte order mark
//! decides over what the plan says, as it does everywhere in the WHATWG standard. A file in UTF-8 passes as it is.

use std::io::Read;

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::decompress::Source;
use super::encoding;
use crate::error::{Error, Result};

/// Bytes decoded at once.
const INPUT_SIZE: usize = 64 * 1024;

/// A file as text, as far as that is known.
pub(super) enum Text<R: Read> {
    /// What should be UTF-8 and is looked at later.
    Raw(Source<R>),
    Decoded(Box<Decoding<R>>),
}

impl<R: Read> Text<R> {
    pub(super) fn new(source: Source<R>, encoding: Option<&'static Encoding>) -> Text<R> {
        match encoding {
            None => Text::Raw(source),
            Some(encoding) => Text::Decoded(Box::new(Decoding::new(source, encoding))),
        }
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self {
            Text::Raw(source) => source.read(into),
            Text::Decoded(decoding) => decoding.read(into),
        }
    }

    pub(super) fn is_decoded(&self) -> bool {
        matches!(self, Text::Decoded(_))
    }
}

/// A file that is being decoded.
pub(super) struct Decoding<R: Read> {
    source: Source<R>,
    decoder: Decoder,
    raw: Vec<u8>,
    /// The bytes of `raw` that are not decoded yet.
    start: usize,
    end: usize,
    /// Bytes of the file, after decompression, in front of `start`.
    position: u64,
    text: Vec<u8>,
    /// How much of `text` has been given out.
    given: usize,
    finished: bool,
    /// What is wrong behind the text that is still to be given out.
    trouble: Option<Error>,
}

impl<R: Read> Decoding<R> {
    fn new(source: Source<R>, encoding: &'static Encoding) -> Decoding<R> {
        Decoding {
            source,
            decoder: encoding.new_decoder(),
            raw: vec![0; INPUT_SIZE],
            start: 0,
            end: 0,
            position: 0,
            text: Vec::new(),
            given: 0,
            finished: false,
            trouble: None,
        }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        while self.given == self.text.len() {
            if let Some(trouble) = self.trouble.take() {
                return Err(trouble);
            }
            if self.finished {
                return Ok(0);
            }
            self.decode_more()?;
        }
        let bytes = into.len().min(self.text.len() - self.given);
        into[..bytes].copy_from_slice(&self.text[self.given..self.given + bytes]);
        self.given += bytes;
        Ok(bytes)
    }

    /// Decodes what is there, or what comes next; also when there is no more, which may be too little.
    fn decode_more(&mut self) -> Result<()> {
        if self.start == self.end {
            self.refill()?;
        }
        let is_last = self.start == self.end;
        let input = &self.raw[self.start..self.end];
        let room = self.decoder.max_utf8_buffer_length_without_replacement(input.len()).unwrap_or(input.len() * 3);
        self.text.resize(room.max(16), 0);
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(input, &mut self.text, is_last);
        self.text.truncate(written);
        self.given = 0;
        self.start += read;
        self.position += read as u64;
        match result {
            DecoderResult::InputEmpty => self.finished = is_last,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, behind) => self.trouble = Some(self.malformed(length, behind)),
        }
        Ok(())
    }

    fn refill(&mut self) -> Result<()> {
        let is_first = self.position == 0;
        (self.start, self.end) = (0, self.source.read(&mut self.raw)?);
        if is_first { encoding::refuse_other_format(&self.raw[..self.end]) } else { Ok(()) }
    }

    /// Says which bytes are wrong: `length` of them, in front of `behind` more that have been read.
    fn malformed(&self, length: u8, behind: u8) -> Error {
        let at = self.position - u64::from(length) - u64::from(behind);
        let name = self.decoder.encoding().name();
        let (noun, verb) = if length == 1 { ("byte", "is") } else { ("bytes", "are") };
        Error::file(format!("{length} {noun} at offset {at} of the file {verb} not {name}: is it another encoding?"))
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::Encoding;

    use crate::config::Limits;
    use crate::engine::reader::{Format, Reader, Records};
    use crate::error::Result;

    /// The cells of a file, header and all.
    fn cells(encoding: &str, file: &[u8]) -> Result<String> {
        let format = Format { encoding: Encoding::for_label(encoding.as_bytes()), ..Format::default() };
        let mut reader = Reader::open_as(file, &Limits::default(), format)?;
        let mut text = reader.header().join("|");
        let mut records = Records::new();
        while reader.read(&mut records, 100, usize::MAX)? {
            records.iter().for_each(|record| text += &format!("\n{}", record.cells().collect::<Vec<_>>().join("|")));
        }
        Ok(text)
    }

    fn utf_16(mark: &str, text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn other_encodings_become_the_same_text() {
        let text = "id,Größe\n1,\"東\n京\"\n2,😀";
        let expected = "id|Größe\n1|東\n京\n2|😀";
        for (encoding, file) in [
            ("utf-16le", utf_16("", text, u16::to_le_bytes)),
            ("utf-16", utf_16("\u{feff}", text, u16::to_le_bytes)),
            ("utf-16", utf_16("\u{feff}", text, u16::to_be_bytes)),
            ("utf-16be", utf_16("", text, u16::to_be_bytes)),
            ("gb18030", encoding_rs::GB18030.encode(text).0.into_owned()),
            // A mark decides.
            ("windows-1252", format!("\u{feff}{text}").into_bytes()),
        ] {
            assert_eq!(cells(encoding, &file).expect(encoding), expected, "{encoding}");
        }
        assert_eq!(cells("latin1", b"id,name\n1,Ren\xe9 \x80\n").expect("text"), "id|name\n1|René €");
        assert_eq!(cells("shift_jis", b"id\n\x93\x8c\x8b\x9e\n").expect("text"), "id\n東京");
        assert_eq!(cells("euc-kr", b"id\n\xc7\xd1\n").expect("text"), "id\n한");
    }

    #[test]
    fn characters_may_lie_across_reads() {
        let mut text = "id,name\n".to_owned();
        (0..40_000).for_each(|i| text += &format!("{i},é東😀\n"));
        let file = utf_16("", &text[..text.len() - 1], u16::to_le_bytes);
        assert_eq!(cells("utf-16le", &file).expect("text"), text.trim_end().replace(',', "|"));
    }

    #[test]
    fn what_cannot_be_decoded_stops_the_file_with_its_place() {
        let long = [b"id\n".as_slice(), &b"1\n".repeat(100_000), b"\x81\xff\n"].concat();
        for (encoding, file, expected) in [
            (
                "shift_jis",
                b"id\n1\n\x81\xff\n".as_slice(),
                "row 3: 2 bytes at offset 5 of the file are not Shift_JIS: is it another encoding?",
            ),
            (
                "shift_jis",
                &long,
                "row 100002: 2 bytes at offset 200003 of the file are not Shift_JIS: is it another encoding?",
            ),
            (
                "utf-16le",
                b"i\0d\0\n\0\x3d\xd8a\0\n\0",
                "row 2: 2 bytes at offset 6 of the file are not UTF-16LE: is it another encoding?",
            ),
            // Cut within a character.
            ("euc-kr", b"id\n1\n\xc7", "row 3: 1 byte at offset 5 of the file is not EUC-KR: is it another encoding?"),
            ("windows-1252", b"", "the file is empty"),
            (
                "windows-1252",
                b"PK\x03\x04\x14",
                "the file is a ZIP archive; a CSV file, plain or compressed with gzip, is needed",
            ),
            ("windows-1252", b"i\0d\0\n\0", "the file is UTF-16 (little-endian) text; save it as CSV UTF-8"),
        ] {
            assert_eq!(cells(encoding, file).expect_err(expected).to_string(), expected);
        }
    }
}
