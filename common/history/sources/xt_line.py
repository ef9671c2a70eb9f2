"""A line to the QMT client through a process of its own, so that no question can hold us for ever.

A call into the vendor's package can block 150 s or without end and cannot be interrupted, so it runs in a child that is
killed when it is late. The child keeps exchange time whatever the machine's zone is (the package makes days with it),
keeps the package's prints off our standard output, and is the only place that imports it.
"""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, Protocol

import msgpack

from common.domain.errors import SourceBusyError, SourceError
from common.history.sources.xt_calls import Calls, Fault, load_xtdata, names_of

START_S = 60.0
READ_S = 60.0
"""Longest silence of a read from the client's files."""
DOWNLOAD_S = 180.0
"""Longest time without progress of a download; the package's own requests wait up to 150 s."""
ZONE = "CST-8"
"""Exchange time as every C library reads it; the one of Windows takes Asia/Shanghai for UTC."""
PROBE_S, PROBE_HOUR = 1_719_676_800, 0
"""2024-06-30 00:00 in Shanghai."""
TEXTS = {
    "no_package": "数据来源 xt 需要 xtquant（{text}）：pip install 'pankou[xt]' / "
    "source xt needs xtquant ({text}): pip install 'pankou[xt]'",
    "no_native": "xtquant 的原生部分无法载入（{text}）：它只有 64 位 Windows 版，请在装有 QMT 的机器上用 Python 3.11 运行 / "
    "the native half of xtquant cannot be loaded ({text}): it exists for 64-bit Windows only; run this on the QMT machine, "
    "with Python 3.11",
    "no_client": "连不上 QMT 客户端（{text}）：请启动 QMT 极简版或投研版并登录，再运行同一条命令 / "
    "no QMT client answers ({text}): start QMT (mini or research edition), log in, and run the same command again",
    "zone": "时区不是 UTC+8（{text}），日期会错一天：请在系统里设为北京时间；环境变量 TZ 在 Windows "
    "上要写 CST-8 / the time zone is not UTC+8 ({text}), days would be off by one: set the machine to Beijing time; the "
    "variable TZ must be CST-8 on Windows",
    "dropped": "与 QMT 客户端的连接断了（{text}）/ the line to the QMT client broke ({text})",
    "refused": "QMT 客户端没有给出 {text} / the QMT client refused: {text}",
    "late": "QMT 客户端 {seconds:.0f} 秒没有动静（{text}），已放弃。此前的都已保存：请重启客户端，再运行同一条命令 / "
    "the QMT client was silent for {seconds:.0f} s ({text}) and was given up. What came before is kept: restart the client "
    "and run the same command again",
}
Told = Callable[[int, int], None]
Load = Callable[[], Any]


class Line(Protocol):
    """Where questions are asked."""

    def call(self, name: str, *args: object, told: Told | None = None, wait_s: float = READ_S) -> Any:
        """Ask a question of `Calls` by its name."""

    def close(self) -> None:
        """Hang up."""


def error_of(kind: str, text: str, seconds: float = 0) -> SourceError:
    """Return what a fault means; only a broken line is worth asking again at once."""
    said = TEXTS[kind].format(text=text[:300], seconds=seconds)
    return SourceBusyError(said) if kind == "dropped" else SourceError(said)


class ProcessLine:
    """Questions to a child; it is started when it is first needed and again after a fault."""

    def __init__(self, load: Load = load_xtdata, start_s: float = START_S) -> None:
        self._load, self._start_s = load, start_s
        self._pipe: Connection | None = None
        self._child: Any = None

    def call(self, name: str, *args: object, told: Told | None = None, wait_s: float = READ_S) -> Any:
        """Ask; raises `SourceError` in two languages, `SourceBusyError` where a repetition may help."""
        pipe = self._open()
        try:
            pipe.send_bytes(msgpack.packb([name, list(args)]))
            return self._answer(pipe, name, told, wait_s)
        except (OSError, EOFError) as error:
            self.close()
            raise error_of("dropped", f"{name}: {type(error).__name__}") from error

    def _open(self) -> Connection:
        if self._pipe is not None:
            return self._pipe
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        self._child = spawn.Process(target=serve, args=(theirs, self._load), name="pankou xt", daemon=True)
        with exchange_zone():
            self._child.start()
        theirs.close()
        self._pipe = ours
        try:
            self._answer(ours, "connect", None, self._start_s)
        except (OSError, EOFError) as error:
            self.close()
            raise error_of("dropped", f"connect: {type(error).__name__}") from error
        return ours

    def _answer(self, pipe: Connection, name: str, told: Told | None, wait_s: float) -> Any:
        while True:
            if not pipe.poll(wait_s):
                self.close()
                raise error_of("late", name, wait_s)
            kind, value = msgpack.unpackb(pipe.recv_bytes(), strict_map_key=False)
            if kind == "progress":
                if told is not None:
                    told(*value)
            elif kind == "answer":
                return value
            else:
                if kind != "refused":
                    self.close()
                raise error_of(kind, str(value))

    def close(self) -> None:
        """Hang up; a child that hangs in the vendor's code is killed."""
        child, pipe = self._child, self._pipe
        self._child = self._pipe = None
        if pipe is not None:
            pipe.close()
        if child is not None:
            child.kill()
            child.join()
            child.close()


@contextlib.contextmanager
def exchange_zone() -> Iterator[None]:
    """Let a child be born in exchange time: on Windows its C library reads the zone once, before any code of ours."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = ZONE
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before


# ---------------------------------------------------------------------- the child


def serve(pipe: Connection, load: Load) -> None:
    """Answer questions until the other side hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    os.environ["TZ"] = ZONE
    if hasattr(time, "tzset"):  # elsewhere the C library reads it by itself
        time.tzset()
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the package prints; standard output is ours

    def say(kind: str, value: object) -> None:
        pipe.send_bytes(msgpack.packb([kind, value]))

    with contextlib.suppress(EOFError, OSError):  # the other side is gone
        calls: Any = None
        try:
            check_zone()
            calls = Calls(load())
            say("answer", calls.connect())
        except Fault as fault:
            say(fault.kind, fault.text)
            return
        while True:
            name, args = msgpack.unpackb(pipe.recv_bytes())
            try:
                say("answer", answer(calls, name, args, lambda done, of: say("progress", [done, of])))
            except Fault as fault:
                say(fault.kind, fault.text)


def check_zone() -> None:
    """Refuse a process whose local time is not exchange time."""
    local = time.localtime(PROBE_S)
    if (local.tm_mday, local.tm_hour) != (30, PROBE_HOUR):
        raise Fault("zone", f"{time.tzname[0]}")


TOLD = frozenset({"download", "details", "capital", "dividends"})
"""Questions that tell how far they are."""


def answer(calls: Any, name: str, args: list[object], told: Told) -> Any:
    """Ask by name."""
    if name not in names_of(Calls):
        raise Fault("refused", f"no question {name}")
    more = (told,) if name in TOLD else ()
    return getattr(calls, name)(*args, *more)
