"""check and durable track as ratios to the same server answering a constant: python bench/check_track.py."""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from load import Measured, measure, request_bytes, send_each

CUSTOMERS = 1000
HERE = Path(__file__).parent


def fill(url: str, key: str) -> None:
    """A metered feature, a free plan with plenty of it, and the customers."""
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60) as client:

        def call(operation: str, **body: object) -> None:
            client.post(f"/v1/{operation}", json=body).raise_for_status()

        call("features.create", feature_id="messages", name="Messages", type="metered", consumable=True)
        item = {"feature_id": "messages", "included": 1_000_000_000, "reset": {"interval": "month"}}
        call("plans.create", plan_id="free", name="Free", auto_enable=True, items=[item])
        for number in range(CUSTOMERS):
            call("customers.get_or_create", customer_id=f"customer_{number}")


async def run(url: str, key: str, seconds: float) -> dict[str, Measured]:
    """Measures each route, one hot customer and many, each of whom was asked about once before."""

    def asking(path: str, customers: int, **extra: object) -> list[bytes]:
        return [
            request_bytes(
                url,
                path,
                key=key,
                body=json.dumps({"customer_id": f"customer_{number}", "feature_id": "messages", **extra}).encode(),
            )
            for number in range(customers)
        ]

    cases = {
        "constant": asking("/constant", 1),
        "check, one customer": asking("/v1/check", 1),
        "check, 1,000 customers": asking("/v1/check", CUSTOMERS),
        "track, one customer": asking("/v1/track", 1, value=1),
        "track, 1,000 customers": asking("/v1/track", CUSTOMERS, value=1),
    }
    results = {}
    for name, requests in cases.items():
        await send_each(url, requests)
        results[name] = await measure(url, lambda n, r=requests: r[n % len(r)], seconds=seconds)
    return results


def main() -> None:
    """Starts the server, measures, prints a line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="per case")
    parser.add_argument("--database-url", help="PostgreSQL instead of SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, HERE / "constant_server.py", directory, options.database_url or ""]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                url, key = server.stdout.readline().split()
                fill(url, key)
                results = asyncio.run(run(url, key, options.seconds))
            finally:
                server.terminate()
    ceiling = results["constant"].per_second
    print(f"{'':26}{'per second':>12}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}")
    for name, result in results.items():
        ratio = result.per_second / ceiling
        print(f"{name:26}{result.per_second:12.0f}{ratio:8.2f}{result.p50_ms:9.1f}{result.p99_ms:9.1f}")


if __name__ == "__main__":
    main()
