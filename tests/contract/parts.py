"""What the checks here share: where things are, parts that pass or fail, and the program itself."""

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
TOOLS = TARGET / "tools"
# Where logs and reports stay, to be read after a failure.
KEPT = TARGET / "contract"
PROGRAM = Path(os.environ.get("FREEHOLD_BIN") or TARGET / "checked" / "freehold").resolve()
START_S, STOP_S = 60, 30

results = []
turn = None


class Failed(Exception):
    """A part failed; what is said of it is for people."""


@contextlib.contextmanager
def part(name):
    """One part: says how it ended and how long it took, and lets the next one run."""
    print(f"  {name} …", flush=True)
    started = time.monotonic()
    try:
        yield
        outcome = "ok"
    except (Failed, OSError, ValueError, LookupError, subprocess.SubprocessError) as problem:
        print(f"  {name}: {problem}", flush=True)
        outcome = "FAILED"
    results.append((name, outcome))
    print(f"  {name}: {outcome} ({time.monotonic() - started:.0f} s)", flush=True)


def finish():
    """The count, and the exit status that goes with it."""
    failed = [name for name, outcome in results if outcome != "ok"]
    for name in failed:
        print(f"failed: {name}")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


def begin():
    """Looks whether what is needed is there."""
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is not there: cargo build --profile checked")
    KEPT.mkdir(parents=True, exist_ok=True)
    # Two at once would write over each other's reports; the lock ends with this process.
    global turn
    turn = (KEPT / "lock").open("w")
    fcntl.flock(turn, fcntl.LOCK_EX)


def environment(**more):
    """The environment without what would configure the program or send requests elsewhere."""
    unwanted = re.compile(r"FREEHOLD_|SCHEMATHESIS_|(https?|all|no)_proxy$", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not unwanted.match(name)}
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", **more}


def run(command, **options):
    """A command that has to succeed; it writes to where this program writes."""
    options.setdefault("env", environment())
    status = subprocess.run([str(word) for word in command], check=False, **options).returncode
    if status != 0:
        raise Failed(f"{Path(command[0]).name} ended with {status}")


def stop(process):
    """Stops a server as a service manager does."""
    process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        raise Failed(f"it still ran {STOP_S} s after SIGTERM") from None
    finally:
        kill(process)
    if status != 0:
        raise Failed(f"it ended with {status} after SIGTERM")


def kill(process):
    """Ends a server that did not stop."""
    if process.poll() is None:
        process.kill()
        process.wait()


class Server:
    """The program in development mode, on a free port of the loopback interface."""

    def __init__(self, data, log):
        self.data = data
        command = [PROGRAM, "--data", data, "dev", "--listen", "127.0.0.1:0", "--json"]
        self.process = subprocess.Popen(
            command, cwd=KEPT, env=environment(), stdout=subprocess.PIPE, stderr=log
        )
        try:
            self.told = self.read_told()
        except BaseException:
            kill(self.process)
            raise
        self.url = self.told["url"]

    def read_told(self):
        """What the program prints once it is ready: a JSON document over several lines."""
        deadline, text = time.monotonic() + START_S, ""
        os.set_blocking(self.process.stdout.fileno(), False)
        while time.monotonic() < deadline:
            text += (self.process.stdout.read() or b"").decode()
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(text)
            if self.process.poll() is not None:
                raise Failed(f"the program ended with {self.process.returncode} as it started")
            time.sleep(0.05)
        raise Failed(f"the program was not ready after {START_S} s")

    def token(self, person, tenant="acme"):
        """A demo token."""
        (token,) = [
            entry["token"]
            for entry in self.told["tokens"]
            if (entry["person"], entry["tenant"]) == (person, tenant)
        ]
        return token

    def operator(self):
        """The token of an operator, from the program itself."""
        command = [PROGRAM, "--data", self.data, "token", "--operator"]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"no token for an operator: {done.stderr}")
        return done.stdout.strip()

    def get(self, path):
        """What it answers to a stranger."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.read()
