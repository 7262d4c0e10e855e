import signal

from bartizan.tests.platforms import PATIENCE_S, Platform, read_until


def test_logs_are_printed_and_followed(platform: Platform) -> None:
    platform.up()
    assert "Ready to accept connections" in platform.run("logs", "redis").stdout
    unknown = platform.run("logs", "nobody")
    assert unknown.returncode == 1
    with platform.start("logs", "-f", "-n", "1") as follow:
        # The first line shows that it has begun to follow.
        read_until(follow, "supervisor")
        platform.run("restart", "model_api")
        read_until(follow, "model_api started")
        follow.send_signal(signal.SIGINT)
        assert follow.wait(timeout=PATIENCE_S) == 130
