"""Receives webhooks with the libraries that those have who build on Freehold: `standardwebhooks` judges each signature,
`cloudevents` reads each event.

FREEHOLD_CONTRACT_URL is where the server is, FREEHOLD_CONTRACT_TOKEN an owner's of the tenant acme, and
FREEHOLD_CONTRACT_OPERATOR an operator's.
"""

import json
import os
import queue
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook, WebhookVerificationError

URL = os.environ["FREEHOLD_CONTRACT_URL"]
TENANT = "/v1/tenants/acme", os.environ["FREEHOLD_CONTRACT_TOKEN"]
PLATFORM = "/v1/platform", os.environ["FREEHOLD_CONTRACT_OPERATOR"]
TEAMS, WAIT_S = 20, 30

received = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    """Takes whatever comes; it is judged later."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        received.put((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def ask(plane, method, path, body=None, **headers):
    """What the server answers."""
    home, token = plane
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", **headers}
    request = urllib.request.Request(URL + home + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        return json.loads(answer.read() or "null")


def take(secret):
    """The next event, once both libraries have accepted it and the first has refused what is like it."""
    headers, body = received.get(timeout=WAIT_S)
    Webhook(secret).verify(body, headers)
    for other, text in [(secret[:-4] + "AAA=", body), (secret, body + b" ")]:
        try:
            Webhook(other).verify(text, headers)
        except WebhookVerificationError:
            continue
        sys.exit("what was not signed so was accepted")
    event = from_http(HTTPMessage(headers=headers, body=body), JSONFormat())
    assert headers["webhook-id"] == event.get_id(), headers
    return event


def hook(plane, address, types):
    """A webhook, and its secret."""
    made = ask(plane, "POST", "/webhooks", {"url": address, "event_types": types})
    return f"/webhooks/{made['id']}", made["secret"]


def tenants(address):
    """Events of a tenant, in order, also while the secret is changed."""
    path, secret = hook(TENANT, address, ["team.created"])
    names = [f"received {number}" for number in range(TEAMS)]
    for name in names[: TEAMS // 2]:
        ask(TENANT, "POST", "/teams", {"name": name})
    events = [take(secret) for _ in names[: TEAMS // 2]]
    rotated = ask(TENANT, "POST", f"{path}/rotate", {})["secret"]
    for name in names[TEAMS // 2 :]:
        ask(TENANT, "POST", "/teams", {"name": name})
    # Both are good for a time: whoever has not changed over yet misses nothing.
    events += [take(secret if number % 2 else rotated) for number in range(TEAMS - TEAMS // 2)]
    assert [event.get_data()["name"] for event in events] == names
    listed = ask(TENANT, "GET", f"/events?type=team.created&after={events[0].get_extension('sequence') - 1}")
    assert [event["id"] for event in listed["items"]] == [event.get_id() for event in events]
    for event in events:
        assert event.get_type() == "team.created" and event.get_specversion() == "1.0"
        assert event.get_source() == f"/v1/tenants/{event.get_extension('tenantid')}"
    return len(events)


def platform(address):
    """An event of the platform's, which is no tenant's."""
    path, secret = hook(PLATFORM, address, ["plan.*"])
    body = {"title": "Received", "limits": {"members": 5}}
    ask(PLATFORM, "PUT", "/plans/received", body, **{"if-none-match": "*"})
    event = take(secret)
    assert (event.get_type(), event.get_source()) == ("plan.created", "/v1/platform"), event
    tested = ask(PLATFORM, "POST", f"{path}/test")
    assert tested["state"] == "delivered", tested
    assert take(secret).get_type() == "webhook.tested"
    return 2


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    print(f"  {tenants(address) + platform(address)} events received, signed and sound", flush=True)


if __name__ == "__main__":
    main()
