"""The real server with one more route that answers a constant: the ceiling that check and track are compared with."""

import asyncio
import sys
from pathlib import Path

import uvicorn
import uvloop
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sumac.api.fast_door import FastDoor
from sumac.app import create_app
from sumac.cli.prepared import prepared
from sumac.cli.serve import listen, spare_garbage_collection
from sumac.config import Settings
from sumac.core.tenant import Env
from sumac.organizations import service as organizations


async def constant(_request: Request) -> Response:
    """The least a server can answer."""
    return Response(b'{"allowed":true}', media_type="application/json")


async def main(data_dir: str, database_url: str) -> None:
    """Serves until it is killed; prints the address and a sandbox key on one line."""
    url = database_url or None
    bound, settings = listen(Settings(data_dir=Path(data_dir), database_url=url, port=0))
    async with prepared(settings) as made:
        async with made.parts.services.database.system() as system:
            key = await organizations.create_key(system, made.organization.id, Env.SANDBOX, name="bench")
        app = create_app(made.parts.services)
        app.router.routes.insert(0, Route("/constant", constant, methods=["POST"]))
        spare_garbage_collection()
        print(settings.address, key, flush=True)
        server = uvicorn.Server(
            uvicorn.Config(FastDoor(app, made.parts.services), log_level="warning", access_log=False)
        )
        await server.serve(sockets=[bound])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2]))
