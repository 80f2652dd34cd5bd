"""The evaluation of the shipped models (models/evaluation) on small texts: its rules of judging, its questions, its report.

The expected intervals of Wilson are those that R. G. Newcombe printed (Statistics in Medicine 17, 1998, pp. 857-872, table I, method 3).
"""
import argparse
import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models/evaluation"))
import bm25  # noqa: E402
import end_to_end  # noqa: E402
import evaluate  # noqa: E402
import judging  # noqa: E402
import leaks  # noqa: E402
import passages  # noqa: E402
import questions  # noqa: E402
import report  # noqa: E402
import runs  # noqa: E402

PASSAGES = ["moat: a ditch around a castle.", "A keep was built by Anna Lee in 1312. It has 4 towers."]
DEFINING = {"gold": 1, "defining": "a ditch around a castle."}
FACT = {"gold": 2, "fact": "1312", "sentence": "A keep was built by Anna Lee in 1312."}


def document(source, name, blocks):
    return {"source": source, "document": name, "title": name, "sections": [{"heading": [name], "blocks": blocks}]}


def define(term, text):
    return {"kind": "definition", "term": term, "text": text}


class Wilson(unittest.TestCase):
    def test_intervals_are_those_of_the_literature(self):
        for good, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)):
            found = judging.wilson(good, of)
            self.assertAlmostEqual(found[0], low, places=4)
            self.assertAlmostEqual(found[1], high, places=4)

    def test_nothing_asked_says_nothing(self):
        self.assertEqual(judging.wilson(0, 0), (0.0, 1.0))


class Judging(unittest.TestCase):
    def right(self, question, answer):
        return judging.judge(question, answer)["right"]

    def test_a_quotation_with_its_number_is_right(self):
        self.assertTrue(self.right(DEFINING, 'The documents say: "a ditch around a castle." [1]'))
        self.assertTrue(self.right(DEFINING, 'The documents say: "a ditch around a castle" [1].'))
        self.assertTrue(self.right(DEFINING, "moat: a ditch  around a castle [1]"))
        self.assertTrue(self.right(FACT, 'The documents say: "A keep was built by Anna Lee in 1312." [2]'))

    def test_near_misses_are_wrong(self):
        for answer in ('"a ditch around the castle." [1]', '"a ditch around a cast" [1]', '"ditch around a castle." [1]',
                       '"a ditch around a castles" [1]', '"A ditch around a castle." [1]', "", "[1]"):
            self.assertFalse(self.right(DEFINING, answer), answer)
        for answer in ('"A keep was built by Anna Lee in 131" [2]', '"in 13120" [2]', '"built by Anna Lee" [2]', '1312 "a keep" [2]'):
            self.assertFalse(self.right(FACT, answer), answer)

    def test_the_citation_is_the_right_one_and_no_other(self):
        for answer in ('"a ditch around a castle." [2]', '"a ditch around a castle."', '"a ditch around a castle." [1][2]',
                       '"a ditch around a castle." [11]'):
            self.assertFalse(self.right(DEFINING, answer), answer)

    def test_a_number_inside_a_quotation_cites_nothing(self):
        self.assertEqual(judging.citations('"see [3] there" [2]'), [2])

    def test_words_end_where_words_end(self):
        self.assertTrue(judging.holds("at most 4 GB.", "4 GB"))
        self.assertFalse(judging.holds("at most 14 GB.", "4 GB"))
        self.assertFalse(judging.holds("at most 4 GBit.", "4 GB"))
        self.assertTrue(judging.holds("14 GB or 4 GB", "4 GB"))

    def test_a_copied_passage_is_no_answer_to_a_fact(self):
        self.assertFalse(self.right(FACT, '"' + "word " * 61 + '1312" [2]'))
        self.assertTrue(self.right({**FACT, "sentence": "word " * 61 + "1312"}, '"' + "word " * 61 + '1312" [2]'))

    def test_refusals(self):
        none = {"gold": 0}
        for answer in ("The documents do not say.", "the documents do not say", "The document does not say what a moat is."):
            self.assertTrue(self.right(none, answer), answer)
        for answer in ('The documents do not say. "a ditch" [1]', "The documents say nothing [1].", "I do not know.", ""):
            self.assertFalse(self.right(none, answer), answer)
        self.assertFalse(self.right(DEFINING, "The documents do not say."))
        self.assertTrue(judging.judge(DEFINING, "The documents do not say.")["refused"])

    def test_quotations_are_looked_up_in_the_passage_they_name(self):
        self.assertEqual(judging.verbatim('"a ditch" [1] and "a ditch" [2] and "A keep"', PASSAGES), (3, 1))
        self.assertEqual(judging.verbatim('"a ditch" [9]', PASSAGES), (1, 0))

    def test_running_in_a_circle_is_seen(self):
        self.assertTrue(judging.repeats("one two three four five six seven eight " * 3))
        self.assertFalse(judging.repeats("one two three four five six seven eight " * 2))
        self.assertTrue(judging.repeats("inst" + "ant" * 10))
        self.assertTrue(judging.repeats("Sv" + "_H" * 10))
        self.assertFalse(judging.repeats("inst" + "ant" * 9 + " 1000000000000"))
        self.assertFalse(judging.repeats("the same few words, the same few words, the same few"))


class Passages(unittest.TestCase):
    def test_sentences_do_not_end_at_abbreviations(self):
        self.assertEqual(passages.sentences("Made by J. R. Cordy ca. 1980. See e.g. The Book. It runs."),
                         ["Made by J. R. Cordy ca. 1980.", "See e.g. The Book.", "It runs."])

    def test_terms_are_asked_for_as_people_write_them(self):
        self.assertEqual(passages.asked_form("heapq.heappush(heap, item)"), "heapq.heappush")
        self.assertEqual(passages.asked_form("keel, ridge"), "keel")
        self.assertEqual(passages.asked_form("Garbage In, Garbage Out", headword=True), "Garbage In, Garbage Out")

    def test_segments_have_at_most_200_words_and_keep_entries_apart(self):
        long = " ".join(f"Sentence {i} has some words." for i in range(200))
        made = passages.segments([document("dict-foldoc", "1", [define("a", "First."), {"kind": "prose", "text": "More."}, define("b", long)])])
        self.assertEqual((made[0].about, made[0].text), ("a", "a: First. More."))
        self.assertTrue(all(len(s.text.split()) <= 200 for s in made))
        self.assertEqual({s.about for s in made[1:]}, {"b"})

    def test_a_term_with_two_meanings_is_not_asked_for(self):
        found = passages.definitions([document("dict-foldoc", "1", [define("Keep", "a b c d e"), define("keep", "f g h i j"), define("moat", "k")])])
        self.assertEqual([d.asked for d in passages.only_once(found)], ["moat"])


class Leaks(unittest.TestCase):
    def test_a_test_text_in_the_training_text_is_found_also_when_edited(self):
        text = "A deep ditch around the wall of a castle that is filled with water."
        short = "Rope of hemp for bells."
        with tempfile.TemporaryDirectory() as folder:
            train = pathlib.Path(folder) / "train.jsonl"
            other = define("x", "It rains. a deep ditch around the wall of a castle, that is filled with mud and so on.")
            train.write_text(json.dumps(document("t", "1", [other, {"kind": "prose", "text": "The rope of hemp for bells hangs."}])) + "\n")
            self.assertEqual(leaks.found([text, short, "A castle of sand that the sea takes away every evening at six."], train), {text, short})
            train.write_text(json.dumps(document("t", "1", [define("x", "a ditch around a wall"), {"kind": "code", "text": text}])) + "\n")
            self.assertEqual(leaks.found([text, short], train), set())


def castle():
    words = "stone wood iron water bread grain cloth salt wine hay rope lamp oil wax tin lead".split()
    entries = [define(f"{w}house", f"A building number {i} in which {w} is kept for the winter. It was built by Anna {w.capitalize()} in {1300 + i}.")
               for i, w in enumerate(words)]
    return [document("dict-foldoc", "0000", entries)]


class Questions(unittest.TestCase):
    def setUp(self):
        self.pool = questions.Pool(castle())

    def test_the_right_passage_is_among_four_and_the_only_right_one(self):
        made = questions.answerable(self.pool, 10)
        self.assertEqual(len(made), 10)
        for question in made:
            self.assertEqual(len(question["passages"]), 4)
            holding = [n for n, text in enumerate(question["passages"], 1) if judging.holds(text, judging.defining_text(question["defining"]))]
            self.assertEqual(holding, [question["gold"]])
        self.assertGreater(len({q["gold"] for q in made}), 1)

    def test_the_same_seed_asks_the_same(self):
        self.assertEqual(questions.answerable(self.pool, 10), questions.answerable(questions.Pool(castle()), 10))

    def test_unanswerable_questions_have_no_passage_about_their_term(self):
        for definition in self.pool.definitions[:5]:
            found = self.pool.near_definitions(definition, f"What is {definition.asked}?", 4,
                                               lambda text, d=definition: not questions.says_what_it_is(text, d.asked))
            self.assertEqual(len(found), 4)
            self.assertFalse([text for text in found if text.startswith(definition.term)])

    def test_what_training_saw_is_not_asked(self):
        with tempfile.TemporaryDirectory() as folder:
            train = pathlib.Path(folder) / "train.jsonl"
            train.write_text(json.dumps(document("t", "1", [{"kind": "prose", "text": "A building number 3 in which water is kept for the winter."}])) + "\n")
            pool = questions.Pool(castle(), train)
        self.assertNotIn("waterhouse", [d.asked for d in pool.definitions])
        self.assertIn("winehouse", [d.asked for d in pool.definitions])

    def test_facts_by_rule_stand_in_their_passage(self):
        blocks = [define(f"Lang{i}", f"A language developed by Ada Byron at the University of Rome in {1950 + i}.") for i in range(12)]
        pool = questions.Pool([document("dict-foldoc", "0", blocks)])
        made = questions.by_rule(pool, 20)
        self.assertEqual({q["kind"] for q in made}, {"who", "when", "where"})
        for question in made:
            self.assertTrue(judging.holds(question["passages"][question["gold"] - 1], question["fact"]))
            others = [text for n, text in enumerate(question["passages"], 1) if n != question["gold"]]
            self.assertFalse([text for text in others if judging.holds(text, question["fact"])])
        self.assertEqual({q["fact"] for q in made if q["kind"] == "who"}, {"Ada Byron"})

    def test_longer_contexts_keep_the_right_passage(self):
        some = questions.answerable(self.pool, 4)
        for question in questions.longer(self.pool, some, 900):
            self.assertGreater(len(question["passages"]), 4)
            self.assertLessEqual(sum(len(text) + 8 for text in question["passages"]), 900)
            self.assertTrue(judging.holds(question["passages"][question["gold"] - 1], judging.defining_text(question["defining"])))


    def test_a_prompt_over_the_context_loses_passages_but_not_the_right_one(self):
        question = {"question": "?", "passages": [str(i) for i in range(1, 41)], "gold": 39, "set": "d"}
        while len(question["passages"]) > 1:
            less = runs.fewer(question)
            self.assertLess(len(less["passages"]), len(question["passages"]))
            self.assertEqual(less["passages"][less["gold"] - 1], "39")
            question = less
        self.assertEqual(len(runs.fewer({**question, "gold": 0})["passages"]), 0)


class ByHand(unittest.TestCase):
    def test_there_are_enough_and_each_asks_once(self):
        made = questions.by_hand()
        self.assertGreaterEqual(sum(q["answer"] is not None for q in made), 150)
        self.assertGreaterEqual(sum(q["answer"] is None for q in made), 60)
        self.assertEqual(len({q["question"] for q in made}), len(made))
        self.assertEqual({q["kind"] for q in made}, {"who", "when", "where", "how many", "how"})

    def test_they_hold_facts_and_no_long_quotations(self):
        for question in questions.by_hand():
            self.assertLessEqual({"source", "document", "key", "question", "answer", "kind"}, set(question))
            self.assertTrue(question["question"].endswith("?"), question)
            self.assertLessEqual(len(question["key"].split()), 8, question)
            self.assertLessEqual(len((question["answer"] or "").split()), 6, question)
            self.assertIn(question["source"], report.HELD_OUT)

    def test_an_answer_that_does_not_stand_in_its_passage_is_found(self):
        segments = passages.segments(castle())
        item = {"source": "dict-foldoc", "about": "waterhouse", "key": "is kept for", "question": "?", "answer": "1303", "kind": "when"}
        self.assertEqual(questions.place_of(item, segments).about, "waterhouse")
        for wrong in ({"answer": "1304"}, {"answer": "130"}, {"key": "is drunk in"}, {"about": "waterhouses"}, {"source": "manpages"}):
            with self.assertRaises(LookupError):
                questions.place_of({**item, **wrong}, segments)


class Bm25(unittest.TestCase):
    def test_rare_words_weigh_more(self):
        index = bm25.Index(["iron gate of the keep", "iron lamp", "iron rope", "wooden gate"])
        self.assertEqual([at for at, _ in index.nearest("the lamp of iron", 2)][0], 1)

    def test_the_baseline_quotes_one_sentence_or_refuses(self):
        index = bm25.Index(PASSAGES)
        self.assertEqual(bm25.quote_best(index, "How many towers has the keep?", PASSAGES, passages.sentences),
                         'The documents say: "It has 4 towers." [2]')
        self.assertEqual(bm25.quote_best(index, "What is a drawbridge?", PASSAGES, passages.sentences), "The documents do not say.")


class Report(unittest.TestCase):
    def test_a_missed_target_and_every_miss_are_shown(self):
        asked = [{**DEFINING, "set": "a", "source": "dict-foldoc", "question": f"What is {i}?", "passages": PASSAGES} for i in range(20)]
        said = [{"text": '"a ditch around a castle." [1]' if i else "I | know <not>."} for i in range(20)]
        found = runs.Run("answerer, held to quote", asked, said, 1.0)
        self.assertEqual((found.count("right"), found.misses()[1]), ((19, 20), 1))
        text = "\n".join(report.targets({"runs": {"a": [found]}}) + report.misses({"runs": {"a": [found]}}))
        self.assertIn("19 of 20 (95.0 %, 76.4 to 99.1) | 97 % | **missed**: 97 %", text)
        self.assertIn("| What is 0? | a ditch around a castle | 1 | I \\| know &lt;not>. |", text)

    def test_the_share_of_nothing_is_no_number(self):
        self.assertEqual(report.share(0, 0), "-")


class EndToEndSet(unittest.TestCase):
    def test_every_question_is_about_a_file_that_holds_its_answer(self):
        item = next(q for q in questions.by_hand() if q["source"] == "dict-foldoc" and q["answer"])
        page = document("manpages", "null.4", [define("null, zero", "data sink of the machine")])
        entry = define(item["about"], f"A thing <of \"stone\"> {item['key']} {item['answer']} one day.")
        documents = [document("dict-foldoc", "0", [*castle()[0]["sections"][0]["blocks"], entry, {"kind": "prose", "text": "It is old."}]), page,
                     document("debian-faq", "a.html", [{"kind": "prose", "text": "A & B."}]),
                     document("debian-handbook", "b.html", [{"kind": "prose", "text": "A < B."}, {"kind": "code", "text": "x"}])]
        by_hand = questions.by_hand
        questions.by_hand = lambda: [item]
        try:
            with tempfile.TemporaryDirectory() as folder:
                made = end_to_end.prepare(pathlib.Path(folder), documents, questions.Pool(documents), 12, 20)
                files = {path.name: path.read_text() for path in pathlib.Path(folder).iterdir()}
        finally:
            questions.by_hand = by_hand
        self.assertEqual(len(made["questions"]), 12)
        self.assertEqual(sum(made["files"].values()), len(files))
        self.assertEqual({name.rsplit(".", 1)[1] for name in files}, {"md", "txt", "html"})
        for question in made["questions"]:
            self.assertTrue(judging.holds(files[question["file"]], runs.expected(question)), question)
        self.assertIn("A &lt; B.", files["debian-handbook-b.html"])

    def test_another_document_is_not_right(self):
        question = {**FACT, "gold": 1, "file": "keep.md"}
        said = {"text": 'The documents say: "It was in 1312" [2]', "cited": ["keep.md"], "rank": 1}
        self.assertTrue(end_to_end.verdict(question, said)["right"])
        for wrong in ({"cited": ["other.md"]}, {"cited": []}, {"cited": ["keep.md", "other.md"]}, {"text": '"It was in 13" [2]'}):
            self.assertFalse(end_to_end.verdict(question, {**said, **wrong})["right"], wrong)
        self.assertFalse(end_to_end.verdict(question, {**said, "rank": 0})["found"])


class Answering:
    """In the place of a server: answers by BM25, and refuses what it is told to."""

    def __init__(self, pool):
        self.pool = pool

    def answer(self, model, question, passages_, quotes="free", temperature=0.0, seed=1, max_tokens=160):
        text = bm25.quote_best(self.pool.by_segment, question, passages_, passages.sentences)
        return {"text": text, "prompt_tokens": sum(len(p) for p in passages_) // 4, "answer_tokens": 9, "finish": "stop"}


class Whole(unittest.TestCase):
    def test_every_set_is_asked_counted_and_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            train = pathlib.Path(folder) / "train.jsonl"
            train.write_text("")
            evaluation = evaluate.Evaluation.__new__(evaluate.Evaluation)
            evaluation.options = argparse.Namespace(previous=None, corpus=pathlib.Path(folder))
            evaluation.only, evaluation.sizes = set("abcdf"), {"a": 8, "b": 4, "c": (6, 10**6), "d": (2, 1, 1), "f": 6}
            evaluation.results = {"runs": {}}
            blocks = [define(f"Lang{i}", f"A language with {i} words, developed by Ada Byron at the University of Rome in {1950 + i}.") for i in range(40)]
            item = questions.by_hand()[0]
            entry = define(item["about"], f"A thing {item['key']} {item['answer']} one day in winter.")
            evaluation.documents = [document("dict-foldoc", "0", [*blocks, entry]),
                                    document("debian-faq", "1", [define(f"Suite{i}", f"A set of {i} packages that is kept together.") for i in range(9)])]
            evaluation.pool = questions.Pool(evaluation.documents, train)
            evaluation.ask_sets(Answering(evaluation.pool))
        results = evaluation.results
        self.assertEqual(sorted(results["runs"]), ["a", "b", "c", "d 1024", "d 2048", "d 512", "f"])
        held = results["runs"]["a"][0]
        self.assertEqual((held.name, held.count("right")[1]), ("answerer, held to quote", 8))
        results["about"] = {"files": {}, "command": "x", "seconds": 61, "cores": 2, "seed": 1, "quick": False, "sources": {}}
        text = report.markdown(results)
        for part in ("## Targets", "## Set a", "## Set b", "## Set c", "## Set d", "## Set f", "### Set b, answerer, free: 0", "| dict-foldoc | 8 of 8"):
            self.assertIn(part, text)
        json.dumps(report.plain(results))


if __name__ == "__main__":
    unittest.main(verbosity=2)
