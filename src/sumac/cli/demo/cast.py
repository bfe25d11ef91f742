"""The customers of the demo: invented people and companies, so that every state a customer can be in is to be seen."""

from sumac.billing.requests import (
    CancelAction,
)
from sumac.cli.demo.story import (
    LATER_DECLINED_CARD,
    OTHER_CARD,
    AddCard,
    Ago,
    Attach,
    Cancel,
    Hold,
    NextCharge,
    Person,
    Story,
    pro,
    team,
    trial,
    visitor,
)
from sumac.cli.demo.usage import Usage

LIGHT = Usage(messages=60, pages=25, summaries=8, events=10)
STEADY = Usage(messages=700, pages=260, summaries=90, translations=20, events=20)
HEAVY = Usage(messages=1_600, pages=420, summaries=120, translations=25, events=25)
COMPANY = Usage(messages=6_500, pages=3_800, summaries=800, translations=160, events=34)
LARGE = Usage(messages=19_000, pages=12_000, summaries=2_100, translations=420, events=44)

FREE = (
    Person("mira-okafor", "Mira Okafor", "mira@okafor.example", visitor(Ago(81), LIGHT), {"source": "search"}),
    Person(
        "tobias-lindqvist",
        "Tobias Lindqvist",
        "tobias.lindqvist@example.com",
        visitor(Ago(66), LIGHT),
        {"source": "conference", "country": "SE"},
    ),
    Person(
        "brightwater-library",
        "Brightwater Public Library",
        "desk@brightwater.example",
        visitor(Ago(58), Usage(messages=150, pages=70, summaries=30, events=26)),
        {"segment": "public", "country": "GB"},
    ),
    Person("sunny-daycare", "🌻 Sunny Side Daycare 🧸", "hello@sunnyside.example", visitor(Ago(44), LIGHT)),
    Person(None, None, "newsletter.reader@example.net", visitor(Ago(31), Usage(messages=12, events=4))),
    Person("u_8841", None, "j.baptiste@example.org", visitor(Ago(23), Usage(messages=30, pages=10, events=8))),
    Person("kwame-mensah", "Kwame Mensah", "kwame@mensah.example", visitor(Ago(6), LIGHT), {"source": "friend"}),
    Person("ida-novak", "Ida Nováková", "ida@novakova.example", visitor(Ago(hours=20))),
    Person("u_9127", "Priya Raman", "priya.raman@example.com", visitor(Ago(hours=2))),
)

TRYING = (
    Person("fern-and-oak", "Fern & Oak Studio", "studio@fernoak.example", trial(4, STEADY, card=True)),
    Person(
        "lucas-ferreira",
        "Lucas Ferreira",
        "lucas@ferreira.example",
        trial(9, LIGHT, card=False),
        {"source": "search", "country": "BR"},
    ),
    Person("mapleworks", "Mapleworks Inc.", "ops@mapleworks.example", trial(12, HEAVY, card=True)),
)

ON_PRO = (
    Person("hana-sato", "佐藤 花", "hana@sato.example", pro(Ago(11, months=2), STEADY), {"country": "JP"}),
    Person("olive-press", "The Olive Press", "editors@olivepress.example", pro(Ago(19, months=1), STEADY, seats=3)),
    Person(
        "dar-alnakhil",
        "دار النخيل للنشر",
        "info@alnakhil.example",
        pro(Ago(8, months=2), STEADY, seats=2),
        {"country": "JO", "language": "ar"},
    ),
    Person("greta-holm", "Greta Holm", "greta@holm.example", pro(Ago(25), STEADY), {"source": "podcast"}),
    Person("quickstep-legal", "Quickstep Legal LLP", "office@quickstep.example", pro(Ago(26, months=1), HEAVY)),
    Person("nadia-haddad", "Nadia Haddad", "nadia@haddad.example", pro(Ago(22, months=2), HEAVY, seats=2)),
    Person(
        "pinecrest-notary",
        "Pinecrest Notary",
        "pinecrest@example.com",
        pro(Ago(15, months=1), HEAVY, (Ago(9), Attach("message_boost")), seats=2),
    ),
    Person(
        "elena-rossi",
        "Elena Rossi",
        "elena@rossi.example",
        pro(Ago(5, months=2), STEADY, (Ago(34), Attach("credit_pack"))),
        {"country": "IT"},
    ),
    Person(
        "blue-heron-consulting",
        "Blue Heron Consulting",
        "accounts@blueheron.example",
        pro(
            Ago(13, months=2),
            HEAVY,
            (Ago(50), Attach("message_boost")),
            (Ago(40), Attach("credit_pack")),
            (Ago(3), Attach("credit_pack")),
            seats=3,
        ),
    ),
)

ON_TEAM = (
    Person(
        "northgate-logistics",
        "Northgate Logistics",
        "it@northgate.example",
        team(Ago(17, months=2), COMPANY, held=5),
        {
            "crm_id": "0068b00001Qn3",
            "account_manager": "Robin Castellanos",
            "tier": "strategic",
            "employees": 1840,
            "signed_contract": True,
            "departments": ["claims", "customs", "fleet"],
            "billing_address": {"street": "4 Harbour Way", "city": "Rotterdam", "country": "NL"},
            "notes": "Reads freight papers in eleven languages; asked for a data centre in the EU.",
        },
    ),
    Person(
        "arbor-clinic",
        "Arbor Family Clinic",
        "admin@arborclinic.example",
        team(Ago(9, months=1), COMPANY, (Ago(20), Hold(5)), seats=12),
        {"segment": "health"},
    ),
    Person(
        "kestrel-energy", "Kestrel Energy", "data@kestrel.example", team(Ago(24, months=2), LARGE, seats=20, held=17)
    ),
    Person(
        "ministry-of-weather",
        "The Permanent Joint Office for the Collection, Comparison and Publication of Historical Weather Observations "
        "of the Northern and Western Isles",
        "permanent.joint.office.for.historical.weather.observations@northern-and-western-isles.example",
        team(Ago(14, months=1), COMPANY),
        {"segment": "public", "purchase_order": "PO-2217-B"},
    ),
    Person(
        "vela-insurance", "Vela Insurance", "platform@vela.example", team(Ago(28, months=2), LARGE, seats=8, held=8)
    ),
    Person(
        "cobalt-press",
        "Cobalt Press",
        "hello@cobaltpress.example",
        team(Ago(7, months=1), COMPANY, (Ago(12), Attach("credit_pack"))),
    ),
    Person(
        "sahana-textiles",
        "Sahana Textiles",
        "finance@sahana.example",
        team(Ago(71), COMPANY, plan_id="team_annual", held=5),
        {"country": "IN"},
    ),
    Person(
        "tern-robotics",
        "Tern Robotics",
        "billing@tern.example",
        team(Ago(37), LARGE, plan_id="team_annual", seats=15, held=11),
        {"segment": "industry", "country": "DE"},
    ),
)

CHANGING = (
    Person(
        "juniper-and-sons",
        "Juniper & Sons",
        "office@juniper.example",
        pro(Ago(18, months=1), HEAVY, (Ago(8), Attach("team")), seats=3),
        {"source": "friend"},
    ),
    Person(
        "wildflower-schools",
        "Wildflower Schools",
        "it@wildflower.example",
        pro(Ago(21, months=1), HEAVY, (Ago(16), Attach("team", seats=9)), (Ago(15), Hold(5)), seats=3),
        {"segment": "education"},
    ),
    Person(
        "halcyon-travel",
        "Halcyon Travel",
        "bookings@halcyon.example",
        team(Ago(20, months=2), STEADY, (Ago(6), Attach("pro")), held=2),
    ),
    Person(
        "samir-chowdhury",
        "Samir Chowdhury",
        "samir@example.net",
        pro(Ago(12, months=1), LIGHT, (Ago(4), Attach("free"))),
    ),
    Person(
        "amber-lane-bakery",
        "Amber Lane Bakery",
        "amber@amberlane.example",
        pro(Ago(10, months=2), LIGHT, (Ago(7), Cancel("pro"))),
    ),
    Person(
        "foxglove-media",
        "Foxglove Media",
        "studio@foxglove.example",
        team(Ago(23, months=1), COMPANY, (Ago(11), Cancel("team"))),
    ),
)

PAYING_LATE = (
    Person(
        "granite-peak-outfitters",
        "Granite Peak Outfitters",
        "ap@granitepeak.example",
        team(Ago(3, months=1), COMPANY, (Ago(10), AddCard(LATER_DECLINED_CARD))),
    ),
    Person(
        "ruben-vasquez",
        "Rubén Vásquez",
        "ruben@vasquez.example",
        pro(Ago(6, months=2), STEADY, (Ago(15), AddCard(LATER_DECLINED_CARD))),
    ),
    Person(
        "lighthouse-charity",
        "Lighthouse Charity",
        "treasurer@lighthouse.example",
        pro(Ago(9, months=1), STEADY, (Ago(14), NextCharge("insufficient_funds")), seats=2),
        {"segment": "charity"},
    ),
    Person(
        "orbit-bikes",
        "Orbit Bikes",
        "shop@orbitbikes.example",
        team(
            Ago(16, months=2),
            COMPANY,
            (Ago(18, months=1), NextCharge("decline")),
            (Ago(2), AddCard(OTHER_CARD)),
        ),
    ),
)

GONE = (
    Person(
        "dormouse-games",
        "Dormouse Games",
        "hi@dormouse.example",
        Story(
            Ago(10, months=2, lead=20),
            (
                (Ago(10, months=2), Attach("team")),
                (Ago(25, months=1), Cancel("team")),
            ),
            COMPANY,
            usage_until=Ago(25, months=1),
        ),
    ),
    Person(
        "peregrine-tutoring",
        "Peregrine Tutoring",
        "contact@peregrine.example",
        Story(
            Ago(4, months=2, lead=16),
            (
                (Ago(4, months=2, lead=14), AddCard()),
                (Ago(4, months=2, lead=14), Attach("pro")),
                (Ago(23), Cancel("pro", CancelAction.CANCEL_IMMEDIATELY)),
            ),
            LIGHT,
            usage_until=Ago(24),
        ),
    ),
)

CAST = (*FREE, *TRYING, *ON_PRO, *ON_TEAM, *CHANGING, *PAYING_LATE, *GONE)
