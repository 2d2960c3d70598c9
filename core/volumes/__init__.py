"""What Cinder or an operator says of a volume, as a disk of an instance. Pure but for `brick`."""
