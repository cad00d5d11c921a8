//! `plugin new NAME`: a crate that builds at once, with an endpoint, an `#[init]` and a test.

mod name;
mod sdk;
mod sdk_copy;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{CommandError, output};

/// The files of a new crate. `{{…}}` is replaced.
const TEMPLATE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("new/template/Cargo.toml.in")),
    ("src/lib.rs", include_str!("new/template/lib.rs.in")),
    ("README.md", include_str!("new/template/README.md.in")),
    (".gitignore", include_str!("new/template/gitignore.in")),
];

/// Arguments of `plugin new`.
#[derive(Debug, Args)]
pub struct NewOptions {
    /// Name of the crate; the library will be libNAME.so
    name: String,
    /// Folder of the crate, which must not be there or be empty [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// The SDK: the folder `plugin-api` of a Gatehouse checkout [default: $GATEHOUSE_SDK, or that of the checkout around
    /// the new crate, the working directory or this binary, or a copy]
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
    /// Put a copy of the SDK that this binary was built with into the crate, even when there is a checkout
    #[arg(long, conflicts_with = "sdk")]
    copy_sdk: bool,
}

/// Where a crate has its copy of the SDK.
const SDK_COPY: &str = "gatehouse-sdk";

/// Writes the crate.
///
/// # Errors
/// When the name is not one, something is in the folder already, or `--sdk` is not the SDK.
pub(super) fn run(options: NewOptions) -> Result<ExitCode, CommandError> {
    let NewOptions { name, path, sdk, copy_sdk } = options;
    name::check(&name).map_err(|problem| CommandError::argument("NAME", problem))?;
    let folder = path.unwrap_or_else(|| PathBuf::from(&name));
    let folder = std::path::absolute(&folder).map_err(failed("cannot be found", &folder))?;
    refuse_to_overwrite(&folder)?;
    let sdk = if copy_sdk { None } else { sdk::find(sdk, &folder)? };
    let sdk = match sdk {
        Some(sdk) => sdk,
        None => {
            let copy = folder.join(SDK_COPY);
            sdk_copy::write(&copy).map_err(failed("cannot be written", &copy))?;
            Path::new(SDK_COPY).join(sdk::FOLDER)
        }
    };
    let library = name.replace('-', "_");
    for (file, text) in TEMPLATE {
        let text = text
            .replace("{{name}}", &name)
            .replace("{{library}}", &library)
            .replace("{{sdk}}", &toml_string(&sdk))
            .replace("{{folder}}", &folder.to_string_lossy());
        let file = folder.join(file);
        write(&file, &text).map_err(failed("cannot be written", &file))?;
    }
    output::print(&format!(
        "Made the plugin `{name}` in {}\n\n  cd {}\n  cargo test              # calls the function without a gateway\n  \
         gatehouse plugin build  # makes lib{library}.so and prints how a definition names it\n",
        folder.display(),
        shown(&folder)
    ));
    Ok(ExitCode::SUCCESS)
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> CommandError + use<'a> {
    move |error| CommandError::File { doing, path: path.to_owned(), error }
}

fn refuse_to_overwrite(folder: &Path) -> Result<(), CommandError> {
    let taken = |what: &str| {
        let path = folder.display();
        Err(CommandError::argument(
            "--path",
            format!("{path} {what}: name another folder with --path, nothing is overwritten"),
        ))
    };
    match fs::read_dir(folder) {
        Ok(entries) => {
            if entries.count() == 0 {
                Ok(())
            } else {
                taken("is not empty")
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => taken("is not a folder"),
        Err(error) => Err(failed("cannot be looked into", folder)(error)),
    }
}

/// Never over a file that is there, even one that came after the look into the folder.
fn write(path: &Path, text: &str) -> io::Result<()> {
    use io::Write as _;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::File::create_new(path)?.write_all(text.as_bytes())
}

/// A path in the quotes of TOML.
fn toml_string(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}

/// A folder as one would type it from the working directory.
fn shown(folder: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let short = folder.strip_prefix(&here).unwrap_or(folder).to_string_lossy();
    if short.contains(|character: char| !character.is_ascii_alphanumeric() && !"/._-".contains(character)) {
        format!("'{}'", short.replace('\'', "'\\''"))
    } else {
        short.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{shown, toml_string};

    #[test]
    fn paths_are_quoted_for_who_reads_them() {
        assert_eq!(toml_string(Path::new("/a \"b\"\\c")), r#""/a \"b\"\\c""#);
        assert_eq!(shown(Path::new("/made/my-plugin")), "/made/my-plugin");
        assert_eq!(shown(Path::new("/my plugins/it's")), r"'/my plugins/it'\''s'");
    }
}
