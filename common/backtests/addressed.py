"""Results by the key of their task: each a result folder with its summary, moved into place by one rename."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from common.backtests.store import put_files
from common.backtests.summary import SUMMARY, Summary, check_files, decode_summary
from common.domain.errors import ResultError

LETTERS = 2
"""Of the key, that name the folder between: no folder holds a hundred thousand others."""


class AddressedResults:
    """The results of tasks under one folder; a result is written once and never changed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        """Return where the result of a task is, or would be."""
        return self.root / key[:LETTERS] / key

    def summary(self, key: str) -> Summary | None:
        """Return the summary of a result, None where there is none; raises `ResultError` where a file was changed."""
        folder = self.folder(key)
        try:
            summary = decode_summary((folder / SUMMARY).read_bytes())
        except FileNotFoundError:
            return None
        except ResultError as error:
            raise ResultError("corrupt", f"{folder}: {error.detail}") from error
        if summary.key != key:
            raise ResultError("corrupt", f"{folder} holds the result of another task, {summary.key}")
        try:
            check_files(summary, self._files(folder, summary))
        except ResultError as error:
            raise ResultError("corrupt", f"{folder}: {error.detail}") from error
        return summary

    def put(self, key: str, files: Mapping[str, bytes]) -> Summary:
        """Keep the files of a result that is what its summary says; one that is there already stays."""
        summary = decode_summary(files.get(SUMMARY, b""))
        if summary.key != key:
            raise ResultError("corrupt", f"this is the result of the task {summary.key}, not of {key}")
        check_files(summary, files)
        folder = self.folder(key)
        if folder.exists():
            return summary
        part = folder.with_name(f"{key}.{os.getpid()}.part")
        shutil.rmtree(part, ignore_errors=True)
        put_files(part, files)
        try:
            part.rename(folder)
        except OSError:  # somebody else was first with the same bytes
            shutil.rmtree(part, ignore_errors=True)
            if not folder.exists():
                raise
        return summary

    @staticmethod
    def _files(folder: Path, summary: Summary) -> dict[str, bytes]:
        return {name: (folder / name).read_bytes() for name in summary.files if (folder / name).is_file()}
