"""`redrive` that is killed or interrupted, or goes on beside the job until it is."""

import random
import signal
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.end_to_end.redrives import EVENTS, Redrives, urls, wait_until
from tests.end_to_end.runs import stored
from tests.faults.fault_server import Answer, Rule, Slow
from transforms.parked import parked_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_killed_again_and_again_nothing_is_lost_and_all_is_listed(
    redrives: Redrives, owner: "S3Client"
) -> None:
    parts = [redrives.part("acme", n % 8, pane=n // 8, key=f"logs/{n}") for n in range(64)]
    names = sorted(redrives.ops.park(part).name for part in parts)
    acme = redrives.buckets["acme"]
    redrives.faults.script([Rule(Slow(0.05))])
    chance = random.Random(11)
    for _ in range(5):
        begun = len(redrives.faults.requests) + chance.randrange(1, 30)
        process = redrives.begin_redrive()
        wait_until(lambda: len(redrives.faults.requests) >= begun or process.poll() is not None)  # noqa: B023 - called here
        process.kill()
        process.communicate()
        parked, redriven = redrives.ops.names("parked"), redrives.ops.names("redriven")
        assert sorted({*parked, *redriven}) == names
        found = stored(owner, acme)
        of_listed = {url.removeprefix(f"s3://{acme}/") for url in urls(found)}
        assert of_listed <= found.keys()
        kept = {parked_key(acme, None, key, "acme").rpartition("/")[2] for key in of_listed}
        assert set(redriven) <= kept
    redrives.faults.heal()
    done = redrives.redrive()
    assert done.returncode == 0, done.stdout + done.stderr
    found = stored(owner, acme)
    assert {key: found[key] for key in found if not key.endswith(".json")} == {
        part.key: part.body for part in parts
    }
    assert urls(found) == {f"s3://{acme}/{part.key}" for part in parts}
    assert redrives.ops.names("parked") == []
    assert redrives.ops.names("redriven") == names


def test_beside_the_job_it_goes_on_until_it_is_interrupted(
    redrives: Redrives, owner: "S3Client"
) -> None:
    redrives.write("events.ndjson", b"\n".join(EVENTS))
    acme = redrives.buckets["acme"]
    redrives.faults.script([Rule(Answer.ACCESS_DENIED, bucket=acme)])
    process = redrives.begin_redrive("--every=1s")
    job = redrives("--input=events.ndjson")
    assert job.returncode == 3, job.stderr
    assert len(redrives.ops.names("parked")) > 4
    redrives.faults.heal()
    wait_until(lambda: redrives.ops.names("parked") == [])
    redrives.faults.script([Rule(Answer.ACCESS_DENIED, bucket=acme)])
    late = redrives.ops.park(redrives.part("acme"))
    refused = len(redrives.faults.requests)
    wait_until(lambda: len(redrives.faults.requests) > refused + 1)
    (redrives.folder / "events.yaml").write_text("connections: []")
    redrives.faults.heal()
    time.sleep(2)
    assert late.exists()  # by a configuration that is broken nothing is put
    (redrives.folder / "events.yaml").write_text(yaml.safe_dump(redrives.configuration))
    wait_until(lambda: not late.exists())
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert err.splitlines()[-1].startswith("error: interrupted; ")
    assert "Traceback" not in err
    assert 2 <= len([line for line in out.splitlines() if "Z redriven " in line]) <= 8, out
    assert len(urls(stored(owner, acme))) == 4 + 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_redrive_ends_at_once_in_one_line(
    redrives: Redrives, number: signal.Signals
) -> None:
    redrives.ops.park(redrives.part("acme"))
    redrives.faults.script([Rule(Slow(30))])
    process = redrives.begin_redrive()
    wait_until(lambda: bool(redrives.faults.requests))
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    [said] = err.splitlines()
    assert said.startswith("error: interrupted; the same command again goes on")
    assert len(redrives.ops.names("parked")) == 1
