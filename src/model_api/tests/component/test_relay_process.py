"""`relay` as a process: what `serve` recorded reaches the stream."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from model_api.tests.support.api import ATTACK, environment, serving
from model_api.tests.support.database import TestDatabase
from model_api.tests.support.ports import free_port
from model_api.tests.support.served import COMMAND, Served, bare_environment, client
from model_api.tests.support.waiting import eventually

STREAM = "bartizan:events:model_api"


async def test_a_recorded_prediction_is_published_and_counted(
    test_database: TestDatabase,
    redis: Redis,
    redis_url: str,
    redis_password: str,
    tmp_path: Path,
) -> None:
    variables = environment(tmp_path / "state", database=test_database)
    async with serving(variables) as api:
        (prediction,) = (await api.predict(text=ATTACK))["predictions"]
    password_file = tmp_path / "redis-password"
    password_file.write_text(redis_password + "\n")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "relay",
        env=bare_environment(
            str(tmp_path),
            **variables,
            MODEL_API_REDIS_URL=redis_url,
            MODEL_API_REDIS_PASSWORD_FILE=str(password_file),
            MODEL_API_RELAY_OPS_PORT=str(port),
        ),
        stdout=asyncio.subprocess.PIPE,
    )
    relay = Served(process)
    try:
        await relay.logged("relaying events")
        await eventually(lambda: redis.xlen(STREAM))
        entries: Any = await redis.xrange(STREAM)
        event = json.loads(entries[0][1][b"event"])
        assert event["specversion"] == "1.0"
        assert prediction["id"] in json.dumps(event["data"])
        assert ATTACK not in json.dumps(event)

        async with client(f"http://127.0.0.1:{port}") as ops:

            async def counted() -> bool:
                metrics = (await ops.get("/metrics")).text
                return "bartizan_model_api_published_events_total 1.0" in metrics

            await eventually(counted)
            assert (await ops.get("/health/ready")).status_code == 200

        relay.signal(signal.SIGTERM)
        assert await relay.ended() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await relay.ended()
