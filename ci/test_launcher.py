"""The script `./bartizan`: what it builds when, and that it passes on what it was given.

A copy of the script runs in a small repository of its own, with its real helper that finds Python;
`pants` there is a program that notes what it was asked for and makes it.
"""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FOLDERS = {
    "bartizan": "deploy/local/bartizan",
    "mlflow": "deploy/mlflow/mlflow_server",
    "model_api": "src/model_api",
    "dashboard_backend": "src/dashboard_backend",
    "training": "src/training",
}

PANTS = """#!/usr/bin/env bash
cd "$(dirname "$0")"
echo "$*" >>asked
[ ! -e broken ] || exit 1
mkdir -p dist
for target in "${@:2}"; do cp program.py "dist/${target##*:}.pex"; done
"""

PROGRAM = """import os, sys
print(os.environ["BARTIZAN_ROOT"], *sys.argv[1:], sep="|")
sys.exit(7)
"""


class LauncherTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve() / "a repository"
        for name in ("bartizan", "build-support/find_python.sh", "build-support/find_uv.sh"):
            self.write(name, "")
            shutil.copy(ROOT / name, self.root / name)
        self.write("pants", PANTS).chmod(0o755)
        self.write("program.py", PROGRAM)
        self.write("pants.toml", "")
        self.write("build-support/macros.py", "")
        for name, source in FOLDERS.items():
            self.write(f"{source}/main.py", "")
            self.write(f"3rdparty/python/{name}/requirements.lock", "")

    def write(self, name: str, content: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def run_it(
        self, *arguments: str, script: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "BARTIZAN_DIST"}
        return subprocess.run(
            [script or self.root / "bartizan", *arguments],
            env=environment | variables,
            cwd="/",
            text=True,
            capture_output=True,
            check=False,
        )

    def built_by(self, *arguments: str, **variables: str) -> set[str]:
        """The names of the programs that the command has built."""
        asked = self.root / "asked"
        asked.unlink(missing_ok=True)
        self.run_it(*arguments, **variables)
        if not asked.exists():
            return set()
        (line,) = asked.read_text().splitlines()
        goal, *targets = line.split()
        self.assertEqual(goal, "package")
        names = {target.partition(":")[2] for target in targets}
        self.assertEqual(set(targets), {f"{FOLDERS[name]}:{name}" for name in names})
        return names

    def test_arguments_root_and_exit_status_pass(self) -> None:
        result = self.run_it("scan", "two words", "", "*")
        self.assertEqual(result.stdout, f"{self.root}|scan|two words||*\n")
        self.assertEqual(result.returncode, 7)

    def test_it_is_found_through_links(self) -> None:
        (self.root / "bin").mkdir()
        (self.root / "bin/relative").symlink_to("../bartizan")
        absolute = self.root.parent / "absolute"
        absolute.symlink_to(self.root / "bin/relative")
        result = self.run_it("status", script=absolute)
        self.assertEqual(result.stdout, f"{self.root}|status\n")

    def test_up_builds_all_once(self) -> None:
        self.assertEqual(self.built_by("up"), set(FOLDERS))
        self.assertEqual(self.built_by("up"), set())

    def test_up_builds_what_changed(self) -> None:
        changes = {
            "src/training/domain/new.py": {"training"},
            "deploy/mlflow/mlflow_server/main.py": {"mlflow"},
            "3rdparty/python/model_api/requirements.lock": {"model_api"},
            "pants.toml": set(FOLDERS),
            "src/training/README.md": set(),
            "src/training/tests/unit/test_new.py": set(),
            "src/training/__pycache__/main.cpython-312.pyc": set(),
        }
        self.built_by("up")
        for name, built in changes.items():
            with self.subTest(name):
                self.write(name, "changed")
                self.assertEqual(self.built_by("up"), built)

    def test_a_renamed_and_a_lost_file_count(self) -> None:
        self.built_by("up")
        (self.root / "src/training/main.py").rename(self.root / "src/training/app.py")
        (self.root / "dist/model_api.pex").unlink()
        self.assertEqual(self.built_by("up"), {"training", "model_api"})

    def test_scan_needs_the_guard_alone(self) -> None:
        self.assertEqual(self.built_by("scan", "hello"), {"bartizan", "model_api"})

    def test_what_runs_is_looked_at_without_a_build(self) -> None:
        for command in (["status"], ["down"], ["train", "up"], ["up", "--help"], []):
            with self.subTest(command):
                shutil.rmtree(self.root / "dist", ignore_errors=True)
                self.assertEqual(self.built_by(*command), {"bartizan"})
                self.write("deploy/local/bartizan/main.py", f"changed {command}")
                self.assertEqual(self.built_by(*command), set())

    def test_a_failed_build_is_told_and_tried_again(self) -> None:
        self.built_by("up")
        self.write("src/training/main.py", "changed")
        broken = self.write("broken", "")
        result = self.run_it("up")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("building training", result.stderr)
        broken.unlink()
        self.assertEqual(self.built_by("up"), {"training"})

    def test_ready_programs_are_never_built(self) -> None:
        ready = self.write("elsewhere/bartizan.pex", PROGRAM).parent
        self.assertEqual(self.built_by("up", BARTIZAN_DIST=str(ready)), set())
        self.assertEqual(self.run_it("up", BARTIZAN_DIST=str(ready)).returncode, 7)

    def test_an_interpreter_that_does_not_run_is_named(self) -> None:
        self.built_by("up")
        result = self.run_it("up", BARTIZAN_PYTHON_3_12="/nowhere")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("BARTIZAN_PYTHON_3_12", result.stderr)


if __name__ == "__main__":
    unittest.main()
