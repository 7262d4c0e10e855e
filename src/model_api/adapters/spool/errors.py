"""Why a spool cannot be opened or written: ``SpoolInUse``, ``SpoolFull``, ``SpoolUnwritable``."""


class SpoolInUse(Exception):
    """Another process has this spool; each needs a state directory of its own."""


class SpoolFull(Exception):
    """The spool has reached its bound."""


class SpoolUnwritable(Exception):
    """The disk refused; the message says how."""
