"""Turn a page into the cells of a notebook that needs the installed package alone."""

import ast
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple
from urllib.parse import urljoin

from docs.blocks import FENCE, Block, block_of

_FOLD = r'^(?:!!!|\?\?\?\+?|===)(?P<kind>(?: +[\w-]+)*)(?: +"(?P<title>.*)")? *\n(?P<body>(?:(?: {4}.*)?\n)+)'
_PIECE = re.compile(f"{FENCE.pattern}|{_FOLD}", re.MULTILINE)
_REPOSITORY = {"docs", "benchmarks", "tests"}
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_ANCHOR = re.compile(r'^ *<a id="[^"]*"></a> *\n', re.MULTILINE)
_ATTRIBUTES = re.compile(r" *\{:? *[#.][^}\n]*\} *$", re.MULTILINE)
_LINK = re.compile(
    r"(?P<code>`[^`]*`)|(?P<image>!?)\[(?P<text>(?:`[^`]*`|[^\]`])+)\]\((?P<to>[^)\s]*)[^)]*\)"
)
_TITLE = re.compile(r'^(```\w+) title="([^"]*)" *$', re.MULTILINE)  # of a block of code


class Cell(NamedTuple):
    """A cell of a notebook."""

    kind: str  # "markdown" or "code"
    text: str
    shows_figure: bool = False  # its last line is one


def cells_of(text: str, name: str, url: str = "") -> list[Cell]:
    """Return the cells of a page.

    Prose becomes Markdown and executed blocks become code, the hidden ones too: later ones need them. Of what
    only the site can do, a figure becomes the last line of its cell, a quoted function Markdown, a fold a
    heading. A block with the option ``notebook="no"`` is left out, and a sentence says so.

    Parameters
    ----------
    text : str
        The page in Markdown.
    name : str
        What errors call it.
    url : str, optional
        Its address on the web. Without one, links within the site become plain words.

    Raises
    ------
    ValueError
        If a block uses the site's modules in a way that a notebook cannot follow, named by page and line.
    """
    page = _Page(name, url)
    front = _FRONT_MATTER.match(text)
    start = front.end() if front else 0
    page.add(text[start:] + "\n", 1 + text.count("\n", 0, start))
    page.end_prose()
    return page.cells


class _Page:
    def __init__(self, name: str, url: str) -> None:
        self.name, self.url = name, url
        self.cells: list[Cell] = []
        self.prose: list[str] = []  # since the last cell, with a blank line between two
        self.of_site: dict[str, str] = {}  # names that only the site has, and the module that has each

    def add(self, text: str, line: int) -> None:
        """Add a part of the page that begins at its line `line`."""
        end = 0
        for match in _PIECE.finditer(text):
            self.prose.append(self.plain(text[end : match.start()]))
            end = match.end()
            if match["body"] is not None:
                self.add_fold(match, line + text.count("\n", 0, match.start("body")))
            elif not (block := block_of(match, line)).is_executed:
                self.prose.append(_shown(match[0]))
            elif block.options.get("notebook") == "no":
                self.on_the_page("something to see")
            else:
                self.add_code(block)
        self.prose.append(self.plain(text[end:]))

    def add_fold(self, match: re.Match[str], line: int) -> None:
        """Add an admonition, a fold or a tab: its title as a heading, and what it holds."""
        title = match["kind"].strip().capitalize() if match["title"] is None else match["title"]
        self.prose.append(f"#### {title}" if title else "")
        self.add(re.sub("^ {4}", "", match["body"], flags=re.MULTILINE), line)

    def add_code(self, block: Block) -> None:
        """Add an executed block, without what only the site can do."""
        lines, kept, end = block.code.splitlines(), [], 0
        for statement in ast.parse(block.code).body:
            part = lines[end : statement.end_lineno]  # with the comments above it
            end = statement.end_lineno or end
            if self.imports_site(statement):
                continue
            if call := self.call_of_site(statement):
                self.add_result(call, block, kept)
            elif not self.belongs_to_site(statement, block.line - 1):
                kept += part
        self.end_code(kept + lines[end:])

    def add_result(self, call: ast.Call, block: Block, kept: list[str]) -> None:
        """Add what `call` puts into the page: a figure, a caption, a quotation, or a place to play."""
        assert isinstance(call.func, ast.Name)
        module = self.of_site[call.func.id]
        if module == "docs.figures":
            figure, caption = call.args
            if isinstance(caption, ast.Constant):
                self.end_code([*kept, _source(block.code, figure)], shows_figure=True)
                self.prose.append(f"*{_escaped(caption.value)}*")
            else:
                texts = [f"print({_source(block.code, caption)})", _source(block.code, figure)]
                self.end_code([*kept, *texts], shows_figure=True)
        else:
            self.end_code(kept)
            if module == "docs.quotes":
                function = getattr(import_module(module), call.func.id)
                self.prose.append(_shown(function(*map(ast.literal_eval, call.args))))
            else:
                self.on_the_page("something to play with")
        kept.clear()

    def on_the_page(self, what: str) -> None:
        """Say that the page has more here."""
        page = f"[the page]({self.url})" if self.url else "the page"
        self.prose.append(f"*Here {page} has {what}, which a notebook has not.*")

    def imports_site(self, statement: ast.stmt) -> bool:
        """Tell whether `statement` imports from the modules of the site, and remember what."""
        if not isinstance(statement, ast.ImportFrom):
            return False
        module = statement.module or ""
        if module.partition(".")[0] != "docs":
            return False
        for alias in statement.names:
            self.of_site[alias.asname or alias.name] = module if "." in module else f"docs.{alias.name}"
        return True

    def call_of_site(self, statement: ast.stmt) -> ast.Call | None:
        """Return the call in ``print(picture(...))`` and its like."""
        match statement:
            case ast.Expr(ast.Call(ast.Name("print"), [ast.Call(ast.Name(name), given, named) as call], [])):
                can_be_followed = {
                    "docs.figures": len(given) == 2 and not named,
                    "docs.quotes": all(isinstance(argument, ast.Constant) for argument in given)
                    and not named,
                    "docs.widgets": True,
                }
                return call if can_be_followed.get(self.of_site.get(name, "")) else None
        return None

    def belongs_to_site(self, statement: ast.stmt, offset: int) -> bool:
        """Tell whether `statement` only prepares what a widget shows; anything else may not use the site."""
        nodes = list(ast.walk(statement))
        used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        # What a loop or a function binds itself is its own there; in `a = f(a)` the second is the older one.
        names = (used if isinstance(statement, ast.Assign) else used - bound) & self.of_site.keys()
        foreign = names | ({module.partition(".")[0] for module in _imported(statement)} & _REPOSITORY)
        match statement:
            case ast.Assign([ast.Name(target)]) if names:
                self.of_site[target] = "docs.widgets"
                return True
        if foreign:
            line = offset + statement.lineno
            raise ValueError(
                f"{self.name}, line {line}: a notebook has no {', '.join(sorted(foreign))}; "
                "use the package, write print(picture(figure, text)), print(quote(...)) or print(widget(...))"
                ' as a statement of its own that is not indented, or leave the block out by notebook="no"'
            )
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for name in bound & self.of_site.keys():
                del self.of_site[name]  # the page's own from here on
        return False

    def end_code(self, lines: list[str], shows_figure: bool = False) -> None:
        """Make `lines` a cell, after the prose before it."""
        if code := "\n".join(lines).strip("\n"):
            self.end_prose()
            self.cells.append(Cell("code", code, shows_figure))

    def end_prose(self) -> None:
        """Make the prose so far a cell."""
        if text := "\n\n".join(filter(None, (part.strip("\n") for part in self.prose))).strip():
            self.cells.append(Cell("markdown", text))
        self.prose = []

    def plain(self, prose: str) -> str:
        """Return `prose` in the Markdown that notebooks know."""
        prose = _ATTRIBUTES.sub("", _ANCHOR.sub("", prose))
        return _LINK.sub(self.link, prose)

    def link(self, match: re.Match[str]) -> str:
        """Return a link as it is from outside of the site."""
        to = match["to"]
        if match["code"] or re.match(r"(https?|mailto):", to):
            return match[0]
        if self.url:
            to = urljoin(self.url, re.sub(r"\.md(?=$|#)", ".html", to))
            return f"{match['image']}[{match['text']}]({to})"
        return f"*{match['text']}*" if match["image"] else match["text"]


def _imported(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _shown(fence: str) -> str:
    """Return a block of code with its title above it, where notebooks show it."""
    return _TITLE.sub(r"`\2`:\n\n\1", fence, count=1)


def _source(code: str, node: ast.expr) -> str:
    """Return the code of an expression, its later lines moved left."""
    first, *later = (ast.get_source_segment(code, node) or "").split("\n")
    return "\n".join([first, textwrap.dedent("\n".join(later))]) if later else first


def _escaped(text: str) -> str:
    """Return Markdown that shows `text` as it is."""
    return re.sub(r"([\\`*_<\[$])", r"\\\1", text)
