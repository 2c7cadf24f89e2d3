# Judges one action (`decision`), what follows a change that did not help (`after_failure`), and whether we merge a pull
# request of ours ourselves (`merge`).
#
# Each is one complete rule with one else chain, so that two rules can never contradict each other; the order of the
# branches is their priority. Nothing is granted because something is missing: the branches that allow come after the
# one that demands well-formed facts. No rule asks the clock, the network or the environment: everything is in `input`.
package reconciler.policy

import data.operator

low_risk := {"restart-deployment", "restart-pod", "delete-pod", "cordon-node", "uncordon-node"}

medium_risk := {"drain-node", "backup-database", "restore-database"}

# Any other environment, and one that nobody named, is treated as production.
relaxed := {"development", "staging"}

decision := manual(
	"operator_escalation",
	"An operator asked that a person decides.",
	"Approve or reject it; remove the escalation to let the rules decide again.",
) if {
	escalated
} else := deny(
	"operator_denied",
	"The operator's own rules forbid it.",
	"Change the rules in package operator if it should be done.",
) if {
	operator.deny != false
} else := deny(
	"paused",
	"Paused: nothing new is started.",
	"Remove the pause from the configuration or the annotation.",
) if {
	input.flags.paused == true
} else := deny(
	"destructive",
	"It destroys something that cannot be brought back.",
	"Do it by hand if it must be done.",
) if {
	input.action.destructive == true
} else := deny(
	"ownership_unknown",
	"It is not known who owns the object.",
	"See `reconciler doctor` for the source that did not answer.",
) if {
	input.ownership.git == "unknown"
} else := deny(
	"ownership_conflict",
	"Two deliveries claim the object, or its fields have different owners.",
	"Let one Application own the object.",
) if {
	input.ownership.git == "conflict"
} else := deny(
	"facts_malformed",
	"A fact that the rules need is missing or of the wrong type.",
	"Update the rules and the program together; they disagree about the facts.",
) if {
	not well_formed
} else := manual(
	"facts_unknown",
	"A fact that the rules need is unknown.",
	"See `reconciler doctor` for the source that did not answer.",
) if {
	not input.unknown_facts == []
} else := pull_request(
	"git_owned",
	"Git owns the field, so the change is a pull request.",
	"Review the pull request.",
) if {
	input.action.kind == "declarative"
	input.ownership.git == "owned"
} else := deny(
	"autoscaler_owned",
	"An autoscaler sets the field and would set it back.",
	"Change the autoscaler's bounds instead.",
) if {
	input.action.kind == "declarative"
	input.ownership.git == "autoscaler"
} else := manual(
	"guard_brakes",
	"A guard brakes, or it is not known whether one does.",
	"Wait until it lets go.",
) if {
	not guards_pass
} else := auto(
	"low_risk",
	"A low-risk imperative action.",
) if {
	input.action.kind == "imperative"
	input.action.name in low_risk
} else := auto(
	"medium_risk",
	"A medium-risk imperative action outside production.",
) if {
	input.action.kind == "imperative"
	input.action.name in medium_risk
	input.environment in relaxed
} else := manual(
	"medium_risk_production",
	"A medium-risk imperative action in production.",
	"Approve or reject it.",
) if {
	input.action.kind == "imperative"
	input.action.name in medium_risk
} else := manual(
	"direct_apply",
	"Git does not own the field: it would be applied to the cluster directly.",
	"Approve or reject it, or put the object into Git.",
) if {
	input.action.kind == "declarative"
	input.ownership.git == "not_owned"
} else := manual(
	"no_rule_matched",
	"No rule speaks of this action.",
	"Approve or reject it.",
)

# What follows a delivered change that did not help. A revert is never reverted.
after_failure := follow(
	"escalate",
	"operator_escalation",
	"An operator asked that a person decides.",
) if {
	escalated
} else := follow(
	"escalate",
	"revert_failed",
	"A revert did not help either; it is not reverted again.",
) if {
	input.action.name == "revert-change"
} else := follow(
	"escalate",
	"facts_malformed",
	"A fact that the rules need is unknown, missing or of the wrong type.",
) if {
	not history_well_formed
} else := follow(
	"escalate",
	"attempts_exhausted",
	"The attempts of this day are used up.",
) if {
	input.history.attempts_24h >= input.settings.attempts_per_day
} else := follow(
	input.settings.after_failure,
	"as_configured",
	"The change did not help; the configuration says what follows.",
) if {
	input.settings.after_failure in {"revert", "next_remedy"}
} else := follow(
	"escalate",
	"default",
	"The change did not help; a person must look.",
)

# Whether a pull request of ours is merged by us. Whatever this says, the rules of the forge's base branch hold.
merge := follow(
	"wait",
	"operator_escalation",
	"An operator asked that a person decides.",
) if {
	escalated
} else := follow(
	"wait",
	"operator_keeps_merging",
	"The operator's own rules keep merging to people.",
) if {
	operator.keep_merging != false
} else := follow(
	"wait",
	"facts_malformed",
	"A fact that the rules need is unknown, missing or of the wrong type.",
) if {
	not review_well_formed
} else := follow(
	"wait",
	"changes_requested",
	"A reviewer asks for changes.",
) if {
	input.review.changes_requested > 0
} else := follow(
	"merge",
	"approved",
	"A person approved this very head.",
) if {
	input.settings.merge == "on_approval"
	input.review.approvals > 0
} else := follow(
	"merge",
	"autonomous",
	"The configuration lets pull requests be merged without a person.",
) if {
	input.settings.merge == "autonomous"
} else := follow(
	"wait",
	"default",
	"People merge.",
)

# A person's answer settles an escalation; the rules below it still hold.
escalated if {
	input.flags.escalate == true
	not answered
}

escalated if {
	operator.escalate != false
	not answered
}

answered if input.approved == true

well_formed if {
	is_string(input.action.name)
	consistent
	input.action.destructive == false
	is_string(input.environment)
	input.ownership.git in {"owned", "not_owned", "autoscaler"}
	input.flags.paused == false
	escalation_settled
}

escalation_settled if input.flags.escalate == false

escalation_settled if answered

# The class follows from the name; facts that say otherwise are not believed.
consistent if {
	input.action.kind == "imperative"
}

consistent if {
	input.action.kind == "declarative"
	not input.action.name in low_risk
	not input.action.name in medium_risk
}

review_well_formed if {
	is_string(input.action.name)
	is_boolean(input.flags.escalate)
	is_number(input.review.approvals)
	is_number(input.review.changes_requested)
	input.review.approvals >= 0
	input.review.changes_requested >= 0
	input.unknown_facts == []
}

history_well_formed if {
	is_string(input.action.name)
	is_boolean(input.flags.escalate)
	is_number(input.history.attempts_24h)
	input.history.attempts_24h >= 0
	is_number(input.settings.attempts_per_day)
	input.unknown_facts == []
}

# Spelled out, not looped over: this is the path that every decision takes.
guards_pass if {
	input.guards.pause == true
	input.guards.cooldown == true
	input.guards.rate == true
	input.guards.circuit_breaker == true
	input.guards.attempts == true
}

default approvers := ["system:kubernaut:production-approvers"]

approvers := input.settings.approvers if {
	is_array(input.settings.approvers)
	count(input.settings.approvers) > 0
}

auto(code, message) := answer("auto", code, message, "", [], 0)

pull_request(code, message, remedy) := answer("pull_request", code, message, remedy, [], 0)

manual(code, message, remedy) := answer("manual", code, message, remedy, approvers, 1)

deny(code, message, remedy) := answer("deny", code, message, remedy, [], 0)

answer(verdict, code, message, remedy, people, minimum) := {
	"verdict": verdict,
	"code": code,
	"message": message,
	"remedy": remedy,
	"approvers": people,
	"min_approvers": minimum,
}

follow(next, code, message) := {"follow_up": next, "code": code, "message": message}
