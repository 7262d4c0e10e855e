"""One JSON object a line on standard output; what libraries log goes the same way."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

_encoder = msgspec.json.Encoder(enc_hook=str)


def _to_json(_logger: object, _method: str, event: Mapping[str, Any]) -> bytes:
    return _encoder.encode(event)


def configure_logging(service: str, level: str) -> None:
    """Send this process's log to standard output. `level`: debug, info, warning or error."""
    threshold = logging.getLevelNamesMapping()[level.upper()]

    def name_service(_logger: object, _method: str, event: Any) -> Any:
        event["service"] = service
        return event

    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            stamp,
            name_service,
            structlog.processors.format_exc_info,
            _to_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, stamp, name_service],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                lambda logger, method, event: _to_json(logger, method, event).decode(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries describe each connection and request at INFO; our own line says it once.
    root.setLevel(max(threshold, logging.WARNING))
