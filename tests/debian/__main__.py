"""`python -m tests.debian test [PYTEST ARGS]` or `shell [COMMAND...]`: on a Debian 13 of its own.

`test` runs the README's commands first, as somebody does who has just read it. ./dev calls it, as
root.
"""

from __future__ import annotations

import subprocess
import sys

from tests.debian import readme, tree
from tests.debian.bootstrap import NoMirrorError
from tests.debian.machine import Machine


def main(command: str, *words: str) -> int:
    """Return the exit status of what ran in the tree; 1 when that could not be."""
    place = tree.cached_tree()
    kept = tree.environment()
    with tree.locked(place):
        try:
            tree.make(place)
        except NoMirrorError as problem:
            print(f"dev: {problem}", file=sys.stderr)
            return 1
        except subprocess.CalledProcessError as problem:
            print(f"dev: the tree could not be made: {problem}", file=sys.stderr)
            return 1
        tree.furnish(place, kept)
        with Machine(place, kept) as machine:
            machine.run(("dpkg", "--configure", "-a"))  # should the last run have been killed in it
            if command == "shell":
                return machine.run(words or ("bash",))
            try:
                readme.check(machine)
            except readme.ReadmeError as problem:
                print(f"dev: {problem}", file=sys.stderr)
                return 1
            return machine.run(("./dev", "test", *words))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
