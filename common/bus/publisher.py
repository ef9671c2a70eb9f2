"""Saying facts: envelope, number within the topic, checksum on plain links."""

from collections.abc import Callable

from common.bus.sockets import Socket
from common.messages.codec import checksum, encode_body, encode_envelope, kind_of
from common.messages.header import ENVELOPE_VERSION, Envelope, Trace
from common.messages.outputs import Message


class Publisher:
    """A PUB socket with a number for every topic."""

    def __init__(self, socket: Socket, sender: str, run_id: str, now_ns: Callable[[], int], *, plain: bool) -> None:
        self.socket = socket
        self.seqs: dict[str, int] = {}
        """Last number said on each topic."""
        self._sender, self._run_id, self._now_ns, self._plain = sender, run_id, now_ns, plain

    def send(self, topic: str, message: Message, cause_id: str = "", trace: Trace = Trace()) -> None:  # noqa: B008 - immutable
        """Say a message on a topic; readers that are not there miss it."""
        seq = self.seqs.get(topic, 0) + 1
        self.seqs[topic] = seq
        header = encode_envelope(
            Envelope(
                ENVELOPE_VERSION, kind_of(message), self._sender, self._run_id, seq, self._now_ns(), "", cause_id, trace
            )
        )
        body = encode_body(message)
        frames = [topic.encode(), header, body]
        if self._plain:
            frames.append(checksum(*frames))
        self.socket.send_multipart(frames, copy=True)
