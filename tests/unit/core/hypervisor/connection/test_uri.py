"""libvirt URIs: what is refused and how, what libvirt gets, what people see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.hypervisor.connection.uri import NAMES, TRANSPORTS, parse_uri, unique_names


@pytest.mark.parametrize(
    ("text", "says", "cure"),
    [
        ("", "has no driver", "qemu+ssh://"),
        ("alpha", "has no driver", "qemu+ssh://"),
        ("qem:///system", "no driver 'qem'", "Did you mean qemu?"),
        ("qemu+shh://alpha/system", "no transport 'shh'", "Did you mean ssh?"),
        ("ssh://alpha/system", "names a transport, but no driver", "qemu+ssh://alpha/system?"),
        ("qemu+ssh://alpha", "does not say which libvirt", "qemu+ssh://alpha/system?"),
        ("qemu:///", "does not say which libvirt", "qemu:///system?"),
        ("qemu:///sytem", "QEMU's driver has not", "Did you mean /system?"),
        ("test://", "which test host", "test:///default"),
        ("qemu+tcp:///system", "names no host", "qemu+ssh://"),
        ("qemu+unix://alpha/system", "names a host", "ssh"),
        ("qemu+ssh://alpha:99999/system", "is not a URI", "qemu+ssh://"),
        ("qemu+ssh://alpha/system?keyfile=/a b", "blanks or control characters", "%20"),
        ("test:///worlds/a#b.xml", "contains a '#'", "%23"),
        ("qemu+unix:///session?socket=/run/a#b", "contains a '#'", "%23"),
        ("qemu:///system\x1b[2J", "blanks or control characters", "%20"),
        ("my host=qemu:///system", "'my host' cannot be the name", "letters"),
        ("größe=qemu:///system", "'größe' cannot be the name", "letters"),
        ("qemu+ext:///system", "names no command", "?command="),
    ],
)
def test_nonsense_is_refused_with_what_was_probably_meant(text: str, says: str, cure: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_uri(text)
    assert says in caught.value.message
    assert cure in caught.value.hint
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("text", "name", "transport"),
    [
        ("qemu:///system", "localhost", ""),
        ("qemu:///session", "localhost", ""),
        ("test:///default", "default", ""),
        ("test:///etc/hosts.xml", "hosts", ""),
        ("qemu+ssh://root@alpha.example/system", "alpha.example", "ssh"),
        ("qemu+ssh:///system", "localhost", "ssh"),
        ("qemu+tls://alpha/system", "alpha", "tls"),
        ("qemu://alpha/system", "alpha", ""),
        ("qemu+tcp://[::1]:16509/system", "::1", "tcp"),
        ("xen+libssh2://alpha/system", "alpha", "libssh2"),
        ("qemu+unix:///session?socket=/tmp/lab/alpha/run/libvirt/libvirt-sock", "alpha", "unix"),
        ("qemu+unix:///session?socket=/run/user/1000/libvirt/libvirt-sock", "localhost", "unix"),
        ("web=qemu+ssh://10.0.0.1/system?keyfile=/home/kim/key", "web", "ssh"),
    ],
)
def test_a_host_gets_a_name_one_can_use(text: str, name: str, transport: str) -> None:
    address = parse_uri(text)
    assert (address.name, address.transport) == (name, transport)


def test_libvirt_gets_the_uri_as_written_but_ssh_may_not_ask() -> None:
    plain = "qemu+unix:///session?socket=/tmp/a%20b"
    assert parse_uri(plain).uri == plain
    assert parse_uri("qemu+ssh://alpha/system").uri == "qemu+ssh://alpha/system?no_tty=1"
    asked = parse_uri("qemu+ssh://alpha/system?no_tty=0&mode=direct")
    assert asked.uri == "qemu+ssh://alpha/system?mode=direct&no_tty=1"
    assert parse_uri("qemu+ssh://alpha/system").shown == "qemu+ssh://alpha/system"
    assert parse_uri(parse_uri("qemu+ssh://alpha/system").uri).shown == "qemu+ssh://alpha/system"


def test_a_password_is_refused_and_never_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_uri("qemu+tcp://kim:hunter2@alpha/system")
    assert "hunter2" not in str(caught.value)
    shown = parse_uri("esx://kim@alpha/?no_verify=1&password=hunter2").shown
    assert shown == "esx://kim@alpha/?no_verify=1&password=***"


def test_names_that_collide_are_told_apart() -> None:
    hosts = unique_names(
        parse_uri(text)
        for text in (
            "qemu:///system",
            "qemu:///session",
            "qemu+ssh://alpha/system",
            "qemu+ssh://alpha:2222/system",
            "qemu+ssh://kim@alpha/system",
            "alpha=test:///default",
        )
    )
    names = [host.name for host in hosts]
    assert names == [
        "localhost",
        "localhost-session",
        "alpha-system",
        "alpha:2222",
        "kim@alpha",
        "alpha",
    ]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["qemu:///system", "a=qemu:///system"], "named twice"),
        (["a=qemu:///system", "a=qemu:///session"], "Two hosts are called a"),
    ],
)
def test_twins_are_refused(texts: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        unique_names([parse_uri(text) for text in texts])


@given(st.text(max_size=60))
def test_any_text_is_a_host_or_a_usage_error(text: str) -> None:
    shown = []
    try:
        address = parse_uri(text)
        shown = [address.name, address.shown]
    except UsageError as error:
        shown = [error.message, error.hint]
    assert all(part and part.isprintable() for part in shown)


@given(
    st.sampled_from(NAMES),
    st.sampled_from(TRANSPORTS),
    st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True),
    st.integers(1, 65535),
)
def test_what_has_the_right_form_is_taken_as_it_is(
    driver: str, transport: str, host: str, port: int
) -> None:
    text = f"{driver}+{transport}://u@{host}:{port}/system?command=x"
    if transport == "unix":
        with pytest.raises(UsageError):
            parse_uri(text)
        return
    address = parse_uri(text)
    assert (address.driver, address.hostname, address.port) == (driver, host, port)
    assert address.uri.startswith(text)


@given(st.lists(st.sampled_from(["a", "b", "c.example"]), max_size=12))
def test_names_are_unique_whatever_the_hosts(hosts: list[str]) -> None:
    texts = [f"qemu+ssh://{host}/system?keyfile=/{n}" for n, host in enumerate(hosts)]
    names = [host.name for host in unique_names(parse_uri(text) for text in texts)]
    assert len(set(names)) == len(names)
