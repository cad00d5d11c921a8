//! Files that are replaced whole: a reader, or a start after a crash, finds the old or the new one, never half of it.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::Duration,
};

/// How the names of unfinished files begin and end; no reader of definitions looks at such names.
const UNFINISHED: (&str, &str) = (".gatehouse-", ".tmp");

/// An unfinished file that is older is nobody's any more: its writer has crashed.
const ABANDONED: Duration = Duration::from_secs(600);

/// Replaces a file, or makes it, and returns once it is on the disk.
///
/// # Errors
/// As the system says; then everything is as it was.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    remove_abandoned(folder);
    let mode = fs::metadata(path).map_or(0o644, |metadata| metadata.permissions().mode() & 0o7777);
    let mut unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED.0)
        .suffix(UNFINISHED.1)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    unfinished.write_all(content)?;
    unfinished.as_file().sync_all()?;
    unfinished.persist(path).map_err(|error| error.error)?;
    sync(folder)
}

/// Removes a file and returns once that is on the disk.
///
/// # Errors
/// As the system says.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A name is on the disk once its folder is.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether a file is an unfinished one.
fn is_unfinished(name: &str) -> bool {
    name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1)
}

/// What crashed writers left. A failure matters to nobody: it is tried again with the next write.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_str().is_some_and(is_unfinished) {
            continue;
        }
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|time| time.elapsed());
        if matches!(age, Ok(Ok(age)) if age > ABANDONED) {
            let removed = fs::remove_file(entry.path());
            tracing::debug!(file = %entry.path().display(), removed = removed.is_ok(), "an unfinished file");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File, FileTimes},
        os::unix::fs::PermissionsExt as _,
        time::{Duration, SystemTime},
    };

    use super::{remove, replace};

    #[test]
    fn replaces_whole_and_keeps_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        replace(&path, b"one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o600, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        remove(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing unfinished stays");
        assert!(remove(&path).is_err());
    }

    #[test]
    fn a_failure_leaves_all_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"one").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("no/such/a.json"), b"one").is_err());
    }

    #[test]
    fn what_a_crash_left_goes_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join(".gatehouse-old.tmp");
        let young = folder.path().join(".gatehouse-young.tmp");
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        File::create(&old).unwrap().set_times(FileTimes::new().set_modified(long_ago)).unwrap();
        File::create(&young).unwrap();
        replace(&folder.path().join("a.json"), b"one").unwrap();
        assert!(!old.exists() && young.exists());
    }
}
