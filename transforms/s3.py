"""Amazon S3 as a store: the one file that imports boto3, and the one call that it makes.

`PutObject` needs `s3:PutObject` on the bucket and nothing else. botocore's own S3 region
redirector, which sends HEAD and follows a bucket to other regions by itself, is kept out.
"""

import base64
import functools
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
from botocore.exceptions import NoCredentialsError
from botocore.loaders import Loader, create_loader
from botocore.session import Session as CoreSession
from botocore.session import get_session

from transforms.connection import Connection
from transforms.errors import PutError
from transforms.failures import SDK_ERRORS, Failure, understand
from transforms.store import PutRequest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_PUTS_IN_FLIGHT: Final = 16

_SESSION_NAME: Final = "s3-event-logs"
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 15
_ATTEMPTS: Final = 4
_MOST_CLIENTS: Final = 1000  # about 1 MiB each


class ClientSettings(msgspec.Struct, frozen=True):
    """What a client is made for: connections that agree in these share one."""

    region: str
    endpoint_url: str | None
    role_arn: str | None
    external_id: str | None


class S3Store:
    """Puts objects into a connection's bucket, with the headers that the connection demands.

    Attributes:
        client: The client that it shares with all connections that agree in `ClientSettings`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        settings = ClientSettings(
            region=connection.region,
            endpoint_url=connection.endpoint_url,
            role_arn=connection.role_arn,
            external_id=connection.external_id,
        )
        try:
            self.client = s3_client(settings)
        except ValueError as error:
            raise PutError(f"connection {connection.name}: {error}") from error
        except SDK_ERRORS as error:
            failure = understand(error, connection)
            raise PutError(
                f"connection {connection.name}: {failure.said}\n{failure.advice}".strip()
            ) from error
        self._parameters = put_parameters(connection)

    def put(self, request: PutRequest) -> None:
        """One `PutObject`; the SDK retries what may pass, in its standard mode.

        Raises:
            PutError: S3 refused the object, or did not answer.
        """
        try:
            answer = self.client.put_object(
                **self._parameters,
                Key=request.key,
                Body=request.body,
                ContentType=request.content_type,
                ChecksumSHA256=base64.b64encode(request.sha256).decode(),
            )
        except SDK_ERRORS as error:
            failure = understand(error, self._connection)
            raise PutError(_in_words(failure, self._connection, request)) from error
        doubt = _doubt(answer, self._connection)
        if doubt:
            where = f"destination {request.destination}: {request.key}"
            raise PutError(
                f"{where}: {self._connection.bucket} (connection {self._connection.name}) {doubt}"
            )


def _doubt(answer: Mapping[str, Any], connection: Connection) -> str | None:
    """Why an answer that is no error is no proof that the object is stored as it should be.

    S3 answers 200 with an ETag, and names the encryption that was asked for (Amazon S3 API
    Reference, PutObject). What stands between here and there may answer anything.
    """
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    if status != HTTPStatus.OK or not answer.get("ETag"):
        return f"answered {status} without an ETag, which S3 does not: is there a proxy?"
    asked, got = connection.server_side_encryption, answer.get("ServerSideEncryption")
    if asked is not None and got != asked:
        return f"stored the object with the encryption {got or 'none'}, but was asked for {asked}"
    return None


def _in_words(failure: Failure, connection: Connection, request: PutRequest) -> str:
    where = (
        f"destination {request.destination}: cannot put {request.key}"
        f" into bucket {connection.bucket} (connection {connection.name})"
    )
    whose = "AWS answered" if failure.answered else "no answer"
    again = "It may pass by itself; the same command again goes on to the same objects."
    advice = failure.advice or (again if failure.transient else "")
    return f"{where}: {whose}: {failure.said}" + (f"\n{advice}" if advice else "")


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


@functools.lru_cache(_MOST_CLIENTS)
def s3_client(settings: ClientSettings) -> "S3Client":
    """A client for these settings, shared by all threads of the process."""
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
    return client


def _never_redirect(params: dict[str, Any], **_: object) -> None:
    """Makes the region redirector take the request for one that it has redirected already.

    Its handlers cannot be unregistered without an object that botocore keeps to itself.
    """
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


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
