"""What it means that the SDK raised an error of its own: nobody answered, or nothing was sent."""

import ssl
from collections.abc import Iterator
from socket import gaierror
from typing import Final
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ConfigNotFound,
    ConfigParseError,
    ConnectionError,  # noqa: A004 - botocore's, of which the builtin is not a base
    CredentialRetrievalError,
    EndpointConnectionError,
    EndpointProviderError,
    HTTPClientError,
    IncompleteReadError,
    InfiniteLoopConfigError,
    InvalidConfigError,
    InvalidRegionError,
    MetadataRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    RefreshWithMFAUnsupportedError,
    SSLError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
    UnknownEndpointError,
)
from botocore.parsers import ResponseParserError

from transforms.connection import Connection
from transforms.failure_table import UNKNOWN, Meaning
from transforms.said import fit_to_show

_PROFILE: Final = Meaning(
    "The operator corrects the AWS profile and the AWS files of this machine."
)
_LOGIN: Final = Meaning("The operator logs in again where our credentials come from.")
_ENDPOINT: Final = Meaning("The operator corrects the connection's region and endpoint_url.")
_METADATA: Final = Meaning(
    "If it stays, the operator checks the service on this machine that gives it credentials.",
    transient=True,
)
_NETWORK: Final = Meaning(
    "If it stays, the operator checks the network between here and {host}.", transient=True
)
_UNRESOLVED: Final = Meaning(
    "The name {host} could not be resolved: if it stays, the operator checks the DNS of this"
    " machine, and the connection's region and endpoint_url.",
    transient=True,
)
_CUT_OFF: Final = Meaning(
    "If it stays, the operator looks for a proxy or firewall that breaks TLS with {host}.",
    transient=True,
)

_MEANINGS: Final[dict[type[Exception], Meaning]] = {
    NoCredentialsError: Meaning(
        "Give credentials by the AWS default chain, which is the operator's: environment, files, or"
        " role."
    ),
    PartialCredentialsError: Meaning("The operator gives both the access key and its secret."),
    CredentialRetrievalError: Meaning("The operator checks where our credentials come from."),
    MetadataRetrievalError: _METADATA,
    TokenRetrievalError: _LOGIN,
    SSOError: _LOGIN,
    RefreshWithMFAUnsupportedError: _LOGIN,
    ProfileNotFound: _PROFILE,
    ConfigNotFound: _PROFILE,
    ConfigParseError: _PROFILE,
    InvalidConfigError: _PROFILE,
    InfiniteLoopConfigError: _PROFILE,
    UnknownCredentialError: _PROFILE,
    NoRegionError: _ENDPOINT,
    InvalidRegionError: _ENDPOINT,
    UnknownEndpointError: _ENDPOINT,
    EndpointProviderError: _ENDPOINT,
    ParamValidationError: UNKNOWN,
    SSLError: Meaning(
        "The operator checks the certificates that this machine trusts, and endpoint_url: TLS with"
        " {host} failed."
    ),
    ProxyConnectionError: Meaning(
        "If it stays, the operator checks the proxy of this machine (HTTPS_PROXY).", transient=True
    ),
    ResponseParserError: Meaning(
        "If it stays, the operator looks for a proxy that answers in S3's place.", transient=True
    ),
    IncompleteReadError: _NETWORK,
    ConnectionError: _NETWORK,
    HTTPClientError: _NETWORK,
}
_METADATA_PROVIDERS: Final = ("container-role", "iam-role")
_TLS_CUT_OFF: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def read_silence(error: BotoCoreError | ResponseParserError) -> Meaning:
    """What an error that is no answer means; its advice is a format of `host`, too."""
    if isinstance(error, SSLError) and any(isinstance(e, _TLS_CUT_OFF) for e in _behind(error)):
        return _CUT_OFF
    if isinstance(error, EndpointConnectionError) and any(
        isinstance(e, gaierror) for e in _behind(error)
    ):
        return _UNRESOLVED
    if (
        isinstance(error, CredentialRetrievalError)
        and error.kwargs.get("provider") in _METADATA_PROVIDERS
    ):
        return _METADATA
    # From the class itself to its bases: the nearest that is known speaks.
    return next((_MEANINGS[kind] for kind in type(error).__mro__ if kind in _MEANINGS), Meaning())


def words_of(error: BotoCoreError | ResponseParserError) -> str:
    """What was raised, and what the operating system said where botocore leaves it out."""
    # A parser's error goes on with the whole body.
    said = str(error).partition("\n")[0] if isinstance(error, ResponseParserError) else str(error)
    reasons = (e.strerror for e in _behind(error) if isinstance(e, OSError) and e.strerror)
    reason = next(reasons, "")
    return fit_to_show(said if reason in said else f"{said} ({reason})")


def host_of(error: BotoCoreError | ResponseParserError, connection: Connection) -> str:
    """Whom the request was for."""
    kwargs = getattr(error, "kwargs", {})
    url = str(kwargs.get("endpoint_url") or connection.endpoint_url or "")
    return urlsplit(url).hostname or "S3"


def _behind(error: BaseException) -> Iterator[BaseException]:
    """What an error was raised for, however it was handed on, the nearest first."""
    queue, seen = [error], {id(error)}
    while queue:
        one = queue.pop(0)
        given = (*one.args, getattr(one, "kwargs", {}).get("error"))
        for behind in (one.__cause__, one.__context__, *given):
            if isinstance(behind, BaseException) and id(behind) not in seen:
                seen.add(id(behind))
                queue.append(behind)
                yield behind
