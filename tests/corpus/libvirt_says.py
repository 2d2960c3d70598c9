"""Asks libvirt's test driver whether it takes an instance's XML, in a process of its own.

libvirt 9.0 dies of some XML that newer versions refuse (a scsi_host device with rawio).
"""

from __future__ import annotations

import json
import subprocess
import sys

import libvirt
from lxml import etree


class Libvirt:
    """The process; one that died is started again for the next question."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def refusal(self, xml: str, flags: int) -> str:
        """Return why libvirt does not take `xml`; empty: it does."""
        if self._process is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._process = subprocess.Popen([sys.executable, __file__], text=True, **pipes)
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        try:
            print(json.dumps((xml, flags)), file=asked, flush=True)
            return str(json.loads(answers.readline()))
        except (BrokenPipeError, json.JSONDecodeError):
            self.close()
            return "libvirt itself crashed"

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def main() -> None:
    """Answer each line of standard input: XML and flags, as JSON."""
    libvirt.registerErrorHandler(lambda *_: None, None)
    connection = libvirt.open("test:///default")
    for line in sys.stdin:
        xml, flags = json.loads(line)
        root = etree.fromstring(xml.encode())
        root.set("type", "test")  # whatever hypervisor it is of
        reason = ""
        try:
            connection.defineXMLFlags(etree.tostring(root, encoding="unicode"), flags).undefine()
        except libvirt.libvirtError as error:
            reason = str(error)
        print(json.dumps(reason), flush=True)


if __name__ == "__main__":
    main()
