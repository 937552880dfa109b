//! When a callback is tried again. Pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// The pauses behind the first attempt and each further one, as Standard Webhooks recommends them: 75 hours and 35 minutes
/// in all.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// So many pauses may become shorter because an endpoint says so. The later ones may not, so that the whole takes its
/// three days whatever an endpoint says.
const SHORTENED: usize = 3;

/// What an endpoint may ask for.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);

/// The pause behind so many attempts, none of which was a success; none if it is time to give up. `asked` is what the
/// endpoint has asked for. Up to a tenth more is added, by `seed`, so that what failed together does not come again
/// together.
pub(super) fn pause(attempts: u32, asked: Option<Duration>, seed: u64) -> Option<Duration> {
    let number = (attempts as usize).saturating_sub(1);
    let planned = *PAUSES.get(number)?;
    let planned = planned + planned.mul_f64((seed % 100) as f64 / 1000.0);
    Some(match asked.map(|asked| asked.clamp(SHORTEST, LONGEST)) {
        None => planned,
        Some(asked) if number < SHORTENED => asked,
        Some(asked) => asked.max(planned),
    })
}

/// What `Retry-After` asks for: seconds, or a moment. Nothing if it is neither.
pub(super) fn retry_after(value: &str, now: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(value).ok()?.timestamp();
    let pause = until.duration_since(now.parse::<Timestamp>().ok()?);
    Some(pause.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{pause, retry_after};

    #[test]
    fn three_days() {
        let pauses: Vec<u64> =
            (1..).map_while(|attempts| pause(attempts, None, 0)).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(pauses.iter().sum::<u64>(), (75 * 60 + 35) * 60 + 5);
        assert_eq!(pause(u32::MAX, None, 0), None);
    }

    #[test]
    fn a_tenth_more_at_most() {
        for seed in 0..1000 {
            let pause = pause(2, None, seed).expect("a pause");
            assert!((Duration::from_secs(300)..Duration::from_secs(330)).contains(&pause), "{pause:?}");
        }
    }

    #[test]
    fn endpoints_ask() {
        let seconds =
            |attempts, asked| pause(attempts, Some(Duration::from_secs(asked)), 50).map(|pause| pause.as_secs());
        for (attempts, asked, expected) in [
            (1, 120, Some(120)),
            (2, 3, Some(3)),
            (3, 0, Some(1)),
            (4, 3, Some(7560)),
            (4, 10_000, Some(10_000)),
            (1, u64::MAX, Some(86_400)),
            (10, 3, None),
        ] {
            assert_eq!(seconds(attempts, asked), expected, "{attempts} {asked}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_moment() {
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 28 Feb 2021 04:02:00 GMT", Some(120)),
            ("Sun, 28 Feb 2021 04:00:00 GMT", Some(0)),
            ("Sun, 28 Feb 2021 03:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
        ] {
            let found = retry_after(value, "2021-02-28T04:00:00.000Z").map(|pause| pause.as_secs());
            assert_eq!(found, expected, "{value:?}");
        }
    }
}
