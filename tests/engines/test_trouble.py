"""A stream in trouble: buckets that are slow, hang or are gone, and a broker that is away."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.health import Health, Phase
from tests.engines.left import check_law
from tests.engines.live_stream import BEGIN_SECONDS, PARTITIONS, WINDOW_SECONDS, LiveStream
from tests.engines.steady import Steady
from tests.faults.fault_server import Answer, Behaviour, Rule, Slow
from transforms.circuit import PROBE_SECONDS

RATE: Final = 2000
QUIET_SECONDS: Final = 40
TROUBLE_SECONDS: Final = 60
DEADLINE_SECONDS: Final = 10
GROWTH_MIB: Final = 150
_DELIVER_SECONDS: Final = 240
_HEALED_SECONDS: Final = PROBE_SECONDS + 2 * WINDOW_SECONDS + 60


class Seen(NamedTuple):
    """A phase of a stream: how it fared, and when the healthy customer's objects came."""

    phase: Phase
    lags: list[float]


class Watch:
    """Looks at a stream phase by phase."""

    def __init__(self, stream: LiveStream, healthy: str) -> None:
        self._stream = stream
        self._healthy = healthy
        self._phases: dict[str, tuple[float, float, float]] = {}

    def let_pass(self, name: str, seconds: float) -> None:
        """Waits, and remembers when that was."""
        begun, now = time.monotonic(), time.time()
        time.sleep(seconds)
        self._phases[name] = begun, time.monotonic(), now

    def seen(self, health: Health) -> dict[str, Seen]:
        """What was seen in each phase."""
        lags = self._stream.lags(self._healthy)
        found = {}
        for name, (begun, ended, now) in self._phases.items():
            until = now + ended - begun
            mine = [lag for end, lag in lags.items() if now <= end < until]
            found[name] = Seen(health.between(begun, ended), mine)
        return found


@contextmanager
def running(
    server: S3Server, broker: KafkaBroker, folder: Path, topic: str
) -> Iterator[tuple[LiveStream, Steady]]:
    """A stream that has begun to deliver."""
    deadline = f"--put_deadline={DEADLINE_SECONDS}s"
    producer = broker.producer(enable_idempotence=True)
    with (
        LiveStream(server, broker, folder, topic, deadline) as stream,
        Steady(producer, stream.topic, PARTITIONS, RATE) as steady,
    ):
        stream.await_puts(f"{topic}-alpha", BEGIN_SECONDS)
        yield stream, steady


def newest(stream: LiveStream) -> int:
    """The last event that a manifest speaks of."""
    return max(stream.job.look().by_manifests()["web"], default=0)


def redriven(stream: LiveStream) -> None:
    """Puts again what is parked, and sees that nothing is any more."""
    done = stream.job.redrive()
    assert done.returncode == 0, done.stdout + done.stderr
    assert stream.job.look().parked == {}


def test_a_bucket_that_is_slow_and_then_hangs_costs_the_others_little_and_loses_nothing(
    s3_server: S3Server, broker: KafkaBroker, tmp_path: Path
) -> None:
    healthy, sick = "sick-alpha", "sick-beta"
    with running(s3_server, broker, tmp_path, "sick") as (stream, steady), Health(stream) as health:
        watch = Watch(stream, healthy)
        watch.let_pass("quiet", QUIET_SECONDS)
        stream.faults.script([Rule(Slow(0.6 * DEADLINE_SECONDS), bucket=sick)])
        watch.let_pass("slow", TROUBLE_SECONDS)
        stream.faults.script([Rule(Behaviour.HANG, bucket=sick)])
        watch.let_pass("hanging", TROUBLE_SECONDS)
        stream.faults.heal()
        stream.await_puts(sick, _HEALED_SECONDS)
        steady.stop()
        left = stream.await_all(steady, _DELIVER_SECONDS)
        seen = watch.seen(health)
        assert {bucket for bucket, _ in left.parked} == {sick}
        assert {transient for transient, _ in stream.reasons()} == {True}
        check_law(left, steady)
        redriven(stream)
        check_law(stream.job.look(), steady)
    quiet = seen["quiet"]
    for name in ("slow", "hanging"):
        phase, lags = seen[name]
        assert phase.worker_mib < quiet.phase.worker_mib + GROWTH_MIB, seen
        assert phase.jvm_mib < quiet.phase.jvm_mib + GROWTH_MIB, seen
        assert phase.checkpoints >= 1, seen
        assert phase.longest_gap < TROUBLE_SECONDS, seen
        assert len(lags) >= TROUBLE_SECONDS // WINDOW_SECONDS - 1, seen
        # A put that waits for its deadline holds up a checkpoint, and with it what waits for that.
        assert median(lags) < median(quiet.lags) + 2 * DEADLINE_SECONDS, seen
        assert max(lags) < max(quiet.lags) + 4 * DEADLINE_SECONDS, seen


def test_a_broker_that_is_away_and_then_all_of_s3_lose_nothing_and_double_nothing(
    s3_server: S3Server, another_broker: KafkaBroker, tmp_path: Path
) -> None:
    with running(s3_server, another_broker, tmp_path, "away") as (stream, steady):
        another_broker.kill()
        time.sleep(20)
        another_broker.start()
        produced = steady.produced
        stream.wait(lambda: newest(stream) > produced, _DELIVER_SECONDS, "what came afterwards")

        # Half of all are refused, and the other half find nobody.
        stream.faults.script(
            [Rule(Answer.SERVICE_UNAVAILABLE, rate=0.5), Rule(Behaviour.RESET_BEFORE)]
        )
        time.sleep(TROUBLE_SECONDS)
        stream.faults.heal()
        parked = {bucket for bucket, _ in stream.job.look().parked}
        assert parked == {"away-alpha", "away-beta"}
        for bucket in parked:
            stream.await_puts(bucket, _HEALED_SECONDS)
        steady.stop()
        left = stream.await_all(steady, _DELIVER_SECONDS)
        assert {transient for transient, _ in stream.reasons()} == {True}
        check_law(left, steady)
        redriven(stream)
        check_law(stream.job.look(), steady)
