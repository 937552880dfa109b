//! Any bytes as a file: reading it whole, reading it in pieces and looking at its structure must agree.
//!
//! The first four bytes choose small limits and how the file is cut; the rest is the file, plain or gzip.
#![no_main]

use std::io::{self, Read};

use libfuzzer_sys::fuzz_target;
use rollbook::config::Limits;
use rollbook::engine::reader::{Reader, Records, scan};

/// Gives out a few bytes at a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.1.min(into.len());
        self.0.read(&mut into[..bytes])
    }
}

type Rows = Vec<(u64, Vec<String>)>;

fn read(input: impl Read, limits: &Limits, max_records: usize, max_bytes: usize) -> Result<Rows, String> {
    let mut reader = Reader::open(input, limits).map_err(|error| error.to_string())?;
    let mut rows = vec![(reader.header_row(), reader.header().to_vec())];
    let mut records = Records::new();
    while reader.read(&mut records, max_records, max_bytes).map_err(|error| error.to_string())? {
        for record in records.iter() {
            assert!(record.width() <= limits.max_columns);
            rows.push((record.row(), record.cells().map(str::to_string).collect()));
        }
    }
    Ok(rows)
}

fuzz_target!(|data: &[u8]| {
    let Some((&[columns, size, breaks, piece], file)) = data.split_first_chunk() else { return };
    let limits = Limits {
        max_columns: 1 + usize::from(columns),
        max_record_size: 4 * usize::from(size),
        max_line_breaks: usize::from(breaks),
        max_decompressed_size: 1 << 20,
        ..Limits::default()
    };
    let cut = Limits { window_size: 512, ..limits.clone() };
    let piece = 1 + usize::from(piece);

    let whole = read(file, &limits, usize::MAX, usize::MAX);
    let pieces = read(Drip(file, piece), &cut, piece, 64 * piece);
    let structure = scan(Drip(file, piece), &cut).map_err(|error| error.to_string());
    // How much a decoder yields before it notices damage depends on how it is fed, and so may the error.
    if file.starts_with(b"\x1f\x8b") {
        assert_eq!(pieces.as_ref().ok(), whole.as_ref().ok());
        assert_eq!(structure.ok().map(|structure| structure.records as usize + 1), whole.ok().map(|rows| rows.len()));
    } else {
        assert_eq!(pieces, whole);
        assert_eq!(structure.map(|structure| structure.records as usize + 1), whole.map(|rows| rows.len()));
    }
});
