"""The benchmarks run, on problems so small that what they measure means nothing."""

import importlib
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from sparsecode.penalties import L1
from sparsecode.solvers import solve

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def imported(monkeypatch):
    """Import modules of a folder of benchmarks, and forget them afterwards."""
    before = set(sys.modules)

    def import_from(folder, *names):
        monkeypatch.syspath_prepend(BENCHMARKS / folder)
        return [importlib.import_module(name) for name in names]

    yield import_from
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def small():
    """Rows and unit atoms."""
    rng = np.random.default_rng(0)
    D = rng.standard_normal((24, 16))
    return rng.standard_normal((60, 16)), D / np.linalg.norm(D, axis=1, keepdims=True)


def methods_of(suite):
    return [name for name in dir(suite) if name.startswith(("time_", "timeraw_", "peakmem_"))]


def all_suites(modules):
    return [
        suite
        for module in modules
        for suite in vars(module).values()
        if isinstance(suite, type) and suite.__module__ == module.__name__ and methods_of(suite)
    ]


def test_suites_of_asv_run(imported, monkeypatch, small):
    package = imported("asv", "suites")[0]
    names = sorted(path.stem for path in Path(package.__file__).parent.glob("[a-z]*.py"))
    suites = all_suites([importlib.import_module(f"suites.{name}") for name in names])
    assert {name for suite in suites for name in methods_of(suite)} == {
        "time_transform", "peakmem_transform", "time_epoch", "time_fit", "timeraw_import", "timeraw_coder",
    }  # fmt: skip
    problems = dict.fromkeys(sys.modules["suites._problems"].SIZES, small)
    monkeypatch.setattr(sys.modules["suites.learn"], "SHAPE", (4, 4))
    for suite in suites:
        with_problems = [problems] if hasattr(suite, "setup_cache") else []
        for params in itertools.product(*getattr(suite, "params", [])):
            instance = suite()
            if hasattr(instance, "setup"):
                instance.setup(*with_problems, *params)
            for name in methods_of(suite):
                result = getattr(instance, name)(*with_problems, *params)
                if name.startswith("timeraw"):
                    exec(result, {})  # noqa: S102


def test_configuration_of_asv_names_no_machine():
    text = (BENCHMARKS / "asv" / "asv.conf.json").read_text()
    config = json.loads(text)
    assert (BENCHMARKS / "asv" / config["benchmark_dir"]).is_dir()
    assert (BENCHMARKS / "asv" / config["repo"]).resolve() == BENCHMARKS.parent
    assert "/home" not in text and "/Users" not in text and "machine" not in text  # noqa: PT018


def test_coding_is_reported_with_its_quality(imported, monkeypatch, small, capsys, tmp_path):
    l1, counts, report, peers = imported("versus", "l1", "counts", "report", "peers")

    def not_installed(*args):
        raise ImportError("no such library")

    for name in ("spams_lasso", "spams_omp"):
        monkeypatch.setattr(peers, name, not_installed)
    results = report.Report(tmp_path / "results.json")
    X, D = small
    l1.run(results, X, D, 1, 1, True)
    counts.run_pursuit(results, X, D, 1, 1, True)
    counts.run_l0(results, X, D, 1, 1, True)
    results.save()
    assert "SPAMS is left out: no such library" in capsys.readouterr().out
    saved = json.loads((tmp_path / "results.json").read_text())
    by_name = {(row["task"], row["method"]): row for row in saved["rows"]}
    product = by_name["l1", "X D^T, threads 1"]
    ratio = float(product["quality"].removeprefix("ours / product = "))
    assert ratio == pytest.approx(1 / product["ours is faster"], abs=0.006)  # one round; two digits are printed
    for library in ("sparsecode", "scikit-learn, processes 1"):
        quality = by_name["l1", f"{library}, gap 1e-06"]["quality"]
        assert float(quality.split("gap ")[1].split(",")[0]) <= 1e-6
    for method in ("sparsecode ormp", "sparsecode omp", "scikit-learn omp, processes 1"):
        assert by_name["pursuit", method]["quality"].startswith("error 0.")
    assert by_name["l0", "sparsecode replacement"]["quality"].startswith("objective ")
    (curves,) = saved["curves"]
    assert set(curves["points"]) == {"sparsecode", "scikit-learn", "X D^T"}


def test_few_rows_are_like_all(imported, small):
    (problems,) = imported("versus", "problems")
    X, D = small
    X = X * np.linspace(0.5, 2, len(X))[:, None]  # from few active coefficients to many
    ordered = problems.evenly(X, D, 1.0)
    np.testing.assert_array_equal(np.sort(ordered, axis=0), np.sort(X, axis=0))
    sizes = np.count_nonzero(solve(ordered, D, L1(1.0)).codes, axis=1)
    for few in (5, 12, 20):
        assert sizes[:few].mean() == pytest.approx(sizes.mean(), rel=0.1)  # 0.04 away; in the order of X 0.5 to 0.9


@pytest.mark.parametrize(("goal", "epochs", "tried"), [
    (9.0, 1, {1}),
    (1 / 11, 11, {1, 2, 4, 6, 9, 12, 10, 11}),
    (1 / 20 - 1e-9, 20, {1, 2, 4, 6, 9, 12, 15, 20, 16, 17, 18, 19}),  # rounding costs no epoch
    (0.0, None, {1, 2, 4, 6, 9, 12, 15, 20, 30}),
])  # fmt: skip
def test_epochs_that_come_to_an_error(imported, goal, epochs, tried):
    (ksvd,) = imported("versus", "ksvd")
    curve = {}
    assert ksvd.find_epochs(lambda n: (0.1 * n, 1 / n), curve, goal) == epochs
    assert curve == {n: (0.1 * n, 1 / n) for n in tried}


def test_a_report_names_the_processor_as_far_as_is_known(imported, monkeypatch, tmp_path):
    (report,) = imported("versus", "report")
    text = "processor : 0\nmodel name : First, of two\ncpu family : 6\n\nprocessor : 1\nmodel name : Second\n"
    for content, name in ((text, "First, of two, family 6"), ("BogoMIPS : 2\n", "chip"), (None, "chip")):
        path = tmp_path / f"{content is None}"
        if content is not None:
            path.write_text(content)
        monkeypatch.setattr(report, "Path", lambda _, path=path: path)
        monkeypatch.setattr(report.platform, "machine", lambda: "chip")
        monkeypatch.setattr(report.platform, "processor", lambda: "")
        assert report.processor() == name


def test_memories_are_compared(imported, monkeypatch, capsys):
    memory, peers, report = imported("versus", "memory", "peers", "report")

    def not_installed(*args):
        raise ImportError("no such library")

    monkeypatch.setattr(peers, "faiss_nearest", not_installed)
    for name, value in {"QUERIES": 30, "PART": 10, "STORED": (5, 20), "SCANNED": 50}.items():
        monkeypatch.setattr(memory, name, value)
    results = report.Report()
    memory.run(results, bool, 1, 1, False)
    assert "faiss is left out: no such library" in capsys.readouterr().out
    assert results.rows[-1]["quality"] == "100% of its first items recalled exactly"
    X, fitted = memory.items(20), memory.MacrocolumnMemory(9, 8, random_state=0).fit(memory.items(5))
    expected = fitted.transform(X).reshape(20, 9, 8).argmax(axis=2), fitted.familiarity(X)
    by_row = zip(*peers.numpy_recall(X, fitted.weights_)(), strict=True)
    for found in (by_row, peers.blas_recall(X, fitted.weights_)()):
        for values, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(values, wanted, rtol=1e-6)  # means in float32


def test_neighbors_are_compared(imported, monkeypatch):
    neighbors, peers, report = imported("versus", "neighbors", "peers", "report")

    def faiss_nearest(X, stored, threads, k):
        distances = (X[:, None] != stored[None]).sum(axis=2)
        places = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return lambda: (np.take_along_axis(distances, places, axis=1), places)

    monkeypatch.setattr(peers, "faiss_nearest", faiss_nearest)
    for name, value in {"SIZES": ((70, 10),), "STORED": 300, "QUERIES": 20, "NEIGHBORS": (3,)}.items():
        monkeypatch.setattr(neighbors, name, value)
    results = report.Report()
    neighbors.run(results, bool, 1, 1, True)
    assert [row["method"] for row in results.rows[:3]] == [f"sparsecode {m}" for m in neighbors.METRICS]
    assert results.rows[3]["quality"] == "100% of the distances and 100% of the places are ours"


def test_rates_are_compared(imported, monkeypatch):
    hypergeometric, report = imported("versus", "hypergeometric", "report")
    for name, value in {"RATES": 40, "PART": 30, "ALONE": 25, "SETTINGS": ((300, 20, 8),)}.items():
        monkeypatch.setattr(hypergeometric, name, value)
    results = report.Report()
    hypergeometric.run(results, 1)
    methods = "sparsecode, SciPy sf, SciPy logsf, sparsecode, one by one, SciPy sf, one by one"
    assert ", ".join(row["method"] for row in results.rows) == methods
    assert all(float(row["quality"].split()[-1]) < 1e-12 for row in results.rows)


def test_results_without_end_are_json(imported, tmp_path):
    (report,) = imported("versus", "report")
    results = report.Report(tmp_path / "results.json")
    results.add_time("learning", np.zeros((2, 3)), 4, 1, "objective 1", "slow", np.inf, np.inf)
    results.save()
    (row,) = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert row["us / row"] is None and row["K"] == 4  # noqa: PT018


def test_processes_code_what_threads_code(imported, small):
    (threads,) = imported("versus", "threads")
    X, D = small
    work = L1(0.5), "auto", 16
    with threads.Team(X, D, 2) as team:
        counted = [team.run(work), team.run(work)]
    assert not any(process.is_alive() for process, _ in team.members)
    expected = np.count_nonzero(solve(X, D, L1(0.5)).codes)
    assert counted == [expected] * 2
    assert threads.code(X, D, *work, 2) == expected


def test_figure_is_drawn_from_results(imported, tmp_path):
    (figure,) = imported("versus", "figure")
    entry = {"F": 144, "K": 288, "type": "float64", "threads": 2}
    learning = {"sparsecode": [[0.1, 3.0], [0.2, 2.5]], "SPAMS": [[1.0, 2.6]]}
    l1 = {"sparsecode": [[1e-5, 1e-3], [2e-5, 0.0]], "X D^T": [[2e-6, None], [1e-6, None]]}
    curves = [entry | {"task": "learning", "points": learning}, entry | {"task": "l1", "points": l1}]
    for found in (curves, curves[:1]):
        figure.draw(found, tmp_path / "figure.png")
        assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    above = {name: values.tolist() for name, _, values in figure.excess(learning)}
    assert above == {"sparsecode": [pytest.approx(0.2)], "SPAMS": [pytest.approx(0.04)]}
    assert figure.choose([entry | {"task": "l1", "K": 128}, entry | {"task": "l1"}], "l1")["K"] == 288


def test_points_that_others_beat_are_left_out(imported):
    (curves,) = imported("versus", "curves")
    assert curves.fastest_points([(3, 0.1), (1, 1.0), (2, 1.0), (4, 0.2)]) == [(1, 1.0), (3, 0.1)]


def test_coders_are_compared_at_matched_sparsity(imported, tmp_path, capsys):
    (beyond_l1,) = imported("", "beyond_l1")
    sizes = ["--side", "8", "--atoms", "30", "40", "--patches", "600", "--test", "200", "--epochs", "1", "--seeds", "2"]
    choice = ["--levels", "0.1", "--methods", "soft", "OMP-k", "CEL0", "--json", str(tmp_path / "results.json")]
    for kind in ([], ["--common"]):
        beyond_l1.main([*sizes, *choice, *kind])
        printed = capsys.readouterr().out
        assert "| CEL0 | 0.1 | 40 |" in printed
        assert "40 atoms, 10 % active: soft over CEL0 " in printed
        table = json.loads((tmp_path / "results.json").read_text())
        assert table["dims"] == {"coder": 3, "level": 1, "seed": 2, "n_components": 2, "quantile": 5}
        fractions = np.array(table["data_vars"]["active_fraction"]["data"])
        np.testing.assert_allclose(fractions, 0.1, rtol=0.01)
    beyond_l1.main([*sizes, "--levels", "0.1", "--methods", "LCA-hard", "CEL0", "--common"])
    assert "| LCA-hard | 0.1 | 40 |" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        beyond_l1.main([*sizes, "--methods", "LCA-hard"])
    assert "give --common too" in capsys.readouterr().err


def test_heterogeneous_kernels_are_compared(imported, capsys, tmp_path):
    (module,) = imported(".", "heterogeneous_kernels")
    steps, weights = ["--steps", "5"], ["--alphas", "1", "0.5"]
    module.main(
        ["--side", "32", "--images", "2", *steps, *weights, "--tol", "1e-2", "--json", str(tmp_path / "a.json")]
    )
    output = capsys.readouterr().out
    assert output.count("heterogeneous better: psnr") == 3
    assert output.count("active at equal PSNR") == 1
    assert json.loads((tmp_path / "a.json").read_text())["images"] == ["camera", "grass"]


def test_temporal_memory_is_compared(imported, capsys, tmp_path):
    (temporal_memory,) = imported(".", "temporal_memory")
    sizes = ["--rows", "120", "--timed", "20", "--slow-rows", "15", "--rounds", "1"]
    temporal_memory.main([*sizes, "--json", str(tmp_path / "a.json")])
    assert capsys.readouterr().out.count("times faster") == 4
    result = json.loads((tmp_path / "a.json").read_text())
    assert result["bytes / synapse"] > 16  # what a synapse takes without any slack
    assert result["sequences, no learning"]["rows / s"] > 0


def test_sporco_is_compared(imported, capsys, monkeypatch):
    pytest.importorskip("sporco")
    convolutional, report = imported("versus", "convolutional", "report")
    rng = np.random.default_rng(0)
    image, bank = rng.standard_normal((24, 24)).astype(np.float32), rng.standard_normal((4, 5, 5)).astype(np.float32)
    problem, result = convolutional.Problem.of(image, bank, 0.2), report.Report()
    monkeypatch.setattr(convolutional, "STEPS", 10)
    convolutional.compare(result, problem, "small", (1e-1, 1e-2), 30, 1, 1)
    found = [(row["setting"], row["method"]) for row in result.rows]
    whats = "gap 0.1", "gap 0.01", "objective of 10 iterations", "an iteration of ADMM"
    assert found == list(itertools.product((f"small, {what}" for what in whats), ("sparsecode", "SPORCO")))
    assert all(0 < row["us / row"] < np.inf for row in result.rows)
    # Who is not waited for has not reached it, and the time that was waited is a lower bound
    monkeypatch.setattr(convolutional, "PATIENCE", 0)
    convolutional.compare(result, problem, "small", (1e-6,), 0, 1, 1)
    assert [row["method"] for row in result.rows[8:10]] == ["sparsecode", "SPORCO, not reached"]


def test_codes_of_signals_are_compared(imported, capsys, monkeypatch):
    """With the Lasso of scikit-learn in place of alphacsc, which need not be there."""
    one, report, peers = imported("versus", "convolutional_1d", "report", "peers")
    for name, value in {"FRACTIONS": (0.5, 0.3, 0.1), "LENGTH": 1000, "SHORT": 200, "KERNELS": 3}.items():
        monkeypatch.setattr(one, name, value)

    def stand_in(X, D, alpha, tol, threads, solver):
        operator = one.ConvolutionOperator(D, X.shape[1], boundary="valid")
        return peers.scikit_learn_positive(X, operator.decode(np.eye(np.prod(operator.code_shape))), alpha, 1e-4)

    monkeypatch.setattr(peers, "alphacsc", stand_in)
    result = report.Report()
    one.run(result, 1, 1)
    assert [row["method"] for row in result.rows] == [
        *3 * ["sparsecode greedy", "alphacsc lgcd", "alphacsc l-bfgs"],
        *2 * ["sparsecode greedy", "scikit-learn Lasso"],
    ]
    assert {row["type"] for row in result.rows} == {"float64"}
    assert capsys.readouterr().out.count("objective / that of") == 13


def test_overlaps_of_segments_are_compared(imported, capsys, monkeypatch):
    (module,) = imported(".", "dendrite_evaluators")
    monkeypatch.setattr(module, "SETTINGS", ((200, 20, 8, 300, 40, 3), (128, 12, 6, 3000, 70, 2)))
    for arguments, n_settings in (["--quick"], 1), ([], 2):
        module.main(["--rounds", "1", *arguments])
        output = capsys.readouterr().out
        assert output.count("same True") == 4 * n_settings
        assert output.count("same") == 4 * n_settings


def test_films_through_convolutions_are_compared(imported, capsys, tmp_path):
    (film,) = imported(".", "delta_video")
    sizes = ["--width", "24", "--frames", "3", "--rounds", "1", "--json", str(tmp_path / "a.json")]
    film.main(["--clips", "discs", "no such clip", *sizes])
    output = capsys.readouterr().out
    assert "no such clip skipped: there is no clip 'no such clip', only bigbuckbunny" in output
    rows = json.loads((tmp_path / "a.json").read_text())["discs"]
    assert [row["threshold"] for row in rows] == [[0, 0], [2, 0.05], [4, 0.1], [6, 0.2], [8, 0.3]]
    assert rows[0]["error"] < 1e-5 < rows[-1]["error"]
    assert all(row["faster"][name] > 0 for row in rows for name in ("stream", "step"))


def test_video_memory(imported, capsys, monkeypatch):
    """A bright bar that moves over a field is stored and replayed; without a clip the benchmark says why it is idle."""
    (video,) = imported(".", "video_memory")
    frames = np.zeros((12, 24, 24))
    for i in range(12):
        frames[i, :, 2 * i : 2 * i + 5] = 100.0
    X = video.edges_of(frames)
    assert X.shape == (12, 576)
    assert X.any(axis=1).all()
    (result,) = video.run(X, [60])
    assert result["stored"] == 12
    assert result["replay"] == (1.0, 1.0)
    assert result["scores"][0] == 1 > max(result["scores"][1:])
    assert "12 frames of 576 pixels" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["video_memory.py", "--clip", "no such clip"])
    video.main()
    assert "skipped: " in capsys.readouterr().out


def test_memory_scale(imported, capsys, monkeypatch, tmp_path):
    """A few items: recall beside scans, and a figure."""
    (scale,) = imported(".", "memory_scale")
    monkeypatch.setattr(scale, "QUERIES", 40)
    monkeypatch.setattr(scale, "PART", 20)
    monkeypatch.setattr(scale, "SCANNED", 50)
    figure, results = tmp_path / "figure.png", tmp_path / "results.json"
    arguments = ["--items", "30", "60", "--rounds", "1", "--figure", str(figure), "--json", str(results)]
    monkeypatch.setattr("sys.argv", ["memory_scale.py", *arguments])
    scale.main()
    assert figure.stat().st_size > 1000
    written = json.loads(results.read_text())
    assert next(iter(written.values()))["over recall"] == 1  # recall of all rows at once
    for n in (30, 60):
        assert written[f"{n} items"]["recalled"] > 0.99
        assert written[f"{n} items"]["nearest"] == 1
    assert "NumPy, row by row" in capsys.readouterr().out


def test_memory_classes(imported, capsys, monkeypatch, tmp_path):
    """A few digits; clothing that is not there is passed over."""
    (classes,) = imported(".", "memory_classes")
    few = [part[:300] for part in classes.digits()[:3]]
    monkeypatch.setattr(classes, "digits", lambda: (*few, 300))
    monkeypatch.setattr(classes, "FASHION", tmp_path / "nowhere")
    results = tmp_path / "results.json"
    arguments = ["--per-class", "15", "15", "--seeds", "1", "--json", str(results)]
    monkeypatch.setattr("sys.argv", ["memory_classes.py", *arguments])
    classes.main()
    found = json.loads(results.read_text())
    assert found["windows, logistic"]["digits, 15 of a class, right"] > 0.7  # 0.8 and more
    assert "fashion is skipped: there is no" in capsys.readouterr().out
