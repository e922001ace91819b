"""Judging: passes, pools, sessions, screens, agreement of assessors."""
