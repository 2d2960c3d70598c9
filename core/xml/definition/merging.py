"""An edit that somebody overtook, brought onto the definition as it is now. Pure, by lines."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_OVERTAKEN = "{indent}<!-- changed meanwhile: {line} -->"


@dataclass(frozen=True, slots=True)
class Merged:
    """What was edited, on top of what somebody else changed."""

    text: str
    contested: int
    """Places that both changed: the operator's own lines stand there, the others' in a comment."""


def merged(base: str, mine: str, theirs: str) -> Merged:
    """Bring the changes from `base` to `mine` onto `theirs`."""
    old, own, other = (each.splitlines() for each in (base, mine, theirs))
    lines: list[str] = []
    contested = 0
    for kept, ours, its in _parts(old, own, other):
        if ours == its or its == kept:
            lines += ours
        elif ours == kept:
            lines += its
        else:
            contested += 1
            lines += [*map(_comment, its or ["(removed)"]), *ours]
    return Merged("\n".join(lines) + "\n", contested)


def _parts(
    old: Sequence[str], own: Sequence[str], other: Sequence[str]
) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """Cut three texts at the lines that all of them have; yield what lies between, and those."""
    mine, theirs = _kept(old, own), _kept(old, other)
    at = [0, 0, 0]
    for line in range(len(old)):
        if line not in mine or line not in theirs:
            continue
        here = [line, mine[line], theirs[line]]
        if here != at:
            yield (
                list(old[at[0] : here[0]]),
                list(own[at[1] : here[1]]),
                list(other[at[2] : here[2]]),
            )
        yield ([old[line]],) * 3
        at = [each + 1 for each in here]
    yield list(old[at[0] :]), list(own[at[1] :]), list(other[at[2] :])


def _kept(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Return where the lines of an old text that were kept are in the new one."""
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {block.a + nth: block.b + nth for block in blocks for nth in range(block.size)}


def _comment(line: str) -> str:
    """Return a line as a comment, in which two dashes cannot stand."""
    bare = line.lstrip()
    indent = line[: len(line) - len(bare)]
    return _OVERTAKEN.format(indent=indent, line=bare.replace("--", "- -").rstrip("-"))
