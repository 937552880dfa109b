//! The one place that asks the machine what time it is.
#![expect(clippy::disallowed_methods, reason = "this is the place")]

use std::time::Duration;

use jiff::Timestamp;

/// Now, in RFC 3339 UTC with milliseconds: the form of `begin` and `end`.
pub fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// The moment that lies this far ahead, in the form of [`now`]; nothing if no calendar has it.
pub fn ahead(length: Duration) -> Option<String> {
    Timestamp::now().checked_add(length).ok().map(|moment| format!("{moment:.3}"))
}

/// Milliseconds since 1970-01-01T00:00:00Z, for time-ordered ids.
pub fn unix_millis() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// How long ago an [`now`] was; nothing if it is not one or lies ahead.
pub fn since(moment: &str) -> Duration {
    let elapsed = moment.parse::<Timestamp>().map(|moment| Timestamp::now().duration_since(moment));
    elapsed.ok().and_then(|elapsed| elapsed.try_into().ok()).unwrap_or_default()
}
