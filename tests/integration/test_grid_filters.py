"""A filter means the same to the database, to an event, in an address, and as it is typed."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from datetime import timezone as offset
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from executions import watches
from executions.grid.query import kinds
from executions.grid.query.fields import FIELDS, Field, field_of
from executions.grid.query.filter_terms import Term
from executions.grid.query.filters import Filters
from executions.grid.query.kinds.kind import Kind
from executions.grid.query.kinds.variable import Variable
from executions.grid.query.lexer import EMPTY
from executions.grid.table.row_events import read_events
from executions.models import Execution, Value, Watch
from executions.states import Status
from flows import queries
from flows.models import Folder, Label
from flows.site_zone import set_site_zone
from flows.values import MASKED, ExceptionValue, TaskValue, decode, encode
from tests.executions_in_tests import make_execution, version_of
from tests.thoroughness import examples

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
#: Letters whose cases are strange, the signs of tsquery, LIKE and the typed query, digits of ids.
ALPHABET = "aAbBéÉßiIİñ%_\\.*'\"<0f-:&|!(), =>"
texts = st.text(alphabet=ALPHABET, max_size=6)
ids = st.uuids(version=4) | st.just(UUID("0abcf000-0000-7000-8000-00000000000f"))
few_ids = st.sampled_from([UUID(int=1), UUID(int=2), UUID(int=3)])
moments = st.builds(
    lambda seconds: NOW - timedelta(seconds=seconds), st.integers(min_value=0, max_value=7200)
)


#: Some flows, each with its folder and its labels; of "Orders" nothing is said.
ARRANGED = (
    ("orders", "commerce/returns", ("pilot", "Commerce/returns".replace("/", "-"))),
    ("stock", "commerce", ()),
)


def arrange(name: str, path: str, labels: Iterable[str]) -> None:
    """Put a flow into a folder, and label it."""
    folder = None
    for one in path.split("/"):
        folder, _ = Folder.objects.get_or_create(name=one, parent=folder)
    flow = version_of(name).flow
    flow.folder = folder
    flow.save()
    flow.labels.set(Label.objects.get_or_create(name=one)[0] for one in labels)


@st.composite
def executions(draw: st.DrawFn) -> dict[str, Any]:
    status = draw(st.sampled_from(Status))
    started = draw(moments)
    lasted = timedelta(milliseconds=draw(st.sampled_from([0, 999, 1000, 1001, 60_000, -5])))
    return {
        "id": draw(ids),
        "status": status,
        "started_at": started,
        "updated_at": draw(moments),
        "ended_at": started + lasted if status.is_terminal else None,
        "flow": draw(st.sampled_from(["orders", "Orders", "stock"])),
        "block_type": draw(st.sampled_from(["HTTP Request", "Wait", ""])),
        "block_description": draw(texts),
        "workspace_name": draw(texts),
        "error_type": draw(texts),
        "error_message": draw(texts),
        "exception_types": "\n".join(draw(st.lists(texts.filter(bool), max_size=3))),
        "unhandled": status is Status.ENDED and draw(st.booleans()),
        "failed_descendants": draw(st.sampled_from([0, 0, 2])),
        "child_count": draw(st.sampled_from([0, 0, 3])),
        "step_count": draw(st.integers(0, 6)),
        "lease_owner": "" if status.is_terminal else draw(st.sampled_from(["", "ada:7", "host"])),
        "lease_expires_at": draw(st.sampled_from([None, NOW])),
        "debugged_by_name": draw(st.sampled_from(["", "ada", "ADA b"])),
        "failure": draw(st.none() | ids),
        "reason": draw(st.sampled_from(["", "children", "time", "semaphore"])),
        "waiting_for": draw(st.sampled_from(["", "/default/*/a", "/default/*/B"])),
    }


def values_of(field: Field) -> st.SearchStrategy[str]:
    """What is typed for a field: its options, the examples of its kind, and nonsense."""
    options = [value for value, _ in field.kind.options]
    known = [*options, *field.kind.examples, *([EMPTY] if field.kind.optional else [])]
    return st.one_of(st.sampled_from(known), st.sampled_from(known), texts, ids.map(str))


@st.composite
def parameters(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Addresses of filters, some of their values nonsense."""
    pairs = []
    for field in draw(st.lists(st.sampled_from(FIELDS), max_size=3, unique_by=lambda f: f.key)):
        negated = draw(st.sampled_from(["", "", "-"]))
        for value in draw(st.lists(values_of(field), min_size=1, max_size=2)):
            pairs.append((negated + field.key, value))
    if search := draw(st.just("") | texts | ids.map(str) | ids.map(lambda one: str(one)[:9])):
        pairs.append(("q", search))
    return pairs


def parsed(pairs: list[tuple[str, str]]) -> Filters:
    address = QueryDict(mutable=True)
    for name, value in pairs:
        address.appendlist(name, value)
    return Filters.parse(address)


def test_every_kind_is_held_against_the_database() -> None:
    """A field uses it, and its examples can be read."""
    for module in iter_modules(kinds.__path__):
        import_module(f"{kinds.__name__}.{module.name}")
    by_kind: dict[type[Kind], Field] = {type(field.kind): field for field in FIELDS}
    variable = field_of("var.Order")
    assert variable
    by_kind[Variable] = variable
    assert set(by_kind) == set(_concrete(Kind))
    for kind, field in by_kind.items():
        assert field.kind.options or kind.examples, kind
        for example in kind.examples:
            assert field.parse(field.parse(example, UTC), UTC) == field.parse(example, UTC)


def _concrete(kind: type[Kind]) -> Iterator[type[Kind]]:
    if not isabstract(kind):
        yield kind
    for below in kind.__subclasses__():
        yield from _concrete(below)


class FilterMeaning(TestCase):
    @settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(executions(), min_size=1, max_size=6, unique_by=lambda e: e["id"]), parameters()
    )
    def test_matcher_and_database_agree(
        self, columns: list[dict[str, Any]], wanted: list[tuple[str, str]]
    ) -> None:
        version = version_of("orders")
        ada, grace = User.objects.create_user("ada"), User.objects.create_user("grâce")
        for number, one in enumerate(columns):
            parent = Execution.objects.first() if number % 3 == 1 else None
            made = make_execution(
                (ada, grace, None)[number % 3], version=version, parent=parent, **one
            )
            Watch.objects.create(user=(grace, ada)[number % 2], execution=made, read_revision=1)
        for name, folder, labels in ARRANGED:
            arrange(name, folder, labels)
        flows = queries.arrangement()
        filters = parsed(wanted).seen_by(ada)
        watched = watches.watched_ids(ada.pk)
        events = read_events(Execution.objects.all())
        matching = {
            event.id
            for event in events
            if filters.matches(event, now=NOW, watched=watched, flows=flows)
        }
        for by_row in (False, True):
            conditions = filters.conditions(NOW)
            found = Execution.objects.filter(
                conditions.by_row() if by_row else conditions.any_row()
            )
            assert matching == {str(one.pk) for one in found}, by_row

    @settings(max_examples=examples(60), deadline=None)
    @given(parameters())
    def test_an_address_and_a_typed_query_bring_the_filters_back(
        self, wanted: list[tuple[str, str]]
    ) -> None:
        filters = parsed(wanted)
        assert parsed(filters.parameters()) == filters
        assert Filters.parse_text(filters.text()) == filters
        assert parsed([("q", filters.text())]) == filters

    @settings(max_examples=examples(60), deadline=None)
    @given(st.text(alphabet=ALPHABET + "statuflow", max_size=30))
    def test_whatever_is_typed_is_kept(self, typed: str) -> None:
        filters = Filters.parse_text(typed)
        assert Filters.parse_text(filters.text()) == filters
        assert len(filters.problems) >= min(len(filters.invalid_parts), 1)


def address(**fields: str) -> Filters:
    return parsed(list(fields.items()))


# What is typed --------------------------------------------------------------------------------


def test_a_typed_query_names_fields_and_words() -> None:
    filters = Filters.parse_text(
        "status:error,exception flow:order-* started:>-2h duration>10s -trigger:demo "
        'workspace:"Send invoices" message:"timed out" is:root pricing "flow:x"'
    )
    assert filters.statuses == {Status.ERROR, Status.EXCEPTION}
    assert filters.values("flow") == ("order-*",)
    assert filters.values("started") == (">-2h",)
    assert filters.values("duration") == (">10s",)
    assert filters.values("-trigger") == ("demo",)
    assert filters.values("workspace") == ("Send invoices",)
    assert filters.values("message") == ("timed out",)
    assert filters.values("is") == ("root",)
    assert filters.search == "pricing flow:x"
    assert filters.text() == (
        'status:Exception,Error flow:order-* workspace:"Send invoices" started:>-2h '
        'duration:>10s -trigger:demo message:"timed out" is:root pricing "flow:x"'
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("status:Eror", "status: There is no “Eror”. Did you mean Error?"),
        ("stauts:error", "There is no field “stauts”. Did you mean status?"),
        ("started:soon", "started: “soon” is not a time. Write -2h"),
        ("duration:10s", "Write >10s, <10s or a range"),
        ("version:x", "version: “x” is not a whole number."),
        ("parent:12", "parent: “12” is not an id."),
        ("var.x>abc", "Only numbers, times and durations have an order"),
        ("var:x", "A variable is written var.name=value"),
        ("is:lost", "Write one of root, child, live, over"),
    ],
)
def test_what_means_nothing_is_kept_and_told(typed: str, said: str) -> None:
    filters = Filters.parse_text(f"{typed} flow:orders")
    assert filters.values("flow") == ("orders",)
    assert filters.text().endswith(filters.invalid_parts[0])
    assert said in filters.problems[0]
    assert not Filters.parse_text(typed).are_active
    assert Filters.parse_text(filters.text()) == filters
    assert parsed(filters.parameters()) == filters


@pytest.mark.parametrize("query", ["flow=", "q=+", "unknown=1", "status=", "", "-=x"])
def test_what_says_nothing_counts_for_nothing(query: str) -> None:
    assert Filters.parse(QueryDict(query)) == Filters()


def test_words_with_colons_are_words() -> None:
    filters = Filters.parse_text('http://orders.example:80/a 10:30 "x y"')
    assert filters.search == "http://orders.example:80/a 10:30 x y"
    assert not filters.terms


def test_moments_without_a_zone_are_in_the_readers() -> None:
    with timezone.override("Europe/Stockholm"):
        filters = Filters.parse_text("started:2026-11-01..2026-11-03")
    assert filters.values("started") == ("2026-11-01+01:00..2026-11-03+01:00",)
    with timezone.override("Asia/Tokyo"):
        assert parsed(filters.parameters()) == filters


def test_values_can_be_replaced() -> None:
    filters = Filters.parse_text("status:error flow:a")
    assert filters.with_values("flow", ()) == Filters.parse_text("status:error")
    assert filters.with_values("status", ()) == Filters.parse_text("flow:a")
    assert filters.with_values("-flow", ("b",)) == Filters.parse_text("status:error flow:a -flow:b")


# What is meant --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_search_takes_every_word_from_its_beginning(admin_user: Any) -> None:
    make_execution(
        admin_user, block_description="POST /v2/orders", error_message="Timed out: Ångström"
    )
    for typed in ("post", "v2 order", "TIMED o", "ångs", "ÅNGSTRÖM", "admin", "set var"):
        assert Execution.objects.filter(Filters.parse_text(typed).condition()).exists(), typed
    for typed in ("ost", "post paid", "ngs"):
        assert not Execution.objects.filter(Filters.parse_text(typed).condition()).exists(), typed


@pytest.mark.django_db
def test_the_beginning_of_an_id_finds_it(admin_user: Any) -> None:
    execution = make_execution(admin_user)
    text = str(execution.pk)
    for length in range(8, len(text) + 1):
        wanted = Filters(search=text[:length].upper())
        assert Execution.objects.filter(wanted.condition()).exists(), text[:length]
        assert wanted.matches(read_events(Execution.objects.all())[0])


@pytest.mark.django_db
def test_me_is_whoever_looks(admin_user: Any) -> None:
    make_execution(admin_user)
    other = User.objects.create_user("other")
    mine = Filters.parse_text("initiator:me")
    event = read_events(Execution.objects.all())[0]
    for user, seen in ((admin_user, True), (other, False)):
        filters = mine.seen_by(user)
        assert filters.matches(event) is seen
        assert Execution.objects.filter(filters.condition()).exists() is seen
    assert not mine.matches(event)
    assert mine.seen_by(other).parameters() == [("initiator", "me")]


@pytest.mark.django_db
def test_what_is_watched_is_what_whoever_looks_watches(admin_user: Any) -> None:
    execution = make_execution(admin_user)
    other = User.objects.create_user("other")
    Watch.objects.create(user=other, execution=execution, read_revision=1)
    for typed, seen in (("is:watched", {other}), ("-is:watched", {admin_user})):
        filters = Filters.parse_text(typed)
        for user in (admin_user, other):
            found = Execution.objects.filter(filters.seen_by(user).condition())
            assert found.exists() is (user in seen), (typed, user)
        # Without a reader nobody watches anything.
        assert Execution.objects.filter(filters.condition()).exists() is typed.startswith("-")
        assert filters.seen_by(other) != filters.seen_by(admin_user)


@pytest.mark.django_db
def test_a_mismatch_says_why(admin_user: Any) -> None:
    make_execution(admin_user, status=Status.ENDED)
    event = read_events(Execution.objects.all())[0]
    told = {
        typed: Filters.parse_text(typed).mismatch(event)
        for typed in (
            *("status:running,queued", "flow:stock", "-flow:orders", "lost", "is:over"),
            *("is:live", "-is:over,root", "has:exception", "-has:children", "is:watched"),
            "semaphore:/default/*",
        )
    }
    assert told == {
        "status:running,queued": "it is Ended, not Queued or Running",
        "flow:stock": "Flow is no longer stock",
        "-flow:orders": "Flow is no longer other than orders",
        "lost": "“lost” is no longer found",
        "is:over": "",
        "is:live": "it is no longer live",
        "-is:over,root": "it now is over and root",
        "has:exception": "it no longer has an exception",
        "-has:children": "",
        "is:watched": "you no longer watch it",
        "semaphore:/default/*": "Waits for semaphore is no longer /default/*",
    }


# Variables ------------------------------------------------------------------------------------

TASK = TaskValue("0abcf000-0000-7000-8000-00000000000f")

LITERALS = [
    *("=3", "==3", "!3", ">=3", '"=3"', "a:b", "a=b"),
    *("42", "42.0", "-1", "abc", '"42"', "true", "null", "2026-11-01", '"a b"', "", "0", "+42"),
    *("1e20", "100000000000000000000", "0.00005", "5e-5", "1e23", "9007199254740993", "-0.0"),
    *("Infinity", "-Infinity", "NaN", "0.1", "0.10000000000000001", "9" * 60, "1e300", ".5", "4e0"),
    *("2026-03-29", "2026-10-25", "2026-10-25T02:30", "2026-11-01T00:00:00Z", "1925-02-01"),
    *("1s", "00:00:01", "PT1S", "-1s", "-P1DT1S", "24h", "2026-11-01T00:30", "P1Y"),
    *("2026-11-01T00:30+02:00", "2026-03-29T02:30", "9999-12-31T23:59+00:00"),
    *("2026-11-01T00:00:00.000001Z", "9999-12-31", "0001-01-01", "2026-03-29[Asia/Tokyo]"),
]

HELD: list[Any] = [
    *(42, 42.0, -1, "42", "abc", "a b", "", True, False, None, 3, "=3", "3", "!3"),
    *(datetime(2026, 11, 1, tzinfo=UTC), timedelta(seconds=1)),
    *(1e20, 10**20, 0.00005, 1e23, 10**23, 2.0**53, 2**53 + 1, -0.0, 0.0, 1e300, 0.5, 4.0),
    *(float("inf"), -float("inf"), float("nan"), 0.1, 10**60 - 1, 10**400, 5e-324),
    *(datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
    *(datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 22, 59, tzinfo=UTC)),
    *(timedelta(seconds=-1), timedelta(days=1), timedelta.max, timedelta.min, timedelta(0)),
    *(datetime(2026, 11, 1), datetime(2026, 11, 1, 0, 30), datetime(2026, 3, 29, 2, 30)),
    *(datetime(2026, 10, 31, 22, 30), datetime(2026, 10, 25, 2, 30), datetime(2026, 11, 1, 23, 59)),
    *(datetime.min, datetime.max, {"b": datetime(2026, 11, 1)}, {"b": timedelta(seconds=1)}),
    *(datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)),
    *(datetime.min.replace(tzinfo=timezone.get_fixed_timezone(840)), datetime(1925, 2, 1)),
    # Offsets that are not of whole minutes, as of local mean time.
    *(datetime(2026, 11, 1, 1, tzinfo=offset(timedelta(hours=1, seconds=s))) for s in (30, 30.5)),
    *("2026-03-29", "1e20", "NaN", "caf\ud83d", "caf\ufffd", "a\0b", b"42", TASK),
    *({"b": 1e20}, {"b": 0.00005}, {"b": 42, "$c": 1}, {"b": 42, 1: 1}, {"$b": 42}),
    *({"b": float("nan")}, {"b": {"c": 5e-5}}, ["x", 1e20], MASKED),
    ExceptionValue("Shop.SoldOut", "42", extra={"b": 42}),
    *({"b": 42}, {"b": {"c": "abc"}}, ["x", 42]),
    ExceptionValue("Shop.SoldOut", "abc", error_code=3, details={"b": [{"c": 42}]}),
    ExceptionValue("A", inner=ExceptionValue("B", "42", details=ExceptionValue("C", "abc"))),
    ExceptionValue("A", "abc", extra={"Message": "42", "b": MASKED, 1: 3}),
    {"b": ExceptionValue("B", "abc")},
    [{"b": 42}, ExceptionValue("B", "42")],
    *({1: 42, "b": 3}, {1.5: "abc", "b": {2: 42}}, {"1": "abc", 1: 42}, {True: 42, None: "abc"}),
    {1e20: 42, "a\0b": 3, "$b": "abc", datetime(2026, 11, 1, tzinfo=UTC): 42},
]
held = st.sampled_from(HELD)


class VariableMeaning(TestCase):
    @settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(held, min_size=1, max_size=4),
        st.sampled_from(
            [
                *("Order", "order.b", "order.b.c", "order.1", "order.x", "order.-1", "order.+1"),
                *("order.$b", "order.$number", "order.$datetime", "order.$items"),
                *("order.Message", "order.ErrorCode", "order.ExceptionType", "order.HelpLink"),
                *("order.InnerException.Message", "order.InnerException.Details.Message"),
                *("order.Details.b.0.c", "order.b.Message", "order.1.Message", "order.type"),
                *("order.$exception.message", "order.1\\.5", "order.b.2", "order.True"),
                *("order.InnerException", "order.Details"),
                "order.9999999999",
            ]
        ),
        st.sampled_from(["=", "!=", ">", "<=", "<", ">=", ":"]),
        st.sampled_from(LITERALS),
        st.booleans(),
    )
    def test_matcher_and_database_agree(
        self, values: list[Any], path: str, sign: str, literal: str, negated: bool
    ) -> None:
        with timezone.override("Europe/Berlin"):
            filters = Filters.parse_text(f"{'-' if negated else ''}var.{path}{sign}{literal}")
        assert Filters.parse_text(filters.text()) == filters
        assert parsed(filters.parameters()) == filters
        user = User.objects.create_user("ada")
        variables = {}
        for value in values:
            execution = make_execution(user)
            # A deeper workspace's own variable of that name hides the outer one.
            for level, one in enumerate([value] if value != "" else [7, value]):
                Value.objects.create(
                    execution=execution, level=level, name="order", value=encode(one)
                )
            variables[str(execution.pk)] = {"order": decode(encode(value), masks=True)}
        make_execution(user)
        found = Execution.objects.filter(filters.condition())
        matching = {
            event.id
            for event in read_events(Execution.objects.all())
            if filters.matches(event, variables.get(event.id, {}))
        }
        assert matching == {str(one.pk) for one in found}
        assert filters.variables == ({"order"} if filters.terms else set())


def _held_by(user: Any) -> dict[str, Any]:
    """An execution for each value that a variable may hold: id → value."""
    held_by = {}
    for value in HELD:
        execution = make_execution(user)
        Value.objects.create(execution=execution, level=0, name="v", value=encode(value))
        held_by[str(execution.pk)] = decode(encode(value), masks=True)
    return held_by


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["v", "v.b", "v.Message", "v.1", "v.InnerException.Message"])
def test_every_kind_of_value_means_the_same_live_and_in_the_database(
    admin_user: Any, path: str
) -> None:
    held_by = _held_by(admin_user)
    events = read_events(Execution.objects.all())
    for sign in ("=", "!=", ">", "<=", "<", ">="):
        for literal in LITERALS:
            with timezone.override("Europe/Berlin"):
                filters = Filters.parse_text(f"var.{path}{sign}{literal}")
            assert Filters.parse_text(filters.text()) == filters, (sign, literal)
            assert parsed(filters.parameters()) == filters, (sign, literal)
            found = Execution.objects.filter(filters.condition()).values_list("pk", flat=True)
            by_database = {str(pk) for pk in found}
            live = {e.id for e in events if filters.matches(e, {"v": held_by[e.id]})}
            differs = [held_by[one] for one in live ^ by_database]
            assert not differs, (sign, literal)


def _found(typed: str, held_by: dict[str, Any]) -> list[Any]:
    with timezone.override("Europe/Berlin"):
        filters = Filters.parse_text(typed)
    assert not filters.invalid_parts, filters.problems
    found = Execution.objects.filter(filters.condition())
    return [held_by[str(one.pk)] for one in found.order_by("pk")]


@pytest.mark.django_db
def test_numbers_with_an_exponent_compare(admin_user: Any) -> None:
    held_by = {}
    for value in (0.00005, 0.0002, 1e20, float("nan"), float("inf"), 5, "0.00005"):
        execution = make_execution(admin_user)
        Value.objects.create(execution=execution, level=0, name="v", value=encode(value))
        held_by[str(execution.pk)] = value
    for typed, values in {
        "var.V<0.001": [0.00005, 0.0002],
        "var.V>1": [1e20, float("inf"), 5],
        "var.V=0.00005": [0.00005, "0.00005"],
        "var.V=5e-5": [0.00005],
        "var.V=1e20": [1e20],
        "var.V>=1e20": [1e20, float("inf")],
        "var.V=Infinity": [float("inf")],
        "var.V>=2e-4 var.V<=5": [0.0002, 5],
    }.items():
        assert _found(typed, held_by) == values, typed
    assert len(_found("var.V=NaN", held_by)) == 1
    assert len(_found("var.V!=1e20", held_by)) == 6


@pytest.fixture
def in_berlin() -> Iterator[None]:
    set_site_zone(ZoneInfo("Europe/Berlin"))
    yield
    set_site_zone(ZoneInfo(django_settings.TIME_ZONE))


@pytest.mark.django_db
@pytest.mark.usefixtures("in_berlin")
def test_local_date_times_and_durations_compare(admin_user: Any) -> None:
    """A literal without an offset is what the clock shows, whatever the reader's zone."""
    early, late = datetime(2026, 11, 1, 0, 30), datetime(2026, 11, 1, 23, 30)
    moment = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    short, long = timedelta(seconds=-2), timedelta(days=2, microseconds=1)
    held_by = {}
    for value in (early, late, moment, short, long, "48h"):
        execution = make_execution(admin_user)
        Value.objects.create(execution=execution, level=0, name="v", value=encode(value))
        held_by[str(execution.pk)] = value
    events = read_events(Execution.objects.all())
    for typed, values in {
        "var.V=2026-11-01": [early, late, moment],
        "var.V=2026-11-01[Asia/Tokyo]": [early, late, moment],
        "var.V<2026-11-01T12:00": [early, moment],
        "var.V=2026-10-31T23:30Z": [early, moment],
        "var.V>2026-11-01T22:00Z": [late],
        "var.V>48h": [long],
        "var.V<=2.00:00:00": [short],
        "var.V=-PT2S": [short],
        "var.V=48h": ["48h"],
        'var.V="-PT2S"': [],
    }.items():
        assert _found(typed, held_by) == values, typed
        with timezone.override("Europe/Berlin"):
            filters = Filters.parse_text(typed)
        live = [held_by[e.id] for e in events if filters.matches(e, {"v": held_by[e.id]})]
        assert sorted(map(repr, live)) == sorted(map(repr, values)), typed


@pytest.mark.django_db
def test_a_path_leads_into_exceptions_and_any_structure(admin_user: Any) -> None:
    held_by = {}
    inner = ExceptionValue("Http.NotFound", "no such order", error_code=404)
    for name, value in {
        "exception": ExceptionValue("Shop.SoldOut", "sold out", inner=inner, extra={"Left": 3}),
        "structure": {1: "one", 2.5: {"Message": "sold out"}},
        "list": [inner],
        "text": "sold out",
    }.items():
        execution = make_execution(admin_user)
        Value.objects.create(execution=execution, level=0, name="v", value=encode(value))
        held_by[str(execution.pk)] = name
    for typed, names in {
        'var.V.Message="sold out"': ["exception"],
        "var.V.ExceptionType=Shop.SoldOut": ["exception"],
        "var.V.InnerException.ErrorCode>=404": ["exception"],
        "var.V.Left<4": ["exception"],
        "var.V.Category=null": ["exception"],
        "var.V.1=one": ["structure"],
        r'var.V."2.5".Message="sold out"': ["structure"],
        "var.V.0.ErrorCode=404": ["list"],
        "var.V.message=x": [],
        "var.V.Message!=x": ["exception"],
    }.items():
        assert _found(typed, held_by) == names, typed


@pytest.mark.django_db
def test_a_day_is_the_readers_day(admin_user: Any) -> None:
    """As `started:` means it, also when the clocks change."""
    berlin = ZoneInfo("Europe/Berlin")
    held_by = {}
    for day, hour, minute in ((28, 23, 59), (29, 0, 0), (29, 23, 59), (30, 0, 0)):
        execution = make_execution(admin_user)
        at = datetime(2026, 3, day, hour, minute, tzinfo=berlin)
        Value.objects.create(execution=execution, level=0, name="d", value=encode(at))
        held_by[str(execution.pk)] = (day, hour)
    for typed, days in {
        "var.D=2026-03-29": [(29, 0), (29, 23)],
        "var.D!=2026-03-29": [(28, 23), (30, 0)],
        "var.D>2026-03-29": [(30, 0)],
        "var.D>=2026-03-29": [(29, 0), (29, 23), (30, 0)],
        "var.D<2026-03-29": [(28, 23)],
        "var.D<=2026-03-29": [(28, 23), (29, 0), (29, 23)],
        "var.D=2026-03-29T23:59": [(29, 23)],
        "var.D=2026-03-29Z": [(29, 23), (30, 0)],
    }.items():
        assert _found(typed, held_by) == days, typed


def test_a_day_keeps_its_zone_in_the_address() -> None:
    with timezone.override("Europe/Berlin"):
        filters = Filters.parse_text("var.D=2026-03-29")
    assert filters.values("var.D") == ("2026-03-29[Europe/Berlin]",)
    with timezone.override("Asia/Tokyo"):
        assert parsed(filters.parameters()) == filters
        assert Filters.parse_text(filters.text()) == filters
    assert Filters.parse_text("var.D=2026-03-29").values("var.D") == ("2026-03-29",)


def test_a_number_that_no_variable_holds_is_told() -> None:
    filters = Filters.parse_text("var.V<1e400")
    assert "1e400 is too large" in filters.problems[0]
    assert not filters.terms


def test_a_term_names_its_field() -> None:
    field = field_of("VAR.a.b")
    assert field is not None
    assert Term.of(field, [field.parse("3", UTC)]) == Term("var.a.b", ("3",))
    assert field_of("var.") is None
    assert field_of("var.a..b") is None
