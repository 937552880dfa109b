//! Throughput over time, drawn here: an SVG without a script and without a style of its own.
//!
//! All places along the time are in per cent, so that the drawing takes the width it gets and its text keeps its size.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;

use crate::figures::{duration, grouped, rate};
use crate::report::Milestone;

/// Bars, at most.
const BARS: u64 = 60;

/// What lies left of the bars, in thousandths of the width: room for the words at the axis.
const MARGIN: u64 = 110;

/// Where the bars begin and end, from above.
const TOP: u64 = 14;
const BOTTOM: u64 = 170;

/// How tall the small one is.
const SMALL: u64 = 40;

/// How many records an import settled in a second, over its time. Templates write it as it is.
#[derive(Clone, Debug, Template)]
#[template(path = "chart.html")]
pub(super) struct Chart {
    title: &'static str,
    told: String,
    bars: Vec<Bar>,
    rates: Vec<Tick>,
    times: Vec<Tick>,
}

impl HtmlSafe for Chart {}

/// The same without axes, as small as a line of text.
#[derive(Clone, Debug, Template)]
#[template(path = "chart_small.html")]
pub(super) struct Sparkline {
    told: String,
    bars: Vec<Bar>,
}

impl HtmlSafe for Sparkline {}

/// A part of the time. Places along the time are in thousandths.
#[derive(Clone, Debug, PartialEq)]
struct Bar {
    x: String,
    width: String,
    y: u64,
    height: u64,
    /// What happened in it, for whoever points at it.
    told: String,
}

/// A place on an axis.
#[derive(Clone, Debug, PartialEq)]
struct Tick {
    at: String,
    name: String,
    /// Where its name begins: so that the last one does not go beyond the drawing.
    anchor: &'static str,
}

/// How many records got their outcome in which part of the time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    from: u64,
    until: u64,
    records: f64,
}

impl Span {
    fn rate(&self) -> f64 {
        self.records * 1000.0 / (self.until - self.from) as f64
    }
}

impl Chart {
    /// The drawing of these milestones; none if they say nothing of the time between them.
    pub(super) fn new(milestones: &[Milestone]) -> Option<Chart> {
        let spans = spans(milestones);
        let (end, peak) = (spans.last()?.until, peak(&spans));
        let rate_step = step_of_rates(peak);
        let top = (peak / rate_step as f64).ceil().max(1.0) * rate_step as f64;
        let time_step = step_of_times(end);
        let width = 1000 - MARGIN;
        let place = |millis: u64| MARGIN + millis * width / end;
        let bars = spans
            .iter()
            .map(|span| {
                let height = (span.rate() / top * (BOTTOM - TOP) as f64).round() as u64;
                bar(span, place(span.from), place(span.until), BOTTOM, height)
            })
            .collect();
        let rates = (0..=(top as u64) / rate_step).map(|at| {
            let rate = at * rate_step;
            let y = BOTTOM as f64 - rate as f64 / top * (BOTTOM - TOP) as f64;
            Tick { at: format!("{y:.1}"), name: short(rate), anchor: "end" }
        });
        let times = (0..=end / time_step).map(|at| {
            let millis = at * time_step;
            let anchor = if place(millis) > 930 { "end" } else { "middle" };
            Tick { at: percent(place(millis)), name: time(millis), anchor }
        });
        Some(Chart {
            title: "Records per second over time",
            told: told(milestones, &spans),
            bars,
            rates: rates.collect(),
            times: times.collect(),
        })
    }
}

impl Sparkline {
    pub(super) fn new(milestones: &[Milestone]) -> Option<Sparkline> {
        let spans = spans(milestones);
        let (end, peak) = (spans.last()?.until, peak(&spans));
        if peak <= 0.0 {
            return None;
        }
        let bars = spans.iter().map(|span| {
            let height = (span.rate() / peak.max(1.0) * SMALL as f64).round() as u64;
            bar(span, span.from * 1000 / end, span.until * 1000 / end, SMALL, height)
        });
        Some(Sparkline { bars: bars.collect(), told: told(milestones, &spans) })
    }
}

fn bar(span: &Span, from: u64, until: u64, bottom: u64, height: u64) -> Bar {
    // A gap between bars, where there is room for one.
    let width = (until - from).saturating_sub(u64::from(until - from > 4)).max(1);
    let told = format!("{} to {}: {} records/s", time(span.from), time(span.until), grouped(span.rate() as u64));
    Bar { x: percent(from), width: percent(width), y: bottom - height.min(bottom), height, told }
}

/// Thousandths as per cent.
fn percent(thousandths: u64) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

/// The time in equal parts; none if it is too short to tell anything. What lies between two milestones is taken for even.
fn spans(milestones: &[Milestone]) -> Vec<Span> {
    let (Some(end), true) = (milestones.last().map(|last| last.millis), rises(milestones)) else { return Vec::new() };
    let count = BARS.min(milestones.len() as u64 * 2).min(end / 10).max(1);
    if end == 0 {
        return Vec::new();
    }
    let edge = |at: u64| end * at / count;
    let span = |at: u64| {
        let (from, until) = (edge(at), edge(at + 1));
        Span { from, until, records: (records_at(milestones, until) - records_at(milestones, from)).max(0.0) }
    };
    (0..count).map(span).filter(|span| span.until > span.from).collect()
}

/// Whether the milestones are in order, as they should be.
fn rises(milestones: &[Milestone]) -> bool {
    milestones.windows(2).all(|pair| pair[0].millis <= pair[1].millis && pair[0].records <= pair[1].records)
}

/// How many records had their outcome at a moment. Before the first milestone there were none at the start.
fn records_at(milestones: &[Milestone], millis: u64) -> f64 {
    let behind = milestones.partition_point(|milestone| milestone.millis < millis);
    let before = behind.checked_sub(1).map_or(Milestone { millis: 0, records: 0 }, |at| milestones[at]);
    let Some(after) = milestones.get(behind) else { return before.records as f64 };
    let (length, part) = (after.millis - before.millis, millis - before.millis.min(millis));
    match length {
        0 => after.records as f64,
        _ => before.records as f64 + (after.records - before.records) as f64 * part as f64 / length as f64,
    }
}

fn peak(spans: &[Span]) -> f64 {
    spans.iter().map(Span::rate).fold(0.0, f64::max)
}

/// What the drawing shows, in words.
fn told(milestones: &[Milestone], spans: &[Span]) -> String {
    let last = milestones.last().copied().unwrap_or(Milestone { millis: 0, records: 0 });
    let whole = Duration::from_millis(last.millis);
    let Some(best) = spans.iter().max_by(|a, b| a.rate().total_cmp(&b.rate())) else { return String::new() };
    format!(
        "{} records in {}, {} records/s on average; {} records/s at best, after {}.",
        grouped(last.records),
        duration(whole),
        rate(last.records, whole),
        grouped(best.rate() as u64),
        time(best.from),
    )
}

/// A step of 1, 2 or 5 times a power of ten, so that there are at most four up to the highest rate.
fn step_of_rates(peak: f64) -> u64 {
    let mut power = 1;
    loop {
        for step in [power, power * 2, power * 5] {
            if step as f64 * 4.0 >= peak {
                return step;
            }
        }
        power *= 10;
    }
}

/// A step that clocks know, so that there are at most six up to the end.
fn step_of_times(end: u64) -> u64 {
    const SECOND: u64 = 1000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    let steps = [10, 20, 50, 100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND];
    let longer = [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 24 * HOUR];
    let fits = |step: &u64| step * 6 >= end;
    steps.into_iter().chain(longer).find(fits).unwrap_or(end)
}

/// `5`, `20k`, `1.5M`.
fn short(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 if number.is_multiple_of(1000) => format!("{}k", number / 1000),
        1_000..1_000_000 => format!("{}.{}k", number / 1000, number % 1000 / 100),
        _ if number.is_multiple_of(1_000_000) => format!("{}M", number / 1_000_000),
        _ => format!("{}.{}M", number / 1_000_000, number % 1_000_000 / 100_000),
    }
}

/// A moment after the start.
fn time(millis: u64) -> String {
    match millis {
        0..1000 if !millis.is_multiple_of(100) => format!("{millis} ms"),
        0..60_000 if millis.is_multiple_of(1000) => format!("{} s", millis / 1000),
        0..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        60_000..3_600_000 if millis.is_multiple_of(60_000) => format!("{} min", millis / 60_000),
        60_000..3_600_000 => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1000),
        _ => format!("{} h {} min", millis / 3_600_000, millis % 3_600_000 / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::{Chart, Sparkline, short, step_of_rates, step_of_times, time};
    use crate::report::Milestone;

    fn milestones(of: &[(u64, u64)]) -> Vec<Milestone> {
        of.iter().map(|&(millis, records)| Milestone { millis, records }).collect()
    }

    #[test]
    fn axes_have_steps_that_people_read() {
        for (peak, step) in [(0.0, 1), (3.0, 1), (17.0, 5), (80.0, 20), (346_000.0, 100_000), (410_000.0, 200_000)] {
            assert_eq!(step_of_rates(peak), step, "{peak}");
        }
        for (end, step) in [(40, 10), (900, 200), (12_300, 5_000), (61_000, 30_000), (7_000_000, 1_800_000)] {
            assert_eq!(step_of_times(end), step, "{end}");
        }
        for (number, text) in [(0, "0"), (500, "500"), (20_000, "20k"), (1_500, "1.5k"), (1_500_000, "1.5M")] {
            assert_eq!(short(number), text);
        }
        for (millis, text) in
            [(0, "0 s"), (50, "50 ms"), (500, "0.5 s"), (90_000, "1 min 30 s"), (7_200_000, "2 h 0 min")]
        {
            assert_eq!(time(millis), text);
        }
    }

    #[test]
    fn a_chart_tells_what_it_shows() {
        let chart = Chart::new(&milestones(&[(1000, 1000), (2000, 3000), (4000, 4000)])).expect("a chart");
        assert_eq!(
            chart.told,
            "4,000 records in 4.0 s, 1,000 records/s on average; 2,000 records/s at best, after 1.3 s."
        );
        let heights: Vec<u64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [78, 117, 156, 39, 39, 39]);
        let names = |ticks: &[super::Tick]| ticks.iter().map(|tick| tick.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&chart.rates), ["0", "500", "1k", "1.5k", "2k"]);
        assert_eq!(names(&chart.times), ["0 s", "1 s", "2 s", "3 s", "4 s"]);
    }

    #[test]
    fn where_nothing_can_be_told_nothing_is_drawn() {
        for of in [&[][..], &[(0, 0)], &[(0, 10)], &[(2000, 10), (1000, 20)]] {
            assert!(Chart::new(&milestones(of)).is_none() && Sparkline::new(&milestones(of)).is_none(), "{of:?}");
        }
        assert!(Sparkline::new(&milestones(&[(5, 10)])).is_some());
    }
}
