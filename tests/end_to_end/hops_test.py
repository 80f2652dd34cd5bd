"""Every hop is hybrid or refused, against other people's TLS as clients and as servers, and stands in the hop table:
OpenSSL, curl, GnuTLS, PostgreSQL. Chromium, Go and Node: tests/peers/."""
import collections
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest

from connect_harness import Authority, Connect
from harness import CASEMATE, ROOT, EndToEnd, casemate, main, run

POSTGRES = pathlib.Path("/usr/lib/postgresql/18/bin")
GNUTLS_CLASSICAL = "NORMAL:-GROUP-ALL:+GROUP-X25519"


def gnutls_hybrid_group():
    """GnuTLS has ML-KEM where it was built with leancrypto; Debian's 3.8.13 was not."""
    listed = run("gnutls-cli", "--list").stdout
    found = re.search(r"GROUP-X25519-MLKEM768", listed)
    return found and found.group(0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}; the process: {process.poll()}")


@contextlib.contextmanager
def server(port, *command):
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


class HopTest(EndToEnd):
    @property
    def ca(self):
        return str(self.deployment.dir / "tls/ca.pem")

    def live(self):
        return self.deployment.json("flows", "live")

    def counts(self):
        """Connections by group, refusals by reason, of clients."""
        live = self.live()
        made, refused = collections.Counter(), collections.Counter()
        for hop in live["hops"]:
            if hop["hop"] == "clients":  # a row for each cipher
                made[hop["group"]] += hop["connections"]
        for row in live["refused"]:
            refused[row["reason"]] += row["count"]
        return made, refused

    def expect_hybrid(self, run_client, group="X25519MLKEM768"):
        before = self.counts()[0].get(group, 0)
        run_client()
        self.assertEqual(self.counts()[0].get(group, 0), before + 1)

    def expect_refused(self, run_client, reason="classical"):
        before = self.counts()[1].get(reason, 0)
        said = run_client()
        self.assertEqual(self.counts()[1].get(reason, 0), before + 1)
        return said

    def client(self, *command, status=None, stdin=""):
        done = subprocess.run(list(map(str, command)), input=stdin, capture_output=True, text=True, timeout=30)
        if status is not None:
            self.assertEqual(done.returncode == 0, status == 0, done.stdout + done.stderr)
        return done.stdout + done.stderr


class ClientTest(HopTest):
    def test_openssl(self):
        def s_client(*options):
            return self.client("openssl", "s_client", "-connect", self.deployment.address, "-CAfile", self.ca,
                               "-verify_return_error", *options)
        for group in ("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"):
            self.expect_hybrid(lambda group=group: s_client("-groups", group), group)
        self.expect_hybrid(s_client)  # its defaults
        self.assertIn("alert handshake failure", self.expect_refused(lambda: s_client("-groups", "X25519:P-256")))
        self.assertIn("alert protocol version", self.expect_refused(lambda: s_client("-tls1_2"), "version"))

    def test_curl(self):
        def curl(*options, status):
            return self.client("curl", "-sS", "--cacert", self.ca, f"https://{self.deployment.address}/health", *options,
                               status=status)
        self.expect_hybrid(lambda: curl(status=0))
        self.assertIn("handshake failure", self.expect_refused(lambda: curl("--curves", "X25519", status=1)))
        self.assertIn("protocol version", self.expect_refused(lambda: curl("--tls-max", "1.2", status=1), "version"))

    def test_gnutls(self):
        def gnutls(priority, status):
            host, port = self.deployment.address.rsplit(":", 1)
            return self.client("gnutls-cli", "--x509cafile", self.ca, "--priority", priority, "--port", port,
                               "--logfile", "/dev/null", host, status=status)
        if group := gnutls_hybrid_group():
            self.expect_hybrid(lambda: gnutls(f"NORMAL:-GROUP-ALL:+{group}", 0))
        else:
            self.expect_refused(lambda: gnutls("NORMAL", 1))
        self.assertIn("fatal alert", self.expect_refused(lambda: gnutls(GNUTLS_CLASSICAL, 1)))

    def test_the_table_names_local_channels_certificate_and_bytes(self):
        self.client("curl", "-sS", "--cacert", self.ca, f"https://{self.deployment.address}/health", status=0)
        live = self.live()
        self.assertEqual(live["minimum"], "hybrid")
        local = {hop["hop"]: hop["transport"] for hop in live["hops"] if hop["verdict"] == "local"}
        self.assertEqual({"operator": "unix-socket", "custodian": "socket-pair", "supervisor": "socket-pair"},
                         {name: local.get(name) for name in ("operator", "custodian", "supervisor")})
        self.assertIn(["keeper", "custodian"], live["channels"])
        hop = next(hop for hop in live["hops"] if hop["hop"] == "clients" and hop["group"] == "X25519MLKEM768")
        self.assertTrue(hop["certificate"]["own"])
        # How s_client ends depends on who closes first; the certificate has come by then.
        leaf = run("openssl", "s_client", "-connect", self.deployment.address, stdin="\n", check=False).stdout
        digest = run("openssl", "x509", "-noout", "-fingerprint", "-sha256", stdin=leaf).stdout
        self.assertEqual(hop["certificate"]["sha256"], digest.split("=")[1].strip().replace(":", "").lower())
        self.assertGreater(hop["bytes_in"], 50)
        self.assertGreater(hop["bytes_out"], 50)
        table = self.deployment.casemate("flows", "live").stdout
        for part in ("least key exchange: hybrid", "X25519MLKEM768", "ours: CN=", "SHA-256"):
            self.assertIn(part, table)
        page = self.deployment.casemate("flows", "live", "--format", "html").stdout
        self.assertIn("<svg", page)
        self.assertNotIn("<script", page)

    def test_follow_says_what_comes(self):
        with tempfile.TemporaryFile("w+") as out:
            follow = subprocess.Popen([CASEMATE, "flows", "live", "--dir", self.deployment.dir, "--follow", "--every",
                                       "1"], stdout=out, stderr=subprocess.DEVNULL)
            try:
                end = time.monotonic() + 20
                text = ""
                while "refused  classical  clients 127.0.0.1 offered x25519" not in text:
                    self.assertLess(time.monotonic(), end, text)
                    self.client("curl", "-s", "--curves", "X25519", f"https://{self.deployment.address}/health")
                    time.sleep(0.3)
                    out.seek(0)
                    text = out.read()
            finally:
                follow.kill()
                follow.wait()

    def test_connect_has_a_table_of_its_own_behind_its_token(self):
        connect = Connect(self.deployment.base / "connect", self.deployment.key(), "--server", self.deployment.address,
                          "--dir", self.deployment.dir)
        self.addCleanup(connect.stop)
        self.assertEqual(connect.ask(path="/casemate/v1/hops", token="wrong")[0], 401)
        status, _, page = connect.ask(path="/casemate/v1/hops")
        self.assertEqual(status, 200)
        rows = {hop["hop"]: hop for hop in json.loads(page)["hops"]}
        self.assertEqual((rows["gateway"]["group"], rows["gateway"]["direction"], rows["gateway"]["minimum"]),
                         ("X25519MLKEM768", "made", "hybrid"))
        self.assertFalse(rows["gateway"]["certificate"]["own"])
        self.assertEqual(rows["local-clients"]["verdict"], "local")

    def test_without_a_server_it_says_how_to_start_one(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "config.toml").touch()
            none = casemate("flows", "live", "--dir", folder, check=False)
            self.assertEqual(none.returncode, 6)
            self.assertIn("casemate serve", none.stderr)


class LoweredTest(HopTest):
    def set_tls(self, **values):
        config = self.deployment.dir / "config.toml"
        text = config.read_text()
        for name, value in values.items():
            text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)
        config.write_text(text)
        self.deployment.casemate("reload")

    def tearDown(self):
        self.set_tls(minimum='"hybrid"', classical_from="[]")

    def ask(self, curves):
        head = self.client("curl", "-sS", "-D", "-", "-o", "/dev/null", "--cacert", self.ca, "--curves", curves, "-H",
                           f"Authorization: Bearer {self.deployment.key()}", "-H", "Content-Type: application/json",
                           "-d", json.dumps({"model": "casemate-answer", "max_tokens": 2,
                                             "messages": [{"role": "user", "content": "Hi"}]}),
                           f"https://{self.deployment.address}/v1/chat/completions", status=0)
        receipt = re.search(r"x-casemate-receipt: (\S+)", head).group(1)
        path = self.deployment.base / receipt
        self.deployment.casemate("receipt", "get", receipt, "--out", path)
        return path

    def doctor(self):
        findings = self.deployment.json("doctor", check=False)["findings"]
        return next(finding for finding in findings if finding["check"] == "TLS")

    def test_a_classical_minimum_is_loud_everywhere_and_on_the_receipt(self):
        self.set_tls(minimum='"classical"')
        path = self.ask("X25519")
        self.assertIn("\ntls x25519\ntls-minimum classical\n", path.read_text())
        shown = self.deployment.casemate("receipt", "verify", path).stdout
        self.assertIn("CLASSICAL", shown)
        verified = self.deployment.json("receipt", "verify", path)["client"]
        self.assertEqual((verified["tls_verdict"], verified["tls_classical_allowed"]), ("classical", True))
        reference = pathlib.Path(__file__).parents[1] / "vectors/receipt_reference.py"
        run("python3", reference, path, self.deployment.dir / "audit/log.vkey")
        log = self.deployment.log_text()
        self.assertIn("tls.minimum is classical", log)
        self.assertRegex(log, r'event="classical connection".*peer=127\.0\.0\.1 group=x25519')
        self.assertEqual(self.doctor()["severity"], "warn")
        table = self.deployment.casemate("flows", "live").stdout
        self.assertIn("WARNING: classical key exchange is let in from everybody", table)
        self.assertRegex(table, r"clients +127\.0\.0\.1 +accepted +classical +x25519")
        # Who can do better still gets better, and its receipt says that it need not have.
        better = self.ask("X25519:X25519MLKEM768")
        self.assertIn("\ntls X25519MLKEM768\ntls-minimum classical\n", better.read_text())

    def test_only_the_named_peers_are_held_to_less(self):
        self.set_tls(classical_from='["192.0.2.0/24"]')
        self.expect_refused(lambda: self.client("curl", "-s", "--curves", "X25519",
                                                f"https://{self.deployment.address}/health"))
        self.assertIn("192.0.2.0/24", self.doctor()["found"])
        self.set_tls(classical_from='["127.0.0.0/8"]')
        self.ask("X25519")
        self.assertIn("peer=127.0.0.0/8", self.deployment.log_text())
        self.set_tls(classical_from="[]")
        path = self.ask("X25519MLKEM768")
        self.assertNotIn("tls-minimum", path.read_text())
        self.assertEqual(self.doctor()["severity"], "ok")


class PlanTest(unittest.TestCase):
    """`casemate flows plan`: what the unit tests leave to the command."""

    EXAMPLE = ROOT / "examples/flows/clinic.toml"

    def plan(self, path, *options, **more):
        return casemate("flows", "plan", path, "--date", "2026-11-23", *options, **more)

    def test_the_example_is_planned_and_says_what_to_ask_of_whom(self):
        plan = json.loads(self.plan(self.EXAMPLE, "--json").stdout)
        self.assertEqual(plan["report"], "casemate-flows-plan")
        self.assertEqual([hop["urgency"] for hop in plan["hops"]], ["overdue"] * 4 + ["later", "done"])
        theirs = next(hop for hop in plan["hops"] if hop["name"] == "behind the provider's edge")
        self.assertTrue(all(action.startswith("ask Example Storage GmbH: ") for action in theirs["actions"]))
        self.assertIn("ML-KEM (FIPS 203)", theirs["contract"])
        self.assertEqual({date["source"] for date in plan["dates"]}, {"bsi", "nis-cg"})
        table = self.plan(self.EXAMPLE).stdout
        self.assertIn("for the contract: From 2026-11-23 on", table)
        self.assertEqual(self.plan(self.EXAMPLE, "--strict", check=False).returncode, 1)
        with tempfile.TemporaryDirectory() as folder:
            for form, begin in (("markdown", "# Clinic"), ("html", "<!doctype html>")):
                out = pathlib.Path(folder) / form
                self.plan(self.EXAMPLE, f"--{form}", "--out", out)
                self.assertTrue(out.read_text().startswith(begin))

    def test_what_was_probed_goes_before_what_the_file_says(self):
        with tempfile.TemporaryDirectory() as folder:
            probe = pathlib.Path(folder) / "probe.json"
            nobody = f"127.0.0.1:{free_port()}"
            casemate("flows", "probe", nobody, "--format", "json", "--out", probe, "--quick")
            path = pathlib.Path(folder) / "hops.toml"
            path.write_text(self.EXAMPLE.read_text().replace("llm.clinic.example:8443", nobody))
            plan = json.loads(self.plan(path, "--json", "--probe", probe).stdout)
            hop = next(hop for hop in plan["hops"] if hop["endpoint"] == nobody)
            self.assertEqual((hop["verdict"], hop["verdict_from"], hop["state"]), ("unreachable", "the probe", "unknown"))

    def test_a_mistake_is_named_with_its_line_and_another_table_of_dates_is_taken(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "hops.toml"
            path.write_text(self.EXAMPLE.read_text().replace('label = "internal"', 'label = "intern"'))
            wrong = self.plan(path, check=False)
            self.assertNotEqual(wrong.returncode, 0)
            self.assertRegex(wrong.stderr, r"hops\.toml:\d+: hop\.label: expected a name of \[labels\], found 'intern'")
            dates = pathlib.Path(folder) / "dates.toml"
            dates.write_text((ROOT / "data/flows/dates.toml").read_text().replace("2031-12-31", "2029-12-31"))
            plan = json.loads(self.plan(self.EXAMPLE, "--json", "--dates", dates).stdout)
            self.assertIn("2029-12-31", {date["until"] for date in plan["dates"]})


class ServerTest(unittest.TestCase):
    """Other people's servers, met by Casemate's own TLS client (connect's) and by the probe."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.base = pathlib.Path(folder.name)
        cls.authority = Authority(cls.base / "authority")

    def connect(self, address):
        connect = Connect(self.base / "connect", "cm-none", "--server", address, "--ca", self.authority.ca, wait=15)
        return connect.stop(), connect.log_text()

    def expect_hybrid(self, address):
        status, said = self.connect(address)
        self.assertEqual(status, 0, said)
        self.assertIn("(TLS 1.3, X25519MLKEM768)", said)

    def expect_refused(self, address):
        status, said = self.connect(address)
        self.assertEqual(status, 3, said)
        self.assertIn("no hybrid post-quantum key exchange", said)

    def verdict(self, address, *options):
        done = casemate("flows", "probe", address, "--json", *options)
        (result,) = json.loads(done.stdout)["endpoints"]
        return result["verdict"]

    def openssl(self, *options):
        port = free_port()
        return server(port, "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-key", self.authority.leaf_key,
                      "-cert", self.authority.leaf, "-www", *options)

    def gnutls(self, priority):
        port = free_port()
        return server(port, "gnutls-serv", "--quiet", "--http", "--port", port, "--x509keyfile",
                      self.authority.leaf_key, "--x509certfile", self.authority.leaf, "--priority", priority)

    def test_openssl(self):
        with self.openssl() as address:
            self.expect_hybrid(address)
        with self.openssl("-groups", "X25519:P-256") as address:
            self.expect_refused(address)
            self.assertEqual(self.verdict(address), "classical")
        with self.openssl("-tls1_2") as address:
            self.expect_refused(address)

    def test_gnutls(self):
        if group := gnutls_hybrid_group():
            with self.gnutls(f"NORMAL:-GROUP-ALL:+{group}") as address:
                self.expect_hybrid(address)
                self.assertTrue(self.verdict(address).startswith("hybrid"))
        with self.gnutls(GNUTLS_CLASSICAL) as address:
            self.expect_refused(address)
            self.assertEqual(self.verdict(address), "classical")

    def test_postgresql(self):
        # PostgreSQL 18 has ssl_groups, whose default is classical.
        with self.postgres() as (address, set_groups):
            self.assertEqual(self.postgres_groups(address), "classical")
            set_groups("X25519MLKEM768:X25519")
            self.until(lambda: self.assertEqual(self.postgres_groups(address), "hybrid-supported"))
            set_groups("X25519MLKEM768")
            self.until(lambda: self.assertEqual(self.postgres_groups(address), "hybrid-enforced"))

    def postgres_groups(self, address):
        return self.verdict(address, "--starttls", "postgres", "--quick")

    def until(self, check):
        """A reload takes its time."""
        end = time.monotonic() + 10
        while True:
            try:
                return check()
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    @contextlib.contextmanager
    def postgres(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "data"
            data.mkdir()
            as_user, owner = [], (os.geteuid(), os.getegid())
            if owner[0] == 0:  # it refuses to run as root
                owner = (65534, 65534)
                as_user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
                os.chmod(folder, 0o711)
                os.chown(data, *owner)
            run(*as_user, POSTGRES / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync",
                "--no-instructions")
            for name, source in (("server.key", self.authority.leaf_key), ("server.crt", self.authority.leaf)):
                (data / name).write_bytes(source.read_bytes())
                (data / name).chmod(0o600)
                os.chown(data / name, *owner)
            port = free_port()

            def set_groups(groups):
                with (data / "postgresql.auto.conf").open("a") as file:
                    file.write(f"ssl_groups = '{groups}'\n")
                run(*as_user, POSTGRES / "pg_ctl", "-D", data, "reload")
            with server(port, *as_user, POSTGRES / "postgres", "-D", data, "-p", port, "-c", "ssl=on", "-c",
                        "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c",
                        "ssl_min_protocol_version=TLSv1.3") as address:
                yield address, set_groups


if __name__ == "__main__":
    main()
