"""Sockets with their limits set: one function a kind, so that no socket goes without them."""

import errno
from contextlib import suppress
from typing import Any, NamedTuple

import zmq

from common.bus.curve import KeyPair
from common.domain.errors import AddressInUseError

KIB, MIB = 1 << 10, 1 << 20
ORDER_BYTES_MAX = 64 * KIB
BATCH_BYTES_MAX = 1 * MIB
RESULT_BYTES_MAX = 16 * MIB
SUBSCRIPTION_BYTES_MAX = 1 * KIB
"""What a PUB socket takes in: subscriptions and the handshake. libzmq keeps every byte of a subscription in some fifty
bytes of memory, so that 40 MB of long topics would cost the publisher two gigabytes."""
HIGH_WATER = 500
SILENT_MS = 1500
"""How long a peer may leave sent bytes unacknowledged before the connection is given up and made anew."""
HANDSHAKE_MS = 2000
"""Who has not come through the handshake after so long is cut off: silent connections do not pile up."""
Socket = zmq.Socket[bytes]
Context = zmq.Context[Any]


class Curve(NamedTuple):
    """Keys of one end of a link: ours, and the server's when we are the client."""

    own: KeyPair
    server: bytes = b""
    domain: str = ""
    """ZAP domain of a server socket."""


def limit(socket: Socket, bytes_max: int, high_water: int) -> Socket:
    """Set what every socket has: limits, heartbeats, and how it comes back."""
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, bytes_max)
    socket.setsockopt(zmq.SNDHWM, high_water)
    socket.setsockopt(zmq.RCVHWM, high_water)
    # No HEARTBEAT_IVL: libzmq 4.3.5 aborts the process when a ping falls due on a connection whose peer went away while
    # its messages waited for us (docs/adr/0021). The kernel watches the connection instead.
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)
    socket.setsockopt(zmq.TCP_MAXRT, SILENT_MS)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.RECONNECT_IVL, 10)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    return socket


def secure(socket: Socket, curve: Curve | None) -> Socket:
    """Set the keys; a server admits nobody without its doorkeeper."""
    if curve is None:
        return socket
    socket.setsockopt(zmq.CURVE_PUBLICKEY, curve.own.public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, curve.own.secret)
    if curve.server:
        socket.setsockopt(zmq.CURVE_SERVERKEY, curve.server)
        return socket
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.ZAP_DOMAIN, curve.domain.encode())
    # Without enforcement a server with no running handler lets everyone in.
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    return socket


def bind(socket: Socket, address: str) -> Socket:
    """Bind, or say which address is taken and what to do."""
    try:
        socket.bind(address)
    except zmq.ZMQError as error:
        socket.close(0)
        if error.errno in (zmq.EADDRINUSE, errno.EACCES):
            raise AddressInUseError(
                f"{address} is taken by another program; stop it, or set another base_port in [system]"
            ) from error
        raise
    return socket


def reconnect(socket: Socket, address: str) -> None:
    """Drop the connection of a client socket, whatever state it is in, and make it anew."""
    with suppress(zmq.ZMQError):  # it may be gone already
        socket.disconnect(address)
    socket.connect(address)


def publisher(context: Context, address: str, curve: Curve | None, high_water: int = HIGH_WATER) -> Socket:
    """Return a bound PUB socket. Its message limit is for what comes in; what goes out is limited by its readers."""
    socket = secure(limit(context.socket(zmq.PUB), SUBSCRIPTION_BYTES_MAX, high_water), curve)
    # What comes in must never wait: a stranger's ping behind waiting subscriptions aborts libzmq (docs/adr/0021).
    socket.setsockopt(zmq.RCVHWM, 0)
    return bind(socket, address)


def subscriber(
    context: Context, address: str, topics: tuple[str, ...], curve: Curve | None, high_water: int = HIGH_WATER
) -> Socket:
    """Return a connected SUB socket."""
    socket = secure(limit(context.socket(zmq.SUB), BATCH_BYTES_MAX, high_water), curve)
    for topic in topics:
        socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
    socket.connect(address)
    return socket


def router(context: Context, address: str, curve: Curve | None, bytes_max: int = ORDER_BYTES_MAX) -> Socket:
    """Return a bound ROUTER socket; sending to somebody who is gone fails at once."""
    socket = secure(limit(context.socket(zmq.ROUTER), bytes_max, HIGH_WATER), curve)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    return bind(socket, address)


def dealer(context: Context, address: str, curve: Curve | None, bytes_max: int = RESULT_BYTES_MAX) -> Socket:
    """Return a connected DEALER socket; nothing is queued for a peer that is not there."""
    socket = secure(limit(context.socket(zmq.DEALER), bytes_max, HIGH_WATER), curve)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.connect(address)
    return socket
