"""What is done to virtual networks: `FAMILY.py` has the verbs of a family."""

from __future__ import annotations

from core.verbs.network import activity, deleting, editing, entries, making

VERBS = (*activity.VERBS, *making.VERBS, *editing.VERBS, *entries.VERBS, *deleting.VERBS)
