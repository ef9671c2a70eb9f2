"""The four calls with nothing but pyzmq and msgpack: python req_client.py [SYMBOL [KEY]]; the same KEY orders only once."""

import json
import os
import sys
from pathlib import Path

import msgpack
import zmq

home, port = os.environ.get("PANKOU_HOME", "var"), int(os.environ.get("PANKOU_PORT", "27100")) + 41
symbol, key = (*sys.argv[1:], *("000107.SZ", "example")[len(sys.argv) - 1 :])
own, allowed = (json.loads(Path(home, "keys", name).read_bytes()) for name in ("cli.key", "allowed.json"))
gateway = next(public for public, row in allowed.items() if row["identity"] == "order_gateway")
calls = [("OpenRequest", {"key": f"{key}-open", "symbol": symbol, "shares": 100})]
calls += [("CloseRequest", {"key": f"{key}-close", "symbol": symbol}), ("PositionsRequest", {}), ("AccountRequest", {})]
for kind, fields in calls:
    socket = zmq.Context.instance().socket(zmq.REQ)  # a fresh one each time: one that lost its reply is unusable
    socket.curve_publickey, socket.curve_secretkey = own["public"].encode(), own["secret"].encode()
    socket.curve_serverkey, socket.linger, socket.rcvtimeo = gateway.encode(), 0, 5000
    socket.connect(f"tcp://127.0.0.1:{port}")  # base_port + 41: the socket `ask` of order_gateway
    envelope = [1, kind, "req_client", "example", 1, 0, fields.get("key", kind)]
    socket.send_multipart([msgpack.packb(envelope), msgpack.packb({"type": kind, **fields})])
    print(msgpack.unpackb(socket.recv_multipart()[1]))
