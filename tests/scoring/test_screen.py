"""The screen may let too much pass, never too little."""

import pytest
from rdkit import Chem
from rdkit.Chem import QED, Descriptors, rdMolDescriptors

from moldiff.scoring.molecule.descriptors import describe
from moldiff.scoring.molecule.patterns import ALERT_SETS, alert_entries, groups, pattern_of, possible
from moldiff.scoring.molecule.screen import Screen
from tests.scoring import handmade
from tests.scoring.test_metrics import DRUGS


def mols() -> list[Chem.Mol]:
    texts = [*DRUGS.values(), *(text for text, verdict in handmade.SMILES.values() if verdict.startswith("11"))]
    return [mol for mol in map(Chem.MolFromSmiles, texts) if mol is not None]


def test_it_lets_pass_every_pattern_that_matches():
    lists = {"groups": list(groups().values()), "qed": QED.StructuralAlerts, "acceptors": QED.Acceptors}
    passed = 0
    for mol in mols():
        screened = possible(mol)
        for name, patterns in lists.items():
            matching = {place for place, pattern in enumerate(patterns) if mol.HasSubstructMatch(pattern)}
            assert matching <= set(screened[name]), (name, Chem.MolToSmiles(mol))
            passed += len(screened[name])
    assert passed < 0.2 * len(mols()) * sum(map(len, lists.values()))  # it rules most of them out


def test_the_pattern_of_every_alert_is_read():
    texts = {name: [Chem.MolToSmarts(pattern_of(entry)) for entry in alert_entries(name)] for name in ALERT_SETS}
    assert {name: len(one) for name, one in texts.items()} == {"pains": 480, "brenk": 105, "glaxo": 55}
    assert not any("*" in one for one in texts.values())


@pytest.mark.parametrize(
    ("smarts", "smiles", "may"),
    [
        ("[NX3;H2]", "CN", True),
        ("[NX3;H2]", "CNC", False),
        ("C#C", "C=C", False),
        ("cc", "c1ccccc1", True),
        ("CC", "c1ccccc1", False),
        ("[#6][F,Cl]", "CCl", True),
        ("[#6][F,Cl]", "CBr", False),
        ("[!#6]C", "CC", False),
        ("[$(C=O),$(C#N)]", "CC#N", True),
        ("[$(C=O),$(C#N)]", "CCO", False),
        ("[!R]", "C1CC1", False),
        ("[R2]", "CC", False),
        ("[N+]", "C[NH3+]", True),
        ("[N+]", "CN", False),
        ("[O;$(O-C=O)]", "CC(=O)O", True),
        ("[O;$(O-C=O)]", "CCO", False),
        ("*", "C", True),
        ("[13C]", "C", True),  # not understood, so let pass
        ("C-,=C", "C=C", True),
    ],
)
def test_it_reads_smarts(smarts, smiles, may):
    assert bool(Screen([Chem.MolFromSmarts(smarts)]).possible(Chem.MolFromSmiles(smiles))) == may


def test_screened_descriptors_are_those_of_rdkit():
    for mol in mols():
        values = describe(mol)
        assert values.qed == QED.qed(mol)
        assert (values.logp, values.mw) == (Descriptors.MolLogP(mol), Descriptors.MolWt(mol))
        assert (values.tpsa, values.hbd) == (Descriptors.TPSA(mol), rdMolDescriptors.CalcNumHBD(mol))
        assert values.rotatable_bonds == rdMolDescriptors.CalcNumRotatableBonds(mol)
