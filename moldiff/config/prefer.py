"""Options of learning from refused molecules."""

from pydantic import Field

from moldiff.config.options import Options


class PreferOptions(Options):
    """Preferred molecules become likelier than before, refused ones less likely."""

    strength: float = Field(50.0, gt=0, le=1e6)
    """How sharply preferred and refused molecules are told apart (β of direct preference optimisation)."""
    kept: float = Field(2.0, ge=0, le=1e6)
    """Weight of the usual loss of the preferred molecules, which keeps what is generated near them."""
    above: float = Field(0.4, ge=0, le=1000)
    """Smallest noise level, Å, at which they are told apart. Below, the graph is settled, and a network that is taught
    to avoid its own molecules would unlearn their bond lengths."""
