"""Every check is itself checked: stubs, solutions on data of five seeds, and mistakes with messages of their own."""

import importlib.util
import itertools
import re
import types
from decimal import Decimal
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pytest

from sparsecode import labs
from sparsecode.labs import Choice

FOLDER = Path(__file__).parents[2] / "docs" / "labs"
SEEDS = range(5)
LABS = [getattr(labs, name) for name in labs.LABS]
EXERCISES = [exercise for lab in LABS for exercise in lab.exercises.values()]


def mistakes(lab):
    """Return what learners may get wrong in a lab: by exercise and name, an answer and a part of its message."""
    path = FOLDER / "mistakes" / f"{lab.id}.py"
    spec = importlib.util.spec_from_file_location(f"mistakes_{lab.id}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MISTAKES


def answer(exercise):
    """Return the solution of an exercise as a learner would hand it in."""
    if isinstance(exercise, Choice):
        return exercise.correct
    reference = exercise.lab.reference[exercise.name]
    return types.FunctionType(reference.__code__, reference.__globals__, exercise.name, reference.__defaults__)


def gives_away(lab, key, message):
    """Assert that a message contains neither the code of a solution nor a call."""
    solution = re.sub(r"\s+", "", lab.solutions[key].splitlines()[-1].replace("return", ""))
    assert len(solution) < 8 or solution not in re.sub(r"\s+", "", message), f"{key}: {message}"
    if not message.startswith("your code raised"):
        assert not re.search(r"\bnp\.|\bscipy\.|singular|linalg", message), f"{key}: {message}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: f"{e.lab.id}-{e.key}")
def test_solutions_pass_and_stubs_are_not_attempted(exercise):
    def with_text(*arguments, **named):
        """Say what the result is."""

    def unfinished(*arguments, **named):
        raise NotImplementedError

    for seed in SEEDS:
        verdict = exercise.verdict(answer(exercise), seed)
        assert verdict.passed is True, verdict.message
    stubs = (None, ...) if isinstance(exercise, Choice) else (None, ..., with_text, unfinished, lambda *a, **k: ...)
    for stub in stubs:
        assert exercise.verdict(stub) == (None, "not attempted yet")


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_mistakes_fail_each_with_its_own_message(lab):
    known = mistakes(lab)
    written = {key for key, exercise in lab.exercises.items() if not isinstance(exercise, Choice)}
    assert set(known) == written, "every exercise needs mistakes that its check knows"
    for key, cases in known.items():
        assert len(cases) >= 2
        seen = {}
        for name, (wrong, fragment) in cases.items():
            messages = set()
            for seed in SEEDS:
                verdict = lab.exercises[key].verdict(wrong, seed)
                assert verdict.passed is False, f"{key}, {name}, seed {seed}: {verdict}"
                assert fragment in verdict.message, f"{key}, {name}, seed {seed}: {verdict.message}"
                gives_away(lab, key, verdict.message)
                messages.add(re.sub(r"-?\d[\d.e+-]*", "#", verdict.message))
            seen[name] = messages
        for name, messages in seen.items():
            for other, others in seen.items():
                assert name == other or not messages & others, f"{key}: {name} and {other} get the same message"


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_options_have_messages_of_their_own(lab):
    for exercise in lab.exercises.values():
        if not isinstance(exercise, Choice):
            continue
        messages = [exercise.verdict(option).message for option in exercise.why]
        assert len(set(messages)) == len(messages) >= 3
        for option in exercise.why:
            assert exercise.verdict(option.upper() + " ").passed is (option == exercise.correct)
        assert "answer with one of" in exercise.verdict("z").message
        assert "answer with one of" in exercise.verdict([1]).message


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_goals_and_hints(lab):
    assert {key for keys in lab.goals.values() for key in keys} == set(lab.exercises)
    assert lab.level in ("beginner", "intermediate", "advanced")
    for key, exercise in lab.exercises.items():
        assert key.split(".")[0] == lab.id.removeprefix("lab")
        assert len(exercise.hints) >= 2
        if not isinstance(exercise, Choice):
            solution = re.sub(r"\s+", "", lab.solutions[key].splitlines()[-1].replace("return", ""))
            assert len(solution) < 8 or all(solution not in re.sub(r"\s+", "", hint) for hint in exercise.hints), (
                f"{key}: a hint gives it away"
            )


def test_code_that_raises_is_a_fail_with_the_line(capsys):
    def wrong(u, t):
        s = u + t
        return s @ np.ones(3)

    verdict = labs.lab1.soft_threshold.verdict(wrong)
    assert verdict.passed is False
    line = wrong.__code__.co_firstlineno + 2
    assert verdict.message.startswith("your code raised ValueError: ")
    assert verdict.message.endswith(f"(line {line} of the cell)")


def test_of_what_code_prints_while_it_is_checked_ten_lines_are_shown(lab, capsys):
    def chatty(u, t):
        print("u", 1, end="\n\n")
        return u - np.clip(u, -t, t)

    lab.soft_threshold.check(chatty)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:10] == ["u 1", ""] * 5
    assert "these are the first 10" in lines[10]
    assert lines[11].startswith("PASS")
    assert len(lines) == 12
    lab.soft_threshold.check(lambda u, t: print("once", end="") or missing)  # noqa: F821
    assert capsys.readouterr().out.startswith("onceFAIL")


def test_code_that_changes_its_input_is_told(capsys):
    def wrong(u, t):
        u -= t
        return u

    assert "changes the array that it is given" in labs.lab1.soft_threshold.verdict(wrong).message


def test_numbers_beyond_all_floats_are_not_finite():
    for much in (10**400, Fraction(10**400, 3), np.inf, float("nan"), Decimal("nan")):
        assert "should be finite" in labs.lab1.lipschitz.verdict(lambda D, much=much: much).message


def test_interrupts_are_not_swallowed():
    def endless(u, t):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        labs.lab1.soft_threshold.verdict(endless)


@pytest.fixture
def lab():
    """A lab without anything done."""
    fresh = labs.Lab("lab1", "t", minutes=1, level="beginner", needs=[], goals={}, packages=[])
    fresh._add(
        fresh.exercises, labs.Exercise(fresh, "1.1", "soft_threshold", labs.lab1.soft_threshold.test, ["first", "last"])
    )
    fresh.prediction("P1", "speed", options="ab", truth="It was b.")
    return fresh


def test_a_lab_goes_on_with_the_answer_or_a_solution(lab, capsys):
    exercise = lab.soft_threshold

    def right(u, t):
        return u - np.clip(u, -t, t)

    given = exercise.check(lambda u, t: u)
    assert capsys.readouterr().out.startswith("FAIL 1.1 soft_threshold: ")
    assert given(np.array([3.0, 0.5]), 1.0).tolist() == [2.0, 0.0]
    assert exercise.check(given) is given  # the cell run again: the answer is still the wrong one
    assert capsys.readouterr().out.startswith("FAIL")
    with pytest.raises(AssertionError, match="soft_threshold"):
        exercise.grade()
    assert exercise.check(right) is right
    assert capsys.readouterr().out.startswith("PASS 1.1 soft_threshold")
    exercise.grade()
    lab.report()
    assert capsys.readouterr().out.endswith('{"lab": "lab1", "done": 1, "of": 1, "exercises": {"1.1": "PASS"}}\n')


def test_an_interrupted_check_is_a_fail_and_the_lab_goes_on(lab, capsys):
    def endless(u, t):
        raise KeyboardInterrupt

    assert lab.soft_threshold.check(endless) is lab.reference["soft_threshold"]
    assert "come to an end" in capsys.readouterr().out
    assert lab.soft_threshold.answer is endless


def test_solutions_are_shown_after_two_tries(lab, capsys):
    exercise = lab.soft_threshold
    exercise.check(...)
    exercise.solution()
    assert "Try first" in capsys.readouterr().out
    exercise.check(lambda u, t: u)
    exercise.check(lambda u, t: u)
    capsys.readouterr()
    exercise.solution()
    assert "def soft_threshold" in capsys.readouterr().out


def test_hints_go_on_to_the_last(lab, capsys):
    for _ in range(3):
        lab.soft_threshold.hint()
    assert capsys.readouterr().out.splitlines() == ["Hint 1 of 2: first", "Hint 2 of 2: last", "Hint 2 of 2: last"]


def test_predictions_count_whatever_they_are(lab, capsys):
    lab.speed.check(...)
    lab.speed.reveal()
    lab.speed.check("c")
    lab.speed.check("A")
    lab.speed.reveal()
    todo, unsaid, fail, noted, said = capsys.readouterr().out.splitlines()
    assert todo.startswith("TODO")
    assert "no prediction" in unsaid
    assert fail.startswith("FAIL")
    assert noted.startswith("NOTED")
    assert "you said a. It was b." in said


def test_an_unknown_lab_is_named():
    with pytest.raises(AttributeError, match="the labs are lab1"):
        labs.lab99  # noqa: B018


def test_working_code_with_an_ellipsis_is_no_stub():
    def wrong(u, t):
        v = u[...]
        return v + None

    def silent(u, t):
        u - t

    assert labs.lab1.soft_threshold.verdict(wrong).message.startswith("your code raised TypeError")
    assert "Is a `return` missing" in labs.lab1.soft_threshold.verdict(silent).message


def test_a_condition_on_an_array_is_explained_and_an_exit_is_caught():
    def exits(u, t):
        raise SystemExit(1)

    assert "may be an array" in labs.lab1.soft_threshold.verdict(lambda u, t: u if u > t else 0).message
    assert "SystemExit" in labs.lab1.soft_threshold.verdict(exits).message


def test_a_wrong_choice_stays_when_its_cell_is_run_again(capsys):
    fresh = labs.Lab("lab1", "t", minutes=1, level="beginner", needs=[], goals={}, packages=[])
    choice = fresh.choice("1.7", "doubling", correct="b", why={"a": "no", "b": "yes"}, hints=["x", "y"])
    answer = choice.check(choice.check("a"))
    assert answer == "a"
    text = capsys.readouterr().out
    assert text.count("FAIL 1.7") == 2
    assert "goes on with" not in text


def by_eigenvalues(D):
    """An eigenvalue of a type that is complex where others are not real to the last digit."""
    return complex(np.linalg.norm(D, 2) ** 2)


def by_power_iteration(D, rounds=50, seed=0):
    """The largest eigenvalue but for some parts in a hundred thousand."""
    v = np.random.default_rng(seed).standard_normal(D.shape[1])
    for _ in range(rounds):
        v = (v @ D.T) @ D
        v /= np.linalg.norm(v)
    return np.sum((v @ D.T) ** 2)


def fista_with(lipschitz):
    """FISTA of the textbook with somebody's Lipschitz constant."""

    def fista(x, D, alpha, n_iter):
        step, t = 1 / lipschitz(D), 1.0
        w = v = np.zeros(len(D))
        for _ in range(n_iter):
            old, u = w, v + step * (D @ (x - v @ D))
            w = np.sign(u) * np.maximum(np.abs(u) - step * alpha, 0)
            t_old, t = t, (1 + np.sqrt(1 + 4 * t * t)) / 2
            v = w + (t_old - 1) / t * (w - old)
        return w

    return fista


ANYWHERE = itertools.count()


def by_power_iteration_from_anywhere(D):
    return by_power_iteration(D, 200, next(ANYWHERE))


def in_another_order(D, A, B):
    D = D.copy()
    for j in np.flatnonzero(np.diag(A) > 0)[::-1]:
        D[j] += (B[j] - A[j] @ D) / A[j, j]
        D[j] /= np.linalg.norm(D[j])
    return D


def exact_tail(n, a, s, theta):
    """The chance as a ratio of whole numbers, without rounding."""
    return Fraction(sum(comb(s, b) * comb(n - s, a - b) for b in range(theta, min(s, a) + 1)), comb(n, a))


def exact_fill(items, n_features, n_active, n_units):
    return 1 - (1 - n_active / n_features / n_units) ** items


def exact_capacity(n_features, n_active, n_units, accuracy):
    fill = (2 * (1 - accuracy) / (n_units - 1)) ** (1 / n_active)
    return np.log(1 - fill) / np.log(1 - n_active / n_features / n_units)


@pytest.mark.parametrize(
    ("exercise", "other"),
    [
        (labs.lab1.lipschitz, by_eigenvalues),
        (labs.lab1.lipschitz, by_power_iteration),
        (labs.lab1.fista, fista_with(by_power_iteration)),
        (labs.lab1.fista, fista_with(by_power_iteration_from_anywhere)),
        (labs.lab1.fista, fista_with(lambda D: 0.9991 * np.linalg.norm(D, 2) ** 2)),
        (labs.lab1.fista, fista_with(lambda D: (1 + 1e-6) * np.linalg.norm(D, 2) ** 2)),
        (labs.lab1.fista, fista_with(lambda D: 1.0009 * np.linalg.norm(D, 2) ** 2)),
        (labs.lab2.update_atoms, in_another_order),
        (labs.lab6.tail_probability, exact_tail),
        (labs.lab6.tail_probability, lambda n, a, s, theta: Decimal(int(exact_tail(n, a, s, theta) * 10**60)) / 10**60),
        (labs.lab5.expected_fill, exact_fill),
        (labs.lab5.capacity_law, exact_capacity),
        (labs.lab5.count_codes, lambda q, k: np.array([k**q, q / k])),
        (labs.lab7.count_products, lambda D, n: np.array([np.count_nonzero(D) * n, D.size * n])),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_other_right_answers_pass(exercise, other):
    for seed in SEEDS:
        verdict = exercise.verdict(other, seed)
        assert verdict.passed is True, verdict.message


def learn_at_one_rate(permanence, active, increment, decrement):
    return np.clip(permanence + np.where(active, 0.1, -0.05), 0, 1)


def spikes_of_one_neuron(currents, tau, dt, threshold, reset):
    return labs.lab7.reference["spike_train"](currents, 0.02, 0.004, threshold, reset)


def capacity_at_one_accuracy(n_features, n_active, n_units, accuracy):
    return labs.lab5.reference["capacity_law"](n_features, n_active, n_units, 0.97)


def score_of_ten(X, y, n_features, n_folds, classify, rng):
    return labs.lab8.reference["honest_score"](X, y, 10, n_folds, classify, rng)


def score_of_five_folds(X, y, n_features, n_folds, classify, rng):
    return labs.lab8.reference["honest_score"](X, y, n_features, 5, classify, rng)


@pytest.mark.parametrize(
    ("exercise", "fixed"),
    [
        (labs.lab6.learn, learn_at_one_rate),
        (labs.lab7.spike_train, spikes_of_one_neuron),
        (labs.lab5.capacity_law, capacity_at_one_accuracy),
        (labs.lab8.honest_score, score_of_ten),
        (labs.lab8.honest_score, score_of_five_folds),
    ],
    ids=lambda value: getattr(value, "__name__", None) or value.name,
)
def test_answers_with_a_fixed_parameter_fail(exercise, fixed):
    for seed in SEEDS:
        assert exercise.verdict(fixed, seed).passed is False
