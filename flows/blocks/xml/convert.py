"""XML to structures and back, as flows.formats.xml describes."""

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.errors import HELP, BlockException, exception
from flows.formats import xml


class ConvertXmlToStructure(Block):
    """Turns XML into a structure. Values are texts, or null for an empty element; document type
    declarations are refused. The element that Convert Structure To Xml puts around several others
    is left out."""

    type = "Convert Xml To Structure"
    palette = "Xml"
    reads_texts = True
    icon = "script"
    properties = (
        Property("Xml", "String", required=True, nonempty=True),
        Property("Structure", "Structure", Direction.OUTPUT),
    )
    throws = ("XmlSerializationException",)

    def run(self, visit: Visit) -> Leave:
        try:
            found = xml.read(visit.inputs["Xml"])
        except ValueError as problem:
            raise _failed("Xml", "The 'Xml' provided is not valid xml.", problem) from None
        if set(found) == {xml.ROOT}:
            content = found[xml.ROOT]
            found = content if isinstance(content, dict) else {}
        return Leave(outputs={"Structure": found})


class ConvertStructureToXml(Block):
    """Turns a structure into XML: `@name` is an attribute, `#text` the text beside other content,
    and a list stands for an element that is there several times.

    Several keys get an element around them, `Cortex_DataTypes_Dictionaries_Structure`. `?xml` is
    the declaration, of @version, @encoding and @standalone; `!DOCTYPE` the document type, of @name,
    @public, @system and @internalSubset. What a name may not hold is written as its number, as in
    `a_x0021_` for `a!`.
    """

    type = "Convert Structure To Xml"
    palette = "Xml"
    reads_texts = True
    icon = "script"
    properties = (
        Property("Structure", "Structure", required=True, nonempty=True),
        Property("Xml", "String", Direction.OUTPUT),
    )
    throws = ("XmlSerializationException",)

    def run(self, visit: Visit) -> Leave:
        try:
            return Leave(outputs={"Xml": xml.write(visit.inputs["Structure"])})
        except (ValueError, RecursionError) as problem:
            key = "an empty key" if isinstance(problem, xml.EmptyName) else "a key"
            told = (
                f"The 'Structure' has been provided {key} that could not be converted to valid xml."
            )
            raise _failed("Structure", told, problem) from None


def _failed(name: str, told: str, problem: Exception) -> BlockException:
    """The original's text, with the problem in words as its inner exception."""
    return exception(
        "XmlSerializationException",
        f"Invalid '{name}' provided. {told}{HELP}",
        inner=exception("FormatException", f"{problem}").value,
    )
