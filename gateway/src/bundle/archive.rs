//! Zip files, read into memory: bounded, and with no name that leads anywhere else.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read as _},
};

use zip::{ZipArchive, result::ZipError};

/// Files of a bundle by their relative paths, which have `/` between their parts.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Most entries of an archive.
const MAX_ENTRIES: usize = 1_000;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not a zip file, or damaged.
    #[error("it is not a zip file: {0}")]
    NotZip(#[from] ZipError),
    /// An entry cannot be read.
    #[error("`{name}` in it cannot be read: {error}")]
    Entry {
        /// The entry.
        name: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Too many entries.
    #[error("it has more than {MAX_ENTRIES} entries")]
    TooMany,
    /// Too much in it.
    #[error("its files take more than {limit} bytes (`gatehouse.limits.max_bundle_bytes`)")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// An entry that leads out of the folder, is no file, or is there twice.
    #[error("`{name}` in it {what}")]
    BadEntry {
        /// The entry.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// All files of a zip file, which take at most `limit` bytes whatever the file says of itself.
pub(super) fn unpack(bytes: &[u8], limit: usize) -> Result<Files, ArchiveError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    if archive.len() > MAX_ENTRIES {
        return Err(ArchiveError::TooMany);
    }
    let mut files = Files::new();
    let mut left = limit;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.into_owned();
        let bad = |what| ArchiveError::BadEntry { name: name.clone(), what };
        let safe =
            !name.contains(['\\', '\0', ':']) && super::is_relative(name.trim_end_matches('/').as_ref());
        if !safe || name.contains("//") || name.split('/').any(|part| part == ".") {
            return Err(bad("has a name that leads elsewhere"));
        }
        if entry.is_dir() {
            continue;
        }
        if !entry.is_file() || entry.is_symlink() {
            return Err(bad("is not a file"));
        }
        let mut content = Vec::new();
        let read = (&mut entry).take(left as u64 + 1).read_to_end(&mut content);
        read.map_err(|error| ArchiveError::Entry { name: name.clone(), error })?;
        left = left.checked_sub(content.len()).ok_or(ArchiveError::TooLarge { limit })?;
        if files.contains_key(&name) {
            return Err(bad("is there twice"));
        }
        files.insert(name, content);
    }
    Ok(files)
}

/// One file.
pub(super) fn file(files: &Files, path: &str) -> io::Result<Vec<u8>> {
    files.get(path).cloned().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "is not in the bundle"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, content) in entries {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn files_are_unpacked() {
        let files = unpack(&zip(&[("manifest.json", b"{}"), ("a/b.js", b"x")]), 100).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a/b.js", "manifest.json"]);
        assert_eq!(file(&files, "a/b.js").unwrap(), b"x");
        assert!(file(&files, "b.js").is_err());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["../a", "/etc/passwd", "a/../../b", "a\\..\\b", "C:a", "./a", "a//b"] {
            let refused = unpack(&zip(&[(name, b"x")]), 100);
            assert!(matches!(refused, Err(ArchiveError::BadEntry { .. })), "{name}: {refused:?}");
        }
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        let refused = unpack(&writer.finish().unwrap().into_inner(), 100);
        assert!(matches!(refused, Err(ArchiveError::BadEntry { .. })), "{refused:?}");
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let bomb = zip(&[("a", &vec![0; 1 << 20]), ("b", &vec![0; 1 << 20])]);
        assert!(bomb.len() < 10_000);
        assert!(unpack(&bomb, 2 << 20).is_ok());
        assert!(matches!(unpack(&bomb, (2 << 20) - 1), Err(ArchiveError::TooLarge { .. })));
        let many: Vec<String> = (0..=MAX_ENTRIES).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert!(matches!(unpack(&zip(&many), 100), Err(ArchiveError::TooMany)));
    }

    #[test]
    fn damaged_files_are_refused() {
        let whole =
            zip(&[("manifest.json", b"{\"a\": \"some text that is long enough to be deflated, deflated\"}")]);
        for length in 0..whole.len() {
            assert!(unpack(&whole[..length], 1000).is_err(), "{length}");
        }
        let mut flipped = whole.clone();
        flipped[45] ^= 0xFF;
        assert!(unpack(&flipped, 1000).is_err());
    }
}
