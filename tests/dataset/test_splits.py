from hypothesis import given
from hypothesis import strategies as st

from moldiff.dataset.splits import (
    TEST,
    TRAIN,
    VALID,
    split_at_random,
    split_by_hash,
    split_by_scaffold,
    split_from_text,
)

KEYS = [f"KEY{number:05d}" for number in range(2000)]


def test_hash_split_of_a_molecule_does_not_depend_on_the_others():
    whole = dict(zip(KEYS, split_by_hash(KEYS, 0.1, 0.05), strict=True))
    some = KEYS[::7]
    assert split_by_hash(some, 0.1, 0.05) == [whole[key] for key in some]
    counts = [list(whole.values()).count(name) for name in (TRAIN, VALID, TEST)]
    assert 1600 < counts[0] < 1800
    assert 140 < counts[1] < 260
    assert 60 < counts[2] < 140


@given(st.lists(st.sampled_from(KEYS[:50]), min_size=1), st.integers(0, 5))
def test_random_split_has_exact_shares_and_keeps_duplicates_together(keys, seed):
    places = split_at_random(keys, 0.2, 0.1, seed)
    distinct = dict(zip(keys, places, strict=True))
    assert places == [distinct[key] for key in keys]
    assert list(distinct.values()).count(VALID) == round(0.2 * len(distinct))
    assert list(distinct.values()).count(TEST) == round(0.1 * len(distinct))


def test_random_split_follows_the_seed():
    assert split_at_random(KEYS, 0.2, 0, 1) == split_at_random(KEYS, 0.2, 0, 1) != split_at_random(KEYS, 0.2, 0, 2)


@given(st.lists(st.sampled_from(["", "c1ccccc1", "C1CC1", "c1ccncc1"]), min_size=1))
def test_scaffold_split_never_cuts_a_scaffold(scaffolds):
    places = split_by_scaffold(scaffolds, 0.2, 0.1)
    assert len(set(zip(scaffolds, places, strict=True))) == len(set(scaffolds))


def test_frequent_scaffolds_are_for_training():
    scaffolds = ["a"] * 80 + ["b"] * 10 + ["c"] * 10
    assert split_by_scaffold(scaffolds, 0.1, 0.1) == [TRAIN] * 80 + [VALID] * 10 + [TEST] * 10
    assert split_by_scaffold(scaffolds, 0.0, 0.0) == [TRAIN] * 100


def test_spellings():
    assert [split_from_text(text) for text in ("Train", " validation", "val", "TEST", "other", "")] == [
        TRAIN,
        VALID,
        VALID,
        TEST,
        None,
        None,
    ]
