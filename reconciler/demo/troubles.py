"""The troubles that a demonstration can show: what is wrong, what people do, and how it must end.

Nothing here tells the reconciler what to do, and nothing decides what is shown: a trouble is a repository, a
configuration and people with a mind of their own. A demonstration that does not end as told here fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.model.operation import Outcome

if TYPE_CHECKING:
    from reconciler.demo.stage import Stage

# What somebody did, in words; None: nothing yet.
Deed = str | None
Person = Callable[["Stage"], Deed]

MANIFEST = """\
# web: owned by team storefront
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
      annotations:
        testbed.reconciler.dev/needs-memory: {needs}  # what the program really takes
    spec:
      containers:
        - name: web
          image: registry.example/shop/web:1.4.2
          resources:
            requests:
              cpu: 100m
              memory: 256Mi
            limits:
              memory: 512Mi  # raised in spring
"""
DENIAL = """\
package operator

deny := {"code": "freeze", "message": "Nobody touches web before the sale is over."} if {
\tinput.target.name == "web"
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One story to show."""

    name: str
    title: str
    before: str  # what is so before anybody looks
    needs: str = "1Gi"  # memory that the program takes
    people: tuple[Person, ...] = ()  # each acts once, in this order, when the time has come
    outcomes: tuple[Outcome, ...] = (Outcome.VERIFIED,)  # of the operations, in order
    delivered: bool = True  # by Argo CD from Git; else somebody applied it by hand
    configuration: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: str = ""  # the operator's own Rego
    fault: str = ""  # a server that does not answer at first

    @property
    def manifest(self) -> str:
        """The workload, as Git or somebody's shell has it."""
        return MANIFEST.format(needs=self.needs)


def _merges(stage: Stage) -> Deed:
    """Approve and merge the open pull request."""
    number = stage.open_pull_request()
    if number is None:
        return None
    stage.approve(number)
    stage.merge(number)
    return f"ana reads pull request {number}, approves its head commit and merges it"


def _closes(stage: Stage) -> Deed:
    number = stage.open_pull_request()
    if number is None:
        return None
    stage.comment(number, "We are moving web to smaller instances; leave the limit alone.")
    stage.close(number)
    return f"ana closes pull request {number}: “leave the limit alone”"


def _edits_and_merges(stage: Stage) -> Deed:
    number = stage.open_pull_request()
    if number is None:
        return None
    stage.edit(number, "memory: 1Gi  #", "memory: 1536Mi  #")
    stage.merge(number)
    return f"ana changes 1Gi to 1536Mi in the branch of pull request {number}, and merges that"


def _overtakes(stage: Stage) -> Deed:
    number = stage.open_pull_request()
    if number is None:
        return None
    stage.commit("memory: 512Mi  #", "memory: 3Gi  #", "Give web 3Gi")
    return f"ana does not look at pull request {number}; she pushes 3Gi to main herself"


def _approves_by_hand(stage: Stage) -> Deed:
    operation = stage.waiting_for_approval()
    if operation is None:
        return None
    stage.say_yes(operation)
    return f"ana runs `reconciler approve {operation} --as ana`"


def _mends_the_fault(stage: Stage) -> Deed:
    if not stage.unknown_told:
        return None
    stage.mend()
    return "the Kubernetes API answers again"


TROUBLES = (
    Trouble(
        name="memory",
        title="A container is OOMKilled at its limit: restart now, raise the limit through Git",
        before="Argo CD delivers shop/web with a limit of 512Mi; the program takes 1Gi",
        people=(_merges,),
    ),
    Trouble(
        name="revert",
        title="The change does not help: it is taken back by a revert pull request, and a person is asked",
        before="Argo CD delivers shop/web with a limit of 512Mi; the program takes 3Gi, more than anybody thinks",
        needs="3Gi",
        people=(_merges, _merges),
        outcomes=(Outcome.FAILED, Outcome.VERIFIED),
    ),
    Trouble(
        name="next-remedy",
        title="The change does not help enough: policy lets the next remedy follow",
        before="Argo CD delivers shop/web with a limit of 512Mi; the program takes 2Gi",
        needs="2Gi",
        people=(_merges, _merges),
        outcomes=(Outcome.FAILED, Outcome.VERIFIED),
        configuration={"policy": {"after_failure": "next_remedy"}},
    ),
    Trouble(
        name="rejected",
        title="A reviewer closes the pull request: the no stands",
        before="Argo CD delivers shop/web with a limit of 512Mi; the program takes 1Gi",
        people=(_closes,),
        outcomes=(Outcome.REJECTED,),
    ),
    Trouble(
        name="edited",
        title="A reviewer knows better: her value becomes the expected one",
        before="Argo CD delivers shop/web with a limit of 512Mi; the program takes 1Gi",
        people=(_edits_and_merges,),
    ),
    Trouble(
        name="overtaken",
        title="Somebody mends it in Git first: our pull request is closed as superseded",
        before="Argo CD delivers shop/web with a limit of 512Mi; the program takes 1Gi",
        people=(_overtakes,),
        outcomes=(Outcome.SUPERSEDED,),
    ),
    Trouble(
        name="unowned",
        title="No Git owns the workload: a dry run, a person's approval, a server-side apply",
        before="Somebody applied shop/web by hand with a limit of 512Mi; the program takes 1Gi",
        delivered=False,
        people=(_approves_by_hand,),
    ),
    Trouble(
        name="denied",
        title="The operator's own rule denies it: nothing is run, and that is recorded",
        before="Argo CD delivers shop/web with a limit of 512Mi; the program takes 1Gi; a freeze is on",
        outcomes=(Outcome.REFUSED,),
        rules=DENIAL,
    ),
    Trouble(
        name="outage",
        title="The cluster does not answer: unknown is not no, nothing is done until it does",
        before="Argo CD delivers shop/web with a limit of 512Mi; the program takes 1Gi; the API server fails",
        people=(_mends_the_fault, _merges),
        fault="kubernetes",
    ),
)


def named(name: str) -> Trouble | None:
    """Return the trouble of that name, or None."""
    return next((trouble for trouble in TROUBLES if trouble.name == name), None)
