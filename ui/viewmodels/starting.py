"""What the window of a long start says. Nobody has signed in and the store is shut, so it cannot know
which language was chosen last, and says it in both."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement, QmlUncreatable

from ui.bridge import ViewModel
from ui.text import Words

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

STAGES = ("copying", "checking", "building")


@QmlElement
@QmlUncreatable("made by the shell")
class StartVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """`words` are the languages, the likely one first."""

    changed = Signal()

    def __init__(self, words: Sequence[Words], dark: bool, parent: QObject) -> None:
        super().__init__(parent)
        self._words, self._dark = tuple(words), dark
        self._stage, self._part = STAGES[0], 0.0

    @Property(bool, constant=True)
    def dark(self) -> bool:
        """Draw it dark."""
        return self._dark

    @Property(str, constant=True)
    def title(self) -> str:
        """What this is."""
        return self._words[0].say("start.title")

    @Property(str, constant=True)
    def titleToo(self) -> str:
        """The same in the other language."""
        return " / ".join(words.say("start.title") for words in self._words[1:])

    @Property(str, constant=True)
    def hint(self) -> str:
        """That nothing is lost, and what not to do."""
        return "\n".join(words.say("start.hint") for words in self._words)

    @Property(str, notify=changed)
    def stage(self) -> str:
        """What is being done now, in both languages."""
        number = STAGES.index(self._stage) + 1
        said = " · ".join(words.say(f"start.{self._stage}") for words in self._words)
        return f"{number}/{len(STAGES)}  {said}"

    @Property(bool, notify=changed)
    def isUnknown(self) -> bool:
        """Nobody knows how much of it is done."""
        return self._part < 0

    @Property(float, notify=changed)
    def part(self) -> float:
        """How much of it is done, 0 to 1."""
        return max(0.0, self._part)

    def show(self, stage: str, part: float) -> None:
        """Show a stage and how much of it is done, below 0 for unknown."""
        self.put(self.changed, _stage=stage, _part=part)
