"""Nodes to load into a container."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from launch import Condition
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution, normalize_to_list_of_substitutions
from launch_ros.utilities.names import RemapRule, normalize_remap_rules
from launch_ros.utilities.parameters import NormalizedParameters, normalize_parameters


class ComposableNode:
    """A node in a C++ library. It can be described here, so that launch files with one can be read, but not loaded."""

    def __init__(
        self,
        *,
        package: SomeSubstitutionsType,
        plugin: SomeSubstitutionsType,
        name: SomeSubstitutionsType | None = None,
        namespace: SomeSubstitutionsType | None = None,
        parameters: Iterable[Any] | None = None,
        remappings: Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]] | None = None,
        extra_arguments: Iterable[Any] | None = None,
        condition: Condition | None = None,
    ) -> None:
        self.__package = normalize_to_list_of_substitutions(package)
        self.__node_plugin = normalize_to_list_of_substitutions(plugin)
        self.__node_name = None if name is None else normalize_to_list_of_substitutions(name)
        self.__node_namespace = None if namespace is None else normalize_to_list_of_substitutions(namespace)
        self.__parameters = None if parameters is None else normalize_parameters(parameters)
        self.__remappings = list(normalize_remap_rules(remappings)) if remappings else None
        self.__extra_arguments = normalize_parameters(extra_arguments) if extra_arguments else None
        self.__condition = condition

    @property
    def package(self) -> list[Substitution]:
        """The package that has the library."""
        return self.__package

    @property
    def node_plugin(self) -> list[Substitution]:
        """The node's class."""
        return self.__node_plugin

    @property
    def node_name(self) -> list[Substitution] | None:
        """The node's name, None for the one in its code."""
        return self.__node_name

    @property
    def node_namespace(self) -> list[Substitution] | None:
        """The node's namespace."""
        return self.__node_namespace

    @property
    def parameters(self) -> NormalizedParameters | None:
        """The node's parameters."""
        return self.__parameters

    @property
    def remappings(self) -> list[RemapRule] | None:
        """Pairs of names, from and to."""
        return self.__remappings

    @property
    def extra_arguments(self) -> NormalizedParameters | None:
        """Further arguments for the container."""
        return self.__extra_arguments

    def condition(self) -> Condition | None:
        """Whether it is loaded."""
        return self.__condition
