#!/usr/bin/env python3
"""Builds the corpus that the shipped models learn from and are judged by: build.py OUT [--only SOURCE,...].

Reads what Debian's packages install (packages.txt, sections models and held-out) and writes OUT/train.jsonl,
OUT/held_in.jsonl, OUT/held_out.jsonl and OUT/manifest.json; models/corpus/README.md says what stands in them.
The same package versions give the same bytes. Does nothing where OUT was made by the same versions and scripts.
"""
import argparse
import glob
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import html_reader
import man_reader
import other_readers
from text import sound

HERE = pathlib.Path(__file__).resolve().parent
DOC = "/usr/share/doc"
HELD_IN_OF = 50  # one document of so many of the trained sources is held back


def pages(source, root, begin=None, skip=r"$^", drop=None):
    """The HTML pages below `root`, without those whose path `skip` finds."""
    skipped = re.compile(skip)
    for path in sorted(glob.glob(f"{root}/**/*.html", recursive=True)):
        name = os.path.relpath(path, root)
        if skipped.search(name) or os.path.islink(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            document = html_reader.read(file.read(), source, name, begin, drop)
        if document:
            yield document


def manuals(source, package):
    """A package's own manual pages; a page that only names another counts once, under the other's name."""
    seen = set()
    for path in sorted(installed(package)):
        if "/man/man" in path and path.endswith(".gz") and not os.path.islink(path) and os.stat(path).st_ino not in seen:
            seen.add(os.stat(path).st_ino)
            document = man_reader.read(path, source, os.path.basename(path).removesuffix(".gz"))
            if document:
                yield document


def installed(package):
    return subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=True).stdout.split("\n")


def python_doc():
    skip = (r"^(whatsnew|_static|includes|distributing|installing|deprecations)/|(^|/)(genindex|search|contents|index|license|"
            r"copyright|bugs|about|download|py-modindex|improve-page|glossary-nojs|changelog|superseded|removed)[^/]*\.html$")
    yield from pages("python3-doc", sorted(glob.glob(f"{DOC}/python3.*/html"))[0], 'role="main"', skip)


def erlang_doc():
    skip = (r"(^|/)(404|search|api-reference|index|readme|license|sbom|vulnerabilities|notes|release_notes|deprecations|"
            r"removed|scheduled_for_removal|upcoming_incompatibilities|sshnotes|otp-patch-apply)[^/]*\.html$|lib/(wx|megaco|jinterface)-"
            r"|/assets/|man_index|_app_a\.html|^index")
    seen = set()
    for document in pages("erlang-doc", f"{DOC}/erlang-doc", 'id="top-content"', skip):
        # Versions of applications stand in the paths; names must not change with each of them.
        document["document"] = re.sub(r"-[\d.]+/doc/html", "", document["document"])
        if document["document"] not in seen:
            seen.add(document["document"])
            yield document


def calendars():
    # Birthdays of the projects' own people are theirs, and other languages than English are not wanted.
    skip = {"all", "freebsd", "debian", "croatian", "french", "german", "hungarian", "russian", "ukrainian", "dutch",
            "argentina", "discordian", "lotr", "kazakhstan"}
    for path in sorted(glob.glob("/usr/share/calendar/calendar.*")):
        name = os.path.basename(path)
        if name.split(".")[1] not in skip and "judaic" not in name:
            yield other_readers.calendar(path, name)


# name: (package, licence, trained on?, documents)
SOURCES = {
    "wordnet-base": ("wordnet-base", "WordNet", True, lambda: other_readers.wordnet("/usr/share/wordnet")),
    "python3-doc": ("python3.14-doc", "PSF-2.0", True, python_doc),
    "postgresql-doc-18": ("postgresql-doc-18", "PostgreSQL", True, lambda: pages(
        "postgresql-doc-18", f"{DOC}/postgresql-doc-18/html", "<body",
        r"^(release|bookindex|errcodes|sql-keywords|acronyms|legalnotice|biblio|contrib-prog|features|unsupported|index|views)")),
    "sqlite3-doc": ("sqlite3-doc", "public domain", True, lambda: pages(
        "sqlite3-doc", f"{DOC}/sqlite3", "<body", r"^(releaselog|syntax)/|^(changes|chronology|copyright|crew|consortium|news|"
        r"oldnews|sitemap|doclist|keyword_index|toc|search|doc_|download|books|press|prosupport|index|codeof|hp1|mostdeployed|"
        r"docs|requirements|vdbe|cves|support|famous|lts|version3|formatchng|pgszchng)|list\.html$")),
    "apache2-doc": ("apache2-doc", "Apache-2.0", True, lambda: pages(
        "apache2-doc", f"{DOC}/apache2-doc/manual/en", 'id="page-content"',
        r"(^|/)(license|new_features|upgrading|index|sitemap|quickreference|directives|contributors)[^/]*\.html$")),
    "nodejs-doc": ("nodejs-doc", "MIT", True, lambda: pages(
        "nodejs-doc", f"{DOC}/nodejs/api", 'id="apicontent"', r"^(all|index|deprecations|documentation|synopsis)\.html",
        # The package escapes its links to types twice.
        lambda page: re.sub(r"&lt;a href=.*?&gt;|&lt;/a&gt;|&#x3C;a href=.*?>|&#x3C;/a>", "", page))),
    "erlang-doc": ("erlang-doc", "Apache-2.0", True, erlang_doc),
    "libssl-doc": ("libssl-doc", "Apache-2.0", True, lambda: manuals("libssl-doc", "libssl-doc")),
    "freebsd-manpages": ("freebsd-manpages", "BSD", True, lambda: manuals("freebsd-manpages", "freebsd-manpages")),
    "dict-jargon": ("dict-jargon", "public domain", True, lambda: other_readers.jargon("/usr/share/dictd")),
    "calendar": ("calendar", "BSD", True, calendars),
    "dict-foldoc": ("dict-foldoc", "GFDL-1.1+", False, lambda: other_readers.foldoc("/usr/share/dictd")),
    "debian-handbook": ("debian-handbook", "GPL-2+ or CC-BY-SA-3.0", False, lambda: pages(
        "debian-handbook", f"{DOC}/debian-handbook/html/en-US", "<body", r"^(index|foreword)")),
    "debian-faq": ("debian-faq", "GPL-2+", False, lambda: pages(
        "debian-faq", f"{DOC}/debian/FAQ", "<body", r"^(?!.*\.en\.html$)|^(index|faqinfo)")),
    "developers-reference": ("developers-reference", "GPL-2+", False, lambda: pages(
        "developers-reference", "/usr/share/developers-reference", 'role="main"', r"^(index|search|_static|genindex|developers-ref)")),
    "manpages": ("manpages", "several free licences, each page's own", False, lambda: manuals("manpages", "manpages")),
}


def version_of(package):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=True).stdout


def without_duplicates(document, seen):
    """Drops blocks that stood before, or that read as no text; the document, or None where too little is left."""
    for section in document["sections"]:
        kept = []
        for block in section["blocks"]:
            key = hashlib.sha256((block.get("term", "") + "\n" + block["text"]).encode()).digest()[:12]
            if key not in seen and sound(block):
                seen.add(key)
                kept.append(block)
        section["blocks"] = kept
    document["sections"] = [s for s in document["sections"] if s["blocks"]]
    text = words(document)
    code = sum(len(b["text"].split()) for s in document["sections"] for b in s["blocks"] if b["kind"] == "code")
    return document if text >= 10 and code <= 2 * text else None


def words(document):
    return sum(len(b["text"].split()) for s in document["sections"] for b in s["blocks"] if b["kind"] != "code")


def held_in(document):
    name = document["source"] + "/" + document["document"]
    return int.from_bytes(hashlib.sha256(name.encode()).digest()) % HELD_IN_OF == 0


def build(out, names):
    out.mkdir(parents=True, exist_ok=True)
    scripts = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(HERE.glob("*.py")))).hexdigest()
    versions = {name: version_of(SOURCES[name][0]) for name in names}
    manifest = out / "manifest.json"
    if manifest.exists():
        old = json.loads(manifest.read_text())
        if old["scripts"] == scripts and {n: s["version"] for n, s in old["sources"].items()} == versions:
            print(f"corpus: {out} is up to date")
            return
        manifest.unlink()
    seen, report = set(), {}
    files = {name: open(out / f"{name}.jsonl", "w", encoding="utf-8") for name in ("train", "held_in", "held_out")}
    for name in names:
        package, license_name, trained, documents = SOURCES[name]
        count = {"package": package, "version": versions[name], "license": license_name, "trained": trained,
                 "documents": 0, "words": 0, "blocks": 0, "definitions": 0}
        for document in documents():
            document = without_duplicates(document, seen)
            if not document:
                continue
            kind = "held_out" if not trained else "held_in" if held_in(document) else "train"
            files[kind].write(json.dumps(document, ensure_ascii=False) + "\n")
            blocks = [b for s in document["sections"] for b in s["blocks"]]
            count["documents"] += 1
            count["words"] += words(document)
            count["blocks"] += len(blocks)
            count["definitions"] += sum(b["kind"] == "definition" for b in blocks)
        if not count["documents"]:
            sys.exit(f"corpus: package {package} gave no document: is it installed with its documentation?")
        report[name] = count
        print(f"{name:22} {count['documents']:6} documents {count['blocks']:8} blocks {count['definitions']:7} definitions "
              f"{count['words']:9} words", flush=True)
    for file in files.values():
        file.close()
    manifest.write_text(json.dumps({"scripts": scripts, "sources": report}, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--only", help="sources, with commas between (default: all)")
    options = parser.parse_args()
    build(options.out, options.only.split(",") if options.only else list(SOURCES))
