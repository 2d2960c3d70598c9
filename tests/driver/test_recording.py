"""What a recording of a real daemon holds."""

from __future__ import annotations

from tests.driver.command import Virtdeck, finish
from tests.driver.private_daemon import PrivateDaemon, domain_xml, uuid_of
from tests.driver.worlds import wait_for


def test_an_instance_that_appears_during_a_recording_has_its_details_on_the_tape(
    virtdeck: Virtdeck, daemon: PrivateDaemon
) -> None:
    file = virtdeck.home / "a.tape"
    process = virtdeck.begin("-c", f"alpha={daemon.uri}", "record", file)
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "Recording 1 host until Ctrl-C.\n"
        daemon.keeper.defineXML(domain_xml(9))

        def detailed() -> bool:
            lines = file.read_text().splitlines()
            return any('"detail-read"' in line and uuid_of(9) in line for line in lines)

        wait_for(detailed)
    finally:
        result = finish(process, interrupt=True)
    assert (result.status, "no details" in result.err) == (0, False)
