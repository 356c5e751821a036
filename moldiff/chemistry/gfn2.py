"""GFN2-xTB (Bannwarth et al., J. Chem. Theory Comput. 15, 1652, 2019): relaxed geometries, dipoles, orbital energies.

By tblite, which the extra ``moldiff[xtb]`` installs.
"""

import importlib.util
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from scipy.optimize import minimize
from scipy.spatial.distance import pdist, squareform

from moldiff.chemistry.hydrogens import with_hydrogens
from moldiff.chemistry.parsing import Rejected
from moldiff.errors import UserError

BOHR = 0.529177210903
"""Å (CODATA 2018)."""
HARTREE = 627.5094740631
"""kcal/mol (CODATA 2018)."""
ELECTRONVOLT = 27.211386245988
"""eV of a hartree (CODATA 2018)."""
DEBYE = 2.541746473
"""Debye of an elementary charge times a bohr (CODATA 2018)."""
ITERATIONS = 1000
_BROKEN = 1.3
"""A bond is broken where it is longer than this many sums of covalent radii, ..."""
_FORMED = 1.15
"""... and made where atoms without one are nearer than this; bicyclo[1.1.1]pentane's bridgeheads are at 1.2."""


class Level(NamedTuple):
    """Where a relaxation ends: a step changes the energy by less, and the norm of the gradient is below."""

    energy_change: float
    """Hartree."""
    gradient: float
    """Hartree/bohr."""


NORMAL = Level(5e-6, 1e-3)
"""xtb's level of that name."""
LOOSE = Level(5e-5, 4e-3)
"""xtb's level of that name: a few tenths of a kcal/mol above the minimum, in half the steps."""


class Electronic(NamedTuple):
    """What a single point says of the electrons."""

    dipole: float
    """Length of the dipole moment, D."""
    homo: float
    """Energy of the highest occupied orbital, eV."""
    lumo: float
    """Energy of the lowest orbital that is not occupied, eV."""
    gap: float
    """Difference of the two, eV."""


COLUMNS = tuple(f"gfn2_{name}" for name in Electronic._fields)
"""Names of these as columns of a dataset."""


class NotConverged(RuntimeError):
    """The iterations were used up."""


def require_tblite() -> None:
    """Make sure that tblite can be imported, without doing so.

    Raises:
        UserError: it is not installed.
    """
    if importlib.util.find_spec("tblite") is None:
        raise UserError("GFN2-xTB needs tblite, which is not installed; run: pip install 'moldiff[xtb]'")


def minimise(
    mol: Chem.Mol, conformer: int = -1, level: Level = NORMAL, fixed: Sequence[int] = ()
) -> tuple[float, NDArray[np.float64]]:
    """By how much the energy falls to the nearest minimum, kcal/mol, and the coordinates there [A, 3], Å.

    The charge is the sum of formal charges; radical electrons are unpaired.

    Args:
        mol: sanitized molecule with all its hydrogen atoms and a conformer, coordinates in Å; left as it is.
        conformer: number of the conformer.
        level: when to end.
        fixed: atoms that stay where they are, to the last bit; the minimum is that of the others.

    Raises:
        NotConverged: the geometry is not there after `ITERATIONS`.
        RuntimeError, ValueError: tblite has no energy: no convergence of the charges, no parameters for an element.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when tblite is first imported; processes share the cores
    before = mol.GetConformer(conformer).GetPositions()
    surface = _Surface(mol, before, level, fixed)
    start, _ = surface(before.ravel() / BOHR)
    minimum = minimize(
        surface,
        before.ravel() / BOHR,
        jac=True,
        method="L-BFGS-B",
        callback=surface.watch,
        options={"maxiter": ITERATIONS, "maxfun": 2 * ITERATIONS, "ftol": 0.0, "gtol": 0.0, "maxcor": 20},
    )
    if np.linalg.norm(minimum.jac) > level.gradient:
        raise NotConverged(f"not converged in {minimum.nit} iterations")
    after = minimum.x.reshape(-1, 3) * BOHR
    after[list(fixed)] = before[list(fixed)]
    return max((start - float(minimum.fun)) * HARTREE, 0.0), after


def energy(mol: Chem.Mol, conformer: int = -1) -> float:
    """Total energy of the geometry that a molecule has, kcal/mol; only differences of the same atoms mean something.

    Args:
        mol: sanitized molecule with all its hydrogen atoms and a conformer, coordinates in Å; left as it is.
        conformer: number of the conformer.

    Raises:
        RuntimeError, ValueError: tblite has no energy: no convergence of the charges, no parameters for an element.
    """
    return float(_single_point(mol, conformer).get("energy")) * HARTREE


def electronic(mol: Chem.Mol, conformer: int = -1) -> Electronic:
    """Dipole moment and frontier orbitals at the geometry that a molecule has.

    The charge is the sum of formal charges; radical electrons are unpaired, and a singly occupied orbital counts as
    occupied. Polarisabilities are not among them: the basis is minimal, and the response to a field is far too small
    (water 2.5 bohr³ of 9.6).

    Args:
        mol: sanitized molecule with all its hydrogen atoms and a conformer, coordinates in Å; left as it is.
        conformer: number of the conformer.

    Raises:
        RuntimeError, ValueError: tblite has no energy: no convergence of the charges, no parameters for an element.
    """
    found = _single_point(mol, conformer)
    energies = found.get("orbital-energies") * ELECTRONVOLT
    occupied = found.get("orbital-occupations") > 0.5
    if occupied.all():
        raise ValueError("every orbital is occupied")
    homo, lumo = float(energies[occupied].max()), float(energies[~occupied].min())
    return Electronic(float(np.linalg.norm(found.get("dipole"))) * DEBYE, homo, lumo, lumo - homo)


def relaxed(mol: Chem.Mol) -> Chem.Mol:
    """A copy with all hydrogen atoms whose conformers are relaxed, to the level `LOOSE`.

    Args:
        mol: sanitized molecule with conformers; missing hydrogens are placed first.

    Raises:
        Rejected: no energy, no convergence, or the relaxed structure has other bonds (a proton that moved, mostly).
    """
    complete = with_hydrogens(mol)
    for conformer in complete.GetConformers():
        try:
            _, positions = minimise(complete, conformer.GetId(), LOOSE)
        except (RuntimeError, ValueError) as error:
            raise Rejected(f"no GFN2-xTB minimum: {str(error).strip().partition(chr(10))[0][:200]}") from None
        if not keeps_bonds(complete, positions):
            raise Rejected("GFN2-xTB breaks or makes a bond")
        conformer.SetPositions(positions)
    return complete


def keeps_bonds(mol: Chem.Mol, positions: NDArray[np.float64]) -> bool:
    """Whether coordinates [A, 3], Å, are those of the molecule's bonds, judged by covalent radii."""
    table = Chem.GetPeriodicTable()
    radii = np.array([table.GetRcovalent(atom.GetAtomicNum()) for atom in mol.GetAtoms()])
    stretch = squareform(pdist(positions)) / (radii[:, None] + radii)
    bonded = Chem.GetAdjacencyMatrix(mol).astype(bool)
    apart = ~bonded & ~np.eye(len(radii), dtype=bool)
    return bool((stretch[bonded] < _BROKEN).all() and (stretch[apart] > _FORMED).all())


def _single_point(mol: Chem.Mol, conformer: int) -> Any:
    """What tblite finds at the geometry that a molecule has."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return _calculator(mol, mol.GetConformer(conformer).GetPositions()).singlepoint()


def _calculator(mol: Chem.Mol, positions: NDArray[np.float64]) -> Any:
    from tblite.interface import Calculator  # the extra's library, half a second to import

    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    unpaired = sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
    charge = float(Chem.GetFormalCharge(mol))
    calculator = Calculator("GFN2-xTB", numbers, positions / BOHR, charge=charge, uhf=unpaired)
    calculator.set("verbosity", 0)
    return calculator


class _Surface:
    """The energy surface, hartree over bohr, which remembers the last charges as the next start."""

    def __init__(self, mol: Chem.Mol, positions: NDArray[np.float64], level: Level, fixed: Sequence[int]) -> None:
        self._calculator = _calculator(mol, positions)
        self._level = level
        self._fixed = list(fixed)
        self._last: Any = None
        self._norm = np.inf
        self._energy = np.inf

    def __call__(self, flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Energy and gradient [3 A] at coordinates [3 A]; where atoms are fixed it is zero, so no step moves them."""
        self._calculator.update(flat.reshape(-1, 3))
        self._last = self._calculator.singlepoint(self._last)
        forces = self._last.get("gradient").copy()
        forces[self._fixed] = 0
        gradient = forces.ravel()
        self._norm = float(np.linalg.norm(gradient))
        return float(self._last.get("energy")), gradient

    def watch(self, intermediate_result: Any) -> None:
        """End the minimisation where the level is reached."""
        change = abs(self._energy - intermediate_result.fun)
        self._energy = intermediate_result.fun
        if change < self._level.energy_change and self._norm < self._level.gradient:
            raise StopIteration
