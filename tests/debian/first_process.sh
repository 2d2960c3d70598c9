#!/bin/sh
# The first process of the tree: `first_process.sh TREE PROJECT`, in private mount, process, name and
# IPC namespaces (tests/debian/machine.py). It makes TREE the root, says "ready" and then only reaps.
# When it ends, the kernel ends every process of the tree, and with the last one go its mounts.
set -eu
tree=$1
hostname debian-13
mount --make-rprivate /
mount --rbind "$tree" "$tree"
cd "$tree"
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mkdir -p run/outside
pivot_root . run/outside
cd /
umount -l /run/outside
rmdir /run/outside
exec python3 /root/reap.py
