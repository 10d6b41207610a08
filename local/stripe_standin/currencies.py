"""What Stripe takes as an amount. Source: https://docs.stripe.com/currencies."""

from .errors import invalid_request

ZERO_DECIMAL = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
})  # fmt: skip
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
# No minor unit in use, yet Stripe counts them in hundredths and wants whole units.
WHOLE_UNITS_IN_HUNDREDTHS = frozenset({"isk", "ugx"})
TWO_DECIMAL = frozenset({
    "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bmd",
    "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "cny", "cop", "crc", "cve", "czk",
    "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "gip", "gmd", "gtq", "gyd", "hkd",
    "hnl", "htg", "huf", "idr", "ils", "inr", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak", "lbp", "lkr",
    "lrd", "lsl", "mad", "mdl", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad",
    "ngn", "nio", "nok", "npr", "nzd", "pab", "pen", "pgk", "php", "pkr", "pln", "qar", "ron", "rsd", "rub",
    "sar", "sbd", "scr", "sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs", "top", "try",
    "ttd", "twd", "tzs", "uah", "usd", "uyu", "uzs", "wst", "xcd", "yer", "zar", "zmw",
})  # fmt: skip
SUPPORTED = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL | WHOLE_UNITS_IN_HUNDREDTHS

MINIMUM = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
"""Smallest charge in minor units, for the currencies Stripe lists; the others have none of their own."""

MAXIMUM = 99_999_999
MAXIMUM_IDR = 999_999_999_999

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def known(code: str) -> str:
    """Give the currency in lower case; raise StripeError 400 for one Stripe does not take."""
    currency = code.lower()
    if currency not in SUPPORTED:
        listed = ", ".join(sorted(SUPPORTED))
        raise invalid_request(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {listed}", param="currency"
        )
    return currency


def written(amount: int, currency: str) -> str:
    """Write minor units as Stripe's messages do: ``$0.50``, ``¥50``, ``1.500`` for three decimals."""
    decimals = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    whole, part = divmod(amount, 10**decimals)
    fraction = f".{part:0{decimals}d}" if decimals else ""
    return f"{SYMBOLS.get(currency, '')}{whole:,}{fraction}"


def chargeable(amount: int, currency: str) -> None:
    """Refuse an amount in minor units that cannot be charged in ``currency``.

    Raises:
        StripeError: 400 ``parameter_invalid_integer``, ``amount_too_small`` or ``amount_too_large``.
    """
    if amount < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    steps(amount, currency)
    minimum = MINIMUM.get(currency, 1)
    if amount < minimum:
        raise invalid_request(
            f"Amount must be at least {written(minimum, currency)} {currency}", code="amount_too_small", param="amount"
        )
    maximum = MAXIMUM_IDR if currency == "idr" else MAXIMUM
    if amount > maximum:
        raise invalid_request(
            f"Amount must be no more than {written(maximum, currency)} {currency}",
            code="amount_too_large",
            param="amount",
        )


def steps(amount: int, currency: str, *, param: str = "amount") -> None:
    """Refuse an amount finer than card networks carry: a third decimal that is not 0, part of a krona."""
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid_request(
            f"Invalid integer: {amount}. Amounts in {currency} must be divisible by 10: "
            "the last of the three decimals must be 0.",
            code="parameter_invalid_integer",
            param=param,
        )
    if currency in WHOLE_UNITS_IN_HUNDREDTHS and amount % 100:
        raise invalid_request(
            f"Invalid integer: {amount}. Amounts in {currency} must be divisible by 100.",
            code="parameter_invalid_integer",
            param=param,
        )
