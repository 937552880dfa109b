//! The bytes of the file, gunzipped if they are gzip.
//!
//! What a file is called or claimed to be does not matter: gzip begins with `1f 8b`, and no CSV file does. All members
//! are read. After the last one only zero bytes may come, which tapes and block devices leave behind; other decoders
//! stop silently at anything else, and what they leave out may be half of the data. The members are decoded one by one
//! here because of that.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;

use super::Limits;
use crate::error::{Error, Result};
use crate::fault::Fault;

const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Compressed bytes read at once.
const INPUT_SIZE: usize = 128 * 1024;

/// The ratio is looked at from this output on: small files may compress as well as they like.
const RATIO_GRACE: u64 = 64 * 1024 * 1024;

/// A file as bytes of text.
pub(super) enum Source<R: Read> {
    Plain(Input<R>),
    Gzip(Box<Gunzip<R>>),
}

/// The input with its first bytes, which had to be read to see what it is, put back.
type Input<R> = Chain<Cursor<Vec<u8>>, Tap<R>>;

impl<R: Read> Source<R> {
    pub(super) fn open(input: R, limits: &Limits, gzip_only: bool) -> Result<Source<R>> {
        let mut tap = Tap { input, bytes: 0, failed: false };
        let mut first = Vec::with_capacity(MAGIC.len());
        (&mut tap).take(MAGIC.len() as u64).read_to_end(&mut first).map_err(failed)?;
        let is_gzip = first == MAGIC;
        if gzip_only && !is_gzip && !first.is_empty() {
            return Err(Fault::NotGzip.error());
        }
        let input = Cursor::new(first).chain(tap);
        Ok(match is_gzip {
            true => Source::Gzip(Box::new(Gunzip::new(input, limits))),
            false => Source::Plain(input),
        })
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        match self {
            Source::Plain(input) => input.read(into).map_err(failed),
            Source::Gzip(gunzip) => gunzip.read(into),
        }
    }
}

/// The input, counted. Remembers whether it failed itself, which decoders report like damaged data.
pub(super) struct Tap<R> {
    input: R,
    bytes: u64,
    failed: bool,
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(into) {
                Ok(bytes) => {
                    self.bytes += bytes as u64;
                    return Ok(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }
}

/// Decodes the members of a gzip file.
pub(super) struct Gunzip<R: Read> {
    /// The decoder of the current member; gone only while it makes room for the next one's.
    decoder: Option<GzDecoder<BufReader<Input<R>>>>,
    members: u64,
    output: u64,
    max_output: u64,
    max_ratio: u64,
}

impl<R: Read> Gunzip<R> {
    fn new(input: Input<R>, limits: &Limits) -> Gunzip<R> {
        Gunzip {
            decoder: Some(GzDecoder::new(BufReader::with_capacity(INPUT_SIZE, input))),
            members: 1,
            output: 0,
            max_output: limits.max_decompressed_size,
            max_ratio: limits.max_ratio,
        }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        loop {
            match self.decoder().read(into) {
                Ok(0) if self.next_member()? => {}
                Ok(bytes) => {
                    self.output += bytes as u64;
                    self.check_size()?;
                    return Ok(bytes);
                }
                Err(error) => return Err(self.damaged(error)),
            }
        }
    }

    /// Passes to the next member, if there is one.
    fn next_member(&mut self) -> Result<bool> {
        match self.skip_padding() {
            Ok(None) => return Ok(false),
            Ok(Some(0x1f)) => {}
            Ok(Some(_)) => return Err(self.rubbish()),
            Err(error) => return Err(failed(error)),
        }
        self.members += 1;
        self.decoder = self.decoder.take().map(|decoder| GzDecoder::new(decoder.into_inner()));
        Ok(true)
    }

    /// Returns the byte that follows the member, if any; zeros are passed over only if nothing else comes after them.
    fn skip_padding(&mut self) -> io::Result<Option<u8>> {
        let input = self.decoder().get_mut();
        match input.fill_buf()?.first() {
            Some(0) => {}
            first => return Ok(first.copied()),
        }
        loop {
            let bytes = input.fill_buf()?;
            if bytes.iter().any(|byte| *byte != 0) {
                return Ok(Some(0));
            }
            match bytes.len() {
                0 => return Ok(None),
                length => input.consume(length),
            }
        }
    }

    fn check_size(&self) -> Result<()> {
        if self.max_output > 0 && self.output > self.max_output {
            return Err(Error::file(format!(
                "the file decompresses to more than {} bytes, the most that is allowed",
                self.max_output
            )));
        }
        let ratio = self.output / self.consumed().max(1);
        if self.max_ratio > 0 && self.output > RATIO_GRACE && ratio > self.max_ratio {
            return Err(Error::file(format!(
                "the file decompresses to more than {} times its size, the most that is allowed",
                self.max_ratio
            )));
        }
        Ok(())
    }

    fn damaged(&self, error: io::Error) -> Error {
        let header = self.decoder.as_ref().and_then(GzDecoder::header);
        if self.tap().failed {
            failed(error)
        } else if error.kind() == io::ErrorKind::UnexpectedEof {
            damaged(format!(
                "the gzip data ends too early, after {} bytes of text: the file is not complete",
                self.output
            ))
        } else if self.members > 1 && header.is_none() {
            self.rubbish()
        } else {
            damaged(format!("the gzip data is damaged behind {} bytes of text ({error})", self.output))
        }
    }

    fn rubbish(&self) -> Error {
        damaged("something that is not gzip follows the gzip data, where only zero bytes may come".to_owned())
    }

    fn decoder(&mut self) -> &mut GzDecoder<BufReader<Input<R>>> {
        self.decoder.as_mut().expect("there is always a decoder between two calls")
    }

    fn input(&self) -> &BufReader<Input<R>> {
        self.decoder.as_ref().expect("there is always a decoder between two calls").get_ref()
    }

    fn tap(&self) -> &Tap<R> {
        self.input().get_ref().get_ref().1
    }

    /// Compressed bytes used up.
    fn consumed(&self) -> u64 {
        self.tap().bytes - self.input().buffer().len() as u64
    }
}

fn damaged(message: String) -> Error {
    Fault::DamagedGzip { message }.error()
}

/// An error of the input, which may be one of ours in disguise.
fn failed(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::storage("the file cannot be read", error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::{Limits, Source};
    use crate::engine::reader::scan;
    use crate::error::Result;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("memory does not fail");
        encoder.finish().expect("memory does not fail")
    }

    fn gunzip(file: &[u8]) -> Result<Vec<u8>> {
        let mut source = Source::open(file, &Limits::default(), false)?;
        let mut text = Vec::new();
        let mut part = [0; 1000];
        loop {
            match source.read(&mut part)? {
                0 => return Ok(text),
                bytes => text.extend_from_slice(&part[..bytes]),
            }
        }
    }

    #[test]
    fn reads_all_members_and_nothing_else() {
        let (one, empty, two) = (gzip(b"id\n1\n"), gzip(b""), gzip(b"2\n"));
        let good: [(Vec<u8>, &[u8]); 5] = [
            (one.clone(), b"id\n1\n"),
            ([&one[..], &empty, &empty, &two].concat(), b"id\n1\n2\n"),
            ([&one[..], &[0; 512]].concat(), b"id\n1\n"),
            (empty.clone(), b""),
            (b"\x1f".to_vec(), b"\x1f"),
        ];
        for (file, text) in good {
            assert_eq!(gunzip(&file).expect("a good file"), text);
        }
        let rubbish = "something that is not gzip follows the gzip data, where only zero bytes may come";
        let bad: [(Vec<u8>, &str); 5] = [
            ([&one[..], b"rubbish"].concat(), rubbish),
            ([&one[..], &[0; 512], b"rubbish"].concat(), rubbish),
            ([&one[..], &[0; 512], &two].concat(), rubbish),
            ([&one[..], b"\x1f\x9drubbish!"].concat(), rubbish),
            ([&one[..], &two[..5]].concat(), "the gzip data ends too early, after 5 bytes of text"),
        ];
        for (file, expected) in bad {
            let error = gunzip(&file).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn no_truncation_and_no_flipped_bit_goes_unnoticed() {
        let text: Vec<u8> = (0..200).flat_map(|i| format!("{i},{}\n", i * i % 97).into_bytes()).collect();
        let file = gzip(&text);
        for length in 2..file.len() {
            let error = gunzip(&file[..length]).expect_err("truncated").to_string();
            assert!(error.contains("ends too early"), "{length}: {error}");
        }
        for at in (10..file.len()).step_by(7) {
            let mut file = file.clone();
            file[at] ^= 1 << (at % 8);
            assert!(gunzip(&file).is_err(), "byte {at}");
        }
    }

    #[test]
    fn many_members_and_bombs_are_dealt_with() {
        let members = gzip(b"id\n").into_iter().chain(gzip(b"").repeat(10_000)).chain(gzip(b"1\n")).collect::<Vec<_>>();
        assert_eq!(scan(&members[..], &Limits::default()).expect("legal").records, 1);

        // 100 MB of short records.
        let bomb = gzip(&b"0\n".repeat(500_000)).repeat(100);
        let error = scan(&bomb[..], &Limits::default()).expect_err("a bomb");
        assert_eq!(
            error.to_string(),
            "the file decompresses to more than 200 times its size, the most that is allowed"
        );
        let limits = Limits { max_decompressed_size: 1_000_000, ..Limits::default() };
        let error = scan(&bomb[..], &limits).expect_err("too large");
        assert_eq!(error.to_string(), "the file decompresses to more than 1000000 bytes, the most that is allowed");

        let error = scan(&gzip(&gzip(b"id\n1\n"))[..], &Limits::default()).expect_err("gzip within gzip");
        assert!(error.to_string().starts_with("the file is gzip within gzip"), "{error}");
    }

    #[test]
    fn a_broken_input_is_not_called_damaged_data() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "connection lost"))
            }
        }
        let file = gzip(b"id\n1\n");
        let error = scan(file[..15].chain(Broken), &Limits::default()).expect_err("broken");
        assert_eq!(error.to_string(), "the file cannot be read: connection lost");
    }
}
