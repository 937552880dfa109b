//! The part of the file that is in memory: a buffer with a beginning that is given up and an end that is filled.
//!
//! It grows only for a record that does not fit, and its user stops that at the record cap. An error of the source is
//! kept until everything that came before it has been looked at, so that the first thing wrong with a file is the one
//! reported.

use std::io::Read;

use super::transcode::Text;
use crate::error::{Error, Result};

/// The least that shows what a file is: the mark of a tar archive comes last of all.
const LEAST: usize = 512;

pub(super) struct Window<R: Read> {
    source: Text<R>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The position in the file of the byte at `start`.
    position: u64,
    finished: bool,
    trouble: Option<Error>,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: Text<R>, size: usize) -> Window<R> {
        Window {
            source,
            buffer: vec![0; size.max(LEAST)],
            start: 0,
            end: 0,
            position: 0,
            finished: false,
            trouble: None,
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether the text was of another encoding.
    pub(super) fn is_decoded(&self) -> bool {
        self.source.is_decoded()
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.position += bytes as u64;
    }

    /// Adds to the data and says whether there was something to add. A last record without a line end gets one.
    pub(super) fn refill(&mut self) -> Result<bool> {
        self.make_room();
        let before = self.end;
        while self.end < self.buffer.len() && !self.finished && self.trouble.is_none() {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.finished = true;
                    if self.data().last().is_some_and(|byte| *byte != b'\n') {
                        self.buffer[self.end] = b'\n';
                        self.end += 1;
                    }
                }
                Ok(bytes) => self.end += bytes,
                Err(error) => self.trouble = Some(error),
            }
        }
        if self.end > before {
            return Ok(true);
        }
        self.trouble.take().map_or(Ok(false), Err)
    }

    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end > self.buffer.len() / 2 {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }
}
