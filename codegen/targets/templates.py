"""Finished values → the source text of a target, through its Jinja templates."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, meta


@cache
def _environment(package: str) -> Environment:
    return Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # source code, not HTML; every string that comes in is made here
    )


def render(package: str, template: str, /, **values: object) -> str:
    """Return a template of a target, filled in; no template names anything else."""
    environment = _environment(package)
    for name in environment.list_templates():
        text, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
        assert meta.find_undeclared_variables(environment.parse(text)) <= set(values), name
    return environment.get_template(template).render(values)
