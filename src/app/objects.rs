//! Objects one by one: created, replaced, patched and removed as a client asks, under the conditions that it sets.
//!
//! Each is a look without a lock, a judgement, and a write that holds only if nobody was faster; if somebody was, all of
//! it is done again.

use serde_json::{Map, Value as Json};

use super::{App, Condition};
use crate::error::{Error, Kind, Result, shown};
use crate::filter::Filter;
use crate::object::{Draft, Excerpt, Extent, Object, Patch, Visible, element_text, no_object, opened_for, refusal};
use crate::repository::{StoredType, Written};
use crate::schema::{ObjectType, Violation, policy_error};

/// How often somebody else may be faster.
const ATTEMPTS: usize = 50;

/// PingIDM's words for an object that does not meet its policies.
const REFUSED: &str = "Policy validation failed";

/// Its words for one that would not, patched.
const PATCH_REFUSED: &str = "Failed policy validation";

/// Characters of an id at most.
const LONGEST_ID: usize = 255;

/// What became of an object that was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    Created(Object),
    /// It was there, and is as it was put now.
    Replaced(Object),
}

impl App {
    /// Creates an object, of the id that it has among its members or of a new one. Afterwards the type, as that of all
    /// that follow, is the one by which the object was written: one without a schema grows with its objects.
    ///
    /// # Errors
    /// `Policy` with all violations, `Outdated` if there is an object of this id, `Request` if it cannot be written.
    pub fn create_object(&self, stored: &mut StoredType, members: &Map<String, Json>) -> Result<Object> {
        let id = match members.get("_id") {
            None | Some(Json::Null) => None,
            Some(Json::String(id)) => Some(id.as_str()),
            Some(other) => return Err(Error::request(format!("the '_id' is a string, not '{other}'"))),
        };
        id.map_or(Ok(()), check_id)?;
        self.until_settled(stored, |stored| {
            open(stored, members);
            let draft = Draft::new(&stored.object_type, members, None, Extent::Whole)?;
            self.settle(stored, draft, None, id, REFUSED)?
                .map_or_else(|| self.yield_to(stored, id), |object| Ok(Some(object)))
        })
    }

    /// Creates the object of this id, or replaces all of it.
    ///
    /// # Errors
    /// See [`App::create_object`]; `NotFound` and `Outdated` if the condition does not hold.
    pub fn put_object(
        &self,
        stored: &mut StoredType,
        id: &str,
        members: &Map<String, Json>,
        condition: &Condition,
    ) -> Result<Put> {
        check_id(id)?;
        self.until_settled(stored, |stored| {
            let seen = self.repository.object(stored, id)?;
            check(condition, stored, id, seen.as_ref())?;
            check_same_id(members, seen.as_ref().map_or(id, |seen| &seen.id))?;
            open(stored, members);
            let existing = seen.as_ref().map(|seen| seen.document.as_str());
            let draft = Draft::new(&stored.object_type, members, existing, Extent::Whole)?;
            let object = self.settle(stored, draft, seen.as_ref(), Some(id), REFUSED)?;
            Ok(object.map(if seen.is_some() { Put::Replaced } else { Put::Created }))
        })
    }

    /// Changes members of the object of this id.
    ///
    /// # Errors
    /// See [`App::put_object`]; `Request` if an operation cannot be done.
    pub fn patch_object(
        &self,
        stored: &mut StoredType,
        id: &str,
        patch: &Patch,
        condition: &Condition,
    ) -> Result<Object> {
        self.until_settled(stored, |stored| {
            let seen = self.repository.object(stored, id)?;
            check(condition, stored, id, seen.as_ref())?;
            let seen = seen.ok_or_else(|| no_object(stored.object_type.name(), id))?;
            refuse_removals(&stored.object_type, patch)?;
            let members = patch.apply(public_members(&seen, &stored.object_type))?;
            check_same_id(&members, &seen.id)?;
            open(stored, &members);
            let draft = Draft::new(&stored.object_type, &members, Some(&seen.document), Extent::Changes)?;
            self.refuse_growth(&seen.document, &draft.document)?;
            self.settle(stored, draft, Some(&seen), None, PATCH_REFUSED)
        })
    }

    /// Changes members of the one object that a filter chooses.
    ///
    /// # Errors
    /// See [`App::patch_object`]. Several objects are PingIDM's internal error.
    pub fn patch_match(&self, stored: &mut StoredType, filter: &Filter, patch: &Patch) -> Result<Object> {
        let search = self.repository.search(stored, filter, Visible::Public)?;
        let (mut found, mut after) = (Vec::new(), Some(0));
        while let (Some(start), 0..2) = (after, found.len()) {
            let page = self.repository.step(stored, &search, start, 2)?;
            found.extend(page.found.into_iter().map(|found| found.object));
            after = page.next;
        }
        match found.as_slice() {
            [] => Err(Error::not_found(format!("no object of {} matches the filter", stored.object_type.name()))),
            [object] => self.patch_object(stored, &object.id, patch, &Condition::None),
            _ => Err(Error::internal("Query result must yield one matching object")),
        }
    }

    /// Removes the object of this id; gives it as it was.
    ///
    /// # Errors
    /// `NotFound`, and `Outdated` if the condition does not hold.
    pub fn delete_object(&self, stored: &mut StoredType, id: &str, condition: &Condition) -> Result<Object> {
        self.until_settled(stored, |stored| {
            let seen = self.repository.object(stored, id)?;
            check(condition, stored, id, seen.as_ref())?;
            let seen = seen.ok_or_else(|| no_object(stored.object_type.name(), id))?;
            match self.repository.delete_object(stored, &seen)? {
                Written::Done(object) => Ok(Some(object)),
                _ => Ok(None),
            }
        })
    }

    /// All that would be wrong with an object, in place of the one of this id if there is one.
    ///
    /// # Errors
    /// `Request` if members may not be written.
    pub fn judge_object(
        &self,
        mut stored: StoredType,
        id: &str,
        members: &Map<String, Json>,
    ) -> Result<Vec<Violation>> {
        open(&mut stored, members);
        let seen = self.repository.object(&stored, id)?;
        let existing = seen.as_ref().map(|seen| seen.document.as_str());
        let draft = Draft::new(&stored.object_type, members, existing, Extent::Whole)?;
        let taken = self.repository.taken(&stored, &draft.document, seen.as_ref())?;
        Ok(with_taken(&stored, draft, &taken))
    }

    /// Refuses to make an object so large that it could not be put back in one body.
    fn refuse_growth(&self, before: &str, after: &str) -> Result<()> {
        let limit = self.config.server.max_body_size;
        if after.len() as u64 > limit.max(before.len() as u64) {
            let said = format!("patched, the object would be larger than {limit} bytes");
            return Err(Error::new(Kind::TooLarge, said));
        }
        Ok(())
    }

    /// Does an attempt until nobody else was faster. Afterwards the type is the one that counted then.
    fn until_settled<T>(
        &self,
        stored: &mut StoredType,
        mut attempt: impl FnMut(&mut StoredType) -> Result<Option<T>>,
    ) -> Result<T> {
        for _ in 0..ATTEMPTS {
            if let Some(done) = attempt(stored)? {
                return Ok(done);
            }
            *stored = self.object_type(stored.object_type.name())?;
        }
        Err(Error::new(Kind::Busy, "others keep changing the same object; try again in a few seconds"))
    }

    /// Writes a draft that has no violations; nothing if somebody else was faster.
    fn settle(
        &self,
        stored: &StoredType,
        draft: Draft,
        seen: Option<&Object>,
        id: Option<&str>,
        words: &str,
    ) -> Result<Option<Object>> {
        if !draft.violations.is_empty() {
            let taken = self.repository.taken(stored, &draft.document, seen)?;
            return Err(policy_error(words, &with_taken(stored, draft, &taken)));
        }
        let written = match seen {
            Some(seen) if seen.document == draft.document => return Ok(Some(seen.clone())),
            Some(seen) => self.repository.replace_object(stored, seen, &draft.document)?,
            None => self.repository.create_object(stored, id, &draft.document)?,
        };
        match written {
            Written::Done(object) => Ok(Some(object)),
            Written::Outdated | Written::Exists => Ok(None),
            Written::Taken(taken) => Err(policy_error(words, &with_taken(stored, draft, &taken))),
        }
    }

    /// A new object was not written: it must not be if there is one of its id.
    fn yield_to(&self, stored: &StoredType, id: Option<&str>) -> Result<Option<Object>> {
        let Some(id) = id else { return Ok(None) };
        check(&Condition::Absent, stored, id, self.repository.object(stored, id)?.as_ref()).map(|()| None)
    }
}

fn check(condition: &Condition, stored: &StoredType, id: &str, seen: Option<&Object>) -> Result<()> {
    let missing = || no_object(stored.object_type.name(), id);
    condition.check(&format!("object '{id}'"), seen.map(Object::rev), missing)
}

/// Opens a type without a schema for the members of an object.
fn open(stored: &mut StoredType, members: &Map<String, Json>) {
    if stored.object_type.is_open() {
        stored.object_type = opened_for(stored.object_type.clone(), members);
    }
}

/// The object as clients see it.
fn public_members(object: &Object, object_type: &ObjectType) -> Map<String, Json> {
    match Excerpt::whole(object_type, Visible::Public).json(object) {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}

fn with_taken(stored: &StoredType, draft: Draft, taken: &[String]) -> Vec<Violation> {
    let text = |path: &str| {
        let property = stored.object_type.property(path);
        property.map(|property| element_text(&draft.document, property.position as usize)).unwrap_or_default()
    };
    let unique: Vec<Violation> = taken.iter().map(|path| Violation::unique(path, &text(path))).collect();
    draft.violations.into_iter().chain(unique).collect()
}

/// Refuses ids that an address could not name.
fn check_id(id: &str) -> Result<()> {
    let fault = match id {
        "" => "is empty",
        "." | ".." => "has another meaning in addresses",
        id if id.contains('/') => "contains a '/'",
        id if id.contains(char::is_control) => "contains a control character",
        id if id.chars().count() > LONGEST_ID => "is longer than 255 characters",
        _ => return Ok(()),
    };
    Err(Error::request(format!("'{}' cannot be the id of an object: it {fault}", shown(id, 60))))
}

fn check_same_id(members: &Map<String, Json>, id: &str) -> Result<()> {
    match members.get("_id") {
        None | Some(Json::Null) => Ok(()),
        Some(Json::String(same)) if same == id => Ok(()),
        Some(other) => {
            let other = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            let other = shown(&other, 60).into_owned();
            Err(Error::request(format!("the '_id' of object '{id}' cannot become '{other}': an id is kept for ever")))
        }
    }
}

/// What clients may not write, they may not take away. Private properties they do not see, so that nothing would happen.
fn refuse_removals(object_type: &ObjectType, patch: &Patch) -> Result<()> {
    for (number, path) in patch.removed() {
        if let Some(refusal) = object_type.property(&path).and_then(refusal) {
            return Err(Error::request(format!("'{path}' {refusal} (operation {number})")));
        }
    }
    Ok(())
}
