"""Real servers in each configuration, three ways: probed, captured with tcpdump and read by `casemate flows capture`,
and looked at by sslscan and tshark. All four must tell the same."""
import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

from flows_harness import Openssl, Postgres, Sshd, Tcpdump, capture, enter_own_network, probe
from harness import CASEMATE, ROOT, casemate, main, run
from schema_harness import validator

# IANA's numbers, as sslscan and tshark print them.
GROUPS = {0x11EC: "X25519MLKEM768", 0x11EB: "SecP256r1MLKEM768", 0x001D: "x25519", 0x001E: "x448", 0x0017: "secp256r1",
          0x0018: "secp384r1", 0x0019: "secp521r1", 0x0100: "ffdhe2048"}


class EverywhereTheSameTest(unittest.TestCase):
    """The servers of the issue, probed once while tcpdump listens."""

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="casemate-capture-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        start = cls.stack.enter_context
        cls.postgres = start(Postgres())
        cls.postgres.set_groups("X25519MLKEM768/X25519")
        # Endpoint, its verdict, and whether sslscan can speak to it.
        cls.servers = [
            (start(Openssl("-tls1_3", "-groups", "X25519MLKEM768:SecP256r1MLKEM768")), "hybrid-enforced", True),
            (start(Openssl("-groups", "X25519MLKEM768/X25519")), "hybrid-preferred", True),
            (start(Openssl("-groups", "X25519MLKEM768:X25519")), "hybrid-supported", True),
            (start(Openssl("-tls1_3", "-groups", "X25519:P-256")), "classical", True),
            (start(Openssl("-tls1_2")), "classical", True),
            (start(Sshd("mlkem768x25519-sha256", "sntrup761x25519-sha512")).endpoint, "hybrid-enforced", False),
            (start(Sshd()).endpoint, "hybrid-preferred", False),
            (start(Sshd("curve25519-sha256", "ecdh-sha2-nistp256")).endpoint, "classical", False),
        ]
        cls.file = cls.folder / "all.pcap"
        with Tcpdump(cls.file):
            _, cls.probed = probe(*(endpoint for endpoint, _, _ in cls.servers))
            _, (cls.probed_postgres,) = probe(cls.postgres.endpoint, "--starttls", "postgres")
        cls.captured = capture(cls.file)
        cls.seen = {server["endpoint"]: server for server in cls.captured["servers"]}

    def test_the_probe_is_right_for_every_server(self):
        for (endpoint, verdict, _), result in zip(self.servers, self.probed):
            self.assertEqual(result["verdict"], verdict, (endpoint, result))
            self.assertEqual(result["cve_2026_2673"], verdict == "hybrid-supported")
        self.assertEqual(self.probed_postgres["verdict"], "hybrid-preferred", self.probed_postgres)

    def test_the_same_sessions_captured_get_the_same_verdicts(self):
        for result in [*self.probed, self.probed_postgres]:
            server = self.seen[result["endpoint"]]
            self.assertEqual(server["verdict"], result["verdict"], (server, result))
            self.assertEqual(server["cve_2026_2673"], result["cve_2026_2673"])
        self.assertEqual(self.captured["reading"]["frames_malformed"], 0)
        self.assertEqual(self.captured["reading"]["frames_cut"], 0)

    def test_openssl_agrees_on_what_both_ends_used(self):
        """The full handshake of the probe is OpenSSL's, on both sides."""
        for result in self.probed:
            if result["protocol"] != "tls" or "full_handshake" not in result:
                continue
            group = result["full_handshake"]["group"]
            hybrid = "MLKEM" in group.upper()
            self.assertEqual(hybrid, result["verdict"].startswith("hybrid"), result)

    def test_sslscan_agrees_where_it_can_tell(self):
        """It offers classical groups only: who is hybrid-enforced looks to it as if there were no TLS."""
        for (endpoint, verdict, scannable), result in zip(self.servers, self.probed):
            if not scannable:
                continue
            with self.subTest(endpoint=endpoint, verdict=verdict):
                self.compare(self.sslscan(endpoint), result)
        self.compare(self.sslscan(self.postgres.endpoint, "--starttls-psql"), self.probed_postgres)

    def sslscan(self, endpoint, *options):
        text = run("sslscan", "--xml=-", "--no-colour", "--no-heartbleed", "--no-renegotiation", "--no-compression",
                   "--no-fallback", "--no-check-certificate", *options, endpoint, timeout=60).stdout
        return xml.fromstring(text[text.index("<?xml"):])

    def compare(self, scan, result):
        enabled = {protocol.get("version"): protocol.get("enabled") == "1" for protocol in scan.iter("protocol")
                   if protocol.get("type") == "tls"}
        handshakes = result["handshakes"]
        self.assertEqual(enabled["1.3"], handshakes["classical_only"]["accepted"], result)
        # Its hello for TLS 1.2 has the NIST curves only, so that it misses servers that have X25519 alone.
        if enabled["1.2"] or handshakes["tls12"].get("group") != "x25519":
            self.assertEqual(enabled["1.2"], handshakes["tls12"]["accepted"], result)
        if enabled["1.3"]:
            theirs = {GROUPS[int(group.get("id"), 0)] for group in scan.iter("group")
                      if group.get("sslversion") == "TLSv1.3" and int(group.get("id"), 0) in GROUPS}
            ours = {group["name"] for group in result["groups"] if group["kind"] == "classical"}
            self.assertEqual(theirs, ours & set(GROUPS.values()), result)

    def test_tshark_reads_the_same_choices_from_the_same_file(self):
        """Per connection: the group of the ServerHello, or of the HelloRetryRequest where the probe left."""
        ports = ",".join(sorted({server.rsplit(":", 1)[1].split(" ")[0] for server in self.seen if "ssh" not in server}))
        done = run("tshark", "-r", self.file, *sum((["-d", f"tcp.port=={port},tls"] for port in ports.split(",")
                                                   if port != str(self.postgres.port)), []),
                   "-d", f"tcp.port=={self.postgres.port},pgsql", "-Y", "tls.handshake.type==2", "-T", "fields",
                   "-e", "tcp.dstport", "-e", "tcp.srcport", "-e", "tls.handshake.extensions_key_share_group",
                   "-e", "tls.handshake.extensions_key_share_selected_group", timeout=60)
        theirs = {}
        for line in done.stdout.splitlines():
            client, server, shares, retry = (line.split("\t") + [""] * 4)[:4]
            chosen = (shares or retry).split(",")[-1]
            if chosen:
                theirs[client, server] = int(chosen, 0)
        ours = {}
        for session in self.captured["sessions"]:
            group = session["key_exchange"] or session.get("retry_group")
            if session["protocol"] in ("tls", "postgres") and group and session.get("version") != "TLS 1.2":
                ours[session["client"].rsplit(":", 1)[1], session["server"].rsplit(":", 1)[1]] = group
        self.assertGreater(len(theirs), 20)
        theirs = {key: GROUPS[group] for key, group in theirs.items()}
        self.assertEqual(set(theirs.items()) ^ set(ours.items()), set())

    def test_postgresql_as_it_comes_is_classical(self):
        """Its default ssl_groups is X25519:prime256v1."""
        with Postgres() as server:
            _, (result,) = probe(server.endpoint, "--starttls", "postgres", "--quick")
            self.assertEqual(result["verdict"], "classical", result)

    def test_a_client_of_ssh_gets_what_both_have(self):
        file = self.folder / "ssh.pcap"
        ports = [endpoint.rsplit(":", 1)[1] for endpoint, _, _ in self.servers if endpoint.startswith("ssh")]
        with Tcpdump(file):
            for port, kex in ((ports[0], "mlkem768x25519-sha256"), (ports[1], "curve25519-sha256")):
                run("ssh", "-F", "none", "-p", port, "-o", f"KexAlgorithms={kex}", "-o", "BatchMode=yes", "-o",
                    "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self.folder}/known", "nobody@127.0.0.1",
                    check=False)
        sessions = capture(file)["sessions"]
        self.assertEqual([(s["protocol"], s["verdict"], s["key_exchange"]) for s in sessions],
                         [("ssh", "hybrid", "mlkem768x25519-sha256"), ("ssh", "classical", "curve25519-sha256")])
        self.assertEqual(sessions[0]["openable_bytes"], 0)
        self.assertEqual(sessions[1]["openable_bytes"], sessions[1]["client_bytes"] + sessions[1]["server_bytes"])

    def test_a_session_that_goes_on_is_marked_as_resumed(self):
        ticket = self.folder / "ticket"
        for options, verdict in ((("-groups", "X25519MLKEM768/X25519"), "hybrid"), (("-tls1_2",), "classical")):
            file = self.folder / "resumed.pcap"
            with Openssl(*options) as endpoint, Tcpdump(file):
                for session in (("-sess_out", ticket), ("-sess_in", ticket)):
                    # Q ends the client once the server's tickets are there.
                    subprocess.run(["sh", "-c", "(sleep 0.5; echo Q) | openssl s_client -connect \"$@\"", "sh", endpoint,
                                    *map(str, session)], capture_output=True, timeout=20, check=True)
            sessions = capture(file)["sessions"]
            self.assertEqual([(s["verdict"], s["resumed"]) for s in sessions], [(verdict, False), (verdict, True)], options)
            self.assertTrue(sessions[1]["offer"]["resumes"])

    def test_reports_for_other_tools_are_valid_by_their_schemas(self):
        plain = [endpoint for endpoint, _, _ in self.servers] + ["nosuch.invalid"]
        for form, schema in ((("--cbom", "1.6"), "bom-1.6.schema.json"), (("--cbom", "1.7"), "bom-1.7.schema.json"),
                             (("--format", "sarif"), "sarif-schema-2.1.0.json")):
            check = validator(schema)
            for command in (["probe", *plain], ["capture", self.file]):
                with self.subTest(form=form, command=command[0]):
                    report = json.loads(casemate("flows", *command, *form).stdout)
                    errors = [f"{error.json_path}: {error.message[:300]}" for error in check.iter_errors(report)]
                    self.assertEqual(errors, [])
                    # It can fail: a report of which a required field is gone.
                    report.pop("version" if "sarif" in form else "specVersion")
                    self.assertFalse(check.is_valid(report))

    def test_the_bill_of_materials_names_groups_with_their_strength(self):
        bill = json.loads(casemate("flows", "capture", self.file, "--format", "cbom").stdout)
        components = {component["bom-ref"]: component for component in bill["components"]}
        levels = {name: components[f"alg:{name}"]["cryptoProperties"]["algorithmProperties"]["nistQuantumSecurityLevel"]
                  for name in ("x25519mlkem768", "x25519", "secp256r1mlkem768")}
        self.assertEqual(levels, {"x25519mlkem768": 3, "x25519": 0, "secp256r1mlkem768": 3})
        used = {entry["ref"]: entry["dependsOn"] for entry in bill["dependencies"]}
        self.assertIn("alg:x25519mlkem768", used[f"proto:{self.postgres.endpoint} (postgres)"])
        report = json.loads(casemate("flows", "capture", self.file, "--format", "sarif").stdout)
        rules = {result["ruleId"] for result in report["runs"][0]["results"]}
        self.assertEqual(rules, {"flows/hybrid-preferred", "flows/hybrid-supported", "flows/classical"})

    def test_every_form_of_report_is_written_and_gates_end_with_one(self):
        for form, begins in (("csv", "first,client,"), ("markdown", "# Key exchange"), ("html", "<!doctype html>"),
                             ("sarif", '{"$schema"'), ("cbom", '{"bomFormat"'), ("cbom17", '{"bomFormat"')):
            path = self.folder / form
            casemate("flows", "capture", self.file, "--format", form, "--out", path)
            text = path.read_text()
            self.assertTrue(text.startswith(begins), text[:80])
        table = casemate("flows", "capture", self.file)
        self.assertIn("MB/s", table.stderr)
        self.assertIn("hybrid-enforced", table.stdout)
        for gate, code in (("hybrid", 1), ("hybrid-preferred", 1), ("classical", 0)):
            self.assertEqual(casemate("flows", "capture", self.file, "--require", gate, check=False).returncode, code)
        before = self.folder / "before.json"
        casemate("flows", "capture", self.file, "--format", "json", "--out", before)
        self.assertEqual(capture(self.file, "--baseline", before)["servers"], [])
        before.write_text(before.read_text().replace('"hybrid-enforced"', '"classical"', 1))
        self.assertEqual(len(capture(self.file, "--baseline", before)["servers"]), 1)


class LiveTest(unittest.TestCase):
    def test_a_live_capture_gives_up_its_rights_and_ends_on_a_signal(self):
        with Openssl("-groups", "X25519MLKEM768/X25519") as endpoint:
            process = subprocess.Popen([CASEMATE, "flows", "capture", "--live", "lo", "--filter",
                                        f"tcp port {endpoint.rsplit(':')[-1]}", "--json"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertIn("capturing on lo", process.stderr.readline())
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            self.assertRegex(status, r"CapEff:\s+0+\n")
            self.assertRegex(status, r"CapPrm:\s+0+\n")
            self.assertRegex(status, r"Seccomp:\s+2")
            probe(endpoint, "--quick")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        (server,) = json.loads(out)["servers"]
        self.assertEqual((server["endpoint"], server["verdict"]), (endpoint, "hybrid-preferred"))

    def test_an_end_after_seconds_and_errors_say_what_to_do(self):
        self.assertEqual(capture("--live", "lo", "--seconds", "1")["servers"], [])
        done = casemate("flows", "capture", "--live", "nosuch0", check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("no such interface", done.stderr)

    def test_without_the_capability_it_is_named(self):
        done = run("setpriv", "--bounding-set=-net_raw", "--", CASEMATE, "flows", "capture", "--live", "lo", "--seconds", "1", check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("CAP_NET_RAW", done.stderr)


class BadCaptureTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="casemate-capture-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.file = self.folder / "file.pcap"

    def record(self, *tcpdump_options):
        with Openssl("-tls1_3", "-groups", "X25519") as endpoint, Tcpdump(self.file, *tcpdump_options):
            probe(endpoint, "--quick")
        return endpoint

    def test_a_truncated_file_tells_what_came_before(self):
        endpoint = self.record()
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[:-7])
        report = capture(self.file, code=1)
        self.assertEqual([server["endpoint"] for server in report["servers"]], [endpoint])
        self.assertIn("truncated", report["reading"]["cut_short"])
        self.assertEqual(casemate("flows", "capture", self.file, "--require", "classical", check=False).returncode, 1)

    def test_a_snap_length_that_cuts_the_hello_is_said(self):
        self.record("-s", "100")
        report = capture(self.file)
        self.assertGreater(report["reading"]["frames_cut"], 0)
        self.assertEqual({session["verdict"] for session in report["sessions"]} - {"unknown", "refused"}, set())
        self.assertIn("snap length", casemate("flows", "capture", self.file).stderr)

    def test_the_capture_of_a_pipe_and_of_pcapng(self):
        self.record()
        with self.file.open("rb") as stream:
            done = subprocess.run([CASEMATE, "flows", "capture", "-", "--json"], stdin=stream, capture_output=True,
                                  timeout=30)
        self.assertEqual(json.loads(done.stdout)["servers"][0]["verdict"], "classical")
        newer = self.folder / "file.pcapng"
        run("tshark", "-r", self.file, "-F", "pcapng", "-w", newer)
        self.assertEqual(capture(newer)["servers"][0]["verdict"], "classical")

    def test_what_is_no_capture_or_is_not_there(self):
        self.file.write_bytes(b"GET / HTTP/1.1\r\n\r\n" * 10)
        done = casemate("flows", "capture", self.file, check=False)
        self.assertEqual((done.returncode, "not a capture" in done.stderr), (1, True), done.stderr)
        self.assertEqual(casemate("flows", "capture", self.folder / "none", check=False).returncode, 4)
        for wrong in ([], [self.file, "--live", "lo"], [self.file, "--seconds", "3"], [self.file, "--require", "pq"],
                      [self.file, "--format", "pdf"]):
            self.assertEqual(casemate("flows", "capture", *wrong, check=False).returncode, 2, wrong)


if __name__ == "__main__":
    enter_own_network()
    main()
