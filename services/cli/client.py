"""The real link: one client of the running system, its ports and keys read from the newest run."""

from common.bus.client import Client
from common.domain.errors import PeerSilentError
from common.messages.outputs import Message
from services.cli.faults import SilentError
from services.cli.home import Home
from services.cli.link import ANSWER_TIMEOUT_S
from services.cli.settings import keys_dir, load_run

IDENTITY = "cli"


class BusLink:
    """Asks over ZeroMQ with the operator's key."""

    def __init__(self, home: Home) -> None:
        config = load_run(home)
        self._client = Client(config.system.base_port, keys_dir(config, home), IDENTITY)

    def ask(self, peer: str, message: Message, control: bool = False, timeout_s: float = ANSWER_TIMEOUT_S) -> Message:
        """Ask one question and return the answer; `SilentError` when none comes in time."""
        key = getattr(message, "key", "")
        try:
            return self._client.ask(
                peer,
                message,
                link="control" if control else "ask",
                timeout_s=timeout_s,
                key=key if isinstance(key, str) else "",
            )
        except PeerSilentError as error:
            raise SilentError("err.silent", peer=peer, seconds=timeout_s) from error

    def close(self) -> None:
        """Let go of the sockets."""
        self._client.close()
