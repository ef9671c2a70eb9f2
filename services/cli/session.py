"""What one invocation of the command line works with: the language, the home folder, the link to the services."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from services.cli.bilingual import language
from services.cli.home import Home, home_of
from services.cli.texts import say

if TYPE_CHECKING:
    from common.messages.outputs import Message
    from services.cli.accept.place import Place
    from services.cli.accept.port import Vendor
    from services.cli.accept.run import Clock
    from services.cli.doctor.registry import Facts
    from services.cli.link import Answer, Link


def _examine(session: "Session") -> "Facts":
    from services.cli.doctor.gather import gather
    from services.cli.waiting import WaitClock

    return gather(session, WaitClock().now_ns(), live=True)


def _meet(place: "Place", now_ns: Callable[[], int]) -> "Vendor":
    from services.cli.adapters.xt import XtVendor

    return XtVendor(place, now_ns)


def _clock() -> "Clock":
    from services.cli.waiting import WaitClock

    return WaitClock()


def _connect(home: Home) -> "Link":
    from services.cli.client import BusLink

    return BusLink(home)


def _is_up(home: Home) -> bool:
    from services.cli.supervisor import Supervisor

    return Supervisor(home).processes() is not None


@dataclass
class Session:
    """Passed to every command as the context's object; tests put a fake link in it."""

    lang: str
    home: Home
    environ: Mapping[str, str] = field(default_factory=dict)
    connect: "Callable[[Home], Link]" = _connect
    is_up: Callable[[Home], bool] = _is_up
    """Whether a system runs that can be asked."""
    examine: "Callable[[Session], Facts]" = _examine
    """Gathers what the start-up checklist of a live account looks at."""
    meet: "Callable[[Place, Callable[[], int]], Vendor]" = _meet
    """Makes the client of `accept live`: of its place and a clock."""
    clock: "Callable[[], Clock]" = _clock
    locks: Path | None = None
    """Where the locks of live accounts are, None = in this machine's place."""
    _link: "Link | None" = None

    @staticmethod
    def of_environment(environ: Mapping[str, str]) -> "Session":
        """Return the session of a real invocation."""
        return Session(language(environ), home_of(environ), environ)

    def say(self, key: str, /, **facts: object) -> str:
        """Return a text in the language of the session."""
        return say(self.lang, key, **facts)

    def tell(self, key: str, /, **facts: object) -> None:
        """Print a text."""
        click.echo(self.say(key, **facts))

    def warn(self, key: str, /, **facts: object) -> None:
        """Print a text to standard error."""
        click.echo(self.say(key, **facts), err=True)

    @property
    def link(self) -> "Link":
        """The link to the services, made when first needed."""
        if self._link is None:
            self._link = self.connect(self.home)
        return self._link

    def ask(self, peer: str, message: "Message", kind: "type[Answer]", control: bool = False) -> "Answer":
        """Ask a service and return the answer of the kind expected."""
        from services.cli.link import expect

        return expect(self.link.ask(peer, message, control), kind, peer)

    def close(self) -> None:
        """Let go of what was opened."""
        if self._link is not None:
            self._link.close()
            self._link = None


pass_session = click.make_pass_decorator(Session)
