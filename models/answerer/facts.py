"""Made-up facts about made-up things: who, when, where, how many and how, each said in several ways
and asked in several others. What a document says of a thing it does not name elsewhere can only be
answered by reading, and what it does not say must be refused; real text gives too few of either.
"""

SYLLABLES = ("ba be bel bor bra cal can cor dal dan del dor el er fal fen gal gar hal han hel in jor ka kel "
             "kir la lan lor mar mel mir mor na nel nor ol or pal per qua ra ren ril ros sa sel sol ta tal ten "
             "tor tri ul ur val var vel ver vin wen wil yor za zel zor").split()
FIRST = ("Ada Alan Anna Bruno Carla Clara David Dora Edgar Elena Emil Erik Eva Felix Frida Greta Hanna Hugo Ida "
         "Ingrid Ivan Jakob Jana Johan Julia Karl Kira Lars Laura Leo Lina Marco Maria Mark Marta Nils Nora Olga "
         "Oscar Paul Petra Rosa Ruth Simon Sofia Stefan Theo Thomas Ursula Vera Victor Walter").split()
MONTHS = ("January February March April May June July August September October November December").split()
COUNT_WORDS = ("two three four five six seven eight nine ten eleven twelve fourteen fifteen twenty thirty forty "
               "sixty").split()
KINDS = {  # kind -> what such a thing is called
    "program": "compiler editor shell parser scheduler browser database debugger library toolkit interpreter protocol".split(),
    "place": "bridge mill tower library museum harbour station castle school lighthouse factory market".split(),
    "company": "company foundation institute society university laboratory publisher bank observatory".split(),
    "work": "book standard report novel manual journal treaty symphony film poem".split(),
}
ROLES = "director engineer architect founder chairman librarian physicist author programmer editor".split()

# (kinds, question kind, statements, questions). {x}: the thing; {who}, {year}, {date}, {where},
# {count}, {unit}, {how}: the answer.
RELATIONS = (
    ("program", "who", ("{x} was written by {who}.", "{who} is the author of {x}.", "{who} developed {x}.",
                        "{x} was created by {who} at {other}.", "The {noun} {x} is the work of {who}.",
                        "{x} was designed and implemented by {who}."),
     ("Who wrote {x}?", "Who developed {x}?", "Who is the author of {x}?", "Who created {x}?", "Who made {x}?",
      "By whom was {x} written?", "Who designed {x}?", "Who is behind {x}?")),
    ("program", "when", ("{x} was first released in {year}.", "The first version of {x} appeared in {date}.",
                         "Work on {x} began in {year}.", "{x} was published in {date}.", "In {year} {x} was released to the public.",
                         "{x} dates from {year}.", "Development of {x} started in {date}."),
     ("When was {x} released?", "When did {x} appear?", "In which year was {x} released?", "When was {x} first published?",
      "When did {x} come out?", "When was {x} made?", "What year is {x} from?", "When was {x} developed?")),
    ("program", "where", ("{x} was developed at {where}.", "{x} comes from {where}.", "{x} was built at {where} for research.",
                          "The home of {x} is {where}.", "{x} originated at {where}."),
     ("Where was {x} developed?", "Where does {x} come from?", "Where was {x} made?", "Where did {x} originate?",
      "At which place was {x} built?")),
    ("program", "number", ("{x} has {count} {unit}.", "{x} supports up to {count} {unit}.", "There are {count} {unit} in {x}.",
                           "At most {count} {unit} can be used with {x}.", "{x} comes with {count} {unit}.",
                           "{x} can handle {count} {unit} at once."),
     ("How many {unit} does {x} have?", "How many {unit} are there in {x}?", "How many {unit} does {x} support?",
      "What is the number of {unit} of {x}?", "How many {unit} can be used with {x}?", "How many {unit} can {x} handle?")),
    ("program", "how", ("{x} is started with the command {command}.", "To start {x}, run {command}.",
                        "Running {command} starts {x}.", "{x} can be launched by typing {command}.", "Use {command} to start {x}."),
     ("How is {x} started?", "How do I start {x}?", "How can {x} be launched?", "How to run {x}?", "What command starts {x}?")),
    ("program", "where", ("The settings of {x} are in {path}.", "{x} reads its configuration from {path}.",
                          "{x} keeps its settings in the file {path}.", "The configuration file of {x} is {path}."),
     ("Where are the settings of {x}?", "Where is the configuration of {x}?", "Where does {x} keep its settings?",
      "Which file configures {x}?", "Where is {x} configured?")),
    ("program", "what", ("{x} is written in {language}.", "{x} was implemented in {language}.", "The source code of {x} is {language}."),
     ("What language is {x} written in?", "In which language was {x} implemented?", "What is {x} written in?")),
    ("place", "when", ("The {noun} of {x} was built in {year}.", "The {noun} of {x} was opened in {date}.",
                       "In {year} the {noun} of {x} was completed.", "Construction of the {noun} of {x} began in {year}.",
                       "The {noun} of {x} dates from {year}."),
     ("When was the {noun} of {x} built?", "When was the {noun} of {x} opened?", "How old is the {noun} of {x}?",
      "In which year was the {noun} of {x} built?", "When was the {noun} of {x} completed?")),
    ("place", "where", ("The {noun} of {x} stands {site}.", "The {noun} of {x} is located {site}.", "The {noun} of {x} lies {site}.",
                        "One finds the {noun} of {x} {site}."),
     ("Where is the {noun} of {x}?", "Where does the {noun} of {x} stand?", "Where is the {noun} of {x} located?",
      "What is the location of the {noun} of {x}?", "Where can one find the {noun} of {x}?")),
    ("place", "who", ("The {noun} of {x} was built by {who}.", "The {role} {who} designed the {noun} of {x}.",
                      "The {noun} of {x} was planned by {who}.", "{who} was the builder of the {noun} of {x}."),
     ("Who built the {noun} of {x}?", "Who designed the {noun} of {x}?", "Who planned the {noun} of {x}?",
      "Who was the architect of the {noun} of {x}?")),
    ("place", "number", ("The {noun} of {x} has {count} {parts}.", "The {noun} of {x} is {count} metres long.",
                         "{count} {parts} belong to the {noun} of {x}."),
     ("How many {parts} does the {noun} of {x} have?", "How long is the {noun} of {x}?",
      "How many {parts} belong to the {noun} of {x}?")),
    ("place", "when", ("The {noun} of {x} was destroyed by fire in {year}.", "The {noun} of {x} burned down in {year}."),
     ("When did the {noun} of {x} burn down?", "When was the {noun} of {x} destroyed?", "When was the fire in the {noun} of {x}?")),
    ("company", "who", ("The {x} {noun} was founded by {who}.", "{who} established the {x} {noun}.",
                        "The founder of the {x} {noun} was {who}.", "The {x} {noun} was started by the {role} {who}."),
     ("Who founded the {x} {noun}?", "Who established the {x} {noun}?", "Who was the founder of the {x} {noun}?",
      "Who started the {x} {noun}?", "By whom was the {x} {noun} founded?")),
    ("company", "when", ("The {x} {noun} was founded in {year}.", "The {x} {noun} was established in {date}.",
                         "The {x} {noun} has existed since {year}.", "In {year} the {x} {noun} was set up."),
     ("When was the {x} {noun} founded?", "When was the {x} {noun} established?", "Since when does the {x} {noun} exist?",
      "In which year was the {x} {noun} set up?", "How old is the {x} {noun}?")),
    ("company", "where", ("The {x} {noun} has its seat in {town}.", "The {x} {noun} is based in {town}.",
                          "The headquarters of the {x} {noun} are in {town}.", "The offices of the {x} {noun} are in {town}."),
     ("Where is the {x} {noun} based?", "Where is the seat of the {x} {noun}?", "Where are the headquarters of the {x} {noun}?",
      "In which town is the {x} {noun}?", "Where can I find the {x} {noun}?")),
    ("company", "number", ("The {x} {noun} has {count} members.", "The {x} {noun} employs {count} people.",
                           "{count} people work for the {x} {noun}.", "The {x} {noun} has a staff of {count}."),
     ("How many members does the {x} {noun} have?", "How many people work for the {x} {noun}?",
      "How many employees does the {x} {noun} have?", "How large is the staff of the {x} {noun}?", "How big is the {x} {noun}?")),
    ("company", "who", ("The {x} {noun} is headed by {who}.", "{who} is the director of the {x} {noun}.",
                        "Since {year} {who} has led the {x} {noun}.", "The current head of the {x} {noun} is {who}."),
     ("Who heads the {x} {noun}?", "Who is the director of the {x} {noun}?", "Who leads the {x} {noun}?",
      "Who is the head of the {x} {noun}?", "Who runs the {x} {noun}?")),
    ("company", "why", ("The {x} {noun} was closed because {reason}.", "The {x} {noun} closed in {year} because {reason}.",
                        "Because {reason}, the {x} {noun} was closed."),
     ("Why was the {x} {noun} closed?", "Why did the {x} {noun} close?", "What was the reason for closing the {x} {noun}?")),
    ("work", "who", ("The {noun} {x} was written by {who}.", "{who} wrote the {noun} {x}.", "The author of the {noun} {x} is {who}.",
                     "The {noun} {x} is attributed to {who}."),
     ("Who wrote the {noun} {x}?", "Who is the author of the {noun} {x}?", "Who wrote {x}?", "By whom is the {noun} {x}?")),
    ("work", "when", ("The {noun} {x} was published in {year}.", "The {noun} {x} appeared in {date}.", "The {noun} {x} was finished in {year}.",
                      "The {noun} {x} came out in {date}."),
     ("When was the {noun} {x} published?", "When did the {noun} {x} appear?", "When was {x} published?", "When did {x} come out?",
      "In which year was the {noun} {x} finished?")),
    ("work", "number", ("The {noun} {x} has {count} chapters.", "The {noun} {x} is {count} pages long.", "There are {count} chapters in the {noun} {x}."),
     ("How many chapters does the {noun} {x} have?", "How many pages does the {noun} {x} have?", "How long is the {noun} {x}?")),
    ("work", "what", ("The {noun} {x} is about {subject}.", "The {noun} {x} deals with {subject}.", "{subject_} is the subject of the {noun} {x}."),
     ("What is the {noun} {x} about?", "What does the {noun} {x} deal with?", "What is the subject of the {noun} {x}?")),
)
UNITS = "options commands modules threads users connections windows plugins colours levels formats keywords registers tables".split()
PARTS = "rooms arches floors windows gates towers pillars steps bells doors".split()
SITES = ("on a hill above {t}", "at the mouth of the river {t}", "in the north of {t}", "near the town of {t}", "on the island of {t}",
         "between {t} and {u}", "in the old quarter of {t}", "on the east bank of the {t}")
REASONS = ("its funds were spent", "the building had become too small", "nobody wanted to lead it", "the war had begun",
           "its members could not agree", "a flood had damaged the archive", "the licence had expired", "demand had fallen")
SUBJECTS = ("the history of salt", "the measurement of time", "the life of bees", "public health", "the building of ships",
            "the law of inheritance", "secure communication", "the growth of cities", "travel by river", "the care of trees")
LANGUAGES = "C Lisp Pascal Fortran Ada COBOL Prolog Scheme Modula-2 ALGOL Smalltalk Forth Perl assembler".split()
PLAIN = ("It is still in use today.", "Little else is known about it.", "Visitors come from many countries.", "It has been described many times.",
         "Several copies exist.", "The name has been explained in different ways.", "It was renewed later.", "Many people have worked on it since.",
         "Its documents are kept in an archive.", "It was well known in its day.")


class Maker:
    def __init__(self, random):
        self.random = random

    def name(self):
        pieces = self.random.choices(SYLLABLES, k=self.random.choice((2, 2, 3)))
        name = "".join(pieces).capitalize()
        chance = self.random.random()
        if chance < 0.1:
            return name.upper()[:5]
        if chance < 0.18:
            return f"{name}-{self.random.randint(2, 90)}"
        if chance < 0.25:
            return name + self.random.choice(("Net", "Base", "Talk", "Script", "burg", "feld", "dale"))
        return name

    def person(self):
        middle = self.random.choice(("", "", "", " " + self.random.choice("ABCDEFGHJKLMPRSTW") + "."))
        return f"{self.random.choice(FIRST)}{middle} {''.join(self.random.choices(SYLLABLES, k=2)).capitalize()}"

    def values(self):
        r = self.random
        year = r.randint(1500, 2024) if r.random() < 0.5 else r.randint(1940, 2024)
        count = r.choice(COUNT_WORDS) if r.random() < 0.4 else str(r.choice((r.randint(2, 99), r.randint(100, 9999))))
        name, other = self.name(), self.name()
        folder = r.choice(("/etc", "/var/lib", "/usr/share", "~", "/opt"))
        who = self.person() if r.random() < 0.8 else f"{self.person()} and {self.person()}"
        subject = r.choice(SUBJECTS)
        return {
            "who": who, "year": str(year), "count": count, "unit": r.choice(UNITS), "parts": r.choice(PARTS),
            "date": f"{r.choice(MONTHS)} {year}" if r.random() < 0.6 else f"{r.randint(1, 28)} {r.choice(MONTHS)} {year}",
            "where": r.choice(("the University of {}", "{} Laboratories", "the {} Institute of Technology", "{} College")).format(name),
            "other": r.choice(("the University of {}", "{} Systems", "the {} Institute")).format(other),
            "town": name, "site": r.choice(SITES).format(t=name, u=other), "role": r.choice(ROLES),
            "command": f"{name.lower()} {r.choice(('--run', '-d', 'start', 'serve', '--daemon', 'up'))}",
            "path": f"{folder}/{name.lower()}{r.choice(('.conf', '.ini', '/config', '.toml', 'rc'))}",
            "reason": r.choice(REASONS), "subject": subject, "subject_": subject[:1].upper() + subject[1:],
            "language": r.choice(LANGUAGES),
        }

    def passage(self, kind=None, x=None, least=2):
        """(text, [(kind of question, question, sentence)], [(kind, question) not answered by it])."""
        r = self.random
        kind = kind or r.choice(tuple(KINDS))
        x, noun = x or self.name(), r.choice(KINDS[kind])
        relations = [relation for relation in RELATIONS if relation[0] == kind]
        r.shuffle(relations)
        said = relations[: r.randint(least, max(least, len(relations) - 1))]
        sentences, asked, unsaid = [], [], []
        for _, what, statements, questions in said:
            fill = {**self.values(), "x": x, "noun": noun}
            i = r.randrange(len(statements))
            sentence = statements[i].format(**fill)
            sentence = sentence[:1].upper() + sentence[1:]
            sentences.append(sentence)
            unit = [q for q in questions if fits(statements[i], q)]
            asked.append((what, r.choice(unit or questions).format(**fill), sentence))
        for _, what, _, questions in relations[len(said):]:
            fill = {**self.values(), "x": x, "noun": noun}
            unsaid.append((what, r.choice(questions).format(**fill)))
        order = list(range(len(sentences)))
        r.shuffle(order)
        lines = [sentences[i] for i in order]
        for _ in range(r.choice((0, 0, 1, 2))):
            lines.insert(r.randint(1, len(lines)), r.choice(PLAIN))
        return " ".join(lines), asked, unsaid, kind, x


def fits(statement, question):
    """Questions that name a unit go with statements that do, "how long" with lengths."""
    for mark in ("{unit}", "{parts}", "chapters", "pages", "metres"):
        if mark in statement:
            return mark in question or (mark in ("pages", "metres") and "long" in question)
    return not any(mark in question for mark in ("{unit}", "{parts}", "chapters", "pages")) and "long" not in question
