from pathlib import Path

import pytest

from moldiff.config.check import CheckOptions
from moldiff.stages.check import check
from tests.stages.ranking import SMILES


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranked")
    (folder / "some.smi").write_text("".join(f"{smiles} name{i}\n" for i, smiles in enumerate(SMILES)))
    check(CheckOptions(), [str(folder / "some.smi")], folder / "check", workers=1)
    return folder / "check"
