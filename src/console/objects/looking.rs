//! Looking for objects, step by step.

use std::sync::Arc;
use std::time::Duration;

use super::question::{Match, Place, Question};
use crate::app::App;
use crate::error::Result;
use crate::filter::Filter;
use crate::object::{Object, Visible};
use crate::repository::{Prefix, Search, StoredType};

/// Objects of a page.
pub(super) const PAGE: usize = 50;

/// Objects that are looked at behind one another in an index before it is asked whether anybody still waits.
const STEP: usize = 200;

/// A page may be looked for so long. After that it is told where to go on.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// Somebody who looks for the objects of a page.
pub(super) struct Looking<'a> {
    app: &'a Arc<App>,
    stored: &'a StoredType,
    way: Way,
    /// How many the page still has room for.
    room: usize,
    next: Option<Place>,
    looked_at: u64,
}

/// How objects are found.
enum Way {
    /// All of them, in order of creation.
    Through,
    Search(Search),
    /// By an index in the order of the text.
    Prefix(Prefix),
}

/// What helps to find them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Help {
    /// Nothing has to be searched, or an index knows.
    Index,
    /// An index that is being made. Until then every object is looked at.
    IndexToCome,
    /// Every object is looked at.
    None,
}

impl<'a> Looking<'a> {
    /// Begins to look. The filter is that of the question.
    pub(super) fn begin(
        app: &'a Arc<App>,
        stored: &'a StoredType,
        question: &Question,
        filter: &Filter,
    ) -> Result<(Looking<'a>, Help)> {
        let (way, help) = match question {
            question if !question.is_asked() => (Way::Through, Help::Index),
            Question { matched: Match::Begins, after: None | Some(Place::Text(_)), property, value, .. } => {
                match Prefix::new(stored, property, value, Visible::Public) {
                    Some(prefix) if app.repository.has_prefix_index(stored, &prefix)? => {
                        (Way::Prefix(prefix), Help::Index)
                    }
                    Some(prefix) => {
                        app.make_prefix_index(stored, &prefix);
                        (Way::Search(app.repository.search(stored, filter, Visible::Public)?), Help::IndexToCome)
                    }
                    None => Looking::by_search(app, stored, filter)?,
                }
            }
            _ => Looking::by_search(app, stored, filter)?,
        };
        let next = match (&way, &question.after) {
            (Way::Prefix(_), Some(place @ Place::Text(_))) => place.clone(),
            (Way::Through | Way::Search(_), Some(place @ Place::Number(_))) => place.clone(),
            // Another way than before: from the beginning.
            _ => Place::Number(0),
        };
        Ok((Looking { app, stored, way, room: PAGE, next: Some(next), looked_at: 0 }, help))
    }

    fn by_search(app: &App, stored: &StoredType, filter: &Filter) -> Result<(Way, Help)> {
        let search = app.repository.search(stored, filter, Visible::Public)?;
        let help = if search.is_indexed() { Help::Index } else { Help::None };
        Ok((Way::Search(search), help))
    }

    /// Whether there may be more, and room for it.
    pub(super) fn goes_on(&self) -> bool {
        self.room > 0 && self.next.is_some()
    }

    /// Where there may be more.
    pub(super) fn next(&self) -> Option<&Place> {
        self.next.as_ref()
    }

    /// How many objects were looked at.
    pub(super) fn looked_at(&self) -> u64 {
        self.looked_at
    }

    /// What the next step finds.
    pub(super) fn step(&mut self) -> Result<Vec<Object>> {
        let repository = &self.app.repository;
        let number = match &self.next {
            None => return Ok(Vec::new()),
            Some(Place::Number(number)) => *number,
            Some(Place::Text(place)) => place.number,
        };
        let found = match &self.way {
            Way::Through => {
                let page = repository.objects(self.stored, number, self.room)?;
                self.looked_at += page.objects.len() as u64;
                self.next = page.next.map(Place::Number);
                page.objects
            }
            Way::Search(search) => {
                let page = repository.step(self.stored, search, number, self.room)?;
                self.looked_at += page.looked_at;
                self.next = page.next.map(Place::Number);
                page.found.into_iter().map(|found| found.object).collect()
            }
            Way::Prefix(prefix) => {
                let after = match &self.next {
                    Some(Place::Text(place)) => Some(place),
                    _ => None,
                };
                let page = repository.step_by_prefix(self.stored, prefix, after, self.room, STEP)?;
                self.looked_at += page.looked_at;
                self.next = page.next.map(Place::Text);
                page.found
            }
        };
        self.room -= found.len();
        Ok(found)
    }
}
