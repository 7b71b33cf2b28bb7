"""How many executions started and ended, by flow, version, trigger and outcome, and how long they
took: at any moment, over any span.

Triggers of the table of executions write each change to a journal (`StatisticsEvent`).
`aggregation` adds the journal to the running totals of each series; `read` takes the difference of
two totals, and adds what the journal still holds (docs/statistics.md).
"""
