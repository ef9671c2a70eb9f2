"""Look at a client and print one line of JSON: python -m services.cli.doctor.client_probe < place.json."""

import json
import os
import sys
from typing import Any

from common.domain.errors import UserError
from services.cli.accept.place import Place
from services.cli.accept.port import Vendor
from services.cli.adapters.xt import XtVendor
from services.cli.check import board_of, parse_symbol
from services.cli.faults import BadInputError
from services.cli.waiting import WaitClock

MARK = "600000.SH"
"""Traded on every day and quoted in every feed."""


def look(vendor: Vendor) -> dict[str, Any]:
    """Return what can be told of a client; what fails on the way leaves the rest unknown."""
    said: dict[str, Any] = {"natives": None}
    try:
        vendor.load()
    except UserError as error:
        return {"natives": " ".join(str(error).split())}
    said["natives"] = ""
    said["quote_ns"] = newest(vendor)
    if not vendor.place.path:
        return said
    said["connect"] = vendor.connect()
    if said["connect"] != 0:
        return said
    vendor.subscribe()
    statuses = vendor.account_status()
    if statuses is not None:
        said["accounts"] = [str(row.get("account_id", "")) for row in statuses]
        mine = [row.get("status") for row in statuses if row.get("account_id") == vendor.place.account]
        said["status"] = mine[0] if mine else None
    said["boards"] = boards_of(vendor)
    return said


def newest(vendor: Vendor) -> int | None:
    """Return the exchange time of the newest quote of a stock that is always quoted."""
    try:
        tick = vendor.tick(MARK)
    except Exception:
        return None  # whatever the vendor's quote service raises: nobody could look
    time_ms = tick.get("time") if tick is not None else None
    return int(time_ms) * 1_000_000 if isinstance(time_ms, int | float) and time_ms > 0 else None


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
    said = look(XtVendor(place, WaitClock().now_ns))
    print(json.dumps(said), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
