"""Options of report."""

from pydantic import Field

from moldiff.config.options import Options


class ReportOptions(Options):
    """The report."""

    title: str = "moldiff report"
    """Title of the page."""
    molecules: int = Field(10_000, ge=0, le=100_000)
    """Number of molecules in the table, best first, with drawings and positions; about 0.5 kB each."""
    pictures: int = Field(30, ge=0, le=500)
    """Number of best molecules that are shown next to their nearest training molecules."""
