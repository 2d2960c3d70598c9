"""A Debian 13 machine in a directory: `./dev test --on debian-13` runs README and tests there.

`tree` makes the directory, `machine` runs it with private mounts and processes, `readme` runs the
README's commands on it, `__main__` puts them together.
"""
