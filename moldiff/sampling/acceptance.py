"""Which finished molecules are kept as they are, and which are taken back to noise: the judge of restarts."""

import hashlib
from dataclasses import dataclass, replace
from functools import cache

from rdkit import Chem

from moldiff.config.sample import SampleOptions
from moldiff.errors import UserError
from moldiff.sampling.training_set import load_training_set
from moldiff.scoring.molecule.keys import flat_key
from moldiff.scoring.molecule.portrait import realism_of
from moldiff.scoring.molecule.validity import sanitize


@dataclass(frozen=True)
class Acceptance:
    """What a molecule must be, beyond valid_strict, to be kept as it is.

    Attributes:
        known: ring systems that count as known; None where any may be.
        reasonable: whether flags of topology and functional groups take a molecule back.
    """

    known: frozenset[str] | None = None
    reasonable: bool = False

    def __call__(self, mol: Chem.Mol) -> bool:
        """Whether a molecule, valid_strict and as it was decoded, is kept."""
        if self.known is None and not self.reasonable:
            return True
        flat = _flat(mol)
        if flat is None:
            return False
        systems, values = realism_of(flat)
        return (self.known is None or self.known.issuperset(systems)) and (
            not self.reasonable or bool(values["reasonable"])
        )

    def allowing(self, mol: Chem.Mol) -> "Acceptance":
        """The same, to which the ring systems of a part that was asked for are known."""
        flat = None if self.known is None else _flat(mol)
        return self if flat is None or self.known is None else replace(self, known=self.known | {*realism_of(flat)[0]})

    @property
    def checksum(self) -> str:
        """Of the known ring systems; empty where there are none."""
        return "" if self.known is None else hashlib.sha256("\n".join(sorted(self.known)).encode()).hexdigest()


def acceptance(options: SampleOptions, learned_from: str | None) -> Acceptance:
    """What the options ask of a molecule.

    Args:
        options: of the sampling.
        learned_from: name of the weights, if they ship with moldiff, whose training set's ring systems are known.

    Raises:
        UserError: known ring systems are asked for, and neither the options nor the weights say which those are.
    """
    if options.restart_if == "invalid":
        return Acceptance()
    if options.restart_if == "unreasonable":
        return Acceptance(reasonable=True)
    source = options.rings_of or learned_from
    if source is None:
        raise UserError(
            "restart_if unknown_rings: your own weights do not record the ring systems of their training set; name "
            "that set with rings_of (--rings-of): a dataset folder, a molecule file or shipped weights"
        )
    return Acceptance(known=_ring_systems(source))


def _flat(mol: Chem.Mol) -> str | None:
    sane = sanitize(mol).mol
    return None if sane is None else flat_key(sane)


@cache
def _ring_systems(source: str) -> frozenset[str]:
    known = load_training_set(source)
    assert known is not None  # it is not optional
    return known.ring_systems
