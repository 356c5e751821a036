#!/usr/bin/env bash
# The check on real molecules, of which nearly all must pass; the tables of docs/benchmarks.md.
#
#   benchmarks/real_sets.sh qm9 qm9_valid.sdf.gz         QM9 as SDF, and as XYZ, which holds no bonds
#   benchmarks/real_sets.sh drugs fda_approved.smi       SMILES of drugs with conformers made by featurize
#
# Results go to results/real/NAME; summary.json holds the rates, rows.csv the reason of each failure.
set -euo pipefail
name=${1:?name one of qm9, drugs} file=${2:?name the file}
folder=results/real/$name
mkdir -p "$folder"
case $name in
    qm9)
        moldiff check "$file" --out "$folder/sdf"
        python benchmarks/as_xyz.py "$file" >"$folder/molecules.xyz"
        moldiff check "$folder/molecules.xyz" --out "$folder/xyz"
        python benchmarks/as_xyz.py --compare "$folder/sdf/rows.csv" "$folder/xyz/rows.csv"
        ;;
    drugs)
        moldiff featurize "$file" --hydrogens explicit --max-atoms 400 --out "$folder/dataset"
        python benchmarks/as_sdf.py "$folder/dataset" >"$folder/molecules.sdf"
        moldiff check "$folder/molecules.sdf" --out "$folder/checked"
        ;;
    *) echo "unknown: $name" >&2; exit 2 ;;
esac
