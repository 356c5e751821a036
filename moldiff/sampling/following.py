"""Molecules of a model in training, so that its log says what it makes."""

import torch

from moldiff.config.sample import SampleOptions
from moldiff.config.train import TrainOptions
from moldiff.models.checkpoint import Model
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.scoring.molecule.keys import flat_key
from moldiff.scoring.molecule.portrait import realism_of
from moldiff.scoring.molecule.validity import one_molecule


def sampled_rates(model: Model, options: TrainOptions, known: frozenset[str]) -> dict[str, float]:
    """Rates of a few molecules of a model in training.

    Args:
        model: the model.
        options: of the training.
        known: ring systems of the training set.

    Returns:
        Valid molecules of all; of the valid ones the shares that are distinct, reasonable, and that hold a ring system
        that is not known.
    """
    network = model.network
    training = network.training
    network.eval()
    chosen = SampleOptions(
        n=options.sample_count,
        restarts=0,  # what the network makes by itself
        seed=options.seed,
        threads=torch.get_num_threads(),
        accelerator=options.accelerator,
        **(options.distill.sampling if options.objective == "distill" else {"steps": 50}),
    )
    sampler, plan = Sampler(model), Plan.of(chosen)
    made = [one for batch in plan.batches(model.statistics) for one in sampler.batch(plan, batch)]
    network.train(training)
    written = [sampler.to_rdkit(one) for one in made if one.finite]
    valid = [mol for mol in map(one_molecule, written) if mol is not None]
    keys = [flat_key(mol) for mol in valid]
    rows = [realism_of(key) for key in keys]
    unknown = sum(not known.issuperset(systems) for systems, _ in rows)

    def share(count: int) -> float:
        return count / len(valid) if valid else float("nan")

    return {
        "sampled_valid": len(valid) / len(made),
        "sampled_unique": share(len(set(keys))),
        "sampled_reasonable": share(sum(bool(values["reasonable"]) for _, values in rows)),
        "sampled_unknown_rings": share(unknown),
    }
