"""The entry point for GitHub Actions: `python -m reconciler.actions`, what `action.yml` runs.

`runner` reads what the runner hands over, `event` decides whether the event is one to wake up for, `turn` makes the
pass or the plan, `telling`, `summary` and `remedies` say what came of it, `commands` and `files` write it so that
nothing foreign can speak to the runner in our name.
"""
