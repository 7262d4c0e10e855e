"""The lint `isolation`: refuses what would let one service reach another behind the dependency rules."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from typing import Any

from pants.backend.python.target_types import PythonSourceField
from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import Pex, PexProcess, PexRequest
from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.util_rules.partitions import PartitionerType
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.process import FallibleProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import FieldSet
from pants.option.option_types import SkipOption, StrListOption
from pants.option.subsystem import Subsystem
from pants.util.meta import classproperty


class Isolation(Subsystem):
    options_scope = "isolation"
    name = "isolation"
    help = "Keeps services apart where dependency rules do not see: computed imports, strings, pragmas."
    skip = SkipOption("lint")
    services = StrListOption(help="The parts of the platform that may not reach each other.")


@dataclass(frozen=True)
class IsolationFieldSet(FieldSet):
    required_fields = (PythonSourceField,)
    source: PythonSourceField


class IsolationRequest(LintTargetsRequest):
    field_set_type = IsolationFieldSet
    tool_subsystem = Isolation  # type: ignore[assignment]
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION

    @classproperty
    def tool_name(cls) -> str:
        return "isolation"

    @classproperty
    def tool_id(cls) -> str:
        return "isolation"


@rule
async def find_escapes(
    request: IsolationRequest.Batch[IsolationFieldSet, Any], isolation: Isolation
) -> LintResult:
    program = pkgutil.get_data(__name__, "find_escapes.py")
    assert program is not None
    # The services' own interpreter reads their syntax; Pants itself runs on an older one.
    python, program_digest, sources = await MultiGet(
        Get(
            Pex,
            PexRequest(
                output_filename="python.pex",
                internal_only=True,
                interpreter_constraints=InterpreterConstraints(["CPython==3.12.*"]),
            ),
        ),
        Get(
            Digest,
            CreateDigest(
                [
                    FileContent("__isolation__/find_escapes.py", program),
                    FileContent(
                        "__isolation__/services.txt", "\n".join(isolation.services).encode()
                    ),
                ]
            ),
        ),
        Get(SourceFiles, SourceFilesRequest(each.source for each in request.elements)),
    )
    digest = await Get(Digest, MergeDigests((program_digest, sources.snapshot.digest)))
    result = await Get(
        FallibleProcessResult,
        PexProcess(
            python,
            argv=("__isolation__/find_escapes.py", *sources.snapshot.files),
            input_digest=digest,
            description=f"Look for escapes from isolation in {len(sources.snapshot.files)} files",
        ),
    )
    return LintResult.create(request, result)


def rules():
    return [*collect_rules(), *IsolationRequest.rules(), *pex.rules()]
