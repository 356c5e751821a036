"""Conformers of molecules that come without coordinates."""

import hashlib
import time

from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from moldiff.chemistry.parsing import Rejected
from moldiff.config.featurize import FeaturizeOptions

_ROUGH = 0.0135
"""Gradient at which the embedding's own minimization ends (RDKit: 0.001), since the force field goes on from there."""
_MACROCYCLE = 9
"""Atoms of the smallest ring that ETKDGv3 takes for a macrocycle."""
_MAX_ITERATIONS = 1000  # RDKit's default of 200 leaves one molecule in eight unconverged


def make_conformers(mol: Chem.Mol, text: str, options: FeaturizeOptions) -> Chem.Mol:
    """A copy with all hydrogens and up to ``options.conformers`` conformers (ETKDGv3, then MMFF94s or UFF).

    The seed comes from ``options.seed`` and the record's text alone, so neither shards nor the order of
    records change a geometry. Random starting coordinates are the second attempt.

    Raises:
        Rejected: no conformer is found, or not in time.
    """
    embedded = _with_bulky_hydrogens(mol) if options.minimize else Chem.AddHs(mol)
    parameters = rdDistGeom.ETKDGv3()
    if not any(len(ring) >= _MACROCYCLE for ring in mol.GetRingInfo().AtomRings()):
        # nothing would match, but each of RDKit's patterns of macrocycles is tried: a tenth of the embedding
        parameters.useMacrocycleTorsions = parameters.useMacrocycle14config = False
    if options.minimize:
        parameters.optimizerForceTol = _ROUGH
    digest = hashlib.blake2b(f"{options.seed}\n{text}".encode("utf-8", "surrogatepass"), digest_size=4).digest()
    parameters.randomSeed = int.from_bytes(digest, "big") >> 1
    parameters.numThreads = 1
    began = time.monotonic()
    for random_start in (False, True):
        remaining = options.conformer_timeout - (time.monotonic() - began)
        if remaining <= 0:
            raise Rejected(f"timeout: no conformer in {options.conformer_timeout:g} s")
        parameters.useRandomCoords = random_start
        parameters.timeout = max(1, round(remaining))
        try:
            numbers = rdDistGeom.EmbedMultipleConfs(embedded, options.conformers, parameters)
        except (RuntimeError, ValueError) as error:
            raise Rejected(f"no conformer: {str(error).strip().splitlines()[0][:200]}") from None
        if any(number >= 0 for number in numbers):  # -1 is what was not found in time
            break
    else:
        raise Rejected("no conformer: ETKDGv3 finds none")
    if not options.minimize:
        return embedded
    full = Chem.AddHs(embedded, addCoords=True)
    _minimize(full)
    return full


def _with_bulky_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """A copy with all hydrogens but those of aromatic carbons, whose places follow from the rest.

    Embedding without them takes a fifth less. Without those of other carbons it would take half, and conformers would
    lie higher above the minimum.
    """
    atoms = (mol.GetAtomWithIdx(index) for index in range(mol.GetNumAtoms()))
    bulky = [
        atom.GetIdx()
        for atom in atoms
        if atom.GetTotalNumHs() and not (atom.GetIsAromatic() and atom.GetAtomicNum() == 6)
    ]
    return Chem.AddHs(mol, onlyOnAtoms=bulky) if bulky else Chem.Mol(mol)


def _minimize(mol: Chem.Mol) -> None:
    """Minimize all conformers in place; a molecule that neither force field knows stays as embedded."""
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(
            mol, numThreads=1, maxIters=_MAX_ITERATIONS, mmffVariant="MMFF94s"
        )
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
        rdForceFieldHelpers.UFFOptimizeMoleculeConfs(mol, numThreads=1, maxIters=_MAX_ITERATIONS)
