import random
from collections.abc import Callable

import pytest
from hypothesis import find, given

from tests.faults.answers import Answer
from tests.faults.script import Behaviour, Fault, Rule, Script, scripts


def test_a_rule_skips_then_hits_its_times() -> None:
    script = Script([Rule(Answer.SLOW_DOWN, skip=2, times=3)])
    assert [script.fault("b", "k") for _ in range(7)] == [
        None,
        None,
        Answer.SLOW_DOWN,
        Answer.SLOW_DOWN,
        Answer.SLOW_DOWN,
        None,
        None,
    ]


def test_what_a_rule_lets_pass_or_is_used_up_for_goes_on_to_the_next() -> None:
    script = Script(
        [
            Rule(Answer.SLOW_DOWN, bucket="b", skip=1, times=1),
            Rule(Behaviour.HANG, key="k", times=2),
            Rule(Behaviour.CLOSE, bucket="c"),
        ]
    )
    faults = [script.fault(*place) for place in [("b", "k"), ("b", "k"), ("b", "k"), ("b", "k")]]
    assert faults == [Behaviour.HANG, Answer.SLOW_DOWN, Behaviour.HANG, None]
    assert script.fault("c", "k") is Behaviour.CLOSE


def test_a_rate_hits_its_share_and_the_same_seed_the_same_requests() -> None:
    def hits(seed: int) -> list[bool]:
        script = Script([Rule(Behaviour.CLOSE, rate=0.3, seed=seed)])
        return [script.fault("b", "k") is not None for _ in range(1000)]

    assert 250 < sum(hits(1)) < 350
    assert hits(1) == hits(1)
    assert hits(1) != hits(2)


@given(script=scripts(["one", "two"]))
def test_random_scripts_stay_small(script: list[Rule]) -> None:
    assert len(script) <= 4
    for rule in script:
        assert rule.bucket in ("one", "two", None)
        assert rule.times is None or 1 <= rule.times <= 6
        assert 0 <= rule.skip <= 3


@pytest.mark.parametrize(
    ("holds", "fault"),
    [
        (bool, Answer.INTERNAL_ERROR),
        (
            lambda rules: any(
                rule.fault in (Behaviour.HANG, Behaviour.LOST_THEN_HANG) for rule in rules
            ),
            Behaviour.HANG,
        ),
    ],
    ids=["any", "hangs"],
)
def test_random_scripts_shrink_to_one_mild_fault_at_once(
    holds: Callable[[list[Rule]], bool], fault: Fault
) -> None:
    (rule,) = find(scripts(["one", "two"]), holds, random=random.Random(0))
    assert (rule.fault, rule.bucket, rule.skip) == (fault, "one", 0)
