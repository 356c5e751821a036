"""How often does each flag match real molecules? `python benchmarks/reference_rates.py NAME=FILE.smi ... --count 1500`.

Each file holds a SMILES a line (or a table with a column smiles), plain or gzip; a seeded sample of distinct molecules,
their largest fragments, is judged. Prints the tables of `docs/metrics.md`.
"""

import argparse
import random
from collections import Counter

from rdkit import Chem, rdBase

from moldiff.chemistry.formats.records import read_records
from moldiff.chemistry.identity import flat_key
from moldiff.scoring.molecule.flags import GROUP_FLAGS
from moldiff.scoring.molecule.patterns import possible
from moldiff.scoring.molecule.realism import realism
from moldiff.scoring.molecule.rings import TOPOLOGY_FLAGS


def keys(path: str, count: int) -> list[str]:
    """Flat keys of a sample of the distinct largest fragments."""
    texts = sorted({record.text.split()[0] for record in read_records([path])})
    random.Random(0).shuffle(texts)
    distinct: dict[str, None] = {}
    for text in texts:
        mol = Chem.MolFromSmiles(text)
        if mol is not None:
            largest = max(Chem.GetMolFrags(mol, asMols=True), key=lambda part: part.GetNumHeavyAtoms())
            distinct[flat_key(largest)] = None
        if len(distinct) == count:
            break
    return list(distinct)


def shares(path: str, count: int) -> tuple[Counter[str], int]:
    """Molecules with each flag, and with what the headline rates count."""
    counts: Counter[str] = Counter()
    chosen = keys(path, count)
    for key in chosen:
        mol = Chem.MolFromSmiles(key)
        values = realism(mol, screened=possible(mol))
        for kind in ("topology_flags", "group_flags"):
            names = [name for name in str(values[kind]).split("; ") if name]
            counts.update([*names, *([kind] if names else [])])
        rarest = values["chembl_rings"]
        counts["reasonable"] += bool(values["reasonable"])
        for name, column in (
            ("rings", "rings"),
            ("unknown", "chembl_unknown"),
            ("unknown_exact", "chembl_unknown_exact"),
        ):
            counts[name] += int(values[column] or 0)
        counts["with_unknown"] += bool(values["chembl_unknown"])
        counts["below_5"] += rarest is not None and int(rarest) < 5
        counts["below_100"] += rarest is not None and int(rarest) < 100
        sizes = [len(ring) for ring in mol.GetRingInfo().AtomRings()]
        counts["ring_of_seven"] += 7 in sizes
        counts["ring_of_eight"] += max(sizes, default=0) >= 8
        counts["four_joined_rings"] += int(values["joined_rings"] or 0) >= 4
    return counts, len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--count", type=int, default=1500)
    options = parser.parse_args()
    rdBase.DisableLog("rdApp.*")
    named = {name: shares(path, options.count) for name, path in (one.split("=", 1) for one in options.sets)}
    print("| per cent | " + " | ".join(f"{name} ({n})" for name, (_, n) in named.items()) + " |")
    print("|---|" + "---|" * len(named))
    headline = ("reasonable", "topology_flags", "group_flags", "with_unknown", "unknown", "unknown_exact", "below_5",
                "below_100", "four_joined_rings", "ring_of_seven", "ring_of_eight", "rings")  # fmt: skip
    for name in (*headline, *TOPOLOGY_FLAGS, *(flag.name for flag in GROUP_FLAGS)):
        print(f"| {name} | " + " | ".join(f"{100 * counts[name] / n:.1f}" for counts, n in named.values()) + " |")


if __name__ == "__main__":
    main()
