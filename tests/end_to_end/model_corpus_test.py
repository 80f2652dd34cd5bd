"""The corpus readers keep headings, paragraphs, lists and definitions, and drop what is no text."""
import gzip
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models/corpus"))
import build
import html_reader
import man_reader
import other_readers
from text import clean, heading, sound

PAGE = """<html><head><title>Heaps</title></head><body><div class="related"><h3>Navigation</h3><p>Previous topic</p></div>
<div class="body" role="main"><h1>1.2. Heap queues<a class="headerlink" href="#h">\u00b6</a></h1>
<p>A \u201cheap\u201d is a <em>binary</em> tree<sup>[1]</sup> whose parents are small.
<p>Its advantages are:</p><ul><li>It is fast</li><li>It is small</li></ul>
<dl><dt>heappush(<em>heap</em>, <em>item</em>)<a class="headerlink">\u00b6</a></dt>
<dd><p>Push the value <em>item</em> onto the &lt;heap&gt;.</p><pre>heappush(h, 1)</pre></dd></dl>
<h2>Theory</h2><table><tr><td>cells are no sentences at all</td></tr></table><p>Ends 2<sup>31</sup> items later, which is far.</p>
</div></body></html>"""

MAN = """.TH FROB 1 2026-01-01 "Example 1.0"
.SH NAME
frob, unfrob \\- turn frobs around
.SH SYNOPSIS
frob [\\-x]
.SH DESCRIPTION
The
.B frob
program turns things around. It was written by a person <person@example.org> in 1980.
.SS Options of old
.TP
.B \\-x
Turn twice.
.TP
.B \\-\\-long
Turn for a long time.
.nf
code is no text
.fi
.SH "SEE ALSO"
other(1)
"""


def blocks(document):
    return [(s["heading"], b["kind"], b.get("term"), b["text"]) for s in document["sections"] for b in s["blocks"]]


class HtmlTest(unittest.TestCase):
    def test_a_page_becomes_headings_paragraphs_and_definitions(self):
        document = html_reader.read(PAGE, "s", "heapq.html", 'role="main"')
        self.assertEqual(document["title"], "Heap queues")
        top = ["Heap queues"]
        self.assertEqual(blocks(document), [
            (top, "prose", None, 'A "heap" is a binary tree whose parents are small.'),
            (top, "prose", None, "Its advantages are: It is fast; It is small."),
            (top, "definition", "heappush(heap, item)", "Push the value item onto the <heap>."),
            (top, "code", None, "heappush(h, 1)"),
            (["Heap queues", "Theory"], "prose", None, "Ends 2^31 items later, which is far.")])

    def test_a_page_without_its_main_part_is_no_document(self):
        self.assertIsNone(html_reader.read("<p>only navigation</p>", "s", "n", 'role="main"'))

    def test_text_after_a_function_heading_explains_that_function(self):
        page = "<h2>Files</h2><h3>fs.close(fd)</h3><p>Closes the file descriptor at once.</p><p>More about it here.</p>"
        self.assertEqual([b[1:3] for b in blocks(html_reader.read(page, "s", "fs.html"))],
                         [("definition", "fs.close(fd)"), ("prose", None)])


class ManTest(unittest.TestCase):
    def test_a_manual_page_becomes_its_name_line_prose_and_options(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/frob.1.gz"
            with gzip.open(path, "wt") as file:
                file.write(MAN)
            document = man_reader.read(path, "s", "frob.1")
            self.assertIsNone(man_reader.read(self.redirect(folder), "s", "unfrob.1"))
        self.assertEqual(document["title"], "frob, unfrob - turn frobs around")
        self.assertEqual(blocks(document), [
            (["frob"], "definition", "frob, unfrob", "turn frobs around"),
            (["frob", "Description"], "prose", None,
             "The frob program turns things around. It was written by a person in 1980."),
            (["frob", "Description", "Options of old"], "definition", "-x", "Turn twice."),
            (["frob", "Description", "Options of old"], "definition", "--long", "Turn for a long time.")])

    def redirect(self, folder):
        with gzip.open(f"{folder}/unfrob.1.gz", "wt") as file:
            file.write(".so man1/frob.1\n")
        return f"{folder}/unfrob.1.gz"


class DictionaryTest(unittest.TestCase):
    def test_numbers_are_base_64_with_the_most_significant_digit_first(self):
        self.assertEqual([other_readers.number(n) for n in ("A", "b", "/", "BA", "CBbq")], [0, 27, 63, 64, 2 * 64**3 + 64**2 + 27 * 64 + 42])

    def test_a_jargon_entry_loses_its_pronunciation_and_references(self):
        entry = "heisenbug\n /hi:'zen-buhg/, n.\n\n    [from physics] A bug that {hides} when one\n    probes it. See {mandelbug}.\n"
        with tempfile.TemporaryDirectory() as folder:
            with gzip.open(f"{folder}/jargon.dict.dz", "wt") as file:
                file.write(entry)
            with open(f"{folder}/jargon.index", "w") as file:
                digits = list(other_readers.DIGITS)
                file.write(f"heisenbug\tA\t{digits[len(entry) // 64]}{digits[len(entry) % 64]}\n")
            self.assertEqual([b[2:] for d in other_readers.jargon(folder) for b in blocks(d)],
                             [("heisenbug", "A bug that hides when one probes it. See mandelbug.")])

    def test_a_synset_is_its_words_and_its_gloss_without_examples(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in other_readers.PARTS:
                with open(f"{folder}/{name}", "w") as file:
                    file.write("  1 a licence\n")
                    if name == "data.verb":
                        file.write('00004605 29 v 02 exhale 1 give_forth 0 001 @ 00105333 v 0000 01 + 08 00 '
                                   '| give out (breath or an odor); "The chimney exhales a thick smoke"  \n')
            self.assertEqual([b[2:] for d in other_readers.wordnet(folder) for b in blocks(d)],
                             [("exhale, give forth", "give out (breath or an odor)")])

    def test_a_calendar_gives_dates_in_words(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/calendar.history"
            with open(path, "w") as file:
                file.write("/* a comment */\n01/02\tCanada and the United States agree\n\tto agree, 1929\n\n#endif\nEaster\tno date here\n")
            self.assertEqual([b[2:] for b in blocks(other_readers.calendar(path, "calendar.history"))],
                             [("2 January", "Canada and the United States agree to agree, 1929.")])


class BuildTest(unittest.TestCase):
    def test_text_is_cleaned(self):
        self.assertEqual(clean("\u201cso\u201d\u00a0 it\u2019s\n  said\u200b"), '"so" it\'s said')
        self.assertEqual([heading(h) for h in ("Chapter 3. Choosing", "6.2.1. Start", "lists (stdlib v8.1)", "3D shapes")],
                         ["Choosing", "Start", "lists", "3D shapes"])

    def test_what_reads_as_no_text_is_dropped(self):
        for text in ("ab [ -A auth:pass ] [ -b size ] [ -B addr ] [ -c n ] [ -d ].", "cut in the middle of a sentence,",
                     "Too short.", "| + - = % & | + - = % & | + - ="):
            self.assertFalse(sound({"kind": "prose", "text": text}), text)
        self.assertTrue(sound({"kind": "prose", "text": "A server with 2 disks answers at 10.0.0.1."}))

    def test_a_paragraph_that_stood_before_is_dropped(self):
        def document():
            return html_reader.read("<h1>T</h1><p>The same sentence of some words stands here again.</p><p>" + "Other words follow it. " * 3,
                                    "s", "n")
        seen = set()
        self.assertEqual(len(blocks(build.without_duplicates(document(), seen))), 2)
        self.assertIsNone(build.without_duplicates(document(), seen))

    def test_about_one_document_in_fifty_is_held_back_and_always_the_same(self):
        names = [{"source": "s", "document": str(i)} for i in range(5000)]
        held = [d["document"] for d in names if build.held_in(d)]
        self.assertEqual(held, [d["document"] for d in names if build.held_in(d)])
        self.assertTrue(60 <= len(held) <= 140, len(held))


if __name__ == "__main__":
    unittest.main()
