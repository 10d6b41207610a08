"""Logs, metrics and their redaction: one log line and one metric line per request, ids only.

Nothing that a caller sent is logged: no body, query, header, e-mail or address. The X-Ray SDK costs 300 ms to import,
so tracing is switched on in the template and the SDK is left out.
"""

import json
import os
import re
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

# The safety net under "log ids only": texts that must not pass, wherever they come from (library messages, errors).
_SECRETS = re.compile(
    r"""(?:sk|rk|pk)_(?:live|test)_\w+        # Stripe keys
      | whsec_\w+                             # Stripe webhook secrets
      | (?:live|test)_[\w\-]+_[0-9a-f]{32}    # our API keys
      | pi_\w+_secret_\w+                     # client secrets
      | eyJ[\w\-]+\.[\w\-]+\.[\w\-]*          # JWTs
      | [\w.+\-]+@[\w\-]+\.[\w.\-]+           # e-mail addresses
      | \b\d(?:[ \-]?\d){12,18}\b             # card numbers
    """,
    re.VERBOSE,
)


def redact(text: str) -> str:
    """``text`` with credentials, e-mail addresses and card numbers struck out."""
    return _SECRETS.sub("[redacted]", text)


def _serialize(entry: dict[str, Any]) -> str:
    return redact(json.dumps(entry, default=str, separators=(",", ":")))


logger = Logger(
    service=os.environ.get("SERVICE_NAME", "till"),
    level=os.environ.get("LOG_LEVEL", "INFO"),
    json_serializer=_serialize,
    utc=True,
)


def count_request(route: str, status: int, milliseconds: float) -> None:
    """Emit the request's metrics in CloudWatch's embedded format: requests, errors, refusals, latency."""
    metrics = EphemeralMetrics(namespace="Till", service=os.environ.get("SERVICE_NAME", "till"))
    metrics.add_dimension("route", route)
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    metrics.add_metric("ServerErrors", MetricUnit.Count, int(status >= 500))
    metrics.add_metric("Refusals", MetricUnit.Count, int(400 <= status < 500))
    metrics.add_metric("Latency", MetricUnit.Milliseconds, milliseconds)
    metrics.flush_metrics()


def count_event(name: str) -> None:
    """Count one occurrence of something that an operator should see over time."""
    metrics = EphemeralMetrics(namespace="Till", service=os.environ.get("SERVICE_NAME", "till"))
    metrics.add_metric(name, MetricUnit.Count, 1)
    metrics.flush_metrics()
