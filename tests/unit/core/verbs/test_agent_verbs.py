"""What is asked of a guest's agent: which values make sense, and where there is none to ask."""

from __future__ import annotations

import pytest

from core.model import AgentState, Host, Instance, InstanceState, Link, LinkStatus, Request, State
from core.model.secret_value import Secret
from core.verbs import checks
from core.verbs.agent import VERBS
from core.verbs.agent.accounts import (
    AddSshKey,
    RemoveSshKey,
    SetPassword,
    SetPasswordCall,
    SshKeyCall,
)
from core.verbs.agent.execute import Exec
from core.verbs.agent.freezing import Freeze, Thaw
from core.verbs.agent.trimming import Trim, TrimCall
from core.verbs.agent.vcpus import GuestVcpus, GuestVcpusCall
from core.verbs.danger import danger
from core.verbs.guest import SetTime
from core.verbs.refusal import Refusal

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3fPPQl1bBzYvd0kR7dQ2n8v5WqQm0J6s1o9mJv3Q0T op@deck"
WEB = Instance("alpha", "u-web", "web", InstanceState.RUNNING, agent=AgentState.CONNECTED)


def state(agent: AgentState = AgentState.CONNECTED, *, described: bool = True) -> State:
    instance = Instance(
        *("alpha", "u-web", "web", InstanceState.RUNNING), agent=agent, described=described
    )
    host = Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))
    return State(hosts={"alpha": host}, instances={instance.key: instance})


def against(request: Request, known: State | None = None) -> list[Refusal]:
    return list(checks.check(state() if known is None else known, request))


def test_each_has_a_channel_and_an_agent_that_is_connected() -> None:
    asked = [
        SetPassword(WEB.key, Secret("p")),
        AddSshKey(WEB.key, KEY),
        RemoveSshKey(WEB.key, KEY),
        Trim(WEB.key),
        Exec(WEB.key, "true"),
        Freeze(WEB.key),
        Thaw(WEB.key),
        GuestVcpus(WEB.key, "1"),
    ]
    assert {type(each) for each in asked} == {each.request for each in VERBS}
    for request in (*asked, SetTime(WEB.key)):
        assert against(request) == []
        assert against(request, state(AgentState.UNKNOWN)) == []
        (refusal,) = against(request, state(AgentState.NONE))
        assert str(refusal).startswith("web has no guest agent channel")
        (refusal,) = against(request, state(AgentState.DISCONNECTED))
        assert "agent channel, and no agent on it" in str(refusal)
        assert "qemu-guest-agent" in str(refusal)


@pytest.mark.parametrize("key", [
    KEY,
    KEY.rpartition(" ")[0],
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== a b c",
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY= x",
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t token",
])  # fmt: skip
def test_a_public_key_is_taken(key: str) -> None:
    assert against(AddSshKey(WEB.key, key)) == []


@pytest.mark.parametrize(("key", "why"), [
    ("", "no public SSH key"),
    ("AAAAC3NzaC1lZDI1NTE5AAAA", "no public SSH key"),
    ("ssh-ed25519", "no public SSH key"),
    (f"{KEY}\nssh-ed25519 AAAA other", "no public SSH key"),
    ('command="reboot" ssh-ed25519 AAAA', "no public SSH key"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
])  # fmt: skip
def test_what_is_no_public_key_is_refused(key: str, why: str) -> None:
    for kind in (AddSshKey, RemoveSshKey):
        (refusal,) = against(kind(WEB.key, key))
        assert why in str(refusal)


@pytest.mark.parametrize("user", ["", " root", "a:b", "a/b", "a\\b", "a\nb", "x" * 300])
def test_what_is_no_account_is_refused(user: str) -> None:
    assert len(against(SetPassword(WEB.key, Secret("p"), user=user))) == 1


@pytest.mark.parametrize("user", ["root", "Administrator", "jo doe", "a.b-c_d@example.org", "jörg"])
def test_an_account_is_taken(user: str) -> None:
    assert against(SetPassword(WEB.key, Secret("p"), user=user)) == []


def test_the_commands_show_no_password() -> None:
    assert SetPasswordCall(Secret("p4ss"), "root", encrypted=True).virsh("web") == (
        *("set-user-password", "web", "root", "withheld", "--encrypted"),
    )
    assert SshKeyCall("root", KEY, remove=True).virsh("web") == (
        *("set-user-sshkeys", "web", "root", "--file", "KEY.pub", "--remove"),
    )
    assert TrimCall("/srv", 4096).virsh("web") == (
        *("domfstrim", "web", "--minimum", "4096", "--mountpoint", "/srv"),
    )


def test_the_question_names_the_account() -> None:
    known = state()
    for request, words in (
        (SetPassword(WEB.key, Secret("p"), user="jo"), "Replaces the password of jo in the guest"),
        (AddSshKey(WEB.key, KEY, user="jo"), "log in to the guest of web on alpha as jo"),
        (RemoveSshKey(WEB.key, KEY, user="jo"), "no longer log in to the guest of web"),
    ):
        assert words in repr(danger(known, request))


@pytest.mark.parametrize("cpus", ["1", "1-3", "0,2-3"])
def test_vcpus_are_named_by_their_numbers(cpus: str) -> None:
    assert against(GuestVcpus(WEB.key, cpus)) == []
    line = GuestVcpusCall(cpus, offline=True).virsh("web")
    assert line == ("setguestvcpus", "web", "--cpulist", cpus, "--disable")


@pytest.mark.parametrize("cpus", ["", "a", "1-", "-1", "1 2", "1;2"])
def test_what_is_no_list_of_vcpus_is_refused(cpus: str) -> None:
    (refusal,) = against(GuestVcpus(WEB.key, cpus))
    assert "give numbers such as" in str(refusal)
