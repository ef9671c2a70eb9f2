"""A link without sockets: answers by (service, kind of question), and what was asked."""

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from common.messages.outputs import Message
from services.cli.app import cli
from services.cli.faults import SilentError
from services.cli.home import Home
from services.cli.session import Session

Answer = Message | Callable[[Message], Message] | None


class FakeLink:
    """Answers from a table; a service without an entry is silent."""

    def __init__(self, answers: dict[tuple[str, str], Answer]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Message, bool]] = []
        self.closed = False

    def ask(self, peer: str, message: Message, control: bool = False, timeout_s: float = 5.0) -> Message:
        self.asked.append((peer, message, control))
        answer = self.answers.get((peer, type(message).__name__))
        if answer is None:
            raise SilentError("err.silent", peer=peer, seconds=timeout_s)
        return answer if not callable(answer) else answer(message)

    def close(self) -> None:
        self.closed = True


def run(
    home: Path, args: str | list[str], answers: dict[tuple[str, str], Answer] | None = None, lang: str = "en"
) -> tuple[Result, FakeLink]:
    """Invoke `pankou` against a fake system; without answers none is up."""
    link = FakeLink(answers or {})
    session = Session(lang, Home(home), {}, connect=lambda _home: link, is_up=lambda _home: bool(answers))
    words = args.split() if isinstance(args, str) else args
    return CliRunner().invoke(cli, words, obj=session), link


def made_run(home: Path, number: int = 1) -> Path:
    """Make a run folder as `pankou run` leaves it."""
    folder = home / "runs" / str(number)
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("", encoding="utf-8")
    return folder
