//! Copies of plugins, from which they are loaded.
//!
//! The dynamic loader knows libraries by path and inode and gives the old one for a file that changed in place, so each
//! content gets a path of its own: `NAME-SHA256.so`. A process that has loaded a copy holds a shared lock on it to its end,
//! and so several gateways may have one folder: [`remove_unused`] takes out only what nobody holds, and not what was used
//! lately, as a restart will want it again.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::error::Problem;

/// How long a copy is kept that nobody uses.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// The copy of a plugin with these bytes, made if it is not there. It stays until this process ends.
///
/// # Errors
/// [`Problem::Cache`].
pub(super) fn copy(path: &Path, bytes: &[u8], digest: &str, cache: &Path) -> Result<PathBuf, Problem> {
    // Somebody may remove it between the look and the lock, but hardly each time.
    const ATTEMPTS: usize = 5;
    let name = path.file_stem().map_or_else(|| "plugin".into(), |stem| stem.to_string_lossy());
    let copy = cache.join(format!("{name}-{digest}.so"));
    let failed = |error| Problem::Cache { path: copy.clone(), error };
    make_folder(cache).map_err(failed)?;
    for _ in 0..ATTEMPTS {
        if let Some(file) = held(&copy, bytes) {
            // Leaked on purpose: with it goes the lock.
            std::mem::forget(file);
            return fs::canonicalize(&copy).map_err(failed);
        }
        write(&copy, bytes).map_err(failed)?;
    }
    Err(failed(io::Error::other("it is removed or changed by somebody as soon as it is written")))
}

/// Makes the folder if it is not there, and refuses one in which others can put files: what is in there is run.
fn make_folder(cache: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(cache)?;
    let folder = fs::metadata(cache)?;
    let ours = [rustix::process::geteuid().as_raw(), 0].contains(&folder.uid());
    if !ours || folder.mode() & 0o022 != 0 {
        return Err(io::Error::other(
            "other users can write to the folder, and could replace what is loaded from it",
        ));
    }
    Ok(())
}

/// The file at this path if it has these bytes, with a lock on it.
fn held(copy: &Path, bytes: &[u8]) -> Option<File> {
    let mut file = File::open(copy).ok()?;
    // Some file systems have no locks; a copy in use is then removed one day, which does not harm what is mapped.
    let _ = file.lock_shared();
    let (opened, there) = (file.metadata().ok()?, fs::symlink_metadata(copy).ok()?);
    let mut content = Vec::with_capacity(bytes.len());
    file.read_to_end(&mut content).ok()?;
    let same = (opened.dev(), opened.ino()) == (there.dev(), there.ino()) && content == bytes;
    // That it was used now; a copy of another user's cannot be marked and need not be.
    let _ = file.set_modified(SystemTime::now());
    same.then_some(file)
}

/// Writes under another name and renames, so that nobody ever opens half a file.
fn write(copy: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = copy.with_extension(format!("{}.tmp", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(&unfinished, copy).inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// Removes copies that no process has loaded and that none has used for as long as `kept`; gives their number.
///
/// Other files in the folder are left alone. What cannot be removed stays, and is tried again after the next start.
pub(super) fn remove_unused(cache: &Path, kept: Duration) -> usize {
    let entries = fs::read_dir(cache).into_iter().flatten().flatten();
    let copies = entries.filter(|entry| {
        entry.file_type().is_ok_and(|kind| kind.is_file()) && entry.file_name().to_str().is_some_and(is_copy)
    });
    copies.filter(|entry| remove_if_unused(&entry.path(), kept).unwrap_or(false)).count()
}

/// Whether a file of this name is a copy, `NAME-SHA256.so`, or one that was not finished, `NAME-SHA256.PID.tmp`.
fn is_copy(name: &str) -> bool {
    let unfinished = || name.strip_suffix(".tmp")?.rsplit_once('.').map(|(stem, _)| stem);
    let stem = name.strip_suffix(".so").or_else(unfinished);
    let digest = stem.and_then(|stem| stem.rsplit_once('-')).map_or("", |(_, digest)| digest);
    digest.len() == DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn remove_if_unused(copy: &Path, kept: Duration) -> io::Result<bool> {
    let file = File::open(copy)?;
    let used = file.metadata()?.modified()?;
    // A time in the future is of a clock that was wrong, and counts as now.
    let age = SystemTime::now().duration_since(used).unwrap_or_default();
    if age < kept || file.try_lock().is_err() {
        return Ok(false);
    }
    // With the lock held: who opens it now waits, and then sees that it is gone.
    fs::remove_file(copy)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File, Permissions},
        os::unix::fs::PermissionsExt as _,
        path::Path,
        time::{Duration, SystemTime},
    };

    use super::{copy, is_copy, remove_unused};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn age(path: &Path, age: Duration) {
        File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("open");
        fs::create_dir(&cache).unwrap();
        fs::set_permissions(&cache, Permissions::from_mode(0o777)).unwrap();
        let error = copy(Path::new("p.so"), b"x", &"0".repeat(64), &cache).unwrap_err();
        assert!(error.to_string().contains("other users can write"), "{error}");
        fs::set_permissions(&cache, Permissions::from_mode(0o755)).unwrap();
        assert!(copy(Path::new("p.so"), b"x", &"0".repeat(64), &cache).is_ok());
    }

    #[test]
    fn only_old_copies_that_nobody_has_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("copies");
        let (digest, other) = ("a".repeat(64), "b".repeat(64));
        let held = copy("plugins/libone.so".as_ref(), b"one", &digest, &cache).unwrap();
        age(&held, 2 * DAY);
        let file = |name: &str, days: u32| {
            let path = cache.join(name);
            fs::write(&path, "bytes").unwrap();
            age(&path, days * DAY);
            path
        };
        let old = file(&format!("libtwo-{other}.so"), 2);
        let unfinished = file(&format!("libtwo-{other}.4711.tmp"), 2);
        let young = file(&format!("libthree-{other}.so"), 0);
        let foreign = file("notes.so", 2);
        assert_eq!(remove_unused(&cache, DAY), 2);
        assert!(!old.exists() && !unfinished.exists());
        assert!(held.exists() && young.exists() && foreign.exists());
        assert_eq!(remove_unused(Path::new("/nonexistent/folder"), DAY), 0);
    }

    #[test]
    fn a_copy_is_used_again_and_one_that_was_changed_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let digest = "c".repeat(64);
        let copied = || copy("lib.so".as_ref(), b"bytes", &digest, folder.path()).unwrap();
        let path = copied();
        age(&path, 2 * DAY);
        assert_eq!(copied(), path);
        let age = path.metadata().unwrap().modified().unwrap().elapsed().unwrap_or_default();
        assert!(age < DAY, "it has been used now");
        fs::write(&path, "other").unwrap();
        assert_eq!(fs::read(copied()).unwrap(), b"bytes");
    }

    #[test]
    fn names_of_copies_are_known() {
        let digest = "0123456789abcdef".repeat(4);
        for name in [format!("lib-a.b-{digest}.so"), format!("x-{digest}.1.tmp")] {
            assert!(is_copy(&name), "{name}");
        }
        for name in [
            "lib.so".to_owned(),
            format!("{digest}.so"),
            format!("x-{digest}.txt"),
            format!("x-{}.so", &digest[1..]),
        ] {
            assert!(!is_copy(&name), "{name}");
        }
    }
}
