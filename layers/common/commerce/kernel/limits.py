"""Limits that several contexts share."""

MAX_LINES = 40  # of an order, so of a cart: with two warehouses per line an order stays inside one transaction
MAX_ENDING_WRITES = 89  # what of a transaction's 100 writes is left to call off an order, besides its own
MAX_GIFT_CARDS = 20  # that pay for one order, whatever a shop allows: it must be cancelled in one transaction
