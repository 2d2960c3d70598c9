"""A Debian 13 of packages: a machine in a directory, and the image of a system.

`./dev test --on debian-13` runs README and tests on the machine: `tree` makes the directory,
`machine` runs it with private mounts and processes, `readme` runs the README's commands on it,
`__main__` puts them together. `cloud_image` makes the image of a system, as clouds boot it.
Both begin with `bootstrap`.
"""
