"""Everything that calls libvirt: connections, events, listings, statistics, calls."""
