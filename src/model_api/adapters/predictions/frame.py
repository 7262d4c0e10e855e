"""One prediction as bytes: the same JSON goes into the table, the event and the spool.

``encode(prediction, sealed_text)``, ``tenant_of(frame)``, ``NO_TEXT``, ``SealedText``.
"""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from model_api.domain.prediction import Prediction

NO_TEXT = b'"sealed_text":null}'
"""How a frame ends that carries no text."""


@dataclass(frozen=True, slots=True)
class SealedText:
    """A text encrypted under its data subject's key, which travels wrapped by the master key.

    ``ciphertext`` and ``wrapped_key`` begin with their nonces. The key comes along so that a
    text can be kept while the database that knows the keys is away.
    """

    ciphertext: bytes
    key_id: UUID
    wrapped_key: bytes
    master_key_id: bytes
    subject_fingerprint: bytes


@dataclass(frozen=True, slots=True)
class _Frame:
    prediction: Prediction
    sealed_text: SealedText | None


class _Tenant(msgspec.Struct):
    tenant: str


class _TenantOnly(msgspec.Struct):
    prediction: _Tenant


_encoder = msgspec.json.Encoder()
_tenant_decoder = msgspec.json.Decoder(_TenantOnly)


def encode(prediction: Prediction, sealed_text: SealedText | None = None) -> bytes:
    """The frame of a prediction: UTF-8 JSON, binary values in base64."""
    return _encoder.encode(_Frame(prediction, sealed_text))


def tenant_of(frame: bytes) -> str:
    """The tenant that a frame belongs to; msgspec.MsgspecError where it is no frame."""
    return _tenant_decoder.decode(frame).prediction.tenant
