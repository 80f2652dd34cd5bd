"""HTML manuals as documents: a small tolerant parser and a walk that keeps headings, paragraphs, lists, definitions."""
import html
import re

from text import Writer, clean

TOKEN = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[!?][^>]*>|<(/?)([a-zA-Z][\w:-]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>"
                   r"|([^<]+)|<", re.S)
CLASS = re.compile(r"""\b(class|id)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
VOID = {"br", "img", "hr", "input", "meta", "link", "col", "area", "wbr", "source", "base"}
RAW = re.compile(r"<(script|style|svg|head)\b.*?</\1\s*>", re.S | re.I)
INLINE = {"a", "abbr", "acronym", "b", "big", "cite", "code", "dfn", "em", "font", "i", "kbd", "q", "s", "samp", "small",
          "span", "strong", "sub", "sup", "tt", "u", "var", "strike", "ins", "mark", "label", "nobr", "br", "img", "wbr"}
# An opening tag on the left ends the nearest open one on the right, unless a container stands between.
ENDS = {"li": ({"li"}, {"ul", "ol"}), "dt": ({"dt", "dd"}, {"dl"}), "dd": ({"dt", "dd"}, {"dl"}),
        "tr": ({"tr", "td", "th"}, {"table"}), "td": ({"td", "th"}, {"tr", "table"}), "th": ({"td", "th"}, {"tr", "table"})}
SKIPPED_TAGS = {"nav", "script", "style", "table", "form", "button", "footer", "aside", "svg", "iframe", "select", "details"}
SKIPPED_CLASSES = {
    "headerlink", "toc", "related", "sphinxsidebar", "navheader", "navfooter", "indexterm", "id_link", "permalink", "mark",
    "footnote-reference", "footnote", "footnotes", "brackets", "docnav", "nosearch", "toctree-wrapper", "contents", "topic",
    "up", "bottomlang", "toplang", "seealso", "versionadded", "versionchanged", "deprecated", "refsynopsisdiv", "synopsis",
    "specs", "summary", "top-search", "bottom-actions", "detail-link", "icon-action", "hover-link", "api_metadata", "legacy",
    "fancy_toc", "fancy-toc", "screenreader-only", "literalblock", "figure", "mediaobject", "impl-detail-marker", "menu",
    "availability", "directive", "warning-mark", "srclink", "changelog", "copyright", "legalnotice", "revhistory", "comments",
    "threat", "retrieve", "api_stability", "no-print", "footer", "retdesc", "stableabi", "refcount", "threadsafety", "clear", "edit-note", "admonition-see-also"}
SKIPPED_IDS = {"quickview", "comments_section", "footer", "path", "title", "banner", "toc", "topics", "gtoc", "toc_sub",
               "toggle_div", "secnav", "alt-docs", "preamble"}


class Node:
    __slots__ = ("tag", "classes", "id", "children")

    def __init__(self, tag, attributes=""):
        self.tag, self.classes, self.id, self.children = tag, (), "", []
        if attributes:
            for name, *values in CLASS.findall(attributes):
                value = "".join(values)
                if name == "class":
                    self.classes = tuple(value.split())
                else:
                    self.id = value


def parse(source):
    root = Node("root")
    stack = [root]
    for match in TOKEN.finditer(RAW.sub(" ", source)):
        closing, tag, attributes, text = match.groups()
        if text is not None:
            stack[-1].children.append(text)
        elif tag is not None:
            tag = tag.lower()
            if closing:
                for at in range(len(stack) - 1, 0, -1):
                    if stack[at].tag == tag:
                        del stack[at:]
                        break
                continue
            if tag in ENDS:
                ended, containers = ENDS[tag]
                for at in range(len(stack) - 1, 0, -1):
                    if stack[at].tag in containers:
                        break
                    if stack[at].tag in ended:
                        del stack[at:]
                        break
            elif tag not in INLINE and stack[-1].tag == "p":
                stack.pop()
            node = Node(tag, attributes)
            stack[-1].children.append(node)
            if tag not in VOID and not attributes.rstrip().endswith("/"):
                stack.append(node)
    return root


def skipped(node):
    return node.tag in SKIPPED_TAGS or node.id in SKIPPED_IDS or not SKIPPED_CLASSES.isdisjoint(node.classes)


def raw_text(node):
    if isinstance(node, str):
        return node
    return "".join(map(raw_text, node.children))


def inline(node):
    """The text of a node without what is skipped and without the blocks inside it."""
    if isinstance(node, str):
        return node
    if node.tag in ("br", "img"):
        return " "
    if skipped(node) or node.tag in ("pre", "ul", "ol", "dl"):
        return " "
    text = "".join(map(inline, node.children))
    if node.tag == "sup":
        inner = text.strip()
        return "^" + inner if inner.isalnum() else ""
    return text


def words_of(node):
    return clean(html.unescape(inline(node)))


def find(node, wanted):
    """The first node for which `wanted` holds, in reading order."""
    for child in node.children:
        if isinstance(child, Node):
            if wanted(child):
                return child
            found = find(child, wanted)
            if found:
                return found
    return None


class Walk:
    def __init__(self, level_of=None):
        self.out = Writer()
        self.stray = []  # text that stands in no paragraph of its own

    def flush(self):
        text = clean(html.unescape("".join(self.stray)))
        self.stray = []
        if len(text.split()) >= 5:
            self.out.prose(text)

    def children(self, node):
        for child in node.children:
            if isinstance(child, str) or child.tag in INLINE:
                if not isinstance(child, str) and (child.tag in ("a", "span") and find(child, block_tag)):
                    self.flush()
                    self.children(child)
                else:
                    self.stray.append(inline(child))
            else:
                self.flush()
                self.node(child)
        self.flush()

    def node(self, node):
        tag, classes = node.tag, node.classes
        if tag == "table" and "directive" in classes:
            self.directive(node)
        elif skipped(node):
            return
        elif tag[0] == "h" and tag[1:].isdigit():
            self.out.head(int(tag[1:]), words_of(node))
        elif "refnamediv" in classes:
            self.name_line(node)
        elif "sidebar" in classes:
            title = find(node, lambda n: "title" in n.classes)
            self.out.head(8, words_of(title) if title else "")
            self.children(node)
            self.out.leave(8)
        elif tag == "p" or "para" in classes:
            if "title" not in classes and "rubric" not in classes and "admonition-title" not in classes:
                self.paragraph(node)
        elif tag == "pre":
            self.out.code(html.unescape(raw_text(node)))
        elif tag in ("ul", "ol"):
            self.list(node)
        elif tag == "dl":
            self.definitions(node)
        elif tag == "section" and "detail" in classes:
            self.detail(node)
        else:
            self.children(node)

    def paragraph(self, node):
        """A paragraph; DocBook writes lists and code inside one."""
        text = []
        for child in node.children:
            if isinstance(child, Node) and child.tag not in INLINE:
                self.out.prose(html.unescape("".join(text)))
                text = []
                self.node(child)
            else:
                text.append(inline(child))
        if text:
            self.out.prose(html.unescape("".join(text)))

    def list(self, node):
        items = [c for c in node.children if isinstance(c, Node) and c.tag == "li"]
        simple = [i for i in items if not find(i, lambda n: n.tag in ("pre", "ul", "ol", "dl") and not skipped(n))
                  and len(words_of(i).split()) <= 80]
        links = sum(1 for i in items if len([c for c in i.children if isinstance(c, Node)]) == 1
                    and words_of(i) == words_of(next(c for c in i.children if isinstance(c, Node))))
        if len(simple) == len(items):
            if links < len(items) or len(items) <= 8:
                self.out.items([words_of(i) for i in items])
            return
        for item in items:
            self.children(item)

    def definitions(self, node):
        terms = []
        for child in node.children:
            if not isinstance(child, Node):
                continue
            if child.tag == "dt":
                terms.append(term_of(child))
            elif child.tag == "dd":
                self.define(", ".join(dict.fromkeys(t for t in terms if t))[:300], child)
                terms = []
            elif not skipped(child):
                self.node(child)

    def define(self, term, body):
        """The first paragraph explains the term; what follows stands for itself."""
        head, rest, words, begun = [], [], 0, False
        for child in body.children:
            if rest:
                rest.append(child)
            elif isinstance(child, str) or child.tag in INLINE:
                head.append(inline(child))
            elif skipped(child):
                continue
            elif child.tag in ("p",) or "para" in child.classes:
                text = words_of(child)
                if begun and words + len(text.split()) > 60:
                    rest.append(child)
                else:
                    head.append(" " + text)
                    words += len(text.split())
                    begun = True
                    rest.extend(c for c in child.children if isinstance(c, Node) and c.tag in ("pre", "ul", "ol", "dl"))
            elif child.tag == "div" and not begun and not rest and find(child, lambda n: n.tag == "p"):
                rest.append(child)
            else:
                rest.append(child)
        text = clean(html.unescape("".join(head)))
        if text:
            self.out.define(term, text)
        inner = Node("div")
        inner.children = rest
        self.children(inner)

    def directive(self, node):
        """Apache's table of facts above a directive or module."""
        name = self.out.path[-1][1] if self.out.path else ""
        name = re.sub(r" Directive$|^Apache Module ", "", name)
        row = find(node, lambda n: n.tag == "tr" and words_of(n).startswith("Description:"))
        if row and name:
            self.out.define(name, words_of(row)[len("Description:"):])

    def name_line(self, node):
        line = find(node, lambda n: n.tag == "p")
        term, dash, text = words_of(line).partition(" \u2014 ") if line else ("", "", "")
        if dash:
            self.out.head(2, term)
            self.out.define(term, text)

    def detail(self, node):
        """One function of ExDoc."""
        name = find(node, lambda n: "signature" in n.classes)
        body = find(node, lambda n: "docstring" in n.classes)
        if name and body:
            path = list(self.out.path)
            self.define(words_of(name), body)
            self.out.path, self.out.open = path, None


def block_tag(node):
    return node.tag not in INLINE


def term_of(node):
    spans = [c for c in node.children if isinstance(c, Node) and "term" in c.classes]
    text = ", ".join(words_of(s) for s in spans) if spans else words_of(node)
    return re.sub(r"\s+([,)\]])", r"\1", re.sub(r"([(\[])\s+", r"\1", text)).rstrip(": ")


def name_functions(sections):
    """Where a heading is a function's or an event's signature, what follows it explains that term."""
    for section in sections:
        last, first = section["heading"][-1:] or [""], section["blocks"][:1]
        if first and first[0]["kind"] == "prose" and re.search(r"\w\(.*\)$|^(Event|Class): |^--?\w|^[a-z]\w*\.\w+$|^[A-Z]+_[A-Z_]+$", last[0]):
            first[0].update(kind="definition", term=re.sub(r"^(?:Event|Class): ", "", last[0]), text=first[0].pop("text"))


def read(page, source, name, begin=None, drop=None):
    """One page as a document: from the marker `begin` on where there is one, changed by `drop` where one is given.
    None: it has no such marker."""
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.S | re.I)
    if begin:
        at = page.find(begin)
        if at < 0:
            return None
        page = page[at:]
    if drop:
        page = drop(page)
    walk = Walk()
    walk.children(parse(page))
    walk.out.sections = [s for s in walk.out.sections if s["blocks"]]
    name_functions(walk.out.sections)
    first = next((s["heading"][0] for s in walk.out.sections if s["heading"]), "")
    return walk.out.document(source, name, first or html.unescape(title.group(1) if title else name))
