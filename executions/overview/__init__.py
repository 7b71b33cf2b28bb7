"""The team's overview: what runs, what waits, what failed, and who is needed, over a span of time.

`scope` says what a page is about, `figures` reads the numbers, `sentence` says them, and `pages`
renders the parts of a page, for its first view and for every live update alike.
"""
