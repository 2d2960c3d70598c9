"""What is asked of a host about volumes that it connects."""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model import Request
from core.model.secret_value import Secret
from core.verbs.parameter import PATH_BYTES, parameter


class ConnectVolume(Request, frozen=True):
    """Have a host connect a volume for an instance that is to move there, or again for its own."""

    verb: ClassVar[str] = "volume-connect"
    instance: Annotated[
        str,
        parameter("The instance that is to move here, or is here, by its name or UUID.",
                  source="connected-for",
                  typed=True, pattern=r"[^\x00-\x1f\x7f-\x9f]+", shape="a name or UUID"),
    ]  # fmt: skip
    disk: Annotated[
        str,
        parameter("Its disk, by its target.", pattern=r"[A-Za-z0-9_-]{1,64}",
                  shape="a name such as vdb"),
    ]  # fmt: skip
    connection_info: (
        Annotated[
            Secret,
            parameter("How this host reaches it: JSON as Cinder gives it for this host. "
                      "[default: as it was, where that says nothing of a host and has no secret]",
                      text=True),
        ]
        | None
    ) = None  # fmt: skip
    multipath: Annotated[
        bool, parameter("The host connects it over all paths it has.", advanced=True)
    ] = False
    passphrase: (
        Annotated[Secret, parameter("Of one that its host opens: LUKS2, plain.", advanced=True)]
        | None
    ) = None


class DisconnectVolume(Request, frozen=True):
    """Have a host disconnect a volume that is left over (disconnect_volume of os-brick)."""

    verb: ClassVar[str] = "volume-disconnect"
    device: Annotated[
        str,
        parameter("Its device on the host, or its id where none is known: see `virtdeck "
                  "connections`.", source="leftovers",
                  pattern=r"[^\x00-\x1f\x7f-\x9f]+", shape="a path, or the id of a volume",
                  longest=PATH_BYTES),
    ]  # fmt: skip
    connection_info: (
        Annotated[
            Secret,
            parameter("How it was connected, with its secrets: JSON as Cinder gave it. Needed "
                      "where the storage is asked with a password, which no ledger has.",
                      text=True, advanced=True),
        ]
        | None
    ) = None  # fmt: skip
