"""Who the demo's two companies sell to, what they sell, and how each customer pays.

Plain tables, no Odoo. Everybody here is invented; the e-mail addresses are under
domains and the telephone numbers in ranges that reach nobody.
"""

import unicodedata
from dataclasses import dataclass, replace

USD, EUR = "usd", "eur"  # the books a customer is in: which company sends the invoice
BOTH = (USD, EUR)


@dataclass(frozen=True)
class Customer:
    """One commercial partner: where it is, who to write to, how it pays.

    A private person is a customer without contacts.
    """

    key: str  # end of its XML id, demo_partner_<key>
    name: str
    address: tuple  # street, zip, city, country, and state where there are any
    lang: str = "en_US"
    books: tuple = (USD,)
    behaviour: str = "prompt"
    term: str = "30"
    orders: int = 8  # invoices in 18 months
    size: int = 1500  # untaxed amount of a usual invoice
    contacts: tuple = ()  # buyer, accounts payable, and who handles reminders
    currency: str = ""  # where it is not the currency of the books
    email: str = "info"  # local part, whole address, or empty: it has none
    limit: int = 0  # credit limit, 0 = none
    trust: str = "normal"
    pays_in_parts: bool = False
    returns_goods: bool = False
    collected: bool = False  # pays by direct debit, collected in one sum a month

    @property
    def domain(self):
        """Return the customer's own domain.

        >>> Customer("x", "Müller & Söhne KG", ()).domain
        'muller-sohne-kg.example.com'
        """
        return f"{slug(self.name)}.example.com"


@dataclass(frozen=True)
class Product:
    """Something both companies sell; the names are in nl, de and fr."""

    key: str
    name: str
    price: float
    names: tuple
    kind: str = "consu"


def slug(text):
    """Return the text as it could stand in an address.

    >>> slug("Café de l'Écluse")
    'cafe-de-l-ecluse'
    """
    plain = unicodedata.normalize("NFKD", text.replace("ı", "i").replace("ß", "ss"))
    words = plain.encode("ascii", "ignore").decode().lower()
    return "-".join("".join(char if char.isalnum() else " " for char in words).split())


# Days from the due date to the payment, at least and at most.
BEHAVIOURS = {
    "early": (-12, -4),
    "prompt": (-3, 1),
    "fortnight": (0, 8),  # and then on its next payment run
    "late": (6, 24),
    "very_late": (35, 80),
    "erratic": (-5, 60),
    "stopped": (3, 15),  # until it stopped paying at all
}

# Days from the invoice to each instalment, and the share of each in percent.
TERMS = {
    "15": ((15, 100),),
    "21": ((21, 100),),
    "30": ((30, 100),),
    "45": ((45, 100),),
    "instalments": ((30, 40), (60, 30), (90, 30)),
}

# Login (and password): name, and groups besides that of every internal user. A group
# of another app counts only where that is installed.
USERS = {
    "accountant": (
        "Anna Boekhout",
        ("credit_management.group_credit_user", "base.group_partner_manager"),
    ),
    "creditmanager": (
        "Casper Maas",
        ("credit_management.group_credit_manager", "base.group_partner_manager"),
    ),
    "seller": ("Selma Verkoop", ("sales_team.group_sale_salesman",)),
}

LANGUAGES = ("nl_NL", "de_DE", "fr_FR")

ACCOUNTS_PAYABLE = {  # the function of the contact who gets the invoices
    "en_US": "Accounts payable",
    "nl_NL": "Crediteurenadministratie",
    "de_DE": "Kreditorenbuchhaltung",
    "fr_FR": "Comptabilité fournisseurs",
}

PHONES = {  # numbers set aside for fiction, or that no exchange can dial
    "NL": "+31 20 000 0{:03}",
    "DE": "+49 30 23125 {:03}",
    "FR": "+33 1 99 00 1{:03}",
    "GB": "+44 20 7946 0{:03}",
    "US": "+1 202-555-0{:03}",
    "CA": "+1 418-555-0{:03}",
}

PRODUCTS = (
    Product(
        "desk",
        "Sit-stand desk 160 × 80",
        689,
        (
            "Zit-stabureau 160 × 80",
            "Steh-Sitz-Schreibtisch 160 × 80",
            "Bureau assis-debout 160 × 80",
        ),
    ),
    Product(
        "chair",
        "Ergonomic office chair",
        349,
        (
            "Ergonomische bureaustoel",
            "Ergonomischer Bürostuhl",
            "Fauteuil de bureau ergonomique",
        ),
    ),
    Product(
        "cabinet",
        "Filing cabinet, 4 drawers",
        279,
        (
            "Ladekast, 4 laden",
            "Aktenschrank, 4 Schubladen",
            "Armoire à dossiers, 4 tiroirs",
        ),
    ),
    Product(
        "panel",
        "Acoustic panel",
        129,
        ("Akoestisch paneel", "Akustikpaneel", "Panneau acoustique"),
    ),
    Product(
        "lamp",
        "LED desk lamp",
        59,
        ("Led-bureaulamp", "LED-Schreibtischleuchte", "Lampe de bureau LED"),
    ),
    Product(
        "delivery",
        "Delivery and assembly",
        95,
        ("Levering en montage", "Lieferung und Montage", "Livraison et montage"),
        "service",
    ),
    Product(
        "upkeep",
        "Maintenance visit",
        145,
        ("Onderhoudsbezoek", "Wartungsbesuch", "Visite d'entretien"),
        "service",
    ),
    Product(
        "design",
        "Workplace design, per hour",
        110,
        (
            "Werkplekontwerp, per uur",
            "Arbeitsplatzplanung, pro Stunde",
            "Aménagement de bureaux, à l'heure",
        ),
        "service",
    ),
)

DUTCH = (
    Customer(
        "vandermeer",
        "Van der Meer Bouw BV",
        ("Industrieweg 14", "3606 AS", "Maarssen", "NL"),
        behaviour="late",
        orders=10,
        size=4200,
        contacts=("Joris van der Meer", "Anouk Visser", "Ruud Post"),
        limit=25000,
    ),
    Customer(
        "hofstra",
        "Hofstra & Zonen Installatietechniek BV",
        ("Zwettestraat 32", "8912 AV", "Leeuwarden", "NL"),
        behaviour="early",
        orders=9,
        size=1900,
        contacts=("Sjoerd Hofstra", "Tineke Bouma"),
        trust="good",
    ),
    Customer(
        "zuiderzee",
        "Zuiderzee Logistiek BV",
        ("Kamperweg 7", "8256 RJ", "Biddinghuizen", "NL"),
        behaviour="fortnight",
        orders=12,
        size=2600,
        contacts=("Karin Schouten", "Peter Blom"),
        limit=20000,
    ),
    Customer(
        "tulpenhof",
        "Kwekerij De Tulpenhof VOF",
        ("Herenweg 118", "2211 CD", "Noordwijkerhout", "NL"),
        behaviour="late",
        orders=8,
        size=900,
        contacts=("Wim van Dijk", "Marja van Dijk"),
        returns_goods=True,
    ),
    Customer(
        "dekade",
        "Architectenbureau De Kade",
        ("Maashaven 81", "3072 AE", "Rotterdam", "NL"),
        behaviour="early",
        orders=7,
        size=1400,
        contacts=("Eline de Groot", "Bas Kramer"),
        trust="good",
        collected=True,
    ),
    Customer(
        "debolder",
        "Restaurant De Bolder",
        ("Kade 22", "4381 CA", "Vlissingen", "NL"),
        behaviour="very_late",
        term="15",
        orders=8,
        size=750,
        contacts=("Hanneke Maljaars", "Hanneke Maljaars", "Leo Maljaars"),
        limit=3000,
        trust="bad",
    ),
    Customer(
        "noorderlicht",
        "Stichting Noorderlicht Onderwijs",
        ("Hereweg 95", "9721 AA", "Groningen", "NL"),
        behaviour="prompt",
        orders=8,
        size=3100,
        contacts=("Femke Hoekstra", "Jan Wiersma"),
        collected=True,
    ),
    Customer(
        "zonneveld",
        "Bakkerij Zonneveld",
        ("Dorpsstraat 41", "6741 AB", "Lunteren", "NL"),
        behaviour="erratic",
        term="21",
        orders=8,
        size=480,
        contacts=("Gerrit Zonneveld", "Ria Zonneveld"),
        pays_in_parts=True,
    ),
    Customer(
        "westkoel",
        "Westkoel Koeltechniek BV",
        ("Nijverheidsstraat 9", "2691 CD", "'s-Gravenzande", "NL"),
        behaviour="stopped",
        orders=9,
        size=2300,
        contacts=("Dennis Vreugdenhil", "Sandra Keizer", "Dennis Vreugdenhil"),
        limit=5000,
        trust="bad",
    ),
    Customer(
        "graanschuur",
        "Coöperatie De Graanschuur U.A.",
        ("Molenstraat 60", "7471 EP", "Goor", "NL"),
        behaviour="prompt",
        term="instalments",
        orders=6,
        size=6400,
        contacts=("Harm Nijland", "Inge ter Braak"),
        limit=40000,
    ),
    Customer(
        "no_email",
        "Drukkerij Kuipers & Zn.",
        ("Kerkstraat 3", "7201 HB", "Zutphen", "NL"),
        behaviour="late",
        orders=7,
        size=620,
        contacts=("Henk Kuipers", "Truus Kuipers"),
        email="",
    ),
    Customer(
        "archived",
        "Rijwielhandel Postma",
        ("Gedempte Gracht 17", "9401 JD", "Assen", "NL"),
        behaviour="early",
        orders=5,
        size=700,
        contacts=("Douwe Postma", "Grietje Postma"),
    ),
    Customer(
        "small",
        "Bloemsierkunst Anemoon",
        ("Stationsplein 5", "1404 AM", "Bussum", "NL"),
        behaviour="early",
        term="15",
        orders=6,
        size=160,
        contacts=("Lotte Smit", "Lotte Smit"),
    ),
    Customer(
        "unmatched_receipt",
        "Hoveniersbedrijf Groenrijk",
        ("Buitenweg 12", "5242 AR", "Rosmalen", "NL"),
        behaviour="early",
        orders=6,
        size=1000,
        contacts=("Stijn van Gestel", "Carla Pijnenburg"),
    ),
    Customer(
        "sanne",
        "Sanne de Wit",
        ("Oudegracht 212-bis", "3511 NR", "Utrecht", "NL"),
        behaviour="prompt",
        term="15",
        orders=3,
        size=420,
        email="sanne.de.wit@example.org",
    ),
    Customer(
        "mehmet",
        "Mehmet Yıldız",
        ("Javastraat 77", "1094 HB", "Amsterdam", "NL"),
        behaviour="late",
        term="15",
        orders=4,
        size=380,
        email="mehmet.yildiz@example.net",
    ),
)

GERMAN = (
    Customer(
        "bergmann",
        "Bergmann Maschinenbau GmbH",
        ("Gewerbering 24", "33378", "Rheda-Wiedenbrück", "DE"),
        books=BOTH,
        behaviour="early",
        orders=10,
        size=5200,
        contacts=("Thomas Bergmann", "Heike Schulte"),
        trust="good",
        limit=60000,
    ),
    Customer(
        "lindenhof",
        "Hotel Lindenhof GmbH",
        ("Kurallee 8", "79410", "Badenweiler", "DE"),
        behaviour="very_late",
        orders=8,
        size=2800,
        contacts=("Sabine Wehrle", "Markus Dold", "Sabine Wehrle"),
        limit=8000,
    ),
    Customer(
        "seidel",
        "Kanzlei Dr. Seidel & Partner",
        ("Königstraße 51", "01097", "Dresden", "DE"),
        behaviour="prompt",
        orders=6,
        size=1700,
        contacts=("Dr. Ulrike Seidel", "Petra Nitzsche"),
    ),
    Customer(
        "fischhandel",
        "Nordkai Fischhandel GmbH & Co. KG",
        ("Am Fischkai 30", "27572", "Bremerhaven", "DE"),
        behaviour="late",
        term="21",
        orders=9,
        size=1300,
        contacts=("Hauke Petersen", "Wiebke Jansen"),
        returns_goods=True,
    ),
    Customer(
        "rheinufer",
        "Rheinufer Medien AG",
        ("Rheinuferstraße 19", "50668", "Köln", "DE"),
        behaviour="fortnight",
        orders=9,
        size=3600,
        contacts=("Lena Vogt", "Klaus Dieter Esser"),
        limit=30000,
    ),
    Customer(
        "huber",
        "Schreinerei Huber",
        ("Dorfstraße 6", "83730", "Fischbachau", "DE"),
        behaviour="erratic",
        orders=7,
        size=820,
        contacts=("Sepp Huber", "Resi Huber"),
        pays_in_parts=True,
    ),
    Customer(
        "bounced",
        "Autohaus Kessler KG",
        ("Frankfurter Straße 140", "34134", "Kassel", "DE"),
        behaviour="late",
        orders=6,
        size=1100,
        contacts=("Ralf Kessler",),
        email="bounce@example.net",
    ),
    Customer(
        "net_credit",
        "Mühlbach Apotheken oHG",
        ("Marktplatz 2", "97070", "Würzburg", "DE"),
        behaviour="early",
        orders=6,
        size=650,
        contacts=("Dr. Anja Mühlbach", "Silke Reuter"),
        trust="good",
    ),
    Customer(
        "kraemer",
        "Jürgen Krämer",
        ("Gartenstraße 33", "72070", "Tübingen", "DE"),
        behaviour="late",
        term="15",
        orders=3,
        size=510,
        email="juergen.kraemer@example.org",
    ),
)

FRENCH = (
    Customer(
        "fournier",
        "Boulangerie Fournier et Fils SARL",
        ("14 rue des Carmes", "35000", "Rennes", "FR"),
        behaviour="late",
        orders=8,
        size=540,
        contacts=("Bernard Fournier", "Sylvie Fournier"),
    ),
    Customer(
        "lefevre",
        "Cabinet Lefèvre Avocats",
        ("27 cours Mirabeau", "13100", "Aix-en-Provence", "FR"),
        behaviour="prompt",
        orders=6,
        size=2100,
        contacts=("Maître Hélène Lefèvre", "Julie Roux"),
    ),
    Customer(
        "beaumont",
        "Ateliers Beaumont SAS",
        ("ZA des Grands Prés, 3 rue de l'Artisanat", "49300", "Cholet", "FR"),
        behaviour="very_late",
        term="45",
        orders=9,
        size=3300,
        contacts=("Pascal Beaumont", "Nathalie Girard", "Éric Beaumont"),
        limit=10000,
    ),
    Customer(
        "tilleuls",
        "Clinique des Tilleuls",
        ("8 avenue des Tilleuls", "63000", "Clermont-Ferrand", "FR"),
        behaviour="fortnight",
        term="45",
        orders=9,
        size=4100,
        contacts=("Dr. Amélie Chassagne", "Marc Vidal"),
        limit=30000,
        collected=True,
    ),
    Customer(
        "canal",
        "Librairie du Canal",
        ("5 quai de Valmy", "75010", "Paris", "FR"),
        behaviour="erratic",
        orders=7,
        size=460,
        contacts=("Inès Benali", "Inès Benali"),
        pays_in_parts=True,
    ),
    Customer(
        "unapplied_payment",
        "Domaine de la Roseraie SCEA",
        ("Route de Cormeilles", "14130", "Pont-l'Évêque", "FR"),
        behaviour="early",
        orders=6,
        size=1500,
        contacts=("Guillaume Lecointe", "Aurélie Lecointe"),
    ),
    Customer(
        "garnier",
        "Transports Garnier SAS",
        ("19 rue du Port", "76600", "Le Havre", "FR"),
        behaviour="stopped",
        orders=8,
        size=1900,
        contacts=("Thierry Garnier", "Corinne Mallet", "Thierry Garnier"),
        limit=6000,
        trust="bad",
    ),
    Customer(
        "camille",
        "Camille Moreau",
        ("41 rue Sainte-Catherine", "33000", "Bordeaux", "FR"),
        behaviour="prompt",
        term="15",
        orders=3,
        size=350,
        email="camille.moreau@example.net",
    ),
)

ENGLISH_IN_EUR = (
    Customer(
        "foreign",
        "Blue Ridge Imports LLC",
        ("310 Haywood Road", "28806", "Asheville", "US", "NC"),
        behaviour="late",
        term="45",
        orders=9,
        size=5400,
        contacts=("Grace Whitaker", "Tom Alvarez"),
        currency="USD",
        limit=30000,
    ),
    Customer(
        "thames",
        "Thames Reach Interiors Ltd",
        ("12 Wharf Lane", "SE16 4TQ", "London", "GB"),
        behaviour="late",
        orders=8,
        size=2700,
        contacts=("Oliver Pike", "Charlotte Dunn"),
        returns_goods=True,
    ),
)

AMERICAN = (
    Customer(
        "portal",
        "Redwood Outdoor Supply Inc.",
        ("1450 Mattole Road", "95521", "Arcata", "US", "CA"),
        behaviour="late",
        orders=10,
        size=2400,
        contacts=("Emily Sanders", "Robert Chen", "Dana Brooks"),
        limit=15000,
    ),
    Customer(
        "prairie",
        "Prairie Dental Group",
        ("720 Cornhusker Avenue", "68508", "Lincoln", "US", "NE"),
        behaviour="early",
        orders=8,
        size=1300,
        contacts=("Dr. Alan Novak", "Judy Kessel"),
        trust="good",
        collected=True,
    ),
    Customer(
        "lakeshore",
        "Lakeshore Community College",
        ("900 College Drive", "49442", "Muskegon", "US", "MI"),
        behaviour="late",
        term="instalments",
        orders=6,
        size=8200,
        contacts=("Denise Howard", "Frank Kowalski"),
        limit=50000,
    ),
    Customer(
        "cardinal",
        "Cardinal Freight Services",
        ("4400 Airport Boulevard", "46241", "Indianapolis", "US", "IN"),
        behaviour="very_late",
        orders=9,
        size=3100,
        contacts=("Wayne Tucker", "Sheila Grant", "Wayne Tucker"),
        limit=10000,
    ),
    Customer(
        "sunset",
        "Sunset Yoga Studio",
        ("2218 Ocean Front Walk", "92109", "San Diego", "US", "CA"),
        behaviour="erratic",
        term="15",
        orders=7,
        size=390,
        contacts=("Kayla Brandt", "Kayla Brandt"),
        pays_in_parts=True,
    ),
    Customer(
        "maple",
        "Maple Street Books",
        ("37 Maple Street", "05602", "Montpelier", "US", "VT"),
        behaviour="late",
        orders=8,
        size=680,
        contacts=("Ruth Ellison", "Sam Ellison"),
    ),
    Customer(
        "granite",
        "Granite Peak Builders",
        ("155 Quarry Lane", "83702", "Boise", "US", "ID"),
        behaviour="stopped",
        orders=9,
        size=3800,
        contacts=("Troy Haugen", "Lisa Haugen", "Troy Haugen"),
        limit=12000,
        trust="bad",
    ),
    Customer(
        "blocked",
        "Harborview Hotel Partners",
        ("6 Pier Avenue", "04101", "Portland", "US", "ME"),
        behaviour="prompt",
        orders=7,
        size=4400,
        contacts=("Victoria Lane", "Paul Derry"),
    ),
    Customer(
        "no_followup",
        "Bayou Seafood Market",
        ("88 Levee Street", "70360", "Houma", "US", "LA"),
        behaviour="prompt",
        orders=6,
        size=560,
        contacts=("Remy Guidry", "Claudette Guidry"),
    ),
    Customer(
        "copper",
        "Copper Kettle Coffee Roasters",
        ("512 Burnside Street", "97209", "Portland", "US", "OR"),
        behaviour="fortnight",
        orders=9,
        size=980,
        contacts=("Noah Lindqvist", "Mia Lindqvist"),
    ),
    Customer(
        "covered_by_receipt",
        "Desert Bloom Landscaping",
        ("2900 Saguaro Way", "85719", "Tucson", "US", "AZ"),
        behaviour="early",
        orders=6,
        size=840,
        contacts=("Hector Ramos", "Alma Ramos"),
    ),
    Customer(
        "evergreen",
        "Evergreen Pediatrics",
        ("1701 Capitol Way", "98501", "Olympia", "US", "WA"),
        behaviour="early",
        orders=7,
        size=1250,
        contacts=("Dr. Priya Raman", "Joan Fisher"),
        collected=True,
    ),
    Customer(
        "brightwater",
        "Brightwater Charter School",
        ("64 Mill Pond Road", "02601", "Hyannis", "US", "MA"),
        behaviour="late",
        orders=8,
        size=2900,
        contacts=("Angela Torres", "Neil Sweeney"),
        returns_goods=True,
        limit=15000,
    ),
    Customer(
        "maria",
        "Maria Gonzalez",
        ("908 Alamo Plaza", "78205", "San Antonio", "US", "TX"),
        behaviour="late",
        term="15",
        orders=4,
        size=330,
        email="maria.gonzalez@example.org",
    ),
    Customer(
        "dwayne",
        "Dwayne Carter",
        ("1216 Peachtree Terrace", "30309", "Atlanta", "US", "GA"),
        behaviour="prompt",
        term="15",
        orders=3,
        size=450,
        email="dwayne.carter@example.net",
    ),
    Customer(
        "pennine",
        "Pennine Textiles Ltd",
        ("Albion Mill, Station Road", "HX1 2AB", "Halifax", "GB"),
        behaviour="prompt",
        orders=7,
        size=2000,
        contacts=("Stuart Ackroyd", "Janet Ackroyd"),
    ),
    Customer(
        "highland",
        "Highland Grain Merchants Ltd",
        ("3 Shore Street", "IV1 1NF", "Inverness", "GB"),
        behaviour="very_late",
        orders=7,
        size=1600,
        contacts=("Fiona MacRae", "Callum Ross"),
        limit=6000,
    ),
    Customer(
        "tremblay",
        "Menuiserie Tremblay inc.",
        ("255 boulevard Laurier", "G1V 2L8", "Québec", "CA", "QC"),
        lang="fr_FR",
        behaviour="late",
        orders=7,
        size=1150,
        contacts=("Luc Tremblay", "Manon Gagnon"),
    ),
)


def _of(customers, lang="en_US", books=(EUR,)):
    """Complete the customers of one country group with what they have in common."""
    return tuple(
        replace(
            customer,
            lang=lang if customer.lang == "en_US" else customer.lang,
            books=customer.books if customer.books == BOTH else books,
        )
        for customer in customers
    )


CUSTOMERS = (
    *_of(DUTCH, "nl_NL"),
    *_of(GERMAN, "de_DE"),
    *_of(FRENCH, "fr_FR"),
    *_of(ENGLISH_IN_EUR),
    *_of(AMERICAN, books=(USD,)),
)
