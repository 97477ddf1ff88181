"""What was said, fit to be shown: no secret in it, on one line, of a bounded length."""

import re
from typing import Final

_MOST_CHARACTERS: Final = 2000  # an answer may quote a key of 1,024 bytes and two ARNs

# After the first paragraph AWS STS quotes the request as it should have been signed, with the
# session token.
_REST: Final = re.compile(r"\n[ \t]*\r?\n|the canonical string|the string-to-sign", re.IGNORECASE)
_SECRETS: Final = (
    (re.compile(r"(https?://)[^\s/@\"']+@"), r"\1"),
    (re.compile(r"(https?://[^\s?\"']*)\?[^\s\"']*"), r"\1"),  # a signed URL's signature
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), "(access key)"),
    (
        re.compile(
            r"\b(x-amz-(?:security-token|credential|signature)|signature|credential|awsaccesskeyid"
            r"|aws_secret_access_key|aws_session_token|secretaccesskey|sessiontoken)"
            r"([\"']?\s*[=:]\s*)[^\s,;]+",
            re.IGNORECASE,
        ),
        r"\1\2(hidden)",
    ),
)


def fit_to_show(text: str) -> str:
    """Words of others, without what must not reach a log."""
    shown = " ".join(_REST.split(text.strip(), maxsplit=1)[0].split())
    for secret, replacement in _SECRETS:
        shown = secret.sub(replacement, shown)
    return shown if len(shown) <= _MOST_CHARACTERS else f"{shown[:_MOST_CHARACTERS]}…"
