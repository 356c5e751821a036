"""Sampled molecules as SMILES or CSV: the SDF that the sample stage writes is read, tidied and written again."""

import sys
from pathlib import Path

from moldiff.chemistry.formats.records import read_records
from moldiff.chemistry.formats.sdf import data_items
from moldiff.chemistry.formats.writing import kind_of
from moldiff.config.sample import SampleOptions
from moldiff.files.manifest import record_of, write_record
from moldiff.files.records import SamplesInfo
from moldiff.sampling.finish import finish
from moldiff.sampling.molecules import Molecules
from moldiff.scoring.molecule.parsing import parse
from moldiff.stages.sample import sample


def sample_as(options: SampleOptions, weights: str | Path, output: Path, *, overwrite: bool = False) -> Path:
    """Generate molecules and write them as the output's name says: .sdf, .smi or .csv, each also with .gz.

    A CSV holds all molecules, those that are none with their problem and without SMILES; a SMILES file leaves these out
    and says how many they are. The record is written beside it as OUTPUT.json.

    Args:
        options: of the sampling.
        weights: a model's file, or the name of shipped weights.
        output: the file.
        overwrite: start over even if there are finished batches.

    Raises:
        UserError: the name ends otherwise; what `moldiff.stages.sample.sample` raises.
    """
    if kind_of(output) == ".sdf":
        return sample(options, weights, output, overwrite=overwrite)
    made = output.with_name(f".{output.name}.sdf")
    sample(options, weights, made, overwrite=overwrite, announce=False)
    molecules = []
    for record in read_records([str(made)]):
        mol = parse(record).mol
        if mol is None:  # coordinates beyond what the format holds, say; the record counts it
            continue
        mol.SetProp("_Name", record.name)
        molecules.append(finish(mol, data_items(record.text)))
    finished = Molecules(molecules)
    finished.save(output)
    print(f"{output}: {len(finished)} molecules", file=sys.stderr)
    without = sum(not smiles for smiles in finished.to_smiles())
    if kind_of(output) == ".smi" and without:
        print(f"{output}: {without} of {len(finished)} have no SMILES and are left out", file=sys.stderr)
    info = SamplesInfo.beside(made, "sample again").model_dump()
    write_record(output.with_name(f"{output.name}.json"), info | {"without_smiles": without}, [output])
    record_of(made).unlink()
    made.unlink()
    return output
