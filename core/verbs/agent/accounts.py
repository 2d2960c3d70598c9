"""Accounts in a guest, set through its agent: passwords and SSH keys."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from core.model import Request
from core.model.secret_value import Secret
from core.verbs.agent.asking import User, agent_verb
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import parameter
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects


class SetPassword(Request, frozen=True):
    """Set the password of an account in the guest (virDomainSetUserPassword; nova-map 1.1)."""

    verb: ClassVar[str] = "set-password"
    password: Annotated[Secret, parameter("The new password.", typed_twice=True)]
    user: User = "root"
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


SET_PASSWORD = agent_verb(
    SetPassword,
    title="Set a password",
    help="Set the password of an account in the guest, through its agent.",
    doing="setting a password",
    key="p",
    decide=sequence(_set_password, _password_is_set),
    steps=_set_password,
    calls=(SetPasswordCall,),
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
    user: User = "root"


class RemoveSshKey(Request, frozen=True):
    """Let the owner of a key log in no more (virDomainAuthorizedSSHKeysSet, removing)."""

    verb: ClassVar[str] = "remove-ssh-key"
    key: _Key
    user: User = "root"


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


ADD_SSH_KEY = agent_verb(
    AddSshKey,
    title="Add an SSH key",
    help="Let the owner of a public SSH key log in to the guest, through its agent.",
    doing="adding an SSH key",
    key="a",
    decide=sequence(_ssh_key, _key_is_set),
    steps=_ssh_key,
    calls=(SshKeyCall,),
    risk=Risk(Caution.CONFIRM, _lets_in),
)

REMOVE_SSH_KEY = agent_verb(
    RemoveSshKey,
    title="Remove an SSH key",
    help="Let the owner of a public SSH key log in to the guest no more, through its agent.",
    doing="removing an SSH key",
    key="r",
    decide=sequence(_ssh_key, _key_is_set),
    steps=_ssh_key,
    calls=(SshKeyCall,),
    risk=Risk(Caution.CONFIRM, _locks_out),
)
