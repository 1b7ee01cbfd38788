"""Commands as processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from launch.descriptions import Executable
from launch.some_substitutions_type import SomeSubstitutionsType

from .execute_local import ExecuteLocal


class ExecuteProcess(ExecuteLocal):
    """Run a command; see `Executable` for what describes it and `ExecuteLocal` for how it is run."""

    def __init__(
        self,
        *,
        cmd: Iterable[SomeSubstitutionsType],
        prefix: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        cwd: SomeSubstitutionsType | None = None,
        env: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
        additional_env: Mapping[SomeSubstitutionsType, SomeSubstitutionsType] | None = None,
        **kwargs: Any,
    ) -> None:
        description = Executable(cmd=cmd, prefix=prefix, name=name, cwd=cwd, env=env, additional_env=additional_env)
        super().__init__(process_description=description, **kwargs)

    @property
    def name(self) -> Any:
        """The label with its number; as given before the process is started."""
        return self.process_description.final_name or self.process_description.name

    @property
    def cmd(self) -> Any:
        """The command; as given before the process is started."""
        return self.process_description.final_cmd or self.process_description.cmd

    @property
    def cwd(self) -> Any:
        """The working directory."""
        return self.process_description.final_cwd or self.process_description.cwd

    @property
    def env(self) -> Any:
        """The environment, None before the process is started."""
        return self.process_description.final_env
