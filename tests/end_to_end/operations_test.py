"""What an operator does with a running server: metrics, reload, drain, unlock."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time

from harness import CASEMATE, PASSPHRASE, ROOT, Deployment, EndToEnd, casemate, main, write_documents

CHAT = {"model": "casemate-answer", "messages": [{"role": "user", "content": "What is an epoch?"}], "max_tokens": 8}


def parse(text):
    """Samples and types of a scrape; refuses what is not the text format 0.0.4."""
    types, helps, samples = {}, {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert kind in ("counter", "gauge", "histogram"), line
            assert name in helps, f"TYPE before HELP: {line}"
            types[name] = kind
        elif line.startswith("# HELP "):
            name, text_ = line[7:].split(" ", 1)
            assert name not in helps, f"twice: {line}"
            helps[name] = text_
        elif line != "# EOF":
            found = re.fullmatch(r'(casemate_[a-z0-9_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? ([0-9.e+-]+)', line)
            assert found, f"no sample: {line!r}"
            samples[found[1] + (found[2] or "")] = float(found[3])
    return types, samples


def await_(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ssl.SSLError, http.client.HTTPException, AssertionError):
            if condition():
                return True
        time.sleep(0.1)
    return False


class Client:
    """One HTTPS connection that checks the deployment's authority."""

    def __init__(self, deployment, key=None, server_hostname=None):
        self.host, port = deployment.address.rsplit(":", 1)
        self.port = int(port)
        self.context = ssl.create_default_context(cafile=str(deployment.dir / "tls/ca.pem"))
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.server_hostname = server_hostname

    def ask(self, method, path, body=None):
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=60)
        try:
            connection.request(method, path, json.dumps(body) if body else None,
                               {**self.headers, "Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def names(self):
        with socket.create_connection((self.host, self.port), timeout=30) as raw:
            with self.context.wrap_socket(raw, server_hostname=self.server_hostname or self.host) as tls:
                return {value for _, value in tls.getpeercert()["subjectAltName"]}


class OperationsTest(EndToEnd):
    def scrape(self, deployment=None):
        return parse((deployment or self.deployment).casemate("metrics").stdout)

    def test_every_family_is_documented_and_moves_without_naming_anybody(self):
        key = self.deployment.json("key", "create", "--name", "canary-key-name")
        documents = self.deployment.base / "canary-folder"
        write_documents(documents, 2)
        self.deployment.ingest(documents, collection="canary-collection")
        _, before = self.scrape()
        client = Client(self.deployment, key["key"])
        self.assertEqual(client.ask("POST", "/v1/chat/completions", CHAT)[0], 200)
        self.assertEqual(client.ask("GET", "/v1/nothing/canary-path")[0], 404)
        self.assertEqual(Client(self.deployment, "cm-wrong").ask("GET", "/v1/models")[0], 401)
        text = self.deployment.casemate("metrics").stdout
        types, after = parse(text)

        def grew(name, by=1):
            self.assertGreaterEqual(after.get(name, 0) - before.get(name, 0), by, name)

        grew('casemate_requests_total{route="/v1/chat/completions",status="2xx"}')
        grew('casemate_requests_total{route="other",status="4xx"}')
        grew('casemate_requests_refused_total{reason="invalid_api_key"}')
        grew('casemate_prompt_tokens_total{model="casemate-answer"}')
        grew('casemate_answer_tokens_total{model="casemate-answer"}')
        grew('casemate_time_to_first_token_seconds_count{model="casemate-answer"}')
        grew("casemate_window_seconds_count")
        grew("casemate_log_write_seconds_count")
        grew('casemate_log_entries_total{kind="ticket"}')
        self.assertEqual(after['casemate_documents_parsed_total{outcome="ok"}'], 2)
        self.assertEqual(after['casemate_processes{process="custodian"}'], 1)
        self.assertGreater(after['casemate_process_locked_bytes{process="custodian"}'], 0)
        self.assertEqual(after["casemate_locked"], 0)
        self.assertGreater(after["casemate_certificate_not_after_seconds"], time.time())
        self.assertTrue(any(name.startswith('casemate_tls_handshakes_total{group="') and "MLKEM" in name
                            for name in after))
        for secret in ("canary", key["id"], key["principal"], str(self.deployment.base)):
            self.assertNotIn(secret, text)
        documented = set(re.findall(r"`(casemate_[a-z0-9_]+)`", (ROOT / "docs/operations.md").read_text()))
        self.assertEqual(set(types) - documented, set(), "not in docs/operations.md")

    def test_openmetrics_is_spoken_when_asked_for(self):
        text = self.deployment.casemate("metrics", "--openmetrics").stdout
        self.assertTrue(text.endswith("# EOF\n"))
        self.assertIn("# TYPE casemate_requests counter\n", text)
        parse(text)

    def test_the_tls_port_does_not_have_the_operators_pages(self):
        client = Client(self.deployment, self.deployment.key())
        self.assertEqual(client.ask("GET", "/metrics")[0], 404)
        self.assertEqual(client.ask("POST", "/casemate/v1/reload")[0], 404)

    def test_a_reload_takes_over_what_it_can_names_the_rest_and_refuses_a_broken_file(self):
        config = self.deployment.dir / "config.toml"
        good = config.read_text()
        self.addCleanup(config.write_text, good)
        config.write_text(good.replace('level = "info"', 'level = "debug"')
                          .replace("listen = \"", "listen = \"127.0.0.1:1\" # \"")
                          .replace("dns_names = []", 'dns_names = ["casemate.example"]'))
        self.assertNotIn("casemate.example", Client(self.deployment).names())
        shown = self.deployment.casemate("reload").stdout
        self.assertIn("log.level: taken over", shown)
        self.assertIn("server.listen needs a restart: unchanged", shown)
        # The certificate follows within a second or two; clients keep the authority that they know.
        self.assertTrue(await_(lambda: "casemate.example" in Client(self.deployment).names()),
                        self.deployment.log_text())
        config.write_text(good + "\nnonsense = 3\n")
        refused = self.deployment.casemate("reload", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertRegex(refused.stderr, r"config\.toml:\d+")
        config.write_text(good.replace('format = "text"', 'format = "json"'))
        os.kill(self.deployment.pid_of("supervisor"), signal.SIGHUP)
        self.assertTrue(await_(lambda: '{"time":"' in self.deployment.log_text()))
        line = next(line for line in self.deployment.log_text().splitlines() if line.startswith("{"))
        self.assertLessEqual({"time", "level", "process", "pid", "event"}, set(json.loads(line)))
        config.write_text(good)
        self.deployment.casemate("reload")

    def test_the_end_waits_for_requests_in_flight_and_lets_nobody_new_in(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        client = Client(deployment, deployment.key())
        body = json.dumps(CHAT).encode()
        connection = http.client.HTTPSConnection(client.host, client.port, context=client.context, timeout=60)
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("Authorization", client.headers["Authorization"])
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body[:10])
        self.assertTrue(await_(lambda: self.scrape(deployment)[1]["casemate_requests_in_flight"] == 1))
        deployment.server.send_signal(signal.SIGTERM)
        self.assertTrue(await_(lambda: "event=ending" in deployment.log_text()))
        with self.assertRaises(OSError):
            for _ in range(50):
                socket.create_connection((client.host, client.port), timeout=5).close()
                time.sleep(0.1)
        connection.send(body[10:])
        response = connection.getresponse()
        self.assertEqual(response.status, 200, response.read())
        response.read()
        connection.close()
        self.assertEqual(deployment.server.wait(timeout=15), 0)
        self.assertIn("event=drained", deployment.log_text())
        deployment.server = None


class UnlockTest(EndToEnd):
    started = False

    def serve(self, *arguments, listen="127.0.0.1:0", **options):
        deployment = self.deployment
        deployment.ready.unlink(missing_ok=True)
        with open(deployment.log, "wb") as log:
            deployment.server = subprocess.Popen(
                [CASEMATE, "serve", "--dir", deployment.dir, "--listen", listen, "--ready-file",
                 deployment.ready, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)

    def await_ready(self):
        self.assertTrue(await_(self.deployment.ready.exists, 60), self.deployment.log_text())
        self.deployment.address = self.deployment.ready.read_text().strip()

    def test_a_custodian_that_died_waits_locked_until_the_passphrase_comes(self):
        deployment = self.deployment
        reader, writer = os.pipe()
        os.write(writer, PASSPHRASE.encode() + b"\n")
        os.close(writer)
        self.serve("--passphrase-fd", str(reader), pass_fds=(reader,))
        os.close(reader)
        self.await_ready()
        key = deployment.key()
        documents = deployment.base / "documents"
        write_documents(documents, 3)
        deployment.ingest(documents)
        client = Client(deployment, key)
        self.assertEqual(client.ask("GET", "/v1/models")[0], 200)

        os.kill(deployment.pid_of("custodian"), signal.SIGKILL)

        def locked():
            status, body = client.ask("GET", "/v1/models")
            return status == 503 and json.loads(body)["error"]["code"] == "locked"
        self.assertTrue(await_(locked), deployment.log_text())
        _, body = client.ask("GET", "/v1/models")
        self.assertIn("casemate unlock", json.loads(body)["error"]["message"])
        self.assertEqual(client.ask("GET", "/ready")[0], 503)
        self.assertEqual(client.ask("GET", "/health")[0], 200)
        self.assertIn("casemate_locked 1\n", deployment.casemate("metrics").stdout)
        refused = deployment.casemate("status", check=False)
        self.assertIn("casemate unlock", refused.stderr)

        wrong = deployment.base / "wrong"
        wrong.write_text("wrong")
        self.assertEqual(deployment.casemate("unlock", "--passphrase-file", wrong, check=False).returncode, 3)
        soon = deployment.casemate("unlock", "--passphrase-file", deployment.passphrase, check=False)
        self.assertNotEqual(soon.returncode, 0, "the passphrase after a wrong one was looked at at once")
        self.assertIn("1 s", soon.stderr)
        self.assertTrue(locked())

        def unlock():
            return deployment.casemate("unlock", "--passphrase-file", deployment.passphrase,
                                       check=False).returncode == 0
        self.assertTrue(await_(unlock), deployment.log_text())
        self.assertTrue(await_(lambda: client.ask("GET", "/v1/models")[0] == 200), deployment.log_text())
        listed = json.loads(deployment.casemate("file", "list", "--collection", "docs", "--json").stdout)
        self.assertEqual(len(listed["files"]), 3)
        again = deployment.casemate("unlock", "--passphrase-file", deployment.passphrase, check=False)
        self.assertIn("nothing is locked", again.stderr)
        self.assertNotIn(PASSPHRASE, deployment.log_text())
        self.assertEqual(deployment.stop(), 0)
        deployment.casemate("audit", "verify")

    def test_a_server_without_a_passphrase_starts_locked(self):
        deployment = self.deployment
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.serve("--locked", listen=f"127.0.0.1:{port}")
        self.addCleanup(deployment.kill)
        # The message is the custodian's own: once it is there, it listens.
        self.assertTrue(await_(lambda: "waiting for the passphrase" in deployment.log_text()),
                        deployment.log_text())
        self.assertFalse(deployment.ready.exists())
        # Clients are told at once instead of left waiting.
        with socket.create_connection(("127.0.0.1", port), timeout=20) as early:
            with self.assertRaisesRegex(ssl.SSLError, "(?i)internal.error"):
                ssl.create_default_context().wrap_socket(early, server_hostname="localhost")
        self.assertEqual(deployment.casemate("unlock", "--passphrase-file", deployment.passphrase).stdout,
                         "unlocked\n")
        self.await_ready()
        self.assertEqual(Client(deployment, deployment.key()).ask("GET", "/v1/models")[0], 200)
        self.assertEqual(deployment.stop(), 0)

    def test_unlock_without_a_server_says_how_to_start_one(self):
        refused = self.deployment.casemate("unlock", "--passphrase-file", self.deployment.passphrase, check=False)
        self.assertIn("casemate serve", refused.stderr)


if __name__ == "__main__":
    main()
