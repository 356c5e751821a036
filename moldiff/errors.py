"""The error that is the user's to fix: shown without a traceback, with exit status 2."""


class UserError(ValueError):
    """Something given to moldiff cannot be used; the message names the file, the record and the remedy."""
