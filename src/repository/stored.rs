//! How values are written down, whatever they are stored in.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::SetBy;
use crate::error::{Error, Result};
use crate::run::CallbackState;

pub(super) fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::storage("a value could not be written as JSON", error))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::storage("a stored value is not the JSON it should be", error))
}

/// The word for who has set a stored drop folder.
pub(super) fn word_of_setter(set_by: SetBy) -> &'static str {
    match set_by {
        SetBy::Administrator => "administrator",
        SetBy::Operator | SetBy::File => "operator",
    }
}

/// Who is meant by the word.
pub(super) fn setter(word: &str) -> SetBy {
    match word {
        "operator" => SetBy::Operator,
        _ => SetBy::Administrator,
    }
}

/// The word for where a callback stands, and when its next attempt is due.
pub(super) fn word_of_callback(state: &CallbackState) -> (&'static str, Option<&str>) {
    match state {
        CallbackState::Waiting { due } => ("waiting", Some(due)),
        CallbackState::Delivered => ("delivered", None),
        CallbackState::GivenUp => ("given_up", None),
    }
}

/// Where a callback stands by the word. `due` is asked for if it waits.
pub(super) fn callback_state(word: &str, due: impl FnOnce() -> Result<String>) -> Result<CallbackState> {
    Ok(match word {
        "delivered" => CallbackState::Delivered,
        "given_up" => CallbackState::GivenUp,
        _ => CallbackState::Waiting { due: due()? },
    })
}
