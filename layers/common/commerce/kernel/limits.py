"""Limits that several contexts share."""

MAX_LINES = 40  # of an order, so of a cart: with two warehouses per line an order stays inside one transaction
