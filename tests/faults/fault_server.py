"""A reverse proxy between an S3 client and the real S3 server, which fails by a script.

What no rule hits is forwarded as it came, `Host` and all, so that its signature holds.
"""

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tests.faults.answers import Answer
from tests.faults.relay import Plan, Relay, Request, Stored
from tests.faults.script import FAULTS, Behaviour, Fault, Rule, Slow, Trickle, scripts
from tests.faults.wire import Wire

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "FAULTS",
    "Answer",
    "Behaviour",
    "Fault",
    "FaultServer",
    "Request",
    "Rule",
    "Slow",
    "Stored",
    "Trickle",
    "scripts",
]

_SECONDS_TO_END: Final = 2.0


class FaultServer:
    """Stands before a real S3 server, on a free port of loopback. A context manager.

    Attributes:
        endpoint_url: For the client; set while the server runs.
    """

    def __init__(self, upstream_url: str) -> None:
        """Starts nothing yet."""
        parts = urlsplit(upstream_url)
        self.endpoint_url = ""
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._plan = Plan()
        self._lock = threading.Lock()
        self._wires: set[Wire] = set()
        self._threads: set[threading.Thread] = set()
        self._ending = False

    def __enter__(self) -> "Self":
        """Listens, and forwards everything."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._address = self._listener.getsockname()
        self.endpoint_url = f"http://127.0.0.1:{self._address[1]}"
        self._accepting = threading.Thread(target=self._accept, name="faults", daemon=True)
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes all connections at once, whatever they wait for."""
        with self._lock:
            self._ending = True
        socket.create_connection(self._address).close()  # wakes the accepting thread
        self._accepting.join()
        self._listener.close()
        self.heal()
        with self._lock:
            threads = list(self._threads)
            for wire in self._wires:
                wire.hang_up()
        deadline = time.monotonic() + _SECONDS_TO_END
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which their heads came."""
        return self._plan.requests()

    @property
    def stored(self) -> list[Stored]:
        """All that the real server took so far, in the order of its answers."""
        return self._plan.stored()

    def script(self, rules: Sequence[Rule]) -> None:
        """Replaces the rules; what hangs goes on hanging."""
        self._plan.replace(rules)

    def heal(self) -> None:
        """Drops all rules; what hangs is closed, what is slow or trickles waits no longer."""
        self._plan.heal()

    def _accept(self) -> None:
        while True:
            connected, _ = self._listener.accept()
            with self._lock:
                if self._ending:
                    connected.close()
                    return
                wire = Wire(connected)
                self._wires.add(wire)
                thread = threading.Thread(target=self._serve, args=(wire,), daemon=True)
                self._threads.add(thread)
            thread.start()

    def _serve(self, client: Wire) -> None:
        relay = Relay(client, self._plan, self._connect)
        try:
            with suppress(OSError):  # one of the two ends is gone: so is the other
                while relay.exchange():
                    pass
        finally:
            with self._lock:
                for wire in relay.wires():
                    wire.close()
                    self._wires.discard(wire)
                self._threads.discard(threading.current_thread())

    def _connect(self) -> Wire:
        wire = Wire(socket.create_connection(self._upstream))
        with self._lock:
            self._wires.add(wire)
            if self._ending:
                wire.hang_up()
        return wire
