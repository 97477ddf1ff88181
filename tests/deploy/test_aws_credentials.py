"""Credentials for Dataflow's workers, against an STS of moto's and a metadata server of our own."""

import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer

ROLE = "arn:aws:iam::123456789012:role/event-writer"


class Metadata(http.server.BaseHTTPRequestHandler):
    asked: list[tuple[str, dict[str, list[str]], str | None]] = []  # noqa: RUF012 - of all requests

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.asked.append((url.path, parse_qs(url.query), self.headers["Metadata-Flavor"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"header.payload.signature")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def metadata_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Metadata]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.server_port}")
        yield Metadata
        server.shutdown()


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://{host}:{port}")
    yield
    server.stop()


@pytest.mark.usefixtures("sts")
def test_a_profile_gets_its_credentials_from_the_workers_service_account(
    metadata_server: type[Metadata], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "config"
    command = f"{sys.executable} -m deploy.dataflow.aws_credentials {ROLE}"
    profile.write_text(f"[default]\ncredential_process = {command}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profile))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))

    found = boto3.Session().get_credentials()

    assert found is not None
    assert found.method == "custom-process"
    assert found.get_frozen_credentials().token
    ((path, query, flavor),) = metadata_server.asked
    assert path == "/computeMetadata/v1/instance/service-accounts/default/identity"
    assert query == {"audience": ["s3-event-logs"], "format": ["full"]}
    assert flavor == "Google"
