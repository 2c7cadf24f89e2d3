"""Reviews: begun, submitted, dismissed; and who is asked for one.

Protects: nobody approves their own pull request, and a review belongs to the commit that was reviewed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import announcing, lifecycle
from reconciler.sandbox.forge.model import Issue, Json, Permission, PullRequest, Review, User
from reconciler.sandbox.forge.refusals import Refused, forbidden, not_found, unprocessable
from reconciler.sandbox.forge.rest import answers, answers_pulls, remarks
from reconciler.sandbox.forge.rest.fields import LIST, NEEDED, STRING, TEXT, Field, one_of
from reconciler.sandbox.forge.rest.routes import PAGES, get, write
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from reconciler.sandbox.forge.rest.call import Call, Reply
    from reconciler.sandbox.forge.rest.view import View

_PULL = "/repos/{owner}/{repo}/pulls/{number}"
_ONE = f"{_PULL}/reviews/{{id}}"
_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
_OWN = {
    "APPROVE": "Can not approve your own pull request",
    "REQUEST_CHANGES": "Can not request changes on your own pull request",
}


def _list(call: Call) -> Reply:
    issue, pull = call.pull()
    shown = [each for each in pull.reviews if each.state != "PENDING" or each.user is call.user]
    return call.paged(shown, lambda each: _answer(call, issue, each))


def _get(call: Call) -> Json:
    issue, _, found = _found(call)
    return _answer(call, issue, found)


def _create(call: Call) -> Json:
    issue, pull = call.pull()
    given = call.given
    event, body, comments = given.get("event", ""), given.get("body") or "", given.get("comments", [])
    _check(call, issue, event, body or comments)
    if any(each.user is call.me and each.state == "PENDING" for each in pull.reviews):
        raise unprocessable("User can only have one pending review per pull request")
    commit = given.get("commit_id", pull.head.sha)
    if commit not in _commits(call, pull):
        raise unprocessable("Variable $commitOID of type GitObjectID was provided invalid value")
    review = Review(id=call.state.next_id(), user=call.me, state="PENDING", body=body, commit=commit, submitted_at=None)
    added = [remarks.made(call, pull, each, commit, review.id) for each in comments]
    pull.reviews.append(review)
    pull.remarks += added
    if event:
        _submit(call, issue, pull, review, event)
    return _answer(call, issue, review)


def _submit_later(call: Call) -> Json:
    issue, pull, review = _found(call)
    event, body = call.given["event"], call.given.get("body") or review.body
    if review.user is not call.me:
        raise not_found()
    if review.state != "PENDING":
        raise unprocessable("Can not submit a non-pending pull request review")
    _check(call, issue, event, body or [each for each in pull.remarks if each.review == review.id])
    review.body = body
    _submit(call, issue, pull, review, event)
    return _answer(call, issue, review)


def _check(call: Call, issue: Issue, event: str, words: object) -> None:
    if call.me is issue.user and event in _OWN:
        raise unprocessable(_OWN[event])
    if event in ("REQUEST_CHANGES", "COMMENT") and not words:
        raise unprocessable(
            "Body can't be blank"
            if event == "COMMENT"
            else "You need to leave a comment indicating the requested changes."
        )


def _commits(call: Call, pull: PullRequest) -> set[str]:
    git = call.repository.git
    return {each.sha for each in git.commits_between(pull.base.sha, pull.head.sha)} | {pull.head.sha}


def _submit(call: Call, issue: Issue, pull: PullRequest, review: Review, event: str) -> None:
    review.state, review.submitted_at = _STATES[event], call.state.now()
    if call.me in pull.requested:
        pull.requested.remove(call.me)
    issue.updated_at = call.state.now()
    _announce(call, issue, pull, review, "submitted")


def _edit(call: Call) -> Json:
    issue, pull, review = _found(call)
    if review.user is not call.me:
        raise forbidden("Must be the author of the review to edit it.")
    review.body = call.given["body"]
    _announce(call, issue, pull, review, "edited")
    return _answer(call, issue, review)


def _delete(call: Call) -> Json:
    issue, pull, review = _found(call)
    if review.state != "PENDING":
        raise unprocessable("Can not delete a non-pending pull request review")
    if review.user is not call.me:
        raise not_found()
    pull.reviews.remove(review)
    pull.remarks = [each for each in pull.remarks if each.review != review.id]
    return _answer(call, issue, review)


def _dismiss(call: Call) -> Json:
    issue, pull, review = _found(call)
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise unprocessable(f"Can not dismiss a {review.state.lower()} pull request review")
    lifecycle.dismiss(call.state, (call.repository, issue, pull), review, call.me, call.given["message"])
    return _answer(call, issue, review)


def _requested(call: Call) -> Json:
    _, pull = call.pull()
    return {"users": [answers.user(call.view, user) for user in pull.requested], "teams": []}


def _request(call: Call) -> Json:
    """Ask people for a review: all of them, or nobody when one cannot be asked."""
    issue, pull = call.pull()
    wanted = _people(call)
    if issue.user in wanted:
        raise Refused(422, "Review cannot be requested from pull request author.")
    for user in wanted:
        lifecycle.request_review(call.state, (call.repository, issue, pull), user, call.me)
    return answers_pulls.simple(call.view, call.repository, issue, pull)


def _unrequest(call: Call) -> Json:
    issue, pull = call.pull()
    for user in _people(call):
        if user in pull.requested:
            pull.requested.remove(user)
            lifecycle.record(
                call.state, issue, "review_request_removed", call.me, review_requester=call.me, requested_reviewer=user
            )
    return answers_pulls.simple(call.view, call.repository, issue, pull)


def _people(call: Call) -> list[User]:
    if call.given.get("team_reviewers"):
        raise NotInSandbox("reviews by teams")
    found = [call.state.user(str(login)) for login in call.given.get("reviewers", ())]
    known = [user for user in found if user is not None and call.state.is_collaborator(user, call.repository)]
    if len(known) < len(found):
        name = call.repository.full_name
        raise Refused(
            422,
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is "
            f"not a collaborator of the {name} repository.",
        )
    return known


def _found(call: Call) -> tuple[Issue, PullRequest, Review]:
    issue, pull = call.pull()
    number = call.number("id")
    for review in pull.reviews:
        if review.id == number and (review.state != "PENDING" or review.user is call.user):
            return issue, pull, review
    raise not_found()


def _announce(call: Call, issue: Issue, pull: PullRequest, review: Review, action: str) -> None:
    def tell(view: View) -> Json:
        shown = answers_pulls.review(view, call.repository, issue, review)
        return {"review": shown, "pull_request": answers_pulls.simple(view, call.repository, issue, pull)}

    announcing.announce(call.state, call.repository, "pull_request_review", call.me, tell, action=action)


def _answer(call: Call, issue: Issue, review: Review) -> Json:
    return answers_pulls.review(call.view, call.repository, issue, review)


_EVENT = one_of(*_STATES)
_NEW = {"commit_id": STRING, "body": TEXT, "event": _EVENT, "comments": LIST}
_LATER = {"body": TEXT, "event": one_of(*_STATES, required=True)}
_NO = {"message": NEEDED, "event": one_of("DISMISS")}
_WHO = {"reviewers": LIST, "team_reviewers": LIST}
_GONE = {"reviewers": Field("array", required=True), "team_reviewers": LIST}

ROUTES = (
    get(f"{_PULL}/reviews", _list, query=PAGES),
    write("POST", f"{_PULL}/reviews", _create, _NEW, needs=Permission.READ),
    get(_ONE, _get),
    write("PUT", _ONE, _edit, {"body": NEEDED}, needs=Permission.READ),
    write("DELETE", _ONE, _delete, needs=Permission.READ),
    write("POST", f"{_ONE}/events", _submit_later, _LATER, needs=Permission.READ),
    write("PUT", f"{_ONE}/dismissals", _dismiss, _NO),
    get(f"{_PULL}/requested_reviewers", _requested),
    write("POST", f"{_PULL}/requested_reviewers", _request, _WHO, status=201),
    write("DELETE", f"{_PULL}/requested_reviewers", _unrequest, _GONE),
)
