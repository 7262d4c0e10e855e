"""Every limit of the guard's API and of its rules, by name."""

MAX_INPUTS = 256
"""Inputs in one request."""

MAX_INPUT_BYTES = 1 << 20
"""Size of one input, in bytes of UTF-8."""

MAX_SUBJECT_LENGTH = 256
"""Characters of the key of a data subject."""

MAX_SESSION_LENGTH = 256
"""Characters of a session's name."""

MAX_NOTE_LENGTH = 2_000
"""Characters of the note of a feedback."""

MAX_PAGE_SIZE = 200
"""Items on one page of a list."""

MAX_PAGE_TEXT_BYTES = 1 << 20
"""Bytes of stored texts on one page of feedback; a text that is larger stands alone."""

MAX_POLICY_NAME_LENGTH = 64
"""Characters of a policy's name."""

MAX_POLICY_RULES = 32
"""Rules in one policy."""

MIN_DEADLINE_MS = 1
MAX_DEADLINE_MS = 60_000
DEFAULT_DEADLINE_MS = 2_000
"""How long a judgement may take, in milliseconds, before the policy's fail mode answers."""

MAX_SIGNAL_SPANS = 16
"""Places reported for one signal; its count goes on beyond them."""

MAX_GENERATION = (1 << 53) - 1
"""The highest generation of a deployment: the largest integer that every JSON reader keeps."""

MAX_WARM_VERSIONS = 8
"""Versions kept loaded beside those that judge."""

MAX_REASON_LENGTH = 1_000
"""Characters of the reason for a deployment."""

MAX_LOCATION_LENGTH = 512
"""Characters of a bundle's place in the bucket."""

MAX_BUNDLE_FILES = 16
MAX_BUNDLE_BYTES = 256 << 20
"""Files in a deployed bundle, and their size together."""
