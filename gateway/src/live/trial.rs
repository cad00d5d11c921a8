//! Compiles one definition without serving it, to find out what a reload would say.

use super::compile::Compiler;
use crate::{
    apidef::{ApiDefinition, Problem, folder::DefinitionFile, read::Kind},
    router::table::{ListenPath, Table},
};

/// What came of it.
#[derive(Debug)]
pub struct Trial {
    /// What was tried.
    pub file: DefinitionFile,
    /// What it has in common with another API and must not.
    pub conflict: Option<Problem>,
    /// What does not load or compile.
    pub failures: Vec<Problem>,
}

impl Compiler<'_> {
    /// Tries a definition beside the `others` that are served, and logs nothing. Scripts run once, plugins are loaded.
    ///
    /// Blocks while scripts load: not for an async thread.
    pub fn try_one(&self, mut file: DefinitionFile, others: &[DefinitionFile]) -> Trial {
        file.is_trial = true;
        let Some(definition) = file.definition.take() else {
            return Trial { file, conflict: None, failures: Vec::new() };
        };
        let kind = file.kind.unwrap_or(Kind::Classic);
        if let Some(conflict) = self.conflict(kind, &definition, others) {
            return Trial { file, conflict: Some(conflict), failures: Vec::new() };
        }
        let error = self.compile_one(&definition, &file).err();
        let mut failures = file.findings.take();
        failures.extend(error.map(|message| Problem { field: String::new(), message }));
        Trial { file, conflict: None, failures }
    }

    fn conflict(&self, kind: Kind, definition: &ApiDefinition, others: &[DefinitionFile]) -> Option<Problem> {
        let others: Vec<_> =
            others.iter().filter_map(|other| Some((other, other.definition.as_ref()?))).collect();
        if let Some((other, _)) = others.iter().find(|(_, other)| other.id == definition.id) {
            let message = format!("is the id of the API in {} already", other.path.display());
            return Some(Problem { field: kind.id_field().to_owned(), message });
        }
        if definition.internal {
            return None;
        }
        let listen_path = |definition: &ApiDefinition| ListenPath {
            host: self.domain(definition),
            path: definition.listen_path.clone(),
            target: (),
        };
        let reachable: Vec<_> = others.into_iter().filter(|(_, other)| !other.internal).collect();
        let mut paths: Vec<_> = reachable.iter().map(|(_, other)| listen_path(other)).collect();
        paths.push(listen_path(definition));
        // The others may be in conflict among themselves, which is not this one's fault.
        let (_, conflicts) = Table::build(paths, self.settings.matching.strict_routes);
        let conflict = conflicts.into_iter().find(|conflict| conflict.index == reachable.len())?;
        let (other, _) = reachable.get(conflict.kept)?;
        let message = format!("is the listen path of the API in {} already", other.path.display());
        Some(Problem { field: kind.listen_path_field().to_owned(), message })
    }
}
