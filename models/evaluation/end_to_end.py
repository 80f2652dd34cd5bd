"""Set e: documents as files through `casemate ingest`, then search and answer through the API that `casemate ask` uses."""
import collections
import html
import random
import re
import time

import judging
import passages
import questions as sets
from asking import ask_all

FIRST = 5  # results


def markdown(document):
    lines, above = [], []
    for section in document["sections"]:
        for level, heading in enumerate(section["heading"]):
            if section["heading"][:level + 1] != above[:level + 1]:
                lines.append("#" * min(6, level + 1) + " " + heading)
        above = section["heading"]
        for block in section["blocks"]:
            if block["kind"] == "code":
                lines.append("```\n" + block["text"].replace("```", "'''") + "\n```")
            else:
                lines.append(f"{block['term']}: {block['text']}" if block["kind"] == "definition" else block["text"])
    return "\n\n".join(lines) + "\n"


def web_page(document):
    out, above = [f"<!DOCTYPE html><html><head><title>{html.escape(document['title'])}</title></head><body>"], []
    for section in document["sections"]:
        for level, heading in enumerate(section["heading"]):
            if section["heading"][:level + 1] != above[:level + 1]:
                n = min(6, level + 1)
                out.append(f"<h{n}>{html.escape(heading)}</h{n}>")
        above = section["heading"]
        for block in section["blocks"]:
            text = html.escape(block["text"])
            if block["kind"] == "definition":
                out.append(f"<dl><dt>{html.escape(block['term'])}</dt><dd>{text}</dd></dl>")
            else:
                out.append(f"<pre>{text}</pre>" if block["kind"] == "code" else f"<p>{text}</p>")
    return "\n".join([*out, "</body></html>"])


def plain(document):
    """A manual page as `man` prints it: headings in capitals, text indented."""
    out = []
    for section in document["sections"]:
        inner = section["heading"][1:]
        out.append(" - ".join(inner).upper() if inner else "NAME")
        for block in section["blocks"]:
            if block["kind"] == "definition" and not inner:
                out.append(f"       {block['term']} - {block['text']}")
            elif block["kind"] == "definition":
                out.append(f"       {block['term']}\n              {block['text']}")
            else:
                out.append("       " + block["text"])
    return "\n\n".join(out) + "\n"


def entries(documents):
    """(term, markdown) of every entry of FOLDOC: the definition and what follows up to the next."""
    for document in documents:
        if document["source"] != "dict-foldoc":
            continue
        for section in document["sections"]:
            entry = None
            for block in section["blocks"]:
                if block["kind"] == "definition":
                    if entry:
                        yield entry
                    entry = (block["term"], f"# {block['term']}\n\n{block['text']}\n")
                elif entry:
                    entry = (entry[0], entry[1] + f"\n{block['text']}\n")
            if entry:
                yield entry


def file_name(text):
    return re.sub(r"[^\w.-]+", "_", text)[:60]


def prepare(folder, documents, pool, count, most):
    """Writes the files, at most about `most` entries of FOLDOC and as many manual pages, and draws the questions: {"files", "questions":
    [{..., "file"}]}. Of `count` half ask for facts (questions.json)."""
    rng = random.Random(sets.SEED + 3)
    facts = [q for q in sets.by_hand() if q["answer"] is not None]
    rng.shuffle(facts)
    facts = facts[:count // 2]
    terms = {}
    for term, text in entries(documents):
        terms.setdefault(term, text)
    once = {d.term for d in pool.definitions if d.source == "dict-foldoc"}
    drawn = sorted(once & set(terms))
    rng.shuffle(drawn)
    chosen = list(dict.fromkeys([q["about"] for q in facts if q["source"] == "dict-foldoc"] + drawn[:most]))
    made = collections.Counter()
    for number, term in enumerate(chosen):
        (folder / f"foldoc-{number:03}-{file_name(term)}.md").write_text(terms[term], encoding="utf-8")
        made["FOLDOC entries, Markdown"] += 1
    names = {term: f"foldoc-{number:03}-{file_name(term)}.md" for number, term in enumerate(chosen)}
    pages = {"manpages": (plain, ".txt", "manual pages, plain text"), "debian-handbook": (web_page, ".html", "handbook chapters, HTML"),
             "debian-faq": (markdown, ".md", "FAQ chapters, Markdown"),
             "developers-reference": (web_page, ".html", "developer's reference chapters, HTML")}
    needed = {q["document"] for q in facts if q["source"] == "manpages"}
    for document in documents:
        if document["source"] == "manpages" and document["document"] not in needed and made[pages["manpages"][2]] >= most:
            continue
        if document["source"] in pages:
            write, ending, kind = pages[document["source"]]
            name = f"{document['source']}-{file_name(document['document'].removesuffix('.html'))}{ending}"
            (folder / name).write_text(write(document), encoding="utf-8")
            names[document["source"], document["document"]] = name
            made[kind] += 1
    return {"files": dict(made), "questions": ask_about(facts, pool, names, count, rng)}


def ask_about(facts, pool, names, count, rng):
    asked = []
    for item in facts:
        segment = sets.place_of(item, pool.segments)
        name = names[item["about"]] if item["source"] == "dict-foldoc" else names[item["source"], segment.document]
        asked.append({"set": "e", "source": item["source"], "question": item["question"], "gold": 1, "fact": item["answer"], "file": name,
                      "sentence": sets.sentence_with(segment.text, item["answer"], item["key"]), "kind": item["kind"]})
    wanted = [d for d in pool.definitions if (d.source == "dict-foldoc" and d.term in names)
              or (d.name_line and (d.source, d.document) in names)]
    rng.shuffle(wanted)
    for definition in wanted[:count - len(asked)]:
        name = names[definition.term] if definition.source == "dict-foldoc" else names[definition.source, definition.document]
        asked.append({"set": "e", "source": definition.source, "question": sets.ask(definition, rng), "gold": 1, "file": name,
                      "defining": definition.sentence, "kind": "definition"})
    return asked


def run(server, model, documents, pool, count, most, quotes="verbatim"):
    folder = server.deployment.base / "files"
    folder.mkdir()
    made = prepare(folder, documents, pool, count, most)
    begun = time.monotonic()
    server.deployment.ingest(folder, collection="held-out", timeout=1800)
    ingested = time.monotonic() - begun
    store = server.deployment.json("collection", "list")
    store = next(row["id"] for row in (store["collections"] if isinstance(store, dict) else store) if row["name"] == "held-out")

    def one(question):
        wanted = question.get("fact") or judging.defining_text(question["defining"])
        _, search = server.post(f"/v1/vector_stores/{store}/search", {"query": question["question"], "max_num_results": FIRST})
        hits = [(hit["filename"], " ".join(part["text"] for part in hit["content"])) for hit in search["data"]]
        ranks = [n for n, (name, text) in enumerate(hits, 1)
                 if name.rsplit("/", 1)[-1] == question["file"] and judging.holds(text, wanted)]
        status, body = server.post("/v1/responses", {
            "model": model, "input": question["question"], "temperature": 0, "casemate": {"quotes": quotes},
            "tools": [{"type": "file_search", "vector_store_ids": [store]}], "max_output_tokens": 160})
        if status != 200:
            return {"rank": ranks[0] if ranks else 0, "text": "", "error": body["error"]["message"], "cited": []}
        message = next(item for item in body["output"] if item["type"] == "message")["content"][0]
        return {"rank": ranks[0] if ranks else 0, "text": message["text"],
                "cited": sorted({note["filename"].rsplit("/", 1)[-1] for note in message["annotations"]})}

    begun = time.monotonic()
    said = ask_all(one, made["questions"])
    return {"files": made["files"], "questions": made["questions"], "said": said, "ingest_s": ingested,
            "asking_s": time.monotonic() - begun, "verdicts": [verdict(q, a) for q, a in zip(made["questions"], said)]}


def verdict(question, said):
    """Right: the answer holds what was wanted and every citation is to the right document."""
    found = judging.judge(question, said["text"])
    found["citation"] = said["cited"] == [question["file"]]
    found["found"] = said["rank"] > 0
    found["right"] = found["answer"] and found["citation"]
    return found
