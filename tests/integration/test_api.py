"""The API: who may ask, what is refused and how, lists and starts."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from executions.api import idempotency
from executions.api_tokens import Wanted, issue, revoke
from executions.commands.actor import Actor
from executions.models import AuditEntry, Execution, IdempotentStart
from tests.conftest import LiveApp
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, publish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

START = "/api/v1/flows/square/executions"


@pytest.fixture
def square(tmp_path: Path) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)


@pytest.fixture
def starter(square: None) -> User:
    """A person who may start flows, and sees what they started."""
    user = User.objects.create_user("ada", password="right horse")
    grant(user, "flows.start_flow")
    return user


def grant(user: User, name: str) -> None:
    app, _, codename = name.partition(".")
    user.user_permissions.add(
        Permission.objects.get(content_type__app_label=app, codename=codename)
    )


def basic(name: str = "ada", password: str = "right horse") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def post(client: Client, address: str, body: Any, **options: Any) -> Any:
    return client.post(address, body, content_type="application/json", **options)


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert (found["status"], found["title"] != "", found["detail"] != "") == (status, True, True)
    return found


class TestWhoAsks:
    def test_nobody_is_told_how_to_sign_in(self, client: Client) -> None:
        for address in ("/api/v1/executions", START):
            response = client.get(address) if address != START else post(client, address, {})
            problem(response, 401)
            assert "Bearer" in response["WWW-Authenticate"]

    def test_name_and_password(self, client: Client, starter: User) -> None:
        assert client.get("/api/v1/executions", headers=basic()).json()["items"] == []
        problem(client.get("/api/v1/executions", headers=basic(password="wrong")), 401)
        client.force_login(starter)
        problem(client.get("/api/v1/executions", headers=basic(password="wrong")), 401)
        outcomes = [(one.source, one.outcome) for one in AuditEntry.objects.order_by("id")]
        assert outcomes == [("api", "done"), ("api", "refused"), ("api", "refused")]

    def test_a_password_that_was_changed_is_no_longer_known(
        self, client: Client, starter: User
    ) -> None:
        assert client.get("/api/v1/executions", headers=basic()).status_code == 200
        starter.set_password("left horse")
        starter.save()
        problem(client.get("/api/v1/executions", headers=basic()), 401)

    def test_guessing_passwords_is_limited_as_signing_in_is(
        self, client: Client, starter: User
    ) -> None:
        statuses = [
            client.get("/api/v1/executions", headers=basic(password=f"guess {n}")).status_code
            for n in range(11)
        ]
        assert statuses == [401] * 10 + [429]
        response = client.get("/api/v1/executions", headers=basic())
        assert int(response["Retry-After"]) > 0
        problem(response, 429)

    def test_a_token_does_no_more_than_its_scopes(self, client: Client, starter: User) -> None:
        actor = Actor(starter.pk, "ada", "page")
        for scope, status in (("see", 404), ("start", 202)):
            token, raw = issue(actor, starter, Wanted(scope, [scope]))
            headers = {"Authorization": f"Bearer {raw}"}
            body = {"inputs": {"N": 2}}
            response = post(client, f"{START}?async=true", body, headers=headers)
            assert response.status_code == status, response.content
        entry = AuditEntry.objects.get(command="start")
        assert (entry.actor, entry.source, entry.token) == ("ada", "api", "start")
        revoke(actor, token)
        problem(client.get("/api/v1/executions", headers=headers), 401)
        headers = {"Authorization": "Bearer cwt_nonsense"}
        problem(client.get("/api/v1/executions", headers=headers), 401)

    def test_a_password_alone_is_not_enough_with_a_second_factor(
        self, client: Client, starter: User, settings: Any
    ) -> None:
        settings.SECOND_FACTOR = "required"
        response = client.get("/api/v1/executions", headers=basic())
        assert "token" in problem(response, 401)["detail"]

    def test_a_session_needs_the_token_of_its_page(self, starter: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(starter)
        assert client.get("/api/v1/executions").status_code == 200
        problem(post(client, START, {"inputs": {"N": 2}}), 403)
        assert not Execution.objects.exists()

    def test_requests_are_limited(
        self, client: Client, starter: User, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.API_REQUESTS_PER_MINUTE = 18
        monkeypatch.setattr("cortexweb.api.rate_limit.time.time", lambda: 1_000_001.0)
        client.force_login(starter)
        statuses = [client.get("/api/v1/executions").status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        response = client.get("/api/v1/executions")
        problem(response, 429)
        assert response["Retry-After"] == "9"


class TestRefusals:
    def test_who_may_not_start(self, client: Client, square: None, person: User) -> None:
        client.force_login(person)
        problem(post(client, START, {"inputs": {"N": 2}}), 404)
        grant(person, "flows.view_flow")
        client.force_login(User.objects.get(pk=person.pk))
        problem(post(client, START, {"inputs": {"N": 2}}), 403)
        assert not Execution.objects.exists()

    @pytest.mark.parametrize(
        ("body", "location"),
        [
            ({"inputs": {}}, "Input N"),
            ({"inputs": {"N": "two"}}, "Input N"),
            ({"inputs": {"N": 1, "M": 1}}, "Input M"),
            ({"inputs": {"N": {"$datetime": "tomorrow"}}}, "Input N"),
            ({"inputs": [1]}, "inputs"),
            ({"version": 0}, "version"),
            ('{"inputs": {"N": 1, "N": 2}}', "Body"),
            ("{", "Body"),
        ],
    )
    def test_messages_say_where(
        self, client: Client, starter: User, body: Any, location: str
    ) -> None:
        client.force_login(starter)
        found = problem(post(client, f"{START}?async=true", body), 400)
        assert [one["location"] for one in found["messages"]] == [location]
        assert not Execution.objects.exists()

    def test_what_does_not_fit_is_told_in_plain_words(self, client: Client, starter: User) -> None:
        client.force_login(starter)
        many = post(client, f"{START}/batch", {"executions": [{}, {"inputs": 1}]})
        (told,) = problem(many, 400)["messages"]
        assert told["location"] == "executions, item 2, inputs"
        assert told["summary"] == 'Give an object, such as {"key": "value"}.'
        assert told["path"] == ["body", "executions", 1, "inputs"]
        for query, detail in (
            ("page=x", "page: Enter a whole number."),
            ("page=0", "page: Enter 1 or more."),
            ("tab=none", "tab: Enter one of open, answered, all."),
        ):
            assert problem(client.get(f"/api/v1/questions?{query}"), 400)["detail"] == detail
        unnamed = problem(post(client, "/api/v1/signals", {}), 400)
        assert unnamed["detail"] == "name: It is missing. Give it a value."

    def test_statuses(self, client: Client, starter: User, settings: Any) -> None:
        client.force_login(starter)
        problem(post(client, START, {"version": 9}), 404)
        problem(client.post(START, "N=1", content_type="text/plain"), 415)
        problem(post(client, START, {"debug": True, "inputs": {"N": 1}}), 403)
        problem(client.get("/api/v1/nothing"), 404)
        response = client.put("/api/v1/executions")
        problem(response, 405)
        assert response["Allow"] == "GET"
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
        problem(post(client, START, {"inputs": {"N": 1}}), 413)
        settings.API_WAITING = 0
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
        problem(post(client, START, {"inputs": {"N": 1}}), 429)
        assert not Execution.objects.exists()

    @pytest.mark.parametrize(
        "query", ["status=Sleeping", "colour=red", "older=x", "sort=-colour", "limit=0", "q=flow:"]
    )
    def test_a_filter_that_means_nothing(self, client: Client, starter: User, query: str) -> None:
        client.force_login(starter)
        assert problem(client.get(f"/api/v1/executions?{query}"), 400)["messages"]


def test_pages_follow_each_other(client: Client, starter: User) -> None:
    client.force_login(starter)
    ids = [post(client, f"{START}?async=true", {"inputs": {"N": n}}).json()["id"] for n in range(5)]
    found, address = [], "/api/v1/executions?limit=2&status=Queued"
    while address:
        page = client.get(address).json()
        found.append([one["id"] for one in page["items"]])
        address = page["next"]
    assert found == [ids[:2:-1], ids[2:0:-1], ids[:1]]
    assert client.get(page["previous"]).json()["items"][0]["id"] == ids[2]
    assert client.get("/api/v1/executions?-status=Queued").json()["items"] == []


def test_others_find_nothing(client: Client, starter: User, person_b: User) -> None:
    client.force_login(starter)
    address = post(client, f"{START}?async=true", {"inputs": {"N": 1}})["Location"]
    assert client.get(address).json()["inputs"] == {"N": 1}
    client.force_login(person_b)
    problem(client.get(address), 404)
    assert client.get("/api/v1/executions").json()["items"] == []


@pytest.fixture
def person_b() -> User:
    return User.objects.create_user("bob")


class TestIdempotency:
    @pytest.fixture
    def keyed(self, client: Client, starter: User) -> Any:
        client.force_login(starter)

        def keyed(body: Any = None, key: str = "one", **options: Any) -> Any:
            given = body or {"inputs": {"N": 1}}
            headers = {"Idempotency-Key": key}
            return post(client, f"{START}?async=true", given, headers=headers, **options)

        return keyed

    def test_a_request_that_is_sent_again_starts_nothing(self, keyed: Any) -> None:
        first, second = keyed(), keyed()
        assert first.status_code == second.status_code == 202
        assert first.content == second.content
        assert second["Idempotent-Replayed"] == "true"
        assert keyed(key="two").json() != first.json()
        assert Execution.objects.count() == 2

    def test_a_key_belongs_to_one_request(self, keyed: Any) -> None:
        keyed()
        problem(keyed({"inputs": {"N": 2}}), 422)
        problem(keyed(key="x" * 256), 400)
        assert Execution.objects.count() == 1

    def test_a_refused_start_is_not_remembered(self, keyed: Any) -> None:
        problem(keyed({"inputs": {"N": "x"}}), 400)
        assert keyed().status_code == 202

    def test_keys_are_forgotten(self, keyed: Any) -> None:
        keyed()
        IdempotentStart.objects.update(at=timezone.now() - idempotency.REMEMBERED_FOR)
        keyed()
        assert Execution.objects.count() == 2
        IdempotentStart.objects.update(at=timezone.now() - idempotency.REMEMBERED_FOR)
        idempotency.delete_expired()
        assert not IdempotentStart.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker")
def test_starts_wait_for_their_end(live_app: LiveApp, starter: User, tmp_path: Path) -> None:
    with httpx.Client(base_url=live_app.url, auth=("ada", "right horse"), timeout=30) as api:
        done = api.post(START, json={"inputs": {"N": 7}})
        assert (done.status_code, done.json()["outputs"]) == (200, {"Square": 49}), done.text
        assert done.headers["Content-Length"] == str(len(done.content))

        def same(_: int) -> tuple[int, dict[str, Any]]:
            answer = api.post(START, json={"inputs": {"N": 8}}, headers={"Idempotency-Key": "k"})
            return answer.status_code, answer.json()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(same, range(8)))
        assert {(status, body["id"], body["outputs"]["Square"]) for status, body in answers} == {
            (200, answers[0][1]["id"], 64)
        }
        assert Execution.objects.count() == 2
        late = api.post(f"{START}?wait=0", json={"inputs": {"N": 7}})
        assert late.status_code == 202
        assert api.get(late.headers["Location"]).json()["id"] == late.json()["id"]


class TestMany:
    BATCH = f"{START}/batch"

    def test_all_start_together(self, client: Client, starter: User) -> None:
        client.force_login(starter)
        body = {"executions": [{"inputs": {"N": n}} for n in range(1_100)]}
        response = post(client, self.BATCH, body, headers={"Idempotency-Key": "many"})
        assert response.status_code == 202
        ids = response.json()["executions"]
        rows = {str(one.pk): one for one in Execution.objects.all()}
        assert [rows[one].inputs["N"] for one in ids] == list(range(1_100))
        assert {one.trigger for one in rows.values()} == {"api"}
        assert AuditEntry.objects.filter(command="start", source="api").count() == 1_100
        again = post(client, self.BATCH, body, headers={"Idempotency-Key": "many"})
        assert again.json() == response.json()
        assert Execution.objects.count() == 1_100

    def test_none_start_when_one_cannot(self, client: Client, starter: User) -> None:
        client.force_login(starter)
        body = {"executions": [{"inputs": {"N": 1}}, {"inputs": {"N": "x"}}, {}]}
        found = problem(post(client, self.BATCH, body), 400)
        assert [one["location"] for one in found["messages"]] == [
            "Execution 1, Input N",
            "Execution 2, Input N",
        ]
        problem(post(client, self.BATCH, {"executions": []}), 400)
        assert not Execution.objects.exists()


class TestGateway:
    """The address of the original."""

    ADDRESS = "/api/default/default/flows/square/executions"

    @pytest.mark.parametrize(
        ("address", "status"),
        [
            (f"{ADDRESS}?async=true", 202),
            (f"{ADDRESS}/?async=true&packageName=", 202),
            (f"{ADDRESS}?async=true&packageName=Default", 202),
            (f"{ADDRESS}?packageName=Sales", 404),
            (f"{ADDRESS}?packageVersion=2025-03-04", 404),
            (ADDRESS.replace("default", "acme", 1), 404),
            (ADDRESS.replace("square", "cube"), 404),
        ],
    )
    def test_where_flows_are(
        self, client: Client, starter: User, address: str, status: int
    ) -> None:
        response = post(client, address, {"N": 3}, headers=basic())
        assert response.status_code == status
        if status == 202:
            assert Execution.objects.get(pk=response.json()["executionId"]).inputs == {"N": 3}

    def test_wrong_inputs(self, client: Client, starter: User) -> None:
        problem(post(client, self.ADDRESS, {"M": 3}, headers=basic()), 400)
        problem(post(client, self.ADDRESS, {"N": 3}), 401)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("worker")
    def test_the_answer_is_the_outputs(self, live_app: LiveApp, starter: User) -> None:
        with httpx.Client(base_url=live_app.url, auth=("ada", "right horse"), timeout=30) as api:
            assert api.post(self.ADDRESS, json={"N": 5}).json() == {"Square": 25}
            wrapped = api.post(self.ADDRESS, json={"inputVariables": {"N": 6}})
            assert (wrapped.status_code, wrapped.json()) == (200, {"Square": 36})
            failed = api.post(self.ADDRESS, json={"N": -1})
            assert failed.status_code == 500
            assert failed.headers["Content-Type"] == "application/problem+json"
            found = failed.json()
            assert found["exception"]["message"] == "negative"
            assert found["execution_status"] == "Error"
