"""A walk through every address of the forge's REST API, in the order in which people would take it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.sandbox.forge import ADMIN
from tests.sandbox.forge.keys import keys, proof
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO, REPOSITORY, World

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = quote(f"heads/{BRANCH}", safe="")
QUOTED = quote(BRANCH, safe="")
HOOK = {"url": "http://127.0.0.1:9/hook", "content_type": "json", "secret": "s3"}


def walk(world: World) -> None:
    """Take every stop."""
    for stop in STOPS:
        stop(world)


def people(world: World) -> None:
    """Look at people, organizations and the rate limit."""
    world.forge.add_organization("acme", {"ana": True, "reconciler-bot": False})
    for path in (
        "/user",
        "/user/repos",
        "/users/ana",
        "/users/ana/repos",
        "/orgs/acme",
        "/orgs/acme/repos",
        "/orgs/acme/members/ana",
        "/rate_limit",
    ):
        world.do("ana", "GET", path)
    world.do("mallory", "GET", "/users/ana")


def repositories(world: World) -> None:
    """Make, change, fork, move and delete repositories."""
    world.do("ana", "POST", "/user/repos", name="scratch", auto_init=True, description="to be thrown away")
    world.do("ana", "POST", "/orgs/acme/repos", name="shared", auto_init=True, private=True)
    world.do("ana", "GET", "/orgs/acme/repos")
    world.do("ana", "PATCH", "/repos/ana/scratch", name="scratched", homepage="http://example.com")
    world.do("ana", "POST", "/repos/ana/scratched/transfer", new_owner="acme", new_name="scratch")
    world.do("ana", "DELETE", "/repos/acme/scratch")
    world.do("mallory", "POST", f"{REPO}/forks")
    world.do("ana", "GET", f"{REPO}/forks")
    world.do("ana", "GET", REPO)
    world.do("mallory", "GET", "/repos/mallory/manifests")


def collaborators(world: World) -> None:
    """Let somebody in, look at who is, and show them out."""
    world.forge.add_user("guest")
    path = f"{REPO}/collaborators"
    world.do(ADMIN, "PUT", f"{path}/guest", permission="push")
    world.do(ADMIN, "PUT", f"{path}/guest", permission="pull")
    world.do(ADMIN, "GET", path)
    world.do(ADMIN, "GET", f"{path}/guest")
    world.do(ADMIN, "GET", f"{path}/guest/permission")
    world.do(ADMIN, "DELETE", f"{path}/guest")


def branches(world: World) -> None:
    """Make, list, move and rename branches."""
    main = world.tip()
    sha = world.branch()
    world.do("ana", "GET", f"{REPO}/branches")
    world.do("ana", "GET", f"{REPO}/branches/{QUOTED}")
    world.do("ana", "GET", f"{REPO}/git/ref/{HEAD}")
    world.do("ana", "GET", f"{REPO}/git/refs")
    world.do("ana", "GET", f"{REPO}/git/refs/heads/main")
    world.do("ana", "GET", f"{REPO}/git/matching-refs/heads")
    world.do("ana", "POST", f"{REPO}/git/refs", ref="refs/heads/short", sha=main)
    world.do("ana", "PATCH", f"{REPO}/git/refs/{quote('heads/short', safe='')}", sha=sha)
    world.do("ana", "POST", f"{REPO}/branches/short/rename", new_name="shorter")
    world.do("ana", "DELETE", f"{REPO}/git/refs/{quote('heads/shorter', safe='')}")


def objects(world: World) -> None:
    """Write Git's objects one by one, and read them."""
    git, main = f"{REPO}/git", world.tip()
    blob = world.do("ana", "POST", f"{git}/blobs", content="aGVsbG8K", encoding="base64")["sha"]
    entries = [
        {"path": "hello.txt", "mode": "100644", "type": "blob", "sha": blob},
        {"path": "more/run.sh", "mode": "100755", "type": "blob", "content": "echo hi\n"},
    ]
    tree = world.do("ana", "POST", f"{git}/trees", base_tree=main, tree=entries)["sha"]
    commit = world.do("ana", "POST", f"{git}/commits", message="by hand", tree=tree, parents=[main])["sha"]
    tag = world.do("ana", "POST", f"{git}/tags", tag="v1", message="first", object=commit, type="commit")["sha"]
    world.do("ana", "POST", f"{git}/refs", ref="refs/tags/v1", sha=tag)
    for path in (f"blobs/{blob}", f"trees/{tree}", f"trees/{tree}?recursive=1", f"commits/{commit}", f"tags/{tag}"):
        world.do("ana", "GET", f"{git}/{path}")
    world.do("ana", "GET", f"{git}/ref/{quote('tags/v1', safe='')}")
    world.do("ana", "GET", f"{REPO}/tags")


def contents(world: World) -> None:
    """Read and write files."""
    path = f"{REPO}/contents"
    world.do("ana", "GET", path)
    world.do("ana", "GET", f"{path}/deploy")
    world.do("ana", "GET", f"{path}/README.md?ref=main")
    made = world.do("ana", "PUT", f"{path}/new.txt", message="new", content="bmV3Cg==", branch="main")
    sha = made["content"]["sha"]
    world.do("ana", "DELETE", f"{path}/new.txt", message="gone", sha=sha, branch="main")


def commits(world: World) -> None:
    """Look at commits, and at what was said of them."""
    path, sha = f"{REPO}/commits", world.tip(BRANCH)
    world.do("reconciler-bot", "POST", f"{REPO}/statuses/{sha}", state="success", context="ci", description="fine")
    for below in (f"{sha}/status", f"{sha}/statuses", f"{sha}/pulls", f"{sha}/check-runs", sha):
        world.do("ana", "GET", f"{path}/{below}")
    world.do("ana", "GET", path)
    world.do("ana", "GET", f"{path}?path=README.md&author={ADMIN}&per_page=1")
    world.do("ana", "GET", f"{REPO}/compare/{quote(f'main...{BRANCH}', safe='')}")


def checks(world: World) -> None:
    """Report a check run, as an App."""
    world.forge.add_app("ci", owner="ana")
    world.do(ADMIN, "PUT", f"{REPO}/collaborators/{quote('ci[bot]')}", permission="push")
    sha = world.tip(BRANCH)
    output = {"title": "Tests", "summary": "all is well"}
    run = world.do("ci[bot]", "POST", f"{REPO}/check-runs", name="tests", head_sha=sha, status="in_progress")["id"]
    path = f"{REPO}/check-runs/{run}"
    world.do("ci[bot]", "PATCH", path, status="completed", conclusion="success", output=output)
    world.do("ana", "GET", path)
    world.do("ana", "GET", f"{REPO}/commits/{sha}/check-runs")


def apps(world: World) -> None:
    """Act as an App that proves itself: see oneself, take a token, make a commit of nobody but the App."""
    app, installation = world.forge.install_app("keeper", [REPOSITORY], keys().public, {"contents": "write"})
    for path in ("/app", f"/app/installations/{installation}", f"{REPO}/installation"):
        assert world.ask(None, "GET", path, token=proof(app)).status == 200
    made = world.ask(
        None,
        "POST",
        f"/app/installations/{installation}/access_tokens",
        token=proof(app),
        repositories=["manifests"],
        permissions={"contents": "write", "metadata": "read"},
    )
    token, tip = made.json["token"], world.tip(BRANCH)
    tree = world.do("ana", "GET", f"{REPO}/git/commits/{tip}")["tree"]["sha"]
    sealed = world.ask(None, "POST", f"{REPO}/git/commits", token=token, message="m", tree=tree, parents=[tip])
    assert sealed.json["verification"]["verified"]


def pulls(world: World) -> None:
    """Open a pull request, read it to its end, close and reopen it."""
    number = world.pull(body="- more memory")["number"]
    path = f"{PULLS}/{number}"
    for _ in ("unknown at first", "then worked out"):
        world.do("ana", "GET", path)
    world.do("ana", "GET", f"{path}/files")
    world.do("ana", "GET", f"{path}/commits")
    world.do("ana", "GET", f"{PULLS}?state=all&sort=updated&direction=desc&head=shop:{QUOTED}&base=main&per_page=100")
    world.do("reconciler-bot", "PATCH", path, title="more memory", body="- twice")
    world.do("ana", "PATCH", path, state="closed")
    world.do("ana", "PATCH", path, state="open")


def reviews(world: World) -> None:
    """Ask for reviews, give them, dismiss one."""
    path, sha = f"{PULLS}/1", world.tip(BRANCH)
    world.do("reconciler-bot", "POST", f"{path}/requested_reviewers", reviewers=["ana", ADMIN])
    world.do("reconciler-bot", "GET", f"{path}/requested_reviewers")
    world.do("reconciler-bot", "DELETE", f"{path}/requested_reviewers", reviewers=[ADMIN])
    world.do("ana", "POST", f"{path}/reviews", event="APPROVE", body="good", commit_id=sha)
    remark = {"path": f"{BRANCH}.txt", "line": 1, "side": "RIGHT", "body": "why?"}
    begun = world.do("ana", "POST", f"{path}/reviews", body="later", comments=[remark])["id"]
    world.do("ana", "DELETE", f"{path}/reviews/{begun}")
    begun = world.do("ana", "POST", f"{path}/reviews", body="now", comments=[remark])["id"]
    world.do("ana", "GET", f"{path}/reviews/{begun}")
    world.do("ana", "POST", f"{path}/reviews/{begun}/events", event="REQUEST_CHANGES", body="no")
    world.do("ana", "PUT", f"{path}/reviews/{begun}", body="not so")
    world.do("ana", "GET", f"{path}/reviews/{begun}/comments")
    world.do(ADMIN, "PUT", f"{path}/reviews/{begun}/dismissals", message="settled")
    world.do("ana", "GET", f"{path}/reviews")


def remarks(world: World) -> None:
    """Talk about lines."""
    path, sha = f"{PULLS}/1/comments", world.tip(BRANCH)
    given = {"body": "here", "commit_id": sha, "path": f"{BRANCH}.txt", "line": 1, "side": "RIGHT"}
    number = world.do("ana", "POST", path, **given)["id"]
    world.do("reconciler-bot", "POST", f"{path}/{number}/replies", body="because")
    one = f"{PULLS}/comments/{number}"
    world.do("ana", "PATCH", one, body="just here")
    for read in (path, one, f"{PULLS}/comments"):
        world.do("ana", "GET", read)
    world.do("ana", "DELETE", one)


def issues(world: World) -> None:
    """Open an issue, work on it, and look at a pull request as one."""
    path = f"{REPO}/issues"
    number = world.do("mallory", "POST", path, title="It is slow", body="very")["number"]
    one = f"{path}/{number}"
    world.do("ana", "PATCH", one, title="It is too slow", labels=["bug"], assignees=["ana"])
    world.do("ana", "POST", f"{one}/assignees", assignees=[ADMIN])
    world.do("ana", "DELETE", f"{one}/assignees", assignees=[ADMIN])
    world.do("ana", "PATCH", one, state="closed", state_reason="not_planned")
    world.do("ana", "PATCH", one, state="open")
    for read in (path, f"{path}?state=all&labels=bug&sort=updated&direction=asc", one, f"{path}/1"):
        world.do("ana", "GET", read)


def labels(world: World) -> None:
    """Make labels, put them on, take them off."""
    path, of_issue = f"{REPO}/labels", f"{REPO}/issues/1/labels"
    world.do("ana", "POST", path, name="memory", color="ff0000", description="runs out of it")
    world.do("ana", "PATCH", f"{path}/memory", new_name="ram")
    world.do("ana", "GET", path)
    world.do("ana", "GET", f"{path}/ram")
    world.do("ana", "POST", of_issue, labels=["ram", "reconciler"])
    world.do("ana", "GET", of_issue)
    world.do("ana", "DELETE", f"{of_issue}/reconciler")
    world.do("ana", "PUT", of_issue, labels=["ram", "urgent"])
    world.do("ana", "GET", f"{PULLS}/1")
    world.do("ana", "GET", PULLS)
    world.do("ana", "DELETE", of_issue)
    world.do("ana", "DELETE", f"{path}/urgent")


def comments(world: World) -> None:
    """Talk, and look at what happened."""
    path = f"{REPO}/issues"
    number = world.do("mallory", "POST", f"{path}/1/comments", body="me too")["id"]
    one = f"{path}/comments/{number}"
    world.do("mallory", "PATCH", one, body="me as well")
    for read in (f"{path}/1/comments", one, f"{path}/comments", f"{path}/1/timeline", f"{path}/1/events"):
        world.do("ana", "GET", read)
    [newest, *_] = world.do("ana", "GET", f"{path}/events")
    world.do("ana", "GET", f"{path}/events/{newest['id']}")
    world.do("ana", "DELETE", one)


def protection(world: World) -> None:
    """Protect a branch, part by part."""
    path = f"{REPO}/branches/main/protection"
    checks, reviews = f"{path}/required_status_checks", f"{path}/required_pull_request_reviews"
    world.protect(
        required_status_checks={"strict": True, "contexts": ["ci"]},
        required_pull_request_reviews={"required_approving_review_count": 1, "dismiss_stale_reviews": True},
    )
    for read in (path, checks, f"{checks}/contexts", reviews, f"{path}/enforce_admins", f"{REPO}/branches/main"):
        world.do(ADMIN, "GET", read)
    world.do(ADMIN, "PATCH", checks, strict=False, contexts=["ci", "tests"])
    world.do(ADMIN, "PATCH", reviews, required_approving_review_count=2)
    world.do(ADMIN, "POST", f"{path}/enforce_admins")
    for gone in (f"{path}/enforce_admins", checks, reviews, path):
        world.do(ADMIN, "DELETE", gone)


def rulesets(world: World) -> None:
    """Rule a branch by a ruleset."""
    path = f"{REPO}/rulesets"
    request = {
        "required_approving_review_count": 1,
        "dismiss_stale_reviews_on_push": True,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_review_thread_resolution": False,
    }
    checks = {"strict_required_status_checks_policy": True, "required_status_checks": [{"context": "ci"}]}
    rules = [
        {"type": "pull_request", "parameters": request},
        {"type": "required_status_checks", "parameters": checks},
        {"type": "non_fast_forward"},
        {"type": "deletion"},
    ]
    where = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    made = world.do(ADMIN, "POST", path, name="main", enforcement="active", conditions=where, rules=rules)["id"]
    for read in (path, f"{path}/{made}", f"{REPO}/rules/branches/main"):
        world.do("ana", "GET", read)
    world.do(ADMIN, "PUT", f"{path}/{made}", enforcement="disabled")
    world.do(ADMIN, "DELETE", f"{path}/{made}")


def hooks(world: World) -> None:
    """Register a webhook that nobody hears, and look at what became of its deliveries."""
    path = f"{REPO}/hooks"
    number = world.do(ADMIN, "POST", path, config=HOOK, events=["push", "pull_request"])["id"]
    one = f"{path}/{number}"
    world.do(ADMIN, "PATCH", one, add_events=["issues"])
    world.do(ADMIN, "POST", f"{one}/pings")
    world.forge.deliver()
    world.do(ADMIN, "GET", path)
    world.do(ADMIN, "GET", one)
    [delivered, *_] = world.do(ADMIN, "GET", f"{one}/deliveries")
    world.do(ADMIN, "GET", f"{one}/deliveries/{delivered['id']}")
    world.do(ADMIN, "POST", f"{one}/deliveries/{delivered['id']}/attempts")
    world.do(ADMIN, "DELETE", one)


def dispatches(world: World) -> None:
    """Start workflows, of which the sandbox has none."""
    world.do("ana", "POST", f"{REPO}/dispatches", event_type="reconcile", client_payload={"why": "test"})
    world.commit("main", ".github/workflows/ci.yml", "on: workflow_dispatch\n", user="ana")
    world.do("ana", "POST", f"{REPO}/actions/workflows/ci.yml/dispatches", ref="main", inputs={"a": "b"})


def merges(world: World) -> None:
    """Bring a head up to date, and merge it."""
    world.do("reconciler-bot", "PUT", f"{PULLS}/1/update-branch")
    world.do("ana", "PUT", f"{PULLS}/1/merge", merge_method="squash", sha=world.tip(BRANCH))
    world.do("ana", "GET", f"{PULLS}/1/merge")
    world.do("ana", "GET", f"{PULLS}/1")
    world.do("ana", "GET", f"{REPO}/issues/1/timeline")
    world.branch("side")
    world.do("ana", "POST", f"{REPO}/merges", base="main", head="side")
    world.do("mallory", "GET", f"{PULLS}?state=closed")


STOPS: tuple[Callable[[World], None], ...] = (
    people,
    repositories,
    collaborators,
    branches,
    objects,
    contents,
    commits,
    checks,
    apps,
    pulls,
    reviews,
    remarks,
    issues,
    labels,
    comments,
    protection,
    rulesets,
    hooks,
    dispatches,
    merges,
)
