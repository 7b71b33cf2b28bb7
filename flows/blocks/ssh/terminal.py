"""Configuration Settings, the prompt of a shell, and its output as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flows.blocks.errors import BlockException, exception
from flows.blocks.regular_expressions import compiled
from flows.blocks.shell import Dialogue, Terminal
from flows.values import ExceptionValue, summary

NAME = "Configuration Settings"
DEFAULTS = {
    "TerminalWidth": "200",
    "TerminalType": "vt100",
    "Timeout": "60",
    "EndOfLineCharacters": "\r",
    "CancelCommand": "CtrlC",
    "ControlCharactersToClean": (
        r"\e([^\[\]]|\[.*?[a-zA-Z]|\].*?\a)(g?)|[\x00-\x09\x0B\x0C\x0E-\x1F\x7F]"
    ),
}
_PROMPT = "TerminalPrompt"
#: Seconds that a search for the prompt, and one for control characters, may take.
_SECONDS = 5.0
#: How much of the end of the output the prompt is looked for in.
_END = 4000


@dataclass(frozen=True, slots=True)
class Reading:
    """How output is read: what ends it, and what is left out of it."""

    prompt: Any
    controls: Any

    def clean(self, text: str) -> str:
        """Return output without control characters, its lines ended by \\n."""
        try:
            plain = self.controls.sub("", text, timeout=_SECONDS)
        except TimeoutError:
            raise _too_slow("ControlCharactersToClean") from None
        return str(plain).replace("\r\n", "\n").replace("\r", "")

    def prompt_in(self, text: str) -> str:
        """Return the prompt at the end of clean output; "" where it is not there."""
        last = text[-_END:].rpartition("\n")[2].rstrip()
        try:
            found = self.prompt.fullmatch(last, timeout=_SECONDS)
        except TimeoutError:
            raise _too_slow(_PROMPT) from None
        return last if found and last else ""

    def is_ready(self, text: str) -> bool:
        return bool(self.prompt_in(self.clean(text[-_END:])))

    def outputs(self, dialogue: Dialogue, command: str) -> Mapping[str, Any]:
        """Return what a block saves of a dialogue."""
        welcome, answer = self.clean(dialogue.welcome), self.clean(dialogue.answer)
        return {
            "Response": self._without_prompt(_without_echo(answer, command)),
            "Ssh Logs": {
                "WelcomeMessage": self._without_prompt(welcome),
                "TerminalPromptMatch": self.prompt_in(answer),
                "Logs": welcome + answer,
            },
        }

    def _without_prompt(self, text: str) -> str:
        end = len(text.rstrip()) - len(self.prompt_in(text))
        return text[:end].strip("\n")


def reading(prompt: str, settings: Mapping[str, Any]) -> Reading:
    """Return how output is read. Raises RegexParsingFailedException as a BlockException."""
    controls = _setting(settings, "ControlCharactersToClean")
    return Reading(compiled(prompt, _PROMPT), compiled(controls, "ControlCharactersToClean"))


def terminal(settings: Mapping[str, Any], how: Reading) -> Terminal:
    """Return the terminal that settings describe. Raises SshClientException as a BlockException."""
    unknown = [name for name in settings if name not in DEFAULTS]
    if unknown:
        raise _invalid(str(unknown[0]), f"it is not one of {', '.join(DEFAULTS)}.")
    cancel = _setting(settings, "CancelCommand")
    letter = cancel.removeprefix("Ctrl")
    if not (cancel.startswith("Ctrl") and len(letter) == 1 and "A" <= letter <= "Z"):
        raise _invalid("CancelCommand", f"{summary(cancel)} is not CtrlA to CtrlZ.")
    return Terminal(
        kind=_setting(settings, "TerminalType"),
        width=round(_number(settings, "TerminalWidth", 1000)),
        end_of_line=_setting(settings, "EndOfLineCharacters"),
        cancel=chr(ord(letter) - 64),
        timeout=_number(settings, "Timeout", 86_400),
        is_ready=how.is_ready,
    )


def _setting(settings: Mapping[str, Any], name: str) -> str:
    found = settings.get(name)
    if found is None:
        return DEFAULTS[name]
    if type(found) not in (str, int, float) or str(found) == "":
        raise _invalid(name, f"{summary(found)} is no text.")
    return str(found)


def _number(settings: Mapping[str, Any], name: str, most: float) -> float:
    setting = _setting(settings, name)
    try:
        number = float(setting)
    except ValueError:
        number = 0
    if not 1 <= number <= most:
        raise _invalid(name, f"{summary(setting)} is not a number from 1 to {most:g}.")
    return number


def _too_slow(name: str) -> BlockException:
    return exception(
        "RegexMatchTimeoutException",
        f"The search for {name} took longer than {_SECONDS:g} seconds.",
    )


def _invalid(name: str, problem: str) -> BlockException:
    told = f"The value of '{NAME}.{name}' is not valid: {problem}"
    inner = ExceptionValue("System.ArgumentException", told)
    return exception("SshClientException", told, extra={"InvalidSettings": {name: inner}})


def _without_echo(answer: str, command: str) -> str:
    """Return output without the command at its beginning, which a terminal repeats, and breaks at
    its width."""
    at = 0
    for character in "".join(command.split()):
        while at < len(answer) and answer[at].isspace():
            at += 1
        if at == len(answer) or answer[at] != character:
            return answer
        at += 1
    return answer[at:].removeprefix(" ").removeprefix("\n")
