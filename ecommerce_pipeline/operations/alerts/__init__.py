"""Somebody is told: what is wrong, since when, whom it touches, why, and what to do; once, and again when it is well.

runs, state, lake   what is wrong now, or well again        → Wrong, Healed
store               incidents and what is still to be told, in the catalog's database
notice              an incident as people and programs read it
channels            e-mail, Slack-compatible and generic webhooks
watch               one look at everything, and the telling
"""
