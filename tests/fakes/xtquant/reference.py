"""The part of the fake native quote client that answers questions about history and reference data (notes §3.2)."""

from tests.fakes.xtquant.terminal import Terminal


class ReferenceCalls:
    """Mixed into `datacenter.IPythonApiClient`; `terminal` is what a test scripts."""

    terminal: Terminal

    def get_stock_list_in_sector(self, sector: str, timetag_ms: int) -> list[str]:
        """Return the members of a sector; an unknown one is empty, no error."""
        self.terminal.calls.append(("get_stock_list_in_sector", (sector, timetag_ms)))
        return list(self.terminal.sectors.get(sector, ()))

    def get_sector_list(self) -> list[str]:
        """Return the names of the sectors."""
        return list(self.terminal.sectors)
