"""Is the 3D structure of one molecule plausible? PoseBusters' fast tests, vectorised.

`pb_valid` answers what PoseBusters 0.6.5 answers with its configuration ``mol_fast`` (Buttenschoen et al., Chem.
Sci. 15, 3130, 2024; the tests and their thresholds are from its file ``mol_fast.yml``), about a hundred times as
fast. It differs on purpose where the original errs:

- the distance from a plane is absolute (PoseBusters takes the largest signed one, so that its verdict changes
  when the molecule is turned over);
- coordinates that are not finite fail (there they pass, or end the run);
- a test that could not be evaluated fails;
- stereo marks are not looked at: PoseBusters uses those of an RDKit molecule, and reading a file RDKit may mark a
  distorted sulfonyl sulfur as octahedral, which gives it other bounds.

Hydrogens are not looked at by the distance tests, as there; `moldiff.scoring.molecule.sanity` looks at every atom.
The rule for rings that must not be flat is kept to the letter, so flat 1,4-quinones and 1,4-cyclohexadienes fail here
as there.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdqueries

from moldiff.scoring.molecule.coordinates import PoseResult, atom_pairs, bonds_between, finite_positions
from moldiff.scoring.molecule.graph import atoms

LENGTH_TOLERANCE = 0.25
"""Share by which a bond length may lie outside its distance-geometry bounds."""
ANGLE_TOLERANCE = 0.25
"""Share by which the distance between the ends of an angle may lie outside its bounds."""
CLASH_TOLERANCE = 0.30
"""Share by which atoms three or more bonds apart may come closer than their lower bound."""
FLAT = 0.25
"""Largest distance of an atom of a flat group from the group's plane, Å."""
NOT_FLAT = 0.05
"""Distance from the plane that some atom of a saturated ring must reach, Å."""

_TETRAHEDRAL = frozenset(
    {
        Chem.ChiralType.CHI_UNSPECIFIED,
        Chem.ChiralType.CHI_TETRAHEDRAL_CW,
        Chem.ChiralType.CHI_TETRAHEDRAL_CCW,
    }
)
"""Marks of stereo that leave the hybridization of an atom alone."""
_AROMATIC_RINGS = (
    "[ar5^2]1[ar5^2][ar5^2][ar5^2][ar5^2]1",
    "[ar6^2]1[ar6^2][ar6^2][ar6^2][ar6^2][ar6^2]1",
)
_DOUBLE_BONDS = ("[C;X3;^2](*)(*)=[C;X3;^2](*)(*)",)
_SATURATED_RINGS = (
    "[C,O,S,N;R1]~1[C,O,S,N;R1][C,O,S,N;R1][C,O,S,N;R1][C,O,S,N;R1][C,O,S,N;R1]1",
    "[C;R1]~1[C;R1][C,O,S,N;R1]~[C,O,S,N;R1][C;R1][C;R1]1",
    "[C;R1]~1[C;R1][C;R1]~[C;R1][C,O,S,N;R1][C;R1]1",
    "[C;R1]~1[C;R1][C;R1][C,O,S,N;R1]~[C,O,S,N;R1][C;R1]1",
    "[C;R1]~1[C;R1][C,O,S,N;R1][C;R1]~[C;R1][C;R1]1",
)
_ORDINARY_ATOMS = (
    "$([#1;D1;+0]-[!#1])",
    "$([#5;v3;+0])",
    "$([#5;v4;-1])",
    "$([#6;+0])",
    "$([#7;+0;v3])",
    "$([#7;+1;v4;!$(*#[#6]-[!#1;!#6]);!$(*=[#15]);!$([#7;!H0]=[#7])])",
    "$([#7;-1;D1]=[#7;+1]=[#7])",
    "$([#8;+0;v2])",
    "$([#8;-1;v1])",
    "$([#9,#17,#35,#53;D1;+0;v1])",
    "$([#14;v4;+0;!$(*#*)])",
    "$([#15;+0;v3;!$(*#*)])",
    "$([#15;+0;v5;H0;!$(*#*)])",
    "$([#16;+0;v2])",
    "$([#16;+0;v4,v6;H0;h0;!$(*#*);$(*=[#6,#7,#8,#16])])",
    "$([#16;-1;v1])",
)
_EXTRAORDINARY_ATOM = "[" + ";".join(f"!{atom}" for atom in _ORDINARY_ATOMS) + "]"
_CONJUGATED_ENDS = "[O,N;D1;$([O,N;D1]-[*]=[O,N;D1]),$([O,N;D1]=[*]-[O,N;D1])]~[*]"


def pb_valid(mol: Chem.Mol, between: NDArray[np.float64] | None = None, *, sanitized: bool = False) -> PoseResult:
    """PB-valid (fast): all tests of PoseBusters ``mol_fast`` but for its errors, see the module's text.

    Args:
        mol: molecule with a conformer (the first one is looked at), coordinates in Å; left as it is. Hydrogens may
            be explicit or implicit: the bounds are those of the molecule as given.
        between: `bonds_between` of the molecule, if it is known.
        sanitized: the molecule is as RDKit's SanitizeMol leaves it, so that it need not be sanitized again.

    Returns:
        The tests failed, under the names of PoseBusters' columns; ``conformer``, ``finite_coordinates``,
        ``distance_bounds`` (no distance-geometry bounds exist) and ``not_evaluated`` (RDKit cannot handle the
        molecule at all) where it would leave a test out. Never raises.
    """
    with rdBase.BlockLogs():
        try:
            return _pb_valid(mol, between, sanitized)
        except (RuntimeError, ValueError):  # RDKit's and numpy's ways to refuse what they cannot handle
            return PoseResult(False, ("not_evaluated",))


def _pb_valid(mol: Chem.Mol, between: NDArray[np.float64] | None, sanitized: bool) -> PoseResult:
    problem, positions = finite_positions(mol)
    if problem:
        return PoseResult(False, (problem,))
    sanitized = sanitized and not any(atom.GetChiralTag() not in _TETRAHEDRAL for atom in atoms(mol))
    mol = Chem.Mol(mol)  # sanitizing and forgetting stereo are not for the caller's copy
    Chem.RemoveStereochemistry(mol)  # first: sanitizing makes an atom marked octahedral sp3d2
    if not sanitized and Chem.SanitizeMol(mol, catchErrors=True) != Chem.SANITIZE_NONE:
        return PoseResult(False, ("sanitization",))
    failed = _chemistry(mol)
    values: dict[str, float] = {}
    if mol.GetNumAtoms() > 1:
        failed += _distance_geometry(mol, positions, bonds_between(mol) if between is None else between, values)
    failed += _flatness(mol, positions, values)
    return PoseResult(not failed, tuple(failed), values)


def _chemistry(mol: Chem.Mol) -> list[str]:
    failed = []
    if not _surely_inchi(mol) and not _inchi_convertible(mol):
        failed.append("inchi_convertible")
    if len(Chem.GetMolFrags(mol)) > 1:
        failed.append("all_atoms_connected")
    if len(mol.GetAtomsMatchingQuery(_radical())):
        failed.append("no_radicals")
    return failed


def _surely_inchi(mol: Chem.Mol) -> bool:
    """Whether the way to InChI and back, which costs more than all other tests, needs not be tried.

    It failed for none of 20,000 drugs and drug-like molecules of such atoms, and for none that could exist among
    200,000 random graphs; for exotic charges and valences it does fail. InChI takes at most 1023 atoms.
    """
    return mol.GetNumAtoms() < 1000 and not mol.HasSubstructMatch(_pattern(_EXTRAORDINARY_ATOM))


def _inchi_convertible(mol: Chem.Mol) -> bool:
    try:
        return Chem.MolFromInchi(Chem.MolToInchi(mol), sanitize=True) is not None
    except (RuntimeError, ValueError):
        return False


def _distance_geometry(
    mol: Chem.Mol, positions: NDArray[np.float64], between: NDArray[np.float64], values: dict[str, float]
) -> list[str]:
    """Bond lengths, angles and clashes of heavy atoms against the bounds of RDKit's distance geometry."""
    try:
        bounds = rdDistGeom.GetMoleculeBoundsMatrix(
            mol, set15bounds=True, scaleVDW=True, doTriangleSmoothing=True, useMacrocycle14config=False
        )
    except (RuntimeError, ValueError):
        return ["distance_bounds"]
    heavy = _heavy_atoms(mol)
    if len(heavy) < 2:
        return []
    first, second = atom_pairs(len(heavy))
    first, second = heavy[first], heavy[second]
    distances = np.linalg.norm(positions[first] - positions[second], axis=1)
    lower, upper = bounds[second, first], bounds[first, second]
    steps = between[first, second]
    bonds, angles, apart = steps == 1, steps == 2, steps > 2
    _widen_conjugated_ends(mol, first, second, lower, upper)
    with np.errstate(divide="ignore", invalid="ignore"):  # bounds of exotic atoms may be zero
        short = np.where(distances < lower, (distances - lower) / lower, 0.0)
        long = np.where(distances > upper, (distances - upper) / upper, 0.0)
    values["shortest_bond"] = float(short[bonds].min(initial=0.0))
    values["longest_bond"] = float(long[bonds].max(initial=0.0))
    values["worst_angle"] = float(np.maximum(-short, long)[angles].max(initial=0.0))
    values["worst_clash"] = float(short[apart].min(initial=0.0))
    failed = []
    if values["shortest_bond"] < -LENGTH_TOLERANCE or values["longest_bond"] > LENGTH_TOLERANCE:
        failed.append("bond_lengths")
    if values["worst_angle"] > ANGLE_TOLERANCE:
        failed.append("bond_angles")
    if values["worst_clash"] < -CLASH_TOLERANCE:
        failed.append("internal_steric_clash")
    return failed


def _widen_conjugated_ends(
    mol: Chem.Mol,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> None:
    """Give the bonds of carboxylates and their like the widest bounds of their kind, whichever is drawn double.

    As PoseBusters does: over all such bonds of the molecule between the same two elements.
    """
    matches = mol.GetSubstructMatches(_pattern(_CONJUGATED_ENDS))
    if not matches:
        return
    kinds: dict[tuple[int, int], set[int]] = {}
    for match in matches:
        start, end = sorted(match)
        numbers = sorted(mol.GetAtomWithIdx(atom).GetAtomicNum() for atom in match)
        places = np.flatnonzero((first == start) & (second == end))
        kinds.setdefault((numbers[0], numbers[1]), set()).update(places.tolist())
    for members in kinds.values():
        chosen = sorted(members)
        if chosen:
            lower[chosen] = lower[chosen].min()
            upper[chosen] = upper[chosen].max()


def _flatness(mol: Chem.Mol, positions: NDArray[np.float64], values: dict[str, float]) -> list[str]:
    failed = []
    for name, patterns, flat in (
        ("aromatic_ring_flatness", _AROMATIC_RINGS, True),
        ("non-aromatic_ring_non-flatness", _SATURATED_RINGS, False),
        ("double_bond_flatness", _DOUBLE_BONDS, True),
    ):
        matches = (mol.GetSubstructMatches(_pattern(pattern), maxMatches=1_000_000) for pattern in patterns)
        by_size: dict[int, list[tuple[int, ...]]] = {}
        for groups in filter(None, matches):
            by_size.setdefault(len(groups[0]), []).extend(groups)
        if not by_size:
            continue
        distances = np.concatenate([_distances_from_plane(positions, groups) for groups in by_size.values()])
        values[name] = float(distances.max() if flat else distances.min())
        if values[name] > FLAT if flat else values[name] < NOT_FLAT:
            failed.append(name)
    return failed


def _distances_from_plane(positions: NDArray[np.float64], groups: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
    """Largest absolute distance [G] of each group's atoms from its own least-squares plane, Å; groups of one size."""
    points = positions[np.array(groups)]
    points = points - points.mean(axis=1, keepdims=True)
    normals = np.linalg.svd(points, full_matrices=False)[2][:, -1]
    return np.abs(np.einsum("gai,gi->ga", points, normals)).max(axis=1)


def _heavy_atoms(mol: Chem.Mol) -> NDArray[np.int64]:
    hydrogens = [match[0] for match in mol.GetSubstructMatches(_pattern("[#1]"), maxMatches=1_000_000)]
    return np.delete(np.arange(mol.GetNumAtoms()), hydrogens)


@cache
def _pattern(smarts: str) -> Chem.Mol:
    return Chem.MolFromSmarts(smarts)


@cache
def _radical() -> Chem.QueryAtom:
    return rdqueries.NumRadicalElectronsGreaterQueryAtom(0)
