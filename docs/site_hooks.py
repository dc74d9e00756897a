"""What `mkdocs build` does beyond its plugins: links out of the site, and a check of the API page.

Pages link to files of the repository, such as examples and golden numbers, which the site does not
hold. There the link becomes its text with the file's name, or a link to the file if `repo_url` in
mkdocs.yml says where the repository is.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>\.\./[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
API_PAGE = "api-reference.md"


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Replace links to files outside the documents' folder.

    Raises:
        PluginError: if such a link leads nowhere.
    """
    documents = Path(config.docs_dir).resolve()
    folder = Path(page.file.abs_src_path).resolve().parent

    def replace(link: re.Match[str]) -> str:
        target = (folder / link["target"]).resolve()
        if target.is_relative_to(documents):
            return link[0]
        if not target.exists():
            raise PluginError(f"{page.file.src_uri}: {link['target']} does not exist")
        name = target.relative_to(documents.parent).as_posix()
        if config.repo_url:
            address = f"{config.repo_url.rstrip('/')}/blob/HEAD/{name}{link['anchor'] or ''}"
            return f"[{link['text']}]({address})"
        return link["text"] if link["text"] == name else f"{link['text']} (`{name}`)"

    return LINK.sub(replace, markdown)


def on_page_content(html: str, *, page: Any, config: Any, **_: Any) -> str:
    """Check that the API page documents every public name.

    Raises:
        PluginError: if one is missing.
    """
    if page.file.src_uri == API_PAGE:
        package = Path(config.docs_dir).parent / "harness" / "vqa_harness" / "__init__.py"
        missing = [n for n in public_names(package) if f'id="vqa_harness.{n}"' not in html]
        if missing:
            raise PluginError(f"{API_PAGE} does not document {', '.join(missing)}")
    return html


def public_names(module: Path) -> list[str]:
    """Names in the `__all__` of a module, read without importing it."""
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    raise PluginError(f"{module.name} has no __all__")
