"""Grading a folder of submissions: run side by side, then a table, points, and pages of feedback.

`running` grades, by processes of `worker`; `kept` goes on where a run was interrupted; `tasks` says
which tasks are set, and `grades` who passed what; `feedback`, `junit` and `gradescope` write it for
others.
"""
