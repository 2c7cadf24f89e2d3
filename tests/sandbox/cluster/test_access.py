"""Who may do what: tokens, roles, bindings, and the words of a refusal."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from reconciler.sandbox.wire import NotInSandbox, Request
from tests.sandbox.cluster.api import DEPLOYMENTS, PODS, Api, Json, deployment, pod

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
TESTBED = Path(__file__).parents[2] / "testbed" / "access.yaml"


@pytest.fixture
def eve(api: Api) -> Api:
    """A cluster as somebody sees it who has no rights yet."""
    api.cluster.add_user("eve", ("system:authenticated", "auditors"))
    return api.as_user("eve")


def bind(api: Api, rules: list[Json], *, namespace: str = "", subject: Json | None = None) -> None:
    """Give eve, or another subject, rights everywhere or in one namespace."""
    kind = "Role" if namespace else "ClusterRole"
    where = f"{RBAC}/namespaces/{namespace}" if namespace else RBAC
    who = subject or {"kind": "User", "name": "eve"}
    reference = {"kind": kind, "name": "eve"}
    assert api.post(f"{where}/{kind.lower()}s", {"metadata": {"name": "eve"}, "rules": rules}).status == 201
    made = api.post(
        f"{where}/{kind.lower()}bindings", {"metadata": {"name": "eve"}, "roleRef": reference, "subjects": [who]}
    )
    assert made.status == 201


def test_roles_are_those_of_the_testbed(api: Api) -> None:
    """One description of what an installation is granted, in both worlds."""
    documents = list(yaml.safe_load_all(TESTBED.read_text()))
    assert {each["kind"] for each in documents} == {"ClusterRole", "ClusterRoleBinding"}
    for document in documents:
        found = api.store.get(document["kind"], "", document["metadata"]["name"])
        assert found is not None
        assert {key: found[key] for key in document if key != "metadata"} == {
            key: value for key, value in document.items() if key != "metadata"
        }


def test_reader_may_look_and_not_touch(api: Api) -> None:
    """In the real words, which people grep for."""
    api.post(DEPLOYMENTS, deployment())
    reader = api.as_user("readonly")

    assert reader.get(DEPLOYMENTS).names == ["web"]
    refused = reader.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 2}})
    assert refused.status == 403
    assert refused.body["reason"] == "Forbidden"
    assert refused.message == (
        'deployments.apps "web" is forbidden: User "readonly" cannot patch resource "deployments" '
        'in API group "apps" in the namespace "default"'
    )
    assert refused.body["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/api/v1/pods", 'pods is forbidden: User "eve" cannot list resource "pods" in API group "" at the '),
        ("GET", f"{PODS}/web/log", 'pods "web" is forbidden: User "eve" cannot get resource "pods/log" in API group '),
        ("GET", "/api/v1/namespaces/shop", 'namespaces "shop" is forbidden: User "eve" cannot get resource "namesp'),
        ("GET", "/apis/no.such/v1/things", 'things.no.such is forbidden: User "eve" cannot list resource "things" in '),
        ("GET", "/metrics", 'forbidden: User "eve" cannot get path "/metrics"'),
    ],
)
def test_refusal_names_resource_and_scope(eve: Api, method: str, path: str, message: str) -> None:
    """Before anything is said about what exists."""
    refused = eve.call(method, path)

    assert refused.status == 403
    assert refused.message.startswith(message)


def test_unknown_token_is_unauthorized_and_none_is_anonymous(api: Api) -> None:
    """As with the real server: 401 for a wrong token, 403 for nobody."""
    wrong = api.cluster.handle(Request("GET", PODS, {}, {"authorization": "Bearer wrong"}))
    nobody = api.cluster.handle(Request("GET", PODS, {}, {}))
    health = api.cluster.handle(Request("GET", "/healthz", {}, {}))

    assert (wrong.status, nobody.status, health.status) == (401, 403, 200)
    assert isinstance(nobody.body, bytes)
    assert b"system:anonymous" in nobody.body


def test_role_counts_in_its_namespace_only(api: Api, eve: Api) -> None:
    """And a ClusterRole everywhere."""
    bind(api, [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}], namespace="default")

    assert eve.get(PODS).status == 200
    assert eve.get("/api/v1/namespaces/kube-system/pods").status == 403
    assert eve.get("/api/v1/pods").status == 403


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, 200),
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["web"]}, 200),
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["other"]}, 403),
        ({"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}, 403),
        ({"apiGroups": ["apps"], "resources": ["pods"], "verbs": ["get"]}, 403),
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}, 403),
    ],
)
def test_rule_covers_what_it_says(api: Api, eve: Api, rule: Json, status: int) -> None:
    """Wildcards, names, groups and verbs."""
    api.post(PODS, pod())
    bind(api, [rule])

    assert eve.get(f"{PODS}/web").status == status


@pytest.mark.parametrize(("resource", "status"), [("pods", 403), ("pods/status", 200), ("*/status", 200), ("*", 200)])
def test_subresource_needs_a_rule_of_its_own(api: Api, eve: Api, resource: str, status: int) -> None:
    """The right to a pod is none to its parts."""
    api.post(PODS, pod())
    bind(api, [{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}])

    assert eve.get(f"{PODS}/web/status").status == status


def test_list_of_one_name_needs_the_right_to_that_name(api: Api, eve: Api) -> None:
    """How a controller watches a single object."""
    bind(api, [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"], "resourceNames": ["web"]}])

    assert eve.get(PODS, fieldSelector="metadata.name=web").status == 200
    assert eve.get(PODS).status == 403


def test_group_carries_rights(api: Api, eve: Api) -> None:
    """And a binding to a role that is not there grants nothing."""
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
    bind(api, [rule], subject={"kind": "Group", "name": "auditors"})
    assert eve.get("/api/v1/pods").status == 200

    api.call("DELETE", f"{RBAC}/clusterroles/eve")

    assert eve.get("/api/v1/pods").status == 403


@pytest.mark.parametrize(
    ("user", "verb", "resource", "allowed"),
    [
        ("admin", "delete", "nodes", True),
        ("reconciler", "patch", "nodes", True),
        ("reconciler", "delete", "nodes", False),
        ("readonly", "list", "pods", True),
        ("readonly", "patch", "nodes", False),
    ],
)
def test_review_tells_ones_own_rights(api: Api, user: str, verb: str, resource: str, allowed: bool) -> None:  # noqa: FBT001 - a table's column
    """Without trying anything out."""
    attributes = {"verb": verb, "group": "", "resource": resource, "namespace": "default"}
    review = {"kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}

    answer = api.as_user(user).post(REVIEWS, review)

    assert answer.status == 201
    assert answer.body["status"]["allowed"] is allowed


def test_review_of_others_is_for_administrators(api: Api) -> None:
    """It tells of any user and group; of nothing in particular it is invalid."""
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    attributes = {"verb": "get", "path": "/version"}
    review = {"spec": {"user": "x", "groups": ["system:authenticated"], "nonResourceAttributes": attributes}}

    assert api.post(path, review).body["status"]["allowed"] is True
    assert api.as_user("readonly").post(path, review).status == 403
    assert api.post(path, {"spec": {"user": "x"}}).status == 422
    with pytest.raises(NotInSandbox, match="selfsubjectrulesreviews"):
        api.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {})


@pytest.mark.parametrize(
    ("path", "allowed"), [("/metrics", True), ("/metrics/cadvisor", False), ("/logs/a/b", True), ("/logs", False)]
)
def test_addresses_that_are_no_objects_are_granted_by_their_beginning(api: Api, path: str, *, allowed: bool) -> None:
    """Where a rule ends in a star; without one it is the whole address."""
    bind(api, [{"nonResourceURLs": ["/metrics", "/logs/*"], "verbs": ["get"]}])
    attributes = {"verb": "get", "path": path}
    review = {"spec": {"user": "eve", "nonResourceAttributes": attributes}}

    answer = api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)

    assert answer.body["status"]["allowed"] is allowed


def test_impersonation_is_not_in_the_sandbox(api: Api) -> None:
    """Whoever asks as somebody else must not be answered as themselves."""
    headers = {"authorization": f"Bearer {api.cluster.tokens['admin']}", "impersonate-user": "ana"}

    with pytest.raises(NotInSandbox, match="impersonation"):
        api.cluster.handle(Request("GET", PODS, {}, headers))


def test_protobuf_is_not_in_the_sandbox(api: Api) -> None:
    """Kubectl asks about its rights in the API machinery's own encoding."""
    headers = {"authorization": f"Bearer {api.cluster.tokens['admin']}"}

    with pytest.raises(NotInSandbox, match="protobuf"):
        api.cluster.handle(Request("POST", REVIEWS, {}, headers, b"k8s\0\n\x1d"))


def test_kubeconfig_leads_to_the_server_as_its_user(api: Api, tmp_path: Path) -> None:
    """Trusting its authority, with that user's token."""
    (tmp_path / "ca.crt").write_bytes(b"of the authority")
    config = api.cluster.kubeconfig("readonly", "https://127.0.0.1:1", tmp_path / "ca.crt")

    assert config["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:1",
        "certificate-authority-data": base64.b64encode(b"of the authority").decode(),
    }
    assert config["users"][0]["user"]["token"] == api.cluster.tokens["readonly"]
    assert config["current-context"] == config["contexts"][0]["name"]
