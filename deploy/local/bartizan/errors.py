"""What goes wrong in a way that the person at the terminal can act on."""


class BartizanError(Exception):
    """One line that says what happened and what to do; printed without a traceback."""


class NotUpError(BartizanError):
    """No supervisor answers for this state folder."""
