"""Tests of the build itself: a service that reaches for another one is refused, by name.

Each case is a small tree under the repository's real build configuration. Run by `ci/check`, or alone:

    python3 ci/test_isolation.py
"""

import shutil
import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = ("pants", "pants.toml", "BUILD", "ruff.toml", "mypy.ini", "pytest.ini")
FOLDERS = ("3rdparty", "build-support", "pants-plugins", "contracts")
SERVICES = ("src/model_api", "src/training")
CLEAN = {
    "src/model_api/main.py": "from model_api.api import predict\n\nprint(predict.answer())\n",
    "src/model_api/api/predict.py": "from model_api.domain import guard\n\n\ndef answer() -> str:\n    return guard.decide()\n",
    "src/model_api/domain/guard.py": "def decide() -> str:\n    return 'allow'\n",
    "src/model_api/adapters/postgres.py": "import asyncpg\n\nconnect = asyncpg.connect\n",
    "src/training/main.py": "from training.domain import linear\n\nprint(linear.fit())\n",
    "src/training/domain/linear.py": "def fit() -> int:\n    return 1\n",
}


class IsolationTest(unittest.TestCase):
    tree: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.tree = Path(tempfile.mkdtemp(prefix="bartizan-isolation-"))
        cls.addClassCleanup(shutil.rmtree, cls.tree, ignore_errors=True)
        for name in CONFIGURATION:
            shutil.copy(ROOT / name, cls.tree / name)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, cls.tree / name)
        for name in SERVICES:
            (cls.tree / name).mkdir(parents=True)
            build = (ROOT / name / "BUILD").read_text()
            (cls.tree / name / "BUILD").write_text(build)
        cls.addClassCleanup(cls.stop_daemon)

    @classmethod
    def stop_daemon(cls) -> None:
        for pid_file in cls.tree.glob(".pids/*/pantsd/pid"):
            subprocess.run(["kill", pid_file.read_text().strip()], check=False)

    def setUp(self) -> None:
        for path, text in CLEAN.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        file = self.tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        self.addCleanup(file.unlink, missing_ok=True)

    def pants(self, *arguments: str) -> tuple[int, str]:
        run = subprocess.run(
            [self.tree / "pants", "--unmatched-build-file-globs=ignore", *arguments],
            cwd=self.tree,
            capture_output=True,
            text=True,
            check=False,
        )
        return run.returncode, run.stdout + run.stderr

    def assert_refused(self, arguments: tuple[str, ...], *ends: str) -> None:
        status, output = self.pants(*arguments)
        self.assertNotEqual(status, 0, output)
        for end in ends:
            self.assertIn(end, output)

    def test_a_clean_tree_is_accepted(self) -> None:
        for goal in (("dependencies", "src::"), ("lint", "--only=isolation", "src::")):
            status, output = self.pants(*goal)
            self.assertEqual(status, 0, output)

    def test_an_import_of_another_service_is_refused(self) -> None:
        self.write(
            "src/model_api/api/predict.py", "from training.domain import linear\n\nlinear.fit()\n"
        )
        self.assert_refused(
            ("dependencies", "src::"), "src/model_api/api/predict.py", "training.domain.linear"
        )

    def test_a_declared_dependency_on_another_service_is_refused(self) -> None:
        build = self.tree / "src/model_api/BUILD"
        original = build.read_text()
        self.addCleanup(build.write_text, original)
        build.write_text(
            original
            + '\npython_sources(name="x", sources=["main.py"], resolve="model_api", dependencies=["src/training:sources"])\n'
        )
        self.assert_refused(("dependencies", "src::"), "src/model_api/main.py", "src/training")

    def test_an_import_upward_through_the_layers_is_refused(self) -> None:
        self.write(
            "src/model_api/domain/guard.py",
            "from model_api.adapters import postgres\n\nprint(postgres)\n",
        )
        self.assert_refused(
            ("dependencies", "src::"),
            "src/model_api/domain/guard.py",
            "src/model_api/adapters/postgres.py",
        )

    def test_a_driver_in_the_domain_is_refused(self) -> None:
        self.write("src/model_api/domain/guard.py", "import asyncpg\n\nprint(asyncpg)\n")
        self.assert_refused(("dependencies", "src::"), "src/model_api/domain/guard.py", "asyncpg")

    def test_a_controller_that_imports_an_adapter_is_refused(self) -> None:
        self.write(
            "src/model_api/api/predict.py",
            "from model_api.adapters import postgres\n\nprint(postgres)\n",
        )
        self.assert_refused(
            ("dependencies", "src::"),
            "src/model_api/api/predict.py",
            "src/model_api/adapters/postgres.py",
        )

    def test_a_second_name_of_one_import_statement_is_seen(self) -> None:
        self.write("src/model_api/api/predict.py", "import json, training.domain.linear\n")
        self.assert_refused(
            ("dependencies", "src::"), "src/model_api/api/predict.py", "training.domain.linear"
        )

    def test_an_import_that_a_pragma_hides_is_refused(self) -> None:
        self.write(
            "src/model_api/api/predict.py",
            "from training.domain import linear  # pants: no-infer-dep\n\nlinear.fit()\n",
        )
        self.assert_refused(
            ("lint", "--only=isolation", "src::"),
            "model_api (src/model_api/api/predict.py:1)",
            "training (training.domain)",
        )

    def test_an_import_by_a_computed_string_is_refused(self) -> None:
        self.write(
            "src/model_api/api/predict.py",
            "import importlib\n\nimportlib.import_module('.'.join(['training', 'domain']))\n",
        )
        self.assert_refused(
            ("lint", "--only=isolation", "src::"),
            "model_api (src/model_api/api/predict.py:3)",
            "'.'.join(['training', 'domain'])",
        )

    def test_an_import_by_a_literal_string_is_refused(self) -> None:
        self.write(
            "src/model_api/api/predict.py",
            "NAME = 'training.domain.linear:fit'\n__import__('training')\n",
        )
        self.assert_refused(
            ("lint", "--only=isolation", "src::"),
            "model_api (src/model_api/api/predict.py:1) names training (training.domain.linear:fit)",
            "model_api (src/model_api/api/predict.py:2) loads training (training)",
        )

    def test_a_longer_search_path_is_refused(self) -> None:
        self.write(
            "src/model_api/api/predict.py", "import sys\n\nsys.path.insert(0, '../training')\n"
        )
        self.assert_refused(
            ("lint", "--only=isolation", "src::"),
            "model_api (src/model_api/api/predict.py:3) changes sys.path",
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
