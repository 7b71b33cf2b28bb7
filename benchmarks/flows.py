"""The flows that are measured, as YAML."""

THREE_BLOCKS = """
a: {type: Start Flow, bottom: s}
s: {type: Set Variable, properties: {Value: =N, Variable: ($)Out}, bottom: e}
e: {type: End Flow}
"""
THREE_BLOCKS_VARIABLES = "{N: {input: true, default: 1}, Out: {output: true}}"

#: Two blocks an iteration.
PURE_LOOP = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: =Last, Current Index: ($)I}
  right: s
  bottom: e
s: {type: Set Variable, properties: {Value: =I, Variable: ($)Out}, bottom: l}
e: {type: End Flow}
"""
#: The same with an expression to evaluate in each iteration.
EXPRESSION_LOOP = PURE_LOOP.replace("Value: =I,", 'Value: "=I * 2 + 1",')
LOOP_VARIABLES = "{Last: {input: true, default: 3}, I: {default: 0}, Out: {output: true}}"

WAIT = """
a: {type: Start Flow, bottom: w}
w: {type: Wait For Duration, properties: {Duration: {Days: 1}}, bottom: e}
e: {type: End Flow}
"""
