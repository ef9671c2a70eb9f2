"""Rounds in which real processes stand still, spin, are cut off, or are started twice, while a run is played.

python -m tests.faults.pauses [--rounds 20] [--seed 1]
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from tests.faults.frames import Faults
from tests.faults.kills import PUSHES_A_DAY, played
from tests.faults.proxy import SHIFT, Proxy
from tests.faults.rig import SERVICES, Zygote
from tests.faults.rounds import Round, play_all
from tests.simulation.mini_market import DAYS


class StopRound(Round):
    """SIGSTOP of every service once, for some seconds each, some at the same time."""

    def __init__(self, folder: Path, zygote: Zygote, seed: int, seconds: float = 1.0) -> None:
        super().__init__(folder, zygote, seed, limit_s=60 + 10 * seconds)
        # Not on the last day: a run that is over before we look again has not been stopped.
        last = PUSHES_A_DAY * (len(DAYS) - 1)
        self._seconds = seconds
        self._plan = sorted((self.rig.random.randrange(last), name) for name in SERVICES)
        self._frozen: dict[str, float] = {}
        self.stopped = 0

    def disturb(self) -> None:
        """Stop who is due, let go who has stood long enough."""
        now, at = time.monotonic(), played(self.rig.position())
        for name in [name for name, end in self._frozen.items() if end <= now]:
            del self._frozen[name]
            self.rig.signal(name, signal.SIGCONT)
        while self._plan and at >= self._plan[0][0]:
            name = self._plan[0][1]
            if not self.rig.signal(name, signal.SIGSTOP):
                break  # not born yet
            self._plan.pop(0)
            self._frozen[name] = now + self._seconds
            self.stopped += 1

    def check(self) -> str:
        """Everybody has to have stood still."""
        return super().check() or ("" if self.stopped == len(SERVICES) else f"only {self.stopped} stood still")


class SpinRound(Round):
    """Every service's loop spins for some time without coming round (seeded in the process itself)."""

    def __init__(self, folder: Path, zygote: Zygote, seed: int) -> None:
        super().__init__(folder, zygote, seed, bugs=dict.fromkeys(SERVICES, "spins"))


class CableRound(Round):
    """The cable of a service is pulled in the middle of a day and put back: connections look alive, nothing passes."""

    def __init__(
        self, folder: Path, zygote: Zygote, seed: int, victim: str = "order_gateway", seconds: float = 2.5
    ) -> None:
        self.proxy: Proxy | None = None
        self._victim, self._seconds, self._end_s = victim, seconds, 0.0
        super().__init__(folder, zygote, seed, faults=Faults(proxy_shift=SHIFT))

    def begin(self) -> None:
        """Lay the wires first."""
        self.proxy = Proxy(self.rig.base_port, self.seed)
        super().begin()

    def disturb(self) -> None:
        """Pull and put back."""
        assert self.proxy is not None
        if not self._end_s and played(self.rig.position()) >= PUSHES_A_DAY + 20:
            self.proxy.dead.add(self._victim)
            self._end_s = time.monotonic() + self._seconds
        elif self._end_s and time.monotonic() >= self._end_s:
            self.proxy.dead.discard(self._victim)

    def check(self) -> str:
        """The cable has to have been pulled."""
        return super().check() or ("" if self._end_s else "the cable was never pulled")

    def close(self, wrong: str) -> None:
        """End it, wires and all."""
        super().close(wrong)
        if self.proxy:
            self.proxy.close()


class TwoGateways(Round):
    """Two gateways are started at once; the one that acts is killed twice, the other one takes over."""

    def begin(self) -> None:
        """Start everybody, and the gateway twice."""
        self.rig.start()
        self.rig.start("order_gateway")
        self.acted: list[int] = []

    def disturb(self) -> None:
        """Kill who holds the lock, at two pushes."""
        at = played(self.rig.position())
        if at < (60, 200, 10_000)[len(self.acted)]:
            return
        holder = self.rig.holder("order_gateway")
        if holder and holder not in self.acted and self.rig.kill_pid(holder):
            self.acted.append(holder)

    def check(self) -> str:
        """Two different processes have to have acted, and the second copy has to have said that it waits."""
        told = (self.folder / "order_gateway.log").read_text(encoding="utf-8")
        waits = "order_gateway runs already" in told
        return super().check() or (
            "" if waits and len(self.acted) == 2 else f"acted {self.acted}, waiting told: {waits}"
        )


KINDS = {
    "stop 1 s": lambda folder, zygote, seed: StopRound(folder, zygote, seed, 1.0),
    "stop 5 s": lambda folder, zygote, seed: StopRound(folder, zygote, seed, 5.0),
    "spin": SpinRound,
    "cable": lambda folder, zygote, seed: CableRound(folder, zygote, seed, SERVICES[seed % len(SERVICES)]),
    "two gateways": TwoGateways,
}


def main() -> int:
    """Play rounds and print one closing line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chosen = [kind for _ in range(asked.rounds) for kind in KINDS]

    def make(folder: Path, zygote: Zygote, number: int) -> Round:
        return KINDS[chosen[number]](folder, zygote, asked.seed * 1_000_003 + number)

    began = time.monotonic()
    bad = sum(bool(done.wrong) for done in play_all(len(chosen), asked.at_once, make, "pauses"))
    kinds = ", ".join(KINDS)
    print(
        f"pauses: {len(chosen)} rounds ({asked.rounds} each of: {kinds}), {bad} bad, {time.monotonic() - began:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
