"""Real terminal output in the documents: each marked block holds a file of docs/samples, long ones cut in the middle."""

import re
from pathlib import Path

from services.cli.home import CHECKOUT

SAMPLES = CHECKOUT / "docs" / "samples"
BLOCK = re.compile(r"<!-- sample:([\w.-]+) -->\n(.*?)<!-- end -->", re.DOTALL)
HEAD_LINES, TAIL_LINES = 45, 28


def pages(root: Path = CHECKOUT) -> list[Path]:
    """Return the documents that may hold samples."""
    return [*sorted(root.glob("README*.md")), *sorted((root / "docs").rglob("*.md"))]


def shortened(text: str) -> str:
    """Return a sample with the middle left out where it is long."""
    lines = text.rstrip().splitlines()
    if len(lines) > HEAD_LINES + TAIL_LINES + 5:
        lines = [*lines[:HEAD_LINES], "…", *lines[-TAIL_LINES:]]
    return "\n".join(lines)


def filled(page: str, samples: dict[str, str]) -> str:
    """Return a document with its blocks filled; a block without a sample stays as it is."""

    def block(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in samples:
            return found.group(0)
        return f"<!-- sample:{name} -->\n```console\n{shortened(samples[name])}\n```\n<!-- end -->"

    return BLOCK.sub(block, page)


def read_samples(folder: Path = SAMPLES) -> dict[str, str]:
    """Return the samples by name."""
    return {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.txt"))}


def stale(root: Path = CHECKOUT) -> list[str]:
    """Return the documents whose blocks differ from the samples."""
    samples = read_samples(root / "docs" / "samples")
    return [
        str(path.relative_to(root)) for path in pages(root) if filled(text := path.read_text("utf-8"), samples) != text
    ]


def write(root: Path = CHECKOUT) -> None:
    """Fill the blocks of every document."""
    samples = read_samples(root / "docs" / "samples")
    for path in pages(root):
        text = path.read_text("utf-8")
        new = filled(text, samples)
        if new != text:
            path.write_text(new, encoding="utf-8")
