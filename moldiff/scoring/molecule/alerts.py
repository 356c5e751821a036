"""Structural alerts: PAINS, Brenk and Glaxo of RDKit's FilterCatalog.

ChEMBL's Dundee set is Brenk and its BMS set is NIH under other names, so only one of each pair could be counted;
these three do not overlap.
"""

from rdkit import Chem

from moldiff.scoring.molecule.patterns import ALERT_SETS, Possible, alert_entries, possible


def alerts(heavy: Chem.Mol, screened: Possible | None = None) -> dict[str, list[str]]:
    """Names of the alerts that match, by set of `ALERT_SETS`, sorted.

    Args:
        heavy: sanitized molecule without hydrogens.
        screened: what `possible` says of it, if that is known.
    """
    screened = screened or possible(heavy)
    return {name: _matching(name, heavy, screened) for name in ALERT_SETS}


def _matching(name: str, heavy: Chem.Mol, screened: Possible) -> list[str]:
    entries = alert_entries(name)
    return sorted({entries[place].GetDescription() for place in screened[name] if entries[place].HasFilterMatch(heavy)})
