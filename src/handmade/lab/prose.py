"""Texts in Markdown as trees of plain data, which the page builds elements from: no HTML travels.

A tree is a text, or {"tag": "p", "children": [trees]}. There are no rules but those of RULES: no HTML, no links, no images.
"""

import re
from typing import Any, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

Tree: TypeAlias = "str | dict[str, Any]"

TAGS = {
    "paragraph": "p",
    "code_block": "pre",
    "fence": "pre",
    "code_inline": "code",
    "strong": "strong",
    "em": "em",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
}
RULES = ["code", "fence", "backticks", "emphasis", "balance_pairs", "list", "table"]
WIDE = "\u3000-\u303f\u3400-\u9fff\uff00-\uffef"  # characters of Chinese, between which a line break is no space
BREAK = re.compile(rf"(?<=[{WIDE}])\n(?=[{WIDE}])")

_parser = MarkdownIt("zero").enable(RULES)


def trees(text: str) -> list[Tree]:
    """Return the blocks of a text in Markdown."""
    return _children(SyntaxTreeNode(_parser.parse(text)))


def _children(node: SyntaxTreeNode) -> list[Tree]:
    found: list[Tree] = []
    for child in node.children:
        found += _children(child) if child.type == "inline" else [_tree(child)]
    return found


def _tree(node: SyntaxTreeNode) -> Tree:
    if node.type == "text":
        return BREAK.sub("", node.content).replace("\n", " ")
    content = [node.content.rstrip("\n")] if node.type in {"code_block", "fence", "code_inline"} else _children(node)
    return {"tag": TAGS[node.type], "children": content}
