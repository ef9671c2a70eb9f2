"""What `accept live` and `doctor` need of a client: few calls, each answered or `None`, and everything it says by itself."""

from typing import Any, NamedTuple, Protocol

from common.domain.values import Price, Shares, Symbol
from services.cli.accept.place import Place

Fields = dict[str, Any]
"""A vendor object copied field by field, nothing renamed."""


NATIVE = "native"
"""In what `load` returns: whether the modules are the vendor's own, and not fakes."""


class Heard(NamedTuple):
    """Something the client said by itself."""

    at_ns: int
    name: str
    """Of the callback."""
    thread: str
    fields: Fields


class Vendor(Protocol):
    """A client. No call is made from a callback; what fails or is empty comes back as the vendor has it."""

    place: Place

    def load(self) -> Fields:
        """Import the vendor's modules and return their versions; `UserError` where they cannot be had."""

    def connect(self) -> int:
        """Start and connect; 0 = connected."""

    def subscribe(self) -> int:
        """Ask for the account's pushes; 0 = ok."""

    def account_status(self) -> list[Fields] | None:
        """Return the accounts the client knows with their status."""

    def asset(self) -> Fields | None:
        """Return the account's money."""

    def positions(self) -> list[Fields] | None:
        """Return the positions; `None` is failed or empty."""

    def orders(self) -> list[Fields] | None:
        """Return the day's orders; `None` is failed or empty."""

    def trades(self) -> list[Fields] | None:
        """Return the day's deals; `None` is failed or empty."""

    def instrument(self, symbol: Symbol) -> Fields | None:
        """Return what is known of a stock today."""

    def tick(self, symbol: Symbol) -> Fields | None:
        """Return the last quote of a stock."""

    def data_dir(self) -> str:
        """Return the client's folder of data, "" where it does not tell."""

    def watch(self, symbols: tuple[Symbol, ...]) -> int:
        """Have the whole market pushed: the first push whole, later ones as numbers and the quotes of some stocks.

        Returns the number of the subscription, or -1.
        """

    def unwatch(self) -> None:
        """End the pushes."""

    def order(self, symbol: Symbol, shares: Shares, price: Price, remark: str) -> int:
        """Place a limit buy, price in 0.001 yuan, without waiting; the number of the request."""

    def cancel(self, order_id: int) -> int:
        """Ask for a cancel without waiting; the number of the request."""

    def heard(self) -> list[Heard]:
        """Return what was said since the last time, oldest first."""

    def stop(self) -> None:
        """Let go of the client; returns in a few seconds whatever the vendor does."""
