"""The MOSES benchmark's metrics have their closed forms."""

import numpy as np
import pytest
from rdkit import Chem

from benchmarks import moses
from moldiff.chemistry.formats.records import Record

SMILES = ["CC(=O)Nc1ccc(O)cc1", "CCOC(=O)c1ccccc1", "O=C(NC1CC1)c1ccc2ccccc2c1"]
MOLS = [Chem.MolFromSmiles(text) for text in SMILES]


def test_a_set_beside_itself():
    prints = moses.fingerprints(MOLS)
    assert moses.nearest_similarity(prints, prints.astype(np.uint8)) == pytest.approx(1)
    for counted in (moses.fragment_counts(MOLS), moses.scaffold_counts(MOLS)):
        assert moses.cosine(counted, counted) == pytest.approx(1)
        assert moses.cosine(counted, {"C#C": 1}) == 0
    assert moses.scaffold_counts(MOLS) == {"O=C(NC1CC1)c1ccc2ccccc2c1": 1}  # others have a single ring


def test_similarities_are_tanimotos():
    one, other = np.zeros((2, moses.BITS), np.float32)
    one[:3], other[1:5] = 1, 1
    assert moses.similarities(one[None], other[None]).item() == pytest.approx(2 / 5)
    assert moses.internal_diversity(np.stack([one, one]), 1) == pytest.approx(0)
    assert moses.internal_diversity(np.stack([one, other]), 1) == pytest.approx(1 - (2 + 2 * 0.4) / 4)
    assert moses.internal_diversity(np.stack([one, other]), 2) == pytest.approx(1 - ((2 + 2 * 0.16) / 4) ** 0.5)


def test_frechet_distance_of_shifted_and_scaled_normal_distributions():
    values = np.random.default_rng(0).normal(size=(500, 4))
    mean, covariance = values.mean(0), np.cov(values, rowvar=False)
    assert moses.frechet(values, mean, covariance) == pytest.approx(0, abs=1e-9)
    assert moses.frechet(values, mean + [2, 0, 0, 0], covariance) == pytest.approx(4)
    assert moses.frechet(values, mean, 4 * covariance) == pytest.approx(np.trace(covariance))  # (2 − 1)² tr C


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OCC", "CCO"),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ("CCO.Cl", None),
        ("C(C)(C)(C)(C)C", None),
        ("nonsense", None),
    ],
)
def test_valid_smiles(text: str, expected: str | None):
    assert moses.valid_smiles(Record("a.smi", 1, text, "smiles")) == expected
