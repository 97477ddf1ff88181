"""One connection of a client: each request meets its fault, or is forwarded."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from itertools import chain
from typing import Final, NamedTuple
from urllib.parse import unquote

from tests.faults.answers import Answer
from tests.faults.script import Behaviour, End, Fault, Reach, Rule, Script, Slow, Trickle
from tests.faults.wire import Head, Wire

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Request(NamedTuple):
    """A request as it came: path-style, so that the path is bucket and key.

    `fault` is the name of the one it met; `status` what the client was answered, None as long as it
    was not, as with an answer that is lost.
    """

    method: str
    bucket: str
    key: str
    fault: str | None
    status: int | None


class Stored(NamedTuple):
    """What the real server took for a key, whether or not the client came to know."""

    bucket: str
    key: str
    sha256: str


class Plan:
    """The script, what hangs, and the record, which all connections share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._script = Script()
        self._healed = threading.Event()
        self._requests: list[Request] = []
        self._stored: list[Stored] = []

    def replace(self, rules: Sequence[Rule]) -> None:
        """Begins another script; what hangs goes on hanging."""
        with self._lock:
            self._script = Script(rules)

    def heal(self) -> None:
        """Ends the script, and all waiting for its faults."""
        with self._lock:
            self._script = Script()
            self._healed.set()
            self._healed = threading.Event()

    def requests(self) -> list[Request]:
        """All so far, in the order in which they began."""
        with self._lock:
            return list(self._requests)

    def stored(self) -> list[Stored]:
        """What the real server took so far, in the order of its answers."""
        with self._lock:
            return list(self._stored)

    def begin(self, method: str, bucket: str, key: str) -> "Met":
        """Records a request and decides what it meets, together, so that both have one order."""
        with self._lock:
            fault = self._script.fault(bucket, key)
            number = len(self._requests)
            name = fault.name if fault else None
            self._requests.append(Request(method, bucket, key, name, None))
            return Met(number, fault, self._healed)

    def answered(self, number: int, status: int) -> None:
        """Records what a request is about to be answered."""
        with self._lock:
            self._requests[number] = self._requests[number]._replace(status=status)

    def taken(self, number: int, sha256: str) -> None:
        """Records what the real server took."""
        with self._lock:
            request = self._requests[number]
            if request.method == "PUT":
                self._stored.append(Stored(request.bucket, request.key, sha256))


class Met(NamedTuple):
    """A request's place in the record, its fault, and what ends the waiting for it."""

    number: int
    fault: Fault | None
    healed: threading.Event


class Relay:
    """A client's connection, and the one to the real server that goes with it."""

    def __init__(self, client: Wire, plan: Plan, connect: Callable[[], Wire]) -> None:
        self._client = client
        self._plan = plan
        self._connect = connect
        self._opened: list[Wire] = []

    def wires(self) -> Iterable[Wire]:
        """All that were opened, to be closed at the end."""
        return (self._client, *self._opened)

    def exchange(self) -> bool:
        """Takes one request; tells whether another may follow.

        Raises:
            OSError: One of the two ends is gone.
        """
        head = self._client.head()
        if head is None:
            return False
        method, target, _ = head.first.decode("latin-1").split(" ", 2)
        bucket, _, key = unquote(target.partition("?")[0]).lstrip("/").partition("/")
        met = self._plan.begin(method, bucket, key)
        if isinstance(met.fault, Answer):
            self._read(head)
            self._plan.answered(met.number, met.fault.value.status)
            self._client.send(met.fault.value.render(method, bucket, key))
            return False
        if isinstance(met.fault, Behaviour):
            return self._fail(met, head, met.fault)
        return self._forward(met, head, method)

    def _fail(self, met: Met, head: Head, behaviour: Behaviour) -> bool:
        if behaviour.reach is Reach.HALF:
            self._read(head.halved())
        elif behaviour.reach is Reach.ALL:
            self._read(head)
        elif behaviour.reach is Reach.STORED:
            answer, _ = self._pass_on(met, head)
            if behaviour.end is End.CUT_ANSWER:
                self._plan.answered(met.number, answer.status)
                self._client.send(b"".join((answer.first, *answer.lines[: len(answer.lines) // 2])))
        if behaviour.end is End.HANG:
            met.healed.wait()
        elif behaviour.end is End.RESET:
            self._client.reset_on_close()
        return False

    def _forward(self, met: Met, head: Head, method: str) -> bool:
        if isinstance(met.fault, Slow):
            met.healed.wait(met.fault.seconds)
        answer, upstream = self._pass_on(met, head)
        self._plan.answered(met.number, answer.status)
        body = upstream.answer_body(answer, method)
        if isinstance(met.fault, Trickle):
            pause = met.fault.seconds_a_byte
            for piece in chain((bytes(answer),), body):
                for byte in range(len(piece)):
                    self._client.send(piece[byte : byte + 1])
                    met.healed.wait(pause)
        else:
            self._client.send(bytes(answer))
            for piece in body:
                self._client.send(piece)
        return not (head.last or answer.last)

    def _pass_on(self, met: Met, head: Head) -> tuple[Head, Wire]:
        upstream = self._upstream()
        upstream.send(bytes(head.without(b"expect")))
        takes, digest = True, hashlib.sha256()
        for piece in self._body(head):
            digest.update(piece)
            # A server that refuses a request may answer and close before it has read all of it.
            takes = takes and upstream.offer(piece)
        answer = upstream.head()
        if answer is None:
            raise ConnectionError("the real server closed without an answer")
        if answer.status == HTTPStatus.OK:
            self._plan.taken(met.number, digest.hexdigest())
        return answer, upstream

    def _upstream(self) -> Wire:
        if not (self._opened and self._opened[-1].idle()):
            self._opened.append(self._connect())
        return self._opened[-1]

    def _body(self, head: Head) -> Iterator[bytes | memoryview]:
        if head.header(b"expect") == b"100-continue":
            self._client.send(_CONTINUE)
        return self._client.body(head)

    def _read(self, head: Head) -> None:
        for _ in self._body(head):
            pass
