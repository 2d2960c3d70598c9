"""A module for each family of protocols: what it needs, and the image that it gives. Pure."""
