"""Money: integer minor units with an ISO 4217 currency. There is no other amount in the domain."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from commerce.kernel.errors import Invalid

# ISO 4217 (active codes). The exponent is 2 except where listed. CLDR, and so Babel, rounds some currencies to what
# people use in shops (HUF, IQD, UZS …), which is not the exponent that a ledger needs.
_EXPONENT_0 = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_EXPONENT_3 = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
_EXPONENT_2 = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
    CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
    KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK
    NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
    TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG
    """.split()
)

# Card networks carry two decimal places, of three the last one is 0; ariary are not divided.
_STEPS = dict.fromkeys(_EXPONENT_3, 10) | {"MGA": 100}

# DynamoDB keeps 38 digits and JSON readers keep 53 bits; no order is worth more than this in any currency.
MAX_MINOR = 10**15


def currency_code(text: str) -> str:
    """Give the ISO 4217 code in upper case (contract X-29: any case is accepted).

    Raises:
        Invalid: the code is not an active ISO 4217 currency.
    """
    code = text.upper()
    if code not in _EXPONENT_2 and code not in _EXPONENT_0 and code not in _EXPONENT_3:
        raise Invalid("Not an ISO 4217 currency", field="currency", reason="unknown_currency")
    return code


def exponent(currency: str) -> int:
    """Decimal places of ``currency``: 0 (JPY), 2 (USD) or 3 (KWD)."""
    if currency in _EXPONENT_0:
        return 0
    return 3 if currency in _EXPONENT_3 else 2


def step(currency: str) -> int:
    """The minor units of ``currency`` of which a payment by card is a multiple: 1 (USD), 10 (KWD) or 100 (MGA)."""
    return _STEPS.get(currency, 1)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """``minor`` minor units of ``currency``: ``Money(14999, "USD")`` is 149.99 dollars."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @classmethod
    def of_major(cls, amount: Decimal, currency: str, *, field: str = "amount") -> "Money":
        """Read a decimal amount in major units; never round it (contract X-01).

        Raises:
            Invalid: more decimal places than the currency has, or beyond any order's worth.
        """
        places = exponent(currency)
        # Compared before anything is computed: arithmetic rounds to 28 digits and overflows, comparing does neither.
        if not amount.is_finite() or amount.copy_abs() > Decimal(MAX_MINOR).scaleb(-places):
            raise Invalid(f"{field} is out of range", field=field, reason="amount_out_of_range")
        rounded = amount.quantize(Decimal(1).scaleb(-places))
        if rounded != amount:
            raise Invalid(
                f"{currency} has {places} decimal places; {field} has more",
                field=field,
                reason="too_many_decimal_places",
            )
        return cls(int(rounded.scaleb(places)), currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact, with the currency's own number of decimal places."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    @property
    def thousandths(self) -> int:
        """The amount in thousandths of the major unit: a whole number in every currency, for keys that sort."""
        return int(self.major * 1000)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.minor * quantity, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor


def total(amounts: "list[Money] | tuple[Money, ...]", currency: str) -> Money:
    """The sum of ``amounts``, zero when there are none."""
    result = Money.zero(currency)
    for amount in amounts:
        result = result + amount
    return result


def spread(amount: Money, weights: Sequence[int]) -> list[Money]:
    """``amount`` in parts proportional to ``weights``, which add up to it exactly: by largest remainder, the earlier
    part first where two remainders are equal. No part exceeds its weight unless ``amount`` exceeds all of them.

    Raises:
        ValueError: a weight is negative, or an amount other than zero is to be spread over nothing.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights) or (amount.minor and not whole):
        raise ValueError("an amount is spread over weights that are not negative and not all zero")
    shares = [divmod(amount.minor * weight, whole) if whole else (0, 0) for weight in weights]
    left = amount.minor - sum(part for part, _ in shares)
    favoured = sorted(range(len(shares)), key=lambda index: -shares[index][1])[:left]
    return [Money(part + (index in favoured), amount.currency) for index, (part, _) in enumerate(shares)]
