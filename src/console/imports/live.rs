//! A running import as it goes on: parts of its page, sent as server-sent events.
//!
//! What changes is sent whenever it does; with the end comes all that the page tells, so that nobody has to reload it.

use std::convert::Infallible;
use std::fmt;
use std::time::{Duration, Instant};

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use tokio::time::sleep;

use super::IMPORTS;
use super::body::{Body, Failures, Live};
use super::progress::{Looks, Position};
use crate::console::page::written;
use crate::console::visitor::{Cookie, SIGN_IN, Visitor};
use crate::error::{Kind, Result};
use crate::http::{Door, Problem};
use crate::import::{Import, ImportId};
use crate::report::Milestone;

/// How often an import is looked at: often enough for a progress bar, and cheap.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How often it is asked how the failures are to be grouped, which is not as cheap, and whether the visitor is still one.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// How often something is sent at least, so that nobody in between takes the connection for a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Points of the drawing, at most. Then every other one is left out.
const DRAWN: usize = 240;

/// The name of the event that ends the stream.
const END: &str = "end";

/// What has changed.
#[derive(Template)]
#[template(path = "imports/progress.html")]
struct Changed {
    live: Option<Part>,
    failures: Option<Part>,
}

/// A part of a page that was written by its own template.
struct Part(String);

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Part {}

/// What takes the place of an import that was deleted while somebody looked at it.
#[derive(Template)]
#[template(path = "imports/gone.html")]
struct Gone {
    imports: &'static str,
}

/// What is said to somebody who has been signed out meanwhile.
#[derive(Template)]
#[template(path = "imports/hidden.html")]
struct Hidden {
    sign_in: &'static str,
    id: String,
}

pub(super) async fn follow(
    State(door): State<Door>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = visitor.principal.clone();
    let id = door.run(move |door| Ok(principal.import(&door.app, &id)?.id)).await?;
    let secret = Cookie::SESSION.read(&headers, &door).unwrap_or_default();
    let seen = Seen { looks: Looks::default(), drawn: Vec::new(), live: String::new(), failures: 0, asked: None };
    let watched = Watched { door, visitor, secret, id, seen, next: Next::Look };
    let events = unfold(watched, |mut watched| async move {
        let event = watched.next().await?;
        Some((Ok::<Event, Infallible>(event), watched))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

/// An import that somebody watches.
struct Watched {
    door: Door,
    visitor: Visitor,
    /// What the visitor has signed in with.
    secret: String,
    id: ImportId,
    seen: Seen,
    next: Next,
}

/// What comes next in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Look,
    End,
    Nothing,
}

/// What the visitor knows already.
struct Seen {
    looks: Looks,
    /// Where it was at each look, for the drawing.
    drawn: Vec<Milestone>,
    live: String,
    /// How many failures there were when they were grouped.
    failures: u64,
    asked: Option<Instant>,
}

/// What a look has found.
enum Found {
    Nothing,
    Changed(String),
    /// The last one.
    Over(String),
}

impl Watched {
    async fn next(&mut self) -> Option<Event> {
        while self.next == Next::Look && !self.door.worker.is_stopping() {
            // Something changes at every look, if only the time that it takes.
            if self.seen.asked.is_some() {
                sleep(LOOK_AGAIN).await;
            }
            let (id, visitor, secret) = (self.id, self.visitor.clone(), self.secret.clone());
            let seen = std::mem::replace(&mut self.seen, Seen::nothing());
            let look = self.door.run(move |door| {
                let mut seen = seen;
                let found = seen.look(door, &visitor, &secret, id)?;
                Ok((found, seen))
            });
            // Whoever still wants to know connects again, and is told then what is wrong.
            let (found, seen) = look.await.ok()?;
            self.seen = seen;
            match found {
                Found::Nothing => {}
                Found::Changed(html) => return Some(Event::default().data(html)),
                Found::Over(html) => {
                    self.next = Next::End;
                    return Some(Event::default().data(html));
                }
            }
        }
        if self.next == Next::End {
            self.next = Next::Nothing;
            return Some(Event::default().event(END).data("over"));
        }
        None
    }
}

impl Seen {
    fn nothing() -> Seen {
        Seen { looks: Looks::default(), drawn: Vec::new(), live: String::new(), failures: 0, asked: None }
    }

    fn look(&mut self, door: &Door, visitor: &Visitor, secret: &str, id: ImportId) -> Result<Found> {
        let is_due = self.asked.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN);
        if is_due && door.access.visitor(secret)?.is_none_or(|principal| principal != visitor.principal) {
            return sent(&Hidden { sign_in: SIGN_IN, id: id.to_string() }).map(Found::Over);
        }
        let import = match door.app.import(id) {
            Ok(import) => import,
            Err(error) if error.kind() == Kind::NotFound => return sent(&Gone { imports: IMPORTS }).map(Found::Over),
            Err(error) => return Err(error),
        };
        if import.state.end().is_some() {
            return sent(&Body::of(door, visitor, &import)?).map(Found::Over);
        }
        let changed = self.changed(door, visitor, &import, is_due)?;
        if is_due {
            self.asked = Some(Instant::now());
        }
        match changed {
            Changed { live: None, failures: None } => Ok(Found::Nothing),
            changed => sent(&changed).map(Found::Changed),
        }
    }

    fn changed(&mut self, door: &Door, visitor: &Visitor, import: &Import, is_due: bool) -> Result<Changed> {
        let done = Position::of(door, import).done;
        self.looks.note(done);
        self.draw(import, done);
        let live = written(&Live::of(door, import, self.looks.pace(), &self.drawn))?;
        let live = (live != self.live).then(|| {
            self.live.clone_from(&live);
            Part(live)
        });
        let count = import.counts.failure;
        let failures = match is_due && count != self.failures {
            true => {
                self.failures = count;
                Some(Part(written(&Failures::of(door, visitor, import)?)?))
            }
            false => None,
        };
        Ok(Changed { live, failures })
    }

    fn draw(&mut self, import: &Import, records: u64) {
        let started = import.started.as_deref().map(crate::clock::since).unwrap_or_default();
        let millis = u64::try_from(started.as_millis()).unwrap_or(u64::MAX);
        if self.drawn.last().is_some_and(|last| last.records > records || last.millis >= millis) {
            self.drawn.clear();
        }
        self.drawn.push(Milestone { millis, records });
        if self.drawn.len() > DRAWN {
            let mut at = 0;
            self.drawn.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
    }
}

/// A part of a page as it is sent: a carriage return would end a line of the stream.
fn sent(template: &impl Template) -> Result<String> {
    Ok(written(template)?.replace('\r', "&#13;"))
}
