"""Who listens where: our ports on loopback only, the client's quote port not open to the network."""

import contextlib
import socket

from common.bus.endpoints import HOST, LINKS, SERVICES, port
from services.cli.ports import is_free

VENDOR_PORT = 58_610
"""The client's quote service (notes §2.1); it binds to every address of the machine."""
TRY_S = 0.2


def ports_of(base_port: int) -> list[int]:
    """Return every port of a system."""
    return [port(base_port, service, link) for service in SERVICES for link in LINKS]


def taken(ports: list[int]) -> list[int]:
    """Return the ports that somebody holds."""
    return [number for number in ports if not is_free(number)]


def answers(address: str, number: int) -> bool:
    """Tell whether somebody listens there."""
    try:
        with socket.create_connection((address, number), TRY_S):
            return True
    except OSError:
        return False


def own_addresses() -> list[str]:
    """Return this machine's addresses that others can reach; empty where there is no network."""
    found = set()
    with contextlib.suppress(OSError):
        found |= {str(row[4][0]) for row in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(
                ("192.0.2.1", 9)
            )  # of the range for documents: nothing is sent, the system only picks a way out
            found.add(str(probe.getsockname()[0]))
        except OSError:
            pass
    return sorted(address for address in found if not address.startswith(("127.", "0.")))


def exposed(ports: list[int], addresses: list[str]) -> tuple[int, ...] | None:
    """Return the ports that answer from outside; None where there is no outside to try from."""
    if not addresses:
        return None
    return tuple(number for number in ports if any(answers(address, number) for address in addresses))


def vendor_exposed(addresses: list[str]) -> bool | None:
    """Tell whether the client's quote port answers from outside; None = it does not listen, or there is no outside."""
    if not addresses or not answers(HOST, VENDOR_PORT):
        return None
    return any(answers(address, VENDOR_PORT) for address in addresses)
