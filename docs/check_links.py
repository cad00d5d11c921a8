#!/usr/bin/env python3
"""Checks the relative links and anchors of all Markdown files, and that the book lists all of its pages.

    check_links.py [FOLDER]

Prints `FILE:LINE: LINK: what is wrong` for each broken link and exits 1 if there is one. Looks at the files that git
tracks or would track; links with a scheme are left alone. Python standard library only.
"""
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

INLINE = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^\s()<>]+(?:\([^\s()]*\)[^\s()<>]*)?)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?")
HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
SETEXT = re.compile(r"^ {0,3}(=+|-+)\s*$")
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
CODE = re.compile(r"(`+)(?:(?!\1).|\1`)*?\1(?!`)")
HTML_ANCHOR = re.compile(r"<[a-z][^>]*\s(?:id|name)=[\"']([^\"']+)[\"']", re.IGNORECASE)
SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:|^//")


def markdown_files(root: Path) -> list[Path]:
    """Markdown files that git tracks or would track, and are there."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    names = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    return sorted(path for path in {root / name for name in names if name} if path.is_file())


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Lines outside of fenced code, with their numbers."""
    fence = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = FENCE.match(line)
        if fence is None and found:
            fence = found[1]
        elif fence is not None:
            if found and found[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
        else:
            yield number, line


def slug(heading: str) -> str:
    """The anchor that a heading gets: what is shown, lower case, spaces as dashes, punctuation left out."""
    shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    shown = re.sub(r"<[^>]*>", "", shown.replace("`", ""))
    shown = re.sub(r"(?<!\w)[*_]+|[*_]+(?!\w)", "", shown)
    return re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-")


@functools.cache
def anchors(path: Path) -> frozenset[str]:
    """All anchors of a file; a repeated heading gets a number."""
    found: set[str] = set()
    before = ""
    for _, line in prose(path):
        heading = HEADING.match(line)
        text = heading[2] if heading else before if SETEXT.match(line) and before.strip() else None
        if text is not None:
            base = name = slug(text)
            count = 0
            while name in found:
                count += 1
                name = f"{base}-{count}"
            found.add(name)
        found.update(HTML_ANCHOR.findall(line))
        before = line
    return frozenset(found)


def links(path: Path) -> Iterator[tuple[int, str]]:
    """Targets of the links of a file, with their lines."""
    for number, line in prose(path):
        text = CODE.sub(lambda code: " " * len(code[0]), line)
        for pattern in (INLINE, REFERENCE):
            for target in pattern.findall(text):
                yield number, target


def fault(path: Path, link: str, root: Path) -> str | None:
    """What is wrong with a link."""
    if SCHEME.match(link):
        return None
    name, _, anchor = link.partition("#")
    if name.startswith("/"):
        return "begins with a slash, which means nothing outside of a server"
    target = (path.parent / unquote(name)).resolve() if name else path.resolve()
    if not target.is_relative_to(root):
        return "leads out of the repository"
    if not target.exists():
        return "there is no such file"
    if anchor and target.suffix == ".md" and unquote(anchor) not in anchors(target):
        return "there is no such heading"
    return None


def missing_pages(root: Path) -> Iterator[str]:
    """Pages of the book that its table of contents does not name."""
    summary = root / "docs" / "src" / "SUMMARY.md"
    if not summary.is_file():
        yield f"{summary.relative_to(root)}: is missing"
        return
    listed = {(summary.parent / target.partition("#")[0]).resolve() for _, target in links(summary)}
    for page in sorted(summary.parent.rglob("*.md")):
        if page != summary and page.resolve() not in listed:
            yield f"{page.relative_to(root)}: is not in {summary.relative_to(root)}"


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    files = markdown_files(root)
    faults = list(missing_pages(root))
    count = 0
    for path in files:
        for number, link in links(path):
            count += 1
            wrong = fault(path, link, root)
            if wrong:
                faults.append(f"{path.relative_to(root)}:{number}: {link}: {wrong}")
    print(*faults, sep="\n", end="\n" if faults else "")
    print(f"{len(files)} files, {count} links, {len(faults)} broken")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
