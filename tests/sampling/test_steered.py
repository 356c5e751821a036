"""What goes around the network: as many atoms as are asked for, also of weights that decide it themselves."""

from pathlib import Path

import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from moldiff.models.checkpoint import Model, Statistics
from moldiff.molecules.batch import Vocabulary
from moldiff.network.build import build_network
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.sampling.steered import spare
from tests import tiny


@pytest.fixture
def sampler() -> Sampler:
    torch.manual_seed(0)
    vocabulary = Vocabulary((6, 7, 8, 9), (-1, 0, 1), placeholder=True)
    network = build_network(tiny.network().options, vocabulary, tiny.SIGMA_DATA)
    marginals = {**tiny.MARGINALS, "element": [*(0.8 * share for share in tiny.MARGINALS["element"]), 0.2]}
    return Sampler(Model.of(network.float().eval(), Statistics(1.2, marginals, {9: 1, 12: 3}, "implicit", 0.3)))


@pytest.mark.parametrize("atoms", [1, 2, 7, 16])
def test_molecules_have_the_number_of_atoms_that_is_asked_for(sampler: Sampler, atoms: int) -> None:
    options = tiny.sample_options(atoms=atoms, n=6, steps=6, restarts=1)
    assert (spare(options, sampler.model, atoms) > 0) == (atoms > 1)
    plan = Plan.of(options)
    made = [one for batch in plan.batches(sampler.model.statistics) for one in sampler.batch(plan, batch)]
    assert [len(one.arrays) for one in made] == [atoms] * 6


def test_without_a_number_the_network_decides(sampler: Sampler) -> None:
    plan = Plan.of(tiny.sample_options(n=20, steps=6, restarts=0))
    assert spare(plan.options, sampler.model, 9) == 0
    sizes = {len(one.arrays) for batch in plan.batches(sampler.model.statistics) for one in sampler.batch(plan, batch)}
    assert len(sizes) > 2


def test_as_many_atoms_are_added_to_a_part_as_are_asked_for(sampler: Sampler, tmp_path: Path) -> None:
    mol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    path = tmp_path / "part.sdf"
    path.write_text(Chem.MolToMolBlock(Chem.RemoveHs(mol)) + "$$$$\n")
    options = tiny.sample_options(n=4, steps=6, restarts=0, scaffold=str(path), new_atoms="6")
    plan = Plan.of(options)
    part = sampler.part(plan)
    assert part is not None
    batches = plan.batches(sampler.model.statistics, kept=len(part))
    made = [one for batch in batches for one in sampler.batch(plan, batch, part)]
    assert [len(one.arrays) for one in made] == [len(part) + 6] * 4
