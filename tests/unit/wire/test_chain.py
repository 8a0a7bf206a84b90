"""A kept chain read back: sound records are believed, damage keeps its place, nothing after it is lost."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.wire.journal import (
    Chain,
    Damaged,
    Kept,
    Record,
    header_bytes,
    lost_hash,
    make_record,
    read_chain,
)
from tests.unit.wire.samples import AT, header

CHAIN = Chain("acme", "SH01", "SH01-A1", "00000000000000aa")


def records(count: int) -> list[Record]:
    made: list[Record] = []
    for seq in range(1, count + 1):
        head = replace(header("sale", AT, "p", rec_id=f"r-{seq}"), epoch=CHAIN.epoch, seq=seq)
        prev = made[-1].hash if made else CHAIN.genesis()
        made.append(make_record(head, prev, b'{"n":%d}' % seq))
    return made


def kept(made: list[Record]) -> list[Kept]:
    return [Kept(r.seq, header_bytes(r.header), r.prev_hash, r.hash, r.body) for r in made]


def read(rows: list[Kept]) -> list[Record | Damaged]:
    return list(read_chain(rows, CHAIN.epoch, CHAIN.genesis(), 0))


MADE = records(6)
ROWS = kept(MADE)


def test_a_sound_chain_is_its_records() -> None:
    assert read(ROWS) == MADE


@given(st.integers(0, 5), st.sampled_from(["body", "header"]), st.binary(max_size=40))
def test_a_changed_record_is_damage_and_the_others_are_believed(
    place: int, part: str, junk: bytes
) -> None:
    changed = replace(ROWS[place], **{part: junk})  # type: ignore[arg-type] # both are bytes
    found = read([*ROWS[:place], changed, *ROWS[place + 1 :]])
    assert [each.seq for each in found] == list(range(1, 7))
    assert isinstance(found[place], Damaged)
    assert found[place].hash == MADE[place].hash
    assert found[:place] + found[place + 1 :] == MADE[:place] + MADE[place + 1 :]


@given(st.integers(0, 5), st.sampled_from(["hash", "prev_hash"]), st.binary(max_size=40))
def test_a_hash_that_has_rotted_is_put_right_from_its_neighbours(
    place: int, part: str, junk: bytes
) -> None:
    rotten = replace(ROWS[place], **{part: junk})  # type: ignore[arg-type] # both are bytes
    found = read([*ROWS[:place], rotten, *ROWS[place + 1 :]])
    if part == "hash" and place == len(ROWS) - 1 and junk != MADE[place].hash:
        # Nothing comes after the last one that could say what its hash was.
        assert found[:place] == MADE[:place]
        assert isinstance(found[place], Damaged)
    else:
        assert found == MADE


@given(st.sets(st.integers(1, 6), min_size=1, max_size=5))
def test_missing_records_keep_their_places(gone: set[int]) -> None:
    found = read([row for row in ROWS if row.seq not in gone])
    last = max(row.seq for row in ROWS if row.seq not in gone)
    assert [each.seq for each in found] == list(range(1, last + 1))
    for each in found:
        assert isinstance(each, Damaged) == (each.seq in gone)
    for each in found:
        if each.seq in gone and each.seq + 1 in gone and each.seq + 1 <= last:
            assert each.hash == lost_hash(CHAIN.epoch, each.seq)
        elif each.seq in gone:
            assert each.hash == MADE[each.seq - 1].hash


def test_a_record_moved_to_another_number_is_damage() -> None:
    moved = replace(ROWS[2], seq=4)
    found = read([*ROWS[:2], moved, *ROWS[4:]])
    assert [type(each) for each in found[2:4]] == [Damaged, Damaged]
    assert found[4:] == MADE[4:]


def test_a_record_rewritten_with_a_hash_to_fit_is_found_by_the_next_one() -> None:
    forged = make_record(MADE[1].header, MADE[0].hash, b'{"n":9}')
    found = read([ROWS[0], *kept([forged]), *ROWS[2:]])
    assert isinstance(found[1], Damaged)
    assert found[2:] == MADE[2:]
