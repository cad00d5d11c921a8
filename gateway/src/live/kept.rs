//! APIs that a reload takes over as they are, because nothing that they were made from has changed.
//!
//! What a definition was made from is its text, the hooks in its folders, and the files of its scripts; all are read again
//! and compared. An API is made anew whenever it is made from more than that: a bundle, plugins, templates of web hooks,
//! scripts that failed, or asked for something outside while they were loaded.

use std::{collections::HashMap, fs, io, path::PathBuf, sync::Arc};

use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

use super::{scripts::ApiScripts, snapshot::Routed};
use crate::apidef::{
    ApiDefinition, Problems,
    companions::{Beside, Companions},
    events::EventHandlerKind,
    folder::{self, DefinitionFile},
    read::{Kind, Read},
};

/// Stands for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; SHA256_OUTPUT_LEN]);

impl Fingerprint {
    /// Of this text.
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// An API with what it was made from.
#[derive(Debug)]
pub struct KeptApi {
    text: Fingerprint,
    beside: Beside,
    scripts: Vec<(PathBuf, Fingerprint)>,
    kind: Option<Kind>,
    api_id: Arc<str>,
    is_copy_of_oas: bool,
    problems: Problems,
    /// The API.
    pub routed: Routed,
    /// Folders of the scripts that it names.
    pub folders: Vec<PathBuf>,
}

/// What may be taken over, by definition file.
pub type KeptApis = HashMap<PathBuf, Arc<KeptApi>>;

impl KeptApi {
    /// An API that was just made of a file; `None` when it has to be made anew each time.
    pub(super) fn new(
        file: &DefinitionFile,
        definition: &ApiDefinition,
        scripts: Option<&ApiScripts>,
        routed: &Routed,
    ) -> Option<Self> {
        let web_hooks = definition
            .event_handlers
            .iter()
            .any(|place| matches!(place.handler, EventHandlerKind::WebHook(_)));
        let found = !file.findings.borrow().is_empty();
        if file.beside.has_bundle || web_hooks || found || definition.uses_plugins() {
            return None;
        }
        Some(Self {
            text: Fingerprint::of(&file.text),
            beside: file.beside.clone(),
            scripts: scripts.map_or(Some(Vec::new()), ApiScripts::files)?,
            kind: file.kind,
            api_id: Arc::clone(&file.api_id),
            is_copy_of_oas: file.is_copy_of_oas,
            problems: file.problems.clone(),
            routed: routed.clone(),
            folders: definition.folders().collect(),
        })
    }

    /// Whether a definition with this text would be made into the same again.
    fn still_stands(&self, text: &str, companions: &Companions<'_>) -> bool {
        self.text == Fingerprint::of(text)
            && self.beside.hooks == companions.hooks_beside(&self.api_id)
            && self.scripts.iter().all(|(path, fingerprint)| {
                fs::read_to_string(path).is_ok_and(|text| Fingerprint::of(&text) == *fingerprint)
            })
    }

    /// What reading the file would find.
    fn file(&self, path: PathBuf, text: String) -> DefinitionFile {
        let read = Read {
            kind: self.kind,
            api_id: Arc::clone(&self.api_id),
            is_copy_of_oas: self.is_copy_of_oas,
            definition: None,
            inactive: false,
            problems: self.problems.clone(),
            beside: self.beside.clone(),
        };
        DefinitionFile::new(path, text, read)
    }
}

/// A definition file, and the API that was made from it before if nothing has changed.
pub type Found = (DefinitionFile, Option<Arc<KeptApi>>);

/// Reads the definitions of a folder as [`folder::read`] does, but for those that `before` has.
///
/// # Errors
/// As for [`folder::read`].
pub fn read(
    folder: &std::path::Path,
    companions: &Companions<'_>,
    before: &KeptApis,
) -> io::Result<Vec<Found>> {
    let paths = folder::paths(folder)?;
    let read = |path: &PathBuf| match fs::read_to_string(path) {
        Ok(text) => match before.get(path).filter(|kept| kept.still_stands(&text, companions)) {
            Some(kept) => (kept.file(path.clone(), text), Some(Arc::clone(kept))),
            None => (folder::parse(path.clone(), text, Some(companions)), None),
        },
        Err(error) => (folder::unreadable(path.clone(), &error), None),
    };
    let mut files: Vec<Found> = paths.iter().map(read).collect();
    files.retain(|(file, _)| !folder::stands_for_oas(file, &paths));
    Ok(files)
}
