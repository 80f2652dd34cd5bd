"""Ingest of folders: interrupted, resumed, watched."""
import json
import signal
import subprocess
import time

from harness import CASEMATE, EndToEnd, main, run


class IngestTest(EndToEnd):
    def write(self, name, count):
        folder = self.deployment.base / name
        folder.mkdir()
        for i in range(count):
            words = " ".join(f"word{(i * 31 + j) % 997}" for j in range(300))
            (folder / f"{i:03}.txt").write_text(f"Thing {i}. {words}\n")
        return folder

    def test_an_interrupted_ingest_goes_on_where_it_was(self):
        folder = self.write("many", 40)
        arguments = [CASEMATE, "ingest", folder, "--collection", "many", "--dir", self.deployment.dir, "--json"]
        for number, how in enumerate((signal.SIGINT, signal.SIGKILL)):
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(1)
            process.send_signal(how)
            out, _ = process.communicate(timeout=60)
            self.assertNotEqual(process.returncode, 0)
            if how == signal.SIGINT:
                report = json.loads(out)
                self.assertGreater(report["not_begun"], 0)
                self.assertEqual(report["failed"], 0)
        report = json.loads(run(*arguments).stdout)
        self.assertEqual((report["failed"], report["not_begun"]), (0, 0))
        self.assertGreater(report["unchanged"], 0)
        # What the killed command had on its way may come in once more.
        self.assertEqual(report["added"] + report["unchanged"] + report["replaced"], 40)
        self.assertEqual(json.loads(run(*arguments).stdout)["unchanged"], 40)
        listed = self.deployment.json("collection", "list")
        self.assertIn("many", json.dumps(listed))

    def test_a_watched_folder_is_followed(self):
        folder = self.deployment.base / "watched"
        folder.mkdir()
        (folder / "a.md").write_text("# A\n\nThe heron stands in the pond.\n")
        (folder / ".hidden.md").write_text("nothing")
        process = subprocess.Popen([CASEMATE, "ingest", folder, "--collection", "watched", "--watch", "--delete",
                                    "--dir", self.deployment.dir], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        try:
            self.wait_for({"a.md"})
            (folder / "deep").mkdir()
            (folder / "deep/b.md").write_text("# B\n\nThe stork nests on the tower.\n")
            self.wait_for({"a.md", "deep/b.md"})
            (folder / "a.md").unlink()
            self.wait_for({"deep/b.md"})
        finally:
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, error)
        self.assertIn("erased a.md", out)

    def wait_for(self, names):
        for _ in range(300):
            listed = self.deployment.casemate("file", "list", "--collection", "watched", "--json", check=False)
            if listed.returncode == 0:
                if {d["filename"] for d in json.loads(listed.stdout)["files"]} == names:
                    return
            time.sleep(0.1)
        self.fail(f"{listed.stdout} {listed.stderr}")


if __name__ == "__main__":
    main()
