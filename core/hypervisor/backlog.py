"""What is still to be read, in the order in which it is wanted. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from core.model.base import ObjectKey


class Backlog:
    """Keys of objects to be read, each once; those somebody looks at come first.

    Every method costs in proportion to the keys it is given or gives, never to those that wait.
    """

    def __init__(self) -> None:
        self._preferred: dict[ObjectKey, None] = {}
        self._rest: dict[ObjectKey, None] = {}

    def __len__(self) -> int:
        return len(self._preferred) + len(self._rest)

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._preferred or key in self._rest

    def add(self, keys: Iterable[ObjectKey]) -> None:
        """Append keys; one that waits already keeps its place."""
        for key in keys:
            if key not in self._preferred:
                self._rest[key] = None

    def prefer(self, keys: Iterable[ObjectKey]) -> None:
        """Have these keys come first, as far as they wait, instead of those preferred before."""
        self._rest = self._preferred | self._rest if self._preferred else self._rest
        self._preferred = {key: None for key in keys if key in self._rest}
        for key in self._preferred:
            del self._rest[key]

    def take(self, most: int) -> tuple[ObjectKey, ...]:
        """Remove and return the first keys, `most` at most."""
        taken = tuple(islice(self._preferred, most))
        taken += tuple(islice(self._rest, most - len(taken)))
        self.discard(taken)
        return taken

    def put_back(self, keys: Iterable[ObjectKey]) -> None:
        """Have keys that were taken come first again."""
        first = dict.fromkeys(keys)
        for key in first:
            self._rest.pop(key, None)
        self._preferred = first | self._preferred

    def discard(self, keys: Iterable[ObjectKey]) -> None:
        """Forget keys."""
        for key in keys:
            self._preferred.pop(key, None)
            self._rest.pop(key, None)

    def retain(self, keys: Iterable[ObjectKey]) -> None:
        """Forget all keys but these."""
        kept = set(keys)
        self._preferred = {key: None for key in self._preferred if key in kept}
        self._rest = {key: None for key in self._rest if key in kept}
