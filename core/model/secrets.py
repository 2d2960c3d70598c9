"""What sounds like a secret in a text, and the text without it. Pure, any thread."""

from __future__ import annotations

import re

HIDDEN = "***"
WORDS = r"(?:password|passwd|passphrase|pass|secret|token|key)"
# Not compiled before they are needed: that costs a millisecond, and most commands have no secret.
_OPTION = rf"(?i)({WORDS}=)[^,\s]+"
_MEMBER = rf'(?i)("(?:data|{WORDS})"\s*:\s*")[^"]*'
_USER = r"(://[^/\s:@]*:)[^/\s@]+(?=@)"
_DATA = r"(secret,\S{0,200}?data=)[^,\s]+"  # of QEMU's -object secret


def without_secrets(text: str) -> str:
    """Return a text, as a log's or a hypervisor's argument, without the values of secrets.

    Those are `password=...` and its like, members of JSON so named, `://user:...@`, the data of
    QEMU's `-object secret`.
    """
    for pattern in (_DATA, _OPTION, _MEMBER, _USER):
        text = re.sub(pattern, rf"\g<1>{HIDDEN}", text)
    return text
