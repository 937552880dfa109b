//! One import's view of the repository: it looks up, puts and commits, a round at a time.
//!
//! A *batched* import looks up over one connection while another one writes and commits behind it
//! ([`Background`]); what its look-ups cannot see yet is laid over them ([`Overlay`]). Whether what was seen is still so is
//! judged by the commit: a changed object has the revision that was seen, a value that must be unique is nobody's.
//! An *atomic* import looks up and writes in one transaction. A *dry run* looks at one snapshot, keeps its puts to itself
//! and commits only the report.

mod ask;
mod background;
mod journal;
mod known;
mod numbers;
mod overlay;
mod puts;
mod reader;
pub(super) mod rows;
mod writer;

use std::collections::{HashMap, HashSet};

use self::ask::Fingerprint;
use self::background::Background;
use self::journal::{KeyChange, Keys, Neighbour};
use self::known::{Fetched, Holders};
use self::numbers::Numbers;
use self::overlay::Overlay;
use self::puts::Puts;
use self::reader::Reader;
use self::writer::{Settling, Writer};
use super::Postgres;
use super::conn::{Conn, Engine};
use crate::clock;
use crate::error::{Error, Result};
use crate::failure::Failure;
use crate::import::{Import, no_import};
use crate::plan::OnFailure;
use crate::repository::ids::Ids;
use crate::repository::sqlite::Rehearsal;
use crate::repository::{Due, Existing, Mode, ObjectNumber, Settled, StoredType};

/// Bytes of objects that are held back before they are written.
const HEAVY: usize = 16 << 20;

/// Values that are worth being asked for over two connections.
const MANY: usize = 1024;

/// Failures that wait for a commit in memory at most: some megabytes.
const MANY_FAILURES: usize = 4096;

/// Objects of one commit of a batched import, more or less: what follows waits for it in memory.
const MANY_OBJECTS: usize = 100_000;

/// The same where rows are spread over servers, which want transactions to be small.
const MANY_OBJECTS_SPREAD: usize = 20_000;

/// See the module's head.
pub struct Session {
    side: Side,
    object_type: i64,
    import: i64,
    indexes: Vec<Index>,
    open: bool,
    /// When the transaction began, in milliseconds: the time in the ids it makes.
    opened: u64,
    fingerprints: HashMap<ObjectNumber, Fingerprint>,
    /// Objects that a look-up has named, whose fingerprints may be wanted.
    named: Vec<ObjectNumber>,
    fetched: Fetched,
    puts: Puts,
    /// Objects put since the last commit.
    objects: usize,
    /// So many of them are enough for a commit.
    many_objects: usize,
    keys: Keys,
    numbers: Numbers,
    ids: Ids,
    /// What went wrong where nothing could be said.
    trouble: Option<Error>,
}

/// An index, as the session sees it.
struct Index {
    number: i64,
    /// Whether a value of it belongs to one object only.
    is_unique: bool,
    holders: Holders,
    overlay: Overlay,
}

/// The mode of a session, with what it takes.
enum Side {
    Batched {
        reader: Reader,
        background: Background,
        /// The commit that what is put now will belong to.
        generation: u64,
        /// What was put and is perhaps not seen by the reader yet.
        unseen: Unseen,
    },
    Atomic {
        writer: Box<Writer>,
        /// What is put now, and what was written so far.
        generation: u64,
    },
    DryRun {
        snapshot: Option<Conn>,
        rehearsal: Rehearsal,
        report: Box<Writer>,
    },
}

/// Objects by the generation that has put them.
type Unseen = HashMap<u64, HashSet<ObjectNumber>>;

impl Session {
    pub(super) fn open(repository: &Postgres, stored: &StoredType, import: &Import, mode: Mode) -> Result<Session> {
        let find = "SELECT import.number, coalesce(import_progress.settled, 0) FROM import \
                    LEFT JOIN import_progress ON import_progress.import = import.number WHERE import.id = $1";
        let found = repository.read(|conn| {
            conn.first(find, &[&import.id.uuid()], |row| Ok((super::sql::get(row, 0)?, super::sql::get(row, 1)?)))
        })?;
        let (number, settled) = found.ok_or_else(|| no_import(import.id))?;
        let writer = Writer::new(repository, stored, number, settled)?;
        let atomic = import.plan.on_failure == OnFailure::RejectFile;
        let side = match mode {
            Mode::Write if atomic => Side::Atomic { writer: Box::new(writer), generation: 1 },
            Mode::Write => Side::Batched {
                reader: Reader::new(&repository.pool),
                background: Background::start(writer)?,
                generation: 1,
                unseen: Unseen::new(),
            },
            Mode::DryRun => Side::DryRun {
                snapshot: None,
                rehearsal: Rehearsal::new(stored.indexes.len(), repository.memory.keys)?,
                report: Box::new(writer.of_reports()),
            },
        };
        let indexes = stored.indexes.iter().map(|index| {
            let property = match index.properties.as_slice() {
                [path] => stored.object_type.property(path),
                _ => None,
            };
            let is_unique = property.is_some_and(|property| property.unique);
            Index { number: index.number, is_unique, holders: Holders::default(), overlay: Overlay::default() }
        });
        Ok(Session {
            side,
            object_type: stored.number,
            import: number,
            indexes: indexes.collect(),
            open: false,
            opened: 0,
            fingerprints: HashMap::new(),
            named: Vec::new(),
            fetched: Fetched::default(),
            puts: Puts::default(),
            objects: 0,
            many_objects: match repository.pool.engine() {
                Engine::PostgreSql => MANY_OBJECTS,
                Engine::Citus | Engine::CockroachDb | Engine::YugabyteDb => MANY_OBJECTS_SPREAD,
            },
            keys: Keys::default(),
            numbers: Numbers::new(&repository.pool, stored.number),
            ids: Ids::new(),
            trouble: None,
        })
    }

    pub(in crate::repository) fn begin(&mut self) -> Result<()> {
        if let Side::DryRun { snapshot, .. } = &mut self.side
            && snapshot.is_none()
        {
            let begun = snapshot_of(&mut self.numbers).map_err(writer::repairable)?;
            *snapshot = Some(begun);
        }
        self.open = true;
        self.opened = clock::unix_millis();
        self.numbers.forget();
        self.begin_round(0)
    }

    pub(in crate::repository) fn is_open(&self) -> bool {
        self.open
    }

    pub(in crate::repository) fn begin_round(&mut self, records: usize) -> Result<()> {
        self.check()?;
        let seen = match &mut self.side {
            Side::Batched { background, unseen, .. } => {
                let seen = background.known()?;
                unseen.retain(|generation, _| *generation > seen);
                seen
            }
            Side::Atomic { generation, .. } => *generation - 1,
            Side::DryRun { .. } => 0,
        };
        for index in &mut self.indexes {
            index.overlay.retire(seen);
            index.holders.forget();
        }
        self.fingerprints.clear();
        self.named.clear();
        self.fetched.forget();
        self.numbers.expect(records);
        Ok(())
    }

    pub(in crate::repository) fn prefetch(&mut self, index: usize, hashes: &mut [u64]) -> Result<()> {
        self.check()?;
        if let Side::DryRun { rehearsal, .. } = &mut self.side {
            rehearsal.prefetch(index, hashes)?;
        }
        let Index { number, holders, .. } = &mut self.indexes[index];
        hashes.sort_unstable_by_key(|hash| hash.cast_signed());
        let mut unknown: Vec<i64> =
            hashes.iter().filter(|hash| !holders.is_known(**hash)).map(|hash| hash.cast_signed()).collect();
        unknown.dedup();
        let index = *number;
        let pairs = self.side.ask(&unknown, move |conn, hashes| ask::pairs(conn, index, hashes))?;
        holders.note_asked(&unknown);
        pairs.into_iter().for_each(|(hash, object)| holders.add(hash.cast_unsigned(), object));
        self.named.extend(unknown.iter().flat_map(|hash| holders.get(hash.cast_unsigned())));
        Ok(())
    }

    pub(in crate::repository) fn holders(&self, index: usize, hash: u64) -> impl Iterator<Item = ObjectNumber> + '_ {
        let place = index;
        let Index { holders, overlay, .. } = &self.indexes[place];
        let known = holders.get(hash);
        let (rehearsed, overlaid) = match &self.side {
            Side::DryRun { rehearsal, .. } => (Some(rehearsal.holders(place, hash, known)), None),
            Side::Batched { .. } | Side::Atomic { .. } => (None, Some(overlay.holders(hash, known))),
        };
        rehearsed.into_iter().flatten().chain(overlaid.into_iter().flatten())
    }

    pub(in crate::repository) fn prefetch_objects(&mut self, numbers: &mut Vec<ObjectNumber>) -> Result<()> {
        self.check()?;
        numbers.sort_unstable();
        numbers.dedup();
        self.fetched.forget();
        let mut stored = std::mem::take(numbers);
        if let Side::Batched { background, unseen, .. } = &mut self.side {
            let own: Vec<ObjectNumber> = stored.extract_if(.., |number| is_in(unseen, *number)).collect();
            if !own.is_empty() {
                self.fetched = background.objects(own.clone())?;
                numbers.extend(own);
            }
        }
        let object_type = self.object_type;
        let read = self.side.ask(&stored, move |conn, numbers| {
            ask::objects(conn, object_type, numbers, |number, revision, document| {
                (number, revision, document.to_owned())
            })
        })?;
        read.iter().for_each(|(number, revision, document)| self.fetched.keep(*number, *revision, document));
        numbers.extend(stored);
        Ok(())
    }

    pub(in crate::repository) fn fingerprint(&mut self, object: ObjectNumber) -> Result<u64> {
        if !self.fingerprints.contains_key(&object) {
            if self.side.is_unseen(object) {
                // A record that comes again so soon is not worth a look.
                return Ok(0);
            }
            self.look_at_fingerprints(object)?;
        }
        Ok(self.fingerprints.get(&object).map_or(0, |(fingerprint, _)| *fingerprint))
    }

    pub(in crate::repository) fn object(&self, number: ObjectNumber) -> Option<Existing<'_>> {
        self.fetched.get(number)
    }

    pub(in crate::repository) fn ids(&mut self, numbers: &[ObjectNumber]) -> Result<Vec<(ObjectNumber, String)>> {
        let object_type = self.object_type;
        self.side.ask(numbers, move |conn, numbers| ask::ids(conn, object_type, numbers))
    }

    pub(in crate::repository) fn create(&mut self, document: &str) -> ObjectNumber {
        let number = self.numbers.next().unwrap_or_else(|error| {
            self.trouble.get_or_insert(error);
            0
        });
        if self.writes() {
            let id = self.ids.next(number, self.opened);
            self.puts.create([self.object_type, self.import], number, id, document);
        }
        number
    }

    pub(in crate::repository) fn update(&mut self, number: ObjectNumber, revision: u64, document: &str) {
        if self.writes() {
            self.puts.update(number, revision, document);
        }
    }

    pub(in crate::repository) fn add_key(&mut self, index: usize, hash: u64, object: ObjectNumber) {
        // Another value with the same hash may have the place of those that are alone.
        let Index { number, is_unique, .. } = self.indexes[index];
        let mut tie = object;
        if is_unique && self.writes() {
            let neighbours = self.holders(index, hash).map(|object| {
                let revision = self.fetched.get(object).map_or(0, |existing| existing.revision);
                Neighbour { index: number, hash: hash.cast_signed(), object, revision }
            });
            let neighbours: Vec<Neighbour> = neighbours.collect();
            if neighbours.is_empty() {
                tie = 0;
            }
            self.keys.neighbours.extend(neighbours);
        }
        self.change_key(index, hash, object, Some(tie));
    }

    pub(in crate::repository) fn remove_key(&mut self, index: usize, hash: u64, object: ObjectNumber) {
        self.change_key(index, hash, object, None);
    }

    pub(in crate::repository) fn stamp(&mut self, object: ObjectNumber, fingerprint: u64) -> Result<()> {
        // A dry run touches an object once, so its fingerprint is not looked at again.
        if self.writes() {
            let fetched = self.fetched.get(object).map(|existing| existing.revision);
            let known = self.fingerprints.get(&object).map(|(_, revision)| *revision);
            let revision = fetched.or(known).filter(|revision| *revision > 0);
            self.puts.stamp(object, revision, fingerprint)?;
            self.fingerprints.insert(object, (fingerprint, revision.unwrap_or(0)));
        }
        Ok(())
    }

    pub(in crate::repository) fn due(&self) -> Due {
        match self.objects {
            _ if self.puts.failures() >= MANY_FAILURES => Due::Now,
            objects if objects >= self.many_objects => Due::Now,
            objects if objects >= self.many_objects / 2 => Due::Soon,
            _ => Due::NotYet,
        }
    }

    pub(in crate::repository) fn is_heavy(&self) -> bool {
        self.puts.len() > HEAVY
    }

    pub(in crate::repository) fn fail(&mut self, failure: Failure) {
        self.puts.fail(self.import, &failure);
    }

    pub(in crate::repository) fn end_round(&mut self) -> Result<()> {
        self.check()?;
        if let Side::DryRun { rehearsal, .. } = &mut self.side {
            return rehearsal.end_round();
        }
        if !self.puts.is_empty() {
            self.objects += self.puts.objects();
            let ours = [self.object_type, self.import];
            match &mut self.side {
                Side::Batched { background, unseen, generation, .. } => {
                    unseen.entry(*generation).or_default().extend(self.puts.numbers());
                    background.put(self.puts.take(ours))?;
                }
                Side::Atomic { writer, .. } => writer.put(&self.puts.take(ours))?,
                Side::DryRun { .. } => {}
            }
        }
        if let Side::Atomic { writer, generation } = &mut self.side {
            // The next look-up sees it.
            writer.put_keys(std::mem::take(&mut self.keys))?;
            *generation += 1;
        }
        Ok(())
    }

    pub(in crate::repository) fn commit(&mut self, settled: Settled<'_>) -> Result<()> {
        self.commit_soon(settled)?;
        self.wait()
    }

    pub(in crate::repository) fn wait(&mut self) -> Result<()> {
        match &mut self.side {
            Side::Batched { background, .. } => background.wait(),
            Side::Atomic { .. } | Side::DryRun { .. } => Ok(()),
        }
    }

    pub(in crate::repository) fn commit_soon(&mut self, settled: Settled<'_>) -> Result<()> {
        self.end_round()?;
        let settling = Settling::new(settled)?;
        match &mut self.side {
            Side::Batched { background, generation, .. } => {
                background.commit(std::mem::take(&mut self.keys), settling)?;
                *generation += 1;
            }
            Side::Atomic { writer, .. } => writer.commit(&settling)?,
            Side::DryRun { report, .. } => {
                let kept = report.keep_failures(self.puts.failed().as_ref()).and_then(|()| report.commit(&settling));
                if kept.is_err() {
                    report.roll_back();
                }
                kept?;
                self.puts = Puts::default();
                return Ok(());
            }
        }
        self.objects = 0;
        self.open = false;
        Ok(())
    }

    pub(in crate::repository) fn roll_back(&mut self) -> Result<()> {
        self.open = false;
        self.puts = Puts::default();
        self.objects = 0;
        self.keys = Keys::default();
        self.trouble = None;
        self.indexes.iter_mut().for_each(|index| index.overlay = Overlay::default());
        match &mut self.side {
            Side::Batched { background, unseen, generation, .. } => {
                background.roll_back()?;
                unseen.clear();
                *generation = background.known()? + 1;
            }
            Side::Atomic { writer, .. } => writer.roll_back(),
            Side::DryRun { snapshot, .. } => *snapshot = None,
        }
        self.begin_round(0)
    }

    fn change_key(&mut self, index: usize, hash: u64, object: ObjectNumber, tie: Option<i64>) {
        let Index { number, overlay, .. } = &mut self.indexes[index];
        let is_added = tie.is_some();
        let generation = match &mut self.side {
            Side::DryRun { rehearsal, .. } => {
                let changed = match is_added {
                    true => rehearsal.add(index, hash, object),
                    false => rehearsal.remove(index, hash, object),
                };
                self.trouble = self.trouble.take().or(changed.err());
                return;
            }
            Side::Batched { generation, .. } | Side::Atomic { generation, .. } => *generation,
        };
        match is_added {
            true => overlay.add(hash, object, generation),
            false => overlay.remove(hash, object, generation),
        }
        let (index, hash, tie) = (*number, hash.cast_signed(), tie.unwrap_or(0));
        self.keys.changes.push(KeyChange { index, hash, object, tie, is_added });
    }

    /// Reads the fingerprints of the objects that the latest look-ups have named, and of this one.
    fn look_at_fingerprints(&mut self, object: ObjectNumber) -> Result<()> {
        let mut wanted = std::mem::take(&mut self.named);
        wanted.retain(|number| !self.fingerprints.contains_key(number));
        wanted.push(object);
        wanted.sort_unstable();
        wanted.dedup();
        let object_type = self.object_type;
        let read = self.side.ask(&wanted, move |conn, numbers| ask::fingerprints(conn, object_type, numbers))?;
        for (number, fingerprint) in read {
            // What was stamped since is later.
            self.fingerprints.entry(number).or_insert(fingerprint);
        }
        // None of those that are not there.
        self.fingerprints.entry(object).or_insert((0, 0));
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        self.trouble.take().map_or(Ok(()), Err)
    }

    fn writes(&self) -> bool {
        !matches!(self.side, Side::DryRun { .. })
    }
}

impl Side {
    /// Whether an object was put and perhaps cannot be looked up yet.
    fn is_unseen(&self, object: ObjectNumber) -> bool {
        matches!(self, Side::Batched { unseen, .. } if is_in(unseen, object))
    }

    /// Asks for all values and gives all answers. Of many, half is asked for over the connection that writes, if it has
    /// nothing else to do. That may see what is put and not committed, which nobody is asked about ([`Unseen`]); keys are
    /// put only when all is committed.
    fn ask<T: Copy + Send + 'static, A: Send + 'static>(
        &mut self,
        values: &[T],
        ask: impl Fn(&mut Conn, &[T]) -> Result<Vec<A>> + Copy + Send + 'static,
    ) -> Result<Vec<A>> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Side::Batched { reader, background, .. } if values.len() >= MANY && background.is_idle() => {
                let (ours, others) = values.split_at(values.len() / 2);
                let answer = background.ask(others.to_vec(), ask)?;
                let mut found = reader.ask(ours, ask)?;
                found.extend(match answer.recv() {
                    Ok(more) => more,
                    // What is wrong with that connection is told when it writes.
                    Err(_) => reader.ask(others, ask)?,
                });
                Ok(found)
            }
            Side::Batched { reader, .. } => reader.ask(values, ask),
            Side::Atomic { writer, .. } => writer.work(|tx| ask(tx, values)),
            Side::DryRun { snapshot, .. } => {
                let conn = snapshot.as_mut().ok_or_else(|| Error::internal("a dry run that has not begun looks up"))?;
                ask(conn, values).map_err(writer::repairable)
            }
        }
    }
}

fn is_in(unseen: &Unseen, object: ObjectNumber) -> bool {
    unseen.values().any(|objects| objects.contains(&object))
}

/// A connection that sees one moment.
fn snapshot_of(numbers: &mut Numbers) -> Result<Conn> {
    let mut conn = reader::connect(numbers.pool(), "look-ups of an import")?;
    // Nobody is held up by it, however long it takes.
    conn.batch("SET idle_in_transaction_session_timeout = 0")?;
    conn.batch("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
    numbers.imagine(&mut conn)?;
    Ok(conn)
}
