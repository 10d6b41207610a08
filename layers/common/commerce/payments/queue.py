"""The queue between Stripe's deliveries and our work on them."""

import os

from commerce.kernel import wire_json
from commerce.kernel.aws import client


def send(event_id: str) -> None:
    """Queue a stored event for the consumer. The message names it and holds nothing else."""
    client("sqs").send_message(
        QueueUrl=os.environ["STRIPE_EVENTS_QUEUE_URL"], MessageBody=wire_json.dumps({"event_id": event_id})
    )


def event_id_of(body: str) -> str:
    return str(wire_json.loads(body)["event_id"])
