"""Values → text through a Jinja template, with delimiters that LaTeX leaves alone."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, meta

from codegen.documents.translation import translations


@cache
def _environment(package: str, language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        block_start_string="\\BLOCK{",
        block_end_string="}",
        variable_start_string="\\VAR{",
        variable_end_string="}",
        comment_start_string="\\COMMENT{",
        comment_end_string="}",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # strings come finished: what is user text was escaped for its format
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(language))  # type: ignore[attr-defined]
    return environment


def render(package: str, template: str, /, *, language: str = "en", **values: object) -> str:
    """Return a template of a package, filled in.

    Parameters
    ----------
    package : str
        The package whose folder ``templates`` holds the template.
    template : str
        The name of the file.
    language : str
        What the template's own words are translated to: ``_("Figure")``.
    **values
        Finished strings, or tuples of small dataclasses of them: exactly those that the template
        names.
    """
    environment = _environment(package, language)
    used = _named(package, template)
    assert used == set(values), f"{template} uses {sorted(used)}; {sorted(values)} came"
    return environment.get_template(template).render(values)


@cache
def _named(package: str, template: str) -> frozenset[str]:
    """Return the names that a template uses, but for what asks for a word in its language."""
    environment = _environment(package, "en")
    assert environment.loader is not None
    source = environment.loader.get_source(environment, template)[0]
    return frozenset(meta.find_undeclared_variables(environment.parse(source)) - {"_"})


__all__ = ["render"]
