"""Parts kept in sampling: `python benchmarks/steer_fragments.py WEIGHTS MOLECULES [CASES] [SAMPLES] [OUT]`.

Scaffolds, single fragments and pairs of fragments are cut from molecules that the weights did not learn from (an SDF
file, or a dataset folder, of which the held-out ones are taken); each is completed SAMPLES times with as many new
atoms as the network likes. The same number of molecules is made with nothing given, for the time. Markdown on standard
output: what is kept is compared with the part as written in the SDF file, everything else is `moldiff check`'s.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rdkit import Chem, RDLogger

from moldiff.chemistry.arrays import MoleculeArrays, to_arrays, to_rdkit
from moldiff.chemistry.bond_graph import BondGraph
from moldiff.chemistry.cutting import cut_one, cut_several, union
from moldiff.chemistry.formats.records import Record, read_records
from moldiff.chemistry.formats.sdf import write_sdf_block
from moldiff.chemistry.fragments import Fragment, without_atoms
from moldiff.chemistry.parsing import parse_record
from moldiff.config.check import CheckOptions
from moldiff.config.sample import SampleOptions
from moldiff.dataset.storage import open_dataset
from moldiff.sampling.plan import Plan
from moldiff.sampling.sampler import Sampler
from moldiff.sampling.tasks import KeptPart
from moldiff.sampling.training_set import load_training_set
from moldiff.scoring.molecule.keys import flat_smiles
from moldiff.scoring.rows import score_records
from moldiff.scoring.sets.reference import arrays_at

Cut = Callable[[BondGraph, np.random.Generator], np.ndarray | None]
FROM_THE_START = 1000.0
"""Noise level of restarts, as the command has it for a kept part: the first of the grid."""
COLUMNS = ("valid", "valid_strict", "pb_valid", "rings_known")


def scaffold(graph: BondGraph, random: np.random.Generator) -> np.ndarray | None:
    part = graph.scaffold
    return part if 5 <= part.sum() <= 0.8 * graph.atoms else None


def fragment(graph: BondGraph, random: np.random.Generator) -> np.ndarray | None:
    part = cut_one(graph, random)
    return part if 0.2 * graph.atoms <= part.sum() <= 0.8 * graph.atoms else None


def pair(graph: BondGraph, random: np.random.Generator) -> np.ndarray | None:
    parts = cut_several(graph, random, most=2)
    part = union(parts, graph.atoms)
    return part if len(parts) == 2 and part.sum() <= 0.85 * graph.atoms else None


def molecules(path: Path, hydrogens: str) -> list[MoleculeArrays]:
    if path.is_dir():
        dataset = open_dataset(path)
        return [arrays_at(dataset.molecules, int(place)) for place in dataset.rows("valid")]
    found = []
    for record in read_records([str(path)]):
        mol = parse_record(record)
        Chem.SanitizeMol(mol)
        found.append(to_arrays(mol if hydrogens == "explicit" else Chem.RemoveHs(mol)))
    return found


def kept(part: Fragment, record: Record) -> bool:
    """Whether the written molecule has the part's atoms, charges, positions and bonds, and no others among them."""
    made, own, count = to_arrays(parse_record(record)), part.arrays, len(part)
    return (
        np.array_equal(np.round(made.positions[:count], 4), np.round(own.positions, 4))
        and np.array_equal(made.atomic_numbers[:count], own.atomic_numbers)
        and np.array_equal(made.formal_charges[:count], own.formal_charges)
        and {bond for bond in bonds(made) if bond[1] < count} == bonds(own)
    )


def bonds(arrays: MoleculeArrays) -> set[tuple[int, int, int]]:
    ends = arrays.bonds.astype(int).tolist()
    return {(min(pair), max(pair), int(order)) for pair, order in zip(ends, arrays.bond_orders, strict=True)}


def main() -> None:
    RDLogger.DisableLog("rdApp.*")
    weights, source = sys.argv[1], Path(sys.argv[2])
    cases, samples = map(int, [*sys.argv[3:5], *("20", "100")[len(sys.argv[3:5]) :]])
    out = Path(sys.argv[5]) if len(sys.argv) > 5 else Path(tempfile.mkdtemp(prefix="moldiff-"))
    sampler = Sampler.load(weights)
    known = load_training_set(weights, optional=True)
    held_out = molecules(source, sampler.model.statistics.hydrogens)
    random = np.random.default_rng(0)
    order = random.permutation(len(held_out))
    titles = "made|kept|valid|valid_strict|PB-valid|rings known|distinct|original|restarts|CPU s a molecule".split("|")
    print(f"| {cases} cases of | {' | '.join(titles)} |\n|{'---|' * (len(titles) + 1)}")
    start = time.process_time()
    plain = sampler.sample(samples, seed=1)
    unconditional = (time.process_time() - start) / samples
    show("nothing given", list(plain), {}, known, unconditional, samples, 0.0, None, None, out)
    for name, cut in (("scaffolds", scaffold), ("fragments", fragment), ("pairs", pair)):
        records, parts, originals, found, seconds, restarts, used = [], {}, 0, 0, 0.0, 0, 0
        for place in order.tolist():
            if used == cases:
                break
            arrays = held_out[place]
            graph = BondGraph(len(arrays), arrays.bonds.astype(np.int64), arrays.bond_orders)
            mask = cut(graph, random) if len(arrays) >= 12 else None
            if mask is None:
                continue
            mol = to_rdkit(arrays)
            Chem.SanitizeMol(mol)
            part = without_atoms(
                mol, np.flatnonzero(~mask).tolist(), name, hydrogens=sampler.model.statistics.hydrogens
            )
            used += 1
            chosen = KeptPart((part,))
            plan = Plan.of(SampleOptions(n=samples, seed=used, restart_from=FROM_THE_START))
            start = time.process_time()
            made = [
                one
                for batch in plan.batches(sampler.model.statistics, kept=len(part))
                for one in sampler.batch(plan, batch, chosen)
            ]
            seconds += time.process_time() - start
            restarts += sum(one.restarts for one in made)
            keys = set()
            for one in made:
                if one.finite and not one.flaw:
                    parts[len(records)] = part
                    written = sampler.to_rdkit(one)
                    records.append(written)
                    sane = Chem.Mol(written)  # the record keeps its own Kekulé form, which is compared with the part's
                    try:
                        Chem.SanitizeMol(sane)
                        keys.add(flat_smiles(sane))
                    except ValueError:
                        pass
            originals += 1
            found += flat_smiles(mol) in keys
        show(name, records, parts, known, seconds / (used * samples), used * samples, restarts / (used * samples),
             found, originals, out)  # fmt: skip


def show(name, mols, parts, known, seconds, asked, restarts, found, originals, out):
    path = out / f"{name.replace(' ', '_')}.sdf"
    path.write_text("".join(write_sdf_block(mol) for mol in mols))
    records = list(read_records([str(path)]))
    rows = score_records(records, CheckOptions(), known)
    same = sum(kept(parts[place], record) for place, record in enumerate(records)) if parts else 0
    valid = [row for row in rows if row["valid"]]
    shares = {column: sum(bool(row[column]) for row in rows) / asked for column in COLUMNS}
    distinct = len({row["key"] for row in valid}) / max(1, len(valid))
    rings = f"{sum(bool(row['rings_known']) for row in valid) / max(1, len(valid)):.1%}" if known is not None else "-"
    cells = [
        f"{len(records)} of {asked}",
        f"{same} of {len(records)}" if parts else "-",
        *(f"{shares[column]:.1%}" for column in ("valid", "valid_strict", "pb_valid")),
        rings,
        f"{distinct:.1%}",
        f"{found} of {originals}" if parts else "-",
        f"{restarts:.2f}",
        f"{seconds:.3f}",
    ]
    print(
        f"| {name} | {' | '.join(cells)} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
