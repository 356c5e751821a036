import os
from typing import Any

import pytest

from moldiff.chemistry.formats.records import Record
from moldiff.config.check import CheckOptions
from moldiff.scoring import sampled
from moldiff.scoring.sampled import Samples
from moldiff.scoring.score import Task
from tests.scoring import handmade

TASKS = [
    Task(1, Record("a.sdf", 1, handmade.METHANE.partition("$$$$")[0], "sdf", "methane")),
    Task(2, Record("a.sdf", 2, "nothing", "sdf", "broken")),
    Task(3, Record("a.sdf", 3, "CCO", "smiles", "flat")),
]


def asked() -> dict[int, dict[str, Any]]:
    samples = Samples(CheckOptions(strain=3), len(TASKS))
    assert list(samples.watch(iter(TASKS))) == TASKS
    return samples.ask(1)


def test_only_what_has_a_structure_is_asked():
    assert asked() == {1: {"strain_energy": pytest.approx(0, abs=1), "strain_rmsd": 0.0, "strain_reason": None}}


def test_a_record_that_crashes_when_it_is_read_costs_its_answer_alone(monkeypatch: pytest.MonkeyPatch):
    parse = sampled.parse

    def crashing(record: Record, charge: int) -> Any:
        if record.name == "broken":
            os._exit(1)
        return parse(record, charge)

    monkeypatch.setattr(sampled, "parse", crashing)
    found = asked()
    assert found[2] == {
        "strain_energy": None,
        "strain_rmsd": None,
        "strain_reason": "crash: the process that worked on it died",
    }
    assert found[1]["strain_energy"] is not None
