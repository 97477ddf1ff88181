"""What a failed put means: whether it passes by itself, and if not, who does what.

A failure is transient where the same request may succeed later by itself, and permanent where a
person must first change something. A cause that the answer does not name is never asserted: across
accounts S3 says no more than "Access Denied", and then the possible ones are listed, in order.

What an answer's code means is a table, `failure_table.py`; refusals are read in `denials.py`, and
what is no answer in `silences.py`. What the table does not know is judged by its status.
"""

import re
from http import HTTPStatus
from http.client import responses
from typing import Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from transforms.connection import Connection
from transforms.denials import read_denial, read_role_denial
from transforms.failure_table import (
    CLOCK,
    DENIALS,
    MEANINGS,
    NOT_OF_S3,
    UNKNOWN,
    UNKNOWN_OF_KMS,
    WRONG_REGION,
    Meaning,
    what_is_sent,
)
from transforms.said import fit_to_show
from transforms.silences import host_of, read_silence, words_of
from transforms.store import Failure

SDK_ERRORS: Final = (ClientError, BotoCoreError, ResponseParserError)
"""All that boto3 raises for a request."""

SdkError = ClientError | BotoCoreError | ResponseParserError

_REGION_HEADER: Final = "x-amz-bucket-region"
_EXPECTED_REGION: Final = re.compile(r"expecting '([a-z0-9-]+)'")
_REGION: Final = re.compile(r"[a-z0-9-]{1,40}")
_TRANSIENT_STATUSES: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
# AWS STS says with SignatureDoesNotMatch that a clock is wrong.
_CLOCK_WORDS: Final = ("Signature expired", "Signature not yet current")


class _Answer(msgspec.Struct, frozen=True):
    """All that is used of an answer: its other fields quote the request, with the access key."""

    code: str
    status: int
    message: str
    region: str | None
    operation: str
    attempts: int

    @property
    def of_s3(self) -> bool:
        """Whether it has a code: where a body is none of S3's, botocore takes the status for it."""
        return self.code not in ("", str(self.status))

    @property
    def for_a_role(self) -> bool:
        return self.operation.startswith("AssumeRole")

    def __str__(self) -> str:
        code = f"{self.code} ({self.status})" if self.of_s3 else str(self.status)
        return fit_to_show(f"{code}: {self.message or responses.get(self.status, 'no message')}")


def understand(error: SdkError, connection: Connection) -> Failure:
    """Looks a failure up.

    Args:
        error: What the SDK raised, all its retries behind it.
        connection: What the put was made with.
    """
    if isinstance(error, ClientError):
        return _understand_answer(_read(error), connection)
    meaning = read_silence(error)
    return Failure(
        said=words_of(error),
        transient=meaning.transient,
        answered=False,
        advice=_worded(meaning, connection, host_of(error, connection)),
    )


def _understand_answer(answer: _Answer, connection: Connection) -> Failure:
    causes: tuple[str, ...] = ()
    if answer.code in DENIALS:
        read = read_role_denial if answer.for_a_role else read_denial
        denial = read(answer.message, connection)
        transient, advice, causes = False, denial.advice, denial.causes
    else:
        meaning = _meaning(answer, connection)
        transient, advice = meaning.transient, _worded(meaning, connection)
    return Failure(
        said=str(answer),
        transient=transient,
        advice=advice,
        causes=causes,
        attempts=answer.attempts,
    )


def _read(error: ClientError) -> _Answer:
    said = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    message = said.get("Message") or ""
    expected = _EXPECTED_REGION.search(message)
    named = (
        metadata.get("HTTPHeaders", {}).get(_REGION_HEADER),
        said.get("Region"),
        expected and expected[1],
    )
    return _Answer(
        code=said.get("Code") or "",
        status=metadata.get("HTTPStatusCode", 0),
        message=message,
        # It becomes part of an advice: nothing but a region's name may.
        region=next((str(r) for r in named if r and _REGION.fullmatch(str(r))), None),
        operation=error.operation_name,
        attempts=metadata.get("RetryAttempts", 0) + 1,
    )


def _meaning(answer: _Answer, connection: Connection) -> Meaning:
    redirected = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
    if answer.code in WRONG_REGION or redirected:
        return _elsewhere(answer, connection)
    if answer.message.startswith(_CLOCK_WORDS):
        return CLOCK
    known = MEANINGS.get(answer.code)
    return known if known is not None else _meaning_by_status(answer)


def _meaning_by_status(answer: _Answer) -> Meaning:
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _TRANSIENT_STATUSES:
        return Meaning(transient=True)
    if not answer.of_s3:
        return NOT_OF_S3
    return UNKNOWN_OF_KMS if answer.code.startswith("KMS.") else UNKNOWN


def _elsewhere(answer: _Answer, connection: Connection) -> Meaning:
    """The bucket is not where the connection says, or not yet."""
    fields = "region and endpoint_url" if connection.endpoint_url else "region"
    if answer.region not in (None, connection.region):
        return Meaning(
            f"The bucket is in {answer.region}, not in {connection.region}: the operator corrects"
            f" the connection's {fields}."
        )
    if answer.status == HTTPStatus.TEMPORARY_REDIRECT:
        return Meaning(
            "If it stays for a day, the operator asks the customer for the bucket's region: a new"
            " bucket's name takes that long to be known.",
            transient=True,
        )
    if answer.code == "AuthorizationHeaderMalformed":
        return Meaning(
            f"The operator checks the connection's {fields}, and our access key for stray"
            " characters."
        )
    return Meaning(
        f"The bucket is not at this address of {connection.region}: the operator asks the customer"
        f" for its region, and corrects the connection's {fields}."
    )


def _worded(meaning: Meaning, connection: Connection, host: str = "S3") -> str:
    sent = what_is_sent(connection)
    return meaning.advice.format(connection=connection, sent=sent, host=host)
