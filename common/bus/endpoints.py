"""Names to addresses: three sockets a service, on loopback."""

from common.domain.errors import UserError

HOST = "127.0.0.1"
EVERYWHERE = "0.0.0.0"
WATCHDOG = "watchdog"
QUEUE = "backtest_queue"
SERVICES = ("market_data", "screener", "signal_engine", "risk_manager", "order_gateway", WATCHDOG, QUEUE)
LINKS = ("pub", "ask", "control")
PORT_MAX = 32_767
"""Above it the kernel hands ports out to clients, so a fixed one may be taken."""
STRIDE = 10


def port(base_port: int, service: str, link: str) -> int:
    """Return the port of a service's socket."""
    return base_port + STRIDE * SERVICES.index(service) + LINKS.index(link)


def address(base_port: int, service: str, link: str, host: str = HOST) -> str:
    """Return the address of a service's socket."""
    return f"tcp://{host}:{port(base_port, service, link)}"


def check_base_port(base_port: int) -> None:
    """Raise UserError where the ports would not all lie between 1024 and 32767."""
    last = base_port + STRIDE * len(SERVICES)
    if not 1024 <= base_port <= last <= PORT_MAX:
        raise UserError(f"base_port {base_port}: the ports {base_port}..{last} must lie within 1024..{PORT_MAX}")
