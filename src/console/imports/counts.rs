//! What became of records, as bars and in words.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::figures::grouped;
use crate::import::Counts;

/// How wide a bar is in its own unit, and how wide the smallest part of it, so that one record of a million is seen.
const WIDTH: u64 = 1000;
const LEAST: u64 = 12;

/// The counts of an import as a bar that also tells itself in words. Templates write it as it is.
#[derive(Clone, Debug, Template)]
#[template(path = "imports/counts.html")]
pub(in crate::console) struct CountBar {
    parts: Vec<Part>,
    words: String,
    is_large: bool,
}

impl HtmlSafe for CountBar {}

/// One part of a bar.
#[derive(Clone, Debug)]
struct Part {
    class: &'static str,
    from: u64,
    width: u64,
}

/// One outcome.
#[derive(Clone, Debug)]
pub(in crate::console) struct Share {
    pub(in crate::console) name: &'static str,
    /// The class of its colour.
    pub(in crate::console) class: &'static str,
    pub(in crate::console) records: u64,
    pub(in crate::console) percent: String,
}

impl CountBar {
    pub(in crate::console) fn new(counts: &Counts) -> CountBar {
        let figures = figures(counts);
        let said: Vec<String> = figures
            .iter()
            .filter(|(.., records)| *records > 0)
            .map(|(name, _, records)| format!("{} {name}", grouped(*records)))
            .collect();
        let words = if said.is_empty() { "no records yet".to_owned() } else { said.join(", ") };
        let parts = figures.map(|(_, class, records)| (class, records));
        CountBar { parts: laid_out(&parts, counts.total), words, is_large: false }
    }

    /// The same, as tall as a heading.
    pub(in crate::console) fn large(counts: &Counts) -> CountBar {
        CountBar { is_large: true, ..CountBar::new(counts) }
    }
}

/// The outcomes by name and class, in the order in which they are shown.
fn figures(counts: &Counts) -> [(&'static str, &'static str, u64); 5] {
    [
        ("created", "created", counts.created),
        ("updated", "updated", counts.updated),
        ("unchanged", "unchanged", counts.unchanged),
        ("failed", "failure", counts.failure),
        ("without an outcome", "unprocessed", counts.unprocessed()),
    ]
}

/// Every outcome, and which part of all records had it.
pub(in crate::console) fn shares(counts: &Counts) -> Vec<Share> {
    let share = |(name, class, records)| Share { name, class, records, percent: percent(records, counts.total) };
    // While it goes on, and where it was stopped, there are records without one; else that says nothing.
    let figures = figures(counts).into_iter().filter(|(_, class, records)| *class != "unprocessed" || *records > 0);
    figures.map(share).collect()
}

/// `12 %`; what is little is not nothing, and what is not all is not 100 %.
pub(in crate::console) fn percent(part: u64, total: u64) -> String {
    if part == 0 || total == 0 {
        return "0 %".to_owned();
    }
    match u128::from(part) * 100 / u128::from(total) {
        0 => "under 1 %".to_owned(),
        percent => format!("{} %", percent.min(100)),
    }
}

fn laid_out(figures: &[(&'static str, u64)], total: u64) -> Vec<Part> {
    let scaled = |records: u64| {
        let width = u128::from(records) * u128::from(WIDTH) / u128::from(total.max(1));
        u64::try_from(width).unwrap_or(WIDTH).clamp(LEAST, WIDTH)
    };
    let mut parts: Vec<Part> = figures
        .iter()
        .filter(|(_, records)| *records > 0)
        .map(|(class, records)| Part { class, from: 0, width: scaled(*records) })
        .collect();
    // What the small ones got beyond their due, the largest gives.
    let excess = parts.iter().map(|part| part.width).sum::<u64>().saturating_sub(WIDTH);
    if let Some(largest) = parts.iter_mut().max_by_key(|part| part.width) {
        largest.width = largest.width.saturating_sub(excess);
    }
    let mut from = 0;
    for part in &mut parts {
        part.from = from;
        from += part.width;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{CountBar, percent};
    use crate::import::Counts;

    #[test]
    fn a_bar_shows_what_is_little_and_is_never_too_long() {
        let counts = Counts { total: 1_000_000, created: 999_997, updated: 1, unchanged: 1, failure: 1 };
        let bar = CountBar::new(&counts);
        let widths: Vec<u64> = bar.parts.iter().map(|part| part.width).collect();
        assert_eq!(widths, [964, 12, 12, 12]);
        assert_eq!(bar.words, "999,997 created, 1 updated, 1 unchanged, 1 failed");
        let none = CountBar::new(&Counts::default());
        assert_eq!((none.parts.len(), none.words.as_str()), (0, "no records yet"));
        let half = CountBar::new(&Counts { total: 10, created: 5, ..Counts::default() });
        assert_eq!(half.words, "5 created, 5 without an outcome");
    }

    #[test]
    fn per_cent_round_down() {
        for (part, total, text) in [(0, 0, "0 %"), (1, 1000, "under 1 %"), (999, 1000, "99 %"), (2, 2, "100 %")] {
            assert_eq!(percent(part, total), text);
        }
    }
}
