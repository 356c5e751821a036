#!/usr/bin/env bash
# Quality of a model trained from nothing: featurize, train on one thread, sample, check.
#
#   benchmarks/quality.sh library                               the library that ships,  5.5 min of training
#   benchmarks/quality.sh heavy train.sdf.gz valid.sdf.gz       QM9, heavy atoms,         15 min
#   benchmarks/quality.sh all train.sdf.gz valid.sdf.gz         QM9, all atoms,           47 min
#   benchmarks/quality.sh drugs zinc.smi                        drug-like SMILES,         27 min
#
# Results go to results/quality/NAME; killed, the same command goes on where it was.
set -euo pipefail
name=${1:?name one of library, heavy, all, drugs}
shift
export OMP_NUM_THREADS=1
featurize=() train=(--threads 1) n=1000
case $name in
    library) set -- data/library.csv; train+=(--steps 100000 --minutes 5.5 --batch-size 16) n=500 ;;
    heavy) train+=(--steps 200000 --minutes 15 --batch-size 24) ;;
    all) featurize=(--hydrogens explicit) train+=(--steps 200000 --minutes 47 --batch-size 24) ;;
    drugs) featurize=(--max-atoms 60 --limit 8000) train+=(--steps 100000 --minutes 27 --batch-size 16) ;;
    *) echo "unknown: $name" >&2; exit 2 ;;
esac
folder=results/quality/$name
[ -e "$folder/dataset/dataset.json" ] || moldiff featurize "$@" --out "$folder/dataset" "${featurize[@]}"
[ -e "$folder/training/model.safetensors" ] || moldiff train "$folder/dataset" --out "$folder/training" "${train[@]}"
[ -e "$folder/new.sdf" ] ||
    moldiff sample "$folder/training/model.safetensors" --out "$folder/new.sdf" -n "$n" --threads 1
moldiff check "$folder/new.sdf" --train "$folder/dataset" --out "$folder/checked"
