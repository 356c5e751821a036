"""Own molecules are preferred by how much commoner they are in the training set; sizes move by what is missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from benchmarks import preferred, sizes


def test_odds_of_shifted_normal_distributions():
    # ln of N(x; 1, 1) over N(x; 0, 1) is x − 1/2; the penalty pulls it a little towards zero
    random = np.random.default_rng(0)
    real, own = random.normal(1, 1, (20_000, 1)), random.normal(0, 1, (20_000, 1))
    odds = preferred.log_odds(*preferred.of_descriptors(real, own), random)
    slope, at_zero = np.polyfit(own[:, 0], odds, 1)
    assert slope == pytest.approx(1, abs=0.25)
    assert at_zero == pytest.approx(-0.5, abs=0.2)


def test_groups_count_that_are_not_rare():
    real = pd.DataFrame({"functional_groups": ["fr_NH2 2; fr_ester 1", "fr_ester 1", "", ""]})
    own = pd.DataFrame({"functional_groups": ["fr_NH2 1", "fr_azide 1; fr_ester 3"]})
    there, here = preferred.of_groups(real, own)
    assert there.mean(0) == pytest.approx([0, 0])
    assert there.std(0) == pytest.approx([1, 1])
    # NH2 in a quarter of the real ones, the ester in half of them; the azide in none
    assert here == pytest.approx(np.array([[0.75 / 0.1875**0.5, -1], [-0.25 / 0.1875**0.5, 1]]))


def test_components_of_activations():
    random = np.random.default_rng(0)
    real = random.normal(0, 1, (5000, 3)) * [5, 2, 0.1] + [1, 2, 3]
    there, here = preferred.of_chemnet(real, np.array([[6.0, 2.0, 3.0], [1.0, 4.0, 3.0]]), 2)
    assert there[:, :2].std(0) == pytest.approx([1, 1], abs=0.01)
    assert np.abs(here[:, :2]) == pytest.approx(np.eye(2), abs=0.06)
    assert here[:, 2:] == pytest.approx(np.eye(2) - 1, abs=0.12)


def test_chances_have_the_number_and_the_mean_that_are_asked():
    random = np.random.default_rng(0)
    values, odds = random.normal(0, 1, (8000, 2)), random.normal(0, 1, 8000)
    chance = preferred.chances(odds, values, np.array([0.5, 0.0]), 2000)
    assert chance.sum() == pytest.approx(2000, rel=0.01)
    assert chance @ values / chance.sum() == pytest.approx([0.5, 0.0], abs=0.05)
    # likelier ones are drawn more often, at the same values
    assert np.corrcoef(odds, np.log(chance / (1 - chance)))[0, 1] > 0.7
    places = preferred.drawn(chance, random)
    assert len(places) == pytest.approx(2000, abs=150)
    assert len(set(places.tolist())) == len(places)


def test_a_mean_that_few_molecules_could_mend_stays_off(monkeypatch: pytest.MonkeyPatch):
    values = np.append(np.zeros(990), np.full(10, 10.0))[:, None]
    means = {}
    usual = preferred.RIDGE
    for ridge in (usual, 0.0):
        monkeypatch.setattr(preferred, "RIDGE", ridge)
        chance = preferred.chances(np.zeros(1000), values, np.array([0.9]), 100)
        assert chance.sum() == pytest.approx(100, rel=0.01)
        means[ridge] = chance @ values[:, 0] / 100
    assert means[0.0] == pytest.approx(0.9, abs=0.01)
    assert 0.5 < means[usual] < 0.89


@pytest.fixture
def checked(tmp_path: Path) -> NDArray[np.int64]:
    """Checks of own molecules, of 22 atoms, and a training set, of 24; the last own ones, of 30, are unknown."""
    random = np.random.default_rng(0)
    for name, atoms, known in (("own", 22, 900), ("training", 24, 1000)):
        rows = [row(f"{name}{place}", round(random.normal(atoms, 3)), known=place < known) for place in range(1000)]
        for wrong in rows[known:]:
            wrong["heavy_atoms"] = 30
        (tmp_path / name).mkdir()
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name / "rows.parquet")
    (tmp_path / "own.sdf").write_text("".join(f"{place}\n$$$$\n" for place in range(1000)))
    return np.asarray(pq.read_table(tmp_path / "own" / "rows.parquet")["heavy_atoms"].to_numpy())


def sets(folder: Path, *options: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the preferred and of the refused molecules."""
    preferred.main(
        [str(folder / "round"), f"{folder / 'own.sdf'}={folder / 'own'}", "--like", str(folder / "training"), *options]
    )
    texts = [(folder / f"round_{kind}.sdf").read_text() for kind in ("kept", "refused")]
    kept, refused = (np.array([int(block) for block in text.split("\n$$$$\n")[:-1]]) for text in texts)
    return kept, refused


def test_rounds_are_of_what_the_weights_make_and_of_the_training_set(tmp_path: Path, checked: NDArray[np.int64]):
    kept, refused = sets(tmp_path, "-n", "150", "--beyond", "0.5")
    assert kept.max() < 900
    assert refused[:100].min() >= 900
    assert refused[100:].max() < 900
    assert not set(kept) & set(refused)
    assert len(refused) == pytest.approx(250, abs=40)
    assert checked[refused[100:]].mean() == pytest.approx(checked.mean() - 0.5 * (24 - checked.mean()), abs=0.5)
    # those that are like the unknown are after those that are like the training set; few known ones have 30 atoms
    assert len(kept) == pytest.approx(250, abs=40)
    one, other = kept[: np.argmin(np.diff(kept)) + 1], kept[np.argmin(np.diff(kept)) + 1 :]
    assert checked[one].mean() == pytest.approx(24, abs=0.7)
    assert checked[other].mean() > 25


def test_few_molecules_and_no_unknown_ones(tmp_path: Path, checked: NDArray[np.int64]):
    kept, refused = sets(tmp_path, "-n", "5000", "--unknown", "0")
    assert len(kept) == pytest.approx(300, abs=50)  # a third of the known ones
    assert len(refused) == pytest.approx(300, abs=50)
    assert max(*kept, *refused) < 900
    assert not set(kept) & set(refused)


def row(smiles: str, atoms: int, *, valid: bool = True, known: bool = True) -> dict[str, object]:
    numbers = dict.fromkeys(preferred.DESCRIPTORS[:-1], 1.0) | {"heavy_atoms": atoms}
    texts = {"smiles": smiles, "key": smiles, "functional_groups": ""}
    return {**texts, "valid_strict": valid, "rings_known": known, **numbers}


def test_own_molecules_by_their_checks(tmp_path: Path):
    rows = [row("C", 1), row("C", 1), row("CC", 2), row("CCC", 3, known=False), row("?", 4, valid=False)]
    (tmp_path / "own").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "own" / "rows.parquet")
    (tmp_path / "own.sdf").write_text("".join(f"{place}\n$$$$\n" for place in range(5)))
    own = preferred.Own.of([f"{tmp_path / 'own.sdf'}={tmp_path / 'own'}"])
    assert [block[0] for block in own.known["block"]] == ["0", "2"]  # the second is the first again
    assert own.unknown["block"].tolist() == ["3\n$$$$\n"]
    assert own.invalid == ["4\n$$$$\n"]


def test_sizes_get_the_mean_and_variance_that_are_asked():
    before = {n: round(1e6 * np.exp(-((n - 25) ** 2) / 72)) for n in range(4, 51)}
    after = sizes.tilted(before, 2.0, 8.0)
    assert list(after) == list(before)
    assert sum(after.values()) == pytest.approx(sizes.TOTAL, rel=1e-3)
    there, now = (sizes.moments(np.array(list(h), float), np.array(list(h.values()), float)) for h in (before, after))
    assert now - there == pytest.approx([2.0, 8.0], abs=0.05)
    same = sizes.tilted(before, 0.0, 0.0)
    assert same[25] / same[31] == pytest.approx(np.e**0.5, rel=0.01)


def test_a_tilt_that_there_is_not():
    with pytest.raises(ValueError, match="no tilt of the sizes gives a mean of 70"):
        sizes.tilted({10: 5, 20: 5}, 55.0, 0.0)
