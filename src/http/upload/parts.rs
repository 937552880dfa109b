//! The parts of a `multipart/form-data` body, files piece by piece as they come in.
//!
//! The parser of multipart bodies reads ahead as far as a client is fast, and keeps headers of any size: here it gets
//! bytes only when it cannot go on without, and a body may have only so much besides its files. So what is in memory of a
//! request is bounded, whatever it is.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream};
use axum::http::header::CONTENT_DISPOSITION;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::StreamExt as _;
use multer::{Field, Multipart};

use super::disposition::file_name;
use crate::error::{Error, Result};

/// The most bytes of a body that are not of its files: boundaries, headers, other fields of the form.
pub(super) const FRAME: u64 = 2 << 20;

/// Files of a request at most.
const MOST_FILES: usize = 100;

/// Parts of a request at most, files among them.
const MOST_PARTS: usize = 1000;

/// Bytes that are handed on together: enough that their number does not matter.
const PIECE: usize = 128 << 10;

/// What a file is called whose sender gives it no name.
const NAMELESS: &str = "unnamed.csv";

/// A part of a form.
pub(super) enum Part {
    /// A file of this name, which is to be read [piece by piece](Parts::piece).
    File(String),
    /// A field.
    Field {
        name: String,
        /// As much as a [`FRAME`] holds at most.
        value: Bytes,
    },
}

/// A body that is being read.
pub(super) struct Parts {
    multipart: Multipart<'static>,
    source: Arc<Mutex<Source>>,
    /// The file that is being read, and what of it was read already.
    file: Option<(Field<'static>, Option<Bytes>)>,
    files: usize,
    parts: usize,
}

impl Parts {
    pub(super) fn new(body: Body, boundary: String) -> Parts {
        let source = Source { body: body.into_data_stream(), feeding: Feeding::Enough, besides: 0 };
        let source = Arc::new(Mutex::new(source));
        let multipart = Multipart::new(Feed(Arc::clone(&source)), boundary);
        Parts { multipart, source, file: None, files: 0, parts: 0 }
    }

    /// The next part, once the one before was read to its end. After the last one, the rest of the body was read too.
    pub(super) async fn next(&mut self) -> Result<Option<Part>> {
        loop {
            let Parts { multipart, source, .. } = self;
            let next = poll_fn(|context| feed(source, context, |context| multipart.poll_next_field(context))).await?;
            let Some(mut field) = next.map_err(malformed)? else {
                self.read_rest().await?;
                return Ok(None);
            };
            self.parts += 1;
            if self.parts > MOST_PARTS {
                return Err(Error::request(format!("the request has more than {MOST_PARTS} parts")));
            }
            let disposition = field.headers().get(CONTENT_DISPOSITION);
            let file_name = disposition.and_then(|disposition| file_name(disposition.as_bytes()));
            let first = self.chunk(&mut field).await?;
            match file_name {
                // A form in which no file was chosen has a part without a name and without content.
                Some(name) if !name.is_empty() || first.is_some() => {
                    self.files += 1;
                    if self.files > MOST_FILES {
                        return Err(Error::request(format!("the request has more than {MOST_FILES} files")));
                    }
                    self.file = Some((field, first));
                    return Ok(Some(Part::File(if name.is_empty() { NAMELESS.to_owned() } else { name })));
                }
                Some(_) => {}
                None => {
                    let name = field.name().unwrap_or_default().to_owned();
                    let mut value = BytesMut::from(first.unwrap_or_default());
                    while let Some(chunk) = self.chunk(&mut field).await? {
                        value.extend_from_slice(&chunk);
                    }
                    return Ok(Some(Part::Field { name, value: value.freeze() }));
                }
            }
        }
    }

    /// The next bytes of the file; none at its end.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>> {
        let Some((mut field, mut first)) = self.file.take() else { return Ok(None) };
        let mut piece = BytesMut::new();
        while piece.len() < PIECE {
            let chunk = match first.take() {
                Some(chunk) => chunk,
                None => match self.chunk(&mut field).await? {
                    Some(chunk) => chunk,
                    None => return Ok((!piece.is_empty()).then(|| piece.freeze())),
                },
            };
            self.source().besides -= chunk.len() as u64;
            piece.extend_from_slice(&chunk);
        }
        self.file = Some((field, None));
        Ok(Some(piece.freeze()))
    }

    /// The next bytes of a part that are not none.
    async fn chunk(&self, field: &mut Field<'static>) -> Result<Option<Bytes>> {
        loop {
            let chunk =
                poll_fn(|context| feed(&self.source, context, |context| field.poll_next_unpin(context))).await?;
            match chunk.transpose().map_err(malformed)? {
                Some(chunk) if chunk.is_empty() => {}
                chunk => return Ok(chunk),
            }
        }
    }

    /// Reads what comes behind the last part. A body that ends too early was cut, even if no file was.
    async fn read_rest(&mut self) -> Result<()> {
        while let Some(chunk) = poll_fn(|context| self.source().body.poll_next_unpin(context)).await {
            self.source().count(chunk)?;
        }
        Ok(())
    }

    fn source(&self) -> MutexGuard<'_, Source> {
        lock(&self.source)
    }
}

/// Where the bytes come from.
struct Source {
    body: BodyDataStream,
    feeding: Feeding,
    /// Bytes that were read and are, as far as is known, of no file.
    besides: u64,
}

impl Source {
    fn count(&mut self, chunk: Result<Bytes, axum::Error>) -> Result<Bytes> {
        let chunk = chunk.map_err(|_| cut())?;
        self.besides += chunk.len() as u64;
        match self.besides > FRAME {
            true => Err(Error::request(format!("the request has more than {FRAME} bytes that are not of its files"))),
            false => Ok(chunk),
        }
    }
}

/// How it stands between the parser and the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Feeding {
    /// The parser has to make do with what it has.
    Enough,
    /// It could not, and may have more.
    Wanted,
    /// There is no more yet.
    Waiting,
}

/// The body as the parser sees it.
struct Feed(Arc<Mutex<Source>>);

impl Stream for Feed {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut source = lock(&self.0);
        if source.feeding != Feeding::Wanted {
            return Poll::Pending;
        }
        let polled = source.body.poll_next_unpin(context);
        source.feeding = if polled.is_pending() { Feeding::Waiting } else { Feeding::Enough };
        polled.map(|chunk| chunk.map(|chunk| source.count(chunk)))
    }
}

/// Asks the parser, and gives it more only while it cannot answer.
fn feed<T>(
    source: &Mutex<Source>,
    context: &mut Context<'_>,
    mut ask: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<Result<T>> {
    if lock(source).feeding == Feeding::Waiting {
        lock(source).feeding = Feeding::Wanted;
    }
    loop {
        if let Poll::Ready(answer) = ask(context) {
            return Poll::Ready(Ok(answer));
        }
        let mut source = lock(source);
        match source.feeding {
            Feeding::Enough => source.feeding = Feeding::Wanted,
            Feeding::Waiting => return Poll::Pending,
            // It did not look, since it knows that the body is over.
            Feeding::Wanted => return Poll::Ready(Err(cut())),
        }
    }
}

fn lock(source: &Mutex<Source>) -> MutexGuard<'_, Source> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cut() -> Error {
    Error::request("the request ended before its last part did")
}

fn malformed(error: multer::Error) -> Error {
    let what = match error {
        multer::Error::StreamReadFailed(error) => return error.downcast().map_or_else(|_| cut(), |error| *error),
        multer::Error::IncompleteStream | multer::Error::IncompleteFieldData { .. } => {
            "it ends too early, or a boundary is not where it has to be"
        }
        _ => "a part has headers that cannot be read",
    };
    Error::request(format!("the request is not well-formed multipart/form-data: {what}"))
}
