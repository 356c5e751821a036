"""Write the tables of docs/metrics.md from what `moldiff.scoring` declares: `python docs/write_metrics.py`.

A table is placed between two comments that name it. The rates of flags among real molecules are kept as they are; they
come from `benchmarks/reference_rates.py`.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from moldiff.scoring.columns import ROW_COLUMNS
from moldiff.scoring.metrics import DESCRIPTORS, METRICS, VALUES

PAGE = Path(__file__).parent / "metrics.md"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    titles = list(head)
    lines = [f"| {' | '.join(line)} |" for line in (titles, *rows)]
    return "\n".join([lines[0], "|---" * len(titles) + "|", *lines[1:]])


TABLES = {
    "rates": table(
        ("rate", "title", "definition", "of"), ((one.name, one.title, one.meaning, one.of) for one in METRICS)
    ),
    "values": table(("number", "title", "meaning"), ((one.name, one.title, one.meaning) for one in VALUES)),
    "descriptors": table(("descriptor", "meaning", "unit"), ((one.name, one.meaning, one.unit) for one in DESCRIPTORS)),
    "columns": table(("column", "type", "meaning"), ((one.name, one.kind, one.meaning) for one in ROW_COLUMNS)),
}


def main() -> None:
    """Replace each table."""
    text = PAGE.read_text(encoding="utf-8")
    for name, made in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        text, count = pattern.subn(lambda match, made=made: f"{match[1]}\n{made}\n{match[2]}", text)
        if count != 1:
            raise SystemExit(f"{PAGE}: holds {count} places for the table {name}, not one")
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
