"""A reference in a small file says of keys, rings, scaffolds and distributions what the whole one says."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.errors import UserError
from moldiff.scoring.molecule.keys import key_hash
from moldiff.scoring.sets import compact
from moldiff.scoring.sets.compact import CompactReference, read_compact, write_compact
from moldiff.scoring.sets.reference import Reference, load_reference

SMILES = ("CCO", "CCN", "c1ccccc1", "c1ccncc1C", "C1CCCCC1O", "CC(=O)NC", "CC#N", "CCCl", "OCCO", "c1ccc2[nH]ccc2c1")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    path = tmp_path_factory.mktemp("reference") / "known.sdf"
    blocks = []
    for number in range(3 * len(SMILES)):
        mol = Chem.AddHs(Chem.MolFromSmiles(SMILES[number % len(SMILES)]))
        assert AllChem.EmbedMolecule(mol, randomSeed=number + 1) == 0
        blocks.append(write_sdf_block(Chem.RemoveHs(mol)))
    path.write_text("".join(blocks))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOLDIFF_CACHE", str(path.parent / "cache"))
        return load_reference(path, workers=1, timeout=30)


@pytest.fixture(scope="module")
def small(whole: Reference, tmp_path_factory: pytest.TempPathFactory) -> CompactReference:
    path = tmp_path_factory.mktemp("compact") / "known.reference"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "FLOOR_SIZES", (5, 10, 15))
        write_compact(path, whole, source="what known learned from")
    return read_compact(path)


def test_known_and_unknown_are_told_apart(whole: Reference, small: CompactReference):
    hashes = np.array([key_hash(Chem.CanonSmiles(text)) for text in (*SMILES, "CCCCCC", "C")], dtype=np.uint64)
    assert small.has_keys(hashes).tolist() == whole.has_keys(hashes).tolist()
    assert small.has_keys(hashes).sum() == len(SMILES)
    assert small.has_scaffolds(whole.scaffolds).all()
    assert not small.has_scaffolds(hashes[:2]).any()
    assert small.ring_systems == whole.ring_systems
    assert (small.records, small.valid, small.distinct) == (30, 30, len(SMILES))
    assert small.source == "what known learned from"


def test_distances_are_those_of_the_whole(whole: Reference, small: CompactReference):
    other = Reference(**{**vars(whole), "profiled": whole.profiled[:7]}).profile()
    expected = other.distances(whole.profile())
    found = other.distances(small.profile())
    assert found == expected
    assert any(distance.value for distance in found.values())


def test_noise_floors_are_kept_and_interpolated(whole: Reference, small: CompactReference):
    for size in (5, 10, 15):
        assert small.noise_floor(size, 0) == whole.noise_floor(size, 0)
    size, between = small.noise_floor(7, 0)
    assert size == 7
    low, high = (whole.noise_floor(size, 0)[1]["mw"] for size in (5, 10))
    assert min(low, high) <= between["mw"] <= max(low, high)
    assert small.noise_floor(10**6, 0)[0] == 15


def test_the_same_reference_gives_the_same_bytes_and_damage_is_found(whole: Reference, tmp_path: Path):
    for name in ("a", "b"):
        write_compact(tmp_path / name, whole, source="x")
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes()
    for broken in (data[:-20], data[:100] + bytes([data[100] ^ 1]) + data[101:], b"", b"no reference"):
        (tmp_path / "a").write_bytes(broken)
        with pytest.raises(UserError, match="install moldiff again"):
            read_compact(tmp_path / "a")


def test_other_definitions_are_refused(whole: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_compact(tmp_path / "a", whole, source="x")
    monkeypatch.setattr(compact, "DEFINITIONS", "moldiff-check-0")
    with pytest.raises(UserError, match="was made by"):
        read_compact(tmp_path / "a")
