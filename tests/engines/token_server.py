"""Where a client gets its tokens: what an identity provider does (OpenID Connect), unsigned."""

import base64
import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs

from examples.within import Within

CLIENT: Final = "s3-event-logs"
SECRET: Final = "no-secret-of-an-hour"  # noqa: S105 - of a server that lives for seconds


class TokenServer(Within):
    """Gives tokens to `CLIENT`, if it knows `SECRET`, within a `with`.

    Args:
        life_seconds: How long each is good for.

    Attributes:
        given: How many it has given.
        url: Where it is asked.
    """

    def __init__(self, life_seconds: int) -> None:
        self.given = 0
        self._life_seconds = life_seconds
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"

    def begin(self) -> None:
        """Answers from now on."""
        self._thread.start()

    def end(self) -> None:
        """Answers no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, authorization: str, form: Mapping[str, list[str]]) -> tuple[int, object]:
        """The status and the answer to who asks for a token (RFC 6749, 4.4 and 5)."""
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != f"Basic {known}" or form["grant_type"] != ["client_credentials"]:
            return 401, {"error": "invalid_client"}
        self.given += 1
        return 200, {
            "access_token": _unsigned_token(self._life_seconds),
            "token_type": "Bearer",
            "expires_in": self._life_seconds,
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, answer = server.answer(self.headers["Authorization"], parse_qs(body))
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Says nothing."""

        return Handler


def _unsigned_token(life_seconds: int) -> str:
    now = time.time()
    parts: list[Mapping[str, object]] = [
        {"alg": "none"},
        {"sub": CLIENT, "iat": now, "exp": now + life_seconds},
    ]
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return ".".join(part.rstrip("=") for part in encoded) + "."
