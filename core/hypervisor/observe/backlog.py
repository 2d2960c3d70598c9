"""What is still to be read, in the order in which it is wanted. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice

from core.model.base import ObjectKey


class Backlog:
    """Keys of objects to be read, each once; those somebody looks at come first.

    What is looked at is remembered: a key that comes to wait later, or comes back, is among the
    first if it is. Every method but `retain` costs in proportion to the keys it is given or gives,
    never to those that wait; hence OrderedDict, for to find the first key of a dict takes a step
    for each that was removed from its front.
    """

    def __init__(self) -> None:
        self._looked_at: dict[ObjectKey, None] = {}
        self._preferred: OrderedDict[ObjectKey, None] = OrderedDict()
        """Those that wait and are looked at."""
        self._rest: OrderedDict[ObjectKey, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._preferred) + len(self._rest)

    def __iter__(self) -> Iterator[ObjectKey]:
        """Return those that wait, in their order."""
        yield from (*self._preferred, *self._rest)

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._preferred or key in self._rest

    @property
    def looked_at(self) -> tuple[ObjectKey, ...]:
        """What somebody looks at, whether it waits or not."""
        return tuple(self._looked_at)

    @property
    def urgent(self) -> bool:
        """Whether something waits that somebody looks at."""
        return bool(self._preferred)

    def add(self, keys: Iterable[ObjectKey]) -> None:
        """Append keys; one that waits already keeps its place."""
        for key in keys:
            self._queue_of(key).setdefault(key)

    def prefer(self, keys: Iterable[ObjectKey]) -> None:
        """Have these keys come first instead of those preferred before: in this order those that
        wait, after them those that come to wait later."""
        before, self._looked_at = self._preferred, dict.fromkeys(keys)
        self._preferred = OrderedDict.fromkeys(key for key in self._looked_at if key in self)
        for key in self._preferred:
            self._rest.pop(key, None)
        self.put_back(key for key in before if key not in self._preferred)

    def take(self, most: int) -> tuple[ObjectKey, ...]:
        """Remove and return the first keys, `most` at most."""
        taken = tuple(islice(self._preferred, most))
        taken += tuple(islice(self._rest, most - len(taken)))
        self.discard(taken)
        return taken

    def put_back(self, keys: Iterable[ObjectKey]) -> None:
        """Have keys that were taken come first again; before them comes what is looked at."""
        for key in reversed(tuple(keys)):
            queue = self._queue_of(key)
            queue[key] = None
            queue.move_to_end(key, last=False)

    def discard(self, keys: Iterable[ObjectKey]) -> None:
        """Forget keys."""
        for key in keys:
            self._preferred.pop(key, None)
            self._rest.pop(key, None)

    def retain(self, keys: Iterable[ObjectKey]) -> None:
        """Forget all keys but these."""
        kept = set(keys)
        self.discard([key for key in (*self._preferred, *self._rest) if key not in kept])

    def _queue_of(self, key: ObjectKey) -> OrderedDict[ObjectKey, None]:
        return self._preferred if key in self._looked_at else self._rest
