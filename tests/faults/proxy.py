"""A wire between the sockets of real processes that damages, delays and cuts what runs over it, or goes dead.

Every port of a run has a listener SHIFT above it; clients are sent there (`frames.FaultySocket.connect`). What passes
are the bytes of ZeroMQ, encrypted by CURVE or not: a flipped bit has to be noticed by whoever reads it.
"""

import asyncio
import contextlib
import random
import threading

from common.bus.endpoints import HOST, LINKS, SERVICES, port

SHIFT = 5
"""Services take the first three of every ten ports."""


class Proxy:
    """All wires of one run, in a thread of their own. Odds are in chunks of 10,000 that pass."""

    def __init__(self, base_port: int, seed: int, *, flip: int = 0, cut: int = 0, delay: int = 0) -> None:
        self.chance = random.Random(seed)
        self.flip, self.cut, self.delay = flip, cut, delay
        self.dead: set[str] = set()
        """Services whose cable is pulled: connections stay, nothing passes in either direction."""
        self.hurt = 0
        self._ports = {port(base_port, service, link): service for service in SERVICES for link in LINKS}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def close(self) -> None:
        """Pull everything."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        servers = []
        for number, service in self._ports.items():

            async def connected(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int = number, name: str = service
            ) -> None:
                # asyncio of 3.11 asks a connection's task for its exception even where it was cancelled, and prints that.
                with contextlib.suppress(asyncio.CancelledError):
                    await self._wire(reader, writer, to, name)

            servers.append(await asyncio.start_server(connected, HOST, number + SHIFT))
        self._ready.set()
        await self._stop.wait()
        for server in servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wire(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int, name: str) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(HOST, to)
        except OSError:
            writer.close()
            return
        pumps = [
            asyncio.create_task(self._pump(reader, up_writer, name)),
            asyncio.create_task(self._pump(up_reader, writer, name)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            writer.close()
            up_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65_536):
                while name in self.dead:
                    await asyncio.sleep(0.02)
                if self._hits(self.cut):
                    writer.write(chunk[: len(chunk) // 2])
                    return
                if self._hits(self.delay):
                    await asyncio.sleep(self.chance.random() * 0.1)
                if self._hits(self.flip):
                    damaged = bytearray(chunk)
                    bit = self.chance.randrange(8 * len(chunk))
                    damaged[bit // 8] ^= 1 << bit % 8
                    chunk = bytes(damaged)
                writer.write(chunk)
                await writer.drain()

    def _hits(self, odds: int) -> bool:
        hit = odds > 0 and self.chance.random() * 10_000 < odds
        self.hurt += hit
        return hit
