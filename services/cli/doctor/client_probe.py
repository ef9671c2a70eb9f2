"""Look at a client and print one line of JSON: python -m services.cli.doctor.client_probe < place.json."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from common.domain.errors import UserError
from services.cli.accept.place import Place
from services.cli.accept.port import Vendor
from services.cli.adapters.xt import XtVendor
from services.cli.check import board_of, parse_symbol
from services.cli.faults import BadInputError, CliError
from services.cli.waiting import WaitClock

AGAIN_S = 6.0
MARK = "600000.SH"
"""Traded on every day and quoted in every feed."""


def look(vendor: Vendor, sleep: Callable[[float], None]) -> dict[str, Any]:
    """Return what can be told of a client; what fails on the way leaves the rest unknown."""
    said: dict[str, Any] = {"natives": None}
    try:
        vendor.load()
    except UserError as error:
        return {"natives": " ".join(str(error).split())}
    said["natives"] = ""
    said["quote_ns"] = newest(vendor)
    said["data_dir"] = data_dir(vendor)
    if vendor.place.path:
        try:
            ask(vendor, said, sleep)
        except CliError:
            said.setdefault("connect", None)  # a call that did not come back: what was told before it stands
    return said


def ask(vendor: Vendor, said: dict[str, Any], sleep: Callable[[float], None]) -> None:
    """Connect and add what the account says."""
    code = vendor.connect()
    if code != 0:
        # The client takes a number for busy until some seconds after its last process has gone (notes §1.5).
        vendor.stop()
        sleep(AGAIN_S)
        code = vendor.connect()
    said["connect"] = code
    if code != 0:
        return
    vendor.subscribe()
    statuses = vendor.account_status()
    if statuses is not None:
        said["accounts"] = [str(row.get("account_id", "")) for row in statuses]
        mine = [row.get("status") for row in statuses if row.get("account_id") == vendor.place.account]
        said["status"] = mine[0] if mine else None
    said["boards"] = boards_of(vendor)


def newest(vendor: Vendor) -> int | None:
    """Return the exchange time of the newest quote of a stock that is always quoted."""
    try:
        tick = vendor.tick(MARK)
    except Exception as error:  # whatever the vendor's quote service raises: nobody could look, which doctor says
        tell_why("tick", error)
        return None
    time_ms = tick.get("time") if tick is not None else None
    return int(time_ms) * 1_000_000 if isinstance(time_ms, int | float) and time_ms > 0 else None


def tell_why(call: str, error: Exception) -> None:
    """Say on standard error what went wrong, for whoever runs the probe by hand."""
    print(f"{call}: {type(error).__name__}: {error}", file=sys.stderr)


def data_dir(vendor: Vendor) -> str:
    """Return the client's folder of data, "" where it does not tell."""
    try:
        return vendor.data_dir()
    except Exception as error:  # as above
        tell_why("data_dir", error)
        return ""


def boards_of(vendor: Vendor) -> list[str] | None:
    """Return the boards that the account holds or has traded something of."""
    rows = [found for found in (vendor.positions(), vendor.orders()) if found is not None]
    if not rows:
        return None
    seen = set()
    for row in (row for found in rows for row in found):
        try:
            seen.add(board_of(parse_symbol(str(row.get("stock_code", "")))).name.lower())
        except BadInputError:
            continue  # a fund or a bond
    return sorted(seen)


def main() -> int:
    """Look and tell; the process ends hard, because the vendor's threads may not let it end."""
    place = Place(**json.load(sys.stdin))
    clock = WaitClock()
    vendor = XtVendor(place, clock.now_ns)
    said = look(vendor, clock.sleep)
    print(json.dumps(said), flush=True)
    vendor.stop()  # the number is free the sooner
    os._exit(0)


if __name__ == "__main__":
    main()
