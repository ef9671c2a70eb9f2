"""Screens performed on the history folder; what it cannot serve comes back as a sentence, never as an exception."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from common.domain.errors import BadSymbolError, UserError
from common.history.pools import Pools
from common.messages.outputs import Message
from common.screens.screen import Screen
from services.screener.calls import DayScreened, ExplainStock, ScreenDay, ScreenFailed, StockExplained


class HistoryScreens:
    """Performs ScreenDay and ExplainStock."""

    def __init__(self, folder: Path, screens: Mapping[str, Screen]) -> None:
        self._pools = Pools(folder, screens)

    def perform(self, call: Message) -> Sequence[Message]:
        """Do one call."""
        return [self._guarded(call)] if isinstance(call, ScreenDay | ExplainStock) else []

    def _guarded(self, call: ScreenDay | ExplainStock) -> Message:
        try:
            return self._answer(call)
        except BadSymbolError as error:
            return ScreenFailed(call, str(error), unknown_symbol=True)
        except UserError as error:
            return ScreenFailed(call, str(error))

    def _answer(self, call: ScreenDay | ExplainStock) -> Message:
        if isinstance(call, ExplainStock):
            return StockExplained(call, self._pools.explain(call.symbol, call.day))
        if call.symbols:
            return DayScreened(call, self._pools.injected(call.rule, call.day, call.symbols))
        return DayScreened(call, self._pools.pool(call.rule, call.day))
