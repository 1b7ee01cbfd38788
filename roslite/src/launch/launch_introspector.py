"""Launch descriptions as text, without running them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .launch_description import LaunchDescription
from .launch_description_entity import LaunchDescriptionEntity
from .substitution import Substitution


class LaunchIntrospector:
    """Shows what a launch description holds."""

    def format_launch_description(self, launch_description: LaunchDescription) -> str:
        """Return the description's entities, a line each, as a tree."""
        return "\n".join([str(launch_description), *_tree(launch_description.entities)])


def _tree(entities: Iterable[LaunchDescriptionEntity]) -> Iterator[str]:
    entities = list(entities)
    for index, entity in enumerate(entities):
        last = index == len(entities) - 1
        text, children = _describe(entity)
        yield f"{'└' if last else '├'}── {text}"
        for line in _tree(children):
            yield f"{' ' if last else '│'}   {line}"


def _describe(entity: LaunchDescriptionEntity) -> tuple[str, list[LaunchDescriptionEntity]]:
    """Return an entity's line, and the entities below it."""
    from .actions import EmitEvent, ExecuteProcess, LogInfo, RegisterEventHandler

    if isinstance(entity, LogInfo):
        return f"LogInfo({_join(entity.msg)})", []
    if isinstance(entity, EmitEvent):
        return f"EmitEvent(event='{entity.event.name}')", []
    if isinstance(entity, RegisterEventHandler):
        return f"RegisterEventHandler('{entity.event_handler}'):", entity.event_handler.describe()[1]
    if isinstance(entity, ExecuteProcess):
        cmd = ", ".join(_join(part) for part in entity.process_description.cmd)
        cwd, env = entity.process_description.cwd, entity.process_description.env
        shown_cwd = None if cwd is None else f"'{_join(cwd)}'"
        shown_env = None if env is None else ", ".join(f"{_join(name)}: {_join(value)}" for name, value in env)
        return f"ExecuteProcess(cmd=[{cmd}], cwd={shown_cwd}, env={shown_env}, shell={entity.shell})", []
    return f"Action('{entity}')", list(entity.describe_sub_entities())


def _join(substitutions: Iterable[Substitution]) -> str:
    return " + ".join(substitution.describe() for substitution in substitutions)
