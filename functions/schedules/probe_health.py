"""EventBridge schedule, every 5 minutes

Database, queue and storage are probed, and the health page learns what was found.
"""

from typing import Any

from commerce.health import probes, use_cases


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    states = use_cases.check(probes.probe)
    return {str(part): str(state) for part, state in states.items()}
