"""What sounds like a secret in a text, and the text without it. Pure, any thread."""

from __future__ import annotations

import re

HIDDEN = "***"
WORDS = r"(?:password|passwd|passphrase|pass|secret|token|key)"
NAME = re.compile(WORDS, re.IGNORECASE)
_OPTION = re.compile(rf"(?i)({WORDS}=)[^,\s]+")
_MEMBER = re.compile(rf'(?i)("(?:data|{WORDS})"\s*:\s*")[^"]*')
_USER = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")
_DATA = re.compile(r"(secret,\S{0,200}?data=)[^,\s]+")  # of QEMU's -object secret


def without_secrets(text: str) -> str:
    """Return a text, as a log's or a hypervisor's argument, without the values of secrets.

    Those are `password=...` and its like, members of JSON so named, `://user:...@`, the data of
    QEMU's `-object secret`.
    """
    for pattern in (_DATA, _OPTION, _MEMBER, _USER):
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text
