"""The types that a variable can declare. Pure."""

#: Which values a declared type of variable takes, null apart.
VARIABLE_TYPES: dict[str, tuple[str, ...]] = {
    "Text": ("Text",),
    "Integer": ("Integer",),
    "Number": ("Number", "Integer"),
    "Boolean": ("Boolean",),
    "Date Time": ("Date Time",),
    "Local Date Time": ("Local Date Time",),
    "Duration": ("Duration",),
    "Time Period": ("Structure", "Duration"),
    "Secret Text": ("Secret Text",),
    "List": ("List",),
    "Structure": ("Structure",),
}
