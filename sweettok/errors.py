"""Errors that are the user's to fix."""


class InputError(ValueError):
    """Bad input: params, files, data. The message is one line that names the cause and the fix.

    Stages print it without a traceback and exit with status 1.
    """
