"""os-brick in a process of its own: on this machine, as root by sudo, or on a host by ssh."""
