"""Reading supervisord.conf: the shipped one, what it may hold, what is refused and how."""

import shlex
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from deploy.windows.runner.conf import Conf, ConfError, LogFile, expand, parse_environment, parse_size, read_conf
from tests.conftest import CHECKOUT

WINDOWS = {
    "PANKOU_PYTHON": r"C:\Program Files\盘口\.venv\Scripts\python.exe",
    "PANKOU_RUN": r"D:\我的 交易\runs\1",
    "PANKOU_CONFIG": r"D:\我的 交易\runs\1\config.toml",
    "PANKOU_WORKERS": "2",
}
SHIPPED = (CHECKOUT / "supervisord.conf").read_text(encoding="utf-8")


def read(text: str) -> Conf:
    return read_conf(text, {"HOME": "/h"}, "/conf")


def test_the_shipped_file_keeps_spaces_backslashes_and_chinese_paths_whole() -> None:
    conf = read_conf(SHIPPED, WINDOWS, "C:\\pankou")
    none = read_conf(SHIPPED, {**WINDOWS, "PANKOU_WORKERS": "0"}, "C:\\pankou")
    assert len(none.programs) == len(conf.programs) - 2
    names = [program.name for program in conf.programs]
    assert {"market_data", "screener", "signal_engine", "risk_manager", "order_gateway", "watchdog"} <= set(names)
    assert {"backtest_queue", "backtest_worker_00", "backtest_worker_01"} <= set(names)
    for program in conf.programs:
        module = f"services.{program.group}"
        number = program.name.rpartition("_")[2].lstrip("0") or "0"
        more = ("--number", number) if program.group == "backtest_worker" else ()
        assert program.command == (WINDOWS["PANKOU_PYTHON"], "-m", module, "--config", WINDOWS["PANKOU_CONFIG"], *more)
        assert program.environment["TZ"] == "Asia/Shanghai"
        assert (program.autorestart, program.startsecs, program.startretries) == ("true", 5, 20)
        assert program.stopwaitsecs == 10
    gateway = next(program for program in conf.programs if program.name == "order_gateway")
    # A pure path of Windows is one name to Linux: what is written is what counts here.
    assert gateway.stdout == LogFile(Path(WINDOWS["PANKOU_RUN"] + "/logs/order_gateway.log"), 10 * 1024**2, 3)
    assert gateway.redirect_stderr
    watchdog = next(program for program in conf.programs if program.name == "watchdog")
    assert (watchdog.events, watchdog.buffer_size, watchdog.stdout.path) == (("PROCESS_STATE",), 100, None)
    assert conf.log.bytes_max == 5 * 1024**2


def test_supervisord_reads_the_same_of_the_shipped_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the checkout and the home have spaces and Chinese characters in their paths."""
    run = tmp_path / "盘口 行情" / "runs" / "1"
    (run / "logs").mkdir(parents=True)
    environ = {
        "PANKOU_PYTHON": str(tmp_path / "a b" / "python"), "PANKOU_RUN": str(run),
        "PANKOU_CONFIG": str(run / "config.toml"), "PANKOU_SOCKET": str(tmp_path / "s.sock"), "PANKOU_WORKERS": "3",
    }  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    options = ServerOptions()
    options.realize(["-c", str(CHECKOUT / "supervisord.conf")])
    theirs = {each.name: each for group in options.process_group_configs for each in group.process_configs}
    ours = {program.name: program for program in read_conf(SHIPPED, environ, str(CHECKOUT)).programs}
    assert set(ours) == set(theirs)
    for name, their in theirs.items():
        our = ours[name]
        assert list(our.command) == shlex.split(their.command)
        assert (our.autostart, our.startsecs, our.startretries) == (
            their.autostart,
            their.startsecs,
            their.startretries,
        )
        assert our.stopwaitsecs == their.stopwaitsecs
        assert our.redirect_stderr == their.redirect_stderr
        assert str(our.stdout.path) == str(their.stdout_logfile)
        assert our.stdout.backups == their.stdout_logfile_backups
        assert our.stdout.path is None or our.stdout.bytes_max == their.stdout_logfile_maxbytes


def test_numprocs_makes_one_program_a_number() -> None:
    conf = read(
        "[program:worker]\nnumprocs=3\nnumprocs_start=1\nprocess_name=%(program_name)s_%(process_num)02d\n"
        'command=run --number %(process_num)d "%(ENV_HOME)s/a b"\npriority=5\n'
        "[program:first]\ncommand=go ; a remark\npriority=1\n"
    )
    assert [program.name for program in conf.programs] == ["first", "worker_01", "worker_02", "worker_03"]
    assert conf.programs[0].command == ("go",)
    assert conf.programs[2].command == ("run", "--number", "2", "/h/a b")
    assert {program.group for program in conf.programs[1:]} == {"worker"}


def test_defaults_are_supervisords() -> None:
    (program,) = read("[supervisord]\nchildlogdir=/logs\n[program:a]\ncommand=go\n").programs
    assert (program.autostart, program.autorestart, program.startsecs, program.startretries) == (
        True,
        "unexpected",
        1,
        3,
    )
    assert program.exitcodes == {0}
    assert program.stdout == LogFile(Path("/logs/a-stdout.log"), 50 * 1024**2, 10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no program"),
        ("no section", "no section headers"),
        ("[program:a]\n", r"\[program:a\] no command"),
        ("[program:a]\ncommand=go\nnice=5\n", r"\[program:a\] the runner does not know nice"),
        ("[group:a]\nprograms=b\n", r"\[group:a\] the runner knows only"),
        ("[include]\nfiles=x\n", r"\[include\] the runner knows only"),
        ("[program:a]\ncommand=%(ENV_NOBODY)s\n", "set NOBODY in the environment"),
        ("[program:a]\ncommand=%(what)s\n", "unknown variable"),
        ("[program:a]\ncommand=go\nautorestart=perhaps\n", "autorestart=perhaps"),
        ("[program:a]\ncommand=go\nautostart=perhaps\n", "autostart=perhaps"),
        ("[program:a]\ncommand=go\nstartsecs=-1\n", "startsecs=-1"),
        ("[program:a]\ncommand=go\nstdout_logfile_maxbytes=much\n", "maxbytes=much"),
        ("[program:a]\ncommand=go\nnumprocs=2\n", "process_num"),
        ("[program:a]\ncommand=go\nevents=TICK_5\n", "an eventlistener, and only that"),
        ("[eventlistener:a]\ncommand=go\n", "an eventlistener, and only that"),
        ("[program:a]\ncommand=go\nenvironment=TZ\n", "'TZ' is not KEY=value"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, words: str) -> None:
    with pytest.raises(ConfError, match=words):
        read(text)


def test_variables_sizes_and_environments() -> None:
    assert expand("%(a)s %%(a)s 5%% %(n)03d", {"a": "%(n)s", "n": "7"}) == "%(n)s %(a)s 5% 007"
    assert [parse_size(text) for text in ("0", "512", "2KB", "10mb", "1GB")] == [0, 512, 2048, 10 * 1024**2, 1024**3]
    found = parse_environment(r'A="x, y",B=%(ENV_P)s,C=D:\new', {"ENV_P": r"C:\a b"})
    assert found == {"A": "x, y", "B": r"C:\a b", "C": r"D:\new"}
