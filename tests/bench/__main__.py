"""`./dev bench [NAME...] [--json]`: run the benches and print their rows."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator

from tests.bench.rows import Row, json_line, table

BENCHES = ("rpc", "listing", "startup", "latency", "screen", "burst")
LONG = ("describing", "idle", "links", "migration")
"""They take minutes each, so they run only by their names."""


def rows(names: list[str]) -> Iterator[Row]:
    """The rows of the named benches, as they come."""
    for name in names:
        print(f"bench {name}...", file=sys.stderr)
        yield from importlib.import_module(f"tests.bench.{name}").run()


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
    found = []
    for row in rows(names):
        found.append(row)
        if options.json:
            print(json_line(row), flush=True)
    if not options.json:
        print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
