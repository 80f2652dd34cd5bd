"""`casemate flows probe` against real servers: OpenSSL's in each of its configurations, and Casemate's own front."""
import csv
import io
import pathlib
import tempfile
import unittest

from flows_harness import Openssl, probe
from harness import EndToEnd, casemate, main


class VerdictTest(unittest.TestCase):
    CASES = [
        (("-tls1_3", "-groups", "X25519MLKEM768:SecP256r1MLKEM768"), "hybrid-enforced", False),
        (("-groups", "X25519MLKEM768/X25519"), "hybrid-preferred", False),
        (("-groups", "X25519MLKEM768:X25519"), "hybrid-supported", True),
        (("-tls1_3", "-groups", "X25519:P-256"), "classical", False),
        (("-tls1_2",), "classical", False),
    ]

    def test_each_configuration_of_openssl_gets_its_verdict(self):
        for options, verdict, pattern in self.CASES:
            with self.subTest(options=options), Openssl(*options) as endpoint:
                _, (result,) = probe(endpoint)
                self.assertEqual(result["verdict"], verdict, result)
                self.assertEqual(result["cve_2026_2673"], pattern)

    def test_openssl_itself_confirms_what_the_plain_text_told(self):
        with Openssl("-groups", "SecP384r1MLKEM1024:X25519MLKEM768/X25519") as endpoint:
            _, (result,) = probe(endpoint)
        self.assertIn(result["full_handshake"]["group"], ("X25519MLKEM768", "SecP384r1MLKEM1024"))
        self.assertEqual(sorted(group["name"] for group in result["groups"] if group["kind"] == "hybrid"),
                         ["SecP384r1MLKEM1024", "X25519MLKEM768"])
        self.assertEqual(result["full_handshake"]["chain"][0]["subject"], "CN=localhost")

    def test_a_post_quantum_certificate_is_recognised(self):
        with Openssl("-tls1_3", certificate=("ML-DSA-65",)) as endpoint:
            _, (result,) = probe(endpoint)
        self.assertTrue(result["full_handshake"]["chain"][0]["post_quantum"], result["full_handshake"])
        self.assertEqual(result["full_handshake"]["signature"], "mldsa65")

    def test_the_gate_and_the_baseline(self):
        with Openssl("-groups", "X25519MLKEM768:X25519") as endpoint, tempfile.TemporaryDirectory() as folder:
            self.assertEqual(probe(endpoint, "--require", "hybrid-enforced")[0], 1)
            self.assertEqual(probe(endpoint, "--require", "hybrid-supported")[0], 0)
            before = pathlib.Path(folder) / "before.json"
            casemate("flows", "probe", endpoint, "--format", "json", "--out", before)
            self.assertEqual(probe(endpoint, "--baseline", before)[1], [])
            changed = before.read_text().replace("hybrid-supported", "hybrid-enforced")
            before.write_text(changed)
            _, (result,) = probe(endpoint, "--baseline", before)
            self.assertEqual(result["findings"][0],
                             "since the baseline: verdict hybrid-enforced is now hybrid-supported")
            row = list(csv.DictReader(io.StringIO(
                casemate("flows", "probe", endpoint, "--format", "csv").stdout)))[0]
            self.assertEqual((row["verdict"], row["cve_2026_2673"]), ("hybrid-supported", "yes"))


class OwnFrontTest(EndToEnd):
    def test_our_own_front_enforces_what_it_claims(self):
        _, (result,) = probe(self.deployment.address, "--require", "hybrid-enforced")
        self.assertEqual(result["verdict"], "hybrid-enforced", result)
        self.assertEqual([group["name"] for group in result["groups"]],
                         ["X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"])


if __name__ == "__main__":
    main()
