//! Which imports somebody looks for, as questions that indexes answer, whatever there is and however rare it is.
//!
//! An import is of a *kind*: its type, its state, its door. An index gives the latest of each kind. A filter that leaves
//! something of it open asks for several kinds and merges the answers. Times are turned into positions first, about: an
//! import that was queued earlier by its own clock has its place further in front, but for clocks that differ and for what
//! waited for its turn.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::error::Result;
use crate::import::{Import, State};
use crate::plan::Origin;
use crate::report::{ImportFilter, ImportsPage};
use crate::schema::TypeName;

/// Clocks differ by less, and nobody waits for so long with what he has accepted. Whatever lies in between is looked at.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// A few imports may have times that make no sense at all. So many of them behind a moment are taken for the rule.
pub(super) const ENOUGH: i64 = 100;

/// Kinds that are asked for, each with a question to an index: some milliseconds.
const MANY_KINDS: usize = 600;

/// Imports that are looked at if there are more kinds: some ten milliseconds.
const LOOK: usize = 5000;

/// The imports of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind<'f> {
    /// None is any.
    pub(super) object_type: Option<&'f TypeName>,
    pub(super) state: &'f str,
    pub(super) origin: &'f str,
}

/// What a backend is asked for.
pub(super) struct Question<'f> {
    /// Of these kinds, which either all have a type or all have none; none means all imports.
    pub(super) kinds: Option<Vec<Kind<'f>>>,
    /// Behind this position.
    pub(super) behind: i64,
    /// In front of this one.
    pub(super) before: i64,
    /// Queued at this moment or later.
    pub(super) from: Option<&'f str>,
    /// Queued before this moment.
    pub(super) until: Option<&'f str>,
    /// At most so many of them, the latest.
    pub(super) most: i64,
}

/// What a backend looks up.
pub(super) trait Lookups {
    /// Of the first imports that were queued at this moment or later, [`ENOUGH`] of them, the last position; nothing if
    /// there are not so many.
    fn from(&mut self, moment: &str) -> Result<Option<i64>>;

    /// Of the last imports that were queued before this moment, [`ENOUGH`] of them, the first position; nothing if there are
    /// not so many.
    fn until(&mut self, moment: &str) -> Result<Option<i64>>;

    /// The positions and types of the imports that are asked for, the latest first.
    fn look(&mut self, question: &Question<'_>) -> Result<Vec<(i64, String)>>;

    /// The imports of these positions, with them.
    fn at(&mut self, positions: &[i64]) -> Result<Vec<(i64, Import)>>;
}

/// The latest imports in front of a position that a filter chooses.
pub(super) fn imports_before(
    lookups: &mut impl Lookups,
    filter: &ImportFilter,
    before: Option<i64>,
    limit: usize,
) -> Result<ImportsPage> {
    let limit = limit.max(1);
    let (kinds, types) = kinds(filter);
    let behind = shifted(filter.from.as_deref(), -SLACK).map(|moment| lookups.until(&moment)).transpose()?.flatten();
    let end = shifted(filter.until.as_deref(), SLACK).map(|moment| lookups.from(&moment)).transpose()?.flatten();
    let most = if types.is_some() { LOOK.max(limit.saturating_add(1)) } else { limit.saturating_add(1) };
    let question = Question {
        kinds,
        behind: behind.unwrap_or(0),
        before: before.unwrap_or(i64::MAX).min(end.unwrap_or(i64::MAX)),
        from: filter.from.as_deref(),
        until: filter.until.as_deref(),
        most: i64::try_from(most).unwrap_or(i64::MAX),
    };
    let mut looked = lookups.look(&question)?;
    let mut next = (looked.len() >= most).then(|| looked.last().map(|(position, _)| *position)).flatten();
    if let Some(types) = types {
        looked.retain(|(_, name)| types.contains(name));
    }
    if looked.len() > limit {
        looked.truncate(limit);
        next = looked.last().map(|(position, _)| *position);
    }
    let positions: Vec<i64> = looked.into_iter().map(|(position, _)| position).collect();
    let mut imports = lookups.at(&positions)?;
    // Some may have gone on meanwhile.
    imports.retain(|(_, import)| filter.matches(import));
    imports.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
    Ok(ImportsPage { imports, next })
}

/// The kinds that a filter chooses, and the types if they are too many to be asked for one by one.
fn kinds(filter: &ImportFilter) -> (Option<Vec<Kind<'_>>>, Option<BTreeSet<String>>) {
    let ImportFilter { object_types, state, origin, .. } = filter;
    if object_types.is_none() && state.is_none() && origin.is_none() {
        return (None, None);
    }
    let states: Vec<&str> = state.as_deref().map_or_else(|| State::NAMES.to_vec(), |state| vec![state]);
    let origins: Vec<Origin> = origin.map_or_else(|| Origin::ALL.to_vec(), |origin| vec![origin]);
    let of = |object_type| {
        let origins = &origins;
        let kinds = states.iter().flat_map(move |state| origins.iter().map(move |origin| (*state, origin.name())));
        kinds.map(move |(state, origin)| Kind { object_type, state, origin })
    };
    match object_types {
        Some(types) if types.len() * states.len() * origins.len() > MANY_KINDS => {
            (Some(of(None).collect()), Some(types.iter().map(ToString::to_string).collect()))
        }
        Some(types) => (Some(types.iter().flat_map(|name| of(Some(name))).collect()), None),
        None => (Some(of(None).collect()), None),
    }
}

fn shifted(moment: Option<&str>, length: SignedDuration) -> Option<String> {
    let moment: Timestamp = moment?.parse().ok()?;
    moment.checked_add(length).ok().map(|moment| format!("{moment:.3}"))
}
