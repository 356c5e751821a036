"""What does PoseBusters itself say? Its verdicts, molecule by molecule, so that none can end the others' run."""

import contextlib
import importlib.util
import io
import logging
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from rdkit import Chem, rdBase

from moldiff.errors import UserError

Configuration = Literal["mol_fast", "mol"]


@dataclass(frozen=True)
class CrossCheck:
    """PoseBusters' verdict: a test that it left out is not a pass, and is named apart from those that failed."""

    passed: bool
    failed: tuple[str, ...] = ()
    not_evaluated: tuple[str, ...] = ()
    reason: str | None = None
    """Why there is no verdict at all."""


def crosscheck(mol: Chem.Mol, configuration: Configuration = "mol_fast") -> CrossCheck:
    """PoseBusters' verdict on one molecule, as if it had been read from a file: without stereo marks.

    Args:
        mol: molecule with a conformer; left as it is. Of several conformers the first is judged.
        configuration: PoseBusters' configuration.

    Returns:
        The verdict, or the reason why PoseBusters ended with an exception. Never raises.
    """
    mol = Chem.Mol(mol)
    Chem.RemoveStereochemistry(mol)
    buster, tests = _buster(configuration)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()), rdBase.BlockLogs():
        warnings.simplefilter("ignore")
        try:
            verdicts = buster.bust([mol]).iloc[0]
        except Exception as error:  # whatever PoseBusters may raise on a broken molecule is its verdict on that one
            first_line = str(error).strip().partition("\n")[0]
            return CrossCheck(False, reason=f"PoseBusters: {type(error).__name__}: {first_line}")
    failed = tuple(test for test in tests if _is(verdicts[test], False))
    missing = tuple(test for test in tests if not _is(verdicts[test], False) and not _is(verdicts[test], True))
    return CrossCheck(not failed and not missing, failed, missing)


def require_posebusters() -> None:
    """Make sure that PoseBusters can be imported, without doing so.

    Raises:
        UserError: it is not installed.
    """
    if importlib.util.find_spec("posebusters") is None:
        raise UserError(
            "the cross-check needs PoseBusters, which is not installed; run: pip install 'moldiff[posebusters]'"
        )


@cache
def _buster(configuration: Configuration) -> tuple[Any, tuple[str, ...]]:
    """PoseBusters and the columns of its tests that concern a molecule alone."""
    from posebusters import PoseBusters  # half a second, and it turns RDKit's messages to Python's logging

    logging.getLogger("posebusters").setLevel(logging.CRITICAL)
    buster = PoseBusters(configuration)
    names = (
        module.get("rename_outputs", {}).get(output, output)
        for module in buster.config["modules"]
        for output in module.get("chosen_binary_test_output", ())
    )
    return buster, tuple(name.lower().replace(" ", "_") for name in names)


def _is(verdict: Any, value: bool) -> bool:
    try:
        return bool(verdict == value)
    except TypeError:  # pandas.NA: the test was left out
        return False
