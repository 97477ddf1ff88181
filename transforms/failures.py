"""What an S3 failure means, in words for the operator.

A cause that the answer does not name is never asserted: possible ones are listed.
"""

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from transforms.connection import Connection
from transforms.store import PutRequest

_WRONG_REGION = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
_REGION_HEADER = "x-amz-bucket-region"


def explain(
    error: ClientError | BotoCoreError | HTTPClientError,
    connection: Connection,
    request: PutRequest,
) -> str:
    """One or two lines: what was refused, what S3 said, and what to do."""
    where = (
        f"destination {request.destination}: cannot put {request.key}"
        f" into bucket {connection.bucket} (connection {connection.name})"
    )
    if not isinstance(error, ClientError):
        return f"{where}: {error}"
    answer = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "no status")
    said = f"{answer.get('Code', 'no code')} ({status}): {answer.get('Message', 'no message')}"
    advice = _advice(error, connection)
    return f"{where}: S3 answered {said}" + (f"\n{advice}" if advice else "")


def _advice(error: ClientError, connection: Connection) -> str | None:
    answer = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code, status = answer.get("Code", ""), metadata.get("HTTPStatusCode")
    if code in _WRONG_REGION or status in (301, 307):
        right = metadata.get("HTTPHeaders", {}).get(_REGION_HEADER) or answer.get("Region")
        named = f"the bucket is in {right}" if right else "the bucket is in another region"
        return f"The connection says region {connection.region}, but {named}: correct the region."
    if code == "NoSuchBucket":
        return "The bucket does not exist: correct the connection's bucket, or have it created."
    if code == "AccessDenied":
        return (
            "Possible causes: the bucket policy does not grant s3:PutObject to this identity; it"
            f" demands another encryption than {connection.server_side_encryption or 'none'};"
            " the key's policy; the expected owner; an ACL or tags without the right to set them."
        )
    return None
