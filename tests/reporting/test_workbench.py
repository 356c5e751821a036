"""The table of molecules worked with in a real browser: filtered, sorted, saved, and what was saved read again."""

import base64
import csv
import hashlib
import html
import io
import json
import re
import shutil
import subprocess
from typing import Any

import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from moldiff.config.report import ReportOptions
from moldiff.stages.report import report
from tests.reporting.test_browser import BROWSERS, FLAGS

SMILES = ("C[C@H](F)Cl", "C/C=C/O", "[O-]C(=O)C[N+](C)(C)C", "c1ccc2[nH]ccc2c1", "N#CC=O", "CC(=O)Nc1ccccc1")
FORMULA = "=1+1"
EVIL = "<img src=x onerror=alert(1)>"
GIVEN = {5: "1,2,3"}

# Works with the page as a person would, and writes what came of it into the document.
DRIVER = """
(async () => {
  const found = {};
  const wait = () => new Promise((done) => setTimeout(done, 20));
  while (document.documentElement.dataset.report !== "ready") await wait();
  const $ = (query) => document.querySelector(query);
  const rows = () => Array.from(document.querySelectorAll("#rows-body .open.name")).map((button) => button.textContent);
  const saved = [];
  URL.createObjectURL = (blob) => { saved.push(blob); return "data:,"; };
  HTMLAnchorElement.prototype.click = () => {};
  const type = async (field, value) => { field.value = value; field.dispatchEvent(new Event("input")); await wait(); };
  const press = async (label) => {
    Array.from(document.querySelectorAll("button")).find((button) => button.textContent === label).click();
    await wait();
  };
  found.all = rows();
  found.title = $("#detail-name").textContent;
  await type($("#search"), "nitrile");
  found.searched = rows();
  await press("Clear filters");
  await type($('[aria-label="QED, smallest"]'), "0.4");
  await type($('[aria-label="QED, largest"]'), "0.6");
  found.between = rows();
  await press("Clear filters");
  const options = Array.from(document.querySelectorAll("#class option"));
  const option = options.find((each) => each.textContent.startsWith("amide"));
  $("#class").value = option.value;
  $("#class").dispatchEvent(new Event("change"));
  await wait();
  found.has = rows();
  await press("has");
  found.hasNot = rows();
  await press("Clear filters");
  await press("QED");
  found.ascending = rows();
  await press("QED");
  found.descending = rows();
  await press("Clear filters");
  await press("CSV");
  await press("SDF");
  document.querySelector("#rows-body tr:nth-child(2) .tick input").click();
  await wait();
  await press("CSV");
  found.count = $("#count").textContent;
  found.saved = await Promise.all(saved.map((blob) => blob.text()));
  found.images = document.querySelectorAll("img").length;
  document.documentElement.dataset.result = JSON.stringify(found);
})();
"""


def record(place: int, smiles: str, name: str) -> str:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=7)
    mol.SetProp("_Name", name)
    given = f">  <moldiff_given_atoms>\n{GIVEN[place]}\n\n" if place in GIVEN else ""
    return Chem.MolToMolBlock(mol) + given + "$$$$\n"


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of working with a page of `SMILES` in a browser."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no browser found")
    folder = tmp_path_factory.mktemp("bench")
    names = [FORMULA, EVIL, "three", "four", "five", "six"]
    samples = folder / "samples.sdf"
    samples.write_text("".join(record(place, *pair) for place, pair in enumerate(zip(SMILES, names, strict=True))))
    (folder / "check").mkdir()
    groups = ["fr_halogen 2", "fr_alkene 1", "fr_COO 1", "fr_Ar_NH 1", "fr_nitrile 1; fr_aldehyde 1", "fr_amide 1"]
    pd.DataFrame({
        "index": range(1, 7), "source": str(samples), "record": range(1, 7), "name": names, "smiles": SMILES,
        "valid": True, "duplicate": False, "novel": True, "qed": [0.9, 0.8, 0.7, 0.55, 0.4, 0.25],
        "functional_groups": groups,
    }).to_parquet(folder / "check" / "rows.parquet")  # fmt: skip
    page = report(ReportOptions(), folder / "report.html", check=folder / "check", samples=[samples])
    digest = base64.b64encode(hashlib.sha256(DRIVER.encode()).digest()).decode()
    text = page.read_text().replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    page.write_text(text.replace("</body>", f"<script>{DRIVER}</script></body>"))
    command = [browser, *FLAGS.split(), "--virtual-time-budget=20000", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=180)
    assert not re.findall(r".*CONSOLE.*", done.stderr)
    result = re.search(r'data-result="([^"]*)"', done.stdout)
    assert result is not None, done.stdout[:3000]
    return json.loads(html.unescape(result.group(1)))


@pytest.mark.slow
def test_rows_are_searched_filtered_and_sorted(worked: dict[str, Any]):
    everything = [FORMULA, EVIL, "three", "four", "five", "six"]
    assert worked["all"] == everything
    assert worked["title"] == FORMULA
    assert worked["searched"] == ["five"]
    assert worked["between"] == ["four", "five"]
    assert worked["has"] == ["six"]
    assert worked["hasNot"] == everything[:5]
    assert worked["ascending"] == everything[::-1]
    assert worked["descending"] == everything
    assert worked["count"] == "6 molecules, 1 selected"
    assert worked["images"] == 0


@pytest.mark.slow
def test_what_is_saved_as_sdf_are_the_molecules_that_were_read(worked: dict[str, Any]):
    read = Chem.SDMolSupplier()
    read.SetData(worked["saved"][1], removeHs=False)
    mols = list(read)
    assert len(mols) == len(SMILES)
    for place, (mol, smiles) in enumerate(zip(mols, SMILES, strict=True)):
        Chem.AssignStereochemistryFrom3D(mol)
        assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == Chem.CanonSmiles(smiles)
        original = Chem.MolFromMolBlock(
            record(place, smiles, "x").split(">  <")[0].removesuffix("$$$$\n"), removeHs=False
        )
        shift = mol.GetConformer().GetPositions() - original.GetConformer().GetPositions()
        assert abs(shift).max() <= 0.00061
    assert mols[0].GetProp("_Name") == FORMULA
    assert float(mols[4].GetProp("qed")) == 0.4
    assert mols[5].GetProp("moldiff_given_atoms") == GIVEN[5]


@pytest.mark.slow
def test_what_is_saved_as_csv_holds_the_selection_and_no_formula(worked: dict[str, Any]):
    every, one = (list(csv.DictReader(io.StringIO(worked["saved"][place]))) for place in (0, 2))
    assert [row["smiles"] for row in every] == list(SMILES)
    assert every[0]["name"] == "'" + FORMULA
    assert every[1]["name"] == EVIL
    assert [row["name"] for row in one] == [EVIL]
