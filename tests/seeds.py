"""The seed of random tests: ``TILL_SEED``, or one by chance, which each of them tells."""

import os
import random

SEED = int(os.environ.get("TILL_SEED") or random.SystemRandom().randrange(10**6))
