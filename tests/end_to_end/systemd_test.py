"""The units in deploy/systemd: what systemd-analyze thinks of them."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import CASEMATE, ROOT, main

UNIT = ROOT / "deploy/systemd/casemate.service"


class SystemdTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="casemate-unit-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.unit = self.folder / "casemate.service"
        self.unit.write_text(UNIT.read_text().replace("/usr/bin/casemate", str(CASEMATE)))

    def analyze(self, *arguments):
        return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)

    def test_the_unit_has_no_mistake(self):
        verified = self.analyze("verify", "--man=no", str(self.unit))
        self.assertEqual((verified.returncode, verified.stderr), (0, ""))

    def test_its_exposure_is_as_low_as_the_documentation_says(self):
        documented = re.search(r"exposure level (\d\.\d)", (ROOT / "docs/operations.md").read_text())
        threshold = str(round(float(documented[1]) * 10))
        scored = self.analyze("security", "--offline=true", f"--threshold={threshold}", "--no-pager", str(self.unit))
        self.assertEqual(scored.returncode, 0, scored.stdout[-400:])

    def test_every_command_of_the_unit_is_one(self):
        for line in UNIT.read_text().splitlines():
            if line.startswith(("ExecStart=", "ExecReload=")):
                command = line.split()[1]
                shown = subprocess.run([CASEMATE, command, "--help"], capture_output=True, text=True, timeout=30)
                self.assertEqual(shown.returncode, 0, line)

    def test_sysusers_and_tmpfiles_are_understood(self):
        for program, name in (("systemd-sysusers", "casemate.sysusers"), ("systemd-tmpfiles", "casemate.tmpfiles")):
            (self.folder / "etc").mkdir(exist_ok=True)
            if program == "systemd-tmpfiles":  # what the other one makes
                (self.folder / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\ncasemate:x:900:900::/:/bin/false\n")
                (self.folder / "etc/group").write_text("root:x:0:\ncasemate:x:900:\n")
            arguments = ["--dry-run", f"--root={self.folder}", str(UNIT.parent / name)]
            if program == "systemd-tmpfiles":
                arguments.insert(0, "--create")
            shown = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30)
            self.assertNotRegex(shown.stderr, r"casemate\.\w+:\d+", shown.stderr)


if __name__ == "__main__":
    main()
