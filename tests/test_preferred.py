"""Own molecules are preferred by how much commoner they are in the training set; sizes move by what is missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
    # logistic: with nothing to move, the odds of a chance are the odds given, but for a constant
    alone = preferred.chances(odds, values[:, :0], np.zeros(0), 2000)
    moved = np.log(alone / (1 - alone)) - odds
    assert moved == pytest.approx(np.full(8000, moved[0]), abs=1e-6)
    places = preferred.drawn(chance, random)
    assert len(places) == pytest.approx(2000, abs=150)
    assert len(set(places.tolist())) == len(places)


def test_a_mean_that_few_molecules_could_mend_stays_off():
    values = np.append(np.zeros(999), 10.0)[:, None]
    chance = preferred.chances(np.zeros(1000), values, np.array([1.0]), 100)
    assert chance.sum() == pytest.approx(100, rel=0.01)
    assert 0.05 < chance @ values[:, 0] / 100 < 0.2


def test_rounds_are_of_what_the_weights_make_and_of_the_training_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    random = np.random.default_rng(0)
    for name, atoms, known in (("own", 22, 900), ("training", 24, 1000)):
        rows = [row(f"{name}{place}", int(random.normal(atoms, 3)), known=place < known) for place in range(1000)]
        for wrong in rows[known:]:
            wrong["heavy_atoms"] = 30
        (tmp_path / name).mkdir()
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name / "rows.parquet")
    own = pq.read_table(tmp_path / "own" / "rows.parquet")["heavy_atoms"].to_numpy()
    (tmp_path / "own.sdf").write_text("".join(f"{place}\n$$$$\n" for place in range(1000)))
    options = ["--like", str(tmp_path / "training"), "-n", "150", "--beyond", "0.5"]
    preferred.main([str(tmp_path / "round"), f"{tmp_path / 'own.sdf'}={tmp_path / 'own'}", *options])
    kept, refused = (
        own[[int(block) for block in (tmp_path / f"round_{kind}.sdf").read_text().split("\n$$$$\n")[:-1]]]
        for kind in ("kept", "refused")
    )
    assert (refused[:100] == 30).all()
    assert refused[100:].mean() == pytest.approx(own.mean() - 0.5 * (24 - own.mean()), abs=0.5)
    assert kept.max() < 40
    assert kept[:150].mean() == pytest.approx(24, abs=0.7)
    assert "100 unknown" in capsys.readouterr().out


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
