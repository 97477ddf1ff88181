"""HTTP/1.1 as bytes: heads are passed on as they came, bodies in pieces that are not kept."""

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

_PIECE: Final = 1 << 18
_NO_BODY: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_END_OF_HEAD: Final = (b"\r\n", b"\n")


@dataclass(frozen=True)
class Head:
    """A request's or an answer's first line and header lines, each with its line end."""

    first: bytes
    lines: tuple[bytes, ...]

    def __bytes__(self) -> bytes:
        return b"".join((self.first, *self.lines, b"\r\n"))

    def header(self, name: bytes) -> bytes:
        """The value of a header, in lower case as its name is given; empty where there is none."""
        for line in self.lines:
            found, _, value = line.partition(b":")
            if found.lower() == name:
                return value.strip().lower()
        return b""

    def without(self, name: bytes) -> "Head":
        """The same but for one header."""
        return Head(
            self.first,
            tuple(line for line in self.lines if line.partition(b":")[0].lower() != name),
        )

    def halved(self) -> "Head":
        """The same, but that half of the body's length is announced."""
        half = b"Content-Length: %d\r\n" % (self.length // 2)
        return Head(self.first, (*self.without(b"content-length").lines, half))

    @property
    def status(self) -> int:
        """An answer's."""
        return int(self.first.split(None, 2)[1])

    @property
    def length(self) -> int:
        """The body's, as it is announced."""
        return int(self.header(b"content-length") or 0)

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks that say their own length."""
        return self.header(b"transfer-encoding") == b"chunked"

    @property
    def last(self) -> bool:
        """Whether the connection ends with this message."""
        return self.header(b"connection") == b"close"


class Wire:
    """One end of a connection. One thread uses it; `hang_up` may come from another.

    A piece that is read is valid until the next one is.
    """

    def __init__(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._reader = connected.makefile("rb")
        self._space = memoryview(bytearray(_PIECE))

    def head(self) -> Head | None:
        """The next message's head, or None where the other end has closed instead.

        Raises:
            ConnectionError: It closed within the head.
        """
        first = self._reader.readline()
        if not first:
            return None
        lines = []
        while (line := self._line()) not in _END_OF_HEAD:
            lines.append(line)
        return Head(first, tuple(lines))

    def body(self, head: Head) -> Iterator[bytes | memoryview]:
        """The body that follows a request's head, in pieces; chunks keep their framing.

        Raises:
            ConnectionError: The other end closed within it.
        """
        return self._chunks() if head.chunked else self._exactly(head.length)

    def answer_body(self, head: Head, method: str) -> Iterator[bytes | memoryview]:
        """The body that follows an answer's head, in the same way."""
        if method == "HEAD" or head.status in _NO_BODY:
            return
        if head.chunked or head.header(b"content-length"):
            yield from self.body(head)
        else:
            while count := self._reader.readinto1(self._space):
                yield self._space[:count]

    def _exactly(self, length: int) -> Iterator[memoryview]:
        while length:
            count = self._reader.readinto1(self._space[:length])
            if not count:
                raise ConnectionError("closed within a body")
            length -= count
            yield self._space[:count]

    def _chunks(self) -> Iterator[bytes | memoryview]:
        size = -1
        while size:
            line = self._line()
            yield line
            size = int(line.partition(b";")[0], 16)
            if size:
                yield from self._exactly(size + len(b"\r\n"))
        while line not in _END_OF_HEAD:  # trailers
            line = self._line()
            yield line

    def _line(self) -> bytes:
        line = self._reader.readline()
        if not line:
            raise ConnectionError("closed within a message")
        return line

    def send(self, data: bytes | memoryview) -> None:
        """Sends all of it.

        Raises:
            OSError: The connection is gone.
        """
        self._socket.sendall(data)

    def offer(self, data: bytes | memoryview) -> bool:
        """Sends all of it, or tells that the other end takes no more; it may have answered."""
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def idle(self) -> bool:
        """Whether the connection is open and nothing waits to be read, as between two messages."""
        try:
            self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def reset_on_close(self) -> None:
        """Makes `close` send RST and drop what was not delivered yet."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def hang_up(self) -> None:
        """Ends what the wire's thread waits for: it reads the end, or cannot send."""
        with suppress(OSError):  # the other end was faster
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes; twice is no error."""
        self._reader.close()
        self._socket.close()
