"""Options of report."""

from pydantic import Field

from moldiff.config.options import Options


class ReportOptions(Options):
    """The report."""

    title: str = "moldiff report"
    """Title of the page."""
    pictures: int = Field(30, ge=0, le=500)
    """Molecules drawn in 2D."""
    viewers: int = Field(12, ge=0, le=100)
    """Molecules that can be turned in 3D."""
