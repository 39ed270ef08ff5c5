"""`python -m aws_lab PORT`: serves until its standard input ends."""

import json
import os
import sys
import threading
from typing import Any

PORT = int(sys.argv[1])
os.environ.update(
    AWS_ENDPOINT_URL=f"http://localhost:{PORT}",
    AWS_REGION=os.environ.get("AWS_REGION", "eu-west-1"),
    AWS_ACCESS_KEY_ID="lab",
    AWS_SECRET_ACCESS_KEY="lab",
    AWS_EC2_METADATA_DISABLED="true",
    MOTO_PORT=str(PORT),
    MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION="true",
)
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
    os.environ.pop(name, None)
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

from aws_lab import clock, events, install  # noqa: E402


class Handler(MotoRequestHandler):
    def log_request(self, *_args: Any, **_more: Any) -> None:
        """Nothing: a request of which a test should know fails in the test."""


def control(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """What only a lab can: `/lab/clock` moves time on, `/lab/event` sends an event of AWS."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    given = json.loads(environ["wsgi.input"].read(size) or b"{}")
    if environ["PATH_INFO"] == "/lab/clock":
        clock.advance(float(given["seconds"]))
    elif environ["PATH_INFO"] == "/lab/event":
        events.send(
            given["source"], given["detail-type"], given["detail"], given.get("resources", [])
        )
    else:
        start_response("404 Not Found", [])
        return [b""]
    start_response("200 OK", [("content-type", "application/json")])
    return [b"{}"]


install.install()
moto = DomainDispatcherApplication(create_backend_app)


def application(environ: dict[str, Any], start_response: Any) -> Any:
    handler = control if environ["PATH_INFO"].startswith("/lab/") else moto
    return handler(environ, start_response)


server = make_server("127.0.0.1", PORT, application, threaded=True, request_handler=Handler)


def end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
print("serving", flush=True)
server.serve_forever()
