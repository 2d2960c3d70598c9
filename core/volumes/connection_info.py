"""The `connection_info` of a volume, JSON as Cinder gives it. Pure.

Its secrets are taken out when it is read: what is left may be shown, journalled and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.errors import UsageError
from core.model.secret_value import WITHHELD, Secret
from core.model.text import clean

_SECRETS = ("password", "passwd", "passphrase", "token", "keyring", "secret", "key_value")
"""What the names of keys end in whose values are secrets."""
_CURE = "Give the connection_info that Cinder gave for this host, whole."
_FLAT = ("driver_volume_type", "attachment_id", "connector", "enforce_multipath")
_LONGEST = 1 << 20


class ConnectionInfoError(UsageError):
    """A connection_info that is malformed, incomplete, or of a protocol that is gone."""


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What is known of how a volume is reached."""

    protocol: str
    """`driver_volume_type`."""
    data: Mapping[str, Any]
    """As Cinder has it, `withheld` in the place of each secret."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """Those of the data, by their key."""
    volume_id: str = ""
    multiattach: bool = False

    def lacks(self, key: str) -> bool:
        """Whether a key is missing, or has no value."""
        return self.data.get(key) in (None, "", [], {})

    def text(self, key: str) -> str:
        """Return a value as text; empty: there is none. Raises ConnectionInfoError for others."""
        value = self.data.get(key)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.malformed(key, "is no text")
        return str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the values of a list as texts; raises ConnectionInfoError for anything else."""
        value = self.data.get(key) or []
        if not isinstance(value, list | tuple):
            raise self.malformed(key, "is no list")
        if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in value):
            raise self.malformed(key, "is no list of texts")
        return tuple(str(one) for one in value)

    def flag(self, key: str) -> bool:
        """Return whether something is so; raises ConnectionInfoError for what is no truth."""
        value = self.data.get(key)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is not None and not isinstance(value, bool):
            raise self.malformed(key, "is neither true nor false")
        return bool(value)

    def whole(self, key: str) -> int | None:
        """Return a whole number; None: there is none. Raises ConnectionInfoError for others."""
        value = self.text(key)
        if not value:
            return None
        if not (value.isascii() and value.isdecimal() and len(value) <= 18):
            raise self.malformed(key, "is no whole number")
        return int(value)

    def malformed(self, key: str, how: str) -> ConnectionInfoError:
        """Return the error of a key that does not say what it is to say."""
        text = f"{key} in the connection_info of {self.protocol} {how}."
        return ConnectionInfoError(text, _CURE)

    def require(self, *alternatives: str) -> None:
        """Raise ConnectionInfoError where none of these keys has a value."""
        if all(self.lacks(key) for key in alternatives):
            keys = " or ".join(alternatives)
            text = f"The connection_info of {self.protocol} has no {keys}."
            raise ConnectionInfoError(text, _CURE)


def read_connection_info(text: str) -> ConnectionInfo:
    """Return what a JSON document says; raises ConnectionInfoError.

    Cinder has it in three forms: as a driver returns it (`driver_volume_type` and `data`), within
    `connection_info`, and flat, as its API of attachments gives it.
    """
    found = _decoded(text)
    for key in ("attachment", "connection_info"):
        inner = found.get(key)
        if isinstance(inner, dict):
            found = {**{name: found[name] for name in ("multiattach",) if name in found}, **inner}
    protocol = found.get("driver_volume_type")
    if not isinstance(protocol, str) or not protocol:
        raise ConnectionInfoError("The connection_info has no driver_volume_type.", _CURE)
    data = found.get("data")
    if data is None and "data" not in found:
        data = {key: value for key, value in found.items() if key not in _FLAT}
    if not isinstance(data, dict):
        text = f"data in the connection_info of {clean(protocol)} is no object."
        raise ConnectionInfoError(text, _CURE)
    secrets = dict(_secrets_in(protocol, data))
    shown = {key: WITHHELD if key in secrets else value for key, value in data.items()}
    volume = found.get("serial") or data.get("volume_id") or found.get("volume_id") or ""
    shared = found.get("multiattach", data.get("multiattach", False)) is True
    return ConnectionInfo(clean(protocol), shown, secrets, clean(str(volume)), shared)


def _decoded(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST:
        raise ConnectionInfoError("The connection_info is longer than a MiB.", _CURE)
    try:
        found = msgspec.json.decode(text.encode(errors="replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        # its words have a place in the text, never a part of it
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        text = f"The connection_info is no JSON: {clean(why).rstrip('.')}."
        raise ConnectionInfoError(text, _CURE) from None
    if not isinstance(found, dict):
        raise ConnectionInfoError("The connection_info is no JSON object.", _CURE)
    return found


def _secrets_in(protocol: str, data: Mapping[str, Any]) -> Iterator[tuple[str, Secret]]:
    """Yield the secrets of the data by their key; raises ConnectionInfoError for one further in."""
    for key, value in data.items():
        # a share's mount options have the password of its user among them
        options = protocol in ("smbfs", "cifs") and key == "options"
        # SERVERS:/CLUSTER:PASSWORD, without the servers or the password
        cluster = protocol == "vzstorage" and key == "export"
        cluster = cluster and ":" in str(value).rpartition(":/")[2]
        if isinstance(value, dict | list):
            if _has_secret(value) or (value and _is_secret(key)):
                text = f"{clean(key)} in the connection_info of {clean(protocol)} has a secret in"
                cure = "Leave that out: only a value of its own is kept out of the journal."
                raise ConnectionInfoError(f"{text} it.", cure)
        elif _tells(value) and (options or cluster or _is_secret(key)):
            yield key, Secret(str(value))


def _is_secret(key: str) -> bool:
    return key.lower().endswith(_SECRETS)


def _tells(value: object) -> bool:
    """Whether it may be a secret: what is not set, or is so or not so, is none."""
    return value not in (None, "") and not isinstance(value, bool)


def _has_secret(value: object) -> bool:
    """Whether there is a secret anywhere within a value."""
    if isinstance(value, list):
        return any(map(_has_secret, value))
    if not isinstance(value, dict):
        return False
    return any(
        _has_secret(one) or (_is_secret(str(key)) and _tells(one) and one not in ([], {}))
        for key, one in value.items()
    )
