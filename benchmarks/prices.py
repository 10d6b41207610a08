"""What AWS charges, and what a call takes that counting does not show. Change these to your region's and your own.

List prices in US dollars of us-east-1 on demand, above the free tier, as of 2026-11-21. Stripe's fees, storage, traffic
to the internet and taxes are not in them.
"""

from decimal import Decimal

AS_OF = "2026-11-21"
REGION = "us-east-1"
MILLION = Decimal(1_000_000)

REST_CALL = Decimal("3.50") / MILLION  # API Gateway, first 333 million a month
FUNCTION_CALL = Decimal("0.20") / MILLION  # Lambda
GIGABYTE_SECOND = Decimal("0.0000166667")  # Lambda, x86
READ_UNIT = Decimal("0.125") / MILLION  # DynamoDB
WRITE_UNIT = Decimal("0.625") / MILLION
QUEUE_CALL = Decimal("0.40") / MILLION  # SQS; a message is sent, received and deleted
BUS_EVENT = Decimal("1.00") / MILLION  # EventBridge
STATE_TRANSITION = Decimal("25.00") / MILLION  # Step Functions, standard workflows
MAIL = Decimal("0.10") / 1000  # SES
LOG_BYTE = Decimal("0.50") / Decimal(10**9)  # CloudWatch
TRACE = Decimal("5.00") / MILLION  # X-Ray, of which one call in twenty is traced

# Assumed, not counted. The milliseconds that a warm function waits for an answer, within one region:
WAITS = {"read": 4, "write": 8, "stripe": 350, "other": 10}
OWN_MILLISECONDS = 4  # of processor, on a core shared with the rest of a 1 GB function
MEMORY_GIGABYTES = Decimal(1)
LOG_BYTES = 1600  # our line, the metrics' line, and Lambda's own three
TRACED_SHARE = Decimal("0.05")
