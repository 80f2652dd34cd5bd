"""Drives the real executables of a build: makes deployments, starts and ends servers, asks.

Everything runs on loopback in folders of its own; only processes that a test started are ended, by
their ids.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CASEMATE_BIN", ROOT / "build/release/bin"))
CASEMATE = BIN / "casemate"
LONG = bool(os.environ.get("CASEMATE_LONG"))
PASSPHRASE = "correct horse battery staple"
# Argon2id at its smallest: these tests are about what comes after it.
CHEAP = ["--argon2-memory-kib", "8192"]


class Failed(Exception):
    """A command ended with another status than 0."""

    def __init__(self, arguments, process):
        super().__init__(f"{' '.join(map(str, arguments))}: status {process.returncode}\n"
                         f"{process.stdout}\n{process.stderr}")
        self.status = process.returncode
        self.stdout = process.stdout
        self.stderr = process.stderr


def run(*arguments, check=True, timeout=120, stdin=None):
    process = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, errors="replace",
                             timeout=timeout, input=stdin, stdin=None if stdin else subprocess.DEVNULL)
    if check and process.returncode != 0:
        raise Failed(arguments, process)
    return process


def casemate(*arguments, **options):
    return run(CASEMATE, *arguments, **options)


def children_of(pid):
    """Ids and names of the processes below one, itself left out."""
    found = {}
    todo = [pid]
    while todo:
        parent = todo.pop()
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                for child in task.read_text().split():
                    child = int(child)
                    with contextlib.suppress(OSError):
                        found[child] = pathlib.Path(f"/proc/{child}/comm").read_text().strip()
                        todo.append(child)
    return found


class Deployment:
    """One deployment folder and, between start() and stop(), its server."""

    def __init__(self, *init_arguments, base=None):
        self.base = pathlib.Path(base or tempfile.mkdtemp(prefix="casemate-e2e-"))
        self.dir = self.base / "deployment"
        self.passphrase = self.base / "passphrase"
        self.passphrase.write_text(PASSPHRASE)
        self.passphrase.chmod(0o600)
        self.ready = self.base / "ready"
        self.log = self.base / "server.log"
        self.server = None
        self.address = None
        if not self.dir.exists():
            casemate("init", "--dir", self.dir, "--passphrase-file", self.passphrase, *CHEAP,
                     *(init_arguments or ["--mirror", self.base / "mirror"]))

    def start(self, wait=60, listen="127.0.0.1:0"):
        self.ready.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.server = subprocess.Popen(
                [CASEMATE, "serve", "--dir", self.dir, "--passphrase-file", self.passphrase, "--listen",
                 listen, "--ready-file", self.ready], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + wait
        while not self.ready.exists():
            if self.server.poll() is not None:
                raise AssertionError(f"server ended with {self.server.returncode}:\n{self.log_text()}")
            if time.monotonic() > end:
                raise AssertionError(f"not ready after {wait} s:\n{self.log_text()}")
            time.sleep(0.05)
        self.address = self.ready.read_text().strip()
        return self

    def stop(self):
        """Ends the server as an operator does; returns its exit status."""
        if self.server is None:
            return None
        self.server.send_signal(signal.SIGTERM)
        try:
            status = self.server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running 15 s after SIGTERM:\n{self.log_text()}")
        self.server = None
        return status

    def processes(self):
        """Every process of the server: {pid: name}; none when it has ended."""
        if self.server.poll() is not None:
            return {}
        own = pathlib.Path(f"/proc/{self.server.pid}/comm").read_text().strip()
        return {self.server.pid: own, **children_of(self.server.pid)}

    def pid_of(self, name):
        """The process whose executable is casemate-NAME (comm is cut at 15 characters)."""
        wanted = f"casemate-{name}"[:15]
        for pid, comm in self.processes().items():
            if comm == wanted:
                return pid
        raise AssertionError(f"no {wanted} among {self.processes()}")

    def kill(self):
        """kill -9 of every process of the server."""
        if self.server is None:
            return
        if self.server.poll() is not None:  # it has ended by itself
            self.server = None
            return
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.server.wait(timeout=15)
        self.server = None

    def close(self):
        self.kill()
        if not os.environ.get("CASEMATE_KEEP"):
            shutil.rmtree(self.base, ignore_errors=True)

    def log_text(self):
        return self.log.read_text(errors="replace")[-20000:]

    # Commands against this deployment.
    def casemate(self, *arguments, **options):
        return casemate(*arguments, "--dir", self.dir, **options)

    def json(self, *arguments, **options):
        return json.loads(self.casemate(*arguments, "--json", **options).stdout)

    def key(self, *arguments):
        return self.json("key", "create", *arguments)["key"]

    def ingest(self, *paths, collection="docs", check=True, **options):
        return self.casemate("ingest", *paths, "--collection", collection, check=check, **options)

    def openai(self, key=None):
        import httpx2  # what Debian's python3-openai is built on
        import openai
        context = ssl.create_default_context(cafile=str(self.dir / "tls/ca.pem"))
        return openai.OpenAI(base_url=f"https://{self.address}/v1", api_key=key or self.key(),
                             http_client=httpx2.Client(verify=context, timeout=120), max_retries=0)


def write_documents(folder, count, text=None):
    """`count` small Markdown documents, each about a thing of its own; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(count):
        path = folder / f"note-{i:03}.md"
        path.write_text(text(i) if text else f"# Widget {i}\n\nThe widget {i} is a device of kind {i % 7} that "
                        f"stands in room {i}.\n\nIt was made for test number {i}.\n")
        paths.append(path)
    return paths


class EndToEnd(unittest.TestCase):
    """A test case with one deployment, started once for all its tests."""

    init_arguments = ()
    started = True

    @classmethod
    def setUpClass(cls):
        cls.deployment = Deployment(*cls.init_arguments)
        cls.addClassCleanup(cls.deployment.close)
        if cls.started:
            cls.deployment.start()


def main():
    if not CASEMATE.exists():
        sys.exit(f"{CASEMATE} is not built: ./dev build release")
    unittest.main(verbosity=2)
