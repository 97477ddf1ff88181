"""Clients of Amazon S3, shared by all who agree in their settings: the one file that imports boto3.

botocore's own S3 region redirector, which sends HEAD and follows a bucket to other regions by
itself, is kept out.
"""

import functools
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import boto3
import msgspec
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.loaders import Loader, create_loader
from botocore.session import Session as CoreSession
from botocore.session import get_session

from transforms.lanes import MAX_PUTS_IN_FLIGHT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SESSION_NAME: Final = "s3-event-logs"
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 15
_ATTEMPTS: Final = 8  # the put's deadline ends them first
_MOST_CLIENTS: Final = 1000  # about 1 MiB each


class ClientSettings(msgspec.Struct, frozen=True):
    """What a client is made for: connections that agree in these share one."""

    region: str
    endpoint_url: str | None
    role_arn: str | None
    external_id: str | None


_making: Final[dict[ClientSettings, threading.Lock]] = {}


def s3_client(settings: ClientSettings) -> "S3Client":
    """A client for these settings, shared by all threads of the process."""
    # All destinations of a worker ask at the same moment: twenty would each make one of their own.
    with _making.setdefault(settings, threading.Lock()):
        return _new_client(settings)


def forget_clients() -> None:
    """Makes new ones from now on, which look for credentials again."""
    _new_client.cache_clear()


@functools.lru_cache(_MOST_CLIENTS)
def _new_client(settings: ClientSettings) -> "S3Client":
    session = _session()
    if settings.role_arn is not None:
        session = _assuming(session, settings.role_arn, settings.external_id, settings.region)
    client: S3Client = boto3.Session(botocore_session=session, region_name=settings.region).client(
        "s3",
        endpoint_url=settings.endpoint_url,
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            max_pool_connections=MAX_PUTS_IN_FLIGHT,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            request_checksum_calculation="when_required",
            # For a bucket with dots botocore itself takes the path, so that the certificate fits.
            s3={"addressing_style": "path" if settings.endpoint_url else "virtual"},
            tcp_keepalive=True,
            # An address comes from the configuration alone, which insists on TLS.
            ignore_configured_endpoint_urls=True,  # type: ignore[call-arg] # not in the stubs
        ),
    )
    client.meta.events.register("before-call.s3.PutObject", _never_redirect)
    client.meta.events.register("before-send.s3.PutObject", _never_late)
    return client


def _never_redirect(params: dict[str, Any], **_: object) -> None:
    """Makes the region redirector take the request for one that it has redirected already.

    Its handlers cannot be unregistered without an object that botocore keeps to itself.
    """
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


class _Attempts(threading.local):
    """Until when this thread's put may be attempted again, by `time.monotonic`."""

    end: float | None = None


_attempts: Final = _Attempts()


class TooLateError(BotoCoreError):
    """The time of a put was over before an attempt of it got through."""

    fmt = "no attempt got through within the deadline"


def end_attempts_at(deadline: float | None) -> None:
    """From this time on, by `time.monotonic`, this thread attempts no put again."""
    _attempts.end = deadline


def _never_late(**_: object) -> None:
    """Ends the SDK's attempts at the put's deadline; there is no setting for it."""
    if _attempts.end is not None and time.monotonic() > _attempts.end:
        raise TooLateError


def has_credentials() -> bool:
    """Whether the AWS default chain finds credentials in this process."""
    return _session().get_credentials() is not None


def _session() -> CoreSession:
    session = get_session()
    # What botocore knows of the services takes 12 MiB: it is loaded once, not for each role.
    session.register_component("data_loader", _loader())
    return session


@functools.cache
def _loader() -> Loader:
    return create_loader()


def _assuming(
    session: CoreSession, role_arn: str, external_id: str | None, region: str
) -> CoreSession:
    """A session whose credentials are the role's, renewed before they expire."""
    source = session.get_credentials()
    if source is None:
        raise NoCredentialsError
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=functools.partial(session.create_client, region_name=region),
        source_credentials=source,
        role_arn=role_arn,
        extra_args={
            "RoleSessionName": _SESSION_NAME,
            **({"ExternalId": external_id} if external_id else {}),
        },
    )
    assumed = _session()
    assumed.register_component("credential_provider", CredentialResolver([_Role(fetcher)]))
    return assumed


class _Role(CredentialProvider):
    METHOD = "assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(
            method=self.METHOD, refresh_using=self._fetcher.fetch_credentials
        )
