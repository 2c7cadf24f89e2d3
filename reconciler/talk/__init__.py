"""Talk where people are: comments that are commands, one answer a pull request, a dashboard, commit statuses.

`hearing` decides who is listened to and `obeying` what a command does, before a pass decides anything else;
`saying` works out what the forge should show, and `speaking` writes what differs, after everything else was done.
Nothing here starts, stops or changes anything by itself: a command becomes an event, and the steps go by that.
"""
