# The rules' own tests, for `opa test policies/`; the embedded engine leaves files named *_test.rego out.
package reconciler.policy_test

import data.reconciler.policy

guards := {"pause": true, "cooldown": true, "rate": true, "circuit_breaker": true, "attempts": true}

quiet := {"paused": false, "escalate": false}

# A restart in production of an object that Git owns, everything well.
restart := {
	"action": {"name": "restart-deployment", "kind": "imperative", "destructive": false},
	"environment": "production",
	"ownership": {"git": "owned"},
	"flags": quiet,
	"guards": guards,
	"approved": false,
	"unknown_facts": [],
	"history": {"attempts_24h": 1},
	"settings": {"after_failure": "revert", "attempts_per_day": 3, "approvers": ["team:platform"]},
}

drain := object.union(restart, {"action": {"name": "drain-node"}})

memory := object.union(restart, {"action": {"name": "set-memory", "kind": "declarative"}})

test_low_risk_goes_everywhere if {
	every name in {"restart-deployment", "restart-pod", "delete-pod", "cordon-node", "uncordon-node"} {
		decides(object.union(restart, {"action": {"name": name}}), "auto", "low_risk")
	}
}

test_medium_risk_goes_outside_production if {
	every environment in {"development", "staging"} {
		decides(object.union(drain, {"environment": environment}), "auto", "medium_risk")
	}
}

test_medium_risk_asks_in_production_and_where_nobody_knows if {
	every environment in {"production", "qa", "", "Staging"} {
		decides(object.union(drain, {"environment": environment}), "manual", "medium_risk_production")
	}
}

test_manual_names_the_approvers if {
	answer := policy.decision with input as drain
	answer.approvers == ["team:platform"]
	answer.min_approvers == 1
}

test_approvers_have_a_default if {
	answer := policy.decision with input as object.union(drain, {"settings": {"approvers": []}})
	answer.approvers == ["system:kubernaut:production-approvers"]
}

test_git_owned_is_a_pull_request if {
	decides(memory, "pull_request", "git_owned")
}

test_not_git_owned_asks if {
	decides(object.union(memory, {"ownership": {"git": "not_owned"}}), "manual", "direct_apply")
}

test_autoscaler_owned_is_denied if {
	decides(object.union(memory, {"ownership": {"git": "autoscaler"}}), "deny", "autoscaler_owned")
}

test_unknown_owner_and_conflict_are_denied if {
	decides(object.union(restart, {"ownership": {"git": "unknown"}}), "deny", "ownership_unknown")
	decides(object.union(memory, {"ownership": {"git": "conflict"}}), "deny", "ownership_conflict")
}

test_unknown_facts_ask if {
	decides(object.union(restart, {"unknown_facts": ["namespaces"]}), "manual", "facts_unknown")
}

test_destructive_is_denied if {
	decides(object.union(restart, {"action": {"destructive": true}}), "deny", "destructive")
}

test_pause_denies if {
	decides(object.union(restart, {"flags": {"paused": true}}), "deny", "paused")
}

test_escalation_beats_pause_and_destruction if {
	everything := object.union(restart, {
		"flags": {"paused": true, "escalate": true},
		"action": {"destructive": true},
	})
	decides(everything, "manual", "operator_escalation")
}

test_answered_escalation_leaves_the_rest_in_force if {
	answered := object.union(restart, {"flags": {"escalate": true}, "approved": true})
	decides(answered, "auto", "low_risk")
	decides(object.union(answered, {"action": {"destructive": true}}), "deny", "destructive")
}

test_a_guard_that_brakes_asks if {
	every name, _ in guards {
		decides(object.union(restart, {"guards": {name: false}}), "manual", "guard_brakes")
	}
}

test_operator_escalates_first if {
	answer := policy.decision with input as restart
		with data.operator.escalate as true
		with data.operator.deny as true
	answer.code == "operator_escalation"
}

test_operator_denies if {
	answer := policy.decision with input as restart with data.operator.deny as true
	[answer.verdict, answer.code] == ["deny", "operator_denied"]
}

test_operator_slips_tighten if {
	every slip in {"true", null, 1, {}} {
		answer := policy.decision with input as restart with data.operator.deny as slip
		answer.verdict == "deny"
	}
}

test_nothing_known_is_denied if {
	decides({}, "deny", "facts_malformed")
}

test_failure_is_followed_as_configured if {
	every word in {"revert", "next_remedy"} {
		follows(object.union(memory, {"settings": {"after_failure": word}}), word, "as_configured")
	}
	follows(object.union(memory, {"settings": {"after_failure": "escalate"}}), "escalate", "default")
	follows(object.union(memory, {"settings": {"after_failure": "pray"}}), "escalate", "default")
}

test_failure_of_a_revert_is_a_persons if {
	follows(object.union(memory, {"action": {"name": "revert-change"}}), "escalate", "revert_failed")
}

test_attempts_end if {
	follows(object.union(memory, {"history": {"attempts_24h": 3}}), "escalate", "attempts_exhausted")
}

test_failure_on_unknown_facts_is_a_persons if {
	follows(object.union(memory, {"unknown_facts": ["workloads"]}), "escalate", "facts_malformed")
	follows(object.union(memory, {"history": {"attempts_24h": "1"}}), "escalate", "facts_malformed")
	follows({}, "escalate", "facts_malformed")
}

test_escalation_beats_the_configuration if {
	follows(object.union(memory, {"flags": {"escalate": true}}), "escalate", "operator_escalation")
}

decides(facts, verdict, code) if {
	answer := policy.decision with input as facts
	[answer.verdict, answer.code] == [verdict, code]
	answer.message != ""
}

follows(facts, next, code) if {
	answer := policy.after_failure with input as facts
	[answer.follow_up, answer.code] == [next, code]
}
