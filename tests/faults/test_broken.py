"""A few of the fuzzers' cases, which hypothesis makes as small as they can be; `tests.faults.fuzz` runs thousands."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults import fuzz
from tests.faults.broken import CASES
from tests.faults.damage import contents, read
from tests.faults.structures import v3000_block


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("broken")
    fuzz.prepare(made)
    return made


@pytest.mark.parametrize("kind", CASES)
def test_nothing_is_lost_of_broken_files(folder: Path, kind: str):
    @settings(max_examples=25, deadline=None, database=None)
    @given(st.randoms(use_true_random=False))
    def holds(draw):
        assert CASES[kind](draw, folder)

    holds()


def test_the_fuzzers_notice_what_is_lost(folder: Path, monkeypatch: pytest.MonkeyPatch):
    for kind, module in (("v3000", "structures"), ("table", "tables")):
        monkeypatch.setattr(f"tests.faults.{module}.read", lambda path: read(path)[1:])
        words = [fuzz.one(kind, folder, number)[0] for number in range(5)]
        assert any(word.startswith("FAILED") for word in words), kind


def test_blocks_of_v3000_are_read(folder: Path):
    path = folder / "whole.sdf"
    path.write_text("".join(v3000_block(random.Random(seed), f"m{seed}") + "\n$$$$\n" for seed in range(20)))
    assert [one[3] for one in contents(read(path))] == [f"m{seed}" for seed in range(20)]
