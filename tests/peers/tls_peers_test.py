"""Large peers over hybrid TLS, as clients of the front and, where they can, as servers for Casemate's own client:
Chromium, Go, Node, PostgreSQL, with OpenSSL, curl and GnuTLS beside them. Run by ./dev test --peers, which has them."""
import base64
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from hops_test import GNUTLS_CLASSICAL, HopTest, ServerTest, gnutls_hybrid_group
from harness import ROOT, main, run

EVIDENCE = ROOT / "docs/evidence.md"
HEADING = "## Key exchange with other people's TLS"
HERE = pathlib.Path(__file__).parent
ROWS = {}


def note(peer, role, outcome):
    """What stands in docs/evidence.md: {peer: {role: [outcome]}}."""
    ROWS.setdefault(peer, {}).setdefault(role, []).append(outcome)


def write_evidence():
    if len(ROWS) < 7:
        return
    lines = [HEADING, "", f"`./dev test --peers`, {datetime.date.today()}. As client: against the front with its defaults, "
             "the group read from the front's hop table (`casemate flows live`). As server: `casemate connect` and "
             "`casemate flows probe` against it.", "", "| peer | as client | as server |", "|---|---|---|"]
    for peer in sorted(ROWS, key=str.lower):
        lines.append("| " + " | ".join([peer, *("; ".join(ROWS[peer].get(role, ["-"])) for role in
                                                ("client", "server"))]) + " |")
    old = re.sub(rf"\n{HEADING}\n.*?(?=\n## |\Z)", "", EVIDENCE.read_text(), flags=re.S)
    EVIDENCE.write_text(old.rstrip() + "\n\n" + "\n".join(lines) + "\n")


def first_line(*command):
    return run(*command).stdout.splitlines()[0].strip()


class Go:
    """The small program, compiled by the packaged toolchain without a network."""

    folder = None

    @classmethod
    def binary(cls):
        if cls.folder is None:
            cls.folder = tempfile.mkdtemp(prefix="casemate-go-")
            shutil.copy(HERE / "tls_peer.go", cls.folder)
            pathlib.Path(cls.folder, "go.mod").write_text("module casemate.local/peer\n\ngo 1.24\n")
            subprocess.run(["go", "build", "-o", "peer", "."], cwd=cls.folder, check=True, timeout=300,
                           env={**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local",
                                "CGO_ENABLED": "0", "GOCACHE": cls.folder + "/cache"})
        return cls.folder + "/peer"


class PeerClientTest(HopTest):
    def test_go(self):
        def go(*rest, status):
            return self.client(Go.binary(), "client", self.deployment.address, self.ca, *rest, status=status)
        version = first_line("go", "version").split()[2].removeprefix("go")
        self.expect_hybrid(lambda: self.assertEqual(json.loads(go(status=0))["group"], "X25519MLKEM768"))
        said = self.expect_refused(lambda: go("X25519", status=1))
        self.assertIn("handshake failure", said)
        note(f"Go {version} crypto/tls", "client", "X25519MLKEM768; X25519 alone refused (`remote error: tls: handshake "
             "failure`)")

    def test_node(self):
        host, port = self.deployment.address.rsplit(":", 1)

        def node(*rest, status):
            return self.client("node", HERE / "tls_peer.mjs", "client", host, port, self.ca, *rest, status=status)
        shown = []
        self.expect_hybrid(lambda: shown.append(json.loads(node(status=0))))
        said = self.expect_refused(lambda: node("X25519", status=1))
        self.assertRegex(said, "EPROTO|handshake")
        note(f"Node {shown[0]['node']} with OpenSSL {shown[0]['openssl']}", "client",
             f"X25519MLKEM768; X25519 alone refused (`{said.split(':')[0]}`)")

    def chromium(self, *options):
        # The key of our certificate is let in by its digest: Chromium has a root store of its own.
        leaf = run("openssl", "s_client", "-connect", self.deployment.address, stdin="\n").stdout
        key = subprocess.run(["openssl", "x509", "-noout", "-pubkey"], input=leaf.encode(), capture_output=True,
                             check=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True,
                             check=True).stdout
        pin = base64.b64encode(hashlib.sha256(der).digest()).decode()
        with tempfile.TemporaryDirectory() as profile:
            return self.client("timeout", "60", "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                               "--disable-background-networking", "--disable-component-update", "--no-first-run",
                               f"--user-data-dir={profile}", f"--ignore-certificate-errors-spki-list={pin}", "--dump-dom",
                               *options, f"https://{self.deployment.address}/health")

    def test_chromium(self):
        version = first_line("chromium", "--version").split()[1]
        before = self.counts()[0].get("X25519MLKEM768", 0)
        self.assertIn('"status":"ok"', self.chromium().replace("&quot;", '"'))
        made, _ = self.counts()
        self.assertGreater(made["X25519MLKEM768"], before)
        self.assertEqual(set(made) - {"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"}, set())
        outcome = "X25519MLKEM768"
        refused = self.counts()[1].get("classical", 0)
        self.chromium("--disable-features=PostQuantumKyber,UseMLKEM")
        if self.counts()[1].get("classical", 0) > refused:
            outcome += "; with ML-KEM switched off refused"
        note(f"Chromium {version}", "client", outcome)

    def test_those_of_the_test_packages(self):
        openssl = first_line("openssl", "version").split()[1]
        self.expect_hybrid(lambda: self.client("openssl", "s_client", "-connect", self.deployment.address))
        self.assertIn("alert handshake failure", self.expect_refused(lambda: self.client(
            "openssl", "s_client", "-connect", self.deployment.address, "-groups", "X25519")))
        note(f"OpenSSL {openssl} s_client / s_server", "client", "X25519MLKEM768; X25519 alone refused")
        curl = first_line("curl", "--version").split()[1]
        self.expect_hybrid(lambda: self.client("curl", "-sS", "--cacert", self.ca,
                                               f"https://{self.deployment.address}/health", status=0))
        self.assertIn("curl: (35)", self.expect_refused(lambda: self.client(
            "curl", "-sS", "--curves", "X25519", f"https://{self.deployment.address}/health", status=1)))
        note(f"curl {curl}", "client", "X25519MLKEM768; X25519 alone refused (35)")
        host, port = self.deployment.address.rsplit(":", 1)
        gnutls = first_line("gnutls-cli", "--version").split()[1]

        def gnutls_cli():
            return self.client("gnutls-cli", "--x509cafile", self.ca, "--port", port, "--logfile", "/dev/null", host)
        if gnutls_hybrid_group():
            self.expect_hybrid(gnutls_cli)
            note(f"GnuTLS {gnutls}", "client", "X25519MLKEM768")
        else:
            self.expect_refused(gnutls_cli)
            note(f"GnuTLS {gnutls}", "client", "built without ML-KEM: refused (fatal alert)")


class PeerServerTest(ServerTest):
    """Those of the end-to-end test again, and Go and Node."""

    def started(self, *command):
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        return process.stdout.readline().strip()

    def both(self, *command):
        address = self.started(*command)
        self.expect_hybrid(address)
        verdict = self.verdict(address)
        self.assertRegex(verdict, "hybrid-(preferred|supported)")
        self.expect_refused(self.started(*command, "X25519"))
        return f"X25519MLKEM768, `{verdict}`; with X25519 alone refused by us"

    def test_go(self):
        version = first_line("go", "version").split()[2].removeprefix("go")
        note(f"Go {version} crypto/tls", "server",
             self.both(Go.binary(), "server", self.authority.leaf, self.authority.leaf_key))

    def test_node(self):
        versions = json.loads(run("node", "-p", "JSON.stringify(process.versions)").stdout)
        note(f"Node v{versions['node']} with OpenSSL {versions['openssl']}", "server",
             self.both("node", HERE / "tls_peer.mjs", "server", self.authority.leaf, self.authority.leaf_key))

    def test_openssl(self):
        super().test_openssl()
        with self.openssl() as address:
            verdict = self.verdict(address)
        note(f"OpenSSL {first_line('openssl', 'version').split()[1]} s_client / s_server", "server",
             f"X25519MLKEM768, `{verdict}`; classical and TLS 1.2 refused by us")

    def test_gnutls(self):
        super().test_gnutls()
        note(f"GnuTLS {first_line('gnutls-serv', '--version').split()[1]}", "server",
             "hybrid; classical refused by us" if gnutls_hybrid_group() else "classical: refused by us")

    def test_postgresql(self):
        super().test_postgresql()
        version = first_line("/usr/lib/postgresql/18/bin/postgres", "--version").split()[2]
        # psql, as the client of such a server, says what it agreed on.
        with self.postgres() as (address, set_groups):
            set_groups("X25519MLKEM768")
            self.until(lambda: self.assertEqual(self.postgres_groups(address), "hybrid-enforced"))
            host, port = address.rsplit(":", 1)
            shown = run("psql", f"host={host} port={port} user=postgres sslmode=verify-ca "
                        f"sslrootcert={self.authority.ca} ssl_min_protocol_version=TLSv1.3", "-Atc",
                        "select version, cipher from pg_stat_ssl where pid = pg_backend_pid()").stdout.strip()
            self.assertTrue(shown.startswith("TLSv1.3|"), shown)
        note(f"PostgreSQL {version}", "server", "`ssl_groups` unset: `classical`; `X25519MLKEM768:X25519`: "
             "`hybrid-supported`; `X25519MLKEM768`: `hybrid-enforced`")
        note(f"PostgreSQL {version}", "client", "libpq (psql) to such a server alone: hybrid; it speaks no HTTP")


def tearDownModule():
    if Go.folder:
        shutil.rmtree(Go.folder, ignore_errors=True)
    write_evidence()


del HopTest, ServerTest  # not again under their own names
if __name__ == "__main__":
    main()
