"""Images of the network by their URL."""

from __future__ import annotations

import pytest

from core.errors import UsageError
from core.model.new_device import NetworkImage, ServerAddress
from core.volumes.urls import place_of


@pytest.mark.parametrize(
    ("url", "image"),
    [
        ("nbd://s/one", NetworkImage("nbd", "one", (ServerAddress("s", 10809),))),
        ("nbd://s:10810", NetworkImage("nbd", "", (ServerAddress("s", 10810),))),
        ("nbds://s/one", NetworkImage("nbd", "one", (ServerAddress("s", 10809),), tls=True)),
        (
            "nbd:///one?socket=/run/nbd%20sock",
            NetworkImage("nbd", "one", (ServerAddress(socket="/run/nbd sock"),)),
        ),
        (
            "iscsi://joe@[fd00::1]/iqn.2020-01.a:b/1",
            NetworkImage("iscsi", "iqn.2020-01.a:b/1", (ServerAddress("fd00::1", 3260),),
                         user="joe", secret_type="iscsi"),
        ),
        (
            "iscsi://t:99/iqn.2020-01.a:b/0?initiator=iqn.2020-01.me:x",
            NetworkImage("iscsi", "iqn.2020-01.a:b/0", (ServerAddress("t", 99),),
                         initiator="iqn.2020-01.me:x"),
        ),
        ("rbd:///pool/image", NetworkImage("rbd", "pool/image")),
        (
            "rbd://joe@m1,m2:6789/pool/image",
            NetworkImage("rbd", "pool/image", (ServerAddress("m1"), ServerAddress("m2", 6789)),
                         user="joe", secret_type="ceph"),
        ),
        ("nfs://s/export/a.img", NetworkImage("nfs", "/export/a.img", (ServerAddress("s"),))),
        (
            "ssh://joe@s/a.img",
            NetworkImage("ssh", "/a.img", (ServerAddress("s", 22),), user="joe"),
        ),
        (
            "https://s/a.iso?key=1",
            NetworkImage("https", "a.iso", (ServerAddress("s", 443),), query="key=1"),
        ),
    ],
)  # fmt: skip
def test_a_url_is_an_image(url: str, image: NetworkImage) -> None:
    assert place_of(url).network == image


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("gluster://s/a", "QEMU reaches no image by gluster"),
        ("iscsi://joe:secret@s/iqn.a/1", "has a password in it, which histories and journals keep"),
        ("iscsi://s/1", "names no IQN/LUN"),
        ("iscsi://s/iqn.a/x", "names no IQN/LUN"),
        ("iscsi:///iqn.a/1", "has no server"),
        ("rbd:///image", "names no POOL/IMAGE"),
        ("nbd:///one", "has no server"),
        ("nbd://s/one?socket=/run/a", "has a server and a socket"),
        ("nbd:///one?socket=a", "has a socket without its whole path"),
        ("nbd://joe@s/one", "NBD knows none"),
        ("nbd://s:0/one", "has a server s:0, which is none"),
        ("nbd://a,b/one", "has several servers"),
        ("nfs://s/", "names no file"),
        ("nfs://joe@s/a", "has a user, which libvirt does not pass on"),
        ("ssh://s/a?b=c", "has a query"),
        ("ssh://@s/a", "has no user before the @"),
    ],
)
def test_what_is_no_image_is_told_with_what_would_be(url: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        place_of(url)
    assert words in raised.value.message
    assert raised.value.hint
    assert "secret" not in str(raised.value)
