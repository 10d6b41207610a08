"""What the demo shop sells, and to whom: Harbor & Pine, clothing and gear for a wet coast."""

import itertools
import zlib
from collections.abc import Iterator
from typing import Any

_APPAREL = ("XS", "S", "M", "L", "XL")
_SHOES = ("39", "40", "41", "42", "43", "44")

# sku | name | cents | categories | sizes | colours | description
_ROWS: tuple[tuple[str, str, int, str, tuple[str, ...], str, str], ...] = (
    (
        "TEE-HARBOR",
        "Harbor Cotton Tee",
        2900,
        "clothing tees",
        _APPAREL,
        "White Navy Sage",
        "Heavy combed cotton that keeps its shape after fifty washes.",
    ),
    (
        "TEE-STRIPE",
        "Breton Stripe Tee",
        3900,
        "clothing tees",
        _APPAREL,
        "Navy Red",
        "The classic striped jersey, knitted in Brittany.",
    ),
    (
        "TEE-MERINO",
        "Merino Base Tee",
        6900,
        "clothing tees outdoor",
        _APPAREL,
        "Charcoal Moss",
        "150 g merino for long days; does not itch, does not smell.",
    ),
    (
        "SHIRT-OXFORD",
        "Washed Oxford Shirt",
        7900,
        "clothing shirts",
        _APPAREL,
        "White Blue",
        "Soft from the first day, with a collar that needs no iron.",
    ),
    (
        "SHIRT-FLANNEL",
        "Cabin Flannel Shirt",
        8900,
        "clothing shirts",
        _APPAREL,
        "Red Forest",
        "Brushed on both sides, woven from Portuguese cotton.",
    ),
    (
        "SHIRT-LINEN",
        "Dune Linen Shirt",
        8500,
        "clothing shirts",
        _APPAREL,
        "Sand Sky",
        "European flax, garment-dyed, better with every summer.",
    ),
    (
        "KNIT-FISHER",
        "Fisherman Sweater",
        14900,
        "clothing knitwear",
        _APPAREL,
        "Oatmeal Navy",
        "Six-ply untreated wool that sheds a light rain.",
    ),
    (
        "KNIT-CARDIGAN",
        "Dockside Cardigan",
        12900,
        "clothing knitwear",
        _APPAREL,
        "Charcoal Rust",
        "Shawl collar, horn buttons and two deep pockets.",
    ),
    (
        "KNIT-CREW",
        "Lambswool Crew",
        9900,
        "clothing knitwear",
        _APPAREL,
        "Grey Bottle",
        "Light enough for the office, warm enough for the ferry.",
    ),
    (
        "HOOD-PULL",
        "Pier Hoodie",
        7500,
        "clothing sweats",
        _APPAREL,
        "Black Heather",
        "Loopback cotton, lined hood, no drawstring to lose.",
    ),
    (
        "SWEAT-CREW",
        "Pier Sweatshirt",
        6500,
        "clothing sweats",
        _APPAREL,
        "Heather Navy",
        "The sweatshirt that outlives its owner's other sweatshirts.",
    ),
    (
        "PANT-CHINO",
        "Quay Chino",
        8900,
        "clothing trousers",
        ("30", "32", "34", "36"),
        "Khaki Navy",
        "Stretch twill with a pocket for the phone that does not bulge.",
    ),
    (
        "PANT-CORD",
        "Orchard Corduroys",
        9500,
        "clothing trousers",
        ("30", "32", "34", "36"),
        "Tobacco Olive",
        "Fourteen-wale corduroy, straight leg.",
    ),
    (
        "PANT-RAIN",
        "Squall Rain Trousers",
        11900,
        "clothing rainwear outdoor",
        _APPAREL,
        "Black",
        "Three layers, full-length zips, packs into its own pocket.",
    ),
    (
        "SHORT-SWIM",
        "Cove Swim Shorts",
        5500,
        "clothing swim",
        _APPAREL,
        "Coral Navy",
        "Quick drying, recycled from fishing nets.",
    ),
    (
        "JKT-RAIN",
        "Squall Rain Jacket",
        18900,
        "clothing rainwear outdoor",
        _APPAREL,
        "Yellow Slate",
        "Taped seams and a hood that turns with the head.",
    ),
    (
        "JKT-WAXED",
        "Warden Waxed Jacket",
        24900,
        "clothing jackets",
        _APPAREL,
        "Olive",
        "Waxed canvas with corduroy collar; can be waxed again for life.",
    ),
    (
        "JKT-DOWN",
        "Drift Down Vest",
        15900,
        "clothing jackets outdoor",
        _APPAREL,
        "Navy Rust",
        "700-fill traceable down in a ripstop shell.",
    ),
    (
        "JKT-CHORE",
        "Boatyard Chore Coat",
        13900,
        "clothing jackets",
        _APPAREL,
        "Indigo Ecru",
        "Dense cotton drill, four pockets, no nonsense.",
    ),
    (
        "HAT-BEANIE",
        "Watch Cap",
        2900,
        "accessories hats",
        (),
        "Black Orange Grey",
        "Ribbed merino, long enough to fold twice.",
    ),
    (
        "HAT-SUN",
        "Dune Sun Hat",
        3900,
        "accessories hats",
        ("S-M", "L-XL"),
        "Sand",
        "Wide brim, UPF 50, floats if it goes overboard.",
    ),
    ("SCARF-WOOL", "Herringbone Scarf", 5900, "accessories", (), "Grey Camel", "Woven in Scotland from lambswool."),
    (
        "GLOVE-KNIT",
        "Ropewalk Gloves",
        3500,
        "accessories",
        ("S-M", "L-XL"),
        "Charcoal",
        "Fingertips that work on screens.",
    ),
    (
        "SOCK-WOOL",
        "Trail Socks, three pairs",
        3600,
        "accessories socks outdoor",
        ("S", "M", "L"),
        "Mixed",
        "Merino with a cushioned sole, guaranteed for two years.",
    ),
    (
        "BELT-BRIDLE",
        "Bridle Leather Belt",
        6900,
        "accessories leather",
        ("85", "95", "105"),
        "Brown Black",
        "English bridle leather with a solid brass buckle.",
    ),
    ("BAG-TOTE", "Market Tote", 4500, "bags", (), "Natural Navy", "Eighteen-ounce canvas that stands up by itself."),
    (
        "BAG-ROLL",
        "Rolltop Backpack 22 L",
        12900,
        "bags outdoor",
        (),
        "Black Moss",
        "Welded seams; the laptop stays dry, the swimsuit stays wet.",
    ),
    (
        "BAG-DUFFEL",
        "Weekend Duffel",
        16900,
        "bags leather",
        (),
        "Tan",
        "Waxed canvas with leather handles and a shoe compartment.",
    ),
    (
        "BOOT-CHELSEA",
        "Harbor Chelsea Boot",
        19900,
        "shoes",
        _SHOES,
        "Brown Black",
        "Goodyear-welted, with a lugged rubber sole.",
    ),
    (
        "BOOT-HIKE",
        "Ridge Hiking Boot",
        22900,
        "shoes outdoor",
        _SHOES,
        "Brown",
        "Nubuck, waterproof lining, can be resoled.",
    ),
    ("SHOE-DECK", "Deck Shoe", 9900, "shoes", _SHOES, "Navy White", "Siped sole that grips wet teak."),
    ("SHOE-CANVAS", "Court Canvas Sneaker", 7900, "shoes", _SHOES, "White Green", "Vulcanised sole, organic canvas."),
    (
        "MUG-ENAMEL",
        "Enamel Mug",
        1500,
        "home camp",
        (),
        "White Blue",
        "Steel under enamel; goes from stove to table to rucksack.",
    ),
    (
        "FLASK-750",
        "Insulated Bottle 750 ml",
        3200,
        "home camp outdoor",
        (),
        "Steel Forest Coral",
        "Twelve hours hot, a day and a night cold.",
    ),
    ("BLANKET-WOOL", "Cabin Blanket", 14500, "home", (), "Stripe Grey", "Pure new wool, 140 by 200 cm."),
    ("CANDLE-PINE", "Pine & Smoke Candle", 2800, "home", (), "", "Forty-five hours of beeswax and coconut wax."),
    ("LAMP-STORM", "Storm Lantern", 5400, "home camp", (), "Brass Black", "Burns twenty hours on one filling."),
    (
        "KNIFE-POCKET",
        "Pocket Knife",
        4900,
        "camp outdoor",
        (),
        "Olivewood",
        "Carbon steel blade of 8 cm with a ring lock.",
    ),
    (
        "TENT-2P",
        "Skerry Tent, two persons",
        34900,
        "camp outdoor",
        (),
        "Moss",
        "1.9 kg, two doors, pitches in four minutes.",
    ),
    (
        "BAG-SLEEP",
        "Skerry Sleeping Bag",
        21900,
        "camp outdoor",
        ("Regular", "Long"),
        "Blue",
        "Comfort to -2 C, 890 g of traceable down.",
    ),
    ("STOVE-GAS", "Folding Gas Stove", 5900, "camp outdoor", (), "", "Boils a litre in three and a half minutes."),
    ("MAP-COAST", "Coast Path Map Set", 2400, "books outdoor", (), "", "Nine waterproof sheets at 1:25,000."),
    ("BOOK-KNOTS", "Forty Useful Knots", 1900, "books", (), "", "With two lengths of rope to learn them on."),
    ("CARD-NOTE", "Letterpress Note Cards, ten", 1800, "home books", (), "", "Printed on cotton paper in a boathouse."),
)

# first name, last name, telephone, street, city, state, postal code, tags; the first is the customer of the demo token
_CUSTOMERS: tuple[tuple[str, str, str, str, str, str, str, str], ...] = (
    ("Jane", "Doe", "+1-212-555-0123", "123 Main St, Apt 4B", "New York", "NY", "10001", "vip newsletter"),
    ("Marcus", "Webb", "+1-617-555-0148", "48 Charter Street", "Boston", "MA", "02113", "newsletter"),
    ("Priya", "Raman", "+1-206-555-0172", "2210 Westlake Avenue N", "Seattle", "WA", "98109", "vip"),
    ("Tom", "Okafor", "+1-503-555-0119", "917 SE Hawthorne Blvd", "Portland", "OR", "97214", ""),
    (
        "Elena",
        "Petrova",
        "+1-415-555-0166",
        "1450 Lombard Street",
        "San Francisco",
        "CA",
        "94123",
        "newsletter wholesale",
    ),
    ("Liam", "Gallagher", "+1-207-555-0131", "6 Commercial Wharf", "Portland", "ME", "04101", ""),
    ("Sofia", "Marin", "+1-305-555-0185", "780 Ocean Drive", "Miami Beach", "FL", "33139", "newsletter"),
    ("Wei", "Zhang", "+1-312-555-0157", "333 N Michigan Avenue, Suite 900", "Chicago", "IL", "60601", "vip wholesale"),
    ("Hannah", "Lindqvist", "+1-612-555-0194", "2501 Hennepin Avenue", "Minneapolis", "MN", "55405", ""),
    ("Diego", "Ramirez", "+1-512-555-0178", "1100 South Congress Avenue", "Austin", "TX", "78704", "newsletter"),
)


def products() -> Iterator[dict[str, Any]]:
    """Bodies for POST /v2/products, with the stock of the first warehouse."""
    for sku, name, cents, categories, sizes, colours, description in _ROWS:
        yield {
            "name": name,
            "sku": sku,
            "price": {"amount": cents, "currency": "USD"},
            "description": description,
            "categories": categories.split(),
            "variants": [
                {"sku": "-".join([sku, *attributes.values()]), "inventory": units(sku, index), "attributes": attributes}
                for index, attributes in enumerate(_variants(sizes, colours.split()))
            ],
            "metadata": {"supplier": "harbor" if cents < 10_000 else "pine"},
        }


def customers() -> Iterator[dict[str, Any]]:
    """Bodies for POST /v2/customers."""
    for first, last, phone, street, city, state, postal_code, tags in _CUSTOMERS:
        name = {"first_name": first, "last_name": last}
        place = {"address1": street, "city": city, "state": state, "postal_code": postal_code, "country": "US"}
        yield {
            "email": f"{first}.{last}@example.com".lower(),
            **name,
            "phone": phone,
            "addresses": [{**name, **place, "phone": phone}],
            "tags": tags.split(),
        }


def units(sku: str, index: int) -> int:
    """How many of a variant a warehouse gets: 10 to 69, the same each time."""
    return 10 + zlib.crc32(f"{sku}/{index}".encode()) % 60


def _variants(sizes: tuple[str, ...], colours: list[str]) -> Iterator[dict[str, str]]:
    """Every size in every colour; one variant without attributes becomes none at all."""
    for size, colour in itertools.product(sizes or ("",), colours or [""]):
        attributes = {name: text for name, text in (("size", size), ("color", colour)) if text}
        if attributes:
            yield attributes
