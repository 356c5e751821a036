"""The Fréchet distance, whose network is an extra."""

import importlib.util

import numpy as np
import pytest

from moldiff.config.check import CheckOptions
from moldiff.errors import UserError
from moldiff.scoring.sets.frechet import activations, frechet_distance
from moldiff.stages.check import check


def test_distance_of_normal_distributions_is_the_known_one():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(200_000, 3))
    other = 2 * rng.normal(size=(200_000, 3)) + [1, 0, 0]
    # |m - m'|² + sum over axes of (s - s')²
    assert frechet_distance(one, other) == pytest.approx(1 + 3, abs=0.05)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)


def test_fewer_molecules_than_axes_have_a_distance():
    rng = np.random.default_rng(1)
    assert np.isfinite(frechet_distance(rng.normal(size=(4, 16)), rng.normal(size=(4, 16))))


def test_a_missing_extra_is_named_before_the_work(tmp_path, monkeypatch):
    path = tmp_path / "one.smi"
    path.write_text("CCO\n")
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fcd" else found(name))
    with pytest.raises(UserError, match=r"pip install 'moldiff\[fcd\]'"):
        check(CheckOptions(fcd=10), [str(path)], tmp_path / "out", train=path, workers=1)
    assert not (tmp_path / "out").exists()


def test_a_reference_is_needed(tmp_path):
    path = tmp_path / "one.smi"
    path.write_text("CCO\n")
    with pytest.raises(UserError, match="--reference"):
        check(CheckOptions(fcd=10), [str(path)], tmp_path / "out", workers=1)


def test_of_a_set_from_itself_is_below_that_from_another(tmp_path, monkeypatch):
    pytest.importorskip("fcd")
    monkeypatch.setenv("MOLDIFF_CACHE", str(tmp_path / "cache"))
    chains = [f"{'C' * n}{end}" for n in range(1, 9) for end in ("O", "N", "Cl", "C#N")]
    (tmp_path / "chains.smi").write_text("\n".join(chains))
    (tmp_path / "rings.smi").write_text("\n".join(f"c1ccccc1{chain}" for chain in chains))
    summaries = [
        check(
            CheckOptions(fcd=16), [str(tmp_path / name)], tmp_path / name[:-4], train=tmp_path / "chains.smi", workers=1
        )
        for name in ("chains.smi", "rings.smi")
    ]
    alike, other = (summary.distances["fcd"] for summary in summaries)
    assert alike.n == alike.reference_n == 16
    assert alike.value < other.value
    assert alike.noise_floor > 0
    assert activations(["CCO"]).shape == (1, 512)
