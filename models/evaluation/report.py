"""models/EVALUATION.md from the results of evaluate.py."""
import judging
import runs

TARGETS = [  # (set, what of a question, verdict, least share, words)
    ("a", lambda q: True, "answer", 0.97, "answerable, the defining text is in the answer"),
    ("a", lambda q: True, "citation", 0.99, "answerable, the right citation and no other"),
    ("b", lambda q: True, "right", 0.90, "unanswerable, refused"),
    ("c", lambda q: q["gold"] > 0, "right", 0.70, "who, when, where, how many, how: right answer and citation"),
]
SETS = {"a": "answerable: what is it, what does it do", "b": "unanswerable", "c": "who, when, where, how many, how"}


def share(good, of):
    if of == 0:
        return "-"
    low, high = judging.wilson(good, of)
    return f"{good} of {of} ({100 * good / of:.1f} %, {100 * low:.1f} to {100 * high:.1f})"


def met(good, of, least):
    return "met" if of and good / of >= least else f"**missed**: {100 * least:.0f} %"


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head, rows):
    return [row(*head), row(*["---"] * len(head)), *[row(*r) for r in rows], ""]


def cell(text, most=300):
    text = judging.collapse(text or "").replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= most else text[:most] + " ..."


def markdown(results):
    lines = head(results)
    lines += targets(results)
    for name, title in SETS.items():
        if name in results["runs"]:
            lines += one_set(name, title, results)
    lines += lengths(results) + end_to_end(results) + repetition(results)
    if "retrieval_markdown" in results:
        lines += ["## Retrieval", "", results["retrieval_markdown"].strip(), ""]
    lines += misses(results) + how_made(results)
    return "\n".join(lines).rstrip() + "\n"


def head(results):
    about = results["about"]
    lines = ["# Evaluation of the shipped models", "",
             "Written by `./dev model eval`; nothing in it is edited by hand. What is asked and what counts as right:",
             "[evaluation/README.md](evaluation/README.md).", "",
             f"    {about['command']}", "",
             f"Took {about.get('seconds', 0) // 60} min {about.get('seconds', 0) % 60} s on {about['cores']} cores; seed {about['seed']}. Intervals are Wilson's, 95 %.", ""]
    if about["quick"]:
        lines += ["**A quick run**: too few questions to judge a model by.", ""]
    return lines + table(("file", "role", "bytes", "SHA-256"),
                         [(f["name"], role, f"{f['bytes']:,}", f"`{f['sha256']}`") for role, f in about["files"].items()])


def targets(results):
    rows = []
    for name, wanted, what, least, words in TARGETS:
        for run in results["runs"].get(name, [])[:2]:
            good, of = run.count(what, wanted)
            rows.append((words, run.name, share(good, of), f"{100 * least:.0f} %", met(good, of, least)))
    for how, e in results.get("e", {}).items():
        for what, least, words in (("found", 0.90, "end to end, the right passage in the first 5"), ("right", 0.75, "end to end, answer and document right")):
            good, of = sum(v[what] for v in e["verdicts"]), len(e["verdicts"])
            rows.append((words, "answerer, held to quote", share(good, of), f"{100 * least:.0f} %", met(good, of, least)))
    good, of = repeating(results)
    if of:
        rows.append(("answers that repeat themselves endlessly, of all", "answerer, both ways", f"{good} of {of}", "0", "met" if good == 0 else "**missed**"))
    return ["## Targets", "", "*Held to quote* is how Casemate's grounded answers are made: what stands between quotation marks is a span of",
            "the passage (docs/formats/grammar.md). *Free* is the model alone, so its own fidelity shows.", "",
            *table(("what", "system", "measured", "target", ""), rows)]


def one_set(name, title, results):
    found = results["runs"][name]
    lines = [f"## Set {name}: {title}", ""]
    if name == "b":
        lines += table(("system", "refused (right)", "same, hidden by a quotation or citation"),
                       [(r.name, share(*r.count("right")), runs_with_both(r)) for r in found])
        return lines + per_source(found, "right", lambda q: True)
    wanted = (lambda q: q["gold"] > 0)
    lines += table(("system", "answer", "citation", "both", "refused wrongly", "words quoted, mean"),
                   [(r.name, share(*r.count("answer", wanted)), share(*r.count("citation", wanted)), share(*r.count("right", wanted)),
                     share(*r.count("refused", wanted)), f"{mean_words(r):.0f}") for r in found])
    lines += fidelity(found)
    if name == "a":
        marked = (lambda q: '"' in q["defining"])
        lines += ["A quotation ends at a double quotation mark of the passage, so a defining text with one cannot be quoted whole:", "",
                  *table(("system", "answer, no mark in the defining text", "answer, with a mark"),
                         [(r.name, share(*r.count("answer", lambda q: not marked(q))), share(*r.count("answer", marked))) for r in found])]
        return lines + per_source(found, "right", wanted)
    for made, words in (("hand", "written by hand"), ("rule", "made by rule")):
        of_these = (lambda q, made=made: q["gold"] > 0 and q["made"] == made)
        if any(map(of_these, found[0].questions)):
            lines += table((f"answerable, {words}", "answer", "citation", "both"),
                           [(r.name, *(share(*r.count(what, of_these)) for what in ("answer", "citation", "right"))) for r in found])
    kinds = sorted({q["kind"] for q in found[0].questions})
    lines += table(("kind, right", *(r.name for r in found)),
                   [(kind, *(share(*r.count("right", lambda q, k=kind: q["gold"] > 0 and q["kind"] == k)) for r in found)) for kind in kinds])
    none = (lambda q: q["gold"] == 0)
    if any(map(none, found[0].questions)):
        lines += table(("unanswerable, the passage is about the thing (by hand)", "refused"), [(r.name, share(*r.count("right", none))) for r in found])
    return lines + per_source(found, "right", wanted)


def runs_with_both(run):
    """Answers that say the refusal and yet quote or cite."""
    return sum(1 for a, v in zip(run.said, run.verdicts) if judging.REFUSAL.search(a.get("text", "")) and not v["refused"])


def mean_words(run):
    found = [v["words"] for q, v in zip(run.questions, run.verdicts) if q["gold"] and not v["refused"]]
    return sum(found) / len(found) if found else 0


def fidelity(found):
    rows = []
    for run in found:
        good, of = run.quotations()
        if of:
            rows.append((run.name, share(good, of), f"{run.mean('answer_tokens'):.0f}", f"{run.seconds:.0f} s", run.errors()))
    return table(("system", "quotations that stand byte for byte in the passage they name", "tokens of an answer, mean", "took", "errors"), rows)


def per_source(found, what, wanted):
    sources = sorted({q["source"] for q in found[0].questions})
    return table((f"source, {'refused' if what == 'right' and found[0].questions[0]['gold'] == 0 else 'right'}", *(r.name for r in found)),
                 [(source, *(share(*r.count(what, lambda q, s=source: wanted(q) and q["source"] == s)) for r in found)) for source in sources])


def lengths(results):
    names = [name for name in results["runs"] if name.startswith("d ")]
    if not names:
        return []
    rows = []
    for name in names:
        for run in results["runs"][name]:
            of = {kind: (lambda q, k=kind: q["of"] == k and (k == "b" or q["gold"] > 0)) for kind in "abc"}
            tokens = f"{run.mean('prompt_tokens'):.0f}" if run.mean("prompt_tokens") else ""
            passages = sum(len(q["passages"]) for q in run.questions) / len(run.questions)
            rows.append((name[2:], run.name, tokens, f"{passages:.0f}", *(share(*run.count("right", of[k])) for k in "abc"), run.errors()))
    return ["## Set d: contexts of up to 2,048 tokens", "",
            "Questions of a, b and c (by hand) with as many near passages as fill the context. Right: answer and citation, or refused.", "",
            *table(("context", "system", "prompt tokens, mean", "passages", "answerable (a)", "unanswerable (b)", "facts (c)", "errors"), rows)]


def end_to_end(results):
    if "e" not in results:
        return []
    e = results["e"]["held"]
    files = sum(e["files"].values())
    lines = ["## Set e: end to end", "",
             f"A deployment made by `casemate init`, {files} files ({', '.join(f'{n} {kind}' for kind, n in e['files'].items())})",
             f"ingested in {e['ingest_s']:.0f} s, {len(e['questions'])} questions searched and answered in {e['asking_s']:.0f} s.",
             "Found: one of the first 5 results is from the right file and holds the defining text or the fact. Right: the answer",
             "holds it and cites that file and no other.", ""]
    kinds = sorted({q["kind"] for q in e["questions"]})
    pairs = list(zip(e["questions"], e["verdicts"]))
    rows = []
    for kind in [*kinds, "all"]:
        of = [v for q, v in pairs if kind in ("all", q["kind"])]
        rows.append((kind, *(share(sum(v[what] for v in of), len(of)) for what in ("found", "answer", "right", "refused"))))
    lines += table(("kind", "in the first 5", "answer", "answer and document right", "refused wrongly"), rows)
    found = [v for v in e["verdicts"] if v["found"]]
    return lines + [f"Where the passage was among the first 5: right {share(sum(v['right'] for v in found), len(found))}.", ""]


def repeating(results):
    all_of = [v for found in results["runs"].values() for run in found if run.name.startswith("answerer") for v in run.verdicts]
    return sum(v["repeats"] for v in all_of), len(all_of)


def repetition(results):
    rows = []
    for name, found in results["runs"].items():
        for run in found:
            if run.name.startswith("answerer"):
                rows.append((name, run.name, "0.7" if name == "f" else "0", f"{run.count('repeats')[0]} of {len(run.verdicts)}",
                             sum(1 for a in run.said if a.get("finish") == "length"), share(*run.count("right"))))
    return ["## Set f: repetition", "",
            "An answer repeats itself when a run of 8 tokens (words and marks) stands 3 times in it, or a word says the same 10 times over.",
            "Set f is sampled, the others are greedy.", "",
            *table(("set", "system", "temperature", "repeats itself", "cut at the limit of tokens", "right"), rows)] if rows else []


def misses(results):
    lines = ["## Misses", "", f"The first {runs.MISSES} of each, in the order of the questions; every answer is in build/models/evaluation.json.", ""]
    for name, found in results["runs"].items():
        if name == "f":
            continue
        for run in found[:2]:
            listed, of = run.misses()
            lines += missed(f"Set {name}, {run.name}: {of}", [(q["question"], runs.expected(q), q["gold"], a.get("text") or a.get("error")) for q, a, _ in listed])
    for name, found in results["runs"].items():
        for run in found:
            if run.name.startswith("answerer"):
                listed = [(q["question"], "no repetition", "", a.get("text")) for q, a, v in zip(run.questions, run.said, run.verdicts) if v["repeats"]]
                lines += missed(f"Repeats itself, set {name}, {run.name}: {len(listed)}", listed[:runs.MISSES]) if listed else []
    if "e" in results:
        e = results["e"]["held"]
        wrong = [(q, a, v) for q, a, v in zip(e["questions"], e["said"], e["verdicts"]) if not v["right"]]
        lines += missed(f"Set e: {len(wrong)}", [
            (q["question"], runs.expected(q), f"{q['file']}, {'rank ' + str(a['rank']) if a['rank'] else 'not found'}", a["text"] or a.get("error"))
            for q, a, _ in wrong[:runs.MISSES]])
    return lines


def missed(title, rows):
    return ["### " + title, "", *(table(("question", "expected", "passage", "got"), [tuple(cell(str(c)) for c in r) for r in rows]) if rows else ["None.", ""])]


def how_made(results):
    sources = results["about"]["sources"]
    trained = ", ".join(name for name, s in sources.items() if s.get("trained", name not in HELD_OUT))
    lines = ["## What was asked, and of what", "",
             f"Never trained on: {', '.join(HELD_OUT)}. Of the others ({trained}) a fiftieth of the documents is held back.", "",
             *table(("source", "package", "version", "documents"),
                    [(name, s["package"], s["version"], s["documents"]) for name, s in sources.items()])]
    if "pool" in results:
        lines += [f"{results['pool']['definitions']:,} definitions could be asked about; {results['pool']['seen']} more were left out because their text stands in",
                  f"the training text as well, and {results.get('facts_seen', 0)} questions of set c for the same reason.", ""]
    return lines + ["Limits: English, short passages of technical and dictionary prose; definitions ask for words that stand there, so what is",
                    "measured is finding, quoting and refusing, not reasoning. Half of the facts and all questions of sets a and b are made by rule.",
                    "A right answer in other words than the document's counts as wrong. Greedy output may differ between CPU backends.", ""]


HELD_OUT = ("dict-foldoc", "debian-handbook", "debian-faq", "developers-reference", "manpages")


def plain(results):
    """What goes into evaluation.json."""
    out = {key: value for key, value in results.items() if key not in ("runs", "e")}
    out["runs"] = {name: [{"system": run.name, "seconds": round(run.seconds, 1), "counts": counts(run), "answers": run.transcript()}
                          for run in found] for name, found in results["runs"].items()}
    out["e"] = {how: {**{k: v for k, v in e.items() if k not in ("questions", "said", "verdicts")},
                      "answers": [{**q, **a, **v} for q, a, v in zip(e["questions"], e["said"], e["verdicts"])]}
                for how, e in results.get("e", {}).items()}
    return out


def counts(run):
    return {what: run.count(what) for what in ("answer", "citation", "right", "refused", "repeats")}
