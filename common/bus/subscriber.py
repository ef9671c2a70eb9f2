"""Hearing facts: damaged ones are counted and dropped, lost ones are counted by topic."""

from collections import Counter
from typing import NamedTuple

import zmq

from common.bus.sockets import Socket
from common.domain.errors import CodecError
from common.messages.codec import checksum, decode
from common.messages.control import Beat
from common.messages.header import Envelope
from common.messages.outputs import Message

READ_AT_ONCE_MAX = 200
"""Messages taken in one round, so that no link starves the others."""


class Heard(NamedTuple):
    """A message with its topic and envelope."""

    topic: str
    envelope: Envelope
    message: Message


class Subscriber:
    """A SUB socket that decodes what comes and knows what it missed."""

    def __init__(self, socket: Socket, publisher: str, *, plain: bool) -> None:
        self.socket = socket
        self.publisher = publisher
        self.counts: Counter[str] = Counter()
        """bad: refused; lost: numbers skipped; runs: publishers seen."""
        self._plain = plain
        self._frames = 4 if plain else 3
        self._seen: dict[tuple[str, str], int] = {}
        self._run = ""

    def read(self) -> list[Heard]:
        """Return what has arrived, a bounded number at once."""
        heard: list[Heard] = []
        for _ in range(READ_AT_ONCE_MAX):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            try:
                heard.append(self._take(frames))
            except Exception:  # whatever hostile bytes can make Python raise: counted, dropped, never fatal
                self.counts["bad"] += 1
        return heard

    def _take(self, frames: list[bytes]) -> Heard:
        if len(frames) != self._frames:
            raise CodecError(f"{len(frames)} frames instead of {self._frames}")
        topic, header, body = frames[0], frames[1], frames[2]
        if self._plain and checksum(topic, header, body) != frames[3]:
            raise CodecError("checksum differs")
        envelope, message = decode(header, body)
        name = topic.decode()
        # Numbers are remembered only now: a damaged message must not make its own repeat look old.
        self._count(envelope, name)
        if isinstance(message, Beat):
            self._compare(envelope, message)
        return Heard(name, envelope, message)

    def _count(self, envelope: Envelope, topic: str) -> None:
        if envelope.run_id != self._run:
            self._run = envelope.run_id
            self._seen = {}
            self.counts["runs"] += 1
        key = (envelope.run_id, topic)
        before = self._seen.get(key)
        if before is not None and envelope.seq > before + 1:
            self.counts["lost"] += envelope.seq - before - 1
        self._seen[key] = max(envelope.seq, before or 0)

    def _compare(self, envelope: Envelope, beat: Beat) -> None:
        """A loss at the end of a burst shows only in the next beat's numbers."""
        for topic, seq in beat.seqs.items():
            key = (envelope.run_id, topic)
            before = self._seen.get(key)
            if before is not None and seq > before:
                self.counts["lost"] += seq - before
                self._seen[key] = seq
