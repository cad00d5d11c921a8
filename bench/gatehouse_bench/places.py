"""Where things lie in the checkout."""
import os
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
WORKSPACE = BENCH.parent
NODE_PEERS = BENCH / "peers" / "node"
NGINX_PEERS = BENCH / "peers" / "nginx"
GATEHOUSE_SCRIPTS = BENCH / "peers" / "gatehouse"
HYPER_PEER = BENCH / "hyper-peer"


def target_dir() -> Path:
    """Cargo's target directory; the environment may move it, as it does for cargo itself."""
    return Path(os.environ.get("CARGO_TARGET_DIR") or WORKSPACE / "target")
