"""What was read is found in no file, whether the server ended well or by kill -9."""
import base64
import pathlib
import time

from harness import EndToEnd, main, write_documents

MARKER = "zanzibar-quillwort-7f3a91c2d4e8"


def forms(text):
    """The complete encodings that are looked for."""
    raw = text.encode()
    return {"utf-8": raw, "utf-16": text.encode("utf-16-le"), "hex": raw.hex().encode(),
            "percent": "".join(f"%{b:02X}" for b in raw).encode(),
            # base64 without its first and last groups, in the three alignments
            **{f"base64+{shift}": base64.b64encode(b"x" * shift + raw)[4:-4] for shift in range(3)}}


class MarkerTest(EndToEnd):
    def search(self, where):
        for path in sorted(pathlib.Path(self.deployment.base).rglob("*")):
            if path.is_file() and path.parent != self.documents:
                content = path.read_bytes()
                for name, form in forms(MARKER).items():
                    self.assertNotIn(form, content, f"{name} form of the marker in {path} ({where})")

    def test_a_marker_is_found_in_no_file_also_after_kill_9(self):
        self.documents = self.deployment.base / "documents"
        write_documents(self.documents, 3, lambda i: f"# {MARKER}\n\nThe {MARKER} is a plant number {i}.\n")
        (self.documents / f"{MARKER}.html").write_text(f"<title>{MARKER}</title><p>{MARKER} as a file name")
        # The search itself must be able to find: a positive control.
        control = self.deployment.base / "control"
        control.write_text(MARKER)
        with self.assertRaises(AssertionError):
            self.search("control")
        control.unlink()

        self.deployment.ingest(self.documents)
        answer = self.deployment.casemate("ask", f"What is {MARKER}?", "--collection", "docs").stdout
        self.assertIn(MARKER, answer)
        client = self.deployment.openai()
        client.chat.completions.create(model="casemate-answer", max_tokens=8,
                                       messages=[{"role": "user", "content": f"What is {MARKER}?"}])
        client.vector_stores.create(name=MARKER)
        self.search("while running")
        self.deployment.kill()
        self.search("after kill -9")
        self.deployment.start()
        self.deployment.ingest(self.documents)
        time.sleep(1.5)  # past the log's integration
        self.assertEqual(self.deployment.stop(), 0)
        self.search("after a clean end")


if __name__ == "__main__":
    main()
