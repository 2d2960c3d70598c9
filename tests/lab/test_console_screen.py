"""The serial console of a real guest on the console's own screen, and on the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from core.lab import LabHost
from tests.bench.terminal import Terminal
from tests.lab.consoles import Talk
from tests.lab.one_host import opened
from tests.lab.screen_pilot import Operator, at_console
from tests.lab.seeing import key_of
from tests.patience import PATIENCE

LET_GO = "ctrl+right_square_bracket"


async def typed(operator: Operator, text: str) -> None:
    """Type a line."""
    await operator.press(*("space" if each == " " else each for each in text), "enter")


async def test_programs_that_draw_and_a_guest_that_stops_and_starts(
    uris: dict[str, str], guest: Callable[..., str], alpha: LabHost, tmp_path: Path
) -> None:
    guest("alpha", "screened", "vd.boot")  # it is looked at while it boots
    async with at_console({"alpha": uris["alpha"]}, tmp_path / "journal.sqlite3") as operator:
        await operator.show_only("name:screened")
        await operator.press("i")
        await operator.sees("screened", "lets go")
        await operator.sees("vd: ready", seconds=120)
        await operator.press("enter")
        await operator.sees("screened:/#")

        await typed(operator, "vi /init")
        await operator.sees("#!/bin/busybox sh")
        await operator.press("O", *"drawn", "escape")
        await operator.sees("[Modified] 1/")
        await operator.until(lambda: operator.lines()[0].rstrip() == "drawn", "all of the word")
        assert operator.lines()[1].startswith("#!/bin/busybox")
        await operator.press("down", "down", "d", "d")
        await operator.sees("Delete 1 lines")
        await typed(operator, ":q!")
        await operator.until(lambda: operator.count("busybox sh") == 0, "the shell again")

        await typed(operator, "top")
        await operator.sees("Load average:")
        await operator.sees("PID", "PPID", "COMMAND")
        await operator.press("q")
        await typed(operator, "echo $((6*7))-done")
        await operator.sees("42-done")

        await asyncio.to_thread(alpha.virsh, "destroy", "screened")
        await operator.sees("The instance is off.")
        await operator.sees("screened", "off", "opens again")
        await asyncio.to_thread(alpha.virsh, "start", "screened")
        await operator.until(
            lambda: sum("vd: ready" in line for line in operator.lines()) > 0, "it again", 120
        )
        await operator.press(LET_GO, "x")
        await operator.sees_row("screened", "running")


async def test_the_command_line_does_not_disturb_who_has_the_console(
    uris: dict[str, str], guest: Callable[..., str], tmp_path: Path
) -> None:
    guest("alpha", "spoken")
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        talk = Talk(await fleet.consoles.open(await key_of(fleet, "spoken")))
        await talk.until(b"vd: ready", 120)
        refused = await asyncio.to_thread(held, uris["alpha"])
        assert "Another client has this console open" in refused
        await talk.console.close()


async def test_the_command_line_shows_what_a_guest_says_without_another_key(
    uris: dict[str, str], guest: Callable[..., str], booted: Callable[..., None]
) -> None:
    guest("alpha", "spoken")
    await asyncio.to_thread(booted, "alpha", "spoken")
    await asyncio.to_thread(talked, uris["alpha"])


def talked(uri: str) -> None:
    with console(uri) as terminal:

        def sees(wanted: str) -> None:
            there = terminal.wait(
                lambda lines: any(line.startswith(wanted) for line in lines), 60 * PATIENCE
            )
            assert there is not None, [line for line in terminal.screen.display if line.strip()]

        sees("The console of spoken on alpha. ctrl+] lets go.")
        terminal.press("\r")
        sees("spoken:/#")
        for number in range(6, 9):
            terminal.press(f"echo $(({number}*7))-done\r")
            sees(f"{number * 7}-done")
        terminal.press("\x1d")
        assert terminal.left_with(60 * PATIENCE) == 0


def console(uri: str, *words: str) -> Terminal:
    return Terminal(["-m", "console", "-c", f"alpha={uri}", "console", "spoken", *words])


def held(uri: str) -> str:
    """What is said of a console that is in use."""
    with console(uri) as terminal:
        assert terminal.left_with(60 * PATIENCE) == 1
        return " ".join(line.strip() for line in terminal.screen.display)
