"""Are the ports of a run free? Asked before anything is started, so that a taken one is one line and not a crash loop."""

import socket

from common.bus.endpoints import HOST, LINKS, SERVICES, port
from services.cli.faults import BadInputError


def check_ports(base_port: int, config: str) -> None:
    """Refuse to start on ports that somebody else holds."""
    for service in SERVICES:
        for link in LINKS:
            number = port(base_port, service, link)
            if not is_free(number):
                raise BadInputError("bad.port", port=number, service=service, config=config)


def is_free(number: int) -> bool:
    """Tell whether a port can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As ZeroMQ does: a connection that lingers from before does not hold the port. On Windows that option would let
        # us bind beside whoever listens there; its own one does what is meant.
        probe.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR), 1)
        try:
            probe.bind((HOST, number))
        except OSError:
            return False
    return True
