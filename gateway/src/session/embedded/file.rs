//! The file: values with their ends, and an index of the ends, in redb.
//!
//! Everything here blocks.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, panic, path::Path, time::Duration};

use bytes::Bytes;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition};

use super::super::store::{Life, StoreError, TimeLeft};

/// Name to end and value. An end is in milliseconds since 1970; 0 is none.
const VALUES: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("values");
/// End and name of every value that has an end.
const ENDS: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("ends");
/// What is in memory of the file.
const CACHE_BYTES: usize = 32 << 20;
/// Ended values that one transaction removes.
const REMOVED_AT_A_TIME: usize = 1024;

/// One change.
#[derive(Debug)]
pub(super) enum Change {
    /// Writes a value.
    Set { value: Bytes, life: Life, if_absent: bool },
    /// Removes it.
    Delete,
    /// Adds to a number.
    Increment { by: i64, life: Life },
}

/// What a change came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    /// Whether something was written or removed.
    Done(bool),
    /// The sum.
    Sum(i64),
}

/// An open file.
pub(super) struct File(Database);

impl File {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// What is wrong, with the remedy.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("{}: {error}; {REMEDY}", folder.display()))?;
        }
        // Keys may stand in it as they are: nobody else's business.
        let made =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        made.map_err(|error| format!("{shown}: {error}; {REMEDY}"))?;
        let open = || {
            let database = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
            let begin = database.begin_write().map_err(redb::Error::from)?;
            begin.open_table(VALUES).map_err(redb::Error::from)?;
            begin.open_table(ENDS).map_err(redb::Error::from)?;
            begin.commit().map_err(redb::Error::from)?;
            Ok::<_, redb::Error>(database)
        };
        // A file that is damaged in the right place makes redb panic.
        match panic::catch_unwind(open) {
            Ok(Ok(database)) => Ok(Self(database)),
            Ok(Err(error)) => Err(refusal(path, &error)),
            Err(_) => Err(format!("{shown} is damaged; {DAMAGED}")),
        }
    }

    /// The same, in memory only.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub(super) fn in_memory() -> Result<Self, String> {
        let open = || {
            let builder = Database::builder();
            let database = builder.create_with_backend(redb::backends::InMemoryBackend::new())?;
            let begin = database.begin_write().map_err(redb::Error::from)?;
            begin.open_table(VALUES).map_err(redb::Error::from)?;
            begin.open_table(ENDS).map_err(redb::Error::from)?;
            begin.commit().map_err(redb::Error::from)?;
            Ok::<_, redb::Error>(database)
        };
        open().map(Self).map_err(|error| error.to_string())
    }

    /// The values of names, as of one moment.
    pub(super) fn get(&self, names: &[String], now: u64) -> Result<Vec<Option<Bytes>>, redb::Error> {
        let read = self.0.begin_read()?;
        let values = read.open_table(VALUES)?;
        let get = |name: &String| {
            let entry = values.get(name.as_str())?;
            let (end, value) = match &entry {
                Some(entry) => entry.value(),
                None => return Ok(None),
            };
            Ok((end == 0 || now < end).then(|| Bytes::copy_from_slice(value)))
        };
        names.iter().map(get).collect()
    }

    /// The time that a value has left.
    pub(super) fn time_left(&self, name: &str, now: u64) -> Result<TimeLeft, redb::Error> {
        let read = self.0.begin_read()?;
        let values = read.open_table(VALUES)?;
        Ok(match values.get(name)?.map(|entry| entry.value().0) {
            None => TimeLeft::NoValue,
            Some(0) => TimeLeft::Forever,
            Some(end) if end <= now => TimeLeft::NoValue,
            Some(end) => TimeLeft::For(Duration::from_millis(end - now)),
        })
    }

    /// The names that begin with `prefix`.
    pub(super) fn names(&self, prefix: &str, now: u64) -> Result<Vec<String>, redb::Error> {
        let read = self.0.begin_read()?;
        let values = read.open_table(VALUES)?;
        let mut names = Vec::new();
        for entry in values.range(prefix..)? {
            let (name, entry) = entry?;
            if !name.value().starts_with(prefix) {
                break;
            }
            if entry.value().0 == 0 || now < entry.value().0 {
                names.push(name.value().to_owned());
            }
        }
        Ok(names)
    }

    /// Makes all changes in one transaction; when it is `Ok`, they are on disk. What a single change may not do is its own
    /// result. Values that have ended are removed on the way.
    pub(super) fn change<'a>(
        &self,
        changes: impl Iterator<Item = (&'a str, &'a Change)>,
        now: u64,
    ) -> Result<Vec<Result<Changed, StoreError>>, redb::Error> {
        let mut write = self.0.begin_write()?;
        // Start-up after a crash does not walk through the whole file.
        write.set_quick_repair(true);
        let results = {
            let mut tables = Tables { values: write.open_table(VALUES)?, ends: write.open_table(ENDS)?, now };
            tables.remove_ended()?;
            changes.map(|(name, change)| tables.change(name, change)).collect::<Result<_, redb::Error>>()?
        };
        write.commit()?;
        Ok(results)
    }

    /// When the first value ends.
    pub(super) fn first_end(&self) -> Result<Option<u64>, redb::Error> {
        let read = self.0.begin_read()?;
        let ends = read.open_table(ENDS)?;
        Ok(ends.first()?.map(|(end, _)| end.value().0))
    }
}

struct Tables<'a> {
    values: Table<'a, &'static str, (u64, &'static [u8])>,
    ends: Table<'a, (u64, &'static str), ()>,
    now: u64,
}

impl Tables<'_> {
    fn change(&mut self, name: &str, change: &Change) -> Result<Result<Changed, StoreError>, redb::Error> {
        let before = self.values.get(name)?.map(|entry| {
            let (end, value) = entry.value();
            (end, Bytes::copy_from_slice(value))
        });
        let there = before.as_ref().filter(|(end, _)| *end == 0 || self.now < *end);
        let (end, value) = match change {
            Change::Set { if_absent: true, .. } if there.is_some() => return Ok(Ok(Changed::Done(false))),
            Change::Set { value, life, .. } => (self.end(*life, there.map(|(end, _)| *end)), value.clone()),
            Change::Delete => {
                let done = there.is_some();
                if let Some((end, _)) = before {
                    self.values.remove(name)?;
                    self.ends.remove((end, name))?;
                }
                return Ok(Ok(Changed::Done(done)));
            }
            Change::Increment { by, life } => {
                let sum = match sum(there.map(|(_, value)| &value[..]), *by) {
                    Ok(sum) => sum,
                    Err(reason) => {
                        let reason = reason.to_owned();
                        return Ok(Err(StoreError::BadValue { name: name.to_owned(), reason }));
                    }
                };
                let end = there.map_or_else(|| self.end(*life, None), |(end, _)| *end);
                (end, sum.to_string().into())
            }
        };
        if let Some((end, _)) = before.filter(|(end, _)| *end != 0) {
            self.ends.remove((end, name))?;
        }
        self.values.insert(name, (end, &value[..]))?;
        if end != 0 {
            self.ends.insert((end, name), ())?;
        }
        Ok(Ok(match change {
            Change::Increment { .. } => {
                Changed::Sum(std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok()).unwrap_or(0))
            }
            _ => Changed::Done(true),
        }))
    }

    fn end(&self, life: Life, before: Option<u64>) -> u64 {
        match life {
            Life::Forever => 0,
            Life::For(time) => {
                self.now.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).max(1)
            }
            Life::AsBefore => before.unwrap_or(0),
        }
    }

    fn remove_ended(&mut self) -> Result<(), redb::Error> {
        let mut ended = Vec::new();
        for entry in self.ends.range(..(self.now.saturating_add(1), ""))?.take(REMOVED_AT_A_TIME) {
            let (key, _) = entry?;
            let (end, name) = key.value();
            ended.push((end, name.to_owned()));
        }
        for (end, name) in ended {
            self.ends.remove((end, name.as_str()))?;
            self.values.remove(name.as_str())?;
        }
        Ok(())
    }
}

/// The sum of a stored number and another one.
fn sum(value: Option<&[u8]>, by: i64) -> Result<i64, &'static str> {
    let number = match value {
        None => 0,
        Some(value) => std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .ok_or("it is not a whole number")?,
    };
    number.checked_add(by).ok_or("the sum is too large")
}

const REMEDY: &str = "gatehouse.storage.path must name a file that this user may write";
const DAMAGED: &str = "put a copy from a backup in its place, or move it away to begin with an empty store";

fn refusal(path: &Path, error: &redb::Error) -> String {
    let shown = path.display();
    match error {
        redb::Error::DatabaseAlreadyOpen => format!(
            "{shown} is in use by another process; give this gateway a file of its own with gatehouse.storage.path, or \
             let several gateways share a Redis with storage.type"
        ),
        redb::Error::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
            format!("{shown}: {error}; {REMEDY}")
        }
        error => format!("{shown} cannot be read: {error}; {DAMAGED}"),
    }
}

impl From<&redb::Error> for StoreError {
    fn from(error: &redb::Error) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(file: &File, name: &str, change: Change, now: u64) -> Result<Changed, StoreError> {
        file.change([(name, &change)].into_iter(), now).unwrap().remove(0)
    }

    fn set(value: &'static str, life: Life) -> Change {
        Change::Set { value: Bytes::from_static(value.as_bytes()), life, if_absent: false }
    }

    fn count(by: i64) -> Change {
        Change::Increment { by, life: Life::Forever }
    }

    fn get(file: &File, name: &str, now: u64) -> Option<Bytes> {
        file.get(&[name.to_owned()], now).unwrap().remove(0)
    }

    #[test]
    fn values_are_kept_counted_and_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::open(&folder.path().join("new/kept.redb")).unwrap();
        let short = Life::For(Duration::from_millis(100));
        one(&file, "a", set("7", short), 1000).unwrap();
        assert_eq!(one(&file, "a", count(3), 1050), Ok(Changed::Sum(10)));
        assert_eq!(file.time_left("a", 1060).unwrap(), TimeLeft::For(Duration::from_millis(40)));
        one(&file, "a", set("x", Life::AsBefore), 1060).unwrap();
        assert_eq!(get(&file, "a", 1099).as_deref(), Some(&b"x"[..]));
        assert!(one(&file, "a", count(1), 1099).is_err());
        assert_eq!(get(&file, "a", 1100), None);
        assert_eq!(one(&file, "a", count(-1), 1100), Ok(Changed::Sum(-1)));
        assert_eq!(file.time_left("a", 9999).unwrap(), TimeLeft::Forever);
        assert_eq!(file.time_left("b", 0).unwrap(), TimeLeft::NoValue);
        let absent = Change::Set { value: Bytes::from_static(b"1"), life: Life::Forever, if_absent: true };
        assert_eq!(one(&file, "a", absent, 1), Ok(Changed::Done(false)));
        assert_eq!(one(&file, "a", Change::Delete, 1), Ok(Changed::Done(true)));
        assert_eq!(one(&file, "a", Change::Delete, 1), Ok(Changed::Done(false)));
    }

    #[test]
    fn ended_values_leave_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::open(&folder.path().join("kept.redb")).unwrap();
        for name in ["p-a", "p-b", "q-c"] {
            one(&file, name, set("1", Life::For(Duration::from_millis(10))), 100).unwrap();
        }
        one(&file, "p-d", set("1", Life::Forever), 100).unwrap();
        assert_eq!(file.names("p-", 105).unwrap(), ["p-a", "p-b", "p-d"]);
        assert_eq!(file.names("p-", 110).unwrap(), ["p-d"]);
        assert_eq!(file.first_end().unwrap(), Some(110));
        one(&file, "z", Change::Delete, 110).unwrap();
        assert_eq!(file.first_end().unwrap(), None);
        assert_eq!(file.names("", 0).unwrap(), ["p-d"]);
    }

    #[test]
    fn what_cannot_be_opened_is_said_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.redb");
        let open = || File::open(&path).err().unwrap_or_default();
        let first = File::open(&path).unwrap();
        assert!(open().contains("is in use by another process"), "{}", open());
        drop(first);
        for damage in [&b"not a database, but long enough to be read as one"[..], &[0xff; 9000]] {
            std::fs::write(&path, damage).unwrap();
            assert!(open().contains("move it away"), "{}", open());
        }
        let inside = File::open(&path.join("below/kept.redb")).err().unwrap_or_default();
        assert!(inside.contains("gatehouse.storage.path must name"), "{inside}");
    }

    #[test]
    fn a_damaged_file_is_refused_or_works_but_never_crashes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.redb");
        one(&File::open(&path).unwrap(), "a", set("1", Life::Forever), 1).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for step in 0..40 {
            let mut damaged = whole.clone();
            let place = step * 97 % 8192;
            damaged[place..place + 16].fill(0x5a);
            std::fs::write(&path, &damaged).unwrap();
            if let Ok(file) = File::open(&path) {
                let _ = panic::catch_unwind(panic::AssertUnwindSafe(|| drop(file.get(&["a".to_owned()], 1))));
            }
        }
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(File::open(&path).is_err());
    }
}
