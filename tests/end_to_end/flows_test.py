"""`casemate flows probe` against real servers: OpenSSL's in each of its configurations, Casemate's own front, and
endpoints that misbehave."""
import contextlib
import csv
import io
import pathlib
import socket
import tempfile
import threading
import time
import unittest

from flows_harness import Misbehaving, Openssl, free_port, probe
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

    def test_starttls_reaches_the_handshake_behind_it(self):
        def smtp_then(target):
            def act(client):
                client.sendall(b"220 mail.example ESMTP\r\n")
                client.recv(1000)
                client.sendall(b"250-mail.example\r\n250 STARTTLS\r\n")
                client.recv(1000)
                client.sendall(b"220 go ahead\r\n")
                host, port = target.rsplit(":", 1)
                with socket.create_connection((host, int(port)), timeout=5) as server:
                    back = threading.Thread(target=self.copy, args=(server, client), daemon=True)
                    back.start()
                    self.copy(client, server)
                    back.join(5)
            return act
        with Openssl("-groups", "X25519MLKEM768/X25519") as behind, Misbehaving(smtp_then(behind)) as endpoint:
            _, (result,) = probe(endpoint, "--starttls", "smtp", "--quick")
        self.assertEqual(result["verdict"], "hybrid-preferred", result)

    @staticmethod
    def copy(source, target):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def test_the_gate_and_the_baseline(self):
        with Openssl("-groups", "X25519MLKEM768:X25519") as endpoint, tempfile.TemporaryDirectory() as folder:
            self.assertEqual(probe(endpoint, "--require", "hybrid-enforced")[0], 1)
            self.assertEqual(probe(endpoint, "--require", "hybrid-supported")[0], 0)
            before = pathlib.Path(folder) / "before.json"
            casemate("flows", "probe", endpoint, "--format", "json", "--out", before)
            self.assertEqual(probe(endpoint, "--baseline", before)[1], [])
            changed = before.read_text().replace("hybrid-supported", "hybrid-enforced")
            before.write_text(changed)
            self.assertEqual(len(probe(endpoint, "--baseline", before)[1]), 1)
            row = list(csv.DictReader(io.StringIO(
                casemate("flows", "probe", endpoint, "--format", "csv").stdout)))[0]
            self.assertEqual((row["verdict"], row["cve_2026_2673"]), ("hybrid-supported", "yes"))


class BadEndpointTest(unittest.TestCase):
    def verdict(self, act, *options):
        with Misbehaving(act) as endpoint:
            _, (result,) = probe(endpoint, "--timeout", "400", *options)
        return result["verdict"], result["reason"]

    def test_silence_is_unreachable(self):
        self.assertEqual(self.verdict(lambda client: time.sleep(1.5))[0], "unreachable")

    def test_plain_http_garbage_and_a_huge_record_are_broken_and_said(self):
        for answer, reason in ((b"HTTP/1.1 400 Bad Request\r\n\r\n", "plain HTTP"), (b"\x00" * 100, "no TLS record"),
                               (b"\x16\x03\x03\xff\xff" + b"x" * 1000, "record of 65535 bytes"),
                               (b"\x16\x03\x03\x40\x00\x02\xff\xff\xff" + b"x" * 20000, "handshake message")):
            verdict, said = self.verdict(lambda client, answer=answer: (client.recv(4096), client.sendall(answer)))
            self.assertEqual(verdict, "broken", said)
            self.assertIn(reason, said)

    def test_a_reset_is_broken(self):
        def reset(client):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.close()
        self.assertEqual(self.verdict(reset)[0], "broken")

    def test_a_drip_does_not_hold_the_probe(self):
        def drip(client):
            client.recv(4096)
            for _ in range(200):
                client.sendall(b"\x16")
                time.sleep(0.05)
        # The command's own deadline ends it, long before the harness would.
        self.assertIn(self.verdict(drip, "--quick")[0], ("broken", "unreachable"))

    def test_names_that_do_not_resolve_and_ports_that_nobody_has(self):
        code, results = probe("nosuch.invalid", f"127.0.0.1:{free_port()}")
        self.assertEqual([result["verdict"] for result in results], ["unreachable"] * 2)
        self.assertEqual(code, 0)

    def test_what_is_no_endpoint_is_a_usage_error(self):
        for wrong in (["host:0"], ["[::1"], ["a b"], [], ["host", "--starttls", "gopher"], ["host", "--require", "pq"],
                      ["host", "--format", "pdf"]):
            self.assertEqual(casemate("flows", "probe", *wrong, check=False).returncode, 2, wrong)


class OwnFrontTest(EndToEnd):
    def test_our_own_front_enforces_what_it_claims(self):
        _, (result,) = probe(self.deployment.address, "--require", "hybrid-enforced")
        self.assertEqual(result["verdict"], "hybrid-enforced", result)
        self.assertEqual([group["name"] for group in result["groups"]],
                         ["X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"])


if __name__ == "__main__":
    main()
