"""All two-dimensional metrics of a molecule, read from its flat key, so that they depend on nothing but the key.

Atom order would else change the last digits of sums, and one of several duplicates would speak for all.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import lru_cache

from rdkit import Chem, rdBase

from moldiff.scoring.molecule.alerts import alerts
from moldiff.scoring.molecule.composition import composition
from moldiff.scoring.molecule.descriptors import DescriptorValues, describe, lipinski_violations
from moldiff.scoring.molecule.keys import inchikey_block
from moldiff.scoring.molecule.patterns import Possible, possible
from moldiff.scoring.molecule.realism import realism
from moldiff.scoring.molecule.rings import ring_systems
from moldiff.scoring.molecule.topology import functional_groups, scaffold
from moldiff.scoring.sets.fingerprints import fingerprint

Values = dict[str, str | int | float | bytes | None]
Aspect = Callable[[str], Values]
"""Metrics of a flat key; several small ones, see `moldiff.scoring.score`."""

_REMEMBERED = 4096
"""Portraits that a process keeps, for duplicates."""
_AT_WORK = 128
"""Molecules that are kept while their portraits are drawn: more than go through the steps together."""


def realism_of(flat: str) -> tuple[list[str], Values]:
    """Ring systems of a molecule and the columns of `realism`, read from its flat key."""
    return _systems(flat), realism(_read(flat), _systems(flat), _possible(flat))


def all_ring_systems(keys: Iterable[str]) -> frozenset[str]:
    """The ring systems of all molecules, read from their flat keys: half a millisecond a molecule."""
    return frozenset(system for key in keys for system in ring_systems(_read(key)))


def _rings(flat: str) -> Values:
    return {"ring_systems": "; ".join(_systems(flat))}


def _scaffold(flat: str) -> Values:
    return {"scaffold": scaffold(_read(flat))}


def _fingerprint(flat: str) -> Values:
    return {"_fingerprint": fingerprint(_read(flat))}


def _screen(flat: str) -> Values:
    _possible(flat)
    return {}


def _descriptors(flat: str) -> Values:
    values = _described(flat)
    return {**asdict(values), "lipinski_violations": lipinski_violations(values)}


def _alerts(flat: str) -> Values:
    matches = alerts(_read(flat), _possible(flat))
    return {
        **{name: len(names) for name, names in matches.items()},
        "alerts": "; ".join(f"{name} {alert}" for name, names in matches.items() for alert in names),
    }


def _groups(flat: str) -> Values:
    counts = functional_groups(_read(flat), _possible(flat))
    return {"functional_groups": "; ".join(f"{name} {count}" for name, count in counts.items())}


def _realism(flat: str) -> Values:
    return realism(_read(flat), _systems(flat), _possible(flat), _described(flat).rotatable_bonds)


def _inchikey(flat: str) -> Values:
    return {"inchikey_block": inchikey_block(_read(flat))}


def _composition(flat: str) -> Values:
    return {"_composition": json.dumps(composition(_read(flat)), sort_keys=True)}


_KEYS: tuple[Aspect, ...] = (_rings, _scaffold, _fingerprint)
_DISTRIBUTIONS: tuple[Aspect, ...] = (_screen, _descriptors, *_KEYS, _realism, _groups, _composition)
ASPECTS: dict[str, tuple[Aspect, ...]] = {
    "all": (_screen, _descriptors, _alerts, *_KEYS, _realism, _inchikey, _groups, _composition),
    "distributions": _DISTRIBUTIONS,
    "keys": _KEYS,
}
"""What is drawn of a molecule, by what is asked of it."""


@dataclass
class Portrait:
    """The metrics of one flat key, as far as they have been asked for."""

    flat: str
    values: Values = field(default_factory=dict)
    computed: set[Aspect] = field(default_factory=set)

    def draw(self, aspect: Aspect) -> None:
        """Fill in the values of an aspect, if they are not there."""
        if aspect not in self.computed:
            self.values |= aspect(self.flat)
            self.computed.add(aspect)


@lru_cache(maxsize=_REMEMBERED)
def portrait(flat: str) -> Portrait:
    """The portrait of a flat key, which duplicates share."""
    return Portrait(flat)


@lru_cache(maxsize=_AT_WORK)
def _read(flat: str) -> Chem.Mol:
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(flat)
        if mol is not None:
            return mol
        # RDKit cannot kekulize a few of its own SMILES; without that step all questions still have answers.
        mol = Chem.MolFromSmiles(flat, sanitize=False)
        mol.UpdatePropertyCache(strict=False)
        Chem.SanitizeMol(mol, Chem.SANITIZE_SYMMRINGS | Chem.SANITIZE_SETCONJUGATION | Chem.SANITIZE_SETHYBRIDIZATION)
        return mol


@lru_cache(maxsize=_AT_WORK)
def _systems(flat: str) -> list[str]:
    return ring_systems(_read(flat))


@lru_cache(maxsize=_AT_WORK)
def _described(flat: str) -> DescriptorValues:
    return describe(_read(flat), _possible(flat))


@lru_cache(maxsize=_AT_WORK)
def _possible(flat: str) -> Possible:
    return possible(_read(flat))
