"""What the document cannot say: which ids there are, and what every answer has to be.

Fuzzed ids name nothing, so that nearly everything would end in 404. Most ids are therefore
replaced, just before a request is sent, by ids of what is really there; `If-Match` by the entity
tag of what it is meant for; and cursors by those of pages that were read before. Every choice
follows from the request's own content, so that a run with the same seed makes the same choices.
"""

import json
import os
import random
import re
from urllib.parse import quote

import requests
import schemathesis
from schemathesis.generation.meta import TestPhase

URL = os.environ["FREEHOLD_CONTRACT_URL"]
TOKEN = os.environ["FREEHOLD_CONTRACT_TOKEN"]
OWNER = os.environ["FREEHOLD_CONTRACT_OWNER"]
PERSON = os.environ["FREEHOLD_CONTRACT_PERSON"]
TENANT = "acme"
BASE = f"/v1/tenants/{TENANT}"
# What the server makes up anew in every run: ids and times.
MADE_UP = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", re.IGNORECASE
)
# What could be a time that is not long ago.
LATE = re.compile(r"^2\d*($|-\d\d-\d\dT\d\d:\d\d:\d\d)")
# Of every noun so many things are remembered; the newest push out the oldest.
REMEMBERED = 12

session = requests.Session()
session.trust_env = False


def get(path, token=TOKEN):
    """What the server says to a reader."""
    return session.get(URL + path, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def ids_of(nouns):
    answer = get(f"{BASE}/{nouns}?limit=50", OWNER)
    answer.raise_for_status()
    return [item.get("account_id", item["id"]) for item in answer.json()["items"]]


# The ids of what is there, by noun. The owner sees everything; whoever asks need not.
known = {
    "team": ids_of("teams"),
    "workspace": ids_of("workspaces"),
    "resource": ids_of("resources"),
    "resource_type": ids_of("resource-types"),
    "account": ids_of("members"),
    "tenant": [get(BASE, OWNER).json()["id"]],
    "service_account": [],
}
NOUNS = {
    f"{BASE}/teams": "team",
    f"{BASE}/workspaces": "workspace",
    f"{BASE}/resources": "resource",
    f"{BASE}/resource-types": "resource_type",
    f"{BASE}/service-accounts": "service_account",
    "/v1/platform/accounts": "account",
    "/v1/platform/tenants": "tenant",
}
# Where ids stand in bodies and queries.
FIELDS = {
    "parent_id": "team",
    "workspace_id": "workspace",
    "account_id": "account",
    "owner_id": "account",
    "account": "account",
}
# The last cursor of every list, with the query that it is bound to.
cursors = {}


# Whoever asks, and the owner, stay: whoever is shut out tests nothing afterwards.
KEPT = {
    get("/v1/me", token).json()["account"]["id"]
    for token in ([OWNER] if PERSON == "operator" else [OWNER, TOKEN])
}


def chooser(case):
    """A source of choices that follows from the request alone, whatever ids there happen to be."""
    body = case.body if isinstance(case.body, (dict, list, str, int, float, bool)) else None
    content = [
        case.operation.label,
        case.method,
        dict(case.path_parameters or {}),
        {name: value for name, value in (case.query or {}).items() if name != "cursor"},
        {name: value for name, value in (case.headers or {}).items() if name != "Authorization"},
        body,
    ]
    return random.Random(MADE_UP.sub("", json.dumps(content, sort_keys=True, default=repr)))


def principal(choice):
    """Whoever or whatever can own things and be shared with, with its type."""
    kind = choice.choice(["account", "account", "team", "tenant"])
    return kind, choice.choice(known[kind])


def real(choice, noun, value):
    """An id of something real, mostly."""
    if choice.random() < 0.15 or not known.get(noun):
        return value
    return choice.choice(known[noun])


def fill(choice, value, key=None):
    """A body or a query with ids of something real."""
    if isinstance(value, list):
        return [fill(choice, item, key) for item in value]
    if not isinstance(value, dict):
        if isinstance(value, str) and key in FIELDS:
            return real(choice, FIELDS[key], value)
        if isinstance(value, str) and key == "tenant":
            return choice.choice([value, TENANT, "globex", "no-such-tenant", *known["tenant"]])
        return value
    value = {name: fill(choice, item, name) for name, item in value.items()}
    if set(value) == {"type", "id"} and choice.random() < 0.85:
        value["type"], value["id"] = principal(choice)
        if key == "subject":
            value = {"type": "account", "id": choice.choice(known["account"])}
        elif key == "resource":
            kind, which = choice.choice(known["resource_type"]), choice.choice(known["resource"])
            value = {"type": kind, "id": which}
    elif isinstance(value.get("type"), str) and "workspace_id" in value:
        value["type"] = real(choice, "resource_type", value["type"])
    return value


def keeps_ids(case):
    """Whether the ids of the path were chosen with what was answered before in mind."""
    return case.meta is not None and case.meta.phase.name == TestPhase.STATEFUL


def members(case, last):
    """What is in the list that the request names an item of: `…/teams/{team}/members/{account}`."""
    path = address(case).rpartition("/")[0]
    answer = get(f"{path}?limit=50", OWNER)
    items = answer.json()["items"] if answer.ok and case.path.endswith(f"/{{{last}}}") else []
    return [item["id"] for item in items]


def fill_path(choice, case):
    for name, value in [] if keeps_ids(case) else list(case.path_parameters.items()):
        if name == "principal":
            case.path_parameters[name] = principal(choice)[1]
        elif name != "tenant" and name in known:
            case.path_parameters[name] = real(choice, name, value)
        elif PERSON == "operator" and name == "tenant":
            case.path_parameters[name] = choice.choice([TENANT, *known["tenant"]])
    for team_or_resource, last in [("team", "account"), ("resource", "principal")]:
        if {team_or_resource, last} <= set(case.path_parameters) and choice.random() < 0.6:
            there = members(case, last)
            if there:
                case.path_parameters[last] = choice.choice(there)
    changes = case.method in {"PATCH", "DELETE", "POST"}
    if changes and f"{BASE}/members/" in address(case) and case.path_parameters["account"] in KEPT:
        others = [account for account in known["account"] if account not in KEPT]
        case.path_parameters["account"] = choice.choice(others)


def address(case):
    """The path of the request."""
    path = case.path
    for name, value in case.path_parameters.items():
        path = path.replace("{" + name + "}", quote(str(value), safe=""))
    return path


def fill_headers(choice, case):
    if "Freehold-Tenant" in case.headers and choice.random() < 0.9:
        # Two names of one tenant agree; most else only ends in «the sources disagree».
        case.headers["Freehold-Tenant"] = choice.choice([TENANT, *known["tenant"]])
    if keeps_ids(case):
        # An answer out of the past tells of things that may be gone.
        case.headers.pop("Idempotency-Key", None)
    elif "Idempotency-Key" in case.headers and choice.random() < 0.7:
        case.headers["Idempotency-Key"] = f"key-{choice.randrange(40)}"
    accepts = {parameter.name for parameter in case.operation.headers}
    if "If-None-Match" in accepts and choice.random() < 0.5:
        case.headers.pop("If-Match", None)
        case.headers["If-None-Match"] = "*"
    elif "If-Match" in accepts and choice.random() < 0.8:
        case.headers.pop("If-None-Match", None)
        tag = get(address(case)).headers.get("ETag") if choice.random() < 0.9 else None
        case.headers["If-Match"] = tag or f'"{choice.randrange(4)}"'


def fill_query(choice, case):
    if "cursor" not in case.query or choice.random() < 0.1:
        case.query = fill(choice, dict(case.query))
    elif address(case) in cursors and choice.random() < 0.6:
        case.query = dict(cursors[address(case)])
    else:
        others = {name: value for name, value in case.query.items() if name != "cursor"}
        case.query = fill(choice, others)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Makes the request one about something real."""
    choice = chooser(case)
    if case.path_parameters:
        fill_path(choice, case)
    if case.headers is not None and case.operation.headers:
        fill_headers(choice, case)
    if case.query:
        fill_query(choice, case)
    if isinstance(case.body, (dict, list)):
        case.body = fill(choice, case.body)
    if case.path.endswith("/revoke-tokens") and isinstance(case.body, dict):
        # Those who ask keep what they ask with.
        if LATE.match(str(case.body.get("before") or "2")):
            case.body["before"] = "2020-01-01T00:00:00Z"


@schemathesis.hook
def after_call(ctx, case, response):
    """Remembers what was made, and where the next page is."""
    path = address(case)
    if response.status_code == 201 and path in NOUNS:
        known[NOUNS[path]] = [*known[NOUNS[path]], response.json()["id"]][-REMEMBERED:]
    if response.status_code == 200 and "cursor" in {query.name for query in case.operation.query}:
        cursor = response.json()["next_cursor"]
        if cursor:
            cursors[path] = {**(case.query or {}), "cursor": cursor}


@schemathesis.deserializer("application/x-ndjson")
def ndjson(ctx, response):
    """The last line, which says how it ended; there are none where nothing is exported."""
    lines = [json.loads(line) for line in response.content.splitlines()]
    if not lines:
        raise NotImplementedError
    return lines[-1]


@schemathesis.check
def problem_documents(ctx, response, case):
    """Every refusal is a problem document (RFC 9457) about this very request."""
    if response.status_code < 400:
        return
    (media_type,) = response.headers["content-type"]
    assert media_type == "application/problem+json", f"a refusal of the type {media_type}"
    problem = response.json()
    assert problem["status"] == response.status_code, "the document has another status"
    assert problem["type"] == f"urn:freehold:problem:{problem['code']}", "type and code differ"
    assert [problem["request_id"]] == response.headers["x-request-id"], "another request's id"
    assert problem["detail"], "nothing is said of what happened"


@schemathesis.check
def security_headers(ctx, response, case):
    """Nothing is kept by anybody between, and nothing is taken for something else."""
    if case.path.startswith("/v1/"):
        assert response.headers.get("cache-control") == ["no-store"], "an answer that may be kept"
    assert response.headers.get("x-content-type-options") == ["nosniff"], "an answer to be sniffed"


@schemathesis.check
def closed_platform(ctx, response, case):
    """A tenant's token does nothing on the platform plane, and learns nothing there."""
    if PERSON == "operator" or not case.path.startswith("/v1/platform/"):
        return
    assert response.status_code >= 400, "a tenant's token was good for the platform plane"
    assert response.status_code not in {409, 412}, "the answer tells what is there"
    well_formed = case.meta is not None and case.meta.generation.mode.is_positive
    if well_formed and response.status_code == 422:
        fields = {error["field"] for error in response.json().get("errors", [])}
        assert "/tenant" not in fields, "the answer tells which tenants there are"
