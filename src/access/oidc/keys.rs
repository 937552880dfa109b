//! The issuer's keys: kept, and asked for again when that can help.
//!
//! Whoever shows a JWT can make us ask, known or not, so questions are limited: one at a time, for whose answer a few wait,
//! and none for a while after one that did not help.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::Jwk;

use crate::error::{Error, Kind, Result};

/// From then on keys are asked for again, so that one that was withdrawn goes out of use.
const FRESH: Duration = Duration::from_hours(1);

/// For so long they are trusted while the issuer cannot be reached.
const TRUSTED: Duration = Duration::from_hours(24);

/// So long after a question that did not help nothing is asked.
const PAUSE: Duration = Duration::from_secs(10);

/// So many wait for an answer. More are told to come again: each holds a thread, which others need.
const WAITING: usize = 8;

/// See the module's head.
#[derive(Debug, Default)]
pub(super) struct Keys {
    known: RwLock<Option<Known>>,
    waiting: AtomicUsize,
    /// Held while the issuer is asked: when it was last asked in vain.
    in_vain: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Known {
    keys: Vec<Jwk>,
    since: Instant,
}

/// What we can say of a key.
enum Answer {
    /// Known, from an answer of the issuer that is not old.
    Fresh(Jwk),
    /// Known, but the issuer ought to be asked again.
    Old(Jwk),
    /// The issuer's last answer, which is not old, does not have it.
    Missing,
    /// The issuer has not answered, or not for long.
    Unsaid,
}

impl Keys {
    /// The key of this id, or the only one there is for a JWT that names none. Calls `fetch` for the issuer's keys, if
    /// they are needed.
    ///
    /// # Errors
    /// `Busy` if they are needed and cannot be had now.
    pub(super) fn find(&self, id: Option<&str>, fetch: impl FnOnce() -> Result<Vec<Jwk>>) -> Result<Option<Jwk>> {
        let known = self.look_up(id);
        if matches!(known, Answer::Fresh(_)) {
            return settled(known, Ok(None));
        }
        let before_us = self.waiting.fetch_add(1, Ordering::Relaxed);
        let found = if before_us < WAITING { self.ask(id, fetch) } else { settled(known, Err(busy())) };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        found
    }

    fn ask(&self, id: Option<&str>, fetch: impl FnOnce() -> Result<Vec<Jwk>>) -> Result<Option<Jwk>> {
        let mut in_vain = self.in_vain.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have asked while we waited.
        let known = self.look_up(id);
        let is_resting = in_vain.is_some_and(|since| since.elapsed() < PAUSE);
        if is_resting || matches!(known, Answer::Fresh(_)) {
            return settled(known, Ok(None));
        }
        match fetch() {
            Ok(keys) => self.keep(keys),
            Err(error) => tracing::warn!(%error, "the issuer's keys could not be had"),
        }
        let known = self.look_up(id);
        *in_vain = (!matches!(known, Answer::Fresh(_))).then(Instant::now);
        settled(known, Ok(None))
    }

    fn keep(&self, keys: Vec<Jwk>) {
        if let Ok(mut known) = self.known.write() {
            *known = Some(Known { keys, since: Instant::now() });
        }
    }

    fn look_up(&self, id: Option<&str>) -> Answer {
        let Ok(known) = self.known.read() else { return Answer::Unsaid };
        let Some(Known { keys, since }) = &*known else { return Answer::Unsaid };
        let found = match (id, keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        match (found, since.elapsed()) {
            (Some(key), age) if age < FRESH => Answer::Fresh(key.clone()),
            (Some(key), age) if age < TRUSTED => Answer::Old(key.clone()),
            (None, age) if age < FRESH => Answer::Missing,
            _ => Answer::Unsaid,
        }
    }
}

/// The answer to whoever asked for a key; `missing` if the issuer's last answer does not have it.
fn settled(answer: Answer, missing: Result<Option<Jwk>>) -> Result<Option<Jwk>> {
    match answer {
        Answer::Fresh(key) | Answer::Old(key) => Ok(Some(key)),
        Answer::Missing => missing,
        Answer::Unsaid => Err(busy()),
    }
}

fn busy() -> Error {
    Error::new(Kind::Busy, "the keys of the OpenID Connect issuer are not there yet: try again")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::Ordering;
    use std::sync::mpsc;
    use std::thread;

    use jsonwebtoken::jwk::Jwk;
    use serde_json::json;

    use super::{Keys, WAITING};
    use crate::error::{Error, Kind};

    fn key(id: Option<&str>) -> Jwk {
        let key =
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": id});
        serde_json::from_value(key).expect("a key")
    }

    #[test]
    fn the_issuer_is_asked_when_that_can_help() {
        let (keys, asked) = (Keys::default(), Cell::new(0));
        let find = |id: Option<&str>, answer: &[Option<&str>]| {
            let answered = || {
                asked.set(asked.get() + 1);
                Ok(answer.iter().map(|id| key(*id)).collect())
            };
            keys.find(id, answered).expect("an answer").is_some()
        };
        assert!(find(Some("a"), &[Some("a"), Some("b")]));
        assert!(find(Some("b"), &[]));
        assert!(!find(None, &[Some("a"), Some("c")]), "which of the two?");
        assert_eq!(asked.get(), 2);
        // That did not help, so nothing is asked for a while.
        assert!(find(Some("c"), &[]));
        assert!(!find(Some("d"), &[Some("d")]));
        assert!(!find(Some("b"), &[Some("b")]), "withdrawn");
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn a_new_key_is_found_at_once() {
        let keys = Keys::default();
        for id in ["a", "b", "c"] {
            assert!(keys.find(Some(id), || Ok(vec![key(Some(id))])).expect("an answer").is_some());
        }
        assert!(keys.find(None, || Err(Error::internal("not asked"))).expect("an answer").is_some(), "the only one");
    }

    #[test]
    fn an_issuer_that_does_not_answer_is_not_asked_again_at_once() {
        let keys = Keys::default();
        let error = keys.find(Some("a"), || Err(Error::internal("no answer"))).expect_err("no keys");
        assert_eq!(error.kind(), Kind::Busy);
        let error = keys.find(Some("a"), || Ok(vec![key(Some("a"))])).expect_err("not asked");
        assert_eq!(error.kind(), Kind::Busy);
    }
    #[test]
    fn a_few_wait_for_one_answer_and_more_come_again() {
        let (keys, (release, released)) = (Keys::default(), mpsc::channel::<()>());
        let (begin, begun) = mpsc::channel();
        let keys = &keys;
        thread::scope(|threads| {
            let asks = move || {
                begin.send(()).expect("somebody listens");
                released.recv().expect("somebody releases");
                Ok(vec![key(Some("a"))])
            };
            let mut found = vec![threads.spawn(move || keys.find(Some("a"), asks))];
            begun.recv().expect("it has begun");
            let waits = || keys.find(Some("a"), || Err(Error::internal("asked twice")));
            found.extend((1..WAITING).map(|_| threads.spawn(waits)));
            while keys.waiting.load(Ordering::Relaxed) < WAITING {
                thread::yield_now();
            }
            assert_eq!(waits().expect_err("one too many").kind(), Kind::Busy);
            release.send(()).expect("it waits");
            for thread in found {
                assert!(thread.join().expect("no panic").expect("an answer").is_some());
            }
        });
    }
}
