"""Supervisor listens on a unix socket in a private folder and nowhere else; services bind to loopback."""

import ast
import configparser
import os
import re
from pathlib import Path

import pytest

from common.bus.endpoints import LINKS, SERVICES, address
from common.domain.errors import ConfigError
from services.cli.home import Home
from services.cli.supervisor import Supervisor, socket_path
from tests.conftest import CHECKOUT
from tests.tidy.tree import CODE, TEXT, name, text, tree

INET = re.compile("inet" + "_http" + "_server")


def test_no_inet_server_anywhere() -> None:
    assert [name(path) for path in TEXT if path.suffix != ".md" and INET.search(text(path))] == []
    conf = configparser.RawConfigParser()
    conf.read(CHECKOUT / "supervisord.conf", encoding="utf-8")
    assert conf["unix_http_server"]["chmod"] == "0700"
    assert conf["unix_http_server"]["file"] == "%(ENV_PANKOU_SOCKET)s"
    assert conf["supervisorctl"]["serverurl"].startswith("unix://")
    assert conf["supervisord"]["umask"] == "077"
    # It runs before the first program: a second supervisor of the same run does not get so far.
    assert conf["rpcinterface:lock"]["supervisor.rpcinterface_factory"] == "common.runtime.supervised:take_lock"


def test_the_runner_opens_no_socket() -> None:
    """It is told by files (ADR 0036)."""
    ours = [path for path in CODE if name(path).startswith("deploy/windows/")]
    assert len(ours) >= 8
    imported = {
        alias
        for path in ours
        for node in ast.walk(tree(path))
        for alias in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported & {"socket", "socketserver", "http.server", "xmlrpc.server", "asyncio", "zmq"} == set()


def test_every_service_is_bound_to_loopback() -> None:
    assert {address(27100, service, link).split(":")[1] for service in SERVICES for link in LINKS} == {"//127.0.0.1"}


@pytest.mark.skipif(os.name != "posix", reason="supervisor does not run on Windows")
def test_the_sockets_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = socket_path(Home(tmp_path / "home")).parent
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)  # somebody else was there first and left it open
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(ConfigError, match="readable by others"):
        Supervisor(Home(tmp_path / "home")).start(run)
    assert list(folder.iterdir()) == []
