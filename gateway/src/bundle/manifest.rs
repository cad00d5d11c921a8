//! `manifest.json`: which files a bundle has, their checksum, and the hooks that are in them.

use std::{collections::BTreeSet, io};

use md5::{Digest as _, Md5};
use serde::Deserialize;
use serde_json::Value;

use super::signature::{PublicKey, SignatureError};

const NAME: &str = "manifest.json";

/// Lists of hooks in `custom_middleware`.
const LISTS: [&str; 4] = ["pre", "post", "post_key_auth", "response"];

/// As written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    file_list: Vec<String>,
    checksum: String,
    signature: String,
    custom_middleware: Value,
}

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file of the bundle cannot be read.
    #[error("`{path}` of the bundle cannot be read: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Not JSON of the right shape.
    #[error("the manifest is not what it should be: {0}")]
    Json(#[from] serde_json::Error),
    /// A name in it that leads elsewhere.
    #[error("the manifest names `{0}`, which is not in the bundle's folder")]
    Path(String),
    /// The files are not those that the checksum was made of.
    #[error(
        "the checksum of its files is {found}, and the manifest says {expected}: it was changed or is damaged"
    )]
    Checksum {
        /// Of the files.
        found: String,
        /// In the manifest.
        expected: String,
    },
    /// A source that is not in `file_list`.
    #[error("the manifest names the source `{0}`, which is not in `file_list` and so not in its checksum")]
    NotListed(String),
    /// It is not signed as it should be.
    #[error("{0}")]
    Signature(#[from] SignatureError),
}

/// Checks the manifest against the files and gives its `custom_middleware`.
///
/// As in Tyk, the checksum is the MD5 of all files of `file_list`, one after the other, and the signature, which counts if
/// there is a key, is over the same bytes.
pub(super) fn check(
    read: impl Fn(&str) -> io::Result<Vec<u8>>,
    key: Option<&PublicKey>,
) -> Result<Value, ManifestError> {
    let read = |path: &str| read(path).map_err(|error| ManifestError::File { path: path.to_owned(), error });
    let manifest: Manifest = serde_json::from_slice(&read(NAME)?)?;
    let (mut digest, mut signed) = (Md5::new(), Vec::new());
    for path in &manifest.file_list {
        if !super::is_relative(path.as_ref()) {
            return Err(ManifestError::Path(path.clone()));
        }
        let bytes = read(path)?;
        digest.update(&bytes);
        if key.is_some() {
            signed.extend_from_slice(&bytes);
        }
    }
    let found = super::hex(&digest.finalize());
    if !found.eq_ignore_ascii_case(manifest.checksum.trim()) {
        return Err(ManifestError::Checksum { found, expected: manifest.checksum });
    }
    if let Some(key) = key {
        key.check(&signed, &manifest.signature)?;
    }
    let listed: BTreeSet<&str> = manifest.file_list.iter().map(String::as_str).collect();
    for path in sources(&manifest.custom_middleware) {
        if !listed.contains(path) {
            return Err(ManifestError::NotListed(path.to_owned()));
        }
    }
    Ok(manifest.custom_middleware)
}

/// Files that hooks name.
fn sources(custom_middleware: &Value) -> impl Iterator<Item = &str> {
    let lists = LISTS.iter().filter_map(|list| custom_middleware.get(list)?.as_array()).flatten();
    let hooks = lists.chain(custom_middleware.get("auth_check"));
    hooks.filter_map(|hook| hook.get("path")?.as_str()).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(manifest: Value) -> Result<Value, ManifestError> {
        check(
            |path| match path {
                NAME => Ok(manifest.to_string().into_bytes()),
                "a.js" => Ok(b"ab".to_vec()),
                "b.js" => Ok(b"c".to_vec()),
                _ => Err(io::Error::new(io::ErrorKind::NotFound, "not there")),
            },
            None,
        )
    }

    /// MD5 of `abc`.
    const SUM: &str = "900150983cd24fb0d6963f7d28e17f72";

    #[test]
    fn files_are_summed_in_order() {
        let middleware = json!({"pre": [{"name": "a", "path": "a.js"}], "auth_check": {"path": ""}});
        let manifest = |files: Value, sum: &str| json!({"file_list": files, "checksum": sum, "custom_middleware": middleware});
        assert_eq!(checked(manifest(json!(["a.js", "b.js"]), SUM)).unwrap(), middleware);
        assert_eq!(checked(manifest(json!(["a.js", "b.js"]), &SUM.to_uppercase())).unwrap(), middleware);
        let wrong = checked(manifest(json!(["b.js", "a.js"]), SUM)).unwrap_err();
        assert!(wrong.to_string().contains(SUM), "{wrong}");
        assert!(matches!(
            checked(manifest(json!(["a.js", "b.js"]), "")),
            Err(ManifestError::Checksum { .. })
        ));
        assert!(matches!(checked(manifest(json!(["c.js"]), SUM)), Err(ManifestError::File { .. })));
        for path in ["../a.js", "/a.js", ""] {
            assert!(matches!(checked(manifest(json!([path]), SUM)), Err(ManifestError::Path(_))), "{path}");
        }
    }

    #[test]
    fn sources_outside_the_checksum_are_refused() {
        for place in [json!({"response": [{"path": "c.js"}]}), json!({"auth_check": {"path": "../../c.js"}})]
        {
            let manifest =
                json!({"file_list": ["a.js", "b.js"], "checksum": SUM, "custom_middleware": place});
            assert!(matches!(checked(manifest), Err(ManifestError::NotListed(_))));
        }
        assert!(matches!(checked(json!(7)), Err(ManifestError::Json(_))));
        assert!(checked(json!([])).is_err());
    }
}
