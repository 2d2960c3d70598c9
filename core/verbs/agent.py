"""What the guest's own agent does for it: passwords, SSH keys, trimming its file systems."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, ClassVar

from core.model import AgentState, Request, State
from core.model.secret_value import Secret
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.states import TO_ANSWER
from core.verbs.verb import Risk, Subjects, Verb

AGENT_SECONDS = 20
"""How long an agent may take to answer. One that stops in the middle would block for ever."""
TRIM_SECONDS = 600
"""How long one may take to trim: it goes through the whole of each file system."""


def without_agent(state: State, request: Request, _: str) -> Iterable[Refusal]:
    """Refuse what no agent can carry out: an instance that has none, or none that is connected."""
    instance = state.instances.get(request.subject)
    if instance is None or not instance.described:
        return
    if instance.agent is AgentState.NONE:
        text = f"{instance.name} has no guest agent channel"
        yield Refusal(RefusalCode.UNSUPPORTED, text, "add one, and run qemu-guest-agent in it")
    elif instance.agent is AgentState.DISCONNECTED:
        text = f"{instance.name} has a guest agent channel, and no agent on it"
        yield Refusal(RefusalCode.STATE, text, "start qemu-guest-agent in the guest")


_User = Annotated[
    str,
    parameter(
        "The account in the guest: root, or Administrator of a Windows.",
        pattern=r"[^\s:/\\][^:/\\\n]{0,255}",
        shape="an account's name, without colons and slashes",
    ),
]


class SetPassword(Request, frozen=True):
    """Set the password of an account in the guest (virDomainSetUserPassword; nova-map 1.1)."""

    verb: ClassVar[str] = "set-password"
    password: Annotated[Secret, parameter("The new password.", typed_twice=True)]
    user: _User = "root"
    encrypted: Annotated[
        bool, parameter("It is already hashed, as crypt(3) does it.", advanced=True)
    ] = False


class SetPasswordCall(Call, frozen=True):
    """virDomainSetUserPassword."""

    password: Secret
    user: str
    encrypted: bool = False

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh set-user-password`; it takes the password as an argument, which is not shown."""
        hashed = ("--encrypted",) if self.encrypted else ()
        return ("set-user-password", name, self.user, str(self.password), *hashed)


def _set_password(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, SetPassword)
    call = SetPasswordCall(request.password, request.user, request.encrypted)
    return [Step(call, f"setting the password of {request.user} in {situation.name}")]


def _password_is_set(situation: Situation) -> str:
    assert isinstance(situation.request, SetPassword)
    return f"the password of {situation.request.user} in {situation.name} is set"


def _replaces_password(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, SetPassword)
    return f"Replaces the password of {request.user} in {subjects.of_guest}."


SET_PASSWORD = Verb(
    SetPassword,
    title="Set a password",
    help="Set the password of an account in the guest, through its agent.",
    doing="setting a password",
    group="guest",
    key="p",
    decide=sequence(_set_password, _password_is_set),
    steps=_set_password,
    calls=(SetPasswordCall,),
    states=TO_ANSWER,
    refusals=without_agent,
    needs_description=True,
    risk=Risk(Caution.CONFIRM, _replaces_password),
)

_KEY = re.compile(
    r"(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-\S+@openssh\.com)"
    r" [A-Za-z0-9+/]+=*( .*)?"
)


def _against_key(key: str) -> str:
    if _KEY.fullmatch(key):
        return ""
    if "PRIVATE KEY" in key:
        return "This is a private key: give the public one, the line of the file that ends in .pub"
    return "This is no public SSH key: give a line such as ssh-ed25519 AAAA... name"


_Key = Annotated[
    str,
    parameter("The public key: one line, as in a .pub file.", rule=_against_key, longest=16384),
]


class AddSshKey(Request, frozen=True):
    """Let the owner of a key log in (virDomainAuthorizedSSHKeysSet, appending)."""

    verb: ClassVar[str] = "add-ssh-key"
    key: _Key
    user: _User = "root"


class RemoveSshKey(Request, frozen=True):
    """Let the owner of a key log in no more (virDomainAuthorizedSSHKeysSet, removing)."""

    verb: ClassVar[str] = "remove-ssh-key"
    key: _Key
    user: _User = "root"


class SshKeyCall(Call, frozen=True):
    """virDomainAuthorizedSSHKeysSet with one key: one that is there is not added again."""

    user: str
    key: str
    remove: bool = False
    repeatable: ClassVar[bool] = True

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh set-user-sshkeys`, which takes the key from a file."""
        remove = ("--remove",) if self.remove else ()
        return ("set-user-sshkeys", name, self.user, "--file", "KEY.pub", *remove)


def _ssh_key(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, AddSshKey | RemoveSshKey)
    remove = isinstance(request, RemoveSshKey)
    doing = "removing a key from" if remove else "giving a key to"
    call = SshKeyCall(request.user, request.key, remove)
    return [Step(call, f"{doing} {request.user} in {situation.name}")]


def _key_is_set(situation: Situation) -> str:
    request = situation.request
    assert isinstance(request, AddSshKey | RemoveSshKey)
    no_more = " no more" if isinstance(request, RemoveSshKey) else ""
    return f"the key opens {request.user} in {situation.name}{no_more}"


def _lets_in(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, AddSshKey)
    return f"Lets the owner of the key log in to {subjects.of_guest} as {request.user}."


def _locks_out(request: Request, subjects: Subjects) -> str:
    assert isinstance(request, RemoveSshKey)
    return f"The owner of the key can no longer log in to {subjects.of_guest} as {request.user}."


ADD_SSH_KEY = Verb(
    AddSshKey,
    title="Add an SSH key",
    help="Let the owner of a public SSH key log in to the guest, through its agent.",
    doing="adding an SSH key",
    group="guest",
    key="a",
    decide=sequence(_ssh_key, _key_is_set),
    steps=_ssh_key,
    calls=(SshKeyCall,),
    states=TO_ANSWER,
    refusals=without_agent,
    needs_description=True,
    risk=Risk(Caution.CONFIRM, _lets_in),
)

REMOVE_SSH_KEY = Verb(
    RemoveSshKey,
    title="Remove an SSH key",
    help="Let the owner of a public SSH key log in to the guest no more, through its agent.",
    doing="removing an SSH key",
    group="guest",
    key="r",
    decide=sequence(_ssh_key, _key_is_set),
    steps=_ssh_key,
    calls=(SshKeyCall,),
    states=TO_ANSWER,
    refusals=without_agent,
    needs_description=True,
    risk=Risk(Caution.CONFIRM, _locks_out),
)


class Trim(Request, frozen=True):
    """Give the blocks that no file uses back to the disks (virDomainFSTrim)."""

    verb: ClassVar[str] = "trim"
    mount_point: Annotated[
        str,
        parameter(
            "The one file system to trim; empty: all that can be.",
            pattern=r"|\S.*",
            shape="a mount point such as /srv",
            longest=PATH_BYTES,
        ),
    ] = ""
    minimum: Annotated[
        int,
        parameter(
            "Free runs of blocks shorter than this are left.",
            least=0,
            most=2**63 - 1,
            unit="B",
            advanced=True,
        ),
    ] = 0


class TrimCall(Call, frozen=True):
    """virDomainFSTrim."""

    mount_point: str
    """Empty: all."""
    minimum: int
    """Bytes."""
    repeatable: ClassVar[bool] = True
    long: ClassVar[bool] = True

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh domfstrim`."""
        minimum = ("--minimum", str(self.minimum)) if self.minimum else ()
        return ("domfstrim", name, *minimum, *(
            ("--mountpoint", self.mount_point) if self.mount_point else ()
        ))  # fmt: skip


def _trim(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, Trim)
    what = request.mount_point or "the file systems"
    call = TrimCall(request.mount_point, request.minimum)
    return [Step(call, f"trimming {what} in {situation.name}", deadline=TRIM_SECONDS + 30.0)]


def _trimmed(situation: Situation) -> str:
    assert isinstance(situation.request, Trim)
    what = situation.request.mount_point or "what can be trimmed"
    return f"{what} in {situation.name} is trimmed"


TRIM = Verb(
    Trim,
    title="Trim file systems",
    help="Give the blocks that no file uses back to the disks, through the guest's agent.",
    doing="trimming",
    group="guest",
    key="d",
    decide=sequence(_trim, _trimmed),
    steps=_trim,
    calls=(TrimCall,),
    states=TO_ANSWER,
    refusals=without_agent,
    needs_description=True,
    cancelled="A trim that is under way cannot be ended.",
)

VERBS = (SET_PASSWORD, ADD_SSH_KEY, REMOVE_SSH_KEY, TRIM)
