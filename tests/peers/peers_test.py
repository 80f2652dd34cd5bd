"""OpenAI's client for Node, directly over hybrid TLS and through connect. Run by ./dev test --peers."""
import datetime
import json
import os
import pathlib
import re
import subprocess

from connect_harness import Connect
from harness import ROOT, EndToEnd, main

EVIDENCE = ROOT / "docs/evidence.md"
HEADING = "## OpenAI's client for Node"


class NodeTest(EndToEnd):
    reports = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls.write_evidence)

    def run_node(self, how, base_url, key, **environment):
        script = pathlib.Path(__file__).with_name("node_openai_test.mjs")
        process = subprocess.run(["node", script], capture_output=True, text=True, timeout=240,
                                 env={**os.environ, "BASE_URL": base_url, "API_KEY": key, **environment})
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        report = json.loads(process.stdout.splitlines()[-1])
        self.assertEqual(len(report["done"]), 6)
        self.reports[how] = report

    def test_directly_over_hybrid_tls(self):
        self.run_node("directly over hybrid TLS", f"https://{self.deployment.address}/v1", self.deployment.key(),
                      NODE_EXTRA_CA_CERTS=str(self.deployment.dir / "tls/ca.pem"))

    def test_directly_without_a_hybrid_group_it_is_refused(self):
        with self.assertRaises(AssertionError) as caught:
            self.run_node("", f"https://{self.deployment.address}/v1", self.deployment.key(),
                          NODE_EXTRA_CA_CERTS=str(self.deployment.dir / "tls/ca.pem"),
                          NODE_OPTIONS="--import=data:text/javascript,"
                                       "import%20tls%20from%20'node:tls';tls.DEFAULT_ECDH_CURVE='X25519';")
        self.assertRegex(str(caught.exception), "handshake|APIConnectionError")

    def test_through_connect(self):
        connect = Connect(self.deployment.base / "connect", self.deployment.key(), "--server", self.deployment.address,
                          "--dir", self.deployment.dir)
        self.addCleanup(connect.stop)
        self.run_node("through connect", f"{connect.url}/v1", connect.token)

    @classmethod
    def write_evidence(cls):
        if len(cls.reports) != 2:
            return
        report = cls.reports["through connect"]
        text = (f"{HEADING}\n\n`./dev test --peers`, {datetime.date.today()}: openai "
                f"{os.environ['CASEMATE_PEER_OPENAI']} (unmodified) on Node {report['node']} with OpenSSL "
                f"{report['openssl']}: {', '.join(report['done'])} pass {' and '.join(sorted(cls.reports))}; with X25519 "
                "alone Node is refused.\n")
        old = re.sub(rf"\n{HEADING}\n.*?(?=\n## |\Z)", "", EVIDENCE.read_text(), flags=re.S)
        EVIDENCE.write_text(old.rstrip() + "\n\n" + text)


if __name__ == "__main__":
    main()
