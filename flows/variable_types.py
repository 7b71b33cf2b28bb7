"""The types that a variable can declare. Pure."""

#: Which values a declared type of variable takes, null apart.
VARIABLE_TYPES: dict[str, tuple[str, ...]] = {
    "Text": ("Text",),
    "Integer": ("Integer",),
    "Number": ("Number", "Integer"),
    "Boolean": ("Boolean",),
    "Date Time": ("Date Time",),
    "List": ("List",),
    "Structure": ("Structure",),
}
