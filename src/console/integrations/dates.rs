//! How dates will be read: what a person sees of a date format before it is set.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::clock;
use crate::console::form::Form;
use crate::console::page::html;
use crate::console::visitor::Visitor;
use crate::error::shown;
use crate::http::{Door, Problem};
use crate::schema::{DateFormat, DateFormats};

/// More cells than a person looks at, and longer ones.
const MOST_CELLS: usize = 20;
const LONGEST_CELL: usize = 200;

/// More formats than there may be: that is said once.
const MOST_FORMATS: usize = 11;

/// What was typed, and how it is understood.
#[derive(Template)]
#[template(path = "integrations/dates.html")]
pub(super) struct Dates {
    pub(super) formats: Vec<Format>,
    /// What is wrong with all of them together.
    pub(super) problem: Option<String>,
    /// Cells, and what they are read as.
    pub(super) tried: Vec<(String, Result<String, String>)>,
    pub(super) zone: String,
}

/// One date format.
pub(super) struct Format {
    pub(super) pattern: String,
    /// How it is understood, if not as it is written.
    pub(super) normalised: Option<String>,
    /// Texts, and what they are read as.
    pub(super) examples: Vec<(String, String)>,
    pub(super) now: Option<(String, String)>,
    pub(super) problem: Option<String>,
}

impl Dates {
    /// Of formats and cells, one in a line. Without a format it is the default.
    pub(super) fn of(formats: &str, zone: &str, cells: &str) -> Dates {
        let written: Vec<&str> = lines(formats).take(MOST_FORMATS).collect();
        let written = if written.is_empty() { vec!["iso8601"] } else { written };
        let mut formats: Vec<Format> = written.iter().map(|pattern| Format::of(pattern)).collect();
        let is_sound = formats.iter().all(|format| format.problem.is_none());
        let compiled = DateFormats::compile(&written).and_then(|all| all.with_time_zone(zone));
        let (all, problem) = match compiled {
            Ok(all) => (Some(all), None),
            // What is wrong with one of them is said there.
            Err(error) => (None, is_sound.then(|| error.to_string())),
        };
        if let Some(all) = &all {
            // What a text without a zone is read as is a matter of all settings.
            for (text, read) in formats.iter_mut().flat_map(|format| format.examples.iter_mut().chain(&mut format.now))
            {
                if let Ok(instant) = all.parse(text) {
                    *read = instant.to_string();
                }
            }
        }
        let read = |cell: &str| match &all {
            Some(all) => all.parse(cell).map(|instant| instant.to_string()).map_err(|error| error.to_string()),
            None => Err("nothing is read while the date format is wrong".to_owned()),
        };
        let cells = lines(cells).take(MOST_CELLS).map(|cell| (shown(cell, LONGEST_CELL).into_owned(), read(cell)));
        Dates { tried: cells.collect(), formats, problem, zone: zone.to_owned() }
    }
}

impl Format {
    fn of(pattern: &str) -> Format {
        let pattern_shown = shown(pattern, LONGEST_CELL).into_owned();
        match DateFormat::compile(pattern) {
            Ok(format) => Format {
                normalised: Some(format.normalised().to_owned()).filter(|normalised| normalised != pattern),
                examples: format.examples(),
                now: format.example_of(&clock::now()),
                pattern: pattern_shown,
                problem: None,
            },
            Err(error) => Format {
                pattern: pattern_shown,
                normalised: None,
                examples: Vec::new(),
                now: None,
                problem: Some(error.to_string()),
            },
        }
    }
}

/// The lines of a text that say something.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// What is being typed.
pub(super) async fn preview(State(door): State<Door>, _visitor: Visitor, form: Form) -> Result<Response, Problem> {
    let typed = |name| Ok::<_, crate::error::Error>(form.text(name)?.unwrap_or_default().to_owned());
    let (formats, zone, cells) = (typed("dateFormat")?, typed("timeZone")?, typed("cells")?);
    let zone = if zone.is_empty() { door.app.config.time_zone.clone() } else { zone };
    Ok(html(&Dates::of(&formats, &zone, &cells))?)
}
