"""How far does GFN2-xTB move a structure? Energy lowered by its relaxation and displacement, the field's hard test.

Needs tblite, which the extra ``moldiff[xtb]`` installs.
"""

import importlib.util
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from scipy.optimize import minimize

from moldiff.errors import UserError
from moldiff.scoring.parallel import ask_all
from moldiff.scoring.strain import Relaxation, complete, displacement

BOHR = 0.529177210903
"""Å (CODATA 2018)."""
HARTREE = 627.5094740631
"""kcal/mol (CODATA 2018)."""
ENERGY_CHANGE = 5e-6
"""A relaxation ends when a step changes the energy by less, hartree (xtb's level "normal") ..."""
GRADIENT = 1e-3
"""... and the norm of the gradient is below this, hartree/bohr (the same)."""
ITERATIONS = 1000


def relax_all(mols: Sequence[Chem.Mol], *, workers: int = 0, timeout: float = 300.0) -> list[Relaxation]:
    """`relax` of many molecules, in their order, in processes of one thread each.

    Args:
        mols: sanitized molecules with a conformer.
        workers: processes; 0 takes the processor cores at hand.
        timeout: seconds after which a molecule is given up, with that reason.

    Raises:
        UserError: tblite is not installed.
    """
    require_tblite()
    answers = ask_all(relax, mols, workers=workers, timeout=timeout, title="GFN2-xTB")
    return [Relaxation(None, None, answer) if isinstance(answer, str) else answer for answer in answers]


def require_tblite() -> None:
    """Make sure that tblite can be imported, without doing so.

    Raises:
        UserError: it is not installed.
    """
    if importlib.util.find_spec("tblite") is None:
        raise UserError("GFN2-xTB relaxation needs tblite, which is not installed; run: pip install 'moldiff[xtb]'")


def relax(mol: Chem.Mol) -> Relaxation:
    """GFN2-xTB energy of a structure minus that of its local minimum, kcal/mol, and the RMSD between them, Å.

    The method is that of Bannwarth et al., J. Chem. Theory Comput. 15, 1652, 2019; the RMSD is that of heavy atoms.
    Implicit hydrogens are added and relaxed by MMFF94s first. The charge is the sum of formal charges; radical
    electrons are unpaired.

    Args:
        mol: sanitized molecule with a conformer, coordinates in Å; left as it is.

    Returns:
        The relaxation, or the reason why there is none (no convergence of the charges or of the geometry, an
        element without parameters). Never raises, unless tblite is missing.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when tblite is first imported; processes share the cores
    with rdBase.BlockLogs():
        try:
            whole, added, reason = complete(mol)
            if whole is None:
                return Relaxation(None, None, reason)
            return _relax(whole, added)
        except (RuntimeError, ValueError) as error:
            first_line = str(error).strip().partition("\n")[0]
            return Relaxation(None, None, f"not evaluated: {first_line}")


def _relax(whole: Chem.Mol, added: int) -> Relaxation:
    before = whole.GetConformer().GetPositions()
    surface = _Surface(whole, before)
    start, _ = surface(before.ravel() / BOHR)
    found = minimize(
        surface,
        before.ravel() / BOHR,
        jac=True,
        method="L-BFGS-B",
        callback=surface.watch,
        options={"maxiter": ITERATIONS, "maxfun": 2 * ITERATIONS, "ftol": 0.0, "gtol": 0.0, "maxcor": 20},
    )
    if np.linalg.norm(found.jac) > GRADIENT:
        return Relaxation(None, None, f"not converged in {found.nit} iterations", added)
    lowered = (start - float(found.fun)) * HARTREE
    return Relaxation(max(lowered, 0.0), displacement(whole, before, found.x.reshape(-1, 3) * BOHR), None, added)


class _Surface:
    """The energy surface, hartree over bohr, which remembers the last charges as the next start."""

    def __init__(self, mol: Chem.Mol, positions: NDArray[np.float64]) -> None:
        from tblite.interface import Calculator  # the extra's library, half a second to import

        numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
        unpaired = sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
        charge = float(Chem.GetFormalCharge(mol))
        self._calculator = Calculator("GFN2-xTB", numbers, positions / BOHR, charge=charge, uhf=unpaired)
        self._calculator.set("verbosity", 0)
        self._last: Any = None
        self._norm = np.inf
        self._energy = np.inf

    def __call__(self, flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Energy and gradient [3 A] at coordinates [3 A]."""
        self._calculator.update(flat.reshape(-1, 3))
        self._last = self._calculator.singlepoint(self._last)
        gradient = self._last.get("gradient").ravel()
        self._norm = float(np.linalg.norm(gradient))
        return float(self._last.get("energy")), gradient

    def watch(self, intermediate_result: Any) -> None:
        """End the minimisation where `ENERGY_CHANGE` and `GRADIENT` are reached."""
        change = abs(self._energy - intermediate_result.fun)
        self._energy = intermediate_result.fun
        if change < ENERGY_CHANGE and self._norm < GRADIENT:
            raise StopIteration
