"""What a Flink cluster is asked over its REST API."""

import http.client
import json
import time
from typing import Any, NamedTuple

Json = dict[str, Any]


class FlinkError(Exception):
    """The cluster answered with an error, or gave no answer in time."""


class Checkpoints(NamedTuple):
    """A job's checkpoints.

    Attributes:
        completed: How many were completed since the job was submitted.
        failed: How many were not.
        size_bytes: The state of the last one, of all operators; 0 before the first.
        path: Where it lies, for `--savepoint_path`.
        restored: Where the job was last restored from; `None` where it never was.
    """

    completed: int
    failed: int
    size_bytes: int
    path: str | None
    restored: str | None


class FlinkRest:
    """The REST API of a JobManager on this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    def jobs(self) -> list[Json]:
        """All jobs that the JobManager knows, each with `jid`, `name`, `state` and more."""
        found: list[Json] = self.get("/jobs/overview")["jobs"]
        return found

    def job(self, job: str) -> Json:
        """One job, with its vertices."""
        return self.get(f"/jobs/{job}")

    def checkpoints(self, job: str) -> Checkpoints:
        """A job's checkpoints."""
        found = self.get(f"/jobs/{job}/checkpoints")
        last = found["latest"]["completed"] or {}
        restored = found["latest"]["restored"] or {}
        return Checkpoints(
            found["counts"]["completed"],
            found["counts"]["failed"],
            last.get("state_size", 0),
            last.get("external_path"),
            restored.get("external_path"),
        )

    def savepoint(self, job: str, folder: str, seconds: float = 60) -> str:
        """Takes a savepoint below a folder, while the job runs on; returns its path.

        Raises:
            FlinkError: It failed, or took longer.
        """
        trigger = self._call("POST", f"/jobs/{job}/savepoints", {"target-directory": folder})
        return self._triggered(job, trigger, seconds)

    def stop_with_savepoint(
        self, job: str, folder: str, *, drain: bool = False, seconds: float = 60
    ) -> str:
        """Stops a job with a savepoint below a folder; returns its path.

        Args:
            job: Its id.
            folder: Where the savepoint goes.
            drain: Whether its input is taken as ended, so that all windows fire.
            seconds: How long it may take.

        Raises:
            FlinkError: It failed, or took longer.
        """
        asked = {"targetDirectory": folder, "drain": drain}
        trigger = self._call("POST", f"/jobs/{job}/stop", asked)
        path = self._triggered(job, trigger, seconds)
        self.await_state(job, "FINISHED", seconds)
        return path

    def cancel(self, job: str, seconds: float = 60) -> None:
        """Cancels a job, and waits until it is.

        Raises:
            FlinkError: It took longer.
        """
        self._call("PATCH", f"/jobs/{job}?mode=cancel")
        self.await_state(job, "CANCELED", seconds)

    def await_state(self, job: str, state: str, seconds: float = 60) -> None:
        """Waits until a job is in a state, such as RUNNING.

        Raises:
            FlinkError: It took longer.
        """
        deadline = time.monotonic() + seconds
        while (now := self.job(job)["state"]) != state:
            if time.monotonic() > deadline:
                raise FlinkError(f"job {job} is {now}, not {state}")
            time.sleep(0.2)

    def get(self, path: str) -> Json:
        """Any other question of the API.

        Raises:
            FlinkError: The answer is an error.
        """
        return self._call("GET", path)

    def _triggered(self, job: str, trigger: Json, seconds: float) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.get(f"/jobs/{job}/savepoints/{trigger['request-id']}")
            if found["status"]["id"] == "COMPLETED":
                done = found["operation"]
                if "location" not in done:
                    raise FlinkError(done["failure-cause"]["stack-trace"])
                return str(done["location"])
            time.sleep(0.2)
        raise FlinkError(f"no savepoint of job {job} in {seconds} s")

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer: Json = json.loads(response.read() or b"{}")
        except OSError as error:
            raise FlinkError(f"{method} {path}: {error}") from None
        finally:
            connection.close()
        if response.status >= http.client.BAD_REQUEST:
            raise FlinkError(f"{method} {path}: {response.status} {answer.get('errors')}")
        return answer
