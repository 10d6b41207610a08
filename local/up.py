"""``make up``: the whole shop on this machine, in the foreground until Ctrl-C."""

import signal
import sys
import time
from typing import Any

from local import mails
from local.stack.console import Console
from local.stack.settings import Ports, Settings, StackError
from local.stack.stack import Shop, Stack


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _report(console: Console, shop: Shop, settings: Settings, seconds: float) -> None:
    console.say(
        f"""
The shop is open ({seconds:.0f} s).

  API             {shop.url}
  docs            {shop.url}/docs
  tenant          {shop.tenant}
  owner key       {shop.api_key}
  customer token  {shop.customer_token}
  sign in         {shop.sign_in_url}
                  customer {shop.sign_in.customer_email}  {shop.sign_in.customer_password}
                  staff    {shop.sign_in.staff_email}  {shop.sign_in.staff_password}
  mails           make mails ({mails.address(settings)})

  In another terminal:   . {settings.environment_file.relative_to(settings.home.parent)}
                         curl -H "Authorization: Bearer $TILL_API_KEY" "$TILL_URL/v2/products?limit=3"
  Buy something:         make demo
  (A function's first call starts its process: a second or two.)
  Stop:                  Ctrl-C, or make down (the data stays; make down FRESH=1 forgets it)
"""
    )


def main() -> int:
    """Start, wait, stop; 1 when something failed."""
    console = Console()
    began = time.monotonic()
    # Both by name: a shell that starts us in the background has SIGINT ignored.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    stack: Stack | None = None
    try:
        settings = Settings(Ports.from_environment())
        stack = Stack(settings, console)
        shop = stack.start()
        _report(console, shop, settings, time.monotonic() - began)
        while True:
            time.sleep(1)
            for child in stack.children:
                child.require_alive()
    except KeyboardInterrupt:
        return 0
    except StackError as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    finally:
        # Saving takes seconds; an impatient second Ctrl-C must not lose the data.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if stack is not None and stack.started:
            console.say()
            with console.step("stopping, data is kept"):
                stack.stop()


if __name__ == "__main__":
    raise SystemExit(main())
