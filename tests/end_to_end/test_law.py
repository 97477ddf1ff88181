"""Random faults between the job and a real S3 server, and the one law of delivery."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from examples.demo.s3_server import OWNER, WRITER, S3Server
from pipeline.__main__ import main
from tests.end_to_end import law
from tests.faults.fault_server import Answer, FaultServer, Rule, Slow, scripts
from transforms.s3_client import forget_clients

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCRIPTS = int(os.environ.get("LAW_SCRIPTS", "12"))
"""How many random scripts are tried; the same number tries the same ones."""

KILLS = int(os.environ.get("LAW_KILLS", "2"))
"""How many jobs are killed at a random moment of their puts."""


class Lab:
    """A server with faults before it, and the command, run in this process for speed."""

    def __init__(self, server: S3Server, faults: FaultServer, folder: Path) -> None:
        self.server = server
        self.faults = faults
        self.owner: S3Client = server.client(OWNER)
        self._folders = (folder / str(number) for number in itertools.count())

    def run(self, *command: str, folder: Path, identity: str = WRITER) -> int:
        """The exit code of a command that was given to the shell in this folder."""
        forget_clients()  # clients remember the identity that they were made with
        ours = self.server.environment(OWNER if identity == OWNER else WRITER)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for name, value in ours.items():
                patch.setenv(name, value)
            return main([*command, "--config=events.yaml"])

    def begin(self, folder: Path) -> "subprocess.Popen[bytes]":
        """The job in a process of its own."""
        ours = self.server.environment(WRITER)
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", "run", "--input=*.ndjson", "--config=events.yaml"],
            cwd=folder,
            env={**os.environ, **ours, "PYTHONPATH": str(Path.cwd()), "TMPDIR": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def job(self) -> tuple[Path, str]:
        """A folder with a job of its own, and the prefix of its keys."""
        folder = next(self._folders)
        folder.mkdir(parents=True)
        prefix = uuid.uuid4().hex[:8]
        law.write_job(folder, self.faults.endpoint_url, prefix)
        return folder, prefix


@pytest.fixture(scope="module")
def lab(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    for bucket in law.BUCKETS:
        s3_server.create_bucket(bucket)
    with FaultServer(s3_server.endpoint_url) as faults:
        yield Lab(s3_server, faults, tmp_path_factory.mktemp("law"))
    forget_clients()


@settings(
    max_examples=SCRIPTS,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=scripts(law.BUCKETS))
def test_whatever_fails_every_event_is_accounted_for_once_and_a_redrive_delivers_it(
    lab: Lab, script: list[Rule]
) -> None:
    folder, prefix = lab.job()
    before = len(lab.faults.requests)
    lab.faults.script(script)
    code = lab.run("run", "--input=*.ndjson", "--put_deadline=1s", folder=folder)
    lab.faults.heal()
    broken = law.look(lab.owner, folder, prefix)
    law.check(broken, folder)
    assert code == (3 if broken.parked else 0)
    assert {request.method for request in lab.faults.requests[before:]} == {"PUT"}

    assert lab.run("redrive", folder=folder) == 0
    healed = law.look(lab.owner, folder, prefix)
    law.check(healed, folder)
    assert not healed.parked
    kept = {**broken.parked, **broken.stored}
    assert kept.items() <= healed.stored.items(), "what was stored or parked was changed"
    assert lab.run("verify", folder=folder, identity=OWNER) == 0


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_job_that_is_killed_and_run_again_leaves_what_an_undisturbed_one_does(
    lab: Lab, kill: int
) -> None:
    rng = random.Random(kill)
    folder, prefix = lab.job()
    before = len(lab.faults.requests)
    refusing = [Rule(Answer.ACCESS_DENIED, law.BETA)] if kill % 2 else []
    lab.faults.script([*refusing, Rule(Slow(0.3))])
    process = lab.begin(folder)
    while len(lab.faults.requests) == before and process.poll() is None:
        time.sleep(0.01)  # until puts are under way
    time.sleep(rng.uniform(0, 1))
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it had ended before"
    killed = law.look(lab.owner, folder, prefix)

    lab.faults.script(refusing)
    code = lab.run("run", "--input=*.ndjson", folder=folder)
    done = law.look(lab.owner, folder, prefix)
    law.check(done, folder)
    assert code == (3 if refusing else 0)
    assert killed.stored.items() <= done.stored.items(), "something stored was changed"
    assert killed.parked.items() <= done.parked.items()

    lab.faults.heal()
    assert lab.run("redrive", folder=folder) == 0
    assert lab.run("verify", folder=folder, identity=OWNER) == 0
