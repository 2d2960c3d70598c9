"""Serial consoles of real guests: talked to, taken over, cut off, flooded."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import pytest

from core.errors import ConsoleInUseError, NotFoundError, ReadOnlyError, UnsupportedError
from core.fleet import Fleet
from core.hypervisor.consoles.inbox import READ_AHEAD
from core.lab import Lab, LabHost, Wanted
from core.model import ObjectKey
from core.model.console import ConsoleEnd
from tests.lab.consoles import Talk
from tests.lab.one_host import opened, until
from tests.lab.seeing import answers, key_of
from tests.patience import PATIENCE


@pytest.fixture
async def talker(fleet: Fleet, guest: Callable[..., str]) -> ObjectKey:
    return await key_of(fleet, guest("alpha", "talker"))


async def shell(fleet: Fleet, key: ObjectKey, *, force: bool = False) -> Talk:
    talk = Talk(await fleet.consoles.open(key, force=force))
    await talk.prompt("talker")
    return talk


def event_thread_cpu() -> float:
    """Seconds of CPU that libvirt's event loop has used."""
    thread = next(each for each in threading.enumerate() if each.name == "virt-events")
    stat = Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


async def test_a_command_is_typed_and_answered(fleet: Fleet, talker: ObjectKey) -> None:
    found = await fleet.consoles.look(talker)
    assert [(each.alias, each.source) for each in found.consoles] == [("serial0", "pty")]
    assert found.running
    talk = await shell(fleet, talker)
    await talk.console.write(b"echo $((6*7))-is-it\r")
    await talk.until(b"42-is-it")
    await talk.console.close()
    again = await shell(fleet, talker)  # it is free at once
    await again.console.close()
    assert await talk.console.read() == b""
    assert talk.console.end is ConsoleEnd.CLOSED
    with pytest.raises(NotFoundError, match="There are: serial0"):
        await fleet.consoles.open(talker, "serial7")


async def test_what_is_pasted_reaches_the_guest_whole(fleet: Fleet, talker: ObjectKey) -> None:
    talk = await shell(fleet, talker)
    lines = b"".join(b"%04d 0123456789 0123456789 0123456789\n" % number for number in range(300))
    await talk.console.write(b"cat > /tmp/pasted\r")
    await talk.until(b"pasted\r\n")
    await talk.console.write(lines + b"\x04")
    assert talk.console.waiting > 4096
    await talk.prompt("talker")
    await talk.console.write(b"wc -c /tmp/pasted; md5sum < /tmp/pasted\r")
    await talk.until(b"%d /tmp/pasted" % len(lines))
    await talk.until(md5(lines).hexdigest().encode())


async def test_a_console_in_use_is_taken_only_when_asked_and_the_loser_stays_calm(
    fleet: Fleet, talker: ObjectKey, uris: dict[str, str], tmp_path: Path
) -> None:
    talk = await shell(fleet, talker)
    async with opened(uris, tmp_path / "other.sqlite3") as other:
        with pytest.raises(ConsoleInUseError, match="Another client"):
            await other.consoles.open(talker)
        await talk.console.write(b"echo still-$((1+1))\r")
        await talk.until(b"still-2")  # the one who asked in vain disturbed nobody
        # libvirtd tells a loser nothing while something it wrote to them is on its way: wait for
        # the rest of what the guest says (daemonStreamUpdateEvents: it listens to nothing then).
        await talk.until(b"talker:/# ")

        taken = await shell(other, talker, force=True)
        await talk.ended()
        assert talk.console.end is ConsoleEnd.TAKEN
        assert "took this console over" in talk.console.why
        before, began = event_thread_cpu(), time.monotonic()
        await taken.console.write(b"sleep 2; echo done-$((2+2))\r")
        await taken.until(b"done-4")
        assert event_thread_cpu() - before < (time.monotonic() - began) / 2
        await taken.console.close()
    await shell(fleet, talker)  # it is free again


async def test_a_reset_keeps_the_console_and_a_power_cut_ends_it(
    fleet: Fleet, talker: ObjectKey, alpha: LabHost
) -> None:
    talk = await shell(fleet, talker)
    await asyncio.to_thread(alpha.virsh, "reset", "talker")
    await talk.until(b"vd: ready", 90)
    await talk.prompt("talker")

    await asyncio.to_thread(alpha.virsh, "destroy", "talker")
    await talk.ended()
    assert (talk.console.end, talk.console.why) == (ConsoleEnd.OFF, "The instance is off.")
    with pytest.raises(UnsupportedError, match="The instance is off"):
        await fleet.consoles.open(talker)

    await asyncio.to_thread(alpha.virsh, "start", "talker")
    again = Talk(await fleet.consoles.open(talker))
    await again.until(b"vd: ready", 90)


async def test_who_does_not_read_keeps_no_more_than_so_much_and_loses_nothing(
    fleet: Fleet, talker: ObjectKey, alpha: LabHost
) -> None:
    talk = await shell(fleet, talker)
    # its kernel says on the same line when it did not get its turn in time
    await talk.console.write(b"dmesg -n 1; seq 100000 199999; echo the-en''d\r")
    inbox = talk.console._inbox  # type: ignore[attr-defined]
    await until(lambda: inbox._full, 60)  # 256 KiB came, and nobody read
    await asyncio.sleep(1.0)
    assert len(inbox._data) < READ_AHEAD + 8 * 65_536
    assert await asyncio.to_thread(alpha.virsh, "domstate", "talker")  # the daemon answers
    text = await talk.until(b"the-end", 120)
    _, _, output = text.partition(b"the-en''d\r\n")
    wanted = [b"%d\r\n" % number for number in range(100_000, 200_000)]
    came = output.removesuffix(b"the-end").splitlines(keepends=True)
    wrong = [
        place for place, pair in enumerate(zip(came, wanted, strict=False)) if pair[0] != pair[1]
    ]
    assert [came[max(0, place - 1) : place + 2] for place in wrong[:1]] == []
    assert len(came) == len(wanted)


async def test_a_destroy_with_input_unread_leaves_the_daemon_alive(
    fleet: Fleet, talker: ObjectKey, alpha: LabHost
) -> None:
    talk = await shell(fleet, talker)
    await talk.console.write(b"sleep 600\r")
    await talk.until(b"600")
    await talk.console.write(b"x" * 300_000)  # which nobody reads
    await asyncio.sleep(2.0)
    assert talk.console.waiting > 200_000
    await asyncio.to_thread(alpha.virsh, "destroy", "talker")
    await talk.ended()
    assert talk.console.end is ConsoleEnd.OFF
    assert "shut off" in await asyncio.to_thread(alpha.virsh, "domstate", "talker")


async def test_a_lost_daemon_is_told_as_a_lost_link(
    fleet: Fleet, talker: ObjectKey, alpha: LabHost
) -> None:
    talk = await shell(fleet, talker)
    assert alpha.pid is not None
    os.kill(alpha.pid, signal.SIGKILL)
    try:
        await talk.ended()
        assert talk.console.end is ConsoleEnd.LOST
    finally:
        await asyncio.to_thread(alpha.ensure_daemon)
    await answers(fleet, "alpha")
    await shell(fleet, talker)


async def test_the_log_of_a_console_is_read_where_it_is_and_read_only_opens_none(
    fleet: Fleet, talker: ObjectKey, uris: dict[str, str], guest: Callable[..., str], lab: Lab
) -> None:
    talk = await shell(fleet, talker)
    await talk.console.write(b"echo for-the-$((9+1))-log\r")
    await talk.until(b"for-the-10-log")
    (console,) = (await fleet.consoles.look(talker)).consoles
    assert console.record == str(lab.root / "logs" / "talker.log")
    # QEMU writes it there after it has told us
    await until(lambda: b"for-the-10-log" in Path(console.record).read_bytes())
    tail = await fleet.consoles.tail(talker, console.record)
    assert b"for-the-10-log" in tail.data
    assert tail.why_not == ""

    async with Fleet.open([f"alpha={uris['alpha']}"], read_only=True, operations=False) as quiet:
        assert await quiet.ready(20 * PATIENCE)
        assert (await quiet.consoles.look(talker)).consoles
        with pytest.raises(ReadOnlyError):
            await quiet.consoles.open(talker)

    off = await key_of(fleet, guest("alpha", "idler", wanted=Wanted.SHUT_OFF))
    assert not (await fleet.consoles.look(off)).running
