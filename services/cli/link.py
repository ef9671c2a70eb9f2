"""Questions to the services: what the commands need of a client, and the real one."""

from pathlib import Path
from typing import Protocol, TypeVar

from common.messages.control import Fault
from common.messages.outputs import Message
from services.cli.faults import CliError, SilentError
from services.cli.home import Home

ANSWER_TIMEOUT_S = 5.0
Answer = TypeVar("Answer", bound=Message)


class Link(Protocol):
    """Asks services of the running system."""

    def ask(self, peer: str, message: Message, control: bool = False, timeout_s: float = ANSWER_TIMEOUT_S) -> Message:
        """Ask one question on `ask` (or `control`) and return the answer; `SilentError` when none comes in time."""

    def close(self) -> None:
        """Let go of the sockets."""


def run_config(home: Home) -> Path:
    """Return the configuration of the newest run; `SilentError` when there is none."""
    folder = home.last_run()
    if folder is None:
        raise SilentError("err.no_run", home=str(home.root))
    return folder / "config.toml"


def expect(answer: Message, kind: type[Answer], peer: str) -> Answer:
    """Return the answer when it is of the kind asked for; a fault of the service becomes ours."""
    if isinstance(answer, kind):
        return answer
    if isinstance(answer, Fault):
        raise CliError("err.service_fault", peer=peer, text=answer.text, reason=answer.reason)
    raise CliError("err.odd_answer", peer=peer, kind=type(answer).__name__)
