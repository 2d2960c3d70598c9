"""The servers of network images, as a disk and an instance have them in their XML."""

from __future__ import annotations

from core.volumes.urls import PORTS as PORTS_OF_URLS
from core.xml.image_servers import PORTS, ImageServer, image_servers

DISK = (
    "<disk type='network'><source protocol='{}' name='{}' query='{}'>{}</source>"
    "<target dev='vda'/></disk>"
)


def test_every_address_of_each_image_is_told_once() -> None:
    two = "<host name='one' port='6789'/><host name='fd00::2' port='3300'/>"
    rbd = DISK.format("rbd", "pool/image", "", two)
    web = DISK.format("https", "one.raw", "a=b&amp;c=d", "<host name='web'/>")
    nbd = DISK.format("nbd", "", "", "<host transport='unix' socket='/run/one'/>")
    own = "<disk type='file'><source file='/a/protocol='/></disk>".replace("'/a", '"/a').replace(
        "='/>", '="/>'
    )
    xml = f"<domain><devices>{rbd}{web}{rbd}{nbd}{own}</devices></domain>"
    monitors, (page,), (local,) = image_servers(xml)
    assert [one.place for one in monitors] == ["one:6789", "[fd00::2]:3300"]
    assert page == ImageServer("https", "web", 443, path="one.raw?a=b&c=d")
    assert local.place == "/run/one"


def test_an_image_without_an_address_has_none_to_look_at() -> None:
    assert image_servers(DISK.format("rbd", "pool/image", "", "")) == ()
    assert image_servers("<disk type='file'><source file='/a'/></disk>") == ()
    assert image_servers(DISK.format("gluster", "v/i", "", "<host name='one'/>")) == ()


def test_a_backing_image_of_the_network_is_looked_at_too() -> None:
    below = "<backingStore type='network'><source protocol='nbd'><host name='a'/></source>"
    xml = f"<disk type='file'><source file='/a'/>{below}</backingStore></disk>"
    assert image_servers(xml) == ((ImageServer("nbd", "a", 10809),),)


def test_ports_are_those_that_urls_have() -> None:
    for protocol, port in PORTS_OF_URLS.items():
        assert PORTS[protocol] == (port,)
