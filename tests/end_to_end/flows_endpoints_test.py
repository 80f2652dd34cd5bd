"""`casemate flows probe` at endpoints that say something else first (STARTTLS), or misbehave."""
import contextlib
import pathlib
import shutil
import socket
import struct
import tempfile
import threading
import time
import unittest

from flows_harness import Misbehaving, Openssl, Tcpdump, capture, enter_own_network, free_port, make_certificate, probe
from harness import casemate, main, run

# RFC 8446 section 4.1.3: the random that makes a ServerHello a HelloRetryRequest.
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def lines(client, *turns):
    """Says each turn's answer after reading what its beginning waits for."""
    for wait, answer in turns:
        said = b""
        while wait not in said:
            piece = client.recv(4096)
            if not piece:
                return False
            said += piece
        client.sendall(answer)
    return True


def smtp(client):
    client.sendall(b"220-mail.example\r\n220 ESMTP\r\n")
    return lines(client, (b"\n", b"250-mail.example\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"220 go ahead\r\n"))


def imap(client):
    client.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
    return lines(client, (b"STARTTLS", b"a1 OK begin\r\n"))


def pop3(client):
    client.sendall(b"+OK ready\r\n")
    return lines(client, (b"STLS", b"+OK begin\r\n"))


def ldap(client):
    # ExtendedResponse, resultCode success (RFC 4511 section 4.14.2).
    return lines(client, (b"1.3.6.1.4.1.1466.20037", bytes.fromhex("300c02010178070a010004000400")))


def postgres(client):
    return lines(client, (bytes.fromhex("0000000804d2162f"), b"S"))


def mysql(client):
    greeting = b"\x0a8.4.0\x00" + bytes(4) + b"saltsalt\x00\xff\xff\x2d\x02\x00\xff\xff\x15" + bytes(10) + b"moresaltsalt\x00"
    client.sendall(struct.pack("<I", len(greeting))[:3] + b"\x00" + greeting)
    client.recv(36, socket.MSG_WAITALL)
    return True


def xmpp(client):
    return lines(client, (b"<stream:stream", b"<?xml version='1.0'?><stream:stream id='1' xmlns='jabber:client'>"
                          b"<stream:features><starttls/></stream:features>"), (b"<starttls", b"<proceed/>"))


def then(preamble, target):
    """What says `preamble` first and is `target` from then on."""
    def act(client):
        if not preamble(client):
            return
        host, port = target.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as server:
            back = threading.Thread(target=copy, args=(server, client), daemon=True)
            back.start()
            copy(client, server)
            back.join(10)
    return act


def copy(source, target):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


class StartTlsTest(unittest.TestCase):
    PROTOCOLS = (smtp, imap, pop3, ldap, postgres, mysql, xmpp)

    def test_every_protocol_reaches_the_handshake_behind_it_probed_and_captured(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="casemate-starttls-"))
        self.addCleanup(shutil.rmtree, folder, True)
        file = folder / "all.pcap"
        endpoints = {}
        with contextlib.ExitStack() as stack:
            behind = stack.enter_context(Openssl("-tls1_3", "-groups", "X25519MLKEM768/X25519"))
            stack.enter_context(Tcpdump(file))
            for protocol in self.PROTOCOLS:
                name = protocol.__name__
                endpoint = stack.enter_context(Misbehaving(then(protocol, behind)))
                endpoints[f"{endpoint} ({name})"] = name
                _, (result,) = probe(endpoint, "--starttls", name, "--quick")
                self.assertEqual(result["verdict"], "hybrid-preferred", (name, result))
        seen = {server["endpoint"]: server for server in capture(file)["servers"]}
        for endpoint, name in endpoints.items():
            self.assertEqual(seen[endpoint]["verdict"], "hybrid-preferred", (name, seen[endpoint]))
            self.assertEqual(seen[endpoint]["protocol"], name)

    def test_a_server_that_has_no_starttls_says_so(self):
        refusals = {"smtp": (b"220 hi\r\n", b"250 mail\r\n", b"454 no TLS\r\n"), "imap": (b"* OK hi\r\n", b"a1 BAD no\r\n"),
                    "pop3": (b"+OK hi\r\n", b"-ERR no\r\n"), "postgres": (b"", b"N"), "mysql": (b"\x05\x00\x00\x00\x09old\x00",),
                    "ldap": (b"", bytes.fromhex("300c02010178070a010204000400")),
                    "xmpp": (b"", b"<stream:features></stream:features>", b"<failure/>")}
        for name, (greeting, *answers) in refusals.items():
            def act(client, greeting=greeting, answers=answers):
                client.sendall(greeting)
                for answer in answers:
                    client.recv(4096)
                    client.sendall(answer)
                client.recv(4096)
            with Misbehaving(act) as endpoint:
                _, (result,) = probe(endpoint, "--starttls", name, "--timeout", "2000", "--quick")
            self.assertEqual(result["verdict"], "broken", (name, result))
            self.assertIn("no TLS is offered here", result["reason"], name)


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

    def test_a_server_that_reads_one_segment_only_is_broken_and_says_why(self):
        with Openssl("-tls1_3", "-groups", "X25519MLKEM768/X25519") as behind:
            def one_segment(client):
                first = client.recv(65536)
                if len(first) < 5 + int.from_bytes(first[3:5], "big"):
                    return  # takes the first half for all of it
                host, port = behind.rsplit(":", 1)
                with socket.create_connection((host, int(port)), timeout=10) as server:
                    server.sendall(first)
                    back = threading.Thread(target=copy, args=(server, client), daemon=True)
                    back.start()
                    copy(client, server)
                    back.join(10)
            with Misbehaving(one_segment) as endpoint:
                _, (result,) = probe(endpoint)
        self.assertEqual(result["verdict"], "broken", result)
        self.assertIn("two segments", result["reason"])
        self.assertTrue(result["handshakes"]["pq_only"]["accepted"])

    def test_a_reset_is_broken(self):
        def reset(client):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.close()
        for _ in range(5):  # it comes before, between and after our words
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

    def test_a_drip_in_the_words_before_tls_does_not_hold_it_either(self):
        def drip(client):
            for _ in range(200):
                client.sendall(b"x")
                time.sleep(0.05)
        self.assertEqual(self.verdict(drip, "--quick", "--starttls", "smtp")[0], "unreachable")

    def test_a_hello_of_100_kilobytes_is_malformed(self):
        body = b"\x03\x03" + bytes(32) + b"\x00\x13\x01\x00" + struct.pack("!H", 65000) + bytes(100_000 - 40)
        message = b"\x02" + len(body).to_bytes(3, "big") + body
        flight = b"".join(b"\x16\x03\x03" + struct.pack("!H", len(part)) + part
                          for part in (message[at:at + 16384] for at in range(0, len(message), 16384)))
        verdict, said = self.verdict(lambda client: (client.recv(4096), client.sendall(flight)))
        self.assertEqual(verdict, "broken")
        self.assertIn("malformed TLS", said)

    def test_a_certificate_of_1_megabyte_leaves_the_verdict_and_is_said(self):
        """TLS 1.3 shows the group before the certificate; OpenSSL's full handshake refuses so much."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            key, certificate = make_certificate(folder)
            names = ",".join(f"DNS:{number:06}.{'x' * 50}.example" for number in range(15_000))
            (folder / "config").write_text(f"[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[v3]\n"
                                           f"subjectAltName={names}\n")
            run("openssl", "req", "-x509", "-key", key, "-config", folder / "config", "-subj", "/CN=big", "-days", "2",
                "-out", certificate)
            self.assertGreater(certificate.stat().st_size, 1_000_000)
            with Openssl("-groups", "X25519MLKEM768/X25519", files=(key, certificate)) as endpoint:
                _, (result,) = probe(endpoint)
            with Openssl("-tls1_2", files=(key, certificate)) as endpoint:
                _, (older,) = probe(endpoint)
        self.assertEqual(result["verdict"], "hybrid-preferred", result)
        self.assertIn("full_handshake_error", result)
        self.assertIn("full handshake by OpenSSL does not succeed", " ".join(result["findings"]))
        self.assertEqual(older["verdict"], "classical", older)
        self.assertEqual(older["full_handshake_error"], "excessive message size")

    def test_endless_hello_retry_requests_end(self):
        hello = (b"\x03\x03" + RETRY + b"\x00\x13\x01\x00" + struct.pack("!HHHHHHH", 12, 43, 2, 0x0304, 51, 2, 0x11EC))
        retry = b"\x16\x03\x03" + struct.pack("!H", len(hello) + 4) + b"\x02" + len(hello).to_bytes(3, "big") + hello

        def forever(client):
            while client.recv(4096):
                client.sendall(retry * 3)
        with Misbehaving(forever) as endpoint:
            began = time.monotonic()
            _, (result,) = probe(endpoint, "--timeout", "1000")
        self.assertLess(time.monotonic() - began, 30)
        # It asks even those who do not have it: nothing classical is ever agreed to.
        self.assertIn("full_handshake_error", result)


if __name__ == "__main__":
    enter_own_network()
    main()
