//! Reads a CSV file, plain or gzip, as records.
//!
//! The reader knows the format and nothing of object types: it yields the header's cells and then records of text with
//! their rows, and binding the header, judging a record's width and giving cells a type is left to others. It is strict
//! about structure, because what a lenient reader makes of a damaged file is a smaller file: whatever [`read`] can stop
//! at, [`scan`] finds before anything of the file is applied. Both are the same scanner with different sinks.
//!
//! Memory is bounded by [`Limits`] and by the size of a round, never by the size of the file.
//!
//! [`read`]: Reader::read

mod decompress;
mod encoding;
mod records;
mod runaway;
mod scanner;
mod specials;
mod structure;
mod transcode;
mod window;

use std::io::Read;

use encoding_rs::{Encoding, UTF_8};

use crate::config::Limits;
use crate::error::{Error, Kind, Result};
use crate::fault::Fault;
use crate::plan::Plan;

use self::decompress::Source;
use self::records::Collector;
pub use self::records::{RecordRef, Records};
use self::scanner::{Partial, Pause, Quote, Scanner, Sink};
pub use self::structure::scan;
use self::structure::{Locator, Tally};
use self::transcode::Text;
use self::window::Window;

/// What the bytes of a file are, besides CSV. By default they are UTF-8, and may be compressed or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// Whether they must be gzip.
    pub gzip_only: bool,
    /// The encoding of the text, if it is not UTF-8.
    pub encoding: Option<&'static Encoding>,
}

impl Format {
    /// The format of the files of a plan.
    ///
    /// # Errors
    /// `Request` if there is no such encoding.
    pub fn of(plan: &Plan) -> Result<Format> {
        let encoding = plan.text_encoding()?.filter(|encoding| *encoding != UTF_8);
        Ok(Format { gzip_only: plan.gzip_only, encoding })
    }
}

/// A CSV file being read.
pub struct Reader<R: Read> {
    window: Window<R>,
    scanner: Scanner,
    limits: Limits,
    header: Vec<String>,
    header_row: u64,
    /// An error was returned: what follows it cannot be trusted.
    spent: bool,
}

impl<R: Read> Reader<R> {
    /// Opens a file: sees whether it is gzip and whether it is text, and reads its header.
    pub fn open(input: R, limits: &Limits) -> Result<Reader<R>> {
        Reader::open_as(input, limits, Format::default())
    }

    /// Opens a file of a format. Offsets in what is said of its structure are then those of its text in UTF-8.
    pub fn open_as(input: R, limits: &Limits, format: Format) -> Result<Reader<R>> {
        let source = Source::open(input, limits, format.gzip_only)?;
        let mut window = Window::new(Text::new(source, format.encoding), limits.window_size);
        window.refill()?;
        window.consume(encoding::sniff(window.data())?);
        let mut reader = Reader {
            window,
            scanner: Scanner::new(limits),
            limits: limits.clone(),
            header: Vec::new(),
            header_row: 0,
            spent: false,
        };
        reader.read_header()?;
        Ok(reader)
    }

    fn read_header(&mut self) -> Result<()> {
        let mut records = Records::new();
        while self.read(&mut records, 1, usize::MAX)? {
            let record = records.get(0);
            if record.width() == 1 && record.cell(0).trim().is_empty() {
                continue;
            }
            if record.has_nul() {
                return Err(Error::file("the header contains a NUL byte").at_row(record.row()));
            }
            self.header = record.cells().map(|cell| cell.trim().to_string()).collect();
            self.header_row = record.row();
            self.scanner.forget_stray_quotes();
            return Ok(());
        }
        Err(Fault::Empty.error())
    }

    /// Returns the header's cells without outer blanks.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Returns the header's row, which is 1 unless blank lines come before it.
    pub fn header_row(&self) -> u64 {
        self.header_row
    }

    /// Replaces the records by the file's next ones: until there are `max_records` of them or their cells have
    /// `max_bytes` bytes, whichever is sooner, but at least one. Says whether there was one; at the end of the file
    /// there is none, and then all of the file has been looked at, checksums included.
    ///
    /// Records of other widths than the header's are records too. An error is the first thing wrong with the file, and
    /// the end of reading it.
    pub fn read(&mut self, into: &mut Records, max_records: usize, max_bytes: usize) -> Result<bool> {
        into.clear();
        self.pass(&mut Collector::new(into, max_records, max_bytes))?;
        Ok(!into.is_empty())
    }

    /// Returns how many of the records read so far have a quote inside an unquoted cell. It is data, as in `5" pipe`,
    /// but may also be a mistake.
    pub fn stray_quotes(&self) -> u64 {
        self.scanner.stray_quotes()
    }

    /// Has the sink take records until it has enough or the file ends.
    fn pass<S: Sink>(&mut self, sink: &mut S) -> Result<()> {
        if self.spent {
            return Err(Error::internal("the file was read on after an error"));
        }
        let result = self.scan_windows(sink);
        self.spent = result.is_err();
        result
    }

    fn scan_windows<S: Sink>(&mut self, sink: &mut S) -> Result<()> {
        loop {
            let before = self.scanner.clone();
            sink.begin(self.window.position());
            let (size, pause) = self.scanner.scan(self.window.data(), sink);
            if !sink.end(&self.window.data()[..size]) {
                return Err(self.not_utf8(before, size));
            }
            self.window.consume(size);
            match pause {
                Pause::Full => return Ok(()),
                // One byte more than the cap may be the CR of a line end whose LF is not yet in the window.
                Pause::Short(partial) if self.window.data().len() <= self.scanner.max_record_size() + 1 => {
                    if !self.refill()? {
                        return partial.quote.map_or(Ok(()), |quote| Err(self.runaway(quote)));
                    }
                }
                Pause::Short(_) | Pause::TooLarge => return Err(self.too_large()),
                Pause::TooWide(width) => return Err(self.too_wide(&width.to_string())),
                Pause::Runaway(quote) => return Err(self.runaway(quote)),
            }
        }
    }

    /// Adds to the window. What cannot be decoded comes behind all that can, so its row is known.
    fn refill(&mut self) -> Result<bool> {
        let is_decoded = self.window.is_decoded();
        self.window.refill().map_err(|error| match error.kind() {
            Kind::File if is_decoded => error.at_row(self.scanner.rows() + 1),
            _ => error,
        })
    }

    fn too_wide(&self, width: &str) -> Error {
        let most = self.limits.max_columns;
        Error::file(format!("the record has {width} columns; at most {most} are allowed"))
            .at_row(self.scanner.rows() + 1)
    }

    /// Says why the record that the window begins with is too large: often a quote was not closed. Only the part that
    /// is not too large decides, so that it does not matter how much of the record is in the window.
    fn too_large(&mut self) -> Error {
        let most = self.scanner.max_record_size();
        let (_, pause) = self.scanner.clone().scan(&self.window.data()[..=most], &mut Tally::default());
        match pause {
            Pause::Short(partial) if partial.width > self.limits.max_columns => {
                self.too_wide(&format!("more than {}", self.limits.max_columns))
            }
            Pause::Short(Partial { quote: Some(quote), .. }) => self.runaway(quote),
            _ => self.over_size(),
        }
    }

    fn over_size(&self) -> Error {
        let most = self.scanner.max_record_size();
        Error::file(format!("the record is larger than {most} bytes, the most that is allowed"))
            .at_row(self.scanner.rows() + 1)
    }

    fn runaway(&mut self, quote: Quote) -> Error {
        match runaway::explain(&mut self.window, &quote, self.limits.max_line_breaks) {
            Ok(Some(error)) => self.at_column(error, quote.column),
            Ok(None) => self.over_size(),
            Err(error) => error,
        }
    }

    /// Says where in the window's first `size` bytes, which the scanner knew as `before`, something is not UTF-8.
    fn not_utf8(&self, mut before: Scanner, size: usize) -> Error {
        let text = self.window.data();
        let Err(error) = str::from_utf8(&text[..size]) else {
            return Error::internal("records are not UTF-8 although the file is");
        };
        let at = error.valid_up_to();
        let mut locator = Locator::new(at);
        before.scan(text, &mut locator);
        let sentence = format!(
            "byte 0x{:02X} at offset {} of the file is not UTF-8: {}",
            text[at],
            self.window.position() + at as u64,
            encoding::explain(text, at),
        );
        self.at_column(Error::file(sentence).at_row(locator.row()), locator.column())
    }

    /// Adds the name of the column, if it has one.
    fn at_column(&self, error: Error, column: usize) -> Error {
        match self.header.get(column) {
            Some(name) if !name.is_empty() => error.at_column(name),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::{Limits, Reader, Records, scan};
    use crate::error::{Error, Result};

    /// Gives out a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let bytes = self.1.min(into.len());
            self.0.read(&mut into[..bytes])
        }
    }

    /// The file as text: `row: cell|cell`, the header first.
    fn render(input: impl Read, limits: &Limits, max_records: usize, max_bytes: usize) -> Result<String> {
        let mut reader = Reader::open(input, limits)?;
        let mut text = format!("{}: {}", reader.header_row(), reader.header().join("|"));
        let mut records = Records::new();
        while reader.read(&mut records, max_records, max_bytes)? {
            for record in records.iter() {
                text += &format!("\n{}: {}", record.row(), record.cells().collect::<Vec<_>>().join("|"));
                assert_eq!(record.text(), record.cells().map(|cell| format!("{cell}\0")).collect::<String>());
            }
        }
        Ok(text)
    }

    /// Reads a file in several ways, which must not differ, and returns what it says or what is wrong with it.
    fn read_with(limits: &Limits, file: &[u8]) -> String {
        let say = |result: Result<String>| result.unwrap_or_else(|error| error.to_string());
        let expected = say(render(file, limits, usize::MAX, usize::MAX));
        assert_eq!(say(render(Drip(file, 1), limits, 1, usize::MAX)), expected);
        assert_eq!(say(render(Drip(file, 3), limits, usize::MAX, 1)), expected);
        let found = say(scan(Drip(file, 2), limits).map(|structure| structure.records.to_string()));
        assert_eq!(found, say(render(file, limits, usize::MAX, usize::MAX).map(|_| count(file, limits))));
        expected
    }

    fn count(file: &[u8], limits: &Limits) -> String {
        let mut reader = Reader::open(file, limits).expect("a good file");
        let mut records = Records::new();
        reader.read(&mut records, usize::MAX, usize::MAX).expect("a good file");
        records.len().to_string()
    }

    fn read(file: impl AsRef<[u8]>) -> String {
        read_with(&Limits::default(), file.as_ref())
    }

    #[test]
    fn reads_cells_and_rows() {
        let cases = [
            ("a,b\n1,2\n", "1: a|b\n2: 1|2"),
            ("a,b\n1,2", "1: a|b\n2: 1|2"),
            ("a,b\r\n1,2\r\n3,4\r5,6\n7,8\r", "1: a|b\n2: 1|2\n3: 3|4\n4: 5|6\n5: 7|8"),
            ("a,b\n", "1: a|b"),
            ("a,b", "1: a|b"),
            ("a,b\n\n1,2\r\n\r\n\r3,4\n\n", "1: a|b\n3: 1|2\n6: 3|4"),
            ("\n\r\na\n1\n", "3: a\n4: 1"),
            (" \t\na\n1\n", "2: a\n3: 1"),
            ("a,b\n,\n\"\",\n", "1: a|b\n2: |\n3: |"),
            ("a\n\"\"\n \n", "1: a\n2: \n3:  "),
            ("a,b\n1\n1,2,3\n", "1: a|b\n2: 1\n3: 1|2|3"),
            ("a,b,c\n\"1,\"\"1\"\"\",\"\n\",\"\"\"\"\n", "1: a|b|c\n2: 1,\"1\"|\n|\""),
            ("a,b\n\"1\",\"2\"\r\n\"3\",\"4\"\r\"5\",\"6\"", "1: a|b\n2: 1|2\n3: 3|4\n4: 5|6"),
            ("a,b\n\"x\r\ny\rz\",2\n3,4\n", "1: a|b\n2: x\r\ny\rz|2\n3: 3|4"),
            ("\u{feff}\"a\",b\n\u{feff}1,2\n", "1: a|b\n2: \u{feff}1|2"),
            (" a , \"b\"\n 1 , \t\"2 \"\n", "1: a|b\n2:  1 |2 "),
            ("a\n5\" pipe\n\"5\"\" pipe\"\nx \"y\" z\n", "1: a\n2: 5\" pipe\n3: 5\" pipe\n4: x \"y\" z"),
            ("größe,東京\nŁ,\"é\"\n", "1: größe|東京\n2: Ł|é"),
        ];
        for (file, expected) in cases {
            assert_eq!(read(file), expected, "{file:?}");
        }
    }

    #[test]
    fn refuses_what_is_damaged() {
        let cases: &[(&[u8], &str)] = &[
            (b"", "the file is empty"),
            (b"\xef\xbb\xbf", "the file is empty"),
            (b"\n\r\n \n", "the file is empty"),
            (b"a\0b,c\n", "row 1: the header contains a NUL byte"),
            (
                b"a,b\n1,\"2\n3\n",
                "row 2, column 'b': the quote that opens column 2, in line 2 of the file, is never closed",
            ),
            (
                b"a,b\n\n\"1\n1\",2\n3,\"4\"\"",
                "row 4, column 'b': the quote that opens column 2, in line 5 of the file, is never closed",
            ),
            (b"a,\"b\n", "row 1: the quote that opens column 2, in line 1 of the file, is never closed"),
            (
                b"a,b\n\"1\" ,2\n",
                "row 2, column 'a': ' ' follows the closing quote of column 1, in line 2 of the file, where only a comma \
                 or the end of the record may come: a quote within a quoted cell is written twice",
            ),
            (
                b"a,b\n1,\"2\n3,\"4\n",
                "row 2, column 'b': '4' follows the closing quote of column 2, in line 3 of the file, where only a comma \
                 or the end of the record may come: a quote within a quoted cell is written twice; the quote was opened \
                 in line 2",
            ),
            (
                b"\"a\";\"b\"\n",
                "row 1: ';' follows the closing quote of column 1, in line 1 of the file, where only a comma or the end \
                 of the record may come: columns are separated by commas",
            ),
            (
                b"name,city\nx,y\n\"q\"\"\",M\xe1laga\n",
                "row 3, column 'city': byte 0xE1 at offset 21 of the file is not UTF-8: looks like Windows-1252 ('á'); \
                 save the file as CSV UTF-8",
            ),
            (
                b"caf\xe9,b\n",
                "row 1: byte 0xE9 at offset 3 of the file is not UTF-8: looks like Windows-1252 ('é'); save \
              the file as CSV UTF-8",
            ),
            // The first thing wrong is the one reported.
            (
                b"a,b\n1,\xff\n\"2\"x,3\n",
                "row 2, column 'b': byte 0xFF at offset 6 of the file is not UTF-8: looks like \
              Windows-1252 ('ÿ'); save the file as CSV UTF-8",
            ),
        ];
        for (file, expected) in cases {
            assert_eq!(read(file), *expected, "{}", file.escape_ascii());
        }
    }

    #[test]
    fn caps_columns_sizes_and_line_breaks() {
        let limits = Limits { max_columns: 3, max_record_size: 20, max_line_breaks: 2, ..Limits::default() };
        let cases = [
            ("a,b,c\n1,2,3\n", "1: a|b|c\n2: 1|2|3"),
            ("a,b,c,d\n", "row 1: the record has 4 columns; at most 3 are allowed"),
            ("a\n1\n1,2,3,4,5\n", "row 3: the record has 5 columns; at most 3 are allowed"),
            ("a\n12345678901234567890\r\n", "1: a\n2: 12345678901234567890"),
            ("a\n12345678901234567890", "1: a\n2: 12345678901234567890"),
            ("a\n123456789012345678901\n", "row 2: the record is larger than 20 bytes, the most that is allowed"),
            ("a\n,,,,,,,,,,,,,,,,,,,,,,\n", "row 2: the record has more than 3 columns; at most 3 are allowed"),
            ("a\n\"1\n2\r\n3\"\n", "1: a\n2: 1\n2\r\n3"),
            (
                "a,b\n0,\"1\n2\n3\n4\r\n5\"\n",
                "row 2, column 'b': the quoted cell of column 2 has 4 line breaks, from line 2 to line 6 of the file; at \
                 most 2 are allowed, so a quote may be missing or one too many",
            ),
            (
                "a,b\n0,\"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n",
                "row 2, column 'b': the quote that opens column 2, in line 2 of the file, is never closed",
            ),
            (
                "a,b\n0,\"1234567890123456789012345678901234567890\n",
                "row 2, column 'b': the quote that opens column 2, in line 2 of the file, is never closed",
            ),
            (
                "a,b\n0,\"1234567890123456789012345678901234567890\",\n",
                "row 2: the record is larger than 20 bytes, the most that is allowed",
            ),
            (
                "a,b\n\"0\",\"12345678901234567890\"x,\n",
                "row 2, column 'b': 'x' follows the closing quote of column 2, in line 2 of the file, where only a comma \
                 or the end of the record may come: a quote within a quoted cell is written twice",
            ),
        ];
        for (file, expected) in cases {
            assert_eq!(read_with(&limits, file.as_bytes()), expected, "{file:?}");
        }
    }

    #[test]
    fn rounds_hold_what_they_are_asked_for() {
        let mut file = "id,text\n".to_string();
        for i in 0..20_000 {
            file += &format!("{i},\"some \"\"text\"\" {i}\"\n\n");
        }
        for (max_records, max_bytes) in [(1, usize::MAX), (7, usize::MAX), (usize::MAX, 1000), (64, 100_000)] {
            let mut reader = Reader::open(file.as_bytes(), &Limits::default()).expect("a good file");
            let mut records = Records::with_capacity(64, 1000, 128);
            let mut next = 0;
            while reader.read(&mut records, max_records, max_bytes).expect("a good file") {
                assert!(records.len() <= max_records && records.size() < max_bytes.saturating_add(40));
                for record in records.iter() {
                    assert_eq!(record.row(), 2 + 2 * next);
                    assert_eq!(record.cell(0), next.to_string());
                    assert_eq!(record.cell(1), format!("some \"text\" {next}"));
                    assert!(file[record.position() as usize..].starts_with(&format!("{next},")));
                    next += 1;
                }
            }
            assert_eq!(next, 20_000);
        }
    }

    #[test]
    fn marks_and_counts_oddities() {
        let file = "a,b\n1,x\"y\nz\"\"z,\"q\"\n\0,2\n\"3\0\",4\n5\n";
        let mut reader = Reader::open(file.as_bytes(), &Limits::default()).expect("a good file");
        let mut records = Records::new();
        assert!(reader.read(&mut records, 100, 100_000).expect("a good file"));
        assert_eq!(
            records.iter().map(|record| record.has_nul()).collect::<Vec<_>>(),
            [false, false, true, true, false]
        );
        assert_eq!(reader.stray_quotes(), 2);
        let structure = scan(file.as_bytes(), &Limits::default()).expect("a good file");
        let counts = (structure.records, structure.ragged, structure.with_nul, structure.stray_quotes, structure.size);
        assert_eq!(counts, (5, 1, 2, 2, file.len() as u64));
    }

    #[test]
    fn an_error_of_the_input_stays_what_it_is() {
        struct Broken(Option<Error>);
        impl Read for Broken {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                match self.0.take() {
                    Some(error) => Err(io::Error::other(error)),
                    None => into.split_first_mut().map_or(Ok(0), |(first, _)| {
                        *first = b'x';
                        Ok(1)
                    }),
                }
            }
        }
        let broken = Broken(Some(Error::conflict("the upload was cancelled")));
        let mut reader = Reader::open(b"a\n1\n".chain(broken), &Limits::default()).expect("a header");
        let mut records = Records::new();
        let error = reader.read(&mut records, 10, 10_000).expect_err("the input is broken");
        assert_eq!(error.to_string(), "the upload was cancelled");
        assert!(reader.read(&mut records, 10, 10_000).is_err(), "there is no reading on");
    }
}
