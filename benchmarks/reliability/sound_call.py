"""One public function of the table in which `absurd_calls.py` replaces arguments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SoundCall:
    """A public function, arguments with which it works, and those that are replaced (default: all)."""

    name: str
    function: Callable[..., Any]
    arguments: dict[str, Any]
    only: tuple[str, ...] = field(default=())

    @property
    def replaced(self) -> tuple[str, ...]:
        """The names of arguments that absurd values stand in for."""
        return self.only or tuple(self.arguments)
