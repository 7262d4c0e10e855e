"""A bundle as a folder that MLflow loads as a model of the flavour `python_function`.

No pickle: the weights are the bundle's, and the code that scores goes along as source. MLflow puts
the code of every model that a process loads on one search path, so the package is named by its
content: two models of different code do not take each other's.
"""

import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from importlib.metadata import version

import msgspec

_ENTRY = "adapters.mlflow.pyfunc"

_IMPORT = re.compile(r"^from training\.([\w.]+) import", re.MULTILINE)

_OWN_PACKAGE = re.compile(r"^from training\.", re.MULTILINE)

_PYTHON = "3.12"

_INPUT = [{"type": "string", "name": "text", "required": True}]

_OUTPUT = [
    {"type": "double", "name": "score", "required": True},
    {"type": "string", "name": "decision", "required": True},
    {
        "type": "map",
        "values": {"type": "double", "required": True},
        "name": "categories",
        "required": True,
    },
]


def model_files(bundle: Mapping[str, bytes], digest: str, run_id: str) -> dict[str, bytes]:
    """The model's files by path, `MLmodel` among them."""
    sources = _sources()
    content = hashlib.sha256(msgspec.json.encode(sorted(sources.items()))).hexdigest()
    package = f"bartizan_scoring_{content[:12]}"
    requirements = [f"mlflow=={version('mlflow-skinny')}", f"numpy=={version('numpy')}", "pandas<4"]
    files = {f"data/{name}": one for name, one in bundle.items()}
    for module, source in sources.items():
        path = f"code/{package}/{module.replace('.', '/')}.py"
        files[path] = _OWN_PACKAGE.sub(f"from {package}.", source).encode()
    files["requirements.txt"] = "".join(f"{line}\n" for line in requirements).encode()
    files["python_env.yaml"] = _yaml(
        {"python": _PYTHON, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    )
    files["conda.yaml"] = _yaml(
        {
            "name": "mlflow-env",
            "channels": ["conda-forge"],
            "dependencies": [f"python={_PYTHON}", "pip", {"pip": requirements}],
        }
    )
    files["MLmodel"] = _yaml(
        {
            "artifact_path": "model",
            "run_id": run_id,
            "mlflow_version": version("mlflow-skinny"),
            "flavors": {
                "python_function": {
                    "loader_module": f"{package}.{_ENTRY}",
                    "python_version": _PYTHON,
                    "code": "code",
                    "data": "data",
                    "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                }
            },
            "signature": {
                "inputs": msgspec.json.encode(_INPUT).decode(),
                "outputs": msgspec.json.encode(_OUTPUT).decode(),
            },
            "metadata": {"io.bartizan.bundle_digest": digest},
        }
    )
    return files


def _sources() -> dict[str, str]:
    """The entry module and, of this service, all that it imports: source by name."""
    root = resources.files("training")
    found: dict[str, str] = {}
    wanted = [_ENTRY]
    while wanted:
        module = wanted.pop()
        if module not in found:
            found[module] = root.joinpath(f"{module.replace('.', '/')}.py").read_text("utf-8")
            wanted += _IMPORT.findall(found[module])
    return dict(sorted(found.items()))


def _yaml(value: object) -> bytes:
    # JSON is YAML.
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
