"""What two failures have in common: the rules of `flows.failure_fingerprints`."""

import time

import pytest

from flows.failure_fingerprints import LONGEST, fingerprint, parts, template


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Line 2 of order A-70415 is already reserved by A-70409",
            "Line {number} of order {text} is already reserved by {text}",
        ),
        ('Customer "Ada L." is gone', "Customer {text} is gone"),
        ("Customer 'it's me' isn't there", "Customer {text} isn't there"),
        ("The user's cart can't hold 1,204.50", "The user's cart can't hold {number}"),
        ("Read “a b” and «c» and `d`", "Read {text} and {text} and {text}"),
        ("No route to host 10.20.0.7:443", "No route to host {address}"),
        ("fe80::1ff:fe23 and 2001:db8:85a3:0:0:8a2e:370:7334", "{address} and {address}"),
        ("At 12:30:45 it was late", "At {number} it was late"),
        ("GET https://shop.example/o/9?x=1 failed", "GET {address} failed"),
        ("ada@example.org bounced", "{address} bounced"),
        ("db.example.com:5432 and localhost:80 refuse", "{address} and {address} refuse"),
        ("Job 3f2504e0-4f89-11d3-9a0c-0305e82c3301 died", "Job {id} died"),
        ("Commit deadbeef01 at 0xff", "Commit {id} at {id}"),
        ("Due 2026-11-27T12:00:01.5Z or 2026-11-28", "Due {time} or {time}"),
        ("Took 10ms,  then\n3 s", "Took {number}ms, then {number} s"),
        ("Connection refused: try again", "Connection refused: try again"),
        ("", ""),
    ],
)
def test_what_varies_is_taken_out(message: str, expected: str) -> None:
    assert template(message) == expected


def test_the_same_failure_has_the_same_id() -> None:
    def of(message: str, flow: str = "f", block: str = "b", kind: str = "T") -> object:
        return fingerprint(flow, block, kind, template(message))

    assert of("Order 12 of 'Ada'") == of("Order 7 of 'Bo'")
    different = {
        of("Order 12"),
        of("Offer 12"),
        of("Order 12", flow="g"),
        of("Order 12", block="c"),
        of("Order 12", kind="U"),
    }
    assert len(different) == 5


def test_the_parts_of_a_template_are_text_and_kinds() -> None:
    assert list(parts("Line {number} of {text}")) == [
        ("Line ", False),
        ("number", True),
        (" of ", False),
        ("text", True),
    ]
    assert list(parts('{"a": {not a kind}}')) == [('{"a": {not a kind}}', False)]
    assert list(parts("")) == []


@pytest.mark.parametrize("part", ["'a", "a-", ":", "0:", '"', "{", "x.", "12 'a' ", "A-1", "a@b."])
def test_a_long_message_takes_no_time(part: str) -> None:
    began = time.process_time()
    assert len(template(part * 20_000)) <= LONGEST
    assert time.process_time() - began < 0.5
