"""Amazon S3 as a store: the one file that imports boto3, and the one call that it makes.

`PutObject` needs `s3:PutObject` on the bucket and nothing else. botocore's own S3 region
redirector, which sends HEAD and follows a bucket to other regions by itself, is kept out.
"""

import base64
import functools
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import boto3
import msgspec
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.loaders import Loader, create_loader
from botocore.session import Session as CoreSession
from botocore.session import get_session

from transforms.connection import Connection
from transforms.errors import PutError
from transforms.failures import SDK_ERRORS, understand
from transforms.lanes import MAX_PUTS_IN_FLIGHT
from transforms.store import Failure, PutRequest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SESSION_NAME: Final = "s3-event-logs"
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 15
_ATTEMPTS: Final = 8  # the put's deadline ends them first
_EXPIRED: Final = ("ExpiredToken", "ExpiredTokenException")
_MOST_CLIENTS: Final = 1000  # about 1 MiB each


class ClientSettings(msgspec.Struct, frozen=True):
    """What a client is made for: connections that agree in these share one."""

    region: str
    endpoint_url: str | None
    role_arn: str | None
    external_id: str | None


_making: Final[dict[ClientSettings, threading.Lock]] = {}


class S3Store:
    """Puts objects into a connection's bucket, with the headers that the connection demands.

    Attributes:
        client: The client that it shares with all connections that agree in `ClientSettings`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._settings = ClientSettings(
            region=connection.region,
            endpoint_url=connection.endpoint_url,
            role_arn=connection.role_arn,
            external_id=connection.external_id,
        )
        try:
            self.client = s3_client(self._settings)
        except ValueError as error:
            raise self._error("", Failure(str(error), transient=False, answered=False)) from error
        except SDK_ERRORS as error:
            raise self._error("", understand(error, connection)) from error
        self._parameters = put_parameters(connection)

    def put(self, request: PutRequest, deadline: float | None = None) -> None:
        """One `PutObject`; the SDK retries what may pass, in its standard mode.

        Raises:
            PutError: S3 refused the object, or did not answer.
        """
        _attempts.end = deadline
        try:
            answer = self._put(request)
        except (_TooLateError, RuntimeError) as error:
            # botocore raises the second where renewed credentials have expired already.
            failure = Failure(str(error), transient=True, answered=False)
            raise self._error(request.key, failure) from error
        except SDK_ERRORS as error:
            raise self._error(request.key, understand(error, self._connection)) from error
        doubt = _doubt(answer, self._connection)
        if doubt:
            # Also of an object that is stored, where the answer was cut off: again, it is the same.
            raise self._error(request.key, Failure(doubt, transient=True))

    def _put(self, request: PutRequest) -> Mapping[str, Any]:
        client = self.client
        try:
            return self._put_by(client, request)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _EXPIRED:
                raise
        # The SDK renews credentials before they expire; those of a file or of the environment it
        # reads but once, when a client is made.
        if self.client is client:
            forget_clients()
            self.client = s3_client(self._settings)
        return self._put_by(self.client, request)

    def _put_by(self, client: "S3Client", request: PutRequest) -> Mapping[str, Any]:
        return client.put_object(
            **self._parameters,
            Key=request.key,
            Body=request.body,
            ContentType=request.content_type,
            ChecksumSHA256=base64.b64encode(request.sha256).decode(),
        )

    def _error(self, key: str, failure: Failure) -> PutError:
        connection = self._connection
        what = f"cannot put {key}" if key else "cannot put anything"
        where = f"{what} into bucket {connection.bucket} (connection {connection.name})"
        return PutError(f"{where}: {failure}", failure)


def _doubt(answer: Mapping[str, Any], connection: Connection) -> str | None:
    """Why an answer that is no error is no proof that the object is stored as it should be.

    S3 answers 200 with an ETag, and names the encryption that was asked for (Amazon S3 API
    Reference, PutObject). What stands between here and there may answer anything.
    """
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    if status != HTTPStatus.OK or not answer.get("ETag"):
        return f"{status} without an ETag, which S3 does not: is there a proxy?"
    asked, got = connection.server_side_encryption, answer.get("ServerSideEncryption")
    if asked is not None and got != asked:
        return f"200, but the object's encryption is {got or 'none'} where {asked} was asked for"
    return None


def put_parameters(connection: Connection) -> dict[str, Any]:
    """The parameters of `PutObject` that are the same for all objects of a connection."""
    optional = {
        "ServerSideEncryption": connection.server_side_encryption,
        "SSEKMSKeyId": connection.kms_key_id,
        "BucketKeyEnabled": connection.bucket_key_enabled,
        "ExpectedBucketOwner": connection.expected_bucket_owner,
        "ACL": connection.acl,
        "StorageClass": connection.storage_class,
        "Tagging": urlencode(connection.tags, quote_via=quote) if connection.tags else None,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return {"Bucket": connection.bucket, **given}


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


class _TooLateError(BotoCoreError):
    fmt = "no attempt got through within the deadline"


def _never_late(**_: object) -> None:
    """Ends the SDK's attempts at the put's deadline; there is no setting for it."""
    if _attempts.end is not None and time.monotonic() > _attempts.end:
        raise _TooLateError


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
