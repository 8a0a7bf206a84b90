"""Every no of the core has its sentence in Chinese and English, wherever somebody may meet it."""

from __future__ import annotations

import ast
import json
import tomllib

import pytest

from app.errors import Code
from tests.architecture.tree import ROOT, name, parsed, product_modules

PAGES = ROOT / "cloud" / "pages"

# Codes the customer's pages hear and answer by showing the order as it now stands; no page is about them.
SHOWN_AS_THE_ORDER = {Code.ORDER_CLOSED}


@pytest.mark.parametrize("code", Code)
def test_the_till_can_say_every_code(code: Code):
    sentences = json.loads((ROOT / "ui" / "texts" / "errors.json").read_text("utf-8"))
    chinese, english = sentences[f"error.{code.value}"]
    assert chinese.strip()
    assert english.strip()
    assert chinese != english


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_exists_for_every_no_a_customer_can_meet(language: str):
    closed = tomllib.loads((PAGES / "i18n" / f"{language}.toml").read_text("utf-8"))["closed"]
    met = {code.value for code in codes_of_pages() - SHOWN_AS_THE_ORDER} | named_problems()
    missing = [f"{met_code}_{part}" for met_code in sorted(met) for part in ("title", "lead")]
    assert [key for key in missing if not closed.get(key, "").strip()] == []
    assert len(met) >= 6


def codes_of_pages() -> set[Code]:
    """Return the codes the customer's pages name."""
    return {
        Code[node.attr]
        for path in product_modules()
        if name(path).startswith("cloud/pages/")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        if isinstance(node.value, ast.Name)
        if node.value.id == "Code"
    }


def named_problems() -> set[str]:
    """Return the problems the pages show under a name of their own, and the faces that are a no."""
    from cloud.pages.faces import STATUS

    named = {
        node.args[2].value
        for path in product_modules()
        if name(path).startswith("cloud/pages/")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        if isinstance(node.func, ast.Name)
        if node.func.id == "problem"
        if isinstance(node.args[2], ast.Constant)
    }
    return {str(each) for each in named} | {face.value for face in STATUS}
