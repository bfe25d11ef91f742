"""A small load generator: keep-alive connections that send one prepared request after the other."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

CONNECTIONS = 32


@dataclass(frozen=True)
class Measured:
    """How many requests were answered per second, and how long the slower ones took (milliseconds)."""

    per_second: float
    p50_ms: float
    p99_ms: float


def request_bytes(url: str, path: str, *, key: str | None = None, body: bytes | None = None) -> bytes:
    """A prepared HTTP/1.1 request: GET without a body, POST with one."""
    host = urlsplit(url).netloc
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"host: {host}"]
    if key is not None:
        lines.append(f"authorization: Bearer {key}")
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


async def measure(url: str, request_of: Callable[[int], bytes], *, seconds: float) -> Measured:
    """Sends `request_of(n)` for n = 0, 1, 2… over 32 connections for some seconds; every answer must be a 200."""
    address = urlsplit(url)
    counter = iter(range(10**12))
    took: list[float] = []
    deadline = time.perf_counter() + seconds

    async def send() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while (started := time.perf_counter()) < deadline:
            writer.write(request_of(next(counter)))
            await _answer(reader)
            took.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    took.sort()
    return Measured(len(took) / seconds, took[len(took) // 2] * 1000, took[len(took) * 99 // 100] * 1000)


async def send_each(url: str, requests: Sequence[bytes]) -> None:
    """Sends each request once, so that what is measured afterwards is not somebody's first time."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for request in requests:
        writer.write(request)
        await _answer(reader)
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> None:
    """Reads one answer. Raises RuntimeError unless it is a 200."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200"):
        message = f"the server answered {head[:60]!r} {body[:200]!r}"
        raise RuntimeError(message)
