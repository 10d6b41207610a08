"""``python -m local.stripe_standin --port 12111 --state FILE.json [--webhook-url URL --webhook-secret whsec_…]``"""

import argparse
import signal
import threading
from pathlib import Path

from .server import serve


def main() -> None:
    """Run until SIGTERM or SIGINT, then save and leave with status 0."""
    parser = argparse.ArgumentParser(prog="python -m local.stripe_standin", description="A local Stripe.")
    parser.add_argument("--port", type=int, default=12111, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, help="JSON file to load from and save to")
    parser.add_argument("--webhook-url", help="where to deliver events")
    parser.add_argument("--webhook-secret", help="what deliveries are signed with (whsec_…)")
    options = parser.parse_args()
    if options.webhook_url and not options.webhook_secret:
        parser.error("--webhook-url needs --webhook-secret")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serve(
        port=options.port,
        state=options.state,
        webhook_url=options.webhook_url,
        webhook_secret=options.webhook_secret,
    ) as running:
        print(f"Stripe stand-in on {running.url}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
