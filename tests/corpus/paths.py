"""Every absolute path that foreign XML has: a need that was read, or known to be none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from core.model.text import real_name
from core.xml.needs import read_needs

_NONE = (
    r"devices/\w+/alias",
    r"devices/filesystem/target/@dir",  # the guest's
    r"devices/(serial|console|channel|parallel)(/@tty|/source/@path)",  # pty, bound sockets
    r"devices/(serial|console|rng/backend)/source/@(master|slave)",  # bhyve makes them
    r"devices/(redirdev|smartcard|rng/backend)/source/@path",
    r"devices/graphics(/listen)?/(@socket|@address)",
    r"devices/tpm/backend/source/@path",  # of an emulator's state
    r"devices/interface/(source/@path|target/@dev|guest/@dev)",
    r"devices/interface(/source)?/(ip|route)/.*",
    r"devices/disk/(backingStore/.*|mirror/.*|source/(slices|privateData|cookies)/.*)",
    r"devices/disk(/.*)?/source(/host)?/(@name|@query|@socket|@pool|@volume)",
    r"devices/hostdev/source/(adapter/@.*|host/@.*|@name)",
    r"devices/disk/source(/reservations/source)?/@path",
    r"(metadata|description|title|name|genid|seclabel|qemu|idmap|clock|sysinfo|resource)(/.*)?",
    r"(cmdline|initarg|initdir|initenv|bootloader_args|commandline)(/.*)?",
    r"os/(cmdline|initarg|initdir|init|initenv|bios.*|root|nvram/source/.*)(/.*)?",
    r"(bootloader|launchSecurity)(/.*)?",
    r"devices/emulator",
    r"os/loader(/@.*)?|os/nvram/@template|os/varstore/@template",
    r"memoryBacking/.*",
    r"features/.*",
    r"devices/(sound|video|watchdog|panic)/.*",
)
_KNOWN = re.compile("|".join(f"(?:{each})" for each in _NONE))
_EVERYWHERE = ("/dev/urandom", "/dev/random", "/dev/null", "/dev/zero")


def missed(xml: str, root: etree._Element) -> Iterator[str]:
    """Yield each absolute path that is neither among the needs nor known to be none."""
    needs = read_needs(xml)
    found = {*needs.paths, *needs.logs, *(each.path for each in needs.host_paths)}
    known = {*_EVERYWHERE, *map(real_name, found)}
    tree = root.getroottree()
    for element in root.iter():
        if not isinstance(element.tag, str) or element.tag.startswith("{"):
            continue
        where = re.sub(r"\[\d+\]", "", tree.getpath(element)).partition("/domain/")[2]
        values = [(where, element.text or "")]
        values += [(f"{where}/@{name}", str(value)) for name, value in element.items()]
        for place, value in values:
            path = value.strip()
            if path.startswith("/") and path not in known and not _KNOWN.fullmatch(place):
                yield f"{place}: {path} is no need"
