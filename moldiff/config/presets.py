"""Settings of sampling that were measured together; `docs/family.md` has the table."""

from typing import Any, Literal

Preset = Literal["fast", "default", "best"]
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"steps": 20},
    "default": {},
    "best": {"steps": 100},
}
"""What each preset sets; an option that is given itself wins over it."""
