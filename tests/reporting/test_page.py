"""The page as text: complete, escaped, and without anything that a browser would fetch."""

import html.parser
import re
from pathlib import Path

import pytest

from moldiff.config.options import parse
from moldiff.config.report import ReportOptions
from moldiff.config.run import Config
from moldiff.reporting.evidence import gather
from moldiff.reporting.page import page
from tests.reporting.made_run import CLOSING, EVIL, GOOD, make_run
from tests.reporting.unpacked import arrays, columns


class Reader(html.parser.HTMLParser):
    """Elements with their attributes, the text, and whether every element was closed in order."""

    VOID = frozenset({"meta", "link", "br", "hr", "img", "col", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"script", "style"}:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return re.sub(r"[ \n]+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run"))


def write(folder: Path, *parts: str, **options: object) -> str:
    given = {"dataset": folder / "dataset", "training": folder / "training", "check": folder / "check"}
    evidence = gather(
        folder / "report.html",
        samples=[folder / "samples.sdf"] if "samples" in parts else [],
        config=parse(Config, {"name": "tiny", "featurize": {"inputs": ["a.sdf"]}}).model_dump(mode="json")
        if "config" in parts
        else None,
        **{name: path if name in parts else None for name, path in given.items()},
    )
    return page(parse(ReportOptions, options), evidence)


@pytest.fixture(scope="module")
def whole(folder: Path) -> str:
    return write(folder, "dataset", "training", "samples", "check", "config")


def names(text: str) -> list[str]:
    """What the molecules of the table are called, in its order."""
    return next((column["values"] for column in columns(text) if column["name"] == "name"), [])


def test_nothing_is_fetched_and_no_foreign_script_may_run(whole: str) -> None:
    reader = Reader(whole)
    assert not reader.open
    addresses = [a[key] for _, a in reader.elements for key in ("src", "href", "srcset", "action", "data") if key in a]
    assert addresses
    assert not [a for a in addresses if a is None or re.match(r"\s*([a-z]+:)?//", a) or re.match(r"\s*javascript", a)]
    assert {a for a in addresses if ":" in a} == {"data:,"}
    assert not re.findall(r"url\(|@import|https?:|fetch\(|XMLHttpRequest|WebSocket|\bimport\(", whole)
    assert not reader.all("img")
    assert not reader.all("iframe")
    assert len(reader.all("script")) == 3
    assert not [key for _, attributes in reader.elements for key in attributes if key.startswith("on")]
    policy = next(m["content"] for m in reader.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_hostile_names_stay_text(whole: str) -> None:
    assert EVIL not in whole
    assert "onerror=" not in re.sub(r"onerror=(&#34;|\\\")", "", whole)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in whole
    assert {EVIL, CLOSING} <= set(names(whole))


def test_every_part_is_there(whole: str, folder: Path) -> None:
    text = Reader(whole).text
    for words in (
        "75.0\u202f%", "6 of 8 records", "41.0 to 93.0", "of 10 requested", "Run tiny", "600", "14\u202f400",
        "Internal diversity", "internal_steric_clash", "brenk aniline", "no atoms", "noise floor", "kcal/mol",
        "nearest in training", "Ring systems never seen", "Explicit valence", "samples.sdf", "dataset/dataset.json",
    ):  # fmt: skip
        assert words in text, words
    assert len(names(whole)) == len(GOOD) + 2
    assert int(arrays(whole)["solid"].sum()) == len(GOOD) + 1
    assert len(whole) < 300_000


def test_it_can_be_read_without_eyes(whole: str) -> None:
    reader = Reader(whole)
    assert len(reader.all("caption")) == len(reader.all("table"))
    pictures = [a for a in reader.all("svg") if a.get("role") == "img"]
    titles = len([1 for name, _ in reader.elements if name == "title"])
    assert len([a for a in pictures if "aria-label" not in a]) <= titles
    identities = [a["id"] for _, a in reader.elements if "id" in a]
    assert len(identities) == len(set(identities))
    for _, attributes in reader.elements:
        for key in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(key) is None or attributes[key] in identities
    assert {a["href"][1:] for a in reader.all("a") if (a["href"] or "").startswith("#")} <= set(identities)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (["check"], ["No training folder", "No featurized dataset", "training molecules"]),
        (["check", "dataset"], ["No training folder", "training molecules chosen at random"]),
        (["samples"], ["Not checked", "No check was given", "No checked rows"]),
        (["training"], ["No check was given", "no molecules to show", "none can be ranked"]),
        (["dataset"], ["No check was given", "No training folder"]),
    ],
)
def test_what_is_missing_is_said_in_its_place(folder: Path, parts: list[str], words: list[str]) -> None:
    reader = Reader(write(folder, *parts))
    assert not reader.open
    for word in words:
        assert word in reader.text


def test_check_alone_finds_the_structures_of_the_files_that_it_names(folder: Path) -> None:
    assert int(arrays(write(folder, "check"))["solid"].sum()) == len(GOOD) + 1


def test_the_best_come_first(folder: Path) -> None:
    text = write(folder, "check", molecules=3)
    values = {column["name"]: column["values"] for column in columns(text)}
    assert len(values["qed"]) == 3
    assert values["qed"] == sorted(values["qed"], reverse=True)
    assert "5 of 8 records are not on this page" in text
    assert names(write(folder, "check"))[5:] == ["plain", "five bonds", "garbage <b>"]  # not PB-valid, not valid


def test_nothing_asked_for_gives_no_pictures(folder: Path) -> None:
    text = write(folder, "check", pictures=0, molecules=0)
    assert not names(text)
    assert "No molecule was asked for" in text


def test_same_input_gives_the_same_page(folder: Path, whole: str) -> None:
    assert write(folder, "dataset", "training", "samples", "check", "config") == whole


def test_rows_in_csv_do_as_well(folder: Path, tmp_path: Path) -> None:
    copy = make_run(tmp_path / "copy")
    (copy / "check" / "rows.parquet").unlink()
    assert len(names(write(copy, "check", "samples"))) == len(GOOD) + 2
    (copy / "check" / "rows.csv").unlink()
    assert "75.0\u202f%" in write(copy, "check")
    (copy / "training" / "metrics.csv").write_text("step,loss\n", encoding="utf-8")
    assert "No metrics.csv" in write(copy, "training")
