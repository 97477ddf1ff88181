"""AWS credentials for a machine of Google Cloud, without a secret that lasts.

An AWS profile calls it as its `credential_process`, again before they expire:

    [default]
    credential_process = python -m deploy.dataflow.aws_credentials ROLE_ARN

The worker's service account proves who it is with a token of the metadata server, and AWS STS gives
credentials of the role for it (AssumeRoleWithWebIdentity).
"""

import json
import os
import sys
import urllib.parse
import urllib.request
from typing import Final

import boto3
from botocore import UNSIGNED
from botocore.config import Config

AUDIENCE: Final = "s3-event-logs"  # the role's trust policy names it, as accounts.google.com:oaud
_ASK_SECONDS: Final = 10


def identity_token() -> str:
    """A token that says which service account this machine has, signed by Google.

    Raises:
        OSError: No metadata server answers: this is no machine of Google Cloud.
    """
    host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
    query = urllib.parse.urlencode({"audience": AUDIENCE, "format": "full"})
    path = "computeMetadata/v1/instance/service-accounts/default/identity"
    asked = urllib.request.Request(
        f"http://{host}/{path}?{query}", headers={"Metadata-Flavor": "Google"}
    )
    with urllib.request.urlopen(asked, timeout=_ASK_SECONDS) as answer:  # noqa: S310 - as above
        token: bytes = answer.read()
    return token.decode()


def credentials(role_arn: str) -> dict[str, str | int]:
    """A role's credentials in the form that `credential_process` prints.

    Raises:
        botocore.exceptions.ClientError: The role does not trust this service account.
    """
    sts = boto3.client("sts", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    given = sts.assume_role_with_web_identity(
        RoleArn=role_arn, RoleSessionName="dataflow", WebIdentityToken=identity_token()
    )["Credentials"]
    return {
        "Version": 1,
        "AccessKeyId": given["AccessKeyId"],
        "SecretAccessKey": given["SecretAccessKey"],
        "SessionToken": given["SessionToken"],
        "Expiration": given["Expiration"].isoformat(),
    }


if __name__ == "__main__":
    json.dump(credentials(sys.argv[1]), sys.stdout)
