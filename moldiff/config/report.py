"""Options of report."""

from pydantic import Field

from moldiff.config.options import Options


class ReportOptions(Options):
    """The report."""

    title: str = "moldiff report"
    """Title of the page."""
    molecules: int = Field(10_000, ge=0, le=100_000)
    """Molecules in the table, the best first, with their drawings and positions; about 0.5 kB each on the page."""
    pictures: int = Field(30, ge=0, le=500)
    """Best molecules that are also shown beside their nearest training molecules."""
