"""`./dev bench [NAME...] [--json]`: run the benches and print their rows."""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Iterator

from tests.bench.rows import Row, json_line, table

BENCHES = ("rpc", "listing", "startup", "latency", "screen", "burst", "operations", "console")
LONG = (
    *(
        "backup",
        "cloning",
        "describing",
        "devices",
        "idle",
        "image",
        "links",
        "ssh",
        "starting",
        "storage",
        "swap",
        "transfers",
        "volumes",
    ),
    "migration",
)
"""They take minutes each, so they run only by their names."""


def rows(names: list[str], failed: list[str]) -> Iterator[Row]:
    """The rows of the named benches, as they come; one that fails is `failed`, the others go on."""
    for name in names:
        print(f"bench {name}...", file=sys.stderr)
        try:
            yield from importlib.import_module(f"tests.bench.{name}").run()
        except Exception:
            traceback.print_exc()
            failed.append(name)


def main() -> int:
    """Print a table, or JSON lines."""
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument(
        "name",
        nargs="*",
        help=f"one of {', '.join(BENCHES)}, which all run by default, {', '.join(LONG)}",
    )
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    options = parser.parse_args()
    names = options.name or list(BENCHES)
    there = (*BENCHES, *LONG)
    if unknown := sorted(set(names) - set(there)):
        parser.error(f"no bench named {', '.join(unknown)}: there are {', '.join(there)}")
    found: list[Row] = []
    failed: list[str] = []
    try:
        for row in rows(names, failed):
            found.append(row)
            if options.json:
                print(json_line(row), flush=True)
    finally:  # an interrupt, too, leaves what was measured
        if not options.json:
            print(table(found))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
