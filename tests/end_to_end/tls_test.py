"""The hybrid port, seen by openssl's own client."""
import re
import socket
import subprocess

from harness import EndToEnd, main


class TlsTest(EndToEnd):
    def client(self, *options):
        return subprocess.run(["openssl", "s_client", "-connect", self.deployment.address, "-CAfile",
                               str(self.deployment.dir / "tls/ca.pem"), "-verify_return_error", *options],
                              input="", capture_output=True, text=True, timeout=30)

    def test_a_classical_client_is_refused_and_logged_with_the_reason(self):
        for group in ("X25519", "P-256", "ffdhe2048"):
            refused = self.client("-groups", group)
            self.assertIn("handshake failure", refused.stderr + refused.stdout, group)
            self.assertIn("no peer certificate available", refused.stdout, group)
        self.assertRegex(self.deployment.log_text(), r"handshake.*refused|refused.*handshake")

    def test_each_hybrid_group_is_accepted_and_the_chain_verifies(self):
        for group in ("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"):
            accepted = self.client("-groups", group)
            self.assertIn("Verify return code: 0 (ok)", accepted.stdout, group)
            self.assertRegex(accepted.stdout, rf"Negotiated TLS1.3 group: {group}")

    def test_a_client_that_sends_a_classical_share_first_is_retried_into_the_hybrid(self):
        # CVE-2026-2673: the HelloRetryRequest must not be skipped. The star marks the share that is sent.
        retried = self.client("-groups", "*X25519:X25519MLKEM768")
        self.assertRegex(retried.stdout, r"Negotiated TLS1.3 group: X25519MLKEM768")

    def test_tls_1_2_is_refused(self):
        self.assertIn("no peer certificate available", self.client("-tls1_2").stdout)

    def test_no_session_ticket_is_given(self):
        session = subprocess.run(["openssl", "s_client", "-connect", self.deployment.address, "-groups",
                                  "X25519MLKEM768", "-CAfile", str(self.deployment.dir / "tls/ca.pem"), "-quiet",
                                  "-msg"], input="GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                                 capture_output=True, text=True, timeout=30)
        self.assertIn("200", session.stdout)
        self.assertNotIn("NewSessionTicket", session.stdout + session.stderr)

    def test_plain_http_gets_no_answer(self):
        host, port = self.deployment.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = plain.recv(1000)
        self.assertFalse(answer.startswith(b"HTTP/"))

    def test_the_certificate_satisfies_strict_verifiers(self):
        shown = self.client("-groups", "X25519MLKEM768", "-showcerts", "-x509_strict").stdout
        self.assertIn("Verify return code: 0 (ok)", shown)
        leaf = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", shown, re.S).group(0)
        text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=leaf, capture_output=True, text=True,
                              check=True).stdout
        for part in ("X509v3 Subject Key Identifier", "X509v3 Authority Key Identifier",
                     "X509v3 Key Usage: critical", "TLS Web Server Authentication", "IP Address:127.0.0.1"):
            self.assertIn(part, text)


if __name__ == "__main__":
    main()
