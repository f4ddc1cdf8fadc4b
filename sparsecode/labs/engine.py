"""Labs and their exercises: what is asked, what was answered, and what the notebook shows."""

import functools
import json
import traceback
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from .asking import REFERENCE, NotAttempted, Wrong, asked, few_lines

__all__ = ["Choice", "Exercise", "Lab", "Prediction", "Verdict"]

NAMES = {True: "PASS", False: "FAIL", None: "TODO"}

#: Failed tries after which a solution is shown without asking for it twice.
TRIES = 2

#: Message about an exercise for which a notebook has nothing, not even a stub.
UNDEFINED = "nothing defines it"

#: Seeds of the data that an answer must pass, in a notebook as when it is graded.
SEEDS = range(5)


class Verdict(NamedTuple):
    """What a check found: passed (True, False, or None when nothing was attempted), and a message."""

    passed: bool | None
    message: str


class Lab:
    """A lab: its description, its exercises as attributes, and what has been done so far.

    Parameters
    ----------
    id : str
        Name under which the lab is imported.
    title : str
    minutes : int
        Time that a class needs.
    level : {"beginner", "intermediate", "advanced"}
    needs : list of str
        What a learner should know before.
    goals : dict of str to tuple of str
        What a learner can do afterwards, each with the exercises that teach it.
    packages : list of str
        Parts of the library that the lab shows.

    Examples
    --------
    >>> from sparsecode.labs import lab1
    >>> lab1.soft_threshold.verdict(lambda u, t: u * (abs(u) > t)).passed
    False
    """

    def __init__(self, id, title, *, minutes, level, needs, goals, packages):
        self.id, self.title, self.minutes, self.level = id, title, minutes, level
        self.needs, self.goals, self.packages = needs, goals, packages
        self.exercises, self.predictions = {}, {}

    def __repr__(self):
        return f"<{self.id}: {self.title}, {len(self.exercises)} exercises, {self.minutes} minutes>"

    def exercise(self, key, *, hints, works=None):
        """Return a decorator that turns ``check(answer, rng)`` into an exercise named like the function.

        Parameters
        ----------
        key : str
            Number of the exercise in the notebook.
        hints : list of str
            From a nudge to nearly all; none of them gives the formula.
        works : str or None, default=None
            What to say about an answer that passes.
        """
        return lambda check: self._add(self.exercises, Exercise(self, key, check.__name__, check, hints, works))

    def choice(self, key, name, *, correct, why, hints):
        """Add a question with options; `why` has what to say to each of them."""
        return self._add(self.exercises, Choice(self, key, name, correct, why, hints))

    def prediction(self, key, name, *, options, truth):
        """Add a question before an experiment: any answer counts, `truth` is what the experiment shows."""
        return self._add(self.predictions, Prediction(self, key, name, options, truth))

    def _add(self, table, exercise):
        table[exercise.key] = exercise
        setattr(self, exercise.name, exercise)
        return exercise

    @functools.cached_property
    def solutions(self):
        """Solutions of all exercises by key, as code."""
        everything = json.loads((files(__package__) / "notebooks" / "solutions.json").read_text("utf-8"))
        return everything[self.id]

    @functools.cached_property
    def reference(self):
        """Names that all solutions, run in their order, define."""
        names = {"np": np}
        for key, exercise in {**self.exercises, **self.predictions}.items():
            if not isinstance(exercise, Choice | Prediction):
                exec(self.solutions[key], names)  # noqa: S102, code that comes with the package
                setattr(names[exercise.name], REFERENCE, True)
        return names

    def result(self, key, names=None, seeds=5):
        """Return the verdict on the last answer to an exercise, on data of several seeds.

        Parameters
        ----------
        key : str
        names : dict or None, default=None
            Names of the notebook, for an answer that was not handed to `check`.
        seeds : int, default=5
        """
        exercise = self.exercises[key]
        answer = exercise.answer if exercise.answer is not None else (names or {}).get(exercise.name)
        if answer is None or hasattr(answer, REFERENCE):
            return Verdict(None, UNDEFINED)
        return exercise.verdicts(answer, range(seeds))

    def report(self):
        """Print what is done, with a line of JSON to hand in."""
        print(f"{self.id}: {self.title}")
        states = {}
        for key, exercise in self.exercises.items():
            states[key] = NAMES[exercise.passed]
            tries = f"{exercise.tries} tries" if exercise.tries != 1 else "1 try"
            print(f"  {key}  {exercise.name:<24} {states[key]}  {tries if exercise.tries else ''}".rstrip())
        done = sum(state == "PASS" for state in states.values())
        print(f"{done} of {len(states)} exercises done")
        print(json.dumps({"lab": self.id, "done": done, "of": len(states), "exercises": states}))


class Exercise:
    """A function to write, checked on random data."""

    #: What a notebook does after an answer that fails.
    goes_on = " Below, the lab goes on with a solution of its own."

    def __init__(self, lab, key, name, test, hints, works=None):
        self.lab, self.key, self.name, self.test, self.hints, self.works = lab, key, name, test, hints, works
        self.answer, self.passed, self.tries, self.hints_given = None, None, 0, 0

    def __repr__(self):
        return f"<exercise {self.key} {self.name}: {NAMES[self.passed]}>"

    def verdict(self, answer, seed=0):
        """Return what the check finds on the data of one seed; never raises but for an interrupt."""
        if answer is None or answer is Ellipsis or hasattr(answer, REFERENCE):
            return Verdict(None, "not attempted yet")
        try:
            with np.errstate(all="ignore"):
                self._ask(answer, np.random.default_rng([seed, len(self.key), *self.key.encode()]))
        except NotAttempted:
            return Verdict(None, "not attempted yet")
        except Wrong as wrong:
            return Verdict(False, str(wrong))
        except (Exception, SystemExit) as error:  # whatever the learner's code raises is for the learner to read
            about = f"{type(error).__name__}: {error}{_place(error, answer)}{_why(error)}"
            return Verdict(False, f"your code raised {about}")
        return Verdict(True, self._praise(answer))

    def verdicts(self, answer, seeds):
        """Return the first verdict that is not a pass on the data of several seeds, or else a pass."""
        for seed in seeds:
            verdict = self.verdict(answer, seed)
            if not verdict.passed:
                break
        return verdict

    def check(self, answer):
        """Print whether an answer is right, and return what the lab goes on with: it, or else the solution."""
        if hasattr(answer, REFERENCE):
            answer = self.answer  # the cell was run again after the solution had taken the place of the answer
        self.answer = answer
        try:
            with few_lines():
                verdict = self.verdicts(answer, SEEDS)
        except KeyboardInterrupt:
            verdict = Verdict(False, "interrupted. Does your code come to an end?")
        self.passed = verdict.passed
        self.tries += verdict.passed is not None
        print(f"{NAMES[verdict.passed]} {self.key} {self.name}: {verdict.message}".removesuffix(": "))
        if verdict.passed is False:
            print(f"     (lab: {self.lab.id}.{self.name}.hint() helps.{self.goes_on})")
        return answer if verdict.passed else self._instead(answer)

    def skip(self, answer):
        """Note an answer without looking at it, and return a solution to go on with."""
        self.answer = answer
        return self._instead(answer)

    def hint(self):
        """Print the next hint."""
        place = min(self.hints_given, len(self.hints) - 1)
        self.hints_given = place + 1
        print(f"Hint {place + 1} of {len(self.hints)}: {self.hints[place]}")

    def solution(self, force=False):
        """Print the solution, after two failed tries or by force."""
        if not (force or self.passed or self.tries >= TRIES):
            print(
                f"Try first: the solution is shown after {TRIES} tries, or by {self.lab.id}.{self.name}.solution("
                "force=True)."
            )
            return
        print(self.lab.solutions[self.key])

    def grade(self, seeds=SEEDS):
        """Raise AssertionError unless the last answer to `check` passes on the data of several seeds."""
        verdict = self.verdicts(self.answer, seeds)
        if not verdict.passed:
            raise AssertionError(f"{self.key} {self.name}: {verdict.message}")

    def _ask(self, answer, rng):
        self.test(asked(answer, self.name), rng)

    def _praise(self, answer):
        return self.works or ""

    def _instead(self, answer):
        return self.lab.reference[self.name]


class Choice(Exercise):
    """A question with options, each of which has something to be said about it."""

    goes_on = ""

    def __init__(self, lab, key, name, correct, why, hints):
        super().__init__(lab, key, name, None, hints)
        self.correct, self.why = correct, why

    def _ask(self, answer, rng):
        option = _option(answer, self.why)
        if option != self.correct:
            raise Wrong(self.why[option])

    def _praise(self, answer):
        return self.why[self.correct]

    def _instead(self, answer):
        return answer  # nothing below needs it, and the cell may be run again


class Prediction:
    """A question before an experiment; any answer counts."""

    def __init__(self, lab, key, name, options, truth):
        self.lab, self.key, self.name, self.options, self.truth = lab, key, name, options, truth
        self.answer = None

    def check(self, answer):
        """Note a prediction."""
        if answer is None or answer is Ellipsis:
            print(f"TODO {self.key} {self.name}: predict first, any answer counts")
            return
        try:
            self.answer = _option(answer, self.options)
        except Wrong as wrong:
            print(f"FAIL {self.key} {self.name}: {wrong}")
            return
        print(f"NOTED {self.key} {self.name}: you say {self.answer}. Run on and see.")

    def reveal(self):
        """Print what came out beside what was predicted."""
        said = f"you said {self.answer}" if self.answer else "you made no prediction"
        print(f"{self.key} {self.name}: {said}. {self.truth}")


def _option(answer, options):
    """Return an answer as one of the options."""
    option = answer.strip().lower() if isinstance(answer, str) else answer
    if option not in list(options):
        raise Wrong(f"answer with one of {', '.join(map(repr, options))}, not {answer!r:.40}.")
    return option


def _why(error):
    """Return what an error means whose own text does not tell a learner."""
    if isinstance(error, ValueError) and "truth value of an array" in str(error):
        return ". The argument may be an array: a condition on it has an answer for each entry, not one for all."
    return ""


def _place(error, answer):
    """Return the line of the learner's code in which an error arose, in words."""
    code = getattr(answer, "__code__", None)
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename]
    return f" (line {lines[-1]} of the cell)" if lines else ""
