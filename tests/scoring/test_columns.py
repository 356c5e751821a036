from pathlib import Path

from moldiff.scoring.columns import ROW_COLUMNS


def test_every_column_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    for column in ROW_COLUMNS:
        assert f"| {column.name} | {column.kind} | {column.meaning} |" in text
