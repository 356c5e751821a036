"""The error that is the user's to fix: shown without a traceback, with exit status 2."""

LIMITS = "`moldiff limits` says what moldiff can and cannot do"
"""The end of a message about something that is beyond a model, not beyond the user."""


class UserError(ValueError):
    """Something given to moldiff cannot be used; the message names the file, the record and the remedy."""
