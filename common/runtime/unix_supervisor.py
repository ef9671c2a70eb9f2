"""supervisord as its XML-RPC answers over its unix socket: the table of processes, and its end."""

import http.client
import socket
import xmlrpc.client
from typing import Any

from common.runtime.runner_control import ProcessRow


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.close()
            raise


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__()
        self._path, self._timeout_s = path, timeout_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path, self._timeout_s)


class UnixSupervisor:
    """The supervisord behind one socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        self._rpc = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(path, timeout_s))

    def _call(self, method: str) -> Any:
        """Call supervisord; None when it is not there."""
        try:
            return getattr(self._rpc.supervisor, method)()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None

    def table(self) -> list[ProcessRow] | None:
        """Return the supervised processes, None when no supervisor answers."""
        found = self._call("getAllProcessInfo")
        if not isinstance(found, list):
            return None
        return [
            ProcessRow(row["name"], row["statename"], row["pid"], row["start"], row["now"], row["spawnerr"])
            for row in found
        ]

    def shutdown(self) -> None:
        """Ask it to end all it keeps up, and itself."""
        self._call("shutdown")
