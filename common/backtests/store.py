"""Result folders on disk: written whole beside their place and moved there by one rename, read whole and checked.

A folder may hold the results of the other fill verdicts in `verdicts/NAME`, each a result folder of its own.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from common.backtests.check import candles_fault, faults_of, others_fault
from common.backtests.codec import decode_files, encode_files
from common.backtests.result import BacktestResult, Candle
from common.domain.errors import InvariantError, ResultError

HEAD = "result.json"
VERDICTS_FOLDER = "verdicts"


class Stored(NamedTuple):
    """What a result folder holds."""

    result: BacktestResult
    others: list[BacktestResult]
    """The same backtest under the other fill verdicts, where they were run."""
    candles: list[Candle]


def write_result(
    folder: Path, result: BacktestResult, others: Sequence[BacktestResult] = (), candles: Sequence[Candle] = ()
) -> None:
    """Write a result folder, replacing the one that was there; raises `InvariantError` where books do not add up."""
    files = files_of(result, others, candles)
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    put_files(part, files)
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def files_of(
    result: BacktestResult, others: Sequence[BacktestResult] = (), candles: Sequence[Candle] = ()
) -> dict[str, bytes]:
    """Return the files of a result folder by name, "/" between folders; raises `InvariantError` as above."""
    for each in (result, *others):
        if faults := faults_of(each):
            raise InvariantError(f"the {each.inputs.verdict} result does not add up: {'; '.join(faults)}")
    if fault := others_fault(result, others) or candles_fault(candles):
        raise InvariantError(fault)
    files = encode_files(result, candles)
    for other in others:
        inner = f"{VERDICTS_FOLDER}/{other.inputs.verdict}"
        files |= {f"{inner}/{name}": data for name, data in encode_files(other).items()}
    return files


def put_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, making it."""
    folder.mkdir(parents=True)
    for name, data in files.items():
        path = folder / name
        if "/" in name:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read_result(folder: Path) -> Stored:
    """Read a result folder; raises `ResultError` when it is missing, cut, changed or of another version."""
    result, candles = _read_one(folder)
    found = sorted(path for path in (folder / VERDICTS_FOLDER).glob("*") if path.is_dir())
    others = [_read_one(path)[0] for path in found]
    if fault := others_fault(result, others):
        raise ResultError("corrupt", fault)
    return Stored(result, others, candles)


def _read_one(folder: Path) -> tuple[BacktestResult, list[Candle]]:
    if not (folder / HEAD).is_file():
        raise ResultError("missing", f"{folder} has no {HEAD}")
    try:
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    except OSError as error:
        raise ResultError("corrupt", str(error)) from error
    result, candles = decode_files(files)
    if faults := faults_of(result):
        raise ResultError("corrupt", faults[0])
    return result, candles
