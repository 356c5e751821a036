from moldiff.scoring.records import CheckSummary, KnownSetRecord, NumberRecord
from moldiff.scoring.table import missing_notes, summary_table


def test_policy_intervals_and_noise_floors_are_printed():
    rate = {"numerator": 1, "denominator": 2, "value": 0.5, "low": 0.1, "high": 0.9}
    nothing = {"numerator": 0, "denominator": 0, "value": None, "low": None, "high": None}
    floor = {"kind": "W1", "unit": "Å", "value": 0.5, "noise_floor": 0.25, "n": 2}
    floor |= {"reference_n": 2, "noise_floor_n": 1, "covered": None}
    summary = CheckSummary.model_validate(
        {
            "n_total": 2,
            "n_valid": 1,
            "n_distinct": 1,
            "hydrogens": "implicit",
            "hydrogens_option": "auto",
            "definitions": "d",
            "valence_table": "v",
            "metrics": {"valid": rate, "novelty": nothing, "reasonable": {**rate, "reference": 0.75}},
            "values": {"circles": {"value": 1, "n": 1}},
            "distances": {"bond_lengths": floor, "torsions": {**floor, "value": None}},
        }
    )
    text = summary_table(summary)
    assert "hydrogens implicit (asked for: auto)" in text
    assert "50.00%  [10.00%, 90.00%]  1 of 2\n" in text
    assert "1 of 2 (reference 75.00%)" in text
    assert "novelty" not in text
    assert "0.5 Å  (W1; noise floor 0.25)" in text
    assert "torsions" not in text


def test_what_is_missing_is_named_with_the_remedy():
    known = KnownSetRecord(path="x", checksum="", records=1, valid=1, distinct=1, profiled=1)
    given = {"definitions": "d", "hydrogens": "implicit", "n_total": 3, "n_valid": 3, "n_distinct": 3, "metrics": {}}
    nothing = CheckSummary.model_validate(given)
    assert ["novelty" in note or "distances" in note for note in missing_notes(nothing)] == [True, True]
    assert "--train drugs" in missing_notes(nothing)[0]
    shipped = nothing.model_copy(update={"train": known, "reference": known})
    assert missing_notes(shipped) == [
        "not computed, since the set that ships with weights holds no structures: snn, nearest_train"
    ]
    assert missing_notes(shipped.model_copy(update={"values": {"snn": NumberRecord(value=0.5, n=1)}})) == []
