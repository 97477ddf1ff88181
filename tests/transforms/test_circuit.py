from transforms.circuit import (
    MOST_IN_FLIGHT,
    PROBE_PATIENCE_SECONDS,
    PROBE_SECONDS,
    Circuit,
    Verdict,
)
from transforms.store import Failure

REFUSED = Failure("AccessDenied (403): Access Denied", transient=False)
PASSING = Failure("SlowDown (503): slow down", transient=True)
HANGING = Failure("nothing within 30 s", transient=True, answered=False)


def test_until_something_got_through_one_put_at_a_time_is_under_way() -> None:
    circuit = Circuit()
    assert circuit.verdict(0, 0.0) is Verdict.GO
    assert circuit.verdict(1, 0.0) is Verdict.WAIT
    circuit.succeeded()
    assert circuit.verdict(MOST_IN_FLIGHT - 1, 0.0) is Verdict.GO
    assert circuit.verdict(MOST_IN_FLIGHT, 0.0) is Verdict.WAIT


def test_a_permanent_refusal_opens_it_until_a_probe_gets_through() -> None:
    circuit = Circuit()
    circuit.succeeded()
    circuit.failed(REFUSED, 100.0)
    assert circuit.failure == REFUSED
    assert circuit.verdict(0, 100.0 + PROBE_SECONDS - 0.1) is Verdict.PARK
    assert circuit.verdict(0, 100.0 + PROBE_SECONDS) is Verdict.GO
    assert circuit.verdict(1, 100.0 + PROBE_SECONDS) is Verdict.PARK
    circuit.failed(REFUSED, 161.0)
    assert circuit.verdict(0, 162.0) is Verdict.PARK
    assert circuit.verdict(0, 161.0 + PROBE_SECONDS) is Verdict.GO
    circuit.succeeded()
    assert circuit.verdict(1, 222.0) is Verdict.GO


def test_a_patient_one_waits_for_the_probe() -> None:
    circuit = Circuit(patient=True)
    circuit.failed(REFUSED, 0.0)
    assert circuit.verdict(0, 1.0) is Verdict.PARK
    assert circuit.verdict(1, PROBE_SECONDS) is Verdict.WAIT


def test_one_transient_failure_among_successes_does_not_open_it_but_two_in_a_row_do() -> None:
    circuit = Circuit()
    for _ in range(3):
        circuit.succeeded()
        circuit.failed(PASSING, 0.0)
        assert circuit.verdict(0, 0.0) is Verdict.GO
    circuit.failed(PASSING, 0.0)
    assert circuit.verdict(0, 0.0) is Verdict.PARK


def test_the_first_transient_failure_opens_it_where_nothing_ever_got_through() -> None:
    circuit = Circuit()
    circuit.failed(PASSING, 0.0)
    assert circuit.verdict(0, 0.0) is Verdict.PARK


def test_a_probe_is_not_waited_for_as_long_as_another_put() -> None:
    circuit = Circuit()
    assert circuit.patience(30.0) == 30.0
    circuit.failed(HANGING, 0.0)
    assert circuit.patience(30.0) == PROBE_PATIENCE_SECONDS
    assert circuit.patience(1.0) == 1.0
    circuit.succeeded()
    assert circuit.patience(30.0) == 30.0


def test_probes_that_hang_come_ever_more_seldom_until_one_gets_through() -> None:
    circuit, now, pauses = Circuit(), 0.0, []
    circuit.failed(HANGING, now)
    for _ in range(5):
        pause = next(p for p in range(10_000) if circuit.verdict(0, now + p) is Verdict.GO)
        pauses.append(pause)
        now += pause + PROBE_PATIENCE_SECONDS
        circuit.failed(HANGING, now)
    assert pauses == [60, 120, 240, 480, 480]
    circuit.succeeded()
    circuit.failed(REFUSED, now)
    assert circuit.verdict(0, now + PROBE_SECONDS) is Verdict.GO


def test_puts_that_were_under_way_when_it_opened_are_no_probes() -> None:
    circuit = Circuit()
    circuit.succeeded()
    for late in range(4):
        circuit.failed(HANGING, float(late))
    assert circuit.verdict(0, 3.0 + PROBE_SECONDS) is Verdict.GO


def test_a_bucket_that_refuses_is_probed_every_minute() -> None:
    circuit, now = Circuit(), 0.0
    for _ in range(5):
        circuit.failed(REFUSED, now)
        now += PROBE_SECONDS
        assert circuit.verdict(0, now) is Verdict.GO
