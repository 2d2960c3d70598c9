"""What is handed from a reader to a writer, and what it amounts to."""

from __future__ import annotations

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.hypervisor.calls.pipe import BLOCK, Digest, Pipe, PipeBrokenError

PIECES = st.lists(
    st.one_of(
        st.integers(1, 3 * BLOCK),
        st.tuples(st.sampled_from([b"\0", b"a", b"ab\0"]), st.integers(1, BLOCK)).map(
            lambda one: one[0] * one[1]
        ),
    ),
    max_size=5,
)


def of(*pieces: bytes | int) -> str:
    digest = Digest()
    for piece in pieces:
        digest.feed(piece)
    return digest.text()


@given(PIECES, st.integers(1, 2 * BLOCK))
def test_holes_and_zeros_are_the_same_however_they_come(
    pieces: list[bytes | int], cut: int
) -> None:
    flat = b"".join(bytes(one) if isinstance(one, int) else one for one in pieces)
    assert of(*pieces) == of(*(flat[at : at + cut] for at in range(0, len(flat), cut)))


def test_what_differs_has_another_digest() -> None:
    found = {of(b"a"), of(b"b"), of(b"a", 1), of(1, b"a"), of(BLOCK, b"a"), of(b"a", BLOCK), of()}
    assert len(found) == 7


def test_pieces_come_in_their_order_to_the_end() -> None:
    pipe = Pipe()
    sent: list[bytes | int] = [b"a", 7, b"b"] * 20

    def read() -> None:
        for one in (*sent, None):
            pipe.put(one)

    reader = Thread(target=read)
    reader.start()
    assert list(pipe.pieces()) == sent
    reader.join()


def test_either_side_ends_where_the_other_has_failed() -> None:
    pipe = Pipe()
    pipe.fail()
    with pytest.raises(PipeBrokenError):
        next(pipe.pieces())
    with pytest.raises(PipeBrokenError):
        pipe.put(b"a")
