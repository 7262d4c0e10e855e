"""The guard on its own: model_api's `judge`, a process that reads texts and writes judgements."""

import asyncio
import contextlib
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import msgspec

from bartizan.errors import BartizanError
from bartizan.scanning.verdicts import Category, Decision, Judgement

_LARGEST_ANSWER = 16 << 20


class _Problem(msgspec.Struct):
    detail: str = ""
    message: str = ""
    code: str = ""


class _Answer(msgspec.Struct):
    decision: Decision | None = None
    score: float = 0.0
    categories: list[Category] = []
    error: _Problem | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answer).decode


class LocalGuard:
    """Feeds one process; a second batch at a time would gain nothing."""

    width = 1

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        reader: asyncio.StreamReader,
        last_words: Callable[[], Awaitable[str]],
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._last_words = last_words

    async def judge(self, texts: Sequence[str]) -> list[Judgement | str]:
        """Writes and reads at once, so that neither pipe can fill up and block both ends."""
        writing = asyncio.create_task(self._write(texts))
        try:
            return [await self._read() for _ in texts]
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _write(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._writer.write(_encode({"text": text}) + b"\n")
            await self._writer.drain()

    async def _read(self) -> Judgement | str:
        line = await self._reader.readline()
        if not line:
            raise BartizanError(f"model_api could not judge: {await self._last_words()}")
        answer = _decode(line)
        if answer.error is not None:
            problem = answer.error
            return problem.detail or problem.message or problem.code or "refused by the guard"
        if answer.decision is None:
            raise BartizanError("model_api answered neither a decision nor an error")
        return Judgement(answer.decision, answer.score, answer.categories)


@contextlib.asynccontextmanager
async def in_process(
    command: tuple[str, ...], environment: Mapping[str, str]
) -> AsyncIterator[LocalGuard]:
    """A guard for as long as the context lasts; no platform is needed."""
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            limit=_LARGEST_ANSWER,
            # Ctrl-C is for us: it must not make the process complain before we end it.
            start_new_session=True,
        )

        async def last_words() -> str:
            status = await process.wait()
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else f"it ended with status {status}"

        if process.stdin is None or process.stdout is None:
            raise BartizanError("model_api was started without pipes")
        try:
            yield LocalGuard(process.stdin, process.stdout, last_words)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
