# What BUILD files may call. A service declares itself with one line, and with it go the rules that keep it apart.

# Who may import whom inside a service. `app.py`, `main.py`, `server.py` and `settings.py`, at its root, see everything.
LAYERS = (
    ("domain", ("domain",)),
    ("utils", ("utils",)),
    ("adapters", ("adapters", "domain", "utils")),
    ("events", ("events", "adapters", "domain", "utils")),
    ("work", ("work", "events", "adapters", "domain", "utils")),
    ("api", ("api", "events", "domain", "utils")),
)


def isolate(name, root, domain_libraries, dependents, tests_read):
    libraries = f"//3rdparty/python/{name}#*"
    reads = [f"//{folder}/**" for folder in tests_read] + [f"//{folder}:*" for folder in tests_read]
    layers = []
    for layer, below in LAYERS:
        allowed = [f"//{root}/{each}/**" for each in below] + [f"//{root}:resources"]
        if layer == "domain":
            allowed += [f"//3rdparty/python/{name}#{library}" for library in domain_libraries]
        else:
            allowed.append(libraries)
        layers.append((f"[//{root}/{layer}/**]", *allowed, "!*"))
    __dependencies_rules__(
        *layers,
        (
            f"[//{root}/tests/**]",
            f"//{root}/**",
            libraries,
            *reads,
            "//:pytest_configuration",
            "!*",
        ),
        ("*", f"//{root}/**", libraries, "!*"),
    )
    __dependents_rules__(("*", f"//{root}/**", *dependents, "!*"))


def service(
    name,
    root=None,
    domain_libraries=(),
    unseen_libraries=(),
    unseen_test_libraries=(),
    resources_globs=(),
    tests=("unit", "component", "contract"),
    slow_tests=(),
    tests_read=("contracts",),
):
    """One service: its sources, its tests by kind, and its PEX; private to itself.

    unseen_libraries: what a library loads only if it is there, so that no import shows it.
    unseen_test_libraries: what tests alone use without an import, such as a program in a wheel.
    slow_tests: names of component tests, by the process that they have to themselves.
    """
    root = root or f"src/{name}"
    unseen = [f"//3rdparty/python/{name}#{library}" for library in unseen_libraries]
    tested_with = [f"//3rdparty/python/{name}#{library}" for library in unseen_test_libraries]
    isolate(name, root, domain_libraries, ["//tests/**"], tests_read)
    resources(name="resources", sources=["VERSION", *resources_globs])
    python_sources(
        name="sources",
        sources=["**/*.py", "!tests/**"],
        resolve=name,
        dependencies=[":resources"],
    )
    python_test_utils(
        name="test_utils",
        sources=["tests/**/*.py", "!tests/**/test_*.py"],
        resolve=name,
    )
    slow = {
        f"component_{process}": [f"tests/component/{test}.py" for test in some]
        for process, some in dict(slow_tests).items()
    }
    quick = {
        kind: [f"tests/{kind}/**/test_*.py"]
        + [f"!{file}" for some in slow.values() for file in some]
        for kind in tests
    }
    # One pytest process each, so that a session's PostgreSQL and Redis start once.
    for kind, sources in {**quick, **slow}.items():
        # Beside a unit, a test starts the service: whole, with what no import shows (migrations).
        whole = (
            [] if kind == "unit" else [":sources"] + ["//contracts:contracts"] * bool(tests_read)
        )
        python_tests(
            name=f"{kind}_tests",
            sources=sources,
            resolve=name,
            batch_compatibility_tag=f"{name}-{kind}",
            dependencies=[
                ":test_utils",
                "//:pytest_configuration",
                *unseen,
                *tested_with,
                *whole,
            ],
            timeout=600,
        )
    pex_binary(
        name=name,
        entry_point="main.py",
        resolve=name,
        dependencies=[":sources", *unseen],
        output_path=f"{name}.pex",
        execution_mode="venv",
        include_tools=True,
        # The interpreter is named by whoever starts the file; a shim in the shebang may not run.
        shebang="/usr/bin/env python3.12",
    )
