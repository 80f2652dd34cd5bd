"""`casemate attest`: the command as an operator types it, over the samples of tests/data/attestation."""
import json
import pathlib
import tempfile
import unittest

from harness import casemate, main

SAMPLES = pathlib.Path(__file__).resolve().parents[1] / "data" / "attestation"


def attest(*arguments):
    done = casemate("attest", *arguments, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


class AttestTest(unittest.TestCase):
    def test_a_genuine_report_is_verified_and_says_who_vouches(self):
        status, out, _ = attest(SAMPLES / "virtee-sev/report_milan.hex", "--chain", SAMPLES / "virtee-sev/vcek_milan.der",
                                "--time", "2024-01-01", "--json")
        self.assertEqual(status, 0, out)
        (appraisal,) = json.loads(out)["appraisals"]
        self.assertEqual((appraisal["kind"], appraisal["verdict"]), ("sev-snp", "verified"))
        self.assertEqual(appraisal["vouchers"][0]["jurisdiction"], "USA")
        attacks = {attack["id"]: attack["coverage"] for attack in appraisal["attacks"]}
        self.assertEqual((attacks["cachewarp"], attacks["battering-ram"]), ("not-covered", "cannot-tell"))

    def test_the_real_clock_says_that_a_vlek_expired(self):
        report, chain = SAMPLES / "trustee/snp/test-vlek-report.bin", SAMPLES / "trustee/snp/test-vlek.der"
        status, out, _ = attest(report, "--chain", chain)
        self.assertEqual(status, 1, out)
        self.assertIn("validity", out)
        self.assertEqual(attest(report, "--chain", chain, "--time", "2025-06-01")[0], 0)

    def test_a_missing_certificate_is_incomplete_and_names_the_remedy(self):
        status, out, _ = attest(SAMPLES / "trustee/snp/test-report.bin")
        self.assertEqual(status, 6, out)
        self.assertIn("--chain", out)

    def test_each_kind_is_judged_in_the_confined_process(self):
        tdx = ["--collateral", SAMPLES / "go-tdx-guest/sample_tcbInfo_response", "--collateral",
               SAMPLES / "go-tdx-guest/sample_qeIdentity_response", "--collateral",
               SAMPLES / "go-tdx-guest/tcb_signing_issuer_chain.pem", "--collateral", SAMPLES / "go-tdx-guest/pckcrl",
               "--collateral", SAMPLES / "go-tdx-guest/rootcrl.der", "--time", "2023-07-01"]
        hopper = ["--chain", SAMPLES / "trustee/nvidia/hopper_cert_chain_case1.txt", "--time", "2024-06-01"]
        cases = [
            ("trustee/tdx/tdx_quote_4.dat", tdx, 1, "tdx", "debug"),
            ("trustee/tdx/az-td-quote.bin", [], 6, "tdx", "qe-identity"),
            ("trustee/tdx/occlum_quote.dat", ["--time", "2023-07-01"], 1, "sgx", "debug"),
            ("go-tdx-guest/report.dat", [], 1, "unknown", "format"),
            ("trustee/nvidia/hopperAttestationReport.txt", hopper, 0, "nvidia-gpu", "all"),
            ("trustee/nvidia/hopperAttestationReport.txt",
             [*hopper, "--collateral", SAMPLES / "nvtrust/Driver_RIM_test_no_gpu.swidtag"], 1, "nvidia-gpu", "rim-driver"),
            ("nvtrust/gpu_evidence.json", [], 0, "nvidia-gpu", "all"),
            ("nvtrust/nras-claims/overall_claims_remote.json", [], 6, "nvidia-claims", "signature"),
            ("trustee/cca/cca-example-token.cbor", ["--root", SAMPLES / "trustee/cca/cpak-pub.json"], 0, "arm-cca", "all"),
            ("trustee/cca/cca-example-token.cbor", [], 6, "arm-cca", "platform-signature"),
        ]
        for file, arguments, status, kind, reason in cases:
            with self.subTest(file=file, status=status):
                found, out, err = attest(SAMPLES / file, *arguments, "--json")
                self.assertEqual(found, status, out[:400] + err)
                for appraisal in json.loads(out)["appraisals"]:
                    self.assertEqual(appraisal["kind"], kind)
                    self.assertTrue(appraisal["verdict_reason"].startswith(reason), appraisal["verdict_reason"])
        self.assertEqual(len(json.loads(attest(SAMPLES / "nvtrust/gpu_evidence.json", "--json")[1])["appraisals"]), 8)

    def test_markdown_has_every_attack_with_its_source(self):
        _, out, _ = attest(SAMPLES / "virtee-sev/report_milan.hex", "--chain", SAMPLES / "virtee-sev/vcek_milan.der",
                           "--time", "2024-01-01", "--markdown")
        self.assertIn("| CacheWarp | not-covered |", out)
        self.assertIn("CVE-2023-20592", out)

    def test_several_files_end_with_the_worst(self):
        status, out, _ = attest(SAMPLES / "trustee/snp/e2e-evidence-zen4c.json", SAMPLES / "go-sev-guest/attestation.bin",
                                "--chain", SAMPLES / "go-sev-guest/vcek.testcer", "--time", "2026-01-01")
        self.assertEqual(status, 1)
        self.assertIn("zen4c.json: verified", out)
        self.assertIn("attestation.bin: refused", out)

    def test_a_flipped_bit_a_cut_file_and_no_evidence_are_refused(self):
        good = (SAMPLES / "trustee/snp/test-report.bin").read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "bad.bin"
            for bad in (good[:0x90] + bytes([good[0x90] ^ 1]) + good[0x91:], good[:1000], b"hello", b""):
                path.write_bytes(bad)
                status, out, err = attest(path, "--chain", SAMPLES / "trustee/snp/test-vcek.der", "--time", "2024-01-01")
                self.assertEqual(status, 1, out + err)

    def test_usage_has_its_own_statuses(self):
        report = SAMPLES / "trustee/snp/test-report.bin"
        self.assertEqual(attest()[0], 2)
        self.assertEqual(attest(report, "--time", "yesterday")[0], 2)
        self.assertEqual(attest(report, "--nonce", "xyz")[0], 2)
        self.assertEqual(attest(report, "--chain", report)[0], 2)
        self.assertEqual(attest("/nothing/here")[0], 4)
        self.assertIn("Example", attest("--help")[1])

    def test_another_table_of_attacks_replaces_the_one_compiled_in(self):
        table = {"format": "casemate-attacks/1", "date": "2030-01-01", "attacks": [
            {"id": "new", "name": "New", "families": ["sev-snp"], "vendor_scope": "fixed", "source": "test", "grade": "test",
             "date": "2030-01-01", "rules": [{"lines": ["*"], "all": [{"fact": "microcode", "at_least": 255}]}]}]}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "attacks.json"
            path.write_text(json.dumps(table))
            arguments = (SAMPLES / "virtee-sev/report_milan.hex", "--chain", SAMPLES / "virtee-sev/vcek_milan.der", "--time",
                         "2024-01-01", "--attacks", path)
            status, out, _ = attest(*arguments, "--json")
            (appraisal,) = json.loads(out)["appraisals"]
            self.assertEqual([(a["id"], a["coverage"]) for a in appraisal["attacks"]], [("new", "not-covered")])
            self.assertEqual((status, appraisal["attacks_date"]), (0, "2030-01-01"))
            self.assertEqual(attest(*arguments, "--require-covered")[0], 1)
            path.write_text("{}")
            self.assertEqual(attest(*arguments)[0], 2)


if __name__ == "__main__":
    main()
