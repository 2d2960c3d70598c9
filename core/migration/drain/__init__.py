"""How a host is emptied: what goes where, and what is begun next. Pure."""
