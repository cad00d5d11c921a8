"""Builds the Rust binaries, where a run needs one that is not there."""
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .places import HYPER_PEER, WORKSPACE, target_dir

# By its manifest, so that it builds as a member of the workspace and alone.
HYPER_PEER_ARGUMENTS = ["--manifest-path", str(HYPER_PEER / "Cargo.toml")]
GATEHOUSE_ARGUMENTS = ["--bin", "gatehouse"]
PLUGIN_ARGUMENTS = ["--package", "bench-plugin"]


def ensure_built(binary: Path, cargo_arguments: Sequence[str], force: bool) -> str | None:
    """Builds the binary if it is missing, or in any case with `force`; says why it could not."""
    if binary.is_file() and not force:
        return None
    if not shutil.which("cargo"):
        return f"{binary.name} is not built: cargo is not installed"
    command = ["cargo", "build", "--release", "--target-dir", str(target_dir()), *cargo_arguments]
    if (code := subprocess.run(command, cwd=WORKSPACE).returncode) != 0:
        return f"{binary.name} is not built: cargo ended with {code}, its reasons are above"
    return None
