"""Log lines as those who read them see them."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from logging.config import dictConfig

import pytest

from callboard import logs

Lines = Callable[[], list[str]]


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """A logger of its own instead of the root, which pytest listens to."""
    out = StringIO()
    wanted = logs.configuration(request.param)
    wanted["handlers"]["out"]["stream"] = out
    root = wanted.pop("root")
    wanted["loggers"] = {"lines": root | {"propagate": False}}
    dictConfig(wanted)
    yield lambda: out.getvalue().splitlines()
    logging.getLogger("lines").handlers.clear()


log = logging.getLogger("lines")


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_a_text_line_has_words_and_fields(written: Lines):
    log.info("event.accepted", extra={"events": 3, "note": 'a "b"\nc', "none": ""})
    (line,) = written()
    at, rest = line.split(" INFO ")
    assert at.endswith("Z")
    assert rest == 'lines event.accepted events=3 note="a \\"b\\"\\nc" none=""'


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_a_fault_comes_with_its_traceback(written: Lines):
    log.error("request.failed", exc_info=ValueError("x"))
    assert written()[-1] == "  ValueError: x"


HOSTILE = "\x1b[2J\x9b31m\u202e\u2028\r\n2026-01-01 00:00:00.000Z INFO forged\0\ud800"


@pytest.mark.parametrize("written", ["text", "json"], indirect=True)
def test_hostile_text_moves_no_cursor_and_forges_no_line(written: Lines):
    log.info(HOSTILE, extra={"path": HOSTILE})
    log.error("request.failed", exc_info=ValueError(HOSTILE))
    lines = written()
    assert len(lines) >= 2
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("2026-01-01") for line in lines)
    assert "forged" in lines[0]


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_json_line_is_an_object(written: Lines):
    log.info("event.accepted", extra={"events": 3, "color_message": "again"})
    (line,) = [json.loads(line) for line in written()]
    assert line.pop("at")
    assert line == {
        "level": "INFO",
        "logger": "lines",
        "event": "event.accepted",
        "events": 3,
    }


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/setup/abc", "/setup/…"),
        ("/join/abc", "/join/…"),
        ("/activate/abc/test", "/activate/…/test"),
        ("/unsubscribe/abc", "/unsubscribe/…"),
        ("/webhooks/wh_1", "/webhooks/wh_1"),
    ],
)
def test_one_time_links_stay_secret(path: str, shown: str):
    assert logs.redacted(path) == shown
