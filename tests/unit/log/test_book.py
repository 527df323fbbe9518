"""The form of the book: headers as bytes, and what a row's hash covers."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from compound.log.book import FIRST_ROOT, Chain, decode_headers, encode_headers, root
from compound.log.port import Slot

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=50)), max_size=8).map(tuple)
ROWS = st.tuples(
    st.integers(0, 2**63 - 1), st.integers(-(2**62), 2**62), *[st.binary(max_size=40)] * 3
)  # offset, recorded, key, headers, value
SLOTS = st.builds(Slot, NAMES, st.integers(1, 2**31 - 1), st.integers(0, 2**31 - 1))


@given(HEADERS)
def test_headers_come_back_and_are_always_the_same_bytes(headers):
    coded = encode_headers(headers)
    assert decode_headers(coded) == headers
    assert encode_headers(decode_headers(coded)) == coded


@given(SLOTS, st.binary(min_size=32, max_size=32), ROWS)
def test_a_rows_hash_is_what_the_documentation_says(slot, before, row):
    offset, recorded, key, headers, value = row
    fields = [
        before,
        slot.topic.encode(),
        slot.generation.to_bytes(4, "big"),
        slot.partition.to_bytes(4, "big"),
        offset.to_bytes(8, "big"),
        recorded.to_bytes(8, "big", signed=True),
        key,
        headers,
        value,
    ]
    expected = hashlib.sha256(b"".join(len(field).to_bytes(4, "big") + field for field in fields)).digest()
    chain = Chain(slot, before)
    assert chain.extend(*row) == expected
    assert chain.head == expected


@given(SLOTS, st.lists(ROWS, min_size=2, max_size=4, unique=True))
def test_no_two_rows_and_no_two_orders_have_one_hash(slot, rows):
    assert len({Chain(slot, FIRST_ROOT).extend(*row) for row in rows}) == len(rows)
    forward, backward = Chain(slot, FIRST_ROOT), Chain(slot, FIRST_ROOT)
    for row in rows:
        forward.extend(*row)
    for row in reversed(rows):
        backward.extend(*row)
    assert forward.head != backward.head


def test_bytes_moved_between_fields_change_the_hash():
    slot = Slot("t", 1, 0)
    assert Chain(slot, FIRST_ROOT).extend(0, 0, b"ab", b"", b"") != Chain(slot, FIRST_ROOT).extend(
        0, 0, b"a", b"b", b""
    )
    assert Chain(slot, FIRST_ROOT).extend(0, 0, b"", b"a", b"b") != Chain(slot, FIRST_ROOT).extend(
        0, 0, b"", b"", b"ab"
    )


def test_a_generations_root_covers_all_heads_in_order():
    one, two = b"\x01" * 32, b"\x02" * 32
    assert root([one, two]) == hashlib.sha256(b"\0\0\0\x20" + one + b"\0\0\0\x20" + two).digest()
    assert len({root([one, two]), root([two, one]), root([one]), root([one, two, two])}) == 4
