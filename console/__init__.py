"""The console and the command line: what people see of the core. It never calls libvirt."""
