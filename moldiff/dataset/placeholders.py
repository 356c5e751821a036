"""Placeholder atoms: offered and not used, so that the network decides how large a molecule becomes.

A molecule of N atoms gets k more, 0 to share · N with even chances, each near a random atom of its own. They have a
class of element for themselves, charge 0 and no bonds (`moldiff.molecules.batch.Vocabulary`).
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor
from torch.nn import functional

from moldiff.molecules.batch import MoleculeBatch, Prediction, Vocabulary
from moldiff.molecules.denoiser import Denoiser
from moldiff.molecules.levels import Levels
from moldiff.molecules.pairs import pair_count

NEVER = -1e4
"""Logit of a class that is not to be made: finite, since mixtures of predictions are taken."""
DECIDED = 0.5
"""Noise level, Å, below which it is settled which atoms are placeholders, where their number is asked for."""
NEAR = 1.0
"""Standard deviation, Å, of a placeholder about its atom."""


def most_placeholders(atoms: int, share: float) -> int:
    """Placeholders of a molecule of this many atoms, at most."""
    return int(share * atoms + 0.5)


def with_placeholders(
    batch: MoleculeBatch, share: float, vocabulary: Vocabulary, random: Generator, allowed: Bool[Tensor, " molecule"]
) -> MoleculeBatch:
    """The molecules with placeholders after their atoms; positions are not centred again.

    Args:
        batch: clean molecules.
        share: largest number of placeholders, as a share of the atoms.
        vocabulary: with a placeholder.
        random: of their number and places.
        allowed: molecules that may get some.
    """
    if not vocabulary.placeholder:
        raise ValueError("the vocabulary has no placeholder")
    sizes, atoms = batch.sizes, batch.mask.shape[1]
    most = (share * sizes.double() + 0.5).long() * allowed
    uniform = torch.rand(len(sizes), generator=random)
    extra = torch.minimum((uniform * (most + 1)).long(), most)
    wider = max(atoms, int((sizes + extra).max()))
    more = wider - atoms
    place = torch.arange(wider)
    mask = place < (sizes + extra)[:, None]
    added = mask & (place >= sizes[:, None])
    anchor = (torch.rand(len(sizes), wider, generator=random) * sizes[:, None]).long()
    anchor = torch.minimum(anchor, (sizes - 1).clamp_min(0)[:, None])
    pos = functional.pad(batch.pos, (0, 0, 0, more))
    near = NEAR * torch.randn(*mask.shape, 3, generator=random).to(pos.dtype)
    near = pos.gather(1, anchor[:, :, None].expand(-1, -1, 3)) + near
    element, charge = (functional.pad(values, (0, more)) for values in (batch.element, batch.charge))
    return MoleculeBatch(
        pos=torch.where(added[:, :, None], near, pos),
        element=torch.where(added, len(vocabulary.elements), element),
        charge=torch.where(added, vocabulary.neutral, charge),
        # a pair's number does not depend on how many atoms there are: padding appends
        bond=functional.pad(batch.bond, (0, pair_count(wider) - pair_count(atoms))),
        mask=mask,
        properties=batch.properties,
        handedness=functional.pad(batch.handedness, (0, 0, 0, more)) if batch.handedness.shape[1] else batch.handedness,
    )


def offered_sizes(sizes: Mapping[int, float], share: float) -> dict[int, float]:
    """How often each number of atoms with placeholders is offered, for molecules of these sizes."""
    offered: dict[int, float] = {}
    for atoms, count in sizes.items():
        most = most_placeholders(atoms, share)
        for extra in range(most + 1):
            offered[atoms + extra] = offered.get(atoms + extra, 0.0) + count / (most + 1)
    return dict(sorted(offered.items()))


def offered_marginals(
    marginals: Mapping[str, list[float]], sizes: Mapping[int, int], share: float, vocabulary: Vocabulary
) -> dict[str, list[float]]:
    """Shares of each class among atoms and pairs of molecules with placeholders, the placeholder's own last."""
    atoms = added = pairs = joined = 0.0
    for size, count in sizes.items():
        most = most_placeholders(size, share)
        for extra in range(most + 1):
            weight = count / (most + 1)
            atoms += weight * (size + extra)
            added += weight * extra
            pairs += weight * pair_count(size + extra)
            joined += weight * pair_count(size)
    part = added / atoms
    charge = [(1 - part) * value for value in marginals["charge"]]
    charge[vocabulary.neutral] += part
    inside = joined / pairs if pairs else 1.0
    bond = [inside * value for value in marginals["bond"]]
    bond[0] += 1 - inside
    return {"element": [*((1 - part) * value for value in marginals["element"]), part], "charge": charge, "bond": bond}


def placeholders(batch: MoleculeBatch, vocabulary: Vocabulary) -> Bool[Tensor, "molecule atom"]:
    """Which real places of a batch hold a placeholder."""
    if not vocabulary.placeholder:
        return torch.zeros_like(batch.mask)
    return batch.mask & (batch.element == len(vocabulary.elements))


def spare_atoms(atoms: int, share: float) -> int:
    """Placeholders offered beside the atoms of a molecule that shall have this many.

    Half as many again as a training offers at most. A network that knows placeholders expects some, and more of them
    the more it has learned from refused molecules, where loose pieces should have become placeholders: of `drugs` with
    27 atoms 57 % are valid on the first attempt with 0.75 of that number, 80 % with 1.2 and 1.6 of it; with 38 atoms
    28, 43 and 52 % (60 molecules each). `leads` does not mind.
    """
    return int(1.5 * most_placeholders(atoms, share) + 0.5)


def exactly(denoiser: Denoiser, spare: int) -> Denoiser:
    """The denoiser of a vocabulary with placeholders that makes this many of each molecule's free atoms placeholders.

    Above `DECIDED` the placeholders' logits are shifted by one number for each molecule, so that as many are expected:
    of all changes to independent predictions that do this, the nearest one by the Kullback-Leibler divergence. Below,
    the likeliest atoms are placeholders and no others.

    Args:
        denoiser: to go around.
        spare: placeholders of each molecule, fewer than it has free atoms.
    """

    def denoise(noisy: MoleculeBatch, levels: Levels, previous: Prediction | None = None) -> Prediction:
        made = denoiser(noisy, levels, previous)
        element = made.element.clone()
        if not spare:
            element[..., -1] = NEVER
            return replace(made, element=element)
        free = noisy.mask & (levels.element > 0)
        odds = (element[..., -1] - element[..., :-1].logsumexp(-1)).masked_fill(~free, -torch.inf)
        chosen = torch.zeros_like(free).scatter(1, odds.topk(spare, 1).indices, True) & free
        decided = torch.where(chosen, -NEVER, NEVER)
        shifted = element[..., -1] + _shift(odds, spare)
        high = (levels.highest > DECIDED)[:, None]
        element[..., -1] = torch.where(high, shifted, decided.to(element.dtype))
        return replace(made, element=element)

    return denoise


def _shift(odds: Float[Tensor, "molecule atom"], spare: int) -> Float[Tensor, "molecule 1"]:
    """What is added to the logits of each molecule so that their probabilities add up to ``spare``, by bisection."""
    low = torch.full_like(odds[:, :1], NEVER)
    high = -low
    for _ in range(60):
        middle = (low + high) / 2
        few = torch.sigmoid(odds + middle).sum(1, keepdim=True) < spare
        low, high = torch.where(few, middle, low), torch.where(few, high, middle)
    return (low + high) / 2
