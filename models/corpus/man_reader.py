"""Manual pages as documents: groff lays each out on one long line a paragraph, whose indentation tells what it is."""
import gzip
import re
import subprocess

from text import Writer, clean, without_mail

LITERAL = re.compile(r"^\.(?:nf|EX|Vb|Bd\s+-(?:literal|unfilled)|TS)\b.*?^\.(?:fi|EE|Ve|Ed|TE)\b[^\n]*$", re.S | re.M)
DROPPED = {"SYNOPSIS", "SEE ALSO", "COPYRIGHT", "AUTHORS", "AUTHOR", "COLOPHON", "LICENSE", "LIBRARY", "STANDARDS", "EXAMPLES",
           "EXAMPLE", "REPORTING BUGS", "VERSIONS", "HARDWARE", "FILES"}
MARK = "\u29d8"  # stands where code stood


def lay_out(path):
    raw = gzip.open(path).read()
    if raw.startswith(b".so "):
        return None
    roff = LITERAL.sub(lambda _: f".br\n{MARK}\n.br", raw.decode("utf-8", "replace"))
    # One space after a sentence, so that two of them always part a term from its text.
    done = subprocess.run(["groff", "-k", "-mandoc", "-Tutf8", "-rLL=20000n", "-rIN=5n", "-P-cbou", "-"], capture_output=True,
                          input=(".ss 12 0\n.hy 0\n" + roff).encode(), check=True)
    return done.stdout.decode("utf-8", "replace").splitlines()


def read(path, source, name):
    lines = lay_out(path)
    if lines is None:
        return None
    return document(lines, source, name)


def indent_of(line):
    return len(line) - len(line.lstrip())


def document(lines, source, name):
    """The document of a page that groff laid out. None: it has no NAME line."""
    out, section, term, title = Writer(), "", None, ""
    lines = [line.rstrip() for line in lines[1:-1]]
    for at, line in enumerate(lines):
        text = clean(line.replace(MARK, " "))
        if not text:
            continue
        indent = indent_of(line)
        if indent == 0:
            section, term = text, None
            if section not in DROPPED:
                out.head(2, section.capitalize() if section.isupper() else section)
            continue
        if section in DROPPED:
            continue
        if section == "NAME":
            names, dash, text = re.sub(r"\s[\u2013\u2014-]{1,2}\s", "\0", text, count=1).partition("\0")
            if dash and not title:
                title = f"{names} - {text}"
                out.path = []
                out.head(1, names.split(",")[0])
                out.define(names, text)
            continue
        if indent <= 3 and at and not lines[at - 1].strip():
            out.head(3, text)
            term = None
            continue
        following = next((l for l in lines[at + 1:at + 2] if l.strip()), "")
        tag, gap, body = line.strip().partition("  ")
        if term is not None and indent > term[0]:
            out.define(term[1], without_mail(text))
            term = None
        elif gap and body.strip() and len(tag.split()) <= 8:
            if tag in ("\u2022", "-", "*", "o") or re.fullmatch(r"\(?\w{1,2}[.)]", tag):
                out.prose(without_mail(body))
            else:
                out.define(tag, without_mail(body))
            term = None
        elif following and indent_of(following) > indent and len(text.split()) <= 12 and not text.endswith("."):
            term = (indent, f"{term[1]}, {text}" if term is not None and term[0] == indent else text)
        else:
            term = None
            out.prose(without_mail(text))
    return out.document(source, name, title) if title else None
