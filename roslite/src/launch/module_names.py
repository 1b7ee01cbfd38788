"""ROS 2's module names: it has a module for nearly every class, where related classes lie together here."""

from __future__ import annotations

import sys
from collections.abc import Mapping

ModuleNames = Mapping[str, Mapping[str, str]]
"""For a package: each module that holds what ROS 2 has in modules of these names in that package."""

MODULE_NAMES: ModuleNames = {
    "launch.actions": {
        "launch.actions.configuration": (
            "pop_launch_configurations push_launch_configurations reset_launch_configurations "
            "set_launch_configuration unset_launch_configuration"
        ),
        "launch.actions.environment": (
            "append_environment_variable pop_environment push_environment reset_environment "
            "set_environment_variable unset_environment_variable"
        ),
        "launch.actions.event": "emit_event register_event_handler shutdown_action unregister_event_handler",
        "launch.actions.opaque": "opaque_coroutine opaque_function",
    },
    "launch.conditions": {
        "launch.conditions.expression": (
            "evaluate_condition_expression_impl if_condition invalid_condition_expression_error unless_condition"
        ),
        "launch.conditions.launch_configuration": "launch_configuration_equals launch_configuration_not_equals",
    },
    "launch.event_handlers": {
        "launch.event_handlers.on_action_event": (
            "on_action_event_base on_execution_complete on_process_exit on_process_io on_process_start"
        ),
        "launch.event_handlers.on_event": "event_named on_include_launch_description on_shutdown",
    },
    "launch.events": {
        "launch.events.basic": "execution_complete include_launch_description shutdown timer_event",
    },
    "launch.events.process": {
        "launch.events.process": (
            "process_exited process_io process_matchers process_started process_stderr process_stdout "
            "process_targeted_event running_process_event shutdown_process signal_process"
        ),
    },
    "launch.launch_description_sources": {
        "launch.launch_description_sources.launch_files": (
            "any_launch_description_source any_launch_file_utilities python_launch_description_source "
            "python_launch_file_utilities"
        ),
    },
    "launch.substitutions": {
        "launch.substitution": "substitution_failure text_substitution",
        "launch.substitutions.boolean": "boolean_substitution",
        "launch.substitutions.comparison": "equals_substitution if_else_substitution not_equals_substitution",
        "launch.substitutions.files": "file_content find_executable this_launch_file this_launch_file_dir",
        "launch.substitutions.paths": "path_join_substitution path_substitution",
    },
    "launch.utilities": {
        "launch.utilities": (
            "class_tools_impl create_future_impl ensure_argument_type_impl normalize_to_list_of_entities_impl "
            "normalize_to_list_of_substitutions_impl perform_substitutions_impl "
            "visit_all_entities_and_collect_futures_impl"
        ),
    },
}


def add_module_names(module_names: ModuleNames) -> None:
    """Make modules, which have been imported, importable under ROS 2's names as well."""
    for package, modules in module_names.items():
        for module, names in modules.items():
            for name in names.split():
                sys.modules[f"{package}.{name}"] = sys.modules[module]
                if not hasattr(sys.modules[package], name):
                    setattr(sys.modules[package], name, sys.modules[module])
