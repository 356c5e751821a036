"""The SMARTS patterns that are asked of every molecule, screened all at once."""

import inspect
from bisect import bisect_left
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

from rdkit import Chem
from rdkit.Chem import QED, FilterCatalog, Fragments

from moldiff.scoring.molecule.flags import group_patterns
from moldiff.scoring.molecule.screen import Screen

_CATALOGS = FilterCatalog.FilterCatalogParams.FilterCatalogs
ALERT_SETS = {"pains": _CATALOGS.PAINS, "brenk": _CATALOGS.BRENK, "glaxo": _CATALOGS.CHEMBL_Glaxo}
"""Catalogs of RDKit by the name of our column."""
_PICKLED = b"\xef\xbe\xad\xde"
"""How RDKit's binary form of a molecule begins."""

Possible = Mapping[str, list[int]]
"""Places of the patterns that may match, by the name of their list: those of `ALERT_SETS`, ``groups``, ``qed``,
``acceptors``, ``flags``."""


@cache
def groups() -> dict[str, Chem.Mol]:
    """RDKit's 85 functional groups (`fr_*`) by name, sorted."""
    return {name: inspect.signature(count).parameters["pattern"].default for name, count in sorted(Fragments.fns)}


@cache
def alert_entries(name: str) -> list[FilterCatalog.FilterCatalogEntry]:
    """The entries of one of `ALERT_SETS`."""
    parameters = FilterCatalog.FilterCatalogParams()
    parameters.AddCatalog(ALERT_SETS[name])
    catalog = FilterCatalog.FilterCatalog(parameters)
    return [catalog.GetEntryWithIdx(index) for index in range(catalog.GetNumEntries())]


def pattern_of(entry: FilterCatalog.FilterCatalogEntry) -> Chem.Mol:
    """The pattern of an entry, read from its serialized form since RDKit does not expose it; `*` if there is none."""
    try:
        text = bytes(entry.Serialize())
        return Chem.Mol(text[text.index(_PICKLED) :])
    except (RuntimeError, ValueError):  # a build of RDKit without serialization: the screen then passes every entry
        return Chem.MolFromSmarts("*")


def possible(heavy: Chem.Mol) -> Possible:
    """What may match a sanitized molecule without hydrogens; all else cannot."""
    screen, ends = _screen()
    places = screen.possible(heavy)
    cuts = [bisect_left(places, end) for end in ends]
    return {
        name: [place - first for place in places[start:stop]]
        for name, first, (start, stop) in zip(_LISTS, ends[:-1], pairwise(cuts), strict=True)
    }


_LISTS = ("groups", *ALERT_SETS, "qed", "acceptors", "flags")


@cache
def _screen() -> tuple[Screen, list[int]]:
    """One screen of all patterns, and where each list of them begins and ends."""
    alerts = [[pattern_of(entry) for entry in alert_entries(name)] for name in ALERT_SETS]
    lists = (list(groups().values()), *alerts, QED.StructuralAlerts, QED.Acceptors, group_patterns())
    ends = [0]
    for patterns in lists:
        ends.append(ends[-1] + len(patterns))
    return Screen([pattern for patterns in lists for pattern in patterns]), ends
