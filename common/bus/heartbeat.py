"""Liveness of peers: a beat every 200 ms from each main loop, 3 s of silence means down."""

from collections.abc import Iterable

BEAT_NS = 200_000_000
DOWN_NS = 3_000_000_000


class Liveness:
    """Which peers are up, by the last beat heard from each."""

    def __init__(self, peers: Iterable[str], now_ns: int) -> None:
        self._heard = dict.fromkeys(peers, now_ns)
        self._mend_ns = now_ns + DOWN_NS
        self.up = dict.fromkeys(self._heard, False)

    def heard(self, peer: str, now_ns: int) -> bool:
        """Note a sign of life; True when the peer was down before."""
        if peer not in self._heard:
            return False
        self._heard[peer] = now_ns
        came, self.up[peer] = not self.up[peer], True
        return came

    def long_silent(self, now_ns: int) -> list[str]:
        """Return, every three seconds, the peers that are down: their links are to be made anew."""
        if now_ns < self._mend_ns:
            return []
        self._mend_ns = now_ns + DOWN_NS
        return [peer for peer, at in self._heard.items() if not self.up[peer] and now_ns - at >= DOWN_NS]

    def gone(self, now_ns: int) -> list[str]:
        """Return the peers that have just gone down."""
        gone = [peer for peer, at in self._heard.items() if self.up[peer] and now_ns - at > DOWN_NS]
        for peer in gone:
            self.up[peer] = False
        return gone
