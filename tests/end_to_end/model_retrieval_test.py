"""Retrieval is judged on queries whose right passages are known, and figures mean what they say."""
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models/evaluation"))
import retrieval
from retrieval_set import KINDS, RetrievalSet

SENTENCES = ("The maintainer of package number {} uploads a signed archive to the incoming queue every month. "
             "An automatic checker verifies signatures, licences, versions, dependencies and changelogs. "
             "Users then download the new release from one of many mirrors around the world.")


def document(source, name, sections):
    return {"source": source, "document": name, "title": name, "sections": [
        {"heading": heading, "blocks": [{"kind": kind, "text": text} | ({"term": term} if term else {}) for kind, term, text in blocks]}
        for heading, blocks in sections]}


def corpus(folder):
    held_out = [document("debian-handbook", f"p{i}", [(["Book", f"Uploading packages {'abcdefgh'[i]}"], [("prose", None, SENTENCES.format(i))])])
                for i in range(8)]
    held_out.append(document("debian-faq", "f", [(["FAQ", "How do I upgrade my system?"], [("prose", None, "Run the package tool with its upgrade command.")])]))
    held_out.append(document("manpages", "frob.1", [
        (["frob"], [("definition", "frob", "turn things around on a table")]),
        (["frob", "Description"], [("prose", None, "The frob program rotates any object that lies in front of you.")])]))
    held_out.append(document("dict-foldoc", "0001", [(["FOLDOC"], [("definition", "ring buffer", "A queue of fixed size that begins again at its end.")])]))
    held_in = [document("wordnet-base", "noun-1", [(["WordNet"], [("definition", "car, motorcar, auto", "a vehicle with four wheels and an engine")])])]
    for file, documents in (("held_out", held_out), ("held_in", held_in)):
        with open(f"{folder}/{file}.jsonl", "w") as out:
            out.writelines(json.dumps(d) + "\n" for d in documents)


class SetTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        corpus(self.folder.name)
        self.set = RetrievalSet(self.folder.name, passages=100, queries=20)

    def right(self, kind):
        return {(q["text"], *sorted(self.set.passages[p] for p in q["relevant"])) for q in self.set.queries if q["kind"] == kind}

    def test_every_kind_is_asked(self):
        self.assertEqual({q["kind"] for q in self.set.queries}, set(KINDS))

    def test_a_heading_is_asked_for_and_no_passage_shows_it(self):
        self.assertEqual(len(self.right("title")), 8)
        self.assertFalse([p for p in self.set.passages if "Uploading packages" in p])

    def test_a_heading_that_is_a_question_is_one(self):
        self.assertIn(("How do I upgrade my system?", "Run the package tool with its upgrade command."), self.right("question"))

    def test_a_name_line_is_to_find_the_description_and_a_word_its_synonym(self):
        found = self.right("paraphrase")
        self.assertIn(("turn things around on a table", "The frob program rotates any object that lies in front of you."), found)
        word, gloss = next(pair for pair in found if pair[0] in ("motorcar", "auto"))
        self.assertEqual(gloss, "car: a vehicle with four wheels and an engine")

    def test_the_text_that_a_query_was_cut_from_is_right_or_absent(self):
        for query in self.set.queries:
            if query["kind"] == "sentence":
                whole = [i for i, p in enumerate(self.set.passages) if query["text"] in p]
                self.assertLessEqual(set(whole), query["relevant"])

    def test_the_same_seed_gives_the_same_set(self):
        again = RetrievalSet(self.folder.name, passages=100, queries=20)
        self.assertEqual(again.passages, self.set.passages)
        self.assertEqual(again.queries, self.set.queries)

    def test_bm25_finds_the_passage_with_the_words_and_nothing_for_none(self):
        passages = ["a keel is a beam of a hull", "the moon is far away", "hulls and keels of ships"]
        self.assertEqual([set(r) for r in retrieval.bm25(passages, ["the keels", "?!", "moon \"AND"])], [{0, 2}, set(), {1}])


class FigureTest(unittest.TestCase):
    def test_ndcg_is_one_for_the_best_order_and_falls_with_the_rank(self):
        self.assertEqual(retrieval.ndcg([5, 6, 1], {5, 6}), 1.0)
        self.assertAlmostEqual(retrieval.ndcg([1, 5], {5}), 0.6309, 4)  # 1 / log2(3)
        self.assertEqual(retrieval.ndcg(list(range(10)) + [99], {99}), 0.0)

    def test_recall_counts_the_first_five(self):
        self.assertEqual(retrieval.recall([1, 2, 3, 4, 5, 6], {5, 6}), 0.5)
        self.assertEqual(retrieval.recall([1, 2, 3, 4, 5], set(range(1, 9))), 1.0)

    def test_fusion_weighs_ranks_as_the_server_does(self):
        # 0.8 / 11 for first by keywords against 0.8 / 12 + 0.2 / 11 for second and first.
        self.assertEqual(retrieval.fuse([1, 2], [2]), [2, 1])
        self.assertEqual(retrieval.fuse([1], [2, 3]), [1, 2, 3])

    def test_the_interval_of_no_difference_is_zero(self):
        self.assertEqual(retrieval.interval([0.0] * 20), [0.0, 0.0])

    def test_the_page_names_every_system_and_shows_misses(self):
        figures = {kind: {"ndcg_10": 0.5, "recall_5": 0.25} for kind in (*KINDS, "all")}
        page = retrieval.markdown({"queries": 1234, "passages": 8000, "kinds": {"title": 1234}, "systems": {"BM25": figures, "hybrid": figures},
                                   "texts_per_s": {}, "gain": {"hybrid over BM25": [0.01, 0.02]}, "missed": 1,
                                   "misses": [{"kind": "title", "query": "a|b", "expected": "x\ny", "found": "z"}]})
        for text in ("1,234 queries over 8,000 passages", "| BM25 (FTS5) | 0.500 / 0.250", "+0.010 to +0.020", "| title | a\\|b | x y | z |"):
            self.assertIn(text, page)


if __name__ == "__main__":
    unittest.main()
