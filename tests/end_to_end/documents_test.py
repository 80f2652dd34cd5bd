"""Documents of every kind, made by other programs (pandoc, groff, qpdf, Python's email, zipfile and csv), and hostile ones."""
import csv
import email.message
import io
import json
import subprocess
import zipfile

from harness import EndToEnd, main, run

MARKDOWN = """---
title: The keep handbook
---

# Ropes

The NAME rope is stored in the NAME shed.[^1]

[^1]: The NAME shed stands behind the stable.

## Lamps

- The NAME lamp burns whale oil.

| Thing | Place |
|-------|-------|
| NAME ladder | NAME attic |
"""
TROFF = """.TL
Backup guide
.NH
Backups
.PP
Backups are made every night at two. They are kept for thirty days.
.bp
.NH
Restoring
.PP
To restore a vault, call the marshal and name the day.
.NH
Gantry
.PP
A gantry is a crane that lifts the gate of the keep.
"""
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def zipped(entries, compression=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def docx(body):
    return zipped({"word/document.xml": body})


def pdf(pages, content=b""):
    """A PDF whose first page has `content`."""
    kids = " ".join(f"{4 + i} 0 R" for i in range(pages))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 3 0 R>>"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Kids[{kids}]/Count {pages}>>".encode(),
               b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)] + [page] * pages
    out, table = b"%PDF-1.4\n", b""
    for number, text in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj%sendobj\n" % (number, text)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, len(out))


def mail():
    message = email.message.EmailMessage()
    message["From"], message["To"] = "Ada <ada@example.org>", "bob@example.org"
    message["Date"], message["Subject"] = "Sun, 22 Nov 2026 10:00:00 +0000", "Türen und Tore"
    message.set_content("The portcullis weighs nine tons.")
    message.add_alternative("<p>The portcullis weighs <b>nine tons</b>.</p>", subtype="html")
    message.add_attachment(b"# Winch\n\nThe winch needs four guards.\n", maintype="text", subtype="markdown",
                           filename="winch.md")
    return message.as_bytes()


def nested_mail(depth):
    text = b""
    for i in range(depth):
        text += b"Subject: s\nFrom: a\nDate: d\nContent-Type: multipart/mixed; boundary=b%dx\n\n--b%dx\n" % (i, i)
    return text + b"\nend\n"


def write_kinds(folder):
    folder.mkdir(parents=True)
    for kind in ("docx", "odt", "epub"):
        source = folder / f"{kind}-source.tmp"
        source.write_text(MARKDOWN.replace("NAME", kind))
        run("pandoc", "-f", "markdown", source, "-o", folder / f"{kind}.{kind}")
        source.unlink()
    made = subprocess.run(["groff", "-ms", "-Tpdf"], input=TROFF.encode(), capture_output=True, check=True)
    (folder / "guide.pdf").write_bytes(made.stdout)
    (folder / "doors.eml").write_bytes(mail())
    with open(folder / "stock.csv", "w", newline="") as out:
        writer = csv.writer(out, delimiter=";")
        writer.writerows([["item", "place", "note"], ["anvil", "smithy, left", 'says "mind"\nthe toes'],
                          ["barrel", "cellar", "empty"]])
    (folder / "page.html").write_text("<title>T</title><h1>Moats</h1><p>The moat is three fathoms deep.</p>")
    (folder / "note.txt").write_text("The drawbridge is lowered at dawn.\n")


def hostile(folder):
    """{name: (content, part of the error)}"""
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    encrypted = folder / "enc.pdf"
    run("qpdf", "--encrypt", "secret", "owner", "256", "--", folder / "kinds/guide.pdf", encrypted)
    return {
        "encrypted.pdf": (encrypted.read_bytes(), "encrypted: remove the password first"),
        "scanned.pdf": (pdf(3, b"0 0 100 100 re f"), "no text in 3 pages: scanned? Casemate does not do OCR yet"),
        "broken.pdf": (b"%PDF-1.7\n" + b"\x00garbage" * 50, "broken"),
        "pages.pdf": (pdf(6000), "a PDF of 6000 pages, at most 5000"),
        "renamed.pdf": (b"<html>not found</html>", "its content that it is html"),
        "bomb.docx": (docx(b" " * (80 << 20)), "a zip bomb?"),
        "ratio.docx": (docx(b" " * (40 << 20)), "a zip bomb?"),
        "laughs.docx": (docx(f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><w:document {WORD}>&l9;</w:document>'),
                        "document type"),
        "deep.docx": (docx(f"<w:document {WORD}>" + "<a>" * 100_000), "nests deeper than 256"),
        "cut.docx": (docx(f"<w:document {WORD}>" + "x" * 5000)[:80], "broken"),
        "nested.zip.docx": (zipped({"inner.zip": zipped({"inner.zip": b"x"})}), "unpack it first"),
        "sheet.xlsx": (zipped({"xl/workbook.xml": b"<x/>"}), "save it as CSV"),
        "protected.docx": (b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16le"),
                           "encrypted: remove the password first"),
        "nested.eml": (nested_mail(60), "deeper than 16"),
        "line.csv": (b"a,b\n1," + b"x" * (3 << 20) + b"\n", "has a cell of more than"),
        "quote.csv": (b'a,b\n1,"open\n' + b"2,3\n" * 1000, "does not end"),
        "program.txt": (b"\x7fELF\x02\x01", "a program (ELF)"),
    }


class DocumentsTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.deployment.base
        write_kinds(cls.base / "kinds")
        cls.report = json.loads(cls.deployment.ingest(cls.base / "kinds", "--json").stdout)
        cls.client = cls.deployment.openai()

    def find(self, query, store=None):
        found = self.client.vector_stores.search(store or self.report["collection"], query=query, max_num_results=3)
        self.assertTrue(found.data, query)
        return found.data

    def test_every_kind_is_read_with_its_headings(self):
        self.assertEqual([d["outcome"] for d in self.report["documents"]], ["added"] * 8, self.report)
        for query, filename, heading, text in [
                ("docx rope", "docx.docx", "Ropes", "The docx rope is stored in the docx shed."),
                ("odt rope", "odt.odt", "Ropes", "The odt rope is stored in the odt shed."),
                ("epub rope", "epub.epub", "Ropes", "The epub rope is stored in the epub shed."),
                ("docx lamp whale", "docx.docx", "Lamps", "The docx lamp burns whale oil."),
                ("odt ladder", "odt.odt", "Lamps", "odt ladder | odt attic"),
                ("docx behind the stable", "docx.docx", "Ropes", "The docx shed stands behind the stable."),
                ("portcullis tons", "doors.eml", "Türen und Tore", "The portcullis weighs nine tons."),
                ("winch guards", "doors.eml", "winch.md", "The winch needs four guards."),
                ("anvil", "stock.csv", "", 'item: anvil; place: smithy, left; note: says "mind" the toes'),
                ("moat fathoms", "page.html", "Moats", "The moat is three fathoms deep."),
                ("drawbridge dawn", "note.txt", "", "The drawbridge is lowered at dawn.")]:
            with self.subTest(query):
                hits = [hit for hit in self.find(query) if hit.filename == filename and text in hit.content[0].text]
                self.assertTrue(hits, [(h.filename, h.content[0].text) for h in self.find(query)])
                self.assertIn(heading, hits[0].attributes["heading"])

    def test_hits_of_a_pdf_tell_page_and_heading(self):
        for query, page, heading in [("backups every night", 1, "Backups"), ("restore a vault", 2, "Restoring")]:
            hit = self.find(query)[0]
            self.assertEqual((hit.filename, hit.attributes["page"]), ("guide.pdf", page))
            self.assertIn(heading, hit.attributes["heading"])

    def test_an_answer_cites_page_and_heading(self):
        asked = ("ask", "What is a gantry?", "--collection", "docs")
        answer = self.deployment.json(*asked)
        cited = [c for c in answer["citations"] if c["document"] == "guide.pdf"]
        self.assertTrue(cited, answer)
        self.assertEqual(cited[0]["page"], 2)
        self.assertIn("from guide.pdf, page 2, under \"Backup guide", self.deployment.casemate(*asked).stdout)

    def test_hostile_documents_are_refused_one_by_one_with_a_reason(self):
        folder = self.base / "hostile"
        folder.mkdir()
        wanted = hostile(self.base)
        for name, (content, _) in wanted.items():
            (folder / name).write_bytes(content)
        keeper = self.deployment.pid_of("keeper")
        ran = self.deployment.ingest(*sorted(folder.iterdir()), "--json", collection="hostile", check=False)
        self.assertNotEqual(ran.returncode, 0)
        errors = {d["path"]: d.get("error", d["outcome"]) for d in json.loads(ran.stdout)["documents"]}
        for name, (_, part) in wanted.items():
            with self.subTest(name):
                self.assertIn(part, errors[name])
        self.assertEqual(self.deployment.pid_of("keeper"), keeper)
        self.assertTrue(self.find("portcullis"))

    def test_the_files_api_tells_why_a_document_failed(self):
        store = self.client.vector_stores.create(name="uploads")
        good = self.client.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=("odd.pdf", (self.base / "kinds/guide.pdf").read_bytes()))
        self.assertEqual((good.status, good.last_error), ("completed", None))
        bad = self.client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("s.pdf", pdf(1)))
        self.assertEqual((bad.status, bad.last_error.code), ("failed", "unsupported_file"))
        self.assertIn("Casemate does not do OCR yet", bad.last_error.message)
        self.assertEqual(self.find("restore a vault", store.id)[0].attributes["page"], 2)


if __name__ == "__main__":
    main()
