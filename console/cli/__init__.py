"""The command line: a family of commands per file; `root` has the table of them."""
