"""Which code a process runs: the release, and a digest of the sources as they were when it started."""

import hashlib
from pathlib import Path

RELEASE = "0.1.0"
CHECKOUT = Path(__file__).resolve().parents[2]
TRADING = ("common", "services")
"""Packages of which every service runs some part."""
LEFT_OUT = ("services/cli/",)
"""Nobody's service: a new command is no reason to stop buying."""
DIGEST_LENGTH = 10


def code_version(root: Path = CHECKOUT) -> str:
    """Return release and digest; two processes with the same one run the same code."""
    digest = hashlib.blake2b(digest_size=16)
    for package in TRADING:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if name.startswith(LEFT_OUT):
                continue
            source = path.read_bytes()
            digest.update(f"{name}\0{len(source)}\0".encode())
            digest.update(source)
    return f"{RELEASE}+{digest.hexdigest()[:DIGEST_LENGTH]}"
