"""live: the configuration in force in a worker of a stream, which is read again and again.

A new version comes into force for the next block and the next bundle of puts. One that cannot be
used is refused loudly, and what was in force stays so. The file is read beside the work: nobody
waits long for it but the first of a worker, who must not go by what was submitted long ago.
"""

import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec
from apache_beam.metrics import Metrics

from transforms.changes import changes, ops_changed
from transforms.configuration import Configuration
from transforms.edition import Edition

FIRST_PATIENCE_SECONDS: Final = 30.0
"""How long a worker that has just begun waits for the configuration before it takes any work."""

PATIENCE_SECONDS: Final = 0.5
"""How long the one who finds that it is time to read waits for it; all others do not wait."""

REPEAT_SECONDS: Final = 300.0
"""How often the same problem is said."""

_LOGGER: Final = logging.getLogger(__name__)
_METRICS: Final = "configuration"


class ConfigurationSource(Protocol):
    """Where the configuration is read from, in two steps: most often nothing has changed.

    Picklable; its text names it for people. What is raised says in words what is wrong.
    """

    def read(self) -> bytes:
        """The content as it is now."""

    def parse(self, content: bytes) -> Configuration:
        """What the content says."""


class LiveConfiguration:
    """The edition of now, the same for all stages of a worker process; travels inside them.

    Args:
        submitted: What was in force when the job was submitted.
        source: What is read again.
        ttl_seconds: After so long. It is read once at the most in that time, in each process.
    """

    def __init__(self, submitted: Edition, source: ConfigurationSource, ttl_seconds: float) -> None:
        self._submitted = submitted
        self._source = source
        self._ttl_seconds = ttl_seconds
        self._token = uuid.uuid4().hex
        self._kept: Kept | None = None

    def now(self) -> Edition:
        """The edition in force."""
        if self._kept is None:
            kept = Kept(self._submitted, self._source, self._ttl_seconds)
            self._kept = _every_kept.setdefault(self._token, kept)
        return self._kept.now()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": None}


class Kept:
    """What one process knows of the configuration; asked from many threads.

    Args:
        submitted: What is in force until the source has been read, and if it cannot be.
        source: What is read.
        ttl_seconds: How old what was read may be.
        clock: Tells seconds; for tests.
    """

    def __init__(
        self,
        submitted: Edition,
        source: ConfigurationSource,
        ttl_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._edition = submitted
        self._source = source
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._turn = threading.Lock()
        self._begun = False
        self._due = clock()
        self._reading: _Reading | None = None
        self._last = _Found(b"", None, None)
        self._complaint = _Complaint(clock)

    def now(self) -> Edition:
        """The edition in force, read anew where it is time to."""
        if (not self._begun or self._clock() >= self._due) and self._turn.acquire(
            blocking=not self._begun
        ):
            try:
                self._read()
            finally:
                self._turn.release()
        return self._edition

    def _read(self) -> None:
        if self._begun and self._clock() < self._due:
            return  # another has, while this one waited
        patience = 0.0
        if self._reading is None:
            self._reading = _Reading(self._source, self._edition, self._last)
            patience = PATIENCE_SECONDS if self._begun else FIRST_PATIENCE_SECONDS
        found = self._reading.wait(patience)
        if found is not None:
            self._reading, self._last = None, found
            self._due = self._clock() + self._ttl_seconds
            self._judge(found)
        elif self._reading.is_overdue():
            self._refuse(f"{self._source}: is still being read, without an answer")
        self._begun = True

    def _judge(self, found: "_Found") -> None:
        if found.problem is not None:
            self._refuse(found.problem)
            return
        if self._complaint.ends():
            _LOGGER.warning("%s: can be used again", self._source)
        if found.edition is not None and found.edition is not self._edition:
            before, after = self._edition.configuration, found.edition.configuration
            self._edition = found.edition
            Metrics.counter(_METRICS, "reloaded").inc()
            said = changes(before, after) or "no destination or connection differs"
            _LOGGER.warning("%s: a new version is in force; %s", self._source, said)
            if ops_changed(before, after):
                _LOGGER.warning(
                    "%s: ops has changed, but the operator's own place stays as it was when the"
                    " job was started: to change it, start the job again",
                    self._source,
                )

    def _refuse(self, problem: str) -> None:
        Metrics.counter(_METRICS, "reload_failed").inc()
        if self._complaint.is_due(problem):
            _LOGGER.error("%s\nThe configuration that was in force stays in force.", problem)


# Not Beam's `Shared`, which forgets what no stage holds at the moment: a worker would begin anew.
_every_kept: Final[dict[str, Kept]] = {}


class _Found(msgspec.Struct, frozen=True):
    """What a reading found: the content's digest, and what it says or why it cannot be used."""

    digest: bytes
    edition: Edition | None
    problem: str | None


class _Reading:
    """One reading, in a thread of its own: a filesystem may take its time, and cannot be told."""

    def __init__(self, source: ConfigurationSource, edition: Edition, last: _Found) -> None:
        self._source = source
        self._edition = edition
        self._last = last
        self._found: _Found | None = None
        self._overdue = time.monotonic() + FIRST_PATIENCE_SECONDS
        self._thread = threading.Thread(target=self._read, name="configuration", daemon=True)
        self._thread.start()

    def is_overdue(self) -> bool:
        """Whether it takes too long; true once, and then once in a while."""
        if time.monotonic() < self._overdue:
            return False
        self._overdue += REPEAT_SECONDS
        return True

    def wait(self, seconds: float) -> _Found | None:
        """What was found, if it is within this time."""
        self._thread.join(seconds)
        return self._found

    def _read(self) -> None:
        digest = b""
        try:
            content = self._source.read()
            digest = hashlib.sha256(content).digest()
            if digest == self._last.digest:
                self._found = self._last
                return
            edition = self._edition_of(self._source.parse(content))
            self._found = _Found(digest, edition, None)
        except Exception as error:  # noqa: BLE001 - whatever a source raises, the work goes on
            self._found = _Found(digest, None, str(error) or repr(error))

    def _edition_of(self, configuration: Configuration) -> Edition:
        if configuration == self._edition.configuration:
            return self._edition
        edition = self._edition.after(configuration)
        # Made here, so that nobody waits for them.
        _ = edition.table, edition.places
        return edition


class _Complaint:
    """The problem that stands, and when it was last said."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._problem: str | None = None
        self._again = 0.0

    def is_due(self, problem: str) -> bool:
        """Whether a problem should be said: it is another, or was said long ago."""
        now = self._clock()
        if problem == self._problem and now < self._again:
            return False
        self._problem, self._again = problem, now + REPEAT_SECONDS
        return True

    def ends(self) -> bool:
        """No problem stands any more; whether one did."""
        stood, self._problem = self._problem is not None, None
        return stood
