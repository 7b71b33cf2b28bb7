"""What lays out a template for its readers is not part of the pages."""

import pytest

from cortexweb.template_loader import compact


@pytest.mark.parametrize(
    ("source", "compacted"),
    [
        ("<p>\n  One\n  two\n</p>\n", "<p>\nOne two </p>\n"),
        (
            "<td>\n  {% if a %}\n    {{ a }}\n  {% endif %}\n</td>",
            "<td>{% if a %}{{ a }}{% endif %}</td>",
        ),
        ("{{ a }}\n  {{ b }}", "{{ a }} {{ b }}"),
        ("{{ a }} {% if b %} of {{ b }}\n{% endif %}", "{{ a }} {% if b %} of {{ b }}{% endif %}"),
        ("{# Why. #}\n<p>", "{# Why. #}<p>"),
        (
            '<a href="x"\n    {% if a %}hidden{% endif %}\n    id="y">',
            '<a href="x" {% if a %}hidden{% endif %} id="y">',
        ),
        (
            '<a title="{% if a > 1 %}More\n    {% else %}\n    Less{% endif %}">',
            '<a title="{% if a > 1 %}More{% else %}Less{% endif %}">',
        ),
        ('<a title=\'5 > 3\n  "or" less\'\n  id="y">', '<a title=\'5 > 3 "or" less\' id="y">'),
        ('Isn\'t 1 < 2\n  or "2"?', 'Isn\'t 1 < 2 or "2"?'),
        ("<textarea>\n{{ value }}</textarea>", "<textarea>\n{{ value }}</textarea>"),
    ],
)
def test_layout_costs_nothing(source: str, compacted: str) -> None:
    assert compact(source) == compacted
