"""What is measured, in which order, and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from load.open_loop import Sample, drive, percentile
from load.processor_time import clock, spent

WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Somewhere to send requests. `services` does the work; `processes` are watched with it.

    `processes` maps names to pids; `services` are those of them that the requests run through.
    """

    name: str
    host: str
    port: int
    requests: Sequence[bytes]
    processes: Mapping[str, int]
    services: Sequence[str]


@dataclass(slots=True)
class Cell:
    """All rounds of one target at one rate. CPU is in seconds, by the name of the process."""

    target: Target
    rate: float
    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    def add(self, sample: Sample, cpu: Mapping[str, float]) -> None:
        """Counts one more round in."""
        self.latencies += sample.latencies
        self.errors += sample.errors
        self.seconds += sample.seconds
        for name, seconds in cpu.items():
            self.cpu[name] = self.cpu.get(name, 0.0) + seconds

    @property
    def answered(self) -> int:
        """Requests answered with 200."""
        return len(self.latencies)

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds

    def cpu_ms(self, *names: str) -> float:
        """CPU milliseconds a request of the processes so named."""
        return 1000 * sum(self.cpu.get(name, 0.0) for name in names) / max(1, self.answered)

    def service_ms(self) -> float:
        """CPU milliseconds a request of all services on its way."""
        return self.cpu_ms(*self.target.services)

    def latency_ms(self, share: float) -> float:
        """A percentile of the latency in milliseconds; NaN when nothing was answered."""
        return 1000 * percentile(self.latencies, share) if self.latencies else float("nan")


async def warm_up(targets: Sequence[Target], rate: float) -> None:
    """A short round each that does not count: connections are opened, caches filled."""
    for target in targets:
        await drive(target.host, target.port, target.requests, rate, WARM_UP_SECONDS)


async def measure(
    targets: Sequence[Target], rates: Sequence[float], seconds: float, rounds: int
) -> list[Cell]:
    """Drives every target at every rate, `rounds` times, taking turns.

    Interleaved, so that what else the machine does falls on all of them; the order turns round
    with every round, so that none always follows the same other.
    """
    cells = {(target.name, rate): Cell(target, rate) for rate in rates for target in targets}
    for rate, target in _turns(targets, rates, rounds):
        before = clock(target.processes)
        sample = await drive(target.host, target.port, target.requests, rate, seconds)
        cells[target.name, rate].add(sample, spent(before, clock(target.processes)))
    return list(cells.values())


def _turns(
    targets: Sequence[Target], rates: Sequence[float], rounds: int
) -> Iterator[tuple[float, Target]]:
    for number in range(rounds):
        order = targets if number % 2 == 0 else targets[::-1]
        for rate in rates:
            for target in order:
                yield rate, target
