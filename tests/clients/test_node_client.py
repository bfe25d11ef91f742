"""The published JavaScript client (autumn-js 1.3.13) calls every operation it has; its models parse each answer."""

import json
import subprocess
from pathlib import Path

from tests.support.live import QUICKSTART_NODE
from tests.support.server import LiveServer

PROGRAM = Path(__file__).with_name("every_operation.mjs")
SECONDS = 60
SEEN = {
    "deletedFeature": True,
    "features": ["credits", "messages", "seats", "sso"],
    "credits": 0.2,
    "renamedFeature": "Seat",
    "tiers": [[500, 10], ["inf", 5]],
    "deletedPlan": True,
    "plans": ["free", "pack", "pro"],
    "renamedPlan": "Professional",
    "startsOn": ["free"],
    "actions": {"free": "none", "pro": "upgrade", "pack": "purchase"},
    "preview": 28,
    "holds": [["pro", "active", "Professional"]],
    "flags": ["sso"],
    "bought": "paid",
    "mayMessage": True,
    "maySignOn": "pro",
    "counted": True,
    "tracked": 1199.5,
    "held": True,
    "finalized": [True, True],
    "byHand": [True, True, [28], True],
    "events": [-20, 0.5, 2, 20, 1199.5],
    "batch": True,
    "tokens": [0.021, 9.979],
    "usage": [6, 1200.5, 1200.5],
    "clock": ["ready", True],
    "creditsLeft": 59.9,  # of 100: they paid for the 200.5 messages beyond the included ones, at 0.2 each
    "invoice": [28, "paid", "usd"],  # $20, and $8 for the third seat
    "portal": True,
    "cancelled": None,
    "scheduled": ["created", [1, 1]],
    "setup": "ada",
    "together": [20, "paid"],
    "endedTogether": [0, None],
    "renamed": "Ada L.",
    "listed": ["ada"],
    "refusals": [404, 404, 409],
    "deleted": True,
}


def test_every_operation(server: LiveServer, node: Path) -> None:
    """From the first feature to the deleted customer; a refusal carries its status and nothing fails open."""
    command = [str(node), str(PROGRAM), str(QUICKSTART_NODE), server.url, server.create_key()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)

    assert 0 == run.returncode, run.stderr
    assert SEEN == json.loads(run.stdout)
